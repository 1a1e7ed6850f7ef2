"""Tables to runs: names, scales, conditions, and every row that is left out accounted for."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._core import InputError, Phrase, check_type
from ._charts import exploded, unfolded
from ._clusters import unlabelled
from ._columns import COUNTS, INPUTS, entries_of, header_of, roles_of
from ._dropped import Dropped, missing, nothing_left
from ._labels import LABELS, label_with_gaps
from ._made import scaled, with_sizes, with_target
from ._numbers import (
    check_numbers,
    check_series,
    is_series,
    is_size,
    loose_numbers,
    missing_cells,
    parse_number,
)
from ._pivots import unpivoted
from ._runs import UNITS, Runs
from ._select import DERIVED, found
from ._summaries import summary_rows
from ._table import Source, Table, source_of
from ._targets import stacked
from ._units import is_other
from ._where import Condition


def read_runs(
    source: str | os.PathLike[str] | Mapping[str, Any] | Any,
    *,
    columns: Mapping[str, str | None] | None = None,
    where: str | None = None,
    target: str | Sequence[str] | None = None,
    name: str | None = None,
) -> Runs:
    """Read runs from a file, a data frame or a dictionary of arrays.

    Usual headers are recognised (`params`, `Model Size`, `tokens`, `Training FLOP`, `val_loss`, ...); sizes such as
    `2.8B` and headers such as `FLOPs (1E21)`, `params_M` or `compute (PF-days)` are scaled; thousands, decimal commas,
    `log10_N`, tokens per parameter and more are read (`docs/tables.md`); `notes` says what was done. A row without the
    target or its `se`, and a row without anything, is dropped and listed in `dropped`. An empty cell elsewhere stays
    one until a law needs it (`Runs.complete`). Text, infinite values and sizes of zero or below are errors. Every
    column stays at hand for `where`, `split` and `select`; one of lists of numbers (of JSON or Parquet) is a series.

    **Arguments:**

    - `source`: A path (CSV, TSV, JSONL, NDJSON, JSON, Parquet, also with `.gz`); a folder of such files or a list of
        their paths, a run a file; event files of TensorBoard or a folder of them (with the package `tensorboard`); any
        data frame that narwhals knows, a data set of xarray, a dictionary of arrays, or a list of one dictionary a run.
    - `columns`: Our name to the table's header, as `{"N": "Model Size", "C": "Training FLOP"}`; names that are not
        ours become inputs. `None` instead of a header leaves a recognised column out. The `x` of a law of one input
        is a column headed so in a table without other inputs, or what is given to it: after `{"x": "D"}` the column
        of D is x, and no longer D.
    - `where`: Rows to keep, as `"loss < 3.44 and N >= 1B"`, over the table's headers and our names (where they meet,
        ours is meant; one of N, D and C may follow from the other two). The others are counted in `excluded`, and need
        not be well formed. A row that cannot be judged because a cell of N, loss or the like is empty is listed in
        `dropped`.
    - `target`: The header (or our name) of what was measured, where more than one column could be it. Several, as
        `("loss_a", "loss_b")`, give a table in long form: a row for each run and target, which the label `target`
        names; a run without one of them lacks that row only. Standard errors of each are then said by
        `columns={"se[loss_a]": ...}`.
    - `name`: What to call the runs; the file's name unless given.

    **Returns:** [`scalefit.Runs`][].

    **Raises:** `InputError`, in one sentence, for every table that cannot be used.
    """
    _check_types(columns, target, name)
    given = source_of(source)
    wanted = {*([target] if isinstance(target, str) else target or ()), *(columns or {}).values()}
    table, notes = unfolded(given.table, wanted - {None})
    table, more = unpivoted(table, target)
    given = given._replace(table=table, name=name or given.name, notes=(*given.notes, *notes, *more))
    if target is None or isinstance(target, str):
        return _read(given, columns, where, target)
    if not target:
        raise InputError("target", target, "a header, or several")
    columns = dict(columns or {})
    se = {str(k)[3:-1]: columns.pop(k) for k in list(columns) if str(k).startswith("se[") and str(k).endswith("]")}
    if strange := set(se) - set(target):
        raise InputError("columns", Phrase(f"gives an se of {min(strange)!r}"), f"one of {list(target)}")
    parts = {}
    for one in target:
        own = {k: v for k, v in columns.items() if k == one or k not in target}
        part = _read(given, own | ({"se": se[one]} if one in se else {}), where, one)
        if part.se is not None and not se and columns.get("se") is None:
            given = Phrase("is one column, and there are several targets")
            raise InputError("se", given, remedy=f"say whose each is, as with `columns={{'se[{one}]': 'its header'}}`")
        units = {one if k == part.target_name else k: unit for k, unit in part.units.items()}
        parts[one] = part.with_fields(target_name=one, units=units)
    return stacked(parts)


def _read(given: Source, columns: Mapping[str, str | None] | None, where: str | None, target: str | None) -> Runs:
    """Read the runs of one target from a table."""
    name = given.name
    source, columns, target, raised = with_target(given.table, columns, target)
    source, columns, made = with_sizes(source, columns, target)
    roles = roles_of(source, columns, target)
    target_name, header = roles.target
    if is_series(source[header]):
        table, note = exploded(source, header)
        return _read(given._replace(table=table, notes=(*given.notes, note)), columns, where, target)
    # Shares that are text are an error; other text under headers alike has no role.
    text = {
        h for h in entries_of(source) if not h.startswith("w[") and h not in (columns or {}) and _is_text(source[h])
    }
    meant = {target_name: header, **{k: h for k, h in roles.headers.items() if k not in text}}
    # A series has no role that is a number or a label; one without a role keeps its header.
    ours = {
        k: h
        for k, h in meant.items()
        if k != target_name and is_series(source[h]) and k not in (*INPUTS, *LABELS, "se")
    }
    ours |= {h: h for h, column in source.items() if is_series(column) and h not in meant.values()}
    used = {k: h for k, h in meant.items() if k not in ours}
    missed = {k: missing_cells(source[h]) for k, h in used.items()}
    empty = {k for k, m in missed.items() if m.all() and k != target_name and k not in (columns or {})}
    used = {k: h for k, h in used.items() if k not in empty}
    notes = [
        *given.notes,
        *raised,
        *made,
        *roles.notes,
        *(f"the column {roles.headers[k]!r} is empty and was not taken as {k}" for k in empty),
    ]

    keep, dropped, excluded = _rows_kept(source, used, missed, where, target_name, name)
    rows, table = np.flatnonzero(keep) + 1, {h: column[keep] for h, column in source.items()}
    values = {
        k: _checked(k, h, table[h], rows, notes, sizes=k not in (target_name, "se")) if _is_number(k) else table[h]
        for k, h in used.items()
    }
    if "se" in values and _is_per_cent(used["se"], notes) and not _is_per_cent(header, notes):
        observed, rate = np.abs(values[target_name]), target_name in ("accuracy", "error")
        # Points of per cent of what is itself a share, or written as per cent.
        values["se"] = 0.01 * values["se"] * ((1.0 if observed.max() <= 1.0 else 100.0) if rate else observed)
        notes.append(f"se = {used['se']!r} in " + ("points of per cent" if rate else f"per cent of {target_name}"))
    labels = {k: label_with_gaps(values.pop(k), missed[k][keep]) for k in LABELS if k in values}
    units = {
        k: u for k, h in used.items() if _is_number(k) and (u := given.units.get(h) or _unit(k, h, columns, notes))
    }
    # A header that is the name of an input, given to another role, must not be found under its own name.
    taken = {h for k, h in meant.items() if h in INPUTS and (h != k or k == target_name)} | set(ours.values())
    runs = Runs(values.pop(target_name), se=values.pop("se", None), target=target_name, name=name).with_fields(
        inputs=values,
        series={k: check_series(h, table[h], rows, gaps=True) for k, h in ours.items()},
        labels=labels,
        units={k: u for k, u in UNITS.items() if k in values} | units,
        headers={k: h for k, h in meant.items() if k != h and k in (*values, *labels, *ours)},
        columns={h: v for h, v in table.items() if h not in taken},
        target_header=header,
        rows=rows,
        dropped=dropped,
        excluded=excluded,
    )
    return runs.with_fields(notes=(*notes, *unlabelled(runs)))


def _rows_kept(
    table: Table, used: Mapping[str, str], missed: Mapping[str, np.ndarray], where: str | None, target: str, name: str
) -> tuple[np.ndarray, tuple[Dropped, ...], int]:
    """The rows that are read, those that are dropped, and the number of those that a condition excludes."""
    size = len(next(iter(table.values())))
    blank = np.all([missing_cells(column) for column in table.values()], axis=0)
    summed = summary_rows(table, [header for ours, header in used.items() if _is_number(ours)])
    lacks = {k: missed[k] for k in used if k in (target, "se")}
    excluded = np.zeros(size, dtype=bool)
    if where is not None:
        condition = Condition(where, _for_where(table, used), size, used)
        excluded, untold = _judged(condition, table, used, missed)
        excluded &= ~blank
        if (excluded | blank).all():
            raise condition.nothing_kept(name)
        lacks |= {k: untold[k] | lacks.get(k, False) for k in untold}
    lacking = np.any(list(lacks.values()), axis=0)
    lacking[list(summed)] = True
    lacking &= ~excluded
    reasons = {
        i: [summed[i]]
        if i in summed
        else ["every cell is empty"]
        if blank[i]
        else [missing(k, used[k]) for k in lacks if lacks[k][i]]
        for i in np.flatnonzero(lacking).tolist()
    }
    dropped = tuple(Dropped(i + 1, "; ".join(reason)) for i, reason in reasons.items())
    keep = ~excluded & ~lacking
    if not keep.any():
        raise nothing_left(name, dropped, size)
    return keep, dropped, int(excluded.sum())


def _check_types(columns: Any, target: Any, name: Any) -> None:
    """Raise for an argument of another type than it must have."""
    check_type("name", name, (str, type(None)), "text, or nothing")
    several = isinstance(target, (list, tuple)) and all(isinstance(one, str) for one in target)
    check_type("target", None if several else target, (str, type(None)), "a header, or several")
    if columns is None:
        return
    example = "our names to headers, as {'N': 'Model Size', 'C': 'Training FLOP'}"
    for ours, theirs in check_type("columns", columns, Mapping, example).items():
        if not isinstance(ours, str) or not isinstance(theirs, str | None):
            raise InputError(
                "columns", Phrase(f"gives {theirs!r} for {ours!r}"),
                "text for both, or None for a header to leave the column out",
            )  # fmt: skip


def _judged(
    condition: Condition, table: Mapping[str, np.ndarray], used: Mapping[str, str], missed: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The rows that a condition excludes, and by used column those that it cannot judge for want of its value.

    Where the condition cannot be told because a used cell is empty or text, the row is not excluded: it is dropped and
    listed, or refused, like any other.
    """
    (holds, fails), named = condition.told, set(condition.named)
    unknown = ~holds & ~fails
    sources = {k for name in named & DERIVED.keys() if name not in used for k in DERIVED[name][:2]}
    asked = [k for k, v in used.items() if k in named or v in named or k in sources]
    unreadable = [np.isnan(loose_numbers(table[used[k]])) if _is_number(k) else missed[k] for k in asked]
    untold = unknown & np.any([np.zeros_like(unknown), *unreadable], axis=0)
    return ~holds & ~untold, {k: missed[k] & untold for k in asked}


