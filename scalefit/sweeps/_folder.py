"""The folder of a sweep, on this machine or of any store that fsspec knows: a file is there whole or not at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from .._core import InputError, Phrase, sweep, written_whole


class Folder:
    """A place for files; names may have slashes.

    **Arguments:**

    - `path`: A folder, or a URL such as `s3://bucket/name`.

    **Raises:** `InputError` for a file, and for a URL whose file system fsspec does not have here.
    """

    def __init__(self, path: str | Path):
        if not isinstance(path, str | Path):
            raise InputError("out", path, "a folder, or a URL of a bucket")
        self.path = os.fspath(path)
        self._system: Any = LocalFileSystem()
        if "://" not in self.path:
            self._root = os.path.abspath(self.path)
            if os.path.exists(self._root) and not os.path.isdir(self._root):
                raise InputError(repr(self.path), Phrase("is a file"), "a folder, new or of a sweep")
            return
        try:
            self._system, root = fsspec.core.url_to_fs(self.path)
        except (ImportError, ValueError) as error:
            remedy = "give a folder, or install what fsspec asks for"
            raise InputError(repr(self.path), Phrase(f"cannot be opened ({error})"), remedy=remedy) from None
        self._root = root.rstrip("/")

    @property
    def is_local(self) -> bool:
        """Say whether it is a folder of this machine, or of a network file system."""
        return isinstance(self._system, LocalFileSystem)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Write a file of this machine, which takes its place when it is whole.

        **Raises:** `InputError` where it cannot be written.
        """
        with self._told(name, "written"):
            if self.is_local:
                Path(self._at(name)).parent.mkdir(parents=True, exist_ok=True)
                with written_whole(Path(self._at(name))) as beside:
                    yield beside
            else:  # an object that is written is there whole
                with tempfile.TemporaryDirectory() as here:
                    yield Path(here, "file")
                    self._system.put_file(str(Path(here, "file")), self._at(name))

    def put(self, name: str, content: bytes) -> None:
        """Write a file whole, in the place of an earlier one."""
        with self.writing(name) as beside:
            beside.write_bytes(content)

    def put_first(self, name: str, content: bytes) -> None:
        """Write a file whole, unless another writer was first."""
        with self._told(name, "written"):
            if self.is_local:
                Path(self._at(name)).parent.mkdir(parents=True, exist_ok=True)
                with written_whole(Path(self._at(name)), _named_first) as beside:
                    beside.write_bytes(content)
            else:
                with contextlib.suppress(FileExistsError):
                    self._system.pipe_file(self._at(name), content, mode="create")

    def get(self, name: str) -> bytes | None:
        """Read a file; `None` where it is not there."""
        with self._told(name, "read"), contextlib.suppress(FileNotFoundError):
            return self._system.cat_file(self._at(name))

    @contextlib.contextmanager
    def reading(self, names: list[str]) -> Iterator[list[Path]]:
        """Give files as files of this machine."""
        if self.is_local:
            yield [Path(self._at(name)) for name in names]
            return
        with tempfile.TemporaryDirectory() as here:
            paths = [Path(here, name.replace("/", "-")) for name in names]
            for name, path in zip(names, paths, strict=True):
                with self._told(name, "read"):
                    self._system.get_file(self._at(name), str(path))
            yield paths

    def names(self, under: str) -> set[str]:
        """Names of the whole files in a folder of it."""
        place = self._at(under).rstrip("/")
        self._system.invalidate_cache()
        with self._told(under, "listed"), contextlib.suppress(FileNotFoundError):
            found = self._system.ls(place, detail=False)
            # Some stores list the folder itself.
            names = {entry.rstrip("/").rpartition("/")[2] for entry in found if entry.strip("/") != place.strip("/")}
            return {name for name in names if not name.startswith(".")}
        return set()

    def complete(self, name: str) -> bool:
        """Say whether a Parquet file ends as it should; a file of a store does."""
        with contextlib.suppress(OSError):
            return not self.is_local or self._system.tail(self._at(name), 4) == b"PAR1"
        return False

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        with self._told(name, "taken away"), contextlib.suppress(FileNotFoundError):
            self._system.rm_file(self._at(name))

    def tidy(self, under: str) -> None:
        """Take away what writers that were killed have left half written."""
        if self.is_local:
            sweep(Path(self._at(under)))

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _told(self, name: str, done: str) -> Iterator[None]:
        """Say which file it was that could not be written or read."""
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            remedy = "make room and resume" if full else "mend that and resume"
            why = Phrase(f"could not be {done}: {error.strerror or error}")
            raise InputError(repr(f"{self.path}/{name}"), why, remedy=f"{remedy}: what is finished is kept") from error


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
