"""Parameters with their errors and intervals, ready to be printed."""

import math
from collections.abc import Hashable
from typing import Any

import numpy as np

from .._core import InputError, Phrase, check_probability
from ..params import slots, values
from ._check import check_result
from ._estimate import Estimate, FirstOrder, estimated
from ._fit import Ensemble, Fit
from ._nearby import nearby
from ._predict import RESAMPLED


def summary(
    result: Fit[Any] | Ensemble[Any], level: float = 0.95
) -> dict[str, Estimate] | dict[Hashable, dict[str, Estimate]]:
    """Every parameter of a result by name; for a batch, one such dictionary by study.

    **Arguments:**

    - `result`: A fit, for standard errors and intervals to first order by Student's t (none where curvature does not
      say how sure it is: see `covariance`), or an ensemble about one: then standard errors are those of its converged
      draws, and intervals their quantiles; of resamples without ends for what no run informs.
    - `level`: Probability of the interval.

    **Returns:** an `Estimate` of each, in its unit. Its value is NaN for a parameter that no run responds to, as the
    exponent of a term that vanished: then the runs follow a smaller law without it.

    **Raises:** `InputError` for a level outside (0, 1), or where no draw converged.
    """
    check_probability("level", level)
    fit, numbers = check_result("result", result).fit, values(result.fit.law)
    draws = result if isinstance(result, Ensemble) else None
    table = None if draws is None else values(draws.law)
    # Draws of a posterior know from its priors what runs do not tell; others would show how far a search strays.
    errors = _errors(fit) if draws is None or draws.method in RESAMPLED else None
    if fit.keys is None:
        return _one(fit, numbers, draws, table, errors, Ellipsis, level)
    return {key: _one(fit, numbers[s], draws, table, errors, s, level) for s, key in enumerate(fit.keys)}


def _errors(fit: Fit[Any]) -> tuple[Any, Any] | None:
    """Standard errors to first order, by study, of every number of the law; and the degrees of freedom."""
    if not np.any(fit.converged):
        return None
    about = nearby(fit)
    table = values(about.laws)
    error = about.error(table.reshape(len(about.step), -1, table.shape[-1]))
    freedom = about.spread.freedom
    return (error, freedom) if fit.keys is not None else (error[0], freedom[0])


def _one(
    fit: Fit[Any],
    numbers: np.ndarray,
    draws: Ensemble[Any] | None,
    table: np.ndarray | None,
    errors: tuple[Any, Any] | None,
    study: Any,
    level: float,
) -> dict[str, Estimate]:
    found: dict[str, Estimate] = {}
    keep = None if draws is None else draws.converged[study]
    if keep is not None and not keep.any() and fit.keys is None:
        raise InputError(
            "result", Phrase("has no draw that converged"), remedy="raise `max_steps`, or fit a smaller law"
        )
    for k, slot in enumerate(slots(fit.template)):
        value = float(numbers[k])
        unit = slot.parameter.unit.replace("target", fit.source.target)
        if slot.name in fit.fixed:
            found[slot.name] = Estimate(value, unit=unit, fixed=True)
            continue
        # What follows from others, by a tie or along an axis, is not looked at for itself.
        place = fit.free.index(slot.name) if slot.name in fit.free else None
        gone = place is not None and bool(fit.unidentified[study][place]) and not slot.parameter.amplitude
        if gone and fit.at_end[study][place]:
            # Its free number is without end there; how far runs let it come away from it is of the number itself.
            within = slot.parameter.constraint.low, slot.parameter.constraint.high
            one = (
                None
                if errors is None
                else FirstOrder(errors[0][study][..., k], errors[1][study], log=False, within=within)
            )
            found[slot.name] = Estimate(value, unit=unit) if one is None else one.about(value, level, unit)
            continue
        lost = errors is not None and bool(np.isinf(errors[0][study][..., k]))
        if errors is not None and not gone and (draws is None or lost):
            constraint = slot.parameter.constraint
            # What is counted in a unit of an input grows with its power: its logarithm is what runs tell.
            log = bool(slot.parameter.dims) or (constraint.low == 0.0 and not constraint.vanishes)
            error = errors[0][study][..., k]
            # One that may as well be of the other sign has none.
            log = log and not (constraint.low < 0.0 < constraint.high and abs(value) <= 3.0 * error)
            # To first order ten e-folds to either side are no interval: runs do not tell it.
            # A term that vanished has lost its exponent, by which its amplitude is counted.
            error = np.where(log & ((error > 10.0 * abs(value)) | (value == 0.0)), np.inf, error)
            log = log and value != 0.0
            one = FirstOrder(error, errors[1][study], log=log, within=(constraint.low, constraint.high))
            found[slot.name] = one.about(value, level, unit)
            continue
        if gone or draws is None or table is None or keep is None or not keep.any():
            found[slot.name] = Estimate(math.nan if gone else value, unit=unit)
            continue
        column = table[study][..., k] if keep.all() else table[study][keep, k]
        one = estimated(value, column, level, unit=unit)
        away = None if place is None or slot.parameter.amplitude else draws.unidentified[study][keep, place]
        if away is not None and _no_upper_end(column, one.high, away):
            one = Estimate(value, one.low, math.inf, level, unit=unit)
        found[slot.name] = one
    return found


def _no_upper_end(column: np.ndarray, high: Any, lost: np.ndarray) -> bool:
    """Whether half of the draws from the interval's end on have lost the parameter."""
    return bool(np.mean(lost[column >= high]) >= 0.5 and high > np.median(column))
