"""The uncertainty that a design leaves, against its cost."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..plan import Design
from ._common import COLOURS, INK, literal, log_axis, new_axes, tidy


def design(found: Design, *, ax: Any = None) -> Axes:
    """Draw what is left unknown after each run against what the runs have cost together.

    **Arguments:**

    - `found`: A design, as `design_runs` gives it.
    - `ax`: Axes to draw into; a figure of its own unless given.

    **Returns:** the Axes.
    """
    ax = new_axes()[0] if ax is None else ax
    left = found.left if found.sd is None else found.sd
    spent = np.cumsum(found.cost)
    ax.axhline(left[0], color=INK, linestyle=":", label="before any of them")
    ax.plot(spent, left[1:], color=COLOURS[0], marker="o", markersize=4, drawstyle="steps-post", label="after each run")
    log_axis(ax, "x", spent)
    ax.set_xlabel("cost of the runs so far")
    if found.sd is None:
        ax.set_ylabel("log determinant of the covariance")
    else:
        ax.set_ylabel(literal(f"sd of {found.asked}"))
        log_axis(ax, "y", left)
    tidy(ax)
    ax.legend(frameon=False)
    return ax
