"""Mixtures that were left out: how well they are foreseen, and what choosing the best of a half costs."""

import numpy as np
import pytest

import scalefit as sf

WORDS = ("web", "books", "code")


def made_up(noise: float, runs: int = 44):
    rng = np.random.default_rng(4)
    w = rng.dirichlet(np.ones(3), runs)
    t = np.array([[-2.0, 0.5, 1.5], [1.0, -3.0, 2.0]])
    losses = (2.0 + 0.5 * np.exp(w @ t.T)) * np.exp(noise * rng.standard_normal((runs, 2)))
    shares = {f"w[{d}]": w[:, i] for i, d in enumerate(WORDS)}
    table = sf.Runs({"c4": losses[:, 0], "pg19": losses[:, 1]}, run=np.arange(runs), **shares)  # pyright: ignore[reportArgumentType]  entries in brackets
    return sf.fit(sf.laws.MixingExp, table, by="target", noise=sf.noise.Gaussian())


@pytest.fixture(scope="module")
def fits():
    return made_up(0.01)


@pytest.fixture(scope="module")
def folds(fits):
    return sf.mixture_folds(fits)


def test_what_is_left_out_is_foreseen_worse_than_what_is_fitted(folds):
    assert (folds.folds, folds.mixtures, folds.failed) == (10, 44, 0)
    for one in folds.targets.values():
        assert one.fitted < one.rmse < 2.0 * one.fitted
        assert 0.9 < one.spearman < 1.0
        assert one.runs == 44
        assert one.regret >= 0.0
    assert folds.objective is not None
    assert folds.objective.runs == 44


def test_a_fold_is_foreseen_by_a_fit_to_the_others(fits, folds):
    runs = fits.problem.runs
    rng = np.random.default_rng([0, 0xF01D])
    w = np.stack([runs.inputs[f"w[{d}]"] for d in WORDS], axis=1)
    mixture = np.unique(np.round(w, 12), axis=0, return_inverse=True)[1].reshape(-1)
    fold = rng.permutation(np.arange(44) % 10)[mixture]
    rest = runs.take(fold != 3)
    again = sf.fit(sf.laws.MixingExp, rest, by="target", noise=sf.noise.Gaussian())
    there = (fold == 3) & (runs.labels["target"] == "c4")
    law = again["c4"].law
    wanted = law.c + law.k * np.exp(w[there] @ np.asarray(law.t))
    np.testing.assert_allclose(folds.predicted[there], wanted, rtol=1e-6)


def test_choosing_the_best_costs_more_the_noisier_the_runs_are(folds):
    assert folds.optimism > 0.0
    quiet = sf.mixture_folds(made_up(1e-4))
    assert abs(quiet.optimism) < 0.2 * folds.optimism
