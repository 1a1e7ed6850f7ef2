"""A power law through optima: how N, D or D/N of the best plan grows with compute."""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..._core import check_probability
from ...results import Band


class Trend(NamedTuple):
    r"""A power law in compute, $y = k\,C^a$, with its replicates where there are any.

    **Arguments:**

    - `exponent`: The exponent a, of each setting where there are several; `coefficient`: the logarithm of k.
    - `draws`: Exponent and logarithm of k of each replicate, or `None`.
    """

    exponent: Float[np.ndarray, "*setting"]
    coefficient: Float[np.ndarray, "*setting"]
    draws: Float[np.ndarray, "draw *setting 2"] | None

    @property
    def valid(self) -> Float[np.ndarray, "*setting"] | None:
        """Share of the replicates that have two points, and so a line; `None` without replicates."""
        return None if self.draws is None else np.asarray(np.isfinite(self.draws[..., 0]).mean(axis=0))

    def said(self, what: str, digits: int = 4) -> str:
        """The law of one setting in words, as `N* ~ C^0.5 [0.45, 0.55]` with the 95 % interval."""
        ends = self.interval()
        sure = "" if ends is None else f" [{float(ends[0]):.{digits}g}, {float(ends[1]):.{digits}g}]"
        return f"{what} ~ C^{float(self.exponent):.{digits}g}{sure}"

    def doubts(self) -> tuple[str, ...]:
        """In words, the share of replicates that intervals do not count, where there is one."""
        if self.valid is None:
            return ()
        most = np.max(np.where(np.isfinite(self.exponent), 1.0 - self.valid, 0.0))
        if most <= 0.05:
            return ()
        some = "" if np.size(self.valid) == 1 else "up to "
        return (f"{some}{most:.0%} of the replicates have no line, and the intervals are of the others",)

    def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray] | None:
        """The ends of the central interval of the exponent; `None` without replicates.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        return None if self.draws is None else _ends(self.draws[..., 0], level)

    def at(self, C: ArrayLike, level: float = 0.95) -> Band:
        """The value at a compute in FLOP, one or several, the settings first.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        log_C = np.log(np.asarray(C, float))

        def line(a: np.ndarray, k: np.ndarray) -> np.ndarray:
            return np.exp(np.multiply.outer(a, log_C) + np.reshape(k, (*np.shape(k), *[1] * log_C.ndim)))

        value = np.asarray(line(self.exponent, self.coefficient))
        ends = None if self.draws is None else _ends(line(self.draws[..., 0], self.draws[..., 1]), level)
        low, high = (None, None) if ends is None else ends
        return Band(value, low, high, level, new_run=False)


def _ends(draws: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():
        # A setting without a line has NaN for its ends.
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        low, high = np.nanquantile(draws, [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=0)
    return np.asarray(low), np.asarray(high)


def trend(
    log_C: Float[np.ndarray, "setting point"],
    log_y: Float[np.ndarray, "setting point"],
    weight: Float[np.ndarray, "setting point"],
    replicates: Float[np.ndarray, "draw setting point"] | None,
) -> Trend:
    """Weighted least squares of the logarithms; points that are NaN take no part, and two at least make a line."""
    a, k = _line(log_C, log_y, weight)
    draws = None if replicates is None else np.stack(_line(log_C, replicates, weight), axis=-1)
    return Trend(a, k, draws)


def _line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    there = np.isfinite(y) & np.isfinite(x) & (weight > 0)
    w = np.where(there, weight, 0.0)
    x, y = np.where(there, x, 0.0), np.where(there, y, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = w / w.sum(axis=-1, keepdims=True)
        x0 = np.sum(share * x, axis=-1, keepdims=True)
        y0 = np.sum(share * y, axis=-1)
        a = np.sum(share * (x - x0) * y, axis=-1) / np.sum(share * (x - x0) ** 2, axis=-1)
    a = np.where(np.count_nonzero(there, axis=-1) < 2, np.nan, a)
    return a, y0 - a * x0[..., 0]


def of_setting(trend: Trend, i: int) -> Trend:
    """The trend of one setting, without their axis."""
    draws = None if trend.draws is None else trend.draws[:, i]
    return Trend(np.asarray(trend.exponent[i]), np.asarray(trend.coefficient[i]), draws)
