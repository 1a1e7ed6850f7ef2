"""Pictures of pools: what is drawn is what the plan and the law say."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from helpers import made_up_problem
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

import scalefit as sf
from scalefit.plan import CurationDraws
from scalefit.plot import _common, _pools, _ternary
from scalefit.results import evaluate

NAMES = ("best", "middle", "worst")
LAW = sf.laws.PoolsQQT(a=0.025, d=0.1, b=[-0.16, -0.125, -0.1], tau=[6.7, 8.5, 2.3], pool=NAMES)  # pyright: ignore[reportArgumentType]
POOLS = sf.Pools(dict.fromkeys(NAMES, 12.8e6))
BUDGETS = np.geomspace(1.28e7, 1.28e9, 9)
NUM = 12


def errors(weights: Any, laws: Any = LAW, budgets: np.ndarray = BUDGETS, pools: sf.Pools = POOLS) -> np.ndarray:
    weights = np.broadcast_to(np.asarray(weights, float), (len(budgets), len(pools)))
    shares = {f"w[{name}]": weights[:, i] for i, name in enumerate(pools.names)}
    sizes = {f"U[{name}]": np.full(len(budgets), size) for name, size in zip(pools.names, pools.sizes, strict=True)}
    return evaluate(laws, {"n": budgets, **shares, **sizes}, batched=np.ndim(laws.d) > 0)


def made_up_ensemble() -> sf.Ensemble:
    rng = np.random.default_rng(0)
    many = {f: np.tile(getattr(LAW, f), (NUM, *[1] * np.ndim(getattr(LAW, f)))) for f in ("a", "d", "b", "tau")}
    many["tau"] = many["tau"] * np.exp(0.1 * rng.standard_normal((NUM, 3)))
    one, code = np.asarray(1.0), np.asarray(0)
    problem = made_up_problem(LAW, 9, noise=sf.noise.Gaussian(), fixed=("a", "b", "d"), name="made up", ranges={})
    one, code = np.array(1.0), np.array(0)
    fit = sf.Fit(
        law=LAW, objective=one, result=code, scale=one, residuals=np.zeros(9),
        unidentified=np.zeros(3, bool), agreeing=code, problem=problem, tried=1, seed=0,
    )  # fmt: skip
    return sf.Ensemble(
        law=dataclasses.replace(LAW, **many), objective=np.ones(NUM), result=np.zeros(NUM, int), scale=np.ones(NUM),
        unidentified=np.zeros((NUM, 3), bool), fit=fit, method="bootstrap", seed=0,
    )  # fmt: skip


def made_up_plan(drawn: sf.Ensemble | None = None) -> sf.Curation:
    """From all on the best pool to something of two; the worst is never used."""
    share = np.linspace(1.0, 0.6, len(BUDGETS))
    weights = np.stack([share, 1.0 - share, np.zeros_like(share)], axis=1)
    merged = [np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.0]), POOLS.natural]
    unions = np.stack([errors(w) for w in merged], axis=1)
    of_union = np.stack(merged)[np.argmin(unions, axis=1)]
    plans = {"natural": merged[2], "uniform": merged[2], "best_single": merged[0], "union": of_union}
    table = {name: np.broadcast_to(plan, weights.shape) for name, plan in plans.items()}
    draws = None
    if drawn is not None:
        of_best = errors(weights, drawn.law)
        of_plans = {name: errors(plan, drawn.law) for name, plan in plans.items()}
        many = np.tile(weights, (NUM, 1, 1))
        draws = CurationDraws(many, of_best, np.zeros_like(of_best), of_best, of_plans, weights, weights)
    return sf.Curation(
        pools=POOLS, law="PoolsQQT", budgets=BUDGETS, weights=weights, samples=BUDGETS, value=errors(weights),
        kkt=np.zeros(len(BUDGETS)), order=np.tile(np.arange(3), (len(BUDGETS), 1)), unions=unions, plans=table,
        values={name: errors(plan) for name, plan in plans.items()},
        allowed={name: np.ones(len(BUDGETS), bool) for name in plans}, draws=draws,
    )  # fmt: skip


def of_one_budget(plan: sf.Curation, b: int, **changes: Any) -> sf.Curation:
    rows = {
        f: getattr(plan, f)[b : b + 1] for f in ("budgets", "weights", "samples", "value", "kkt", "order", "unions")
    }
    tables = {f: {k: v[b : b + 1] for k, v in getattr(plan, f).items()} for f in ("plans", "values", "allowed")}
    return dataclasses.replace(plan, **(rows | tables | {"draws": None} | changes))


@pytest.fixture(scope="module")
def ensemble():
    return made_up_ensemble()


@pytest.fixture(scope="module")
def plan(ensemble):
    return made_up_plan(ensemble)


def line(ax: Axes, label: str) -> np.ndarray:
    (found,) = [one for one in ax.get_lines() if label in (one.get_label(), one.get_gid())]
    return np.asarray(found.get_xydata(), float)


def said(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.findobj(Text) if isinstance(text, Text) and text.get_text()]


def saved(ax: Axes) -> None:
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()


def test_frontier_draws_what_the_plan_says(plan, looks_like, column):
    ax = sf.plot.frontier(plan, column)
    assert np.array_equal(line(ax, "best weights"), np.stack([BUDGETS, plan.value], axis=-1))
    assert np.array_equal(line(ax, "best single pool")[:, 1], errors([1.0, 0.0, 0.0]))
    assert np.array_equal(line(ax, "natural proportions = uniform")[:, 1], plan.values["natural"])  # equal pools
    for k in range(3):
        assert np.array_equal(line(ax, f"union {k + 1}")[:, 1], plan.unions[:, k])
    (band,) = [c for c in ax.collections if isinstance(c, FillBetweenPolyCollection)]
    outline: Any = band.get_paths()[0].vertices
    heights = outline[:, 1]
    interval = plan.interval()
    assert heights.min() == pytest.approx(interval.low.min())
    assert heights.max() == pytest.approx(interval.high.max())
    assert ax.get_xscale() == "log"
    assert "samples" in ax.get_xlabel()
    assert not list(sf.plot.frontier(dataclasses.replace(plan, draws=None)).collections)
    saved(ax)
    looks_like(ax, "frontier")


def test_frontier_in_per_cent_of_the_best(plan):
    ax = sf.plot.frontier(plan, relative=True)
    assert np.all(line(ax, "best weights")[:, 1] == 0.0)
    assert np.allclose(line(ax, "union 2")[:, 1], 100 * (plan.unions[:, 1] / plan.value - 1))
    assert "%" in ax.get_ylabel()
    saved(ax)


def test_frontier_marks_where_unions_overtake(plan, ensemble, monkeypatch):
    asked = []

    def made_up(first, second, **options):
        asked.append((tuple(first), tuple(second), options["between"], options["level"]))
        budget = 1e8 * len(asked)
        return sf.Crossover(sf.Estimate(budget, 0.8 * budget, 1.2 * budget, options["level"]), 0.75, 0.0)

    monkeypatch.setattr(_pools, "overtakes", made_up)
    ax = sf.plot.frontier(plan, result=ensemble, level=0.8)
    stages = list(dict.fromkeys(plan.union))
    assert len(asked) == len(stages) - 1 > 0
    assert asked[0] == ((1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (BUDGETS[0], BUDGETS[-1]), 0.8)
    assert np.all(line(ax, "a union overtakes another")[:, 0] == 1e8)
    assert any("1 → 2\n100M (75 %)" in words for words in said(ax))
    assert any(p.get_x() == 0.8e8 and p.get_width() == pytest.approx(0.4e8) for p in ax.patches)  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setattr(_pools, "overtakes", lambda *_, **__: sf.Crossover(sf.Estimate(np.nan), None, None))
    ax = sf.plot.frontier(plan, result=LAW)
    assert not ax.patches


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            sf.laws.PowerLaw(E=0.5, A=30.0, alpha=0.3),
            "PowerLaw; expected PoolsQQT, by which the plan was made",
        ),
        (
            dataclasses.replace(LAW, pool=("best", "middle", "other")),
            "is of the pools .*; expected 'worst' too",
        ),
        (
            dataclasses.replace(LAW, d=0.2),
            "foresees .* for the same weights. Give what `curate` was given",
        ),
    ],
)
def test_a_law_that_the_plan_was_not_made_by_is_refused(plan, other, said):
    with pytest.raises(sf.InputError, match=said):
        sf.plot.frontier(plan, result=other)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("draw", [sf.plot.frontier, sf.plot.mixture_path])
@pytest.mark.parametrize("given", [None, LAW])
def test_what_is_no_plan_is_refused(draw, given):
    with pytest.raises(sf.InputError, match=r"curation is .*; expected a plan"):
        draw(given)


def test_a_union_that_a_limit_forbids_has_no_line_there(plan):
    unions = plan.unions.copy()
    unions[4:, 0] = np.nan
    ax = sf.plot.frontier(dataclasses.replace(plan, unions=unions, draws=None))
    assert len(line(ax, "union 1")) == 4
    saved(ax)


def test_a_path_needs_several_budgets(plan):
    one = of_one_budget(plan, 0)
    for draw in (sf.plot.frontier, sf.plot.mixture_path):
        with pytest.raises(sf.InputError, match=r"curation has the budgets .*; expected rising ones"):
            draw(one)


def test_mixture_path_stacks_the_weights(plan, looks_like, column):
    ax = sf.plot.mixture_path(plan, column)
    assert len(ax.collections) == 2
    outline: Any = [area.get_paths()[0].vertices for area in ax.collections]
    for b, budget in enumerate(BUDGETS):
        ends = [set(np.round(area[np.isclose(area[:, 0], budget), 1], 9)) for area in outline]
        share = round(100 * plan.weights[b, 0], 9)
        assert ends == [{0.0, share}, {share, 100.0}]
    words = said(ax)
    assert "best" in words
    assert "middle" in words
    assert any("never used: worst" in one for one in words)
    middle = len(BUDGETS) // 2
    assert any(f"{plan.passes[b, 0]:.1f}×" in words for b in (middle - 1, middle, middle + 1))
    saved(ax)
    looks_like(ax, "pools_path")


def test_a_pool_that_is_given_up_is_named_where_it_is_widest(plan):
    turned = plan.weights[::-1, [1, 0, 2]]
    ax = sf.plot.mixture_path(dataclasses.replace(plan, weights=turned))
    names = [t for t in ax.texts if t.get_text() == "best"]
    assert len(names) == 1
    assert names[0].get_fontweight() == "bold"


def test_utility_halves(ensemble, looks_like, column):
    ax = sf.plot.utility(LAW)
    for i, name in enumerate(NAMES):
        half_life = float(np.asarray(LAW.tau)[i])
        t, left = line(ax, f"{name}: τ = {half_life:g}").T
        assert np.allclose(left, 2.0 ** (-np.maximum(t - 0.5, 0.0) / half_life))
    steps = [np.asarray(one.get_xydata()) for one in ax.get_lines() if one.get_drawstyle() == "steps-post"]
    k, left = steps[0].T
    assert np.allclose(left, 2.0 ** (-k / 6.7))
    dots = [one for one in ax.get_lines() if one.get_marker() == "o"]
    assert np.allclose([np.asarray(one.get_xydata())[0] for one in dots], [[t + 0.5, 0.5] for t in (6.7, 8.5, 2.3)])
    assert not ax.collections
    drawn = sf.plot.utility(ensemble, level=0.8)
    assert sum(isinstance(c, FillBetweenPolyCollection) for c in drawn.collections) == 3
    low, high = np.quantile(np.asarray(ensemble.law.tau)[:, 0], [0.1, 0.9])
    assert f"best: τ = 6.7 ({low:.3g} … {high:.3g})" in said(drawn)
    assert "half-life in passes (80 % interval)" in said(drawn)
    saved(drawn)
    looks_like(sf.plot.utility(ensemble, column, level=0.8), "utility")


def test_utility_of_every_kind_of_law():
    two: dict[str, Any] = {"a": 1.0, "d": 0.1, "b": [-0.3, -0.2], "tau": [6.0, 3.0], "pool": ("A", "B")}
    t, left = line(sf.plot.utility(sf.laws.PoolsOverfit(**two, rho=0.3)), "A: τ = 6").T
    assert np.allclose(left, 1.3 * 2.0 ** (-np.maximum(t - 0.5, 0.0) / 6.0) - 0.3)
    ax = sf.plot.utility(sf.laws.PoolsDataConstrained(**two))
    t, left = line(ax, "A: τ = 6").T
    assert np.allclose(left, 2.0 ** (-np.maximum(t - 1.0, 0.0) / 6.0))
    assert not [one for one in ax.get_lines() if one.get_drawstyle() == "steps-post"]
    alone = sf.laws.QQT(d=0.1, a=0.025, b=-0.16, tau=400.0)
    assert sf.plot.utility(alone).get_xlim() == (0.0, 64.0)  # a pool that hardly wears out
    with pytest.raises(sf.InputError, match="result is of PowerLaw; expected a law with half-lives"):
        sf.plot.utility(sf.laws.PowerLaw(E=0.5, A=30.0, alpha=0.3))


def made_up_curate(result, pools, *, budget):
    """A plan that stands still, as searching for one is tested elsewhere."""
    whole = made_up_plan(result if isinstance(result, sf.Ensemble) else None)
    drawn, draws, one = whole.draws, None, slice(5, 6)
    if drawn is not None:
        of_plans = {name: value[:, one] for name, value in drawn.of_plans.items()}
        parts = {f: getattr(drawn, f)[:, one] for f in ("weights", "value", "kkt", "of_best")}
        draws = CurationDraws(
            **parts, of_plans=of_plans, careful=drawn.careful[one], careful_quantile=drawn.careful_quantile[one]
        )
    at = np.array([budget])
    value = errors(whole.weights[one], budgets=at)
    return of_one_budget(whole, 5, pools=pools, budgets=at, samples=at, value=value, draws=draws)


def test_ternary(ensemble, monkeypatch, looks_like):
    monkeypatch.setattr(_ternary, "curate", made_up_curate)
    drawn: dict[str, Any] = {}
    keep = Axes.tricontourf

    def spy(self, grid, error, **options):
        drawn.update(grid=grid, error=error)
        return keep(self, grid, error, **options)

    monkeypatch.setattr(Axes, "tricontourf", spy)
    budget = 1e8
    ax = sf.plot.ternary(ensemble, POOLS, budget)
    at = np.stack([drawn["grid"].x, drawn["grid"].y], axis=-1)
    for place, weights in (((0.0, 0.0), [1, 0, 0]), ((1.0, 0.0), [0, 1, 0]), ((0.5, np.sqrt(0.75)), [0, 0, 1]),
                           ((0.5, np.sqrt(0.75) / 3), POOLS.natural)):  # fmt: skip
        nearest = int(np.argmin(np.sum((at - place) ** 2, axis=1)))
        assert np.allclose(at[nearest], place)
        assert drawn["error"][nearest] == pytest.approx(errors(weights, budgets=np.array([budget]))[0])
    star = line(ax, "best mixture")[0]
    best = made_up_curate(ensemble, POOLS, budget=budget).weights[0]
    assert np.allclose(star, best @ _ternary.CORNERS)
    cloud = [c for c in ax.collections if isinstance(c, PathCollection)]
    assert len(np.asarray(cloud[0].get_offsets())) == NUM
    words = said(ax)
    assert all(any(one.startswith(f"{name}\n12.8M") for one in words) for name in NAMES)
    assert "beyond max_passes" not in words
    saved(ax)
    looks_like(ax, "ternary")


def test_ternary_leaves_blank_what_is_not_allowed(monkeypatch):
    monkeypatch.setattr(_ternary, "curate", made_up_curate)
    few = sf.Pools({"best": 12.8e6, "middle": 12.8e6, "worst": 12.8e6}, max_passes=6)
    ax = sf.plot.ternary(LAW, few, 1e8)
    assert "beyond max_passes" in said(ax)
    with pytest.raises(sf.InputError, match=r"pools are 2: .*; expected three"):
        sf.plot.ternary(LAW, sf.Pools({"best": 1e6, "middle": 1e6}), 1e8)


def test_given_axes_are_drawn_on(plan, monkeypatch):
    monkeypatch.setattr(_ternary, "curate", made_up_curate)
    first, second, third, fourth = Figure().subplots(1, 4)
    assert sf.plot.frontier(plan, first) is first
    assert sf.plot.mixture_path(plan, second) is second
    assert sf.plot.utility(LAW, third) is third
    assert sf.plot.ternary(LAW, POOLS, 1e8, fourth) is fourth


def test_words_beside_lines_are_moved_apart():
    ax = Figure().subplots()
    ax.set_ylim(0.0, 1.0)
    _common.at_right(ax, [(0.5, 1.0, "b", "k"), (0.5, 1.0, "a", "k"), (0.9, 1.0, "c", "k"), (0.49, 1.0, "d", "k")])
    places = {t.get_text(): t.xy[1] for t in ax.texts}  # pyright: ignore[reportAttributeAccessIssue]
    assert places["c"] == pytest.approx(0.9)
    gaps = np.diff(sorted(places.values()))
    assert np.all(gaps >= _common.LINE - 1e-9)
    near = [places[k] for k in "abd"]
    assert np.mean(near) == pytest.approx(np.mean([0.5, 0.5, 0.49]))
