"""Cells to numbers: human sizes, missing cells, series, and the checks that every number of a run must pass."""

import contextlib
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from .._core import InputError, Phrase

_POWER = {"k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "g": 9, "billion": 9, "t": 12, "trillion": 12}
_MISSING = frozenset({"", "nan", "na", "n/a", "n.a.", "#n/a", "null", "none", "-", "--", "–", "—"})
_SIZE = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:e([+-]?\d+))?\s*(k|m|b|g|t|thousand|million|billion|trillion)?", re.IGNORECASE
)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


def parse_number(cell: object) -> float | None:
    """Return the number a cell holds (`2.8e9`, `2.8B`), NaN for an empty cell, `None` for any other text."""
    if cell is None:
        return np.nan
    if isinstance(cell, (int, float, np.integer, np.floating)):
        return _float(cell)
    if isinstance(cell, np.ndarray):
        return None
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


def power_of(suffix: str | None) -> int:
    """Return the power of ten that a size suffix stands for; nothing stands for 0."""
    return _POWER[suffix.lower()] if suffix else 0


def is_size(cell: object) -> bool:
    """Say whether a cell is a size with a suffix, such as `2.8B`."""
    match = _SIZE.fullmatch(cell.strip()) if isinstance(cell, str) else None
    return match is not None and match[3] is not None


def one_column(name: str, values: Any) -> np.ndarray:
    """Return values as a one-dimensional array: int, float or bool where they are numbers, else objects."""
    if isinstance(values, np.ma.MaskedArray) or not isinstance(values, (np.ndarray, str, bytes)):
        values = values.tolist() if hasattr(values, "tolist") else values  # masked cells become None
    elif isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "iufb":
        return values
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(name, Phrase("holds lists of different lengths"), "one value per run") from None
    if array.ndim != 1:
        raise InputError(name, Phrase(f"has shape {array.shape}"), "one value per run, in one dimension")
    # NumPy turns a list of numbers and text into text; the cells as they were given say more in a message.
    cells = array.tolist() if isinstance(values, np.ndarray) else list(values)
    if array.dtype.kind in "fO" and all(type(c) is int for c in cells):
        with contextlib.suppress(OverflowError):  # NumPy makes floats of seeds of 64 bits beside smaller ones
            return np.array(cells, dtype=np.uint64)
    truths = [isinstance(c, (bool, np.bool_)) for c in cells]
    if array.dtype.kind in "iufb" and (all(truths) or not any(truths)):
        return array
    cells = [None if _empty(c) else c for c in cells]
    if all(c is None or (isinstance(c, (int, float)) and not isinstance(c, bool)) for c in cells):
        return np.array([np.nan if c is None else _float(c) for c in cells], dtype=np.float64)
    return objects(None if c is None else str(c) for c in cells)


def objects(cells: Any) -> np.ndarray:
    """Return cells as an array of objects, one by one whatever they are."""
    cells = list(cells)
    out = np.empty(len(cells), dtype=object)
    for place, cell in enumerate(cells):  # an assignment of all would take arrays apart
        out[place] = cell
    return out


def series_column(values: Any) -> np.ndarray | None:
    """Return series, a list or array of numbers for each run, as objects: float64 arrays, `None` where one is empty.

    **Returns:** `None` where these are no series.
    """
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype != object:
        return None
    cells = list(values) if hasattr(values, "__iter__") and not isinstance(values, str) else []
    if not all(cell is None or isinstance(cell, (list, tuple, np.ndarray)) for cell in cells):
        return None
    try:
        arrays = [np.asarray([] if cell is None else cell) for cell in cells]
        if any(array.size and array.dtype.kind not in "iufO" for array in arrays):
            return None
        arrays = [array.astype(np.float64) if array.size else None for array in arrays]
    except (TypeError, ValueError):
        return None
    if all(array is None for array in arrays) or any(array is not None and array.ndim != 1 for array in arrays):
        return None
    return objects(arrays)


def is_series(column: np.ndarray) -> bool:
    """Say whether a column holds series."""
    return column.dtype == object and any(isinstance(cell, np.ndarray) for cell in column)


def _empty(cell: object) -> bool:
    return (
        cell is None or (isinstance(cell, str) and cell.strip() == "") or (isinstance(cell, float) and math.isnan(cell))
    )


