"""Training curves against compute, and their lower envelope."""

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm

from ..data import Runs
from ..plan import Envelope
from ._common import (
    BAND,
    COLOUR_MAP,
    INK,
    axis_label,
    check_length,
    legend_above,
    log_axis,
    new_axes,
    target_label,
    tidy,
)


def envelope(result: Envelope, runs: Runs, ax: Axes | None = None) -> Axes:
    """Draw the loss of every training against its compute, coloured by its size, with the least loss at each compute.

    The envelope is dashed where the best training is of the smallest or the largest size under way, so that the best
    size may lie beyond: there it takes no part in the exponent.

    **Arguments:**

    - `result`: What `scalefit.envelope` found.
    - `runs`: The checkpoints that it was found from.
    - `ax`: Where to draw; a figure of its own unless given.

    **Returns:** the Axes.

    **Raises:** `InputError` for other runs.
    """
    check_length(runs, result.curve)
    ax = new_axes()[0] if ax is None else ax
    shown = result.curve >= 0
    point, _ = runs.take(shown).select(("N", "C"))
    N, C, loss, curve = point["N"], point["C"], runs.target[shown], result.curve[shown]
    norm = LogNorm(N.min(), N.max() * (1.0 + 1e-9))
    colours = colormaps[COLOUR_MAP]
    for one in np.unique(curve):
        some = np.flatnonzero(curve == one)
        some = some[np.argsort(C[some], kind="stable")]
        colour = colours(norm(N[some[0]]) * 0.92)
        ax.plot(C[some], loss[some], color=colour, linewidth=1.0, marker=".", markersize=3.0, zorder=2)
    ax.plot(result.C, result.loss, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=3)
    ax.plot(
        result.C, np.where(np.isfinite(result.N), result.loss, np.nan), color=BAND, linewidth=2.2, zorder=4,
        label=f"least loss between sizes: {result.trend_N.said('N*', 3)}",
    )  # fmt: skip
    log_axis(ax, "x", C)
    log_axis(ax, "y", loss)
    ax.set_xlabel(axis_label("C", runs))
    ax.set_ylabel(target_label(runs))
    tidy(ax)
    ax.figure.colorbar(ScalarMappable(norm, colours), ax=ax, label=axis_label("N", runs), pad=0.02)
    legend_above(ax)
    return ax
