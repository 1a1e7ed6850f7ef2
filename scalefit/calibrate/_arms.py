"""Arms of a forecast, each fitted at many origins: the law itself on all runs, and the coupled law of other studies."""

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
from ..noise import AbstractNoise, StudentT
from ..problem import Problem
from ..results import Fit, nearby
from ..solve import in_lanes
from ._coupled import DF, Coupled, Seen, coupled
from ._origins import Origin
from ._prior import Prior
from ._reach import excess, log
from ._stack import Foreseen

JOB = "origin of a backtest"


class LawArm(NamedTuple):
    """The law itself, fitted to all runs of an origin.

    **Arguments:**

    - `fits`: A batch of them, or one; `None` where it could be fitted at no origin.
    - `place`: Which of them is of an origin, or -1.
    - `law`, `noise`: Of the problem.
    """

    fits: Fit[Any] | None
    place: Int[np.ndarray, " origin"]
    law: AbstractLaw
    noise: AbstractNoise

    def foreseen(
        self, origin: Int[np.ndarray, " point"], points: dict[str, Any], T: Float[np.ndarray, " point"]
    ) -> Foreseen:
        """What it says beyond an origin; NaN where it was not fitted."""
        out = np.full((3, len(origin)), np.nan)
        here = self.place[origin] >= 0
        if self.fits is not None and here.any():
            which = self.place[origin[here]]
            asked = _relabelled({name: column[here] for name, column in points.items()}, self.law, self.fits.law)
            value, error = _foreseen(self.fits, which, asked)
            value = np.where(np.isfinite(value), value, np.nan)  # a fit whose terms all vanished says nothing
            wide = _normal_width(self.noise) * np.atleast_1d(self.fits.scale)[which]
            out[:, here] = value, error, wide if self.noise.log else wide / np.exp(value)
        return Foreseen(out[:1], out[1:2], out[2:], T, np.zeros(len(origin)))


class CoupledArm(NamedTuple):
    """The coupled law with shapes near those of other studies; `fits` by origin."""

    fits: Coupled
    walk: float

    def foreseen(
        self, origin: Int[np.ndarray, " point"], points: dict[str, Any], T: Float[np.ndarray, " point"]
    ) -> Foreseen:
        """What it says beyond an origin."""
        value, error, above = self.fits.foreseen(origin, log(points["N"]), log(points["D"]))
        error = np.sqrt(error**2 + self.walk**2 * np.maximum(T, 0.0))
        noise = _normal_width(StudentT(DF)) * self.fits.scale[origin]
        return Foreseen(value[None], error[None], noise[None], T, above)


Arm = LawArm | CoupledArm


def foreseen_by(
    arms: Sequence[Arm], origin: Int[np.ndarray, " point"], points: dict[str, Any], T: Float[np.ndarray, " point"]
) -> Foreseen:
    """What all arms say beyond origins; the excess is that of the last."""
    found = [arm.foreseen(origin, points, T) for arm in arms]
    value, error, noise = (np.concatenate([one[i] for one in found]) for i in range(3))
    return Foreseen(value, error, noise, T, found[-1].x)


def takes_coupled(problem: Problem) -> bool:
    """Whether the law is one of losses by N and D alone, of which other studies tell."""
    return set(input_kinds(problem.law)) == {"N", "D"} and problem.law.smaller_is_better


def coupled_arm(problem: Problem, prior: Prior, origins: Sequence[Origin]) -> CoupledArm:
    """The coupled law at every origin."""
    N, D = (log(problem.inputs[name]) for name in ("N", "D"))
    loss = np.log(np.asarray(problem.runs.target))
    seen = [
        Seen(N[rows], D[rows], loss[rows], excess(N[rows] + D[rows], loss[rows])) for rows in (o.seen for o in origins)
    ]
    return CoupledArm(coupled(prior, seen), prior.walk)


def law_arm(problem: Problem, origins: Sequence[Origin], least: int) -> LawArm:
    """The law at every origin with runs enough and runs beyond."""
    jobs = np.array([j for j, one in enumerate(origins) if len(one.seen) >= least and one.later.size], int)
    fits, place = None, np.full(len(origins), -1)
    with warnings.catch_warnings(), contextlib.suppress(InputError):
        warnings.simplefilter("ignore")  # what is doubtful in some of the runs is no news of all of them
        if jobs.size:
            picked = [origins[j].seen for j in jobs]
            runs = problem.runs.take(np.concatenate(picked))
            runs = runs.with_column(JOB, np.repeat(jobs, [len(rows) for rows in picked]))
            law, noise, tie = problem.law, problem.noise, dict(problem.tie)
            fits = fit(law, runs, noise=noise, fixed=problem.fixed, tie=tie, by=JOB, num_starts=2, throw=False)
            place[np.array(fits.keys, int)] = np.arange(len(fits.keys or ()))
    return LawArm(fits, place, problem.law, problem.noise)


def _relabelled(points: dict[str, Any], law: AbstractLaw, other: AbstractLaw) -> dict[str, Any]:
    """Labels as places among the entries of another law, all of which it has."""
    found = dict(points)
    for name, kind in input_kinds(law).items():
        if isinstance(kind, Label):
            places = {entry: place for place, entry in enumerate(other.entries(kind.axis or ""))}
            entries = law.entries(kind.axis or "")
            found[name] = np.array([places[entries[int(one)]] for one in points[name]], int)
    return found


def _foreseen(
    fits: Fit[Any], which: Int[np.ndarray, " point"], points: dict[str, Any]
) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"]]:
    """The logarithm of the value of a fit of a batch at each point, and its standard error to first order."""
    about = nearby(fits)
    steps = 2 * about.step.shape[1]
    laws = fits.law if fits.keys is not None else jax.tree.map(lambda a: np.asarray(a)[None], fits.law)
    value = log_values(jax.tree.map(lambda a: a[which], laws), points)
    near = jax.tree.map(lambda a: a[(which[:, None] * steps + np.arange(steps)).ravel()], about.laws)
    moved = log_values(near, {name: np.repeat(column, steps) for name, column in points.items()})
    own = about._replace(step=about.step[which], spread=type(about.spread)(*(a[which] for a in about.spread)))
    return value, own.error(moved.reshape(len(which), steps))


def normal_quantile(level: float) -> float:
    """Half of the central interval of a standard normal."""
    return NormalDist().inv_cdf(0.5 + 0.5 * level)


def _normal_width(noise: AbstractNoise) -> float:
    """The standard deviation of the normal that has the 90 % interval of a noise of scale 1."""
    if not noise.free_scale:
        return 1.0
    off = noise.sample(np.ones(20_000), np.random.default_rng(0))
    return float(np.quantile(np.abs(off), 0.9) / normal_quantile(0.9))


def log_values(laws: AbstractLaw, points: dict[str, Any]) -> Float[np.ndarray, " point"]:
    """The logarithm of the value of each law at its own point."""
    laws = laws.sized_for(gathered(laws, points))
    with np.errstate(all="ignore"):
        return np.asarray(in_lanes(_log_value, laws, points))


def _log_value(law: AbstractLaw, point: dict[str, Any]) -> Any:
    return jnp.log(law(**gathered(law, point)))
