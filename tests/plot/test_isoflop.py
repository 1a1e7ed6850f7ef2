"""The picture of isoFLOP curves."""

import numpy as np
import pytest
from matplotlib.axes import Axes

import scalefit as sf


@pytest.fixture(scope="module")
def made():
    """Two settings of four budgets, one run of the first diverged."""
    C, aside = (a.ravel() for a in np.meshgrid(np.geomspace(1e18, 1e21, 4), np.linspace(-1.5, 1.5, 9), indexing="ij"))
    N = np.sqrt(C / 6) * 0.2 * np.exp(aside)
    rng = np.random.default_rng(0)
    loss = (1.7 + 80 * C**-0.1) * (1 + 0.02 * aside**2) * np.exp(1e-3 * rng.standard_normal(C.size))
    diverged = np.where(np.arange(C.size) == 5, 1.2, 1.0)
    twice = {"N": np.r_[N, 2 * N], "C": np.r_[C, C], "group": np.repeat(["one", "two"], C.size)}
    runs = sf.Runs(np.r_[loss * diverged, loss], name="made up", **twice)
    with pytest.warns(UserWarning, match="far above"):
        return runs, sf.isoflop(runs, groups="group", method="parabola", outliers="drop", num=20)


def test_curves_minima_and_flagged_runs_are_drawn(made):
    runs, found = made
    ax = sf.plot.isoflop(found["one"], runs)
    assert isinstance(ax, Axes)
    curves, line, minima = ax.get_lines()[:4], ax.get_lines()[4], ax.get_lines()[5]
    for curve, best in zip(curves, found["one"].N):
        x, y = np.asarray(curve.get_xydata(), float).T
        assert x[np.argmin(y)] == pytest.approx(best, rel=0.05)
    assert np.asarray(line.get_xydata(), float)[:, 0] == pytest.approx(found["one"].N)
    assert f"C^{float(found['one'].trend_N.exponent):.3g}" in str(minima.get_label())
    crossed = [c for c in ax.collections if str(c.get_label()) == "far above its curve"]
    assert [np.asarray(c.get_offsets()).tolist() for c in crossed] == [[[runs.inputs["N"][5], runs.target[5]]]]
    assert "model size N" in ax.get_xlabel()
    ax.figure.canvas.draw()


def test_a_column_of_a_page_is_wide_enough(made, looks_like):
    """Of 3.25 inches; where words take all of it matplotlib warns, and draws no axes."""
    runs, found = made
    figure = sf.plot.new_figure(3.25, 2.4)
    ax = sf.plot.isoflop(found["one"], runs, figure.subplots())
    figure.draw_without_rendering()
    assert ax.get_position().width > 0.35
    looks_like(ax, "isoflop")


def test_another_setting_shows_its_own_runs_only(made):
    runs, found = made
    ax = sf.plot.isoflop(found["two"], runs)
    points = np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections])
    assert sorted(points[:, 0]) == pytest.approx(sorted(runs.inputs["N"][36:]))


def test_what_cannot_be_drawn_is_refused(made):
    runs, found = made
    with pytest.raises(sf.InputError, match="result is of 2 settings; expected one"):
        sf.plot.isoflop(found, runs)
    with pytest.raises(sf.InputError, match="runs are 10 of 'made up'; expected the 72 of the result"):
        sf.plot.isoflop(found["one"], runs.take(np.arange(10)))
