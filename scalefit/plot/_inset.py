"""A stretch of a curve drawn once more, enlarged, where its band would be lost beside the line."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from ._common import INK, tidy

SEEN = 0.04
"""Share of the height of the Axes below which a band is enlarged."""
ROOM = 0.14
"""Share of the height that the Axes are given below, for the inset."""
LEFT, BELOW, RIGHT, ABOVE = 0.03, 0.09, 0.10, 0.05
"""Margin kept free about the inset, its numbers among it, in shares of the Axes."""
LEAST = 0.15
"""The least side of an inset that is worth drawing."""


def enlarge(
    ax: Axes,
    x: Float[np.ndarray, " point"],
    low: Float[np.ndarray, " point"],
    high: Float[np.ndarray, " point"],
    draw: Callable[[Axes], None],
    seen: Float[np.ndarray, "seen 2"],
) -> bool:
    """Enlarge a stretch of a falling curve in the lower left of its Axes, below everything that is drawn there.

    **Arguments:**

    - `ax`: Axes on which everything is drawn.
    - `x`, `low`, `high`: The stretch, and the band there.
    - `draw`: Draws curve and band.
    - `seen`: Points that the inset must not cover.

    **Returns:** whether there is an inset: not where the band is broad enough to be seen, or no room is left.
    """
    if not np.isfinite([low, high]).all() or low.min() == high.max():
        return False
    ax.autoscale_view()  # limits are else set when they are first asked for
    if np.max(_place(ax, x, high)[:, 1] - _place(ax, x, low)[:, 1]) > SEEN:
        return False
    before = ax.get_ylim()
    bottom = ax.transData.inverted().transform(ax.transAxes.transform((0.0, -ROOM)))[1]
    ax.set_ylim(bottom=bottom)
    width, height = _largest(_place(ax, *seen[np.isfinite(seen).all(axis=1)].T))
    if min(width, height) < LEAST:
        ax.set_ylim(before)
        return False
    inset = ax.inset_axes((LEFT, BELOW, width, height))
    draw(inset)
    tidy(inset)
    inset.set_xscale("log")
    inset.set_xlim(x.min(), x.max())
    over = 0.06 * (high.max() - low.min())
    inset.set_ylim(low.min() - over, high.max() + over)
    inset.xaxis.set_major_locator(LogLocator(numticks=4))
    inset.xaxis.set_minor_formatter(NullFormatter())
    inset.yaxis.set_major_locator(MaxNLocator(4))
    inset.yaxis.tick_right()
    inset.spines[:].set_visible(True)
    inset.tick_params(labelsize=8)
    ax.indicate_inset_zoom(inset, edgecolor=INK, alpha=0.4, zorder=1)
    return True


def _place(ax: Axes, x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"]) -> Float[np.ndarray, "point 2"]:
    """Points in shares of the Axes."""
    return ax.transAxes.inverted().transform(ax.transData.transform(np.stack([x, y], axis=-1)))


def _largest(seen: Float[np.ndarray, "seen 2"]) -> tuple[float, float]:
    """Width and height of the largest inset below the points."""
    best = (0.0, 0.0)
    for width in np.linspace(LEAST, 0.45, 31):
        over = seen[seen[:, 0] < LEFT + width + RIGHT, 1]
        height = min(0.45, over.min(initial=1.0) - BELOW - ABOVE)
        if width * height > best[0] * best[1]:
            best = (float(width), float(height))
    return best
