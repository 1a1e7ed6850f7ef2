"""`scalefit predict`: from a folder and a few numbers to values with intervals."""

import dataclasses
import json

import numpy as np
import pytest

import scalefit as sf


@pytest.fixture(scope="module")
def folder(cli, runs_csv, tmp_path_factory):
    folder = tmp_path_factory.mktemp("predict") / "result"
    arguments = ("--law", "chinchilla", "--noise", "gaussian", "--bootstrap", "50")
    assert cli("fit", runs_csv, *arguments, "--out", folder).status == 0
    return folder


def test_numbers_are_those_of_the_library(cli, folder):
    answer = cli("predict", folder, "N=70B", "D=1.4T", "--level", "0.8", "--json")
    assert (answer.status, answer.err) == (0, "")
    found = json.loads(answer.out)
    band = sf.predict(sf.load(folder), N=7e10, D=1.4e12, level=0.8)
    expected = [float(end) for end in (band.value, band.low, band.high) if end is not None]
    assert [found["value"], found["low"], found["high"]] == pytest.approx(expected, rel=1e-12)
    assert found["inputs"] == {"N": 7e10, "D": 1.4e12}
    assert found["converged"] is True
    assert (found["level"], found["new_run"], found["law"]) == (0.8, False, "chinchilla")


def test_what_is_undetermined_predicts_without_an_interval(cli, folder, tmp_path):
    fit = sf.load(folder).fit
    sf.save(dataclasses.replace(fit, result=np.asarray(int(sf.RESULTS.undetermined))), tmp_path / "fit")
    said = cli("predict", tmp_path / "fit", "N=1B", "D=20B").out
    assert f"{float(sf.predict(fit, N=1e9, D=2e10).value):.6g}" in said
    assert "…" not in said


def test_several_at_once(cli, folder):
    found = json.loads(cli("predict", folder, "N=1B,2B,4B", "D=20B", "--json").out)
    assert len(found["value"]) == len(found["low"]) == 3
    assert np.all(np.diff(found["value"]) < 0)
    said = cli("predict", folder, "N=1B,2B,4B", "D=20B").out
    assert "2e+09" in said
    assert "50 bootstrap draws" in said


def test_a_new_run_scatters_more(cli, folder):
    curve = json.loads(cli("predict", folder, "N=1B", "D=20B", "--json").out)
    run = json.loads(cli("predict", folder, "N=1B", "D=20B", "--new-run", "--json").out)
    assert run["high"] - run["low"] > curve["high"] - curve["low"]


def test_compute_in_place_of_data(cli, folder):
    found = json.loads(cli("predict", folder, "N=1B", "C=1.2e20", "--json").out)
    assert found["inputs"] == {"N": 1e9, "D": pytest.approx(2e10)}
    assert found["notes"] == ["D = C / (6 N)"]


def test_far_from_the_runs(cli, folder):
    """Said beyond ten times the fitted range, 5e7 to 5e9 and 1e9 to 1e11, and not before."""

    def far(*inputs):
        checks = json.loads(cli("predict", folder, *inputs, "--json").out)["checks"]
        return [(one["severity"], one["says"]) for one in checks if one["check"] == "target-distance"]

    ((severity, said),) = far("N=1B,70B", "D=900B")
    assert severity == "warning"
    assert said.startswith("N = 7e+10 is 14 times above the range of the runs, 5e+07 to 5e+09")
    ((_, said),) = far("N=1B", "D=10M")
    assert said.startswith("D = 1e+07 is 100 times below the range of the runs")
    assert "warning: target-distance: N = 7e+10 is 14 times above" in cli("predict", folder, "N=70B", "D=20B").out
    said = cli("predict", folder, "N=40B", "D=900B").out
    assert "target-distance" not in said
    words = "72 times the compute of the runs: the interval takes the law to be right, `{}forecast` does not"
    assert f"note: {words.format('scalefit ')}" in said
    assert sf.predict(sf.load(folder), N=4e10, D=9e11).note == words.format("")  # Python says the same from there on


def test_no_draws_no_interval(cli, runs_csv, tmp_path):
    assert cli("fit", runs_csv, "--law", "chinchilla", "--noise", "huber:1e-3", "--out", tmp_path / "bare").status == 0
    found = json.loads(cli("predict", tmp_path / "bare", "N=1B", "D=20B", "--json").out)
    assert found["low"] is found["high"] is None
    assert "no intervals: the cost has no curvature" in cli("predict", tmp_path / "bare", "N=1B", "D=20B").out


def test_what_did_not_converge_predicts_nothing(cli, table, tmp_path):
    """Said for each study, beside the values of the others; the exit status is that of the fit itself."""
    runs = tmp_path / "runs.csv"
    runs.write_text(table("first", "second", "third"), encoding="utf-8")
    fits = sf.fit(sf.laws.Chinchilla, sf.read_runs(runs), by="study")
    codes = fits.result.copy()
    codes[1] = int(sf.RESULTS.max_steps_reached)
    sf.save(dataclasses.replace(fits, result=codes), tmp_path / "fits")
    answer = cli("predict", tmp_path / "fits", "N=1B,2B", "D=20B", "--json")
    assert (answer.status, answer.err.count("\n")) == (3, 1)
    for piece in ("1 of 3 fits", "the first 'second'", "--max-steps"):
        assert piece in answer.err
    found = json.loads(answer.out)
    assert found["converged"] is False
    assert [one["converged"] for one in found["predictions"]] == [True, False, True]
    assert [len(one["value"] or ()) for one in found["predictions"]] == [2, 0, 2]
    lines = cli("predict", tmp_path / "fits", "N=1B", "D=20B").out.splitlines()
    assert [line.split()[0] for line in lines if "not converged" in line] == ["second"]
    single = sf.fit(sf.laws.Chinchilla, sf.read_runs(runs, where="study == 'first'"))
    sf.save(dataclasses.replace(single, result=codes[1:2].reshape(())), tmp_path / "single")
    answer = cli("predict", tmp_path / "single", "N=1B", "D=20B", "--json")
    assert (answer.status, answer.err.count("\n")) == (3, 1)
    found = json.loads(answer.out)
    assert (found["converged"], found["value"]) == (False, None)


