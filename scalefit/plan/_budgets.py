"""Budgets as they are given."""

from typing import Any

import numpy as np
from jaxtyping import Float

from .._core import InputError


def numbers_of(
    argument: str, value: Any, expected: str, example: str, above: float = 0.0
) -> Float[np.ndarray, " some"]:
    """One number or several, finite and above a bound.

    **Raises:** `InputError` for anything else; text and truth values are no numbers.
    """
    try:
        found = np.atleast_1d(np.asarray(value))
        found = found.astype(float) if found.dtype.kind in "iufO" else np.array([np.nan])
    except (TypeError, ValueError, OverflowError):
        found = np.array([np.nan])
    if found.ndim != 1 or found.size == 0 or not (np.isfinite(found) & (found > above)).all():
        raise InputError(argument, value, f"{expected}, as {example}")
    return found


def budgets_of(value: Any, argument: str = "budget", unit: str = "samples") -> Float[np.ndarray, " budget"]:
    """One budget or several.

    **Raises:** `InputError` for what is no number, or not above 0.
    """
    return numbers_of(argument, value, f"a finite number of {unit} above 0, or several", "1e9")


def range_of(value: Any, argument: str = "between", example: str = "(1e20, 1e26)") -> Float[np.ndarray, "2"]:
    """A lowest and a highest number.

    **Raises:** `InputError` for anything else.
    """
    expected = "the lowest and the highest, finite and above 0"
    found = numbers_of(argument, value, expected, example)
    if found.shape != (2,) or found[0] >= found[1]:
        raise InputError(argument, value, f"{expected}, as {example}")
    return found
