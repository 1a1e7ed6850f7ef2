r"""Minimising convex functions of weights on the simplex under limits, many at once, to rounding: an interior point.

With slacks s of every limit and their prices z, Newton's method on

    slope(w) = y + prices of the limits,   sum(w) = 1,   s z = mu,

mu falling to nothing. Each step solves one system of the size of the weights:

    (curvature + diag(z/s of the limits) + members' diag(z/s of the groups) members) dw - dy = ...

Steps are some fifteen whatever the limits, and give their prices with the weights. Of many weights the system is
solved by conjugate gradients among moves that keep the sum, preconditioned by the diagonal of the limits: what curves
the cost in few directions, as a few targets do, takes few products with the curvature, and no table of it. What each
weight curves on its own besides, as a sum over domains or a price of straying from a prior does, is told from products
with random signs and is of the diagonal too, once the limits alone have not done. Solutions are rough at first and
finer towards the end.

One step code has two drivers: NumPy, the slopes of the cost and products with its curvature alone being compiled, for a
first answer without a wait; and one compiled loop for the draws of a law, whose lanes NumPy takes on where it is lost.
Costs with kinks have prices of their pieces beside those of limits (`_simplex_pieces.py`).
"""

import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._conjugate import Whole, conjugate
from ._driver import Driver, Job
from ._groups import Groups
from ._lanes import few_lanes, in_blocks, in_lanes
from ._namespace import namespace, select
from ._simplex_pieces import Kinks, Priced, Prices, allowed, begun, dearest, lagrangian, priced_at
from ._simplex_steps import Cost, project

STEPS = 80
"""Steps at most; hard problems take thirty."""
NEAR = 0.995
"""Share of the way to the nearest limit that a step may go."""
ENOUGH = 1e-12
"""Complementarity, relative to the spread of slopes, at which a lane is done."""
AT_REST = 1e-8
"""What prices, or a lack of room, may leave of the slopes one step before the last, relative to their spread."""
NEARBY = 1e-8
"""What prices of pieces miss, likewise, from which on a step that rounding takes back ends the search."""
NUMBERS = 2048
"""Lanes times weights whose curvatures are one program's."""
DIRECT, TABLE, PRODUCTS = 128, 512, 100
"""Weights up to which systems are solved by elimination, and up to which they are where conjugate gradients of so many
products do not: costs that curve in every direction and couple weights in many."""
PROBES = 32
"""Products that tell what each weight curves on its own from what curves in up to half as many directions together."""
NEARLY, ROUGHLY = 1e-9, 1e-3
"""What conjugate gradients leave of a right side in the end and at first, as a share of it in the norm of the
preconditioner; those that leave a thousand times that have failed."""
COMPILING = 1.5
"""Core-seconds of the host's work from which compiling the loop pays; a solve takes it some .01, and 6e-6 a weight."""

How = Literal["elimination", "limits", "own"]
"""By what systems are solved: elimination, or conjugate gradients with either of two diagonals."""


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
    rest: Any  # what prices left of the slopes before the last step
    prices: Prices | None = None  # of the pieces of a cost with kinks
    missed: Any = None  # what these missed of the cost before the last step


class _Task(NamedTuple):
    args: Any
    low: Any
    high: Any
    groups: Groups | Whole
    unit: Any


