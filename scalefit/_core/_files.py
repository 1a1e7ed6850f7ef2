"""Files and folders that are there whole or not at all."""

import contextlib
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def written_whole(path: Path, name: Callable[[Path, Path], None] = os.replace) -> Iterator[Path]:
    """Write a file beside a path; it takes its place when it is whole, and is taken away if it never is.

    **Arguments:**

    - `path`: The file, in a folder that is there.
    - `name`: What gives the file beside its name at last; it replaces an earlier one unless given.

    **Raises:** `OSError` where it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        yield beside
        with open(beside, "rb") as stream:
            os.fsync(stream.fileno())
        name(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


@contextlib.contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Fill a new folder beside a path; it takes its place when it is whole, and is taken away if it never is.

    An earlier folder, with all that it holds, is replaced; it comes back where that fails.

    **Arguments:**

    - `path`: The folder; those above it are made.

    **Raises:** `OSError` where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    away = beside.with_name(f"{beside.name}.old")
    beside.mkdir()
    try:
        yield beside
        if not path.exists():
            beside.rename(path)
            return
        path.rename(away)
        try:
            beside.rename(path)
        except BaseException:
            away.rename(path)
            raise
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    shutil.rmtree(away, ignore_errors=True)
