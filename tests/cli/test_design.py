"""`scalefit design`: from a saved fit and a table of candidates to the runs to do next."""

import dataclasses
import json

import numpy as np
import pytest
from helpers import made_up_draws

import scalefit as sf
from scalefit.params import parameters
from scalefit.specs import law_class


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
    asked = ("--candidates", grid, "--budget", "4e21", "--goal", "loss@C=1e24", "--runs", runs_csv)
    answer = cli("design", folder, *asked, "--json", "--out", out)
    assert (answer.status, answer.err) == (0, "")
    found, fit = json.loads(answer.out), sf.load(folder)
    expected = sf.design_runs(
        getattr(fit, "fit", fit), grid, done=sf.read_runs(runs_csv), budget=4e21, target="loss@C=1e24"
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
    asked = ("--candidates", grid, "--budget", "1e22", "--goal", "loss@C=1e24", "--runs", runs_csv, "--json")
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
    asked = ("design", folder, "--candidates", grid, "--budget", "4e21", "--goal", "N@C=1e24")
    answer = cli(*asked, "--runs", table, *read, "--target", "nll", "--out", tmp_path / "next.csv")
    assert answer.status == 0
    assert (tmp_path / "next.csv").read_text().startswith("N,D,nll\n")
    assert "sd of log N@C=1e24 after" in answer.out
    assert "%" not in answer.out.rpartition("at a scatter of ")[2]
    other = cli(*asked, "--runs", table, "--columns", "N=size,D=seen", "--target", "nll")
    assert "these are other runs" in other.err
    assert "--where is of the runs" in cli(*asked, "--where", "N < 2e9").err


def test_runs_cost_what_is_said(cli, folder, grid, runs_csv):
    asked = ("--candidates", grid, "--budget", "1e21", "--goal", "loss@C=1e24", "--runs", runs_csv, "--json")
    dense, sparse = (json.loads(cli("design", folder, *asked, *more).out) for more in ((), ("--cost", "moe:0.1")))
    assert len(sparse["rows"]) > len(dense["rows"])
    np.testing.assert_allclose(sparse["cost"], 0.6 * np.multiply(sparse["runs"]["N"], sparse["runs"]["D"]))


def test_what_cannot_be_chosen_is_said(cli, folder, grid, runs_csv):
    few = cli("design", folder, "--candidates", grid, "--budget", "1", "--goal", "loss@C=1e24", "--runs", runs_csv)
    assert few.status == 2
    assert "--budget is 1; expected the cost of the cheapest candidate" in few.err
    word = cli("design", folder, "--candidates", grid, "--budget", "lots", "--goal", "loss@C=1e24")
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
        asked = ("--candidates", grid, "--budget", "5e22", "--most", "4", "--goal", "loss@C=1e25", "--scatter", "2e-3")
        chosen = json.loads(cli("design", folder, *asked, "--runs", runs_csv, *append, "--out", table, "--json").out)
        assert chosen["spent"] <= 5e22
        found.append(chosen["sd"][0])
        foretold.append(chosen["sd"][-1])
        done(table, truth, rng)
        append += ["--append", table]
        again = cli("design", folder, *asked, "--out", table)  # what was measured is not written over
        assert f"next{turn}.csv', which holds runs whose loss was filled in. Choose another file" in again.err
    assert found[2] < found[1] < found[0]
    np.testing.assert_allclose(found[1:], foretold[:-1], rtol=0.2)
    assert foretold[0] < 0.7 * found[0]


def test_before_anything_is_trained(cli, tmp_path):
    """A published law and a layout in words: the design is that of the library, and its table is to be filled in."""
    asked = ("--budget", "1e21", "--goal", "N@C=1e24", "--most", "3")
    layout = ("--candidates", "isoflop:1e18,1e20,levels=3,points=2", "--scatter", "0.01")
    answer = cli("design", "Chinchilla:EPOCH", *layout, *asked, "--json", "--out", tmp_path / "first.csv")
    assert (answer.status, answer.err) == (0, "")
    found = json.loads(answer.out)
    candidates = sf.design_template("isoflop", budgets=(1e18, 1e20), levels=3, points=2)
    law = sf.laws.Chinchilla.published("epoch")
    expected = sf.design_runs(law, candidates, budget=1e21, target="N@C=1e24", noise=0.01, most=3)
    assert found["rows"] == (expected.order + 1).tolist()
    assert expected.sd is not None
    np.testing.assert_allclose(found["sd"], expected.sd)
    assert (tmp_path / "first.csv").read_text().startswith("N,D,loss\n")
    assert "at a scatter of 1 %" in cli("design", "chinchilla:epoch", *layout, *asked).out


def test_a_result_of_ones_own_law(cli, grid, tmp_path):
    path, result = tmp_path / "own.py", tmp_path / "result"
    path.write_text("from scalefit.laws import Chinchilla\n\n\nclass Own(Chinchilla):\n    pass\n")
    own, draws = law_class(f"{path}:Own"), made_up_draws(50)
    one, many = (own(**{name: getattr(law, name) for name in parameters(law)}) for law in (draws.fit.law, draws.law))  # pyright: ignore[reportCallIssue]  whatever class it is of
    sf.save(dataclasses.replace(draws, law=many, fit=dataclasses.replace(draws.fit, law=one)), result)
    asked = ("design", result, "--candidates", grid, "--budget", "4e21", "--goal", "loss@N=1e11,D=1e12")
    assert "sd of loss@N=1e11,D=1e12 after" in cli(*asked, "--scatter", "0.01", "--own-law", f"{path}:Own").out
    assert "--own-law FILE.py:Class" in cli(*asked).err


@pytest.mark.parametrize(
    "fit, options, said",
    [
        ("nowhere", [], ["FIT is 'nowhere'", "no folder of that name", "chinchilla:epoch"]),
        ("some/where:new", ["--scatter", "0.01"], ["FIT is 'some/where:new'", "no folder of that name"]),
        ("chinchilla", ["--scatter", "0.01"], ["published parameters of Chinchilla, as chinchilla:"]),
        ("chinchilla:epok", ["--scatter", "0.01"], ["'chinchilla:epok'", "nearest is 'epoch'"]),
        ("chinchila:epoch", ["--scatter", "0.01"], ["FIT is 'chinchila'", "nearest is 'chinchilla'"]),
        ("sigmoid:epoch", ["--scatter", "0.01"], ["no published parameters of Sigmoid"]),
        ("chinchilla:epoch", [], ["'chinchilla:epoch', which does not say how runs scatter", "--scatter 0.01"]),
        ("chinchilla:epoch", ["--scatter", "0.01", "--own-law", "own.py:Own"], ["--own-law is of a saved result"]),
        ("chinchilla:epoch", ["--candidates", "isoflop"], ["--candidates is 'isoflop'", "isoflop:1e18,1e20"]),
        ("chinchilla:epoch", ["--candidates", "L:1e20,1e18"], ["the least and the largest compute", "L:1e18,1e20"]),
        ("chinchilla:epoch", ["--candidates", "ladder:1e18,1e20,level=3"], ["'level'", "nearest is 'levels'"]),
        ("chinchilla:epoch", ["--candidates", "ladder:1e18,1e20,levels=1"], ["levels is 1; expected", "of at least 2"]),
        (
            "chinchilla:epoch",
            ["--candidates", "isoflops:1e18,1e20"],
            ["--candidates is 'isoflops'", "nearest is 'isoflop'"],
        ),
        (
            "chinchilla:epoch",
            ["--candidates", "isoflop:1e18,1e20,levels=1e9"],
            ["levels is 1000000000; expected fewer, as they come to 7000000000 runs"],
        ),
        (
            "chinchilla:epoch",
            ["--candidates", "ladder:1e18,1e20,spread=3"],
            ["'spread'", "the layout ladder, 'levels' and 'ratio'"],
        ),
        (
            "chinchilla:epoch",
            ["--candidates", "L:1e18,1e20,points=3"],
            ["'points'", "the layout L, 'levels' and 'ratio'"],
        ),
        ("chinchilla:epoch", ["--scatter", "1%"], ["--scatter is '1%'", "0.01 for 1 %"]),
        ("chinchilla:epoch", ["--scatter", "0.01", "--goal", "N@C=1e24,C=1e20"], ["expected C once"]),
    ],
)
def test_what_is_no_result_nor_law_nor_layout(cli, fit, options, said):
    usual = [] if "--candidates" in options else ["--candidates", "isoflop:1e18,1e20"]
    answer = cli("design", fit, *usual, "--budget", "1e21", "--goal", "N@C=1e24", *options)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    for piece in said:
        assert piece in answer.err, answer.err


ASKED = ("--budget", "1e21", "--goal", "N@C=1e24", "--most", "1")
BEFORE = ("design", "chinchilla:epoch", "--scatter", "0.01", *ASKED)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"N,D,Loss\n1,2,3\n", "no table of N, D, loss"),
        (b"N,D,final_nll\n1,2,3\n", "no table of N, D, loss"),
        (b"N,D\n1e9,1e11\n", "no table of N, D, loss"),
        (b"N,D,loss,note\n1e9,1e11,,mine\n", "no table of N, D, loss"),
        (b"my notes\n", "no table of N, D, loss"),
        (b"\xff\x00\xfe", "no table of N, D, loss"),
        (b"", "no table of N, D, loss"),
        (b"N,D,loss\n1e9,1e11,2.5\n1e9,1e11,\n", "loss was filled in"),
        (b"N,D,loss\n1e9,1e11,diverged\n", "loss was filled in"),
        (b"N,D,loss\n1e9,1e11,,2.5\n", "loss was filled in"),
        (b"N,D,loss,se\n1e9,1e11,,0.1\n", "loss was filled in"),
    ],
)
def test_what_is_no_table_of_runs_to_do_is_not_written_over(cli, grid, tmp_path, content, said):
    out = tmp_path / "next.csv"
    out.write_bytes(content)
    answer = cli(*BEFORE, "--candidates", grid, "--out", out)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
    assert out.read_bytes() == content


