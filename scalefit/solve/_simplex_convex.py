r"""Minimising convex functions of weights on the simplex under limits, many at once, to rounding: an interior point.

With slacks s of every limit and their prices z, Newton's method on

    slope(w) = y + prices of the limits,   sum(w) = 1,   s z = mu,

mu falling to nothing. Each step solves one system of the size of the weights:

    (curvature + diag(z/s of the limits) + members' diag(z/s of the groups) members) dw - dy = ...

It needs some twenty steps whatever the limits, and gives their prices with the weights. Of many weights the system is
solved by conjugate gradients, preconditioned by the diagonal of the limits: what curves the cost in few directions, as
a few targets do, takes few products with the curvature, and no table of it. What each weight curves on its own besides,
as a sum over domains or a price of straying from a prior does, is told from products with random signs and is of the
diagonal too, once the limits alone have not done.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from ._groups import Groups
from ._lanes import in_lanes
from ._simplex_steps import Cost, project

STEPS = 80
"""Steps at most; hard problems take thirty."""
NEAR = 0.995
"""Share of the way to the nearest limit that a step may go."""
ENOUGH = 1e-12
"""Complementarity, relative to the spread of slopes, at which a lane is done."""
AT_REST = 1e-8
"""What prices, or a lack of room, may leave of the slopes one step before the last, relative to their spread."""
COLDEST = 1e-8
"""Temperature, of the spread of slopes, at which kinks are rounded in the end."""
NUMBERS = 2048
"""Lanes times weights whose curvatures are one program's."""
DIRECT, TABLE, PRODUCTS = 128, 512, 100
"""Weights up to which systems are solved by elimination, and up to which they are where conjugate gradients of so many
products do not: costs that curve in every direction and couple weights in many."""
PROBES = 32
"""Products that tell what each weight curves on its own from what curves in up to half as many directions together."""
NEARLY = 1e-13
"""What conjugate gradients leave of a right side, as a share of it in the norm of the preconditioner."""
ROUGHLY = 1e-6
"""The same, beyond which they have failed."""

How = Literal["elimination", "limits", "own"]
"""By what systems are solved: elimination, or conjugate gradients with either of two diagonals."""
Sharpened = Callable[[Any, Float[np.ndarray, " lane"]], Any]
"""The numbers of the problems with a temperature each, at which a smooth stand-in for a kink is taken."""


class Convex(NamedTuple):
    """Where each problem ended.

    **Arguments:**

    - `weights`: Feasible.
    - `value`, `slope`: The cost and its slopes there.
    - `gap`: By how much the cost may exceed the least at most, provided that it is convex: what the tangent plane
        promises within the limits.
    - `unit`: The spread of the slopes where the search began, by which gaps are measured.
    """

    weights: Float[np.ndarray, "lane pool"]
    value: Float[np.ndarray, " lane"]
    slope: Float[np.ndarray, "lane pool"]
    gap: Float[np.ndarray, " lane"]
    unit: Float[np.ndarray, " lane"]


class _State(NamedTuple):
    w: Any
    z_low: Any
    z_high: Any
    s_least: Any  # slack of the totals of groups
    s_most: Any
    z_least: Any
    z_most: Any
    y: Any