def _for_where(table: Table, used: Mapping[str, str]) -> Table:
    """Columns that a condition may name: by header, by our names, and those of N, D and C that follow from inputs."""
    ours = {k: _for_conditions(k, table[v], v) for k, v in used.items()}
    numbers = {k: loose_numbers(ours[k]) for k in ours if k in DERIVED}
    derived = {k: there.values for k in DERIVED if k not in used and (there := found(k, numbers.get)) is not None}
    rows = np.arange(1, len(next(iter(table.values()))) + 1)
    return {"row": rows, **{h: column for h, column in table.items() if not is_series(column)}, **derived, **ours}


def _is_text(column: np.ndarray) -> bool:
    return column.dtype.kind == "O" and any(parse_number(c) is None for c in column)


def _is_number(ours: str) -> bool:
    return ours not in LABELS or ours == "step"


_OF_NO_TARGET = re.compile(r"\d|log|rel|milli|share", re.IGNORECASE)
_PER_CENT = re.compile(r"%|per\s?cent|pct", re.IGNORECASE)


def _is_per_cent(header: str, notes: Sequence[str]) -> bool:
    """Whether a header says per cent, or its cells did, of which there is a note."""
    return _PER_CENT.search(header) is not None or any(note.startswith(f"{header!r} is in per cent") for note in notes)


