"""Which runs to do next: what is promised holds, and what cannot be asked is said."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import posed

import scalefit as sf
from scalefit.params import Param, axis, positive, simplex
from scalefit.plan._cost import SIX_ND, cost_of
from scalefit.plan.design import (
    Target,
    _criteria,
    best_batch,
    candidates_of,
    covariances,
    decorrelated,
    hull,
    inside,
    intraclass_correlation,
    scale_of,
    sigma_of,
    slopes,
    target_of,
)
from scalefit.plan.design._exchange import Choice, few_best
from scalefit.posterior import optima
from scalefit.problem import LawCurve

LAW = sf.laws.Chinchilla.published("epoch")
SIZES, DATA = (a.ravel() for a in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 3e10, 5)))
POOL = {"N": SIZES, "D": DATA}
NOISE = 0.01


def loss_at(N, D):
    return LAW.E + LAW.A * N**-LAW.alpha + LAW.B * D**-LAW.beta


def sd(design):
    assert design.sd is not None
    return design.sd


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(0)
    return sf.Runs(loss=loss_at(SIZES, DATA) * np.exp(NOISE * rng.standard_normal(25)), N=SIZES, D=DATA)


@pytest.fixture(scope="module")
def fit(runs):
    return sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian())


@pytest.fixture(scope="module")
def design():
    return sf.design_runs(LAW, POOL, budget=1e20, target="loss@C=1e23", noise=NOISE)


def test_runs_stay_within_the_budget_and_none_is_taken_twice(design):
    assert len(set(design.order.tolist())) == len(design)
    assert design.spent <= 1e20
    np.testing.assert_allclose(design.cost, 6 * design.runs["N"] * design.runs["D"])
    left = set(range(25)) - set(design.order.tolist())
    assert min(6 * SIZES[k] * DATA[k] for k in left) > 1e20 - design.spent


def test_no_more_runs_are_chosen_than_asked_for():
    few = sf.design_runs(LAW, POOL, budget=1e20, most=3, target="loss@C=1e23", noise=NOISE)
    assert len(few) == 3
    # Of three runs the dear ones count: by the gain for the cost alone they would be three of the cheapest.
    assert few.spent > 0.5e20


def test_every_run_leaves_less_unknown(design):
    assert (np.diff(sd(design)) < 0).all()
    np.testing.assert_allclose(design.left, sd(design) ** 2)


def test_what_is_left_is_what_the_chosen_runs_leave_without_updates(design):
    """One inversion of all chosen runs beside the updates one by one; the pool centres both."""
    whole = {name: np.concatenate([column, POOL[name]]) for name, column in POOL.items()}
    everything = sf.design_runs(LAW, POOL, budget=1e30, target="loss@C=1e23", noise=NOISE)
    assert len(everything) == 25
    assert sd(everything)[-1] == pytest.approx(sf.precision(POOL, target="loss@C=1e23", noise=NOISE), rel=1e-9)
    twice = sf.precision(whole, target="loss@C=1e23", noise=NOISE)
    halved = sf.precision(POOL, target="loss@C=1e23", noise=NOISE / np.sqrt(2))
    assert twice == pytest.approx(halved, rel=1e-9)


def test_the_choice_is_near_the_best_of_all_batches():
    """Of eight runs every affordable batch can be tried: no batch leaves a standard deviation less by a twentieth."""
    place = [0, 2, 4, 8, 12, 18, 20, 24]
    some = {name: column[place] for name, column in POOL.items()}
    cost, budget, target = 6 * some["N"] * some["D"], 2e19, "loss@N=1e10,D=1e11"
    scale = scale_of(LawCurve.of(LAW), jax.tree.map(lambda a: np.asarray(a)[None], LAW), some)
    found = slopes(scale, some, target_of(target, LAW, SIX_ND), True)
    left = []
    for size in range(1, 9):
        for batch in itertools.combinations(range(8), size):
            if cost[list(batch)].sum() <= budget:
                after = covariances(found.runs[:, list(batch)], NOISE)
                left.append(np.sqrt(np.einsum("mtp,mpq,mtq->", found.target, after, found.target)))
    chosen = sf.design_runs(LAW, some, budget=budget, target=target, noise=NOISE)
    assert min(left) * (1 - 1e-9) <= sd(chosen)[-1] <= 1.05 * min(left)


def test_a_fit_with_its_runs_knows_the_forecast_as_its_covariance_does(fit, runs):
    found = sf.design_runs(fit, POOL, done=runs, budget=1e20, target="loss@N=1e10,D=1e11")
    draws = sf.laplace(fit, num=4000)
    spread = np.std(np.asarray(jax.vmap(lambda law: law(1e10, 1e11))(draws.law)))
    assert sd(found)[0] == pytest.approx(spread, rel=0.15)


def test_runs_done_count_by_their_own_errors():
    """Small models are measured thirty times worse than large ones; the fit's own covariance knows."""
    rng = np.random.default_rng(1)
    N, D = np.tile(SIZES, 2), np.tile(DATA, 2)
    se = np.where(N < 1e8, 0.03, 0.001) * loss_at(N, D)
    runs = sf.Runs(loss=loss_at(N, D) + se * rng.standard_normal(50), N=N, D=D, se=se)
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian())
    found = sf.design_runs(fit, POOL, done=runs, budget=1e20, target=lambda law: jnp.log(law.alpha))
    expected = sf.covariance(fit).se["alpha"] / float(fit.law.alpha)
    assert sd(found)[0] == pytest.approx(expected, rel=0.02)


