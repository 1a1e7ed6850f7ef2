"""Ranks that are uniform where all is well: of chains among each other, and of truths among posterior draws."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .._core import InputError, Phrase, check_probability
from ..params import slots, values
from ..results import Ensemble
from ._common import COLOURS, INK, fit_of, greek, of_scatter, panels, tidy

FINE: dict[str, Any] = {"color": COLOURS[0], "linewidth": 0.8, "alpha": 0.4}
"""Colour of a chain that is as it should be."""


def ranks(draws: Ensemble[Any], axes: Any = None, level: float = 0.99) -> np.ndarray:
    """Draw how the draws of each chain rank among all: evenly, if the chains have mixed (arXiv 1903.08008).

    A line is the histogram of one chain's ranks. The band holds all lines of a panel with the given probability where
    every draw is by itself; draws that follow each other leave it somewhat more often. Chains that leave it are in
    colour.

    **Arguments:**

    - `draws`: An ensemble about a single fit whose draws know their chain (`drawn["chain"]`), as those of
        `sample(..., method="nuts")`.
    - `axes`: As many Axes as parameters vary, the scatter of the runs among them; a figure of its own unless given.
    - `level`: Probability of the band.

    **Returns:** the Axes, one a parameter.

    **Raises:** `InputError` for a batch, draws without chains, or another number of Axes.
    """
    from scipy import stats  # it takes half a second to load

    check_probability("level", level)
    fit = fit_of(draws)
    if "chain" not in draws.drawn:
        given = Phrase(f"are {draws.method} draws, of no chains")
        raise InputError("draws", given, "chains, which ranks compares", "draw by `sample(fit, method='nuts')`")
    table = values(draws.law)
    columns = {slot.name: table[:, k] for k, slot in enumerate(slots(fit.law)) if slot.name in fit.free}
    columns |= {"scatter": np.asarray(draws.scale), **of_scatter(draws)}
    columns = {name: column for name, column in columns.items() if np.ptp(column) > 0}
    kinds, chain, counts = np.unique(draws.drawn["chain"], return_inverse=True, return_counts=True)
    if kinds.size < 2:
        raise InputError("draws", Phrase("are all of one chain"), "chains, which ranks compares", "draw several")
    axes = panels(list(columns), axes)
    bars = _bars(int(counts.min()))
    edges = np.linspace(0.0, len(draws), bars + 1)
    width = np.diff(np.ceil(edges)).astype(int)  # whole ranks in each bar
    for ax, (name, column) in zip(axes, columns.items(), strict=True):
        rank = np.empty(len(draws))
        rank[np.argsort(column, kind="stable")] = np.arange(len(draws))
        tail = 0.5 * (1.0 - level) / (bars * kinds.size)
        for place, kind in enumerate(kinds):
            found, _ = np.histogram(rank[chain == place], bins=edges)
            expected = counts[place] * width / len(draws)
            low, high = stats.hypergeom.ppf([[tail], [1.0 - tail]], len(draws), width, counts[place])
            out = bool(np.any((found < low) | (found > high)))
            style = (
                {"color": COLOURS[place % len(COLOURS)], "linewidth": 1.5, "label": f"chain {kind}"} if out else FINE
            )
            ax.stairs(found / expected, edges, baseline=None, zorder=3 + out, **style)
            if place == int(np.argmin(counts)):
                _band(ax, edges, low / expected, high / expected)
        _finish(ax, greek(name), "rank among all draws", "draws over expected")
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False, fontsize=7.5, loc="best")
    return axes


def rank_histogram(
    found: Int[np.ndarray, "study parameter"],
    num: int,
    names: Sequence[str] | None = None,
    axes: Any = None,
    level: float = 0.99,
) -> np.ndarray:
    """Draw how true parameters rank among posterior draws of simulated studies (arXiv 1804.06788).

    Ranks are uniform if the posterior is right: a hump is a posterior too wide, horns one too narrow, a slope one that
    is off to a side. The band holds all bars of a panel with the given probability.

    **Arguments:**

    - `found`: By study and parameter, how many of the posterior draws are below the truth: 0 to `num`.
    - `num`: Draws of each posterior.
    - `names`: Of the parameters, in order; numbered unless given.
    - `axes`: As many Axes as parameters; a figure of its own unless given.
    - `level`: Probability of the band.

    **Returns:** the Axes, one a parameter.

    **Raises:** `InputError` for ranks outside 0 to `num`, or other numbers of names or Axes.
    """
    from scipy import stats

    check_probability("level", level)
    found = np.asarray(found)
    if found.min(initial=0) < 0 or found.max(initial=0) > num or found.shape[0] < 2:
        given = Phrase(
            f"is of {found.shape[0]} studies, with ranks from {found.min(initial=0)} to {found.max(initial=0)}"
        )
        expected = f"two studies or more, and ranks from 0 to `num`, {num}"
        raise InputError("found", given, expected, "count the draws below each truth")
    names = [f"parameter {k + 1}" for k in range(found.shape[1])] if names is None else [greek(n) for n in names]
    if len(names) != found.shape[1]:
        raise InputError("names", Phrase(f"are {len(names)}"), f"one for each of {found.shape[1]} parameters")
    axes = panels(names, axes)
    bars = min(_bars(found.shape[0]), num + 1)
    edges = np.linspace(0.0, num + 1.0, bars + 1)
    share = np.diff(np.ceil(edges)) / (num + 1.0)
    tail = 0.5 * (1.0 - level) / bars
    expected = found.shape[0] * share
    low, high = stats.binom.ppf([[tail], [1.0 - tail]], found.shape[0], share)
    for ax, name, column in zip(axes, names, found.T, strict=True):
        count, _ = np.histogram(column, bins=edges)
        out = (count < low) | (count > high)
        _band(ax, edges, low / expected, high / expected)
        shades = np.where(out, COLOURS[1], COLOURS[0])
        ax.bar(edges[:-1], count / expected, np.diff(edges), align="edge", color=shades, alpha=0.6, zorder=1)
        _finish(ax, name, f"rank of the truth among {num}", "studies over expected")
    return axes


def _bars(count: int) -> int:
    """Bars of a histogram: from 5 to 20, about ten ranks in each."""
    return int(np.clip(count // 10, 5, 20))


def _band(ax: Axes, edges: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    ax.stairs(high, edges, baseline=low, fill=True, color=INK, alpha=0.13, zorder=2)
    ax.plot(edges[[0, -1]], [1.0, 1.0], color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=2.5)


def _finish(ax: Axes, name: str, along: str, up: str) -> None:
    tidy(ax)
    ax.grid(visible=False)
    ax.set_title(name, fontsize=9)
    ax.set_xlabel(along, fontsize=8.5)
    place = ax.get_subplotspec()
    if place is None or place.is_first_col():
        ax.set_ylabel(up, fontsize=8.5)
    ax.tick_params(labelsize=8)
    ax.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
    ax.set_ylim(0.0, None)
