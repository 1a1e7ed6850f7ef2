"""Runs in a word: a file, or a data set by name, and tables of runs done since."""

import os
from collections.abc import Mapping, Sequence

from .._core import InputError, Phrase
from ..data import Runs, joined, load_data, read_runs, read_since

PREFIX = "data:"


def runs_of(
    source: str, *, columns: Mapping[str, str | None], where: str | None = None,
    target: str | Sequence[str] | None = None,
    append: Sequence[str | os.PathLike[str]] = (),
) -> Runs:  # fmt: skip
    """Read the runs.

    **Arguments:**

    - `source`: A path; or `data:NAME`, `data:NAME/FILE` for one of `data_sets()` or the bundled runs.
    - `columns`, `where`, `target`: As `read_runs` takes them.
    - `append`: Paths of tables of runs done since, in the headers of the first or in our names. A condition on a
        column that such a table lacks is not asked of it, which a note says.

    **Raises:** `InputError` for every source that cannot be used.
    """
    runs = _first(source, columns, where, target)
    return joined(runs, *(_since(path, runs, columns, where) for path in append))


def _first(
    source: str, columns: Mapping[str, str | None], where: str | None, target: str | Sequence[str] | None
) -> Runs:
    if not source.startswith(PREFIX):
        return read_runs(source, columns=columns, where=where, target=target)
    name, _, file = source.removeprefix(PREFIX).partition("/")
    runs = load_data(name, file=file or None, columns=columns, where=where, target=target)
    if not isinstance(runs, Runs):
        raise InputError(f"The data set {name!r}", Phrase("holds fitted parameters and no runs"), "one with runs")
    return runs


def _since(path: str | os.PathLike[str], first: Runs, columns: Mapping[str, str | None], where: str | None) -> Runs:
    try:
        return read_since(path, first, columns=columns, where=where)
    except InputError as error:
        raise InputError("append", Phrase(f"{os.fspath(path)!r}: {error}")) from None
