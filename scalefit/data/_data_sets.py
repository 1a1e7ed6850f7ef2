"""Data sets by name: the public ones, as `public.toml` describes them, and those that ship with the package."""

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from .._core import InputError, Phrase, check_type, hint

BUNDLED = "bundled"
"""The name of the runs that ship with the package."""
BUNDLED_POOLS = ("pools-teacher", "pools-signals")
"""Runs on pools that ship with the package, with the pools and plans of each."""
BUNDLED_FILES = ("runs.csv", "pools_teacher.csv", "pools_signals.csv", "pools_plans.csv", "pools_sizes.csv")
BUNDLED_UNITS: Mapping[str, Mapping[str, str]] = {"runs.csv": {"D": "samples", "loss": "nats per sample"}}
"""By file and header, what its numbers count where that is not the usual."""


@dataclasses.dataclass(frozen=True)
class DataFile:
    """One file of a data set; `url` is `None` where it cannot be downloaded, and `origin` says why."""

    path: str
    sha256: str
    bytes: int
    url: str | None
    origin: str = "byte for byte as upstream"


@dataclasses.dataclass(frozen=True)
class DataSet:
    """A public data set: its first file is the one that `load_data` reads by default.

    `columns` are what its headers mean; `citation` is an arXiv identifier; `licence` is the upstream's own;
    `notes` are what to know before fitting; `domains` those of mixtures, in the order of their weights.
    """

    name: str
    description: str
    upstream: str
    commit: str
    licence: str
    citation: str
    files: tuple[DataFile, ...]
    columns: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    @property
    def url(self) -> str | None:
        """The address of the first file."""
        return self.files[0].url

    @property
    def sha256(self) -> str:
        """The sha256 (hex) of the first file."""
        return self.files[0].sha256

    @property
    def bytes(self) -> int:
        """The size of the first file in bytes."""
        return self.files[0].bytes


def data_sets() -> list[DataSet]:
    """List the public data sets that `load_data` and `fetch` know, with source, licence and checksum."""
    return list(_public().values())


def data_set(name: str) -> DataSet:
    """Return the record of a data set.

    **Raises:** `InputError` naming the nearest where there is none of that name.
    """
    sets = _public()
    check_type("The data set", name, str, "its name")
    if name not in sets:
        near = hint(name, [*sets, BUNDLED, *BUNDLED_POOLS], what="data sets")
        raise InputError(f"The data set {name!r}", Phrase("is not known"), remedy=near)
    return sets[name]


def data_file(record: DataSet, file: str | None) -> DataFile:
    """Return a file of a data set, the first unless named.

    **Raises:** `InputError` naming the nearest where there is none of that name.
    """
    files = {entry.path: entry for entry in record.files}
    if file is not None and file not in files:
        has = Phrase(f"has no file {file!r}")
        raise InputError(f"The data set {record.name!r}", has, remedy=hint(file, files, what="files"))
    return record.files[0] if file is None else files[file]


@functools.cache
def _public() -> dict[str, DataSet]:
    text = Path(__file__).with_name("public.toml").read_text(encoding="utf-8")
    found = {}
    for name, record in tomllib.loads(text).items():
        place = f"https://raw.githubusercontent.com/{record['upstream']}/{record['commit']}/"
        files = []
        for file in record.pop("files"):
            at = file.pop("at", None)
            files.append(DataFile(**file, url=None if at is None else place + at))
        notes, domains = (tuple(record.pop(field, ())) for field in ("notes", "domains"))
        found[name] = DataSet(name, **record, notes=notes, domains=domains, files=tuple(files))
    return found
