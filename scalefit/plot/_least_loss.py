"""The least loss that a law allows at a compute, each draw at its own best size."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from ..results import Ensemble, Fit, evaluate

STEPS = 161
"""Sizes tried at each compute, four decades either way of the square."""


def least_loss(
    result: Fit[Any] | Ensemble[Any], compute: Float[np.ndarray, " budget"], level: float
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Value, lower and upper end of the loss at the best N and D with 6 N D = C, data never repeated.

    The value is that of the fit. It is NaN where no size within reach is best.
    """
    fit = result.fit
    value = _least(fit.law, compute, batched=False)
    if isinstance(result, Fit):
        return value, None, None
    good = np.flatnonzero(result.converged)
    if good.size < 2:
        return value, None, None
    # Four hundred draws, evenly over all, are enough for the ends of a band that is looked at.
    some = good[np.unique(np.linspace(0, good.size - 1, min(400, good.size)).astype(int))]
    least = _least(jax.tree.map(lambda a: a[some], result.law), compute, batched=True)
    tail = 0.5 * (1.0 - level)
    # A draw without a best size at some compute has no part in the band there; a band of few such is not drawn.
    enough = np.mean(np.isfinite(least), axis=0) > 0.9
    ends = np.full((2, compute.size), np.nan)
    if enough.any():
        ends[:, enough] = np.nanquantile(least[:, enough], [tail, 1.0 - tail], axis=0)
    return value, ends[0], ends[1]


def _least(law: Any, compute: Float[np.ndarray, " budget"], batched: bool) -> Float[np.ndarray, "*draw budget"]:
    spread = 10.0 ** np.linspace(-4.0, 4.0, STEPS)
    size = np.sqrt(compute / 6.0)[:, None] * spread
    data = compute[:, None] / (6.0 * size)
    inputs = {"N": size.ravel(), "D": data.ravel()}
    if "U" in law.inputs:
        inputs["U"] = inputs["D"]
    values = evaluate(law, inputs, batched)
    values = values.reshape(*values.shape[:-1], compute.size, STEPS)
    best = np.argmin(np.where(np.isfinite(values), values, np.inf), axis=-1)
    inner = np.clip(best, 1, STEPS - 2)
    left, middle, right = (np.take_along_axis(values, (inner + k)[..., None], -1)[..., 0] for k in (-1, 0, 1))
    curvature = left - 2.0 * middle + right
    least = middle - (right - left) ** 2 / (8.0 * np.where(curvature > 0, curvature, np.inf))
    return np.where(best == inner, least, np.nan)
