import hashlib
import subprocess
import sys

import numpy as np
import pytest

from scalefit._core import InputError
from scalefit.data import PoolParameters, Runs, data_sets, fetch, load_data, load_table

public = pytest.mark.usefixtures("public_data")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALEFIT_DATA", str(tmp_path))
    return tmp_path


@public
def test_epoch_chinchilla_has_245_runs_and_240_without_the_outliers():
    runs = load_data("epoch-chinchilla")
    kept = runs.where("loss < 3.44")
    assert (len(runs), len(kept), kept.excluded) == (245, 240, 5)
    inputs, notes = kept.select(("N", "D"))
    assert inputs["D"].tolist() == (kept.inputs["C"] / (6 * kept.inputs["N"])).tolist()
    assert "no token column" in notes[0]
    assert set(runs.inputs) == {"N", "C"}


@public
@pytest.mark.parametrize(("file", "rows"), [(None, 182), ("fit_182_runs.csv", 182), ("all_runs.csv", 296)])
def test_datablations_has_total_and_unique_tokens(file, rows):
    runs = load_data("datablations", file=file)
    assert isinstance(runs, Runs)
    assert len(runs) == rows
    assert set(runs.inputs) == {"N", "D", "U"}


@public
def test_qqt_gives_the_published_pool_parameters():
    pools = load_data("qqt")
    assert isinstance(pools, PoolParameters)
    assert pools.names == ("top0-10", "top10-20", "top20-30", "top30-40", "random25_of_top0-40")
    assert pools.utility["b"].tolist() == pytest.approx([-0.16, -0.125, -0.1, -0.085, -0.12], rel=1e-15)
    assert (pools.utility["a"], pools.utility["d"]) == (0.025, 0.1)
    assert pools.effective["tau"].tolist()[0] == 4.0


@public
def test_the_derived_table_is_read_as_it_stands():
    table = load_table("qqt", "derived_predictions.csv")
    assert len(table["error_utility_d_outside"]) == 46
    assert set(table["pool"]) >= set(load_data("qqt").names)


@public
@pytest.mark.parametrize(
    ("file", "rows", "trainings"),
    [
        ("wandb_df_for_fitting_hot.jsonl", 220, 22),
        ("wandb_df_for_fitting_hot_100b+.jsonl", 770, 22),
        ("wandb_df_for_fitting_hot_120b+_only.jsonl", 528, 22),
        ("wandb_df_for_fitting_hot_100b+_512x.jsonl", 175, 5),
        ("wandb_df_for_fitting_cool_begin.jsonl", 199, 20),
        ("wandb_df_for_fitting_cool_end.jsonl", 199, 20),
        ("wandb_df_for_fitting_lr_ablation_hot.jsonl", 200, 20),
        ("wandb_df_for_fitting_hot_sampled_like_chinchilla.jsonl", 24, 5),
        ("wandb_df_for_fitting_lr_ablation_hot_sampled_like_chinchilla.jsonl", 23, 5),
        ("wandb_df_for_fitting_slim_chinchilla.jsonl", 28, None),
        ("wandb_df_for_fitting_lr_ablation_slim_chinchilla.jsonl", 27, None),
        ("fineweb_dclm_losses_combined.jsonl", 770, 22),
        ("fineweb_edu_losses_combined.jsonl", 770, 22),
    ],
)
def test_gemstones_are_checkpoints_of_trainings(file, rows, trainings):
    """But for the points of another study, which have no `run`."""
    runs = load_data("gemstones", file=file)
    assert (len(runs), runs.dropped, runs.target_header) == (rows, (), "final_loss")
    assert {"N", "D"} <= set(runs.inputs)
    assert ("run" in runs.labels) == (trainings is not None)
    assert np.unique(runs.clusters()).size == (trainings or rows)


@public
@pytest.mark.parametrize(
    ("source", "rows", "experiments", "budgets"),
    [
        ("marin_202603", 258, 3, 8),
        ("epochai_chinchilla", 123, 1, 9),
        ("ml_scalefit", 124, 1, 9),
        ("misfitting", 176, 1, 26),
    ],
)
def test_the_isoflops_collection_has_budgets_of_experiments(source, rows, experiments, budgets):
    runs = load_data("isoflops-collection", file=f"{source}.isoflops.csv")
    assert (len(runs), runs.dropped, set(runs.inputs)) == (rows, (), {"N", "D"})
    assert (len(runs.codes("experiment")[0]), len(runs.codes("budget")[0])) == (experiments, budgets)
    share = 6 * runs.inputs["N"] * runs.inputs["D"] / runs.columns["budget"]
    assert ((share > 0.9) & (share < 1.35)).all()


@public
@pytest.mark.parametrize("record", data_sets(), ids=lambda r: r.name)
def test_local_files_are_the_pinned_ones(record):
    for entry in record.files:
        content = fetch(record.name, file=entry.path).read_bytes()
        assert len(content) == entry.bytes
        assert hashlib.sha256(content).hexdigest() == entry.sha256


def test_the_bundled_runs_are_800_checkpoints_of_100_networks():
    runs = load_data("bundled")
    assert (len(runs), runs.dropped, runs.excluded, runs.notes) == (800, (), 0, ())
    assert set(runs.inputs) == {"N", "D", "C"}
    assert np.unique(runs.clusters()).size == 100
    assert np.unique(runs.labels["seed"]).size == 10
    assert runs.inputs["C"].tolist() == (6 * runs.inputs["N"] * runs.inputs["D"]).tolist()
    bare = Runs(runs.target, N=runs.inputs["N"], D=runs.inputs["D"], seed=runs.labels["seed"])
    assert bare.clusters().tolist() == runs.clusters().tolist()