def test_before_any_fit_rows_of_one_training_count_as_one_run(runs):
    """Three copies of each run tell thrice as much, unless they say that they are of one training."""
    asked: Any = {"budget": 1e20, "most": 3, "target": "loss@C=1e22", "noise": NOISE}
    once = sf.design_runs(LAW, POOL, done=runs, **asked)
    thrice = runs.take(np.tile(np.arange(25), 3))
    inputs = {name: thrice.inputs[name] for name in ("N", "D")}
    labelled = sf.Runs(thrice.target, run=np.tile(np.arange(25), 3), **inputs)
    same = sf.design_runs(LAW, POOL, done=labelled, **asked)
    np.testing.assert_array_equal(same.order, once.order)
    np.testing.assert_allclose(sd(same), sd(once), rtol=1e-9)
    apart = sf.design_runs(LAW, POOL, done=sf.Runs(thrice.target, **inputs), **asked)
    assert sd(apart)[0] < 0.7 * sd(once)[0]
    np.testing.assert_allclose(sd(sf.design_runs(LAW, POOL, done=labelled, cluster=None, **asked)), sd(apart))
    # As in a bootstrap, rows of one seed that differ in D alone count as checkpoints: without a label nothing tells.
    seed = np.repeat(np.arange(3), 25)
    seeded = sf.Runs(thrice.target, seed=seed, **inputs)
    together = sf.Runs(thrice.target, run=[f"{s} {N}" for s, N in zip(seed, inputs["N"], strict=True)], **inputs)
    auto, told = (sd(sf.design_runs(LAW, POOL, done=done, **asked)) for done in (seeded, together))
    np.testing.assert_allclose(auto, told)
    np.testing.assert_allclose(sd(sf.design_runs(LAW, POOL, done=seeded, cluster=None, **asked)), sd(apart))


@pytest.mark.parametrize("rows", [[8] * 60, [100] + [2] * 39, [200] * 2 + [3] * 38])
def test_how_much_rows_of_a_training_are_off_together(rows):
    """The mean over sixty studies, of equal trainings and of some with many more rows than the others."""
    training, rng = np.repeat(np.arange(len(rows)), rows), np.random.default_rng(0)
    none = np.zeros((len(training), 0))
    for share in (0.0, 0.3, 0.7):
        common, own = rng.standard_normal((60, len(rows)))[:, training], rng.standard_normal((60, len(training)))
        found = [
            intraclass_correlation(r, training, 1.0, none) for r in np.sqrt(share) * common + np.sqrt(1 - share) * own
        ]
        assert np.mean(found) == pytest.approx(share, abs=0.04)
    assert intraclass_correlation(own[0], np.arange(len(training)), 1.0, none) == 0.0


