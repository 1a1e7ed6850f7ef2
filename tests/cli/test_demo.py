"""`scalefit demo` of sizes; that of pools, the README's first command, is run and looked at by `.ci/run`."""

import json
import re

import numpy as np
import pytest

import scalefit as sf


@pytest.fixture(scope="module")
def demo(cli, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "demo"
    return cli("demo", "chinchilla", "--out", folder), folder


def test_there_is_no_such_demo(cli, tmp_path):
    answer = cli("demo", "chinchila", "--out", tmp_path / "demo")
    assert (answer.status, answer.out) == (2, "")
    assert "expected 'pools' or 'chinchilla'" in answer.err


def test_demo(cli, demo):
    answer, folder = demo
    assert (answer.status, answer.err) == (0, "")
    for piece in ("100 small networks", "800 runs", "± se", "starts agree", "Loss falls towards", "scalefit predict"):
        assert piece in answer.out
    assert {p.suffix for p in folder.iterdir()} == {".json", ".npz", ".png", ".parquet"}
    found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert len(found["verdict"]) == 3
    assert found["converged"] is True
    assert found["starts"]["agreeing"] >= 7
    draws = sf.load(folder)
    assert isinstance(draws, sf.Ensemble)
    assert cli("predict", folder, "N=100k", "D=1M").status == 0


def test_the_demo_fits_what_is_bundled(demo):
    """Its runs are those of `data:bundled`, to the last digit."""
    draws = sf.load(demo[1])
    assert isinstance(draws, sf.Ensemble)
    assert draws.fit.source.fingerprint == sf.load_data("bundled").fingerprint


def test_best_plan_of_the_verdict(demo):
    """The loss that it foresees is the least along ten times the largest compute."""
    draws = sf.load(demo[1])
    assert isinstance(draws, sf.Ensemble)
    runs = draws.fit.problem.runs.inputs
    compute = 60 * np.max(runs["N"] * runs["D"])
    sizes = np.geomspace(1e-3, 1e3, 2001) * np.sqrt(compute)
    best = sf.predict(draws.fit, N=sizes, D=compute / (6 * sizes)).value
    (foreseen,) = re.findall(r"the law foresees ([0-9.]+) nats at best", demo[0].out.replace("\n", " "))
    assert float(foreseen) == pytest.approx(float(np.min(best)), abs=6e-5)
