"""Residuals of a fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..results import Fit, evaluate
from ._common import (
    COLOURS,
    INK,
    as_many,
    axis_label,
    fit_of,
    literal,
    log_axis,
    new_axes,
    single_inputs,
    target_label,
    tidy,
)


def residuals(fit: Fit[Any], ax: Axes | Sequence[Axes] | np.ndarray | None = None) -> tuple[Axes, ...]:
    """Draw what each run lies above or below the law, against every input: a trend is a law that does not hold.

    Inputs along an axis, such as the weights of pools, are as many as the axis is long, and are left out; of a law that
    has no others, residuals are drawn against its own value. In per cent of that value where the noise is on
    logarithms. The dark line joins medians over stretches of equal counts of runs.

    **Arguments:**

    - `fit`: A fit.
    - `ax`: As many Axes as the law has such inputs (one by itself will do for one); a figure of their own unless given.

    **Returns:** the Axes, one an input.

    **Raises:** `InputError` for a batch, or another number of Axes.
    """
    fit = fit_of(fit)
    runs = fit.problem.runs
    inputs = {name: np.asarray(fit.problem.inputs[name]) for name in single_inputs(fit.law)}
    words = {name: axis_label(name, runs, fit) for name in inputs}
    if not inputs:
        value = evaluate(fit.law, fit.problem.inputs, batched=False)
        inputs, words = {"value": value}, {"value": f"{target_label(runs)} by the law"}
    axes = new_axes(len(inputs), width=1.2 + 3.6 * len(inputs), height=3.4) if ax is None else as_many(ax, list(inputs))
    left = 100.0 * np.expm1(fit.residuals) if fit.noise.log else fit.residuals
    edge = 1.15 * float(np.max(np.abs(left)))
    for one, (name, x) in zip(axes, inputs.items(), strict=True):
        one.axhline(0.0, color="#9a9a9a", linewidth=1.0, zorder=1)
        one.scatter(x, left, s=14, color=COLOURS[0], alpha=0.6, linewidths=0, zorder=2)
        middle, median = _trend(x, left)
        one.plot(middle, median, color=INK, linewidth=1.6, label="running median", zorder=3)
        log_axis(one, "x", x)
        if edge > 0.0:
            one.set_ylim(-edge, edge)
        one.set_xlabel(words[name])
        tidy(one)
    # In two lines, as it is long for a low picture.
    said = (
        (literal(runs.target_name), "observed above law (%)")
        if fit.noise.log
        else (target_label(runs), "observed − law")
    )
    axes[0].set_ylabel(":\n".join(said))
    axes[0].legend(frameon=False, loc="best")
    return tuple(axes)


def _trend(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Medians of y over stretches of x; runs of one x stay together."""
    values, code = np.unique(x, return_inverse=True)
    if values.size > 12:
        rank = np.empty(x.size)
        rank[np.argsort(x, kind="stable")] = np.arange(x.size)
        code = (rank * min(10, max(x.size // 8, 1)) / x.size).astype(int)
    parts = [code == k for k in np.unique(code)]
    centre = (lambda some: np.exp(np.mean(np.log(some)))) if x.min() > 0 else np.mean
    return np.array([centre(x[p]) for p in parts]), np.array([np.median(y[p]) for p in parts])
