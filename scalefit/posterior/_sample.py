"""A posterior of a law's parameters, as an ensemble of equally weighted draws."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

import jax
import numpy as np
from jaxtyping import Float

from .._core import RESULTS, check_choice, check_number
from ..laws import AbstractLaw
from ..params import values, with_values
from ..problem import representable
from ..results import Ensemble, Fit
from ._check import checked
from ._diagnostics import MIXED, warn_of_draws
from ._draw import Draws, Method, draw
from ._loo import left_out
from ._pointwise import pointwise
from ._prior import BATCH, GROWTH, RUN, Prior
from ._study import Study, studies_of

LawT = TypeVar("LawT", bound=AbstractLaw)


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
    of the parameters and of the scatter. Importance sampling weighs draws of a mixture of Student-t's that learns
    where the posterior is; the No-U-Turn sampler runs four chains, of 250 draws or more each, thinned to what is asked
    for, and longer ones once where these did not mix. Both run in coordinates in which amplitudes are taken by what the
    runs say of them given the shapes; `"svi"`
    draws from the normal distribution nearest to the posterior in those coordinates.

    Rows of one run share an offset, $\log y = \log L(N, D) + b + \varepsilon$ with $b \sim N(0, \tau^2)$, which is
    integrated out.

    **Arguments:**

    - `fit`: A fit that converged, or a batch of them: the law, the noise, what is held fixed, and where to look.
    - `num`: Draws, for each study of a batch.
    - `method`: `"is"`, `"nuts"`, `"svi"`, or `"auto"`: the first unless its diagnosis is bad, then the second.
    - `priors`: Parameter → NumPyro distribution of its natural value; `"scale"` for the scatter, which is relative on
        logarithms and otherwise a share of the typical target. The others' priors are weak, from the law's own
        declared ranges, and stand in `diagnostics["priors"]`.
    - `cluster`: What stands for one run: see `Runs.clusters`. `None` takes every row for itself.
    - `growth`: A size that the law takes, with a power of which the scatter grows: $s\,(N/N_0)^g$ for `"N"`, with N₀
        the middle of the runs' range.
    - `seed`: Of the draws.

    **Returns:** an `Ensemble` of equally weighted draws, of a study whose chains did not mix none that converged;
    `diagnostics` holds, for each study of a batch, `method`,
    `ess_bulk`, `ess_tail`, `rhat` by parameter, `divergences`, `khat` and `efficiency` (effective draws for each that
    was weighed; NaN where a method has none), `log_evidence`
    (of importance sampling), `contraction` by parameter (1 less the variance after over that before the runs: near 0
    where they do not inform it), `priors` in words, and `cluster` and `growth` as they were asked for. Of a single fit,
    `loo` holds `elpd`, `se`, `effective` and `worst_khat` as `scalefit.loo` says them, and `checks` the p-values of
    `scalefit.check`, of at most 1000 and 300 of the draws. `drawn` holds `run`, the spread τ of what rows of one
    run share, and `growth[N]`, the power g.

    **Warns:** where k̂ is 0.7 or more, or chains diverged or did not mix; and where the fit, whose numbers stand as
    `value` beside intervals, lies outside the draws.

    **Raises:** `InputError` for fits that did not converge, priors of what is not fitted, and priors that leave out
    values that a parameter may have and a sampler could not keep to.
    """
    check_number("num", num, least=2, whole=True)
    check_number("seed", seed, least=0, whole=True)
    check_choice("method", method, get_args(Method))
    studies = studies_of(fit, cluster, priors, growth)
    drawn = draw(studies, num, method, seed)
    ensemble = _ensemble(fit, studies, drawn, "posterior", seed, {"cluster": cluster, "growth": growth})
    if fit.keys is None and ensemble.converged.any():
        ensemble.diagnostics.update(_judged(ensemble, seed))
    warn_of_draws(ensemble)
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
    check_number("num", num, least=2, whole=True)
    check_number("seed", seed, least=0, whole=True)
    studies = studies_of(fit, cluster, priors, growth)
    own, curve = studies[0].density.prior, fit.problem.curve
    numbers, given = own.draws(num, np.random.default_rng([seed, 0x9120]))
    drawn = []
    for study in studies:
        placed = numbers.copy()
        for i, natural in given.items():
            placed[:, i] = own.number(i, natural, study.typical)
        drawn.append(Draws.of(placed, "prior"))
    ensemble = _ensemble(fit, studies, drawn, "prior", seed, {"cluster": cluster, "growth": growth})
    # What is counted in a unit was given as it is, not at the mean inputs.
    table = values(ensemble.law)
    for i, natural in given.items():
        if i < len(curve.free) and curve.slots[curve.free[i]].parameter.dims:
            table[..., curve.free[i]] = natural
    return dataclasses.replace(ensemble, law=with_values(ensemble.law, table))


