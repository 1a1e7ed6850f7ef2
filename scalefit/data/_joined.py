"""Tables of runs joined into one: what was done since, to what was done before."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase, check_type
from ._clusters import run_keys
from ._columns import entries_of, header_of
from ._dropped import Dropped
from ._labels import LABELS, joined_label
from ._numbers import objects, one_column
from ._runs import UNITS, Runs
from ._select import found
from ._slips import slips


def joined(first: Runs, *more: Runs) -> Runs:
    r"""Join tables of runs into one, as those done since to those done before.

    An input that one table lacks follows from its others by $C = 6ND$ where it can, with a note; elsewhere it is
    empty there, as are labels and further columns that it lacks. A label means the same everywhere: rows of one `run`
    are one run, whichever table they stand in.

    Rows are numbered on, so that no two have one number: the first row of a further table follows the last of the
    table before it, in messages and in `dropped` too, and a note says which rows are whose.

    **Arguments:**

    - `first`: The table whose names of headers stand.
    - `more`: Further tables of the same target. A unit that a table merely takes for granted (`UNITS`) gives way to
        one that another says.

    **Returns:** a new table with the `dropped` rows, `excluded` counts and `notes` of all; the first itself where
    there is no other.

    **Raises:** `InputError` where targets or units contradict, or some tables have an `se`, or say what was drawn from
    which pool, and others do not; where a further table has no row that those before it lack, or a `run` has
    one size in one table and another in another.
    """
    tables = tuple(
        check_type("A table given to joined", runs, Runs, "Runs, as `read_runs` or `load_data` give")
        for runs in (first, *more)
    )
    if not more:
        return first
    _refuse_unlike(tables)
    inputs, notes = _inputs(tables)
    shift, numbers = 0, []
    for runs in tables:
        numbers.append(shift)
        shift += _last(runs)
    names = [k for k in LABELS if any(k in runs.labels for runs in tables)]
    whole = first.with_fields(
        target=np.concatenate([runs.target for runs in tables]),
        inputs=inputs,
        series={
            k: np.concatenate([runs.series.get(k, _nothing(runs)) for runs in tables])
            for k in dict.fromkeys(k for runs in tables for k in runs.series)
        },
        units=_units(tables),
        se=None if first.se is None else np.concatenate([runs.se for runs in tables if runs.se is not None]),
        labels={k: joined_label([runs.labels.get(k, _nothing(runs)) for runs in tables]) for k in names},
        columns=_columns(tables),
        rows=np.concatenate([runs.rows + number for runs, number in zip(tables, numbers, strict=True)]),
        dropped=tuple(
            Dropped(d.row + number, d.reason)
            for runs, number in zip(tables, numbers, strict=True)
            for d in runs.dropped
        ),
        excluded=sum(runs.excluded for runs in tables),
        notes=(
            *first.notes,
            *(f"{runs.name}: {note}" for runs in more for note in runs.notes),
            *notes,
            *(_whose(runs, number) for runs, number in zip(more, numbers[1:], strict=True)),
        ),
        name=" + ".join(runs.name for runs in tables),
        headers=_headers(tables),
        tables=tuple(
            (name, before + number)
            for runs, number in zip(tables, numbers, strict=True)
            for name, before in runs.tables or ((runs.name, 0),)
        ),
    )
    return whole.with_fields(notes=(*whole.notes, *slips(tables, whole), *_unlabelled(tables, whole)))


def _refuse_unlike(tables: Sequence[Runs]) -> None:
    first = tables[0]
    for runs in tables[1:]:
        if runs.target_name != first.target_name:
            measures = Phrase(f"measures {first.target_name} and {runs.name!r} {runs.target_name}")
            raise InputError(repr(first.name), measures, remedy="say with `target` which column was measured in both")
        for what, there, remedy in (
            (
                "an se for each run",
                lambda some: some.se is not None,
                'fill it, or leave it out with `columns={"se": None}`',
            ),
            ("several targets", lambda some: "target" in some.labels, "read both with the same `target`"),
            (
                "inputs along an axis, as shares of pools,",
                _along_an_axis,
                "name the same ones in both, or the pool of each run in a column pool in both",
            ),
        ):
            if there(runs) != there(first):
                having, lacking = (first, runs) if there(first) else (runs, first)
                raise InputError(repr(having.name), Phrase(f"has {what} and {lacking.name!r} has none"), remedy=remedy)


def _along_an_axis(runs: Runs) -> bool:
    return bool(entries_of(runs.inputs))


def _inputs(tables: Sequence[Runs]) -> tuple[dict[str, Float[np.ndarray, " run"]], list[str]]:
    """Every input that some table has, derived or empty where another lacks it, and what was derived."""
    inputs, notes = {}, []
    for name in dict.fromkeys(name for runs in tables for name in runs.inputs):
        parts = []
        for runs in tables:
            there = found(name, runs.input)
            parts.append(np.full(len(runs), np.nan) if there is None else there.values)
            notes += [] if there is None else [f"{runs.name}: {note}" for note in there.notes]
        inputs[name] = np.concatenate(parts)
    return inputs, notes


def _units(tables: Sequence[Runs]) -> dict[str, str]:
    """The unit of each name: that said by a table, else the usual one.

    **Raises:** `InputError` where two tables say two.
    """
    units: dict[str, str] = {}
    said: dict[str, tuple[str, str]] = {}
    for runs in tables:
        for name, unit in runs.units.items():
            units.setdefault(name, unit)
            if header_of(_header(runs, name), name).unit is None and unit == UNITS.get(name):
                continue
            other, whose = said.setdefault(name, (unit, runs.name))
            if other != unit:
                given = Phrase(f"is in {other} in {whose!r} and in {unit} in {runs.name!r}")
                raise InputError(name, given, remedy="give both in one unit")
            units[name] = unit
    return units


def _header(runs: Runs, name: str) -> str:
    return runs.target_header if name == runs.target_name else runs.headers.get(name, name)


def _headers(tables: Sequence[Runs]) -> dict[str, str]:
    """Headers, as the first table that has an input or label calls it."""
    called: dict[str, str] = {}
    for runs in tables:
        for name in (*runs.inputs, *runs.series, *runs.labels, *runs.headers):
            called.setdefault(name, runs.headers.get(name, name))
    return {name: header for name, header in called.items() if name != header}


def _columns(tables: Sequence[Runs]) -> dict[str, np.ndarray]:
    names = dict.fromkeys(name for runs in tables for name in runs.columns)
    found = {}
    for name in names:
        parts = [runs.columns.get(name) for runs in tables]
        there = [part for part in parts if part is not None]
        if len(there) == len(parts) and len({part.dtype.kind for part in there}) == 1:
            found[name] = np.concatenate(there)
        else:
            cells = [_nothing(r) if part is None else part for r, part in zip(tables, parts, strict=True)]
            found[name] = one_column(name, [cell for part in cells for cell in part.tolist()])
    return found


def _nothing(runs: Runs) -> np.ndarray:
    """An empty cell for each run."""
    return objects([None] * len(runs))


def _last(runs: Runs) -> int:
    """The last row of the source that is spoken of."""
    return max(int(runs.rows.max()), *(row for row, _ in runs.dropped), 0)


def _whose(runs: Runs, shift: int) -> str:
    last = _last(runs)
    if last == 1:
        return f"row {shift + 1} is row 1 of {runs.name!r}"
    return f"rows {shift + 1} to {shift + last} are rows 1 to {last} of {runs.name!r}"


def _unlabelled(tables: Sequence[Runs], whole: Runs) -> list[str]:
    """Notes on labels that a table lacks altogether; single cells are in the notes of the tables themselves."""
    notes, (keys, _) = [], run_keys(whole)
    for runs in tables:
        for name in whole.labels.keys() - runs.labels.keys():
            alone = ": each is a run of its own" if name in (keys or ()) else ""
            notes.append(f"the rows of {runs.name!r} have no {name}{alone}")
    return sorted(notes)
