"""Text with a separator to arrays by header. Not by polars: to import that takes longer than to read most tables."""

import contextlib
import csv
import io
import itertools
from collections.abc import Sequence

import numpy as np

from .._core import InputError, Phrase
from ._numbers import one_column


def from_csv(text: str, name: str, separator: str) -> dict[str, np.ndarray]:
    """Return the columns of a text; a second one of the same header has `_duplicated_0` after it.

    **Raises:** `InputError` where quotes do not match or a row has more cells than the header.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        # A line without a cell is no row, and takes no row number; one of empty cells is a row.
        header, *rows = [row for row in reader if len(row) > 1 or "".join(row).strip()]
    except csv.Error as error:
        raise _unreadable(name, separator, f"line {reader.line_num}: {error}") from None
    for number, row in enumerate(rows, start=1):
        if len(row) > len(header):
            if len(header) == 1:
                refuse_other_separator(header[0], repr(name))
            raise _unreadable(name, separator, f"row {number} has {len(row)} cells and the header {len(header)}")
    table: dict[str, np.ndarray] = {}
    for title, *cells in itertools.zip_longest(header, *rows, fillvalue=""):
        repeats = (f"{title}_duplicated_{k}" for k in itertools.count())
        title = title if title not in table else next(t for t in repeats if t not in table)
        table[title] = _column(title, cells)
    return table


def refuse_other_separator(header: str, what: str) -> None:
    """Raise where the one header there is seems to be several."""
    for sign in (";", "\t"):
        if sign in header:
            raise InputError(
                what[0].upper() + what[1:],
                Phrase(f"has the one column {header[:80]!r} and seems to be separated by {sign!r}"),
                remedy=f"save it with commas, or give the data frame of polars.read_csv(path, separator={sign!r})",
            )


def _unreadable(name: str, separator: str, why: str) -> InputError:
    kind = "CSV" if separator == "," else "TSV"
    expected = "a header and as many cells in every row"
    return InputError(repr(name), Phrase(f"cannot be read as {kind} ({why})"), expected)


def _column(header: str, cells: Sequence[str]) -> np.ndarray:
    """Whole numbers, numbers or truths where every cell is one or empty; else the text, `None` where it is empty."""
    there = [c for c in cells if c.strip()]
    if not any("_" in c for c in there):  # Python takes it for a part of a number
        for kind in (int, float):
            with contextlib.suppress(ValueError):
                return one_column(header, [kind(c) if c.strip() else None for c in cells])
        if len(there) == len(cells) and {c.lower() for c in there} <= {"true", "false"}:
            return np.array([c.lower() == "true" for c in there], dtype=bool)
    return one_column(header, list(cells))
