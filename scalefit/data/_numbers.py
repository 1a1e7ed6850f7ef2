"""Cells to numbers: human sizes, missing cells, and the checks that every number of a run must pass."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from .._core import InputError

# Names whose logarithm laws take: a value of zero or below can only be a mistake.
POSITIVE = frozenset({"N", "D", "C", "U", "n", "samples", "x", "se"})

_POWER = {"k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "g": 9, "billion": 9, "t": 12, "trillion": 12}
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
_SIZE = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:e([+-]?\d+))?\s*(k|m|b|g|t|thousand|million|billion|trillion)?", re.IGNORECASE
)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


def parse_number(cell: object) -> float | None:
    """Return the number a cell holds (`2.8e9`, `2.8B`), NaN for an empty cell, `None` for any other text."""
    if cell is None:
        return np.nan
    if isinstance(cell, (int, float, np.integer, np.floating)):
        return float(cell)
    text = str(cell).strip()
    if text.lower() in _MISSING or text == "<NA>":
        return np.nan
    if _INFINITE.fullmatch(text):
        return -np.inf if text.startswith("-") else np.inf
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    # Read as one decimal, not multiplied, so that 1.1B is the very float 1.1e9.
    return float(f"{match[1]}e{int(match[2] or 0) + power_of(match[3])}")


def power_of(suffix: str | None) -> int:
    """Return the power of ten that a size suffix stands for; nothing stands for 0."""
    return _POWER[suffix.lower()] if suffix else 0


def is_size(cell: object) -> bool:
    """Say whether a cell is a size with a suffix, such as `2.8B`."""
    match = _SIZE.fullmatch(cell.strip()) if isinstance(cell, str) else None
    return match is not None and match[3] is not None


def one_column(name: str, values: Any) -> np.ndarray:
    """Return values as a one-dimensional array: int, float or bool where they are numbers, else objects."""
    try:
        array = values if isinstance(values, np.ndarray) else np.asarray(_as_list(values))
    except ValueError:
        raise InputError(f"{name!r} holds lists of different lengths; give one value per run.") from None
    if array.ndim != 1:
        raise InputError(f"{name!r} has shape {array.shape}; give one value per run, in one dimension.")
    if array.dtype.kind in "iufb":
        return array
    # NumPy turns a list of numbers and text into text; the cells as they were given say more in a message.
    cells = array.tolist() if isinstance(values, np.ndarray) else _as_list(values)
    cells = [None if c is None or (isinstance(c, str) and c.strip() == "") else c for c in cells]
    if all(c is None or (isinstance(c, (int, float)) and not isinstance(c, bool)) for c in cells):
        return np.array([np.nan if c is None else float(c) for c in cells], dtype=np.float64)
    out = np.empty(len(cells), dtype=object)
    out[:] = [None if c is None else str(c) for c in cells]
    return out


def loose_numbers(column: np.ndarray) -> Float[np.ndarray, " row"]:
    """Return a column as float64, with NaN for each cell that is missing or not a number."""
    if column.dtype.kind in "iufb":
        return column.astype(np.float64)
    parsed = [parse_number(c) for c in column]
    return np.array([np.nan if p is None else p for p in parsed], dtype=np.float64)


def refuse_text(name: str, column: np.ndarray, rows: Sequence[int] | np.ndarray) -> None:
    """Raise for the first cell that is text and no number."""
    if column.dtype.kind in "iufb":
        return
    for row, cell in zip(rows, column):
        if parse_number(cell) is None:
            raise InputError(
                f"Column {name!r}, row {row}: {cell!r} is not a number; expected one such as 2.8e9 or 2.8B. "
                f"Correct it, or leave the row out."
            )


def refuse_values(
    name: str, values: Float[np.ndarray, " row"], rows: Sequence[int] | np.ndarray, *, positive: bool
) -> None:
    """Raise for the first value that is missing, infinite, or not positive where `positive`."""
    for bad, what in (
        (np.isnan(values), "is missing (empty or NaN); expected a number"),
        (np.isinf(values), "is infinite; expected a finite number"),
        (values <= 0 if positive else np.zeros(values.shape, bool), "is not positive; expected a number above 0"),
    ):
        if bad.any():
            i = int(np.argmax(bad))
            shown = "the value" if np.isnan(values[i]) else f"{values[i]:g}"
            raise InputError(f"Column {name!r}, row {rows[i]}: {shown} {what}. Correct it, or leave the row out.")


def _as_list(values: Any) -> Any:
    return values.tolist() if hasattr(values, "tolist") and not isinstance(values, (str, bytes)) else values
