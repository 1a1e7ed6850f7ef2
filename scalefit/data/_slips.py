"""Slips in tables that are joined: rows that count twice, runs of one name, units and computes that are not alike."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from .._core import InputError, Phrase
from ._labels import empty_cells, numbered
from ._numbers import objects
from ._runs import UNITS, Runs
from ._select import found

ALIKE = 0.01
"""Sizes and computes that differ by less are taken for one that was rounded."""


def slips(tables: Sequence[Runs], whole: Runs) -> list[str]:
    """Notes on tables that were joined.

    **Arguments:**

    - `tables`: The tables; `whole`: The same as one.

    **Raises:** `InputError` for a further table all of whose rows stand in those before it, and for a `run` of two
    sizes, one in each of two tables.
    """
    table = np.repeat(np.arange(len(tables)), [len(runs) for runs in tables])
    return [*_twice(tables, whole, table), *_two_sizes(tables, whole, table), *_units(tables), *_computes(tables)]


def _twice(tables: Sequence[Runs], whole: Runs, table: Int[np.ndarray, " run"]) -> list[str]:
    """Notes of rows that stand in a table before theirs."""
    numbers = [whole.target, *whole.inputs.values(), *([] if whole.se is None else [whole.se])]
    series = [objects(None if c is None else c.tobytes() for c in column) for column in whole.series.values()]
    code = numbered([*numbers, *series, *whole.labels.values()], len(whole))
    # By code, the first table with such a row.
    first = table[np.unique(code, return_index=True)[1]]
    notes = []
    for place, runs in enumerate(tables):
        again = int((first[code[table == place]] < place).sum())
        if again == len(runs):
            raise InputError(
                f"Every row of {runs.name!r}", Phrase("stands in the tables before it already, and would count twice"),
                remedy="leave the table out, or give the rows a column seed where they are other runs",
            )  # fmt: skip
        if again:
            rows = "1 row" if again == 1 else f"{again} rows"
            notes.append(f"{rows} of {runs.name!r} {'stands' if again == 1 else 'stand'} in the tables before it too")
    return notes


def _two_sizes(tables: Sequence[Runs], whole: Runs, table: Int[np.ndarray, " run"]) -> list[str]:
    """Notes of runs that may be two, as their N in two tables differ."""
    if "run" not in whole.labels or "N" not in whole.inputs:
        return []
    run, N, doubtful = whole.labels["run"], whole.inputs["N"], []
    known = ~empty_cells(run) & ~np.isnan(N)
    if not known.any():
        return []
    code = numbered([run], len(whole))
    shape, cells = (int(code.max()) + 1, len(tables)), (code[known], table[known])
    low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
    np.minimum.at(low, cells, N[known])
    np.maximum.at(high, cells, N[known])
    there = np.isfinite(low)
    one = there & (high <= low * (1.0 + ALIKE)) & np.array(["N" in runs.inputs for runs in tables])
    names = run[np.unique(code, return_index=True)[1]].tolist()
    for k in np.flatnonzero(there.sum(axis=1) > 1):
        least, most = (int(np.argmin(low[k])), int(np.argmax(high[k])))
        if high[k, most] <= low[k, least] * (1.0 + ALIKE):
            continue
        where = f"N = {low[k, least]:.4g} in {tables[least].name!r} and {high[k, most]:.4g} in {tables[most].name!r}"
        if least != most and one[k, least] and one[k, most]:
            raise InputError(
                f"The run {names[k]!r}", Phrase(f"has {where}, and is one run by its name"),
                remedy="give one of the two another name in the column run, or leave that column out",
            )  # fmt: skip
        # A run of several sizes within a table is not one there either, and a derived N may be far off.
        if least != most:
            doubtful.append(f"the run {names[k]!r} has {where}, and its rows count as one run")
    return [doubtful[0] + (f"; so have {len(doubtful) - 1} more" if doubtful[1:] else "")] if doubtful else []


def _units(tables: Sequence[Runs]) -> list[str]:
    """Notes of inputs and the target that have no unit of their own in a table, where another says one."""
    notes = []
    for name in dict.fromkeys((tables[0].target_name, *(name for runs in tables for name in runs.inputs))):
        having = [runs for runs in tables if name in runs.inputs or name == runs.target_name]
        plain = [runs for runs in having if runs.units.get(name) == UNITS.get(name)]
        said = next((runs for runs in having if runs.units.get(name) != UNITS.get(name)), None)
        if said is not None:
            unit = said.units[name]
            notes += [f"{r.name!r} says no unit of {name}: taken to be in {unit}, as in {said.name!r}" for r in plain]
    return notes


def _computes(tables: Sequence[Runs]) -> list[str]:
    """Notes of tables whose C is not 6 N D, where another's is derived so."""
    derived = [runs for runs in tables if "C" not in runs.inputs and found("C", runs.input) is not None]
    notes = []
    for runs in tables:
        if not derived or not {"N", "D", "C"} <= set(runs.inputs):
            continue
        with np.errstate(all="ignore"):
            times = runs.inputs["C"] / (6.0 * runs.inputs["N"] * runs.inputs["D"])
        times = times[np.isfinite(times)]
        if times.size and abs(np.log(np.median(times))) > np.log1p(ALIKE):
            notes.append(
                f"{runs.name!r} has a C of {np.median(times):.3g} times 6 N D (the median), and that of "
                f"{derived[0].name!r} is derived as 6 N D"
            )
    return notes
