"""Laws of pools: enough of each pool, resamples that keep every pool, a floor that fresh samples show."""

import warnings

import numpy as np
import pytest

import scalefit as sf
from scalefit.estimate import resamples
from scalefit.problem import Pooling, Studies

POOLS = sf.Pools({"A": 1e6, "B": 1e6})
NOISE = sf.noise.Gaussian(log=False)
LAW = sf.laws.PoolsQQT(d=0.1)
PASSES = np.array([1.0, 2.0, 4.0, 8.0])


def runs(plans=("A", "B"), seeds=2, passes=PASSES, **options) -> sf.Runs:
    """Evaluations of runs on each plan."""
    rng = np.random.default_rng(0)
    law = {"A": (-0.4, 6.0), "B": (-0.3, 3.0)}
    rows = []
    for plan in plans:
        for seed in range(seeds):
            for t in passes:
                b, tau = law[plan[0]]
                # Near enough to the law for these tests.
                error = 0.1 + (10.0 * t ** (1.0 / (1.0 + t / (4.0 * tau)))) ** b
                rows.append((plan, seed, 1e6 * t, error * np.exp(0.01 * rng.standard_normal())))
    pool, seed, n, error = (list(column) for column in zip(*rows, strict=True))
    table = sf.Runs(error, pool=pool, seed=seed, n=n, run=[f"{p}-{s}" for p, s in zip(pool, seed, strict=True)])
    return sf.pooled(table, POOLS, metric="error", **options)


@pytest.fixture(scope="module")
def fitted():
    table = runs()
    return sf.fit(LAW, table, noise=NOISE, fixed="d"), table


def test_a_single_evaluation_of_a_pool_is_refused_by_name():
    table = runs(seeds=1)
    with pytest.raises(
        sf.InputError, match=r"pool 'B' has a single evaluation .* as it has numbers of its own: b, tau"
    ):
        sf.fit(LAW, table.take(np.arange(5)), noise=NOISE, fixed="d")


def test_repeats_at_one_budget_are_a_single_evaluation():
    table = runs(seeds=4)
    keep = (table.inputs["w[A]"] == 1.0) | (table.inputs["n"] == 1e6)
    with pytest.raises(sf.InputError, match="pool 'B' has a single evaluation"):
        sf.fit(LAW, table.take(keep), noise=NOISE, fixed="d")


def test_every_study_of_a_batch_must_have_every_pool():
    table = runs()
    label = np.where(np.arange(len(table)) % 8 < 4, "first", "second")
    both = table.with_fields(labels={**table.labels, "group": label})
    keep = (label == "first") | (table.inputs["w[A]"] == 1.0)
    with pytest.warns(sf.LeftOutWarning, match=r"'second': The pool 'B' has no evaluation in"):
        fits = sf.fit(sf.laws.PoolsQQT(d=0.1, a=1.0), both.take(keep), noise=NOISE, fixed=("d", "a"), by="group")
    assert fits.keys == ("first",)


def test_what_is_held_fixed_needs_no_evaluations():
    table = runs()
    keep = (table.inputs["w[A]"] == 1.0) | (table.inputs["n"] == 1e6)
    law = sf.laws.PoolsQQT(d=0.1, b=[np.nan, np.nan], tau=[6.0, 3.0], pool=("A", "B"))
    fit = sf.fit(law, table.take(keep), noise=NOISE, fixed=("d", "tau"))
    assert fit.free == ("a", "b[A]", "b[B]")


def test_one_training_of_a_pool_cannot_be_resampled():
    table = runs(seeds=1)
    fit = sf.fit(LAW, table, noise=NOISE, fixed="d")
    with pytest.raises(sf.InputError, match=r"pool 'A' has runs of one training.*several seeds, or sample a posterior"):
        sf.bootstrap(fit, num=10)


def test_independent_rows_of_one_training_can_be():
    table = runs(seeds=1, passes=np.arange(1.0, 9.0))
    fit = sf.fit(LAW, table, noise=NOISE, fixed="d")
    assert sf.bootstrap(fit, num=10, cluster=None).converged.any()


def weights(table: sf.Runs, cluster, num=200) -> np.ndarray:
    """The resamples of runs, without fitting them."""
    studies = Studies.of(table, None)
    law = sf.laws.PoolsQQT.of(("A", "B"), d=0.1)
    pools = Pooling.of(law, tuple(range(1, 6)), dict(table.inputs))
    points = studies.points(table.inputs)[0]
    return resamples(studies, 0, table.clusters(cluster), points, num, 5, [0], pools)[0][:, : len(table)]


def test_every_draw_has_every_pool():
    table = runs(seeds=2)
    drawn = weights(table, "auto")
    for pool in ("A", "B"):
        assert (drawn @ table.inputs[f"w[{pool}]"] == 8).all()
    # Whole trainings, and not always the same ones.
    by_training = drawn.reshape(len(drawn), 4, 4)
    assert (by_training == by_training[..., :1]).all()
    assert {0, 1, 2} == set(np.unique(by_training))


def test_shared_seeds_are_drawn_across_pools():
    drawn = weights(runs(seeds=3), "seed").reshape(-1, 2, 3, 4)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 1])


def test_rows_of_few_evaluations_lie_at_two_budgets_of_each_pool():
    there = weights(runs(seeds=1), None, num=4000).reshape(-1, 2, 4) > 0
    assert (there.sum(axis=2) >= 2).all()


