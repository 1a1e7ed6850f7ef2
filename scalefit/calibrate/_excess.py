"""How far above the least loss of its compute a run is foreseen to lie."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from ._prior import Prior
from ._refits import Refits, laws_of, log_values
from ._stack import Foreseen, stacked

SIZES = np.linspace(-6.0, 6.0, 25)
"""Logarithms of sizes about 1/20 of the tokens, among which the least loss of a compute is looked for."""
LEVELS = 9
"""Computes of an origin at which it is looked for; it is even between them."""


def foreseen_excess(
    prior: Prior, names: tuple[str, ...], refits: Refits, reached: Float[np.ndarray, " origin"],
    origin: Int[np.ndarray, " point"], points: dict[str, Any],
) -> Float[np.ndarray, " point"]:  # fmt: skip
    """Log loss above the least at its compute, by the arms of an origin as the prior weighs them.

    Nothing that came later has a part in it.
    """
    if len(names) == 1 or len(origin) == 0:
        return np.zeros(len(origin))
    log_compute = np.log(6.0 * points["N"] * points["D"])
    known, place = np.unique(origin, return_inverse=True)
    low, high = np.full((2, len(known)), [[np.inf], [-np.inf]])
    np.minimum.at(low, place, log_compute)
    np.maximum.at(high, place, log_compute)
    step = np.maximum(high - low, 1e-6) / (LEVELS - 1)
    level = low[:, None] + step[:, None] * np.arange(LEVELS)
    half = 0.5 * (level - np.log(120.0))
    log_N = half[:, :, None] + SIZES
    grid = {"N": np.exp(log_N).ravel(), "D": np.exp(level[:, :, None] - np.log(6.0) - log_N).ravel()}
    value = _log_stack(prior, names, refits, reached, np.repeat(known, LEVELS * len(SIZES)), grid)
    least = value.reshape(len(known), LEVELS, len(SIZES)).min(axis=2)
    at = (log_compute - low[place]) / step[place]
    below = np.clip(at.astype(int), 0, LEVELS - 2)
    share = at - below
    between = (1.0 - share) * least[place, below] + share * least[place, below + 1]
    return np.maximum(_log_stack(prior, names, refits, reached, origin, points) - between, 0.0)


def _log_stack(
    prior: Prior, names: tuple[str, ...], refits: Refits, reached: Float[np.ndarray, " origin"],
    origin: Int[np.ndarray, " point"], points: dict[str, Any],
) -> Float[np.ndarray, " point"]:  # fmt: skip
    """The stack near the frontier, without trust in any arm beyond that of the prior."""
    value, nothing = np.full((len(names), len(origin)), np.nan), np.zeros(len(origin))
    for k, fits in enumerate(refits.fits):
        here = refits.place[k, origin] >= 0
        if fits is not None and here.any():
            laws = jax.tree.map(lambda a, i=refits.place[k, origin[here]]: a[i], laws_of(fits))
            value[k, here] = log_values(laws, {name: points[name][here] for name in ("N", "D")})
    T = np.log(6.0 * points["N"] * points["D"] / reached[origin])
    seen = Foreseen(value, np.zeros_like(value), nothing, T, nothing)
    return stacked(prior, names, seen, np.ones((len(origin), len(names))), np.ones(len(origin))).log_value