def loose_numbers(column: np.ndarray) -> Float[np.ndarray, " row"]:
    """Return a column as float64, with NaN for each cell that is missing or not a number."""
    if column.dtype.kind in "iufb":
        return column.astype(np.float64)
    parsed = [parse_number(c) for c in column]
    return np.array([np.nan if p is None else p for p in parsed], dtype=np.float64)


def missing_cells(column: np.ndarray) -> Bool[np.ndarray, " row"]:
    """Say which cells are empty, or say so in words (`NaN`, `n/a`)."""
    if column.dtype.kind in "iufb":
        return np.isnan(column.astype(np.float64))
    return np.array([(p := parse_number(c)) is not None and np.isnan(p) for c in column], dtype=bool)


def check_numbers(
    name: str, column: np.ndarray, rows: Sequence[int] | np.ndarray, *, positive: bool = False, sizes: bool = True,
    gaps: bool = False, scale: float = 1.0,
) -> Float[np.ndarray, " row"]:  # fmt: skip
    """Check a column of numbers.

    **Arguments:**

    - `name`: Its header; `rows`: the row of each cell.
    - `positive`: Whether they must be above 0.
    - `sizes`: Whether sizes such as 2.8B will do.
    - `gaps`: Whether cells may be missing; they are NaN then.
    - `scale`: What they are multiplied by.

    **Returns:** the numbers as float64.

    **Raises:** `InputError` for the first cell that is text, true or false, missing, infinite or not positive.
    """

    def refused(place: int, given: Any, expected: str) -> InputError:
        return InputError(f"{name!r} in row {rows[place]}", given, expected, "correct it, or leave the row out")

    if column.dtype.kind == "b" and column.size:
        raise refused(0, bool(column[0]), "a number such as 2.8")
    for place, cell in enumerate(column) if column.dtype.kind not in "iufb" else ():
        if isinstance(cell, np.ndarray):
            raise refused(place, Phrase(f"is a series of {len(cell)} numbers"), "one number")
        if not sizes and is_size(cell):
            raise refused(place, cell, "a number without a suffix, such as 2.31")
        if re.fullmatch(r"[+-]?\d{1,3},\d{3}", str(cell).strip()):
            apart = str(cell).strip().replace(",", ""), str(cell).strip().replace(",", ".")
            raise refused(place, Phrase(f"is {cell!r}, which may be {apart[0]} or {apart[1]}"), "no comma")
        if "±" in str(cell):
            raise refused(place, cell, "a number alone, and its standard error in a column 'se'")
        if str(cell).strip() == name:
            raise refused(place, Phrase("is the header again, as where files were joined"), "a number")
        if parse_number(cell) is None:
            raise refused(place, cell, "a number such as 2.8e9 or 2.8B")
    with np.errstate(over="ignore"):
        values = loose_numbers(column) * scale
    for bad, expected in (
        (np.isnan(values) & (not gaps), "a number"),
        (np.isinf(values), "a finite number"),
        (values <= 0 if positive else np.zeros(values.shape, bool), "a number above 0"),
    ):
        if bad.any():
            place = int(np.argmax(bad))
            value = values[place]
            raise refused(place, Phrase("is missing (empty or NaN)") if np.isnan(value) else value, expected)
    return values


def check_series(name: str, column: np.ndarray, rows: Sequence[int] | np.ndarray, *, gaps: bool = False) -> np.ndarray:
    """Check a column of series, which cannot be changed from then on.

    **Arguments:**

    - `name`: Its header; `rows`: the row of each series.
    - `gaps`: Whether cells may be missing.

    **Raises:** `InputError` for the first that is missing, or holds a number that is missing or infinite.
    """
    for row, cell in zip(rows, column, strict=True):
        if cell is None and not gaps:
            raise InputError(f"{name!r} in row {row}", Phrase("is missing"), "a series of numbers", "leave the row out")
        if cell is not None and not np.isfinite(cell).all():
            place, given = int(np.argmin(np.isfinite(cell))), f"{name!r} in row {row}, number "
            raise InputError(given + f"{place + 1}", cell[place], "a finite number", "correct it, or leave the row out")
        if cell is not None:
            cell.flags.writeable = False
    return column
