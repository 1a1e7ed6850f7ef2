"""The stack: arms weighed by how their forecasts went, with the width that is left, beside a law that may be right."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit

from ..results import LogNormals
from ._prior import Prior

NEAR = np.log(1.5)
"""Forecasts of fewer e-folds of compute say little of how arms go astray."""
MOST = 25.0
"""One backtest may say that squares are so many times as large as expected, and no more."""
AT_BEST = 0.02
"""Whether the law is right is asked of runs foreseen within this excess: where budgets are spent."""
TWICE = 2
"""Origins that must have been checked before the law may be right."""
EXACT = 1e-9
"""Least error of a logarithm: below it runs are without scatter, and what is left is rounding."""
UNSURE = 0.3
"""Standard error of the logarithm where slopes say none."""


class Foreseen(NamedTuple):
    """The arms at points beyond the runs, the law itself first.

    **Arguments:**

    - `log_value`, `error`: By arm and point, logarithms of values and their errors to first order; NaN where an arm was
      not fitted, or nothing says its error.
    - `noise`: By arm and point, the scatter of runs about it.
    - `T`: E-folds of compute beyond the runs; `x`: log loss above the least at that compute.
    """

    log_value: Float[np.ndarray, "arm point"]
    error: Float[np.ndarray, "arm point"]
    noise: Float[np.ndarray, "arm point"]
    T: Float[np.ndarray, " point"]
    x: Float[np.ndarray, " point"]

    def take(self, which: Int[np.ndarray, " kept"] | Bool[np.ndarray, " point"]) -> "Foreseen":
        """Some of the points."""
        return Foreseen(*(column[..., which] for column in self))

    @property
    def scatter(self) -> Float[np.ndarray, " point"]:
        """Of a run about the curve, as the last arm says that was fitted."""
        last = self.noise[0]
        for row in self.noise[1:]:
            last = np.where(np.isfinite(row), row, last)
        return last


class Trust(NamedTuple):
    """What the backtests of each origin say of its arms and of its stack, shrunk to the prior.

    **Arguments:**

    - `arms`: How far each arm went astray, in units of what the prior expects.
    - `width`: Mean square of what the stack missed, in units of its variance.
    - `right`: The probability that the law itself is right, and all that it misses is what its runs leave open.
    - `checked`: How many earlier origins had forecasts that could be checked.
    """

    arms: Float[np.ndarray, "origin arm"]
    width: Float[np.ndarray, " origin"]
    right: Float[np.ndarray, " origin"]
    checked: Int[np.ndarray, " origin"]

    @classmethod
    def none(cls, origins: int, arms: int) -> "Trust":
        """That of origins at which nothing could be checked."""
        return cls(np.ones((origins, arms)), np.ones(origins), np.zeros(origins), np.zeros(origins, int))

    def take(self, which: Int[np.ndarray, " point"]) -> "Trust":
        """That of some of the origins."""
        return Trust(*(column[which] for column in self))


class Stacked(NamedTuple):
    """The stack at points, mixed with the law by itself as far as that may be right; variances are of logarithms.

    **Arguments:**

    - `weight`: By arm.
    - `log_value`: The weighted mean.
    - `errors`: Variance from what the runs leave open in each arm; `between`: from the arms disagreeing; `beyond`: from
        what studies like this were found to miss; `noise`: of a run about the curve.
    - `right`: The probability that the law itself is right.
    - `mean`, `curve`, `run`: Of the law where it is right, and of the stack where it is not: the mean, and the variance
        of the curve and of a run.
    """

    weight: Float[np.ndarray, "arm point"]
    log_value: Float[np.ndarray, " point"]
    errors: Float[np.ndarray, " point"]
    between: Float[np.ndarray, " point"]
    beyond: Float[np.ndarray, " point"]
    noise: Float[np.ndarray, " point"]
    right: Float[np.ndarray, " point"]
    mean: Float[np.ndarray, "2 point"]
    curve: Float[np.ndarray, "2 point"]
    run: Float[np.ndarray, "2 point"]

    def spread(self, new_run: bool) -> LogNormals:
        """How sure the curve is, or a run: by the law where it is right, and by the stack where it is not."""
        scale = np.sqrt((self.run if new_run else self.curve) + EXACT**2)
        return LogNormals(np.stack([self.right, 1.0 - self.right]), self.mean, scale)


def stacked(prior: Prior, names: Sequence[str], seen: Foreseen, trusted: Trust) -> Stacked:
    """The stack at points, with the trust of the origin of each."""
    known = np.isfinite(seen.log_value)
    expected = trusted.arms.T * prior.misses(names, seen.T, seen.x)
    weight = np.where(known, expected**-prior.power, 0.0)
    with np.errstate(invalid="ignore"):
        weight /= weight.sum(axis=0)
    value = np.where(known, seen.log_value, 0.0)
    mean = np.sum(weight * value, axis=0)
    # Where slopes do not say how sure an arm is, it is as far astray as its like.
    error = np.where(np.isfinite(seen.error), seen.error, expected)
    errors, between = (np.sum(weight * square, axis=0) for square in (error**2, (value - mean) ** 2))
    parts = errors, between, prior.variance(seen.T, seen.x), seen.scatter**2
    errors, between, beyond, noise = (trusted.width * part for part in parts)
    # The law by itself, as far as it may be right.
    right = np.where(known[0], trusted.right, 0.0)
    wrong, law = 1.0 - right, np.where(known[0], value[0], mean)
    own = np.where(np.isfinite(seen.error[0]), seen.error[0], UNSURE) ** 2
    scatter = np.where(known[0], seen.noise[0] ** 2, noise)
    curve = np.stack([own, errors + between + beyond])
    first = (np.arange(len(names)) == 0)[:, None]
    return Stacked(
        weight=wrong * weight + right * first,
        log_value=right * law + wrong * mean,
        errors=right * own + wrong * errors,
        between=wrong * between + right * wrong * (law - mean) ** 2,
        beyond=wrong * beyond,
        noise=right * scatter + wrong * noise,
        right=right,
        mean=np.stack([law, mean]),
        curve=curve,
        run=curve + np.stack([scatter, noise]),
    )


def trust(
    prior: Prior, names: Sequence[str], seen: Foreseen, log_observed: Float[np.ndarray, " forecast"],
    past: Sequence[Sequence[Int[np.ndarray, " _"]]],
) -> Trust:  # fmt: skip
    """What could be checked at each origin.

    **Arguments:**

    - `log_observed`: What came of each forecast.
    - `past`: By origin and earlier origin, the forecasts of that one that could be checked by then.
    """
    missed = np.abs(log_observed - seen.log_value) / prior.misses(names, seen.T, seen.x)
    out = Trust.none(len(past), len(names))
    known = np.asarray(np.isfinite(seen.log_value).any(axis=0))
    past = [[which[known[which]] for which in each if known[which].any()] for each in past]
    plain = stacked(prior, names, seen, Trust.none(len(log_observed), len(names)))
    for j, each in enumerate(past):
        out.checked[j] = len(each)
        if not each:
            continue
        found = np.stack([_mean(missed[:, which]) for which in each])
        counted = np.isfinite(found)
        out.arms[j] = (prior.arm_count + np.where(counted, found, 0.0).sum(axis=0)) / (
            prior.arm_count + counted.sum(axis=0)
        )
        flat = np.concatenate(each)
        here = Trust.none(len(flat), len(names))._replace(arms=np.broadcast_to(out.arms[j], (len(flat), len(names))))
        stack = stacked(prior, names, seen.take(flat), here)
        square = (log_observed[flat] - stack.log_value) ** 2 / stack.run[1]
        ends = np.cumsum([len(which) for which in each])[:-1]
        squares = [min(float(np.mean(part)), MOST) for part in np.split(square, ends)]
        out.width[j] = (prior.width_count + sum(squares)) / (prior.width_count + len(squares))
        odds = [_odds(plain, log_observed, which[seen.x[which] < AT_BEST]) for which in each]
        odds = [one for one in odds if np.isfinite(one)]
        out.right[j] = expit(np.log(prior.odds) + sum(odds)) if len(odds) >= TWICE else 0.0
    return out


def _odds(plain: Stacked, log_observed: Float[np.ndarray, " forecast"], which: Int[np.ndarray, " some"]) -> float:
    """How much likelier the mean of what came is by the law than by the stack, in log; NaN of none.

    Errors of one origin are one error; scatter is each run's own.
    """
    if not which.size:
        return np.nan
    curve, run = plain.curve[:, which], plain.run[:, which]
    variance = np.sqrt(curve).mean(axis=1) ** 2 + (run - curve).mean(axis=1) / which.size + EXACT**2
    miss = (log_observed[which] - plain.mean[:, which]).mean(axis=1)
    likelihood = -0.5 * (np.log(variance) + miss**2 / variance)
    return float(likelihood[0] - likelihood[1])


def _mean(table: Float[np.ndarray, "arm forecast"]) -> Float[np.ndarray, " arm"]:
    """The mean of each row over what is finite; NaN where nothing is."""
    known = np.isfinite(table)
    with np.errstate(invalid="ignore"):
        return np.where(known, table, 0.0).sum(axis=1) / known.sum(axis=1)
