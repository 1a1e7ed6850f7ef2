"""Which runs to do next: those that tell the most of what is asked, for what they cost."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ..._core import InputError, Phrase, check_choice, check_flag, check_number
from ...data import Runs
from ...laws import AbstractLaw, gathered
from ...results import Ensemble, Fit
from .._cost import SIX_ND, Cost, cost_of
from ._candidates import candidates_of, money_of, prices_of, sigma_of, warn_odd
from ._criteria import Chosen, Criterion, best_batch, covariances, nothing, scale_of, slopes
from ._exchange import Choice, few_best, variance
from ._information import Information, covariance_of, decorrelated, information_of, intraclass_correlation
from ._refine import refined
from ._target import LOGS, Target, target_of


@dataclasses.dataclass(frozen=True)
class Design:
    """Runs to do next, in the order of doing them.

    **Arguments:**

    - `candidates`: Input → its value for every candidate; of the chosen where they were moved to, if they were.
    - `order`: The places of the chosen among the candidates, the most telling for its cost first.
    - `cost`: What each of the chosen costs; `budget`: what they may cost together.
    - `sd`: Standard deviation of the target before any of them, and after each; the root of the sum of variances where
        the target has several numbers; `None` without a target. Of N and D it is that of the logarithm. It is to first
        order: the root of the mean, over the draws, of the variance about each.
    - `left`: The criterion likewise: the variance of the target, the log determinant of the covariance of the law's
        numbers, or the expected regret in the unit of the loss.
    - `criterion`: `"V"`, `"D"` or `"regret"`.
    - `target`: The target, in words.
    - `noise`: Scatter of a run that this reckons with.
    - `failed`: Draws that take no part: not converged, or the target is not finite there.
    - `among`: Standard deviation of the target from draw to draw, which `sd` does not count: far above the first of
        `sd`, the draws are of optima that lie apart, or the target is no straight line between them. `None` of one
        draw, or without a target.
    """

    candidates: Mapping[str, Float[np.ndarray, " candidate"]]
    order: Int[np.ndarray, " run"]
    cost: Float[np.ndarray, " run"]
    budget: float
    sd: Float[np.ndarray, " some"] | None
    left: Float[np.ndarray, " some"]
    criterion: Criterion
    target: str
    noise: float
    failed: int = 0
    among: float | None = None

    @property
    def runs(self) -> dict[str, Float[np.ndarray, " run"]]:
        """The inputs of the chosen runs, in order."""
        return {name: column[self.order] for name, column in self.candidates.items()}

    @property
    def asked(self) -> str:
        """What `sd` is of, in words: the target, or the logarithm of the N or D that it is."""
        return (
            f"log {self.target}"
            if self.target.partition("@")[0].strip() in LOGS and "@" in self.target
            else self.target
        )

    @property
    def spent(self) -> float:
        """What the chosen runs cost together."""
        return float(np.sum(self.cost))

    def __len__(self) -> int:
        return len(self.order)

    def __repr__(self) -> str:
        what = {"V": "variance", "D": "volume", "regret": "regret"}[self.criterion]
        lines = [
            f"Design of {len(self)} of {len(next(iter(self.candidates.values())))} runs by {what}, "
            f"{self.spent:.4g} of {self.budget:.4g}"
        ]
        if self.sd is not None:
            among = "" if self.among is None else f", about each draw; {self.among:.3g} from draw to draw"
            lines.append(f"  sd of {self.asked}: {self.sd[0]:.3g} before, {self.sd[-1]:.3g} after{among}")
        after = self.left if self.sd is None else self.sd
        for i, cost in enumerate(self.cost):
            inputs = ", ".join(f"{name}={column[i]:.4g}" for name, column in self.runs.items())
            lines.append(f"  {inputs}: {cost:.4g} → {after[i + 1]:.3g}")
        return "\n".join(lines)


def design_runs(
    result: Fit[Any] | Ensemble[Any] | AbstractLaw,
    candidates: Any,
    *,
    budget: float,
    most: int | None = None,
    target: str | Callable[[Any], Any] | None = None,
    criterion: Criterion = "V",
    done: Runs | None = None,
    cluster: str | tuple[str, ...] | None = "auto",
    cost: str | Callable[[Any, Any], Any] | ArrayLike = "6ND",
    noise: float | None = None,
    refine: bool = False,
    num_draws: int = 200,
) -> Design:
    r"""Choose the runs that leave the least unknown, for what they cost.

    A run of slopes j in the law's free numbers and scatter σ takes
    $\overline{(g^\top\Sigma j)^2/(\sigma^2 + j^\top\Sigma j)}$ off the variance of a target of slopes g (V), or
    $\log(1 + j^\top\Sigma j/\sigma^2)$ off the volume of what is unknown (D), the mean over the draws: those of an
    ensemble stand for every optimum that the runs allow. Regret is what the loss at the target's compute is expected to
    lie above its least, as N* is not known: $\tfrac12 L''(\log N^*)\,\mathrm{Var}\log N^*$. Runs are taken one by one
    by gain for their cost, each updating Σ; of eight or fewer, one or two are then exchanged for others as long as that
    leaves less unknown. To go on: train them, add them to the runs (`joined`),
    fit and ask again.

    **Arguments:**

    - `result`: An ensemble; a fit, looked at about each of its optima, by their weight, where others may be
        as good as the best; or a law and `noise`, before anything was trained: each of its
        numbers counts as known to within its own size then.
    - `candidates`: Runs that could be done: a table of the law's inputs (path, data frame or columns by name).
    - `budget`: What they may cost together, in the unit of `cost`.
    - `most`: The most runs to choose; as many as the budget pays for unless given.
    - `target`: `"loss@C=1e24"`, `"loss@N=7e10,D=1.4e12"`, `"N@C=1e24"`, `"D@C=1e24"`, or a function of the law in JAX.
        C is in the unit of `cost`; FLOP, of 6 N D, where that is a number for each candidate.
    - `criterion`: `"V"`, `"D"` (needs no target) or `"regret"` (a target at a compute).
    - `done`: Runs done before, from which a law alone is known. Of an ensemble those of its fit: how sure each draw is
        follows from them then, and not from the spread of the draws.
    - `cluster`: What tells the trainings of the runs apart: see `Runs.clusters`. Rows of one, as checkpoints, tell the
        less of what trainings differ in, and the more of what changes during one, the more the fit's residuals have in
        common within one; for a law they count as one run together.
    - `cost`: A word or a function of N and D, as for `allocate`; or a number for each candidate.
    - `noise`: Scatter of a run, of the logarithm where the noise is; that of the fit unless given. Where the runs done
        have an `se` it is that of a run of their median, and each of them counts by its own.
    - `refine`: Whether N and D of the chosen then move as continuous numbers, by gradients, to where the criterion is
        least about them: within the convex hull of the candidates' log N and log D, at no more than the budget.
    - `num_draws`: The most draws of an ensemble to look at.

    **Returns:** a `Design`.

    **Warns:** where a chosen run has a ratio of data to size that is hardly meant, or its compute is more than a
    hundred times below or above that of every run there is: cheap candidates must be such as one would train.

    **Raises:** `InputError` where no candidate is affordable or tells anything, candidates lack an input, the target is
    unknown, nothing says how much is known, or what is to be refined has no N and D with a cost. Source: V-optimality
    for each cost, arXiv 2604.22753.
    """
    check_number("num_draws", num_draws, least=2, whole=True)
    check_flag("refine", refine)
    known = information_of(result, done, num_draws, cluster)
    law, fit = known.law, known.fit
    pool = candidates_of(law, candidates)
    paid = cost_of(cost) if isinstance(cost, str) or callable(cost) else None
    prices = prices_of(cost if paid is None else paid, pool)
    if refine and (paid is None or not paid.chosen(pool)):
        expected = f"False for a cost that is no word or function of {' and '.join(SIX_ND.inputs)}"
        raise InputError("refine", True, expected, "give such a `cost`")
    money = money_of(budget, prices)
    count = check_number("most", len(prices) if most is None else most, least=1, whole=True)
    sigma = sigma_of(noise, fit)
    check_choice("criterion", criterion, ("V", "D", "regret"))
    of, said = _target(target, criterion, law, paid or SIX_ND)
    log = fit is None or fit.noise.log
    # A formula that sums over passes must cover those of every run.
    every = pool
    if known.done is not None:
        every = {name: np.concatenate([column, known.done.inputs[name]]) for name, column in pool.items()}
    structure = jax.tree.structure(law.sized_for(gathered(law, every)))
    scale = scale_of(dataclasses.replace(known.curve, structure=structure), known.draws, pool)
    found = slopes(scale, pool, of, log)
    aim = found.target
    if criterion == "regret" and isinstance(of, Target):
        size = slopes(scale, pool, dataclasses.replace(of, quantity="N"), log)
        aim = size.target * np.sqrt(0.5 * np.maximum(size.curvature, 0.0))[:, None, None]
    fine = np.isfinite(found.runs).all((1, 2)) & np.isfinite(found.target).all((1, 2)) & np.isfinite(aim).all((1, 2))
    if fine.sum() < min(len(fine), 2):
        given = Phrase("is not finite at the law, or the law is not at a candidate")
        raise InputError("target", given, remedy="ask for another, or give other candidates")
    if known.done is not None:
        shown = slopes(scale, known.done.inputs, nothing, log).runs[fine] * known.done.precision[:, None]
        rho = 0.0
        if fit is not None:
            rho = intraclass_correlation(known.done.residuals, known.done.cluster, float(fit.scale), shown[0])
        shown, taken = decorrelated(shown, known.done.cluster, rho)
        sigma = sigma_of(noise, fit, taken)
        before = covariances(shown, sigma)
    elif len(scale.numbers) > 1:
        before = covariance_of(scale.numbers[fine])
    else:
        before = covariances(found.runs[fine, :0], sigma)
    volume = criterion == "D"

    def best(runs: np.ndarray, prices: np.ndarray, budget: float, **limits: Any) -> Chosen:
        asked = aim[fine], found.target[fine], before, prices, budget
        return best_batch(runs[fine] / sigma, *asked, **limits, volume=volume)

    order = best(found.runs, prices, money, most=count).order
    choice = Choice(found.runs[fine] / sigma, aim[fine], np.asarray(before), prices, money, count, volume)
    order = np.array(few_best(choice, order.tolist()), int)
    firsts = [order[:k].tolist() for k in range(len(order) + 1)]
    left = np.array([choice.left(some) for some in firsts])
    spread = np.array([variance(choice.after(some), found.target[fine]) for some in firsts])
    if order.size == 0:
        what = "the law" if target is None else f"the target {said!r}"
        given = Phrase(f"tell nothing of {what}")
        raise InputError("candidates", given, remedy="ask for another, or give other candidates")
    if refine and paid is not None:
        some = scale._replace(constant=scale.constant[fine], numbers=scale.numbers[fine])
        moved = refined(some, log, sigma, aim[fine], before, pool, order, paid, money, volume)
        # In order again, all of them that tell anything.
        again, costs = slopes(scale, moved, nothing, log).runs, prices_of(paid, moved)
        chosen = best(again, costs, np.inf, powers=(1.0,))
        rank, left, spread = chosen
        order, prices, pool = order[rank], prices.copy(), {name: column.copy() for name, column in pool.items()}
        prices[order] = costs[rank]
        for name, column in moved.items():
            pool[name][order] = column[rank]
    warn_odd(pool, order, _computes(known))
    return Design(
        candidates=pool,
        order=order,
        cost=prices[order],
        budget=money,
        sd=None if target is None else np.sqrt(spread),
        left=left,
        criterion=criterion,
        target=said,
        noise=sigma,
        failed=known.failed + int((~fine).sum()),
        among=None if target is None or fine.sum() < 2 else float(np.sqrt(np.sum(np.var(found.value[fine], axis=0)))),
    )


def _target(target: Any, criterion: Criterion, law: AbstractLaw, cost: Cost) -> tuple[Callable[[Any], Any], str]:
    """The target as a function of the law, and in words.

    **Raises:** `InputError` where the criterion needs one, or another.
    """
    if target is None:
        if criterion != "D":
            raise InputError("target", None, f"what criterion {criterion!r} is of, as 'loss@C=1e24'")
        return nothing, ""
    of = target_of(target, law, cost)
    if criterion == "regret" and not (isinstance(of, Target) and "C" in of.at):
        raise InputError("target", target, "'loss@C=1e24', as regret is of the best N for a compute")
    return of, target if isinstance(target, str) else getattr(target, "__name__", "target")


def _computes(known: Information) -> tuple[float, float] | None:
    """The least and the largest compute of the runs that there are, if it is known."""
    if known.done is not None and SIX_ND.chosen(known.done.inputs):
        C = SIX_ND.at(known.done.inputs)
        return float(C.min()), float(C.max())
    return None if known.fit is None else known.fit.source.ranges.get("C")