def minimise_convex(
    cost: Cost,
    args: Any,
    low: Float[np.ndarray, "lane pool"],
    high: Float[np.ndarray, "lane pool"],
    groups: Groups | None = None,
    sharpened: Sharpened | None = None,
    direct: bool | None = None,
) -> Convex:
    """The weights of least cost on the simplex within limits, on the host.

    **Arguments:**

    - `cost`: A convex function of the weights and the numbers of one problem, twice differentiable within the limits.
    - `args`: The numbers of the problems, a pytree of arrays with a leading axis of lanes.
    - `low`, `high`: Limits of the weights, with sum(low) <= 1 <= sum(high).
    - `groups`: Limits of the totals of groups.
    - `sharpened`: Of a cost with kinks, which has a smooth stand-in that nears it as a temperature falls.
    - `direct`: Whether systems are solved by elimination; `None` for what fits the number of weights.
    """
    lanes, pools = low.shape
    given = groups
    groups = groups or Groups(np.ones((lanes, 1, pools)), np.zeros((lanes, 1)), np.ones((lanes, 1)))
    first = project(np.ones_like(low), low, high, groups=given)
    asked = given
    # Limits that the sum keeps anyway would be met twice, and have no price.
    groups = groups._replace(
        low=np.where(groups.low <= 0.0, -1.0, groups.low), high=np.where(groups.high >= 1.0, 2.0, groups.high)
    )
    # Inside, but for what has no inside: it stays where it is.
    inner = 0.05 * np.maximum(high - low, 0.0)
    w = np.where(high - low > 1e-13, np.clip(first, low + inner, high - inner), low)
    sharp = sharpened or (lambda args, _: args)
    with np.errstate(all="ignore"):
        value, slope = _slopes(cost, sharp(args, np.ones(lanes)), w)
        unit = np.maximum(np.ptp(slope, axis=1), 1e-6 * np.abs(value) + 1e-300)
        state = _begun(w, unit, low, high, groups)
        out, left = state, np.arange(lanes)
        how = "elimination" if direct or (direct is None and pools <= DIRECT) else "limits"
        for _ in range(STEPS):
            some = jax.tree.map(lambda a, left=left: a[left], (args, low, high, groups, unit))
            before, (state, rest) = state, _stepped(cost, sharp, state, *some, how=how)
            if how == "limits" and not np.isfinite(state.w).all():
                how = "own"
                state, rest = _stepped(cost, sharp, before, *some, how=how)
            done = (_complementarity(state, *some[1:4]) < ENOUGH * some[4]) & (rest < AT_REST * some[4])
            broken = ~np.isfinite(state.w).all(axis=1)
            if broken.any() and direct is None and DIRECT < pools <= TABLE:
                return minimise_convex(cost, args, low, high, given, sharpened, direct=True)
            over = done | broken
            if over.any():
                for whole, part in zip(out, state, strict=True):
                    whole[left[over]] = part[over]
                left, state = left[~over], _State(*(a[~over] for a in state))
            if not left.size:
                break
        for whole, part in zip(out, state, strict=True):
            whole[left] = part
    w = _settled(out, low, high, asked, unit)
    value, slope = _slopes(cost, sharp(args, COLDEST * unit), w)
    return Convex(w, value, slope, plane_gap(w, slope, low, high, asked), unit)


def _begun(w: Any, unit: Any, low: Any, high: Any, groups: Groups) -> _State:
    total, one = groups.totals(w), unit[:, None]
    least, most = np.maximum(total - groups.low, 1e-2), np.maximum(groups.high - total, 1e-2)
    mu = 0.1 * one / w.shape[1]
    free = high - low > 1e-13
    of_low, of_high = (np.where(free, mu / np.where(free, a, 1.0), 0.0) for a in (w - low, high - w))
    return _State(w.copy(), of_low, of_high, least, most, mu / least, mu / most, np.zeros(len(w)))


def _complementarity(s: _State, low: Any, high: Any, groups: Groups) -> Any:
    """What slacks and prices leave, and by how much the totals are missed."""
    total = groups.totals(s.w)
    left = np.sum((s.w - low) * s.z_low + (high - s.w) * s.z_high, axis=1)
    left = left + np.sum(s.s_least * s.z_least + s.s_most * s.z_most, axis=1)
    off = np.abs(total - groups.low - s.s_least) * s.z_least + np.abs(groups.high - total - s.s_most) * s.z_most
    return left + np.sum(off, axis=1) + np.abs(s.w.sum(axis=1) - 1.0) * np.abs(s.y)


