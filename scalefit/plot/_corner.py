"""Draws of the parameters, each by itself and in pairs."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .._core import InputError, Phrase
from ..params import slots, values
from ..results import Ensemble
from ._common import COLOURS, INK, fit_of, greek, new_figure

SHOWN, BEYOND = 0.99, 0.35
"""Share of the draws that set the axes, and how much further these may reach: a few far ones would leave no room."""
NARROW = 1e-6
"""Share of a value within which draws, as of runs without noise, are one: a spike on axes a thousandth of it wide."""


def corner(ensemble: Ensemble[Any], axes: Any = None) -> np.ndarray:
    """Draw each parameter's draws, and each pair against each other, about the fitted value.

    Parameters whose unit depends on that of an input (amplitudes: A, B, …) are drawn as their logarithm to base ten.
    Draws that did not converge, and parameters that no run responds to, are left out.

    **Arguments:**

    - `ensemble`: Draws about a single fit.
    - `axes`: A square array of Axes, one row and column a parameter that varies; a figure of its own unless given.

    **Returns:** the square array of Axes; those above the diagonal are hidden.

    **Raises:** `InputError` for a batch, another number of Axes, or draws that do not vary.
    """
    names, draws, centre = _columns(ensemble)
    size = len(names)
    if axes is None:
        side = 1.7 * size + 0.8
        axes = new_figure(side, side).subplots(size, size, squeeze=False)
    axes = np.asarray(axes, dtype=object)
    if axes.shape != (size, size):
        raise InputError("axes", Phrase(f"are {axes.shape}"), f"{size} by {size} Axes, of {', '.join(names)}")
    ends = _ends(draws, centre)
    for row in range(size):
        for column in range(size):
            one: Axes = axes[row, column]
            if column > row:
                one.set_visible(False)
                continue
            one.spines[["top", "right"]].set_visible(False)
            one.set_xlim(*ends[:, column])
            if row == column:
                _histogram(one, draws[:, row], ends[:, row], centre[row])
                one.set_title(_title(names[row], centre[row], float(np.std(draws[:, row], ddof=1))), fontsize=9)
            else:
                _pairs(one, draws[:, column], draws[:, row], (centre[column], centre[row]))
                one.set_ylim(*ends[:, row])
            _ticks(one, names, row, column, size)
    return axes


def _columns(ensemble: Ensemble[Any]) -> tuple[list[str], Float[np.ndarray, "draw name"], Float[np.ndarray, " name"]]:
    """Names as the axes show them, draws and fitted values, of what varies."""
    fit = fit_of(ensemble)
    names, columns, centre = [], [], []
    table, best = values(ensemble.law), values(fit.law)
    for k, slot in enumerate(slots(fit.law)):
        if slot.name not in fit.free or fit.unidentified[fit.free.index(slot.name)]:
            continue
        column, middle = table[ensemble.converged, k], best[k]
        name = greek(slot.name)
        # One that vanishes in some draws has no logarithm there, and those draws are part of the answer.
        if slot.parameter.dims and middle > 0 and column.size and column.min() > 0:
            column, middle = np.log10(column), np.log10(middle)
            name = f"log₁₀ {name}"
        names.append(name)
        columns.append(column)
        centre.append(middle)
    draws = np.stack(columns, axis=-1) if columns else np.zeros((0, 0))
    draws = draws[np.isfinite(draws).all(axis=-1)]
    varies = [k for k in range(len(names)) if draws.shape[0] > 1 and np.ptp(draws[:, k]) > 0]
    if not varies:
        raise InputError("ensemble", Phrase("has nothing to draw: no parameter varies over its draws"))
    return [names[k] for k in varies], draws[:, varies], np.array(centre)[varies]


def _ends(draws: Float[np.ndarray, "draw name"], centre: Float[np.ndarray, " name"]) -> Float[np.ndarray, "2 name"]:
    """The ends of each axis: all draws but far ones, the fitted value, and some room."""
    tail = 50.0 * (1.0 - SHOWN)
    low, high = np.percentile(draws, [tail, 100.0 - tail], axis=0)
    room = BEYOND * (high - low)
    low, high = np.maximum(draws.min(axis=0), low - room), np.minimum(draws.max(axis=0), high + room)
    low, high = np.minimum(low, centre), np.maximum(high, centre)
    size = np.maximum(np.abs(low), np.abs(high))
    room = np.where(high - low < NARROW * size, 5e-4 * size, 0.06 * (high - low))
    return np.stack([low - room, high + room])


def _title(name: str, centre: float, se: float) -> str:
    """Value and standard error, to two digits of the error."""
    if se < NARROW * abs(centre):
        return f"{name} = {centre:.6g} ± {se:.0e}".replace("-", "−")
    places = int(np.clip(1 - np.floor(np.log10(se)), 0, 8))
    return f"{name} = {centre:.{places}f} ± {se:.{places}f}".replace("-", "−")


def _histogram(ax: Axes, draws: np.ndarray, ends: np.ndarray, centre: float) -> None:
    ax.hist(draws, bins=25, range=(ends[0], ends[1]), color=COLOURS[0], alpha=0.55, linewidth=0)
    ax.axvline(centre, color=INK, linewidth=1.2)
    ax.spines["left"].set_visible(False)
    ax.set_yticks([])


def _pairs(ax: Axes, x: np.ndarray, y: np.ndarray, centre: tuple[float, float]) -> None:
    alpha = float(np.clip(350.0 / x.size, 0.08, 0.6))
    ax.plot(x, y, ".", color=COLOURS[0], markersize=3, alpha=alpha, markeredgewidth=0, rasterized=True)
    ax.plot(*centre, "+", color=INK, markersize=9, markeredgewidth=1.4)


def _ticks(ax: Axes, names: list[str], row: int, column: int, size: int) -> None:
    ax.xaxis.set_major_locator(MaxNLocator(3, prune="both"))
    ax.tick_params(labelsize=8)
    ax.ticklabel_format(useOffset=False)
    if row < size - 1:
        ax.set_xticklabels([])
    else:
        ax.set_xlabel(names[column])
        ax.tick_params(axis="x", labelrotation=45)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    if column == row:
        return
    ax.yaxis.set_major_locator(MaxNLocator(3, prune="both"))
    if column > 0:
        ax.set_yticklabels([])
    else:
        ax.set_ylabel(names[row])
