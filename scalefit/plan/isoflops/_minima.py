"""Where curves of loss by size are least: by a parabola through all of their points, or by a spline between them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

STEPS = 25
"""Points of the grid between two neighbouring sizes, as arXiv 2406.19146 has it."""
REPEAT = 1e-9
"""Sizes whose logarithms are no farther apart are the same size again."""
SAME = 0.01
"""Sizes nearer to each other than by a hundredth are one, if they are nearer than `CLOSE`, too: a spline through both
swings far beyond them."""
CLOSE = 0.1
"""Share of the mean gap between the sizes of a curve."""
TOGETHER = 16
"""Replicates taken at once."""


def minima(
    x: Float[np.ndarray, "curve point"],
    y: Float[np.ndarray, "draw curve point"],
    there: Bool[np.ndarray, "curve point"],
    method: str,
) -> tuple[Float[np.ndarray, "draw curve"], Float[np.ndarray, "draw curve"]]:
    """The place and the value of each minimum, NaN where there is none inside the points.

    **Arguments:**

    - `x`, `y`: The curves, in any order, in as many draws; `there`: which points take part.
    - `method`: `"parabola"` or `"spline"`.
    """
    last = np.where(there, x, np.inf)
    order = np.argsort(last, axis=-1, kind="stable")
    x, y, there = (np.take_along_axis(a, np.broadcast_to(order, a.shape), axis=-1) for a in (x, y, there))
    x, y = np.where(there, x, 0.0), np.where(there, y, 0.0)
    if method == "spline":
        x, y, there = _merged(x, y, there)
    count = there.sum(axis=-1)
    with jax.enable_x64(True):
        find = _parabola if method == "parabola" else _spline
        at, value = find(*(jnp.asarray(a) for a in (x, y, there, count)))
        return np.asarray(at), np.asarray(value)


def begins(x: Float[np.ndarray, "*curve point"], there: Bool[np.ndarray, "*curve point"]) -> np.ndarray:
    """Which points, in rising order and those that are not there last, are a size apart from the one before."""
    wide = np.max(np.where(there, x, -np.inf), axis=-1) - np.min(np.where(there, x, np.inf), axis=-1)
    with np.errstate(invalid="ignore"):
        gap = np.where(there[..., 1:], np.diff(x, axis=-1), 0.0)
    mean = np.maximum(wide, 0.0) / np.maximum(np.sum(gap > REPEAT, axis=-1), 1)
    apart = gap > np.maximum(np.minimum(CLOSE * mean, SAME), REPEAT)[..., None]
    return there & np.concatenate([np.ones_like(there[..., :1]), apart], axis=-1)


def _merged(x: np.ndarray, y: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Runs of one size, or nearly so, as their mean: a spline passes through one point there."""
    new = begins(x, there)
    if (new == there).all():
        return x, y, there
    place = np.where(there, np.cumsum(new, axis=-1) - 1, -1)
    member = (place[..., None] == np.arange(x.shape[-1])).astype(float)
    size = np.maximum(member.sum(axis=-2), 1.0)
    return (
        np.einsum("cp,cpq->cq", x, member) / size,
        np.einsum("dcp,cpq->dcq", y, member) / size,
        member.any(axis=-2),
    )


