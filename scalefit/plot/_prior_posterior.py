"""Prior and posterior of each parameter."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .._core import InputError, Phrase
from ..params import slots, values
from ..results import Ensemble
from ._common import COLOURS, INK, fit_of, greek, log_axis, of_scatter, panels, tidy

PLACES = 400
SCATTER = "scale"


def prior_posterior(draws: Ensemble[Any], prior: Ensemble[Any], axes: Any = None) -> np.ndarray:
    """Draw the density of each parameter before and after the runs, each as high as its panel.

    Areas are not compared, as a posterior is often a hundred times as narrow: what counts is where, and how wide. In
    each panel stands the contraction, the share of the prior's variance that the runs took away, where draws bring it;
    the line is the fitted value. The last panels are the scatter of the runs and what both know of it besides.

    **Arguments:**

    - `draws`: Draws from the posterior, about a single fit.
    - `prior`: Draws from its prior, of the same law with the same parameters held fixed.
    - `axes`: As many Axes as panels; a figure of its own unless given.

    **Returns:** the Axes, one a parameter.

    **Raises:** `InputError` for a batch, a prior of something else, or another number of Axes.
    """
    fit = fit_of(draws)
    if type(fit_of(prior).law) is not type(fit.law) or prior.free != draws.free:
        given = Phrase(f"is of {type(prior.fit.law).__name__} with {', '.join(prior.free)} free")
        raise InputError("prior", given, f"that of {type(fit.law).__name__} with {', '.join(draws.free)} free")
    after, before = _columns(draws), _columns(prior)
    names = [name for name in after if name in before]
    axes = panels(names, axes)
    places = slots(fit.law)
    fitted = dict(zip([slot.name for slot in places], values(fit.law), strict=True)) | {SCATTER: float(fit.scale)}
    bounds = {slot.name: (slot.parameter.constraint.low, slot.parameter.constraint.high) for slot in places}
    contraction = draws.diagnostics.get("contraction", {})
    for place, (ax, name) in enumerate(zip(axes, names, strict=True)):
        _panel(ax, before[name], after[name], bounds.get(name, (-np.inf, np.inf)))
        if name in fitted:
            ax.axvline(fitted[name], color=INK, linewidth=1.0, zorder=4)
        ax.set_xlabel("scatter of the runs" if name == SCATTER else greek(name))
        if name in contraction:
            ax.set_title(f"contraction {_share(contraction[name])}", fontsize=8.5, loc="right", color="#666666")
        if place == 0:
            ax.legend(frameon=False, fontsize=8.0, loc="upper left", borderpad=0.0, handlelength=1.2)
    return axes


def _columns(ensemble: Ensemble[Any]) -> dict[str, Float[np.ndarray, " draw"]]:
    """Draws by free parameter, and of the scatter."""
    table = values(ensemble.law)
    found = {slot.name: table[:, k] for k, slot in enumerate(slots(ensemble.fit.law)) if slot.name in ensemble.free}
    found |= {SCATTER: np.asarray(ensemble.scale), **of_scatter(ensemble)}
    kept = {name: column[ensemble.converged & np.isfinite(column)] for name, column in found.items()}
    lost = [name for name, column in kept.items() if column.size < 2]
    if lost:
        given = Phrase(f"has fewer than two {ensemble.method} draws that are numbers")
        raise InputError(lost[0], given, remedy="draw more")
    return kept


def _panel(ax: Axes, before: np.ndarray, after: np.ndarray, bounds: Sequence[float]) -> None:
    # The tails of a prior may reach over many powers of ten.
    low, high = np.quantile(before, [0.025, 0.975])
    low, high = min(low, after.min()), max(high, after.max())
    logarithmic = low > 0 and min(before.min(), after.min()) > 0 and np.log10(high / low) > 1.0
    if logarithmic:
        before, after, bounds = np.log(before), np.log(after), (-np.inf, np.inf)
        # Priors of amplitudes go on for many decades.
        far = 6.0 * np.log(10.0)
        low, high = max(np.log(low), after.min() - far), min(np.log(high), after.max() + far)
    for words, drawn, colour in (("prior", before, "#8a8a8a"), ("posterior", after, COLOURS[0])):
        # The posterior has places of its own: it would fall between those of a wide prior.
        room = 0.3 * np.ptp(drawn)
        ends = (low, high) if drawn is before else (drawn.min() - room, drawn.max() + room)
        at = np.linspace(max(ends[0], bounds[0]), min(ends[1], bounds[1]), PLACES)
        density = _density(drawn, at, bounds)
        density = density / density.max()
        at = np.exp(at) if logarithmic else at
        ax.fill_between(at, density, color=colour, alpha=0.35, linewidth=0, label=words, zorder=2)
        ax.plot(at, density, color=colour, linewidth=1.2, zorder=3)
    if logarithmic:
        log_axis(ax, "x", np.exp([low, high]))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.set_ylim(0.0, 1.08)
    ax.set_yticks([])
    tidy(ax)
    ax.spines["left"].set_visible(False)
    ax.tick_params(labelsize=8)


def _share(contraction: float) -> str:
    """Contraction in words: what is nearly one is not."""
    return "> 0.99" if contraction > 0.99 else f"{contraction:.2f}".replace("-", "−")


def _density(drawn: np.ndarray, at: np.ndarray, bounds: Sequence[float]) -> np.ndarray:
    """A Gaussian kernel's density, mirrored at the ends that a parameter has, by Silverman's rule of its width."""
    low, high = np.quantile(drawn, [0.25, 0.75])
    spread = min(float(np.std(drawn)), (high - low) / 1.349) or float(np.std(drawn)) or 1e-9 * max(abs(low), 1.0)
    width = 0.9 * spread * drawn.size**-0.2
    mirrored = [drawn, *(2.0 * end - drawn for end in bounds if np.isfinite(end))]
    edges = np.linspace(at[0] - 4.0 * width, at[-1] + 4.0 * width, 4 * PLACES + 1)
    count, _ = np.histogram(np.concatenate(mirrored), bins=edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    return np.exp(-0.5 * ((at[:, None] - middle) / width) ** 2) @ count
