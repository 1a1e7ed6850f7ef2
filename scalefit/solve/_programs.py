"""The programs of a curve for the host: few, small, and of a few fixed shapes, whatever is asked of them."""

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from ._derivatives import MANY, curvature_operations, curved_pairs, reverse_slopes, stacked_derivatives
from ._moments import Moments, by_lane_and_run, columns, second_moments, value_at, weighed
from ._problem import Curve, Data, Lanes, Noise, lanes

WIDTH = 8
"""Lanes of a program: fewer are padded, more are taken in turn; more at once would leave the cache."""
LENGTHS, FEW = (64, 128, 256), (8, 16)
"""Runs of a program, and where each has a series: fewer are padded, more are taken in blocks of the last."""
LIGHT, DEAR = 500, 60_000
"""Operations of all curvatures at a run up to which a call takes as long for few runs as for many, and far less than
another program takes to compile; and beyond which slopes have a program of their own, as a start screened at its runs
would cost more by the program of both than this one to compile."""
TOGETHER = 2 * WIDTH
"""Lanes whose numbers are held together: with more, their memory would be given back and asked for again each time."""
WIDE, THOUSANDS = 256, 2048
"""Lanes of the program of slopes for so many lanes that calls cost more than they do, and how many these are."""


class Layout(NamedTuple):
    """The inputs of runs as the programs take them: one set of runs for all lanes, or one a lane.

    **Arguments:**

    - `runs`: How many there are in each set, and `length` in a block; `width`: lanes of a program. Runs with a series
      each are work enough a few at a time, in one lane.
    - `blocks`: By block of runs and group of lanes, their inputs, padded.
    - `constants`: By group of lanes, what their sets hold fixed.
    - `pairs`: The pairs of free numbers that have curvatures.
    - `curved`: Whether slopes come from the program that has curvatures too: one for all, where these cost little.
    """

    runs: int
    length: int
    width: int
    blocks: tuple[tuple[Any, ...], ...]
    constants: tuple[Any, ...]
    pairs: Int[np.ndarray, "2 pair"]
    curved: bool

    @classmethod
    def of(cls, curve: Curve, point: Mapping[str, Any], constant: Any, *, shared: bool, width: int = WIDTH) -> "Layout":
        """Inputs by set and run, cut and padded, for programs of `width` lanes; `shared` if the one set is of all."""
        rows, runs = next(iter(point.values())).shape[:2]
        lengths = lengths_of(point)
        lanes = width if lengths == LENGTHS else 1
        one = {n: np.asarray(a)[0, 0] for n, a in point.items()}
        many = curve.size > MANY
        work = curvature_operations(curve, one, constant[0]) if not many else math.inf
        least = lengths[-1] if lanes == WIDTH and work <= LIGHT else runs
        length = next((n for n in lengths if least <= n), lengths[-1])
        groups = [slice(0, 1)] if shared else _groups(rows, lanes)
        sets = 1 if shared else lanes

        whole = curve.packed({n: np.asarray(a) for n, a in point.items()}) if many else point

        def block(some: slice, low: int) -> dict[str, np.ndarray]:
            return {n: _padded(np.asarray(a)[some, low : low + length], sets, length) for n, a in whole.items()}

        pairs = curved_pairs(curve, one, constant[0]) if not many else ()
        return cls(
            runs,
            length,
            lanes,
            tuple(tuple(block(some, low) for some in groups) for low in range(0, runs, length)),
            tuple(_padded(np.asarray(constant)[some], sets) for some in groups),
            np.array(pairs, int).reshape(-1, 2).T,
            lanes == WIDTH and (work <= DEAR or many),
        )


def lengths_of(point: Mapping[str, Any]) -> tuple[int, ...]:
    """To how many runs the programs of these inputs pad."""
    return FEW if any(np.ndim(a) > 2 for a in point.values()) else LENGTHS


def _groups(lanes: int, width: int) -> list[slice]:
    return [slice(low, min(low + width, lanes)) for low in range(0, lanes, width)]


def _padded(a: np.ndarray, *shape: int) -> np.ndarray:
    """With its last entries repeated up to a shape."""
    spare = [(0, n - m) for n, m in zip(shape, a.shape, strict=False)]
    return np.pad(a, spare + [(0, 0)] * (a.ndim - len(spare)), mode="edge") if any(map(any, spare)) else a


