r"""Costs with kinks as the largest of smooth pieces, priced: what the interior point takes beside limits of weights.

    cost(w) = max over p of  sum of p v(w),   p >= 0,   sum of p = 1,   what draw d has of p <= most

is the largest piece v where nothing limits the prices p, and the mean of the worst draws where a limit does. Prices are
unknowns like the weights, with the slacks and prices of their own limits:

    v - t + a - b = 0,   p a = mu,   q b = mu,   q = most - what a draw has,   sum of p = 1

so that a step knows which pieces meet in a kink, and no temperature has to fall. Eliminated from Newton's step they
leave

    dp = S (J dw + c - dt)

with the slopes J of the pieces and S of one block for each draw: the weights see the curvature J' P J, P being S
without what moves all prices alike.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._lanes import few_lanes, in_lanes

Formula = Callable[[Any, Any], Any]


class Kinks(NamedTuple):
    """The pieces of a convex cost.

    **Arguments:**

    - `pieces`: A function of the weights and the numbers of one problem: convex and smooth, by draw and piece.
    - `most`: What the prices of a draw may sum to at most; infinite where nothing limits them, as for the largest.
    - `each`: Whether every draw has its own largest piece, the cost being their mean.
    """

    pieces: Formula
    most: float = np.inf
    each: bool = False


class Prices(NamedTuple):
    """Prices of the pieces, and what they need: all above 0 but for the level."""

    p: Float[np.ndarray, "lane draw piece"]
    a: Float[np.ndarray, "lane draw piece"]
    q: Float[np.ndarray, "lane draw 1"]
    b: Float[np.ndarray, "lane draw 1"]
    level: Float[np.ndarray, "lane some 1"]


class Priced:
    """The pieces at some weights, as a step of Newton's method sees them.

    **Arguments:**

    - `value`: Of the pieces; `slope`: of them in each weight; `prices`: as they are before the step.
    """

    def __init__(self, kinks: Kinks, value: Any, slope: Any, prices: Prices):
        self.value, self.prices = value, prices
        self.limited, self.axes = bool(np.isfinite(kinks.most)), (2,) if kinks.each else (1, 2)
        draws = value.shape[1]
        self._slope = slope.reshape(len(value), -1, slope.shape[-1])
        p, a, q, b, level = prices
        self.ratio = p / a
        self.stiff = b / q if self.limited else np.zeros_like(b)
        self.off = value - level + a - b
        self.short = (1.0 / draws if kinks.each else 1.0) - p.sum(axis=self.axes, keepdims=True)
        self.slack = kinks.most - p.sum(axis=2, keepdims=True) - q if self.limited else np.zeros_like(q)
        self.all = self._blocks(np.ones_like(p))
        self.whole = self.all.sum(axis=self.axes, keepdims=True)

    @property
    def paired(self) -> Float[np.ndarray, " lane"]:
        """What prices and their limits leave of each other."""
        p, a, q, b, _ = self.prices
        return np.sum(p * a, axis=(1, 2)) + (np.sum(q * b, axis=(1, 2)) if self.limited else 0.0)

    @property
    def count(self) -> int:
        """Pairs of them."""
        return self.value[0].size + (self.value.shape[1] if self.limited else 0)

    @property
    def missed(self) -> Float[np.ndarray, " lane"]:
        """By how much the prices may miss the value of the cost."""
        spread = np.ptp(self.value, axis=(1, 2))
        left = np.sum(self.prices.p * np.abs(self.off), axis=(1, 2)) + np.abs(self.short).sum(axis=(1, 2)) * spread
        return left + np.sum(np.abs(self.slack) * self.prices.b, axis=(1, 2))

    def curved(self) -> Float[np.ndarray, "lane pool pool"]:
        """The curvature that changes of prices add."""
        shape = *self.value.shape, self._slope.shape[-1]
        columns = np.moveaxis(self._slope.reshape(shape), -1, 0)
        moved = np.stack([self._prices_of(column) for column in columns], axis=-1)
        return np.swapaxes(self._slope, 1, 2) @ moved.reshape(self._slope.shape)

    def product(self, dw: Float[np.ndarray, "lane pool"]) -> Float[np.ndarray, "lane pool"]:
        """The same times a move of the weights."""
        return self._pulled(self._prices_of(self._along(dw)))

    def right(self, target: Any) -> Float[np.ndarray, "lane pool"]:
        """What prices add to the right side of a step towards so much of each pair."""
        return -self._pulled(self._prices_of(self._missing(target)) + self.all * self.short / self.whole)

    def moves(self, dw: Float[np.ndarray, "lane pool"], target: Any) -> Prices:
        """The step of the prices that goes with one of the weights."""
        p, a, q, b, _ = self.prices
        moved = self._along(dw) + self._missing(target)
        level = (self._blocks(moved).sum(axis=self.axes, keepdims=True) - self.short) / self.whole
        dp = self._blocks(moved - level)
        da = target / p - a - dp / self.ratio
        if not self.limited:
            return Prices(dp, da, np.zeros_like(q), np.zeros_like(b), level)
        dq = self.slack - dp.sum(axis=2, keepdims=True)
        return Prices(dp, da, dq, target / q - b - self.stiff * dq, level)

    def shrinking(self, step: Prices) -> list[Float[np.ndarray, "lane some"]]:
        """What a step takes of everything that must stay above 0, as a share of it."""
        names = ("p", "a", "q", "b") if self.limited else ("p", "a")
        return [(-getattr(step, k) / getattr(self.prices, k)).reshape(len(self.value), -1) for k in names]

    def _missing(self, target: Any) -> Any:
        p, a, q, b, _ = self.prices
        found = self.off + target / p - a
        return found - target / q + b + self.stiff * self.slack if self.limited else found

    def _blocks(self, x: Any) -> Any:
        """S times x: one block a draw."""
        if not self.limited:
            return self.ratio * x
        # About the mean of the draw, which alone meets the limit: nothing large cancels.
        total = self.ratio.sum(axis=2, keepdims=True)
        mean = (self.ratio * x).sum(axis=2, keepdims=True) / total
        return self.ratio * ((x - mean) + mean / (1.0 + self.stiff * total))

    def _prices_of(self, x: Any) -> Any:
        """P times x: without what moves all prices alike."""
        return self._blocks(x - self._blocks(x).sum(axis=self.axes, keepdims=True) / self.whole)

    def _along(self, dw: Any) -> Any:
        return (self._slope @ dw[..., None]).reshape(self.value.shape)

    def _pulled(self, p: Any) -> Any:
        return (p.reshape(len(p), 1, -1) @ self._slope)[:, 0]


def begun(kinks: Kinks, w: Any, args: Any) -> tuple[Prices, Float[np.ndarray, " lane"]]:
    """Even prices, and the largest spread of the slopes of a piece, by which gaps are measured."""
    draws = jax.eval_shape(kinks.pieces, *jax.tree.map(lambda a: a[0], (w, args))).shape[0]
    value, slope = in_lanes(_with_slopes(kinks.pieces), w, args, few=few_lanes(w, args, draws))
    unit = np.maximum(np.ptp(slope, axis=3).max(axis=(1, 2)), 1e-6 * np.abs(value).max(axis=(1, 2)) + 1e-300)
    lanes, draws, pieces = value.shape
    mu = 0.1 * unit[:, None, None] / w.shape[1]
    p = np.full(value.shape, 1.0 / (draws * pieces))
    room = max(kinks.most - 1.0 / draws, 1e-3 / draws) if np.isfinite(kinks.most) else 1.0
    q = np.full((lanes, draws, 1), room)
    b = mu / q if np.isfinite(kinks.most) else np.zeros_like(q)
    level = value.mean(axis=2 if kinks.each else (1, 2), keepdims=True)
    return Prices(p, mu / p, q, b, level), unit


def priced_at(kinks: Kinks, w: Any, args: Any, prices: Prices) -> Priced:
    """The pieces at weights."""
    value, slope = in_lanes(_with_slopes(kinks.pieces), w, args, few=few_lanes(w, args, prices.p.shape[1]))
    return Priced(kinks, value, slope, prices)


def dearest(kinks: Kinks, value: Float[np.ndarray, "lane draw piece"]) -> Float[np.ndarray, "lane draw piece"]:
    """The prices at which the pieces sum to the cost itself, the largest sum there is."""
    draws = value.shape[1]
    worst = np.argmax(value, axis=2)[:, :, None]
    most = 1.0 / draws if kinks.each else min(kinks.most, 1.0)
    place = np.argsort(np.argsort(-np.take_along_axis(value, worst, axis=2), axis=1, kind="stable"), axis=1)
    share = np.full_like(place, most, dtype=float) if kinks.each else np.clip(1.0 - most * place, 0.0, most)
    found = np.zeros_like(value)
    np.put_along_axis(found, worst, share, axis=2)
    return found


def allowed(kinks: Kinks, p: Float[np.ndarray, "lane draw piece"]) -> Float[np.ndarray, "lane draw piece"]:
    """Prices that keep their limits, next to some that nearly do."""
    draws = p.shape[1]
    p = np.maximum(p, 0.0)
    if kinks.each:
        return p / p.sum(axis=2, keepdims=True) / draws
    p = p / p.sum(axis=(1, 2), keepdims=True)
    if np.isfinite(kinks.most):
        # What a draw has too much of is the less, the more even all are.
        over = p.sum(axis=2).max(axis=1)
        even = np.clip((over - kinks.most) / np.maximum(over - 1.0 / draws, 1e-300), 0.0, 1.0)[:, None, None]
        p = (1.0 - even) * p + even / (draws * p.shape[2])
    return p


@functools.lru_cache(maxsize=64)
def lagrangian(pieces: Formula) -> Formula:
    """The sum of the pieces at their prices, which are numbers of the problem: smooth."""
    return lambda w, args: jnp.sum(args[1] * pieces(w, args[0]))


@functools.lru_cache(maxsize=64)
def _with_slopes(pieces: Formula) -> Callable[..., Any]:
    def at(w: Any, args: Any) -> Any:
        value = pieces(w, args)
        slopes = jax.jacrev if value.size <= w.size else jax.jacfwd
        return value, slopes(pieces)(w, args)

    return at
