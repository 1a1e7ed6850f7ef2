"""The best size at a compute under a law of N and D, by any such law and to the last digits."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import InputError
from ..laws import AbstractLaw

DECADES, STEPS, NEWTON = 8.0, 321, 8
"""Sizes tried at each compute: this many decades about the square either way, in so many steps; then Newton's."""


def refuse_other(law: AbstractLaw | type[AbstractLaw]) -> None:
    """Refuse a law that is not of N and D alone.

    **Raises:** `InputError` naming its inputs.
    """
    if set(law.inputs) != {"N", "D"}:
        name = law.__name__ if isinstance(law, type) else type(law).__name__
        raise InputError(
            f"{name} is a law of {', '.join(law.inputs)}; a best size at a compute needs one of N and D, as Chinchilla."
        )


def best_sizes(laws: Any, C: Float[np.ndarray, " budget"]) -> Float[np.ndarray, "law budget"]:
    """Logarithm of the N of least loss at C = 6 N D, by each of many laws; NaN where none within reach is best."""
    with jax.enable_x64(True):
        return np.asarray(_best(jax.tree.map(jnp.asarray, laws), jnp.log(jnp.asarray(C) / 6.0)))


@eqx.filter_jit
def _best(laws: Any, log_ND: Array) -> Array:
    tried = jnp.log(10.0) * jnp.linspace(-DECADES, DECADES, STEPS)

    def at(law: Any, whole: Array) -> Array:
        def loss(aside: Array) -> Array:
            return jnp.asarray(law(N=jnp.exp(0.5 * whole + aside), D=jnp.exp(0.5 * whole - aside)))

        slope, bend = jax.grad(loss), jax.grad(jax.grad(loss))
        values = jax.vmap(loss)(tried)
        k = jnp.argmin(jnp.where(jnp.isfinite(values), values, jnp.inf))
        gap = tried[1] - tried[0]

        def step(_: Any, x: Array) -> Array:
            curve = bend(x)
            move = jnp.where(curve > 0, slope(x) / jnp.where(curve > 0, curve, 1.0), 0.0)
            return x - jnp.clip(move, -gap, gap)

        found = jax.lax.fori_loop(0, NEWTON, step, tried[k])
        # A loss that only falls, or has fallen to a level where rounding stops it, has no best size.
        return jnp.where((values[0] > values[k]) & (values[-1] > values[k]), 0.5 * whole + found, jnp.nan)

    return jax.vmap(lambda law: jax.vmap(lambda whole: at(law, whole))(log_ND))(laws)
