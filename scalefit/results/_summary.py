"""Parameters with their errors and intervals, ready to be printed."""

import math
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from .._core import InputError
from ..params import slots, values
from ._fit import Ensemble, Fit
from ._predict import check_level

DEAD_SHARE = 0.5
"""Share of the draws beyond an interval's end that must have lost the parameter for the end to be called open."""


RAN_OFF = 3.0
"""A standard error beyond this many widths of the interval is that of a few draws, and is not given."""


class Estimate(NamedTuple):
    """One parameter: its value and, where something gave them, its standard error and interval.

    **Arguments:**

    - `value`: The fitted value, in the parameter's unit; NaN for a parameter that no run feels, as the exponent of a
      term that vanished: then the runs follow a smaller law without it.
    - `unit`: That unit.
    - `se`: Standard error, `None` where nothing gave it or where draws run off without bound.
    - `low`, `high`: The ends of the central interval; `high` is `None` where the interval has no upper end.
    - `unbounded`: Whether the runs set no upper end.
    - `fixed`: Whether the value was held, not fitted.
    """

    value: float
    unit: str
    se: float | None = None
    low: float | None = None
    high: float | None = None
    unbounded: bool = False
    fixed: bool = False


def summary(
    result: Fit[Any] | Ensemble[Any], level: float = 0.95
) -> dict[str, Estimate] | dict[Hashable, dict[str, Estimate]]:
    """Every parameter of a result by name; for a batch, one such dictionary by study.

    **Arguments:**

    - `result`: A fit, or an ensemble about one: then standard errors are those of its converged draws, and intervals
      their quantiles.
    - `level`: Probability of the interval.

    **Raises:** `InputError` for a level outside (0, 1), or where no draw converged.
    """
    check_level(level)
    fit = result.fit
    draws = result if isinstance(result, Ensemble) else None
    if fit.keys is None:
        return _one(fit, values(fit.law), draws, Ellipsis, level)
    table = values(fit.law)
    return {key: _one(fit, table[s], draws, s, level) for s, key in enumerate(fit.keys)}


def _one(
    fit: Fit[Any], numbers: np.ndarray, draws: Ensemble[Any] | None, study: Any, level: float
) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    table = None if draws is None else values(draws.law)[study]
    for k, slot in enumerate(slots(fit.template)):
        value = float(numbers[k])
        unit = slot.parameter.unit.replace("target", fit.source.target)
        if slot.name in fit.fixed:
            found[slot.name] = Estimate(value, unit, fixed=True)
            continue
        # What follows from others, by a tie or along an axis, is not looked at for itself.
        place = fit.free.index(slot.name) if slot.name in fit.free else None
        gone = place is not None and bool(fit.dead[study][place]) and not slot.parameter.amplitude
        if gone or draws is None or table is None:
            found[slot.name] = Estimate(math.nan if gone else value, unit)
            continue
        keep = draws.converged[study]
        if not keep.any() and fit.keys is None:
            raise InputError("No draw of the ensemble converged, so it says nothing of how sure a parameter is.")
        if not keep.any():
            found[slot.name] = Estimate(value, unit)
            continue
        lost = np.zeros(int(keep.sum()), bool) if place is None else draws.dead[study][keep, place]
        found[slot.name] = _estimate(value, unit, table[keep, k], lost, slot.parameter.amplitude, level)
    return found


def _estimate(value: float, unit: str, column: np.ndarray, lost: np.ndarray, amplitude: bool, level: float) -> Estimate:
    tail = 0.5 * (1.0 - level)
    low, high = np.quantile(column, [tail, 1.0 - tail])
    above = column >= high
    unbounded = bool(not amplitude and np.mean(lost[above]) >= DEAD_SHARE and high > np.median(column))
    # A few draws that ran off would make of the standard error their own size.
    spread = float(np.std(column, ddof=1))
    se = None if unbounded or not spread <= RAN_OFF * (high - low) else spread
    return Estimate(value, unit, se, float(low), None if unbounded else float(high), unbounded)
