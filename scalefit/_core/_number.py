"""What counts as a number where one is given."""

from numbers import Real
from typing import Any, TypeGuard


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a real number; text and truth values, which `float` takes for some, are none."""
    return isinstance(value, Real) and not isinstance(value, bool)
