"""Weights on the simplex: the optimum from every start, on kinks too, within limits, and an honest word on slopes."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import count_programs
from scipy.optimize import minimize

from scalefit.solve import OnSimplex, minimise_on_host, minimise_on_simplex, project, simplex_kkt
from scalefit.solve._simplex_steps import _swept

POOLS = 4
BUDGETS = np.array([32e6, 64e6, 128e6, 640e6, 3e9])
ERRORS = np.array([0.82964, 0.76950, 0.71833, 0.63925, 0.60704])
MOST_PASSES = 256
LOW, HIGH = np.zeros(POOLS), np.ones(POOLS)
STARTS = np.concatenate([np.full((1, POOLS), 1 / POOLS), np.eye(POOLS)])


# --- the published pools, a formula each for whole and for continuous passes ---


def published(budgets, sign=1.0):
    def every(v):
        return jnp.tile(jnp.asarray(v)[None], (len(budgets), 1))

    return {
        "log_n": jnp.log(0.025 * jnp.asarray(budgets) / 1e5),
        "passes": jnp.asarray(budgets)[:, None] / every([12.8e6] * POOLS),
        "b": every([-0.16, -0.125, -0.1, -0.085]),
        "sign": jnp.full(len(budgets), sign),
        "tau": every([6.7272727, 8.5454545, 5.2727273, 2.2727273]),
    }


def staircase(w, arg):
    """log(y - d) with whole passes."""
    t, h = w * arg["passes"], w / arg["tau"]
    k = jnp.arange(1.0, MOST_PASSES)[:, None]
    gained = jnp.maximum(jnp.log(jnp.clip(t[None], 1.0, k + 1.0)) - jnp.log(k), 0.0)
    later = jnp.sum(jnp.exp2(-k * h[None]) * gained, axis=0)
    return jnp.sum(w * arg["b"] * (arg["log_n"] - jnp.log(jnp.maximum(t, 1.0)) + later))


NODES, SHARES = (a / 2 for a in np.polynomial.legendre.leggauss(24))


def smooth(w, arg):
    """log(y - d) with continuous passes: utility lost over the logarithm of passes, from half a pass on."""
    t, c = w * arg["passes"], w / arg["tau"] * jnp.log(2.0)
    longer = jnp.log(jnp.maximum(2.0 * t, 1.0))
    at = 0.5 * jnp.exp(longer[None] * (NODES[:, None] + 0.5))
    lost = longer * jnp.sum(SHARES[:, None] * -jnp.expm1(c[None] * (0.5 - at)), axis=0)
    return arg["sign"] * jnp.sum(w * arg["b"] * (arg["log_n"] - lost))


def solved(budgets, *, starts=STARTS, low: Any = LOW, high: Any = HIGH, sign=1.0, rounds=200) -> OnSimplex:
    """Always five problems and the same options, so that the tests share one program."""
    args = published(np.resize(budgets, len(BUDGETS)), sign)
    out = minimise_on_simplex(staircase, smooth, args, *(jnp.asarray(a) for a in (starts, low, high)), rounds=rounds)
    return jax.tree.map(lambda a: np.asarray(a)[: len(budgets)], out)


@pytest.fixture(scope="module")
def best() -> OnSimplex:
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        return solved(BUDGETS)


@functools.cache
def costs_of(cost):
    return jax.jit(jax.vmap(cost, (0, None)))


def one(args, k):
    return jax.tree.map(lambda a: a[k], args)


def test_published_pools_reach_the_known_errors(best):
    assert (np.exp(best.value) + 0.1 < ERRORS + 6e-6).all()
    assert (best.kkt >= -1e-7).all()
    np.testing.assert_allclose(best.weights.sum(axis=1), 1.0, atol=1e-14)
    np.testing.assert_array_equal(best.weights[0], [1.0, 0.0, 0.0, 0.0])


def test_no_dense_grid_polished_by_slsqp_is_better(best):
    step = 20
    grid = np.array([
        (i, j, k, step - i - j - k)
        for i in range(step + 1) for j in range(step + 1 - i) for k in range(step + 1 - i - j)
    ]) / step  # fmt: skip
    args = published(BUDGETS)
    gradient = jax.jit(jax.value_and_grad(staircase))
    for k in range(len(BUDGETS)):
        arg = one(args, k)
        values = np.asarray(costs_of(staircase)(jnp.asarray(grid), arg))
        found = values.min()
        for start in grid[np.argsort(values)[:3]]:
            out = minimize(
                lambda w, arg=arg: tuple(np.asarray(v) for v in gradient(jnp.asarray(w), arg)),
                start, jac=True, method="SLSQP", bounds=[(0, 1)] * POOLS, options={"ftol": 1e-12},
                constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            )  # fmt: skip
            w = np.clip(out.x, 0, 1)
            found = min(found, float(costs_of(staircase)(jnp.asarray(w / w.sum())[None], arg)[0]))
        assert best.value[k] <= found + 1e-6


def test_an_optimum_on_a_kink_is_known_as_one_though_no_gradient_vanishes(best):
    """At 64M the best pool is seen four times and the second once, to the last digit."""
    w = best.weights[1]
    np.testing.assert_allclose(w * 64e6 / 12.8e6, [4.0, 1.0, 0.0, 0.0], atol=1e-10)
    arg = one(published(BUDGETS), 1)
    nearby = jax.grad(staircase)(jnp.asarray(w * [1 - 1e-6, 1 + 1e-6, 1, 1]), arg)
    assert abs(nearby[0] - nearby[1]) > 1e-3
    assert best.kkt[1] == 0.0


def test_kkt_is_the_best_slope_by_finite_differences():
    args = published(BUDGETS)
    w = np.array([0.53, 0.17, 0.3, 0.0])
    kkt = simplex_kkt(staircase, args, jnp.asarray(np.tile(w, (len(BUDGETS), 1))), jnp.asarray(LOW), jnp.asarray(HIGH))
    moves = np.array([np.eye(POOLS)[i] - np.eye(POOLS)[j] for i in range(4) for j in range(3) if i != j])
    for k in range(len(BUDGETS)):
        values = np.asarray(costs_of(staircase)(jnp.asarray(np.vstack([w, w + 1e-6 * moves])), one(args, k)))
        assert kkt[k] == pytest.approx((values[1:] - values[0]).min() / 1e-6, abs=2e-5)


# --- limits ---


def test_limits_and_fixed_weights_are_kept(best):
    low, high = np.array([0.0, 0.1, 0.25, 0.0]), np.array([0.3, 1.0, 0.25, 0.0])
    out = solved(BUDGETS, low=low, high=high)
    assert (out.weights >= low).all()
    assert (out.weights <= high).all()
    np.testing.assert_array_equal(out.weights[:, 2:], np.tile([0.25, 0.0], (len(BUDGETS), 1)))
    np.testing.assert_allclose(out.weights.sum(axis=1), 1.0, atol=1e-14)
    assert (out.kkt >= -1e-7).all()
    assert (out.value > best.value).all()
    # One weight is left to choose.
    first = np.linspace(0.0, 0.3, 3001)
    line = np.stack([first, 0.75 - first, np.full_like(first, 0.25), np.zeros_like(first)], axis=1)
    for k in range(len(BUDGETS)):
        assert out.value[k] <= costs_of(staircase)(jnp.asarray(line), one(published(BUDGETS), k)).min() + 1e-12


def test_weights_that_are_all_fixed_stay():
    fixed = np.array([0.4, 0.3, 0.2, 0.1])
    out = solved(BUDGETS, low=fixed, high=fixed)
    np.testing.assert_array_equal(out.weights, np.tile(fixed, (len(BUDGETS), 1)))
    np.testing.assert_array_equal(out.kkt, 0.0)


def test_never_worse_than_any_start(rng):
    """Even where the stand-in misleads: here it is upside down."""
    starts = rng.dirichlet(np.full(POOLS, 0.5), len(STARTS))
    args, out = published(BUDGETS), solved(BUDGETS, starts=starts, sign=-1.0, rounds=0)
    for k in range(len(BUDGETS)):
        assert out.value[k] <= np.asarray(costs_of(staircase)(jnp.asarray(starts), one(args, k))).min() + 1e-15


# --- convex, and far from it ---


def mixing_law(w, arg):
    """Losses of several domains, each the exponential of a linear form: convex, and not a sum over pools."""
    return jnp.sum(jnp.exp(arg @ w)) / arg.shape[0]


@pytest.fixture
def convex(rng):
    return jnp.asarray(0.6 * rng.standard_normal((8, 6, 17)))


def promised(w, args):
    """What the slopes promise at most: no weights are better by more."""
    slope = np.asarray(jax.vmap(jax.grad(mixing_law))(jnp.asarray(w), args))
    return np.sum(w * slope, axis=1) - slope.min(axis=1)


def test_a_convex_problem_has_one_optimum_from_every_start(convex, rng):
    starts = jnp.asarray(np.concatenate([np.full((1, 17), 1 / 17), np.eye(17)[:3], rng.dirichlet(np.ones(17), 2)]))
    each = jnp.repeat(convex, len(starts), axis=0)
    out = minimise_on_simplex(
        mixing_law, mixing_law, each, jnp.tile(starts, (len(convex), 1))[:, None], jnp.zeros(17), jnp.ones(17)
    )
    values = np.asarray(out.value).reshape(len(convex), -1)
    np.testing.assert_allclose(values, np.tile(values.min(axis=1, keepdims=True), (1, len(starts))), atol=1e-7)
    w = np.asarray(out.weights)
    assert promised(w, each).max() < 1e-6
    assert (w == 0).any(axis=1).all()


def thresholded(w, arg):
    """Pools that are of use beyond a threshold only."""
    share = jnp.maximum(w, 0.0) / arg["threshold"]
    return -jnp.sum(arg["use"] * share**4 / (1.0 + share**4))


def test_each_search_finds_what_the_other_misses(rng, monkeypatch):
    """Sixteen pools with thresholds, from even weights: neither search alone is best everywhere, both together are."""
    args = {
        "threshold": jnp.asarray(rng.uniform(0.05, 0.3, (24, 16))),
        "use": jnp.asarray(rng.uniform(0.5, 1, (24, 16))),
    }
    even, low, high = jnp.full((1, 16), 1 / 16), jnp.zeros(16), jnp.ones(16)

    def values(steps=400, adam_steps=150):
        options = {"steps": steps, "adam_steps": adam_steps}
        return np.asarray(minimise_on_simplex(thresholded, thresholded, args, even, low, high, **options).value)

    both, without_adam, without_gradient = values(), values(adam_steps=0), values(steps=0)
    assert (without_adam > both + 1e-3).any()
    assert (without_gradient > both + 1e-3).any()
    assert (both <= np.minimum(without_adam, without_gradient) + 1e-6).all()


# --- the projection ---


@pytest.fixture
def projected(rng):
    v = rng.lognormal(0.0, 2.0, (32, 9))
    low, high = rng.uniform(0, 0.08, (32, 9)), rng.uniform(0.12, 0.6, (32, 9))
    high[:, 0] = low[:, 0] = 0.0
    w = jax.vmap(project)(*(jnp.asarray(a) for a in (v, low, high)))
    return v, low, high, np.asarray(w)


def test_a_projection_keeps_the_limits_and_proportions(projected):
    v, low, high, w = projected
    assert (w >= low).all()
    assert (w <= high).all()
    np.testing.assert_allclose(w.sum(axis=1), 1.0, atol=1e-14)
    for row in range(len(v)):
        free = (w[row] > low[row]) & (w[row] < high[row])
        scale = (w[row] / v[row])[free]
        np.testing.assert_allclose(scale, scale[:1].repeat(len(scale)), rtol=1e-12)


def test_a_projection_changes_nothing_twice(projected):
    _, low, high, w = projected
    again = jax.vmap(project)(*(jnp.asarray(a) for a in (w, low, high)))
    np.testing.assert_allclose(again, w, atol=1e-14)


@pytest.mark.parametrize(
    "v, low, high, expected",
    [
        ([2.0, 1.0, 1.0], [0, 0, 0], [1, 1, 1], [0.5, 0.25, 0.25]),
        ([2.0, 2.0, 0.0], [0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.0]),
        ([1.0, 0.0, 0.0], [0, 0, 0], [0.4, 1, 1], [0.4, 0.3, 0.3]),
        ([1.0, 1.0, 1.0], [0.2, 0.5, 0.3], [0.2, 0.5, 0.3], [0.2, 0.5, 0.3]),
    ],
    ids=["no-limit", "zero", "no-support", "fixed"],
)
def test_projections_by_hand(v, low, high, expected):
    w = project(*(jnp.asarray(a, float) for a in (v, low, high)))
    np.testing.assert_allclose(w, expected, atol=1e-15)


# --- the host's driver ---


def on_host(args, low=LOW, high=HIGH):
    args = jax.tree.map(np.asarray, args)
    every = (np.tile(a, (len(args["sign"]), *[1] * np.ndim(a))) for a in (STARTS, low, high))
    return minimise_on_host(staircase, smooth, args, *every)


def test_both_drivers_end_at_the_same_weights(best):
    here = on_host(published(BUDGETS))
    np.testing.assert_allclose(here.value, best.value, rtol=0, atol=1e-9)
    np.testing.assert_allclose(here.weights, best.weights, atol=1e-5)
    assert (here.kkt >= -1e-7).all()


def test_the_host_keeps_limits():
    low, high = np.array([0.0, 0.1, 0.25, 0.0]), np.array([0.3, 1.0, 0.25, 0.0])
    here, there = on_host(published(BUDGETS), low, high), solved(BUDGETS, low=low, high=high)
    np.testing.assert_array_equal(here.weights[:, 2:], np.tile([0.25, 0.0], (len(BUDGETS), 1)))
    np.testing.assert_allclose(here.value, there.value, rtol=0, atol=1e-9)


def test_the_host_compiles_nothing_for_a_number_of_problems():
    few, more = published(BUDGETS[:1]), published(BUDGETS[:3])
    on_host(few)
    with count_programs() as compiled:
        on_host(more)
    assert not compiled


# --- programs ---


def test_each_problem_is_solved_by_itself(best):
    """The other problems of a batch do not matter."""
    for k in (1, 4):
        np.testing.assert_allclose(solved(BUDGETS[k:]).value, best.value[k:], rtol=0, atol=1e-13)


def test_under_jit_and_vmap(convex):
    @jax.jit
    @jax.vmap
    def each(arg):
        even, low, high = jnp.full((1, 17), 1 / 17), jnp.zeros(17), jnp.ones(17)
        return minimise_on_simplex(mixing_law, mixing_law, arg[None], even, low, high)

    out = each(convex)
    assert out.weights.shape == (len(convex), 1, 17)
    assert promised(np.asarray(out.weights[:, 0]), convex).max() < 1e-6


def compiled() -> int:
    return minimise_on_simplex._cache_size()  # pyright: ignore[reportAttributeAccessIssue]


def test_a_second_call_of_the_same_shapes_compiles_nothing(best):
    before = compiled()
    solved(BUDGETS * 1.1, low=LOW + 0.01)
    assert compiled() == before


def test_dust_is_swept_to_a_weight_that_stands():
    w, low = jnp.asarray([1.0 - 2e-16, 0.0, 2e-16]), jnp.zeros(3)
    np.testing.assert_array_equal(_swept(w, low, jnp.ones(3)), [1.0, 0.0, 0.0])
    held = jnp.asarray([0.5, 0.5 - 1e-13, 1e-13])
    found = _swept(held, low, jnp.asarray([0.5, 1.0, 1.0]))
    np.testing.assert_array_equal(found, [0.5, 0.5, 0.0])
