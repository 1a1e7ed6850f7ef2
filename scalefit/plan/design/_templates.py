"""Usual layouts of runs, as candidates, and what they would tell before any is trained."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import jax
import numpy as np
from jaxtyping import Float

from ..._core import InputError, check_choice, check_number, check_type
from ...laws import AbstractLaw, Chinchilla
from ...problem import LawCurve
from .._budgets import range_of
from .._cost import SIX_ND
from .._draws import valued
from ._candidates import candidates_of, sigma_of
from ._criteria import covariances, scale_of, slopes
from ._target import target_of

Layout = Literal["isoflop", "L", "ladder"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)


def design_template(
    layout: Layout, *, budgets: tuple[float, float], levels: int = 6, points: int = 7, spread: float = 8.0,
    ratio: float = 20.0,
) -> dict[str, Float[np.ndarray, " run"]]:  # fmt: skip
    r"""A usual layout of runs, between two computes in FLOP, at 6 N D each.

    The line of `ratio` tokens a parameter is $N = \sqrt{C/(6r)}$. `"isoflop"` has `points` sizes at each level, from
    1/`spread` to `spread` times that of the line, centred on it; `"ladder"` has the line alone; `"L"` has two arms from
    the smallest model on the least data, one along the sizes and one along the data, so that each limit shows by itself
    at little cost.

    **Arguments:**

    - `layout`: `"isoflop"`, `"L"` or `"ladder"`.
    - `budgets`: The least and the largest compute of a run, in FLOP.
    - `levels`: Computes between them, evenly in the logarithm; of `"L"`, runs along each arm.
    - `points`: Sizes at each level of `"isoflop"`.
    - `spread`: How far these reach to either side.
    - `ratio`: Tokens a parameter on the line.

    **Returns:** `N` and `D` of every run, as `design_runs` and `precision` take candidates.

    **Raises:** `InputError` for an unknown layout, or numbers that lay out nothing. Source: centred isoFLOP grids,
    arXiv 2603.22339; L shapes, arXiv 2608.07222.
    """
    check_choice("layout", layout, LAYOUTS)
    low, high = range_of(budgets, "budgets", "(1e18, 1e20)")
    levels, points = (check_number(name, value, least=least, whole=True)
                      for name, value, least in (("levels", levels, 2), ("points", points, 1)))  # fmt: skip
    count = {"isoflop": levels * points, "L": 2 * levels - 1, "ladder": levels}[layout]
    # Many times what is ever trained.
    if count > 100_000:
        raise InputError("levels", levels, f"fewer, as they come to {count} runs")
    check_number("spread", spread, least=1.0)
    check_number("ratio", ratio, above=0.0)
    C = np.geomspace(low, high, levels)
    line = np.sqrt(C / (6.0 * ratio))
    if layout == "ladder":
        return {"N": line, "D": C / (6.0 * line)}
    if layout == "isoflop":
        N = line[:, None] * np.geomspace(1.0 / spread, spread, points)
        return {"N": N.ravel(), "D": (C[:, None] / (6.0 * N)).ravel()}
    longer, corner = C / low, line[0]
    N = np.concatenate([corner * longer, np.full(levels - 1, corner)])
    return {"N": N, "D": ratio * corner * np.concatenate([np.ones(levels), longer[1:]])}


def precision(runs: Mapping[str, Any], *, target: Any, noise: float, guess: AbstractLaw | None = None) -> float:
    r"""The standard deviation that runs would leave of a target, before any is trained.

    $\sqrt{g^\top (P + J^\top J/\sigma^2)^{-1} g}$ at a guess of the law, J and g being slopes of log loss and of the
    target in its numbers, each of which P takes as known to within its own size.

    **Arguments:**

    - `runs`: The inputs of every run, in the law's units.
    - `target`: As of `design_runs`.
    - `noise`: Scatter of the logarithm of a run's loss.
    - `guess`: A law with its numbers; the published `Chinchilla` fit of Epoch unless given.

    **Returns:** the standard deviation, in the target's unit, of logarithms for N and D.

    **Raises:** `InputError` for runs without an input of the law, an unknown target, or a guess without its numbers.
    """
    law = Chinchilla.published("epoch") if guess is None else guess
    check_type("guess", law, AbstractLaw, "a law with its numbers, as fit.law or Chinchilla.published('epoch')")
    law = valued(law)
    inputs, sigma = candidates_of(law, runs), sigma_of(noise, None)
    scale = scale_of(LawCurve.of(law), jax.tree.map(lambda a: np.asarray(a)[None], law), inputs)
    found = slopes(scale, inputs, target_of(target, law, SIX_ND), True)
    return float(np.sqrt(np.einsum("mtp,mpq,mtq->", found.target, covariances(found.runs, sigma), found.target)))
