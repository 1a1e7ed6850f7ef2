"""The error over all mixtures of three pools."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.tri import Triangulation

from .._core import InputError, Phrase
from ..data import Pools
from ..plan import Curation, curate
from ._common import BAND, COLOUR_MAP, INK, is_narrow, literal, new_figure, short
from ._pools import errors_of, law_of

STEPS = 96
"""Mixtures along each side."""
ABOVE = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Lines of error so many per cent above the best are drawn."""
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
"""Left, right and top."""
GREY = "#555555"


def ternary(result: Any, pools: Pools, budget: float, ax: Axes | None = None) -> Axes:
    """Draw the predicted error of every mixture of three pools at a budget, the lighter the better.

    A corner is a pool alone; the share of each rises along the side that bears its name. The star is the best mixture,
    numbered discs are the unions of the best 1, 2 and 3 pools, the square is the natural proportions. Small dots are
    what each draw of an ensemble takes to be best. Mixtures beyond the pools' `max_passes` are left blank.

    **Arguments:**

    - `result`: A fit of a law of pools, an ensemble, or such a law with its values.
    - `pools`: Three pools that the law knows.
    - `budget`: Samples, or in the unit of the pools' cost.
    - `ax`: Where to draw; a figure of its own unless given.

    **Returns:** the Axes.

    **Raises:** `InputError` for another number of pools or budgets, and what `curate` refuses.
    """
    if len(pools) != 3:
        raise InputError("pools", Phrase(f"are {len(pools)}: {', '.join(pools.names)}"), "three")
    if np.ndim(budget):
        raise InputError("budget", budget, "one")
    plan = curate(result, pools, budget=budget)
    ax = new_figure(6.4, 5.2).subplots() if ax is None else ax
    weights = grid_mixtures()
    samples = budget / (weights @ pools.cost)
    error = errors_of(law_of(result), pools, samples, weights)
    grid = Triangulation(*(weights @ CORNERS).T)
    beyond = np.any(weights * samples[:, None] / pools.sizes > pools.max_passes * (1 + 1e-9), axis=1)
    grid.set_mask(beyond[grid.triangles].any(axis=1))

    best, worst = float(plan.value[0]), float(error[~beyond].max())
    # Best weights stand between those of the grid, so that no error there is less but by rounding.
    levels = np.linspace(best * (1 - 1e-9), worst * (1 + 1e-9), 40)
    filled = ax.tricontourf(grid, error, levels=levels, cmap=f"{COLOUR_MAP}_r")
    above = [best * (1 + p / 100) for p in ABOVE if best * (1 + p / 100) < worst]
    if above:
        lines = ax.tricontour(grid, error, levels=above, colors=INK, linewidths=0.6, alpha=0.6)
        ax.clabel(lines, fmt=lambda value: f"+{100 * (value / best - 1):.0f} %", fontsize=7.5)
    ticks = np.asarray(MaxNLocator(6).tick_values(best, worst))
    ticks = ticks[(ticks >= best) & (ticks <= worst)]
    ax.figure.colorbar(filled, ax=ax, label="predicted error", pad=0.02, shrink=0.8, ticks=ticks)
    frame(ax, pools.names, [f"{short(size)} samples" for size in pools.sizes])
    _marks(ax, plan, bool(beyond.any()))
    ax.set_title(f"budget {short(budget)}: best {best:.4g}", fontsize=10)
    return ax


def grid_mixtures() -> Float[np.ndarray, "mixture 3"]:
    """Mixtures of three, evenly apart."""
    i, j = np.meshgrid(np.arange(STEPS + 1), np.arange(STEPS + 1), indexing="ij")
    inside = i + j <= STEPS
    first, second = i[inside] / STEPS, j[inside] / STEPS
    return np.stack([first, second, np.maximum(1.0 - first - second, 0.0)], axis=-1)


