"""How laws of the same runs do: by forecasts of later runs, by runs that were left out, by likelihood."""

import contextlib
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, NotConverged
from ..estimate import bootstrap
from ..results import Fit
from ._arms import law_arm, log_values
from ._origins import rolling
from ._reach import least_runs, log, reach_of

FOLDS = 200
"""Parts of the trainings that are left out one after the other, at most: of fewer trainings each is one."""


class Missed(NamedTuple):
    """What laws missed the same later runs by, foreseen from the same origins.

    **Arguments:**

    - `log`: By law and forecast, what came over what was foreseen, in log.
    - `origin`: Of each forecast, from 0.
    - `count`: By origin, its forecasts.
    """

    log: Float[np.ndarray, "law forecast"]
    origin: Int[np.ndarray, " forecast"]
    count: Int[np.ndarray, " origin"]

    @property
    def by_origin(self) -> Float[np.ndarray, "law origin"]:
        """Mean absolute errors of an origin, whose forecasts err together."""
        each = [np.bincount(self.origin, np.abs(one), len(self.count)) for one in self.log]
        return np.array(each).reshape(len(self.log), -1) / self.count


class Behind(NamedTuple):
    """By law, the mean over origins, how far it is above that of one of them, and the standard error of that."""

    error: Float[np.ndarray, " law"]
    behind: Float[np.ndarray, " law"]
    se: Float[np.ndarray, " law"]


def behind(table: Float[np.ndarray, "law origin"], first: int | None = None) -> Behind:
    """Laws beside one of them, by the same origins: the best unless another is named; NaN without origins."""
    count = table.shape[1]
    if count == 0:
        return Behind(*np.full((3, len(table)), np.nan))
    error = table.mean(axis=1)
    apart = table - table[int(np.argmin(error)) if first is None else first]
    se = apart.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.full(len(table), np.nan)
    return Behind(error, apart.mean(axis=1), se)


def shares_of_best(errors: Float[np.ndarray, "law resample"]) -> Float[np.ndarray, " law"]:
    """In which share of resamples each law errs least; laws that err alike share."""
    first = errors <= errors.min(axis=0) * (1.0 + 1e-9)
    return np.mean(first / first.sum(axis=0), axis=1)


def missed(fits: Mapping[str, Fit[Any]]) -> Missed:
    """Roll each law back by itself, all at the same origins; of forecasts that some law cannot make none counts."""
    problems = [one.problem for one in fits.values()]
    first, least = problems[0], max(map(least_runs, problems))
    size, origins, target = np.zeros(0), [], np.asarray(first.runs.target)
    with contextlib.suppress(InputError):  # of laws without a size, along which nothing grows
        size = next(iter(reach_of(first).values()))
        origins = list(rolling(first, size, least))
    if not origins or np.any(target <= 0.0):
        return Missed(np.zeros((len(fits), 0)), np.zeros(0, int), np.zeros(0, int))
    of = np.repeat(np.arange(len(origins)), [len(one.later) for one in origins])
    row = np.concatenate([one.later for one in origins])
    far = log(size[row]) - log(np.array([size[one.seen].max() for one in origins]))[of]
    foreseen = [
        law_arm(one, origins, least).foreseen(of, {name: column[row] for name, column in one.inputs.items()}, far)
        for one in problems
    ]
    missed = np.log(target[row]) - np.concatenate([one.log_value for one in foreseen])
    known = np.isfinite(missed).all(axis=0)
    _, origin, count = np.unique(of[known], return_inverse=True, return_counts=True)
    return Missed(missed[:, known], origin, count)


def left_out(fit: Fit[Any]) -> Float[np.ndarray, " run"]:
    """Log density of each run by the law refitted without its training; NaN where it cannot be.

    Rows of one training are left out together. Scatter is that of the fit to all runs, without what its free numbers
    took up. NaN of a noise without a density.
    """
    noise, runs = fit.noise, fit.problem.runs
    fold = np.unique(runs.clusters(), return_inverse=True)[1] % FOLDS
    weights = (np.arange(fold.max() + 1)[:, None] != fold).astype(float)
    draws = None
    with warnings.catch_warnings(), contextlib.suppress(InputError, NotConverged):
        warnings.simplefilter("ignore")  # of refits that failed, whose runs are NaN
        draws = bootstrap(fit, weights=weights) if fit.converged else None
    count, free = len(runs), len(fit.free)
    if draws is None or count <= free:
        return np.full(count, np.nan)
    found = log_values(jax.tree.map(lambda a: a[fold], draws.law), fit.problem.inputs)
    target = np.asarray(runs.target)
    precision = fit.problem.arrays.data.precision
    log_scale = np.log(draws.scale[fold] * np.sqrt(count / (count - free)))
    log_scale = log_scale if precision is None else log_scale - np.log(np.asarray(precision)[0, :count])
    residual = np.log(target) - found if noise.log else target - np.exp(found)
    try:
        density = np.asarray(noise.log_density(residual, log_scale)) - (np.log(target) if noise.log else 0.0)
    except InputError:
        return np.full(count, np.nan)
    return np.where(draws.converged[fold] & np.isfinite(density), density, np.nan)


def stacking(errors: Missed) -> Float[np.ndarray, " law"]:
    """Weights of laws, 0 or more and 1 in all, whose weighted forecast has the least mean square, origins alike."""
    if errors.origin.size == 0:
        return np.full(len(errors.log), np.nan)
    from scipy.optimize import nnls  # a third of a second, which few comparisons need

    table = errors.log.T / np.sqrt(errors.count[errors.origin])[:, None]
    # The sum is held by a row that outweighs all others.
    heavy = 1e4 * max(float(np.linalg.norm(table)), 1e-300)
    held = np.full((1, table.shape[1]), heavy)
    # So little that it decides between laws that foresee the same alone, which weigh alike.
    even = 1e-9 * heavy * np.eye(table.shape[1])
    found, _ = nnls(np.concatenate([table, held, even]), np.r_[np.zeros(len(table)), heavy, np.zeros(len(even))])
    return found / found.sum()


def log_likelihood(fit: Fit[Any]) -> float:
    """Of the targets; of Huber's noise with the scatter as its scale, NaN of a noise without a density."""
    try:
        density = np.asarray(fit.noise.log_density(np.asarray(fit.residuals), np.log(np.asarray(fit.scale))))
    except InputError:
        return np.nan
    whole = float(np.sum(density))
    # Of the target, not of its logarithm.
    return whole - float(np.sum(np.log(np.asarray(fit.problem.runs.target)))) if fit.noise.log else whole
