"""The mixture of the stack and a law that may be right: its interval, and when the law is believed."""

import dataclasses
import json
import re
from pathlib import Path
from statistics import NormalDist

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
    assert np.mean(np.abs(runs - one.log_value) < one.spread(True).half(level)) == pytest.approx(level, abs=0.005)
    np.testing.assert_allclose(one.spread(True).below(np.exp(1.01)), np.mean(runs < 1.01), atol=0.004)
    drawn = one.spread(True).sampled(np.exp(one.log_value), (100_000, 1), rng)
    np.testing.assert_allclose(np.quantile(drawn, [0.05, 0.5]), np.exp(np.quantile(runs, [0.05, 0.5])), rtol=3e-4)
    np.testing.assert_allclose(one.spread(True).error, np.exp(one.log_value) * runs.std(), rtol=0.01)
    parts = one.errors + one.between + one.beyond + one.noise
    np.testing.assert_allclose(parts, runs.var(), rtol=0.02)
    np.testing.assert_allclose(one.weight.sum(), 1.0)


def test_a_law_that_is_right_has_its_own_interval_and_a_wrong_one_that_of_the_stack():
    right, wrong = (at([1.0, 1.02], [0.003, 0.01], share) for share in (1.0, 0.0))
    np.testing.assert_allclose(right.log_value, 1.0)
    np.testing.assert_allclose(right.spread(True).half(0.9), 1.6448536 * np.hypot(0.003, 0.005), rtol=1e-6)
    np.testing.assert_allclose(wrong.spread(False).half(0.9), 1.6448536 * np.sqrt(wrong.curve[1]), rtol=1e-6)
    np.testing.assert_allclose(wrong.errors + wrong.between + wrong.beyond, wrong.curve[1])


def test_where_the_law_was_not_fitted_it_is_not_right():
    one = at([np.nan, 1.02], [np.nan, 0.01], 0.9)
    assert one.right[0] == 0.0
    np.testing.assert_allclose(one.log_value, 1.02)


@pytest.fixture(scope="module")
def about() -> sf.Discrepancy:
    """Six of a law that is right, and six whose runs leave it by a kink at the fourth of eight budgets."""
    runs = [curves_of_budgets(seed, budgets=8) for seed in range(12)]
    N, D = (np.concatenate([one.inputs[n] for one in runs]) for n in ("N", "D"))
    study, beyond = np.repeat(np.arange(12), len(runs[0])), np.maximum(np.log(6.0 * N * D / 2.7e19), 0.0)
    loss = np.concatenate([one.target for one in runs]) * np.exp(np.where(study >= 6, -0.015 * beyond, 0.0))
    return sf.discrepancy(sf.fit(Chinchilla, sf.Runs(loss, N=N, D=D).with_column("study", study), by="study"))


@pytest.mark.parametrize("level", [0.5, 0.99])
def test_another_level_is_that_of_the_mixture(about, level):
    """Where the law may be right intervals of other levels are not those of one normal."""
    tested, told = (sf.backtest(about.fit, level=L) for L in (0.9, level))
    assert np.any((tested.spread.share > 0.1) & (tested.spread.share < 0.9))
    for end in ("low", "high", "covered", "score"):
        np.testing.assert_array_equal(getattr(tested.at_level(level), end), getattr(told, end))
    one, other = (sf.forecast(about, N=[1e10, 2e10], D=2e11, level=L) for L in (0.9, level))
    assert np.any((one.right > 0.1) & (one.right < 0.9))
    for kind in ("run", "curve"):
        then, now = getattr(one, kind).at_level(level), getattr(other, kind)
        np.testing.assert_array_equal([then.low, then.high, then.se], [now.low, now.high, now.se])
        np.testing.assert_array_equal(then[3, 1].at_level(0.9).low, getattr(one, kind).low[3, 1])


def test_a_law_is_believed_after_backtests_that_it_withstood(about):
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
    page = " ".join((docs / "forecasts.md").read_text("utf-8").split())
    short = [f"{one:g}"[1:] for one in (k, q, h)]
    assert "({} T)² + ({} x⁴/(x⁴ + {}⁴))²".format(*short) in page
    found = json.loads((ROOT / "studies" / "results" / "forecasts.json").read_text("utf-8"))

    def column(runs, forecast, name):
        return {
            r["times the compute"]: r[name] for r in found["rows"] if (r["runs"], r["forecast"]) == (runs, forecast)
        }

    def ratio(runs, name):
        stack, law = (np.array([*column(runs, forecast, name).values()]) for forecast in ("stack", "law alone"))
        return stack / law

    def listed(numbers, form=".2f"):
        *first, last = (f"{one:{form}}".removeprefix("0") for one in numbers)
        return f"{', '.join(first)} and {last}"

    near, off, score = "frontier", "off it", "interval score %"
    assert f"errors are {listed(ratio(near, 'error %'))} times those of the law alone" in page
    assert f"interval scores {listed(ratio(near, score))} times" in page
    first, *others = ratio(off, score)
    assert f"scores are {first:.2f} times the law's own".replace(" 0", " ") in page
    assert f"and {listed(others)} times beyond" in page
    assert f"hold {listed(column(off, 'stack', 'holds %').values(), '.0f')} %. Misses" in page
    for runs, of in (("90", ["law right, 90, 0.5 %"]), ("48", ["law right, 48, 0.5 %", "law right, 48, 0.2 %"])):
        wide = np.concatenate([ratio(one, "width %") for one in of])
        held = [one for name in of for one in column(name, "stack", "holds %").values()]
        ends = f"{wide.min():.2f} to {wide.max():.2f} times".removeprefix("0")
        assert re.search(rf"{ends}( as wide)? .*{runs} runs|{runs} runs {ends}", page)
        assert f"hold {min(held):.0f} to {max(held):.0f} %" in page
    # Of normal scatter, an interval of 90 % scores 40 times the density at its end.
    mean, own = column(off, "stack", "error %")["1.5-3"], column(off, "law alone", score)["1.5-3"]
    known = 40.0 * NormalDist().pdf(1.6448536) * np.sqrt(np.pi / 2.0) * mean / own
    assert f"a score of {known:.2f} would come".replace(" 0", " ") in page
    notes = "; ".join(found["notes"])
    assert "missed by family, %" in notes
    assert ("farseer 0.3" in notes, "porian 2.4" in notes) == (True, True)
    assert "1.5-3 0.87, holds" in notes
    assert "3-10 0.59, holds" in notes
    assert "30-100 0.28, holds 87 %" in notes
    width = column(near, "stack", "width %")
    said = " ".join((docs / "why_wide.md").read_text("utf-8").split())
    assert f"{width['1.5-3']:.1f} % wide at 1.5 to 3 times" in said
    assert f"{width['30-100']:.1f} % at 30 to 100 times" in said
