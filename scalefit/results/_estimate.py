"""A number, or an array of them, with how sure it is."""

import dataclasses
import warnings
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .._core import InputError, check_probability
from ._log_normals import LogNormals


def _array(given: ArrayLike) -> np.ndarray:
    return np.asarray(given, float)


def _end(given: ArrayLike | None) -> np.ndarray | None:
    return None if given is None else _array(given)


class FirstOrder(eqx.Module):
    """How sure a number is by the slopes of the law: a standard error, and Student's t of the degrees of freedom left.

    **Arguments:**

    - `error`: The standard error, infinite where the runs do not inform the number.
    - `freedom`: The degrees of freedom; infinite where the scatter is known.
    - `noise`: By level, how far a new run scatters about the curve, by study of a batch; `None` for the curve itself.
    - `log`: Whether the interval is even about the logarithm, as that of what is above zero.
    - `times`: By place, how many times as far as by `noise` a new run scatters there; `None` for once.
    - `within`: What the number cannot leave.
    """

    error: Float[np.ndarray, "*shape"] = eqx.field(converter=_array)
    freedom: Float[np.ndarray, "*shape"] = eqx.field(converter=_array)
    noise: Any = eqx.field(default=None, static=True)
    log: bool = eqx.field(default=True, static=True)
    times: Float[np.ndarray, "*shape"] | None = eqx.field(default=None, converter=_end)
    within: tuple[float, float] = eqx.field(default=(-np.inf, np.inf), static=True)

    def __getitem__(self, place: Any) -> "FirstOrder":
        times = None if self.times is None else self.times[place]
        return dataclasses.replace(self, error=self.error[place], freedom=self.freedom[place], times=times)

    def _scatter(self, level: float) -> np.ndarray:
        """Half of the interval of what a new run scatters by, by place, or alike in all of them."""
        wide = np.asarray(self.noise(level))
        wide = wide.reshape((*wide.shape, *[1] * (self.error.ndim - wide.ndim)))
        return wide if self.times is None else wide * self.times

    def ends(self, value: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the interval of a level."""
        from scipy.special import ndtri, stdtrit  # a third of a second, which fits alone do not need

        known = np.isinf(self.freedom)  # the scatter is, without a fit
        wide = np.where(known, ndtri(0.5 + 0.5 * level), stdtrit(np.where(known, 1.0, self.freedom), 0.5 + 0.5 * level))
        with np.errstate(all="ignore"):
            off = wide * (self.error / value if self.log else self.error)
            if self.noise is not None:
                off = np.sqrt(off**2 + self._scatter(level) ** 2)
            low, high = (value * np.exp(-off), value * np.exp(off)) if self.log else (value - off, value + off)
        return _array(np.maximum(low, self.within[0])), _array(np.minimum(high, self.within[1]))

    def sampled(self, value: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draws about the value; one draw for all places along axes of `shape` that are 1."""
        freedom = float(np.ravel(self.freedom)[0])
        t = rng.standard_normal(shape) if np.isinf(freedom) else rng.standard_t(freedom, shape)
        off = t * (self.error / value if self.log else self.error)
        if self.noise is not None:  # a normal of the same width
            off = off + rng.standard_normal((shape[0], *value.shape)) * self._scatter(0.9) / 1.645
        return value * np.exp(off) if self.log else value + off

    def about(self, value: ArrayLike, level: float, unit: str = "") -> "Estimate":
        """The interval of a level about a value; none where nothing says how sure that is."""
        value = _array(value)
        if np.isnan(self.error).all():
            return Estimate(value, unit=unit)
        return Estimate(value, *self.ends(value, level), level, spread=self, unit=unit)


class Estimate(eqx.Module):
    """A value and an interval about it: a parameter, a prediction, or a number of a plan.

    An index takes the estimates at some places of an array; `f"{estimate:.3g}"` is the value with its interval.

    **Arguments:**

    - `value`: Of the fit itself, not of its draws.
    - `low`, `high`: The ends of the central interval, `None` where nothing says how sure the value is. `high` is
        infinite where the interval has no upper end; both are NaN for a study of a batch that did not converge.
    - `level`: The interval's probability.
    - `draws`: The value of each draw, `None` without; NaN for a draw that takes no part.
    - `spread`: What gave the interval where draws did not: a standard error to first order, or the normals of a
        forecast.
    - `unit`: Of all of them, where it is known.
    - `fixed`: Whether the value was held, not fitted.
    - `note`: What the interval does not know, in words, where it is known to matter; none unless given.
    """

    value: Float[np.ndarray, "*shape"] = eqx.field(converter=_array)
    low: Float[np.ndarray, "*shape"] | None = eqx.field(default=None, converter=_end)
    high: Float[np.ndarray, "*shape"] | None = eqx.field(default=None, converter=_end)
    level: float | None = eqx.field(default=None, static=True)
    draws: Float[np.ndarray, "draw *shape"] | None = None
    spread: FirstOrder | LogNormals | None = None
    unit: str = eqx.field(default="", static=True)
    fixed: bool = eqx.field(default=False, static=True)
    note: str = eqx.field(default="", static=True)

    def __getitem__(self, place: Any) -> "Estimate":
        low, high = (None if end is None else end[place] for end in (self.low, self.high))
        draws = (
            None
            if self.draws is None
            else self.draws[(slice(None), *(place if isinstance(place, tuple) else (place,)))]
        )
        spread = None if self.spread is None else self.spread[place]
        return dataclasses.replace(self, value=self.value[place], low=low, high=high, draws=draws, spread=spread)

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
        return f"Estimate({self}{draws})" + (f"\n  note: {self.note}" if self.note else "")

    @property
    def mean(self) -> Float[np.ndarray, "*shape"]:
        """The mean of the draws: what is expected; the value where there are none."""
        return self.value if self.draws is None else np.asarray(np.mean(self.draws, axis=0))

    @property
    def se(self) -> Float[np.ndarray, "*shape"] | None:
        """The standard error: `None` where nothing says it, and NaN where it is that of a few draws which ran off."""
        if self.spread is not None:
            return self.spread.error
        if self.draws is None or self.low is None or self.high is None:
            return None
        spread = np.std(self.draws, axis=0, ddof=1)
        return np.where((spread <= 3.0 * (self.high - self.low)) & ~self._open, spread, np.nan)

    @property
    def unbounded(self) -> Bool[np.ndarray, "*shape"]:
        """Whether the interval has no upper end."""
        return np.zeros(self.value.shape, bool) if self.high is None else np.asarray(self.high == np.inf)

    def of_new_run(self, noise: Any, times: np.ndarray | None = None) -> "Estimate":
        """The interval of a new run, which scatters by `noise` about what is known to first order; see `FirstOrder`."""
        if not isinstance(self.spread, FirstOrder) or self.level is None:
            return self
        spread = dataclasses.replace(self.spread, noise=noise, times=times)
        return dataclasses.replace(self, spread=spread).at_level(self.level)

    def at_level(self, level: float) -> "Estimate":
        """The same with an interval of another level.

        **Raises:** `InputError` where nothing says how sure the value is, or for a level outside (0, 1).
        """
        check_probability("level", level)
        if self.spread is not None:
            low, high = self.spread.ends(self.value, level)
            return dataclasses.replace(self, low=low, high=high, level=level)
        if self.draws is None:
            raise InputError("draws", None, "draws, to take an interval of", "ask an ensemble, as `bootstrap` gives")
        found = estimated(self.value, self.draws, level, unit=self.unit)
        if self.low is None or found.low is None or found.high is None:
            return found
        low = np.where(self._open, self.low, found.low)
        return dataclasses.replace(found, low=low, high=np.where(self._open, np.inf, found.high))

    @property
    def _open(self) -> Bool[np.ndarray, "*shape"]:
        """Where there is no upper end though draws have one, at no level then."""
        if self.draws is None:
            return np.zeros(self.value.shape, bool)
        return np.asarray(self.unbounded & ~np.isposinf(self.draws).any(axis=0))


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
    return Estimate(value, low, high, level, draws, unit=unit)
