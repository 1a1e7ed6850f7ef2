"""`scalefit compare`, `causes` and `speedup`: from tables and folders to words and documents."""

import json

import numpy as np
import pytest
from helpers import LADDER, curves_of_budgets

import scalefit as sf
from scalefit.laws import Chinchilla


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "result"
    sf.save(sf.fit(Chinchilla, curves_of_budgets(0)), folder)
    return folder


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    """A run as good as one of twice its compute."""
    file = tmp_path_factory.mktemp("compare") / "run.csv"
    N, D = 2e8 * 2.0**0.5, 4e9 * 2.0**0.5
    file.write_text(f"params,tokens,loss\n2e8,4e9,{float(LADDER(N, D))!r}\n", "utf-8")
    return file


def test_laws_are_ranked_as_by_the_library(cli, runs_csv):
    answer = cli("compare", runs_csv, "--law", "kaplan,chinchilla", "--json")
    assert (answer.status, answer.err) == (0, "")
    found = json.loads(answer.out)
    told = sf.compare({"kaplan": sf.laws.Kaplan, "chinchilla": Chinchilla}, sf.read_runs(runs_csv))
    assert [one["name"] for one in found["laws"]] == list(told) == ["chinchilla", "kaplan"]
    for name in ("error", "behind", "weight", "left_out", "aic"):
        np.testing.assert_allclose(found["laws"][1][name], getattr(told.laws[1], name), rtol=1e-6, err_msg=name)
    assert found["origins"] == told.origins
    said = cli("compare", runs_csv, "--law", "kaplan,chinchilla").out
    assert "missed by %" in said
    assert said.index("chinchilla") < said.index("kaplan")


def test_causes_have_a_verdict(cli, folder):
    found = json.loads(cli("causes", folder, "--json").out)
    assert found["told"] == []
    assert {one["name"] for one in found["causes"]} == {"floor", "exponent_N", "exponent_D", "coupling"}
    assert "Nothing drifts" in cli("causes", folder).out


def test_one_run_against_a_ladder(cli, folder, one_run):
    found = json.loads(cli("speedup", folder, one_run, "--json").out)
    assert found["factor"]["low"] < 2.0 < found["factor"]["high"]
    told = sf.speedup(sf.load(folder), sf.read_runs(one_run))
    np.testing.assert_allclose(found["factor"]["value"], told.factor.value, rtol=1e-9)
    assert "compute of the ladder over that of 1 run:" in cli("speedup", folder, one_run).out


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("compare", "RUNS", "--law", "kaplan"), "two laws or more"),
        (("compare", "RUNS", "--law", "kaplan,kaplan"), "two laws or more, each once"),
        (("causes", "FOLDER", "--schedule", "none"), "--schedule is 'none'; expected an input or column of"),
        (("causes", "FOLDER", "--unique-column", "seen"), "where the runs are read: a saved fit keeps no others"),
        (("speedup", "FOLDER", "RUN", "--along", "x"), "--along is"),
    ],
)
def test_bad_input_is_told_in_a_sentence(cli, runs_csv, folder, one_run, arguments, said):
    places = {"RUNS": runs_csv, "FOLDER": folder, "RUN": one_run}
    answer = cli(*(places.get(one, one) for one in arguments))
    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1
