"""What every picture needs: axes to draw on, labels with units, one study out of a batch."""

import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator, ScalarFormatter

from .._core import InputError
from ..data import UNITS, Runs
from ..problem import inputs_for, usable
from ..results import Ensemble, Fit

Result = TypeVar("Result", bound=Fit[Any] | Ensemble[Any])

INK, BAND = "#222222", "#d55e00"
"""Text and the law itself, and the interval about it."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's, which remain distinct to the colour-blind."""
COLOUR_MAP = "viridis"
LINE = 0.045
"""Room of a line of words, in shares of the height of the Axes."""

_WORDS = {
    "N": "model size N",
    "D": "training data D",
    "C": "training compute C",
    "U": "unique data U",
    "n": "samples seen n",
}
_GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "kappa": "κ", "tau": "τ", "sigma": "σ"}
_PREFIX = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def fit_of(result: Fit[Any] | Ensemble[Any]) -> Fit[Any]:
    """The fit of a result.

    **Raises:** `InputError` for a batch, as a picture is of one study.
    """
    fit = result if isinstance(result, Fit) else result.fit
    if fit.keys is not None:
        raise InputError(
            f"A picture shows one study, and this is a batch of {len(fit.keys)}: take one by its key, "
            f"result[{fit.keys[0]!r}]."
        )
    return fit


def new_figure(width: float, height: float) -> Figure:
    """A figure whose labels stand clear of its edges and of each other; pyplot's own where pyplot is in use."""
    make: Any = sys.modules["matplotlib.pyplot"].figure if "matplotlib.pyplot" in sys.modules else Figure
    return make(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))


def new_axes(columns: int = 1, width: float = 6.4, height: float = 4.4) -> list[Axes]:
    """Axes side by side on a figure of their own."""
    return list(new_figure(width, height).subplots(1, columns, squeeze=False)[0])


def of_scatter(draws: Ensemble[Any]) -> dict[str, np.ndarray]:
    """What draws of a posterior know of the scatter besides its size, by name."""
    return {name: column for name, column in draws.drawn.items() if np.issubdtype(column.dtype, np.floating)}


def panels(names: Sequence[str], axes: Any, what: str) -> np.ndarray:
    """One small panel for each name, those given if they are as many.

    **Raises:** `InputError` for another number of Axes than names.
    """
    if axes is not None:
        axes = np.asarray(axes, dtype=object)
        if axes.size != len(names):
            raise InputError(f"{what} draws {len(names)} Axes ({', '.join(names)}), and {axes.size} were given.")
        return axes.ravel()
    wide = 3 if len(names) in (3, 5, 6, 9) else min(len(names), 4)
    high = -(-len(names) // wide)
    made = new_figure(2.7 * wide, 2.1 * high).subplots(high, wide, squeeze=False).ravel()
    for panel in made[len(names) :]:
        panel.remove()
    return made[: len(names)]


def with_inputs(fit: Fit[Any], runs: Runs) -> tuple[Runs, dict[str, Float[np.ndarray, " run"]]]:
    """The runs that have all inputs of the law, and what the law takes from them.

    **Raises:** `InputError` where the runs lack an input.
    """
    runs = usable(fit.law, runs)
    return runs, {name: np.asarray(column) for name, column in inputs_for(fit.law, runs)[0].items()}


def fitted_runs(fit: Fit[Any], runs: Runs) -> tuple[Runs, dict[str, Float[np.ndarray, " run"]]]:
    """The runs that the fit used, and the inputs that the law took from them; a run without one is left out.

    **Raises:** `InputError` where the runs lack an input, or are fewer or more than those of the fit.
    """
    runs, inputs = with_inputs(fit, runs)
    if len(runs) != fit.residuals.shape[-1]:
        raise InputError(
            f"The fit is of {fit.residuals.shape[-1]} runs and {runs.name!r} has {len(runs)}: "
            f"pass those that it was fitted to."
        )
    return runs, inputs


def alone(fit: Fit[Any]) -> list[str]:
    """The inputs of the law that are not along an axis."""
    return [name for name in fit.law.inputs if "[" not in name]


def axis_label(name: str, runs: Runs, fit: Fit[Any] | None = None) -> str:
    """What an axis shows, in words and with its unit."""
    if name == "x" and "x" not in runs.inputs and len(runs.inputs) == 1:
        (name,) = runs.inputs
    unit = runs.units.get(name, "" if name in runs.inputs else UNITS.get(name, ""))
    if fit is not None and unit in ("", UNITS.get(name)):  # what the law counts, unless the table says otherwise
        unit = fit.law.inputs.get(name, unit)
    words = _WORDS.get(name, name)
    return f"{words} ({unit})" if unit and unit != name else words


def target_label(runs: Runs) -> str:
    """What was measured, with its unit where one is known."""
    unit = runs.units.get(runs.target_name)
    return f"{runs.target_name} ({unit})" if unit else runs.target_name


def greek(name: str) -> str:
    """A parameter as it is written: `alpha_N` is `α_N`."""
    head, sign, tail = name.partition("_")
    bare, bracket, place = head.partition("[")
    return _GREEK.get(bare, bare) + bracket + place + sign + tail


def short(value: float) -> str:
    """A size as people say it: `70B`, `1.4T`, `346`; beyond, a power of ten: `2e21`."""
    if value >= 9.995e14:
        return f"{value:.3g}".replace("e+", "e")
    for scale, letter in _PREFIX:
        if value >= 0.9995 * scale:
            return f"{value / scale:.3g}{letter}"
    return f"{value:.3g}"


def tidy(ax: Axes) -> None:
    """No frame where there is no axis, and a grid that stays behind."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, which="major", color="#e6e6e6", linewidth=0.7)
    ax.set_axisbelow(True)


def log_axis(ax: Axes, which: str, values: Sequence[float] | np.ndarray) -> None:
    """A logarithmic axis: powers of ten where it spans several, plain numbers where it does not."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    ratio = float(np.max(values)) / float(np.min(values))
    if ratio > 30:
        axis.set_major_locator(LogLocator(numticks=9))
    else:
        axis.set_major_locator(MaxNLocator(7) if ratio < 4 else LogLocator(subs=(1.0, 2.0, 5.0)))
        big = float(np.max(values)) >= 1e4
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)) if big else ScalarFormatter())
        axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def at_right(ax: Axes, ends: list[tuple[float, float, str, Any]]) -> None:
    """Words beside the right ends of lines, moved apart where they are close."""
    if not ends:
        return
    ax.autoscale_view()
    at = ax.transAxes.inverted().transform(ax.transData.transform([(x, y) for y, x, *_ in ends]))[:, 1]
    order = np.argsort(at, kind="stable")
    gap = LINE * np.arange(len(at))
    # Least squares of the places under a least distance: isotonic regression of what is left of them without it.
    for (_, x, words, colour), place in zip([ends[k] for k in order], _isotonic(at[order] - gap) + gap, strict=True):
        ax.annotate(
            words,
            (x, place),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=colour,
            annotation_clip=False,
        )


def _isotonic(wanted: Float[np.ndarray, " line"]) -> Float[np.ndarray, " line"]:
    """The rising numbers nearest to those wanted."""
    blocks: list[list[float]] = []
    for one in wanted:
        blocks.append([float(one)])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    return np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
