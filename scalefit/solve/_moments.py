"""One pass over the runs: objective, gradient and one matrix, for a batch of fits.

The matrix of a lane is that of iteratively reweighted least squares (Gauss-Newton) or the exact Hessian, as asked by
lane: near the optimum the Hessian converges in a few steps, far from it only the former is safely positive.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ._derivatives import MANY, curved_pairs, derivatives, flat, reverse_slopes, slopes
from ._problem import Curve, Data, Lanes, Noise, lanes

BLOCK = 1024
"""Runs taken at once: more and the intermediate arrays leave the cache."""

Moments = tuple[Float[Array, " lane"], Float[Array, "lane free"], Float[Array, "lane free free"]]


def free_size(curve: Curve, noise: Noise) -> int:
    """How many numbers a fit has: those of the curve, and the logarithm of the noise's scale where it is free."""
    return curve.size + noise.free_scale


def _by_lane_and_run(curve: Curve, theta: Float[Array, "lane free"], rows: Lanes, function: Any) -> Any:
    shared = rows.target.shape[0] == 1
    one = jax.tree.map(lambda a: a[0], rows) if shared else rows
    by_run = jax.vmap(function, in_axes=(None, None, 0, None))
    by_lane = jax.vmap(by_run, in_axes=(None, 0, None if shared else 0, None if shared else 0))
    return by_lane(curve, tuple(theta[:, k] for k in range(curve.size)), one.point, one.constant)


def _value(curve: Curve, theta: Any, point: Any, constant: Any) -> Any:
    return flat(curve, point, constant, theta[0].dtype)(*theta)


def predictions(curve: Curve, theta: Float[Array, "lane free"], rows: Lanes) -> Float[Array, "lane run"]:
    """The curve's values."""
    return _by_lane_and_run(curve, theta, rows, _value)


@functools.partial(jax.jit, static_argnames=("curve",))
def responses(
    curve: Curve, theta: Float[Array, "fit free"], data: Data, study: Int[Array, " fit"]
) -> tuple[Float[Array, "fit run"], Float[Array, "fit size"]]:
    """The curve's values, and the largest relative response of any run to each free number."""
    rows = lanes(data._replace(resamples=None), study, study)
    value, first = _by_lane_and_run(curve, theta, rows, slopes)
    share = [jnp.max(jnp.where(rows.weight > 0, jnp.abs(s / value), 0.0), axis=1) for s in first]
    return value, jnp.stack(share, axis=-1)


def objective(curve: Curve, noise: Noise, theta: Float[Array, "lane free"], rows: Lanes) -> Float[Array, " lane"]:
    """The cost summed over the runs."""
    value = predictions(curve, theta, rows)
    residual = rows.target - (jnp.log(value) if noise.log else value)
    if rows.precision is not None:
        residual = residual * rows.precision
    if not noise.free_scale:
        return jnp.sum(rows.weight * noise.rho(residual), axis=1)
    log_scale = theta[:, curve.size]
    cost = noise.rho(residual * jnp.exp(-log_scale)[:, None])
    return jnp.sum(rows.weight * (cost + log_scale[:, None]), axis=1)


