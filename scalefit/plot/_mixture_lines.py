"""The best weights of domains along budgets, sizes, or the price of straying from a prior."""

import numpy as np
from matplotlib.axes import Axes

from .._core import InputError, Phrase
from ..plan import MixturePath, short_names
from ._common import COLOURS, INK, at_right, literal, log_axis, new_axes, tidy

MOST = len(COLOURS)
"""Domains that have a colour and a name, those of the largest weights; the others are grey."""
WORDS = {"D": "tokens of the run", "N": "parameters", "kl": "price of straying from the prior"}


def mixture_lines(path: MixturePath, ax: Axes | None, *, level: float, rule: bool) -> Axes:
    """Lines of the weights with bands of their intervals; see `mixture_path`."""
    if len(path) < 2:
        raise InputError("path", Phrase(f"is of {len(path)} place"), "two or more")
    ax = new_axes()[0] if ax is None else ax
    x = np.array(path.places[:, 0], float)
    free = x <= 0.0
    if free.any():
        if free.all():
            raise InputError("path", Phrase("has no price above 0"), "several, as kl=[0, 0.01, 0.1]")
        # A price of nothing has no logarithm: it stands a step to the left of the least.
        x = np.where(free, x[~free].min() / 3.0, x)
    order = np.argsort(x, kind="stable")
    weights, wide = path.weights, path.weights_interval(level)
    largest = [int(i) for i in np.argsort(-weights.max(axis=0), kind="stable") if weights[:, i].max() > 5e-4]
    called = short_names(path.domains)
    ends = []
    for place, i in enumerate(largest):
        named = place < MOST
        colour = COLOURS[place] if named else "#bbbbbb"
        if named and wide.low is not None and wide.high is not None:
            ax.fill_between(x[order], 100.0 * wide.low[order, i], 100.0 * wide.high[order, i], color=colour, alpha=0.18,
                            linewidth=0.0)  # fmt: skip
        ax.plot(x[order], 100.0 * weights[order, i], color=colour, linewidth=1.6 if named else 0.8, marker="o",
                markersize=3.0 if named else 0.0, zorder=3 if named else 2)  # fmt: skip
        if named:
            ends.append(
                (100.0 * float(weights[order[-1], i]), float(x[order[-1]]), literal(called[path.domains[i]]), colour)
            )
    if rule:
        ruled = path.by_rule()
        for place, i in enumerate(largest[:MOST]):
            ax.plot(
                x[order], 100.0 * ruled[order, i], color=COLOURS[place], linewidth=1.0, linestyle=(0, (4, 2)), zorder=3
            )
    log_axis(ax, "x", x)
    if free.any():
        decades = 10.0 ** np.arange(np.ceil(np.log10(x[~free].min())), np.floor(np.log10(x.max())) + 1.0)
        ax.set_xticks([float(x[free][0]), *decades], ["0", *(f"{value:g}" for value in decades)])
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel(WORDS.get(path.along[0], literal(path.along[0])))
    ax.set_ylabel("share of the tokens (%)")
    tidy(ax)
    at_right(ax, ends)
    more = len(largest) - MOST
    said = ["dashed: AutoScale's rule"] if rule else []
    said += [f"grey: {more} smaller"] if more > 0 else []
    ax.set_title("; ".join(said), fontsize=9, loc="right", color=INK)
    return ax
