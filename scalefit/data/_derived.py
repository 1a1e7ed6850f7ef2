"""An input as a table has it, or one of N, D and C from the other two."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# C = 6 N D, solved for each of the three.
DERIVED = {
    "N": ("C", "D", "N = C / (6 D): the table has no parameter column"),
    "D": ("C", "N", "D = C / (6 N): the table has no token column"),
    "C": ("N", "D", "C = 6 N D: the table has no compute column"),
}


class Found(NamedTuple):
    """The values of an input, NaN where one is missing; the columns they come from; what to say about it."""

    values: Float[np.ndarray, " run"]
    sources: dict[str, Float[np.ndarray, " run"]]
    notes: tuple[str, ...]


def found(name: str, column: Callable[[str], Float[np.ndarray, " run"] | None]) -> Found | None:
    """Return an input as `column` gives it or derived by C = 6 N D; `None` where it is neither."""
    values = column(name)
    if values is not None:
        return Found(values, {name: values}, ())
    if name in DERIVED:
        first, second, note = DERIVED[name]
        left, right = column(first), column(second)
        if left is not None and right is not None:
            with np.errstate(all="ignore"):  # what is out of range is refused where it is asked for
                values = 6.0 * left * right if name == "C" else left / (6.0 * right)
            return Found(values, {first: left, second: right}, (note,))
    return None
