"""How probable parameters are after the runs: the posterior density, run by run and as a whole."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..noise import AbstractNoise
from ..problem import LawCurve
from ._noise import log_density_of
from ._prior import Prior, free_numbers_of, log_prior
from ._trainings import over_offsets


class Problem(NamedTuple):
    """One study, or many along a leading axis of everything but noise and prior.

    Sampled are the free numbers of the law, the logarithm of the scatter s, then, where there is a `reach`, the power
    with which s grows, and, where there is a `training`, the logarithm of τ/s.

    **Arguments:**

    - `point`, `target`, `precision`, `constant`: As the solvers see them (`solve.Data`).
    - `real`: Which rows are runs and not padding.
    - `reach`: Logarithm of what the scatter grows with, about the middle of its range.
    - `training`: Where rows of one training share an offset, the run that each row is, by training; -1 for padding. The
        rows are in this order then, each training's together.
    - `noise`: How runs scatter.
    - `prior`: What was known before.
    """

    point: Mapping[str, Float[Array, "*study run"]]
    target: Float[Array, "*study run"]
    precision: Float[Array, "*study run"] | None
    constant: Float[Array, "*study constant"]
    real: Bool[Array, "*study run"]
    reach: Float[Array, "*study run"] | None
    training: Int[Array, "*study training row"] | None
    noise: AbstractNoise
    prior: Prior


STUDIES: Any = Problem(0, 0, 0, 0, 0, 0, 0, None, None)  # pyright: ignore[reportArgumentType]  axes, not arrays
"""Which axes of a problem run along its studies, as `jax.vmap` wants it."""


class Rows(NamedTuple):
    """Residuals on the noise's scale, the logarithm of what multiplies each, and of the scatter."""

    residual: Any
    log_sharp: Any
    log_s: Any


def rows_of(curve: LawCurve, numbers: Float[Array, " number"], problem: Problem) -> Rows:
    """What a law with these numbers leaves of each run."""
    noise, free = problem.noise, len(curve.free)
    theta = tuple(free_numbers_of(curve, numbers, problem.prior, problem.constant))
    value = jax.vmap(lambda at: curve(theta, at, problem.constant))(problem.point)
    residual = problem.target - (jnp.log(value) if noise.log else value)
    log_sharp = jnp.zeros_like(residual)
    if problem.precision is not None:
        log_sharp = log_sharp + jnp.log(problem.precision)
    if problem.reach is not None:
        log_sharp = log_sharp - numbers[free + 1] * problem.reach
    log_s = numbers[free] if noise.log else numbers[free] + jnp.log(problem.constant[len(curve.units)])
    return Rows(residual, log_sharp, log_s)


def log_likelihoods(curve: LawCurve, numbers: Float[Array, " number"], problem: Problem) -> Float[Array, " unit"]:
    """The logarithm of the density of each run's residual, or of each training's; 0 for padding."""
    return of_rows(rows_of(curve, numbers, problem), numbers, problem)


def of_rows(rows: Rows, numbers: Float[Array, " number"], problem: Problem) -> Float[Array, " unit"]:
    """The same from residuals."""
    if problem.training is not None:
        residual, log_sharp = (a.reshape(problem.training.shape) for a in (rows.residual, rows.log_sharp))
        there = problem.real.reshape(problem.training.shape)
        return over_offsets(problem.noise, residual, log_sharp, there, rows.log_s, rows.log_s + numbers[-1])
    by_run = log_density_of(problem.noise, rows.residual * jnp.exp(rows.log_sharp), rows.log_s) + rows.log_sharp
    return jnp.where(problem.real, by_run, 0.0)


def log_density(curve: LawCurve, numbers: Float[Array, " number"], problem: Problem) -> Float[Array, ""]:
    """The logarithm of the posterior density, but for a constant; minus infinity where the law gives no number."""
    likelihood = jnp.sum(log_likelihoods(curve, numbers, problem))
    total = likelihood + log_prior(problem.prior, curve, numbers, problem.constant)
    return jnp.where(jnp.isfinite(total), total, -jnp.inf)
