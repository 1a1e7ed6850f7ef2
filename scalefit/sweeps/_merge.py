"""All chunks as one table."""

import itertools
import warnings
from pathlib import Path
from typing import Any

from .._core import InputError, Phrase
from ._folder import Folder
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
    place = Folder(folder)
    found = read(place)
    if found is None:
        raise InputError(repr(place.path), Phrase("holds no sweep"), remedy="give the folder that `out` named")
    names = finished(place, found["digest"])
    if not names:
        none = Phrase("has no finished chunk yet")
        raise InputError(f"The sweep in {place.path!r}", none, remedy="resume it first")
    if len(names) < found["chunks"]:
        warnings.warn(
            f"{found['chunks'] - len(names):,} of {found['chunks']:,} chunks are not finished, and their fits have no "
            f"row: resume the sweep.",
            stacklevel=2,
        )
    join(place, names)
    return f"{place.path.rstrip('/')}/{RESULTS_FILE}"


def finished(folder: Folder, digest: str) -> list[str]:
    """Names of the finished chunks of a sweep, in order."""
    return sorted(name for name in folder.names(CHUNKS) if name.endswith(f"-{digest[:12]}.parquet"))


def join(folder: Folder, names: list[str]) -> int:
    """Write the tables of chunks as one, in pieces, as there may be more rows than memory holds.

    **Returns:** how many of its fits have no optimum.
    """
    import polars as pl  # not before there is a table: it changes the environment

    with folder.reading([f"{CHUNKS}/{name}" for name in names]) as paths:
        columns = [tuple(_readable(pl.read_parquet_schema, path).items()) for path in paths]
        # Chunks of one kind have the same columns, and are one scan.
        kinds = itertools.groupby(zip(paths, columns, strict=True), key=lambda pair: pair[1])
        whole = pl.concat([pl.scan_parquet([path for path, _ in kind]) for _, kind in kinds], how="diagonal")
        with folder.writing(RESULTS_FILE) as beside:
            try:
                whole.sink_parquet(beside)
                return int(whole.select((~pl.col("converged")).sum()).collect().item())
            except pl.exceptions.PolarsError:
                for path in paths:  # which of them is damaged within
                    _readable(pl.read_parquet, path)
                raise


def _readable(read: Any, path: Path) -> Any:
    import polars as pl

    try:
        return read(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        why = Phrase(f"cannot be read ({str(error).splitlines()[0]})")
        remedy = "take it away and resume, which does it again"
        raise InputError(f"The finished chunk {str(path)!r}", why, remedy=remedy) from None
