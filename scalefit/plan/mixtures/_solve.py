"""The weights of least cost within limits: certified where the cost is convex, from many starts where it is not."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from ...solve import Groups, descend_on_simplex, in_lanes, minimise_convex, minimise_on_host, plane_gap
from ._limits import Box
from ._objective import Form, Mix, cost_by, kinks_of

LARGEST = 8192
"""Domains up to which an interior point is taken."""
CERTAIN = 1e-7
"""Gap, relative to the spread of slopes, up to which an optimum counts as certified."""
KINKED = 1e-6
"""The same of a cost with kinks, whose prices rounding ends sooner."""
ROUNDED = 1e-3
"""Temperature, of the spread of the cost over the starts, at which kinks are rounded in a search by slopes alone."""
COOLINGS = 3
"""Times that the best end is searched on from, kinks being rounded at a tenth of the temperature each time."""
APART = 1e-3
"""Weights further apart than this are of different optima."""


class Solved(NamedTuple):
    """Where the lanes ended.

    **Arguments:**

    - `weights`: By lane.
    - `slope`: Of the cost; `kkt`: along the best move of weight from one domain to another, 0 where none pays; of a
        search by slopes alone with kinks rounded at `ROUNDED`.
    - `gap`: By how much the cost may exceed the least at most; NaN where it is not known to be convex.
    - `optima`: Distinct optima that the starts led to; 1 where it is convex.
    """

    weights: Float[np.ndarray, "lane domain"]
    slope: Float[np.ndarray, "lane domain"]
    kkt: Float[np.ndarray, " lane"]
    gap: Float[np.ndarray, " lane"]
    optima: np.ndarray


def solved(
    form: Form, mix: Mix, box: Box, starts: Float[np.ndarray, "start domain"], *, convex: bool, solver: Any = None
) -> Solved:
    """The best weights of each lane.

    **Arguments:**

    - `mix`: The numbers of the cost, with a leading axis of lanes.
    - `starts`: Where a search that is not convex begins.
    - `convex`: Whether the cost is known to be.
    - `solver`: An optimiser of Optax in place of ours.
    """
    lanes, pools = len(mix.temperature), len(box.low)
    low, high = (np.tile(limit, (lanes, 1)) for limit in (box.low, box.high))
    groups = None if box.groups is None else Groups(*(np.tile(a, (lanes, *[1] * a.ndim)) for a in box.groups))
    kinked = form.how == "worst" or form.risk == "cvar"
    cost = cost_by(form)
    if solver is None and convex and pools <= LARGEST:
        draws = 1 if form.risk is None else np.shape(jax.tree.leaves(mix.law)[0])[1]
        found = minimise_convex(cost, mix, low, high, groups, kinks_of(form, draws))
        good = np.isfinite(found.value) & (found.gap <= (KINKED if kinked else CERTAIN) * found.unit)
        kkt = pair_slope(found.weights, found.slope, low, high, groups)
        whole = Solved(found.weights, found.slope, kkt, found.gap, np.ones(lanes, int))
        if good.all():
            return whole
        some = np.flatnonzero(~good)
        part = jax.tree.map(lambda a: a[some], (mix, low, high, groups))
        near = np.concatenate([found.weights[some, None], np.tile(starts, (len(some), 1, 1))], axis=1)
        again = _searched(
            form, part[0], part[1], part[2], part[3], np.where(np.isfinite(near), near, 1.0 / pools), kinked, convex
        )
        better = ~(found.gap[some] <= again.gap)
        for column, other in zip(whole, again, strict=True):
            column[some[better]] = other[better]
        return whole
    return _searched(form, mix, low, high, groups, np.tile(starts, (lanes, 1, 1)), kinked, convex, solver)


def _searched(
    form: Form, mix: Mix, low: np.ndarray, high: np.ndarray, groups: Groups | None, starts: np.ndarray, kinked: bool,
    convex: bool, solver: Any = None,
) -> Solved:  # fmt: skip
    """The best of what every start leads to, each as a problem of its own."""
    lanes, count, pools = starts.shape
    cost = cost_by(form)
    if kinked:
        each = jax.tree.map(lambda a: np.repeat(a, count, axis=0), mix)
        values = in_lanes(cost, starts.reshape(-1, pools), each).reshape(lanes, count)
        mix = mix._replace(temperature=ROUNDED * np.maximum(np.ptp(values, axis=1), 1e-9 * np.abs(values[:, 0])))
    mixes, *ends, limits = jax.tree.map(lambda a: np.repeat(a, count, axis=0), (mix, low, high, groups))
    if solver is None:
        found = minimise_on_host(cost, cost, mixes, starts.reshape(-1, 1, pools), *ends, groups=limits)
    else:
        found = descend_on_simplex(cost, mixes, starts.reshape(-1, pools), *ends, optimiser=solver, groups=limits)
    value = np.where(np.isfinite(found.value), found.value, np.inf).reshape(lanes, count)
    ends = np.asarray(found.weights).reshape(lanes, count, pools)
    best = np.argmin(value, axis=1)
    weights = ends[np.arange(lanes), best]
    kkt = np.asarray(found.kkt).reshape(lanes, count)[np.arange(lanes), best]
    if kinked and solver is None:
        # What is rounded less and less draws the best end to where the cost itself is least.
        for _ in range(COOLINGS):
            mix = mix._replace(temperature=0.1 * mix.temperature)
            cooled = minimise_on_host(cost, cost, mix, weights[:, None], low, high, groups=groups)
            weights = np.asarray(cooled.weights)
    slope = in_lanes(_sloped(form), weights, mix)
    gap = np.full(lanes, np.nan)
    if convex:
        # What is rounded is above the cost by so much at most.
        rounded = mix.temperature * (np.log(form.targets) if form.how == "worst" else 0.0)
        rounded = rounded + (mix.temperature * np.log(2.0) / (1.0 - form.level) if form.risk == "cvar" else 0.0)
        gap = plane_gap(weights, slope, low, high, groups) + (rounded if kinked else 0.0)
    optima = np.ones(lanes, int) if convex else _distinct(ends, np.asarray(found.kkt).reshape(lanes, count) > -1e-4)
    return Solved(weights.copy(), slope, kkt.copy(), gap, optima)


@functools.lru_cache(maxsize=256)
def _sloped(form: Form) -> Callable[[Any, Mix], Any]:
    return jax.grad(cost_by(form))


def _distinct(ends: Float[np.ndarray, "lane start domain"], rests: Bool[np.ndarray, "lane start"]) -> np.ndarray:
    """How many different optima there are among where the starts ended."""
    found = np.zeros(len(ends), int)
    for lane, (some, fine) in enumerate(zip(ends, rests, strict=True)):
        kept: list[np.ndarray] = []
        for w in some[fine]:
            if all(np.abs(w - other).max() > APART for other in kept):
                kept.append(w)
        found[lane] = len(kept)
    return found


def pair_slope(
    w: np.ndarray, slope: np.ndarray, low: np.ndarray, high: np.ndarray, groups: Groups | None
) -> Float[np.ndarray, " lane"]:
    """The slope along the best move of weight that limits allow; 0 where none pays."""
    takes, gives = np.where(w < high - 1e-9, slope, np.inf), np.where(w > low + 1e-9, slope, -np.inf)
    if groups is None:
        return np.minimum(takes.min(axis=1) - gives.max(axis=1), 0.0)
    inside = groups.member > 0.5
    of_takes = np.where(inside, takes[:, None], np.inf).min(axis=2)
    of_gives = np.where(inside, gives[:, None], -np.inf).max(axis=2)
    totals = groups.totals(w)
    across = np.where(totals < groups.high - 1e-9, of_takes, np.inf).min(axis=1)
    across = across - np.where(totals > groups.low + 1e-9, of_gives, -np.inf).max(axis=1)
    return np.minimum(np.minimum((of_takes - of_gives).min(axis=1), across), 0.0)


class Active(NamedTuple):
    """A limit that the best weights are at.

    **Arguments:**

    - `name`: Of the domain, or of the group.
    - `kind`: `"least"`, `"most"`, `"tokens"` or `"fixed"`; of a group `"group least"` or `"group most"`.
    - `bound`: The weight that it allows.
    - `price`: By how much the objective would fall for each unit of weight by which it were loosened.
    """

    name: str
    kind: str
    bound: float
    price: float


def active_limits(
    domains: tuple[str, ...], w: Float[np.ndarray, " domain"], slope: Float[np.ndarray, " domain"], box: Box,
    strays: bool,
) -> tuple[Active, ...]:  # fmt: skip
    """The limits that weights are at, with their prices, the dearest first.

    Where straying from a prior has a price no weight falls to 0, and so 0 is no limit, however near.
    """
    member = np.ones((1, len(w))) if box.groups is None else box.groups.member
    of = np.argmax(member, axis=0)
    totals = member @ w
    fixed = box.high - box.low <= 1e-12
    at_low, at_high = (w <= box.low + 1e-9) & ~fixed, (w >= box.high - 1e-9) & ~fixed & (box.high < 1.0)
    free = ~(at_low | at_high | fixed)
    at_low &= (box.low > 0.0) | (not strays)
    bottom, top = np.zeros(len(totals), bool), np.zeros(len(totals), bool)
    if box.groups is not None:
        bottom = (totals <= box.groups.low + 1e-9) & (box.groups.low > 0.0)
        top = (totals >= box.groups.high - 1e-9) & (box.groups.high < 1.0)

    def level(some: np.ndarray) -> float:
        """The slope of weights that are free; of none, between those that have had enough and those that lack."""
        if (some & free).any():
            return float(np.mean(slope[some & free]))
        full, empty = slope[some & at_high], slope[some & at_low]
        ends = [*([full.max()] if full.size else []), *([empty.min()] if empty.size else [])]
        return float(np.mean(ends)) if ends else 0.0

    loose = ~(bottom | top)
    common = level(loose[of]) if loose.any() else level(np.ones(len(w), bool))
    levels = np.array([common if loose[g] else level(of == g) for g in range(len(totals))])
    found = []
    for i, name in enumerate(domains):
        price = float(levels[of[i]] - slope[i])
        if fixed[i]:
            found.append(Active(name, "fixed", float(box.low[i]), abs(price)))
        elif at_high[i]:
            found.append(Active(name, "tokens" if box.capped[i] else "most", float(box.high[i]), max(price, 0.0)))
        elif at_low[i]:
            found.append(Active(name, "least", float(box.low[i]), max(-price, 0.0)))
    if box.groups is not None:
        for g in np.flatnonzero(bottom | top):
            kind, bound = ("group most", box.groups.high[g]) if top[g] else ("group least", box.groups.low[g])
            found.append(Active(box.names[g], kind, float(bound), abs(float(common - levels[g]))))
    return tuple(sorted(found, key=lambda one: -one.price))
