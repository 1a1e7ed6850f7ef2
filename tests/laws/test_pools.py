"""Laws of several pools: published errors, limits in which they are simpler laws, the smooth form and its slopes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import scalefit as sf
from scalefit.data import UNLIMITED, load_table
from scalefit.laws import (
    QQT,
    AbstractPools,
    PoolsDataConstrained,
    PoolsEffective,
    PoolsExchange,
    PoolsOverfit,
    PoolsQQT,
    QQTEffective,
)
from scalefit.laws.pools._repetition import scaled_e1

TOP = ("tmars-top0-10", "tmars-top10-20", "tmars-top20-30", "tmars-top30-40")
SIZE = np.full(4, 12.8e6)


def published(of, law, **options):
    """The four pools of the ranking, from the published values of each by itself."""
    sets = [of.published_sets[name].values for name in TOP]
    along = {name: [one[name] for one in sets] for name in ("b", "tau")}
    return law(d=sets[0]["d"], a=sets[0]["a"], **along, pool=TOP, **options).covering(64)


UTILITY = published(QQT, PoolsQQT)
SMOOTH = dataclasses.replace(UTILITY, passes="smooth")

# One compilation for every law of a structure.
value = jax.jit(lambda law, n, w, U: law(n, w, U))
slopes = jax.jit(jax.grad(lambda w, law, n, U: law.log_excess(n, w, U)))


def equal(count):
    return np.where(np.arange(4) < count, 1.0 / count, 0.0)


@pytest.mark.usefixtures("public_data")
@pytest.mark.parametrize(
    ("law", "column"),
    [
        (UTILITY, "error_utility_d_outside"),
        (dataclasses.replace(UTILITY, floor="released"), "error_utility_d_inside_product"),
        (published(QQTEffective, PoolsEffective), "error_effective_data"),
    ],
    ids=["utility", "released", "effective"],
)
def test_published_errors_of_unions_and_of_single_pools(law, column):
    table = load_table("qqt", "derived_predictions.csv")
    rows = [i for i, pool in enumerate(table["pool"]) if not str(pool).startswith("random")]
    assert len(rows) == 40
    single: dict[str, np.ndarray] = dict(zip(("top0-10", "top10-20", "top20-30", "top30-40"), np.eye(4), strict=True))
    for i in rows:
        one = str(table["kind"][i]) == "single"
        w = single[str(table["pool"][i])] if one else equal(int(table["n_pools"][i]))
        found = float(value(law, float(table["samples_seen"][i]), w, SIZE))
        assert found == pytest.approx(float(table[column][i]), abs=1e-9), table["pool"][i]


@pytest.mark.parametrize("half_life", ["own", "weighted", 0.4])
def test_one_pool_alone_is_the_law_of_one_pool(half_life):
    n = 3.3e7
    for pool, of in ((UTILITY, QQT), (published(QQTEffective, PoolsEffective), QQTEffective)):
        law = dataclasses.replace(pool, half_life=half_life)
        for i, name in enumerate(TOP):
            alone = float(of.published(name)(n=n, U=12.8e6))
            assert float(value(law, n, np.eye(4)[i], SIZE)) == pytest.approx(alone, rel=1e-12)


def test_sparing_the_mixture_changes_no_run_on_one_pool_and_is_undefined_for_others():
    n, w = np.array([4e7, 9e7]), np.eye(4)[[1, 3]]
    sized = UTILITY.sized_for({"n": n, "w": w, "U": np.tile(SIZE, (2, 1))})
    for i in range(2):
        assert float(value(sized, n[i], w[i], SIZE)) == pytest.approx(
            float(value(UTILITY, n[i], w[i], SIZE)), rel=1e-13
        )
    assert np.isnan(value(sized, n[0], equal(2), SIZE))


def test_beyond_its_passes_the_staircase_is_undefined_and_the_smooth_form_is_not():
    few = published(QQT, PoolsQQT)
    beyond = 12.8e6 * 65, np.eye(4)[0], SIZE
    assert np.isnan(value(few, *beyond))
    assert np.isfinite(value(few.smooth(), *beyond))
    # Where numbers are at hand, and not traced, the law covers them by itself.
    with jax.enable_x64(True):
        assert float(few(*beyond)) == pytest.approx(float(value(few.covering(65), *beyond)), rel=1e-13)
        assert np.isnan(few(12.8e6 * 9000, np.eye(4)[0], SIZE))


def test_equal_pools_share_the_half_life_of_the_theorem():
    """p equal pools of one quality are one pool of p times the size; with half-lives of their own they last less."""
    same = dataclasses.replace(UTILITY, b=[-0.16] * 4, tau=[6.0] * 4)
    union = QQT(a=0.025, d=0.1, b=-0.16, tau=4 * 6.0)
    assert float(value(same, 2e8, equal(4), SIZE)) == pytest.approx(float(union(n=2e8, U=4 * 12.8e6)), rel=1e-12)
    own = dataclasses.replace(same, half_life="own")
    assert float(value(own, 2e8, equal(4), SIZE)) > float(value(same, 2e8, equal(4), SIZE))


def test_fresh_samples_never_lose_anything():
    w = np.array([0.4, 0.3, 0.2, 0.1])
    forever = dataclasses.replace(UTILITY, tau=[1e12] * 4)
    fresh = float(value(UTILITY, 5e7, w, np.full(4, UNLIMITED)))
    assert fresh == pytest.approx(0.1 + (0.025 * 500) ** float(np.sum(w * UTILITY.b)), rel=1e-12)
    assert float(value(forever, 5e7, w, SIZE)) == pytest.approx(fresh, rel=1e-9)


def test_the_extension_is_the_law_itself_without_its_parameter_and_turns_back_with_it():
    fields = {name: getattr(UTILITY, name) for name in ("d", "a", "b", "tau", "pool")}
    law = PoolsOverfit(**fields, rho=0.0).covering(64)
    w = np.eye(4)[3]
    assert float(value(law, 3e8, w, SIZE)) == pytest.approx(float(value(UTILITY, 3e8, w, SIZE)), rel=1e-13)
    harmed = dataclasses.replace(law, rho=0.5)
    early, late = (float(value(harmed, n, w, SIZE)) for n in (4e7, 8e8))
    assert late > early


def test_saturating_pools_are_one_sum_of_fresh_samples():
    law = PoolsExchange(d=0.1, b=-0.15, q=[0.02, 0.01], tau=[4.0, 8.0], pool=("A", "B"), half_life="own")
    n, w, U = 6e7, np.array([0.25, 0.75]), np.array([5e6, 2e7])
    R, t = np.array([4.0, 8.0]) / np.log(2.0), n * w / U
    worth = np.sum(np.array([0.02, 0.01]) * U * (1 + R * -np.expm1(-(t - 1) / R)))
    assert float(value(law, n, w, U)) == pytest.approx(0.1 + (worth / 1e5) ** -0.15, rel=1e-12)
    per_pool = PoolsDataConstrained(d=0.1, a=0.02, b=[-0.15, -0.15], tau=[4.0, 8.0], pool=("A", "B"), half_life="own")
    equal_rate = dataclasses.replace(law, q=[0.02, 0.02])
    assert float(value(per_pool, n, w, U)) == pytest.approx(float(value(equal_rate, n, w, U)), rel=1e-12)


def test_the_smooth_form_keeps_near_the_staircase():
    # At whole and half passes and between, on single pools and unions, far beyond the published range.
    worst, of_unions = 0.0, 0.0
    for n in 12.8e6 * np.array([0.3, 0.7, 1.0, 1.3, 1.99, 2.5, 3.1, 4.9, 7.5, 11.2, 20.4, 35.0, 50.0, 63.0]):
        for w in np.eye(4):
            worst = max(worst, abs(float(value(SMOOTH, n, w, SIZE)) - float(value(UTILITY, n, w, SIZE))))
        for count in (2, 3, 4):
            apart = float(value(SMOOTH, n, equal(count), SIZE)) - float(value(UTILITY, n, equal(count), SIZE))
            of_unions = max(of_unions, abs(apart))
    assert worst < 0.0035
    assert of_unions < 0.0035


@pytest.mark.usefixtures("public_data")
def test_the_smooth_form_keeps_nearer_on_the_published_unions():
    table = load_table("qqt", "derived_predictions.csv")
    for i in np.flatnonzero([str(kind) != "single" and int(p) > 1 for kind, p in zip(table["kind"], table["n_pools"])]):
        n, w = float(table["samples_seen"][i]), equal(int(table["n_pools"][i]))
        assert abs(float(value(SMOOTH, n, w, SIZE)) - float(value(UTILITY, n, w, SIZE))) < 0.0012


@pytest.mark.parametrize("half_life", ["own", "weighted", 0.4])
@pytest.mark.parametrize(
    "w",
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.4, 0.3, 0.2, 0.1], [0.97, 0.01, 0.01, 0.01]],
)
def test_slopes_of_the_smooth_form_are_those_of_finite_differences(w, half_life):
    law, w, step = dataclasses.replace(SMOOTH, half_life=half_life), np.array(w), 1e-6
    found = np.asarray(slopes(w, law, 6.4e8, SIZE))
    assert np.isfinite(found).all()
    for i in range(4):
        # One-sided, of second order, where the weight can fall no further.
        at = [w + k * step * np.eye(4)[i] for k in ((0, 1, 2) if w[i] == 0 else (-1, 0, 1))]
        a, b, c = (float(jnp.asarray(law.log_excess(6.4e8, x, SIZE))) for x in at)
        expected = (-3 * a + 4 * b - c) / (2 * step) if w[i] == 0 else (c - a) / (2 * step)
        assert found[i] == pytest.approx(expected, rel=2e-5, abs=1e-6)


def test_the_scaled_integral_is_scipys():
    x = np.concatenate([np.geomspace(1e-10, 2.99, 40), np.geomspace(3.0, 600.0, 40)])
    np.testing.assert_allclose(jax.vmap(scaled_e1)(x), np.exp(x) * special.exp1(x), rtol=1e-12)
    np.testing.assert_allclose(
        jax.vmap(jax.grad(scaled_e1))(x), np.exp(x) * special.exp1(x) - 1 / x, rtol=1e-8, atol=1e-14
    )


def test_pools_are_named_from_their_parameters_to_their_numbers():
    law = PoolsQQT.of(["A", "B"], half_life="own")
    assert law.pool == ("A", "B")
    assert law.half_life == "own"
    assert [slot.name for slot in sf.params.slots(law)] == ["d", "a", "b[A]", "b[B]", "tau[A]", "tau[B]"]


def test_shares_and_sizes_may_be_whole_numbers_lists_or_traced():
    law = sf.laws.PoolsQQT(a=1.0, b=[-0.1, -0.2], d=0.1, tau=[3.0, 2.0], pool=("A", "B"))
    with jax.enable_x64(True):
        expected = float(law(1e10, np.array([1.0, 0.0]), np.array([4e9, 2e9])))
        assert float(law(10**10, [1, 0], [4 * 10**9, 2 * 10**9])) == expected
        assert float(law(10**10, np.array([1, 0]), np.array([4 * 10**9, 2 * 10**9]))) == expected
        assert np.isfinite(jax.grad(lambda w: law(1e10, [w, 1.0 - w], [4e9, 2e9]))(0.5))


@pytest.mark.parametrize("law", [sf.laws.PoolsQQT, sf.laws.PoolsEffective])
@pytest.mark.parametrize("passes", [16.0, 32.0])
def test_runs_that_end_with_a_whole_number_of_passes_have_a_value(law, passes):
    law = law(a=1.0, b=[-0.2], d=0.1, tau=[3.0], pool=("A",)).covering(passes)
    for size in (1000.0, 1e6, 12.8e6, 5e4):
        with jax.enable_x64(True):
            n, U = (jnp.exp(jnp.log(jnp.asarray(x))) for x in (passes * size, size))
            assert jnp.isfinite(law(n, jnp.ones(1), jnp.stack([U])))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"half_life": "theorem"}, "half_life is 'theorem'; expected 'weighted', 'own' or a power"),
        ({"half_life": float("nan")}, "half_life is nan"),
        ({"floor": "Outside"}, "floor is 'Outside'; expected 'outside' or 'released'"),
        ({"passes": "smoth"}, "passes is 'smoth'; expected 'staircase' or 'smooth'"),
        ({"pool": ("A", "A")}, "expected each name once"),
    ],
)
def test_options_that_are_none_are_refused(options, message):
    law = sf.laws.PoolsQQT()
    for name, value in options.items():
        object.__setattr__(law, name, value)  # in tests types are checked before the law sees them
    checks = AbstractPools if "half_life" in options or "pool" in options else PoolsQQT
    with pytest.raises(sf.InputError, match=message):
        checks.__check_init__(law)


def test_numbers_that_do_not_go_with_the_shares_are_refused():
    law = sf.laws.PoolsQQT(a=1.0, b=[-0.1, -0.2, -0.3], d=0.1, tau=[3.0, 2.0], pool=("A", "B"))
    with pytest.raises(sf.InputError, match=r"b has the shape \(3,\); expected a number for each of the 2 shares"):
        law(1e6, [0.5, 0.5], [1e6, 1e6])


def test_more_passes_than_a_sum_may_take_are_refused_and_the_smooth_form_takes_them():
    inputs = {"n": np.array([1e9]), "w": np.ones((1, 1)), "U": np.array([[1e4]])}
    with pytest.raises(sf.InputError, match=r"n sees a pool 1e\+05 times; expected at most 8192"):
        sf.laws.PoolsQQT(pool=("A",)).sized_for(inputs)
    sf.laws.PoolsQQT(pool=("A",), passes="smooth").sized_for(inputs)
