"""Global search: amplitudes solved for at every node of a set of shapes, and the best nodes of distinct regions kept.

The Gram matrices of all nodes and resamples come from matrix products.
"""

import functools
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ._derivatives import along, flat
from ._linear import nonnegative_least_squares
from ._problem import Curve, Data, Noise

LAST = 1e30
"""Added to a cost, puts it behind every other."""
TOGETHER = 32
"""Nodes at once: their arrays stay in cache."""


@runtime_checkable
class AffineCurve(Curve, Protocol):
    """A curve that is affine in some of its free numbers, the amplitudes."""

    @property
    def amplitudes(self) -> tuple[int, ...]:
        """Which free numbers are amplitudes; the others are shapes."""
        ...


def kronecker(
    count: int, dimensions: int, shift: Float[np.ndarray, " dimensions"]
) -> Float[np.ndarray, "count dimensions"]:
    """Points that fill the unit cube evenly: multiples of powers of the generalised golden ratio, shifted."""
    ratio = 2.0
    for _ in range(60):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1))
    steps = ratio ** -np.arange(1, dimensions + 1)
    return np.mod(shift + np.outer(np.arange(1, count + 1), steps), 1.0)


@functools.partial(jax.jit, static_argnames=("curve", "keep"))
def screen(
    curve: AffineCurve,
    noise: Noise,
    data: Data,
    nodes: Float[Array, "node shape"],
    cube: Float[Array, "node shape"],
    study: Int[Array, " group"],
    resample: Int[Array, "group member"],
    *,
    keep: int,
) -> tuple[Float[Array, "group member keep free"], Float[Array, "group member keep"]]:
    """The best starts of each fit and the mean squared (relative) residual of their nodes.

    Every node is judged by least squares; the best of them once more with each run reweighted as the noise weighs its
    residual there, amplitudes and cost.

    **Arguments:**

    - `curve`, `noise`, `data`: What is fitted to what.
    - `nodes`: Shapes to try, as free numbers; `cube`: the same in the unit cube, to tell regions apart.
    - `study`: The fits come in groups that share a study; `resample`: the resamples of each group.
    - `keep`: Starts kept for each fit, from distinct regions.
    """

    def group(args: tuple[Array, Array]) -> tuple[Array, Array]:
        row, members = args
        point = jax.tree.map(lambda a: a[row], data.point)
        weight = data.weight[row]
        again = None if data.resamples is None else data.resamples[members].astype(weight.dtype)
        weights = (weight[None] if again is None else weight[None] * again).T
        return _screen_study(curve, noise, point, data, row, weights, nodes, cube, keep)

    # Single fits are screened several at once, so that their small arrays fill a loop; resamples fill it themselves.
    together = min(8, study.shape[0]) if resample.shape[1] == 1 else 1
    return jax.lax.map(group, (study, resample), batch_size=together)