@jax.jit
def _parabola(x: Array, y: Array, there: Array, count: Array) -> tuple[Array, Array]:
    low = x[:, 0]
    high = jnp.take_along_axis(x, jnp.maximum(count - 1, 0)[:, None], axis=1)[:, 0]
    middle, half = 0.5 * (low + high), jnp.maximum(0.5 * (high - low), 1e-300)
    z = (x - middle[:, None]) / half[:, None]
    weight = there.astype(x.dtype)
    design = jnp.stack([jnp.ones_like(z), z, z * z], axis=-1) * weight[..., None]
    # Orthogonal columns, so that a curve of few sizes loses no digits; the same for every draw.
    q, r = jnp.linalg.qr(design)
    told = (jnp.abs(jnp.diagonal(r, axis1=1, axis2=2)) > 1e-9).all(axis=1) & (count >= 3)
    r = jnp.where(told[:, None, None], r, jnp.eye(3, dtype=x.dtype))
    bent = jnp.einsum("cpk,dcp->dck", q, y * weight)
    c = jax.vmap(jax.vmap(jax.scipy.linalg.solve_triangular), in_axes=(None, 0))(r, bent)
    at = -0.5 * c[..., 1] / jnp.where(c[..., 2] > 0, c[..., 2], 1.0)
    inside = told & (c[..., 2] > 0) & (jnp.abs(at) < 1.0)
    value = c[..., 0] + 0.5 * c[..., 1] * at
    return jnp.where(inside, middle + half * at, jnp.nan), jnp.where(inside, value, jnp.nan)


@jax.jit
def _spline(x: Array, y: Array, there: Array, count: Array) -> tuple[Array, Array]:
    gap = jnp.diff(x, axis=1)
    real = there[:, 1:]
    gap = jnp.where(real, gap, 1.0)
    s = jnp.arange(STEPS, dtype=x.dtype) / STEPS

    def one(y: Array) -> tuple[Array, Array]:
        slope = jax.vmap(_akima_slopes)(jnp.where(real, jnp.diff(y, axis=1) / gap, 0.0), count)
        rise, left, right = jnp.diff(y, axis=1), slope[:, :-1] * gap, slope[:, 1:] * gap
        # Hermite's cubic on each gap.
        cubic = left + right - 2.0 * rise
        square = 3.0 * rise - 2.0 * left - right
        whole = y[:, :-1, None] + s * (left[..., None] + s * (square[..., None] + s * cubic[..., None]))
        whole = jnp.where(real[..., None], whole, jnp.inf).reshape(y.shape[0], -1)
        best = jnp.argmin(whole, axis=1)
        value = jnp.take_along_axis(whole, best[:, None], axis=1)[:, 0]
        end = jnp.take_along_axis(y, jnp.maximum(count - 1, 0)[:, None], axis=1)[:, 0]
        k = (best // STEPS)[:, None]
        at = jnp.take_along_axis(x, k, axis=1)[:, 0] + jnp.take_along_axis(gap, k, axis=1)[:, 0] * s[best % STEPS]
        inside = (best > 0) & (value < end) & (count >= 3)
        return jnp.where(inside, at, jnp.nan), jnp.where(inside, value, jnp.nan)

    return jax.lax.map(one, y, batch_size=TOGETHER)


def _akima_slopes(secant: Float[Array, " gap"], count: Any) -> Float[Array, " point"]:
    """Akima's slope at each point: the mean of the secants beside it, each weighed by how straight the other side is.

    Beyond either end secants go on in a straight line.
    """
    gaps = count - 1
    last = secant[jnp.maximum(gaps - 1, 0)]
    before = secant[jnp.maximum(gaps - 2, 0)]
    place = jnp.arange(secant.shape[0] + 4) - 2
    inner = jnp.concatenate([secant[:1], secant[:1], secant, secant[:1], secant[:1]])
    first, second = secant[0], secant[jnp.minimum(1, secant.shape[0] - 1)]
    m = jnp.where(place < 0, first + place * (second - first), inner)
    m = jnp.where(place >= gaps, last + (place - gaps + 1) * (last - before), m)
    straight_right, straight_left = jnp.abs(m[3:] - m[2:-1]), jnp.abs(m[1:-2] - m[:-3])
    total = straight_right + straight_left
    flat = total <= 1e-9 * jnp.max(jnp.where((place >= -2) & (place < gaps + 2), jnp.abs(m), 0.0))
    mean = (straight_right * m[1:-2] + straight_left * m[2:-1]) / jnp.where(flat, 1.0, total)
    return jnp.where(flat, 0.5 * (m[1:-2] + m[2:-1]), mean)