def minimise_convex(
    cost: Cost,
    args: Any,
    low: Float[np.ndarray, "lane pool"],
    high: Float[np.ndarray, "lane pool"],
    groups: Groups | None = None,
    kinks: Kinks | None = None,
    direct: bool | None = None,
    driver: Driver = "auto",
) -> Convex:
    """The weights of least cost on the simplex within limits.

    **Arguments:**

    - `cost`: A convex function of the weights and the numbers of one problem, twice differentiable within the limits.
    - `args`: The numbers of the problems, a pytree of arrays with a leading axis of lanes.
    - `low`, `high`: Limits of the weights, with sum(low) <= 1 <= sum(high).
    - `groups`: Limits of the totals of groups.
    - `kinks`: Of a cost with kinks, its pieces; the cost itself is not asked then.
    - `direct`: Whether systems are solved by elimination; `None` for what fits the number of weights.
    - `driver`: Where steps are taken that solve no system by elimination, and meet no kinks; see `driver`.
    """
    lanes, pools = low.shape
    first = project(np.ones_like(low), low, high, groups=groups)
    met = groups or Whole(np.ones((lanes, 1, 1)), np.zeros((lanes, 1)), np.ones((lanes, 1)))
    # Limits that the sum keeps anyway would be met twice, and have no price.
    met = met._replace(low=np.where(met.low <= 0.0, -1.0, met.low), high=np.where(met.high >= 1.0, 2.0, met.high))
    # Inside, but for what has no inside: it stays where it is.
    inner = 0.05 * np.clip(high - low, 0.0, 1.0 / pools)
    w = np.where(high - low > 1e-13, np.clip(first, low + inner, high - inner), low)
    with np.errstate(all="ignore"):
        if kinks is None:
            value, slope = _slopes(cost, args, w)
            unit, prices, missed = np.maximum(np.ptp(slope, axis=1), 1e-6 * np.abs(value) + 1e-300), None, None
        else:
            prices, unit = begun(kinks, w, args)
            cost, missed = lagrangian(kinks.pieces), np.full(lanes, np.inf)
            slope = _slopes(cost, (args, prices.p), w, prices.p.shape[1])[1]
        task = _Task(args, low, high, met, unit)
        state = _begun(w, slope, task)._replace(prices=prices, missed=missed)
        how = "elimination" if direct or (direct is None and pools <= DIRECT) else "limits"
        work = 0.01 + 6e-6 * lanes * pools
        job = Job.of(
            "host" if how == "elimination" or kinks is not None else driver, (task, state), (cost,), work, COMPILING
        )
        if job.here:
            job.did(work)
            out = _on_host(cost, kinks, state, task, how)
        else:
            width = min(few_lanes(w, args), 1 << (lanes - 1).bit_length())
            out: _State = in_blocks(functools.partial(_looped, cost), (state, task), width)
        for other in ("own", "elimination") if direct is None and pools <= TABLE else ("own",):
            lost = ~np.isfinite(out.w).all(axis=1)
            if how == "elimination" or not lost.any():
                break
            some = jax.tree.map(lambda a, lost=lost: a[lost], (state, task))
            _put(out, np.flatnonzero(lost), _on_host(cost, kinks, some[0], some[1], other))
        found = _judged(cost, kinks, out, _settled(out, task, groups), task, groups)
        unsure = ~(found.gap <= NEARBY * unit)
        if unsure.any():
            # Costs that fall without end towards a limit, as a price of straying does, keep weights a hair off it.
            other = _judged(cost, kinks, out, _settled(out, task, groups, snap=False), task, groups)
            better = np.flatnonzero(unsure & (other.gap < found.gap))
            for column, one in zip(found, other, strict=True):
                column[better] = one[better]
        return found


def _judged(cost: Cost, kinks: Kinks | None, out: _State, w: np.ndarray, task: _Task, groups: Groups | None) -> Convex:
    """Feasible weights with the gap that their slopes, or those of their pieces at two sets of prices, certify."""
    args, low, high, _, unit = task
    if kinks is None or out.prices is None:
        value, slope = _slopes(cost, args, w)
        return Convex(w, value, slope, plane_gap(w, slope, low, high, groups), unit)
    found = allowed(kinks, np.where(np.isfinite(out.prices.p), out.prices.p, 1.0))
    values = priced_at(kinks, w, args, out.prices).value
    own = dearest(kinks, values)
    value, each = np.sum(own * values, axis=(1, 2)), []
    for p in (found, own):
        # At any prices the sum of pieces is no more than the cost, so that what bounds it bounds the cost.
        slope = _slopes(cost, (args, p), w, p.shape[1])[1]
        gap = plane_gap(w, slope, low, high, groups) + (value - np.sum(p * values, axis=(1, 2)))
        each.append(Convex(w, value, slope, gap, unit))
    better = each[1].gap < each[0].gap
    slope = np.where(better[:, None], each[1].slope, each[0].slope)
    return each[0]._replace(slope=slope, gap=np.where(better, each[1].gap, each[0].gap))


