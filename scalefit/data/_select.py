"""Inputs that a law asks of a table: as the table has them, or one of N, D and C from the other two."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase, listed, warn_of
from ._columns import misspelt
from ._dropped import Dropped, missing, nothing_left
from ._labels import empty_cells, plain
from ._numbers import check_numbers, missing_cells
from ._where import each_once

if TYPE_CHECKING:
    from ._runs import Runs

# A size derived beyond these is of no model: what it comes from is in another unit.
_MODELS = {"N": (1.0, 1e16), "D": (1.0, 1e18), "C": (1.0, 1e34)}
_COUNTED = {"N": "parameters", "D": "tokens", "C": "FLOP"}
# C = 6 N D, solved for each of the three.
DERIVED = {
    "N": ("C", "D", "N = C / (6 D): the table has no parameter column"),
    "D": ("C", "N", "D = C / (6 N): the table has no token column"),
    "C": ("N", "D", "C = 6 N D: the table has no compute column"),
}


class Found(NamedTuple):
    """The values of an input, NaN where one is missing; the columns they come from; what to say about it."""

    values: Float[np.ndarray, " run"]
    sources: dict[str, Float[np.ndarray, " run"]]
    notes: tuple[str, ...]


def found(name: str, column: Callable[[str], Float[np.ndarray, " run"] | None]) -> Found | None:
    """Return an input as `column` gives it or derived by C = 6 N D; `None` where it is neither."""
    values = column(name)
    if values is not None:
        return Found(values, {name: values}, ())
    if name in DERIVED:
        first, second, note = DERIVED[name]
        left, right = column(first), column(second)
        if left is not None and right is not None:
            with np.errstate(all="ignore"):  # what is out of range is refused where it is asked for
                values = 6.0 * left * right if name == "C" else left / (6.0 * right)
            return Found(values, {first: left, second: right}, (note,))
    return None


def input_of(runs: "Runs", name: str) -> Float[np.ndarray, " run"] | None:
    """Return an input, or a column of the source as numbers; `None` where there is none of that name."""
    if name in runs.inputs:
        return runs.inputs[name]
    if name in (runs.target_name, runs.target_header):
        return None
    column = runs.columns.get(name, runs.labels.get(name))
    return None if column is None else check_numbers(name, column, runs.rows, gaps=True)


def headers_of(runs: "Runs") -> dict[str, str]:
    """The headers of columns that have a name of ours."""
    return {**runs.headers, runs.target_name: runs.target_header}


def names_of(runs: "Runs") -> dict[str, np.ndarray]:
    """Return every name that a condition may use; where two meet, ours is meant and not the source's."""
    labels = {k: plain(v) for k, v in runs.labels.items()}
    ours: dict[str, np.ndarray] = {**labels, **runs.inputs, runs.target_name: runs.target}
    if runs.se is not None:
        ours["se"] = runs.se
    derived = {name: found(name, runs.inputs.get) for name in DERIVED if name not in ours}
    return {**runs.columns, **ours, **{name: there.values for name, there in derived.items() if there is not None}}


def completed(runs: "Runs", names: Sequence[str]) -> "Runs":
    """Return `runs.complete(names)`."""
    gaps: dict[str, np.ndarray] = {}
    for name in (names,) if isinstance(names, str) else names:
        if (kept := {**runs.labels, **runs.series}.get(name)) is not None:
            gaps[name] = empty_cells(kept)
        elif name not in runs.inputs and name in runs.columns:
            gaps[name] = missing_cells(runs.columns[name])
        elif (there := found(name, runs.input)) is not None:
            gaps |= {k: np.isnan(v) for k, v in there.sources.items()}
    lacking = np.any([np.zeros(len(runs), dtype=bool), *gaps.values()], axis=0)
    if not lacking.any():
        return runs
    # A run that was taken twice, or that has several targets, is dropped once.
    dropped = dict.fromkeys(
        Dropped(int(runs.rows[i]), "; ".join(missing(k, runs.headers.get(k, k)) for k in gaps if gaps[k][i]))
        for i in np.flatnonzero(lacking)
    )
    if lacking.all():
        raise nothing_left(runs.name, tuple(dropped), len(runs))
    return runs.take(~lacking).with_fields(dropped=tuple(sorted((*runs.dropped, *dropped))))


def selected(
    runs: "Runs", names: Sequence[str], sizes: bool
) -> tuple[dict[str, Float[np.ndarray, " run"]], tuple[str, ...]]:
    """Return `runs.select(names)`."""
    chosen, notes = {}, []
    for name in names:
        is_target = name not in runs.inputs and name in (runs.target_name, runs.target_header)
        there = None if is_target else found(name, runs.input)
        if there is None:
            raise _no_input(runs, name)
        for source, values in there.sources.items():
            _refuse_gaps(runs, name, source, values)
        chosen[name] = check_numbers(name, there.values, runs.rows, positive=sizes)
        notes += there.notes
        if there.notes:
            _doubt(runs, name, there)
    return chosen, tuple(notes)


def _doubt(runs: "Runs", name: str, derived: Found) -> None:
    """Warn of a derived size that no model has."""
    low, high = _MODELS[name]
    strange = (derived.values < low) | (derived.values > high)
    if strange.any():
        row, few = int(np.argmax(strange)), bool((derived.values < low).any())
        given = " and ".join(repr(runs.headers.get(source, source)) for source in derived.sources)
        warn_of(
            "units",
            f"{name} is {derived.values[row]:.3g} in {runs.place(row)}, derived from {given}, and no model has so "
            f"{'few' if few else 'many'} {_COUNTED[name]}",
            "say the units in the headers, as 'compute (PF-days)' or 'tokens (B)'",
            stacklevel=4,
        )


def _refuse_gaps(runs: "Runs", name: str, source: str, values: np.ndarray) -> None:
    gaps = np.isnan(values)
    if gaps.any():
        derived = "" if name == source else f", and {name} is derived from it"
        raise InputError(
            f"{runs.headers.get(source, source)!r} in row {runs.rows[int(np.argmax(gaps))]}",
            Phrase(f"is missing (empty or NaN){derived}"), "a number",
            f"fill the cell, or leave such rows out with {_where_there(source)}",
        )  # fmt: skip


def _where_there(name: str) -> str:
    """A condition that keeps the rows with a value, as code."""
    return f'`where="{name} is not null"`' if re.fullmatch(r"[^\W\d][\w.]*", name) else "`where`"


def _no_input(runs: "Runs", name: str) -> InputError:
    if name in (runs.target_name, runs.target_header):
        asked = Phrase(f"is asked for as an input of {runs.name!r}, and is its target")
        return InputError(repr(name), asked, remedy=f"choose another target, or a law without {name!r}")
    if name in runs.series:
        return InputError(f"{name!r} of {runs.name!r}", Phrase("is a series of each row"), "one number for each")
    known = names_of(runs)
    example = misspelt(name, known)
    said = f"the nearest is {example!r}" if example else f"the columns are {listed(each_once(known, headers_of(runs)))}"
    header = example or "its header"
    return InputError(
        repr(runs.name), Phrase(f"has no input {name!r}: {said}"),
        remedy=f"name the column with `columns={{{name!r}: {header!r}}}`, or give it as Runs(..., {name}=...)",
    )  # fmt: skip