def test_what_a_fit_took_up_is_no_correlation():
    """Five numbers, of which three tell trainings apart, leave of twelve trainings less than there was."""
    training, rng = np.repeat(np.arange(12), 8), np.random.default_rng(0)
    table = np.column_stack([np.ones(96), rng.standard_normal((12, 2))[training], rng.standard_normal((96, 2))])
    basis, found = np.linalg.qr(table)[0], []
    for _ in range(100):
        off = np.sqrt(0.7) * rng.standard_normal(12)[training] + np.sqrt(0.3) * rng.standard_normal(96)
        left = off - basis @ (basis.T @ off)
        found.append(intraclass_correlation(left, training, float(np.std(left)), table))
    assert np.mean(found) == pytest.approx(0.7, abs=0.06)


def test_rows_together_tell_what_least_squares_make_of_them():
    """Against the inverse of A⁻¹ Jᵀ V J A⁻¹ with the matrix of correlations written out."""
    rng, training = np.random.default_rng(0), np.repeat(np.arange(6), [1, 9, 4, 4, 2, 5])
    J = rng.standard_normal((2, 25, 4))
    V = np.where(training[:, None] == training, 0.6, 0.0) + 0.4 * np.eye(25)
    A = np.swapaxes(J, 1, 2) @ J
    told, taken = decorrelated(J, training, 0.6)
    expected = A @ np.linalg.inv(np.swapaxes(J, 1, 2) @ V @ J) @ A
    np.testing.assert_allclose(np.swapaxes(told, 1, 2) @ told, expected, rtol=1e-9, atol=1e-9)
    assert taken == pytest.approx(np.trace(J[0] @ np.linalg.inv(A[0]) @ J[0].T @ V))
    # A direction that no run tells of adds nothing.
    blind = np.concatenate([J, J[..., :1]], axis=-1)
    np.testing.assert_allclose(decorrelated(blind, training, 0.6)[1], taken)


def test_checkpoints_leave_as_much_unknown_as_studies_scatter():
    """Sixty studies of twelve trainings of eight checkpoints, all of a training off by 1 % and each by 0.3 %."""
    rng, count = np.random.default_rng(0), 60
    training = np.repeat(np.arange(12), 8)
    N = np.geomspace(5e7, 2e9, 12)[training]
    D = N * np.array([20.0, 60.0, 150.0])[training % 3] * np.tile(np.geomspace(0.1, 1.0, 8), 12)
    off = 0.01 * rng.standard_normal((count, 12))[:, training] + 0.003 * rng.standard_normal((count, 96))
    runs = sf.Runs(
        (loss_at(N, D) * np.exp(off)).ravel(), N=np.tile(N, count), D=np.tile(D, count),
        group=np.repeat(np.arange(count), 96), run=(training + 12 * np.arange(count)[:, None]).ravel(),
    )  # fmt: skip
    fits = sf.fit(sf.laws.Chinchilla, runs, by="group", noise=sf.noise.Gaussian(), num_starts=2)
    for target, at in (("loss@N=1e9,D=1e13", (1e9, 1e13)), ("loss@N=1e11,D=1e11", (1e11, 1e11))):
        known = [sd(sf.design_runs(fits[k], POOL, budget=1e20, most=1, target=target))[0] for k in range(12)]
        assert np.mean(known) == pytest.approx(np.std(jax.vmap(lambda law, at=at: law(*at))(fits.law)), rel=0.25)


