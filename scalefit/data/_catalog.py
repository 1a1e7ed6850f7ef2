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
_PORIAN = ("formll/resolving-scaling-law-discrepancies", "0dc60d91b8a525858a3067fc9e4a46ff5374cc6f")
_XLSTM = ("NX-AI/xlstm_scaling_laws", "604bb3062d3a7681bb33e467108cb0a6f81267fc")
_GADRE = ("mlfoundations/scaling", "a003c4913793ac2ae7ef87b28ecb562955d026d5")
_OLMO = ("allenai/OLMo-ladder", "67a3f440f787d020da35e3ca8eeae475fae754f5")
_PICKLES = "converted from the upstream pickles"

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
    DataSet(
        "porian",
        "isoFLOP sweeps in 15 settings, from that of Kaplan to that of Chinchilla (N, D, C, loss); published exponents",
        *_PORIAN,
        licence="MIT",
        citation="2406.19146",
        files=(
            DataFile(
                "isoflop_points.csv",
                "b421d2c75c11a1bef69e61aaca49104c14cf9b40b7fab953533a3585bbff9866",
                184857,
                None,
                _PICKLES,
            ),
            DataFile(
                "optimal_pairs.csv",
                "7a4ad302019e60f835b3d182e3831108696b4e8636ff64c8f234386c3e4ae373",
                37299,
                None,
                _PICKLES,
            ),
            DataFile(
                "published_exponents.csv",
                "987f37837b2d69178faf1a8a2b17dd20ec25cd1863e907b1e283fab1e97168ca",
                8145,
                None,
                _PICKLES,
            ),
        ),
        columns={"N": "params", "D": "tokens", "C": "flops", "loss": "loss"},
    ),
    DataSet(
        "xlstm",
        "isoFLOP runs of Llama-like transformers and xLSTM at three context lengths (N, D, C, loss)",
        *_XLSTM,
        licence="none stated",
        citation="2510.02228",
        files=(
            DataFile(
                "isoflop_runs.csv",
                "f9de22eeb02343aa48d275ee302ae784d41dc7ee399b6f26b11a21b026454ce0",
                146129,
                None,
                _PICKLES,
            ),
        ),
        columns={"N": "num_params", "D": "num_tokens_training", "C": "num_flops_training", "loss": "val/.dclm_loss"},
    ),
    DataSet(
        "gadre-overtraining",
        "69 language models with 5 to 640 tokens a parameter (N, D), their losses and downstream errors",
        *_GADRE,
        licence="MIT",
        citation="2403.08540",
        files=(
            DataFile(
                "models_c4_rw.csv",
                "8e971a5626c4ca593a3795b38f4a1be3ea7b72c5f1a121bd7bc7de524911eef9",
                97981,
                None,
                "flattened from the upstream JSON files",
            ),
        ),
        columns={"N": "params", "D": "tokens", "loss": "loss_c4_val"},
    ),
    DataSet(
        "olmo-ladder",
        "checkpoints of 16 small OLMo-2 runs and two large ones: losses and accuracies of tasks; published forecasts",
        *_OLMO,
        licence="Apache-2.0",
        citation="2412.04403",
        files=(
            DataFile(
                "ladder-runs/190M-10xC.csv",
                "192b115c3f02b6503043280f8303c59f5b10897cd631f1b8ec6aea944d22faa6",
                138595,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/190M-10xC.csv"),
            ),
            DataFile(
                "ladder-runs/190M-1xC.csv",
                "8ac0066547d5edec4d05d2b861a26c7faf591eef6971e11acba2450a45e69c27",
                72623,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/190M-1xC.csv"),
            ),
            DataFile(
                "ladder-runs/190M-2xC.csv",
                "db90c75f8d031d0754e7108f1a8d16f372603e0c04d2cb00cca08cf272ecf86a",
                138785,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/190M-2xC.csv"),
            ),
            DataFile(
                "ladder-runs/190M-5xC.csv",
                "aefe54fa03bd158d6da178b1eb2ece88cb0681bb32403845b6e544ae9e4e5dcf",
                138730,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/190M-5xC.csv"),
            ),
            DataFile(
                "ladder-runs/1B-10xC.csv",
                "ec7e7487c67a774d9b919ec35121966ded7ae2ce5ede135f1d32f509f451476f",
                304153,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/1B-10xC.csv"),
            ),
            DataFile(
                "ladder-runs/1B-1xC.csv",
                "7fe91f0552829238e591e55c03f66b743ac5931388d9710457a845d92c2d9102",
                155315,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/1B-1xC.csv"),
            ),
            DataFile(
                "ladder-runs/1B-2xC.csv",
                "34ba12a08a52e10e89a71d88a5c13538c3df21e5e993c476cadb08eb4b2eb354",
                304176,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/1B-2xC.csv"),
            ),
            DataFile(
                "ladder-runs/1B-5xC.csv",
                "d195153f05b846f6d4f8ca95247d1f79d9d00e898d856b244b17e20431539ddb",
                304281,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/1B-5xC.csv"),
            ),
            DataFile(
                "ladder-runs/370M-10xC.csv",
                "3f25b4ec4035caeb71b787d165857667779dc3b92739c6379b8f8ce7079fcb58",
                179157,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/370M-10xC.csv"),
            ),
            DataFile(
                "ladder-runs/370M-1xC.csv",
                "3597a61872596affbb61e83f36c7cc3fe43485c3ed30ba6d658064b57edcea07",
                92786,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/370M-1xC.csv"),
            ),
            DataFile(
                "ladder-runs/370M-2xC.csv",
                "73c686e580ad0600ca12334bf22ab3dad3265583a948e3beaae5b79b9a20c137",
                179086,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/370M-2xC.csv"),
            ),
            DataFile(
                "ladder-runs/370M-5xC.csv",
                "199905d322b0332b69f1d0a40de9be43e5eb3cf576fc1d3031578cdea09708fa",
                179197,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/370M-5xC.csv"),
            ),
            DataFile(
                "ladder-runs/760M-10xC.csv",
                "e256c9df6d3b7af66bbcf4dc7ca84b45a812bd205b70648ca5177c8b74f6ff40",
                217639,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/760M-10xC.csv"),
            ),
            DataFile(
                "ladder-runs/760M-1xC.csv",
                "a830185275c91cc077379540ec91a71b4bea6f191ca99a8090c851be19e7956d",
                111184,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/760M-1xC.csv"),
            ),
            DataFile(
                "ladder-runs/760M-2xC.csv",
                "8c1ad2bf7da390b9eed24af7b6eb12a6393cc077164d51b4e4740f7221f1193c",
                217886,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/760M-2xC.csv"),
            ),
            DataFile(
                "ladder-runs/760M-5xC.csv",
                "9c08b58d2625f427253bbd2079bad3a90726a66486154dd4f82ef84560e275ec",
                217850,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/760M-5xC.csv"),
            ),
            DataFile(
                "ladder-runs/peteish13_eval_final.csv",
                "8cbdd4c2818b05ff30476a9bd4ecae620da89193ca61183bc2d61e111a9d0059",
                31350,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/peteish13_eval_final.csv"),
            ),
            DataFile(
                "ladder-runs/peteish7_eval_anneal.csv",
                "0742d6c113aa0f9c789cf9e5745678fc6f30eb9b873a1f98068fc6f6522c85df",
                7802,
                _raw(*_OLMO, "src/scripts/paper/data/ladder-runs/peteish7_eval_anneal.csv"),
            ),
            DataFile(
                "published/chained_main.csv",
                "62984273d7e0a2f8068771e4f4578deb9dd451e5fc93a1647fffd489efab0572",
                647,
                _raw(*_OLMO, "src/scripts/paper/figures/chained_main.csv"),
            ),
            DataFile(
                "published/final.json",
                "3fcb831b03e9761ab1be750f89c7a6b8832fda09c491d80bec8593ec9e08d1c8",
                2260,
                _raw(*_OLMO, "src/scripts/paper/configs/final.json"),
            ),
            DataFile(
                "published/step1_c4_main.csv",
                "c5524eb7bfc4a510a76b6e00a2c4d4a2ad6aeeb50bd7deee02d617f177607aff",
                834,
                _raw(*_OLMO, "src/scripts/paper/figures/step1_c4_main.csv"),
            ),
            DataFile(
                "published/step1_main.csv",
                "e689f6f427ca0abab58d07f642bfef10d49354011a290bab264bb7e373a6b224",
                828,
                _raw(*_OLMO, "src/scripts/paper/figures/step1_main.csv"),
            ),
            DataFile(
                "published/step2_main.csv",
                "4e20ac222cc6273d139fd1e8c121333129102977f170dcd0798836d9e1ee190f",
                657,
                _raw(*_OLMO, "src/scripts/paper/figures/step2_main.csv"),
            ),
        ),
        columns={"D": "throughput/total_tokens", "step": "_step", "loss": "eval/c4_en-validation/CrossEntropyLoss"},
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
