"""Charts of Weights & Biases as they are exported: a column for each run, rows by step."""

from collections.abc import Collection

import numpy as np

from ._columns import our_name
from ._labels import joined_label
from ._numbers import missing_cells


def unfolded(table: dict[str, np.ndarray], wanted: Collection[str]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return a chart in long form, a row for each run and step, and a note; any other table as it is.

    Its headers are `run - metric`, each with `__MIN` and `__MAX` beside it or with the step alone.

    **Arguments:**

    - `wanted`: Headers that the caller names: where a run's column is among them, the chart is read as it stands.
    """
    lines = [h for h in table if f"{h}__MIN" in table and f"{h}__MAX" in table]
    if not lines and [our_name(h) == "step" for h in table] == [True] + [False] * (len(table) - 1):
        lines = [h for h in list(table)[1:] if " - " in h]
        lines = lines if len(lines) == len(table) - 1 else []
    if not lines or set(lines) & set(wanted):
        return table, ()
    axes = [h for h in table if h.removesuffix("__MIN").removesuffix("__MAX") not in lines]
    parts = {line: (line.rpartition(" - ")[0] or line, line.rpartition(" - ")[2]) for line in lines}
    runs = list(dict.fromkeys(run for run, _ in parts.values()))
    metrics = dict.fromkeys(metric if " - " in line else "value" for line, (_, metric) in parts.items())
    size = len(table[lines[0]])
    own = {(run, metric if " - " in line else "value"): table[line] for line, (run, metric) in parts.items()}
    gap = np.full(size, np.nan)
    long = {axis: _joined([table[axis]] * len(runs)) for axis in axes}
    long["run"] = np.repeat(np.array(runs, dtype=object), size)
    long |= {metric: _joined([own.get((run, metric), gap) for run in runs]) for metric in metrics}
    keep = ~np.all([missing_cells(long[metric]) for metric in metrics], axis=0)
    axis = f" by {axes[0]!r}" if axes else ""
    if axes and "x" not in long:
        long["x"] = long[axes[0]]
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    note = (
        f"the table is a chart of Weights & Biases: its {count}{axis} became rows with the label run; name run "
        "with `by` for a law of each, and give a table of the runs' sizes for a law of N and D"
    )
    return {h: column[keep] for h, column in long.items()}, (note,)


def _joined(columns: list[np.ndarray]) -> np.ndarray:
    kinds = {column.dtype.kind for column in columns}
    return np.concatenate(columns) if kinds <= set("iuf") else joined_label(columns)