def _stepped(
    cost: Cost, sharp: Sharpened, s: _State, args: Any, low: Any, high: Any, groups: Groups, unit: Any, *, how: How
) -> tuple[_State, Any]:
    """One step from every lane, and what prices leave of the slopes before it."""
    free = high - low > 1e-13
    s_low, s_high = np.where(free, s.w - low, 1.0), np.where(free, high - s.w, 1.0)
    count = 2.0 * free.sum(axis=1) + 2.0 * groups.low.shape[1]
    paired = np.sum(np.where(free, s_low * s.z_low + s_high * s.z_high, 0.0), axis=1)
    paired = paired + np.sum(s.s_least * s.z_least + s.s_most * s.z_most, axis=1)
    mu = paired / count
    warm = sharp(args, np.maximum(paired, COLDEST * unit))
    _, slope, curved = _curvatures(cost, warm, s.w) if how == "elimination" else (*_slopes(cost, warm, s.w), None)
    total, member = groups.totals(s.w), groups.member
    off_least, off_most = total - groups.low - s.s_least, groups.high - total - s.s_most
    of_groups = s.z_least - s.z_most
    steeper = slope - s.y[:, None] - groups.of_pools(of_groups)
    left = steeper - s.z_low + s.z_high
    stiff = s.z_least / s.s_least + s.z_most / s.s_most
    ones, limited = np.where(free, 1.0, 0.0), s.z_low / s_low + s.z_high / s_high
    if curved is None:

        def both_of(right: Any) -> Any:
            steep = np.where(free, limited + 1e-14 * unit[:, None], 1.0)
            own = _own(cost, warm, s.w, steep) if how == "own" else 0.0
            known = np.where(free, steep + own, 1.0)

            def product(v: Any) -> Any:
                bent = in_lanes(_bent(cost), s.w, warm, v, few=_few(s.w)) + groups.of_pools(stiff * groups.totals(v))
                return np.where(free, bent, 0.0) + steep * v

            # Products one by one beyond that many cost more than the probes all at once.
            most = PRODUCTS if how == "own" else PRODUCTS // 2
            return _conjugate(product, right, known, most), _conjugate(product, ones, known, most)

    else:
        system = curved + np.swapaxes(member, 1, 2) @ (stiff[:, :, None] * member)
        along = np.arange(system.shape[1])
        # A hair of its own size: what the cost does not tell apart has no curvature.
        hair = 1e-14 * (np.trace(system, axis1=1, axis2=2)[:, None] + unit[:, None])
        system[:, along, along] += limited + hair
        system = np.where(free[:, :, None] & free[:, None, :], system, np.eye(len(along))[None])

        def both_of(right: Any) -> Any:
            both = np.linalg.solve(system, np.stack([right, ones], axis=-1))
            return both[..., 0], both[..., 1]

    target = 0.1 * mu[:, None]

    def moves(target: Any) -> tuple[Any, ...]:
        by_least = target / s.s_least - s.z_least - s.z_least / s.s_least * off_least
        by_most = target / s.s_most - s.z_most - s.z_most / s.s_most * off_most
        right = -left + target / s_low - s.z_low - target / s_high + s.z_high + groups.of_pools(by_least - by_most)
        own, of_y = both_of(np.where(free, right, 0.0))
        dy = (1.0 - s.w.sum(axis=1) - own.sum(axis=1)) / of_y.sum(axis=1)
        dw = np.where(free, own + dy[:, None] * of_y, 0.0)
        dt = groups.totals(dw)
        ds_least, ds_most = dt + off_least, -dt + off_most
        dz_low = np.where(free, target / s_low - s.z_low - s.z_low / s_low * dw, 0.0)
        dz_high = np.where(free, target / s_high - s.z_high + s.z_high / s_high * dw, 0.0)
        dz_least = target / s.s_least - s.z_least - s.z_least / s.s_least * ds_least
        dz_most = target / s.s_most - s.z_most - s.z_most / s.s_most * ds_most
        return dw, dz_low, dz_high, ds_least, ds_most, dz_least, dz_most, dy

    step = moves(target)
    dw, dz_low, dz_high, ds_least, ds_most, dz_least, dz_most, dy = step
    inside = _longest([(s_low, np.where(free, dw, 0.0)), (s_high, np.where(free, -dw, 0.0)),
                       (s.s_least, ds_least), (s.s_most, ds_most)])  # fmt: skip
    priced = _longest([(np.where(free, s.z_low, 1.0), dz_low), (np.where(free, s.z_high, 1.0), dz_high),
                       (s.z_least, dz_least), (s.z_most, dz_most)])  # fmt: skip
    # One length for both, as the cost is no parabola.
    far = np.minimum(inside, priced)[:, None]
    moved = _State(
        s.w + far * dw, s.z_low + far * dz_low, s.z_high + far * dz_high, s.s_least + far * ds_least,
        s.s_most + far * ds_most, s.z_least + far * dz_least, s.z_most + far * dz_most, s.y + far[:, 0] * dy,
    )  # fmt: skip
    # By price and room: the price of a weight that a prior lets fall without end keeps falling with it.
    room = np.minimum(np.where(steeper > 0.0, s_low, s_high) * s.w.shape[1], 1.0)
    return moved, np.max(np.where(free, np.minimum(np.abs(left), np.abs(steeper) * room), 0.0), axis=1)


