"""Tables of whole histories, as charts of Weights & Biases are exported or a frame keeps them, with a row a step."""

from collections.abc import Collection

import numpy as np

from ._columns import our_name
from ._labels import joined_label
from ._numbers import is_series, missing_cells


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


def exploded(table: dict[str, np.ndarray], header: str) -> tuple[dict[str, np.ndarray], str]:
    """Return a table whose cells of what was measured are whole series with a row for each number, and a note.

    Other series of the same lengths go along; the labels run and step are made where the table has none.
    """
    cells = [np.zeros(0) if one is None else np.asarray(one) for one in table[header]]
    lengths = [one.size for one in cells]
    rows = np.repeat(np.arange(len(lengths)), lengths)
    found: dict[str, np.ndarray] = {}
    for name, column in table.items():
        own = [np.zeros(0) if one is None else np.asarray(one) for one in column] if is_series(column) else []
        found[name] = np.concatenate(own) if [one.size for one in own] == lengths else column[rows]
    ours = {our_name(name) for name in found}
    made = {"run": rows + 1, "step": np.concatenate([np.arange(1, n + 1) for n in lengths])}
    made = {name: column for name, column in made.items() if name not in ours}
    labels = f", with the label{'s' * (len(made) > 1)} {' and '.join(made)}" if made else ""
    count = f"{min(lengths)} to {max(lengths)}" if min(lengths) < max(lengths) else str(max(lengths))
    note = f"{header!r} has {count} numbers a row: each became a row{labels}"
    return found | made, note
