"""The mixture of the stack and a law that may be right: its interval, and when the law is believed."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import curves_of_budgets

import scalefit as sf
from scalefit.calibrate._prior import prior_of_studies
from scalefit.calibrate._stack import Foreseen, Trust, stacked
from scalefit.laws import Chinchilla

NAMES = ("law", "coupled")
ROOT = Path(__file__).parents[2]


def at(log_value, error, right: float, T: float = 2.0):
    value, error = (np.array(rows, float)[:, None] for rows in (log_value, error))
    seen = Foreseen(value, error, np.full((2, 1), 0.005), np.array([T]), np.zeros(1))
    return stacked(prior_of_studies(), NAMES, seen, Trust.none(1, 2)._replace(right=np.array([right])))


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_the_interval_is_that_of_the_mixture(level):
    one, rng = at([1.0, 1.02], [0.003, 0.01], 0.6), np.random.default_rng(0)
    of_law = rng.random(200_000) < 0.6
    mean, variance = (np.where(of_law, a[0, 0], a[1, 0]) for a in (one.mean, one.run))
    runs = mean + np.sqrt(variance) * rng.standard_normal(len(of_law))
    assert np.mean(np.abs(runs - one.log_value) < one.half(level, True)) == pytest.approx(level, abs=0.005)
    parts = one.errors + one.between + one.beyond + one.noise
    np.testing.assert_allclose(parts, runs.var(), rtol=0.02)
    np.testing.assert_allclose(one.weight.sum(), 1.0)


def test_a_law_that_is_right_has_its_own_interval_and_a_wrong_one_that_of_the_stack():
    right, wrong = (at([1.0, 1.02], [0.003, 0.01], share) for share in (1.0, 0.0))
    np.testing.assert_allclose(right.log_value, 1.0)
    np.testing.assert_allclose(right.half(0.9, True), 1.6448536 * np.hypot(0.003, 0.005), rtol=1e-6)
    np.testing.assert_allclose(wrong.half(0.9, False), 1.6448536 * np.sqrt(wrong.curve[1]), rtol=1e-6)
    np.testing.assert_allclose(wrong.errors + wrong.between + wrong.beyond, wrong.curve[1])


def test_where_the_law_was_not_fitted_it_is_not_right():
    one = at([np.nan, 1.02], [np.nan, 0.01], 0.9)
    assert one.right[0] == 0.0
    np.testing.assert_allclose(one.log_value, 1.02)


@pytest.fixture(scope="module")
def studies() -> sf.Runs:
    """Six of a law that is right, and six whose runs leave it by a kink at the fourth of eight budgets."""
    runs = [curves_of_budgets(seed, budgets=8) for seed in range(12)]
    N, D = (np.concatenate([one.inputs[n] for one in runs]) for n in ("N", "D"))
    study, beyond = np.repeat(np.arange(12), len(runs[0])), np.maximum(np.log(6.0 * N * D / 2.7e19), 0.0)
    loss = np.concatenate([one.target for one in runs]) * np.exp(np.where(study >= 6, -0.015 * beyond, 0.0))
    return sf.Runs(loss, N=N, D=D).with_column("study", study)


def test_a_law_is_believed_after_backtests_that_it_withstood(studies):
    about = sf.discrepancy(sf.fit(Chinchilla, studies, by="study"))
    right = about.rolled.trust.right
    last = right[about.last]
    assert np.all(last[6:] < 0.01)
    assert np.median(last[:6]) > 0.7
    assert np.all(right[about.rolled.trust.checked < 2] == 0.0)
    one = sf.forecast(about, N=1e10, D=2e11)
    assert one.run.low is not None
    assert one.run.high is not None
    width = np.log(one.run.high / one.run.low)
    assert np.median(width[6:]) > 1.5 * np.median(width[:6])
    np.testing.assert_array_equal(one.right, last)
    believed = int(np.argmax(last))
    draws = about.draws(400, believed)
    assert np.mean(draws.right) == pytest.approx(last[believed], abs=0.1)
    single = dataclasses.replace(about.fit.at[believed])
    assert "the law is right with a probability" in repr(sf.forecast(single, N=1e10, D=2e11))


def test_pages_say_the_variance_and_the_widths_that_were_measured():
    prior, docs = prior_of_studies(), ROOT / "docs"
    k, q, h = prior.rate, prior.excess, prior.edge
    assert rf"({k:g}\,T)^2 + \left(\frac{{{q:g}\,x^4}}{{x^4 + {h:g}^4}}\right)^2" in (docs / "methods.md").read_text(
        "utf-8"
    )
    short = [f"{one:g}"[1:] for one in (k, q, h)]
    said = " ".join((docs / "forecasts.md").read_text("utf-8").split())
    assert "({} T)² + ({} x⁴/(x⁴ + {}⁴))²".format(*short) in said
    rows = json.loads((ROOT / "studies" / "results" / "forecasts.json").read_text("utf-8"))["rows"]
    width = {r["times the compute"]: r["width %"] for r in rows if (r["runs"], r["forecast"]) == ("frontier", "stack")}
    said = " ".join((docs / "why_wide.md").read_text("utf-8").split())
    assert f"{width['1.5-3']:.1f} % wide at 1.5 to 3 times" in said
    assert f"{width['30-100']:.1f} % at 30 to 100 times" in said
