"""How far forecasts went astray, against how far they reached."""

import numpy as np
from matplotlib.axes import Axes

from .._core import InputError, Phrase, check_type
from ..calibrate import Backtest
from ._common import BAND, COLOURS, INK, in_column, log_axis, new_axes, tidy


def backtest(tested: Backtest, ax: Axes | None = None) -> Axes:
    """Draw what came of each forecast, in per cent above it, against how many times the compute it reached.

    The band is the interval of a forecast, the median of those of like distance.

    **Arguments:**

    - `tested`: A backtest.
    - `ax`: Where to draw; a figure of its own unless given.

    **Returns:** the Axes.

    **Raises:** `InputError` where no forecast reaches beyond the runs.
    """
    check_type("tested", tested, Backtest, "a backtest, as `scalefit.backtest` gives")
    name, reach = next(iter(tested.distance.items()))
    known = np.isfinite(tested.value) & (reach > 0)
    if not known.any():
        raise InputError("tested", Phrase("foresees no run beyond those that were fitted"))
    ax = new_axes()[0] if ax is None else ax
    times = np.exp(reach)
    missed = 100.0 * (tested.observed / tested.value - 1.0)
    for inside, colour, said in ((True, COLOURS[0], "in their interval"), (False, COLOURS[3], "outside")):
        here = known & (tested.covered == inside)
        label = f"{np.sum(here)} runs {said}"
        ax.plot(times[here], missed[here], "o", ms=3.0, mew=0, alpha=0.55, color=colour, label=label, zorder=3)
    middle, low, high = _medians(tested, known, reach)
    ax.fill_between(
        middle, low, high, color=BAND, alpha=0.18, lw=0, label=f"{100 * tested.level:g} % interval", zorder=1
    )
    ax.axhline(0.0, color=INK, lw=0.6, zorder=1)
    log_axis(ax, "x", times[known])
    ax.set_xlabel("times the compute of the largest fitted run" if name == "C" else f"times the largest fitted {name}")
    ax.set_ylabel("what came, above the forecast (%)")
    tidy(ax)
    in_column(ax, fontsize="small", frameon=False, loc="best")
    return ax


def _medians(tested: Backtest, known: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, ...]:
    """By distance: where, and the ends of intervals in per cent above the forecast."""
    edges = np.linspace(0.0, float(reach[known].max()) * 1.0001, 9)
    place = np.digitize(reach, edges)
    rows = []
    for b in range(1, len(edges)):
        here = known & (place == b)
        if here.any():
            columns = (tested.low / tested.value, tested.high / tested.value)
            rows.append([np.exp(np.median(reach[here])), *(100 * (np.median(c[here]) - 1.0) for c in columns)])
    return tuple(np.array(rows).T)
