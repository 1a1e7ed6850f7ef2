"""Forecasts beyond the runs: what they rest on, what they hold, and plans by them."""

import dataclasses
from typing import Any, cast

import numpy as np
import pytest
from helpers import LADDER, curves_of_budgets

import scalefit as sf
from scalefit.laws import Chinchilla, PowerLaw
from scalefit.plan.sizes import constraints_of, optima
from scalefit.results import check_result, evaluate


def best(law: Chinchilla, C: float) -> tuple[float, float]:
    found = sf.allocate(law, budget=C)
    return float(found.N.value[0]), float(found.D.value[0])


def ends(of: sf.Estimate) -> tuple[np.ndarray, np.ndarray]:
    assert of.low is not None
    assert of.high is not None
    return of.low, of.high


def width(of: sf.Estimate) -> np.ndarray:
    low, high = ends(of)
    return high / low


@pytest.mark.parametrize("times", [3.0, 30.0, 300.0])
def test_the_truth_lies_inside(about, times):
    N, D = best(LADDER, times * about.reached[0])
    one = sf.forecast(about, N=N, D=D)
    np.testing.assert_allclose(np.exp(one.distance), times, rtol=1e-6)
    (low, high), (lower, higher) = ends(one.curve), ends(one.run)
    assert lower < float(LADDER(N, D)) < higher
    assert lower < low < high < higher
    np.testing.assert_allclose(sum(one.shares.values()), 1.0)
    np.testing.assert_allclose(sum(one.weight.values()), 1.0)


def test_widths_grow_with_distance_and_with_excess(about):
    C = about.reached[0] * np.array([1.0, 10.0, 100.0])
    N = np.sqrt(C / 120)
    near = sf.forecast(about, N=N, D=C / 6 / N)
    assert np.all(np.diff(width(near.run)) > 0)
    far = sf.forecast(about, N=8 * N, D=C / 48 / N)
    assert np.all(far.excess > near.excess)
    assert np.all(width(far.run) > width(near.run))


def test_within_the_runs_little_is_added(about, fitted):
    one = sf.forecast(about, N=1e8, D=1e10)
    np.testing.assert_allclose(one.curve.value, sf.predict(fitted, N=1e8, D=1e10).value, rtol=0.01)
    assert one.distance < 0
    assert "beyond" in one.shares


@pytest.mark.parametrize("unit", [1e3, 1e-6])
def test_loss_in_another_unit(study, about, unit):
    """Every forecast by the same factor."""
    scaled = sf.Runs(np.asarray(study.target) * unit, N=study.inputs["N"], D=study.inputs["D"])
    one, other = (sf.forecast(it, N=1e9, D=1e11) for it in (about, sf.fit(Chinchilla, scaled)))
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(other.run, name) / unit, getattr(one.run, name), rtol=2e-4, err_msg=name)


def test_draws_stand_for_their_fit(fitted, about):
    draws = sf.bootstrap(fitted, num=50)
    one = sf.forecast(draws, N=1e9, D=1e11)
    np.testing.assert_allclose(one.run.value, sf.forecast(about, N=1e9, D=1e11).run.value)


def test_studies_of_a_batch_are_foreseen_alike():
    runs = [curves_of_budgets(seed) for seed in (0, 1)]
    N, D = (np.concatenate([one.inputs[n] for one in runs]) for n in ("N", "D"))
    whole = sf.Runs(np.concatenate([one.target for one in runs]), N=N, D=D).with_column("study", np.repeat([0, 1], 36))
    about = sf.discrepancy(sf.fit(Chinchilla, whole, by="study"))
    both = sf.forecast(about, N=[1e9, 2e9], D=1e11)
    assert both.run.value.shape == (2, 2)
    np.testing.assert_allclose(sf.forecast(about[1], N=[1e9, 2e9], D=1e11).run.value, both.run.value[1])
    assert sf.rank(about, N=1e9, D=1e11).arms == (0, 1)
    alone = sf.forecast(sf.fit(Chinchilla, runs[1]), N=[1e9, 2e9], D=1e11)
    np.testing.assert_allclose(ends(both.run)[1][1], ends(alone.run)[1], rtol=1e-4)


