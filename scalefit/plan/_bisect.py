"""Bisection of a bracket, in JAX."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array


def bisected(holds: Callable[[Any], Any], begin: Any, end: Any) -> tuple[Array, Array]:
    """The last place from `begin` towards `end` at which something holds, and the first at which it does not.

    It is taken to hold at `begin` and not at `end`, neither of which is looked at, and to change once between them.
    """

    def halve(_: Any, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (bracket[0] + bracket[1])
        good = holds(middle)
        return jnp.where(good, middle, bracket[0]), jnp.where(good, bracket[1], middle)

    # A bracket of one e-fold ends at the rounding of float64.
    return jax.lax.fori_loop(0, 52, halve, (begin, end))
