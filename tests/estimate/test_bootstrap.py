"""Resamples are weights; what belongs together is drawn together; intervals cover."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
import optax
import optimistix
import pytest

import scalefit as sf
from scalefit.estimate import _bootstrap, rivals_of
from scalefit.params import Param, Scalar, interval, positive

GAUSSIAN = sf.noise.Gaussian()


class _Drawn(Exception):
    """Raised in place of a solve, with the resamples that it was given."""


@pytest.fixture
def drawn(monkeypatch):
    """The weights that a bootstrap would fit with, found without fitting."""

    solve = _bootstrap.solve

    def spy(curve, noise, data, *rest, **options):
        if data.resamples is None:
            return solve(curve, noise, data, *rest, **options)
        raise _Drawn(np.asarray(data.resamples))

    def look(fit, runs, **options):
        with monkeypatch.context() as patch:
            patch.setattr(_bootstrap, "solve", spy)
            with pytest.raises(_Drawn) as caught:
                sf.bootstrap(fit, **options)
        return caught.value.args[0]

    return look


def test_weights_of_one_give_the_fit_back(fit, runs):
    draws = sf.bootstrap(fit, weights=np.ones((3, len(runs))))
    assert draws.converged.all()
    np.testing.assert_allclose(draws.objective, fit.objective, rtol=1e-10)
    np.testing.assert_allclose(draws.law.alpha, fit.law.alpha, rtol=1e-6)


def test_whole_numbers_will_do_for_weights(fit, runs):
    """As `np.bincount` of drawn positions gives them."""
    weights = np.stack([np.bincount(np.arange(64) // 2 * 2, minlength=64)] * 3)
    given = sf.bootstrap(fit, weights=weights)
    np.testing.assert_array_equal(given.law.A, sf.bootstrap(fit, weights=weights.astype(float)).law.A)


def test_weights_of_zero_leave_runs_out(fit, runs):
    """Leaving the last fourteen out by weight is leaving them out of the table."""
    weights = np.ones((3, len(runs)))
    weights[:, 50:] = 0.0
    draws = sf.bootstrap(fit, weights=weights)
    alone = sf.fit(sf.laws.Chinchilla, runs.take(np.arange(50)), noise=GAUSSIAN)
    np.testing.assert_allclose(draws.objective, alone.objective, rtol=1e-9)
    np.testing.assert_allclose(draws.law.beta, alone.law.beta, rtol=1e-5)


def test_each_run_is_drawn_for_itself(drawn, fit, runs):
    weights = drawn(fit, runs, num=50)
    assert weights.shape == (50, 64)
    assert (weights.sum(axis=1) == 64).all()
    assert (weights[:, ::2] != weights[:, 1::2]).any()
    # The variance of a multinomial count is 1 - 1/n.
    assert np.var(weights) == pytest.approx(1.0, abs=0.1)


def test_clusters_are_drawn_whole(drawn, fit, runs):
    weights = drawn(fit, runs, num=50, cluster="seed")
    np.testing.assert_array_equal(weights[:, ::2], weights[:, 1::2])
    assert (weights.sum(axis=1) == 64).all()


def test_checkpoints_of_one_training_are_drawn_together_unasked(drawn, fit, runs):
    training = np.arange(64) // 4
    labelled = sf.Runs(runs.target, **runs.inputs, run=training)
    other = sf.fit(sf.laws.Chinchilla, labelled, noise=GAUSSIAN)
    weights = drawn(other, labelled, num=50).reshape(50, 16, 4)
    assert (weights == weights[..., :1]).all()
    alone = drawn(other, labelled, num=50, cluster=None).reshape(50, 16, 4)
    assert (alone != alone[..., :1]).any()


def test_intervals_from_six_trainings_know_that_rows_are_off_together():
    """Three studies of twelve checkpoints of each size, all of a training off by .3 %, and each by .03 %."""
    rng, training = np.random.default_rng(0), np.repeat(np.arange(6), 12)
    N, D = np.geomspace(1e7, 1e9, 6)[training], np.tile(np.geomspace(1e9, 3e10, 12), 6)
    A, B = 400.0 * N**-0.34, 410.0 * D**-0.28
    loss = 1.7 + A + B
    # How α scatters, to first order: least squares of the law's slopes on what the rows are off by.
    slopes = np.stack([np.ones(72), A, -A * np.log(N), B, -B * np.log(D)], axis=1) / loss[:, None]
    of = np.linalg.pinv(slopes)[2]
    right = np.hypot(0.003 * np.linalg.norm(np.add.reduceat(of, np.arange(0, 72, 12))), 0.0003 * np.linalg.norm(of))
    width = []
    for _ in range(3):
        off = 0.003 * rng.standard_normal(6)[training] + 0.0003 * rng.standard_normal(72)
        runs = sf.Runs(loss * np.exp(off), N=N, D=D, run=training)
        fit = sf.fit(sf.laws.Chinchilla, runs, noise=GAUSSIAN, num_starts=2)
        ways = fit, sf.bootstrap(fit, num=40), sf.bootstrap(fit, num=40, cluster=None)
        alpha: list[Any] = [sf.summary(way)["alpha"] for way in ways]
        assert all(a.low < 0.34 < a.high for a in alpha[:2])
        width.append([float(a.se) for a in alpha])
    first_order, together, alone = np.median(width, axis=0) / right
    assert 0.5 < first_order < 2.0
    assert 0.5 < together < 3.0  # six trainings tell little of how they scatter
    assert alone < 0.3


def test_seeds_set_the_draws(drawn, fit, runs):
    first, again, other = (drawn(fit, runs, num=20, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_each_study_of_a_batch_is_resampled_by_itself(drawn, fits, studies):
    weights = drawn(fits, studies, num=10).reshape(24, 10, 64)
    sizes = np.array([len(part) for _, part in studies.split("group")])
    assert (weights.sum(axis=2) == sizes[:, None]).all()
    for s, size in enumerate(sizes):
        assert not weights[s, :, size:].any()
    assert (weights[0, :, :49] != weights[16, :, :49]).any()


@pytest.fixture(scope="module")
def batch_draws(fits, studies):
    return sf.bootstrap(fits, num=100)


def test_a_batch_of_fits_has_a_batch_of_draws(batch_draws):
    assert batch_draws.law.E.shape == batch_draws.objective.shape == (24, 100)
    assert len(batch_draws) == 100
    assert batch_draws.converged.mean() > 0.99


def test_intervals_cover_the_truth_about_as_often_as_they_say(batch_draws):
    """Ninety percent intervals of the loss of a larger run, in twenty-four studies."""
    band = sf.predict(batch_draws, N=2e10, D=2e12, level=0.9)
    truth = 1.8 + 480.0 * 2e10**-0.35 + 2100.0 * 2e12**-0.37
    covered = np.sum((band.low <= truth) & (truth <= band.high))
    assert 18 <= covered <= 24


def test_a_bootstrap_repeats_itself(fit, runs):
    one, two = (sf.bootstrap(fit, num=64, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.law.A, two.law.A)
    assert one.seed == 3
    assert one.method == "bootstrap"


def test_draws_that_did_not_converge_are_counted_aloud(fit, runs):
    with pytest.warns(UserWarning, match=r"of 50 draws did not converge"):
        draws = sf.bootstrap(fit, num=50, max_steps=5)
    assert 0 < draws.converged.sum() < 50


def test_no_draw_that_converged_is_an_error(fit, runs):
    with pytest.raises(sf.NotConverged, match=r"No draw of .* converged"):
        sf.bootstrap(fit, num=50, max_steps=1)


def few(count):
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7, 10, count), 10 ** rng.uniform(9, 12, count)
    return sf.Runs(1.8 + 480 * N**-0.35 + 2100 * D**-0.37 + 0.01 * rng.standard_normal(count), N=N, D=D)


@pytest.mark.filterwarnings("ignore:.*drawn again")
def test_every_draw_has_as_many_inputs_as_parameters(drawn):
    """Nine runs and five parameters: a tenth of the resamples lie at fewer inputs and would determine nothing."""
    runs = few(9)
    weights = drawn(sf.fit(sf.laws.Chinchilla, runs, noise=GAUSSIAN), runs, num=500, scheme="pairs")
    assert np.count_nonzero(weights, axis=1).min() == 5


def test_resamples_drawn_again_are_said_aloud():
    runs = few(9)
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=GAUSSIAN)
    with pytest.warns(UserWarning, match="resamples lay at fewer inputs"):
        draws = sf.bootstrap(fit, num=100, scheme="pairs")
    assert draws.diagnostics["drawn_again"] > 0


def test_too_few_runs_to_resample_are_refused():
    runs = few(6)
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=GAUSSIAN)
    with pytest.raises(sf.InputError, match=r"6 runs .*to resample; expected resamples that lie at"):
        sf.bootstrap(fit, num=100, scheme="pairs")


def test_few_runs_are_drawn_by_residuals_as_wide_as_t():
    """Of a straight line in logarithms the draws have the textbook's distribution: t of n - 2 about the slope."""
    x = np.geomspace(1.0, 1e3, 7)
    y = 0.5 - 0.1 * np.log(x) + 0.01 * np.random.default_rng(0).standard_normal(7)
    fit = sf.fit(sf.laws.PowerLaw(E=0.0), sf.Runs(np.exp(y), x=x), fixed="E", noise=GAUSSIAN)
    draws = sf.bootstrap(fit, num=4000)
    assert draws.diagnostics["scheme"] == "residuals"
    t = (np.asarray(draws.law.alpha) - float(fit.law.alpha)) / sf.covariance(fit).se["alpha"]
    for level, of_t in ((0.5, 0.727), (0.8, 1.476), (0.9, 2.015)):  # t of 5 degrees of freedom
        assert np.quantile(np.abs(t), level) == pytest.approx(of_t, rel=0.08)


