"""`scalefit demo`: the main job on the bundled runs."""

import json
import os
import subprocess
import sys
import time

import pytest

import scalefit as sf
from scalefit.cli._showcase import least_plan

MOST_SECONDS = 50.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The command as a user gives it the first time, nothing compiled before; its folder, and what it took."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    command = [sys.executable, "-m", "scalefit.cli", "demo", "--out", str(folder)]
    begun = time.perf_counter()
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, "SCALEFIT_CACHE": "off", "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return done, folder, time.perf_counter() - begun


def test_demo_is_quick(demo):
    assert demo[2] < MOST_SECONDS


def test_demo(cli, demo):
    answer, folder, _ = demo
    assert (answer.returncode, answer.stderr) == (0, "")
    for piece in ("100 small networks", "800 runs", "± se", "starts agree", "Loss falls towards", "scalefit predict"):
        assert piece in answer.stdout
    assert {p.suffix for p in folder.iterdir()} == {".json", ".npz", ".png"}
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


def test_best_plan_of_the_verdict():
    """The closed form is where the slope along constant compute vanishes."""
    law = sf.laws.Chinchilla.published("epoch")
    size, data = least_plan(law, 1e21)
    assert abs(6 * size * data / 1e21 - 1) < 1e-12
    middle, below, above = (_loss(law, size * f, data / f) for f in (1.0, 0.99, 1.01))
    assert middle < min(below, above)


def _loss(law, size, data):
    return float(law.E) + float(law.A) * size ** -float(law.alpha) + float(law.B) * data ** -float(law.beta)
