"""Runs in the intervals that the law gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import FuncFormatter

from .._core import InputError, Phrase, check_probability
from ..data import Runs
from ..results import Ensemble, Fit, predict
from ._common import (
    BAND,
    COLOURS,
    INK,
    axis_label,
    fit_of,
    in_column,
    is_narrow,
    literal,
    new_axes,
    target_label,
    tidy,
    with_inputs,
)


def forecast(
    draws: Fit[Any] | Ensemble[Any],
    held_out: Runs | None = None,
    ax: Axes | None = None,
    levels: Sequence[float] = (0.5, 0.9),
) -> Axes:
    """Draw where each run lies in the intervals that the law gives a new run, in order of compute.

    Intervals are of new runs, their own scatter included; both they and the runs are drawn as what they lie above the
    fitted law, in per cent where the noise is on logarithms. The legend counts the runs inside: about as many as the
    level says, if the law holds there. Runs that were held out, as the largest, say more than those of the fit.

    **Arguments:**

    - `draws`: An ensemble about a single fit; a fit by itself has no intervals.
    - `held_out`: Runs that it has not seen.
    - `ax`: Where to draw; a figure of its own unless given.
    - `levels`: Probabilities of the intervals, rising.

    **Returns:** the Axes.

    **Raises:** `InputError` for a fit without draws, a batch, a level outside (0, 1), or held-out runs without an input
    of the law.
    """
    fit = fit_of(draws)
    if not isinstance(draws, Ensemble):
        raise InputError("draws", Phrase("is a fit by itself"), "draws, of `bootstrap`, `laplace` or `sample`")
    for level in levels:
        check_probability("levels", level)
    runs = fit.problem.runs
    parts = [(runs, fit.problem.inputs)]
    if held_out is not None:
        parts.append(with_inputs(fit, held_out))
    inputs = {name: np.concatenate([columns[name] for _, columns in parts]) for name in parts[0][1]}
    target = np.concatenate([part.target for part, _ in parts])
    new = np.repeat(np.arange(len(parts)) > 0, [len(part) for part, _ in parts])
    along, words = _along(inputs, runs, fit)
    order = np.argsort(along, kind="stable")
    along, target, new = along[order], target[order], new[order]
    inputs = {name: column[order] for name, column in inputs.items()}

    ax = new_axes(width=7.2)[0] if ax is None else ax
    place = np.arange(target.size)
    band = predict(draws, level=float(levels[0]), new_run=True, **inputs)
    bands = [band.at_level(float(level)) for level in levels]

    def above(y: Any, value: Any) -> Any:
        return 100.0 * (y / value - 1.0) if fit.noise.log else y - value

    counted = []
    pale = np.linspace(0.45, 0.8, len(levels))
    for k, (level, band) in enumerate(zip(levels, bands, strict=True)):
        low, high = above(band.low, band.value), above(band.high, band.value)
        shade = pale[k] + (1.0 - pale[k]) * np.array(to_rgb(BAND))
        words_of = f"{100 * level:g} % interval of a new run"
        ax.bar(place, high - low, 0.86, low, color=shade, linewidth=0, label=words_of, zorder=2 - k / len(levels))
        counted.append((np.asarray(band.low) <= target) & (target <= np.asarray(band.high)))
    left = above(target, bands[0].value)
    for which, marker, colour, said in ((~new, "o", INK, "fitted"), (new, "D", COLOURS[0], "held out")):
        if which.any():
            shares = " and ".join(f"{100 * np.mean(inside[which]):.0f} %" for inside in counted)
            words_of = f"{which.sum()} runs {said}: {shares} inside"
            style: dict[str, Any] = (
                {"markerfacecolor": "white", "markeredgewidth": 1.0} if marker == "D" else {"markeredgewidth": 0.0}
            )
            ax.plot(place[which], left[which], marker, color=colour, markersize=3.6, label=words_of, zorder=4, **style)
    ax.axhline(0.0, color=INK, linewidth=0.9, zorder=3)
    ticks = np.unique(np.linspace(0, target.size - 1, min(4 if is_narrow(ax) else 7, target.size)).round().astype(int))
    ax.set_xticks(ticks)
    shown = {int(k): f"{along[k]:.2g}".replace("e+", "e") for k in ticks}
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: shown.get(round(x), "")))
    ax.set_xlabel(f"runs in order of {words}")
    observed = f"{literal(runs.target_name) if fit.noise.log else target_label(runs)}: observed"
    ax.set_ylabel(f"{observed} above the law (%)" if fit.noise.log else f"{observed} − law")
    tidy(ax)
    ax.grid(visible=False, axis="x")
    in_column(ax, frameon=False, fontsize=8.5, loc="best")
    return ax


def _along(inputs: Mapping[str, Float[np.ndarray, " run"]], runs: Runs, fit: Any) -> tuple[np.ndarray, str]:
    """The order of runs, with its name: compute where a law knows it, else its first input."""
    if {"N", "D"} <= set(inputs):
        return 6.0 * inputs["N"] * inputs["D"], "training compute C = 6ND (FLOP)"
    first = next(iter(inputs))
    return inputs[first], axis_label(first, runs, fit)
