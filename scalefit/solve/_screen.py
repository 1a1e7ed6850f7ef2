"""Global search: amplitudes solved for at every node of a set of shapes, and the best nodes of distinct regions kept.

The Gram matrices of all nodes and resamples come from matrix products. As the polish, one code with two drivers.
"""

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ._derivatives import MANY, along, flat
from ._driver import Driver, Job
from ._linear import nonnegative_least_squares
from ._moments import whole
from ._namespace import Numbers, namespace
from ._problem import Curve, Data, Noise
from ._programs import Layout, slopes_at
from ._run import bucket, cores

LAST = 1e30
"""Added to a cost, puts it behind every other."""
TOGETHER = 32
"""Nodes at once: their arrays stay in cache."""
ROOM = 1 << 13
"""Nodes times runs held at once on the host."""
ENOUGH = 1 << 23
"""Groups times nodes times runs from which the search is worth compiling."""
LEAST = 1 << 14
"""Nodes times runs that a group counts for at least: as many take the host as long as its calls do."""


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


def screen(
    curve: AffineCurve,
    noise: Noise,
    data: Data,
    nodes: Float[np.ndarray, "node shape"],
    cube: Float[np.ndarray, "node shape"],
    study: Int[np.ndarray, " group"],
    resample: Int[np.ndarray, "group member"],
    *,
    keep: int,
    driver: Driver = "auto",
) -> tuple[Float[np.ndarray, "group member keep free"], Float[np.ndarray, "group member keep"]]:
    """The best starts of each fit and the mean squared (relative) residual of their nodes, a part a core.

    Every node is judged by least squares; the best of them once more with each run reweighted as the noise weighs its
    residual there, amplitudes and cost.

    **Arguments:**

    - `curve`, `noise`, `data`: What is fitted to what.
    - `nodes`: Shapes to try, as free numbers; `cube`: the same in the unit cube, to tell regions apart.
    - `study`: The fits come in groups that share a study; `resample`: the resamples of each group.
    - `keep`: Starts kept for each fit, from distinct regions.
    - `driver`: As for `solve`.
    """
    work = len(study) * max(len(nodes) * data.target.shape[1], LEAST)
    share = -(-len(study) // cores())
    job = Job.of(driver, (noise, data), (curve, nodes.shape, keep, bucket(share), resample.shape[1]), work, ENOUGH)
    if job.here:
        job.did(work)
        noise, data = jax.tree.map(np.asarray, (noise, data))

    def run(part: slice) -> tuple[np.ndarray, np.ndarray]:
        rows, members = study[part], resample[part]
        if job.here:
            return _on_host(curve, noise, data, nodes, cube, rows, members, keep)
        spare = share - len(rows)
        rows, members = np.pad(rows, (0, spare), mode="edge"), np.pad(members, ((0, spare), (0, 0)), mode="edge")
        with jax.enable_x64(True):  # a worker thread does not inherit the context
            found = screen_compiled(curve, noise, data, nodes, cube, rows, members, keep=keep)
            starts, cost = (np.asarray(a)[: share - spare] for a in found)
        return starts, cost

    # Padded, so that few shapes are compiled.
    share = share if job.here else bucket(share)
    parts = [slice(low, low + share) for low in range(0, len(study), share)]
    if len(parts) == 1:
        return run(parts[0])
    with ThreadPoolExecutor(len(parts)) as pool:
        starts, cost = zip(*pool.map(run, parts), strict=True)
    return np.concatenate(starts), np.concatenate(cost)


@functools.partial(jax.jit, static_argnames=("curve", "keep"))
def screen_compiled(
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
    """As `screen`, for one core, as one program."""

    def group(args: tuple[Array, Array]) -> tuple[Array, Array]:
        seen = _Seen.of(noise, data, *args)
        point = jax.tree.map(lambda a: a[args[0]], data.point)
        affine = functools.partial(_affine, curve, point, data.constant[args[0]])

        def summed(shapes: Array) -> Array:
            offset, basis = affine(shapes)
            products = _products(_columns(seen, offset, basis))
            if seen.weights.shape[0] == 1:
                return jnp.stack([jnp.sum(seen.weights[0] * product)[None] for product in products])
            # Many resamples of one study: the products once, all their weighted sums from one matrix product.
            return jnp.stack(products) @ seen.weights.T

        totals = jax.lax.map(summed, nodes, batch_size=min(TOGETHER, nodes.shape[0]))
        at = jax.vmap(jax.vmap(lambda node: affine(nodes[node])))
        return _chosen(curve, noise, seen, jnp.moveaxis(totals, 1, 0), at, nodes, cube, keep)

    # Single fits are screened several at once, so that their small arrays fill a loop; resamples fill it themselves.
    together = min(8, study.shape[0]) if resample.shape[1] == 1 else 1
    return jax.lax.map(group, (study, resample), batch_size=together)


def _affine(curve: AffineCurve, point: Any, constant: Any, shapes: Any) -> tuple[Any, tuple[Any, ...]]:
    """By run, the value without amplitudes and its slope in each."""
    left = iter(range(shapes.shape[0]))
    zero = jnp.zeros((), shapes.dtype)
    theta = tuple(zero if k in curve.amplitudes else shapes[next(left)] for k in range(curve.size))

    def at(run: Any) -> Any:
        if curve.size > MANY:
            value, slope = jax.linearize(lambda theta: curve(theta, run, constant), jnp.stack(theta))
            return value, tuple(slope(direction) for direction in np.eye(curve.size)[list(curve.amplitudes)])
        f = flat(curve, run, constant, shapes.dtype)
        return f(*theta), tuple(along(f, k)(*theta) for k in curve.amplitudes)

    return jax.vmap(at)(whole(curve, point))


def _on_host(
    curve: AffineCurve, noise: Noise, data: Data, nodes: np.ndarray, cube: np.ndarray, study: np.ndarray,
    resample: np.ndarray, keep: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """As `screen`, for one core, under NumPy, the curve's slopes from its programs."""
    theta = np.zeros((len(nodes), curve.size))
    theta[:, [k for k in range(curve.size) if k not in curve.amplitudes]] = nodes
    found = []
    with np.errstate(all="ignore"):
        for row, members in zip(study.tolist(), resample, strict=True):
            seen = _Seen.of(noise, data, row, members)
            point = {name: column[row : row + 1] for name, column in data.point.items()}
            layout = Layout.of(curve, point, data.constant[row : row + 1], shared=True)
            affine = functools.partial(_affine_on_host, curve, theta, layout)
            room = max(1, ROOM // layout.runs)
            parts = (np.arange(low, min(low + room, len(nodes))) for low in range(0, len(nodes), room))
            totals = np.concatenate([_summed(seen, *affine(part)) for part in parts], axis=1)
            found.append(_chosen(curve, noise, seen, totals, affine, nodes, cube, keep))
    starts, cost = zip(*found, strict=True)
    return np.stack(starts), np.stack(cost)


def _affine_on_host(
    curve: AffineCurve, theta: np.ndarray, layout: Layout, node: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The value without amplitudes and the slope in each, at every node asked for and run."""
    each, place = np.unique(node, return_inverse=True)
    value, first = slopes_at(curve, theta[each], layout)
    if node.ndim == 1:  # in ascending order, each once
        return value, [first[k] for k in curve.amplitudes]
    place = place.reshape(node.shape)
    return value[place], [first[k][place] for k in curve.amplitudes]


def _summed(seen: "_Seen", offset: np.ndarray, basis: list[np.ndarray]) -> np.ndarray:
    """The products of all columns, summed over the runs: by pair, node and member."""
    columns = _columns(seen, offset, basis)
    if len(seen.weights) == 1:
        whole = np.stack(columns, axis=1)
        gram = (whole * seen.weights[0]) @ whole.swapaxes(1, 2)
        return np.stack([gram[:, i, j, None] for i, j in _pairs(len(columns))])
    return np.stack([(columns[i] * columns[j]) @ seen.weights.T for i, j in _pairs(len(columns))])


class _Seen(NamedTuple):
    """The runs of a study, and how each of its fits weighs them."""

    target: Float[Numbers, " run"]
    observed: Float[Numbers, " run"]
    precision: Float[Numbers, " run"]
    measure: Float[Numbers, " run"]  # what multiplies a difference of values
    weights: Float[Numbers, "member run"]

    @classmethod
    def of(cls, noise: Noise, data: Data, row: Any, members: Any) -> "_Seen":
        target = data.target[row]
        xp = namespace(target)
        observed = xp.exp(target) if noise.log else target
        precision = xp.ones_like(observed) if data.precision is None else data.precision[row]
        weights = data.weight[row][None]
        if data.resamples is not None:
            weights = weights * data.resamples[members].astype(weights.dtype)
        return cls(target, observed, precision, precision / observed if noise.log else precision, weights)


def _pairs(count: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(count) for j in range(i, count)]


def _columns(seen: _Seen, offset: Any, basis: Sequence[Any]) -> list[Any]:
    """What is left of the observations, and the slopes in the amplitudes."""
    observed, measure = (_like(a, offset) for a in (seen.observed, seen.measure))
    return [(observed - offset) * measure, *(b * measure for b in basis)]


def _like(by_run: Any, table: Any) -> Any:
    """By run, with as many axes as a table has whose last is over the runs."""
    return by_run.reshape(*(1,) * (table.ndim - 1), -1)


def _products(columns: list[Any]) -> list[Any]:
    """Each times each, run by run."""
    return [columns[i] * columns[j] for i, j in _pairs(len(columns))]


def _solved(curve: AffineCurve, totals: Any) -> tuple[list[Any], Any]:
    """The best amplitudes, and the squares that they leave, from the sums of all products."""
    count, signed = len(curve.amplitudes), tuple(i for i, k in enumerate(curve.amplitudes) if curve.lower[k] < 0.0)
    sums = dict(zip(_pairs(count + 1), totals, strict=True))
    if not count:
        return [], sums[0, 0]
    gram = {(i, j): sums[1 + i, 1 + j] for i, j in _pairs(count)}
    amplitudes, gain = nonnegative_least_squares(gram, [sums[0, 1 + i] for i in range(count)], signed)
    return amplitudes, namespace(gain).maximum(sums[0, 0] + 2.0 * gain, 0.0)


def _chosen(
    curve: AffineCurve, noise: Noise, seen: _Seen, totals: Float[Numbers, "pair node member"],
    affine: Callable[[Any], Any], nodes: Float[Numbers, "node shape"], cube: Float[Numbers, "node shape"], keep: int,
) -> tuple[Any, Any]:  # fmt: skip
    """The best starts of each member and their mean squared residual; `affine` gives its values and slopes at nodes."""
    xp = namespace(totals)
    amplitudes, cost = _solved(curve, totals)
    finite = xp.all(xp.isfinite(totals), axis=0)
    cost = xp.where(finite & xp.isfinite(cost), cost, xp.inf)
    spread = xp.sqrt(cost / xp.sum(seen.weights, axis=1)[None])
    short = _distinct(cost, cube[:, None], min(2 * keep, len(nodes)))
    of_short = functools.partial(xp.take_along_axis, indices=short, axis=0)

    # The best nodes once more, their runs weighed as the noise weighs what is left of them there.
    offset, basis = affine(short)
    unit = of_short(spread) if noise.free_scale else xp.ones_like(of_short(spread))

    def left(amplitudes: list[Any]) -> Any:
        value = offset + sum(a[..., None] * b for a, b in zip(amplitudes, basis, strict=True))
        residual = _like(seen.target, value) - (xp.log(value) if noise.log else value)
        return residual * _like(seen.precision, value) / unit[..., None]

    robust = seen.weights[None] * xp.asarray(noise.weight(left([of_short(a) for a in amplitudes])))
    sums = [xp.sum(robust * product, axis=-1) for product in _products(_columns(seen, offset, basis))]
    amplitudes, _ = _solved(curve, sums)
    costs = xp.asarray(noise.rho(left(amplitudes))) + xp.log(unit)[..., None]
    judged = xp.sum(seen.weights[None] * costs, axis=-1)
    # What has no finite cost reweighted keeps its place behind what has one.
    chosen = _distinct(xp.where(xp.isfinite(judged), judged, LAST + of_short(cost)), cube[short], keep)
    pick = functools.partial(xp.take_along_axis, indices=chosen, axis=0)

    numbers: list[Any] = [None] * curve.size
    shapes = iter(range(nodes.shape[1]))
    for k in range(curve.size):
        inside = k in curve.amplitudes
        numbers[k] = pick(amplitudes[curve.amplitudes.index(k)]) if inside else nodes[pick(short), next(shapes)]
    starts = xp.stack(numbers, axis=-1) if numbers else xp.zeros((*chosen.shape, 0))
    return xp.moveaxis(starts, 0, 1), xp.square(pick(of_short(spread))).T


def _distinct(cost: Float[Numbers, "node member"], cube: Float[Numbers, "node #member shape"], keep: int) -> Any:
    """The cheapest node, then again and again the cheapest one that is not near any taken before."""
    xp, size = namespace(cost), cube.shape[2]
    radius = 0.5 * (1.0 / (2 * keep)) ** (1.0 / max(size, 1))
    taken = []
    left = cost
    for _ in range(keep):
        best = xp.argmin(left, axis=0)
        taken.append(best)
        place = xp.take_along_axis(xp.broadcast_to(cube, (*cost.shape, size)), best[None, :, None], axis=0)
        distance = xp.max(xp.abs(cube - place), axis=-1) if size else xp.zeros_like(cost)
        left = xp.where(distance < radius, left + xp.asarray(LAST, left.dtype), left)
    return xp.stack(taken)
