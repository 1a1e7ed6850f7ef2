"""Tables to runs: names, scales, conditions, and every row that is left out accounted for."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._core import InputError
from ._columns import INPUTS, header_of, roles_of
from ._numbers import POSITIVE, is_size, loose_numbers, parse_number, refuse_text, refuse_values
from ._runs import LABELS, Dropped, Runs
from ._table import table_of
from ._where import nothing_kept, where_mask

_NUMBERS_AMONG_LABELS = ("step",)


def read_runs(
    source: str | os.PathLike[str] | Mapping[str, Any] | Any,
    *,
    columns: Mapping[str, str | None] | None = None,
    where: str | None = None,
    target: str | None = None,
    name: str | None = None,
) -> Runs:
    """Read runs from a file, a data frame or a dictionary of arrays.

    Usual headers are recognised (`params`, `Model Size`, `tokens`, `Training FLOP`, `val_loss`, ...); sizes such as
    `2.8B` and headers such as `FLOPs (1E21)` or `Model Size (B)` are scaled, and `notes` says so. A row with an empty
    cell in a column that is used is dropped and listed in `dropped`; text, infinite values and sizes of zero or below
    are errors. Every column stays at hand for `where`, `split` and `select`.

    **Arguments:**

    - `source`: A path (CSV, TSV, JSONL, NDJSON, JSON, Parquet, also with `.gz`), any data frame that narwhals
        knows, or a dictionary of arrays.
    - `columns`: Our name to the table's header, as `{"N": "Model Size", "C": "Training FLOP"}`; names that are not
        ours become inputs. `None` instead of a header leaves a recognised column out.
    - `where`: Rows to keep, as `"loss < 3.44 and N >= 1B"`, over the table's headers and our names (where they meet,
        ours is meant). The others are counted in `excluded`, and need not be well formed.
    - `target`: The header (or our name) of what was measured, where more than one column could be it.
    - `name`: What to call the runs; the file's name unless given.

    **Returns:** [`scalefit.Runs`][].

    **Raises:** `InputError`, in one sentence, for every table that cannot be used.
    """
    table, source_name = table_of(source)
    name = name or source_name
    size = len(next(iter(table.values())))
    roles = roles_of(table, columns, target)
    used = {roles.target[0]: roles.target[1], **roles.headers}
    empty = {
        k for k, v in used.items() if k != roles.target[0] and k not in (columns or {}) and _missing(table[v]).all()
    }
    used = {k: v for k, v in used.items() if k not in empty}
    notes = [*roles.notes, *(f"the column {roles.headers[k]!r} is empty and was not taken as {k}" for k in empty)]

    excluded = np.zeros(size, dtype=bool)
    missing = {k: _missing(table[v]) for k, v in used.items()}
    lacking = np.any(list(missing.values()), axis=0)
    if where is not None:
        names = {**table, **{k: _for_conditions(k, table[v], v) for k, v in used.items()}}
        holds, unknown = where_mask(where, names, size)
        # Where the condition cannot be told because a used cell is empty or text, the row is not excluded: it is
        # dropped and listed, or refused, like any other.
        unreadable = np.any([np.isnan(loose_numbers(table[v])) for k, v in used.items() if _is_number(k)], axis=0)
        excluded = ~holds & ~(unknown & (lacking | unreadable))
        if excluded.all():
            raise nothing_kept(where, names, size, name)
    rows = np.arange(1, size + 1)
    dropped = tuple(
        Dropped(int(row), "; ".join(_reason(k, used[k]) for k in used if missing[k][row - 1]))
        for row in rows[lacking & ~excluded]
    )
    keep = ~excluded & ~lacking
    if not keep.any():
        raise InputError(
            f"No run of {name!r} is left: {len(dropped)} of {size} rows lack a value (row {dropped[0].row}: "
            f"{dropped[0].reason}). Fill the cells, or leave a column out with columns={{...: None}}."
        )
    rows, table = rows[keep], {k: v[keep] for k, v in table.items()}
    plain = (roles.target[0], "se")
    values = {
        k: _checked(k, h, table[h], rows, notes, k not in plain) if _is_number(k) else table[h] for k, h in used.items()
    }
    units = {k: u for k, h in used.items() if _is_number(k) and (u := header_of(h).unit) is not None}
    target_name = roles.target[0]
    reserved = {k: values.pop(k) for k in (*LABELS, "se") if k in values}
    runs = Runs(values.pop(target_name), **reserved, target=target_name, units=units, name=name, **values)
    # A header that is the name of an input, given to another role, must not be found under its own name.
    taken = {h for k, h in roles.headers.items() if h in INPUTS and h != k} | {roles.target[1]} & set(INPUTS)
    table = {h: v for h, v in table.items() if h not in taken}
    return Runs._replace(
        runs,
        columns=table,
        target_header=roles.target[1],
        rows=rows,
        dropped=dropped,
        excluded=int(excluded.sum()),
        notes=tuple(notes),
    )


def _is_number(ours: str) -> bool:
    return ours not in LABELS or ours in _NUMBERS_AMONG_LABELS


def _reason(ours: str, header: str) -> str:
    return f"{ours} is missing" + ("" if ours == header else f" (column {header!r})")


def _missing(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind in "iufb":
        return np.isnan(column.astype(np.float64))
    return np.array([(p := parse_number(c)) is not None and np.isnan(p) for c in column], dtype=bool)


def _scaled(column: np.ndarray, header: str) -> np.ndarray:
    power = header_of(header).power
    if power > 300:
        raise InputError(
            f"The header {header[:60]!r} scales by a power of ten above 300; expected one such as 'FLOPs (1E21)', "
            f"so correct the header."
        )
    with np.errstate(over="ignore"):
        return loose_numbers(column) * 10.0**power


def _for_conditions(ours: str, column: np.ndarray, header: str) -> np.ndarray:
    """The numbers of a used column; the cells as they stand where one is text, for `loss != "diverged"`."""
    is_text = column.dtype.kind == "O" and any(parse_number(c) is None for c in column)
    return column if is_text or not _is_number(ours) else _scaled(column, header)


def _checked(
    ours: str, header: str, column: np.ndarray, rows: np.ndarray, notes: list[str], sizes_too: bool
) -> np.ndarray:
    """The numbers of a used column, scaled; what was done to them goes to the notes."""
    refuse_text(header, column, rows, sizes=sizes_too)
    sizes = [c for c in column if is_size(c)] if column.dtype.kind == "O" else []
    power = header_of(header).power
    if sizes and power:
        raise InputError(
            f"Column {header!r} is scaled by its header and holds {sizes[0]!r} too; write the size in one place only."
        )
    if sizes:
        notes.append(f"{ours} = {header!r} with sizes such as {sizes[0]} read as {parse_number(sizes[0]):g}")
    if power:
        notes.append(f"{ours} = {header!r} times 1e{power}, as the header says")
    values = _scaled(column, header)
    refuse_values(header, values, rows, positive=ours in POSITIVE)
    return values
