"""The needs of every picture: axes to draw on, labels with units, one study out of a batch."""

import re
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator, ScalarFormatter

from .._core import InputError, Phrase, visible
from ..data import UNITS, Runs
from ..laws import AbstractLaw, Label, Series, input_kinds, input_names, input_units
from ..problem import inputs_for, usable
from ..results import Ensemble, Fit

Result = TypeVar("Result", bound=Fit[Any] | Ensemble[Any])

INK, BAND = "#222222", "#d55e00"
"""Text and the law itself, and the interval about it."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's, which remain distinct to the colour-blind."""
COLOUR_MAP = "viridis"
LONGEST = 80
"""Letters of a name that are drawn, at most."""
NARROW = 4.0
"""Inches of Axes below which a picture stands in the column of a page."""
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
    fit = result.fit
    if fit.keys is not None:
        given = Phrase(f"is a batch of {len(fit.keys)} studies")
        raise InputError("result", given, "one, as a picture shows", f"give `result[{fit.keys[0]!r}]`")
    return fit


def as_many(axes: Any, names: Sequence[str]) -> np.ndarray:
    """Axes that were given, as many as there are panels.

    **Raises:** `InputError` for another number.
    """
    axes = np.ravel(np.asarray(axes, dtype=object))
    if axes.size != len(names):
        raise InputError("axes", Phrase(f"are {axes.size}"), f"{len(names)} Axes, of {', '.join(names)}")
    return axes


def new_figure(width: float, height: float) -> Figure:
    """A figure whose labels stand clear of its edges and of each other; pyplot's own where pyplot is in use."""
    make: Any = sys.modules["matplotlib.pyplot"].figure if "matplotlib.pyplot" in sys.modules else Figure
    return make(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))


def new_axes(columns: int = 1, width: float = 6.4, height: float = 4.4) -> list[Axes]:
    """Axes side by side on a figure of their own."""
    return list(new_figure(width, height).subplots(1, columns, squeeze=False)[0])


def of_scatter(draws: Ensemble[Any]) -> dict[str, np.ndarray]:
    """Parameters of the scatter besides its size in draws of a posterior, by name."""
    return {name: column for name, column in draws.drawn.items() if np.issubdtype(column.dtype, np.floating)}