def test_few_runs_have_the_prior_alone():
    x = np.geomspace(1e18, 1e20, 5)
    fit = sf.fit(PowerLaw, sf.Runs(1.7 + 5e2 * x**-0.15, x=x))
    one = sf.forecast(fit, x=1e22)
    assert one.checked == 0
    assert one.like is None
    assert "other studies" in one.notes[0]
    assert "100 times the largest x" in repr(one)
    assert width(one.run) > 1.02


@pytest.mark.parametrize("count", [5, 8])
def test_runs_too_few_for_any_other_arm_have_a_width(study, count):
    some = study.take(np.linspace(0, 35, count).astype(int))
    one = sf.forecast(sf.fit(Chinchilla, some), N=[1e9, 4e9], D=1e11)
    assert np.all((width(one.run) > 1.02) & np.isfinite(width(one.run)))
    assert np.all(one.excess >= 0)


def test_a_short_study_holds_up_no_other(fitted, study):
    some = study.take(np.linspace(0, 35, 5).astype(int))
    parts = [study, some]
    N, D = (np.concatenate([one.inputs[n] for one in parts]) for n in ("N", "D"))
    loss, label = np.concatenate([one.target for one in parts]), np.repeat(["long", "short"], [36, 5])
    both = sf.forecast(sf.fit(Chinchilla, sf.Runs(loss, N=N, D=D).with_column("of", label), by="of"), N=1e9, D=1e11)
    np.testing.assert_allclose(both.run.value[0], sf.forecast(fitted, N=1e9, D=1e11).run.value, rtol=1e-6)
    assert np.all(width(both.run) > 1.01)
    assert "1 of 2 studies" in both.notes[0]


def test_fits_that_did_not_converge_foresee_nothing(study):
    with pytest.raises(sf.InputError, match="fit did not converge"):
        sf.forecast(sf.fit(Chinchilla, study, max_steps=2, throw=False), N=1e9, D=1e11)


def test_of_a_batch_those_that_converged_foresee(study):
    whole = sf.Runs(np.tile(study.target, 2), N=np.tile(study.inputs["N"], 2), D=np.tile(study.inputs["D"], 2))
    fits = sf.fit(Chinchilla, whole.with_column("of", np.repeat([0, 1], 36)), by="of")
    some = dataclasses.replace(fits, result=np.where([False, True], fits.result, 1))
    one = sf.forecast(some, N=1e9, D=1e11)
    assert np.isfinite(one.run.value).tolist() == [False, True]
    assert "1 of 2 fits did not converge" in one.notes[0]


def test_scatter_of_values_is_told_by_the_value(study):
    """About a loss of 2.4 a scatter of .5 % is one of .012: both noises say the same."""
    logs, values = (sf.fit(Chinchilla, study, noise=sf.noise.Gaussian(log=log)) for log in (True, False))
    one, other = (sf.forecast(fit, N=1e9, D=1e11) for fit in (logs, values))
    np.testing.assert_allclose(other.shares["scatter"], one.shares["scatter"], rtol=0.5)


def test_other_arms_are_of_losses_alone(study):
    class Accuracy(sf.laws.AbstractLaw):
        """T - a (N / 1e7)^-.3."""

        inputs = {"N": sf.laws.Size(), "D": sf.laws.Size()}  # noqa: RUF012
        smaller_is_better = False
        T: sf.params.Param = sf.params.positive(amplitude=True)
        a: sf.params.Param = sf.params.positive()

        def __call__(self, N, D):
            return self.T - self.a * (N / 1e7) ** -0.3

    N, D = study.inputs["N"], study.inputs["D"]
    fit = sf.fit(Accuracy, sf.Runs(0.9 - 0.5 * (N / 1e7) ** -0.3, N=N, D=D))
    assert list(sf.forecast(fit, N=1e9, D=1e11).weight) == ["law"]
    choices = sf.backtest(fit).choices()
    assert all(N[one.best - 1] > 2 * np.sqrt(one.compute / 120) for one in choices)
    assert all(N[one.chosen - 1] == N[one.best - 1] for one in choices)
    assert all(one.regret == 0.0 for one in choices)


