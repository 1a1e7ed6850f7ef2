"""Public studies of language-model losses in one table: family, study, N, D and loss, from files of public data."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

import scalefit as sf

DATA = Path(os.environ.get("SCALEFIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def _csv(path: str) -> pl.DataFrame:
    return pl.read_csv(DATA / path, infer_schema_length=None)


def _tables() -> Iterator[tuple[str, str, pl.DataFrame, str, str, str]]:
    """Family, study, table, and its columns of N, D and loss."""
    named = ("N", "D", "loss")
    epoch = _csv("epoch-chinchilla/svg_extracted_data.csv").filter(pl.col("loss") < 3.44)
    tokens = pl.col("Training FLOP") / 6 / pl.col("Model Size")
    yield "chinchilla", "epoch", epoch.with_columns(D=tokens), "Model Size", "D", "loss"
    plain = ("params", "tokens", "loss")
    yield "chinchilla", "ml_scalefit", _csv("isoflops-collection/ml_scalefit.isoflops.csv"), *plain
    for (name,), rows in _csv("isoflops-collection/marin_202603.isoflops.csv").group_by("dataset", maintain_order=True):
        yield "marin", str(name), rows, *plain
    xlstm = _csv("xlstm/isoflop_runs.csv").filter(pl.col("val/.dclm_loss") < 5)
    for (name,), rows in xlstm.group_by("data_set", maintain_order=True):
        yield "xlstm", str(name), rows, "num_params", "num_tokens_training", "val/.dclm_loss"
    settings = ("summary_file", "dataset", "hparams", "warmup", "decay", "param_count")
    porian = _csv("porian/isoflop_points.csv").filter(pl.col("param_count") != "kaplan")
    for name, rows in porian.group_by(*settings, maintain_order=True):
        yield "porian", "/".join(map(str, name)), rows, *plain
    for (name,), rows in _csv("gadre-overtraining/models_c4_rw.csv").group_by("train_dataset", maintain_order=True):
        yield "gadre", str(name), rows, "params", "tokens", "loss_c4_val"
    for name in ("hot_100b+", "cool_end"):
        rows = pl.read_ndjson(DATA / f"gemstones/wandb_df_for_fitting_{name}.jsonl")
        yield "gemstones", name, rows, "params_active_precise", "tokens", "final_loss"
    repeated = _csv("datablations/fit_182_runs.csv")
    yield "datablations", "one pass", repeated.filter(pl.col("unique_tokens") >= 0.99 * pl.col("tokens")), *plain
    rates = _csv("misfitting/scaling_results_last_ckpt_only.csv")
    yield "misfitting", "best rate", rates.group_by("N", "D", maintain_order=True).agg(pl.col("loss").min()), *named
    grids = [pl.read_parquet(file) for file in sorted((DATA / "active-sl/farseer").glob("*.parquet"))]
    yield "farseer", "all", pl.concat(grids), *named


def public_studies() -> sf.Runs:
    """All studies as runs with the columns `family` and `study`; sets that `DATA` lacks are an error."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("N", "D", "loss", "family", "study")}
    for family, study, table, *three in _tables():
        rows = table.select(*(pl.col(c).cast(pl.Float64) for c in three)).drop_nulls().to_numpy()
        rows = rows[(np.isfinite(rows) & (rows > 0)).all(axis=1)]
        for name, column in zip(("N", "D", "loss"), rows.T, strict=True):
            columns[name].append(column)
        columns["family"].append(np.full(len(rows), family, object))
        columns["study"].append(np.full(len(rows), f"{family}: {study}", object))
    N, D, loss, family, study = (np.concatenate(parts) for parts in columns.values())
    return sf.Runs(loss, N=N, D=D, name="public studies").with_column("family", family).with_column("study", study)