def panels(names: Sequence[str], axes: Any) -> np.ndarray:
    """One small panel for each name, those given if they are as many.

    **Raises:** `InputError` for another number of Axes than names.
    """
    if axes is not None:
        return as_many(axes, names)
    wide = 3 if len(names) in (3, 5, 6, 9) else min(len(names), 4)
    high = -(-len(names) // wide)
    made = new_figure(2.7 * wide, 2.1 * high).subplots(high, wide, squeeze=False).ravel()
    for panel in made[len(names) :]:
        panel.remove()
    return made[: len(names)]


def with_inputs(fit: Fit[Any], runs: Runs) -> tuple[Runs, dict[str, Any]]:
    """The runs that have all inputs of the law, and what the law takes from them.

    **Raises:** `InputError` where the runs lack an input.
    """
    runs = usable(fit.law, runs)
    return runs, inputs_for(fit.law, runs)[0]


def single_inputs(law: AbstractLaw) -> list[str]:
    """The inputs of the law that are numbers and not along an axis."""
    kinds = input_kinds(law)
    numbers = {name for name, kind in kinds.items() if not isinstance(kind, Label | Series)}
    return [base for base, names in input_names(law).items() if names == (base,) and base in numbers]


def axis_label(name: str, runs: Runs, fit: Fit[Any] | None = None) -> str:
    """The label of an axis: its quantity in words, with its unit."""
    if name == "x" and "x" not in runs.inputs and len(runs.inputs) == 1:
        (name,) = runs.inputs
    unit = runs.units.get(name, "" if name in runs.inputs else UNITS.get(name, ""))
    if fit is not None and unit in ("", UNITS.get(name)):  # what the law counts, unless the table says otherwise
        unit = input_units(fit.law).get(name, unit)
    words = _WORDS.get(name, name)
    return literal(f"{words} ({unit})" if unit and unit != name else words)


def target_label(runs: Runs) -> str:
    """The name of the target, with its unit where one is known."""
    unit = runs.units.get(runs.target_name)
    return literal(f"{runs.target_name} ({unit})" if unit else runs.target_name)


def literal(text: str) -> str:
    """Text of a table as Matplotlib draws it letter by letter: no formula, no hidden label, no endless line."""
    shown = visible(text) if len(text) <= LONGEST else f"{visible(text[:LONGEST])}…"
    return (" " * shown.startswith("_") + shown).replace("$", r"\$")


def greek(name: str) -> str:
    """A parameter as it is written: `alpha_N` is `α_N`."""
    head, sign, tail = name.partition("_")
    bare, bracket, place = head.partition("[")
    return literal(_GREEK.get(bare, bare) + bracket + place + sign + tail)


def short(value: float) -> str:
    """A size as people say it: `70B`, `1.4T`, `346`; beyond, a power of ten: `2e21`."""
    if value >= 9.995e14:
        return f"{value:.3g}".replace("e+", "e")
    for scale, letter in _PREFIX:
        if value >= 0.9995 * scale:
            return f"{value / scale:.3g}{letter}"
    return f"{value:.3g}"


def check_length(runs: Runs, by_run: np.ndarray) -> None:
    """Check that runs are those of a result, by their number.

    **Raises:** `InputError` for another number.
    """
    if len(runs) != len(by_run):
        raise InputError("runs", Phrase(f"are {len(runs)} of {runs.name!r}"), f"the {len(by_run)} of the result")


def is_narrow(ax: Axes) -> bool:
    """Tell whether Axes stand in the column of a page, where words and numbers take room that counts."""
    return ax.get_window_extent().width / ax.figure.dpi < NARROW


def in_column(ax: Axes, **legend: Any) -> None:
    """A legend, and labels and a title as they are; in the column of a page the legend above, and wrapped words.

    **Arguments:**

    - `legend`: Of `Axes.legend` where there is room.
    """
    has_legend = bool(ax.get_legend_handles_labels()[1])
    if not is_narrow(ax):
        if has_legend:
            ax.legend(**legend)
        return
    if has_legend:
        legend_above(ax, legend.get("title"))
    width, height = (side / ax.figure.dpi for side in ax.get_window_extent().size)
    for axis, inches in ((ax.xaxis, width), (ax.yaxis, height)):
        axis.label.set_fontsize(9)
        axis.set_label_text("\n".join(textwrap.wrap(axis.get_label_text(), max(int(14.0 * inches), 12))))


def legend_above(ax: Axes, title: str | None = None) -> None:
    """A legend above the Axes, in as many columns as are wide enough, and in lines as short as a narrow figure asks."""
    inches = ax.get_window_extent().width / ax.figure.dpi
    handles, labels = ax.get_legend_handles_labels()
    # A number stays with what it is of. In a narrow figure, the symbol takes room that counts.
    whole = [re.sub(r" ([~=]) |(?<=,) (?=[-\d])", lambda gap: gap[0].replace(" ", "\u00a0"), one) for one in labels]
    narrow = is_narrow(ax)
    letters = max(int(15.0 * inches), 16)
    labels = ["\n".join(textwrap.wrap(one, letters)) for one in whole]
    size, columns = (7, 1) if narrow else (8.5, 2)
    ax.legend(
        handles, labels, frameon=False, fontsize=size, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns,
        borderaxespad=0.0, labelspacing=0.3, handlelength=1.5, title=title, title_fontsize=size, alignment="left",
    )  # fmt: skip


def tidy(ax: Axes) -> None:
    """No frame where there is no axis, and a grid that stays behind."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, which="major", color="#e6e6e6", linewidth=0.7)
    ax.set_axisbelow(True)


def log_axis(ax: Axes, which: str, values: Sequence[float] | np.ndarray) -> None:
    """A logarithmic axis: powers of ten where it spans several, plain numbers where it does not.

    Of values that are not all above 0 it stays as it is.
    """
    if np.min(values) <= 0:
        return
    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    ratio = float(np.max(values)) / float(np.min(values))
    if ratio > 30:
        axis.set_major_locator(LogLocator())
    else:
        inches = ax.get_window_extent().width / ax.figure.dpi
        most = int(np.clip(1.8 * inches, 3, 7)) if which == "x" else 7  # side by side, numbers take more room
        axis.set_major_locator(MaxNLocator(most) if ratio < 4 else LogLocator(subs=(1.0, 2.0, 5.0)))
        big = float(np.max(values)) >= 1e4
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)) if big else ScalarFormatter())
        axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def at_right(ax: Axes, ends: list[tuple[float, float, str, Any]]) -> None:
    """Words beside the right ends of lines, moved apart where they are close."""
    if not ends:
        return
    from scipy.optimize import isotonic_regression  # it takes a while to load

    ax.autoscale_view()
    at = ax.transAxes.inverted().transform(ax.transData.transform([(x, y) for y, x, *_ in ends]))[:, 1]
    order = np.argsort(at, kind="stable")
    gap = LINE * np.arange(len(at))
    # Least squares of the places under a least distance: isotonic regression of what is left of them without it.
    places = isotonic_regression(at[order] - gap).x + gap
    for (_, x, words, colour), place in zip([ends[k] for k in order], places, strict=True):
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
