"""Shapes of tables as public repositories have them, read without editing."""

import pytest

import scalefit as sf

SHAPES = {
    "epoch-chinchilla/svg_extracted_data.csv": (245, {"N", "C"}),
    "datablations/all_runs.csv": (296, {"N", "D", "U"}),
    "misfitting/data.csv": (222, {"N", "D", "C"}),
    "porian/isoflop_points.csv": (1745, {"N", "D", "C"}),
    "steplaw/dense_lr_bs_loss.csv": (1911, {"N", "D"}),
    "multi-power-law/csv_100": (2103, set()),
    "isoflops-collection/marin_202603.isoflops.csv": (258, {"N", "D"}),
    "gemstones/wandb_df_for_fitting_hot.jsonl": (220, {"N", "D"}),
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


def test_curves_a_file_each_are_runs(public_data):
    runs = sf.read_runs(public_data / "multi-power-law" / "csv_100")
    assert {"constant_24000", "cosine_24000"} <= set(runs.labels["run"].tolist())
    last = sf.per_run(runs, "smoothed", window=20)
    assert len(last) == len(set(runs.labels["run"].tolist())) == 9


def test_losses_beside_others_with_their_intervals_need_only_the_target(public_data):
    path = public_data / "gadre-overtraining" / "models_c4_rw.csv"
    runs = sf.read_runs(path, target="loss_c4_val")
    assert {"N", "D"} <= set(runs.inputs)
    assert {"loss_lo95_c4_val", "loss_hi95_c4_val"} <= set(runs.columns)
    with pytest.raises(sf.InputError, match="columns that look like one are 'loss_openlm'"):
        sf.read_runs(path)


def test_checkpoints_with_their_targets_beside_each_other(public_data):
    """As of sweeps, whose tables have the loss twice: the run's own and one of evaluation."""
    runs = sf.read_runs(public_data / "misfitting" / "scaling_results.csv", target="C4 Eval Loss")
    assert {"N", "D", "C"} <= set(runs.inputs)


@pytest.mark.parametrize(
    ("folder", "ratios", "metrics", "domains"),
    [
        ("regmix", "train_mixture_1m.csv", "train_pile_loss_1m.csv", 17),
        ("olmix", "full_reuse_update_5_seed_0_ratios.csv", "full_reuse_update_5_seed_0_metrics.csv", 22),
    ],
)
def test_weights_and_metrics_in_two_tables(public_data, folder, ratios, metrics, domains):
    runs = sf.read_mixtures(public_data / folder / ratios, public_data / folder / metrics)
    assert sum(name.startswith("w[") for name in runs.inputs) == domains


def test_weights_in_the_names_of_folders(public_data):
    path = public_data / "data-mixing-laws" / "2Mix" / "70M.txt"
    runs = sf.read_mixture_paths(path, domains=["github", "pile-cc"])
    assert (len(runs), set(runs.inputs)) == (110, {"w[github]", "w[pile-cc]", "N"})


def test_evaluations_in_lines_a_file_an_epoch(tmp_path):
    """As `key` and `metrics.main_metric` of many tasks, one file for each epoch of a run."""
    for epoch in (1, 2):
        lines = [
            f'{{"key": "task{k}", "dataset": "t{k}", "metrics": {{"main_metric": {0.1 * k + 0.05 * epoch}}}}}'
            for k in (1, 2, 3)
        ]
        (tmp_path / f"epoch_{epoch}.jsonl").write_text("\n".join(lines) + "\n")
    runs = sf.read_runs(tmp_path, target="metrics.main_metric", columns={"group": "key"})
    assert runs.labels["run"].tolist() == ["epoch_1"] * 3 + ["epoch_2"] * 3
    assert runs.labels["group"].tolist() == ["task1", "task2", "task3"] * 2


@pytest.mark.parametrize("kind", ["lists", "pandas"])
def test_a_whole_history_in_a_cell(kind):
    """As a frame of one row a run has it, which became public pickled."""
    losses = [[3.0, 2.5], [2.8, 2.2, 2.1]]
    table: dict[str, object] = {"params": [1e8, 1e9], "tokens": [2e9, 2e10], "seed": [0, 1], "val/loss": losses}
    if kind == "pandas":
        pd = pytest.importorskip("pandas")
        table = pd.DataFrame(table | {"val/loss": [pd.Series(one) for one in losses]})
    runs = sf.read_runs(table)
    assert runs.target.tolist() == [3.0, 2.5, 2.8, 2.2, 2.1]
    assert runs.labels["step"].tolist() == [1, 2, 1, 2, 3]
    assert sf.per_run(runs).target.tolist() == [2.5, 2.1]
    assert "'val/loss' has 2 to 3 numbers a row: each became a row, with the labels run and step" in runs.notes


def test_compute_beside_its_factors():
    runs = sf.read_runs({"C": [1.2e18, 1.2e20], "N": [1e8, 1e9], "D": [2e9, 2e10], "loss": [3.0, 2.5]})
    assert set(runs.inputs) == {"C", "N", "D"}


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
