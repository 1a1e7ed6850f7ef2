r"""Rows of one run share an offset: their density once it is integrated out, and its derivatives.

For each run, $\log \int \prod_i p(r_i - b)\, N(b; 0, \tau^2)\, db$ by Gauss-Hermite quadrature about the offset that
its own rows want, as wide as they leave it. For Gaussian noise two points are exact.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..noise import AbstractNoise, Gaussian


class Slopes(NamedTuple):
    """Derivatives of a density: by row, and of what all rows of a run have in common.

    **Arguments:**

    - `residual`: In each residual.
    - `log_sharp`: In the logarithm of what multiplies each.
    - `log_s`: In the logarithm of the scatter.
    - `log_spread`: In that of the spread of offsets.
    """

    residual: Float[np.ndarray, "draw row"]
    log_sharp: Float[np.ndarray, "draw row"]
    log_s: Float[np.ndarray, "draw some"]
    log_spread: Float[np.ndarray, "draw run"] | None


class _Offset(NamedTuple):
    """One point of the quadrature: by run an offset, its shift from row to row, and the logarithm of its weight."""

    offset: Float[np.ndarray, "draw run"]
    by_row: Float[np.ndarray, "draw row"]
    log_weight: Float[np.ndarray, "draw run"]


def over_offsets(
    noise: AbstractNoise,
    residual: Float[np.ndarray, "draw row"],
    log_sharp: Float[np.ndarray, "*draw row"],
    log_s: Float[np.ndarray, "draw 1"],
    log_spread: Float[np.ndarray, "draw 1"],
    first: Int[np.ndarray, " run"],
) -> Float[np.ndarray, "draw run"]:
    """By run, the logarithm of the density of its rows.

    **Arguments:**

    - `residual`: Of each row, on the noise's scale; rows of one run stand together.
    - `log_sharp`: Logarithm of what multiplies it before it is judged.
    - `log_s`, `log_spread`: Logarithms of the scatter s and of the spread τ of the offsets.
    - `first`: The first row of each run.
    """
    points = _points(noise, residual, log_sharp, log_s, log_spread, first)
    return np.logaddexp.reduce([point.log_weight for point in points])


def offset_slopes(
    noise: AbstractNoise,
    residual: Float[np.ndarray, "draw row"],
    log_sharp: Float[np.ndarray, "*draw row"],
    log_s: Float[np.ndarray, "draw 1"],
    log_spread: Float[np.ndarray, "draw 1"],
    first: Int[np.ndarray, " run"],
) -> tuple[Float[np.ndarray, "draw run"], Slopes]:
    """The same with its derivatives: means over the offset of those given the offset (Fisher's identity)."""
    points = list(_points(noise, residual, log_sharp, log_s, log_spread, first))
    value = np.logaddexp.reduce([point.log_weight for point in points])
    sharp, counts = np.exp(log_sharp), np.diff(first, append=residual.shape[1])
    of_residual, of_sharp, of_s = (np.zeros(residual.shape) for _ in range(3))
    of_spread = np.zeros(value.shape)
    for point in points:
        share = np.exp(point.log_weight - value)
        by_row = np.repeat(share, counts, axis=1)
        left = (residual - point.by_row) * sharp
        slope, slope_s = noise.score(left, log_s)
        of_residual += by_row * slope * sharp
        of_sharp += by_row * (slope * left + 1.0)
        of_s += by_row * slope_s
        of_spread += share * ((point.offset * np.exp(-log_spread)) ** 2 - 1.0)
    return value, Slopes(of_residual, of_sharp, of_s, of_spread)


def _points(
    noise: AbstractNoise, residual: Any, log_sharp: Any, log_s: Any, log_spread: Any, first: Any
) -> Iterator[_Offset]:
    exact = isinstance(noise, Gaussian)
    # Spread wider than the offset's density, whose tails may be heavy. If rows of one run lie ten scatters and more
    # apart, it has several likely offsets, and some tenths of a nat are lost.
    count, stretch, rounds = (2, 1.0, 1) if exact else (21, 1.5, 4)
    counts = np.diff(first, append=residual.shape[1])
    sharp = np.exp(log_sharp)

    def over_rows(column: Any) -> Any:
        return np.add.reduceat(column, first, axis=1)

    # How strongly each row would pull if all lay in the noise's normal centre.
    firm = np.exp(2.0 * (log_sharp - log_s))
    own = whole = np.exp(-2.0 * log_spread)
    middle = np.zeros((1, len(first)))
    for _ in range(rounds):
        pull = firm * noise.density_weight((residual - np.repeat(middle, counts, axis=1)) * sharp, log_s)
        whole = over_rows(pull) + own
        middle = over_rows(pull * residual) / whole
    width = stretch / np.sqrt(whole)
    for node, weight in zip(*np.polynomial.hermite.hermgauss(count), strict=True):
        offset = middle + np.sqrt(2.0) * width * node
        by_row = np.repeat(offset, counts, axis=1)
        inside = over_rows(noise.log_density((residual - by_row) * sharp, log_s) + log_sharp)
        # √2 of the width has met the √2π of the offset's density.
        outside = np.log(weight / np.sqrt(np.pi)) + node**2 + np.log(width) - log_spread
        yield _Offset(offset, by_row, inside + outside - 0.5 * (offset * np.exp(-log_spread)) ** 2)
