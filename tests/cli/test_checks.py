"""What checks find is in the document of every command, is shown to people in a line, and refuses where it is grave."""

import json

import numpy as np
import pytest

import scalefit as sf
from scalefit._core import Finding
from scalefit.cli._checks import Checks


@pytest.fixture(scope="module")
def folder(cli, table, tmp_path_factory):
    """A fit of runs of which one lies far from the law."""
    lines = table().splitlines()
    *sizes, loss = lines[8].split(",")
    lines[8] = ",".join([*sizes, repr(1.2 * float(loss))])
    folder = tmp_path_factory.mktemp("checks")
    (folder / "runs.csv").write_text("\n".join(lines), encoding="utf-8")
    arguments = ("--law", "chinchilla", "--noise", "student-t:4", "--out", folder / "fit")
    answer = cli("fit", folder / "runs.csv", *arguments, "--json")
    assert [(one["check"], one["rows"]) for one in json.loads(answer.out)["checks"]] == [("outliers", [8])]
    return folder / "fit"


@pytest.mark.parametrize(
    ("command", "own"),
    [
        (("predict", "N=1T", "D=20B"), "target-distance"),
        (("plan", "--budget", "1e27"), "target-distance"),
        (("design", "--candidates", "ladder:1e25,1e26", "--budget", "1e28", "--criterion", "D"), "target-distance"),
    ],
)
def test_a_command_has_what_the_fit_says_and_what_it_finds_itself(cli, folder, command, own):
    verb, *words = command
    found = json.loads(cli(verb, folder, *words, "--json").out)
    assert {"outliers", own} <= {one["check"] for one in found["checks"]}
    said = cli(verb, folder, *words)
    assert f"warning: {own}: " in said.out
    assert "The fit itself has warnings of outliers (--json has them)." in said.out
    assert said.err == ""  # and not once more


def test_what_was_allowed_once_is_allowed_again_by_name(cli, table, tmp_path):
    rows = [line.split(",") for line in table().splitlines()]
    rows[1:] = [[repr(float(N) / 1e9), D, loss] for N, D, loss in rows[1:]]
    (tmp_path / "runs.csv").write_text("\n".join(map(",".join, rows)), encoding="utf-8")
    fit = ("fit", tmp_path / "runs.csv", "--law", "chinchilla", "--noise", "gaussian", "--out", tmp_path / "fit")
    assert cli(*fit, "--allow", "units").status == 0
    refused = cli("predict", tmp_path / "fit", "N=1", "D=20B")
    assert refused.status == 2
    assert "cannot be used as it stands: N is 0.05 to 5, and no model has so few parameters" in refused.err
    assert "--allow units" in refused.err
    assert cli("predict", tmp_path / "fit", "N=1", "D=20B", "--allow", "units").status == 0


def test_a_finding_of_words_alone_is_a_document_too():
    checks = Checks()
    checks.hear(Finding("range", "note", "N has 3 values"))
    checks.hear(Finding("range", "note", "N has 3 values"))
    (one,) = json.loads(json.dumps(checks.document()))
    assert (one["check"], one["numbers"], one["rows"]) == ("range", {}, [])


def test_sources_of_a_sweep_are_refused_unless_allowed():
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(0.5, 50.0, 6), np.geomspace(1e9, 1e11, 6)))
    runs = sf.Runs(1.7 + 0.4 * N**-0.34 + 2000.0 * D**-0.37, N=N, D=D)
    job = {"sources": [{"runs": runs, "name": "runs"}], "laws": ["chinchilla"]}
    with pytest.raises(sf.InputError, match=r"no model has so few parameters.*allow='units'"):
        sf.outline(job, trial=False)
    assert sf.outline({**job, "allow": ["units"]}, trial=False).fits == 1
