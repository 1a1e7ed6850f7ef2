"""The picture of training curves and their envelope."""

import numpy as np
import pytest

import scalefit as sf


@pytest.fixture(scope="module")
def made():
    """Sixteen trainings at fifteen computes, and a row without compute."""
    N, C = np.meshgrid(np.geomspace(1e7, 1e10, 16), np.geomspace(1e18, 1e21, 15), indexing="ij")
    loss = 1.69 + 406.4 * N**-0.31 + 410.7 * (C / 6 / N) ** -0.31
    run = np.broadcast_to(np.arange(16)[:, None], N.shape)
    runs = sf.Runs(
        np.r_[loss.ravel(), 9.0], N=np.r_[N.ravel(), 1e9], C=np.r_[C.ravel(), 1e20], run=np.r_[run.ravel(), 99]
    )
    with pytest.warns(UserWarning, match="of one row are no curves"):
        return runs, sf.envelope(runs, num=50)


def test_every_training_and_the_envelope_are_drawn(made):
    runs, found = made
    ax = sf.plot.envelope(found, runs)
    *curves, whole, between = ax.get_lines()
    assert len(curves) == 16
    np.testing.assert_array_equal(np.asarray(curves[3].get_ydata()), runs.target[45:60])
    np.testing.assert_array_equal(np.asarray(whole.get_ydata()), found.loss)
    np.testing.assert_array_equal(np.isfinite(np.asarray(between.get_ydata(), float)), np.isfinite(found.N))
    assert f"C^{float(found.trend_N.exponent):.3g}" in str(between.get_label())
    assert "training compute C" in ax.get_xlabel()
    ax.figure.canvas.draw()


def test_a_column_of_a_page_is_wide_enough(made, looks_like):
    runs, found = made
    figure = sf.plot.new_figure(3.25, 2.4)
    ax = sf.plot.envelope(found, runs, figure.subplots())
    figure.draw_without_rendering()
    assert ax.get_position().width > 0.4
    looks_like(ax, "envelope")


def test_other_runs_are_refused(made):
    runs, found = made
    with pytest.raises(sf.InputError, match="runs are 10 of 'runs'; expected the 241 of the result"):
        sf.plot.envelope(found, runs.take(np.arange(10)))
