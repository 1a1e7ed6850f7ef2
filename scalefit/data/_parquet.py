"""Parquet as a frame of polars, or one sentence why not."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any


def parquet_frame(source: Any) -> Any:
    """The frame of a path or a stream.

    **Raises:** `ValueError` saying why there is none.
    """
    import polars as pl

    try:
        with _silent():
            return pl.read_parquet(source)
    except pl.exceptions.PanicException:  # no Exception
        raise ValueError("parquet: it is damaged") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ValueError(next(iter(str(error).strip().splitlines()), type(error).__name__)) from None


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what a panic of the reader writes, which passes by Python, from the terminal."""
    try:
        kept = os.dup(2)
    except OSError:  # closed already
        yield
        return
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
