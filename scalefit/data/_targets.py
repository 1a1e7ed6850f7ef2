"""Several targets of the same runs as one table in long form: a row for each run and target."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import InputError, Phrase
from ._dropped import Dropped, missing, nothing_left
from ._labels import joined_label
from ._numbers import check_numbers, one_column

if TYPE_CHECKING:
    from ._runs import Runs

_USUAL = ("loss", "error", "accuracy")


def of_targets(runs: "Runs", losses: Mapping[str, Any], se: Any, target: str | None) -> "Runs":
    """Return runs with the values of several targets, by name; one that is missing costs its own row only."""
    if not isinstance(se, Mapping) or not set(se) <= set(losses):
        raise InputError("se", se, f"standard errors by the name of a target, of {sorted(map(str, losses))}")
    parts = {}
    for name, given in losses.items():
        name, columns = str(name), {"target": (str(name), given), "se": (f"se of {name}", se.get(name))}
        values = {
            field: check_numbers(header, _sized(header, column, runs), runs.rows, sizes=False, gaps=field == "target",
                                 positive=field == "se")
            for field, (header, column) in columns.items() if column is not None
        }  # fmt: skip
        lacking = np.isnan(values["target"])
        dropped = tuple(Dropped(int(row), missing(name, name)) for row in runs.rows[lacking])
        if lacking.all():
            raise nothing_left(runs.name, dropped, len(runs))
        kept = {field: column[~lacking] for field, column in values.items()}
        parts[name] = runs.take(~lacking).with_fields(target_name=name, target_header=name, dropped=dropped, **kept)
    return stacked(parts, target)


def _sized(header: str, given: Any, runs: "Runs") -> np.ndarray:
    column = one_column(header, given)
    if len(column) != len(runs):
        has = Phrase(f"has {len(column)} values and another target has {len(runs)}")
        raise InputError(repr(header), has, remedy="give one for each row, NaN where it was not measured")
    return column


def stacked(parts: Mapping[str, "Runs"], target: str | None = None) -> "Runs":
    """Join tables of one source that were read for several targets, by target, into one; its label `target` says which.

    **Arguments:**

    - `parts`: The tables; their rows are those of the source.
    - `target`: Name of what was measured, for all targets; "loss" or the like where each is called so, else "value".
    """
    tables = list(parts.values())
    first = tables[0]
    if len({runs.se is None for runs in tables}) > 1:
        having = next(name for name, runs in parts.items() if runs.se is not None)
        lacking = next(name for name, runs in parts.items() if runs.se is None)
        raise InputError(f"{first.name!r}", Phrase(f"has an se of {having!r} and none of {lacking!r}"), "all or none")
    order = np.argsort(np.concatenate([runs.rows for runs in tables]), kind="stable")

    def of_all(columns: Sequence[Any]) -> np.ndarray:
        return np.concatenate(columns)[order]

    def by_name(field: str) -> dict[str, np.ndarray]:
        columns = [getattr(runs, field) for runs in tables]
        return {k: of_all([c[k] for c in columns]) for k in columns[0] if all(k in c for c in columns)}

    labels = {k: joined_label([runs.labels[k] for runs in tables])[order] for k in first.labels}
    name = target or next((usual for usual in _USUAL if all(usual in part.lower() for part in parts)), "value")
    units = {k: unit for runs in tables for k, unit in runs.units.items()}
    said = {units.get(part) for part in parts}
    return first.with_fields(
        target=of_all([runs.target for runs in tables]),
        target_name=name,
        target_header=name,
        inputs=by_name("inputs"),
        series=by_name("series"),
        units=units | ({name: unit} if len(said) == 1 and (unit := said.pop()) is not None else {}),
        se=None if first.se is None else of_all([runs.se for runs in tables]),
        labels={**labels, "target": of_all([np.full(len(runs), part) for part, runs in parts.items()])},
        columns=by_name("columns"),
        rows=of_all([runs.rows for runs in tables]),
        dropped=tuple(sorted({drop for runs in tables for drop in runs.dropped})),
        excluded=sum(runs.excluded for runs in tables),
        notes=tuple(dict.fromkeys(note for runs in tables for note in runs.notes)),
        headers={**first.headers, **{k: r.target_header for k, r in parts.items() if r.target_header != k}},
    )
