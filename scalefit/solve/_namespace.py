"""The array namespace of some arrays, so that one code runs under NumPy on the host and under JAX in a program."""

from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    # Which of the two is known where they are made, and every sum would have to say so again.
    Numbers: TypeAlias = Any
else:
    Numbers: TypeAlias = jax.Array | np.ndarray
"""Numbers of the host, or of a program."""


def namespace(*arrays: Any) -> Any:
    """`numpy` for numbers of the host, `jax.numpy` where any is of a program."""
    # What is no array of NumPy's is rare, and to know JAX's takes longer.
    return jnp if any(not isinstance(a, np.ndarray) and isinstance(a, jax.Array) for a in arrays) else np


def select(where: Any, new: Any, old: Any) -> Any:
    """`new` in the lanes where a condition holds, `old` in the others: arrays, or tuples of them."""
    if new is old:
        return old
    if isinstance(new, tuple):
        return type(new)(*(select(where, n, o) for n, o in zip(new, old, strict=True)))
    return namespace(where).where(where.reshape(-1, *(1,) * (old.ndim - 1)), new, old)
