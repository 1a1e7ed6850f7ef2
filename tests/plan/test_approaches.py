"""Three approaches to the compute-optimal size: what each finds of a surface that is known."""

import numpy as np
import pytest

import scalefit as sf
from scalefit.laws import Chinchilla, PowerLaw
from scalefit.plan._optimum import best_sizes

SYMMETRIC = Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.31, beta=0.31)
ASYMMETRIC = Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.465, beta=0.155)
# N* of the parabola over the true one, on sizes spaced evenly within a factor of the best one either way.
BIAS = {2.0: 1.02, 4.0: 1.07, 8.0: 1.17, 16.0: 1.31}


def exact(law, C):
    ratio = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    return ratio * (C / 6) ** (law.beta / (law.alpha + law.beta))


def value(law, N, D):
    return law.E + law.A * N**-law.alpha + law.B * D**-law.beta


def isoflop_runs(law, factor):
    """Six budgets without noise, nine sizes each."""
    C = np.geomspace(1e18, 1e21, 6)[:, None]
    N = exact(law, C) * np.geomspace(1 / factor, factor, 9)
    N, C = N.ravel(), np.broadcast_to(C, N.shape).ravel()
    return sf.Runs(value(law, N, C / 6 / N), N=N, D=C / 6 / N, C=C, name="made up")


def training_curves(law, noise=0.0, sizes=24):
    """Checkpoints of trainings whose best size lies within; each training is off by so much."""
    N, passed = np.meshgrid(np.geomspace(1e7, 1e10, sizes), np.geomspace(0.05, 20.0, 12), indexing="ij")
    off = noise * np.random.default_rng(0).standard_normal((sizes, 1))
    loss = value(law, N, passed * N) * np.exp(off)
    run = np.broadcast_to(np.arange(sizes)[:, None], N.shape)
    return sf.Runs(loss.ravel(), N=N.ravel(), D=(passed * N).ravel(), run=run.ravel(), name="made up")


@pytest.mark.parametrize("law", [SYMMETRIC, ASYMMETRIC], ids=["symmetric", "3:1"])
def test_the_surface_recovers_the_optima_of_noise_free_runs(law):
    fitted = sf.fit(Chinchilla, isoflop_runs(law, 4.0)).law
    C = np.array([1e18, 1e21, 1e24])
    found = np.exp(best_sizes(Chinchilla(*([getattr(fitted, k)] for k in ("E", "A", "B", "alpha", "beta"))), C)[0])
    np.testing.assert_allclose(found, exact(law, C), rtol=1e-8)


@pytest.mark.filterwarnings("ignore:'made up'. the sizes of")
@pytest.mark.parametrize("factor", BIAS)
def test_the_parabola_finds_the_optima_of_a_symmetric_surface_and_not_of_a_3_to_1_one(factor):
    fine, biased = (
        sf.isoflop(isoflop_runs(law, factor), method="parabola", noise=0.0) for law in (SYMMETRIC, ASYMMETRIC)
    )
    np.testing.assert_allclose(fine.N, exact(SYMMETRIC, fine.C), rtol=2e-3)
    np.testing.assert_allclose(biased.N / exact(ASYMMETRIC, biased.C), BIAS[factor], atol=0.03)


def test_a_law_without_a_best_size_within_reach_has_none():
    lonely = Chinchilla(E=np.ones(1), A=np.ones(1), B=np.zeros(1), alpha=np.ones(1), beta=np.ones(1))
    assert np.isnan(best_sizes(lonely, np.array([1e20]))).all()


def test_the_envelope_follows_the_best_size():
    found = sf.envelope(training_curves(SYMMETRIC), num=50)
    assert float(found.trend_N.exponent) == pytest.approx(0.5, abs=0.01)
    assert float(found.trend_D.exponent) == pytest.approx(0.5, abs=0.01)
    there = np.isfinite(found.N)
    np.testing.assert_allclose(found.N[there], exact(SYMMETRIC, found.C[there]), rtol=0.25)
    assert not there[0]
    assert not there[-1]
    assert (np.diff(found.loss[there]) < 0).all()


@pytest.fixture(scope="module")
def three():
    with pytest.warns(UserWarning, match="budgets have no optimum"):
        return sf.approaches(training_curves(SYMMETRIC, noise=2e-3), method="spline", num=60)


def test_three_approaches_stand_side_by_side(three):
    assert list(three.trends) == ["envelope", "isoflop", "surface"]
    assert three.left_out == {}
    a = [float(found.exponent) for found in three.trends.values()]
    assert a == pytest.approx([0.5] * 3, abs=0.05)
    assert three.between == pytest.approx(np.std(a, ddof=1))


def test_the_joint_interval_holds_every_approach(three):
    whole = three.exponent(0.999)
    for found in three.trends.values():
        assert whole.low <= float(found.exponent) <= whole.high
    narrow = three.exponent(0.5)
    assert whole.low < narrow.low < narrow.high < whole.high


def test_runs_without_checkpoints_have_two_approaches():
    runs = isoflop_runs(SYMMETRIC, 4.0)
    with pytest.raises(sf.InputError, match="no training with two checkpoints"):
        sf.envelope(runs)
    found = sf.approaches(runs, num=20)
    assert list(found.trends) == ["isoflop", "surface"]
    assert found.left_out == {"envelope": "no training has two checkpoints"}
    assert float(found.trends["surface"].exponent) == pytest.approx(0.5, abs=1e-8)


def test_a_law_of_other_inputs_is_refused():
    with pytest.raises(sf.InputError, match="PowerLaw is a law of x; a best size at a compute needs one of N and D"):
        sf.approaches(isoflop_runs(SYMMETRIC, 4.0), law=PowerLaw)
