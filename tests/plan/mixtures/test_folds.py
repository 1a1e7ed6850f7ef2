"""Mixtures that were left out: how well they are foreseen, and what choosing the best of a half costs."""

import dataclasses
from typing import Any

import numpy as np
import pytest

import scalefit as sf
from scalefit.plan.mixtures import _influence

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


def test_few_mixtures_are_left_out_one_by_one():
    # Of a linear law a residual without its own run is e / (1 - h), h being the leverage.
    rng = np.random.default_rng(6)
    w = rng.dirichlet(np.ones(3), 14)
    y = w @ np.array([[3.0, 2.5, 2.8], [2.0, 2.6, 3.1]]).T + 0.02 * rng.standard_normal((14, 2))
    shares = {f"w[{d}]": w[:, i] for i, d in enumerate(WORDS)}
    table = sf.Runs({"c4": y[:, 0], "pg19": y[:, 1]}, run=np.arange(14), **shares)  # pyright: ignore[reportArgumentType]  entries in brackets
    linear = sf.fit(sf.laws.MixingLinear, table, by="target", noise=sf.noise.Gaussian(log=False))
    found = sf.mixture_folds(linear, halves=0)
    assert (found.folds, found.mixtures) == (14, 14)
    off = y - w @ np.linalg.lstsq(w, y, rcond=None)[0]
    without = y - off / (1.0 - np.einsum("ij,jk,ik->i", w, np.linalg.inv(w.T @ w), w))[:, None]
    for i, name in enumerate(("c4", "pg19")):
        np.testing.assert_allclose(found.predicted[table.labels["target"] == name], without[:, i], rtol=1e-7)
    assert found.objective is not None
    foreseen, measured = without.mean(axis=1), y.mean(axis=1)
    assert found.objective.rmse == pytest.approx(np.sqrt(np.mean((foreseen - measured) ** 2)))
    ranks = np.corrcoef(np.argsort(np.argsort(foreseen)), np.argsort(np.argsort(measured)))[0, 1]
    assert found.objective.spearman == pytest.approx(ranks)
    assert found.objective.regret == pytest.approx(measured[np.argmin(foreseen)] - measured.min())
    assert found.objective.regret > 0.0


def test_choosing_the_best_costs_more_the_noisier_the_runs_are(folds):
    assert folds.optimism > 0.0
    quiet = sf.mixture_folds(made_up(1e-4))
    assert abs(quiet.optimism) < 0.2 * folds.optimism


def test_regret_falls_with_runs_and_says_how_many_are_needed(fits):
    found = sf.mixture_regret(fits, runs=[10, 40], simulations=8)
    assert found.regret.shape == (2, 8)
    assert (found.regret[np.isfinite(found.regret)] > -1e-9).all()
    few, many = found.mean
    assert many < 0.5 * few
    assert (found.quantile(0.9) >= found.mean - 1e-12).all()
    needed = found.needed(float(np.sqrt(few * many)))
    assert 10 < float(needed.value) < 40
    assert needed.note == ""
    # What is off by little costs its square.
    assert float(found.needed(0.25 * many).value) == pytest.approx(160.0)
    assert "from 10 to 40" in found.needed(0.25 * many).note
    # Limits alone may decide the weights.
    settled = sf.mixture_regret(fits, runs=[10, 40], simulations=2, limits={"fixed": dict.fromkeys(WORDS, 1 / 3)})
    assert float(settled.needed(0.001).value) == 10
    with pytest.raises(sf.InputError, match="runs has 3; expected 5 at least"):
        sf.mixture_regret(fits, runs=[3])
    with pytest.raises(sf.InputError, match="fits is"):
        sf.mixture_regret(3)  # pyright: ignore[reportArgumentType]  refused


def test_mixtures_to_train_next_know_the_runs_done(fits):
    found = sf.design_mixtures(fits, num=2, limits={"most": 0.8})
    alone = sf.design_mixtures(
        {name: fits[name].law for name in ("c4", "pg19")}, num=2, limits={"most": 0.8}, noise=found.noise
    )
    assert found.sd[0] < 0.1 * alone.sd[0]
    assert found.sd[-1] < found.sd[0]
    assert found.noise["c4"] == pytest.approx(0.01, rel=0.4)


def test_the_best_mixture_without_a_run_is_that_of_a_fit_without_it(fits):
    found = sf.mixture_influence(fits)
    assert found.weights.shape == (44, 3)
    assert (found.cost > -1e-9).all()
    np.testing.assert_allclose(found.weights.sum(axis=1), 0.0, atol=1e-9)
    assert f"without {found.runs[int(np.argmax(found.cost))]!r}: " in repr(found)
    run = int(np.argmax(np.abs(found.weights).sum(axis=1)))
    runs = fits.problem.runs
    rest = runs.take(runs.labels["run"] != found.runs[run])
    again = sf.fit(sf.laws.MixingExp, rest, by="target", noise=sf.noise.Gaussian())
    moved = sf.optimise_mixture(again).weights - sf.optimise_mixture(fits).weights
    np.testing.assert_allclose(found.weights[run], moved, atol=0.3 * np.abs(moved).max())
    assert np.abs(moved).max() > 1e-4


def test_a_run_without_which_a_fit_fails_has_no_number_and_moves_no_other(fits, monkeypatch):
    whole = sf.mixture_influence(fits)

    def failing(*args: Any, **options: Any) -> Any:
        draws = sf.jackknife(*args, **options)
        result = np.array(draws.result)
        result[0, 3] = int(sf.RESULTS.max_steps_reached)
        return dataclasses.replace(draws, result=result)

    monkeypatch.setattr(_influence, "jackknife", failing)
    found = sf.mixture_influence(fits)
    assert np.flatnonzero(np.isnan(found.cost)).tolist() == [3]
    np.testing.assert_allclose(np.delete(found.weights, 3, axis=0), np.delete(whole.weights, 3, axis=0), atol=1e-9)
