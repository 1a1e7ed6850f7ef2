"""The objective over all mixtures of three domains."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.tri import Triangulation

from .._core import InputError, Phrase, check_names
from ..plan import BestMixture, judged, optimise_mixture, short_names
from ._common import BAND, COLOUR_MAP, INK, literal, new_figure
from ._ternary import CORNERS, frame, grid_mixtures, legend_beside

MARKS = {"natural": "s", "uniform": "^", "observed": "D"}


def mixture_ternary(
    result: Any, *, domains: Sequence[str] | None = None, ax: Axes | None = None, **options: Any
) -> Axes:
    """Draw the predicted objective of every mixture of three domains, the lighter the better.

    A corner is all of what the three have; the share of each rises along the side that bears its name. The star is the
    recommended mixture, the small dots what each draw of an ensemble takes to be best and the other marks the
    mixtures that one would take without a plan. What the limits do not allow is left blank.

    **Arguments:**

    - `result`: As of `optimise_mixture`, whose `options` are taken too.
    - `domains`: Three of them, where there are more: the others stay at the weights that are best.
    - `ax`: Where to draw; a figure of its own unless given.

    **Returns:** the Axes.

    **Raises:** `InputError` for another number of domains, three that have nothing at the best weights, and what
    `optimise_mixture` refuses.
    """
    best = optimise_mixture(result, **options)
    place = _places(best, domains)
    whole = float(best.weights[place].sum())
    if not whole > 1e-6:
        given = Phrase(f"are {', '.join(best.domains[i] for i in place)}, which have nothing at the best weights")
        raise InputError("domains", given, "three that share something")
    ax = new_figure(6.4, 5.2).subplots() if ax is None else ax
    grid = grid_mixtures()
    weights = np.tile(best.weights, (len(grid), 1))
    weights[:, place] = whole * grid
    kept = {name: value for name, value in options.items() if name in ("objective", "limits", "at")}
    found = judged(result, weights, **kept)
    mesh = Triangulation(*(grid @ CORNERS).T)
    # Where a law has no value, as at a weight of 0, nothing is drawn.
    shown = found.allowed & np.isfinite(found.value)
    mesh.set_mask(~shown[mesh.triangles].all(axis=1))
    if not shown[mesh.triangles].all(axis=1).any():
        raise InputError("limits", Phrase("leave next to no mixture of the three to be drawn"), "wider ones")
    low, high = float(min(best.value, found.value[shown].min())), float(found.value[shown].max())
    levels = np.linspace(low, high + 1e-9 * max(abs(high), high - low), 40)
    filled = ax.tricontourf(mesh, found.value, levels=levels, cmap=f"{COLOUR_MAP}_r")
    ticks = np.asarray(MaxNLocator(6).tick_values(low, high))
    ax.figure.colorbar(filled, ax=ax, label=literal(best.objective), pad=0.02, shrink=0.8,
                       ticks=ticks[(ticks >= low) & (ticks <= high)])  # fmt: skip
    called = short_names(best.domains)
    frame(ax, [called[best.domains[i]] for i in place], ["", "", ""], whole)
    _marks(ax, best, result, place, bool((~found.allowed).any()))
    ax.set_title(f"best {best.value:.4g}", fontsize=10)
    return ax


def _places(best: BestMixture, domains: Any) -> list[int]:
    if domains is None:
        if len(best.domains) != 3:
            given = Phrase(f"are {len(best.domains)}: {', '.join(best.domains[:8])}")
            raise InputError("domains", given, "three, as domains=('web', 'books', 'code')")
        return [0, 1, 2]
    names = [domains] if not isinstance(domains, Sequence) or isinstance(domains, str) else list(domains)
    check_names("domains", names, best.domains, what="domains")
    if len(names) != 3 or len(set(names)) != 3:
        raise InputError("domains", domains, "three different ones")
    return [best.domains.index(name) for name in names]


def _marks(ax: Axes, best: BestMixture, result: Any, place: list[int], blank: bool) -> None:
    """The best mixture, what draws take to be best, and the plans: those of which the three are all that there is."""

    def at(w: np.ndarray) -> np.ndarray:
        some = w[..., place]
        return some / some.sum(axis=-1, keepdims=True) @ CORNERS

    bare: dict[str, Any] = {"markeredgecolor": INK, "linestyle": "none", "clip_on": False}
    if best.draws is not None:
        fine = best.draws.weights[:, place].sum(axis=1) > 1e-9
        ax.scatter(*at(best.draws.weights[fine]).T, s=7, color=INK, alpha=0.5, linewidths=0, zorder=4,
                   label="best under each draw")  # fmt: skip
    if len(best.domains) == 3:
        for name, w in best.plans.items():
            words = name if best.allowed[name] else f"{name} (not allowed)"
            ax.plot(*at(w), MARKS.get(name, "o"), markersize=8, color="white", zorder=6, label=words, **bare)
    star: dict[str, Any] = bare | {"color": BAND, "markeredgecolor": "white"}
    ax.plot(*at(best.weights), "*", markersize=17, zorder=8, label="recommended", **star)
    handles = ax.get_legend_handles_labels()[0]
    if blank:
        handles.append(Patch(facecolor="white", edgecolor=INK, linewidth=0.8, label="beyond the limits"))
    legend_beside(ax, handles)