def test_a_table_of_runs_to_do_is_written_over_and_through_a_link(cli, grid, tmp_path):
    out, link = tmp_path / "next.csv", tmp_path / "link.csv"
    out.write_text("N,D,loss,se\n1e9,1e11,,\n")
    link.symlink_to(out)
    assert f"written to {link}" in cli(*BEFORE, "--candidates", grid, "--out", link).out
    assert link.is_symlink()
    assert out.read_text().startswith("N,D,loss\n")


@pytest.mark.parametrize("option", ["--candidates", "--runs", "--append"])
def test_a_table_that_is_read_is_not_written_over(cli, grid, runs_csv, tmp_path, option):
    """Even where it is one of runs to do, or by another name."""
    empty, link = tmp_path / "empty.csv", tmp_path / "link.csv"
    empty.write_text("N,D,loss\n1e9,1e11,\n")
    link.symlink_to(empty)
    given = {"--candidates": grid, "--runs": runs_csv, option: link}
    answer = cli(*BEFORE, *(piece for pair in given.items() for piece in pair), "--out", empty)
    assert f"empty.csv', the table of {option}, which is read" in answer.err
    assert empty.read_text() == "N,D,loss\n1e9,1e11,\n"


def test_runs_done_that_lack_an_input_are_counted(cli, grid, tmp_path):
    table = tmp_path / "gaps.csv"
    table.write_text("N,D,loss\n,1e10,3.1\n1e9,1e10,2.9\n2e9,4e10,2.6\n4e9,,2.5\n")
    asked = (*BEFORE, "--candidates", grid, "--runs", table)
    said = cli(*asked).out
    assert said.startswith("2 runs of gaps.csv, 2 dropped\n  row 1: N is missing\n  row 4: D is missing\n")
    assert "\n1 run, " in said
    done = json.loads(cli(*asked, "--json").out)["done"]
    assert (done["used"], done["excluded"]) == (2, 0)
    assert done["dropped"][0] == {"row": 1, "reason": "N is missing"}
    assert json.loads(cli(*BEFORE, "--candidates", grid, "--json").out)["done"] is None