def test_compute_beyond_every_float_is_told(about):
    one = sf.forecast(about, N=1e200, D=1e200)
    np.testing.assert_allclose(one.distance, np.log(6e16) + 2 * np.log(1e192) - np.log(about.reached[0]))
    assert np.isfinite(one.run.value)
    assert "inf times the compute" in repr(one)


def test_plans_take_discrepancy(fitted, about):
    budget = 90 * float(about.reached[0])
    plain, honest = sf.allocate(fitted, budget=budget), sf.allocate(about, budget=budget, num_draws=200)
    N, D = (float(of.value[0]) for of in (honest.N, honest.D))
    np.testing.assert_allclose(honest.loss.value[0], sf.forecast(about, N=N, D=D).curve.value, rtol=2e-3)
    assert width(honest.loss)[0] > width(plain.loss)[0]
    assert ends(honest.N)[0][0] < N < ends(honest.N)[1][0]
    assert repr(honest).startswith("Allocation by the discrepancy of Chinchilla, cost 6ND")


@pytest.mark.parametrize("verb", ["gain", "overtakes", "compute_for", "speedup", "rank"])
def test_other_verbs_take_it_in_the_place_of_draws(fitted, drawn, about, verb):
    """Twenty times beyond the runs all are less sure by it than by resampled runs."""
    C = 20 * float(about.reached[0])
    N, D = best(LADDER, C)
    # A family that falls behind at this budget.
    other = dataclasses.replace(LADDER, E=LADDER.E + 0.2, A=0.65 * LADDER.A, B=0.65 * LADDER.B)

    def of(result):
        if verb == "gain":
            return sf.gain(result, other, budget=C, num_draws=40).gain[0]
        if verb == "overtakes":
            return sf.overtakes(other, result, between=(1e18, 1e30), num_draws=40).budget
        if verb == "compute_for":
            return sf.compute_for(result, loss=float(LADDER(N, D)), num_draws=40).compute[0]
        if verb == "speedup":
            return sf.speedup(result, sf.Runs([float(LADDER(N, D))], N=[N / 2], D=[D / 2])).factor
        return sf.rank({"one": result, "other": fitted}, N=N, D=D).value[0]

    assert np.log(width(of(about))) > 1.3 * np.log(width(of(drawn)))


def test_given_draws_are_those_of_plans(drawn):
    given = sf.discrepancy(drawn)
    law: Any = given.draws(60).terms[0]
    np.testing.assert_array_equal(law.E[:40], drawn.law.E)
    np.testing.assert_array_equal(law.E[40:], drawn.law.E[:20])


def test_draws_are_of_one_arm_each_as_often_as_it_weighs(about):
    """No draw goes beyond its arms: a plan looks at sizes at which these are worlds apart."""
    law, draws = about.law(), about.draws(400)
    far = {"N": np.array([1.0]), "D": np.array([30.0 * about.reached[0] / 6.0])}
    arms = [evaluate(term, far, False)[0] for term in law.terms]
    still = dataclasses.replace(draws, drift=0.0 * draws.drift, shift=0.0 * draws.shift)
    found = evaluate(still, far, True)[:, 0]
    ends = np.stack([evaluate(term, far, True)[:, 0] for term in draws.terms])
    assert np.all((ends.min(axis=0) * (1 - 1e-9) <= found) & (found <= ends.max(axis=0) * (1 + 1e-9)))
    assert max(arms) > 1.2 * min(arms)
    nearer = np.abs(np.log(found / ends)).argmin(axis=0)
    weight = [sf.forecast(about, N=1e9, D=5.0 * about.reached[0] / 1e9).weight[name] for name in about.rolled.names]
    assert abs(np.mean(nearer == 0) - weight[0]) < 0.1


