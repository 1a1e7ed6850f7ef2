"""What a pool of data gives after t passes: its utility halves, or its samples count for less."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from ...params import Scalar

HALF = math.log(2.0)
_EULER = 0.5772156649015329
_NEAR = 3.0
"""Below it the series of E₁ loses no more than two digits, above it its continued fraction needs few terms."""


def staircase_loss(t: Scalar, h: Scalar, max_passes: int) -> jax.Array:
    r"""How far the utility of a pool falls behind that of fresh samples, 0 up to one pass and below 0 after it.

    $G(t, h) = -\log t + \sum_{k\ge1} 2^{-kh}\left(\log\min(t, k+1) - \log k\right)_+$ for $t > 1$.

    **Arguments:**

    - `t`: Passes over the pool.
    - `h`: Halvings of the utility in a pass.
    - `max_passes`: Passes that the sum covers.
    """
    t = jnp.asarray(t)
    again = t > 1.0
    log_t = jnp.log(jnp.where(again, t, 1.0))
    return jnp.where(again, _halving(log_t, jnp.asarray(h, t.dtype), max_passes, 0) - log_t, 0.0)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _halving(log_t: jax.Array, h: jax.Array, max_passes: int, power: int) -> jax.Array:
    r"""$\sum_{k\ge1} k^m 2^{-kh}\left(\log\min(t, k+1) - \log k\right)_+$, m being `power`."""
    return _halved(log_t, h, max_passes, power)


def _halved(log_t: jax.Array, h: jax.Array, max_passes: int, power: int) -> jax.Array:
    k = np.arange(1.0, max(max_passes, 2))
    # Signs are in the constants: a constant turned round would be kept once for each derivative, as would its sum.
    behind, steps, fewer, times = (jnp.asarray(a, log_t.dtype) for a in (-np.log(k), np.log1p(1.0 / k), -k, k**power))
    growth = jnp.minimum(jnp.maximum(log_t + behind, 0.0), steps)
    return jnp.sum(times * jnp.exp2(fewer * h) * growth)


@functools.partial(_halving.defjvp, symbolic_zeros=True)
def _halving_slope(max_passes: int, power: int, primals: Any, tangents: Any) -> tuple[jax.Array, Any]:
    # A slope in h is one more sum of this kind, times what h changes by: taken so, the sums are shared by all of the
    # parameters that h depends on, where the rules of each term would sum once for each pair of them.
    (log_t, h), (by_t, by_h) = primals, tangents
    value = _halving(log_t, h, max_passes, power)
    along = jnp.zeros_like(value)
    if type(by_h) is not SymbolicZero:
        along = along - HALF * _halving(log_t, h, max_passes, power + 1) * by_h
    if type(by_t) is not SymbolicZero:
        along = along + jax.jvp(lambda at: _halved(at, h, max_passes, power), (log_t,), (by_t,))[1]
    return value, along


def counted_passes(t: Scalar, h: Scalar) -> jax.Array:
    r"""How many passes of fresh samples t of them are worth, one seen k times before counting $2^{-kh}$."""
    whole = jax.lax.stop_gradient(jnp.floor(t))
    return jnp.expm1(-HALF * h * whole) / jnp.expm1(-HALF * h) + jnp.exp2(-h * whole) * (t - whole)


def smooth_loss(t: Scalar, h: Scalar) -> jax.Array:
    r"""The same with passes that go by continuously, the decay beginning after half a pass.

    $G(t, h) = -\log 2t + e^{c/2}\left(E_1(c/2) - E_1(ct)\right)$ for $t > 1/2$, $c = h\ln 2$.
    """
    again = t > 0.5
    # Before the decay nothing depends on h, which may be 0 there: no weight, no halving.
    t, c = jnp.where(again, t, 1.0), jnp.where(again, HALF * h, 1.0)
    left = scaled_e1(0.5 * c) - jnp.exp(-c * (t - 0.5)) * scaled_e1(c * t)
    return jnp.where(again, left - jnp.log(2.0 * t), 0.0)


def saturating_share(t: Scalar, c: Scalar) -> jax.Array:
    r"""What share of t passes counts where repeats saturate: $(1 + (1 - e^{-c(t-1)})/c)/t$ for $t > 1$, else all of it.

    **Arguments:**

    - `t`: Passes over the pool.
    - `c`: How fast, by pass: 1/R in the notation of arXiv 2305.16264.
    """
    again = t > 1.0
    t, c = jnp.where(again, t, 2.0), jnp.where(again, c, 1.0)
    return jnp.where(again, (1.0 - jnp.expm1(-c * (t - 1.0)) / c) / t, 1.0)


@jax.custom_jvp
def scaled_e1(x: Scalar) -> jax.Array:
    r"""$e^x E_1(x)$, the exponential integral scaled so that it neither overflows nor vanishes, for $x > 0$."""
    x = jnp.asarray(x)
    near = jnp.minimum(x, _NEAR)
    total, term = -_EULER - jnp.log(near), jnp.ones_like(near)
    for k in range(1, 31):
        term = -term * near / k
        total = total - term / k
    far = jnp.maximum(x, _NEAR)
    rest = far + 57.0
    for k in range(28, 0, -1):
        rest = far + (2 * k - 1) - k * k / rest
    return jnp.where(x < _NEAR, jnp.exp(near) * total, 1.0 / rest)


@scaled_e1.defjvp
def _scaled_e1_slope(primals, tangents):
    (x,), (along,) = primals, tangents
    value = scaled_e1(x)
    return value, (value - 1.0 / x) * along
