"""Text with a separator to arrays by header. Not by polars: to import that takes longer than to read most tables."""

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Sequence

import numpy as np

from .._core import InputError, Phrase, listed
from ._columns import header_of, our_name
from ._numbers import one_column, parse_number

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs"}


def from_csv(text: str, name: str, separator: str) -> tuple[dict[str, np.ndarray], str, tuple[str, ...]]:
    """Return the columns of a text, its separator, and what was done to read it.

    A second column of the same header has `_duplicated_0` after it.

    **Arguments:**

    - `separator`: The usual one of such a file; another that the header shows is taken instead.

    **Raises:** `InputError` where quotes do not match or a row has more cells than the header.
    """
    text, comments = _without_comments(text, separator)
    usual, separator = separator, _separator(text, separator)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        # A line without a cell is no row, and takes no row number; one of empty cells is a row.
        header, *rows = [row for row in reader if len(row) > 1 or "".join(row).strip()]
    except csv.Error as error:
        raise _unreadable(name, separator, f"line {reader.line_num}: {error}") from None
    notes = [*comments, *([f"the file is separated by {_NAMES[separator]}"] if separator != usual else [])]
    header, rows, second = _one_header(header, rows)
    for number, row in enumerate(rows, start=1):
        if len(row) > len(header):
            raise _unreadable(name, separator, f"row {number} has {len(row)} cells and the header {len(header)}")
    # Where commas are decimal, points before three digits group them.
    german = separator != "," and any(re.fullmatch(r"[+-]?\d+,\d+", c.strip()) for row in rows for c in row)
    table: dict[str, np.ndarray] = {}
    for title, *cells in itertools.zip_longest(header, *rows, fillvalue=""):
        repeats = (f"{title}_duplicated_{k}" for k in itertools.count())
        title = title if title not in table else next(t for t in repeats if t not in table)
        there = [c.strip() for c in cells if c.strip()]
        if german and there and all(re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", c) for c in there):
            second = [*second, f"{title!r}: {there[0]} read as {there[0].replace('.', '')}, as commas are decimal"]
            cells = [c.replace(".", "") for c in cells]
        table[title] = _column(title, cells)
    return table, separator, (*notes, *second)


def refuse_other_separator(header: str, first: object, what: str) -> None:
    """Raise where the one header there is, and the first cell below, seem to be several."""
    words = len(header.split())
    signs = [sign for sign in (";", "\t", "|") if sign in header]
    signs += [" "] if words > 1 and len(str(first).split()) == words else []
    if signs:
        read = f"give its path, or the data frame of polars.read_csv(path, separator={signs[0]!r})"
        raise InputError(
            what[0].upper() + what[1:],
            Phrase(f"has the one column {header[:80]!r} and seems to be separated by {signs[0]!r}"),
            remedy=read if signs[0] in ";\t" else "save it with commas",
        )


def _separator(text: str, usual: str) -> str:
    """The separator that makes most cells of the header, the usual one where it makes as many."""
    first = re.split(r"[\r\n]", text.strip(" \r\n"), maxsplit=1)[0]
    cells = {sign: len(next(csv.reader([first], delimiter=sign))) for sign in dict.fromkeys((usual, *_NAMES))}
    return max(cells, key=lambda sign: cells[sign])


def _without_comments(text: str, usual: str) -> tuple[str, list[str]]:
    """The text from its header on, and a note of the lines above that begin with # and are no header themselves."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    first = next((k for k, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), 0)
    rest = "".join(lines[first:])
    separator = _separator(rest, usual)
    cells = [line.count(separator) for line in lines[max(first - 1, 0) : first + 1]]
    # A header itself may begin so, right above rows of as many cells.
    if first == 0 or (len(cells) > 1 and cells[0] == cells[1] > 0):
        return text, []
    return rest, [f"what stands above the header ({lines[0].strip()[:40]!r}, …) was skipped, as # says"]


def _one_header(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]], list[str]]:
    """The header, the rows and a note where two rows are the header.

    The second is a header again where it has no number and stands above columns of numbers. It is the header where it
    has more usual names; else its cells are units of the first, appended in brackets.
    """
    if len(rows) < 2 or any(map(_is_number, rows[0])):
        return header, rows, []
    second, rest = rows[0], rows[1:]
    below = [[row[k].strip() for row in rest if k < len(row)] for k in range(len(second))]
    words = [
        cell.strip()
        for cell, column in zip(second, below, strict=True)
        if parse_number(cell) is None and any(column) and all(_is_number(c) for c in column if c)
    ]
    known = [sum(our_name(h) is not None for h in row) for row in (header, second)]
    # One word above numbers may as well be a value, as "diverged".
    if len(words) < 2 and not (words and known[1]):
        return header, rows, []
    if known[1] > known[0] or len(header) < len(second):
        return second, rest, [f"the first of two header rows ({header[0]!r}, …) was skipped"]
    units = [cell.strip().strip("()[]").strip() for cell in second]
    titles = [
        f"{title} ({unit})"
        if unit and our_name(title) and (our_name(unit) is None or header_of(unit).scale != 1)
        else title
        for title, unit in itertools.zip_longest(header, units, fillvalue="")
    ]
    done = "was taken as units" if titles != header else "was skipped"
    return titles, rest, [f"the second of two header rows ({listed(filter(None, units))}) {done}"]


def _is_number(cell: str) -> bool:
    found = parse_number(re.sub(r"[,%\s]", "", cell))
    return found is not None and found == found


def _unreadable(name: str, separator: str, why: str) -> InputError:
    kind = "CSV" if separator != "\t" else "TSV"
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
