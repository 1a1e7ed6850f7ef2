"""The runs that a command is given: a file, or a data set by name."""

from collections.abc import Mapping

from .._core import InputError
from ..data import Runs, data_sets, fetch, load_data, read_runs
from ..data._fetch import BUNDLED

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
    whole(name, file or None)
    if columns or target is not None:
        usual = next((record.columns for record in data_sets() if record.name == name), {})
        path = fetch(name, file=file or None) if file else fetch(name)
        return read_runs(path, columns={**usual, **columns}, where=where, target=target, name=name)
    runs = load_data(name, file=file or None)
    if not isinstance(runs, Runs):
        raise InputError(f"The data set {name!r} holds fitted parameters and no runs: there is nothing to fit.")
    return runs if where is None else runs.where(where)


def whole(name: str, file: str | None) -> None:
    """Refuse a file of the bundled runs, which are one table.

    **Raises:** `InputError` where one is named.
    """
    if name == BUNDLED and file is not None:
        raise InputError(f"The bundled runs are one table and have no file {file!r}; leave it out.")