def _unit(ours: str, header: str, columns: Mapping[str, str | None] | None, notes: list[str]) -> str | None:
    """The unit that a header says; that of a size must be a count, unless the caller names the column.

    **Raises:** `InputError` for a size in a unit of something else, as bytes.
    """
    unit = header_of(header, ours).unit
    if unit is not None and (_OF_NO_TARGET.search(unit) if ours == "se" else ours in COUNTS and is_other(unit)):
        if (columns or {}).get(ours) != header:
            meant = "se is in the unit of the target" if ours == "se" else f"{ours} counts {UNITS[ours]}"
            raise InputError(
                f"The column {header!r}", Phrase(f"is in {unit!r}, and {meant}"),
                remedy=f"convert it; or take it as it stands, in {unit}, with `columns={{{ours!r}: {header!r}}}`",
            )  # fmt: skip
        notes.append(f"{ours} = {header!r} as it stands, in {unit}")
    return unit


def _scale(ours: str, header: str) -> float:
    scale = header_of(header, ours).scale
    if not scale <= 1e300:
        scales = Phrase("scales by a power of ten above 300")
        raise InputError(f"The header {header[:60]!r}", scales, "one such as 'FLOPs (1E21)'", "correct the header")
    return scale


def _for_conditions(ours: str, column: np.ndarray, header: str) -> np.ndarray:
    """The numbers of a used column; the cells as they stand where one is text, for `loss != "diverged"`."""
    if _is_text(column) or not _is_number(ours):
        return column
    with np.errstate(over="ignore"):
        return loose_numbers(column) * _scale(ours, header)


def _checked(
    ours: str, header: str, column: np.ndarray, rows: np.ndarray, notes: list[str], *, sizes: bool
) -> np.ndarray:
    """The numbers of a used column, scaled; what was done to them goes to the notes."""
    sized = [c for c in column if is_size(c)] if sizes and column.dtype.kind == "O" else []
    scale = _scale(ours, header)
    if sized and scale != 1.0:
        twice = Phrase(f"is scaled by its header and holds {sized[0]!r} too")
        raise InputError(repr(header), twice, remedy="write the size in one place only")
    values = check_numbers(header, column, rows, positive=ours == "se", sizes=sizes, gaps=True, scale=scale)
    if sized:
        notes.append(f"{ours} = {header!r} with sizes such as {sized[0]} read as {parse_number(sized[0]):g}")
    if scale != 1.0:
        notes.append(f"{ours} = {header!r} times {scaled(scale)}, as the header says")
    return values