def test_an_ensemble_says_the_same_as_the_runs_behind_it(fit, runs):
    of_runs = sf.design_runs(fit, POOL, done=runs, budget=1e20, target="loss@C=1e22")
    of_draws = sf.design_runs(sf.laplace(fit), POOL, budget=1e20, target="loss@C=1e22")
    np.testing.assert_allclose(sd(of_draws)[[0, -1]], sd(of_runs)[[0, -1]], rtol=0.25)
    # Of draws about one optimum the target spreads from draw to draw as it does to first order.
    assert of_draws.among == pytest.approx(sd(of_draws)[0], rel=0.25)
    assert f"after, about each draw; {of_draws.among:.3g} from draw to draw" in repr(of_draws)


def test_a_run_of_heavy_tails_tells_as_much_as_its_information_says(fit):
    """Fisher's information of a Student-t of four degrees about its centre is 5/7 of that of a normal of its scale."""
    heavy = posed(fit, noise=sf.noise.StudentT(df=4.0))
    assert sigma_of(None, heavy) == pytest.approx(sigma_of(None, fit) * np.sqrt(7 / 5))


def test_candidates_of_pools_say_what_they_draw_from_each():
    """`U[A]` is the size of the pool A, and not a U in a unit A."""
    law = sf.laws.PoolsQQT.of(("A", "B"))
    given = {"n": [1e4], "w[A]": [0.25], "w[B]": [0.75], "U[A]": [1e3], "U[B]": [2e3]}
    assert {name: column.tolist() for name, column in candidates_of(law, given).items()} == given


def test_candidates_on_pools_may_mix_them_and_repeat_them_more_than_the_runs():
    """The law was sized for one pass over one pool; what tells of B's exponent is the run that draws from B."""
    values: Any = {"d": 0.05, "a": 10.0, "b": np.array([-0.3, -0.4]), "tau": np.array([10.0, 7.0])}
    law = sf.laws.PoolsQQT.of(("A", "B"), **values)
    law = law.sized_for({"n": np.ones(1), "w": np.eye(2)[:1], "U": np.ones((1, 2))})
    given = {"n": [3e4] * 3, "w[A]": [1.0, 1.0, 0.25], "w[B]": [0.0, 0.0, 0.75], "U[A]": [1e3] * 3, "U[B]": [2e3] * 3}
    found = sf.design_runs(law, given, budget=3, cost=1.0, noise=NOISE, target=lambda law: law.b[1])
    assert found.order[0] == 2
    assert (np.diff(sd(found)) < 0).all()


def test_volume_needs_no_target():
    found = sf.design_runs(LAW, POOL, budget=1e20, criterion="D", noise=NOISE)
    assert found.sd is None
    assert (np.diff(found.left) < 0).all()


def test_regret_is_half_the_bend_times_the_variance_of_the_size():
    found = sf.design_runs(LAW, POOL, budget=1e20, target="N@C=1e22", criterion="regret", noise=NOISE)
    a, b = float(LAW.alpha), float(LAW.beta)
    G = (LAW.A * a / (LAW.B * b)) ** (1 / (a + b))
    N = G * (1e22 / 6) ** (b / (a + b))
    bend = a**2 * LAW.A * N**-a + b**2 * LAW.B * (1e22 / 6 / N) ** -b
    np.testing.assert_allclose(found.left, 0.5 * bend * sd(found) ** 2, rtol=1e-6)


@pytest.mark.parametrize("cost", ["own", "6ND"])
def test_the_best_size_and_its_slope_are_those_of_the_closed_form(cost):
    with jax.enable_x64(True):
        law = jax.tree.map(jnp.asarray, LAW)
        target = Target("N", {"C": jnp.asarray(1e22)}, SIX_ND if cost == "6ND" else cost_of(lambda N, D: 6.0 * N * D))

        def closed(law):
            G = (law.A * law.alpha / (law.B * law.beta)) ** (1 / (law.alpha + law.beta))
            return jnp.log(G) + law.beta / (law.alpha + law.beta) * jnp.log(1e22 / 6)

        assert float(jax.jit(lambda law: target(law))(law)) == pytest.approx(float(closed(law)), rel=1e-9)
        ours, theirs = jax.jit(lambda law: jax.jacfwd(target)(law))(law), jax.jit(jax.jacfwd(closed))(law)
        for name in ("A", "B", "alpha", "beta"):
            assert float(getattr(ours, name)) == pytest.approx(float(getattr(theirs, name)), rel=1e-6)


