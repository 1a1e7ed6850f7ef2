"""Convex functions of weights within limits: the certificate, against a general solver, and where limits bind."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import optimize

from scalefit.solve import Groups, Kinks, minimise_convex, minimise_on_host, project
from scalefit.solve._simplex_descent import nearest

POOLS, TARGETS = 17, 5


def exponential(w, arg):
    k, t = arg
    return jnp.mean(k * jnp.exp(t @ w))


def problems(count: int, pools: int = POOLS):
    rng = np.random.default_rng(1)
    t = rng.normal(0.0, 2.0, (count, TARGETS, pools))
    k = rng.uniform(0.2, 1.0, (count, TARGETS))
    most = rng.uniform(0.08, 0.4, (count, pools))
    return (k, t - t.mean(axis=2, keepdims=True)), most


def of_groups(lanes: int) -> Groups:
    member = np.zeros((lanes, 3, POOLS))
    member[:, 0, :5], member[:, 1, 5:9], member[:, 2, 9:] = 1.0, 1.0, 1.0
    return Groups(member, np.tile([0.0, 0.3, 0.0], (lanes, 1)), np.tile([0.15, 1.0, 1.0], (lanes, 1)))


def by_slsqp(k, t, most, grouped):
    def value(w):
        return np.mean(k * np.exp(t @ w)), (k * np.exp(t @ w)) @ t / TARGETS

    limits = [{"type": "eq", "fun": lambda w: w.sum() - 1.0}]
    if grouped:
        limits += [{"type": "ineq", "fun": lambda w: 0.15 - w[:5].sum()}]
        limits += [{"type": "ineq", "fun": lambda w: w[5:9].sum() - 0.3}]
    options = {"ftol": 1e-15, "maxiter": 1000}
    bounds = [(0.0, m) for m in most]
    start = np.full(POOLS, 1.0 / POOLS)
    return optimize.minimize(value, start, jac=True, bounds=bounds, constraints=limits, options=options).fun


@pytest.mark.parametrize("grouped", [False, True])
def test_it_is_where_a_general_solver_ends_and_certifies_it(grouped):
    (k, t), most = problems(8)
    groups = of_groups(8) if grouped else None
    found = minimise_convex(exponential, (k, t), np.zeros_like(most), most, groups=groups)
    theirs = np.array([by_slsqp(*lane, grouped) for lane in zip(k, t, most, strict=True)])
    assert (found.value <= theirs + 1e-9).all()
    assert (found.value >= theirs - 1e-6).all()
    assert (found.gap < 1e-8).all()
    np.testing.assert_allclose(found.weights.sum(axis=1), 1.0, rtol=1e-12)
    assert (found.weights <= most + 1e-12).all()
    assert (found.weights >= 0.0).all()
    if groups is not None:
        totals = groups.totals(found.weights)
        assert (totals <= groups.high + 1e-12).all()
        assert (totals >= groups.low - 1e-12).all()


def test_moves_of_weight_keep_the_limits_of_groups_and_find_the_same():
    (k, t), most = problems(2)
    groups = of_groups(2)
    exact = minimise_convex(exponential, (k, t), np.zeros_like(most), most, groups=groups)
    start = np.full((2, 1, POOLS), 1.0 / POOLS)
    found = minimise_on_host(exponential, exponential, (k, t), start, np.zeros_like(most), most, groups=groups)
    np.testing.assert_allclose(found.value, exact.value, rtol=1e-7)
    totals = groups.totals(np.asarray(found.weights))
    assert (totals <= groups.high + 1e-9).all()
    assert (totals >= groups.low - 1e-9).all()


def test_what_is_held_stays_and_what_leaves_one_choice_is_it():
    (k, t), _ = problems(2)
    low, high = np.zeros((2, POOLS)), np.ones((2, POOLS))
    low[0, 3] = high[0, 3] = 0.25
    high[1] = 1.0 / POOLS
    found = minimise_convex(exponential, (k, t), low, high)
    assert found.weights[0, 3] == 0.25
    np.testing.assert_allclose(found.weights[1], 1.0 / POOLS, rtol=1e-9)
    assert (found.gap < 1e-7).all()


def test_a_projection_by_groups_is_the_plain_one_where_groups_leave_it():
    rng = np.random.default_rng(0)
    v, high = rng.random((6, POOLS)), rng.uniform(0.1, 0.5, (6, POOLS))
    low = np.zeros_like(high)
    wide = of_groups(6)._replace(low=np.zeros((6, 3)), high=np.ones((6, 3)))
    np.testing.assert_allclose(project(v, low, high, groups=wide), project(v, low, high), rtol=1e-9, atol=1e-12)
    groups = of_groups(6)
    w = project(v, low, high, groups=groups)
    np.testing.assert_allclose(w.sum(axis=1), 1.0, rtol=1e-12)
    assert (groups.totals(w) <= groups.high + 1e-12).all()
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            project(jnp.asarray(v), jnp.asarray(low), jnp.asarray(high), groups=groups), w, rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("where", ["host", "compiled"])
def test_many_weights_are_certified_by_products_with_the_curvature(where):
    rng = np.random.default_rng(5)
    t, k = rng.normal(0.0, 2.0, (2, TARGETS, 200)), rng.uniform(0.5, 1.5, (2, TARGETS))
    low, high = np.zeros((2, 200)), np.full((2, 200), 0.02)
    low[1, 7], high[1, 7] = 0.01, 0.01
    member = np.zeros((2, 2, 200))
    member[:, 0, :100], member[:, 1, 100:] = 1.0, 1.0
    groups = Groups(member, np.tile([0.0, 0.3], (2, 1)), np.tile([0.2, 1.0], (2, 1)))
    found = minimise_convex(exponential, (k, t), low, high, groups, driver=where)
    table = minimise_convex(exponential, (k, t), low, high, groups, direct=True)
    assert (found.gap < 1e-10).all()
    np.testing.assert_allclose(found.weights, table.weights, atol=1e-8)
    np.testing.assert_allclose(groups.totals(found.weights)[:, 0], 0.2, rtol=1e-10)
    assert (groups.totals(found.weights) <= groups.high + 1e-12).all()
    assert found.weights[1, 7] == 0.01


def test_what_each_weight_curves_on_its_own_is_told_from_products():
    rng = np.random.default_rng(5)
    t, price = rng.normal(0.0, 2.0, (1, 4, 300)), np.full(1, 0.1)

    def strayed(w, arg):
        t, price = arg
        there = jnp.where(w > 0.0, w, 1.0)
        return jnp.mean(jnp.exp(t @ w)) + price * jnp.sum(jnp.where(w > 0.0, w * jnp.log(300.0 * there), 0.0))

    low, high = np.zeros((1, 300)), np.ones((1, 300))
    found = minimise_convex(strayed, (t, price), low, high, direct=False)
    assert found.gap[0] < 1e-7 * found.unit[0]
    # Weights under a price of relative entropy are those of the prior times e^(-slope / price) of the rest.
    of_rest = np.mean(np.exp(t[0] @ found.weights[0])[:, None] * t[0], axis=0)
    by_slopes = np.exp(-(of_rest - of_rest.min()) / price)
    np.testing.assert_allclose(found.weights[0], by_slopes / by_slopes.sum(), atol=1e-6)
    # So low a price lets weights fall without end, which have no price of their own then.
    cheap = minimise_convex(strayed, (t, 1e-2 * price), low, high, direct=False)
    assert cheap.gap[0] < 1e-7 * cheap.unit[0]
    # The unit of the cost is nothing to the weights.
    dear = minimise_convex(lambda w, arg: 1e6 * strayed(w, arg), (t, price), low, high, direct=False)
    np.testing.assert_allclose(dear.weights, found.weights, atol=1e-6)


def test_a_sum_over_many_domains_has_its_slopes_alike():
    rng = np.random.default_rng(6)
    a, b = rng.lognormal(0.0, 1.0, (1, 1000)) / 1000.0, rng.uniform(0.1, 0.6, (1, 1000))
    found = minimise_convex(
        lambda w, arg: jnp.sum((w + arg[0]) ** -arg[1]), (a, b), np.zeros((1, 1000)), np.full((1, 1000), 8e-3)
    )
    assert found.gap[0] < 1e-9 * found.unit[0]
    slope = (-b * (found.weights + a) ** (-b - 1.0))[0]
    free = (found.weights[0] > 0.0) & (found.weights[0] < 8e-3)
    assert free.sum() > 500
    assert np.ptp(slope[free]) < 1e-6 * found.unit[0]


def test_the_nearest_weights_are_those_of_optax_and_under_limits_those_of_least_distance():
    rng = np.random.default_rng(7)
    v = rng.normal(0.0, 0.3, (4, POOLS))
    low, high, groups = np.zeros((4, POOLS)), np.ones((4, POOLS)), of_groups(4)
    with jax.enable_x64(True):
        with jax.numpy_dtype_promotion("standard"):
            theirs = jax.vmap(optax.projections.projection_simplex)(jnp.asarray(v))
        ours = jax.jit(jax.vmap(nearest))(*(jnp.asarray(a) for a in (v, low, high)))
        grouped = jax.jit(jax.vmap(nearest))(*(jax.tree.map(jnp.asarray, a) for a in (v, low, 0.3 * high, groups)))
    np.testing.assert_allclose(ours, theirs, atol=1e-14)
    least = minimise_convex(lambda w, v: jnp.sum((w - v) ** 2), v, low, 0.3 * high, groups)
    np.testing.assert_allclose(grouped, least.weights, atol=1e-7)
    np.testing.assert_allclose(np.sum(grouped, axis=1), 1.0, rtol=1e-14)


def targets_of(w, arg):
    return (arg @ w)[None]


def draws_of(w, arg):
    return (arg @ w)[:, None]


LANES, DRAWS, LEAST = 6, 12, 0.3
"""Lanes, draws, and the share of the worst of these."""


@pytest.mark.parametrize("kind", ["largest", "worst draws", "each"])
def test_kinks_of_lines_are_where_a_linear_program_ends(kind):
    rng = np.random.default_rng(4)
    lines = rng.normal(3.0, 1.0, (LANES, DRAWS, 5))
    most = rng.uniform(0.25, 0.9, (LANES, 5))
    kinks = {
        "largest": Kinks(targets_of), "worst draws": Kinks(draws_of, 1.0 / (DRAWS * LEAST)),
        "each": Kinks(lambda w, arg: (arg @ w).reshape(3, 4), each=True),
    }[kind]  # fmt: skip
    found = minimise_convex(lambda w, _: w[0], lines, np.zeros_like(most), most, kinks=kinks)
    for lane, (own, ends) in enumerate(zip(lines, most, strict=True)):
        # Weights, levels, and by how much pieces exceed these: the least of level + mean excess / share.
        levels = np.repeat(np.eye(3), 4, axis=0) if kind == "each" else np.ones((DRAWS, 1))
        over = np.zeros((DRAWS, 0)) if kind != "worst draws" else np.eye(DRAWS)
        cost = np.concatenate([np.zeros(5), np.full(levels.shape[1], 1.0 / levels.shape[1]),
                               np.full(over.shape[1], 1.0 / (DRAWS * LEAST))])  # fmt: skip
        bounds = [*((0.0, end) for end in ends), *[(None, None)] * levels.shape[1], *[(0.0, None)] * over.shape[1]]
        whole = [[*np.ones(5), *np.zeros(len(cost) - 5)]]
        table = np.concatenate([own, -levels, -over], axis=1)
        theirs = optimize.linprog(cost, table, np.zeros(DRAWS), whole, [1.0], bounds)
        assert found.value[lane] == pytest.approx(theirs.fun, abs=1e-9)
    assert (found.gap < 1e-8).all()
    assert (found.gap >= 0.0).all()
    np.testing.assert_allclose(found.weights.sum(axis=1), 1.0, rtol=1e-12)
    assert (found.weights <= most + 1e-12).all()


def test_kinks_of_many_weights_are_met_without_a_table():
    rng = np.random.default_rng(5)
    lines = rng.normal(3.0, 1.0, (1, 3, 40))
    ends = np.zeros((1, 40)), np.full((1, 40), 0.2)
    table = minimise_convex(lambda w, _: w[0], lines, *ends, kinks=Kinks(targets_of), direct=True)
    found = minimise_convex(lambda w, _: w[0], lines, *ends, kinks=Kinks(targets_of), direct=False)
    assert found.gap < 1e-8
    assert found.value == pytest.approx(table.value, abs=1e-8)
