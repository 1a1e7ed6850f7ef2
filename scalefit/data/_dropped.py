"""Rows that are not among the runs, and why."""

from collections.abc import Sequence
from typing import NamedTuple

from .._core import InputError, Phrase


class Dropped(NamedTuple):
    """A row of the source that is not among the runs, and why."""

    row: int
    reason: str


def missing(ours: str, header: str) -> str:
    """Return the reason for a row without a value."""
    return f"{ours} is missing" + ("" if ours == header else f" (column {header!r})")


def nothing_left(name: str, dropped: Sequence[Dropped], size: int) -> InputError:
    """Return the error for a table of which every row is dropped."""
    return InputError(
        "No row",
        Phrase(
            f"of {name!r} is left: {len(dropped)} of {size} lack a value (row {dropped[0].row}: {dropped[0].reason})"
        ),
        remedy="fill the cells, or leave a column out with `columns={...: None}`",
    )