def left_by(runs):
    """The variance of the loss at a compute that runs would leave, about the centre of the candidates."""
    scale = scale_of(LawCurve.of(LAW), jax.tree.map(lambda a: np.asarray(a)[None], LAW), POOL)
    found = slopes(scale, runs, target_of("loss@C=1e23", LAW, SIX_ND), True)
    return float(np.einsum("mtp,mpq,mtq->", found.target, covariances(found.runs, NOISE), found.target))


@pytest.fixture(scope="module")
def moved():
    return sf.design_runs(LAW, POOL, budget=1e20, most=4, target="loss@C=1e23", noise=NOISE, refine=True)


def test_moved_runs_tell_more_for_no_more(moved):
    begun = sf.design_runs(LAW, POOL, budget=1e20, most=4, target="loss@C=1e23", noise=NOISE)
    assert sorted(moved.order) == sorted(begun.order)
    assert moved.left[-1] < 0.8 * begun.left[-1]
    assert moved.left[-1] == pytest.approx(left_by(moved.runs), rel=1e-6)
    assert moved.spent <= 1e20
    np.testing.assert_allclose(moved.cost, 6 * moved.runs["N"] * moved.runs["D"])


def test_no_small_move_of_a_moved_run_tells_more(moved):
    rng, places = np.random.default_rng(0), np.log(np.stack([moved.runs["N"], moved.runs["D"]]))
    low, high = (np.log([[end(SIZES)], [end(DATA)]]) for end in (np.min, np.max))
    tried = 0
    for step in 1e-2 * rng.standard_normal((200, *places.shape)):
        N, D = np.exp(np.clip(places + step, low, high))
        if np.sum(6 * N * D) <= 1e20:
            tried += 1
            assert left_by({"N": N, "D": D}) >= moved.left[-1] * (1 - 1e-6)
    assert tried > 20


def test_places_outside_a_hull_go_to_the_nearest_on_it():
    square = hull(np.array([[0.0, 0], [0, 1], [1, 1], [1, 0], [0.5, 0.5], [0.5, 0.0]]))
    assert len(square) == 4
    outside = jnp.array([[0.3, 0.4], [2.0, 0.5], [2.0, 3.0], [-1.0, -1.0]])
    np.testing.assert_allclose(inside(outside, jnp.asarray(square)), [[0.3, 0.4], [1, 0.5], [1, 1], [0, 0]], atol=1e-6)
    line = jnp.asarray(hull(np.array([[0.0, 0], [1, 2], [0.3, 0.6]])))
    np.testing.assert_allclose(inside(jnp.array([[1.0, 0.0], [3.0, 3]]), line), [[0.2, 0.4], [1, 2]], atol=1e-6)


def test_a_target_that_no_run_tells_of_is_said():
    with pytest.raises(sf.InputError, match="candidates tell nothing of the target"):
        sf.design_runs(LAW, POOL, budget=1e18, target=lambda law: 0.0 * law.E, noise=NOISE)


def test_runs_that_tell_nothing_are_not_taken_though_there_is_money():
    """Of three runs along their own numbers the target is of two, and the budget pays for all of them thrice."""
    runs, aim = np.eye(3)[None], np.array([[[1.0, 0.0, 2.0]]])
    chosen = best_batch(runs, aim, aim, np.eye(3)[None], np.ones(3), 9.0)
    assert chosen.order.tolist() == [2, 0]
    np.testing.assert_allclose(chosen.left, [5.0, 3.0, 2.5])


def test_a_budget_is_kept_to_its_last_digit():
    """Two runs of a half are dearer than a hair less than one."""
    few = {name: column[[0, 12]] for name, column in POOL.items()}
    asked = {"target": "loss@C=1e23", "noise": NOISE, "cost": [0.5, 0.5]}
    assert len(sf.design_runs(LAW, few, budget=1.0, **asked)) == 2
    assert len(sf.design_runs(LAW, few, budget=1.0 - 1e-12, **asked)) == 1


