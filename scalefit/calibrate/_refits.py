"""Every arm at every origin, fitted as a batch for each law, and what it foresees of the runs beyond."""

import contextlib
import warnings
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from .._core import InputError
from ..estimate import fit
from ..laws import AbstractLaw, Label, gathered, input_kinds
from ..noise import AbstractNoise
from ..problem import Problem
from ..results import Fit, nearby
from ..solve import in_lanes
from ._arms import Arm
from ._origins import Origin

JOB = "origin of a backtest"


class Refits(NamedTuple):
    """What each arm foresees at each origin, by forecast: one run beyond one origin.

    **Arguments:**

    - `origin`, `row`: Which origin, and the place of the run in the table.
    - `log_value`: By arm, the logarithm of what it foresees; NaN where it was not fitted.
    - `error`: By arm, its standard error to first order, of the logarithm.
    - `scale`: By origin, that of the noise, the median of the arms.
    - `fits`: By arm, its fits, a batch of origins; `place`: which of them is of an origin, or -1. `None` where it
      can be fitted at no origin.
    """

    origin: Int[np.ndarray, " forecast"]
    row: Int[np.ndarray, " forecast"]
    log_value: Float[np.ndarray, "arm forecast"]
    error: Float[np.ndarray, "arm forecast"]
    scale: Float[np.ndarray, " origin"]
    fits: tuple[Fit[Any] | None, ...]
    place: Int[np.ndarray, "arm origin"]

    def log_values(self, origin: Int[np.ndarray, " point"], points: dict[str, Any]) -> Float[np.ndarray, "arm point"]:
        """What each arm of an origin says at points, in log; NaN where it was not fitted."""
        return by_arm([(fits, place[origin]) for fits, place in zip(self.fits, self.place, strict=True)], points)


def refits(
    problem: Problem, arms: Sequence[Arm], origins: Sequence[Origin], excess: Sequence[Float[np.ndarray, " _"]]
) -> Refits:
    """Fit every arm at every origin.

    **Arguments:**

    - `excess`: By origin, that of the runs it has seen.
    """
    origin = np.repeat(np.arange(len(origins)), [len(one.later) for one in origins])
    row = np.concatenate([one.later for one in origins]).astype(int)
    points = {name: column[row] for name, column in problem.inputs.items()}
    log_value, error = np.full((2, len(arms), len(origin)), np.nan)
    place, scale, fitted = np.full((len(arms), len(origins)), -1), np.full((len(arms), len(origins)), np.nan), []
    for k, arm in enumerate(arms):
        jobs = np.array([j for j, one in enumerate(origins) if len(one.seen) >= arm.least], int)
        fitted.append(_fitted(problem, arm, jobs, origins, excess))
        if fitted[k] is None:
            continue
        jobs = np.array(fitted[k].keys, int)  # without those that could not be fitted
        place[k, jobs], scale[k, jobs] = np.arange(len(jobs)), fitted[k].scale
        here = place[k, origin] >= 0
        if here.any():
            asked = _relabelled({name: column[here] for name, column in points.items()}, problem.law, fitted[k].law)
            log_value[k, here], error[k, here] = foreseen(fitted[k], place[k, origin[here]], asked)
    return Refits(origin, row, log_value, error, _median(scale), tuple(fitted), place)


def _fitted(
    problem: Problem, arm: Arm, jobs: Int[np.ndarray, " job"], origins: Sequence[Origin], excess: Sequence[np.ndarray]
) -> Fit[Any] | None:
    """An arm at some of the origins; `None` where it can be fitted at none."""
    if jobs.size == 0:
        return None
    picked = [origins[j].seen[arm.picked(excess[j])] for j in jobs]
    runs = problem.runs.take(np.concatenate(picked))
    runs = runs.with_column(JOB, np.repeat(jobs, [len(rows) for rows in picked]))
    with warnings.catch_warnings(), contextlib.suppress(InputError):
        warnings.simplefilter("ignore")  # what is doubtful in some of the runs is no news of all of them
        return fit(arm.law, runs, noise=problem.noise, fixed=arm.fixed, tie=dict(arm.tie), by=JOB, throw=False)
    return None


