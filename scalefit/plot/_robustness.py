"""What is read off a fit beside what it would be otherwise: without each run, and by other noises."""

import numpy as np
from matplotlib.axes import Axes

from .._core import check_names
from ..validate import Robustness
from ._common import BAND, COLOURS, INK, greek, literal, new_axes, short, tidy

WORDS = {"run": "without a run", "noise": "another noise"}


def robustness(found: Robustness, name: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw a quantity by the fit and its interval, and a point for each fit with something changed.

    A line for each kind of change; the two that go farthest are named, so that the runs show on which the answer
    rests.

    **Arguments:**

    - `found`: What `sf.robustness` gave.
    - `name`: The quantity; the first unless given.
    - `ax`: Axes; on a figure of their own unless given.

    **Returns:** the Axes.

    **Raises:** `InputError` for a quantity that was not asked for.
    """
    name = next(iter(found.value)) if name is None else name
    check_names("name", [name], found.value, what="quantities")
    kinds = found.kinds
    ax = new_axes(width=8.4, height=1.6 + 0.55 * len(kinds))[0] if ax is None else ax
    value, low, high = found.value[name], found.low[name], found.high[name]
    if np.isfinite(low) and np.isfinite(high):
        ax.axvspan(low, high, color=BAND, alpha=0.15, linewidth=0, label=f"{100 * found.level:g} % interval", zorder=1)
    ax.axvline(value, color=INK, linewidth=1.4, label="the fit", zorder=2)
    for place, kind in enumerate(kinds):
        some = [one for one in found.variants if one.kind == kind]
        x = np.array([one.values[name] for one in some])
        ax.plot([x.min(), x.max()], [place, place], color=COLOURS[0], linewidth=1.0, alpha=0.5, zorder=3)
        ax.scatter(x, np.full(len(x), float(place)), s=18, color=COLOURS[0], alpha=0.6, linewidths=0, zorder=4)
        ends = found.spread(name, kind)
        for one, side in zip(ends if len(some) > 1 else ends[1:], (-1, 1) if len(some) > 1 else (1,), strict=True):
            ax.annotate(
                literal(one.what.removeprefix("without ")), (one.values[name], place), xytext=(6 * side, 0),
                textcoords="offset points", ha="left" if side > 0 else "right", va="center", fontsize=7, color=INK,
            )  # fmt: skip
    ax.set_yticks(range(len(kinds)), [literal(WORDS.get(kind) or _label(kind)) for kind in kinds])
    ax.set_ylim(len(kinds) - 0.5, -0.7)
    ax.margins(x=0.42)  # for the names
    ax.set_xlabel(literal(greek(name)))
    if value >= 1e4:
        ax.xaxis.set_major_formatter(lambda x, _: short(x))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=8)
    tidy(ax)
    return ax


def _label(kind: str) -> str:
    return f"without a value of {kind}" if len(kind) == 1 else f"without rows of {kind!r}"
