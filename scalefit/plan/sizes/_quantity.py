"""A planned number with how sure it is."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float


class Quantity(NamedTuple):
    """A number with how sure it is.

    **Arguments:**

    - `value`: Of the law itself, not of its draws.
    - `low`, `high`: Ends of the central interval over the draws, each at its own best; `None` without draws.
    - `draws`: The number of each draw, `None` without.
    """

    value: Float[np.ndarray, " budget"]
    low: Float[np.ndarray, " budget"] | None
    high: Float[np.ndarray, " budget"] | None
    draws: Float[np.ndarray, "draw budget"] | None

    def __repr__(self) -> str:
        draws = "" if self.draws is None else f", of {len(self.draws)} draws"
        return f"Quantity({', '.join(self.said(b) for b in range(len(self.value)))}{draws})"

    @property
    def mean(self) -> Float[np.ndarray, " budget"]:
        """The mean of the draws: what is expected; the value where there are none."""
        return self.value if self.draws is None else np.mean(self.draws, axis=0)

    def said(self, b: int) -> str:
        """The number at one budget in words, with its interval."""
        if self.low is None or self.high is None:
            return f"{self.value[b]:.4g}"
        return f"{self.value[b]:.4g} [{self.low[b]:.4g}, {self.high[b]:.4g}]"


def quantity(numbers: Any, level: float) -> Quantity:
    """A number from its row for the law and one for each draw."""
    numbers = np.asarray(numbers)
    if len(numbers) == 1:
        return Quantity(numbers[0], None, None, None)
    return Quantity(numbers[0], *ends(numbers[1:], level), numbers[1:])


def ends(draws: Float[np.ndarray, "draw budget"], level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the central interval by budget, infinite where so many draws are."""
    # Between a number and infinity there is nothing to interpolate.
    method = "linear" if np.isfinite(draws).all() else "nearest"
    low, high = np.quantile(draws, [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=0, method=method)
    return low, high