def _found(
    curve: Curve, theta: np.ndarray, layout: Layout, block: int, some: slice, curved: bool = True
) -> list[np.ndarray]:
    """What `_derivatives` gives for some lanes at a block of runs, the last two axes over lanes and runs."""
    runs, out = min(layout.length, layout.runs - block * layout.length), []
    inputs, constants = layout.blocks[block], layout.constants
    with jax.enable_x64(True):  # a worker thread does not inherit the context
        for group in _groups(some.stop - some.start, layout.width):
            g, at = (some.start + group.start) // layout.width % len(constants), theta[some][group]
            found = _derivatives(curve, _padded(at, layout.width), inputs[g], constants[g], curved)
            out.append([np.asarray(a)[..., : len(at), :runs] for a in found])
    return [whole[0] if len(whole) == 1 else np.concatenate(whole, axis=-2) for whole in zip(*out, strict=True)]


def slopes_at(
    curve: Curve, theta: Float[np.ndarray, "lane size"], layout: Layout
) -> tuple[Float[np.ndarray, "lane run"], Float[np.ndarray, "size lane run"]]:
    """Values and slopes of all lanes at all runs."""
    lanes = slice(0, len(theta))
    parts = [_found(curve, theta, layout, k, lanes, layout.curved)[:2] for k in range(len(layout.blocks))]
    value, first = (some[0] if len(some) == 1 else np.concatenate(some, axis=-1) for some in zip(*parts, strict=True))
    return value, first


def slopes(
    curve: Curve, theta: Float[np.ndarray, "fit size"], data: Data, study: Int[np.ndarray, " fit"]
) -> tuple[Float[np.ndarray, "fit run"], Float[np.ndarray, "size fit run"]]:
    """Values and slopes of fits at the runs of their studies."""
    parts = list(_in_turn(curve, theta, data, study))
    return np.concatenate([value for _, value, _ in parts]), np.concatenate([first for *_, first in parts], axis=1)


def responses(
    curve: Curve, theta: Float[np.ndarray, "fit free"], data: Data, study: Int[np.ndarray, " fit"]
) -> tuple[Float[np.ndarray, "fit run"], Float[np.ndarray, "fit size"]]:
    """The curve's values, and the largest relative response of any run to each free number."""
    values, shares = [], []
    for some, value, first in _in_turn(curve, theta, data, study):
        real = np.asarray(data.weight)[some] > 0
        with np.errstate(all="ignore"):
            # A run at which the curve is 0 whatever a number is, as a reward at no distance, does not feel it.
            shares.append(np.max(np.where(real & (first != 0.0), np.abs(first / value), 0.0), axis=2).T)
        values.append(value)
    return np.concatenate(values), np.concatenate(shares)


def values_at(
    curve: Curve, theta: Float[np.ndarray, "lane size"], data: Data, study: int
) -> Float[np.ndarray, "lane run"]:
    """The curve's values alone, of any number of lanes at the runs of one study."""
    point = {n: np.asarray(a)[study : study + 1] for n, a in data.point.items()}
    constant = np.asarray(data.constant)[study : study + 1]
    layout, found = Layout.of(curve, point, constant, shared=True, width=WIDE), []
    with jax.enable_x64(True):
        for group in _groups(len(theta), layout.width):
            at = _padded(theta[group, : curve.size], layout.width)
            parts = [np.asarray(_values(curve, at, inputs[0], layout.constants[0])) for inputs in layout.blocks]
            found.append(np.concatenate(parts, axis=1)[: len(theta[group]), : layout.runs])
    return np.concatenate(found)


