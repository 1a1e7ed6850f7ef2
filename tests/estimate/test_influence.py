"""What one run does to a forecast: exactly, by refits, and to first order, by derivatives of the optimum."""

import jax.numpy as jnp
import numpy as np
import pytest

import scalefit as sf
from scalefit.estimate import _influence

NOISES = {"gaussian": sf.noise.Gaussian(), "student": sf.noise.StudentT(5.0)}
STEP, SHARE = 1e-4, 0.02
"""By how much a loss and a weight are moved: enough that refits show it beyond their tolerance."""


def forecast(law):
    return law(N=7e10, D=1.4e12)


@pytest.fixture(scope="module", params=list(NOISES))
def smooth(request, runs):
    return sf.fit(sf.laws.Chinchilla, runs, noise=NOISES[request.param])


def test_influence_is_the_change_on_leaving_a_run_out(fit, runs):
    found = sf.influence(fit, of=forecast)
    assert found.converged.all()
    for i in (0, 17, 63):
        alone = sf.fit(sf.laws.Chinchilla, runs.take(np.arange(64) != i), noise=sf.noise.Gaussian())
        change = sf.predict(alone, N=7e10, D=1.4e12).value - found.value
        assert found.change[i] == pytest.approx(float(change), rel=1e-5)


def test_runs_of_one_cluster_leave_together(fit, runs):
    """Two runs share each seed of these."""
    found = sf.influence(fit, of=forecast, cluster="seed")
    np.testing.assert_array_equal(found.change[::2], found.change[1::2])
    alone = sf.fit(sf.laws.Chinchilla, runs.take(runs.labels["seed"] != 3), noise=sf.noise.Gaussian())
    change = sf.predict(alone, N=7e10, D=1.4e12).value - found.value
    assert found.change[6] == pytest.approx(float(change), rel=1e-5)


def test_the_slope_in_weights_and_its_error_are_those_of_refits(smooth, runs):
    """Every weight in turn is moved up and down, and the law refitted."""
    found = sf.sensitivity(smooth, of=forecast, cluster=None)
    ends = []
    for sign in (1.0, -1.0):
        law = sf.bootstrap(smooth, weights=np.ones((64, 64)) + sign * SHARE * np.eye(64)).law
        ends.append(law.E + law.A * 7e10**-law.alpha + law.B * 1.4e12**-law.beta)
    slope = (ends[0] - ends[1]) / (2 * SHARE)
    np.testing.assert_allclose(found.weight, slope, rtol=2e-3, atol=1e-3 * np.max(np.abs(slope)))
    assert found.se == pytest.approx(np.sqrt(np.sum(slope**2)), rel=1e-3)


@pytest.mark.parametrize("run", [5, 40])
def test_the_slope_in_a_loss_is_that_of_refits(smooth, runs, run):
    found = sf.sensitivity(smooth, of=forecast)
    ends = []
    for sign in (1.0, -1.0):
        loss = np.array(runs.target)
        loss[run] += sign * STEP
        moved = sf.Runs(loss, **runs.inputs)
        refit = sf.fit(sf.laws.Chinchilla, moved, noise=smooth.noise, starts=smooth.law)
        ends.append(float(sf.predict(refit, N=7e10, D=1.4e12).value))
    assert found.loss[run] == pytest.approx((ends[0] - ends[1]) / (2 * STEP), rel=1e-3)


@pytest.mark.parametrize("noise", [*NOISES.values(), sf.noise.Huber(0.02)], ids=[*NOISES, "huber"])
def test_the_slope_in_a_loss_is_that_of_refits_where_runs_have_standard_errors(noise, runs):
    """Of logarithms, whose error se/loss changes with the loss; and of the run of the median error."""
    se = 0.01 * 10 ** np.random.default_rng(1).uniform(-0.5, 0.5, 64)
    known = sf.Runs(runs.target, **runs.inputs, se=se)
    fit = sf.fit(sf.laws.Chinchilla, known, noise=noise)
    found = sf.sensitivity(fit, of=forecast)
    median = int(np.argsort(se / runs.target)[32])
    for run in (5, median):
        ends = []
        for sign in (1.0, -1.0):
            loss = np.array(runs.target)
            loss[run] += sign * STEP
            refit = sf.fit(sf.laws.Chinchilla, sf.Runs(loss, **runs.inputs, se=se), noise=noise, starts=fit.law)
            ends.append(float(sf.predict(refit, N=7e10, D=1.4e12).value))
        assert found.loss[run] == pytest.approx((ends[0] - ends[1]) / (2 * STEP), rel=2e-3)


def test_the_error_takes_the_runs_of_a_training_together(fit, runs):
    found = sf.sensitivity(fit, of=forecast, cluster="seed")
    together = found.weight[::2] + found.weight[1::2]
    assert found.se == pytest.approx(np.sqrt(np.sum(together**2)))


def test_under_a_narrow_knee_slopes_come_with_a_warning_and_without_an_error(runs):
    narrow = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(1e-3))
    with pytest.warns(UserWarning, match=r"Huber\(0.001\).*influence"):
        found = sf.sensitivity(narrow, of=forecast)
    assert found.se is None
    assert np.isfinite(found.weight).all()


@pytest.mark.parametrize("verb", [sf.influence, sf.sensitivity])
def test_a_batch_and_a_forecast_of_many_numbers_are_refused(verb, fit, fits):
    with pytest.raises(sf.InputError, match="is a batch of 24 studies; expected one"):
        verb(fits, of=forecast)
    with pytest.raises(sf.InputError, match="one number"):
        verb(fit, of=lambda law: jnp.stack([law.alpha, law.beta]))


def test_a_fit_that_did_not_converge_has_no_slopes(runs):
    rough = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian(), max_steps=1, throw=False)
    with pytest.raises(sf.InputError, match="did not converge"):
        sf.sensitivity(rough, of=forecast)


def test_influence_in_blocks_is_that_in_one(monkeypatch, fit, runs):
    whole = sf.influence(fit, of=forecast)
    monkeypatch.setattr(_influence, "TOGETHER", 64 * 30)
    blocks = sf.influence(fit, of=forecast)
    np.testing.assert_allclose(blocks.change, whole.change, rtol=1e-9, atol=1e-12)


def test_a_forecast_that_is_not_finite_has_no_influence(fit, runs):
    with pytest.raises(sf.InputError, match="of gives nan"):
        sf.influence(fit, of=lambda law: law(N=-1e9, D=1e11))
