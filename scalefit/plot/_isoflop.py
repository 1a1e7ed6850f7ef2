"""isoFLOP curves: the loss by size at each compute budget, and where it is least."""

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm

from .._core import InputError, Phrase
from ..data import Runs
from ..plan import IsoFLOP
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


def isoflop(result: IsoFLOP, runs: Runs, ax: Axes | None = None) -> Axes:
    """Draw the loss against the size at each compute budget, with the minima and the line through them.

    Of a result by parabolas these are drawn; of one by splines runs of a budget are joined. Runs that lie far above
    their curves are crossed, whether they take part or were left out.

    **Arguments:**

    - `result`: What `scalefit.isoflop` found; of several settings one, `result[key]`.
    - `runs`: The runs that it was found from.
    - `ax`: Where to draw; a figure of its own unless given.

    **Returns:** the Axes.

    **Raises:** `InputError` for a result of several settings, or other runs.
    """
    if result.keys is not None:
        given = Phrase(f"is of {len(result.keys)} settings")
        raise InputError("result", given, "one, as a picture shows", f"give `result[{result.keys[0]!r}]`")
    check_length(runs, result.budget)
    ax = new_axes()[0] if ax is None else ax
    N = _sizes(runs)
    known = np.isfinite(result.C)
    norm = LogNorm(result.C[known].min(), result.C[known].max() * (1.0 + 1e-9))
    colours = colormaps[COLOUR_MAP]
    shown = result.budget >= 0
    for b in np.flatnonzero(known):
        some = np.flatnonzero(result.budget == b)
        colour = colours(norm(result.C[b]) * 0.92)
        some = some[np.argsort(N[some], kind="stable")]
        ax.scatter(N[some], runs.target[some], color=colour, s=13, linewidths=0, alpha=0.8, zorder=3)
        if result.method == "parabola" and np.unique(N[some]).size > 2:
            x, y = np.log(N[some]), np.log(runs.target[some]) if result.log else runs.target[some]
            along = np.linspace(x.min(), x.max(), 80)
            curve = np.polyval(np.polyfit(x - x.mean(), y, 2), along - x.mean())
            ax.plot(np.exp(along), np.exp(curve) if result.log else curve, color=colour, linewidth=1.1, zorder=2)
        else:
            ax.plot(N[some], runs.target[some], color=colour, linewidth=0.9, alpha=0.8, zorder=2)
    far = result.flagged
    if far.any():
        ax.scatter(N[far], runs.target[far], marker="x", s=34, color=BAND, zorder=5, label="far above its curve")
    best = np.flatnonzero(np.isfinite(result.N))
    ax.plot(result.N[best], result.loss[best], color=INK, linewidth=1.6, zorder=4)
    ax.plot(
        result.N[best], result.loss[best], "D", color=INK, markeredgecolor="white", markersize=6, zorder=6,
        label=f"least loss: {result.trend_N.said('N*', 3)}",
    )  # fmt: skip
    log_axis(ax, "x", N[shown | far])
    log_axis(ax, "y", runs.target[shown | far])
    ax.set_xlabel(axis_label("N", runs))
    ax.set_ylabel(target_label(runs))
    tidy(ax)
    ax.figure.colorbar(ScalarMappable(norm, colours), ax=ax, label=axis_label("C", runs), pad=0.02)
    legend_above(ax)
    return ax


def _sizes(runs: Runs) -> Float[np.ndarray, " run"]:
    """N of each run, also where it follows from C and D; NaN where it cannot be told."""
    if "N" in runs.inputs:
        return np.asarray(runs.inputs["N"])
    return np.asarray(runs.inputs["C"]) / (6.0 * np.asarray(runs.inputs["D"]))
