"""Tables as scikit-learn hands them around, X and y, as runs; and what a law takes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._core import InputError, Phrase
from ..data import Runs, read_runs, table_of
from ..laws import AbstractLaw, Label, Series, input_kinds
from ..problem import inputs_for, usable

MEASURED = "measured elsewhere"
"""Header of a target that is not in the table."""


def runs_from(
    X: Any,
    y: ArrayLike | None,
    law: AbstractLaw,
    columns: Mapping[str, str | None] | None,
    target: str | None,
    inputs: Sequence[str] | None,
    *,
    measured: bool = True,
) -> Runs:
    """Return the runs of a table and of what was measured, which may stand in it.

    **Arguments:**

    - `X`: Runs, what `read_runs` reads, or an array of a column an input.
    - `y`: What was measured, where it does not stand in X.
    - `law`: Whose inputs an array has, in their order.
    - `columns`, `target`: As `read_runs` takes them.
    - `inputs`: Names of the columns of an array.
    - `measured`: Whether something was; where not, no row is left out for want of it.

    **Raises:** `InputError` for what cannot be read, or a `y` of another length.
    """
    if isinstance(X, Runs) and y is None:
        return X
    if isinstance(X, Runs):
        raise InputError("y", Phrase("is given beside Runs"), "none, as Runs have their target", "leave it out")
    rows = isinstance(X, list | tuple) and all(isinstance(one, Mapping) for one in X)
    source: Any = _named(X, law, inputs) if isinstance(X, np.ndarray | list | tuple) and not rows else X
    if isinstance(source, Mapping):
        source = {name: np.atleast_1d(np.asarray(column)) for name, column in source.items()}
    if y is None and measured:
        return read_runs(source, columns=columns, target=target)
    table, name = table_of(source)
    size = len(next(iter(table.values())))
    column = np.ones(size) if y is None else np.asarray(y)
    if column.shape != (size,):
        raise InputError("y", Phrase(f"has shape {column.shape}"), f"one number for each of the {size} rows of X")
    called = target or "loss"
    # What X has under the name of the target, or as its error, is of another measurement.
    taken = dict.fromkeys(("se", *(() if measured else ("loss",))))
    others = {k: v for k, v in table.items() if k not in (called, MEASURED)}
    runs = read_runs(
        {**others, MEASURED: column}, columns={**taken, **(columns or {}), called: MEASURED}, target=MEASURED, name=name
    )
    if not measured and len(runs) < size:
        raise InputError("X", Phrase(f"has no values in row {runs.dropped[0].row}"), "every input of the law")
    return runs


def inputs_at(law: AbstractLaw, runs: Runs) -> dict[str, Any]:
    """What the law takes at each row, as `predict` has it.

    **Raises:** `InputError` where a row lacks an input.
    """
    kept = usable(law, runs)
    if len(kept) < len(runs):
        gone = next(one for one in kept.dropped if one not in runs.dropped)
        raise InputError(f"Row {gone.row} of X", Phrase(f"lacks what the law needs ({gone.reason})"))
    found = inputs_for(law, kept)[0]
    for name, kind in input_kinds(law).items():
        if isinstance(kind, Label):
            entries = list(law.entries(kind.axis or ""))
            found[name] = [entries[place] for place in found[name]]
        elif isinstance(kind, Series):
            found[name] = list(kept.series[name])
    return found


def _named(X: Any, law: AbstractLaw, inputs: Sequence[str] | None) -> dict[str, np.ndarray]:
    """An array as columns by name."""
    array = np.asarray(X)
    if array.dtype.names:
        return {name: array[name] for name in array.dtype.names}
    names = list(inputs or input_kinds(law))
    if array.ndim != 2 or array.shape[1] != len(names):
        remedy = "name the columns with `inputs`, or give a data frame"
        raise InputError("X", Phrase(f"has shape {array.shape}"), f"a column for each of {', '.join(names)}", remedy)
    return {name: array[:, place] for place, name in enumerate(names)}
