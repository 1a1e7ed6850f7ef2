"""Files and folders that are there whole or not at all."""

import contextlib
import os
import re
import secrets
import shutil
import socket
import time
import zlib
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
    beside = path.with_name(f".{path.name}.{_mine()}.part")
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

    An earlier folder, with all that it holds, is replaced; it comes back where that fails, and at the next where the
    process was killed between the two.

    **Arguments:**

    - `path`: The folder; those above it are made.

    **Raises:** `OSError` where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent, path.name)
    beside = path.with_name(f".{path.name}.{_mine()}.part")
    away = beside.with_suffix(".old")
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


def sweep(folder: Path, name: str | None = None, age: float = 3600.0) -> None:
    """Take away what writers that were killed have left half written; an earlier folder that lost its name has it back.

    **Arguments:**

    - `folder`: Where to look.
    - `name`: Of the file or folder that was to be written; of any, unless given.
    - `age`: Seconds after which a writer of another host is taken to be gone; those of this one are asked.
    """
    for left in [*folder.glob(".*.old"), *folder.glob(".*.part")]:
        whole, host, process = _writer(left.name)
        # What is made inside a folder that is itself half written stands beside that.
        if not whole or (name not in (None, whole) and not whole.startswith(f".{name}.")):
            continue
        with contextlib.suppress(OSError):
            if _lives(process) if host == _host() else time.time() - left.stat().st_mtime < age:
                continue
            if left.suffix == ".old" and not (folder / whole).exists():
                left.rename(folder / whole)
            elif left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()


def _mine() -> str:
    """Which host and process writes, and a word of its own."""
    return f"{_host()}-{os.getpid():x}-{secrets.token_hex(4)}"


def _host() -> str:
    """Where numbers of processes are told apart: a host, or a container of one."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return f"{zlib.crc32(f'{socket.gethostname()} {space}'.encode()):08x}"


def _writer(name: str) -> tuple[str, str, int]:
    """What a name that was to be replaced stood for, and the host and process that wrote; empty for another name."""
    found = re.fullmatch(r"\.(.+)\.([0-9a-f]{8})-([0-9a-f]+)-[0-9a-f]{8}\.(?:part|old)", name)
    return (found[1], found[2], int(found[3], 16)) if found else ("", "", 0)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
