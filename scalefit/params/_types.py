"""Names for the kinds of array that signatures speak of."""

from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import numpy as np
from jaxtyping import Float

Scalar: TypeAlias = Float[jax.Array, ""] | Float[np.ndarray, ""] | float
"""One number: what a law takes and returns for one run."""

if TYPE_CHECKING:
    # A field takes plain floats as well, and type checkers do not see that it converts them.
    Param: TypeAlias = Any
else:
    Param: TypeAlias = Float[jax.Array, "*batch"] | Float[np.ndarray, "*batch"]
"""A parameter of a law: a scalar or an array along a named axis, after any leading axes of an ensemble."""
