"""Draws from a heavy-tailed distribution about the mode, weighed by how probable each is."""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..estimate import LawCurve
from ._density import Mode, Problem, log_density

FREEDOM = 8.0
"""Degrees of freedom of the proposal: heavier tails than a posterior has."""
TOGETHER = 256
"""Draws that are judged side by side."""


class Weighed(NamedTuple):
    """Draws of a proposal with their importance.

    **Arguments:**

    - `numbers`: The draws.
    - `weight`: Their weights, smoothed at the upper end; they sum to 1.
    - `khat`: Pareto's k of the largest weights: below 0.5 all is well, above 0.7 nothing is.
    """

    numbers: Float[np.ndarray, "draw number"]
    weight: Float[np.ndarray, " draw"]
    khat: float

    @property
    def ess(self) -> float:
        """How many independent draws these are worth."""
        return float(1.0 / np.sum(self.weight**2))


@functools.partial(jax.jit, static_argnames=("curve", "num"))
def proposed(curve: LawCurve, at: Mode, problem: Problem, key: Array, num: int) -> tuple[Array, Array]:
    """Draws of a Student-t about the mode, and the logarithms of their weights."""
    size = at.numbers.shape[0]
    normal, chi = jax.random.split(key)
    z = jax.random.normal(normal, (num, size), at.numbers.dtype)
    z = z / jnp.sqrt(jax.random.chisquare(chi, FREEDOM, (num, 1), at.numbers.dtype) / FREEDOM)
    numbers = at.numbers + z @ at.factor.T
    proposal = -0.5 * (FREEDOM + size) * jnp.log1p(jnp.sum(z * z, axis=1) / FREEDOM)
    density = jax.lax.map(lambda one: log_density(curve, one, problem), numbers, batch_size=TOGETHER)
    return numbers, density - proposal


def weigh(numbers: Any, log_weight: Any) -> Weighed:
    """Weights from their logarithms, the largest replaced by what a Pareto tail expects of them (arXiv 1507.02646)."""
    log_weight = np.asarray(log_weight, float)
    log_weight = np.where(np.isfinite(log_weight), log_weight, -np.inf)
    weight = np.exp(log_weight - np.max(log_weight))
    count = min(len(weight) // 5, math.ceil(3.0 * math.sqrt(len(weight))))
    order = np.argsort(weight, kind="stable")
    tail, cut = order[-count:], weight[order[-count - 1]]
    khat, scale = pareto_tail(weight[tail] - cut)
    if np.isfinite(khat):
        at = (np.arange(1, count + 1) - 0.5) / count
        beyond = -np.log1p(-at) if abs(khat) < 1e-9 else np.expm1(-khat * np.log1p(-at)) / khat
        weight[tail] = np.minimum(cut + scale * beyond, 1.0)
    return Weighed(np.asarray(numbers), weight / weight.sum(), float(khat))


def pareto_tail(beyond: Float[np.ndarray, " draw"]) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution of ascending numbers above 0.

    Source: Zhang and Stephens 2009, with the weak prior of arXiv 1507.02646, appendix C.
    """
    x = beyond[beyond > 0.0]
    count = len(x)
    if count < 5:
        return float("nan"), float("nan")
    grid = 30 + int(math.sqrt(count))
    quartile = x[max(int(count / 4 + 0.5) - 1, 0)]
    b = (1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3.0 * quartile) + 1.0 / x[-1]
    k = np.mean(np.log1p(-b[:, None] * x), axis=1)
    likely = count * (np.log(-b / k) - k - 1.0)
    share = np.exp(likely - np.max(likely))
    best = np.sum(b * share) / np.sum(share)
    shape = float(np.mean(np.log1p(-best * x)))
    return (count * shape + 5.0) / (count + 10.0), -shape / float(best)


def resampled(weighed: Weighed, num: int, rng: np.random.Generator) -> Float[np.ndarray, "draw number"]:
    """So many equally weighted draws, each as often as its weight says, in no order."""
    at = (rng.random() + np.arange(num)) / num
    place = np.searchsorted(np.cumsum(weighed.weight), at * (1.0 - 1e-12))
    return weighed.numbers[rng.permutation(place)]
