"""Where a sweep keeps its files: a folder, or a bucket; a file is there whole or not at all."""

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from .._core import InputError, written_whole

END = b"PAR1"
"""How every Parquet file ends."""
LEFT = 3600.0
"""Seconds after which a file that nobody writes to was left by a writer that was killed."""


@runtime_checkable
class Folder(Protocol):
    """A place for files; names may have slashes."""

    @property
    def path(self) -> str:
        """What it was given as."""
        ...

    def put(self, name: str, content: bytes) -> None:
        """Write a file whole, in the place of an earlier one."""
        ...

    def put_first(self, name: str, content: bytes) -> None:
        """Write a file whole, unless another has written it first."""
        ...

    def get(self, name: str) -> bytes | None:
        """A file's content, or `None` where it is not there."""
        ...

    def names(self, under: str) -> set[str]:
        """Names of the whole files in a folder of it."""
        ...

    def complete(self, name: str) -> bool:
        """Whether a Parquet file ends as it should, as far as that can be told cheaply."""
        ...

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        ...

    def tidy(self, under: str) -> None:
        """Take away what writers that were killed have left, an hour ago and more."""
        ...


def folder_at(path: str | Path) -> Folder:
    """The folder of a path, or the bucket of a URL such as `s3://bucket/name`.

    **Raises:** `InputError` for a URL without fsspec, or of a file system that fsspec does not have here.
    """
    if not isinstance(path, str | Path):
        raise InputError(f"out is {path!r}; expected a folder, or a URL of a bucket.")
    text = os.fspath(path)
    if "://" not in text:
        if Path(text).exists() and not Path(text).is_dir():
            raise InputError(f"{text!r} is a file; expected a folder, new or of a sweep.")
        return Local(text)
    try:
        import fsspec
    except ImportError:
        raise InputError(f"{text!r} is a URL, which needs fsspec: pip install 'scalefit[cloud]'.") from None
    try:
        system, root = fsspec.core.url_to_fs(text)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"{text!r} cannot be opened ({error}): give a folder, or install what fsspec asks for."
        ) from None
    return Bucket(text, system, root)


class Local:
    """A folder of this machine, or of a network file system."""

    def __init__(self, path: str):
        self.path = path
        self._root = Path(path)

    @contextlib.contextmanager
    def writing(self, name: str, *, first: bool = False) -> Iterator[Path]:
        """A file beside, to be written, which is renamed when it is whole; if it is to be the `first`, to no other."""
        whole = self._root / name
        try:
            whole.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(whole, _named_first if first else os.replace) as beside:
                yield beside
        except OSError as error:
            raise InputError(f"{str(whole)!r} could not be written: {_why(error)}") from error

    def put(self, name: str, content: bytes) -> None:
        with self.writing(name) as beside:
            beside.write_bytes(content)

    def put_first(self, name: str, content: bytes) -> None:
        with self.writing(name, first=True) as beside:
            beside.write_bytes(content)

    def get(self, name: str) -> bytes | None:
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{str(self._root / name)!r} cannot be read: {error.strerror}.") from error

    def names(self, under: str) -> set[str]:
        try:
            return {entry.name for entry in os.scandir(self._root / under) if not entry.name.startswith(".")}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise InputError(f"{str(self._root / under)!r} cannot be listed: {error.strerror}.") from error

    def complete(self, name: str) -> bool:
        try:
            with open(self._root / name, "rb") as stream:
                stream.seek(-len(END), os.SEEK_END)
                return stream.read() == END
        except OSError:
            return False

    def remove(self, name: str) -> None:
        try:
            (self._root / name).unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{str(self._root / name)!r} cannot be taken away: {error.strerror}.") from error

    def tidy(self, under: str) -> None:
        # By age: another process, maybe of another host, may be writing its own now.
        for left in (self._root / under).glob(".*.part"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFT:
                    left.unlink()


def _named_first(beside: Path, whole: Path) -> None:
    """Give a file its name, unless there is one of that name."""
    try:
        os.link(beside, whole)
    except FileExistsError:
        pass
    except OSError:  # a file system without links: two writers at one moment are not told apart
        if not whole.exists():
            os.replace(beside, whole)
            return
    beside.unlink()


class Bucket:
    """A store of objects through fsspec: an object that is written is there whole."""

    def __init__(self, path: str, system: Any, root: str):
        self.path, self._system, self._root = path, system, root.rstrip("/")

    def put(self, name: str, content: bytes) -> None:
        try:
            self._system.makedirs(f"{self._root}/{name}".rpartition("/")[0], exist_ok=True)
            self._system.pipe_file(f"{self._root}/{name}", content)
        except OSError as error:
            raise InputError(f"{self.path}/{name} could not be written: {_why(error)}") from error

    def put_first(self, name: str, content: bytes) -> None:
        if self.get(name) is None:  # not every store can tell two writers at one moment apart
            self.put(name, content)

    def get(self, name: str) -> bytes | None:
        try:
            return self._system.cat_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{self.path}/{name} cannot be read: {error.strerror or error}.") from error

    def names(self, under: str) -> set[str]:
        place = f"{self._root}/{under}".rstrip("/")
        self._system.invalidate_cache()
        try:
            found = self._system.ls(place, detail=False)
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise InputError(f"{self.path}/{under} cannot be listed: {error.strerror or error}.") from error
        # Some stores list the folder itself.
        return {entry.rstrip("/").rpartition("/")[2] for entry in found if entry.strip("/") != place.strip("/")}

    def complete(self, name: str) -> bool:
        return True  # an object is there whole or not at all

    def remove(self, name: str) -> None:
        try:
            self._system.rm_file(f"{self._root}/{name}")
        except FileNotFoundError:
            pass
        except OSError as error:
            raise InputError(f"{self.path}/{name} cannot be taken away: {error.strerror or error}.") from error

    def tidy(self, under: str) -> None:
        """Nothing is ever half there."""


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{error.strerror}. Make room and resume: what is finished is kept."
    return f"{error.strerror or error}. What is finished is kept: mend that and resume."
