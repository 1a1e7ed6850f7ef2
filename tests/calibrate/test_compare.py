"""Laws ranked by what they would have foreseen, with the criteria of information beside."""

import numpy as np
import pytest
from helpers import curves_of_budgets

import scalefit as sf
from scalefit.laws import Chinchilla, Kaplan


@pytest.fixture(scope="module")
def found(study):
    return sf.compare([Chinchilla, Kaplan], study)


def test_the_law_of_the_runs_foresees_best(found):
    assert list(found) == ["Chinchilla", "Kaplan"]
    best, other = found.laws
    assert best.behind == 0.0
    assert best.best > 0.9
    assert other.behind > 2 * other.behind_se > 0
    assert other.aic > best.aic + 10


def test_forecasts_are_those_of_a_backtest_of_each_law(found, tested):
    missed = np.abs(np.log(tested.observed / tested.law))
    by_origin = [missed[tested.origin == o].mean() for o in range(len(tested.reached))]
    np.testing.assert_allclose(found["Chinchilla"].error, np.mean(by_origin), rtol=1e-6)


def test_criteria_are_those_of_the_likelihood():
    """Of a normal: n log(2 π σ²) + n, by hand."""
    x = np.geomspace(1.0, 1e4, 12)
    loss = 2.0 * x**-0.1 * np.exp(0.01 * np.random.default_rng(0).standard_normal(12))
    runs = sf.Runs(loss, x=x)
    noise = sf.noise.Gaussian()
    one = sf.compare({"a": sf.laws.PowerLaw, "b": sf.laws.PowerLaw}, runs, noise=noise)["a"]
    square = np.mean(one.fit.residuals**2)
    likelihood = -6.0 * (np.log(2 * np.pi * square) + 1.0) - np.log(loss).sum()
    np.testing.assert_allclose(one.bic, 4 * np.log(12) - 2 * likelihood, rtol=1e-6)
    np.testing.assert_allclose(one.aic, 8 - 2 * likelihood + 2 * 4 * 5 / 7, rtol=1e-6)


def test_runs_that_do_not_reach_far_are_ranked_by_aic():
    some = curves_of_budgets(0).take(np.arange(12))
    found = sf.compare({"additive": Chinchilla, "Kaplan's": Kaplan}, some)
    assert found.origins == 0
    assert found.laws[0].aic <= found.laws[1].aic
    assert "so by AIC" in repr(found)


@pytest.mark.parametrize(
    "laws, said",
    [
        ([Chinchilla], "has 1"),
        ([Chinchilla, Chinchilla], "two of one name"),
        ([Chinchilla, 3], "the law int"),
        ("Chinchilla", "laws"),
    ],
)
def test_what_cannot_be_compared(study, laws, said):
    with pytest.raises(sf.InputError, match=said):
        sf.compare(laws, study)


def test_a_seed_is_a_whole_number(study):
    with pytest.raises(sf.InputError, match="seed is -1"):
        sf.compare([Chinchilla, Kaplan], study, seed=-1)