def _on_host(cost: Cost, kinks: Kinks | None, state: _State, task: _Task, how: How) -> _State:
    """Where steps under NumPy end; conjugate gradients take what each weight curves on its own where they need it."""
    out, left, least = jax.tree.map(np.array, state), np.arange(len(state.w)), np.full(len(state.w), np.inf)
    for _ in range(STEPS):
        before, state = state, _stepped(cost, kinks, state, task, how)
        if how == "limits" and not np.isfinite(state.w).all():
            how = "own"
            state = _stepped(cost, kinks, before, task, how)
        over = _over(state, task)
        if kinks is not None:
            # Prices of pieces come to where rounding takes the next step back: the nearest is kept.
            missed = np.maximum(state.missed, state.rest)
            better = missed < least[left]
            _put(out, left[better], _of_lanes(better, before))
            least[left[better]] = missed[better]
            near = least[left] / task.unit
            over = (near < ENOUGH) | ((near < NEARBY) & ~better) | ~np.isfinite(state.w).all(axis=1)
        if over.any():
            if kinks is None:
                _put(out, left[over], _of_lanes(over, state))
            left = left[~over]
            state, task = _of_lanes(~over, (state, task))
        if not left.size:
            break
    if kinks is None:
        _put(out, left, state)
    return out


def _put(out: _State, lanes: np.ndarray, part: _State) -> None:
    for whole, some in zip(jax.tree.leaves(out), jax.tree.leaves(part), strict=True):
        whole[lanes] = some


def _of_lanes(some: np.ndarray, of: Any) -> Any:
    return jax.tree.map(lambda a: a[some], of)


@functools.partial(jax.jit, static_argnums=0)
def _looped(cost: Cost, given: tuple[_State, _Task]) -> _State:
    """The same as one program."""
    state, task = given

    def going(at: Any) -> Any:
        return (at[2] < STEPS) & ~at[1].all()

    def step(at: Any) -> Any:
        state, over, count = at
        state = select(over, state, _stepped(cost, None, state, task, "limits", over))
        return state, _over(state, task), count + 1

    return jax.lax.while_loop(going, step, (state, _over(state, task), jnp.zeros((), jnp.int32)))[0]


def _begun(w: Any, slope: Any, task: _Task) -> _State:
    _, low, high, groups, unit = task
    total = groups.totals(w)
    least, most = np.maximum(total - groups.low, 1e-2), np.maximum(groups.high - total, 1e-2)
    mu = 0.1 * unit[:, None] / w.shape[1]
    free = high - low > 1e-13
    y = np.sum(np.where(free, slope, 0.0), axis=1) / np.maximum(free.sum(axis=1), 1)
    # Prices make up for the slopes from the first.
    above = np.where(np.isfinite(slope), slope - y[:, None], 0.0)
    of_low, of_high = (
        np.where(free, mu / np.where(free, room, 1.0) + np.maximum(by, 0.0), 0.0)
        for room, by in ((w - low, above), (high - w, -above))
    )
    y = np.where(np.isfinite(y), y, 0.0)
    return _State(w.copy(), of_low, of_high, least, most, mu / least, mu / most, y, np.full(len(w), np.inf))


def _over(s: _State, task: _Task) -> Any:
    """Lanes that are done, or lost."""
    np_ = namespace(s.w)
    done = (_complementarity(s, task) < ENOUGH * task.unit) & (s.rest < AT_REST * task.unit)
    return done | ~np_.isfinite(s.w).all(axis=1)


def _complementarity(s: _State, task: _Task) -> Any:
    """What slacks and prices leave, and by how much the totals are missed."""
    _, low, high, groups, _ = task
    np_, total = namespace(s.w), groups.totals(s.w)
    left = np_.sum((s.w - low) * s.z_low + (high - s.w) * s.z_high, axis=1)
    left = left + np_.sum(s.s_least * s.z_least + s.s_most * s.z_most, axis=1)
    off = np_.abs(total - groups.low - s.s_least) * s.z_least + np_.abs(groups.high - total - s.s_most) * s.z_most
    return left + np_.sum(off, axis=1) + np_.abs(s.w.sum(axis=1) - 1.0) * np_.abs(s.y)


