"""The best weights over pools along the budget."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes

from .._core import check_flag, check_probability
from ..plan import Curation, MixturePath
from ._common import COLOUR_MAP, INK, at_right, in_column, is_narrow, literal, log_axis, new_axes
from ._mixture_lines import mixture_lines
from ._pools import budget_label, check_budgets

COLUMNS = 6
"""Budgets at which passes are written."""
ROOM = 0.06
"""The least share in which there is room for a line of words."""


def mixture_path(
    curation: Curation | MixturePath, ax: Axes | None = None, *, level: float = 0.95, rule: bool = False
) -> Axes:
    """Draw the best weights against the budget.

    Of pools as stacked areas, with how often each pool is seen written in: the best pool is at the bottom and darkest,
    pools that no budget uses are named above the picture, and how far the weights are known is said by
    `Curation.weights_interval`. Of domains as lines, along budgets, sizes, or the price of straying from a prior, with
    bands of their intervals where there are draws.

    **Arguments:**

    - `curation`: A plan over several budgets, as `curate` gives it, or the path of `mixtures_along`.
    - `ax`: Where to draw; a figure of its own unless given.
    - `level`: Probability of the bands.
    - `rule`: Whether AutoScale's rule from the first two budgets is drawn too, dashed: see `MixturePath.by_rule`.

    **Returns:** the Axes.

    **Raises:** `InputError` for what is no plan of several budgets, and a rule of what has none.
    """
    check_probability("level", level)
    if isinstance(curation, MixturePath):
        return mixture_lines(curation, ax, level=level, rule=check_flag("rule", rule))
    check_budgets(curation)
    ax = new_axes()[0] if ax is None else ax
    x, weights, passes = curation.budgets, curation.weights, curation.passes
    names = [literal(name) for name in curation.pools.names]
    order = [int(i) for i in curation.order[len(x) // 2]]
    used = [i for i in order if weights[:, i].max() > 1e-6]
    shades = colormaps[COLOUR_MAP](np.linspace(0.12, 0.95, max(len(used), 2)))[: len(used)]
    ax.stackplot(x, 100.0 * weights[:, used].T, colors=list(shades), edgecolor="white", linewidth=0.8)
    top = np.cumsum(weights[:, used], axis=1)
    at = np.unique([int(np.argmin(np.abs(np.log(x / wanted)))) for wanted in _inside(x)])
    at = at[:: 2 if is_narrow(ax) else 1]
    ends = []
    for place, i in enumerate(used):
        share = weights[at, i]
        dark = float(shades[place, :3] @ [0.299, 0.587, 0.114]) < 0.55
        style: dict[str, Any] = {"ha": "center", "va": "center", "color": "white" if dark else INK}
        middles = 100.0 * (top[:, place] - 0.5 * weights[:, i])
        for k, column in enumerate(at):
            if share[k] >= ROOM:
                ax.text(float(x[column]), float(middles[column]), _times(passes[column, i]), fontsize=8.5, **style)
        if weights[-1, i] > 1e-3:
            ends.append((float(middles[-1]), float(x[-1]), names[i], INK))
        else:  # not there at the largest budget: named where it is widest
            k = int(np.argmax(weights[:, i]))
            ax.annotate(names[i], (x[k], middles[k]), (0, -11), textcoords="offset points", fontweight="bold", **style)
    log_axis(ax, "x", x)
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(0.0, 100.0)
    ax.set_xlabel(budget_label(curation))
    ax.set_ylabel("share of the samples (%)")
    ax.spines[["top", "right"]].set_visible(False)
    at_right(ax, ends)
    unused = [names[i] for i in order if i not in used]
    gap = ";\n" if is_narrow(ax) else "; "
    ax.set_title(
        "×: passes over the pool" + (f"{gap}never used: {', '.join(unused)}" if unused else ""), fontsize=9, loc="right"
    )
    in_column(ax)
    return ax


def _inside(x: Float[np.ndarray, " budget"]) -> Float[np.ndarray, " column"]:
    """Budgets evenly apart, with half a step of room at the ends."""
    edges = np.linspace(np.log(x[0]), np.log(x[-1]), 2 * COLUMNS + 1)
    return np.exp(edges[1::2])


def _times(passes: float) -> str:
    digits = 0 if passes >= 9.95 else 1
    return f"{passes:.{digits}f}×"