def test_one_training_beside_mixtures_is_drawn_with_them():
    plans = {"half": {"A": 0.5, "B": 0.5}}
    mixed = sf.pooled(
        sf.Runs(
            [0.5, 0.45, 0.4, 0.35] * 6,
            pool=np.repeat(["A", "A", "B", "half", "half", "half"], 4),
            n=np.tile(1e6 * PASSES, 6),
            run=np.repeat(["A-0", "A-1", "B-0", "h-0", "h-1", "h-2"], 4),
        ),
        POOLS,
        plans=plans,
        metric="error",
    )
    drawn = weights(mixed, "auto").reshape(-1, 6, 4)[:, :, 0]
    assert (drawn[:, :2].sum(axis=1) == 2).all()
    assert (drawn[:, 2:].sum(axis=1) == 4).all()
    assert (drawn[:, 2] == 0).any()


def test_laws_of_no_pools_have_nothing_to_keep():
    assert Pooling.of(sf.laws.Chinchilla(), (0, 1), {"N": np.ones(3), "D": np.ones(3)}) is None


def test_a_free_floor_without_fresh_samples_is_warned_of():
    with pytest.warns(sf.FloorWarning, match=r"fresh samples up to 1e\+06 and repeated ones up to 8e\+06"):
        sf.fit(sf.laws.PoolsQQT, runs(), noise=NOISE, throw=False)


def test_a_fixed_floor_is_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error", sf.FloorWarning)
        sf.fit(LAW, runs(), noise=NOISE, fixed="d")


@pytest.mark.parametrize("kinds", [["single"], ["single", "unlimited"]], ids=["finite pools", "and unlimited runs"])
def test_bundled_pools_show_their_floor_by_unlimited_runs(kinds):
    quoted = ", ".join(f'"{kind}"' for kind in kinds)
    table = sf.load_data("pools-teacher", where=f"kind in [{quoted}] and seed < 2 and n <= 32768")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sf.fit(sf.laws.PoolsQQT, table, noise=sf.noise.Gaussian(), num_starts=2, throw=False)
    assert any(w.category is sf.FloorWarning for w in caught) == (kinds == ["single"])


def rising(pools=("A",), seeds=3):
    """Runs whose error rises again in the named pools, and falls in the others."""
    table = runs(seeds=seeds)
    rise = sum(table.inputs[f"w[{name}]"] for name in pools) * (table.inputs["n"] == 8e6)
    return table.with_fields(target=np.asarray(table.target) * np.where(rise > 0.0, 1.8, 1.0))


def test_a_pool_whose_error_rises_again_is_said():
    with pytest.warns(sf.OverfitWarning, match=r"'A' that rises again, by \d+ % from 4 passes to 8, and PoolsQQT can"):
        sf.fit(LAW, rising(), noise=NOISE, fixed="d", throw=False)


@pytest.mark.parametrize("law, pools", [(sf.laws.PoolsOverfit(d=0.1), ("A",)), (LAW, ())])
def test_no_word_of_rising_where_the_law_can_or_nothing_rises(law, pools):
    with warnings.catch_warnings():
        warnings.simplefilter("error", sf.OverfitWarning)
        sf.fit(law, rising(pools), noise=NOISE, fixed="d", throw=False)


def test_values_must_be_one_for_each_pool():
    for tau in ([6.0, 3.0, 1.0], 6.0):
        with pytest.raises(sf.InputError, match=r"tau of PoolsQQT is .*; expected one number for each pool"):
            sf.fit(sf.laws.PoolsQQT(d=0.1, tau=tau), runs(), noise=NOISE)


def test_a_law_whose_pools_are_named_may_leave_values_open():
    law = sf.laws.PoolsQQT(d=0.1, tau=[6.0, 3.0], pool=("A", "B"))
    assert sf.fit(law, runs(), noise=NOISE, fixed=("d", "tau")).free == ("a", "b[A]", "b[B]")


def test_runs_that_end_with_sixteen_passes_are_fitted():
    assert sf.fit(LAW, runs(passes=np.array([1.0, 2.0, 4.0, 16.0])), noise=NOISE, fixed="d").converged


def test_mixtures_tell_how_half_lives_go_with_weights():
    """g of h = w^g / τ, from mixtures without scatter; runs on single pools tell nothing of it."""
    law = sf.laws.PoolsMixed(d=0.1, a=0.025, b=[-0.4, -0.3], tau=[6.0, 3.0], g=0.3, pool=("A", "B"))
    w = np.repeat([0.0, 0.2, 0.5, 0.8, 1.0], 6)
    n = np.tile(np.geomspace(2e5, 1.6e7, 6), 5)
    inputs = {"n": n, "w[A]": w, "w[B]": 1.0 - w, "U[A]": np.full(30, 1e6), "U[B]": np.full(30, 1e6)}
    value = [float(law.covering(16)(n[k], np.array([w[k], 1.0 - w[k]]), np.full(2, 1e6))) for k in range(30)]
    runs = sf.Runs(np.array(value), target="error", **inputs)
    fit = sf.fit(sf.laws.PoolsMixed(d=0.1), runs, noise=NOISE, fixed="d")
    assert fit.law.g == pytest.approx(0.3, abs=1e-4)
    np.testing.assert_allclose(fit.law.tau, [6.0, 3.0], rtol=1e-3)
