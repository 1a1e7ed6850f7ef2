"""Which runs to do next: those that tell the most of what is asked, for what they cost."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from .._core import InputError
from ..data import Runs
from ..estimate import inputs_for, refuse_number, studies_of, usable
from ..laws import AbstractLaw
from ..params import slots, values
from ..results import Ensemble, Fit
from ._candidates import candidates_of, money_of, prices_of, sigma_of
from ._cost import SIX_ND, cost_of
from ._criteria import Criterion, best_batch, covariances, scale_of, slopes
from ._target import Target, target_of


@dataclasses.dataclass(frozen=True)
class Design:
    """Runs to do next, in the order of doing them.

    **Arguments:**

    - `candidates`: Input → its value for every candidate.
    - `order`: The places of the chosen among the candidates, the most telling for its cost first.
    - `cost`: What each of the chosen costs; `budget`: what they may cost together.
    - `sd`: Standard deviation of the target before any of them, and after each; the root of the sum of variances where
        the target has several numbers; `None` without a target. Of N and D it is that of the logarithm.
    - `left`: The criterion likewise: the variance of the target, the log determinant of the covariance of the law's
        numbers, or the expected regret in the unit of the loss.
    - `criterion`: `"V"`, `"D"` or `"regret"`.
    - `target`: The target, in words.
    - `noise`: Scatter of a run that this reckons with.
    - `failed`: Draws that take no part: not converged, or the target is not finite there.
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

    @property
    def runs(self) -> dict[str, Float[np.ndarray, " run"]]:
        """The inputs of the chosen runs, in order."""
        return {name: column[self.order] for name, column in self.candidates.items()}

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
            lines.append(f"  sd of {self.target}: {self.sd[0]:.3g} before, {self.sd[-1]:.3g} after")
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
    runs: Runs | None = None,
    cost: str | Callable[[Any, Any], Any] | ArrayLike = "6ND",
    noise: float | None = None,
    num_draws: int = 200,
) -> Design:
    r"""Choose the runs that leave the least unknown, for what they cost.

    A run of slopes j in the law's free numbers and scatter σ takes
    $\overline{(g^\top\Sigma j)^2/(\sigma^2 + j^\top\Sigma j)}$ off the variance of a target of slopes g (V), or
    $\log(1 + j^\top\Sigma j/\sigma^2)$ off the volume of what is unknown (D), the mean over the draws: those of an
    ensemble stand for every optimum that the runs allow. Regret is what the loss at the target's compute is expected to
    lie above its least, as N* is not known: $\tfrac12 L''(\log N^*)\,\mathrm{Var}\log N^*$. Runs are taken one by one
    by gain for their cost, each updating Σ. To go on in turn: train them, add them to the runs, fit and ask again.

    **Arguments:**

    - `result`: An ensemble; a fit with its `runs`; or a law and `noise`, before anything was trained: each of its
      numbers counts as known to within its own size then.
    - `candidates`: Runs that could be done: a table of the law's inputs (path, data frame or columns by name).
    - `budget`: What they may cost together, in the unit of `cost`.
    - `most`: The most runs to choose; as many as the budget pays for unless given.
    - `target`: `"loss@C=1e24"`, `"loss@N=7e10,D=1.4e12"`, `"N@C=1e24"`, `"D@C=1e24"`, or a function of the law in JAX.
    - `criterion`: `"V"`, `"D"` (needs no target) or `"regret"` (a target at a compute).
    - `runs`: The runs of the fit, or any runs done before for a law.
    - `cost`: A word or a function of N and D, as for `allocate`; or a number for each candidate.
    - `noise`: Scatter of a new run, of the logarithm where the noise is; that of the fit unless given.
    - `num_draws`: The most draws of an ensemble to look at.

    **Returns:** a `Design`.

    **Raises:** `InputError` where no candidate is affordable, candidates lack an input, the target is unknown, or
    nothing says how much is known. Source: V-optimality for each cost, arXiv 2604.22753.
    """
    refuse_number("num_draws", num_draws, 2)
    law, draws, free, failed, fit = _known(result, num_draws)
    pool = candidates_of(law, candidates)
    paid = cost_of(cost) if isinstance(cost, str) or callable(cost) else SIX_ND
    prices = prices_of(paid.of if isinstance(cost, str) or callable(cost) else cost, pool)
    money = money_of(budget, prices)
    count = len(prices) if most is None else most
    refuse_number("most", count, 1)
    sigma = sigma_of(noise, fit)
    if criterion not in ("V", "D", "regret"):
        raise InputError(f"criterion is {criterion!r}; expected 'V', 'D' or 'regret'.")
    if target is None and criterion != "D":
        raise InputError(f"criterion {criterion!r} needs a target, as target='loss@C=1e24'.")
    of = (lambda _: jnp.zeros(1)) if target is None else target_of(target, law, paid)
    if criterion == "regret" and not (isinstance(of, Target) and "C" in of.at):
        raise InputError(f"Regret is of the best N for a compute, and target is {target!r}: give 'loss@C=1e24'.")
    done = None
    if runs is not None:
        runs = usable(law, studies_of(fit, runs).runs if fit is not None else runs)
        done = inputs_for(law, runs)[0]
    elif not isinstance(result, Ensemble | AbstractLaw):
        raise InputError(
            "A fit does not hold its runs, and nothing says how sure it is: pass runs=, or an ensemble, as bootstrap."
        )
    log = fit is None or fit.noise.log
    scale, numbers = scale_of(law, draws, free, pool)
    found = slopes(scale, free, pool, of, log)
    aim = found.target
    if criterion == "regret" and isinstance(of, Target):
        best = slopes(scale, free, pool, dataclasses.replace(of, quantity="N"), log)
        aim = best.target * np.sqrt(0.5 * np.maximum(best.bend, 0.0))[:, None, None]
    fine = np.isfinite(found.runs).all((1, 2)) & np.isfinite(found.target).all((1, 2)) & np.isfinite(aim).all((1, 2))
    if not fine.any():
        raise InputError("The target is not finite at the law, or the law is not at a candidate: ask for others.")
    if done is not None:
        told = slopes(scale, free, done, lambda _: jnp.zeros(1), log).runs[fine]
        before = covariances(told, sigma)
    elif isinstance(result, Ensemble):
        before = np.broadcast_to(_spread(numbers[fine]), (int(fine.sum()), len(free), len(free)))
    else:
        before = covariances(found.runs[fine, :0], sigma)
    with jax.enable_x64(True):
        arrays = (found.runs[fine] / sigma, aim[fine], found.target[fine], before, prices, np.asarray(money))
        arrays = [jnp.asarray(a, jnp.float64) for a in arrays]
        chosen = jax.tree.map(np.asarray, best_batch(*arrays, jnp.asarray(count), volume=criterion == "D"))
    count = int(chosen.count)
    order = chosen.order[:count]
    return Design(
        candidates=pool,
        order=order,
        cost=prices[order],
        budget=money,
        sd=None if target is None else np.sqrt(chosen.variance[: count + 1]),
        left=chosen.left[: count + 1],
        criterion=criterion,
        target="" if target is None else target if isinstance(target, str) else getattr(target, "__name__", "target"),
        noise=sigma,
        failed=failed + int((~fine).sum()),
    )


