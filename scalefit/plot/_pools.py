"""The frontier of filtering against compute: the error of the best weights over pools, beside other plans."""

import itertools
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes

from .._core import InputError, Phrase, check_probability, check_type, listed
from ..data import Pools
from ..plan import Curation, overtakes
from ..results import evaluate
from ._common import BAND, COLOUR_MAP, COLOURS, INK, at_right, in_column, log_axis, new_axes, short, tidy

PLANS = {
    "best_single": ("best single pool", COLOURS[0], (0, (5, 2))),
    "natural": ("natural proportions", COLOURS[2], (0, (1, 1.3))),
    "uniform": ("uniform", COLOURS[3], (0, (5, 1.5, 1, 1.5))),
}
"""The plans beside the best weights that are no unions: words, colour and dashes, so that they differ in grey too."""
ALIKE = 1e-9
"""Plans whose errors differ nowhere by more, as a share, are one line."""
GREY = "#555555"


def frontier(
    curation: Curation, ax: Axes | None = None, *, result: Any = None, relative: bool = False, level: float = 0.95
) -> Axes:
    """Draw the error of the best weights against the budget, beside the unions and the plans one would take without.

    The frontier of filtering against compute: small budgets want the best pool alone, larger ones union after union.
    The thin lines are the unions of the best 1, 2, … pools, numbered at their right ends; lines end where limits do.
    Where the plan was made from draws, the band is that of the recommended weights.

    **Arguments:**

    - `curation`: A plan over several budgets, as `curate` gives it; the closer they are, the smoother the lines.
    - `ax`: Where to draw; a figure of its own unless given.
    - `result`: The law, fit or ensemble that the plan was made from: then the budgets at which one union overtakes the
        next are marked (`overtakes`), with their interval shaded for an ensemble, and the share of the draws in
        which it does where that is below 95 %.
    - `relative`: Draw by how many per cent each plan is worse than the best weights; the band is then that of the best
        union against the recommended weights, draw by draw.
    - `level`: Probability of the intervals.

    **Returns:** the Axes.

    **Raises:** `InputError` for what is no plan of several budgets, a `result` of another law, of other pools or with
    other values than the plan was made from, or a level outside (0, 1).
    """
    check_probability("level", level)
    check_budgets(curation)
    if result is not None:
        _check_result(curation, result)
    ax = new_axes()[0] if ax is None else ax
    x, best = curation.budgets, curation.value

    def said(values: np.ndarray) -> np.ndarray:
        return 100.0 * (values / best - 1.0) if relative else values

    count = len(curation.pools)
    shades = colormaps[COLOUR_MAP](np.linspace(0.0, 0.75, count))
    ends = []
    for k in range(count):
        y = said(curation.unions[:, k])
        there = np.isfinite(y)
        if there.any():
            ax.plot(x[there], y[there], color=shades[k], linewidth=0.9, zorder=2, gid=f"union {k + 1}")
            ends.append((float(y[there][-1]), float(x[there][-1]), str(k + 1), shades[k]))
    ax.plot([], [], color=shades[count // 2], linewidth=0.9, label=f"unions of the best 1 … {count} pools")
    for words, y, colour, dashes in _plans(curation):
        ax.plot(x, said(y), color=colour, linestyle=dashes, linewidth=1.7, label=words, zorder=3)
    ax.plot(x, said(best), color=INK, linewidth=2.0, label="best weights", zorder=5)
    shown = [best, *curation.values.values()]
    if curation.draws is not None:
        drawn = curation.draws
        of = drawn.of_plans["union"] if relative else drawn.of_best
        low, high = np.nanquantile(
            of / (drawn.of_best if relative else 1.0), [0.5 - level / 2, 0.5 + level / 2], axis=0
        )
        low, high = (100.0 * (low - 1.0), 100.0 * (high - 1.0)) if relative else (low, high)
        words = f"{100 * level:g} % interval of the best {'union' if relative else 'weights'}"
        ax.fill_between(x, low, high, color=BAND, alpha=0.35, linewidth=0, label=words, zorder=1.5)
        shown += [] if relative else [low, high]
    log_axis(ax, "x", x)
    if not relative:
        log_axis(ax, "y", np.concatenate([column[np.isfinite(column)] for column in shown]))
    ax.set_xlim(x[0], x[-1])
    ax.set_xlabel(budget_label(curation))
    ax.set_ylabel("error above the best weights' (%)" if relative else "predicted error")
    tidy(ax)
    if result is not None:
        _mark_crossovers(ax, curation, result, level)
    # Of more than eight unions, those that are best somewhere are numbered, with the first and the last.
    ends = [end for end in ends if count <= 8 or int(end[2]) in {1, count, *map(len, curation.union)}]
    at_right(ax, ends)
    in_column(ax, loc="best", fontsize=9, edgecolor="none", framealpha=0.8)
    return ax


def check_budgets(curation: Any) -> None:
    """Check that a plan is of several budgets.

    **Raises:** `InputError` for anything else.
    """
    check_type("curation", curation, Curation, "a plan, as `curate(result, pools, ...)` gives it")
    if len(curation.budgets) < 2 or (np.diff(curation.budgets) <= 0).any():
        given = Phrase(f"has the budgets {curation.budgets.tolist()}")
        raise InputError("curation", given, "rising ones", "curate with `budget=np.geomspace(lowest, highest, 40)`")


def law_of(result: Any) -> Any:
    """The law of a fit or of an ensemble, or the law itself."""
    result = getattr(result, "fit", result)
    return getattr(result, "law", result)


def errors_of(law: Any, pools: Pools, samples: np.ndarray, weights: np.ndarray) -> Float[np.ndarray, " mixture"]:
    """The error of mixtures of pools by a law, which may know more pools than these."""
    inputs = {"n": samples}
    for name in law.pool:
        known = name in pools.names
        inputs[f"w[{name}]"] = weights[:, pools.names.index(name)] if known else np.zeros(len(weights))
        inputs[f"U[{name}]"] = np.full(len(weights), pools.sizes[pools.names.index(name)] if known else 1.0)
    return evaluate(law, inputs, batched=False)


def _check_result(curation: Curation, result: Any) -> None:
    """Check that a plan was made by a law.

    **Raises:** `InputError` for another law, of other pools or with other values.
    """
    law, remedy = law_of(result), "give what `curate` was given"
    if curation.law != (kind := type(law).__name__):
        raise InputError("result", Phrase(f"is of {kind}"), f"{curation.law}, by which the plan was made", remedy)
    if lacking := [name for name in curation.pools.names if name not in law.pool]:
        given = Phrase(f"is of the pools {listed(law.pool)}")
        raise InputError("result", given, f"{lacking[0]!r} too, of which the plan is", remedy)
    found = errors_of(law, curation.pools, curation.samples, curation.weights)
    if not np.allclose(found, curation.value, rtol=1e-6, atol=0.0, equal_nan=True):
        b = int(np.argmax(np.abs(found - curation.value)))
        given = Phrase(f"foresees an error of {found[b]:.5g} at a budget of {curation.budgets[b]:g}")
        raise InputError("result", given, f"{curation.value[b]:.5g}, as the plan does for the same weights", remedy)


def budget_label(curation: Curation) -> str:
    """The label of an axis of budgets."""
    one = (curation.pools.cost == 1.0).all()
    return "training budget (samples seen, repeats included)" if one else "training budget (in the unit of the cost)"


def _plans(curation: Curation) -> list[tuple[str, Float[np.ndarray, " budget"], str, Any]]:
    """The lines of the plans that are no unions; those that are the same at every budget are one line."""
    lines: list[tuple[str, np.ndarray, str, Any]] = []
    for name, (words, colour, dashes) in PLANS.items():
        y = np.where(curation.allowed[name], curation.values[name], np.nan)
        if np.isnan(y).all():
            continue
        for k, (before, others, *_) in enumerate(lines):
            if np.allclose(y, others, rtol=ALIKE, atol=0.0, equal_nan=True):
                lines[k] = (f"{before} = {words}", *lines[k][1:])
                break
        else:
            lines.append((words, y, colour, dashes))
    return lines


def _mark_crossovers(ax: Axes, curation: Curation, result: Any, level: float) -> None:
    """Mark the budgets at which a union overtakes another for good."""
    x = curation.budgets
    last = {union: b for b, union in enumerate(curation.union) if union}
    stages = sorted(last, key=lambda union: last[union])
    marks = []
    for first, second in itertools.pairwise(stages):
        plans = [_merged(curation, union) for union in (first, second)]
        between = float(x[0]), float(x[-1])
        cross = overtakes(*plans, result=result, pools=curation.pools, between=between, level=level)
        # Where a limit ends a union, no other overtakes it.
        if np.isfinite(cross.budget.value) and all(
            _seldom_enough(curation, plan, float(cross.budget.value)) for plan in plans
        ):
            marks.append((cross, f"{len(first)} → {len(second)}"))
    high = False
    for place, (cross, words) in enumerate(marks):
        ax.axvline(
            cross.budget.value,
            color=GREY,
            linewidth=1.0,
            linestyle=(0, (2, 2)),
            zorder=1,
            label="a union overtakes another" if place == 0 else None,
        )
        ends = cross.budget.low, cross.budget.high
        if None not in ends and np.isfinite(ends).all():
            said = f"{100 * level:g} % interval of that budget" if place == 0 else None
            ax.axvspan(*ends, color="#888888", alpha=0.22, linewidth=0, zorder=0.5, label=said)
        step = np.inf if place == 0 else np.log(cross.budget.value / marks[place - 1][0].budget.value)
        # Words take an eighth of the width of the Axes.
        high = not high and step < 0.13 * np.log(x[-1] / x[0])
        sure = "" if cross.probability is None or cross.probability > 0.95 else f" ({100 * cross.probability:.0f} %)"
        ax.annotate(
            f"{words}\n{short(float(cross.budget.value))}{sure}",
            (cross.budget.value, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 28 if high else 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8.5,
            color=GREY,
        )


def _seldom_enough(curation: Curation, plan: list[float], budget: float) -> bool:
    """Tell whether a plan sees no pool more often than it may be seen."""
    pools, w = curation.pools, np.asarray(plan)
    passes = w * budget / (w @ pools.cost) / pools.sizes
    return bool((passes <= pools.max_passes * (1.0 + ALIKE)).all())


def _merged(curation: Curation, union: tuple[str, ...]) -> list[float]:
    """The weights of a union, in proportion to sizes, in the order of the pools."""
    inside = np.isin(curation.pools.names, union) * curation.pools.sizes
    return list(inside / inside.sum())
