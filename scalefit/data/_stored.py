"""Runs as a data frame and a description, to be kept with a result."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._dropped import Dropped
from ._numbers import objects
from ._runs import Runs

KINDS = ("inputs", "series", "labels", "columns")


def stored(runs: Runs, names: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """Give the columns that a fit can use as a polars data frame, and what else there is to say of the table.

    **Arguments:**

    - `runs`: The table.
    - `names`: Of the further columns of its source these are kept.
    """
    import polars as pl

    kept = runs.narrowed(names)
    tables = {kind: getattr(kept, kind) for kind in KINDS}
    columns: dict[str, Any] = {"row": runs.rows, "target": runs.target}
    if runs.se is not None:
        columns["se"] = runs.se
    columns |= {f"{kind}.{k}": v for kind, table in tables.items() for k, v in table.items()}
    frame = pl.DataFrame({k: pl.Series(v.tolist() if v.dtype == object else v) for k, v in columns.items()})
    description = {
        "target_name": runs.target_name,
        "target_header": runs.target_header,
        "units": dict(runs.units),
        "headers": dict(runs.headers),
        "dropped": [list(row) for row in runs.dropped],
        "excluded": runs.excluded,
        "notes": list(runs.notes),
        "name": runs.name,
        "tables": [list(table) for table in runs.tables],
        "text": [name for name, v in columns.items() if v.dtype == object],
    }
    return frame, description


def restored(frame: Any, description: dict[str, Any]) -> Runs:
    """Make the runs again from what `stored` gave."""
    about = dict(description)
    text = set(about.pop("text"))
    columns: dict[str, np.ndarray] = {}
    for name in frame.columns:
        values = frame[name]
        if name.startswith("series."):
            columns[name] = objects(None if one is None else np.array(one, np.float64) for one in values.to_list())
        else:
            columns[name] = objects(values.to_list()) if name in text else values.to_numpy()
    by_kind = {kind: {k.partition(".")[2]: v for k, v in columns.items() if k.startswith(f"{kind}.")} for kind in KINDS}
    about["dropped"] = tuple(Dropped(row, reason) for row, reason in about["dropped"])
    about["tables"] = tuple((name, rows) for name, rows in about["tables"])
    about["notes"] = tuple(about["notes"])
    return Runs.from_fields(rows=columns["row"], target=columns["target"], se=columns.get("se"), **by_kind, **about)