def test_residuals_of_a_study_are_those_of_it_by_itself():
    """Few runs among many: each study has its own scheme, and the same draws alone."""
    runs = [few(9), few(40)]
    N, D = (np.concatenate([one.inputs[n] for one in runs]) for n in ("N", "D"))
    loss, study = np.concatenate([one.target for one in runs]), np.repeat([0, 1], [9, 40])
    fits = sf.fit(sf.laws.Chinchilla, sf.Runs(loss, N=N, D=D, study=study), by="study", noise=GAUSSIAN)
    draws = sf.bootstrap(fits, num=50)
    assert draws.diagnostics["scheme"] == "pairs and residuals"
    for key, scheme in ((0, "residuals"), (1, "pairs")):
        alone = sf.bootstrap(fits[key], num=50)
        assert alone.diagnostics["scheme"] == scheme
        np.testing.assert_allclose(draws[key].objective, alone.objective, rtol=1e-6)


@pytest.mark.parametrize("noise", [sf.noise.Asymmetric(), sf.noise.Gaussian(absolute=True)])
def test_noises_to_one_side_or_of_given_scale_are_drawn_by_pairs(noise):
    rng = np.random.default_rng(0)
    x = np.geomspace(1.0, 1e3, 12)
    runs = sf.Runs(2.0 * x**-0.1 * np.exp(0.01 * rng.standard_normal(12)), x=x, se=np.full(12, 0.01))
    fit = sf.fit(sf.laws.PowerLaw(E=0.0), runs, fixed="E", noise=noise)
    assert sf.bootstrap(fit, num=20).diagnostics["scheme"] == "pairs"