def test_what_the_numbers_are_of_is_said(design):
    assert "sd of loss@C=1e23: " in repr(design)
    size = sf.design_runs(LAW, POOL, budget=1e20, target="N@C=1e22", noise=NOISE)
    assert "sd of log N@C=1e22: " in repr(size)
    assert size.among is None


def test_a_compute_is_of_6ND_where_costs_are_numbers():
    asked = {"budget": 1e20, "most": 3, "target": "N@C=1e22", "noise": NOISE}
    words, numbers = (sf.design_runs(LAW, POOL, cost=cost, **asked) for cost in ("6ND", 6.0 * SIZES * DATA))
    assert words.order.tolist() == numbers.order.tolist()
    np.testing.assert_allclose(sd(words), sd(numbers))


def test_nothing_is_traced_for_a_number_of_runs_or_another_quantity(monkeypatch):
    seen, shown, best = [], _criteria._shown, _criteria.Target.quantities
    monkeypatch.setattr(_criteria, "_shown", lambda *given: (seen.append("runs"), shown(*given))[1])
    monkeypatch.setattr(_criteria.Target, "quantities", lambda *given: (seen.append("target"), best(*given))[1])
    law = sf.laws.Kaplan.published("kaplan")
    for count, target in ((7, "loss@C=1e23"), (9, "loss@C=1e22"), (11, "N@C=1e23")):
        few = {name: column[:count] for name, column in POOL.items()}
        sf.design_runs(law, few, budget=1e19, target=target, noise=NOISE)
    sf.design_runs(law, few, budget=1e19, criterion="D", noise=NOISE)
    assert seen == ["runs", "target", "target"]  # the value and its slopes


@pytest.mark.parametrize("layout, count", [("isoflop", 42), ("L", 11), ("ladder", 6)])
def test_layouts_keep_their_computes(layout, count):
    runs = sf.design_template(layout, budgets=(1e18, 1e20))
    C = 6 * runs["N"] * runs["D"]
    assert len(C) == count
    assert (C.min(), C.max()) == pytest.approx((1e18, 1e20))


