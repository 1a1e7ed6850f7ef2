"""Draws taken back to what was sampled, and runs left out by weights."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from helpers import posed
from scipy import stats

import scalefit as sf
from scalefit.posterior._pointwise import pointwise


def by_hand(draws, runs) -> np.ndarray:
    """Densities of the targets, from the laws' own values."""
    law: Any = draws.law
    point = {name: np.asarray(column) for name, column in runs.inputs.items()}
    value = np.stack([law.E + law.A * N**-law.alpha + law.B * D**-law.beta for N, D in zip(point["N"], point["D"])], 1)
    return stats.norm.logpdf(np.log(runs.target), np.log(value), draws.scale[:, None]) - np.log(runs.target)


def test_densities_are_of_the_target_itself(few_draws, few):
    np.testing.assert_allclose(pointwise(few_draws).log_likelihood(), by_hand(few_draws, few), rtol=1e-9, atol=1e-9)


def test_rows_of_a_run_are_correlated(trained_draws, trainings):
    found = pointwise(trained_draws).log_likelihood()
    assert found.shape == (len(trained_draws), 16)
    N, D = (np.asarray(trainings.inputs[name]) for name in "ND")
    law: Any = trained_draws.law
    growth, shared = trained_draws.drawn["growth[N]"], trained_draws.drawn["run"]
    reach = np.log(N / np.sqrt(N.min() * N.max()))
    for draw in range(3):
        value = law.E[draw] + law.A[draw] * N ** -law.alpha[draw] + law.B[draw] * D ** -law.beta[draw]
        scatter = trained_draws.scale[draw] * np.exp(growth[draw] * reach)
        for run in range(16):
            rows = slice(4 * run, 4 * run + 4)
            cov = np.diag(scatter[rows] ** 2) + shared[draw] ** 2
            log = np.log(trainings.target[rows])
            expected = stats.multivariate_normal.logpdf(log, np.log(value[rows]), cov) - log.sum()
            assert found[draw, run] == pytest.approx(expected, rel=1e-8)


@pytest.mark.filterwarnings("ignore:.* of 16 runs change the posterior:UserWarning")
def test_what_was_asked_for_is_kept_on_disk(trained_draws, trainings, tmp_path):
    sf.save(trained_draws, tmp_path / "draws")
    again = sf.load(tmp_path / "draws")
    assert isinstance(again, sf.Ensemble)
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
    with pytest.raises(sf.InputError, match=r"draws has draws of 'laplace'; expected those of a posterior"):
        sf.loo(sf.laplace(few_fit, num=10))
    batch = dataclasses.replace(few_draws, fit=posed(few_fit, keys=("a", "b")))
    with pytest.raises(sf.InputError, match=r"draws are of a batch of 2 studies. Take one, as draws\['a'\]"):
        sf.loo(batch)
    with pytest.raises(sf.InputError, match="draws have none that converged"):
        sf.loo(dataclasses.replace(few_draws, result=np.full(1000, 1)))