def test_trainings_of_several_rows_are_no_residuals(fit, runs):
    labels = sf.Runs(runs.target, **runs.inputs, run=np.arange(64) // 4)
    again = sf.fit(sf.laws.Chinchilla, labels, noise=GAUSSIAN, starts=fit.law)
    with pytest.raises(sf.InputError, match="drawn together err together"):
        sf.bootstrap(again, num=20, scheme="residuals")
    with pytest.raises(sf.InputError, match="scheme is 'wild'"):
        sf.bootstrap(again, num=20, scheme="wild")  # pyright: ignore[reportArgumentType]  the fault that is tried
    with pytest.raises(sf.InputError, match="as `weights` are of runs"):
        sf.bootstrap(fit, weights=np.ones((2, 64)), scheme="residuals")


def test_weights_that_determine_nothing_are_refused(fit, runs):
    weights = np.ones((3, 64))
    weights[1, 4:] = 0.0
    with pytest.raises(
        sf.InputError, match=r"row 1 of weights leaves runs at 4 different inputs; expected at least 5.*5 parameters"
    ):
        sf.bootstrap(fit, weights=weights)


def test_few_trainings_are_said_to_be_rough(fit, runs):
    labels = sf.Runs(runs.target, **runs.inputs, group=np.arange(64) % 4)
    again = sf.fit(sf.laws.Chinchilla, labels, noise=GAUSSIAN, starts=fit.law)
    with pytest.warns(UserWarning, match="'runs' has only 4 trainings"):
        sf.bootstrap(again, num=20, cluster="group")


class Bump(sf.laws.AbstractLaw):
    """One bump at x = m."""

    inputs: ClassVar[Mapping[str, str]] = {"x": "units"}
    m: Param = interval(1.0, 20.0)
    h: Param = positive(typical=(0.1, 1.0))

    def __call__(self, x: Scalar) -> Scalar:
        """The height at x."""
        return 1.0 + self.h * jnp.exp(-0.5 * ((x - self.m) / 0.7) ** 2)


def test_draws_find_the_other_optimum_where_it_is_theirs():
    """Two bumps of all but equal height and a law of one: which is the better one changes with the resample."""
    rng = np.random.default_rng(3)
    x = np.linspace(2.0, 18.0, 80)
    two = 1.0 + 0.5 * (np.exp(-0.5 * ((x - 6) / 0.7) ** 2) + np.exp(-0.5 * ((x - 14) / 0.7) ** 2))
    runs = sf.Runs(two + 0.05 * rng.standard_normal(80), x=x)
    noise = sf.noise.Gaussian(log=False)
    fit = sf.fit(Bump, runs, noise=noise)
    draws = sf.bootstrap(fit, num=100)
    share = np.mean(np.asarray(draws.law.m) > 10.0)
    assert 0.1 < share < 0.9
    each = [
        sf.bootstrap(sf.fit(Bump, runs, noise=noise, starts={"m": m, "h": 0.5}, throw=False), num=100)
        for m in (6.0, 14.0)
    ]
    best = np.minimum(*(one.objective for one in each))
    np.testing.assert_allclose(draws.objective, best, rtol=1e-6)
    ((which, prepared),) = fit.problem.parts()
    (rivals,) = rivals_of(prepared, fit, which)
    assert len(rivals) == 1  # each optimum once, however many starts ended there
    # A fit keeps the optima that it found; one that has not finds them again.
    assert fit.optima is not None
    assert np.isfinite(fit.optima[:, 0]).sum() == 2
    again = sf.bootstrap(dataclasses.replace(fit, optima=None), num=100)
    np.testing.assert_allclose(again.objective, draws.objective, rtol=1e-6)


def test_a_study_that_failed_has_no_draws_and_holds_up_no_other(fits, studies):
    result = np.array(fits.result)
    result[3] = int(sf.RESULTS.max_steps_reached)
    broken = dataclasses.replace(fits, result=result)
    draws = sf.bootstrap(broken, num=10)
    assert not draws.converged[3].any()
    assert np.delete(draws.converged, 3, axis=0).all()
    band = sf.predict(draws, N=1e9, D=1e11)
    assert band.low is not None
    assert np.flatnonzero(np.isnan(band.low)).tolist() == [3]
    estimates: Any = sf.summary(draws)
    assert estimates["study-0" if fits.keys[3] != "study-0" else fits.keys[4]]["E"].se is not None
    assert estimates[fits.keys[3]]["E"].se is None


@pytest.fixture(scope="module")
def thin():
    """Thirty-two scattered runs, of which some resamples lack a floor, and their fit."""
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7, 10, 32), 10 ** rng.uniform(9, 12, 32)
    runs = sf.Runs((1.8 + 480 * N**-0.35 + 2100 * D**-0.37) * np.exp(0.05 * rng.standard_normal(32)), N=N, D=D)
    return runs, sf.fit(sf.laws.Chinchilla, runs)


