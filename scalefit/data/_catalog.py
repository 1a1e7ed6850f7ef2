"""Data sets by name: the public ones, and the names of those that ship with the package."""

from collections.abc import Mapping

from .._core import InputError, hint
from ._data_set import DataFile, DataSet
from ._public import SETS

BUNDLED = "bundled"
"""The name of the runs that ship with the package."""
BUNDLED_POOLS = ("pools-teacher", "pools-signals")
"""Runs on pools that ship with the package, with the pools and plans of each."""
BUNDLED_FILES = ("runs.csv", "pools_teacher.csv", "pools_signals.csv", "pools_plans.csv", "pools_sizes.csv")
BUNDLED_UNITS: Mapping[str, Mapping[str, str]] = {"runs.csv": {"D": "samples", "loss": "nats per sample"}}
"""By file and header, what its numbers count where that is not the usual."""


def data_sets() -> list[DataSet]:
    """List the public data sets that `load_data` and `fetch` know, with source, licence and checksum."""
    return list(SETS)


def data_set(name: str) -> DataSet:
    """Return the record of a data set.

    **Raises:** `InputError` naming the nearest where there is none of that name.
    """
    for record in SETS:
        if record.name == name:
            return record
    known = [*(r.name for r in SETS), BUNDLED, *BUNDLED_POOLS]
    raise InputError(f"There is no data set {name!r}; {hint(name, known, what='data sets')}.")


def data_file(record: DataSet, file: str | None) -> DataFile:
    """Return a file of a data set, the first unless named.

    **Raises:** `InputError` naming the nearest where there is none of that name.
    """
    for entry in record.files:
        if file in (None, entry.path):
            return entry
    known = [f.path for f in record.files]
    raise InputError(f"The data set {record.name!r} has no file {file!r}; {hint(str(file), known, what='files')}.")
