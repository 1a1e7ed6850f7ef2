"""`scalefit forecast`: from a folder and a few numbers to what larger runs will come to."""

import json

import numpy as np
import pytest
from helpers import curves_of_budgets

import scalefit as sf
from scalefit.laws import Chinchilla


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast") / "result"
    sf.save(sf.fit(Chinchilla, curves_of_budgets(0)), folder)
    return folder


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A study as above, and one of five runs."""
    long = curves_of_budgets(0)
    parts = [long, long.take(np.linspace(0, 35, 5).astype(int))]
    N, D = (np.concatenate([one.inputs[n] for one in parts]) for n in ("N", "D"))
    runs = sf.Runs(np.concatenate([one.target for one in parts]), N=N, D=D)
    folder = tmp_path_factory.mktemp("forecast") / "batch"
    sf.save(sf.fit(Chinchilla, runs.with_column("of", np.repeat(["long", "short"], [36, 5])), by="of"), folder)
    return folder


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_numbers_are_those_of_the_library(cli, folder):
    answer = cli("forecast", folder, "N=1B,4B", "D=100B", "--level", "0.8", "--json")
    assert (answer.status, answer.err) == (0, "")
    found = json.loads(answer.out, parse_constant=no_constant)
    one = sf.forecast(sf.load(folder), N=[1e9, 4e9], D=1e11, level=0.8)
    for name, expected in (("value", one.run.value), ("low", np.asarray(one.run.low)), ("excess", one.excess)):
        np.testing.assert_allclose(found[name], np.asarray(expected, float), rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(found["times_the_runs"], np.exp(one.distance), rtol=1e-9)
    assert found["backtests"][0]["count"] == 12
    assert found["notes"] == list(one.notes)


def test_studies_are_told_each_by_its_name(cli, batch):
    found = json.loads(cli("forecast", batch, "N=1B", "D=100B", "--json").out, parse_constant=no_constant)
    assert [one["key"] for one in found["forecasts"]] == ["long", "short"]
    long, short = found["forecasts"]
    assert short["high"] / short["low"] > long["high"] / long["low"]
    said = cli("forecast", batch, "N=1B,2B", "D=100B").out
    assert said.count("long") == said.count("short") == 2


def test_backtests_alone(cli, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    said = cli("forecast", folder).out
    assert "1.5 to 3" in said
    assert max(map(len, said.splitlines())) <= 80


def test_runs_that_do_not_reach_far_say_so(cli, tmp_path):
    x = np.geomspace(1e18, 1e20, 5)
    sf.save(sf.fit(sf.laws.PowerLaw, sf.Runs(1.7 + 5e2 * x**-0.15, x=x)), tmp_path / "few")
    assert "do not reach far enough" in cli("forecast", tmp_path / "few").out
    assert "other studies" in cli("forecast", tmp_path / "few", "x=1e22").out


def test_a_forecast_is_held_against_its_run_in_a_table(cli, folder, tmp_path):
    answer = cli("forecast", folder, "N=1B", "D=10T", "--register", tmp_path / "far.json")
    assert (answer.status, "target-distance" in answer.out) == (0, False)
    answer = cli("forecast", folder, "N=1B", "D=100B", "--register", tmp_path / "one.json")
    assert (answer.status, "note: written down in" in answer.out) == (0, True)
    written = sf.registered(tmp_path / "one.json")
    for more, said in (((), "by --observed or --check"), (("N=1B", "--observed", "2"), "none beside what came")):
        answer = cli("forecast", tmp_path / "one.json", *more)
        assert answer.status == 2
        assert said in answer.err
    table = tmp_path / "later.csv"
    table.write_text(f"N,D,loss\n1e8,1e10,2.9\n1e9,1e11,{written.value!r}\n", "utf-8")
    found = json.loads(cli("forecast", tmp_path / "one.json", "--check", table, "--json").out)
    assert (found["observed"], found["inside"]) == (written.value, True)
    assert "are not those that were fitted" in found["notes"][0]
    assert "lies inside" in cli("forecast", tmp_path / "one.json", "--check", table).out
    answer = cli("forecast", tmp_path / "one.json", "--check", table, "--where", "N < 5e8")
    assert (answer.status, answer.out) == (2, "")
    assert "not there yet" in answer.err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("N=1B",), "D is missing"),
        (("N=0", "D=1"), "N is 0"),
        (("Q=1",), "The input names 'Q'"),
        (("N=abc", "D=1"), "N=abc"),
        (("N=1B,2B", "D=1,2,3"), "different lengths"),
        (("N=1B", "D=1T", "--level", "2"), "level"),
        (("--observed", "2.2"), "cannot be read"),
    ],
)
def test_bad_input_is_told_in_a_sentence(cli, folder, arguments, said):
    answer = cli("forecast", folder, *arguments)
    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_a_fit_that_did_not_converge_foresees_nothing(cli, tmp_path):
    sf.save(sf.fit(Chinchilla, curves_of_budgets(0), max_steps=2, throw=False), tmp_path / "bad")
    answer = cli("forecast", tmp_path / "bad", "N=1B", "D=1T")
    assert (answer.status, answer.out) == (3, "")
    assert "did not converge" in answer.err
