"""Utility of a pool by the passes over it."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .._core import InputError, Phrase, check_probability
from ..params import parameters
from ..results import Ensemble, Fit
from ._common import COLOURS, INK, fit_of, in_column, literal, new_axes, tidy

DASHES = ("-", (0, (6, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2, 2, 2)), (0, (3, 1)))
"""A kind of line for each colour, so that pools differ in grey too."""


def utility(result: Any, ax: Axes | None = None, level: float = 0.95) -> Axes:
    r"""Draw what a further sample of each pool is worth after so many passes over it, as a share of a first one.

    Steps are the law's, $2^{-k/\tau}$ in all of pass k + 1; the smooth curve is that of passes which go by
    continuously, and the dot on it is where half is left. In laws whose repeats saturate the smooth curve is the law.
    This is of pools trained on alone: `half_life` says what a law makes of mixtures. Where repetition does harm in the
    end (`PoolsOverfit`) curves go below 0, and the dot is where they do.

    **Arguments:**

    - `result`: A fit of a law of pools, an ensemble for bands, or such a law with its values.
    - `ax`: Where to draw; a figure of its own unless given.
    - `level`: Probability of the bands.

    **Returns:** the Axes.

    **Raises:** `InputError` for a law without half-lives, a batch, or a level outside (0, 1).
    """
    check_probability("level", level)
    law = fit_of(result).law if isinstance(result, Fit | Ensemble) else result
    declared = parameters(law).get("tau")
    if declared is None or declared.unit != "passes":
        raise InputError("result", Phrase(f"is of {type(law).__name__}"), "a law with half-lives, as QQT or PoolsQQT")
    ax = new_axes()[0] if ax is None else ax
    told: Any = law
    tau, rho = np.atleast_1d(np.asarray(told.tau, float)), float(getattr(law, "rho", 0.0))
    names = getattr(law, "pool", ()) or [f"pool {i + 1}" for i in range(tau.size)] * (tau.size > 1) or ["the pool"]
    stepped = told.stepped
    drawn = result.law if isinstance(result, Ensemble) and result.converged.any() else None
    # The half-life of a pool that hardly wears out says little.
    reach = float(np.clip(np.ceil(2.5 * np.max(tau) + 1.0), 4.0, 64.0))
    t = np.linspace(0.0, reach, 300)
    start = 0.5 if stepped else 1.0
    for place, (name, half_life) in enumerate(zip(names, tau, strict=True)):
        colour, dashes = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
        words = f"{literal(name)}: τ = {half_life:.3g}"
        if drawn is not None and isinstance(result, Ensemble):
            taus = np.asarray(drawn.tau)[result.converged].reshape(-1, tau.size)[:, place]
            rhos = np.asarray(getattr(drawn, "rho", np.zeros(len(result))))[result.converged]
            low, high = np.quantile(taus, [0.5 - level / 2, 0.5 + level / 2])
            words += f" ({low:.3g} … {high:.3g})"
            ends = np.quantile(
                _left(t, taus[:, None], rhos[:, None], start), [0.5 - level / 2, 0.5 + level / 2], axis=0
            )
            ax.fill_between(t, *ends, color=colour, alpha=0.25, linewidth=0, zorder=1.5)
        if stepped:
            steps = np.arange(np.ceil(reach) + 1.0)
            ax.step(
                steps, _left(steps, half_life, rho, 0.0), where="post", color=colour, linewidth=0.8, alpha=0.7, zorder=2
            )
        ax.plot(
            t, _left(t, half_life, rho, start), color=colour, linestyle=dashes, linewidth=1.8, label=words, zorder=3
        )
        at = start + half_life * (1.0 if rho == 0.0 else np.log2((1.0 + rho) / rho))
        if at < reach:
            height = _left(at, half_life, rho, start)
            ax.plot(at, height, "o", color=colour, markersize=6, markeredgecolor="white", zorder=4)
    if rho == 0.0:
        ax.axhline(0.5, color="#9a9a9a", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        ax.text(reach, 0.51, "half", ha="right", va="bottom", fontsize=8.5, color="#666666")
    else:
        ax.axhline(0.0, color=INK, linewidth=0.8, zorder=1)
    ax.set_xlim(0.0, reach)
    ax.set_ylim(None if rho else 0.0, 1.04)
    ax.set_xlabel("passes over the pool")
    ax.set_ylabel("utility left (share of a first sample's)")
    tidy(ax)
    of = "" if drawn is None else f" ({100 * level:g} % interval)"
    in_column(ax, frameon=False, loc="best", title=f"half-life in passes{of}", alignment="left")
    return ax


def _left(t: Any, tau: Any, rho: Any, start: float) -> Any:
    """The utility of the next sample after t passes, as a share, the decay beginning after `start` of one."""
    return (1.0 + rho) * np.exp2(-np.maximum(t - start, 0.0) / tau) - rho
