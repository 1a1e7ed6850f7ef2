"""Forecasts that can be checked: nothing later is known, batches are singles, and what came is told as it was."""

import numpy as np
import pytest
from helpers import curves_of_budgets

import scalefit as sf
from scalefit.calibrate._reach import LIKE, excess
from scalefit.laws import Chinchilla


def test_excess_is_above_the_least_at_like_compute():
    rng = np.random.default_rng(0)
    log_compute, loss = rng.uniform(0.0, 8.0, 200), rng.normal(size=200)
    by_hand = [loss[i] - loss[np.abs(log_compute - log_compute[i]) < LIKE].min() for i in range(200)]
    np.testing.assert_allclose(excess(log_compute, loss), by_hand)


def test_origins_foresee_larger_runs_alone(tested):
    assert len(tested) == 18
    assert np.all(tested.distance["C"] > 0)
    np.testing.assert_allclose(
        tested.distance["C"] + np.log(tested.reached)[tested.origin],
        np.log(6 * np.prod([tested.problem.inputs[n][tested.row - 1] for n in ("N", "D")], axis=0)),
    )


def test_a_forecast_knows_nothing_of_later_runs(study, tested):
    """Losses beyond the second origin are changed: what it and the first foresaw stays as it was."""
    seen = int(tested.seen[1])
    order = np.argsort(study.inputs["N"] * study.inputs["D"], kind="stable")
    loss = np.array(study.target)
    loss[order[seen:]] *= np.random.default_rng(1).uniform(0.5, 2.0, len(order) - seen)
    again = sf.backtest(sf.fit(Chinchilla, sf.Runs(loss, N=study.inputs["N"], D=study.inputs["D"]), throw=False))
    early = np.isin(tested.origin, (0, 1))
    assert early.sum() == 18
    for name in ("value", "law"):
        np.testing.assert_allclose(getattr(again, name)[early], getattr(tested, name)[early], rtol=1e-6)


def test_scores_and_coverage_are_those_of_the_intervals(tested):
    inside = (tested.low <= tested.observed) & (tested.observed <= tested.high)
    np.testing.assert_array_equal(tested.covered, inside)
    width = np.log(tested.high / tested.low)
    np.testing.assert_allclose(tested.score[inside], width[inside])
    below = tested.observed < tested.low
    np.testing.assert_allclose(
        tested.score[below], width[below] + 20.0 * np.log(tested.low[below] / tested.observed[below])
    )
    told = tested.by_distance((1.0, np.inf))
    assert told[0].count == len(tested)
    assert told[0].held == np.mean(tested.covered)
    wide = tested.at_level(0.99)
    assert np.all(wide.high > tested.high)
    np.testing.assert_array_equal(wide.at_level(0.9).low, tested.low)


def test_right_law_holds_in_simulation():
    """Forty studies as one batch; runs scatter by .5 % about a law that is right."""
    runs = [curves_of_budgets(seed) for seed in range(40)]
    N, D = (np.concatenate([one.inputs[n] for one in runs]) for n in ("N", "D"))
    loss, study = np.concatenate([one.target for one in runs]), np.repeat(np.arange(40), len(runs[0]))
    fits = sf.fit(Chinchilla, sf.Runs(loss, N=N, D=D).with_column("study", study), by="study")
    tested = sf.backtest(fits)
    assert np.mean(tested.covered) > 0.9
    np.testing.assert_allclose(np.bincount(tested.study[tested.origin]), len(tested) / 40)
    alone = sf.backtest(fits[7])
    here = tested.study[tested.origin] == 7
    np.testing.assert_allclose(tested.value[here], alone.value, rtol=1e-5)
    np.testing.assert_allclose(tested.high[here], alone.high, rtol=1e-4)


def test_the_best_of_later_runs_is_chosen(tested):
    choices = tested.choices()
    assert {one.among for one in choices} == {6}
    assert all(one.regret >= 0 for one in choices)
    assert np.median([one.regret for one in choices]) < 0.01


@pytest.mark.parametrize("along", ["N", "D"])
def test_other_sizes_grow(fitted, along):
    assert np.all(sf.backtest(fitted, along=along).distance[along] > 0)


def test_runs_of_the_far_corner_are_larger_in_one_size_than_any_that_was_seen(study, fitted):
    tested = sf.backtest(fitted, along="corner")
    N, D = (study.inputs[n] for n in ("N", "D"))
    for origin in range(len(tested.reached)):
        later = tested.row[tested.origin == origin] - 1
        seen = np.setdiff1d(np.arange(len(study)), later)
        assert not np.any((N[seen][:, None] >= N[later]) & (D[seen][:, None] >= D[later]))


def test_own_split_is_one_origin(study, fitted):
    small = 6 * study.inputs["N"] * study.inputs["D"] < 1e19
    tested = sf.backtest(fitted, split=small)
    assert len(tested.reached) == 1
    assert sorted(tested.row - 1) == np.flatnonzero(~small).tolist()


