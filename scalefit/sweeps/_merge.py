"""All chunks as one table."""

import io
import itertools
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .._core import InputError
from ._folder import Folder, Local, folder_at
from ._manifest import CHUNKS, read

RESULTS_FILE = "results.parquet"


def merge(folder: str | Path) -> str:
    """Write `results.parquet`: the tables of the finished chunks, in order, as one; a row a fit.

    A parameter that a law does not have is null in its rows.

    **Arguments:**

    - `folder`: Of the sweep.

    **Returns:** where it was written.

    **Warns:** where chunks are not finished, whose fits have no row.

    **Raises:** `InputError` where there is no sweep, no chunk is finished yet, or one cannot be read.
    """
    place = folder_at(folder)
    found = read(place)
    if found is None:
        raise InputError(f"{place.path!r} holds no sweep: give the folder that --out named.")
    names = finished(place, found["digest"])
    if not names:
        raise InputError(f"No chunk of the sweep in {place.path!r} is finished yet: go on with --resume.")
    if len(names) < found["chunks"]:
        warnings.warn(
            f"{found['chunks'] - len(names):,} of {found['chunks']:,} chunks are not finished, and their fits have no "
            f"row: go on with --resume.",
            stacklevel=2,
        )
    join(place, names)
    return f"{place.path.rstrip('/')}/{RESULTS_FILE}"


def finished(folder: Folder, digest: str) -> list[str]:
    """Names of the finished chunks of a sweep, in order."""
    return sorted(name for name in folder.names(CHUNKS) if name.endswith(f"-{digest[:12]}.parquet"))


def join(folder: Folder, names: list[str]) -> None:
    """Write the tables of chunks as one."""
    import polars as pl  # not before there is a table: it changes the environment

    if isinstance(folder, Local):
        _on_disk(folder, names)
        return
    buffer = io.BytesIO()
    pl.concat([_table(folder, name) for name in names], how="diagonal").write_parquet(buffer)
    folder.put(RESULTS_FILE, buffer.getvalue())


def without_optimum(folder: Folder, names: list[str]) -> int:
    """How many fits of chunks have none."""
    return sum(int((~_table(folder, name, ["converged"])["converged"]).sum()) for name in names)


def _on_disk(folder: Local, names: list[str]) -> None:
    """In pieces, as there may be more rows than memory holds."""
    import polars as pl

    paths = [Path(folder.path) / CHUNKS / name for name in names]
    columns = [_readable(lambda path=path: tuple(pl.read_parquet_schema(path).items()), path) for path in paths]
    # Chunks of one kind have the same columns, and are one scan.
    kinds = [[path for path, _ in some] for _, some in itertools.groupby(zip(paths, columns), key=lambda pair: pair[1])]
    with folder.writing(RESULTS_FILE) as beside:
        try:
            pl.concat([pl.scan_parquet(kind) for kind in kinds], how="diagonal").sink_parquet(beside)
        except pl.exceptions.PolarsError:
            _each_readable(folder, names)
            raise


def _each_readable(folder: Folder, names: Iterable[str]) -> None:
    """Find the chunk that is damaged within."""
    for name in names:
        _table(folder, name)


def _table(folder: Folder, name: str, columns: list[str] | None = None) -> Any:
    """The table of a chunk, or some columns of it."""
    import polars as pl

    if isinstance(folder, Local):
        path = Path(folder.path) / CHUNKS / name
        return _readable(lambda: pl.read_parquet(path, columns=columns), path)
    content = folder.get(f"{CHUNKS}/{name}") or b""
    return _readable(lambda: pl.read_parquet(io.BytesIO(content), columns=columns), name)


def _readable(read: Callable[[], Any], what: str | Path) -> Any:
    import polars as pl

    try:
        return read()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"The finished chunk {str(what)!r} cannot be read ({str(error).splitlines()[0]}): take it away and resume, "
            f"which does it again."
        ) from None
