"""`scalefit fit --law auto`: which laws are tried, and how they are ranked."""

import json

import numpy as np
import pytest

import scalefit as sf
from scalefit import specs
from scalefit.cli._fit import _show_ranked
from scalefit.cli._show import console
from scalefit.specs import candidates

RNG = np.random.default_rng(0)
N, D = 10 ** RNG.uniform(7, 10, 40), 10 ** RNG.uniform(9, 12, 40)
LOSS = 1.8 + 482 * N**-0.35 + 2085 * D**-0.37
OF_SIZES = {"chinchilla", "farseer", "kaplan", "overtraining", "rosenfeld", "skaling", "step-law"}


def test_laws_of_n_and_d():
    laws, runs = candidates(sf.Runs(LOSS, N=N, D=D))
    assert set(laws) == OF_SIZES
    assert len(runs) == 40


def test_what_a_table_has_beside_widens_the_choice():
    laws, _ = candidates(sf.Runs(LOSS, N=N, D=D, U=D / 2))
    assert set(laws) == OF_SIZES | {"data-constrained", "lovelace"}


def test_laws_of_one_input():
    laws, _ = candidates(sf.Runs(LOSS, N=N))
    assert {"power-law", "m4", "bnsl", "shifted-power-law"} <= set(laws)
    assert "chinchilla" not in laws


def test_scores_rise_and_losses_fall():
    laws, _ = candidates(sf.Runs(1.0 / LOSS, C=6 * N * D, E=RNG.random(40)))
    assert {"cod", "scale-rl"} <= set(laws)
    laws, _ = candidates(sf.Runs(LOSS, C=6 * N * D, E=RNG.random(40)))
    assert set(laws) == {"frontier"}


def test_there_must_be_a_law():
    with pytest.raises(sf.InputError, match="runs with the inputs of some law"):
        candidates(sf.Runs([1.0, 2.0, 1.5], apples=[1.0, 2.0, 3.0], pears=[1.0, 2.0, 3.0]))


def test_the_best_is_fitted_and_all_are_told(cli, runs_csv, monkeypatch):
    monkeypatch.setattr(
        specs, "candidates", lambda runs: ({"chinchilla": sf.laws.Chinchilla(), "kaplan": sf.laws.Kaplan()}, runs)
    )
    found = json.loads(cli("fit", runs_csv, "--law", "auto", "--noise", "gaussian", "--json").out)
    assert found["law"] == "chinchilla"
    assert [one["law"] for one in found["compared"]] == ["chinchilla", "kaplan"]
    assert found["compared"][1]["behind"] > 0.0
    said = cli("fit", runs_csv, "--law", "auto", "--noise", "gaussian").out
    assert "law tried" in said
    assert "kaplan" in said


def test_laws_that_foresaw_nothing_are_told_to_be_in_another_order(capsys):
    columns = dict.fromkeys(("error", "behind", "behind_se", "best"), float("nan"))
    _show_ranked([{"law": "power", "aic": -112.1, "within": 0.1, **columns}], console())
    assert "No larger run could be foreseen from smaller ones: by AIC." in capsys.readouterr().out


@pytest.mark.parametrize("option", [("--fixed", "E=1.7"), ("--by", "study")])
def test_what_is_of_one_law_needs_its_name(cli, runs_csv, option):
    said = cli("fit", runs_csv, "--law", "auto", *option)
    assert said.status == 2
    assert "is of one law, and auto tries several. Name the law." in said.err
