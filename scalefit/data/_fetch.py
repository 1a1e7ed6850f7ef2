"""A file of a public data set to a path on this machine, its content checked."""

import contextlib
import hashlib
import importlib.resources
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from .._core import InputError, Phrase, check_type, hint
from ._data_sets import BUNDLED, BUNDLED_FILES, DataFile, DataSet, data_file, data_set

FOLDER = "SCALEFIT_DATA"


def fetch(name: str, *, file: str | None = None) -> Path:
    """Return the path of a public data file, downloading it once to the user's cache.

    Where the environment variable `SCALEFIT_DATA` names a folder, the file is taken from there
    (`epoch-chinchilla/svg_extracted_data.csv`, ...) and nothing is downloaded. Either way its sha256 must be the
    pinned one.

    **Arguments:**

    - `name`: Name of a data set (`data_sets` lists them, with the licence of each), or `"bundled"` for the runs that
        ship with the package.
    - `file`: One of its files; the first unless given.

    **Raises:** `InputError` where the name is unknown, the file cannot be had, or its content is not the pinned one.
    """
    check_type("name", name, str, "the name of a data set")
    check_type("file", file, (str, type(None)), "the name of a file of it")
    if name == BUNDLED:
        return _installed(file)
    record = data_set(name)
    entry = data_file(record, file)
    folder = os.environ.get(FOLDER)
    return _local(Path(folder), record, entry) if folder else _download(record, entry)


def _installed(file: str | None) -> Path:
    file = BUNDLED_FILES[0] if file is None else file
    if file not in BUNDLED_FILES:
        near = hint(file, BUNDLED_FILES, what="files")
        raise InputError(BUNDLED, Phrase(f"has no file {file!r}"), remedy=near)
    path = Path(str(importlib.resources.files("scalefit.data").joinpath(BUNDLED, file)))
    if not path.is_file():
        raise InputError("This copy of scalefit", Phrase("lacks its bundled runs"), remedy="install the package again")
    return path


def _local(folder: Path, record: DataSet, entry: DataFile) -> Path:
    path = folder / record.name / entry.path
    if not path.is_file():
        names = Phrase(f"names {str(folder)!r}, which has no file {record.name}/{entry.path}")
        remedy = f"put it there, or unset {FOLDER} to download it" if entry.url else f"put it there ({entry.origin})"
        raise InputError(FOLDER, names, remedy=remedy)
    if hashlib.sha256(path.read_bytes()).hexdigest() != entry.sha256:
        wrong = Phrase(f"is not the file expected (its sha256 is not {entry.sha256})")
        raise InputError(repr(str(path)), wrong, remedy="replace it")
    return path


def _download(record: DataSet, entry: DataFile) -> Path:
    file = f"{record.name}/{entry.path}"
    if entry.url is None:
        why = Phrase(f"cannot be downloaded: it is {entry.origin} ({record.upstream}), not a file there")
        raise InputError(file, why, remedy=f"set {FOLDER} to a folder that holds {file}")
    import pooch

    try:
        with _silent(pooch.get_logger()):
            found = pooch.retrieve(
                entry.url, f"sha256:{entry.sha256}", fname=entry.path, path=pooch.os_cache("scalefit") / record.name
            )
    except (OSError, ValueError) as error:
        remedy = f"check the network, or set {FOLDER} to a folder that holds {file}"
        raise InputError(entry.url, Phrase(f"cannot be downloaded ({_reason(error)})"), remedy=remedy) from None
    return Path(found)


@contextlib.contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    """Keep what pooch says of a download off standard error."""
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _reason(error: BaseException) -> str:
    """A few words on a download that failed, without the errors that it is wrapped in."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server says {response.status_code} {response.reason}"
    if isinstance(error, ValueError):
        return "what came is not the file expected, its sha256 is another"
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return said.splitlines()[0].rstrip(".")
