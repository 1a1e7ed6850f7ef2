"""Intervals of a fit by itself: to first order, by Student's t of the degrees of freedom that the runs leave."""

from typing import Any

import numpy as np
import pytest

import scalefit as sf
from scalefit.results import spread

BUDGET = (1e18, 3e18, 1e19, 3e19, 1e20, 3e20)
BPB = (1.0658, 1.0122, 0.9541, 0.9123, 0.8665, 0.8289)
"""Optima of six budgets as a user brought them."""
LAW = sf.laws.Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.31)


def predict(fit, **options) -> Any:
    return sf.predict(fit, **options)


def summary(fit, level=0.95) -> Any:
    return sf.summary(fit, level)


def loss_of(N, D):
    return LAW.E + LAW.A * N**-LAW.alpha + LAW.B * D**-LAW.beta


def power_law(x, y, noise, **held):
    runs = sf.Runs(np.asarray(y, float), x=np.asarray(x, float))
    return sf.fit(sf.laws.PowerLaw(**held), runs, noise=noise, fixed=tuple(held))


def test_a_prediction_has_the_interval_of_the_delta_method():
    """Computed apart: the delta method by SciPy's least squares; the profile's ends are .7839 and .8007."""
    found = predict(power_law(BUDGET, BPB, sf.noise.Gaussian(log=False)), x=[1e21, 1e23])
    assert found.se == pytest.approx([0.0026317109, 0.0095754493], rel=1e-6)
    assert found.low == pytest.approx([0.7840776, 0.6518996], rel=1e-6)
    assert found.high == pytest.approx([0.8008282, 0.7128463], rel=1e-6)


def test_two_degrees_of_freedom_are_students():
    """A slope of four points by linear regression of logarithms: 1.8485 ± .198, 95 % from .996 to 2.701."""
    fit = power_law([512, 768, 1024, 1280], [0.40, 0.22, 0.10, 0.08], sf.noise.Gaussian(), E=0.0)
    slope = summary(fit)["alpha"]
    assert (float(slope.value), float(slope.se)) == pytest.approx((1.84851, 0.198), rel=2e-3)
    assert (float(slope.low), float(slope.high)) == pytest.approx((0.996, 2.701), abs=1e-3)


def test_runs_that_leave_no_freedom_have_no_interval():
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7, 9, 5), 10 ** rng.uniform(9, 11, 5)
    fit = sf.fit(sf.laws.Chinchilla, sf.Runs(loss_of(N, D), N=N, D=D), noise=sf.noise.Gaussian())
    assert predict(fit, N=1e8, D=1e10).low is None
    assert all(one.low is None for one in summary(fit).values())


def test_what_the_runs_do_not_inform_has_no_end():
    """Four corners and two sizes of like place inside: to first order five numbers are four, and one is left open."""
    N = np.array([1e7, 1e7, 10**7.8, 10**8.2, 1e9, 1e9])
    D = np.array([1e9, 10**10.5, 10**9.6, 10**9.9, 1e9, 10**10.5])
    loss = loss_of(N, D) * np.exp(0.001 * np.random.default_rng(0).standard_normal(6))
    fit = sf.fit(sf.laws.Chinchilla, sf.Runs(loss, N=N, D=D), noise=sf.noise.Gaussian(), throw=False)
    told = summary(fit)
    assert [name for name, one in told.items() if one.unbounded] == ["A", "B", "alpha", "beta"]
    assert 1.6 < float(told["E"].low) < float(told["E"].high) < 1.8
    inside = predict(fit, N=N, D=D)
    assert inside.high is not None
    assert (inside.high < 1.05 * inside.value).all()
    # Draws show there how far a search strays, and have no ends where the fit has none.
    ahead = predict(sf.jackknife(fit, num=20), N=[*N[:2], 1e12], D=[*D[:2], 1e12])
    assert ahead.unbounded.tolist() == ahead.at_level(0.5).unbounded.tolist() == [False, False, True]
    assert ahead.se is not None
    assert np.isnan(ahead.se).tolist() == [False, False, True]


def test_another_level_and_a_new_run_widen_the_interval():
    fit = power_law(BUDGET, BPB, sf.noise.Gaussian(log=False))
    curve, run = predict(fit, x=1e21), predict(fit, x=1e21, new_run=True)
    assert predict(fit, x=1e21, level=0.5).low == pytest.approx(float(curve.at_level(0.5).low), rel=1e-12)
    assert run.high > curve.high
    assert run.at_level(0.5).high < run.high


def studies(left, errors, count=300):
    """Runs of so many studies, with so many degrees of freedom left, and what is true of the law at ten times them."""
    rng, runs = np.random.default_rng([left, len(errors)]), left + 5
    N = np.exp(rng.uniform(np.log(5e7), np.log(5e9), (count, runs)))
    D = np.exp(rng.uniform(np.log(1e9), np.log(1e11), (count, runs)))
    off = rng.standard_normal(N.shape) if errors == "normal" else rng.standard_t(4, N.shape)
    loss = loss_of(N, D) * np.exp(0.005 * off)
    table = sf.Runs(loss.ravel(), N=N.ravel(), D=D.ravel(), study=np.repeat(np.arange(count), runs))
    return table, {"N": 1.6e10, "D": 3.2e11}


@pytest.mark.parametrize("errors", ["normal", "students"])
@pytest.mark.parametrize("left", [3, 20])
def test_default_intervals_hold_what_is_true(left, errors):
    table, ahead = studies(left, errors)
    fits = sf.fit(sf.laws.Chinchilla, table, by="study", noise=sf.noise.StudentT(4), num_starts=2, throw=False)
    at = predict(fits, level=0.9, **ahead)
    true = float(loss_of(**ahead))
    assert 0.84 <= np.mean((at.low <= true) & (true <= at.high)) <= 0.96
    alpha = [one["alpha"] for one in summary(fits, 0.9).values()]
    assert 0.84 <= np.mean([one.low is not None and one.low <= 0.34 <= one.high for one in alpha]) <= 0.96


def test_trainings_count_once_in_each_study_of_a_batch():
    """A study by itself has the errors that it has in a batch, where another is longer and its rows are trainings."""
    table, _ = studies(20, "normal", count=2)
    code = np.where(np.arange(50) < 25, np.arange(50) // 2, np.arange(50))
    keep = np.arange(50) != 24
    runs = sf.Runs(
        table.target[keep], N=table.inputs["N"][keep], D=table.inputs["D"][keep], run=code[keep],
        group=np.repeat(["together", "apart"], 25)[keep],
    )  # fmt: skip
    both = sf.fit(sf.laws.Chinchilla, runs, by="group", noise=sf.noise.Gaussian(), num_starts=4)
    found = spread(both)
    assert dict(zip(both.keys or (), found.units.tolist(), strict=True)) == {"together": 12, "apart": 25}
    for s, key in enumerate(both.keys or ()):
        alone = spread(both[key])
        np.testing.assert_allclose(alone.covariance[0], found.covariance[s], rtol=1e-9)