def _stepped(cost: Cost, kinks: Kinks | None, s: _State, task: _Task, how: How, idle: Any = False) -> _State:
    """One step from every lane; those that are idle wait for no good one."""
    args, low, high, groups, unit = task
    np_, free = namespace(s.w), high - low > 1e-13
    s_low, s_high = np_.where(free, s.w - low, 1.0), np_.where(free, high - s.w, 1.0)
    per_low, per_high = np_.where(free, 1.0 / s_low, 0.0), np_.where(free, 1.0 / s_high, 0.0)
    per_least, per_most = 1.0 / s.s_least, 1.0 / s.s_most
    count = 2.0 * np_.sum(np_.where(free, 1.0, 0.0), axis=1) + 2.0 * groups.low.shape[1]
    paired = np_.sum(s_low * s.z_low + s_high * s.z_high, axis=1)
    paired = paired + np_.sum(s.s_least * s.z_least + s.s_most * s.z_most, axis=1)
    priced = None
    if kinks is not None and s.prices is not None:
        priced = priced_at(kinks, s.w, args, s.prices)
        args, paired, count = (args, s.prices.p), paired + priced.paired, count + priced.count
    share = paired / unit
    slope, curved = _curvature(cost, args, s.w, how, priced)
    total = groups.totals(s.w)
    off_least, off_most = total - groups.low - s.s_least, groups.high - total - s.s_most
    steeper = slope - s.y[:, None] - groups.of_pools(s.z_least - s.z_most)
    left = steeper - s.z_low + s.z_high
    stiff, limited = s.z_least * per_least + s.z_most * per_most, s.z_low * per_low + s.z_high * per_high
    # By price and room: the price of a weight that a prior lets fall without end keeps falling with it.
    room = np_.minimum(np_.where(steeper > 0.0, s_low, s_high) * s.w.shape[1], 1.0)
    rest = np_.max(np_.where(free, np_.minimum(np_.abs(left), np_.abs(steeper) * room), 0.0), axis=1)
    # Ever faster towards the end, but where prices of pieces come along; not far ahead of the slopes that prices leave,
    # and not beyond the end, where slacks round to nothing.
    rate = 0.1 if priced is not None else np_.minimum(0.1, np_.sqrt(share))
    aim = np_.maximum(np_.maximum(rate * paired, 1e-3 * rest), 0.1 * ENOUGH * unit)
    target = (aim / np_.maximum(count, 1.0))[:, None]
    right = s.y[:, None] - slope + target * (per_low - per_high)
    if priced is not None:
        right = right + priced.right(target[:, :, None])
    for_groups = (target - s.z_least * off_least) * per_least - (target - s.z_most * off_most) * per_most
    missing = 1.0 - s.w.sum(axis=1)
    if how == "elimination":
        dw, dy = _eliminated(curved, limited, stiff, task, right + groups.of_pools(for_groups), missing)
        dt = groups.totals(dw)
    else:
        enough = np_.where(idle, 1.0, np_.clip(share, NEARLY, ROUGHLY))
        # Moves that neither the cost nor a limit tells apart are held back a little, or rounding would lead them.
        diagonal = limited + 1e-6 * unit[:, None]

        def product(v: Any) -> Any:
            return curved(v) + np_.where(free, diagonal, 0.0) * v

        known = diagonal + _own(cost, args, s.w, diagonal) if how == "own" else diagonal
        # Products one by one beyond that many cost more than the probes all at once; in a program they cost little.
        most = 10 * PRODUCTS if np_ is jnp else PRODUCTS if how == "own" else PRODUCTS // 2
        inverse = np_.where(free, 1.0 / known, 0.0)
        dw, dt, dy = conjugate(product, inverse, groups, stiff, right, for_groups, missing, enough, most)
    ds_least, ds_most = dt + off_least, -dt + off_most
    dz_low = target * per_low - s.z_low * (1.0 + per_low * dw)
    dz_high = target * per_high - s.z_high * (1.0 - per_high * dw)
    dz_least = target * per_least - s.z_least * (1.0 + per_least * ds_least)
    dz_most = target * per_most - s.z_most * (1.0 + per_most * ds_most)
    far = _longest(np_.maximum(-dw * per_low, dw * per_high), np_.maximum(-ds_least * per_least, -ds_most * per_most))
    paid = _longest(
        np_.where(free, np_.maximum(-dz_low / s.z_low, -dz_high / s.z_high), 0.0),
        np_.maximum(-dz_least / s.z_least, -dz_most / s.z_most),
    )
    prices, missed = None, None
    if priced is not None:
        # One length for all: what pieces are worth changes with the weights.
        bought = priced.moves(dw, target[:, :, None])
        far = paid = np.minimum(np.minimum(far, paid), _longest(*priced.shrinking(bought)))
        prices = jax.tree.map(lambda a, da: a + far[:, :, None] * da, s.prices, bought)
        missed = _complementarity(s, task) + priced.missed + priced.paired
    return _State(
        s.w + far * dw, s.z_low + paid * dz_low, s.z_high + paid * dz_high, s.s_least + far * ds_least,
        s.s_most + far * ds_most, s.z_least + paid * dz_least, s.z_most + paid * dz_most, s.y + far[:, 0] * dy,
        rest, prices, missed,
    )  # fmt: skip


