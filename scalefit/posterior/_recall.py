"""From an ensemble and its runs back to what was sampled, so that its draws can be judged by any density."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._core import InputError
from ..data import Runs
from ..laws import AbstractLaw
from ..noise import Huber, random_residuals
from ..problem import LawCurve, free_numbers
from ..results import Ensemble
from ._density import Problem, Rows, of_rows, rows_of
from ._noise import log_density_of
from ._nuts import CHAINS
from ._pose import FARTHEST, Posed, pose
from ._prior import GROWTH, TRAINING, default, sampled_numbers

OWN = "posterior", "prior"
"""Methods whose draws have a scatter of the noise's own density, and know of trainings and growth."""
TOGETHER = 256
"""Draws that are judged side by side."""
LEAST = 1e-300
"""What a term that vanished in a draw is taken to be."""
ROUNDS = 60
"""Bisections by which the scatter under a Huber noise is found."""


class Recalled(NamedTuple):
    """Draws of one study as they were sampled, and the density of its runs.

    **Arguments:**

    - `law`: The law as the runs need it, its free parameters unset.
    - `runs`: The runs of the study.
    - `problem`: The density, with the usual priors.
    - `numbers`: The sampled numbers of the draws that converged.
    - `rows`: What each draw leaves of each run, in the order of the density, padded.
    - `place`: Where among those each run is.
    - `training`: The training of each run, whose rows share an offset; each run for itself where none do.
    """

    law: AbstractLaw
    runs: Runs
    problem: Problem
    numbers: Float[np.ndarray, "draw number"]
    rows: Rows
    place: Int[np.ndarray, " run"]
    training: Int[np.ndarray, " run"]

    @property
    def units(self) -> int:
        """Runs, or trainings where their rows share an offset."""
        return int(self.training.max()) + 1

    def thinned(self, num: int) -> "Recalled":
        """At most so many of the draws, evenly spaced."""
        some = _spaced(len(self.numbers), num)
        return self._replace(numbers=self.numbers[some], rows=Rows(*(a[some] for a in self.rows)))


def recalled(draws: Ensemble[Any], posed: Posed | None = None, num: int | None = None) -> Recalled:
    """The draws of an ensemble as they were sampled.

    Draws of other methods than a posterior's have the scatter of their residuals; under a Huber noise, whose density is
    normal in the middle only, it becomes the scatter that makes the residuals most likely.

    **Arguments:**

    - `draws`: Of one study.
    - `posed`: The density, where it is at hand.
    - `num`: At most so many of the draws, evenly spaced.

    **Raises:** `InputError` for a batch, and where no draw converged.
    """
    fit = draws.fit
    if fit.keys is not None:
        raise InputError(
            f"These are draws of a batch of {len(fit.keys)} studies: take one by its key, as draws[{fit.keys[0]!r}], "
            f"and pass the whole table of runs with it."
        )
    if posed is None:
        (posed,) = pose(fit, *remembered(draws), shared=TRAINING in draws.drawn)
    places = np.flatnonzero(draws.converged)
    if places.size == 0:
        raise InputError("No draw of the ensemble converged, so there is nothing to judge.")
    if num is not None:
        places = places[_spaced(places.size, num)]
    curve = posed.prepared.curve
    posed = posed._replace(problem=posed.problem._replace(prior=default(curve, posed.problem.prior.extras)))
    numbers, problem = sampled_of(draws, posed, places), _alone(posed.problem)
    with jax.enable_x64(True):
        rows = jax.tree.map(np.asarray, _rows_by_draw(curve, jnp.asarray(numbers), problem))
    if draws.method not in OWN and isinstance(problem.noise, Huber):
        with jax.enable_x64(True):
            log_s = np.asarray(_likeliest(problem, rows))
        numbers[:, len(curve.free)], rows = log_s, rows._replace(log_s=log_s)
    own = posed.prepared.studies.runs
    place = training = np.arange(len(own))
    if problem.training is not None:
        table = np.asarray(problem.training)
        place = np.argsort(np.where(table < 0, len(own), table), axis=None, kind="stable")[: len(own)]
        training = place // table.shape[1]
    return Recalled(posed.prepared.law, own, problem, numbers, rows, place, training)


