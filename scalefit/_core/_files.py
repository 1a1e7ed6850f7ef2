"""Files that are there whole or not at all."""

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def written_whole(path: Path, name: Callable[[Path, Path], None] = os.replace) -> Iterator[Path]:
    """A file beside a path, to be written, which takes its place when it is whole, and is taken away if it never is.

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
