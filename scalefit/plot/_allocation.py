"""The best size, its data and their ratio against the budget, with their intervals and how flat the optimum is."""

from typing import Any

import numpy as np

from .._core import InputError, Phrase
from ..plan import Allocation
from ._common import BAND, COLOURS, INK, as_many, log_axis, new_axes, tidy

PANELS = {
    "N": "best model size N (parameters)",
    "D": "its training data D (tokens)",
    "D_per_N": "tokens for each parameter, D / N",
}


def allocation(plan: Allocation, axes: Any = None, *, level: float | None = None) -> np.ndarray:
    """Draw the best size, its data and their ratio against the budget, beside all that is as good.

    The line is the plan of the law itself; the band, where there are draws, is the interval of each draw's own best.
    Between the dotted lines the loss by the law itself is within 0.5 % of the best, data following from the budget. The
    dashed line is the rule of twenty tokens for each parameter.

    **Arguments:**

    - `plan`: A plan over several budgets, as `allocate` gives it; the closer they are, the smoother the lines.
    - `axes`: Three Axes; side by side on a figure of their own unless given.
    - `level`: Probability of the intervals; that of the plan unless given.

    **Returns:** the three Axes.

    **Raises:** `InputError` for a plan of one budget, another number of Axes, or a level outside (0, 1).
    """
    if len(plan.budgets) < 2:
        given = Phrase("is of one budget, which is no line")
        raise InputError("plan", given, remedy="allocate several, as `budget=np.geomspace(1e20, 1e25, 31)`")
    axes = as_many(new_axes(3, 12.6, 4.2) if axes is None else axes, list(PANELS))
    order = np.argsort(plan.budgets)
    x = plan.budgets[order]
    level = plan.level if level is None else level
    for ax, (name, words) in zip(axes, PANELS.items(), strict=True):
        found = getattr(plan, name)
        shown = [found.value]
        if found.draws is not None:
            one = found.at_level(level)
            words_of_band = f"{100 * level:g} % interval"
            ax.fill_between(
                x, one.low[order], one.high[order], color=BAND, alpha=0.35, linewidth=0, label=words_of_band
            )
            shown += [one.low, one.high]
        for k, end in enumerate(_flat(plan, name)):
            label = None if k else "loss within 0.5 % of the best"
            ax.plot(x, end[order], color=COLOURS[0], linestyle=":", linewidth=1.4, label=label, zorder=3)
            shown.append(end)
        ax.plot(x, found.value[order], color=INK, linewidth=1.8, label="best", zorder=4)
        if name == "D_per_N":
            ax.axhline(20.0, color="#777777", linestyle=(0, (5, 3)), linewidth=1.2, label="20 tokens each", zorder=2)
            shown.append(np.full(len(x), 20.0))
        log_axis(ax, "x", x)
        log_axis(ax, "y", np.concatenate(shown))
        ax.set_xlim(x[0], x[-1])
        ax.set_xlabel(f"budget C (FLOP), cost {plan.cost.name}")
        ax.set_ylabel(words)
        tidy(ax)
    axes[-1].legend(frameon=False, loc="best", fontsize=9)
    return axes


def _flat(plan: Allocation, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the near-optimal range of a number, in order of the size."""
    sizes = plan.near_optimal[0.005]
    if name == "N":
        return sizes.low, sizes.high
    low, high = (plan.data_for(size) for size in sizes)
    return (low, high) if name == "D" else (low / sizes.low, high / sizes.high)
