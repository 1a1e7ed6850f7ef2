"""Conjugate gradients among moves of a given sum, many systems at once, preconditioned by a diagonal and by groups."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ._groups import Groups
from ._namespace import namespace


class Whole(NamedTuple):
    """As `Groups`, of one group of all weights."""

    member: Any
    low: Any
    high: Any

    def totals(self, w: Any) -> Any:
        return w.sum(axis=1, keepdims=True)

    def of_pools(self, a: Any) -> Any:
        return a


class _Directions(NamedTuple):
    x: Any
    total: Any
    y: Any
    rest: Any
    group_rest: Any
    way: Any
    group_way: Any
    size: Any
    count: Any


def conjugate(
    product: Callable[[Any], Any], inverse: Any, groups: Groups | Whole, stiff: Any, right: Any, for_groups: Any,
    missing: Any, enough: Any, most: int,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """The x of a given sum, its totals by group and the y, for each lane, of

        product(x) - right + (stiff totals - for_groups) of its group - y = 0,   where `inverse` is not 0; else x = 0.

    Conjugate gradients among the x of that sum, preconditioned by the diagonal `inverse` and what binds groups, whose
    inverse is known as every weight is of one group; residuals lose what y may take. What groups have in common is kept
    apart from what tells their weights apart, and totals from weights: of a group at its limit the one is large and the
    other small, and nothing of either would be left.
    """
    np_ = namespace(right)
    room = groups.totals(inverse)
    loose = 1.0 / (1.0 + stiff * room)
    whole = np_.maximum(np_.sum(loose * room, axis=1), 1e-300)

    def near(rest: Any, group_rest: Any) -> tuple[Any, ...]:
        common = groups.totals(inverse * rest) / np_.maximum(room, 1e-300)
        rest, group_rest = rest - groups.of_pools(common), group_rest + common
        by = np_.sum(loose * room * group_rest, axis=1) / whole
        group_rest = group_rest - by[:, None]
        way, group_way = inverse * (rest + groups.of_pools(loose * group_rest)), loose * room * group_rest
        size = np_.sum(rest * way, axis=1) + np_.sum(group_rest * group_way, axis=1)
        return by, rest, group_rest, way, group_way, size

    total = (missing / whole)[:, None] * loose * room
    x = (missing / whole)[:, None] * inverse * groups.of_pools(loose)
    by, rest, group_rest, way, group_way, size = near(right - product(x), for_groups - stiff * total)
    limit = enough**2 * size
    first = _Directions(x, total, -by, rest, group_rest, way, group_way, size, np_.zeros((), np_.int32))

    def going(s: _Directions) -> Any:
        return (s.count < most) & (s.size > limit).any()

    def step(s: _Directions) -> _Directions:
        bent, held = product(s.way), stiff * s.group_way
        steep = np_.sum(s.way * bent, axis=1) + np_.sum(s.group_way * held, axis=1)
        far = (s.size / np_.maximum(steep, 1e-300))[:, None]
        by, rest, group_rest, way, group_way, size = near(s.rest - far * bent, s.group_rest - far * held)
        turn = (size / np_.maximum(s.size, 1e-300))[:, None]
        return _Directions(
            s.x + far * s.way, s.total + far * s.group_way, s.y - by, rest, group_rest, way + turn * s.way,
            group_way + turn * s.group_way, size, s.count + 1,
        )  # fmt: skip

    if np_ is jnp:
        last = jax.lax.while_loop(going, step, first)
    else:
        last = first
        while going(last):
            last = step(last)
    return np_.where((last.size > 1e6 * limit)[:, None], np.nan, last.x), last.total, last.y
