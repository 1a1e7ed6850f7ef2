"""Cells to numbers: human sizes, missing cells, and the checks that every number of a run must pass."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from .._core import InputError

# Names whose logarithm laws take: a value of zero or below can only be a mistake.
_POSITIVE = frozenset({"N", "D", "C", "U", "n", "samples", "x", "se"})

_POWER = {"k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "g": 9, "billion": 9, "t": 12, "trillion": 12}
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
_SIZE = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:e([+-]?\d+))?\s*(k|m|b|g|t|thousand|million|billion|trillion)?", re.IGNORECASE
)
_BOOL = (bool, np.bool_)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


def parse_number(cell: object) -> float | None:
    """Return the number a cell holds (`2.8e9`, `2.8B`), NaN for an empty cell, `None` for any other text."""
    if cell is None:
        return np.nan
    if isinstance(cell, (int, float, np.integer, np.floating)):
        return _float(cell)
    text = str(cell).strip()
    if text.lower() in _MISSING or text == "<NA>":
        return np.nan
    if _INFINITE.fullmatch(text):
        return -np.inf if text.startswith("-") else np.inf
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    # Read as one decimal, not multiplied, so that 1.1B is the very float 1.1e9.
    try:
        power = int(match[2] or 0)
    except ValueError:  # more digits than Python reads
        power = -(10**9) if match[2].startswith("-") else 10**9
    return float(f"{match[1]}e{power + power_of(match[3])}")


def _float(number: Any) -> float:
    """A number as float, infinite where a whole number is too large for one."""
    try:
        return float(number)
    except OverflowError:
        return np.inf if number > 0 else -np.inf


def is_positive(name: str) -> bool:
    """Say whether what is called so can only be above 0; `U[pool]`, the size of a pool, is one such name."""
    return name in _POSITIVE or name.startswith("U[")


def power_of(suffix: str | None) -> int:
    """Return the power of ten that a size suffix stands for; nothing stands for 0."""
    return _POWER[suffix.lower()] if suffix else 0


def is_size(cell: object) -> bool:
    """Say whether a cell is a size with a suffix, such as `2.8B`."""
    match = _SIZE.fullmatch(cell.strip()) if isinstance(cell, str) else None
    return match is not None and match[3] is not None


def one_column(name: str, values: Any) -> np.ndarray:
    """Return values as a one-dimensional array: int, float or bool where they are numbers, else objects."""
    if isinstance(values, np.ma.MaskedArray):
        values = values.tolist()  # masked cells become None
    try:
        array = values if isinstance(values, np.ndarray) else np.asarray(_as_list(values))
    except ValueError:
        raise InputError(f"{name!r} holds lists of different lengths; give one value per run.") from None
    if array.ndim != 1:
        raise InputError(f"{name!r} has shape {array.shape}; give one value per run, in one dimension.")
    cells = array.tolist() if isinstance(values, np.ndarray) else list(_as_list(values))
    mixed = (
        array.dtype.kind in "iuf" and not isinstance(values, np.ndarray) and any(isinstance(c, _BOOL) for c in cells)
    )
    if array.dtype.kind in "iufb" and not mixed:
        return array
    # NumPy turns a list of numbers and text into text; the cells as they were given say more in a message.
    cells = [None if _empty(c) else c for c in cells]
    if all(c is None or (isinstance(c, (int, float)) and not isinstance(c, bool)) for c in cells):
        return np.array([np.nan if c is None else _float(c) for c in cells], dtype=np.float64)
    out = np.empty(len(cells), dtype=object)
    out[:] = [None if c is None else str(c) for c in cells]
    return out


def _empty(cell: object) -> bool:
    return (
        cell is None or (isinstance(cell, str) and cell.strip() == "") or (isinstance(cell, float) and math.isnan(cell))
    )


def whole_numbers(cells: Sequence[int]) -> np.ndarray:
    """Return whole numbers as they are, or as floats where they are too large."""
    for dtype in (np.int64, np.uint64):  # seeds of 64 bits, to the last digit
        bounds = np.iinfo(dtype)
        if min(cells, default=0) >= bounds.min and max(cells, default=0) <= bounds.max:
            return np.array(cells, dtype=dtype)
    return np.array([_float(c) for c in cells], dtype=np.float64)


def loose_numbers(column: np.ndarray) -> Float[np.ndarray, " row"]:
    """Return a column as float64, with NaN for each cell that is missing or not a number."""
    if column.dtype.kind in "iufb":
        return column.astype(np.float64)
    parsed = [parse_number(c) for c in column]
    return np.array([np.nan if p is None else p for p in parsed], dtype=np.float64)


def refuse_text(name: str, column: np.ndarray, rows: Sequence[int] | np.ndarray, *, sizes: bool = True) -> None:
    """Raise for the first cell that is text and no number, or true or false, or a size such as 2.8B unless `sizes`."""
    if column.dtype.kind in "iuf":
        return
    if column.dtype.kind == "b":
        if column.size:
            raise InputError(
                f"Column {name!r}, row {rows[0]}: {bool(column[0])} is true or false; expected a number such as 2.8. "
                f"Give the column as numbers, or leave it out."
            )
        return
    for row, cell in zip(rows, column):
        if not sizes and is_size(cell):
            raise InputError(
                f"Column {name!r}, row {row}: {cell!r} is a size with a suffix; expected a plain number such as 2.31. "
                f"Correct it, or leave the row out."
            )
        if parse_number(cell) is None:
            raise InputError(
                f"Column {name!r}, row {row}: {cell!r} is not a number; expected one such as 2.8e9 or 2.8B. "
                f"Correct it, or leave the row out."
            )


def refuse_values(
    name: str,
    values: Float[np.ndarray, " row"],
    rows: Sequence[int] | np.ndarray,
    *,
    positive: bool,
    gaps: bool = False,
) -> None:
    """Raise for the first value that is missing unless `gaps`, infinite, or not positive where `positive`."""
    for bad, what in (
        (np.isnan(values) & (not gaps), "is missing (empty or NaN); expected a number"),
        (np.isinf(values), "is infinite; expected a finite number"),
        (values <= 0 if positive else np.zeros(values.shape, bool), "is not positive; expected a number above 0"),
    ):
        if bad.any():
            i = int(np.argmax(bad))
            shown = "the value" if np.isnan(values[i]) else f"{values[i]:g}"
            raise InputError(f"Column {name!r}, row {rows[i]}: {shown} {what}. Correct it, or leave the row out.")


def _as_list(values: Any) -> Any:
    return values.tolist() if hasattr(values, "tolist") and not isinstance(values, (str, bytes)) else values
