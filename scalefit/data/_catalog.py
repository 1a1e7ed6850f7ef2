"""The public data sets known by name: where each comes from, at which commit, under which licence."""

import dataclasses
from collections.abc import Mapping

from .._core import InputError
from ._nearest import hint


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

    `columns` are what its headers mean; `citation` is an arXiv identifier; `licence` is the upstream's own.
    """

    name: str
    description: str
    upstream: str
    commit: str
    licence: str
    citation: str
    files: tuple[DataFile, ...]
    columns: Mapping[str, str | None] = dataclasses.field(default_factory=dict)

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


def _raw(repo: str, commit: str, path: str) -> str:
    return f"https://raw.githubusercontent.com/{repo}/{commit}/{path}"


BUNDLED = "bundled"
"""The name of the runs that ship with the package."""
BUNDLED_POOLS = ("pools-teacher", "pools-signals")
"""Runs on pools that ship with the package, with the pools and plans of each."""
BUNDLED_FILES = ("runs.csv", "pools_teacher.csv", "pools_signals.csv", "pools_plans.csv", "pools_sizes.csv")
BUNDLED_UNITS: Mapping[str, Mapping[str, str]] = {"runs.csv": {"D": "samples", "loss": "nats per sample"}}
"""By file and header, what its numbers count where that is not the usual."""

_EPOCH = ("epoch-research/analyzing-chinchilla", "92258837425e1b5f2851d624287f0120583a3d0e")
_QQT = ("locuslab/scaling_laws_data_filtering", "cf5ced18734f16fafd09f0b12a3ca7ed0752b35a")
_DATABLATIONS = ("huggingface/datablations", "13701315b163f1c54642b94ad237b2699187c3ee")
_NOTEBOOK = "extracted from the printed output of the upstream notebook utils/parametric_fit.ipynb"

_SETS = (
    DataSet(
        "epoch-chinchilla",
        "245 language models (N, C, loss) digitised from Figure 4 of the Chinchilla paper",
        *_EPOCH,
        licence="none stated",
        citation="2404.10102",
        files=(
            DataFile(
                "svg_extracted_data.csv",
                "193478df4e90f040016431996c45682659306840ecdadf83cfb9cd5ca0aa1b30",
                23224,
                _raw(*_EPOCH, "data/svg_extracted_data.csv"),
            ),
        ),
        columns={"N": "Model Size", "C": "Training FLOP", "loss": "loss"},
    ),
    DataSet(
        "datablations",
        "language models trained on repeated data (N, D, U, loss): the 182 of the published fit; all_runs.csv has 296",
        *_DATABLATIONS,
        licence="Apache-2.0",
        citation="2305.16264",
        files=(
            DataFile(
                "fit_182_runs.csv",
                "4912a3f860d00e47ee564e53ca427856020cf96568e88e5aaf4b26c2919dc3c4",
                9939,
                None,
                _NOTEBOOK,
            ),
            DataFile(
                "all_runs.csv",
                "d5c4c24eae686a0f92b33a0407aa751f255182f968db4cc49a6adabfa852a1d7",
                16227,
                None,
                _NOTEBOOK,
            ),
        ),
        columns={"N": "params", "D": "tokens", "U": "unique_tokens", "loss": "loss"},
    ),
    DataSet(
        "qqt",
        "fitted utilities and half-lives of five T-MARS pools (ImageNet-1k), and errors derived from them",
        *_QQT,
        licence="none stated",
        citation="2404.07177",
        files=(
            DataFile(
                "parameter_values.jsonl",
                "a7548617c341ca6c317d8ddf0ab108b9b268a8480e1b04ab7ff6fc65d6b6e943",
                921,
                _raw(*_QQT, "results/parameter_values.jsonl"),
            ),
            DataFile(
                "derived_predictions.csv",
                "13c92200902fff426899ca71c619ebc53200d37bca265b264aa3712f91ea406a",
                3263,
                None,
                "computed from the published parameters with the upstream formulas",
            ),
        ),
    ),
)


def data_sets() -> list[DataSet]:
    """List the public data sets that `load_data` and `fetch` know, with source, licence and checksum."""
    return list(_SETS)


def data_set(name: str) -> DataSet:
    """Return the record of a data set.

    **Raises:** `InputError` naming the nearest where there is none of that name.
    """
    for record in _SETS:
        if record.name == name:
            return record
    known = [*(r.name for r in _SETS), BUNDLED, *BUNDLED_POOLS]
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
