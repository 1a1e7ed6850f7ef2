"""The stack: arms weighed by how their forecasts went, with the width that is left."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ._prior import Prior

NEAR = np.log(1.5)
"""Forecasts of fewer e-folds of compute say little of how arms go astray."""
MOST = 25.0
"""One backtest may say that squares are so many times as large as expected, and no more."""


class Foreseen(NamedTuple):
    """The arms at points beyond the runs: by arm and point, logarithms of values, and their errors to first order.

    **Arguments:**

    - `log_value`, `error`: By arm and point; NaN where an arm was not fitted, or nothing says its error.
    - `noise`: By point, the scatter of runs about the law.
    - `T`: E-folds of compute beyond the runs; `x`: log loss above the least at that compute.
    """

    log_value: Float[np.ndarray, "arm point"]
    error: Float[np.ndarray, "arm point"]
    noise: Float[np.ndarray, " point"]
    T: Float[np.ndarray, " point"]
    x: Float[np.ndarray, " point"]

    def take(self, which: Int[np.ndarray, " kept"] | Bool[np.ndarray, " point"]) -> "Foreseen":
        """Some of the points."""
        return Foreseen(*(column[..., which] for column in self))


class Stacked(NamedTuple):
    """The stack at points: the mean of the arms, and variances of logarithms.

    **Arguments:**

    - `weight`: By arm.
    - `log_value`: The weighted mean.
    - `errors`: Variance from what the runs leave open in each arm; `between`: from the arms disagreeing; `beyond`: from
        what studies like this were found to miss; `noise`: of a run about the curve.
    """

    weight: Float[np.ndarray, "arm point"]
    log_value: Float[np.ndarray, " point"]
    errors: Float[np.ndarray, " point"]
    between: Float[np.ndarray, " point"]
    beyond: Float[np.ndarray, " point"]
    noise: Float[np.ndarray, " point"]

    def variance(self, new_run: bool) -> Float[np.ndarray, " point"]:
        """Of the curve, or of a run about it."""
        return self.errors + self.between + self.beyond + (self.noise if new_run else 0.0)


class Trust(NamedTuple):
    """What the backtests of each origin say of its arms and of its stack, shrunk to the prior.

    **Arguments:**

    - `arms`: How far each arm went astray, in units of what the prior expects.
    - `width`: Mean square of what the stack missed, in units of its variance.
    - `checked`: How many earlier origins had forecasts that could be checked.
    """

    arms: Float[np.ndarray, "origin arm"]
    width: Float[np.ndarray, " origin"]
    checked: Int[np.ndarray, " origin"]


def stacked(
    prior: Prior, names: Sequence[str], seen: Foreseen, arms: Float[np.ndarray, "point arm"],
    width: Float[np.ndarray, " point"],
) -> Stacked:  # fmt: skip
    """The stack at points, with the trust of the origin of each."""
    known = np.isfinite(seen.log_value)
    expected = arms.T * prior.misses(names, seen.T, seen.x)
    weight = np.where(known, expected**-prior.power, 0.0)
    with np.errstate(invalid="ignore"):
        weight /= weight.sum(axis=0)
    value = np.where(known, seen.log_value, 0.0)
    mean = np.sum(weight * value, axis=0)
    # Where slopes do not say how sure an arm is, it is as far astray as its like.
    error = np.where(np.isfinite(seen.error), seen.error, expected)
    errors, between = (np.sum(weight * square, axis=0) for square in (error**2, (value - mean) ** 2))
    parts = errors, between, prior.variance(seen.T, seen.x), seen.noise**2
    return Stacked(weight, mean, *(width * part for part in parts))


def trust(
    prior: Prior, names: Sequence[str], seen: Foreseen, log_observed: Float[np.ndarray, " forecast"],
    origin: Int[np.ndarray, " forecast"], past: Sequence[Sequence[Int[np.ndarray, " _"]]],
) -> Trust:  # fmt: skip
    """What could be checked at each origin.

    **Arguments:**

    - `log_observed`: What came of each forecast.
    - `origin`: Of each forecast.
    - `past`: By origin and earlier origin, the forecasts of that one that could be checked by then.
    """
    missed = np.abs(log_observed - seen.log_value) / prior.misses(names, seen.T, seen.x)
    arms, width = np.ones((len(past), len(names))), np.ones(len(past))
    known = np.asarray(np.isfinite(seen.log_value).any(axis=0))
    past = [[which[known[which]] for which in each if known[which].any()] for each in past]
    for j, each in enumerate(past):
        if not each:
            continue
        found = np.stack([_mean(missed[:, which]) for which in each])
        counted = np.isfinite(found)
        arms[j] = (prior.arm_count + np.where(counted, found, 0.0).sum(axis=0)) / (
            prior.arm_count + counted.sum(axis=0)
        )
        flat = np.concatenate(each)
        here = seen.take(flat)
        stack = stacked(prior, names, here, np.broadcast_to(arms[j], (len(flat), len(names))), np.ones(len(flat)))
        square = (log_observed[flat] - stack.log_value) ** 2 / stack.variance(True)
        ends = np.cumsum([len(which) for which in each])[:-1]
        squares = [min(float(np.mean(part)), MOST) for part in np.split(square, ends)]
        width[j] = (prior.width_count + sum(squares)) / (prior.width_count + len(squares))
    return Trust(arms, width, np.array([len(each) for each in past], int))


def _mean(table: Float[np.ndarray, "arm forecast"]) -> Float[np.ndarray, " arm"]:
    """The mean of each row over what is finite; NaN where nothing is."""
    known = np.isfinite(table)
    with np.errstate(invalid="ignore"):
        return np.where(known, table, 0.0).sum(axis=1) / known.sum(axis=1)
