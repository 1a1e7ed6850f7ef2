"""Rows that are not independent of each other: checkpoints and targets of one run."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from .._core import InputError
from ._columns import grows
from ._labels import empty_cells, numbered

if TYPE_CHECKING:
    from ._runs import Runs


def run_keys(runs: "Runs") -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The labels that tell one run from another, and the inputs that stay as they are during one."""
    if "run" in runs.labels:
        return ("run",), ()
    if "seed" not in runs.labels and "step" not in runs.labels:
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
    return numbered([*columns, np.where(alone, runs.rows, 0)], len(runs))


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
    return notes
