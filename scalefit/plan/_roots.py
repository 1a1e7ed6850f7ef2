"""Where functions change their sign within brackets: in JAX by halves, on the host in a few looks."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def bisected(holds: Callable[[Any], Any], begin: Any, end: Any) -> tuple[Array, Array]:
    """The last place from `begin` towards `end` at which something holds, and the first at which it does not, in JAX.

    It is taken to hold at `begin` and not at `end`, neither of which is looked at, and to change once between them.
    """

    def halve(_: Any, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (bracket[0] + bracket[1])
        good = holds(middle)
        return jnp.where(good, middle, bracket[0]), jnp.where(good, bracket[1], middle)

    # A bracket of one e-fold ends at the rounding of float64.
    return jax.lax.fori_loop(0, 52, halve, (begin, end))


def crossings(
    function: Callable[[Any], Any], begin: Float[np.ndarray, "*lane"], end: Float[np.ndarray, "*lane"]
) -> tuple[Float[np.ndarray, "*lane"], Float[np.ndarray, "*lane"]]:
    """The last places from `begin` towards `end` where functions are not above 0, and the first where they are.

    Where it is above 0 at `begin`, or not at `end`, both are that place; NaN counts as not above 0 between the two.

    Source: Chandrupatla 1997 (Advances in Engineering Software 28, 145): steps of inverse quadratic interpolation where
    three values are in order, else halves.
    """
    shape = np.broadcast_shapes(np.shape(begin), np.shape(end))
    low, high = (np.array(np.broadcast_to(x, shape), float) for x in (begin, end))
    with np.errstate(all="ignore"):
        at_low, at_high = function(low), function(high)
        high = np.where(at_low > 0.0, low, high)
        low = np.where((at_high <= 0.0) & ~(at_low > 0.0), high, low)
        # The newest place `a`, the other end `b` of the bracket, and the place `c` before.
        a, b, c, f_a, f_b, f_c = low, high, high, at_low, at_high, at_high
        share, width = np.full(shape, 0.5), np.abs(high - low)
        for _ in range(200):
            least = np.maximum(2.0 * np.finfo(float).eps * np.abs(a), 2.0**-53 * width)
            active = np.abs(b - a) > 2.0 * least
            if not active.any():
                break
            room = np.minimum(least / np.abs(b - a), 0.5)
            new = np.where(active, a + np.clip(share, room, 1.0 - room) * (b - a), a)
            value = function(new)
            same = ((value > 0.0) == (f_a > 0.0)) | ~active
            c, f_c = np.where(active, np.where(same, a, b), c), np.where(active, np.where(same, f_a, f_b), f_c)
            b, f_b = np.where(same, b, a), np.where(same, f_b, f_a)
            a, f_a = new, np.where(active, value, f_a)
            bent, by = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
            quick = (by**2 < bent) & ((1.0 - by) ** 2 < 1.0 - bent)
            share = f_a / (f_b - f_a) * f_c / (f_b - f_c) + (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
            share = np.where(quick & np.isfinite(share), share, 0.5)
        above = f_a > 0.0
        return np.where(above, b, a), np.where(above, a, b)
