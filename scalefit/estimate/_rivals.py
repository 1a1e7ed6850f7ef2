"""Optima of a study beside the fit itself that may be as good: runs drawn again could make them the best."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from ..noise import AbstractNoise
from ..problem import Prepared, free_numbers
from ..results import Fit
from ._fit import residuals_and_unidentified

ALIKE, RIVAL = 1e-4, 4.0
"""Optima are one where their costs differ by less than this share of the objective; a rival's objective is above the
best by at most so many standard deviations of the difference between resamples."""
HERE = 1e-5
"""A start has ended at the fit itself where no free number is further from it."""


def rivals(
    prepared: Prepared, noise: AbstractNoise, best: Float[np.ndarray, "study free"],
    theta: Float[np.ndarray, "study optimum free"],
) -> Bool[np.ndarray, "study optimum"]:  # fmt: skip
    """Which optima are rivals of the best of their study, each counted once.

    The difference of two objectives is a sum over the runs, whose standard deviation between resamples is the root of
    the sum of their squared differences (Vuong 1989): by four of these at most is a rival above the best.

    **Arguments:**

    - `theta`: Where the optima are; NaN for none.
    """
    theta = np.where(np.isfinite(theta), theta, best[:, None])
    elsewhere = np.max(np.abs(theta - best[:, None]), axis=2, initial=0.0) > HERE
    found = np.zeros(elsewhere.shape, bool)
    some, kept = np.flatnonzero(elsewhere.any(axis=1)), np.flatnonzero(elsewhere.any(axis=0))
    if some.size == 0:
        return found
    cost = _run_costs(prepared, noise, np.concatenate([best[some, None], theta[np.ix_(some, kept)]], axis=1), some)
    apart = cost[:, 1:] - cost[:, :1]
    above, spread = np.sum(apart, axis=-1), np.sqrt(np.sum(apart**2, axis=-1))
    size = np.sum(cost[:, 0], axis=-1, keepdims=True)
    rival = (spread > ALIKE * np.abs(size)) & (above < RIVAL * spread)
    for k in range(len(kept)):
        # The same optimum found again is one rival.
        for earlier in range(k):
            same = np.sqrt(np.sum((apart[:, k] - apart[:, earlier]) ** 2, axis=-1)) <= ALIKE * np.abs(size[:, 0])
            rival[:, k] &= ~(rival[:, earlier] & same)
    found[np.ix_(some, kept)] = rival
    return found


def rivals_of(
    prepared: Prepared, fit: Fit[Any], which: Int[np.ndarray, " study"]
) -> list[Float[np.ndarray, "rival free"]]:
    """The rivals of some studies of a fit, as free numbers, among the optima that it has kept."""
    best = numbers_of(prepared, fit, which)
    theta = best[:, None][:, :0] if fit.optima is None else kept_optima(fit, which)
    rival = rivals(prepared, fit.noise, best, theta)
    return [each[some] for each, some in zip(theta, rival, strict=True)]


def kept_optima(fit: Fit[Any], which: Int[np.ndarray, " study"]) -> Float[np.ndarray, "study optimum free"]:
    """The optima that a fit has kept of some studies."""
    assert fit.optima is not None
    return fit.optima[None] if fit.keys is None else fit.optima[which]


def numbers_of(prepared: Prepared, fit: Fit[Any], which: np.ndarray) -> Float[np.ndarray, "study free"]:
    """The fit in free numbers."""
    law = fit.law if fit.keys is None else jax.tree.map(lambda a: a[which], fit.law)
    theta = np.atleast_2d(free_numbers(prepared, law, 0 if fit.keys is None else np.arange(len(which))))
    # A number that has run to a bound at infinity is brought back to where it can be felt.
    mapped = np.array([prepared.curve.slots[k].parameter.constraint.ranges for k in prepared.curve.free])
    theta = np.where(mapped, np.clip(theta, -30.0, 30.0), theta)
    if fit.noise.free_scale:
        theta = np.concatenate([theta, np.log(np.atleast_1d(fit.scale)[which])[:, None]], axis=1)
    return theta


def _run_costs(
    prepared: Prepared,
    noise: AbstractNoise,
    theta: Float[np.ndarray, "some optimum free"],
    study: Int[np.ndarray, " some"],
) -> Float[np.ndarray, "some optimum run"]:
    """What each run costs at optima of some studies."""
    shape, study = theta.shape[:2], np.repeat(study, theta.shape[1])
    theta = theta.reshape(len(study), -1)
    left, _ = residuals_and_unidentified(prepared, noise, theta, study)
    if prepared.data.precision is not None:
        left = left * np.asarray(prepared.data.precision)[study]
    log_scale = theta[:, -1:] if noise.free_scale else np.zeros((len(study), 1))
    with jax.enable_x64(True):  # for a noise of the user's own, written for JAX alone
        cost = np.asarray(noise.rho(left * np.exp(-log_scale))) + log_scale
    return np.where(np.isfinite(left), cost, 0.0).reshape(*shape, -1)
