"""The measured loss against what was spent, with the law through it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize

from .._core import InputError, Phrase, check_choice
from ..data import UNLIMITED, Runs
from ..laws import Label, Series, input_kinds
from ..results import Ensemble, Fit, evaluate, predict
from ._common import (
    BAND,
    COLOUR_MAP,
    COLOURS,
    INK,
    axis_label,
    fit_of,
    in_column,
    is_narrow,
    literal,
    log_axis,
    new_axes,
    short,
    single_inputs,
    target_label,
    tidy,
    with_inputs,
)
from ._inset import enlarge
from ._least_loss import least_loss

POINTS = 60
GREY = "#b5b5b5"
"""Runs at other values than those that have a curve."""


def loss_against_compute(
    result: Fit[Any] | Ensemble[Any],
    ax: Axes | None = None,
    level: float = 0.95,
    held_out: Runs | None = None,
) -> Axes:
    """Draw the runs against compute, the law at some of their sizes, and the least loss it allows at each compute.

    Compute is 6 N D for runs and law alike. The band is that of the least loss, each draw at its own best N and D; past
    the largest run it goes on, dashed, for a factor of ten. Where it is too narrow to be seen, an inset enlarges that
    stretch. A law that is not of N and D, or of which more is better, is drawn against its first size, or number, by
    `loss_against`; one of series, or of labels and weights alone, against its own value.

    **Arguments:**

    - `result`: A fit, or an ensemble for a band.
    - `ax`: Where to draw; a figure of its own unless given.
    - `level`: Probability of the band.
    - `held_out`: Runs that the fit has not seen, drawn as diamonds.

    **Returns:** the Axes.

    **Raises:** `InputError` for a batch, or held-out runs without an input.
    """
    fit = fit_of(result)
    if not ({"N", "D"} <= set(fit.law.inputs) <= {"N", "D", "U"} and fit.law.smaller_is_better):
        alone = single_inputs(fit.law)
        if not alone or _has_series(fit):
            return _against_value(fit, ax, held_out)
        kinds = input_kinds(fit.law)
        return loss_against(result, min(alone, key=lambda name: not kinds[name].logarithm), ax, level, held_out)
    runs, inputs = fit.problem.runs, fit.problem.inputs
    compute = 6.0 * inputs["N"] * inputs["D"]
    unseen, theirs = _unseen(fit, held_out)
    beyond = 6.0 * theirs["N"] * theirs["D"]
    ax = new_axes()[0] if ax is None else ax
    norm, colours = _sizes(np.concatenate([inputs["N"], theirs["N"]]))
    least, most = float(compute.min()), float(compute.max())
    reach = max(10.0 * most, 1.3 * float(beyond.max(initial=0.0)))

    if "U" not in inputs:
        for size, near in _representatives(inputs["N"]):
            along = np.geomspace(compute[near].min() / 1.3, compute[near].max() * 1.3, POINTS)
            curve = predict(fit, N=np.full(POINTS, size), D=along / (6.0 * size)).value
            ax.plot(along, curve, color=colours(norm(size)), linewidth=1.0, alpha=0.9, zorder=2)
        ax.plot([], [], color=colours(0.5), linewidth=1.0, label="the law at one size N")
    shades = colours(norm(inputs["N"]))
    again = inputs["D"] > 1.001 * inputs["U"] if "U" in inputs else np.zeros(len(runs), bool)
    ax.scatter(compute[~again], runs.target[~again], c=shades[~again], s=16, linewidths=0, alpha=0.85, zorder=3)
    if again.any():
        ax.scatter(
            compute[again], runs.target[again], s=13, facecolors="none", edgecolors=list(shades[again]), zorder=2.5
        )
        ax.scatter([], [], s=13, facecolors="none", edgecolors=INK, label="runs that repeat data")
    _diamonds(ax, beyond, unseen, edgecolors=list(colours(norm(theirs["N"]))))

    budgets = np.geomspace(least, reach, POINTS)
    value, low, high = least_loss(result, budgets, level)
    drawn = np.isfinite(value)
    inside = drawn & (budgets <= most * 1.001)
    words = "least loss at this compute" + (", all data fresh" if "U" in inputs else "")
    past = drawn & (budgets >= budgets[inside].max()) if inside.any() else inside

    def best(on: Axes) -> None:
        if inside.any():
            on.plot(budgets[inside], value[inside], color=INK, linewidth=1.8, label=words, zorder=5)
            on.plot(budgets[past], value[past], color=INK, linewidth=1.8, linestyle=(0, (3, 2)), zorder=5)
        if low is not None and high is not None:
            _band(on, budgets, low, high, level)

    best(ax)

    shown = np.concatenate([runs.target, unseen, value[drawn]])
    log_axis(ax, "x", [min(least, float(beyond.min(initial=least))), reach])
    if shown.min() > 0:
        log_axis(ax, "y", shown)
    ax.set_xlabel("training compute C = 6ND (FLOP)")
    ax.set_ylabel(target_label(runs))
    tidy(ax)
    ax.figure.colorbar(ScalarMappable(norm, colours), ax=ax, label=axis_label("N", runs, fit), pad=0.02)
    enlarged = False
    if past.sum() > 1 and low is not None and high is not None and not is_narrow(ax):  # an inset takes room
        points = ((compute, runs.target), (beyond, unseen), (budgets[drawn], low[drawn]))
        seen = np.concatenate([np.stack(pair, axis=-1) for pair in points])
        enlarged = enlarge(ax, budgets[past], low[past], high[past], best, seen)
    if inside.any():
        in_column(ax, frameon=False, loc="upper right" if enlarged else "best")
    return ax


def loss_against(
    result: Fit[Any] | Ensemble[Any],
    name: str,
    ax: Axes | None = None,
    level: float = 0.95,
    held_out: Runs | None = None,
) -> Axes:
    """Draw the runs and the law against one input, with a curve for each of the commonest values of the others.

    **Arguments:**

    - `result`: A fit, whose bands about the curves are to first order, or an ensemble, whose are of its draws.
    - `name`: A number that the law takes.
    - `ax`: Where to draw; a figure of its own unless given.
    - `level`: Probability of the bands.
    - `held_out`: Runs that the fit has not seen, drawn as diamonds.

    **Returns:** the Axes.

    **Raises:** `InputError` for an unknown input, a law of series, a batch, or held-out runs without an input.
    """
    fit = fit_of(result)
    runs, inputs = fit.problem.runs, fit.problem.inputs
    said = input_kinds(fit.law)
    check_choice("name", name, [one for one, kind in said.items() if not isinstance(kind, Label | Series)])
    if _has_series(fit):
        raise InputError(type(fit.law).__name__, Phrase("takes a series"), "numbers, at which a curve can be drawn")
    unseen, theirs = _unseen(fit, held_out)
    ax = new_axes()[0] if ax is None else ax
    x = inputs[name]
    others = [other for other in inputs if other != name]
    table = np.stack([inputs[other] for other in others], axis=-1) if others else np.zeros((len(runs), 0))
    kinds, code, count = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    code = code.ravel()
    chosen = np.sort(np.argsort(-count, kind="stable")[: len(COLOURS)])
    rest = ~np.isin(code, chosen)
    held_at = np.stack([theirs[other] for other in others], axis=-1) if others else np.zeros((unseen.size, 0))
    shades = np.full(unseen.size, GREY, dtype=object)
    if rest.any():
        ax.scatter(x[rest], runs.target[rest], color=GREY, s=14, linewidths=0, zorder=2)
    for colour, kind in zip(COLOURS, chosen, strict=False):
        of_kind, theirs_too = code == kind, np.all(held_at == kinds[kind], axis=-1)
        shades[theirs_too] = colour
        ends = np.concatenate([x[of_kind], theirs[name][theirs_too]])
        if said[name].logarithm and ends.min() > 0.0:
            along = np.geomspace(ends.min() / 1.1, ends.max() * 1.1, POINTS)
        else:
            along = np.linspace(ends.min(), ends.max(), POINTS)
        held = dict(zip(others, kinds[kind].tolist(), strict=True))
        held |= {n: fit.law.entries(said[n].axis or "")[int(held[n])] for n in others if isinstance(said[n], Label)}
        band = predict(result, level=level, **{name: along, **held})
        line = colour if others else INK
        ax.plot(along, band.value, color=line, linewidth=1.6, label=literal(_said(held)) or "law", zorder=4)
        if band.low is not None and band.high is not None:
            _band(ax, along, band.low, band.high, level, None if others else f"{100 * level:g} % interval", line)
        ax.scatter(x[of_kind], runs.target[of_kind], color=colour, s=16, linewidths=0, alpha=0.85, zorder=3)
    _diamonds(ax, theirs[name], unseen, edgecolors=list(shades))
    log_axis(ax, "x", np.concatenate([x, theirs[name]]))
    if min(runs.target.min(), unseen.min(initial=np.inf)) > 0:
        log_axis(ax, "y", np.concatenate([runs.target, unseen]))
    ax.set_xlabel(axis_label(name, runs, fit))
    ax.set_ylabel(target_label(runs))
    tidy(ax)
    in_column(ax, frameon=False, loc="best")
    return ax


def _has_series(fit: Fit[Any]) -> bool:
    return any(isinstance(kind, Series) for kind in input_kinds(fit.law).values())


def _against_value(fit: Fit[Any], ax: Axes | None, held_out: Runs | None) -> Axes:
    """Runs against the value of the law, on a line where they are equal."""
    runs = fit.problem.runs
    unseen, theirs = _unseen(fit, held_out)
    ax = new_axes()[0] if ax is None else ax
    value = evaluate(fit.law, fit.problem.inputs, batched=False)
    beyond = evaluate(fit.law, theirs, batched=False) if unseen.size else unseen
    shown = np.concatenate([value, runs.target, beyond, unseen])
    ax.plot([shown.min(), shown.max()], [shown.min(), shown.max()], color=INK, linewidth=1.6, label="law", zorder=2)
    ax.scatter(value, runs.target, color=COLOURS[0], s=16, linewidths=0, alpha=0.85, zorder=3)
    _diamonds(ax, beyond, unseen)
    for which in ("x", "y"):
        log_axis(ax, which, shown)
    ax.set_xlabel(f"{target_label(runs)} by the law")
    ax.set_ylabel(target_label(runs))
    tidy(ax)
    in_column(ax, frameon=False, loc="best")
    return ax


def _unseen(fit: Fit[Any], held_out: Runs | None) -> tuple[Float[np.ndarray, " run"], dict[str, Any]]:
    """The targets of held-out runs, and the law's inputs there; empty where there are none."""
    if held_out is None:
        return np.zeros(0), {} if _has_series(fit) else {n: column[:0] for n, column in fit.problem.inputs.items()}
    held_out, inputs = with_inputs(fit, held_out)
    return held_out.target, inputs


