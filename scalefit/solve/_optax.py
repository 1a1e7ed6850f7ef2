"""Any Optax optimiser as a solver: the same starts, the same stopping rule, the same result."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from .._core import RESULTS
from ._linear import solve_positive
from ._moments import moments, objective
from ._polish import Solutions
from ._problem import Curve, Data, Noise, lanes

LOOSE = 1e-9
"""Share of the objective that may be left: first-order methods do not reach the tolerance of Newton's."""


@functools.partial(jax.jit, static_argnames=("curve", "optimiser", "tolerance"))
def descend(
    curve: Curve,
    noise: Noise,
    data: Data,
    start: Float[Array, "fit free"],
    study: Int[Array, " fit"],
    resample: Int[Array, " fit"],
    floor: Float[Array, " study"],
    max_steps: Int[Array, ""],
    *,
    optimiser: Any,
    tolerance: float = LOOSE,
) -> Solutions:
    """Optimise fits by an Optax optimiser, each until what a Newton step from there would gain is negligible.

    The objective is divided by its value at the start, so that learning rates mean the same for every noise. The
    arguments are those of `polish`.
    """
    optimiser = optax.with_extra_args_support(optimiser)
    rows = lanes(data, study, resample)
    lower = jnp.asarray((*curve.lower, *((-jnp.inf,) * noise.free_scale)), start.dtype)

    def cost(theta: Array, k: Array) -> Array:
        one = rows._replace(weight=rows.weight[k][None])
        if rows.target.shape[0] > 1:
            one = jax.tree.map(lambda a: a[k][None], rows)
        return objective(curve, noise, jnp.maximum(theta, lower)[None], one)[0]

    def single(theta: Array, k: Array) -> tuple[Array, Array, Array]:
        first = cost(theta, k)
        size = jnp.maximum(jnp.abs(first), jnp.finfo(theta.dtype).tiny)

        def scaled(t: Array) -> Array:
            return cost(t, k) / size

        value_and_grad = jax.value_and_grad(scaled)

        def body(carry: Any) -> Any:
            at, state, best, lowest, quiet, steps = carry
            value, gradient = value_and_grad(at)
            updates, state = optimiser.update(gradient, state, at, value=value, grad=gradient, value_fn=scaled)
            better = value < lowest
            quiet = jnp.where(value < lowest - tolerance * jnp.abs(lowest), 0, quiet + 1)
            best, lowest = jnp.where(better, at, best), jnp.where(better, value, lowest)
            return optax.apply_updates(at, updates), state, best, lowest, quiet, steps + 1

        def going(carry: Any) -> Any:
            at, _, _, _, quiet, steps = carry
            return (steps < max_steps) & (quiet < 25) & jnp.all(jnp.isfinite(at))

        zero = jnp.zeros((), jnp.int32)
        carry = (theta, optimiser.init(theta), theta, jnp.asarray(jnp.inf, theta.dtype), zero, zero)
        _, _, best, _, _, steps = jax.lax.while_loop(going, body, carry)
        return jnp.maximum(best, lower), steps, first

    theta, steps, _ = jax.vmap(single)(start, jnp.arange(start.shape[0]))
    exact = jnp.ones(start.shape[0], bool)
    value, gradient, matrix = moments(curve, noise, theta, exact, rows)
    loose = (theta > lower) | (gradient < 0)
    eye = jnp.eye(theta.shape[1], dtype=theta.dtype)
    system = jnp.where(loose[:, :, None] & loose[:, None, :], matrix, eye)
    slope = jnp.where(loose, gradient, 0.0)
    move, solved = solve_positive(system, -slope)
    left = -0.5 * jnp.sum(slope * move, axis=1)
    reached = solved & (left <= 1e3 * tolerance * jnp.abs(value) + floor[study])
    result = jnp.where(reached, int(RESULTS.successful), int(RESULTS.max_steps_reached))
    result = jnp.where(jnp.isfinite(value), result, int(RESULTS.not_finite)).astype(jnp.int32)
    return Solutions(theta, value, result, steps.astype(jnp.int32))