def _own(cost: Cost, args: Any, w: Any, steep: Any) -> Any:
    """The diagonal part of a curvature that is a diagonal and few directions together, as far as products tell.

    Products with random signs are Y = D V + U M, of which the rows of U M lie in few directions: those that Y - D V has
    most of, with D as it was known before. Across them D is a quotient, row by row.
    """
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (w.shape[1], PROBES))
    found = in_lanes(_probed(cost), w, args, np.tile(signs, (len(w), 1, 1)), few=max(1, _few(w) // PROBES))
    own = np.maximum(np.mean(found * signs, axis=2), 0.0)
    for _ in range(4):
        rest = (found - own[:, :, None] * signs) / np.sqrt(steep + own)[:, :, None]
        across = np.linalg.eigh(np.swapaxes(rest, 1, 2) @ rest)[1][:, :, : PROBES // 2]
        by = signs @ across
        own = np.maximum(np.sum((found @ across) * by, axis=2) / np.sum(by * by, axis=2), 0.0)
    return own


def _conjugate(product: Callable[[Any], Any], right: Any, steep: Any, most: int) -> Any:
    """The solutions of positive systems that are known by their products, one a lane, preconditioned by a diagonal."""
    x, rest = np.zeros_like(right), right
    way = near = rest / steep
    size = first = np.sum(rest * near, axis=1)
    for _ in range(most):
        if not (size > NEARLY**2 * first).any():
            break
        bent = product(way)
        far = size / np.maximum(np.sum(way * bent, axis=1), 1e-300)
        x, rest = x + far[:, None] * way, rest - far[:, None] * bent
        near = rest / steep
        last, size = size, np.sum(rest * near, axis=1)
        way = near + (size / np.maximum(last, 1e-300))[:, None] * way
    return np.where((size > ROUGHLY**2 * first)[:, None], np.nan, x)


def _longest(pairs: list[tuple[Any, Any]]) -> Any:
    """The longest step, 1 at most, that keeps all of some numbers above 0."""
    shares = [
        np.where(move < 0.0, -NEAR * at / np.where(move < 0.0, move, -1.0), 1.0).min(axis=1) for at, move in pairs
    ]
    return np.minimum(np.min(shares, axis=0), 1.0)


def _settled(s: _State, low: Any, high: Any, groups: Groups | None, unit: Any) -> Any:
    """Feasible weights, those being at a limit whose price, in units of slopes, is above their distance from it."""
    at_low, at_high = s.z_low > (s.w - low) * unit[:, None], s.z_high > (high - s.w) * unit[:, None]
    free = ~(at_low | at_high)
    bottom = np.where(free, low, np.where(at_low, low, high))
    top = np.where(free, high, np.where(at_low, low, high))
    possible = (bottom.sum(axis=1) <= 1.0) & (top.sum(axis=1) >= 1.0)
    if groups is not None:
        possible &= np.all(groups.totals(bottom) <= groups.high + 1e-12, axis=1)
        possible &= np.all(groups.totals(top) >= groups.low - 1e-12, axis=1)
    possible &= np.isfinite(s.w).all(axis=1)
    bottom, top = np.where(possible[:, None], bottom, low), np.where(possible[:, None], top, high)
    return project(np.where(np.isfinite(s.w), np.maximum(s.w, 0.0), 1.0), bottom, top, groups=groups)


def plane_gap(
    w: Float[np.ndarray, "lane pool"], slope: Float[np.ndarray, "lane pool"], low: Float[np.ndarray, "lane pool"],
    high: Float[np.ndarray, "lane pool"], groups: Groups | None = None,
) -> Float[np.ndarray, " lane"]:  # fmt: skip
    """What the tangent plane promises at most within the limits: no weights of a convex cost are better by more.

    The plane's own best weights give each group its least, cheapest pools first, and then what is left to the cheapest
    of all that still may have more.
    """
    lanes, pools = w.shape
    best, order = low.copy(), np.argsort(slope, axis=1)
    if groups is None:
        room = np.take_along_axis(high - low, order, axis=1)
        left = 1.0 - low.sum(axis=1, keepdims=True) - (np.cumsum(room, axis=1) - room)
        np.put_along_axis(best, order, np.take_along_axis(low, order, axis=1) + np.clip(left, 0.0, room), axis=1)
        return _promised(slope, w, best)
    of_pool = np.argmax(groups.member, axis=1)
    lane = np.arange(lanes)
    for limit in (groups.low, groups.high):
        for k in range(pools):
            i = order[:, k]
            g = of_pool[lane, i]
            totals = groups.totals(best)
            room = np.minimum(high[lane, i] - best[lane, i], limit[lane, g] - totals[lane, g])
            room = np.minimum(room, 1.0 - totals.sum(axis=1))
            best[lane, i] += np.maximum(room, 0.0)
    return _promised(slope, w, best)


def _promised(slope: Any, w: Any, best: Any) -> Any:
    return np.maximum(np.sum(np.where(np.isfinite(slope), slope, 0.0) * (w - best), axis=1), 0.0)


@functools.lru_cache(maxsize=64)
def _sloped(cost: Cost) -> Callable[..., Any]:
    return jax.value_and_grad(cost)


@functools.lru_cache(maxsize=64)
def _curved(cost: Cost) -> Callable[..., Any]:
    slope = _sloped(cost)

    def at(w: Any, arg: Any) -> Any:
        def row(direction: Any) -> Any:
            return jax.jvp(lambda w: slope(w, arg), (w,), (direction,))[1][1]

        value, first = slope(w, arg)
        return value, first, jax.vmap(row)(np.eye(w.shape[0], dtype=w.dtype))

    return at


@functools.lru_cache(maxsize=64)
def _bent(cost: Cost) -> Callable[..., Any]:
    """The product of the curvature with a direction."""

    def along(w: Any, arg: Any, direction: Any) -> Any:
        return jax.jvp(lambda w: jax.grad(cost)(w, arg), (w,), (direction,))[1]

    return along


@functools.lru_cache(maxsize=64)
def _probed(cost: Cost) -> Callable[..., Any]:
    """Its products with the columns of a table."""
    return lambda w, arg, table: jax.vmap(lambda one: _bent(cost)(w, arg, one), in_axes=1, out_axes=1)(table)


def _few(w: Any) -> int:
    """Lanes of a program: of many weights few are work enough."""
    return max(1, min(64, 4096 // w.shape[1]))


def _slopes(cost: Cost, args: Any, w: Any) -> tuple[Any, Any]:
    return in_lanes(_sloped(cost), w, args, few=_few(w))


def _curvatures(cost: Cost, args: Any, w: Any) -> tuple[Any, Any, Any]:
    few = max(1, min(64, NUMBERS // w.shape[1]))
    return in_lanes(_curved(cost), w, args, few=few)
