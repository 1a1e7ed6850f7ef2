"""A posterior of a law's parameters, as an ensemble of equally weighted draws."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._core import RESULTS, InputError
from ..estimate import refuse_number
from ..laws import AbstractLaw
from ..params import values, with_values
from ..problem import representable
from ..results import Ensemble, Fit
from ._check import checked
from ._draw import Draws, Method, draws_of, unweighed
from ._loo import left_out
from ._pose import Posed, laws_of, pose
from ._prior import (
    GROWTH,
    TRAINING,
    described,
    drawn_from,
    names_of,
    natural_numbers,
    number_of,
)
from ._quality import APART, warn_of_fit, warn_of_quality
from ._recall import recalled

LawT = TypeVar("LawT", bound=AbstractLaw)

LOGISTIC = math.pi**2 / 3.0
"""Variance of the log odds of a uniform number."""
FROM_PRIOR = 4000
"""Draws of a prior by which its width is known."""
JUDGED, CHECKED = 1000, 300
"""Draws at most by which `sample` leaves runs out, and replicates them."""


def sample(
    fit: Fit[LawT],
    *,
    num: int = 2000,
    method: Method = "auto",
    priors: Mapping[str, Any] | None = None,
    cluster: str | tuple[str, ...] | None = "auto",
    growth: str | None = None,
    seed: int = 0,
) -> Ensemble[LawT]:
    r"""Draws from the posterior of a law's parameters, given runs that scatter as the fit's noise says.

    The density is that of the runs (Gaussian, Student-t, or Huber's normal centre with exponential tails) times priors
    of the parameters and of the scatter. Importance sampling weighs draws of Student-t's with 8 degrees of freedom
    about the modes; the No-U-Turn sampler runs chains in coordinates in which the curvature at the mode is one; `"svi"`
    draws from the normal distribution nearest to the posterior in those coordinates.

    Rows of one training share an offset, $\log y = \log L(N, D) + b + \varepsilon$ with $b \sim N(0, \tau^2)$, which is
    integrated out.

    **Arguments:**

    - `fit`: A fit that converged, or a batch of them: the law, the noise, what is held fixed, and where to look.
    - `num`: Draws, for each study of a batch.
    - `method`: `"is"`, `"nuts"`, `"svi"`, or `"auto"`: the first unless its diagnosis is bad, then the second.
    - `priors`: Parameter → NumPyro distribution of its natural value; `"scale"` for the scatter, which is relative on
        logarithms and otherwise a share of the typical target. The others' priors are weak, from the law's own
        declared ranges, and stand in `diagnostics["priors"]`.
    - `cluster`: What stands for one training: see `Runs.clusters`. `None` takes every row for itself.
    - `growth`: An input of the law with a power of which the scatter grows: $s\,(N/N_0)^g$ for `"N"`, with N₀ the
        middle of the runs' range.
    - `seed`: Of the draws.

    **Returns:** an `Ensemble` of equally weighted draws; `diagnostics` holds, for each study of a batch, `method`,
    `ess_bulk`, `ess_tail`, `rhat` by parameter, `divergences`, `khat` and `efficiency` (effective draws for each that
    was weighed; NaN where a method has none), `log_evidence`
    (of importance sampling), `contraction` by parameter (1 less the variance after over that before the runs: near 0
    where they do not inform it), `priors` in words, and `cluster` and `growth` as they were asked for. Of a single fit,
    `loo` holds `elpd`, `se`, `effective` and `worst_khat` as `scalefit.loo` says them, and `checks` the p-values of
    `scalefit.check`, of at most 1000 and 300 of the draws. `drawn` holds `training`, the spread τ of what rows of one
    training share, and `growth[N]`, the power g.

    **Warns:** where k̂ is 0.7 or more, or chains diverged or did not mix; and where the fit, whose numbers stand as
    `value` beside intervals, lies outside the draws.

    **Raises:** `InputError` for fits that did not converge, priors of what is not fitted, and priors that leave out
    values that a parameter may have and a sampler could not keep to.
    """
    refuse_number("num", num, 2)
    refuse_number("seed", seed, 0)
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}; expected one of {', '.join(map(repr, get_args(Method)))}.")
    parts = pose(fit, cluster, priors, growth)
    drawn = [draws_of(fit, part, num, method, seed) for part in parts]
    ensemble = _ensemble(fit, parts, drawn, "posterior", seed, {"cluster": cluster, "growth": growth})
    if fit.keys is None:
        ensemble.diagnostics.update(_judged(ensemble, parts[0], seed))
    warn_of_quality(ensemble)
    warn_of_fit(ensemble)
    return ensemble


def prior(
    fit: Fit[LawT],
    *,
    num: int = 2000,
    priors: Mapping[str, Any] | None = None,
    cluster: str | tuple[str, ...] | None = "auto",
    growth: str | None = None,
    seed: int = 0,
) -> Ensemble[LawT]:
    """Draws of a law's parameters from their priors alone: what `sample` would say if the runs said nothing.

    Studies of a batch have the same draws, each about its own inputs.

    **Arguments:** as `sample` has them; the runs give the inputs about which, and the targets for which, priors are
    stated.

    **Returns:** an `Ensemble`.

    **Raises:** `InputError` as `sample` does.
    """
    refuse_number("num", num, 2)
    refuse_number("seed", seed, 0)
    parts = pose(fit, cluster, priors, growth)
    own, curve = parts[0].problem.prior, parts[0].prepared.curve
    with jax.enable_x64(True):
        numbers, given = drawn_from(own, curve, num, jax.random.key(seed))
    drawn = []
    for part in parts:
        placed = np.tile(numbers, (len(part.which), 1, 1))
        for i, natural in given.items():
            placed[..., i] = number_of(own, curve, i, natural, part.prepared.typical[:, None])
        drawn.append(unweighed(placed, "prior"))
    ensemble = _ensemble(fit, parts, drawn, "prior", seed, {"cluster": cluster, "growth": growth})
    # What is counted in a unit was given as it is, not at the mean inputs.
    table = values(ensemble.law)
    for i, natural in given.items():
        if i < len(curve.free) and curve.slots[curve.free[i]].parameter.dims:
            table[..., curve.free[i]] = natural
    return dataclasses.replace(ensemble, law=with_values(ensemble.law, table))


def _judged(ensemble: Ensemble[Any], posed: Posed, seed: int) -> dict[str, Any]:
    """How well some of the draws foretell the runs, and whether these look like theirs."""
    if not ensemble.converged.any():
        return {}
    some = recalled(ensemble, posed, JUDGED)
    found, checks = left_out(some), checked(some.thinned(CHECKED), seed)
    told = {name: getattr(found, name) for name in ("elpd", "se", "effective")}
    return {
        "loo": told | {"worst_khat": float(np.max(found.khat))},
        "checks": {name: one.p for name, one in checks.items()},
    }


def _ensemble(
    fit: Fit[LawT], parts: list[Posed], drawn: list[Draws], method: str, seed: int, options: dict[str, Any]
) -> Ensemble[LawT]:
    """The draws of all studies in their order, with what is known of their quality."""
    back = np.argsort(np.concatenate([part.which for part in parts]))

    def whole(*columns: Any) -> Any:
        column = np.concatenate(columns)[back]
        return column if fit.keys is not None else column[0]

    laws = jax.tree.map(whole, *(laws_of(part, draws.numbers) for part, draws in zip(parts, drawn, strict=True)))
    draws: Draws = jax.tree.map(whole, *drawn)
    typical = whole(*(np.ones(len(p.which)) if fit.noise.log else p.prepared.typical for p in parts))
    count = len(fit.free)
    scale = np.exp(draws.numbers[..., count]) * typical[..., None]
    extras = dict(zip(parts[0].problem.prior.extras, np.moveaxis(draws.numbers[..., count + 1 :], -1, 0), strict=True))
    further: dict[str, np.ndarray] = {}
    if TRAINING in extras:
        further["training"] = scale * np.exp(extras[TRAINING])
    if GROWTH in extras:
        further[f"growth[{options['growth']}]"] = extras[GROWTH]
    if np.all(draws.chain >= 0):
        further["chain"] = draws.chain
    good = np.asarray(fit.result)[..., None] == int(RESULTS.successful)
    result = np.where(representable(laws), int(RESULTS.successful), int(RESULTS.overflow))
    # Chains that each stay where they are have drawn nothing.
    worst = np.max(np.where(np.isfinite(draws.rhat), draws.rhat, 0.0), axis=-1)
    result = np.where(np.asarray(worst > APART)[..., None], int(RESULTS.max_steps_reached), result)
    return Ensemble(
        law=laws,
        objective=np.full(scale.shape, np.nan),
        result=np.where(good, result, np.asarray(fit.result)[..., None]),
        scale=scale,
        dead=np.zeros((*scale.shape, count), bool),
        fit=fit,
        method=method,
        seed=seed,
        diagnostics=_diagnostics(parts, draws, drawn, whole) | options,
        drawn=further,
    )


def _diagnostics(parts: list[Posed], draws: Draws, drawn: list[Draws], whole: Callable[..., Any]) -> dict[str, Any]:
    """What is known of the draws, as plain numbers for one study and as arrays for a batch."""
    prior, curve = parts[0].problem.prior, parts[0].prepared.curve
    names = names_of(prior, curve)
    informed = whole(*(_contraction(part, some.numbers) for part, some in zip(parts, drawn, strict=True)))
    found = {
        "method": draws.method, "ess_bulk": draws.ess_bulk, "ess_tail": draws.ess_tail,
        "rhat": {name: draws.rhat[..., i] for i, name in enumerate(names)}, "divergences": draws.divergences,
        "khat": draws.khat, "efficiency": draws.efficiency, "log_evidence": draws.evidence,
        "contraction": {name: informed[..., i] for i, name in enumerate(names)},
    }  # fmt: skip
    plain = jax.tree.map(lambda a: a.item() if np.ndim(a) == 0 else a, found)
    return plain | {"priors": described(prior, curve)}


def _contraction(part: Posed, numbers: Float[np.ndarray, "study draw number"]) -> Float[np.ndarray, "study number"]:
    """By parameter, 1 less the variance after the runs over that before: of sampled numbers, or natural values."""
    prior, curve = part.problem.prior, part.prepared.curve
    kinds = [curve.slots[k].parameter.constraint.kind for k in curve.free]
    before = np.asarray(prior.spread) ** 2
    before[[i for i, kind in enumerate(kinds) if kind == "interval"]] = LOGISTIC
    after = np.var(numbers, axis=1)
    if not prior.given:
        return 1.0 - after / before
    with jax.enable_x64(True):
        natural = jax.vmap(
            lambda study, constant: jax.vmap(lambda one: natural_numbers(curve, one, prior, constant))(study)
        )(jnp.asarray(numbers), part.problem.constant)
        _, alone = drawn_from(prior, curve, FROM_PRIOR, jax.random.key(0))
    for i in prior.given:
        kind = kinds[i] if i < len(kinds) else "real" if names_of(prior, curve)[i] == GROWTH else "positive"
        # On logarithms of what has a sign, where distributions without a variance have one too.
        of = np.log if kind in ("positive", "nonnegative") else np.asarray
        after[:, i], before[i] = np.var(of(np.asarray(natural[i])), axis=1), np.var(of(alone[i]))
    return 1.0 - after / before
