"""Shapes of tables as public repositories have them, read without editing."""

import pytest

import scalefit as sf

SHAPES = {
    "epoch-chinchilla/svg_extracted_data.csv": (245, {"N", "C"}),
    "datablations/all_runs.csv": (296, {"N", "D", "U"}),
    "misfitting/data.csv": (222, {"N", "D", "C"}),
    "porian/isoflop_points.csv": (1745, {"N", "D", "C"}),
    "steplaw/dense_lr_bs_loss.csv": (1911, {"N", "D"}),
    "multi-power-law/csv_100/constant_24000.csv": (171, set()),
    "gemstones/fineweb_dclm_losses_combined.jsonl": (770, {"N", "D"}),
    "active-sl/data_constrained/train-00000-of-00001.parquet": (161, {"N", "D", "U"}),
}


@pytest.mark.parametrize("path", SHAPES)
def test_a_file_is_read_as_it_stands(public_data, path):
    rows, inputs = SHAPES[path]
    runs = sf.read_runs(public_data / path)
    assert (len(runs), runs.target_name) == (rows, "loss")
    assert inputs <= set(runs.inputs)


def test_scaled_headers_need_only_the_target(public_data):
    runs = sf.read_runs(public_data / "obs-scaling" / "base_llm_benchmark_eval.csv", target="MMLU")
    assert (runs.inputs["N"].min(), runs.inputs["N"].max()) == (7e7, 4.05e11)
    assert "N = 'Model Size (B)' times 1e9, as the header says" in runs.notes


def test_weights_and_metrics_in_two_tables(public_data):
    folder = public_data / "regmix"
    runs = sf.read_mixtures(folder / "train_mixture_1m.csv", folder / "train_pile_loss_1m.csv")
    assert sum(name.startswith("w[") for name in runs.inputs) > 10


def test_one_object_a_model():
    """As `models/*.json` of a testbed: numbers inside objects, with the ends of an interval beside a loss."""
    models = [
        {"name": name, "hyperparameters": {"params": n, "tokens": 20 * n}, "loss": loss}
        for name, n, loss in (("a", 1e8, 3.0), ("b", 1e9, 2.5))
    ]
    columns = {"N": "hyperparameters.params", "D": "hyperparameters.tokens"}
    runs = sf.read_runs(models, columns=columns)
    assert runs.inputs["D"].tolist() == [2e9, 2e10]
    assert runs.target.tolist() == [3.0, 2.5]
