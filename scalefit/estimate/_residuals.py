r"""Resamples of few runs: all stay where they are, and each draw puts them off the fit anew.

With z the residuals of a study, on the noise's scale and in units of each run's precision, n its runs and ν = n - p:

    s² = Σ z²/ν, and each z times √(n/ν)       what the free numbers took up, given back
    of each draw: r = √(ν / χ²_ν)              the scatter is not known better than ν residuals tell it
    target ← fit + r (z' + s g)/√2             z' drawn from z with replacement, g normal

A robust fit leaves residuals near 0 that are its own doing and not the runs'; drawn by themselves they would make it
seem surer than it is, which the normal half mends (a smoothed bootstrap).
"""

from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from ..noise import AbstractNoise
from ..problem import Prepared
from ..results import Fit
from ..solve import slopes

FEW = 20
"""Runs up to which resamples are of residuals unless told; of laws with more than five numbers, four for each."""


def suits(fit: Fit[Any], trainings: Int[np.ndarray, " study"]) -> Bool[np.ndarray, " study"]:
    """Studies that are better resampled by residuals: few runs, each a training of its own.

    The noise must be alike to both sides, and its scale not given.
    """
    noise, counts, free = fit.noise, fit.problem.studies.counts, len(fit.free)
    if noise.absolute or not even(noise):
        return np.zeros(len(counts), bool)
    return (trainings == counts) & (counts <= max(FEW, 4 * free)) & (counts > free)


def even(noise: AbstractNoise) -> bool:
    """Whether a noise is alike to both sides."""
    z = np.array([0.3, 1.0, 4.0])
    with jax.enable_x64(True):  # for a noise of the user's own, written for JAX alone
        return bool(np.allclose(np.asarray(noise.rho(z)), np.asarray(noise.rho(-z))))


def drawn_targets(
    prepared: Prepared, noise: AbstractNoise, theta: Float[np.ndarray, "study free"], num: int, keys: list[list[int]]
) -> Float[np.ndarray, "draw length"]:
    """Targets of each draw of some studies, study after study.

    **Arguments:**

    - `theta`: The fits, in free numbers.
    - `num`: Draws of each study; `keys`: seeds of each.
    """
    data, size = prepared.data, prepared.curve.size
    value, table = slopes(prepared.curve, theta[:, :size], data, np.arange(len(theta)))
    target, real = np.asarray(data.target), np.asarray(data.weight) > 0
    precision = np.ones(target.shape) if data.precision is None else np.asarray(data.precision)
    with np.errstate(all="ignore"):
        centre = np.log(value) if noise.log else value
        slope = np.moveaxis(table / value if noise.log else table, 0, -1) * precision[..., None]
    parts = []
    for s, key in enumerate(keys):
        rows, rng = np.flatnonzero(real[s]), np.random.default_rng(key)
        z = ((target - centre) * precision)[s, rows]
        freedom = max(rows.size - _rank(slope[s, rows]), 1)
        spread = np.sqrt(np.sum(z**2) / freedom)
        picked = rng.choice(z, (num, rows.size)) * np.sqrt(rows.size / freedom)
        off = np.sqrt(0.5) * (picked + spread * rng.standard_normal((num, rows.size)))
        off *= np.sqrt(freedom / rng.chisquare(freedom, (num, 1)))
        drawn = np.tile(target[s], (num, 1))
        drawn[:, rows] = centre[s, rows] + off / precision[s, rows]
        parts.append(drawn)
    return np.concatenate(parts)


def _rank(slope: Float[np.ndarray, "run free"]) -> int:
    """How many numbers the runs tell apart: none of those that no run responds to."""
    slope = np.where(np.isfinite(slope), slope, 0.0)
    size = np.linalg.norm(slope, axis=0)
    return int(np.linalg.matrix_rank(slope / np.where(size > 0.0, size, 1.0), tol=1e-7))
