"""The expressions that most formulas are made of."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..params import Scalar


def real(number: Scalar) -> Any:
    """An input as it came, integers as floats: JAX's default integers end at 2e9, below most counts of tokens."""
    return float(number) if isinstance(number, int | np.integer) else number


def power(base: Scalar, exponent: Scalar) -> jax.Array:
    """`base ** exponent` for a positive base, by `exp` and `log`: twice as fast as the general power, and smooth."""
    return jnp.exp(exponent * jnp.log(real(base)))
