"""Weights whose largest are smoothed, and how far they are to be trusted (Pareto-smoothed importance sampling)."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

SHORTEST = 5
"""Weights of which a tail can be told at least."""


class Weighed(NamedTuple):
    """The importance of draws.

    **Arguments:**

    - `weight`: Smoothed at the upper end; they sum to 1.
    - `khat`: Pareto's k of the largest weights: below 0.5 all is well, above 0.7 nothing is.
    - `ess`: How many independent draws they are worth.
    - `log_mean`: The logarithm of the mean of the weights as they came.
    """

    weight: Float[Array, "*study draw"]
    khat: Float[Array, "*study"]
    ess: Float[Array, "*study"]
    log_mean: Float[Array, "*study"]


def weigh(log_weight: Float[Array, " draw"], order: Int[Array, " draw"] | None = None) -> Weighed:
    """Weights from their logarithms, the largest replaced by what a Pareto tail expects of them.

    Source: arXiv 1507.02646, section 3.

    **Arguments:**

    - `order`: Their places in ascending order, where it is known.
    """
    size = log_weight.shape[0]
    log_weight = jnp.where(jnp.isfinite(log_weight), log_weight, -jnp.inf)
    most = jnp.max(log_weight)
    weight = jnp.exp(log_weight - most)
    count = min(size // 5, math.ceil(3.0 * math.sqrt(size)))
    if count < SHORTEST:
        plain = weight / jnp.sum(weight)
        return Weighed(plain, jnp.full((), jnp.nan), 1.0 / jnp.sum(plain**2), most + jnp.log(jnp.mean(weight)))
    order = jnp.argsort(weight) if order is None else order
    tail, cut = order[size - count :], weight[order[size - count - 1]]
    khat, scale = pareto_tail(weight[tail] - cut)
    at = (jnp.arange(1, count + 1) - 0.5) / count
    steep = jnp.where(jnp.abs(khat) < 1e-9, 1e-9, khat)
    smooth = jnp.minimum(cut + scale * jnp.expm1(-steep * jnp.log1p(-at)) / steep, 1.0)
    whole = weight.at[tail].set(jnp.where(jnp.isfinite(khat), smooth, weight[tail]))
    whole = whole / jnp.sum(whole)
    return Weighed(whole, khat, 1.0 / jnp.sum(whole**2), most + jnp.log(jnp.mean(weight)))


def pareto_tail(beyond: Float[Array, " draw"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Shape and scale of a generalised Pareto distribution of ascending numbers of 0 or more.

    Source: Zhang and Stephens 2009, with the weak prior of arXiv 1507.02646, appendix C.

    **Returns:** both NaN where hardly any number is above 0.
    """
    count = beyond.shape[0]
    grid = 30 + int(math.sqrt(count))
    quartile = jnp.maximum(beyond[max(int(count / 4 + 0.5) - 1, 0)], 1e-12 * beyond[-1])
    b = (1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3.0 * quartile) + 1.0 / beyond[-1]
    k = jnp.mean(jnp.log1p(-b[:, None] * beyond), axis=1)
    likely = count * (jnp.log(-b / k) - k - 1.0)
    share = jax.nn.softmax(likely)
    best = jnp.sum(b * share)
    shape = jnp.mean(jnp.log1p(-best * beyond))
    known = beyond[-1] > 0.0
    return (
        jnp.where(known, (count * shape + 5.0) / (count + 10.0), jnp.nan),
        jnp.where(known, -shape / best, jnp.nan),
    )


def resampled(weight: Float[Array, " draw"], num: int, key: Array) -> Array:
    """Places of so many equally weighted draws, each as often as its weight says, in no order."""
    first, last = jax.random.split(key)
    at = (jax.random.uniform(first, (), weight.dtype) + jnp.arange(num)) / num
    place = jnp.searchsorted(jnp.cumsum(weight), at * (1.0 - 1e-12))
    return jax.random.permutation(last, jnp.minimum(place, weight.shape[0] - 1))