def test_draws_that_lose_a_term_that_the_fit_has_are_tried_again(thin, monkeypatch):
    _runs, fit = thin
    tried = []

    def spy(prepared, noise, study, resample, *rest, **options):
        tried.append(resample)
        return screened(prepared, noise, study, resample, *rest, **options)

    screened = _bootstrap.screened
    monkeypatch.setattr(_bootstrap, "screened", spy)
    draws = sf.bootstrap(fit, num=100)
    lost = np.flatnonzero(draws.unidentified[:, 0])
    assert not fit.unidentified.any()
    assert lost.size > 0
    assert np.isin(lost, tried[-1]).all()


def test_what_draws_lost_is_judged_in_blocks(thin, monkeypatch):
    _runs, fit = thin
    whole = sf.bootstrap(fit, num=100)
    held = []

    def spy(prepared, noise, theta, study):
        held.append(len(theta))
        return judge(prepared, noise, theta, study)

    judge = _bootstrap.residuals_and_unidentified
    monkeypatch.setattr(_bootstrap, "residuals_and_unidentified", spy)
    monkeypatch.setattr(_bootstrap, "HELD", 4 * 32)
    draws = sf.bootstrap(fit, num=100)
    assert len(held) > 1
    assert max(held) == 4
    np.testing.assert_array_equal(draws.unidentified, whole.unidentified)


