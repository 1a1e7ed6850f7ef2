"""The programs of a curve for the host: few, small, and of a few fixed shapes, whatever is asked of them."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from ._derivatives import MANY, curved_pairs, reverse_slopes, stacked_derivatives
from ._moments import Moments, by_lane_and_run, second_moments, weighed
from ._problem import Curve, Data, Lanes, Noise, lanes

WIDTHS = (8, 64)
"""Lanes of a program: fewer are padded, more are for the caller to take in turn."""
LENGTHS = (64, 256)
"""Runs of a program: fewer are padded, more are taken in blocks."""


class Layout(NamedTuple):
    """The inputs of runs as the programs take them: one set of runs for all lanes, or one a lane.

    **Arguments:**

    - `runs`: How many there are in each set.
    - `blocks`: Inputs of some of the runs, padded.
    - `constant`: What each set holds fixed.
    - `one`: The inputs of a single run.
    """

    runs: int
    blocks: tuple[dict[str, np.ndarray], ...]
    constant: np.ndarray
    one: dict[str, np.ndarray]

    @classmethod
    def of(cls, point: Mapping[str, Any], constant: Any, *, shared: bool) -> "Layout":
        """Inputs by set and run, cut and padded; `shared` if the one set is that of all lanes."""
        rows, runs = next(iter(point.values())).shape[:2]
        size, spare = _fitting(runs, LENGTHS), (0, 0 if shared else _fitting(rows, WIDTHS) - rows)

        def block(column: np.ndarray, low: int) -> np.ndarray:
            part = column[:, low : low + size]
            end = (spare, (0, size - part.shape[1]))
            return np.pad(part, end + ((0, 0),) * (part.ndim - 2), mode="edge")

        blocks = tuple({n: block(np.asarray(a), low) for n, a in point.items()} for low in range(0, runs, size))
        one = {n: np.asarray(a)[0, 0] for n, a in point.items()}
        return cls(runs, blocks, np.pad(constant, (spare, (0, 0)), mode="edge"), one)

    def parts(self) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
        """Which runs, and their inputs."""
        size = next(iter(self.blocks[0].values())).shape[1]
        for k, block in enumerate(self.blocks):
            yield slice(k * size, min((k + 1) * size, self.runs)), block


def _fitting(count: int, sizes: tuple[int, ...]) -> int:
    return next((n for n in sizes if count <= n), sizes[-1])


def slopes_at(
    curve: Curve, theta: Float[np.ndarray, "lane size"], layout: Layout
) -> tuple[Float[np.ndarray, "lane run"], Float[np.ndarray, "lane size run"]]:
    """Values and slopes, run by run, of as many lanes as the widest program takes."""
    parts = [_cut(_run(curve, theta, block, layout.constant), theta, part) for part, block in layout.parts()]
    return np.concatenate([value for value, *_ in parts], axis=1), np.concatenate([first for _, first, *_ in parts], 2)


def slopes(
    curve: Curve, theta: Float[np.ndarray, "fit size"], data: Data, study: Int[np.ndarray, " fit"]
) -> tuple[Float[np.ndarray, "fit run"], Float[np.ndarray, "fit size run"]]:
    """Values and slopes of fits at the runs of their studies."""
    parts = list(_in_turn(curve, theta, data, study))
    return np.concatenate([value for value, _ in parts]), np.concatenate([first for _, first in parts])


def responses(
    curve: Curve, theta: Float[np.ndarray, "fit free"], data: Data, study: Int[np.ndarray, " fit"]
) -> tuple[Float[np.ndarray, "fit run"], Float[np.ndarray, "fit size"]]:
    """The curve's values, and the largest relative response of any run to each free number."""
    values, shares = [], []
    for low, (value, first) in zip(range(0, len(theta), WIDTHS[-1]), _in_turn(curve, theta, data, study), strict=True):
        real = np.asarray(data.weight)[study[low : low + len(value)], None] > 0
        with np.errstate(all="ignore"):
            shares.append(np.max(np.where(real, np.abs(first / value[:, None]), 0.0), axis=2))
        values.append(value)
    return np.concatenate(values), np.concatenate(shares)


