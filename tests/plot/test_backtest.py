"""What came of forecasts, drawn as it is in the table."""

import numpy as np
import pytest
from helpers import curves_of_budgets

import scalefit as sf


def test_every_forecast_is_a_point_and_others_are_refused(looks_like, column):
    runs = curves_of_budgets(0)
    fit = sf.fit(sf.laws.Chinchilla, runs)
    compute = runs.inputs["N"] * runs.inputs["D"]
    tested = sf.backtest(fit, split=compute < np.median(compute))
    ax = sf.plot.backtest(tested, column)
    looks_like(ax, "backtest")
    drawn = {line.get_label(): line.get_xydata() for line in ax.lines[:2]}
    points = np.concatenate([np.asarray(xy) for xy in drawn.values()])
    np.testing.assert_allclose(np.sort(points[:, 0]), np.sort(np.exp(tested.distance["C"])))
    assert f"{np.sum(tested.covered)} runs in their interval" in drawn
    within = np.ones(36, bool)
    within[12:24] = False
    with pytest.raises(sf.InputError, match="foresees no run beyond"):
        sf.plot.backtest(sf.backtest(fit, split=within))
    with pytest.raises(sf.InputError, match="tested is"):
        sf.plot.backtest(fit)  # pyright: ignore[reportArgumentType]  which is to be refused
