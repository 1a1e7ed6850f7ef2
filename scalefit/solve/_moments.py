"""One pass over the runs: objective, gradient and one matrix, for a batch of fits.

The matrix of a lane is that of iteratively reweighted least squares (Gauss-Newton) or the exact Hessian, as asked by
lane: near the optimum the Hessian converges in a few steps, far from it only the former is safely positive.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._derivatives import MANY, curved_pairs, derivatives, flat, reverse_slopes
from ._namespace import Numbers, namespace
from ._problem import Curve, Lanes, Noise

BLOCK = 1024
"""Runs taken at once: more and the intermediate arrays leave the cache."""

ALONE = 1 << 17
"""Multiplications of a matrix product up to which OpenBLAS starts no threads: on cores that others use too these wait
for each other many times as long as one thread takes for it all."""

Moments = tuple[Float[Numbers, " lane"], Float[Numbers, "lane free"], Float[Numbers, "lane free free"]]


def by_lane_and_run(function: Any, curve: Curve, theta: Any, point: Any, constant: Any) -> Any:
    """A function of one run at every lane and run, of free numbers as `columns` gives them."""
    shared, point = constant.shape[0] == 1, whole(curve, point)
    if shared:
        point, constant = jax.tree.map(lambda a: a[0], (dict(point), constant))
    by_run = jax.vmap(function, in_axes=(None, None, 0, None))
    if curve.series:
        # A series is long: the derivatives of all runs at once would not fit.
        by_run = functools.partial(_one_after_the_other, function)
    by_lane = jax.vmap(by_run, in_axes=(None, 0, None if shared else 0, None if shared else 0))
    return by_lane(curve, theta, point, constant)


def _one_after_the_other(function: Any, curve: Curve, theta: Any, point: Any, constant: Any) -> Any:
    """As `vmap` over the runs, in a loop."""
    return jax.lax.map(lambda run: function(curve, theta, run, constant), point)


def whole(curve: Curve, point: Any) -> Any:
    """The inputs of runs, of a curve of many free numbers in few arrays."""
    if curve.size <= MANY:
        return point
    packed = curve.packed(point)
    # Made once, and not anew inside every loop over it.
    return packed if packed.keys() == point.keys() else jax.lax.optimization_barrier(packed)


def columns(curve: Curve, theta: Float[Array, "lane free"]) -> Any:
    """The free numbers of a curve one by one, many of them as they are: see `Curve`."""
    return theta[:, : curve.size] if curve.size > MANY else tuple(theta[:, k] for k in range(curve.size))


def value_at(curve: Curve, theta: Any, point: Any, constant: Any) -> Any:
    """The value of the curve for one run."""
    if curve.size > MANY:
        return curve(theta, point, constant)
    return flat(curve, point, constant, theta[0].dtype)(*theta)


def predictions(curve: Curve, theta: Float[Array, "lane free"], rows: Lanes) -> Float[Array, "lane run"]:
    """The curve's values."""
    return by_lane_and_run(value_at, curve, columns(curve, theta), rows.point, rows.constant)


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

    def longer(a: Any) -> Any:
        return jnp.pad(a, ((0, 0), (0, spare)) + ((0, 0),) * (a.ndim - 2), mode="edge")

    padded = jax.tree.map(longer, rows._replace(constant=None))
    return padded._replace(constant=rows.constant, weight=jnp.pad(rows.weight, ((0, 0), (0, spare))))


def _block_moments(
    curve: Curve, noise: Noise, theta: Float[Array, "lane free"], exact: Bool[Array, " lane"], rows: Lanes
) -> Moments:
    if curve.size > MANY:
        value, first = by_lane_and_run(reverse_slopes, curve, columns(curve, theta), rows.point, rows.constant)
        first = jnp.swapaxes(first, 1, 2)
        bent = functools.partial(second_moments, curve, theta, rows.point, rows.constant)
    else:
        value, each, curvatures = by_lane_and_run(derivatives, curve, columns(curve, theta), rows.point, rows.constant)
        first = jnp.stack(each, axis=1)
        bent = functools.partial(_paired, curve, theta, rows, curvatures)
    return weighed(noise, theta, exact, rows, value, first, bent)


