"""The expressions that most formulas are made of."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..params import Scalar


def number(value: Scalar) -> Any:
    """An input as it came, but integers as floats: JAX's own wrap around at 2e9, below most counts of tokens."""
    if isinstance(value, int | np.integer | np.ndarray) and np.asarray(value).dtype.kind in "iu":
        return np.asarray(value, np.float64)
    return value


def numbers(given: Any) -> jax.Array:
    """Numbers along an axis as an array; those of the host as floats, since JAX's integers end at 2e9."""
    if isinstance(given, list | tuple):
        return jnp.stack([jnp.asarray(number(one)) for one in given])
    return jnp.asarray(np.asarray(given, float) if isinstance(given, np.ndarray) else given)


def power(base: Scalar, exponent: Scalar) -> jax.Array:
    """`base ** exponent` for a positive base, by `exp` and `log`: twice as fast as the general power, and smooth."""
    return jnp.exp(exponent * jnp.log(number(base)))


def power_or_zero(base: Scalar, exponent: Scalar) -> jax.Array:
    """`power` of a base that may be 0: there it is 0, and so is its slope in the exponent."""
    above = jnp.asarray(number(base)) > 0.0
    return jnp.where(above, power(jnp.where(above, base, 1.0), exponent), 0.0)
