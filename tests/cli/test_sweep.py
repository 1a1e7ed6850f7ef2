"""`scalefit sweep`: what is said before, and after; which options do not go together."""

import json

import polars as pl
import pytest

TOML = """
laws = ["PowerLaw"]
noises = ["gaussian"]
splits = ["all", "resample"]
seeds = 2
chunk = 2

[[sources]]
runs = "runs.csv"
columns = {x = "params"}
"""


def strict(text):
    return json.loads(text, parse_constant=pytest.fail)


@pytest.fixture(scope="module")
def config(runs_csv, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "runs.csv").write_text(runs_csv.read_text())
    (folder / "sweep.toml").write_text(TOML)
    return folder / "sweep.toml"


@pytest.fixture(scope="module")
def done(cli, config):
    """A sweep, its folder and what was said."""
    out = config.with_name("out")
    return out, cli("sweep", config, "--out", out, "--json")


def test_account(done):
    out, answer = done
    assert answer.status == 0
    told = strict(answer.out)
    assert {name: told[name] for name in ("fits", "done", "failed")} == {"fits": 3, "done": 3, "failed": 0}
    assert min(told["seconds"], told["rate"]) > 0.0
    assert "3 of 3 fits" in answer.err
    assert len(pl.read_parquet(out / "results.parquet")) == 3


def test_in_words(cli, done):
    """All is done: nothing is done again."""
    out, _ = done
    answer = cli("sweep", "--resume", out)
    assert answer.status == 0
    assert "3 of 3 fits done" in answer.out
    assert "0 have no optimum" in answer.out
    assert answer.out.endswith(f"written to {out}/results.parquet\n")


def test_merge(cli, done):
    out, _ = done
    assert strict(cli("sweep", "merge", out, "--json").out)["results"] == f"{out}/results.parquet"
    assert cli("sweep", "merge", out).out == f"written to {out}/results.parquet\n"


def test_dry_run(cli, config, done):
    del done  # which has compiled
    found = strict(cli("sweep", config, "--dry-run", "--json").out)
    assert (found["fits"], found["chunks"]) == (3, 2)
    assert found["seconds"] > 0.0
    assert found["bytes"] > 0
    (kind,) = found["kinds"]
    assert (kind["law"], kind["verb"], kind["fits"]) == ("PowerLaw", "fit", 3)
    answer = cli("sweep", config, "--dry-run")
    assert answer.out.startswith("3 fits in 2 chunks of ")
    assert not list(config.parent.glob("none*"))


@pytest.mark.parametrize(
    "options, said",
    [
        ([], "Give a sweep, as scalefit sweep SWEEP.toml --out DIR"),
        (["a.toml"], "Give --out DIR for a new sweep, or --resume DIR"),
        (["a.toml", "--out", "b", "--resume", "b"], "and not both"),
        (["a.toml", "b", "--out", "c"], "The argument 'b' is one too many"),
        (["a.toml", "--out", "b"], "'a.toml' is no file"),
        (["--resume", "nothing"], "'nothing' holds no sweep to resume"),
        (["--dry-run", "--resume", "b"], "--dry-run is of a sweep that is to come"),
        (["a.toml", "--out", "b", "--engine", "rai"], "The nearest is 'ray'"),
        (["a.toml", "--out", "b", "--shard", "2/2"], "expected i/n with i from 0 to n - 1"),
        (["a.toml", "--out", "b", "--shard", "0/2", "--engine", "jax"], "Leave one out"),
        (["a.toml", "--out", "b", "--coordinator", "h:1"], "goes with --engine jax, and this is --engine local"),
        (["a.toml", "--out", "b", "--address", "h:1"], "goes with --engine ray, and this is --engine local"),
        (["merge"], "Say which sweep to merge"),
        (["merge", "nothing"], "'nothing' holds no sweep"),
    ],
)
def test_refused(cli, tmp_path, monkeypatch, options, said):
    """One sentence, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    answer = cli("sweep", *options)
    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
