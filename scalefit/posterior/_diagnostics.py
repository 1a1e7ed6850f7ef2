"""Diagnostics of chains, and warnings of draws that are not to be trusted as they are."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float

from .._core import CheckWarning, Finding
from ..params import slots, values
from ..results import Ensemble
from ._psis import TOO_FAR

MIXED = 1.05
"""The R̂ from which chains are not to be trusted."""


def chains_diagnosed(numbers: Float[np.ndarray, "chain draw *number"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effective numbers of draws, of the bulk and of the tails, and R̂: all of split chains and by ranks.

    Source: Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021 (arXiv 1903.08008), as ArviZ has them.
    """
    from numpyro.diagnostics import effective_sample_size, gelman_rubin

    half = numbers.shape[1] // 2
    split = np.concatenate([numbers[:, :half], numbers[:, -half:]])
    middle = np.median(split, axis=(0, 1))
    # Chains that do not move divide 0 by 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        tails = [split <= np.quantile(numbers, level, axis=(0, 1)) for level in (0.05, 0.95)]
        tail = np.min([effective_sample_size(one.astype(float)) for one in tails], axis=0)
        ranked, folded = _ranked(split), _ranked(np.abs(split - middle))
        worst = np.maximum(gelman_rubin(ranked), gelman_rubin(folded))
        return np.asarray(effective_sample_size(ranked)), tail, np.asarray(worst)


def _ranked(numbers: Float[np.ndarray, "chain draw *number"]) -> Float[np.ndarray, "chain draw *number"]:
    """Normal scores of the ranks of all draws."""
    from scipy.special import ndtri
    from scipy.stats import rankdata  # a third of a second, which other verbs do not need

    flat = numbers.reshape(-1, *numbers.shape[2:])
    return ndtri((rankdata(flat, axis=0) - 0.375) / (len(flat) + 0.25)).reshape(numbers.shape)


def found_in_draws(ensemble: Ensemble[Any]) -> Iterator[Finding]:
    """What the check `draws` finds of a posterior: where it is not to be trusted, of which studies, and what to do."""
    found, keys = ensemble.diagnostics, ensemble.fit.keys
    method = np.atleast_1d(found.get("method", ""))
    known = (found.get(name) for name in ("khat", "divergences"))
    khat, diverged = (np.atleast_1d(0.0 if one is None else one) for one in known)
    # Groups that are alike are one sample.
    keys = keys if len(diverged) > 1 else None
    rhat = found.get("rhat") or {"": 0.0}
    worst = np.max([np.max(column) if keys is None else column for column in rhat.values()], axis=0)
    worst = np.maximum(worst, max((one["rhat"] for one in found.get("population", {}).values()), default=-np.inf))
    method, khat, worst = np.broadcast_arrays(method, khat[: len(diverged)], worst)
    failed = (method == "is") & ~(khat < TOO_FAR)
    far = (method == "svi") & ~(khat < TOO_FAR)
    apart = (method == "nuts") & (worst > MIXED)
    for bad, said, remedy in (
        (failed, "Importance sampling fails here (Pareto k {khat:.2f})", "use `method='nuts'`"),
        (far, "The posterior is far from normal (Pareto k {khat:.2f})", "use `method='nuts'`"),
        (diverged > 0, "{diverged} transitions diverged", "give stronger priors, or hold a parameter fixed"),
        (apart, "The chains have not mixed (R-hat {worst:.2f})", "draw more, or give stronger priors"),
    ):
        if bad.any():
            first = int(np.argmax(bad))
            words = said.format(khat=khat[first], diverged=int(diverged[first]), worst=worst[first])
            where = "" if keys is None else f"{int(bad.sum())} of {len(keys)} studies, the first {keys[first]!r}. "
            remedy = f"{remedy}: the draws are not to be trusted as they are"
            yield Finding("draws", "warning", f"{where}{words}", remedy)


def left_by_draws(ensemble: Ensemble[Any]) -> Iterator[Finding]:
    """What `interval-plausibility` finds where draws leave the fit, whose numbers stand beside their intervals."""
    if ensemble.fit.keys is not None:
        return
    good = ensemble.converged
    if not good.any():
        return
    fitted, drawn = values(ensemble.fit.law), values(ensemble.law)[good]
    places = [k for k, slot in enumerate(slots(ensemble.fit.law)) if slot.name in ensemble.free]
    low, high = np.quantile(drawn[:, places], [0.025, 0.975], axis=0)
    out = ~((low <= fitted[places]) & (fitted[places] <= high))
    # A term that vanished is at the end of its range, where draws are not.
    gone = ensemble.fit.unidentified | (fitted[places] == 0.0)
    apart = [name for name, away, no in zip(ensemble.free, out, gone, strict=True) if away and not no]
    if apart:
        said = (
            f"The fit's {', '.join(apart)} lies outside the central 95 % of the draws: priors, or the scatter, pull "
            f"them away from it. `value` in summaries and bands is the fit's"
        )
        remedy = "take the mean of the draws instead"
        yield Finding("interval-plausibility", "warning", said, remedy, names=tuple(apart))


def warn_of_draws(ensemble: Ensemble[Any], stacklevel: int = 3) -> None:
    """Warn of both."""
    for one in (*found_in_draws(ensemble), *left_by_draws(ensemble)):
        warnings.warn(CheckWarning(one), stacklevel=stacklevel)
