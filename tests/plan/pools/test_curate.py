"""Plans for pools: the published values, limits, draws, crossovers, and what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import made_up_problem, posed
from scipy import optimize

import scalefit as sf
from scalefit.calibrate import Discrepancy, StackedLaw
from scalefit.plan.pools import drawn_of_pools, errors, sized_for_plans
from scalefit.plan.pools._limits import pools_of

NAMES = ("top0-10", "top10-20", "top20-30", "top30-40")
LAW = sf.laws.PoolsQQT(
    a=0.025,
    d=0.1,
    b=[-0.16, -0.125, -0.1, -0.085],
    tau=[6.7272727272727275, 8.545454545454547, 5.2727272727272725, 2.2727272727272725],
    pool=NAMES,
)
POOLS = sf.Pools(dict.fromkeys(NAMES, 12.8e6))
BUDGETS = [32e6, 64e6, 128e6, 640e6, 3e9]


@pytest.fixture
def wide():
    """For what a test computes by itself; the verbs see to their own precision."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def plan():
    return sf.curate(LAW, POOLS, budget=BUDGETS)


@pytest.fixture(scope="module")
def ensemble():
    """Draws about the published values, made by hand."""
    rng = np.random.default_rng(0)
    moved = {name: getattr(LAW, name) * np.exp(0.05 * rng.standard_normal((40, 4))) for name in ("b", "tau")}
    moved |= {name: np.full(40, float(getattr(LAW, name))) for name in ("a", "d")}
    problem = made_up_problem(LAW, 40, noise=sf.noise.Gaussian(), name="made", ranges={"n": (1e6, 128e6)})
    free = problem.free
    fit = sf.Fit(
        law=LAW, objective=np.asarray(0.1), result=np.asarray(0), scale=np.asarray(0.01), residuals=np.zeros(40),
        unidentified=np.zeros(len(free), bool), agreeing=np.asarray(8), problem=problem, tried=8, seed=0,
    )  # fmt: skip
    return sf.Ensemble(
        law=dataclasses.replace(LAW, **moved), objective=np.zeros(40), result=np.zeros(40, int),
        scale=np.full(40, 0.01), unidentified=np.zeros((40, len(free)), bool), fit=fit, method="made", seed=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def drawn(ensemble):
    with pytest.warns(UserWarning, match="times above the range of the runs.*With its 95 % interval"):
        return sf.curate(ensemble, POOLS, budget=BUDGETS)


def test_published_values_give_the_published_unions_and_better_weights(plan):
    assert [len(pools) for pools in plan.union[:4]] == [1, 1, 2, 2]
    assert plan.union[2] == NAMES[:2]
    assert (plan.value <= np.array([0.82964, 0.76950, 0.71833, 0.63925, 0.60704]) + 5e-6).all()
    np.testing.assert_allclose(plan.weights.sum(axis=1), 1.0, rtol=1e-12)
    assert (plan.kkt > -1e-6).all()
    # Best weights often lie on a kink: four passes of the best pool and one of the next.
    np.testing.assert_allclose(plan.passes[1, :2], [4.0, 1.0], rtol=1e-6)


def test_the_other_form_prefers_one_more_pool():
    law = sf.laws.PoolsEffective(
        a=0.022,
        d=0.1,
        b=[-0.18227272727272728, -0.14484848484848487, -0.13530303030303031, -0.09757575757575758],
        tau=[4.0, 4.363636363636363, 2.909090909090909, 1.4545454545454546],
        pool=NAMES,
    )
    found = sf.curate(law, POOLS, budget=BUDGETS[:4])
    assert [len(pools) for pools in found.union] == [1, 1, 2, 3]
    assert (found.value <= np.nanmin(found.unions, axis=1) + 1e-12).all()


@pytest.mark.usefixtures("wide")
def test_no_weights_on_a_dense_grid_polished_are_better(plan):
    steps = np.arange(0, 1.01, 0.1)
    grid = np.array([(a, b, c, 1 - a - b - c) for a in steps for b in steps for c in steps if a + b + c <= 1 + 1e-9])
    grid = np.clip(grid, 0.0, 1.0)
    law = LAW.covering(256)
    error = jax.jit(lambda n, w: law(n, w, POOLS.sizes))
    slope = jax.jit(jax.grad(lambda w, n: law(n, w, POOLS.sizes)))
    on_grid = jax.jit(jax.vmap(lambda n, w: law(n, w, POOLS.sizes), in_axes=(None, 0)))
    for budget, ours in zip(BUDGETS, plan.value, strict=True):
        values = np.asarray(on_grid(budget, grid))
        best = min(
            optimize.minimize(
                lambda w, n=budget: float(error(n, w)), grid[i], jac=lambda w, n=budget: np.asarray(slope(w, n)),
                method="SLSQP", bounds=[(0, 1)] * 4, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
                options={"ftol": 1e-12, "maxiter": 200},
            ).fun
            for i in np.argsort(values)[:6]
        )  # fmt: skip
        assert ours <= min(best, values.min()) + 1e-6


def test_baselines_are_what_they_are_called(plan):
    np.testing.assert_allclose(plan.plans["natural"], 0.25)
    np.testing.assert_allclose(plan.plans["best_single"], np.tile([1.0, 0, 0, 0], (5, 1)))
    for values in plan.values.values():
        assert (plan.value <= values + 1e-12).all()


def test_natural_proportions_follow_sizes():
    pools = sf.Pools(dict(zip(NAMES, [1e6, 1e6, 2e6, 4e6], strict=True)))
    np.testing.assert_allclose(pools.natural, [0.125, 0.125, 0.25, 0.5])
    np.testing.assert_allclose(pools.uniform, 0.25)


def test_limits_are_kept():
    pools = sf.Pools(dict.fromkeys(NAMES, 12.8e6), max_passes=4.0)
    found = sf.curate(LAW, pools, budget=[32e6, 64e6, 128e6, 160e6, 200e6])
    assert (found.passes <= 4.0 + 1e-9).all()
    assert (found.kkt > -1e-6).all()
    # A union that would be seen too often is no plan.
    assert np.isnan(found.unions[4, :3]).all()
    held = sf.curate(LAW, POOLS, budget=BUDGETS, fixed={NAMES[3]: 0.2}, max_weight={NAMES[0]: 0.5}, min_weight=0.05)
    np.testing.assert_allclose(held.weights[:, 3], 0.2)
    assert (held.weights[:, 0] <= 0.5 + 1e-9).all()
    assert (held.weights >= 0.05 - 1e-9).all()
    assert not held.allowed["best_single"].any()


def test_a_dear_pool_is_bought_less_of(plan):
    dear = sf.Pools(dict.fromkeys(NAMES, 12.8e6), cost={NAMES[0]: 4.0, NAMES[1]: 1.0, NAMES[2]: 1.0, NAMES[3]: 1.0})
    found = sf.curate(LAW, dear, budget=BUDGETS)
    assert (found.weights[:, 0] < plan.weights[:, 0]).all()
    np.testing.assert_allclose(np.sum(found.weights * dear.cost, axis=1) * found.samples, BUDGETS, rtol=1e-9)
    assert (found.kkt > -1e-6).all()


def test_every_draw_has_weights_no_worse_than_any_plan(drawn):
    assert drawn.draws is not None
    for of_plan in drawn.draws.of_plans.values():
        assert (drawn.draws.value <= of_plan + 1e-12).all()
    assert (drawn.draws.value <= drawn.draws.of_best + 1e-9).all()
    assert (drawn.draws.kkt > -1e-6).all()


def test_draws_say_how_sure_a_plan_is(drawn):
    band = drawn.interval(0.9)
    assert band.low is not None
    assert band.high is not None
    assert (band.low < drawn.value).all()
    assert (drawn.value < band.high).all()
    known = drawn.weights_interval(0.9)
    assert (known.low <= known.high).all()
    assert ((drawn.probability_best >= 0) & (drawn.probability_best <= 1)).all()
    assert (drawn.regret["best"] >= -1e-9).all()
    assert (drawn.regret["natural"] > drawn.regret["best"]).all()


@pytest.mark.usefixtures("wide")
def test_a_careful_plan_has_the_least_risk(drawn, ensemble):
    law = ensemble.law.covering(256)
    under = jax.jit(jax.vmap(lambda law, n, w: law(n, w, POOLS.sizes), in_axes=(0, None, None)))
    for b, budget in enumerate(BUDGETS):
        beside = [drawn.weights[b], *drawn.draws.weights[:, b], *(plan[b] for plan in drawn.plans.values())]
        errors = np.array([under(law, budget, w) for w in beside])
        careful, by_quantile = (
            np.asarray(under(law, budget, w[b])) for w in (drawn.draws.careful, drawn.draws.careful_quantile)
        )
        # The worst tenth of forty draws.
        least = np.sort(errors, axis=1)[:, 36:].mean(axis=1).min()
        assert np.sort(careful)[36:].mean() == pytest.approx(least, rel=1e-9)
        assert np.quantile(by_quantile, 0.9) == pytest.approx(np.quantile(errors, 0.9, axis=1).min(), rel=1e-9)


@pytest.mark.usefixtures("wide")
def test_probabilities_and_regret_are_shares_and_means_of_draws(drawn, ensemble):
    law = ensemble.law.covering(256)
    under = jax.jit(jax.vmap(lambda law, n, w: law(n, w, POOLS.sizes), in_axes=(0, None, None)))
    errors = {
        name: np.array([under(law, n, w) for n, w in zip(BUDGETS, plan, strict=True)])
        for name, plan in {"best": drawn.weights, **drawn.plans}.items()
    }
    least = np.min(list(errors.values()), axis=0)
    for name, of_plan in errors.items():
        np.testing.assert_allclose(drawn.probabilities[name], np.mean(of_plan <= least * (1 + 1e-12), axis=1))
        regret = np.mean(of_plan - drawn.draws.value.T, axis=1)
        np.testing.assert_allclose(drawn.regret[name], regret, rtol=1e-6, atol=1e-12)
    # The union of one pool is that pool by itself, and as probable.
    assert drawn.probabilities["union"][0] == drawn.probabilities["best_single"][0]


def test_a_plan_of_one_law_says_nothing_of_how_sure_it_is(plan):
    with pytest.raises(sf.InputError, match="Curate an ensemble"):
        _ = plan.probabilities
    assert plan.interval().low is None


@pytest.mark.usefixtures("wide")
def test_the_budget_at_which_a_union_overtakes_the_best_pool(ensemble):
    one, two = {NAMES[0]: 1.0}, {NAMES[0]: 0.5, NAMES[1]: 0.5}
    found = sf.overtakes(one, two, result=LAW, pools=POOLS, between=(1e7, 1e10))
    law = LAW.covering(64)
    errors = [float(law(found.budget.value, POOLS.weights(plan), POOLS.sizes)) for plan in (one, two)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-9)
    assert 64e6 < found.budget.value < 128e6
    drawn = sf.overtakes(one, two, result=ensemble, pools=POOLS, between=(1e7, 1e10))
    assert drawn.budget.low is not None
    assert drawn.budget.high is not None
    assert drawn.probability is not None
    assert drawn.budget.low < found.budget.value < drawn.budget.high
    assert drawn.probability > 0.9
    never = sf.overtakes(two, {NAMES[3]: 1.0}, result=LAW, pools=POOLS, between=(1e7, 1e9))
    assert np.isnan(never.budget.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": -1.0}, "expected a finite number of samples above 0"),
        ({"budget": []}, "expected a finite number of samples above 0"),
        ({"budget": "much"}, "expected a finite number of samples"),
        ({"budget": 1e8, "min_weight": 0.3}, "cannot be spent whole: the limits leave the pools at"),
        ({"budget": 1e8, "max_weight": 0.2}, "cannot be spent whole: the limits leave the pools at"),
        (
            {"budget": 1e8, "fixed": {"top0-10": 0.5}, "max_weight": {"top10-20": 0.1}, "min_weight": 0.2},
            "leaves 'top10-20' at most 0.1 of it; expected 0.2 at least",
        ),
        ({"budget": 1e8, "fixed": {"top": 0.5}}, "fixed names 'top'; expected one of the pools"),
        ({"budget": 1e8, "max_weight": 1.5}, "expected a share from 0 to 1"),
        ({"budget": 1e15}, "expected plans of at most 8192 passes"),
        ({"budget": True}, "expected a finite number of samples"),
        (
            {"budget": 1e8, "fixed": {"top0-10": 0.8}, "max_weight": 0.5},
            r"fixed holds 'top0-10' at 0\.8 .* between 0 and 0\.5",
        ),
        ({"budget": 1e8, "seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_a_sentence(options, message):
    with pytest.raises(sf.InputError, match=message):
        sf.curate(LAW, POOLS, **options)


def test_passes_that_leave_the_budget_unspent_are_refused():
    with pytest.raises(sf.InputError, match="limits leave the pools at most"):
        sf.curate(LAW, sf.Pools(dict.fromkeys(NAMES, 12.8e6), max_passes=2.0), budget=128e6)


def test_laws_and_pools_must_go_together(ensemble):
    with pytest.raises(sf.InputError, match="pools names 'top40-50'; expected one of the pools of the law"):
        sf.curate(LAW, sf.Pools({"top0-10": 1e6, "top40-50": 1e6}), budget=1e8)
    with pytest.raises(sf.InputError, match="one pool only"):
        sf.curate(LAW, sf.Pools({"top0-10": 1e6}), budget=1e8)
    with pytest.raises(sf.InputError, match="result is of Chinchilla; expected a law of pools"):
        sf.curate(dataclasses.replace(ensemble.fit, law=sf.laws.Chinchilla.published("epoch")), POOLS, budget=1e8)


def test_pools_may_come_in_another_order(plan):
    turned = sf.Pools(dict.fromkeys(NAMES[::-1], 12.8e6))
    found = sf.curate(LAW, turned, budget=BUDGETS)
    np.testing.assert_allclose(found.weights, plan.weights[:, ::-1], atol=1e-6)
    assert found.plans["best_single"][0].tolist() == [0.0, 0.0, 0.0, 1.0]


TWO = sf.laws.PoolsQQT(d=0.1, a=500.0, b=[-0.3, -0.2], tau=[5.0, 8.0], pool=("A", "B"))


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (sf.laws.PoolsQQT.of(("A", "B")), r"d of PoolsQQT is nan; expected a number >= 0. Fit it"),
        (dataclasses.replace(TWO, a=-1.0), r"a of PoolsQQT is -1; expected a number > 0"),
        (dataclasses.replace(TWO, b=[-0.3, 0.2]), r"b\[B\] of PoolsQQT is 0.2"),
        (dataclasses.replace(TWO, b=[-0.3, -0.2, -0.1]), r"b of PoolsQQT is .*; expected one number for each pool"),
        (dataclasses.replace(TWO, d=[0.1, 0.2]), "Give the ensemble itself"),
    ],
)
def test_a_law_without_usable_values_is_no_ground_for_a_plan(law, message):
    with pytest.raises(sf.InputError, match=message):
        sf.curate(law, {"A": 1e5, "B": 1e6}, budget=1e6)


def test_what_are_no_pools_is_refused():
    with pytest.raises(sf.InputError, match=r"expected sf\.Pools, or sizes by name"):
        pools_of(None)


def test_a_limit_that_is_reached_to_the_last_bit_leaves_a_plan_with_a_value():
    pools = sf.Pools({"A": 144245, "B": 948655}, max_passes=16)
    found = sf.curate(TWO, pools, budget=8743200.0)
    assert found.passes[0, 0] == pytest.approx(16.0)
    assert np.isfinite(found.value).all()
    assert (found.kkt > -1e-6).all()


def test_the_best_single_pool_is_one_that_limits_allow_if_any_is():
    pools = sf.Pools({"A": 1e5, "B": 1e6}, max_passes=4.0)
    found = sf.curate(TWO, pools, budget=[1e5, 2.5e6, 4.2e6])
    assert found.plans["best_single"].tolist() == [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    assert found.allowed["best_single"].tolist() == [True, True, False]
    for values in found.values.values():
        # However often a forbidden plan would see a pool, what it would come to is known.
        assert np.isfinite(values).all()


def test_a_weight_without_worth_is_none_at_all():
    found = sf.curate(TWO, {"A": 1e9, "B": 1e9}, budget=np.geomspace(1e5, 1e8, 7))
    assert found.weights.tolist() == [[1.0, 0.0]] * 7
    np.testing.assert_array_equal(found.kkt, 0.0)


def test_crossings_are_found_where_samples_differ_in_cost():
    law = dataclasses.replace(TWO, a=3e4, tau=[3.0, 8.0], half_life="own")
    pools = sf.Pools({"A": 1037, "B": 27942}, cost={"A": 10.0, "B": 1.0})
    # The first spends more on A than its share of the samples: passes must be counted by what is spent.
    plans = np.array([0.4, 0.6]), np.array([0.05, 0.95])
    found = sf.overtakes(*plans, result=law, pools=pools, between=(597.0, 6e5))
    assert found.budget.value == pytest.approx(35986.03, rel=1e-6)
    wide = law.covering(1024)
    with jax.enable_x64(True):
        errors = [float(wide(found.budget.value / (w @ pools.cost), w, pools.sizes)) for w in plans]
    assert errors[0] == pytest.approx(errors[1], rel=1e-9)


def test_what_lies_far_from_the_runs_is_said(ensemble):
    with pytest.warns(UserWarning, match="times below the range of the runs"):
        sf.curate(ensemble.fit, POOLS, budget=1e4)
    short = posed(ensemble.fit, source=dataclasses.replace(ensemble.fit.source, ranges={"n": (1e5, 1e6)}))
    with pytest.warns(UserWarning, match=r"crossing at .* times above the range of the runs"):
        sf.overtakes({NAMES[0]: 1.0}, {NAMES[0]: 0.5, NAMES[1]: 0.5}, result=short, pools=POOLS, between=(1e7, 1e10))


def test_draws_that_did_not_converge_are_counted(ensemble):
    some = dataclasses.replace(ensemble, result=np.where(np.arange(40) < 3, int(sf.RESULTS.max_steps_reached), 0))
    found = sf.curate(some, POOLS, budget=64e6)
    assert found.draws is not None
    assert (found.draws.failed, len(found.draws.value)) == (3, 37)
    assert "3 draws did not converge and take no part" in repr(found)


class Apart(sf.laws.AbstractLaw):
    """A law of a user's own, in names of its own: each source helps by itself, and always less."""

    inputs = {"images": "images", "part[source]": sf.laws.SHARE, "have[source]": "images"}  # noqa: RUF012
    floor: sf.params.Param = sf.params.nonnegative(amplitude=True)
    worth: sf.params.Param = sf.params.positive(axis="source")
    source: tuple[str, ...] = sf.params.axis()

    def __call__(self, images, part, have):
        """The error, that of a source falling as one over its images."""
        return self.floor + jnp.sum(self.worth / (images * part)) + 0.0 * jnp.sum(have)

    def log_excess(self, images, part, have):
        """The logarithm of the error above its floor."""
        return jnp.log(self(images, part, have) - self.floor)


def test_a_law_of_a_users_own_is_known_by_the_kinds_of_its_inputs():
    """Weights in proportion to the roots of the worths, by hand."""
    law = Apart(floor=0.1, worth=[9.0, 1.0, 4.0], source=("a", "b", "c"))
    found = sf.curate(law, {"c": 1e6, "a": 2e6, "b": 1e6}, budget=[1e4, 1e5])
    np.testing.assert_allclose(found.weights, np.tile([2 / 6, 3 / 6, 1 / 6], (2, 1)), atol=1e-5)
    np.testing.assert_allclose(found.value, 0.1 + 36.0 / np.array([1e4, 1e5]), rtol=1e-9)
    assert (found.kkt > -1e-6).all()


class Drifting(Discrepancy):
    """A discrepancy made by hand: a drift alone, of a hundredth for each e-fold beyond 64 million samples."""

    def __init__(self, fit):
        object.__setattr__(self, "fit", fit)

    def law(self, study=0):
        still = np.zeros(1), np.ones(()), np.zeros(2), np.zeros(()), np.zeros(())
        return StackedLaw((LAW,), np.full((1, 3), 1e-3), *still, reached=np.array(64e6), along="n", power=3.0)

    def draws(self, num=6, study=0, seed=0):
        whole = jax.tree.map(lambda a: np.repeat(np.asarray(a, float)[None], 6, axis=0), self.law())
        drift = np.stack([0.01 * np.arange(-2.5, 3.0), np.zeros(6)], axis=1)
        return dataclasses.replace(whole, drift=drift)


def test_a_discrepancy_widens_what_is_foreseen_and_moves_no_crossing(ensemble):
    """What a law misses beyond its runs is the same for all mixtures of one budget."""
    about = Drifting(ensemble.fit)
    known = drawn_of_pools(about, POOLS, 6)
    assert known.name == "PoolsQQT"
    found = errors(
        sized_for_plans(known.stacked, POOLS, np.array([1e7, 1e10]), np.eye(4)), POOLS, np.array([128e6]), np.eye(4)[0]
    )
    np.testing.assert_allclose(found[1:, 0], found[0] * 2.0 ** (0.01 * np.arange(-2.5, 3.0)))
    at = sf.overtakes({NAMES[0]: 1.0}, {NAMES[0]: 0.5, NAMES[1]: 0.5}, result=about, pools=POOLS, between=(1e7, 1e10))
    assert at.budget.draws is not None
    np.testing.assert_allclose(at.budget.draws, at.budget.value)
