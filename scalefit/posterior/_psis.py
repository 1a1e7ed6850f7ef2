"""Pareto-smoothed importance sampling: the largest weights smoothed, and how far all of them are to be trusted."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

TOO_FAR = 0.7
"""Pareto's k from which weights are not to be trusted."""


class Weights(NamedTuple):
    """The importance of draws.

    **Arguments:**

    - `weight`: Smoothed at the upper end; they sum to 1.
    - `khat`: Pareto's k of the largest weights: below 0.5 all is well, above 0.7 nothing is. NaN for fewer than 25.
    - `ess`: How many independent draws they are worth.
    - `log_mean`: The logarithm of the mean of the weights as they came.
    """

    weight: Float[np.ndarray, "*unit draw"]
    khat: Float[np.ndarray, "*unit"]
    ess: Float[np.ndarray, "*unit"]
    log_mean: Float[np.ndarray, "*unit"]


def psis(log_weight: Float[np.ndarray, "*unit draw"]) -> Weights:
    """Weights from their logarithms, the largest replaced by what a Pareto tail expects of them.

    Source: arXiv 1507.02646, section 3.
    """
    size = log_weight.shape[-1]
    log_weight = np.where(np.isfinite(log_weight), log_weight, -np.inf)
    khat = np.full(log_weight.shape[:-1], np.nan)
    # Where no draw has any weight, everything is NaN.
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.max(log_weight, axis=-1, keepdims=True)
        weight = np.exp(log_weight - most)
        log_mean = most[..., 0] + np.log(np.mean(weight, axis=-1))
        count = min(size // 5, math.ceil(3.0 * math.sqrt(size)))
        if count >= 5:
            upper = np.argpartition(weight, size - count - 1, axis=-1)[..., size - count - 1 :]
            upper = np.take_along_axis(upper, np.argsort(np.take_along_axis(weight, upper, -1), axis=-1), -1)
            ordered = np.take_along_axis(weight, upper, -1)
            cut, tail = ordered[..., :1], ordered[..., 1:]
            khat, scale = pareto_tail(tail - cut)
            steep = np.where(np.abs(khat) < 1e-9, 1e-9, khat)[..., None]
            at = (np.arange(1, count + 1) - 0.5) / count
            smooth = np.minimum(cut + scale[..., None] * np.expm1(-steep * np.log1p(-at)) / steep, 1.0)
            smooth = np.where(np.isfinite(steep), smooth, tail)
            np.put_along_axis(weight, upper[..., 1:], smooth, -1)
        weight /= np.sum(weight, axis=-1, keepdims=True)
        return Weights(weight, khat, 1.0 / np.sum(weight**2, axis=-1), log_mean)


def pareto_tail(
    beyond: Float[np.ndarray, "*unit draw"],
) -> tuple[Float[np.ndarray, "*unit"], Float[np.ndarray, "*unit"]]:
    """Shape and scale of a generalised Pareto distribution of ascending numbers of 0 or more.

    Source: Zhang and Stephens 2009, with the weak prior of arXiv 1507.02646, appendix C.

    **Returns:** both NaN where no number is above 0.
    """
    count = beyond.shape[-1]
    grid = 30 + int(math.sqrt(count))
    last = beyond[..., -1:]
    quartile = np.maximum(beyond[..., [max(int(count / 4 + 0.5) - 1, 0)]], 1e-12 * last)
    with np.errstate(divide="ignore", invalid="ignore"):
        b = (1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3.0 * quartile) + 1.0 / last
        k = np.mean(np.log1p(-b[..., None] * beyond[..., None, :]), axis=-1)
        likely = count * (np.log(-b / k) - k - 1.0)
        share = np.exp(likely - np.max(likely, axis=-1, keepdims=True))
        best = np.sum(b * share, axis=-1) / np.sum(share, axis=-1)
        shape = np.mean(np.log1p(-best[..., None] * beyond), axis=-1)
        known = last[..., 0] > 0.0
        return (
            np.where(known, (count * shape + 5.0) / (count + 10.0), np.nan),
            np.where(known, -shape / best, np.nan),
        )
