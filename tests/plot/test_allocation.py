"""Pictures of plans for a budget: what is drawn is what the plan says."""

import numpy as np
import pytest
from helpers import made_up_draws
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, PathCollection
from matplotlib.contour import QuadContourSet

import scalefit as sf

BUDGETS = np.geomspace(1e20, 1e23, 5)


@pytest.fixture(scope="module")
def draws():
    return made_up_draws(60)


@pytest.fixture(scope="module")
def plan(draws):
    return sf.allocate(draws, budget=BUDGETS[::-1])


@pytest.fixture(scope="module")
def study():
    law = sf.laws.Chinchilla.published("epoch")
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(5e7, 5e9, 5), np.geomspace(1e9, 1e11, 5)))
    loss = law.E + law.A * N**-law.alpha + law.B * D**-law.beta
    runs = sf.Runs(loss * np.exp(1e-3 * np.random.default_rng(0).standard_normal(N.size)), N=N, D=D)
    return runs, sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian())


def test_a_narrow_picture_shows_runs_and_legend_apart(study, looks_like):
    _, fit = study
    figure = sf.plot.new_figure(3.25, 2.4)
    ax = sf.plot.contours(fit, figure.subplots())
    figure.draw_without_rendering()
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= ax.get_window_extent().y1 - 1.0
    assert figure.bbox.contains(*legend.get_window_extent().max)
    assert ax.get_position().width > 0.6
    looks_like(ax, "contours")


def line(ax: Axes, label: str) -> np.ndarray:
    (found,) = (one for one in ax.get_lines() if one.get_label() == label)
    return np.asarray(found.get_xydata())


def test_lines_are_those_of_the_plan(plan, looks_like):
    """In the order of the budgets, whatever order they were asked for in."""
    axes = sf.plot.allocation(plan)
    for ax, name in zip(axes, ("N", "D", "D_per_N"), strict=True):
        drawn = line(ax, "best")
        assert drawn[:, 0] == pytest.approx(BUDGETS)
        assert drawn[:, 1] == pytest.approx(getattr(plan, name).value[::-1])
        assert sum(isinstance(c, FillBetweenPolyCollection) for c in ax.collections) == 1
        assert ax.get_xscale() == ax.get_yscale() == "log"
    assert line(axes[0], "loss within 0.5 % of the best")[:, 1] == pytest.approx(plan.near_optimal[0.005].low[::-1])
    assert line(axes[2], "20 tokens each")[:, 1] == pytest.approx(20.0)
    looks_like(axes, "allocation")


def test_data_of_the_flat_region_cost_the_budget(plan):
    for size in plan.near_optimal[0.001]:
        assert 6 * size * plan.data_for(size) == pytest.approx(plan.budgets, rel=1e-12)


def test_a_plan_of_one_law_has_no_band(draws):
    axes = sf.plot.allocation(sf.allocate(draws.fit, budget=BUDGETS))
    assert not any(ax.collections for ax in axes)


def test_what_is_no_picture(plan, draws):
    with pytest.raises(sf.InputError, match="Allocate several"):
        sf.plot.allocation(sf.allocate(draws.fit, budget=1e22))
    with pytest.raises(sf.InputError, match="axes are 2; expected 3 Axes"):
        sf.plot.allocation(plan, sf.plot.allocation(plan)[:2])


def test_contours_hold_the_runs_and_the_frontier(study):
    runs, fit = study
    ax = sf.plot.contours(fit)
    assert any(isinstance(c, QuadContourSet) for c in ax.collections)
    (points,) = (c for c in ax.collections if isinstance(c, PathCollection) and not isinstance(c, QuadContourSet))
    assert len(np.asarray(points.get_offsets())) == len(runs)
    N, D = line(ax, "efficient frontier").T
    assert sf.allocate(fit, budget=6 * N * D).N.value == pytest.approx(N, rel=1e-9)
    assert ax.get_xlim()[0] < N.min()
    assert "parameters" in ax.get_xlabel()


def test_contours_are_of_size_and_data():
    runs = sf.Runs(1.0 + 30.0 * np.geomspace(1e4, 1e8, 9) ** -0.3, x=np.geomspace(1e4, 1e8, 9))
    fit = sf.fit(sf.laws.PowerLaw, runs, noise=sf.noise.Gaussian())
    with pytest.raises(sf.InputError, match="result is of PowerLaw, a law of x; expected a law of N and D"):
        sf.plot.contours(fit)