def test_a_ladder_alone_does_not_tell_the_best_size():
    """On one line N and D move together: what shows their difference are runs off it."""
    said = {
        layout: sf.precision(
            sf.design_template(layout, budgets=(1e18, 1e20), levels=6, points=1 if layout == "ladder" else 7),
            target="N@C=1e22", noise=NOISE,
        )
        for layout in ("isoflop", "ladder")
    }  # fmt: skip
    assert said["isoflop"] < 0.5 * said["ladder"]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"budget": 1.0}, "budget is 1; expected the cost of the cheapest candidate at least, 6e.16"),
        ({"budget": "much"}, "budget is 'much'"),
        ({"candidates": {"N": SIZES}}, "D"),
        ({"candidates": {"N": SIZES, "D": DATA / 1e12}}, "D of candidate 1 is 0.001; expected 1 or more"),
        ({"budget": "1e21"}, "budget is '1e21'; expected a number above 0"),
        ({"cost": ["1"] * 25}, "expected a number for each of 25 candidates, or a function of N and D"),
        ({"cost": True}, "cost is True; expected a number for each"),
        ({"noise": 1e300}, "noise is 1e\\+300; .* from 1e-12 to 1e\\+12"),
        ({"target": "N@C=1e-3"}, r"expected a compute from 6, of one parameter on one token \(6ND\)"),
        ({"target": lambda law: "a"}, "target '<lambda>' raises .*; expected a function of the law"),
        ({"target": lambda: 1.0}, "raises TypeError: .* takes 0 positional arguments"),
        ({"target": lambda law: law.nope}, "raises AttributeError"),
        ({"done": POOL}, r"done is .*; expected Runs"),
        ({"target": "gain@C=1e24"}, "There is no 'gain'"),
        ({"target": "loss@N=1e9"}, "expected 'loss@N=1e9,D=1e9'"),
        ({"target": "loss@C=big"}, "expected numbers above 0, where 'C=big' stands"),
        ({"target": "loss@C=1e24,C=1e23"}, "expected C once"),
        ({"cost": [1.0] * 24 + [0.0]}, "cost of candidate 25 is 0; expected a number above 0"),
        ({"target": None}, "target is None; expected what criterion 'V' is of"),
        ({"criterion": "A"}, "criterion is 'A'"),
        ({"criterion": "regret", "target": "loss@N=1e9,D=1e9"}, "as regret is of the best N"),
        ({"most": 0}, "most is 0"),
        ({"num_draws": 1}, "num_draws is 1"),
        ({"refine": True, "cost": 1.0}, "refine is True; expected False for a cost that is no word"),
        ({"noise": None}, "noise is None; expected the scatter of a run, which a law alone does not say"),
        ({"cost": [1.0, 2.0]}, "a number for each of 25 candidates"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_asked_is_said(change, said):
    asked = {"candidates": POOL, "budget": 1e20, "target": "loss@C=1e23", "noise": NOISE} | change
    with pytest.raises(sf.InputError, match=said):
        sf.design_runs(LAW, asked.pop("candidates"), **asked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"budgets": ("1e18", "1e20")}, "budgets is"),
        ({"spread": "a"}, "spread is 'a'"),
        ({"ratio": True}, "ratio is True"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_layout_is_of_numbers(change, said):
    with pytest.raises(sf.InputError, match=said):
        sf.design_template("isoflop", **{"budgets": (1e18, 1e20), **change})


@pytest.mark.usefixtures("unchecked")
def test_a_guess_is_a_law_with_its_numbers(fit):
    guess: Any
    for guess, said in (
        (sf.laws.Chinchilla, "expected a law"),
        (fit, "guess is .*; expected a law"),
        (sf.laws.Chinchilla(), "is nan"),
    ):
        with pytest.raises(sf.InputError, match=said):
            sf.precision(POOL, target="loss@C=1e23", noise=NOISE, guess=guess)


def test_chosen_runs_that_are_hardly_meant_are_warned_of(fit, runs):
    """The cheapest runs tell of any law's numbers, in the law alone."""
    asked = {"target": "loss@N=1e10,D=1e11", "done": runs, "most": 1}
    with pytest.warns(UserWarning, match="A chosen run") as said:
        sf.design_runs(fit, {"N": [1e2], "D": [1e8]}, budget=1e20, **asked)
    one, other = (str(warning.message) for warning in said)
    assert "candidate 1: N = 100, D = 1e+08) has 1e+06 tokens for each parameter, which is hardly meant" in one
    assert "its compute is 1e+06 times below the range of the runs, 6e+16 to 1.8e+20" in other
    with pytest.warns(UserWarning, match=r"is 3.33e\+04 times above the range of the runs, 6e\+16 to 1.8e\+20"):
        sf.design_runs(fit, {"N": [1e11], "D": [1e13]}, budget=1e26, **asked)


def test_the_picture_shows_what_is_left_after_each_run(design):
    ax = sf.plot.design(design)
    spent, left = (np.asarray(a, float) for a in (ax.lines[1].get_xdata(), ax.lines[1].get_ydata()))
    np.testing.assert_allclose(spent, np.cumsum(design.cost))
    np.testing.assert_allclose(left, sd(design)[1:])


def test_a_fit_of_several_optima_is_looked_at_about_each():
    """Nearly on one line of N and D their exponents may change places: the curvature at either says nothing of that."""
    rng = np.random.default_rng(4)
    N = np.geomspace(1e7, 1e9, 24)
    D = 20 * N * np.exp(0.02 * rng.standard_normal(24))
    ladder = sf.Runs(loss=loss_at(N, D) * np.exp(0.003 * rng.standard_normal(24)), N=N, D=D)
    fit = sf.fit(sf.laws.Chinchilla, ladder, noise=sf.noise.Gaussian())
    found = optima(fit)
    assert found is not None
    assert len(found.weight) == 2
    assert found.law.alpha[0] < found.law.beta[0]
    assert found.law.alpha[1] > found.law.beta[1]
    asked = {"budget": 1e20, "target": "loss@N=1e10,D=1e9", "done": ladder}
    several = sf.design_runs(fit, POOL, **asked)
    each = [jax.tree.map(lambda a, m=m: a[m], found.law) for m in range(2)]
    about = [sf.design_runs(law, POOL, noise=several.noise, **asked).left[0] for law in each]
    # About each alone the numbers' own sizes, by which they are vaguely known before, are a little others.
    assert several.left[0] == pytest.approx(found.weight @ about, rel=0.1)
    first, second = (float(law(N=1e10, D=1e9)) for law in each)
    assert several.among == pytest.approx(abs(first - second) * np.sqrt(np.prod(found.weight)), rel=0.05)
    alone = sf.design_runs(dataclasses.replace(fit, optima=None), POOL, **asked)
    assert several.order[:5].tolist() != alone.order[:5].tolist()


class Shared(sf.laws.AbstractLaw):
    """Shares of one whole by kind of run."""

    inputs: ClassVar[Mapping[str, Any]] = {"D": "tokens", "kind": sf.laws.Label(axis="kind")}
    kind: tuple[str, ...] = axis()
    share: Param = simplex(axis="kind")
    B: Param = positive()

    def __call__(self, D, kind):
        """The loss."""
        return self.share[kind] + self.B / jnp.log(D)


def test_numbers_that_are_bound_together_are_as_many_as_are_free():
    """Of two shares one is free, its log odds u: what adds to one takes from the other, s (1 - s) du."""
    law = Shared(share=[0.4, 0.6], B=2.0, kind=("a", "b"))
    inputs = {"D": np.array([1e9, 1e10]), "kind": np.array([0, 1])}
    scale = scale_of(LawCurve.of(law), jax.tree.map(lambda a: a[None], law), inputs)
    found = slopes(scale, inputs, lambda law: law(D=1e9, kind=0), False)
    term = 2.0 / np.log(inputs["D"])
    np.testing.assert_allclose(found.runs[0], [[0.24, term[0]], [-0.24, term[1]]], rtol=1e-9)
    np.testing.assert_allclose(found.target[0, 0], found.runs[0, 0], rtol=1e-9)


def test_what_is_tied_changes_with_what_it_is_tied_to(runs):
    """A law of one exponent written by a tie: what is not known of it is not known of the other."""
    tied = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian(), tie={"beta": "alpha"})
    found = sf.design_runs(tied, POOL, done=runs, budget=1e20, target="loss@N=1e10,D=1e11")
    exact = sf.predict(sf.laplace(tied, num=4000), N=1e10, D=1e11)
    assert exact.se is not None
    assert sd(found)[0] == pytest.approx(float(exact.se), rel=0.1)


@pytest.mark.parametrize("seed", range(6))
def test_few_runs_are_the_best_of_all_sets(seed):
    """Against every set that the budget pays for: three to six of ten runs, under one draw and under several."""
    rng = np.random.default_rng(seed)
    draws, most = (1, 5)[seed % 2], 3 + seed % 4
    slope = rng.standard_normal((draws, 10, 4)) * np.exp(rng.standard_normal(10))[:, None]
    cost = np.exp(1.5 * rng.standard_normal(10))
    choice = Choice(
        slope, rng.standard_normal((draws, 1, 4)), np.tile(np.eye(4), (draws, 1, 1)), cost,
        0.6 * float(np.sort(cost)[-most:].sum()), most, seed == 5,
    )  # fmt: skip
    found = few_best(choice, choice.completed([], 1.0)[0])
    every = [list(some) for n in range(1, most + 1) for some in itertools.combinations(range(10), n)]
    best = min(choice.left(some) for some in every if cost[some].sum() <= choice.budget)
    assert cost[found].sum() <= choice.budget * (1.0 + 1e-12)
    assert choice.left(found) <= best + 1e-9 * abs(best)
