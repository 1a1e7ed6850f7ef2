"""The recommended mixture of domains beside what one would take without it."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .._core import InputError, Phrase, check_type
from ..plan import BestMixture, MixtureFolds, short_names
from ..results import Fit
from ._common import BAND, COLOURS, INK, literal, new_figure

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
    ax.legend(fontsize=8, loc="lower right", edgecolor="none", framealpha=0.9)
    ax.spines[["top", "right"]].set_visible(False)
    left = len(best.domains) - len(order)
    said = "hatched: at its limit" if bound & {best.domains[i] for i in order} else ""
    more = f"{left} smaller ones are not shown" if left else ""
    ax.set_title("; ".join(filter(None, (said, more))), fontsize=9, loc="right")
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
    runs = fits.problem.runs
    if len(folds.predicted) != len(runs):
        raise InputError("fits", Phrase(f"has {len(runs)} rows, and the folds {len(folds.predicted)}"), "its own fits")
    ax = new_figure(5.2, 5.0).subplots() if ax is None else ax
    study = fits.problem.studies.of_runs
    names = [str(key) for key in fits.keys or ("",)]
    called = short_names(names)
    shown = [called[name] for name in names]
    worst = sorted(
        range(len(names)), key=lambda s: folds.targets[names[s]].spearman if names[s] in folds.targets else 0
    )
    ends = []
    for s in range(len(names)):
        some = study == s
        measured, found = np.asarray(runs.target)[some], folds.predicted[some]
        middle = np.mean(measured)
        ends += [measured - middle, found - middle]
        # The three that are foreseen worst have a colour and a name.
        colour = COLOURS[worst.index(s)] if worst.index(s) < 3 and len(names) > 1 else "#999999"
        label = literal(shown[s]) if worst.index(s) < 3 and len(names) > 1 else None
        ax.plot(
            found - middle,
            measured - middle,
            ".",
            color=colour,
            markersize=3,
            label=label,
            zorder=2 + (label is not None),
        )
    low, high = np.nanmin(np.concatenate(ends)), np.nanmax(np.concatenate(ends))
    ax.plot([low, high], [low, high], color=INK, linewidth=0.8, zorder=5)
    ax.set_xlabel("foreseen without its mixture, less the target's mean")
    ax.set_ylabel("measured, less the target's mean")
    ranks = np.mean([one.spearman for one in folds.targets.values()])
    ax.set_title(f"Spearman {ranks:.3f} over {len(names)} targets, {folds.mixtures} mixtures", fontsize=9, loc="right")
    if len(names) > 1:
        ax.legend(frameon=False, fontsize=8, loc="upper left", title="foreseen worst", title_fontsize=8, markerscale=3)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
