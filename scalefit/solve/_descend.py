"""Optimisers of other libraries as solvers: the same starts, the same verdict, the same result."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._core import RESULTS, InputError, Phrase
from ._moments import moments, objective, predictions
from ._newton import LEAST_SCALE, Solutions, left_over
from ._problem import Curve, Data, Lanes, Noise, lanes

LOOSE = 1e-6
"""Share of the objective that may be left: first-order methods do not reach the tolerance of Newton's."""
QUIET = 25
"""Steps in a row without a gain after which an Optax optimiser is stopped."""


@dataclasses.dataclass(frozen=True, eq=False)
class ByIdentity:
    """A solver that cannot be hashed, told from others by which object it is."""

    solver: Any


class _Objective(NamedTuple):
    """One fit as other libraries take it: functions of its free numbers alone."""

    cost: Callable[[Array], Array]
    residuals: Callable[[Array], Array]
    scaled: bool  # the last free number is the scale of the noise


@functools.partial(jax.jit, static_argnames=("curve", "optimiser", "most"))
def descend(
    curve: Curve,
    noise: Noise,
    data: Data,
    start: Float[Array, "fit free"],
    study: Int[Array, " fit"],
    resample: Int[Array, " fit"],
    floor: Float[Array, " study"],
    *,
    optimiser: Any,
    most: int,
) -> Solutions:
    """Optimise fits by an Optax optimiser, or an Optimistix minimiser or least-squares solver, all side by side.

    The objective is divided by its value at the start, so that learning rates and tolerances mean the same for every
    noise. Whether a fit converged is judged here and not by the library: a Newton step from where it ended must promise
    a negligible gain. `most` is the number of steps allowed; the other arguments are those of `polish`.
    """
    optimiser = optimiser.solver if isinstance(optimiser, ByIdentity) else optimiser
    rows = lanes(data, study, resample)
    lower = jnp.asarray((*curve.lower, *((LEAST_SCALE,) * noise.free_scale)), start.dtype)
    method = _optax if hasattr(optimiser, "update") else _optimistix

    def single(theta: Array, k: Array) -> tuple[Array, Array, Array, Array]:
        one = rows._replace(weight=rows.weight[k][None])
        if rows.target.shape[0] > 1:
            one = jax.tree.map(lambda a: a[k][None], rows)
        task = _task(curve, noise, one, theta, lower)
        return *method(optimiser, task, theta, most), jnp.isfinite(task.cost(theta))

    theta, steps, bounded, begun = jax.vmap(single)(start, jnp.arange(start.shape[0]))
    theta = jnp.maximum(theta, lower[None])
    value, left = _left(curve, noise, theta, lower, rows)
    reached = left <= LOOSE * jnp.abs(value) + floor[study]
    short = jnp.where(steps < most, int(RESULTS.stalled), int(RESULTS.max_steps_reached))
    short = jnp.where(bounded & jnp.isfinite(value), short, int(RESULTS.diverged))
    short = jnp.where(begun, short, int(RESULTS.not_finite))
    result = jnp.where(reached & jnp.isfinite(value), int(RESULTS.successful), short)
    return Solutions(theta, value, result.astype(jnp.int32), steps.astype(jnp.int32))


def _task(curve: Curve, noise: Noise, row: Lanes, start: Array, lower: Array) -> _Objective:
    first = objective(curve, noise, start[None], row)[0]
    size = jnp.maximum(jnp.abs(first), jnp.finfo(start.dtype).tiny)

    def cost(theta: Array) -> Array:
        return objective(curve, noise, jnp.maximum(theta, lower)[None], row)[0] / size

    def residuals(theta: Array) -> Array:
        """Signed roots of twice the costs: their sum of squares is twice the objective."""
        value = predictions(curve, jnp.maximum(theta, lower)[None], row)[0]
        z = row.target[0] - (jnp.log(value) if noise.log else value)
        z = z if row.precision is None else z * row.precision[0]
        # The root of a quadratic cost is the residual itself, smooth through zero.
        root = z * jnp.sqrt(2.0 * noise.rho(z) / jnp.where(z == 0.0, 1.0, z * z) + (z == 0.0))
        return root * jnp.sqrt(row.weight[0] / size)

    return _Objective(cost, residuals, noise.free_scale)


def _optax(optimiser: Any, task: _Objective, start: Array, most: int) -> tuple[Array, Array, Array]:
    """The lowest place, the steps taken, and whether any lowered the cost and the last was finite."""
    import optax

    optimiser = optax.with_extra_args_support(optimiser)
    value_and_grad = jax.value_and_grad(task.cost)

    def body(carry: Any) -> Any:
        at, state, best, lowest, quiet, steps = carry
        value, gradient = value_and_grad(at)
        updates, state = optimiser.update(gradient, state, at, value=value, grad=gradient, value_fn=task.cost)
        quiet = jnp.where(value < lowest - 1e-9 * jnp.abs(lowest), 0, quiet + 1)
        better = value < lowest
        best, lowest = jnp.where(better, at, best), jnp.where(better, value, lowest)
        return optax.apply_updates(at, updates), state, best, lowest, quiet, steps + 1

    def going(carry: Any) -> Any:
        at, _, _, _, quiet, steps = carry
        return (steps < most) & (quiet < QUIET) & jnp.all(jnp.isfinite(at))

    zero = jnp.zeros((), jnp.int32)
    carry = (start, optimiser.init(start), start, jnp.asarray(jnp.inf, start.dtype), zero, zero)
    last, _, best, _, _, steps = jax.lax.while_loop(going, body, carry)
    return best, steps, jnp.all(jnp.isfinite(last)) & jnp.any(best != start)


def _optimistix(solver: Any, task: _Objective, start: Array, most: int) -> tuple[Array, Array, Array]:
    import optimistix

    least_squares = isinstance(solver, optimistix.AbstractLeastSquaresSolver)
    if least_squares and task.scaled:
        raise InputError(
            "solver", Phrase(f"is {type(solver).__name__}, which solves least squares"),
            "a minimiser for a noise whose scale is estimated", "use optimistix.BFGS, or 'newton'",
        )  # fmt: skip
    run: Any = optimistix.least_squares if least_squares else optimistix.minimise
    function = task.residuals if least_squares else task.cost
    solved = run(lambda theta, _: function(theta), solver, start, max_steps=most, throw=False)
    return solved.value, solved.stats["num_steps"], jnp.all(jnp.isfinite(solved.value))


def _left(curve: Curve, noise: Noise, theta: Array, lower: Array, rows: Lanes) -> tuple[Any, Any]:
    """The objectives, and what a Newton step from there would still gain; infinite where there is no minimum."""
    value, gradient, matrix = moments(curve, noise, theta, jnp.ones(theta.shape[0], bool), rows)
    return value, left_over(theta, gradient, matrix, lower[None])