def _known(result: Any, num_draws: int) -> tuple[AbstractLaw, Any, tuple[int, ...], int, Fit[Any] | None]:
    """The law, draws of it, the places of its free numbers, how many draws were left out, and the fit."""
    fit = result if isinstance(result, Fit) else result.fit if isinstance(result, Ensemble) else None
    law = result if fit is None else fit.law
    if not isinstance(law, AbstractLaw):
        raise InputError(f"result is a {type(result).__name__}; expected a fit, an ensemble or a law.")
    if fit is not None and fit.keys is not None:
        raise InputError(f"The fit is a batch of {len(fit.keys)} studies: design for one, as fits[{fit.keys[0]!r}].")
    if fit is not None and not fit.converged:
        raise InputError("The fit did not converge, so it says nothing of what to do next: mend the fit first.")
    if not np.isfinite(values(law)).all():
        raise InputError(f"{law!r} has numbers that are not known: fit it, or take a published one.")
    names = [slot.name for slot in slots(law)]
    free = tuple(range(len(names))) if fit is None else tuple(names.index(name) for name in fit.free)
    if not isinstance(result, Ensemble):
        return law, jax.tree.map(lambda a: np.asarray(a)[None], law), free, 0, fit
    good = np.flatnonzero(result.converged & np.isfinite(values(result.law)).all(axis=1))
    if good.size < 2:
        raise InputError("Fewer than two draws of the ensemble converged, so it says nothing of how sure the fit is.")
    draws = jax.tree.map(lambda a: np.asarray(a)[good[:num_draws]], result.law)
    return law, draws, free, len(result) - good.size, fit


def _spread(numbers: Float[np.ndarray, "draw free"]) -> Float[np.ndarray, "free free"]:
    """The covariance of draws, and not more than is known before any run; what never varies is known."""
    cov = np.cov(numbers, rowvar=False).reshape(numbers.shape[1], -1)
    # inv(inv(cov) + 1) without inverting what may be singular.
    return np.linalg.solve(cov + np.eye(len(cov)), cov) + 1e-14 * np.eye(len(cov))