def weighed(
    noise: Noise,
    theta: Float[Numbers, "lane free"],
    exact: Bool[Numbers, " lane"],
    rows: Lanes,
    value: Float[Numbers, "lane run"],
    first: Float[Numbers, "lane size run"],
    bent: Callable[[Any], Any],
) -> Moments:
    """Moments from the curve's values and slopes, by run, as the noise weighs them.

    **Arguments:**

    - `bent`: The second derivatives of the curve, summed over the runs with a factor each: the factors to matrices.
    """
    xp, size, exact = namespace(value), first.shape[1], exact[:, None]
    inverse = 1.0 / value if noise.log else None
    # Residual z = a (target - log value) or a (target - value); its slopes are -a f' / f or -a f'.
    scale = rows.precision
    log_scale = theta[:, size, None] if noise.free_scale else None
    if log_scale is not None:
        shrink = xp.exp(-log_scale)
        scale = shrink if scale is None else scale * shrink
    z = rows.target - (xp.log(value) if noise.log else value)
    factor = -inverse if inverse is not None else xp.asarray(-1.0, value.dtype)
    if scale is not None:
        z, factor = z * scale, factor * scale
    cost = xp.asarray(noise.rho(z))
    if log_scale is not None:
        cost = cost + log_scale
    slope = rows.weight * xp.asarray(noise.psi(z))
    bend = xp.where(exact, slope, 0.0)
    base = rows.weight * xp.where(exact, xp.asarray(noise.curvature(z)), xp.asarray(noise.weight(z)))
    # On logarithms z'' = -a f''/f + z' z'/a: the second part joins the outer products.
    outer = base if not noise.log else base + (bend if scale is None else bend / scale)
    dz = first * xp.broadcast_to(factor, value.shape)[:, None]
    left = [outer[:, None] * dz, slope[:, None]]
    if noise.free_scale:
        left.append((base * z + bend)[:, None])
    product = _outer(xp.concatenate(left, axis=1), dz)
    matrix, gradient = product[:, :size] + bent(bend * factor), product[:, size]
    if noise.free_scale:
        across = -product[:, size + 1]
        corner = xp.sum((base * z + bend) * z, axis=1)
        matrix = xp.concatenate(
            [
                xp.concatenate([matrix, across[:, :, None]], axis=2),
                xp.concatenate([across, corner[:, None]], axis=1)[:, None],
            ],
            axis=1,
        )
        along = xp.sum(xp.broadcast_to(rows.weight, slope.shape) - slope * z, axis=1)
        gradient = xp.concatenate([gradient, along[:, None]], axis=1)
    return xp.sum(rows.weight * cost, axis=1), gradient, matrix


def _outer(left: Numbers, right: Numbers) -> Any:
    """The products of rows summed over the runs."""
    if isinstance(left, np.ndarray):
        few = max(ALONE // (left.shape[1] * right.shape[1]), 1)
        parts = [slice(low, low + few) for low in range(0, left.shape[2], few)]
        return functools.reduce(np.add, [left[..., some] @ right[..., some].swapaxes(1, 2) for some in parts])
    return jnp.einsum("lan,lbn->lab", left, right, precision="highest")


def _paired(curve: Curve, theta: Any, rows: Lanes, curvatures: tuple[Any, ...], factor: Any) -> Any:
    pairs = curved_pairs(curve, one_run(rows), rows.constant[0], theta.dtype)
    entries = {pair: jnp.sum(factor * c, axis=1) for pair, c in zip(pairs, curvatures, strict=True)}
    return symmetric(entries, curve.size, theta.dtype)


def one_run(rows: Lanes) -> Any:
    """The shapes of the inputs of a single run."""
    return jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[2:], a.dtype), dict(rows.point))


def second_moments(
    curve: Curve, theta: Float[Array, "lane free"], point: Any, constant: Any, factor: Float[Array, "lane run"]
) -> Any:
    """The second derivatives of the curve summed over the runs with a factor each, a row of the matrix at a time."""
    shared, point = constant.shape[0] == 1, whole(curve, point)

    def slope(at: Any, point: Any, constant: Any, factor: Any) -> Any:
        def total(theta: Any) -> Any:
            return jnp.sum(factor * jax.vmap(lambda p: value_at(curve, theta, p, constant))(point))

        return jax.grad(total)(at)

    point, constant = jax.tree.map(lambda a: a[0] if shared else a, (dict(point), constant))
    of_rows = None if shared else 0
    by_lane = jax.vmap(slope, in_axes=(0, of_rows, of_rows, 0))
    at = columns(curve, theta)

    _, slopes_along = jax.linearize(lambda t: by_lane(t, point, constant, factor), at)

    def row(direction: Any) -> Any:
        along = slopes_along(columns(curve, jnp.broadcast_to(direction, (theta.shape[0], curve.size))))
        return along if curve.size > MANY else jnp.stack(along, axis=-1)

    return jnp.moveaxis(jax.lax.map(row, jnp.eye(curve.size, dtype=theta.dtype)), 0, 1)


def symmetric(entries: dict[tuple[int, int], Any], size: int, dtype: Any) -> Any:
    """A batch of symmetric matrices from some of their upper entries, the others zero."""
    zero = jnp.zeros((), dtype)
    rows = [
        jnp.stack(jnp.broadcast_arrays(*(entries.get((min(i, j), max(i, j)), zero) for j in range(size))), axis=-1)
        for i in range(size)
    ]
    return jnp.stack(jnp.broadcast_arrays(*rows), axis=-2)