def _curvature(cost: Cost, args: Any, w: Any, how: How, priced: Priced | None) -> tuple[Any, Any]:
    """The slopes, and the curvature: a table for each lane, or what multiplies by it."""
    draws = 1 if priced is None else priced.value.shape[1]
    if how == "elimination":
        few = min(few_lanes(w, args, draws), max(1, NUMBERS // (w.shape[1] * draws)))
        slope, curved = in_lanes(_curved(cost), w, args, few=few)
        return slope, curved if priced is None else curved + priced.curved()
    if isinstance(w, np.ndarray):

        def product(v: Any) -> Any:
            bent = in_lanes(_bent(cost), w, args, v, few=few_lanes(w, args, draws))
            return bent if priced is None else bent + priced.product(v)

        return _slopes(cost, args, w, draws)[1], product
    return jax.linearize(lambda w: jax.vmap(jax.grad(cost))(w, args), w)


def _eliminated(curved: Any, limited: Any, stiff: Any, task: _Task, right: Any, missing: Any) -> tuple[Any, Any]:
    """The move of weights and of the price of their sum, from tables of the curvature."""
    member, free = task.groups.member, task.high - task.low > 1e-13
    system = curved + np.swapaxes(member, 1, 2) @ (stiff[:, :, None] * member)
    along = np.arange(system.shape[1])
    # A hair of its own size: what the cost does not tell apart has no curvature.
    hair = 1e-14 * (np.trace(system, axis1=1, axis2=2)[:, None] + task.unit[:, None])
    system[:, along, along] += limited + hair
    system = np.where(free[:, :, None] & free[:, None, :], system, np.eye(len(along))[None])
    sides = np.stack([np.where(free, right, 0.0), np.where(free, 1.0, 0.0)], axis=-1)
    own, of_y = np.moveaxis(np.linalg.solve(system, sides), -1, 0)
    dy = (missing - own.sum(axis=1)) / of_y.sum(axis=1)
    return np.where(free, own + dy[:, None] * of_y, 0.0), dy


def _own(cost: Cost, args: Any, w: Any, steep: Any) -> Any:
    """The diagonal part of a curvature that is a diagonal and few directions together, as far as products tell.

    Products with random signs are Y = D V + U M, of which the rows of U M lie in few directions: those that Y - D V has
    most of, with D as it was known before. Across them D is a quotient, row by row.
    """
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (w.shape[1], PROBES))
    found = in_lanes(_probed(cost), w, args, np.tile(signs, (len(w), 1, 1)), few=max(1, few_lanes(w, args) // PROBES))
    own = np.maximum(np.mean(found * signs, axis=2), 0.0)
    for _ in range(4):
        rest = (found - own[:, :, None] * signs) / np.sqrt(steep + own)[:, :, None]
        across = np.linalg.eigh(np.swapaxes(rest, 1, 2) @ rest)[1][:, :, : PROBES // 2]
        by = signs @ across
        own = np.maximum(np.sum((found @ across) * by, axis=2) / np.sum(by * by, axis=2), 0.0)
    return own


def _longest(*shares: Any) -> Any:
    """The longest step, 1 at most, that leaves some of everything, given the shares that a whole step takes."""
    np_ = namespace(shares[0])
    most = functools.reduce(np_.maximum, [np_.max(a, axis=1, keepdims=True) for a in shares])
    return np_.minimum(NEAR / np_.maximum(most, 0.5 * NEAR), 1.0)


def _settled(s: _State, task: _Task, groups: Groups | None, snap: bool = True) -> Any:
    """Feasible weights, those whose limit has a price far above their distance from it being there if they `snap`."""
    # Nearer to none, a weight that goes to its limit would take the certificate with it.
    _, low, high, _, unit = task
    near = ((s.z_low, s.w - low), (s.z_high, high - s.w))
    at_low, at_high = (snap & (1e-3 * z > unit[:, None] * a) for z, a in near)
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

        return slope(w, arg)[1], jax.vmap(row)(np.eye(w.shape[0], dtype=w.dtype))

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


def _slopes(cost: Cost, args: Any, w: Any, draws: int = 1) -> tuple[Any, Any]:
    return in_lanes(_sloped(cost), w, args, few=few_lanes(w, args, draws))
