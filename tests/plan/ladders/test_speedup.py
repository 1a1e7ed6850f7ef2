"""How much compute a recipe saves: the closed form, the interval, and ladders of which little is known."""

from typing import Any

import numpy as np
import pytest

import scalefit as sf
from scalefit.laws import Chinchilla, Frontier

FLOOR, A, ALPHA = 1.7, 900.0, 0.16
RUNGS = np.geomspace(1e18, 1e20, 5)


def loss(C):
    return FLOOR + A * np.asarray(C) ** -ALPHA


def ends(of: sf.Estimate) -> tuple[Any, Any]:
    assert of.low is not None
    assert of.high is not None
    return of.low, of.high


def ladder(scatter: float, seed: int = 0):
    off = scatter * np.random.default_rng(seed).standard_normal(len(RUNGS))
    return sf.fit(Frontier(E=FLOOR), sf.Runs(loss(RUNGS) * np.exp(off), C=RUNGS), fixed="E", noise=sf.noise.Gaussian())


def test_a_pinned_floor_leaves_the_interval_of_t_at_two_fewer_than_the_rungs():
    """A straight line in logarithms: the textbook's interval of a slope."""
    x = np.log(RUNGS)
    y = np.log(A) - ALPHA * x + 1e-3 * np.random.default_rng(0).standard_normal(5)
    fit = sf.fit(Frontier(E=0.0), sf.Runs(np.exp(y), C=RUNGS), fixed="E", noise=sf.noise.Gaussian())
    slope, at = np.polyfit(x, y, 1)
    left = np.sum((y - slope * x - at) ** 2) / 3
    error = np.sqrt(left / np.sum((x - x.mean()) ** 2))
    found: Any = sf.summary(fit, 0.9)["alpha"]
    np.testing.assert_allclose([found.value, found.se], [-slope, error], rtol=1e-5)
    assert found.spread is not None
    assert found.spread.freedom == 3.0
    np.testing.assert_allclose(found.high - found.value, 2.353363 * error, rtol=1e-4)


@pytest.mark.parametrize("times", [0.5, 1.0, 3.0])
def test_it_is_the_closed_form_of_a_pinned_law(times):
    C = np.array([3e19])
    found = sf.speedup(ladder(1e-6), sf.Runs(loss(times * C), C=C))
    np.testing.assert_allclose(found.factor.value, times, rtol=1e-3)
    low, high = ends(found.factor)
    assert low < times < high
    assert (found.gap > 0) == (found.factor.value > 1)


def test_its_interval_is_where_the_prediction_of_a_run_ends():
    fit, C = ladder(2e-3), np.array([3e19])
    runs = sf.Runs(loss(2.0 * C), C=C)
    found = sf.speedup(fit, runs, level=0.8)
    for factor, end in zip(ends(found.factor), ("low", "high"), strict=True):
        band = sf.predict(fit, C=factor * C, level=0.8, new_run=True)
        # At the lower factor the runs are at the lower end of what the ladder foresees there.
        np.testing.assert_allclose(getattr(band, end), runs.target, rtol=1e-6)
    at_chance = sf.speedup(fit, runs, level=2.0 * found.probability - 1.0)
    np.testing.assert_allclose(ends(at_chance.factor)[0], 1.0, rtol=1e-3)


def test_what_is_far_is_a_size_and_unknown_to_the_interval():
    """No factor of 0 is a size; and a discrepancy knows how laws go astray there."""
    fit = ladder(2e-3)
    assert "times above the range" in sf.speedup(fit, sf.Runs(loss([3e22]), C=[1e19])).notes[0]
    assert sf.speedup(fit, sf.Runs([30.0], C=[1e19])).notes == ()
    assert sf.speedup(sf.discrepancy(fit), sf.Runs(loss([3e22]), C=[1e19])).notes == ()


def test_more_runs_tell_more():
    fit, C = ladder(2e-3), np.full(4, 3e19)
    one, four = (sf.speedup(fit, sf.Runs(loss(2.0 * C[:k]), C=C[:k])) for k in (1, 4))
    np.testing.assert_allclose(one.factor.value, four.factor.value, rtol=1e-6)
    wide = [high / low for low, high in map(ends, (one.factor, four.factor))]
    assert wide[1] < wide[0]
    assert four.runs == 4


def test_draws_agree_with_first_order():
    fit, C = ladder(2e-3), np.array([3e19])
    runs = sf.Runs(loss(2.0 * C), C=C)
    weights = 1.0 + 0.3 * np.random.default_rng(1).standard_normal((400, 5))
    draws = sf.bootstrap(fit, weights=np.maximum(weights, 0.1))
    found = sf.speedup(draws, runs)
    np.testing.assert_allclose(found.factor.value, sf.speedup(fit, runs).factor.value)
    low, high = ends(found.factor)
    assert low < found.factor.value < high
    assert 0.5 < found.probability <= 1.0


def test_below_the_floor_nothing_is_enough():
    found = sf.speedup(ladder(2e-3), sf.Runs(np.array([FLOOR - 0.1]), C=np.array([1e19])))
    assert np.isinf(found.factor.value)
    assert np.isinf(ends(found.factor)[1])
    assert found.probability > 0.99


def test_sizes_grow_together_or_one_alone():
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7, 9, 24), 10 ** rng.uniform(9, 11, 24)
    law = Chinchilla(E=1.7, A=400.0, B=410.0, alpha=0.34, beta=0.28)
    clean = 1.7 + 400.0 * N**-0.34 + 410.0 * D**-0.28
    fit = sf.fit(Chinchilla, sf.Runs(clean * np.exp(1e-5 * rng.standard_normal(24)), N=N, D=D))
    n, d = np.array([5e8]), np.array([2e10])
    for along, at in ((None, (2.0 * n, 2.0 * d)), ("D", (n, 4.0 * d))):
        runs = sf.Runs(np.array([float(law(*(one[0] for one in at)))]), N=n, D=d)
        np.testing.assert_allclose(sf.speedup(fit, runs, along=along).factor.value, 4.0, rtol=0.01)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"runs": sf.Runs(np.array([2.0]), C=np.array([1e19]), target="bpb")}, "have the target 'bpb'"),
        ({"along": "N"}, "along is 'N'"),
        ({"level": 1.5}, "level is 1.5"),
        ({"runs": None}, "runs is None"),
        ({"ladder": 3}, "ladder is 3"),
        ({"along": 3}, "along is 3"),
        ({"runs": sf.Runs(np.array([-2.0]), C=np.array([1e19]))}, "loss of the runs is -2; expected values above 0"),
    ],
)
def test_what_is_no_comparison(change, said):
    runs = sf.Runs(np.array([2.0]), C=np.array([1e19]))
    with pytest.raises(sf.InputError, match=said):
        sf.speedup(**{"ladder": ladder(2e-3), "runs": runs, **change})
