"""How far above the least loss of its compute a run is foreseen to lie."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ._arms import log_size
from ._prior import Prior
from ._stack import Foreseen, stacked

SIZES = np.linspace(-6.0, 6.0, 25)
"""Logarithms of sizes about 1/20 of the tokens, among which the least loss of a compute is looked for."""
LEVELS = 9
"""Computes of an origin at which it is looked for; it is even between them."""


LogValues = Callable[[Int[np.ndarray, " point"], dict[str, Any]], Float[np.ndarray, "arm point"]]
"""What each arm of an origin says at points, in log; NaN of an arm that was not fitted there."""


def foreseen_excess(
    prior: Prior, names: Sequence[str], arms: LogValues, reached: Float[np.ndarray, " origin"],
    origin: Int[np.ndarray, " point"], points: dict[str, Any],
) -> Float[np.ndarray, " point"]:  # fmt: skip
    """Log loss above the least at its compute, by the arms of an origin as the prior weighs them.

    Nothing that came later has a part in it.
    """
    if len(names) == 1 or len(origin) == 0:
        return np.zeros(len(origin))
    log_compute = log_size(points, "C")
    known, place = np.unique(origin, return_inverse=True)
    low, high = np.full((2, len(known)), [[np.inf], [-np.inf]])
    np.minimum.at(low, place, log_compute)
    np.maximum.at(high, place, log_compute)
    step = np.maximum(high - low, 1e-6) / (LEVELS - 1)
    level = low[:, None] + step[:, None] * np.arange(LEVELS)
    half = 0.5 * (level - np.log(120.0))
    log_N = half[:, :, None] + SIZES
    grid = {"N": np.exp(log_N).ravel(), "D": np.exp(level[:, :, None] - np.log(6.0) - log_N).ravel()}
    value = _log_stack(prior, names, arms, reached, np.repeat(known, LEVELS * len(SIZES)), grid)
    least = value.reshape(len(known), LEVELS, len(SIZES)).min(axis=2)
    at = (log_compute - low[place]) / step[place]
    below = np.clip(at.astype(int), 0, LEVELS - 2)
    share = at - below
    between = (1.0 - share) * least[place, below] + share * least[place, below + 1]
    return np.maximum(_log_stack(prior, names, arms, reached, origin, points) - between, 0.0)


def _log_stack(
    prior: Prior, names: Sequence[str], arms: LogValues, reached: Float[np.ndarray, " origin"],
    origin: Int[np.ndarray, " point"], points: dict[str, Any],
) -> Float[np.ndarray, " point"]:  # fmt: skip
    """The stack near the frontier, without trust in any arm beyond that of the prior."""
    value, nothing = arms(origin, points), np.zeros(len(origin))
    T = log_size(points, "C") - np.log(reached[origin])
    seen = Foreseen(value, np.zeros_like(value), nothing, T, nothing)
    return stacked(prior, names, seen, np.ones((len(origin), len(names))), np.ones(len(origin))).log_value
