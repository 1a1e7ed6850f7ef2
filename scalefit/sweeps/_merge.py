"""All chunks as one table."""

import io
import itertools
from pathlib import Path

import polars as pl

from .._core import InputError
from ._folder import Folder, Local, folder_at
from ._manifest import CHUNKS, read

RESULTS_FILE = "results.parquet"


def merge(folder: Folder | str | Path) -> str:
    """Write `results.parquet`: the tables of the finished chunks, in order, as one; a row a fit.

    A parameter that a law does not have is null in its rows.

    **Returns:** where it was written.

    **Raises:** `InputError` where there is no sweep, no chunk is finished yet, or one cannot be read.
    """
    folder = folder_at(folder) if isinstance(folder, str | Path) else folder
    found = read(folder)
    if found is None:
        raise InputError(f"{folder.path!r} holds no sweep: give the folder that --out named.")
    names = sorted(name for name in folder.names(CHUNKS) if name.endswith(f"-{found['digest'][:12]}.parquet"))
    if not names:
        raise InputError(f"No chunk of the sweep in {folder.path!r} is finished yet: go on with --resume.")
    if isinstance(folder, Local):
        _on_disk(folder, names)
    else:
        _in_memory(folder, names)
    return f"{folder.path.rstrip('/')}/{RESULTS_FILE}"


def _on_disk(folder: Local, names: list[str]) -> None:
    """In pieces, as there may be more rows than memory holds."""
    paths = [Path(folder.path) / CHUNKS / name for name in names]
    columns = [_readable(path, lambda path: tuple(pl.read_parquet_schema(path).items())) for path in paths]
    # Chunks of one kind have the same columns, and are one scan.
    kinds = [[path for path, _ in some] for _, some in itertools.groupby(zip(paths, columns), key=lambda pair: pair[1])]
    with folder.writing(RESULTS_FILE) as beside:
        pl.concat([pl.scan_parquet(kind) for kind in kinds], how="diagonal").sink_parquet(beside)


def _in_memory(folder: Folder, names: list[str]) -> None:
    contents = [io.BytesIO(folder.get(f"{CHUNKS}/{name}") or b"") for name in names]
    tables = [_readable(content, pl.read_parquet, name) for content, name in zip(contents, names)]
    buffer = io.BytesIO()
    pl.concat(tables, how="diagonal").write_parquet(buffer)
    folder.put(RESULTS_FILE, buffer.getvalue())


def _readable(content, read, name=None):
    try:
        return read(content)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"The finished chunk {str(name or content)!r} cannot be read ({error}): take it away and resume, which "
            f"does it again."
        ) from None