def test_the_few_trainings_of_a_study_are_said_by_its_name():
    rng = np.random.default_rng(0)
    x = 10 ** rng.uniform(7, 10, 32)
    run = np.concatenate([np.arange(16), 16 + np.arange(16) // 4])
    loss = 1.8 + 480 * x**-0.35 + 0.01 * rng.standard_normal(32)
    labelled = sf.Runs(loss, x=x, run=run, group=["a"] * 16 + ["b"] * 16)
    fits = sf.fit(sf.laws.PowerLaw, labelled, by="group", noise=GAUSSIAN)
    with pytest.warns(UserWarning, match=r"'runs\[b\]' has only 4 trainings"):
        sf.bootstrap(fits, num=20)


def test_draws_may_be_refitted_in_another_precision(fit, runs):
    """Mixed is float32 and then float64."""
    draws, usual = sf.bootstrap(fit, num=20, precision="mixed"), sf.bootstrap(fit, num=20)
    np.testing.assert_allclose(draws.objective, usual.objective, rtol=1e-9)


def test_draws_may_be_refitted_by_another_solver(fit, runs):
    solver = optimistix.LevenbergMarquardt(1e-10, 1e-10)
    draws = sf.bootstrap(fit, num=8, solver=solver)
    np.testing.assert_allclose(draws.objective, sf.bootstrap(fit, num=8).objective, rtol=1e-6)


def test_a_solver_without_the_precision_is_refused(fit, runs):
    with pytest.raises(sf.InputError, match="precision is 'mixed'; expected float64, as solvers of other libraries"):
        sf.bootstrap(fit, solver=optax.lbfgs(), precision="mixed")