def _spaced(count: int, num: int) -> Int[np.ndarray, " kept"]:
    """At most so many of the draws, evenly spaced; chains take turns, and whole turns are kept."""
    if count <= num:
        return np.arange(count)
    turn = CHAINS if num >= CHAINS else 1
    begins = np.linspace(0, count // turn - 1, num // turn).astype(int) * turn
    return (begins[:, None] + np.arange(turn)).ravel()


def _alone(problem: Problem) -> Problem:
    """A density without its axis of studies."""
    rows = problem._replace(noise=None, prior=None)  # pyright: ignore[reportArgumentType]  they have no axis
    with jax.enable_x64(True):
        rows = jax.tree.map(lambda a: a[0], rows)
    return rows._replace(noise=problem.noise, prior=problem.prior)


def remembered(draws: Ensemble[Any]) -> tuple[str | tuple[str, ...] | None, None, str | None]:
    """What `pose` was told: what one training is, no priors, and the input with which the scatter grows."""
    if draws.method not in OWN:
        return None, None, None
    found = draws.diagnostics
    return found.get("cluster", "auto" if TRAINING in draws.drawn else None), None, found.get("growth")


def sampled_of(draws: Ensemble[Any], posed: Posed, good: Int[np.ndarray, " kept"]) -> Float[np.ndarray, "kept number"]:
    """The sampled numbers of some of the draws, under the usual priors: the inverse of what made laws of them."""
    prepared = posed.prepared
    law: Any = jax.tree.map(lambda a: np.asarray(a)[good], draws.law)
    num, curve, prior = len(good), prepared.curve, posed.problem.prior
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        theta = free_numbers(prepared, law, np.zeros(num, int))
    # What has run to a bound at infinity is felt by no run.
    theta = np.where(np.isinf(theta), np.sign(theta) * FARTHEST, theta)
    theta = sampled_numbers(curve, theta, prior, np.broadcast_to(prepared.typical, num), LEAST)
    scale = draws.scale[good] / (1.0 if draws.fit.noise.log else prepared.typical[0])
    columns = [np.log(np.maximum(scale, LEAST))]
    for name in prior.extras:
        if name == TRAINING:
            columns.append(np.log(draws.drawn["training"][good] / draws.scale[good]))
        else:
            columns.append(next(v[good] for k, v in draws.drawn.items() if k.startswith(f"{GROWTH}[")))
    return np.concatenate([theta, np.stack(columns, axis=1)], axis=1)


def densities(draws: Recalled) -> Float[np.ndarray, "draw unit"]:
    r"""By draw, the logarithm of the density of each run's target, or of each training's targets together.

    Of the target itself: on logarithms, $\log p(y) = \log p(\log y) - \log y$, so that laws fitted on logarithms and on
    values can be compared.
    """
    with jax.enable_x64(True):
        found = np.asarray(_densities(draws.problem, draws.numbers, draws.rows))
    return found[:, : draws.units] + volume(draws)


def volume(draws: Recalled) -> Float[np.ndarray, " unit"]:
    """The logarithm of how densities of what the noise is of become those of the target, by run or training."""
    logs = -np.log(draws.runs.target) if draws.problem.noise.log else np.zeros(len(draws.runs))
    return np.bincount(draws.training, weights=logs)


class Residuals(NamedTuple):
    """Residuals on the noise's scale, and those of as many new runs at the same inputs.

    **Arguments:**

    - `found`: Of the runs, about the law of each draw.
    - `new`: Of new runs, about the same.
    - `unit`: The scatter of each, without what a training shares.
    """

    found: Float[np.ndarray, "draw run"]
    new: Float[np.ndarray, "draw run"]
    unit: Float[np.ndarray, "draw run"]


def replicated(draws: Recalled, rng: np.random.Generator) -> Residuals:
    """The residuals of the runs about each draw, and those of runs that the draw itself would give."""
    problem = draws.problem
    found, sharp = draws.rows.residual[:, draws.place], np.exp(draws.rows.log_sharp[:, draws.place])
    scatter = np.exp(draws.rows.log_s)[:, None]
    new = random_residuals(problem.noise, np.broadcast_to(scatter, found.shape), rng) / sharp
    if TRAINING in problem.prior.extras:
        spread = scatter * np.exp(draws.numbers[:, -1:])
        new = new + (spread * rng.standard_normal((len(spread), draws.units)))[:, draws.training]
    return Residuals(found, new, scatter / sharp)


@functools.partial(jax.jit, static_argnames=("curve",))
def _rows_by_draw(curve: LawCurve, numbers: Array, problem: Problem) -> Rows:
    return jax.vmap(lambda one: rows_of(curve, one, problem))(numbers)


@jax.jit
def _densities(problem: Problem, numbers: Array, rows: Rows) -> Array:
    def one(given: tuple[Array, Rows]) -> Array:
        return of_rows(given[1], given[0], problem)

    if problem.training is None:
        return jax.vmap(one)((numbers, rows))
    # Offsets are tried at many places each.
    return jax.lax.map(one, (numbers, rows), batch_size=TOGETHER)


@jax.jit
def _likeliest(problem: Problem, rows: Rows) -> Array:
    """By draw, the logarithm of the scatter that makes its residuals most likely."""

    def one(own: Rows) -> Array:
        residual = own.residual * jnp.exp(own.log_sharp)

        def whole(log_s: Array) -> Array:
            return jnp.sum(jnp.where(problem.real, log_density_of(problem.noise, residual, log_s), 0.0))

        def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
            middle = 0.5 * (ends[0] + ends[1])
            up = jax.grad(whole)(middle) > 0.0
            return jnp.where(up, middle, ends[0]), jnp.where(up, ends[1], middle)

        # No wider than the residuals are; how much narrower, the knee says.
        return jax.lax.fori_loop(0, ROUNDS, halve, (own.log_s - 12.0, own.log_s + 3.0))[0]

    return jax.vmap(one)(rows)
