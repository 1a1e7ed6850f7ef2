"""`scalefit check`: a table before anything is fitted, and what `scalefit fit` refuses."""

import json

import numpy as np
import pytest


def table(tmp_path, **changed):
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(2e7, 5e9, 6), np.geomspace(1e9, 2e11, 5)))
    rng = np.random.default_rng(0)
    loss = (1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37) * np.exp(3e-3 * rng.standard_normal(N.size))
    columns = {"params": N, "tokens": D, "loss": loss, **changed}
    rows = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_a_good_table_passes_and_is_told_of(cli, tmp_path):
    done = cli("check", str(table(tmp_path)))
    assert done.status == 0
    assert "30 rows" in done.out
    assert "chinchilla" in done.out
    assert "next, to know the law best: N = " in done.out
    assert "laws: the runs tell" in done.out
    assert "missing: U (unique tokens), which data-constrained, lovelace would need" in done.out
    assert "warning" not in done.out


def test_the_document_has_every_check(cli, tmp_path):
    done = cli("check", str(table(tmp_path, state=["finished"] * 29 + ["failed"])), "--json")
    found = json.loads(done.out)
    (one,) = (one for one in found["checks"] if one["check"] == "bad-rows")
    assert one["rows"] == [30]
    assert {"chinchilla", "kaplan"} <= {one["law"] for one in found["laws"]}
    assert len(found["next"]) == 3
    assert "units" in found["passed"]
    assert "seeds" in found["skipped"]


@pytest.mark.parametrize(("fail_on", "status"), [("error", 0), ("warning", 4), ("never", 0)])
def test_the_status_is_by_severity(cli, tmp_path, fail_on, status):
    path = table(tmp_path, state=["finished"] * 29 + ["failed"])
    assert cli("check", str(path), "--fail-on", fail_on).status == status


def test_what_no_model_has_is_refused_unless_allowed(cli, tmp_path):
    path = table(tmp_path, params=np.tile(np.geomspace(0.5, 70.0, 6), 5) * 2)
    assert cli("check", str(path)).status == 4
    refused = cli("fit", str(path), "--law", "chinchilla")
    assert refused.status == 2
    assert "no model has so few parameters" in refused.err
    assert "--allow units" in refused.err
    assert cli("fit", str(path), "--law", "chinchilla", "--allow", "units").status in (0, 3)
    assert "--allow" in cli("fit", str(path), "--law", "chinchilla", "--allow", "unit").err


def test_a_table_that_no_law_takes_is_told_of_all_the_same(cli, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("width,loss\n1,2.0\n2,1.9\n", encoding="utf-8")
    done = cli("check", str(path))
    assert done.status == 0
    assert "no law was named" in done.out


@pytest.mark.parametrize(
    ("changed", "status", "says"),
    [
        ({"loss": [-1.0] * 30}, 4, "error: loss-kind: loss is below 0 in every row"),
        ({"loss": [2.0] * 30}, 4, "error: convergence: chinchilla cannot be fitted: 'runs.csv' has the same loss (2)"),
        ({"params": [0] * 30}, 4, "error: units: N is 0 in every row. Give the column that counts parameters."),
        ({"params": [1e7], "tokens": [1e9], "loss": [3.0]}, 4, "'runs.csv' has 1 run; expected as many as Chinchilla"),
        ({"params": ["params"], "tokens": ["tokens"], "loss": ["loss"]}, 2, "'loss' in row 1 is the header again"),
        ({"loss": ["n/a"] * 30}, 2, "No row of 'runs.csv' is left"),
    ],
)
def test_a_table_that_cannot_be_fitted_is_an_error_in_one_sentence(cli, tmp_path, changed, status, says):
    done = cli("check", str(table(tmp_path, **changed)))
    assert done.status == status
    assert says in " ".join((done.out + done.err).split())
    assert "Traceback" not in done.err


def test_a_law_that_nobody_knows_is_no_fault_of_the_table(cli, tmp_path):
    assert cli("check", str(table(tmp_path)), "--law", "chinchila").status == 2