def test_columns_make_a_frame(tested):
    columns = tested.to_dict()
    assert {"origin", "distance_C", "observed", "low", "covered", "weight_coupled"} <= set(columns)
    assert {len(column) for column in columns.values()} == {len(tested)}


@pytest.mark.parametrize(
    "given, said",
    [
        ({"along": "colour"}, "along is 'colour'"),
        ({"along": ["N"]}, "along is "),
        ({"split": [True, False]}, "split has shape"),
        ({"split": np.arange(36) < 6}, "12 fitted runs or more"),
        ({"along": "step"}, "finite numbers above 0"),
        ({"level": 1.0}, "level"),
        ({"split": np.arange(36) < 30, "along": "N"}, "none beside `split`"),
    ],
)
def test_what_cannot_be_rolled_back(fitted, given, said):
    with pytest.raises(sf.InputError, match=said):
        sf.backtest(fitted, **given)


@pytest.mark.parametrize("ends", [(3.0, 1.0), (3.0,), "a", (0.0, 1.0)])
def test_distances_lie_between_factors_that_rise(tested, ends):
    with pytest.raises(sf.InputError, match="each above the last"):
        tested.by_distance(ends)


def test_columns_that_are_not_finite_do_not_grow(study):
    step = study.with_column("step", np.r_[np.arange(1.0, 36.0), np.inf])
    with pytest.raises(sf.InputError, match="finite numbers above 0"):
        sf.backtest(sf.fit(Chinchilla, step), along="step")


def test_groups_that_come_later_are_not_foreseen_before_they_are_seen(study):
    """Runs of `a` are all larger than the first origins of `b`: places of labels differ from fit to fit."""
    late = curves_of_budgets(3).take(np.arange(24, 36))
    N, D = (np.concatenate([one.inputs[n] for one in (late, study)]) for n in ("N", "D"))
    loss = np.concatenate([1.1 * late.target, study.target])
    runs = sf.Runs(loss, N=N, D=D).with_column("data", np.repeat(["a", "b"], [12, 36]))
    fit = sf.fit(Chinchilla, runs, by="data", own="A")
    tested = sf.backtest(fit)
    known = np.isfinite(tested.value)
    assert known.any()
    assert np.all(np.isfinite(tested.high[known]))
    assert np.all(np.abs(tested.error[known]) < 0.05)
    both = sf.forecast(fit, N=1e9, D=1e11, data=["a", "b"])
    np.testing.assert_allclose(both.law.value, sf.predict(fit, N=1e9, D=1e11, data=["a", "b"]).value)
    assert both.run.low is not None
    assert np.all(np.isfinite(both.run.low))


def test_runs_of_no_size_lie_below_every_origin():
    x = np.r_[0.0, np.geomspace(1.0, 1e4, 29)]
    loss = 1.7 + 2.0 * (x + 1.0) ** -0.3

    class Shifted(sf.laws.AbstractLaw):
        """E + A (x + 1)^-.3."""

        inputs = {"x": sf.laws.Size()}  # noqa: RUF012
        E: sf.params.Param = sf.params.positive(amplitude=True)
        A: sf.params.Param = sf.params.positive(amplitude=True)

        def __call__(self, x):
            return self.E + self.A * (x + 1.0) ** -0.3

    fit = sf.fit(Shifted, sf.Runs(loss, x=x), noise=sf.noise.Gaussian())
    np.testing.assert_allclose(sf.forecast(fit, x=[0.0, 1e6]).run.value, [3.7, 1.7 + 2.0 * 1e6**-0.3], rtol=1e-3)
    tested = sf.backtest(fit)
    assert np.all(tested.distance["x"] > 0)
    assert 1 not in tested.row


def test_runs_that_are_all_alike_are_foreseen_alike(study):
    same = sf.Runs(np.full(36, 2.0) + 1e-9 * np.arange(36), N=study.inputs["N"], D=study.inputs["D"])
    one = sf.forecast(sf.fit(Chinchilla, same), N=1e9, D=1e11)
    for end in ("low", "value", "high"):
        np.testing.assert_allclose(getattr(one.run, end), 2.0, rtol=1e-3)


def test_studies_that_do_not_reach_far_say_so(study):
    some = study.take(np.arange(8))
    with pytest.raises(sf.InputError, match="does not reach far enough along C"):
        sf.backtest(sf.fit(Chinchilla, some))


def test_targets_below_zero_have_no_logarithm():
    x = np.geomspace(1.0, 1e4, 30)
    runs = sf.Runs(5.0 * x**-0.3 - 1.0, x=x)
    fit = sf.fit(sf.laws.PowerLaw, runs, noise=sf.noise.Gaussian(log=False), throw=False)
    with pytest.raises(sf.InputError, match="values of 0 or less"):
        sf.backtest(fit)