def test_the_bundled_runs_say_what_they_count():
    runs = load_data("bundled")
    assert runs.units == {"N": "parameters", "D": "samples", "C": "FLOP", "loss": "nats per sample"}
    assert runs.take([0]).units == runs.units
    assert "samples" in repr(runs)


def test_the_bundled_pools_are_read_by_file():
    runs = load_data("bundled", file="pools_teacher.csv")
    assert (runs.target_name, set(runs.inputs), runs.dropped) == ("error", {"n"}, ())
    assert runs.units == {"n": "samples seen"}
    assert np.unique(runs.clusters()).size == 20
    plans, sizes = load_table("bundled", "pools_plans.csv"), load_table("bundled", "pools_sizes.csv")
    built_in = np.asarray(plans["kind"]) != "recommended"
    assert set(np.asarray(plans["plan"])[built_in]) <= set(runs.columns["plan"]) <= set(plans["plan"])
    assert set(sizes["pool"]) <= set(plans)


@pytest.mark.parametrize("file", ["pools_teacher.csv", "pools_signals.csv"])
def test_every_table_of_the_pools_is_there(file):
    assert len(load_data("bundled", file=file, where="plan == 'A' and seed == 0")) == 14


def test_a_data_set_is_read_as_a_table_is():
    runs = load_data("bundled", columns={"x": "D"}, where="N < 400", target="loss")
    assert (len(runs), runs.excluded, set(runs.inputs)) == (80, 720, {"N", "C", "x"})
    assert (runs.units["x"], runs.units["loss"]) == ("samples", "nats per sample")
    assert "D" not in runs.units


@pytest.mark.parametrize("record", data_sets(), ids=lambda r: r.name)
def test_every_record_says_where_it_comes_from(record):
    assert len(record.commit) == 40
    assert record.licence
    assert record.citation
    assert (record.sha256, record.bytes) == (record.files[0].sha256, record.files[0].bytes)
    for entry in record.files:
        assert len(entry.sha256) == 64
        assert entry.url is None or record.commit in entry.url


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: load_data("epoch-chincilla"),
            "The data set 'epoch-chincilla' is not known. The nearest is 'epoch-chinchilla'",
        ),
        (lambda: load_data("zzz"), "The data sets are 'epoch-chinchilla'"),
        (lambda: fetch("datablations", file="all_run.csv"), "no file 'all_run.csv'. The nearest is 'all_runs.csv'"),
        (lambda: load_data("datablations"), "SCALEFIT_DATA names .* has no file datablations/fit_182_runs.csv"),
        (lambda: load_data("epoch-chinchilla"), "or unset SCALEFIT_DATA to download it"),
        (lambda: load_data("bundled", file="pool_plans.csv"), "no file 'pool_plans.csv'. The nearest is 'pools_pl"),
        (lambda: load_data("qqt", file="derived_predictions.csv"), "Read its tables with load_table"),
    ],
)
def test_what_is_not_there_is_refused(folder, call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_changed_file_is_refused(folder):
    (folder / "epoch-chinchilla").mkdir()
    (folder / "epoch-chinchilla" / "svg_extracted_data.csv").write_text("N,loss\n1,2\n")
    with pytest.raises(InputError, match="is not the file expected"):
        load_data("epoch-chinchilla")


@pytest.mark.parametrize(("name", "file"), [("datablations", None), ("qqt", "derived_predictions.csv")])
def test_extractions_cannot_be_downloaded(monkeypatch, name, file):
    monkeypatch.delenv("SCALEFIT_DATA", raising=False)
    with pytest.raises(InputError, match=r"cannot be downloaded: .* Set SCALEFIT_DATA"):
        fetch(name, file=file)


def test_a_download_goes_to_the_cache_with_its_checksum(monkeypatch, tmp_path):
    import pooch

    asked = {}

    def retrieve(url, known_hash, fname, path):
        asked.update(url=url, known_hash=known_hash, path=path)
        return str(tmp_path / fname)

    monkeypatch.delenv("SCALEFIT_DATA", raising=False)
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    record = data_sets()[0]
    assert fetch(record.name) == tmp_path / "svg_extracted_data.csv"
    assert asked["url"] == record.url
    assert asked["known_hash"] == f"sha256:{record.sha256}"
    assert asked["path"].name == record.name


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (ValueError("SHA256 hash of downloaded file (a.csv) does not match the known hash: ..."), "its sha256 is"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_failed_download_says_what_to_do(monkeypatch, capfd, failure, said):
    """In one sentence, without the errors about it and the log of what downloads."""
    import pooch

    def retrieve(*args, **kwargs):
        pooch.get_logger().info("Downloading data")
        try:
            raise failure
        except OSError:
            raise OSError("Max retries exceeded (Caused by ...)")  # noqa: B904

    monkeypatch.delenv("SCALEFIT_DATA", raising=False)
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(
        InputError, match=f"^https:.* cannot be downloaded \\(.*{said}.*\\). Check .*SCALEFIT_DATA"
    ) as error:
        fetch("epoch-chinchilla")
    assert "Max retries" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_importing_the_layer_loads_neither_jax_nor_the_readers():
    heavy = {"jax", "polars", "narwhals", "pooch", "pandas"}
    code = (
        "import sys, scalefit._core; before = set(sys.modules); import scalefit.data; "
        f"print(sorted({heavy} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
