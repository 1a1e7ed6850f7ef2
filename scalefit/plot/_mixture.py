"""The recommended mixture of domains beside what one would take without it."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .._core import InputError, Phrase, check_type
from ..plan import BestMixture, MixtureFolds, short_names
from ..results import Fit
from ._common import BAND, COLOURS, INK, as_many, in_column, is_narrow, literal, new_figure

MOST = 24
"""Domains that are drawn, those of the largest weights."""
MARKERS = {"natural": "s", "uniform": "|", "observed": "D"}


def mixture(best: BestMixture, ax: Axes | None = None, *, level: float = 0.95) -> Axes:
    """Draw the recommended weights with their intervals, the plans beside them, and the limits that bind.

    A bar is a domain, the largest at the top; its line is the interval over draws, a mark each plan without
    optimisation, and a cross the weights without any limit. Domains at an upper limit are hatched.

    **Arguments:**

    - `best`: As `optimise_mixture` gives it.
    - `ax`: Where to draw; a figure of its own unless given.
    - `level`: Probability of the intervals.

    **Returns:** the Axes.
    """
    check_type("best", best, BestMixture, "a mixture, as `optimise_mixture` gives it")
    free = best.treatments["unconstrained"].weights
    size = np.max([best.weights, free, *best.plans.values()], axis=0)
    order = np.argsort(-best.weights - 1e-6 * size, kind="stable")[:MOST][::-1]
    ax = new_figure(6.4, 1.2 + 0.27 * len(order)).subplots() if ax is None else ax
    place = np.arange(len(order))
    bound = {one.name for one in best.active if one.kind in ("most", "tokens", "fixed")}
    bars = ax.barh(place, 100.0 * best.weights[order], color=COLOURS[4], height=0.68, label="recommended")
    for bar, i in zip(bars, order, strict=True):
        if best.domains[i] in bound:
            bar.set_hatch("///")
            bar.set_edgecolor("white")
    wide = best.weights_interval(level)
    if wide.low is not None and wide.high is not None:
        ax.hlines(place, 100.0 * wide.low[order], 100.0 * wide.high[order], color=INK, linewidth=1.2)
    for colour, (name, weights) in zip((BAND, *COLOURS[2:]), best.plans.items(), strict=False):
        ax.plot(100.0 * weights[order], place, MARKERS.get(name, "o"), color=colour, markersize=6, label=name)
    if not np.allclose(free, best.weights, atol=1e-4):
        ax.plot(100.0 * free[order], place, "x", color=INK, markersize=5, label="without limits")
    called = short_names(best.domains)
    names = [called[name] for name in best.domains]
    ax.set_yticks(place, [literal(names[i]) for i in order])
    ax.set_xlim(left=0.0)
    ax.set_xlabel("share of the tokens (%)")
    ax.spines[["top", "right"]].set_visible(False)
    left = len(best.domains) - len(order)
    said = "hatched: at its limit" if bound & {best.domains[i] for i in order} else ""
    more = f"{left} smaller ones are not shown" if left else ""
    said = "; ".join(filter(None, (said, more)))
    if is_narrow(ax) and said:  # where the title stands is the legend
        ax.set_xlabel(f"{ax.get_xlabel()}; {said}")
    else:
        ax.set_title(said, fontsize=9, loc="right")
    in_column(ax, fontsize=8, loc="lower right", edgecolor="none", framealpha=0.9)
    return ax


def foreseen(folds: MixtureFolds, fits: Fit[Any], ax: Axes | None = None) -> Axes:
    """Draw what was measured against what was foreseen without the mixture, every target about its own mean.

    **Arguments:**

    - `folds`: As `mixture_folds` gives it.
    - `fits`: The fits that it was made from.
    - `ax`: Where to draw; a figure of its own unless given.

    **Returns:** the Axes.

    **Raises:** `InputError` where the two are not of the same runs.
    """
    check_type("folds", folds, MixtureFolds, "as `mixture_folds` gives it")
    check_type("fits", fits, Fit, "fits by target, or one fit")
    runs = fits.problem.runs
    if len(folds.predicted) != len(runs):
        raise InputError("fits", Phrase(f"has {len(runs)} rows, and the folds {len(folds.predicted)}"), "its own fits")
    ax = new_figure(5.2, 5.0).subplots() if ax is None else ax
    names, study = _by_target(fits)
    worst = sorted(range(len(names)), key=lambda s: folds.targets[names[s]].spearman)
    _against(ax, names, study, np.asarray(runs.target), folds.predicted, worst)
    ax.set_xlabel("foreseen without its mixture, less the target's mean")
    ax.set_ylabel("measured, less the target's mean")
    ranks = np.mean([one.spearman for one in folds.targets.values()])
    said = f"Spearman {ranks:.3f} over {len(names)} targets, {folds.mixtures} mixtures"
    ax.set_title(said.replace(" over", "\nover") if is_narrow(ax) else said, fontsize=9, loc="right")
    _legend(ax, names, "foreseen worst")
    for axis in (ax.xaxis, ax.yaxis):
        words = axis.get_label_text()
        axis.set_label_text(words.replace(", less", ",\nless") if is_narrow(ax) else words)
    return ax


def parity(fits: Fit[Any], axes: Any = None) -> tuple[Axes, Axes]:
    """Draw what was measured against what the laws say, and the residuals by target.

    On the left every target is about its own mean, the three that scatter most in colour. On the right a row is a
    target, the one that scatters most at the top: a dot is a run, the bar holds the middle two thirds. A cloud that
    bends on the left, or a bar that stands off 0, is a law that does not hold.

    **Arguments:**

    - `fits`: Fits by target, or one fit.
    - `axes`: Two Axes to draw into; a figure of their own unless given.

    **Returns:** both Axes.

    **Raises:** `InputError` for what is no fit, and another number of Axes.
    """
    check_type("fits", fits, Fit, "fits by target, or one fit")
    names, study = _by_target(fits)
    shown = min(len(names), MOST)
    if axes is None:
        axes = new_figure(9.0, max(4.2, 1.6 + 0.2 * shown)).subplots(1, 2)
    left, right = as_many(axes, ["parity", "residuals"])
    off = _residuals(fits)
    measured = np.asarray(fits.problem.runs.target)
    value = measured * np.exp(-off) if fits.noise.log else measured - off
    scatter = [float(np.sqrt(np.mean(off[study == s] ** 2))) for s in range(len(names))]
    worst = sorted(range(len(names)), key=lambda s: -scatter[s])
    _against(left, names, study, measured, value, worst)
    left.set_xlabel("by the law, less the target's mean")
    left.set_ylabel("measured, less the target's mean")
    _legend(left, names, "scatter most")
    seen = 100.0 * np.expm1(off) if fits.noise.log else off
    right.axvline(0.0, color="#9a9a9a", linewidth=1.0, zorder=1)
    called = short_names(names)
    for row, s in enumerate(worst[:shown][::-1]):
        some = seen[study == s]
        colour = COLOURS[worst.index(s)] if worst.index(s) < 3 and len(names) > 1 else "#999999"
        right.plot(some, np.full(len(some), row), ".", color=colour, markersize=5, alpha=0.5, markeredgewidth=0.0)
        below = row - 0.2
        right.plot(np.quantile(some, [1 / 6, 5 / 6]), [below, below], color=INK, linewidth=1.6, solid_capstyle="butt")
        right.plot(np.median(some), below, "|", color=INK, markersize=7, zorder=4)
    right.set_ylim(-0.6, shown - 0.4)
    right.set_yticks(range(shown), [literal(called[names[s]]) for s in worst[:shown][::-1]])
    right.set_xlabel("measured above the law (%)" if fits.noise.log else "measured − law")
    right.spines[["top", "right"]].set_visible(False)
    more = len(names) - shown
    right.set_title(f"{more} that scatter less are not shown" if more else "", fontsize=9, loc="right")
    return left, right


def _by_target(fits: Fit[Any]) -> tuple[list[str], np.ndarray]:
    """The names of the targets, and which one each row is of."""
    if fits.keys is not None:
        return [str(key) for key in fits.keys], fits.problem.studies.of_runs
    label = fits.problem.runs.labels.get("target")
    if label is None:
        return [fits.source.target], np.zeros(len(fits.problem.runs), int)
    names, study = np.unique(label, return_inverse=True)
    return [str(name) for name in names], study


def _residuals(fits: Fit[Any]) -> np.ndarray:
    """By row of the runs, on the scale of the noise."""
    if fits.keys is None:
        return np.asarray(fits.residuals)
    found, table = np.full(len(fits.problem.runs), np.nan), np.asarray(fits.residuals)
    for s in range(len(fits.keys)):
        rows = fits.problem.studies.rows(s)
        found[rows] = table[s, : len(rows)]
    return found


def _against(
    ax: Axes, names: list[str], study: np.ndarray, measured: np.ndarray, found: np.ndarray, worst: list[int]
) -> None:
    """What was measured against what is said of it, by target about its mean; the first three of `worst` in colour."""
    called = short_names(names)
    ends = []
    for s, name in enumerate(names):
        middle = np.mean(measured[study == s])
        pair = found[study == s] - middle, measured[study == s] - middle
        ends += pair
        marked = worst.index(s) < 3 and len(names) > 1
        # Three have a colour and a name.
        colour, label = (COLOURS[worst.index(s)], literal(called[name])) if marked else ("#999999", None)
        ax.plot(*pair, ".", color=colour, markersize=3, label=label, zorder=2 + marked)
    low, high = np.nanmin(np.concatenate(ends)), np.nanmax(np.concatenate(ends))
    ax.plot([low, high], [low, high], color=INK, linewidth=0.8, zorder=5)
    ax.spines[["top", "right"]].set_visible(False)


def _legend(ax: Axes, names: list[str], title: str) -> None:
    if len(names) > 1:
        ax.legend(frameon=False, fontsize=8, loc="upper left", title=title, title_fontsize=8, markerscale=3)