def frame(ax: Axes, names: Sequence[str], beneath: Sequence[str], whole: float = 1.0) -> None:
    """Sides with their ticks, and names at the corners with what is said beneath; shares are of the whole."""
    ax.set_aspect("equal")
    # Letters take more of a small triangle.
    room = float(np.clip(4.5 * ax.figure.dpi / ax.get_window_extent().width, 1.0, 1.8))
    ax.set_xlim(-0.12 * room, 1.0 + 0.12 * room)
    ax.set_ylim(-0.16 * room, CORNERS[2, 1] + 0.12 * room)
    ax.axis("off")
    ax.fill(*CORNERS.T, fill=False, edgecolor=INK, linewidth=1.0, zorder=3)
    for k, name in enumerate(map(literal, names)):
        x, y = CORNERS[k]
        words, below = f"{name}\n{beneath[k]}".rstrip(), k < 2
        y, va = (y - 0.045 * room, "top") if below else (y + 0.025, "bottom")
        ax.text(x, y, words, ha="center", va=va, fontsize=9.5, fontweight="bold")
        # The share of this pool rises along the side that comes from the pool before it.
        start, end, third = CORNERS[k - 1], CORNERS[k], CORNERS[k - 2]
        out = 0.5 * (start + end) - third
        out = out / np.linalg.norm(out)
        for percent in MaxNLocator(5).tick_values(0.0, 100 * whole):
            share = percent / (100 * whole)
            if not 0.05 < share < 0.95:  # where the names of the corners are
                continue
            at = start + share * (end - start)
            ax.plot(*np.stack([at, at + 0.012 * out]).T, color=INK, linewidth=0.8)
            x, y = at + 0.038 * room * out
            ax.text(x, y, f"{percent:g}", ha="center", va="center", fontsize=7.5, color=GREY)
        angle = np.degrees(np.arctan2(*(end - start)[::-1]))
        turned = (angle + 90.0) % 180.0 - 90.0
        words = f"{name} (%) →" if abs(angle - turned) < 1.0 else f"← {name} (%)"
        x, y = 0.5 * (start + end) + 0.085 * room * out
        ax.text(x, y, words, rotation=turned, ha="center", va="center", fontsize=8.5, color=GREY)


def _marks(ax: Axes, plan: Curation, blank: bool) -> None:
    """The best mixture, the unions and the natural proportions, and what they are."""
    if plan.draws is not None:
        x, y = (plan.draws.weights[:, 0] @ CORNERS).T
        ax.scatter(x, y, s=7, color=INK, alpha=0.5, linewidths=0, zorder=4, label="best under each draw")
    sizes, order = plan.pools.sizes, plan.order[0]
    bare: dict[str, Any] = {"color": "white", "markeredgecolor": INK, "linestyle": "none", "clip_on": False}
    ax.plot(*(plan.pools.natural @ CORNERS), "s", markersize=13, zorder=5, label="natural proportions", **bare)
    for count in (1, 2, 3):
        inside = np.where(np.isin(np.arange(3), order[:count]), sizes, 0.0)
        x, y = inside / inside.sum() @ CORNERS
        words = "unions of the best 1, 2, 3" if count == 1 else None
        ax.plot(x, y, "o", markersize=9, zorder=6, label=words, **bare)
        ax.text(x, y, str(count), ha="center", va="center_baseline", fontsize=7, zorder=7)
    star: dict[str, Any] = bare | {"color": BAND, "markeredgecolor": "white"}
    ax.plot(*(plan.weights[0] @ CORNERS), "*", markersize=17, zorder=8, label="best mixture", **star)
    handles = ax.get_legend_handles_labels()[0]
    if blank:
        handles.append(Patch(facecolor="white", edgecolor=INK, linewidth=0.8, label="beyond max_passes"))
    legend_beside(ax, handles)


def legend_beside(ax: Axes, handles: Sequence[Any]) -> None:
    """A legend beside the top of the triangle, or below it where the figure is too narrow."""
    if not is_narrow(ax):
        ax.legend(handles=list(handles), frameon=False, loc="upper left", bbox_to_anchor=(-0.04, 1.0), fontsize=8.5)
        return
    figure = ax.get_figure(root=True)
    if figure is not None:
        figure.legend(handles=list(handles), frameon=False, loc="outside lower center", ncols=2, fontsize=6.5,
                      markerscale=0.7, columnspacing=1.0, handletextpad=0.3)  # fmt: skip
