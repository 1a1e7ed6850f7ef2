"""Draws of the normal distribution nearest to the posterior, found by stochastic gradients."""

import numpy as np

from ._density import LANES, Density
from ._importance import Weighed
from ._mode import Mode
from ._psis import psis


def nearest_normal(density: Density, at: Mode, num: int, rng: np.random.Generator, steps: int = 600) -> Weighed:
    """Weighed draws of the normal distribution of greatest evidence bound, in whitened coordinates about the mode.

    Each step of Adam takes the gradient of a few draws; its rate falls to nothing.
    """
    size = len(at.numbers)
    below = np.tril(np.ones((size, size)), -1)
    guide = np.zeros((size + 2, size))  # the mean, the logarithms of the widths, and what is below the diagonal
    first, second = np.zeros_like(guide), np.zeros_like(guide)
    for step in range(1, steps + 1):
        half = rng.standard_normal((LANES // 2, size))
        # With its mirror image each draw brings, the mean is that of the guide.
        z = np.concatenate([half, -half])
        w = guide[0] + z @ _factor(guide, below).T
        slope = density.slopes(at.numbers + w @ at.factor.T)[1] @ at.factor
        slope = np.where(np.isfinite(slope), slope, 0.0)
        across = slope.T @ z / LANES
        gradient = np.vstack([slope.mean(axis=0), np.diag(across) * np.exp(guide[1]) + 1.0, across * below])
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        rate = 0.01 * (1.0 + np.cos(np.pi * (step - 1) / steps))
        guide += rate * (first / (1.0 - 0.9**step)) / (np.sqrt(second / (1.0 - 0.999**step)) + 1e-8)
    z = rng.standard_normal((num, size))
    numbers = at.numbers + (guide[0] + z @ _factor(guide, below).T) @ at.factor.T
    ratio = density.values(numbers) + 0.5 * np.sum(z**2, axis=1)
    return Weighed(numbers, psis(ratio), numbers, ratio)


def _factor(guide: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.diag(np.exp(guide[1])) + below * guide[2:]