def _relabelled(points: dict[str, Any], law: AbstractLaw, other: AbstractLaw) -> dict[str, Any]:
    """Labels as places among the entries of another law, all of which it has."""
    found = dict(points)
    for name, kind in input_kinds(law).items():
        if isinstance(kind, Label):
            places = {entry: place for place, entry in enumerate(other.entries(kind.axis or ""))}
            entries = law.entries(kind.axis or "")
            found[name] = np.array([places[entries[int(one)]] for one in points[name]], int)
    return found


def foreseen(
    fits: Fit[Any], which: Int[np.ndarray, " forecast"], points: dict[str, Any]
) -> tuple[Float[np.ndarray, " forecast"], Float[np.ndarray, " forecast"]]:
    """The logarithm of the value of a fit of a batch at each point, and its standard error to first order."""
    about = nearby(fits)
    steps = 2 * about.step.shape[1]
    value = log_values(jax.tree.map(lambda a: a[which], laws_of(fits)), points)
    near = jax.tree.map(lambda a: a[(which[:, None] * steps + np.arange(steps)).ravel()], about.laws)
    moved = log_values(near, {name: np.repeat(column, steps) for name, column in points.items()})
    own = about._replace(step=about.step[which], spread=type(about.spread)(*(a[which] for a in about.spread)))
    return value, own.error(moved.reshape(len(which), steps))


def scatter(
    noise: AbstractNoise, scale: Float[np.ndarray, " point"], log_value: Float[np.ndarray, "arm point"]
) -> Float[np.ndarray, " point"]:
    """The scatter of a run at each point, in log: that of the normal which has the same 90 % interval."""
    wide = normal_width(noise) * scale
    return wide if noise.log else wide / np.exp(_median(log_value))


def normal_quantile(level: float) -> float:
    """Half of the central interval of a standard normal."""
    return NormalDist().inv_cdf(0.5 + 0.5 * level)


def normal_width(noise: AbstractNoise) -> float:
    """The standard deviation of the normal that has the 90 % interval of a noise of scale 1."""
    if not noise.free_scale:
        return 1.0
    off = noise.sample(np.ones(20_000), np.random.default_rng(0))
    return float(np.quantile(np.abs(off), 0.9) / normal_quantile(0.9))


def _median(table: Float[np.ndarray, "arm _"]) -> Float[np.ndarray, " _"]:
    """The median of the arms that are there; NaN where none is."""
    found = np.full(table.shape[1], np.nan)
    known = np.isfinite(table).any(axis=0)
    found[known] = np.nanmedian(table[:, known], axis=0)
    return found


def by_arm(
    fits: Sequence[tuple[Fit[Any] | None, Int[np.ndarray, " point"]]], points: dict[str, Any]
) -> Float[np.ndarray, "arm point"]:
    """The logarithm of the value of each arm, by its fits and which of them serves each point; NaN where none does."""
    value = np.full((len(fits), len(fits[0][1])), np.nan)
    for k, (own, which) in enumerate(fits):
        here = which >= 0
        if own is not None and here.any():
            laws = jax.tree.map(lambda a, i=which[here]: a[i], laws_of(own))
            value[k, here] = log_values(laws, {name: column[here] for name, column in points.items()})
    return value


def laws_of(fits: Fit[Any]) -> AbstractLaw:
    """The law of each study, along one axis for a fit by itself too."""
    return fits.law if fits.keys is not None else jax.tree.map(lambda a: np.asarray(a)[None], fits.law)


def log_values(laws: AbstractLaw, points: dict[str, Any]) -> Float[np.ndarray, " point"]:
    """The logarithm of the value of each law at its own point."""
    laws = laws.sized_for(gathered(laws, points))
    with np.errstate(all="ignore"):
        return np.asarray(in_lanes(_log_value, laws, points))


def _log_value(law: AbstractLaw, point: dict[str, Any]) -> Any:
    return jnp.log(law(**gathered(law, point)))
