"""`scalefit demo`: the main job on the bundled runs."""

import json

import scalefit as sf
from scalefit.cli._showcase import bundled, least_plan


def test_demo(cli, tmp_path):
    folder = tmp_path / "demo"
    answer = cli("demo", "--out", folder)
    assert (answer.status, answer.err) == (0, "")
    for piece in ("100 small networks", "800 runs", "± se", "starts agree", "Loss falls towards", "scalefit predict"):
        assert piece in answer.out
    assert {p.suffix for p in folder.iterdir()} == {".json", ".npz", ".png"}
    found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert len(found["verdict"]) == 3
    assert found["converged"] is True
    assert found["starts"]["agreeing"] >= 7
    draws = sf.load(folder)
    assert isinstance(draws, sf.Ensemble)
    assert cli("predict", folder, "N=100k", "D=1M").status == 0


def test_the_demo_fits_what_is_bundled():
    """Units apart, its runs are those of `data:bundled`, to the last digit."""
    runs = bundled()
    assert runs.fingerprint == sf.load_data("bundled").fingerprint
    assert runs.units["D"] == "samples"


def test_best_plan_of_the_verdict():
    """The closed form is where the slope along constant compute vanishes."""
    law = sf.laws.Chinchilla.published("epoch")
    size, data = least_plan(law, 1e21)
    assert abs(6 * size * data / 1e21 - 1) < 1e-12
    middle, below, above = (_loss(law, size * f, data / f) for f in (1.0, 0.99, 1.01))
    assert middle < min(below, above)


def _loss(law, size, data):
    return float(law.E) + float(law.A) * size ** -float(law.alpha) + float(law.B) * data ** -float(law.beta)