def _in_turn(curve: Curve, theta: np.ndarray, data: Data, study: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Values and slopes of as many fits as a program takes, again and again."""
    shared = Layout.of(data.point, data.constant, shared=True) if len(data.target) == 1 else None
    for low in range(0, len(theta), WIDTHS[-1]):
        some = study[low : low + WIDTHS[-1]]
        rows = {n: np.asarray(a)[some] for n, a in data.point.items()} if shared is None else {}
        layout = shared or Layout.of(rows, np.asarray(data.constant)[some], shared=False)
        yield slopes_at(curve, theta[low : low + WIDTHS[-1], : curve.size], layout)


def exact_moments(
    curve: Curve, noise: Noise, data: Data, theta: Float[np.ndarray, "fit free"], study: Int[np.ndarray, " fit"]
) -> Moments:
    """Objective, gradient and Hessian of fits, each to the runs of its study."""
    parts: list[Moments] = []
    for low in range(0, len(theta), WIDTHS[-1]):
        at, some = theta[low : low + WIDTHS[-1]], study[low : low + WIDTHS[-1]]
        rows = lanes(data, some, some)
        layout = Layout.of(rows.point, rows.constant, shared=len(data.target) == 1)
        parts.append(moments_at(curve, noise, rows, layout, at, np.ones(len(at), bool)))
    objective, gradient, matrix = (np.concatenate(column) for column in zip(*parts, strict=True))
    return objective, gradient, matrix


def moments_at(
    curve: Curve, noise: Noise, rows: Lanes, layout: Layout, theta: Float[np.ndarray, "lane free"],
    exact: Bool[np.ndarray, " lane"],
) -> Moments:  # fmt: skip
    """As `moments`, with the curve's derivatives alone from programs."""
    at, total = theta[:, : curve.size], None
    for part, block in layout.parts():
        value, first, *curvatures = _cut(_run(curve, at, block, layout.constant), at, part)
        bent = functools.partial(_bent, curve, at, exact, block, layout, curvatures)
        some = rows._replace(
            target=rows.target[:, part],
            weight=rows.weight[:, part],
            precision=None if rows.precision is None else rows.precision[:, part],
        )
        found = weighed(noise, theta, exact, some, value, first, bent)
        total = found if total is None else (total[0] + found[0], total[1] + found[1], total[2] + found[2])
    assert total is not None
    return total


def _bent(
    curve: Curve, theta: np.ndarray, exact: np.ndarray, block: Any, layout: Layout, curvatures: list[np.ndarray],
    factor: np.ndarray,
) -> np.ndarray:  # fmt: skip
    lanes, size = theta.shape
    matrix = np.zeros((lanes, size, size))
    if not exact.any():
        return matrix
    if curvatures:
        places = np.array(curved_pairs(curve, layout.one, layout.constant[0]), int).reshape(-1, 2).T
        matrix[:, places[0], places[1]] = matrix[:, places[1], places[0]] = (curvatures[0] @ factor[:, :, None])[..., 0]
        return matrix
    length = next(iter(block.values())).shape[1]
    width = _fitting(lanes, WIDTHS)
    factor = np.pad(factor, ((0, width - lanes), (0, length - factor.shape[1])))
    with jax.enable_x64(True):
        return np.asarray(_second(curve, _wide(theta), block, layout.constant, factor))[:lanes]


def _wide(theta: np.ndarray) -> np.ndarray:
    return np.pad(theta, ((0, _fitting(len(theta), WIDTHS) - len(theta)), (0, 0)), mode="edge")


def _run(curve: Curve, theta: np.ndarray, block: dict[str, np.ndarray], constant: np.ndarray) -> tuple[Any, ...]:
    with jax.enable_x64(True):  # a worker thread does not inherit the context
        return _derivatives(curve, _wide(theta), block, constant)


def _cut(found: tuple[Any, ...], theta: np.ndarray, part: slice) -> list[np.ndarray]:
    """Without what was padded."""
    return [np.asarray(a)[: len(theta), ..., : part.stop - part.start] for a in found]


@functools.partial(jax.jit, static_argnames=("curve",))
def _derivatives(curve: Curve, theta: Any, point: Any, constant: Any) -> tuple[Any, ...]:
    """By lane and run, values, slopes and, unless there are too many, curvatures."""
    if curve.size <= MANY:
        return by_lane_and_run(stacked_derivatives, curve, theta, point, constant, axes=(0, 1, 1))
    value, first = by_lane_and_run(reverse_slopes, curve, theta, point, constant)
    return value, jnp.stack(first, axis=1)


@functools.partial(jax.jit, static_argnames=("curve",))
def _second(curve: Curve, theta: Any, point: Any, constant: Any, factor: Any) -> Any:
    return second_moments(curve, theta, point, constant, factor)
