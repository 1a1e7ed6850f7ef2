"""`scalefit design`: from a saved fit and a table of candidates to the runs to do next."""

import json

import numpy as np
import pytest

import scalefit as sf


@pytest.fixture(scope="module")
def folder(cli, runs_csv, tmp_path_factory):
    folder = tmp_path_factory.mktemp("design") / "result"
    assert cli("fit", runs_csv, "--law", "chinchilla", "--noise", "gaussian", "--out", folder).status == 0
    return folder


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    path = tmp_path_factory.mktemp("grid") / "grid.csv"
    path.write_text("N,D\n1e9,1e11\n3e9,1e11\n1e10,1e11\n1e8,1e12\n")
    return path


def test_the_runs_are_those_of_the_library_and_go_into_a_table(cli, folder, grid, runs_csv, tmp_path):
    out = tmp_path / "next.csv"
    asked = ("--candidates", grid, "--budget", "4e21", "--target", "loss@C=1e24", "--runs", runs_csv)
    answer = cli("design", folder, *asked, "--json", "--out", out)
    assert (answer.status, answer.err) == (0, "")
    found, fit = json.loads(answer.out), sf.load(folder)
    expected = sf.design_runs(
        getattr(fit, "fit", fit), grid, runs=sf.read_runs(runs_csv), budget=4e21, target="loss@C=1e24"
    )
    assert found["rows"] == (expected.order + 1).tolist()
    assert expected.sd is not None
    np.testing.assert_allclose(found["sd"], expected.sd)
    assert list(tmp_path.iterdir()) == [out]
    lines = out.read_text().splitlines()
    assert lines[0] == "N,D,loss"
    assert [float(line.split(",")[0]) for line in lines[1:]] == expected.runs["N"].tolist()
    assert "sd of loss@C=1e24 after" in cli("design", folder, *asked).out


def test_runs_are_as_many_as_asked_for_and_moved(cli, folder, grid, runs_csv):
    asked = ("--candidates", grid, "--budget", "1e22", "--target", "loss@C=1e24", "--runs", runs_csv, "--json")
    two, moved = (json.loads(cli("design", folder, *asked, "--most", "2", *more).out) for more in ((), ("--refine",)))
    assert len(two["rows"]) == 2
    assert moved["sd"][-1] < two["sd"][-1]
    assert moved["spent"] <= 1e22


def test_runs_of_a_fit_are_named_as_the_fit_named_them(cli, grid, runs_csv, tmp_path):
    """The same headers, column and rows as were fitted; without these they are other runs."""
    table = tmp_path / "own.csv"
    table.write_text(runs_csv.read_text().replace("params,tokens,loss", "size,seen,nll"))
    read, folder = ("--columns", "N=size,D=seen", "--where", "N < 2e9"), tmp_path / "result"
    fitted = cli(
        "fit", table, "--law", "chinchilla", "--noise", "gaussian:value", *read, "--target", "nll", "--out", folder
    )
    assert fitted.status == 0
    asked = ("design", folder, "--candidates", grid, "--budget", "4e21", "--target", "N@C=1e24")
    answer = cli(*asked, "--runs", table, *read, "--target-column", "nll")
    assert answer.status == 0
    assert "sd of log N@C=1e24 after" in answer.out
    assert "%" not in answer.out.rpartition("at a scatter of ")[2]
    other = cli(*asked, "--runs", table, "--columns", "N=size,D=seen", "--target-column", "nll")
    assert "these are other runs" in other.err
    assert "--where is of the runs" in cli(*asked, "--where", "N < 2e9").err


def test_runs_cost_what_is_said(cli, folder, grid, runs_csv):
    asked = ("--candidates", grid, "--budget", "1e21", "--target", "loss@C=1e24", "--runs", runs_csv, "--json")
    dense, sparse = (json.loads(cli("design", folder, *asked, *more).out) for more in ((), ("--cost", "moe:0.1")))
    assert len(sparse["rows"]) > len(dense["rows"])
    np.testing.assert_allclose(sparse["cost"], 0.6 * np.multiply(sparse["runs"]["N"], sparse["runs"]["D"]))


def test_what_cannot_be_chosen_is_said(cli, folder, grid, runs_csv):
    few = cli("design", folder, "--candidates", grid, "--budget", "1", "--target", "loss@C=1e24", "--runs", runs_csv)
    assert few.status == 2
    assert "No candidate is affordable" in few.err
    word = cli("design", folder, "--candidates", grid, "--budget", "lots", "--target", "loss@C=1e24")
    assert "--budget is 'lots'" in word.err


def done(path, truth, rng):
    """The table with losses filled in, as runs of the true law would have them."""
    header, *rows = path.read_text().splitlines()
    assert header == "N,D,loss"
    filled = []
    for N, D in ((float(cell) for cell in row.split(",")[:2]) for row in rows):
        loss = truth["E"] + truth["A"] * N ** -truth["alpha"] + truth["B"] * D ** -truth["beta"]
        filled.append(f"{N},{D},{loss * np.exp(2e-3 * rng.standard_normal())}")
    path.write_text("\n".join([header, *filled]) + "\n")


def test_fit_design_train_append_and_again(cli, truth, runs_csv, tmp_path):
    """Two rounds from the command line: what the runs leave unknown is about what the design foretold."""
    rng, grid, append = np.random.default_rng(0), tmp_path / "grid.csv", []
    sizes, data = (a.ravel() for a in np.meshgrid(np.geomspace(1e9, 2e10, 4), np.geomspace(1e10, 2e11, 4)))
    grid.write_text("N,D\n" + "\n".join(f"{N},{D}" for N, D in zip(sizes, data, strict=True)) + "\n")
    foretold, found = [], []
    for turn in range(3):
        folder, table = tmp_path / f"fit{turn}", tmp_path / f"next{turn}.csv"
        fitted = cli("fit", runs_csv, "--law", "chinchilla", "--noise", "gaussian", *append, "--out", folder, "--json")
        assert fitted.status == 0, fitted.err
        assert json.loads(fitted.out)["runs"]["used"] == 36 + 4 * turn
        asked = ("--candidates", grid, "--budget", "5e22", "--most", "4", "--target", "loss@C=1e25", "--noise", "2e-3")
        chosen = json.loads(cli("design", folder, *asked, "--runs", runs_csv, *append, "--out", table, "--json").out)
        assert chosen["spent"] <= 5e22
        found.append(chosen["sd"][0])
        foretold.append(chosen["sd"][-1])
        done(table, truth, rng)
        append += ["--append", table]
    assert found[2] < found[1] < found[0]
    np.testing.assert_allclose(found[1:], foretold[:-1], rtol=0.2)
    assert foretold[0] < 0.7 * found[0]
