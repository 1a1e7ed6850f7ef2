"""Rows that are not independent of each other: checkpoints and targets of one run."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from .._core import InputError
from ._columns import grows
from ._labels import empty_cells, numbered
from ._schedules import by_schedule

if TYPE_CHECKING:
    from ._runs import Runs


def run_keys(runs: "Runs") -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The labels that tell one run from another, and the inputs that stay as they are during one."""
    if "run" in runs.labels:
        return ("run",), ()
    if not _tells(runs) and not runs.series:
        return None, ()
    labels = tuple(k for k in ("group", "pool", "seed") if k in runs.labels)
    return labels, tuple(k for k in runs.inputs if not grows(k, runs.headers.get(k, k)))


def clusters_of(runs: "Runs", by: str | tuple[str, ...] | None) -> Int[np.ndarray, " run"]:
    """Return `runs.clusters(by)`."""
    auto = isinstance(by, str) and by == "auto"
    wanted, fixed = run_keys(runs) if auto else (by, ())
    if wanted is None:
        return numbered([runs.rows], len(runs)) if auto and "target" in runs.labels else np.arange(len(runs))
    if not auto and not (isinstance(by, str | tuple | list) and by):
        raise InputError("cluster", by, "'auto', a name or names, or None for each row its own")
    columns, alone = [runs.inputs[k] for k in fixed], np.zeros(len(runs), dtype=bool)
    for name, column in runs.named(wanted, "cluster").items():
        if name in runs.labels:
            alone |= empty_cells(column)
        else:
            runs.check(name, ~empty_cells(column))
        columns.append(column)
    alike = numbered([*columns, np.where(alone, runs.rows, 0)], len(runs))
    return _by_schedule(runs, alike) if auto and runs.series and "run" not in runs.labels else alike


def _tells(runs: "Runs") -> bool:
    """Say whether rows that agree in their labels and sizes count as one training."""
    return "seed" in runs.labels or "step" in runs.labels


def _by_schedule(runs: "Runs", alike: Int[np.ndarray, " run"]) -> Int[np.ndarray, " run"]:
    """Take rows that are alike apart by their series; the targets of one row of the source stay together."""
    came = None
    if _tells(runs):
        growing = [column for k, column in runs.inputs.items() if grows(k, runs.headers.get(k, k))]
        came = numbered([runs.labels["step"]] if "step" in runs.labels else growing, len(runs))
    source = numbered([alike, runs.rows], len(runs)) if "target" in runs.labels else np.arange(len(runs))
    first = np.unique(source, return_index=True)[1]
    series = [column[first] for column in runs.series.values()]
    return by_schedule(series, alike[first], None if came is None else came[first])[source]


def unlabelled(runs: "Runs") -> list[str]:
    """Notes on labels that some rows lack."""
    notes, (keys, _) = [], run_keys(runs)
    for name, column in runs.labels.items():
        empty = empty_cells(column)
        if empty.any():
            count, first = int(empty.sum()), runs.rows[int(np.argmax(empty))]
            said = f"row {first} has" if count == 1 else f"{count} rows (the first is row {first}) have"
            alone = f": {'it' if count == 1 else 'each'} is a run of its own" if name in (keys or ()) else ""
            notes.append(f"{said} no {name}{alone}")
    if runs.series and "run" not in runs.labels and (count := len(np.unique(clusters_of(runs, "auto")))) < len(runs):
        names = " and ".join(runs.series)
        notes.append(
            f"no column run says which rows are of one training: {len(runs)} rows count as {count} trainings, as far "
            f"as {names} {'goes' if len(runs.series) == 1 else 'go'} on from row to row"
        )
    return notes
