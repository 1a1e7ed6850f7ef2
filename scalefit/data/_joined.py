"""Tables of runs joined into one: what was done since, to what was done before."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from .._core import InputError
from ._columns import header_of
from ._derived import found
from ._dropped import Dropped
from ._labels import LABELS, joined_label
from ._numbers import one_column
from ._runs import UNITS, Runs
from ._slips import slips


def joined(first: Runs, *more: Runs) -> Runs:
    r"""Join tables of runs into one, as those done since to those done before.

    An input that one table lacks follows from its others by $C = 6ND$ where it can, with a note; elsewhere it is
    empty there, as are labels and further columns that it lacks. A label means the same everywhere: rows of one `run`
    are one training, whichever table they stand in.

    Rows are numbered on, so that no two have one number: the first row of a further table follows the last of the
    table before it, in messages and in `dropped` too, and a note says which rows are whose.

    **Arguments:**

    - `first`: The table whose names of headers stand.
    - `more`: Further tables of the same target. A unit that a table merely takes for granted (`UNITS`) gives way to
        one that another says.

    **Returns:** a new table with the `dropped` rows, `excluded` counts and `notes` of all; the first itself where
    there is no other.

    **Raises:** `InputError` where targets or units contradict, or some tables have an `se`, or say what was drawn from
    which pool, and others do not; where a further table has no row that those before it lack, or a `run` is a training
    of one size in one table and of another in another.
    """
    tables = (first, *more)
    for runs in tables:
        if not isinstance(runs, Runs):
            raise InputError(f"joined was given {type(runs).__name__}; expected Runs, as read_runs or load_data give.")
    if not more:
        return first
    _refuse_unlike(tables)
    inputs, notes = _inputs(tables)
    shift, numbers = 0, []
    for runs in tables:
        numbers.append(shift)
        shift += _last(runs)
    names = [k for k in LABELS if any(k in runs.labels for runs in tables)]
    whole = Runs._replace(
        first,
        target=np.concatenate([runs.target for runs in tables]),
        inputs=inputs,
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
    return Runs._replace(whole, notes=(*whole.notes, *slips(tables, whole), *_unlabelled(tables, whole)))


def _refuse_unlike(tables: Sequence[Runs]) -> None:
    first = tables[0]
    for runs in tables[1:]:
        if runs.target_name != first.target_name:
            raise InputError(
                f"{first.name!r} measures {first.target_name} and {runs.name!r} {runs.target_name}: runs are joined "
                f"where the same was measured, so say with target= which column that is."
            )
        if (runs.se is None) != (first.se is None):
            having, lacking = (first, runs) if runs.se is None else (runs, first)
            raise InputError(
                f"{having.name!r} has an se for each run and {lacking.name!r} has none: fill a column se there, or "
                f'leave it out here with columns={{"se": None}}.'
            )
        if _drawn(runs) != _drawn(first):
            having, lacking = (first, runs) if _drawn(first) else (runs, first)
            raise InputError(
                f"{having.name!r} says how much its runs drew from each pool and {lacking.name!r} does not: name the "
                f"pool of each run in a column pool in both, or join what pooled(runs, pools) gives of each."
            )


def _drawn(runs: Runs) -> bool:
    return any(name.startswith("w[") for name in runs.inputs)


def _inputs(tables: Sequence[Runs]) -> tuple[dict[str, Float[np.ndarray, " run"]], list[str]]:
    """Every input that some table has, derived or empty where another lacks it, and what was derived."""
    inputs, notes = {}, []
    for name in dict.fromkeys(name for runs in tables for name in runs.inputs):
        parts = []
        for runs in tables:
            there = found(name, runs._input)
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
                raise InputError(
                    f"{name} is in {other} in {whose!r} and in {unit} in {runs.name!r}: give both in one unit."
                )
            units[name] = unit
    return units


def _header(runs: Runs, name: str) -> str:
    return runs.target_header if name == runs.target_name else runs.headers.get(name, name)


def _headers(tables: Sequence[Runs]) -> dict[str, str]:
    """What the first table that has an input or label calls it."""
    called: dict[str, str] = {}
    for runs in tables:
        for name in (*runs.inputs, *runs.labels):
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
    return np.full(len(runs), None, dtype=object)


def _last(runs: Runs) -> int:
    """The last row of the source that is spoken of."""
    return max(int(runs.rows.max()), *(row for row, _ in runs.dropped), 0)


def _whose(runs: Runs, shift: int) -> str:
    last = _last(runs)
    if last == 1:
        return f"row {shift + 1} is row 1 of {runs.name!r}"
    return f"rows {shift + 1} to {shift + last} are rows 1 to {last} of {runs.name!r}"


def _unlabelled(tables: Sequence[Runs], whole: Runs) -> list[str]:
    """What to say about labels that a table lacks altogether; of single cells the tables say it themselves."""
    notes, (training, _) = [], whole._training()
    for runs in tables:
        for name in whole.labels.keys() - runs.labels.keys():
            alone = ": each is a training of its own" if name in (training or ()) else ""
            notes.append(f"the runs of {runs.name!r} have no {name}{alone}")
    return sorted(notes)