def _diamonds(ax: Axes, x: np.ndarray, y: np.ndarray, **colours: Any) -> None:
    """Runs that were held out, each with an edge of its own colour, and one for all in the legend."""
    if x.size:
        ax.scatter(x, y, s=22, marker="D", facecolors="white", linewidths=1.1, zorder=6, **colours)
        ax.scatter([], [], s=22, marker="D", facecolors="white", edgecolors=INK, label="runs held out")


def _said(held: Mapping[str, Any]) -> str:
    """The inputs that a curve holds: of pools their shares, and whether their samples come fresh."""
    shares = {name[2:-1]: w for name, w in held.items() if name.startswith("w[") and w > 0.0}
    parts = [name if w == 1.0 else f"{100 * w:.3g} % {name}" for name, w in shares.items()]
    if parts and all(held.get(f"U[{name}]", 0.0) >= UNLIMITED for name in shares):
        parts[-1] += ", all fresh"
    numbers = {n: value if isinstance(value, str) else short(value) for n, value in held.items() if "[" not in n}
    parts += [f"{name} = {value}" for name, value in numbers.items()]
    return ", ".join(parts)


def _band(
    ax: Axes,
    x: Float[np.ndarray, " point"],
    low: Float[np.ndarray, " point"],
    high: Float[np.ndarray, " point"],
    level: float,
    label: str | None = "",
    colour: str = BAND,
) -> None:
    """Fill between the ends of an interval, where there is one."""
    there = np.isfinite(low) & np.isfinite(high)
    if there.any():
        words = f"{100 * level:g} % interval" if label == "" else label
        ax.fill_between(
            x[there], low[there], high[there], color=colour, alpha=0.4, linewidth=0, label=words, zorder=1.5
        )


def _sizes(size: Float[np.ndarray, " run"]) -> tuple[Normalize, Colormap]:
    """Colours of sizes; the palest end of the map is left out, as it is lost on white."""
    low, high = float(size.min()), float(size.max())
    if low == high:
        low, high = low / 2.0, high * 2.0
    return LogNorm(low, high), ListedColormap(colormaps[COLOUR_MAP](np.linspace(0.0, 0.92, 256)))


def _representatives(size: Float[np.ndarray, " run"]) -> list[tuple[float, Bool[np.ndarray, " run"]]]:
    """Sizes that stand for all, with the runs near each: every size where they are few, else some evenly apart."""
    sizes = np.unique(size)
    if sizes.size > 12:
        wanted = np.geomspace(sizes[0], sizes[-1], 8)[1:-1]
        sizes = np.unique(sizes[np.argmin(np.abs(np.log(sizes)[None] - np.log(wanted)[:, None]), axis=1)])
    return [(float(one), np.abs(np.log(size / one)) < 0.2) for one in sizes]
