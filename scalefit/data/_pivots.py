"""Pivots: a row for each size, a column for each of another, and in the cells what was measured."""

import re
from collections.abc import Sequence

import numpy as np

from .._core import InputError, Phrase, listed
from ._columns import INPUTS, MEASURED, our_name
from ._numbers import missing_cells, parse_number

_JOINT = re.compile(r"\s*(?:\\|/|\||×|→|↓|\bvs\.?(?=\s)|\bby\b)\s*", re.IGNORECASE)
# 2e9, 2B, D=2B, 2B tokens
_SIZE = re.compile(r"(?:([A-Za-z][\w ]*?)\s*[=:]\s*)?(\d[\d.]*\s*(?:[eE][+-]?\d+|[KMBTkmbt])?)(?:\s+([A-Za-z]\w*))?")


def unpivoted(
    table: dict[str, np.ndarray], target: str | Sequence[str] | None
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return a pivot in long form, a row for each of its cells, and a note; any other table as it is.

    What its rows and columns count stands in its corner, as `N \\ D`, or before or after each size, as `D=2B`.

    **Raises:** `InputError` where nothing says what the columns count.
    """
    corner, *headers = table
    sizes = [_SIZE.fullmatch(header.strip()) for header in headers]
    if len(headers) < 2 or not all(sizes) or our_name(corner) in MEASURED or {*headers, corner} & _named(target):
        return table, ()
    numbers = [parse_number(size[2].replace(" ", "")) for size in sizes if size]
    if any(number is None for number in numbers):
        return table, ()
    names = {size[1] or size[3] for size in sizes if size}
    parts = [part for part in _JOINT.split(corner.strip()) if part]
    rows, columns = (*parts, *(name for name in names if name), "")[:2] if parts else ("", "")
    if len(parts) + len(names - {None}) != 2 or not {our_name(rows), our_name(columns)} <= {*INPUTS}:
        raise InputError(
            "The table", Phrase(f"is a pivot of columns {listed(headers)}, and does not say what these count"),
            remedy="write both sizes in its corner, rows first, as 'N \\ D', or a row for each run",
        )  # fmt: skip
    cells = np.stack([np.asarray(table[header], object) for header in headers], axis=1).ravel()
    value = target if isinstance(target, str) else "loss"
    count = len(headers)
    long = {rows: np.repeat(table[corner], count), columns: np.tile(np.array(numbers, float), len(table[corner]))}
    kept = ~missing_cells(cells)
    long = {name: column[kept] for name, column in {**long, value: cells}.items()}
    if all(isinstance(cell, int | float | np.number) for cell in long[value]):
        long[value] = long[value].astype(float)
    shape = f"rows by {rows!r} and columns by {columns!r}"
    return long, (f"the table is a pivot: its cells, {shape}, became {kept.sum()} runs of {value!r}",)


def _named(target: str | Sequence[str] | None) -> set[str]:
    return {target} if isinstance(target, str) else {*(target or ())}