@pytest.mark.parametrize(
    "inputs, pieces",
    [
        (["N=1B"], ["D is missing"]),
        (["N=1B", "D=20B", "U=1B"], ["'U'"]),
        (["N=1B", "D=lots"], ["'D=lots'", "NAME=NUMBER"]),
        (["N=1B", "N=2B", "D=1B"], ["'N'", "twice"]),
        (["N=1B,2B", "D=1B,2B,3B"], ["2 of N", "3 of D"]),
        (["N=1B", "D=0"], ["D", "above 0"]),
        (["N=1B", "D=inf"], ["'D=inf'"]),
    ],
)
def test_bad_inputs(cli, folder, inputs, pieces):
    answer = cli("predict", folder, *inputs)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    for piece in pieces:
        assert piece in answer.err


@pytest.mark.parametrize("inputs", [["N=1e300", "D=1e300"], ["N=1e-300", "D=1e-300"], ["N=1e300", "C=1e308"]])
@pytest.mark.parametrize("option", ["--json", "--new-run"])
def test_extreme_inputs_leave_nothing_on_standard_error(cli, folder, inputs, option):
    answer = cli("predict", folder, *inputs, option)
    assert (answer.status, answer.err) == (0, "")


@pytest.mark.parametrize("inputs", [["N=1e308", "C=1"], ["N=1e-300", "C=1e300"]])
def test_compute_that_leaves_no_data(cli, folder, inputs):
    answer = cli("predict", folder, *inputs)
    assert (answer.status, answer.out) == (2, "")
    assert "leaves no finite D = C / (6 N) above 0" in answer.err


def test_no_result_there(cli, tmp_path):
    answer = cli("predict", tmp_path / "nowhere", "N=1B", "D=20B")
    assert (answer.status, answer.out) == (2, "")
    assert "no folder" in answer.err
    assert "scalefit fit --out" in answer.err
    answer = cli("predict", tmp_path, "N=1B", "D=20B")
    assert (answer.status, answer.out) == (2, "")
    assert "no result" in answer.err


LEVELS = '''
import jax.numpy as jnp
from scalefit.laws import AbstractLaw, Label
from scalefit.params import Param, axis, nonnegative


class Levels(AbstractLaw):
    """A level for each corpus, and a term of data."""

    inputs = {"corpus": Label(axis="corpus"), "D": "tokens"}
    corpus: tuple = axis()
    E: Param = nonnegative(axis="corpus", amplitude=True, typical=(0.05, 1.0))
    B: Param = nonnegative(amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0))
    beta: Param = nonnegative()

    def __call__(self, corpus, D):
        """The loss."""
        return self.E[corpus] + self.B * jnp.exp(-self.beta * jnp.log(D))
'''


def test_labels_are_given_by_the_names_of_their_entries(cli, tmp_path):
    (tmp_path / "levels.py").write_text(LEVELS)
    law = f"{tmp_path / 'levels.py'}:Levels"
    D = np.tile(np.geomspace(1e9, 1e12, 8), 2)
    rows = zip(["c4"] * 8 + ["web"] * 8, D, np.repeat([2.0, 2.5], 8) + 400.0 * D**-0.35, strict=True)
    (tmp_path / "runs.csv").write_text("corpus,D,loss\n" + "".join(f"{c},{d:.17g},{y:.17g}\n" for c, d, y in rows))
    fitted = cli("fit", tmp_path / "runs.csv", "--law", law, "--noise", "gaussian", "--out", tmp_path / "kept")
    assert (fitted.status, fitted.err) == (0, "")
    found = json.loads(cli("predict", tmp_path / "kept", "corpus=web,c4", "D=1e13", "--own-law", law, "--json").out)
    assert found["inputs"] == {"corpus": ["web", "c4"], "D": 1e13}
    np.testing.assert_allclose(found["value"], np.array([2.5, 2.0]) + 400.0 * 1e13**-0.35, rtol=1e-6)
    refused = cli("predict", tmp_path / "kept", "corpus=pile", "D=1e13", "--own-law", law)
    assert (refused.status, "corpus is 'pile'; expected 'c4' or 'web'" in refused.err) == (2, True)


def test_a_published_law_predicts_without_runs(cli):
    """Its value, without an interval; a new run of nothing is refused."""
    found = json.loads(cli("predict", "chinchilla:epoch", "N=1B,7B", "D=20B", "--json").out)
    law = sf.laws.Chinchilla.published("epoch")
    assert found["value"] == pytest.approx([float(law(N=1e9, D=2e10)), float(law(N=7e9, D=2e10))], rel=1e-6)
    assert (found["low"], found["draws"], found["freedom"]) == (None, None, None)
    assert found["notes"] == [
        "parameters are the published 'epoch' [run], of 240 of the 245 Chinchilla runs digitised by Epoch; N, D in "
        "units of 1, nats per token: see that what you ask is alike"
    ]
    assert "published 'kaplan' [mem, unverified]" in cli("predict", "kaplan:kaplan", "N=1B", "D=20B").out
    assert cli("predict", "chinchilla:epoch", "N=1B", "D=20B", "--new-run").status == 2
    assert "nearest is 'epoch'" in cli("predict", "chinchilla:epok", "N=1B", "D=20B").err
