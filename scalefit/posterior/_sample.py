"""A posterior of a law's parameters, as an ensemble of equally weighted draws."""

import warnings
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from .._core import RESULTS, InputError
from ..data import Runs
from ..estimate import Prepared, free_numbers, laws_at, prepare, refuse_number, representable, studies_of
from ..laws import AbstractLaw
from ..params import slots, values
from ..results import Ensemble, Fit
from ._density import Problem, mode
from ._diagnose import chains_diagnosed
from ._importance import Weighed, proposed, resampled, weigh
from ._nuts import CHAINS, nuts
from ._prior import SCALE, default, described, with_given

LawT = TypeVar("LawT", bound=AbstractLaw)
Method = Literal["auto", "is", "nuts"]

OVER = 8
"""Weighed draws for each draw that is asked for, so that few are taken twice."""
LEAST = 8192
"""Weighed draws at least: of fewer, the tail of the weights says little."""
FINE, SHARE = 0.5, 0.1
"""Importance sampling is trusted up to this k̂ and from this share of effective draws on."""
USELESS, MIXED = 0.7, 1.05
"""The k̂ from which weights, and the R̂ from which chains, are not to be trusted."""
STEPS = 100
"""Draws of each chain at least."""


def sample(
    fit: Fit[LawT],
    runs: Runs,
    *,
    num: int = 2000,
    method: Method = "auto",
    priors: Mapping[str, Any] | None = None,
    cluster: str | tuple[str, ...] | None = "auto",
    seed: int = 0,
) -> Ensemble[LawT]:
    r"""Draws from the posterior of a law's parameters, given runs that scatter as the fit's noise says.

    The density is that of the runs (Gaussian, Student-t, or Huber's normal centre with exponential tails) times priors
    of the parameters and of the scatter. Importance sampling weighs draws of a Student-t with 8 degrees of freedom
    about the mode; the No-U-Turn sampler runs chains in coordinates in which the curvature at the mode is one.

    **Arguments:**

    - `fit`: A single fit that converged: the law, the noise, what is held fixed, and where to look.
    - `runs`: The runs that it was fitted to.
    - `num`: Draws.
    - `method`: `"is"`, `"nuts"`, or `"auto"`: the former unless its diagnosis is bad.
    - `priors`: Parameter → NumPyro distribution of its natural value; `"scale"` for the scatter, which is relative on
        logarithms and otherwise a share of the typical target. The others' priors are weak, from the law's own
        declared ranges, and stand in `diagnostics["priors"]`.
    - `cluster`: What stands for one observation: see `covariance`.
    - `seed`: Of the draws.

    **Returns:** an `Ensemble` of equally weighted draws; `diagnostics` holds `method`, `ess_bulk`, `ess_tail`, `rhat`
    by parameter, `divergences`, `khat` (NaN or `None` where a method has none), `contraction` by parameter (1 less the
    variance after over that before the runs: near 0 where they do not inform it) and `priors` in words.

    **Warns:** where k̂ is 0.7 or more, or chains diverged or did not mix; and where the fit, whose numbers stand as
    `value` beside intervals, lies outside the draws.

    **Raises:** `InputError` for fits that did not converge, rows of one training that are not independent, priors of
    what is not fitted, and priors that leave out values that a parameter may have.
    """
    refuse_number("num", num, 2)
    refuse_number("seed", seed, 0)
    if method not in ("auto", "is", "nuts"):
        raise InputError(f"method is {method!r}; expected 'auto', 'is' or 'nuts'.")
    prepared, problem = _problem(fit, runs, cluster, priors or {})
    curve = prepared.curve
    rng = np.random.default_rng([seed, 0x5A3B])
    keys = jax.random.split(jax.random.key(seed), 2)
    with jax.enable_x64(True):
        at = mode(curve, jnp.asarray(_start(prepared, fit)), problem)
        drawn: np.ndarray | None = None
        found: dict[str, Any] = {"khat": None}
        if method != "nuts":
            weighed = weigh(*proposed(curve, at, problem, keys[0], max(LEAST, OVER * num)))
            found = _weighed(weighed, num)
            if method == "is" or (weighed.khat < FINE and found["efficiency"] > SHARE):
                drawn = resampled(weighed, num, rng)
        if drawn is None:
            chains = jax.tree.map(np.asarray, nuts(curve, at, problem, keys[1], max(STEPS, -(-num // CHAINS))))
            drawn = rng.permutation(chains.numbers.reshape(-1, chains.numbers.shape[-1]))[:num]
            diagnosed = chains_diagnosed(chains.numbers, chains.diverging, (*fit.free, SCALE))
            found = {"method": "nuts", "khat": found["khat"], **diagnosed}
    ensemble = _ensemble(fit, prepared, drawn, found, seed)
    found["contraction"] = _contraction(problem, ensemble, drawn)
    found["priors"] = described(problem.prior, curve)
    _warn_of_quality(found)
    _warn_of_priors(ensemble)
    return ensemble


def _weighed(weighed: Weighed, num: int) -> dict[str, Any]:
    """What importance sampling says of itself: no more independent draws than are kept."""
    ess = min(weighed.ess, float(num))
    efficiency = weighed.ess / len(weighed.weight)
    return {
        "method": "is", "khat": weighed.khat, "ess_bulk": ess, "ess_tail": ess, "rhat": {}, "divergences": 0,
        "efficiency": efficiency,
    }  # fmt: skip


def _problem(fit: Fit[Any], runs: Runs, cluster: Any, priors: Mapping[str, Any]) -> tuple[Prepared, Problem]:
    if fit.keys is not None:
        raise InputError(f"The fit is a batch: sample one study of it, as fits[{fit.keys[0]!r}].")
    if not fit.converged:
        raise InputError("The fit did not converge, so there is nowhere to look for a posterior: mend the fit first.")
    studies = studies_of(fit, runs)
    trainings = np.unique(studies.runs.clusters(cluster)).size
    if trainings < len(studies.runs):
        raise InputError(
            f"The {len(studies.runs)} rows are of {trainings} trainings, and the density would take each row for "
            f"itself: use bootstrap, or cluster=None if the rows are independent."
        )
    prepared = prepare(fit.law, studies, fit.noise, fit.fixed)
    prior = with_given(default(prepared.curve), prepared.curve, priors)
    return prepared, Problem(prepared.data, fit.noise, prior)


def _contraction(problem: Problem, ensemble: Ensemble[Any], drawn: np.ndarray) -> dict[str, float]:
    """By parameter, 1 less the variance after the runs over that before: of sampled numbers, or natural values."""
    natural = _natural(ensemble)
    found = {}
    for i, name in enumerate((*ensemble.free, SCALE)):
        given = problem.prior.given.get(i)
        if given is None:
            after, before = np.var(drawn[:, i]), problem.prior.spread[i] ** 2
        else:
            after, before = np.var(natural[i]), given.variance
        found[name] = float(1.0 - after / before)
    return found


def _natural(ensemble: Ensemble[Any]) -> list[np.ndarray]:
    """Draws of the free parameters and of the scatter."""
    numbers = values(ensemble.law)
    names = [slot.name for slot in slots(ensemble.fit.law)]
    return [*(numbers[:, names.index(name)] for name in ensemble.free), np.asarray(ensemble.scale)]


def _warn_of_quality(found: Mapping[str, Any]) -> None:
    """Say where the draws are not to be trusted, and what to do."""
    said = None
    worst = max(found["rhat"].values(), default=1.0)
    if found["method"] == "is" and not found["khat"] < USELESS:
        said = f"Importance sampling fails here (Pareto k {found['khat']:.2f}): use method='nuts'"
    elif found["divergences"] > 0:
        said = f"{found['divergences']} transitions diverged: give stronger priors, or hold a parameter fixed"
    elif worst > MIXED:
        said = f"The chains have not mixed (R-hat {worst:.2f}): draw more, or give stronger priors"
    if said is not None:
        warnings.warn(f"{said}. The draws are not to be trusted as they are.", stacklevel=3)


def _warn_of_priors(ensemble: Ensemble[Any]) -> None:
    """Say where the draws leave the fit, whose numbers stand as `value` beside their intervals."""
    fitted = values(ensemble.fit.law)
    names = [slot.name for slot in slots(ensemble.fit.law)]
    apart = []
    for name, drawn in zip(ensemble.free, _natural(ensemble), strict=False):
        low, high = np.quantile(drawn, [0.025, 0.975])
        if not low <= fitted[names.index(name)] <= high:
            apart.append(name)
    if apart:
        warnings.warn(
            f"The fit's {', '.join(apart)} lies outside the central 95 % of the draws: priors, or the scatter, pull "
            f"them away from it. `value` in summaries and bands is the fit's; take the mean of the draws instead.",
            stacklevel=3,
        )


def _start(prepared: Prepared, fit: Fit[Any]) -> np.ndarray:
    """The fit as sampled numbers; a term that vanished begins small."""
    curve = prepared.curve
    theta = np.nan_to_num(free_numbers(prepared, fit.law), nan=0.0)
    kinds = [curve.slots[k].parameter.constraint.kind for k in curve.free]
    start = [np.log(max(t, 1e-3)) if kind == "nonnegative" else t for t, kind in zip(theta, kinds, strict=True)]
    scatter = float(fit.scale) if fit.noise.log else float(fit.scale) / float(prepared.typical[0])
    return np.array([*start, np.log(max(scatter, 1e-12))])


def _ensemble(
    fit: Fit[LawT], prepared: Prepared, drawn: np.ndarray, diagnostics: dict[str, Any], seed: int
) -> Ensemble[LawT]:
    curve, num = prepared.curve, len(drawn)
    kinds = np.array([curve.slots[k].parameter.constraint.kind == "nonnegative" for k in curve.free])
    theta = np.where(kinds, np.exp(np.where(kinds, drawn[:, :-1], 0.0)), drawn[:, :-1])
    law: Any = laws_at(prepared, theta, np.zeros(num, int))
    scale = np.exp(drawn[:, -1]) * (1.0 if fit.noise.log else float(prepared.typical[0]))
    return Ensemble(
        law=law,
        objective=np.full(num, np.nan),
        result=np.where(representable(law), int(RESULTS.successful), int(RESULTS.overflow)),
        scale=scale,
        dead=np.zeros((num, curve.size), bool),
        fit=fit,
        method="posterior",
        seed=seed,
        diagnostics=diagnostics,
    )
