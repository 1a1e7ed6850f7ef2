"""Long tables of mixtures, a row for each domain or target of a run, as wide ones: a row a run."""

from collections.abc import Sequence

import numpy as np

from .._core import InputError, Phrase
from ._numbers import loose_numbers, missing_cells
from ._table import Source

DOMAINS = ("domain", "source", "dataset", "data_set", "subset", "corpus", "bucket")
"""Headers of a column that names the domain of a row."""
SHARES = ("weight", "weights", "ratio", "share", "proportion", "fraction", "w", "mixture_weight", "sampling_weight")
TARGETS = ("target", "metric", "task", "benchmark", "eval", "evaluation", "eval_set", "validation_set")
"""Headers of a column that names what a row measured."""
VALUES = ("value", "loss", "score", "bpb", "nll", "ppl", "perplexity", "error", "accuracy", "acc", "result")


def wide(
    source: Source, labels: Sequence[str], values: Sequence[str], ids: Sequence[str], empty: float
) -> tuple[Source, tuple[str, ...] | None]:
    """The table with a column for each entry of the label that it has, and these headers.

    As it is, and `None`, where it has no such label or is wide already.

    **Arguments:**

    - `labels`, `values`: Usual headers of the column that names the entry, and of the number.
    - `ids`: Usual headers of what tells runs apart.
    - `empty`: What a run has of an entry that it has no row of.

    **Raises:** `InputError` for two rows of one entry of one run, and an entry without a name.
    """
    table = source.table
    plain = {header.strip().lower(): header for header in table}
    label = next((plain[name] for name in labels if name in plain and _is_text(table[plain[name]])), None)
    value = next((plain[name] for name in values if name in plain and plain[name] != label), None)
    if label is None or value is None:
        return source, None
    known = [header for name, header in plain.items() if name in (*ids, "step", "seed", "group")]
    others = [header for header in table if header not in (label, value)]
    # Rows of one run are alike in everything else, or at least in what tells runs apart.
    by = next((keys for keys in (others, known) if keys and len(_groups(source, keys)) < len(table[label])), None)
    if by is None:
        return source, None
    rows = _groups(source, by)
    entries = table[label].tolist()
    if missing_cells(table[label]).any():
        row = int(np.argmax(missing_cells(table[label])))
        raise InputError(f"{label!r} in row {row + 1} of {source.name!r}", Phrase("is empty"), "a name")
    names = list(dict.fromkeys(map(str, entries)))
    if twice := set(names) & set(by):
        raise InputError(repr(min(twice)), Phrase(f"is an entry of {label!r} and a header of {source.name!r}"),
                         remedy="rename one")  # fmt: skip
    place = {name: i for i, name in enumerate(names)}
    numbers = np.full((len(rows), len(names)), empty)
    seen: dict[tuple[int, int], int] = {}
    read = table[value]
    plainly = loose_numbers(read)
    for group, members in enumerate(rows.values()):
        for row in members:
            at = group, place[str(entries[row])]
            if at in seen:
                given = Phrase(f"has {entries[row]!r} of one run twice, in the rows {seen[at] + 1} and {row + 1}")
                raise InputError(
                    repr(source.name), given, remedy="leave one out, or add the column that tells them apart"
                )
            if np.isnan(plainly[row]) and not missing_cells(read[row : row + 1])[0]:
                raise InputError(f"{value!r} in row {row + 1} of {source.name!r}", str(read[row]), "a number")
            seen[at] = row
            numbers[at] = plainly[row]
    first = [members[0] for members in rows.values()]
    found = {header: table[header][first] for header in by}
    found |= {name: numbers[:, i] for i, name in enumerate(names)}
    lost = len(rows) * len(names) - len(seen)
    note = f"rows of {source.name!r} are of {label!r}: {len(table[label])} of them are {len(rows)} runs"
    if lost and empty == 0.0:
        note += f", and {lost} of no row count as 0"
    return source._replace(table=found, notes=(*source.notes, note)), tuple(names)


def _groups(source: Source, by: Sequence[str]) -> dict[tuple[object, ...], list[int]]:
    columns = [source.table[header].tolist() for header in by]
    found: dict[tuple[object, ...], list[int]] = {}
    for row, key in enumerate(zip(*columns, strict=True)):
        found.setdefault(key, []).append(row)
    return found


def _is_text(column: np.ndarray) -> bool:
    return column.dtype.kind in "UO" and bool(np.isnan(loose_numbers(column)).any())
