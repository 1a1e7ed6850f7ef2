"""The record of a public data set: its files, columns, source and licence."""

import dataclasses
from collections.abc import Mapping


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
    `notes` are what to know before fitting.
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

    @property
    def url(self) -> str | None:
        """Where the first file comes from."""
        return self.files[0].url

    @property
    def sha256(self) -> str:
        """The sha256 (hex) of the first file."""
        return self.files[0].sha256

    @property
    def bytes(self) -> int:
        """The size of the first file in bytes."""
        return self.files[0].bytes