def _in_turn(
    curve: Curve, theta: np.ndarray, data: Data, study: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The studies, values and slopes of some fits after others."""
    width, step = (WIDE, WIDE) if len(theta) > THOUSANDS else (WIDTH, TOGETHER)
    shared = Layout.of(curve, data.point, data.constant, shared=True, width=width) if len(data.target) == 1 else None
    for low in range(0, len(theta), step):
        some = study[low : low + step]
        rows = {n: np.asarray(a)[some] for n, a in data.point.items()} if shared is None else {}
        layout = shared or Layout.of(curve, rows, np.asarray(data.constant)[some], shared=False, width=width)
        yield some, *slopes_at(curve, theta[low : low + step, : curve.size], layout)


def exact_moments(
    curve: Curve, noise: Noise, data: Data, theta: Float[np.ndarray, "fit free"], study: Int[np.ndarray, " fit"]
) -> Moments:
    """Objective, gradient and Hessian of fits, each to the runs of its study."""
    parts: list[Moments] = []
    for low in range(0, len(theta), TOGETHER):
        at, some = theta[low : low + TOGETHER], study[low : low + TOGETHER]
        rows = lanes(data, some, some)
        layout = Layout.of(curve, rows.point, rows.constant, shared=len(data.target) == 1)
        parts.append(moments_at(curve, noise, rows, layout, at, np.ones(len(at), bool)))
    objective, gradient, matrix = (np.concatenate(column) for column in zip(*parts, strict=True))
    return objective, gradient, matrix


def moments_at(
    curve: Curve, noise: Noise, rows: Lanes, layout: Layout, theta: Float[np.ndarray, "lane free"],
    exact: Bool[np.ndarray, " lane"],
) -> Moments:  # fmt: skip
    """As `moments`, with the curve's derivatives alone from programs."""
    parts = []
    for low in range(0, len(theta), TOGETHER):
        some = slice(low, min(low + TOGETHER, len(theta)))
        blocks = (_block_moments(curve, noise, rows, layout, theta, exact, k, some) for k in range(len(layout.blocks)))
        parts.append(functools.reduce(lambda one, other: tuple(map(np.add, one, other)), blocks))
    objective, gradient, matrix = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    return objective, gradient, matrix


def _block_moments(
    curve: Curve, noise: Noise, rows: Lanes, layout: Layout, theta: np.ndarray, exact: np.ndarray, block: int,
    some: slice,
) -> tuple[Any, ...]:  # fmt: skip
    """The moments of some lanes from a block of runs."""
    at = theta[:, : curve.size]
    part = slice(block * layout.length, min((block + 1) * layout.length, layout.runs))
    value, first, *curvatures = _found(curve, at, layout, block, some)

    def cut(a: Any) -> Any:
        """One row may serve all lanes."""
        return None if a is None else a[some if len(a) == len(theta) else slice(None), part]

    seen = rows._replace(target=cut(rows.target), weight=cut(rows.weight), precision=cut(rows.precision))
    bent = functools.partial(_bent, curve, at, exact[some], layout, block, some, curvatures)
    return weighed(noise, theta[some], exact[some], seen, value, np.moveaxis(first, 0, 1), bent)


def _bent(
    curve: Curve, theta: np.ndarray, exact: np.ndarray, layout: Layout, block: int, some: slice,
    curvatures: list[np.ndarray], factor: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """The second derivatives summed over a block of runs, in the lanes that ask for them."""
    lanes, size = len(factor), theta.shape[1]
    matrix = np.zeros((lanes, size, size))
    if not exact.any():
        return matrix
    if curvatures:
        one, other = layout.pairs
        matrix[:, one, other] = matrix[:, other, one] = np.einsum("pln,ln->lp", curvatures[0], factor)
        return np.where(exact[:, None, None], matrix, 0.0)
    inputs, constants = layout.blocks[block], layout.constants
    for group in _groups(lanes, layout.width):
        g, at = (some.start + group.start) // layout.width % len(constants), theta[some][group]
        spare = (0, layout.width - len(at)), (0, layout.length - factor.shape[1])
        with jax.enable_x64(True):
            found = _second(curve, _padded(at, layout.width), inputs[g], constants[g], np.pad(factor[group], spare))
            matrix[group] = np.asarray(found)[: len(at)]
    return np.where(exact[:, None, None], matrix, 0.0)


@functools.partial(jax.jit, static_argnames=("curve", "curved"))
def _derivatives(curve: Curve, theta: Any, point: Any, constant: Any, curved: bool) -> tuple[Any, ...]:
    """Values, slopes and, if asked for and not too many, curvatures, the last two along a first axis of their own."""
    at = columns(curve, theta)
    if curve.size > MANY:
        value, first = by_lane_and_run(reverse_slopes, curve, at, point, constant)
        return value, jnp.moveaxis(first, -1, 0)

    def values(*theta: Any) -> Any:
        return by_lane_and_run(value_at, curve, theta, point, constant)

    one = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[2:], a.dtype), point)
    return stacked_derivatives(values, at, curved_pairs(curve, one, constant[0], theta.dtype) if curved else ())


@functools.partial(jax.jit, static_argnames=("curve",))
def _values(curve: Curve, theta: Any, point: Any, constant: Any) -> Any:
    return by_lane_and_run(value_at, curve, columns(curve, theta), point, constant)


@functools.partial(jax.jit, static_argnames=("curve",))
def _second(curve: Curve, theta: Any, point: Any, constant: Any, factor: Any) -> Any:
    return second_moments(curve, theta, point, constant, factor)
