"""Draws taken back to what was sampled, and runs left out by weights."""

import dataclasses
from typing import Any

import jax
import numpy as np
import pytest
from helpers import posed
from scipy import stats

import scalefit as sf
from scalefit.posterior._density import log_likelihoods
from scalefit.posterior._pose import pose
from scalefit.posterior._recall import densities, recalled, remembered, sampled_of


def by_hand(draws, runs) -> np.ndarray:
    """Densities of the targets, from the laws' own values."""
    law: Any = draws.law
    point = {name: np.asarray(column) for name, column in runs.inputs.items()}
    value = np.stack([law.E + law.A * N**-law.alpha + law.B * D**-law.beta for N, D in zip(point["N"], point["D"])], 1)
    return stats.norm.logpdf(np.log(runs.target), np.log(value), draws.scale[:, None]) - np.log(runs.target)


def test_densities_are_of_the_target_itself(few_draws, few):
    np.testing.assert_allclose(densities(recalled(few_draws, few)), by_hand(few_draws, few), rtol=1e-9, atol=1e-9)


def test_what_was_sampled_comes_back(trained_draws, trainings):
    cluster, _, growth = remembered(trained_draws)
    assert (cluster, growth) == (("run", "seed"), "N")
    (posed,) = pose(trained_draws.fit, trainings, cluster, None, growth)
    numbers = sampled_of(trained_draws, posed, np.arange(len(trained_draws)))
    # As the draws were made of them.
    at = numbers[:3, len(trained_draws.free) :]
    np.testing.assert_allclose(np.exp(at[:, 0]), trained_draws.scale[:3], rtol=1e-12)
    np.testing.assert_allclose(at[:, 1], trained_draws.drawn["growth[N]"][:3], rtol=1e-12)
    np.testing.assert_allclose(np.exp(at[:, 0] + at[:, 2]), trained_draws.drawn["training"][:3], rtol=1e-12)
    back = recalled(trained_draws, trainings)
    assert back.units == 16
    with jax.enable_x64(True):
        own = jax.jit(lambda u: log_likelihoods(posed.prepared.curve, u, back.problem))
        expected = np.stack([np.asarray(own(u))[:16] for u in numbers[:3]])
    expected = expected - np.bincount(back.training, weights=np.log(trainings.target))
    np.testing.assert_allclose(densities(back)[:3], expected, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:.* of 16 trainings change the posterior:UserWarning")
def test_what_was_asked_for_is_kept_on_disk(trained_draws, trainings, tmp_path):
    sf.save(trained_draws, tmp_path / "draws")
    again = sf.load(tmp_path / "draws")
    assert isinstance(again, sf.Ensemble)
    assert remembered(again) == (("run", "seed"), None, "N")
    np.testing.assert_array_equal(sf.loo(again).pointwise, sf.loo(trained_draws).pointwise)
    assert again.diagnostics["loo"] == trained_draws.diagnostics["loo"]


def test_leaving_a_run_out_by_weights_is_sampling_without_it(few, few_fit, few_draws):
    found = sf.loo(few_draws)
    assert found.pointwise.shape == found.khat.shape == (64,)
    assert found.elpd == pytest.approx(found.pointwise.sum())
    assert found.se == pytest.approx(np.sqrt(64 * np.var(found.pointwise)))
    assert 3.0 < found.effective < 9.0
    # The run that matters most.
    place = int(np.argmax(found.khat))
    others = few.take(np.arange(64) != place)
    refitted = sf.sample(sf.fit(sf.laws.Chinchilla, others, noise=sf.noise.Gaussian()), num=1000, method="is")
    density = np.exp(by_hand(refitted, few.take([place]))).mean()
    assert found.pointwise[place] == pytest.approx(np.log(density), abs=0.12)


def test_densities_are_in_the_unit_of_the_target(few, few_draws):
    scaled = sf.Runs(few.target * 1000.0, N=few.inputs["N"], D=few.inputs["D"])
    again = sf.sample(sf.fit(sf.laws.Chinchilla, scaled, noise=sf.noise.Gaussian()), num=1000, method="is")
    lost = 64 * np.log(1000.0)
    assert sf.loo(again).elpd == pytest.approx(sf.loo(few_draws).elpd - lost, abs=0.5)


def test_sample_says_in_short_what_both_verbs_say(few, few_draws):
    short, found = few_draws.diagnostics["loo"], sf.loo(few_draws)
    assert set(short) == {"elpd", "se", "effective", "worst_khat"}
    assert short["elpd"] == pytest.approx(found.elpd, rel=1e-9)
    assert short["worst_khat"] == pytest.approx(found.khat.max())
    assert set(few_draws.diagnostics["checks"]) == set(sf.check(few_draws))


def test_a_run_that_cannot_be_left_out_is_said(few):
    # Of noise without tails, one run far off alone decides on the scatter.
    odd = sf.Runs(few.target * np.where(np.arange(64) == 20, 1.5, 1.0), N=few.inputs["N"], D=few.inputs["D"])
    draws = sf.sample(sf.fit(sf.laws.Chinchilla, odd, noise=sf.noise.Gaussian()), num=1000, method="is")
    with pytest.warns(UserWarning, match=r"^\d+ of 64 runs change the posterior too much .* Look at them"):
        found = sf.loo(draws)
    assert np.argmax(found.khat) == 20
    assert "with Pareto k above 0.7" in repr(found)
    assert sf.check(draws)["largest"].p < 0.01


def test_what_says_nothing_of_runs_left_out_is_refused(few, few_fit, few_draws):
    with pytest.raises(sf.InputError, match=r"of 'laplace', and leaving a run out weighs draws of a posterior"):
        sf.loo(sf.laplace(few_fit, num=10))
    batch = dataclasses.replace(few_draws, fit=posed(few_fit, keys=("a", "b")))
    with pytest.raises(sf.InputError, match=r"of a batch of 2 studies: take one by its key, as draws\['a'\]"):
        sf.loo(batch)
    with pytest.raises(sf.InputError, match="No draw of the ensemble converged"):
        sf.loo(dataclasses.replace(few_draws, result=np.full(1000, 1)))