def _judged(ensemble: Ensemble[Any], seed: int) -> dict[str, Any]:
    """How well 1000 of the draws predict each run left out, and whether runs look like those of 300 of them."""
    some = pointwise(ensemble, 1000)
    found, checks = left_out(some), checked(some.thinned(300), seed)
    told = {name: getattr(found, name) for name in ("elpd", "se", "effective")}
    return {
        "loo": told | {"worst_khat": float(np.max(found.khat))},
        "checks": {name: one.p for name, one in checks.items()},
    }


def _ensemble(
    fit: Fit[LawT], studies: list[Study], drawn: list[Draws], method: str, seed: int, options: dict[str, Any]
) -> Ensemble[LawT]:
    """The draws of all studies in their order, with what is known of their quality."""

    def whole(*columns: Any) -> Any:
        return np.stack(columns) if fit.keys is not None else np.asarray(columns[0])

    laws = jax.tree.map(whole, *(study.laws(one.numbers) for study, one in zip(studies, drawn, strict=True)))
    draws: Draws = Draws(*(whole(*column) for column in zip(*drawn, strict=True)))
    prior, count = studies[0].density.prior, len(fit.free)
    typical = whole(*(1.0 if fit.noise.log else study.typical for study in studies))
    scale = np.exp(draws.numbers[..., count]) * typical[..., None]
    extras = dict(zip(prior.extras, np.moveaxis(draws.numbers[..., count + 1 :], -1, 0), strict=True))
    further: dict[str, np.ndarray] = {}
    if RUN in extras:
        further[RUN] = scale * np.exp(extras[RUN])
    if GROWTH in extras:
        further[f"{GROWTH}[{options['growth']}]"] = extras[GROWTH]
    if np.all(draws.chain >= 0):
        further["chain"] = draws.chain
    fitted = np.asarray(fit.result)[..., None]
    result = np.where(representable(laws), int(RESULTS.successful), int(RESULTS.overflow))
    # Chains that did not mix, after longer ones too, say nothing.
    worst = np.max(np.where(np.isfinite(draws.rhat), draws.rhat, 0.0), axis=-1)
    result = np.where(np.asarray(worst > MIXED)[..., None], int(RESULTS.max_steps_reached), result)
    return Ensemble(
        law=laws,
        objective=np.full(scale.shape, np.nan),
        result=np.where(fitted == int(RESULTS.successful), result, fitted),
        scale=scale,
        unidentified=np.zeros((*scale.shape, count), bool),
        fit=fit,
        method=method,
        seed=seed,
        diagnostics=_diagnostics(prior, draws, values(laws)[..., list(prior.curve.free)]) | options,
        drawn=further,
    )


def _diagnostics(prior: Prior, draws: Draws, natural: Float[np.ndarray, "*study draw free"]) -> dict[str, Any]:
    """What is known of the draws, as plain numbers for one study and as arrays for a batch."""
    informed = _contraction(prior, draws.numbers, natural)
    found = {name: getattr(draws, name) for name in Draws._fields if name not in ("numbers", "chain")}
    found["rhat"] = {name: draws.rhat[..., i] for i, name in enumerate(prior.names)}
    found["contraction"] = {name: informed[..., i] for i, name in enumerate(prior.names)}
    plain = jax.tree.map(lambda a: a.item() if np.ndim(a) == 0 else a, found)
    return plain | {"priors": prior.described()}


def _contraction(prior: Prior, numbers: np.ndarray, natural: np.ndarray) -> Float[np.ndarray, "*study number"]:
    """By parameter, 1 less the variance after the runs over that before: of sampled numbers, or natural values."""
    # The variance of the log odds of a uniform number.
    before = np.where(prior.odds, np.pi**2 / 3.0, np.asarray(prior.spread) ** 2)
    after = np.var(numbers, axis=-2)
    given = prior.draws(BATCH, np.random.default_rng(0))[1] if prior.given else {}
    for i, alone in given.items():
        if i >= len(prior.curve.free):
            # Their sampled numbers are natural, or logarithms.
            before[i] = np.var(alone if prior.of_scatter(i) == GROWTH else np.log(alone))
            continue
        # On logarithms of what has a sign, where distributions without a variance have one too.
        of = np.log if prior.limits(i) == (0.0, np.inf) else np.asarray
        after[..., i], before[i] = np.var(of(natural[..., i]), axis=-1), np.var(of(alone))
    return 1.0 - after / before
