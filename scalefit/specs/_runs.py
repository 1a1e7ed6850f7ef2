"""The runs that a command is given: a file, or a data set by name, and tables of runs done since."""

import os
from collections.abc import Mapping, Sequence

from .._core import InputError
from ..data import Runs, joined, load_data, read_runs, table_of

PREFIX = "data:"


def runs_of(
    source: str, *, columns: Mapping[str, str | None], where: str | None = None, target: str | None = None,
    append: Sequence[str | os.PathLike[str]] = (),
) -> Runs:  # fmt: skip
    """Read the runs.

    **Arguments:**

    - `source`: A path; or `data:NAME`, `data:NAME/FILE` for one of `data_sets()` or the bundled runs.
    - `columns`, `where`, `target`: As `read_runs` takes them.
    - `append`: Paths of tables of runs done since, in the headers of the first or in our names.

    **Raises:** `InputError` for every source that cannot be used.
    """
    runs = _first(source, columns, where, target)
    return joined(runs, *(_since(path, runs, columns, where) for path in append))


def _first(source: str, columns: Mapping[str, str | None], where: str | None, target: str | None) -> Runs:
    if not source.startswith(PREFIX):
        return read_runs(source, columns=columns, where=where, target=target)
    name, _, file = source.removeprefix(PREFIX).partition("/")
    runs = load_data(name, file=file or None, columns=columns, where=where, target=target)
    if not isinstance(runs, Runs):
        raise InputError(f"The data set {name!r} holds fitted parameters and no runs: there is nothing to fit.")
    return runs


def _since(path: str | os.PathLike[str], first: Runs, columns: Mapping[str, str | None], where: str | None) -> Runs:
    """Runs done since: what a header of the first table means there it means here, and our names mean themselves."""
    table, name = table_of(path)
    own = {ours: ours for ours in first.inputs if ours in table}
    if any(header.startswith("w[") for header in table):  # else U[A] would be a U in the unit A
        own |= {header: header for header in table if header.startswith(("w[", "U["))}
    said = {ours: theirs for ours, theirs in columns.items() if theirs is None or theirs in table}
    target = next((header for header in (first.target_header, first.target_name) if header in table), None)
    try:
        return read_runs(table, columns={**own, **said}, where=where, target=target, name=name)
    except InputError as error:
        raise InputError(f"--append {os.fspath(path)!r}: {error}") from None