def moments(
    curve: Curve, noise: Noise, theta: Float[Array, "lane free"], exact: Bool[Array, " lane"], rows: Lanes
) -> Moments:
    """Objective, gradient and matrix (`exact`: the Hessian; otherwise Gauss-Newton) of each lane."""
    runs = rows.target.shape[1]
    if runs <= BLOCK:
        return _block_moments(curve, noise, theta, exact, rows)
    blocks = -(-runs // BLOCK)
    size = -(-runs // blocks)
    rows = _padded(rows, blocks * size - runs)
    lane, free = theta.shape
    zero = (
        jnp.zeros(lane, theta.dtype),
        jnp.zeros((lane, free), theta.dtype),
        jnp.zeros((lane, free, free), theta.dtype),
    )

    def add(k: Array, total: Moments) -> Moments:
        def part(a: Array) -> Array:
            return jax.lax.dynamic_slice_in_dim(a, k * size, size, axis=1)

        block = jax.tree.map(part, rows._replace(constant=None))._replace(constant=rows.constant)
        # Tied to the carry: what is made of theta alone would be moved out of the loop, as arrays over the runs.
        at, total = jax.lax.optimization_barrier((theta, total))
        return jax.tree.map(jnp.add, total, _block_moments(curve, noise, at, exact, block))

    return jax.lax.fori_loop(0, blocks, add, zero)


def _padded(rows: Lanes, spare: int) -> Lanes:
    """Runs of no weight added, so that blocks are of one size."""
    if spare == 0:
        return rows
    end = ((0, 0), (0, spare))
    longer = jax.tree.map(lambda a: jnp.pad(a, end, mode="edge"), rows._replace(constant=None))
    return longer._replace(constant=rows.constant, weight=jnp.pad(rows.weight, end))


def _block_moments(
    curve: Curve, noise: Noise, theta: Float[Array, "lane free"], exact: Bool[Array, " lane"], rows: Lanes
) -> Moments:
    many = curve.size > MANY
    if many:
        value, first, curvatures = *_by_lane_and_run(curve, theta, rows, reverse_slopes), ()
    else:
        value, first, curvatures = _by_lane_and_run(curve, theta, rows, derivatives)
    exact = exact[:, None]
    inverse = 1.0 / value if noise.log else None
    # Residual z = a (target - log value) or a (target - value); its slopes are -a f' / f or -a f'.
    scale = rows.precision
    log_scale = theta[:, curve.size, None] if noise.free_scale else None
    if log_scale is not None:
        shrink = jnp.exp(-log_scale)
        scale = shrink if scale is None else scale * shrink
    z = rows.target - (jnp.log(value) if noise.log else value)
    factor = -inverse if inverse is not None else jnp.asarray(-1.0, value.dtype)
    if scale is not None:
        z, factor = z * scale, factor * scale
    cost = noise.rho(z)
    if log_scale is not None:
        cost = cost + log_scale
    slope = rows.weight * noise.psi(z)
    bend = jnp.where(exact, slope, 0.0)
    base = rows.weight * jnp.where(exact, noise.curvature(z), noise.weight(z))
    # On logarithms z'' = -a f''/f + z' z'/a: the second part joins the outer products.
    outer = base if not noise.log else base + (bend if scale is None else bend / scale)
    dz = jnp.stack([factor * s for s in first], axis=1)
    left = [outer[:, None] * dz, slope[:, None]]
    if noise.free_scale:
        left.append((base * z + bend)[:, None])
    product = jnp.einsum("lan,lbn->lab", jnp.concatenate(left, axis=1), dz, precision="highest")
    p = curve.size
    matrix, gradient = product[:, :p], product[:, p]
    curving = bend * factor
    if many:
        matrix = matrix + _second_moments(curve, theta, rows, curving)
    else:
        pairs = curved_pairs(curve, tuple(rows.point), rows.constant.shape[1])
        entries = {pair: jnp.sum(curving * c, axis=1) for pair, c in zip(pairs, curvatures, strict=True)}
        matrix = matrix + symmetric(entries, p, theta.dtype)
    if noise.free_scale:
        across = -product[:, p + 1]
        corner = jnp.sum((base * z + bend) * z, axis=1)
        matrix = jnp.concatenate(
            [
                jnp.concatenate([matrix, across[:, :, None]], axis=2),
                jnp.concatenate([across, corner[:, None]], axis=1)[:, None],
            ],
            axis=1,
        )
        along = jnp.sum(jnp.broadcast_to(rows.weight, slope.shape) - slope * z, axis=1)
        gradient = jnp.concatenate([gradient, along[:, None]], axis=1)
    return jnp.sum(rows.weight * cost, axis=1), gradient, matrix


def _second_moments(curve: Curve, theta: Float[Array, "lane free"], rows: Lanes, by_run: Any) -> Any:
    """The second derivatives of the curve summed over the runs with a factor each, a row of the matrix at a time."""
    shared = rows.target.shape[0] == 1

    def slope(at: Any, point: Any, constant: Any, factor: Any) -> Any:
        def total(*theta: Any) -> Any:
            each = jax.vmap(lambda p: flat(curve, p, constant, theta[0].dtype)(*theta))(point)
            return jnp.sum(factor * each)

        return jax.grad(total, argnums=tuple(range(curve.size)))(*at)

    one = jax.tree.map(lambda a: a[0], rows) if shared else rows
    of_rows = None if shared else 0
    by_lane = jax.vmap(slope, in_axes=(0, of_rows, of_rows, 0))
    at = tuple(theta[:, k] for k in range(curve.size))

    def row(direction: Any) -> Any:
        tangents = tuple(jnp.broadcast_to(direction[k], at[k].shape) for k in range(curve.size))
        along = jax.jvp(lambda t: by_lane(t, one.point, one.constant, by_run), (at,), (tangents,))[1]
        return jnp.stack(along, axis=-1)

    return jnp.moveaxis(jax.lax.map(row, jnp.eye(curve.size, dtype=theta.dtype)), 0, 1)


def symmetric(entries: dict[tuple[int, int], Any], size: int, dtype: Any) -> Any:
    """A batch of symmetric matrices from some of their upper entries, the others zero."""
    zero = jnp.zeros((), dtype)
    rows = [
        jnp.stack(jnp.broadcast_arrays(*(entries.get((min(i, j), max(i, j)), zero) for j in range(size))), axis=-1)
        for i in range(size)
    ]
    return jnp.stack(jnp.broadcast_arrays(*rows), axis=-2)