def test_other_sizes_are_best_in_other_draws_at_the_same_loss(about):
    """By a shift that grows with the distance, but in draws in which the law is right."""
    C, draws = 20.0 * about.reached, about.draws(60)
    moved, still = (
        optima(one, C, constraints_of(draws, "6ND"))
        for one in (draws, dataclasses.replace(draws, shift=0.0 * draws.shift))
    )
    shift = -(1.0 - draws.right) * draws.shift * (1.0 + 0.5 * np.log(20.0))
    np.testing.assert_allclose((moved.log_N - still.log_N)[:, 0], shift, atol=1e-5)
    np.testing.assert_allclose(moved.loss, still.loss, rtol=1e-9)
    assert 0.1 < np.mean(draws.right) < 0.9


def test_a_plan_is_of_least_expected_regret_and_tells_how_such_plans_went(about):
    budget = 5 * float(about.reached[0])
    plan = sf.allocate(about, budget=budget, num_draws=200)
    N = float(plan.N.value[0])
    least = plan.regret(N).mean[0]
    assert all(plan.regret(N * times).mean[0] > least for times in (0.9, 0.97, 1.03, 1.1))
    like = about.plans_like(np.log(5.0))
    back = sf.backtest(about.fit)
    costs = [c.regret for c in back.choices() if like and like.low <= c.compute / back.reached[c.origin] < like.high]
    assert like is not None
    assert like.count == len(costs) > 0
    np.testing.assert_allclose([like.cost, like.right], [np.mean(costs), np.mean(np.array(costs) <= 1e-3)])
    assert any(str(like) in note for note in plan.notes)
    wider, alone = plan.near_optimal[0.001], sf.allocate(about.law(), budget=budget).near_optimal[0.001]
    assert wider.high[0] / wider.low[0] > 0.99 * alone.high[0] / alone.low[0]


def test_a_loss_is_reached_also_where_a_draw_rises_later(about):
    """Draws drift up without end far away; what they reach before counts."""
    budget = 3 * float(about.reached[0])
    foreseen = sf.allocate(about, budget=budget, num_draws=200).loss
    needed = sf.compute_for(about, loss=1.03 * foreseen.value[0], num_draws=200)
    assert needed.probability is not None
    assert needed.probability[0] == 1.0
    assert ends(needed.compute)[1][0] < budget


@pytest.mark.parametrize(
    "of, said",
    [
        (lambda about: about.draws(5, study=1), "study is 1"),
        (lambda about: about.law(1), "study is 1"),
        (lambda about: about.draws(1), "num is 1"),
        (lambda about: about.draws(5, seed=-1), "seed is -1"),
        (lambda about: about.by_distance(5), "level is 5"),
        (lambda about: about["a"], "no study 'a'"),
        (lambda about: sf.allocate(about, budget=1e22, num_draws=cast(Any, "a")), "num_draws is 'a'"),
        (lambda about: check_result("result", about), "ask `forecast`"),
        (lambda about: sf.rank(cast(Any, [about, about]), N=1e9, D=1e11), "have no names"),
    ],
)
def test_what_a_discrepancy_is_not_asked(about, of, said):
    with pytest.raises(sf.InputError, match=said):
        of(about)


def test_no_draws_where_no_resample_converged(about, monkeypatch):
    def failing(fit, num, seed):
        some = sf.bootstrap(fit, num=num, seed=seed)
        return dataclasses.replace(some, result=np.ones(num, int))

    monkeypatch.setattr("scalefit.calibrate._discrepancy.bootstrap", failing)
    with pytest.raises(sf.InputError, match="has no draw that converged"):
        about.draws(num=3)


def test_laws_without_a_size_are_refused():
    x = np.linspace(0.05, 0.95, 30)

    class Share(sf.laws.AbstractLaw):
        """a + b s."""

        inputs = {"s": sf.laws.Fraction()}  # noqa: RUF012
        a: sf.params.Param = sf.params.positive(amplitude=True)
        b: sf.params.Param = sf.params.positive(amplitude=True)

        def __call__(self, s):
            return self.a + self.b * s

    fit = sf.fit(Share, sf.Runs(1.0 + 0.5 * x, s=x), noise=sf.noise.Gaussian())
    with pytest.raises(sf.InputError, match="takes no size"):
        sf.discrepancy(fit)