def _screen_study(
    curve: AffineCurve,
    noise: Noise,
    point: Any,
    data: Data,
    row: Array,
    weights: Array,
    nodes: Array,
    cube: Array,
    keep: int,
) -> tuple[Array, Array]:
    target, constant = data.target[row], data.constant[row]
    observed = jnp.exp(target) if noise.log else target
    precision = jnp.ones_like(observed) if data.precision is None else data.precision[row]
    measure = precision / observed if noise.log else precision

    count = len(curve.amplitudes)
    pairs = [(i, j) for i in range(count + 1) for j in range(i, count + 1)]

    def affine(shapes: Array) -> tuple[Array, tuple[Array, ...]]:
        """By run, the value without amplitudes and its slope in each."""
        left = iter(range(shapes.shape[0]))
        zero = jnp.zeros((), shapes.dtype)
        theta = tuple(zero if k in curve.amplitudes else shapes[next(left)] for k in range(curve.size))

        def at(run: Any) -> Any:
            f = flat(curve, run, constant, shapes.dtype)
            return f(*theta), tuple(along(f, k)(*theta) for k in curve.amplitudes)

        return jax.vmap(at)(point)

    def products(shapes: Array) -> list[Array]:
        """What is left of the observations and the slopes in the amplitudes, each times each, run by run."""
        offset, basis = affine(shapes)
        columns = [(observed - offset) * measure, *(b * measure for b in basis)]
        return [columns[i] * columns[j] for i, j in pairs]

    def summed(shapes: Array) -> Array:
        if weights.shape[1] == 1:
            return jnp.stack([jnp.sum(weights[:, 0] * product)[None] for product in products(shapes)])
        # Many resamples of one study: the products once, all their weighted sums from one matrix product.
        return jnp.stack(products(shapes)) @ weights

    totals = jax.lax.map(summed, nodes, batch_size=min(TOGETHER, nodes.shape[0]))
    totals = jnp.moveaxis(totals, 1, 0)
    sums = dict(zip(pairs, totals, strict=True))
    finite = jnp.all(jnp.isfinite(jnp.stack(list(sums.values()))), axis=0)
    moment = [sums[0, 1 + i] for i in range(count)]
    gram = {(i, j): sums[1 + i, 1 + j] for i in range(count) for j in range(i, count)}
    if count:
        amplitudes, gain = nonnegative_least_squares(gram, moment)
        cost = jnp.maximum(sums[0, 0] + 2.0 * gain, 0.0)
    else:
        amplitudes, cost = [], sums[0, 0]
    cost = jnp.where(finite & jnp.isfinite(cost), cost, jnp.inf)
    spread = jnp.sqrt(cost / jnp.sum(weights, axis=0)[None])

    def reweighted(node: Array, amplitude: list[Array], spread: Array, weight: Array) -> tuple[list[Array], Array]:
        """Amplitudes and cost of a node with its runs weighed as the noise weighs what is left of them there."""
        offset, basis = affine(nodes[node])
        unit = spread if noise.free_scale else jnp.ones_like(spread)

        def left(amplitude: list[Array]) -> Array:
            value = offset + sum(a * b for a, b in zip(amplitude, basis, strict=True))
            return (target - jnp.log(value) if noise.log else target - value) * precision / unit

        robust = weight * noise.weight(left(amplitude))
        columns = [(observed - offset) * measure, *(b * measure for b in basis)]
        sums = {(i, j): jnp.sum(robust * columns[i] * columns[j]) for i, j in pairs}
        if count:
            gram = {(i, j): sums[1 + i, 1 + j] for i in range(count) for j in range(i, count)}
            amplitude, _ = nonnegative_least_squares(gram, [sums[0, 1 + i] for i in range(count)])
        judged = jnp.sum(weight * (noise.rho(left(amplitude)) + jnp.log(unit)))
        return amplitude, jnp.where(jnp.isfinite(judged), judged, jnp.inf)

    short = _distinct(cost, cube[:, None], min(2 * keep, len(nodes)))
    of_short = functools.partial(jnp.take_along_axis, indices=short, axis=0)
    by_member = jax.vmap(reweighted, (0, 0, 0, 1))
    amplitudes, judged = jax.vmap(by_member, (0, 0, 0, None))(
        short, [of_short(a) for a in amplitudes], of_short(spread), weights
    )
    # What has no finite cost reweighted keeps its place behind what has one.
    chosen = _distinct(jnp.where(jnp.isfinite(judged), judged, LAST + of_short(cost)), cube[short], keep)
    pick = functools.partial(jnp.take_along_axis, indices=chosen, axis=0)

    numbers: list[Array] = [jnp.zeros(())] * curve.size
    shapes = [k for k in range(curve.size) if k not in curve.amplitudes]
    for at, k in enumerate(shapes):
        numbers[k] = nodes[pick(short), at]
    for at, k in enumerate(curve.amplitudes):
        numbers[k] = pick(amplitudes[at])
    starts = jnp.stack(numbers, axis=-1) if numbers else jnp.zeros((*chosen.shape, 0))
    return jnp.moveaxis(starts, 0, 1), jnp.square(pick(of_short(spread))).T


def _distinct(cost: Float[Array, "node member"], cube: Float[Array, "node #member shape"], keep: int) -> Array:
    """The cheapest node, then again and again the cheapest one that is not near any taken before."""
    size = cube.shape[2]
    radius = 0.5 * (1.0 / (2 * keep)) ** (1.0 / max(size, 1))
    taken = []
    left = cost
    for _ in range(keep):
        best = jnp.argmin(left, axis=0)
        taken.append(best)
        place = jnp.take_along_axis(jnp.broadcast_to(cube, (*cost.shape, size)), best[None, :, None], axis=0)
        distance = jnp.max(jnp.abs(cube - place), axis=-1) if size else jnp.zeros_like(cost)
        left = jnp.where(distance < radius, left + jnp.asarray(LAST, left.dtype), left)
    return jnp.stack(taken)
