"""The loss over size and data, with the plans of least loss through it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from .._core import InputError, Phrase
from ..plan import allocate
from ..results import Ensemble, Fit, evaluate
from ._common import BAND, COLOUR_MAP, INK, axis_label, fit_of, legend_above, log_axis, new_axes, target_label, tidy

CELLS = 120


def contours(
    result: Fit[Any] | Ensemble[Any], ax: Axes | None = None, *, held: Mapping[str, float] | None = None
) -> Axes:
    """Draw lines of equal loss over size and data, the runs, and the efficient frontier with all that is as good.

    The frontier is the best size and data at each compute 6 N D, up to ten times that of the largest run, dashed beyond
    it; in the band the loss is within 0.5 % of the best at the same compute. Data are taken to be fresh.

    **Arguments:**

    - `result`: A fit, or an ensemble, of which the fit is drawn.
    - `ax`: Where to draw; a figure of its own unless given.
    - `held`: Values of the law's further inputs.

    **Returns:** the Axes.

    **Raises:** `InputError` for a batch, or a law that is not of N and D.
    """
    fit = fit_of(result)
    if not {"N", "D"} <= set(fit.law.inputs):
        given = Phrase(f"is of {type(fit.law).__name__}, a law of {', '.join(fit.law.inputs)}")
        raise InputError("result", given, "a law of N and D", "draw it with `loss_against`")
    runs, inputs = fit.problem.runs, fit.problem.inputs
    compute = 6.0 * inputs["N"] * inputs["D"]
    budgets = np.geomspace(compute.min(), 10.0 * compute.max(), 25)
    plan = allocate(fit.law, budget=budgets, held=held)
    flat = plan.near_optimal[0.005]
    ax = new_axes(1, 6.8, 5.0)[0] if ax is None else ax

    size = np.geomspace(*_range(inputs["N"], plan.N.value), CELLS)
    data = np.geomspace(*_range(inputs["D"], plan.D.value), CELLS)
    N, D = (a.ravel() for a in np.meshgrid(size, data))
    point = {"N": N, "D": D} | ({"U": D} if "U" in fit.law.inputs else {})
    point |= {name: np.full(N.size, float(value)) for name, value in (held or {}).items()}
    loss = evaluate(fit.law, point, False).reshape(CELLS, CELLS)
    # Evenly over the plane, and not over the loss, which is nearly level where all are large.
    levels = np.unique(np.quantile(loss[np.isfinite(loss)], np.linspace(0.02, 0.98, 12)))
    colours = ListedColormap(colormaps[COLOUR_MAP](np.linspace(0.0, 0.92, 256)))
    # Before the lines are labelled, as labels lie along them.
    log_axis(ax, "x", size)
    log_axis(ax, "y", data)
    ax.set_xlim(size[0], size[-1])
    ax.set_ylim(data[0], data[-1])
    lines = ax.contour(size, data, loss, levels=levels, cmap=colours, linewidths=1.0, zorder=1)
    ax.clabel(lines, fmt="%.3g", fontsize=8)

    low, high = plan.data_for(flat.low), plan.data_for(flat.high)
    outline = np.concatenate([np.stack([flat.low, low]), np.stack([flat.high, high])[:, ::-1]], axis=1)
    words = "within 0.5 % of the best"
    ax.fill(*outline, color=BAND, alpha=0.22, linewidth=0, label=words, zorder=2)
    inside = budgets <= compute.max() * 1.001
    past = budgets >= budgets[inside].max()
    ax.plot(plan.N.value[inside], plan.D.value[inside], color=INK, linewidth=2.0, label="efficient frontier", zorder=4)
    ax.plot(plan.N.value[past], plan.D.value[past], color=INK, linewidth=2.0, linestyle=(0, (3, 2)), zorder=4)
    ax.scatter(inputs["N"], inputs["D"], color=INK, s=9, linewidths=0, alpha=0.55, label="runs", zorder=3)

    ax.set_xlabel(axis_label("N", runs, fit))
    ax.set_ylabel(axis_label("D", runs, fit))
    ax.plot([], [], color=colours(0.5), linewidth=1.0, label=f"{target_label(runs)} by {type(fit.law).__name__}")
    tidy(ax)
    legend_above(ax)
    return ax


def _range(measured: np.ndarray, planned: np.ndarray) -> tuple[float, float]:
    return float(min(measured.min(), planned.min())) / 1.5, float(max(measured.max(), planned.max())) * 1.5
