"""Labels of rows (`LABELS`): whole numbers or text, and rows numbered by them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from .._core import InputError, Phrase

LABELS = ("group", "run", "seed", "step", "pool", "target")


def label(name: str, column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return a label in which no cell may be empty.

    **Raises:** `InputError` naming the row of an empty cell.
    """
    empty = empty_cells(column)
    if empty.any():
        row = rows[int(np.argmax(empty))]
        raise InputError(f"{name!r} in row {row}", Phrase("has no label"), remedy="fill it, or leave the row out")
    return label_with_gaps(column, empty)


def label_with_gaps(column: np.ndarray, empty: Bool[np.ndarray, " row"]) -> np.ndarray:
    """Return a label as whole numbers or text, or as objects with `None` where it is empty."""
    cells = column[~empty]
    cells = cells.astype(np.int64 if _is_whole(cells) else str)
    return cells if not empty.any() else _spread(cells, empty)


def joined_label(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return a label of several tables as one: whole numbers where all are, else text."""
    cells = [c for part in parts for c in part.tolist()]
    empty = np.array([c is None for c in cells])
    there = [c for c in cells if c is not None]
    kept = np.array(there, dtype=np.int64 if all(isinstance(c, int) for c in there) else str)
    return kept if not empty.any() else _spread(kept, empty)


def closed(column: np.ndarray) -> np.ndarray:
    """Return a label whose empty cells may have been taken away in its plain form again."""
    if column.dtype.kind != "O" or empty_cells(column).any():
        return column
    return np.array(column.tolist())


def plain(column: np.ndarray) -> np.ndarray:
    """Return a label as conditions read it: whole numbers among empty cells as floats."""
    if column.dtype.kind == "O" and all(c is None or isinstance(c, int) for c in column):
        return np.array([np.nan if c is None else c for c in column], dtype=np.float64)
    return column


def empty_cells(column: np.ndarray) -> Bool[np.ndarray, " row"]:
    """Say which cells are `None` or NaN."""
    if column.dtype.kind in "iubU":
        return np.zeros(column.shape, dtype=bool)
    return np.array([c is None or (isinstance(c, float) and c != c) for c in column.tolist()], dtype=bool)


def numbered(columns: Sequence[np.ndarray], size: int) -> Int[np.ndarray, " row"]:
    """Number rows by the tuple of their cells, from 0 in order of first appearance; empty cells are alike."""
    code = np.zeros(size, dtype=np.int64)
    for column in columns:
        part = _code(column)
        _, code = np.unique(code * (int(part.max()) + 1) + part, return_inverse=True)
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    place = np.empty(len(first), dtype=np.int64)
    place[np.argsort(first)] = np.arange(len(first))
    return place[code]


def update(digest: Any, name: str, column: np.ndarray) -> None:
    """Feed a label to a hash."""
    digest.update(f"label {name}\0".encode())
    if column.dtype.kind in "iu":
        digest.update(column.astype("<i8").tobytes())
    else:
        # Text by its characters: the width of an array of strings depends on what it once held.
        digest.update("\0".join("\1" if c is None else str(c) for c in column.tolist()).encode())


def _code(column: np.ndarray) -> Int[np.ndarray, " row"]:
    if column.dtype.kind == "f":
        # No input and no label is infinite.
        column = np.where(np.isnan(column), -np.inf, column)
    if column.dtype.kind in "iufUb":
        return np.unique(column, return_inverse=True)[1]
    codes: dict[Any, int] = {}
    return np.array([codes.setdefault(c if c == c else None, len(codes)) for c in column.tolist()], dtype=np.int64)


def _is_whole(cells: np.ndarray) -> bool:
    if cells.dtype.kind in "ib":
        return True
    if cells.dtype.kind == "u":
        return bool(np.all(cells <= np.iinfo(np.int64).max))
    # Floats beyond 2^53 do not tell every whole number from the next.
    return cells.dtype.kind == "f" and bool(np.all((np.abs(cells) <= 2**53) & (np.floor(cells) == cells)))


def _spread(cells: np.ndarray, empty: Bool[np.ndarray, " row"]) -> np.ndarray:
    out = np.empty(empty.shape, dtype=object)
    out[:] = None
    out[~empty] = cells.tolist()
    return out
