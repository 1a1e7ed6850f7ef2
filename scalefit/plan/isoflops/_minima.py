"""Minima of curves of loss by size: of a parabola through all of their points, or of a spline between them."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

SAME_SIZE = 1e-9
"""Sizes whose logarithms are no farther apart are the same size again."""


def minima(
    x: Float[np.ndarray, "curve point"],
    y: Float[np.ndarray, "draw curve point"],
    there: Bool[np.ndarray, "curve point"],
    method: Literal["parabola", "spline"],
) -> tuple[Float[np.ndarray, "draw curve"], Float[np.ndarray, "draw curve"]]:
    """The place and the value of each minimum, NaN where there is none inside the points.

    **Arguments:**

    - `x`, `y`: The curves, in any order, in as many draws; `there`: which points take part.
    - `method`: Which curve is laid through them.
    """
    at, value = np.full((2, *y.shape[:2]), np.nan)
    find = _parabola if method == "parabola" else _spline
    for c, points in enumerate(there):
        order = np.argsort(x[c, points], kind="stable")
        at[:, c], value[:, c] = find(x[c, points][order], y[:, c, points][:, order])
    return at, value


def begins(x: Float[np.ndarray, "*curve point"], there: Bool[np.ndarray, "*curve point"]) -> np.ndarray:
    """Which points, in rising order and those that are not there last, are a size apart from the one before.

    A spline through two sizes nearer to each other than a hundredth, and than a tenth of the mean gap, swings far
    beyond both: these are one.
    """
    wide = np.max(np.where(there, x, -np.inf), axis=-1) - np.min(np.where(there, x, np.inf), axis=-1)
    with np.errstate(invalid="ignore"):
        gap = np.where(there[..., 1:], np.diff(x, axis=-1), 0.0)
    mean = np.maximum(wide, 0.0) / np.maximum(np.sum(gap > SAME_SIZE, axis=-1), 1)
    apart = gap > np.maximum(np.minimum(0.1 * mean, 0.01), SAME_SIZE)[..., None]
    return there & np.concatenate([np.ones_like(there[..., :1]), apart], axis=-1)


def _parabola(x: Float[np.ndarray, " point"], y: Float[np.ndarray, "draw point"]) -> tuple[np.ndarray, np.ndarray]:
    none = np.full(len(y), np.nan)
    if len(x) < 3 or x[-1] <= x[0]:
        return none, none
    middle, half = 0.5 * (x[0] + x[-1]), 0.5 * (x[-1] - x[0])
    c, (_, rank, *_) = np.polynomial.polynomial.polyfit((x - middle) / half, y.T, 2, rcond=1e-9, full=True)
    if rank < 3:
        return none, none
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = -0.5 * c[1] / c[2]
    inside = (c[2] > 0) & (np.abs(vertex) < 1.0)
    return np.where(inside, middle + half * vertex, np.nan), np.where(inside, c[0] + 0.5 * c[1] * vertex, np.nan)


def _spline(x: Float[np.ndarray, " point"], y: Float[np.ndarray, "draw point"]) -> tuple[np.ndarray, np.ndarray]:
    first = np.flatnonzero(begins(x, np.ones(len(x), bool))) if len(x) else np.zeros(0, int)
    if len(first) < 3:
        return np.full(len(y), np.nan), np.full(len(y), np.nan)
    count = np.diff(np.append(first, len(x)))
    # Runs of one size as their mean: a spline passes through one point there.
    x, y = np.add.reduceat(x, first) / count, np.add.reduceat(y, first, axis=1) / count
    # 25 points a gap, as arXiv 2406.19146 has it.
    grid = np.ravel(x[:-1, None] + np.diff(x)[:, None] * np.arange(25) / 25)
    from scipy.interpolate import Akima1DInterpolator  # a third of a second, which no other plan needs

    whole = Akima1DInterpolator(x, y.T)(grid)
    best, value = np.argmin(whole, axis=0), np.min(whole, axis=0)
    inside = (best > 0) & (value < y[:, -1])
    return np.where(inside, grid[best], np.nan), np.where(inside, value, np.nan)
