"""A number, or an array of them, with how sure it is."""

import dataclasses
import warnings
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .._core import InputError, check_probability


def _array(given: ArrayLike) -> np.ndarray:
    return np.asarray(given, float)


def _end(given: ArrayLike | None) -> np.ndarray | None:
    return None if given is None else _array(given)


class Estimate(eqx.Module):
    """A value and an interval about it: a parameter, a prediction, or a number of a plan.

    An index takes the estimates at some places of an array; `f"{estimate:.3g}"` is the value with its interval.

    **Arguments:**

    - `value`: Of the fit itself, not of its draws.
    - `low`, `high`: The ends of the central interval, `None` where nothing says how sure the value is. `high` is
        infinite where the interval has no upper end; both are NaN for a study of a batch that did not converge.
    - `level`: The interval's probability.
    - `draws`: The value of each draw, `None` without; NaN for a draw that takes no part.
    - `unit`: Of all of them, where it is known.
    - `fixed`: Whether the value was held, not fitted.
    """

    value: Float[np.ndarray, "*shape"] = eqx.field(converter=_array)
    low: Float[np.ndarray, "*shape"] | None = eqx.field(default=None, converter=_end)
    high: Float[np.ndarray, "*shape"] | None = eqx.field(default=None, converter=_end)
    level: float | None = eqx.field(default=None, static=True)
    draws: Float[np.ndarray, "draw *shape"] | None = None
    unit: str = eqx.field(default="", static=True)
    fixed: bool = eqx.field(default=False, static=True)

    def __getitem__(self, place: Any) -> "Estimate":
        low, high = (None if end is None else end[place] for end in (self.low, self.high))
        draws = (
            None
            if self.draws is None
            else self.draws[(slice(None), *(place if isinstance(place, tuple) else (place,)))]
        )
        return dataclasses.replace(self, value=self.value[place], low=low, high=high, draws=draws)

    def __format__(self, form: str) -> str:
        form = form or ".4g"
        columns = [np.ravel(column) for column in (self.value, self.low, self.high) if column is not None]
        said = []
        for value, *ends in zip(*(column[:8].tolist() for column in columns), strict=True):
            interval = f" [{', '.join(format(end, form) for end in ends)}]" if ends else ""
            said.append(f"{value:{form}}{interval}")
        more = [f"… ({columns[0].size} in all)"] if columns[0].size > 8 else []
        return ", ".join([*said, *more])

    def __str__(self) -> str:
        return format(self)

    def __repr__(self) -> str:
        draws = "" if self.draws is None else f", of {len(self.draws)} draws"
        return f"Estimate({self}{draws})"

    @property
    def mean(self) -> Float[np.ndarray, "*shape"]:
        """The mean of the draws: what is expected; the value where there are none."""
        return self.value if self.draws is None else np.asarray(np.mean(self.draws, axis=0))

    @property
    def se(self) -> Float[np.ndarray, "*shape"] | None:
        """The standard error: `None` without draws, and NaN where it is that of a few draws which ran off."""
        if self.draws is None or self.low is None or self.high is None:
            return None
        spread = np.std(self.draws, axis=0, ddof=1)
        return np.where(spread <= 3.0 * (self.high - self.low), spread, np.nan)

    @property
    def unbounded(self) -> Bool[np.ndarray, "*shape"]:
        """Whether the interval has no upper end."""
        return np.zeros(self.value.shape, bool) if self.high is None else np.asarray(self.high == np.inf)

    def at_level(self, level: float) -> "Estimate":
        """The same with an interval of another level.

        **Raises:** `InputError` without draws, or for a level outside (0, 1).
        """
        check_probability("level", level)
        if self.draws is None:
            raise InputError("draws", None, "draws, to take an interval of", "ask an ensemble, as `bootstrap` gives")
        return estimated(self.value, self.draws, level, unit=self.unit)


def estimated(
    value: ArrayLike, draws: Float[np.ndarray, "draw *shape"] | None, level: float, *, unit: str = ""
) -> Estimate:
    """A value with the central interval of its draws, their axis the first; draws that are NaN take no part."""
    if draws is None:
        return Estimate(value, unit=unit)
    # Between a number and infinity there is nothing to interpolate.
    how: Any = {"axis": 0, "method": "nearest" if np.isinf(draws).any() else "linear"}
    tail = 0.5 * (1.0 - level)
    if np.isnan(draws).any():
        with warnings.catch_warnings():
            # Where all draws are NaN, so are the ends.
            warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
            low, high = np.nanquantile(draws, [tail, 1.0 - tail], **how)
    else:
        low, high = np.quantile(draws, [tail, 1.0 - tail], **how)
    return Estimate(value, low, high, level, draws, unit)
