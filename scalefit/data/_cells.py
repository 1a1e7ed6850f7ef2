"""Columns of text to numbers as people write them: thousands in groups, decimal commas, per cent."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._columns import COUNTS, header_of, our_name
from ._numbers import missing_cells, one_column

_GROUPS = re.compile(r"[+-]?\d{1,3}(?:(,)\d{3}(?:,\d{3})*|([ \u00a0\u2009\u202f'’])\d{3}(?:\2\d{3})*)(\.\d+)?")
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+|[+-]?\d{1,3}(?:\.\d{3}){2,}")
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


class Cells(NamedTuple):
    """The columns of a table; what was done to them; the unit of each header that its cells say."""

    table: dict[str, np.ndarray]
    notes: tuple[str, ...]
    units: dict[str, str]


def with_numbers(table: dict[str, np.ndarray], *, comma: bool) -> Cells:
    """Read the columns of text in which every cell is a number in another notation.

    A comma before three digits alone is of thousands where its column or the others of the table say so, and decimal
    likewise; where nothing does, the cells stay text.

    **Arguments:**

    - `table`: Columns by header.
    - `comma`: Whether commas are taken to be decimal where no cell tells, as in a file separated by semicolons.
    """
    texts = {h: [str(c).strip() for c in v[~missing_cells(v)].tolist()] for h, v in table.items() if _is_text(v)}
    per_cent = {h for h, cells in texts.items() if cells and all(_bare(c) != c for c in cells)}
    bare = {h: [_bare(c) if h in per_cent else c for c in cells] for h, cells in texts.items()}
    bare = {
        h: cells
        for h, cells in bare.items()
        if all(map(_is_number, cells)) and (h in per_cent or not all(map(_PLAIN.fullmatch, cells)))
    }
    said = {h: _decimal(cells) for h, cells in bare.items()}
    known = {sign for sign in said.values() if sign}
    if any(v.dtype.kind == "f" and (v[np.isfinite(v)] % 1 != 0).any() for v in table.values()):
        known.add(".")
    usual = known.pop() if len(known) == 1 else "," if comma and not known else ""
    out, notes, units = dict(table), [], {}
    for header, cells in bare.items():
        # A count of parameters, tokens or FLOP is whole.
        whole = our_name(header) in COUNTS and header_of(header).scale == 1.0
        sign = said[header] or ("." if whole else usual)
        if (not sign and any("," in c for c in cells)) or said[header] is None:
            continue
        missing = missing_cells(table[header])
        read = [None if m else _read(str(c).strip(), sign) for m, c in zip(missing, table[header], strict=True)]
        out[header] = one_column(header, read)
        first, number = next((c, r) for c, r in zip(table[header].tolist(), read, strict=True) if r is not None)
        if header in per_cent:
            units[header] = "%"
            share = header.startswith("w[")
            out[header] = out[header] / 100.0 if share else out[header]
            notes.append(f"{header!r} is in per cent: {first} read as {number / 100 if share else number:.12g}")
        else:
            shown = next(c for c in cells if _PLAIN.fullmatch(c) is None)
            notes.append(f"{header!r}: {shown} read as {_read(shown, sign):.12g}")
    return Cells(out, tuple(notes), units)


def _is_text(column: np.ndarray) -> bool:
    return column.dtype.kind == "O" and not any(isinstance(c, np.ndarray) for c in column)


def _bare(cell: str) -> str:
    return cell.removesuffix("%").rstrip() if cell.endswith("%") else cell


def _is_number(cell: str) -> bool:
    return any(form.fullmatch(cell) is not None for form in (_PLAIN, _GROUPS, _COMMA, _POINT_GROUPS))


def _decimal(cells: Sequence[str]) -> str | None:
    """The decimal sign that cells show: "." or ","; "" where they show none, `None` where they show both."""
    found = set()
    for cell in cells:
        groups = _GROUPS.fullmatch(cell)
        if (
            _POINT_GROUPS.fullmatch(cell) is not None
            or (groups is None and "," in cell)
            or cell.lstrip("+-").startswith("0,")
        ):
            found.add(",")
        elif "." in cell or cell.count(",") > 1:
            found.add(".")
    # A whole number of three digits without a group, beside groups: 950 and 1,250.
    if not found and any(re.fullmatch(r"[1-9]\d\d", c) for c in cells) and any("," in c for c in cells):
        return "."
    return None if len(found) > 1 else next(iter(found), "")


def _read(cell: str, decimal: str) -> float:
    text = re.sub(r"[ \u00a0\u2009\u202f'’]", "", _bare(cell))
    if decimal == "," or (not decimal and _POINT_GROUPS.fullmatch(text)):
        text = text.replace(".", "").replace(",", ".") if "," in text or _POINT_GROUPS.fullmatch(text) else text
    return float(text.replace(",", ""))
