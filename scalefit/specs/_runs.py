"""The runs that a command is given: a file, or a data set by name."""

from collections.abc import Mapping

from .._core import InputError
from ..data import Runs, load_data, read_runs

PREFIX = "data:"


def runs_of(
    source: str, *, columns: Mapping[str, str | None], where: str | None = None, target: str | None = None
) -> Runs:
    """Read the runs.

    **Arguments:**

    - `source`: A path; or `data:NAME`, `data:NAME/FILE` for one of `data_sets()` or the bundled runs.
    - `columns`, `where`, `target`: As `read_runs` takes them.

    **Raises:** `InputError` for every source that cannot be used.
    """
    if not source.startswith(PREFIX):
        return read_runs(source, columns=columns, where=where, target=target)
    name, _, file = source.removeprefix(PREFIX).partition("/")
    runs = load_data(name, file=file or None, columns=columns, where=where, target=target)
    if not isinstance(runs, Runs):
        raise InputError(f"The data set {name!r} holds fitted parameters and no runs: there is nothing to fit.")
    return runs
