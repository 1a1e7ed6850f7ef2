"""Steps towards the best weights on the simplex, written for NumPy and for JAX alike.

Exponentiated gradient is sure where a function is convex, Adam in the logarithms leaves poor valleys; both run on a
smooth stand-in. The best point then moves on the function itself, weight going from pool to pool until no such move
pays: where the function has kinks its best weights often sit on one, and there no gradient vanishes.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ._groups import Groups, best_pair, by_group, room_between
from ._lanes import few_lanes, in_lanes
from ._namespace import Numbers, namespace, select

Cost = Callable[[Array, Any], Array]
"""What is minimised: weights and the numbers of one problem in, one number out; hashable, as a plain function is."""

Number = Any
"""A number, or an array of one: it may differ from call to call, and nothing is compiled anew."""

NUDGE = 1e-7
"""Share of a weight to either side at which slopes are taken, so that a kink at the weight itself has two."""
DUST = 1e-11
"""A weight no further than that from its lower limit is there."""
LEAST = 1e-12
"""The nudge of a weight of nothing."""
FLOOR = 1e-10
"""Share of a feasible middle that a search on a logarithmic scale keeps, so that no pool is lost to it for good."""
RATE, LAST_RATE = 0.3, 0.003
"""Adam's first and last steps in the logarithm of a weight."""
HALVINGS = 40
"""Bisections of a line: its width times 1e-12."""


def project(
    v: Float[Numbers, "*lane pool"],
    low: Float[Numbers, "*lane pool"],
    high: Float[Numbers, "*lane pool"],
    *,
    groups: Groups | None = None,
) -> Float[Numbers, "*lane pool"]:
    r"""The weights within limits that are nearest to v in relative entropy.

    $w = \min(\max(s\,v, low), high)$ with the s at which $\sum w = 1$: what is at no limit keeps its proportions. A v
    of zero stays at its lower limit as long as the others can make up the whole.

    **Arguments:**

    - `v`: Not negative, of any sum.
    - `low`, `high`: With $\sum low \le 1 \le \sum high$.
    - `groups`: Limits of totals, which leave some weights; a group at its limit is multiplied by an s of its own.
    """
    np_, tiny = namespace(v), np.finfo(v.dtype).tiny
    if groups is not None:
        return by_group(v, low, high, groups)
    rounding = (8 + v.shape[-1]) * np.finfo(v.dtype).eps
    # Next to nothing instead of nothing, so that some multiple of v always makes up the whole.
    raised = np_.maximum(v / np_.maximum(v.max(axis=-1, keepdims=True), tiny), 1e-30)

    def excess(p: _Projection) -> Any:
        return _total(_within(p.s * p.raised, p.low, p.high)) - 1.0

    def unsure(p: _Projection) -> Any:
        return (np_.abs(p.off) > rounding) & (p.count < 100)

    def halve(p: _Projection) -> _Projection:
        least, most = np_.where(p.off < 0, p.s, p.least), np_.where(p.off > 0, p.s, p.most)
        at = p.s * p.raised
        free = (at > p.low) & (at < p.high)
        # Exact where the same weights stay free, hence almost always the last step.
        rest = 1.0 - _total(np_.where(free, 0.0, _within(at, p.low, p.high)))
        exact = rest / np_.maximum(_total(np_.where(free, p.raised, 0.0)), tiny)
        s = np_.where((exact >= least) & (exact <= most), exact, np_.sqrt(least) * np_.sqrt(most))
        p = p._replace(s=s, least=least, most=most, count=p.count + 1)
        return p._replace(off=excess(p))

    s, count = 1.0 / _total(raised), np_.zeros((*v.shape[:-1], 1), np.int32)
    first = _Projection(raised, low, high, s, np_.full_like(s, 1e-32), np_.full_like(s, 1e32), s, count)
    s = _until_done(unsure, halve, first._replace(off=excess(first))).s
    w = _within(s * raised, low, high)
    return np_.where((v <= 0.0) & (w < 1e-20), low, w)


class _Projection(NamedTuple):
    """Multiples s of numbers, and brackets of that whose weights sum to 1."""

    raised: Float[Numbers, "*lane pool"]
    low: Float[Numbers, "*lane pool"]
    high: Float[Numbers, "*lane pool"]
    s: Float[Numbers, "*lane 1"]
    least: Float[Numbers, "*lane 1"]
    most: Float[Numbers, "*lane 1"]
    off: Float[Numbers, "*lane 1"]
    count: Int[Numbers, "*lane 1"]


class Task(NamedTuple):
    """What each lane is to minimise, and within which limits."""

    arg: Any
    low: Float[Numbers, "lane pool"]
    high: Float[Numbers, "lane pool"]
    groups: Groups | None = None


def taken(task: Task, lanes: Any) -> Task:
    return jax.tree.map(lambda a: a[lanes], task)


def _until_done(going: Callable[[Any], Any], step: Callable[[Any], Any], state: Any) -> Any:
    """Steps in every lane until it is done; on the host those that are left alone."""
    if not isinstance(jax.tree.leaves(state)[-1], np.ndarray):

        def together(state: Any) -> Any:
            return _chosen(going(state), step(state), state)

        return jax.lax.while_loop(lambda state: going(state).any(), together, state)
    left, out = np.arange(len(jax.tree.leaves(state)[0])), jax.tree.map(np.array, state)
    while left.size:
        active = going(state).reshape(len(left), -1).any(axis=1)
        if not active.all():
            for whole, some in zip(jax.tree.leaves(out), jax.tree.leaves(state), strict=True):
                whole[left[~active]] = some[~active]
            left, state = left[active], jax.tree.map(lambda a, active=active: a[active], state)
        state = step(state) if left.size else state
    return out


def _chosen(where: Any, new: Any, old: Any) -> Any:
    """The new state of lanes in which a condition holds, the old one of the others."""
    return jax.tree.map(lambda a, b: b if a is b else select(where, a, b), new, old)


def _value(cost: Cost, arg: Any, w: Numbers) -> Numbers:
    """The cost by lane; infinite where there is none."""
    # On the host one program does for both.
    return _real(_slopes(cost, arg, w)[0] if isinstance(w, np.ndarray) else jax.vmap(cost)(w, arg))


def _slopes(cost: Cost, arg: Any, w: Numbers) -> tuple[Numbers, Numbers]:
    """The cost and its slopes by lane."""
    if isinstance(w, np.ndarray):
        return in_lanes(_sloped(cost), w, arg, few=few_lanes(w, arg))
    return jax.vmap(_sloped(cost))(w, arg)


@functools.lru_cache(maxsize=64)
def _sloped(cost: Cost) -> Callable[[Array, Any], tuple[Array, Array]]:
    """The same function for the same cost, so that nothing is compiled twice."""
    return jax.value_and_grad(cost)


def _real(value: Any) -> Any:
    return namespace(value).where(namespace(value).isnan(value), np.inf, value)


def _total(a: Any) -> Any:
    return a.sum(axis=-1, keepdims=True)


def _within(a: Any, low: Any, high: Any) -> Any:
    return namespace(a).minimum(namespace(a).maximum(a, low), high)


def _at(a: Any, place: Any) -> Any:
    return namespace(a).take_along_axis(a, place, axis=-1)


# --- on the smooth stand-in ---


def searched(
    cost: Cost, smooth: Cost, task: Task, start: Numbers, steps: Number, adam_steps: Number, tolerance: Number
) -> tuple[Float[Numbers, "lane pool"], Float[Numbers, " lane"]]:
    """The best of the start, of where exponentiated gradient ends from it, and from the best point that Adam saw."""
    np_ = namespace(start)
    start = project(start, task.low, task.high, groups=task.groups)
    middle = project(np_.where(task.high > 0.0, 1.0, 0.0).astype(start.dtype), task.low, task.high, groups=task.groups)
    inner = task._replace(low=task.low + FLOOR * (middle - task.low))
    begin = project(start + FLOOR * middle, inner.low, inner.high, groups=task.groups)
    both = np_.concatenate([begin, _adam(smooth, inner, begin, adam_steps)])
    twice = jax.tree.map(lambda a: np_.concatenate([a, a]), inner)
    ends = _exponentiated(smooth, twice, both, steps, tolerance)
    found = np_.concatenate([start, ends])
    values = _value(cost, jax.tree.map(lambda a: np_.concatenate([a, a, a]), task.arg), found)
    found, values = found.reshape(3, *start.shape), values.reshape(3, -1)
    best = np_.argmin(values, axis=0)
    return np_.take_along_axis(found, best[None, :, None], axis=0)[0], np_.min(values, axis=0)


def _adam(smooth: Cost, task: Task, start: Numbers, steps: Number) -> Float[Numbers, "lane pool"]:
    """The best point that Adam sees in the logarithms of the weights, brought back within the limits at each step."""
    np_, tiny = namespace(start), np.finfo(start.dtype).tiny ** 0.5

    def step(k: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
        w, mean, square, best, least = state
        value, slope = _slopes(smooth, task.arg, w)
        better = value < least
        best, least = select(better, w, best), np_.where(better, value, least)
        along = np_.nan_to_num(w * (slope - _total(w * slope)))
        mean, square = 0.9 * mean + 0.1 * along, 0.99 * square + 0.01 * along**2
        done = (k + np_.ones((), w.dtype)).astype(w.dtype)
        size = np_.sqrt(square / (1.0 - 0.99**done)) + tiny
        rate = LAST_RATE + 0.5 * (RATE - LAST_RATE) * (1.0 + np_.cos(np.pi * (done - 1.0) / steps))
        w = project(w * np_.exp(-rate * mean / (1.0 - 0.9**done) / size), task.low, task.high, groups=task.groups)
        return w, mean, square, best, least

    zero = np_.zeros_like(start)
    state = start, zero, zero, start, np_.full(len(start), np.inf, start.dtype)
    if np_ is jnp:
        return jax.lax.fori_loop(0, steps, step, state)[3]
    for k in range(steps):
        state = step(k, state)
    return state[3]


class _Descent(NamedTuple):
    task: Task
    w: Float[Numbers, "lane pool"]
    value: Float[Numbers, " lane"]
    slope: Float[Numbers, "lane pool"]
    rate: Float[Numbers, " lane"]
    gap: Float[Numbers, " lane"]
    count: Int[Numbers, " lane"]


def _exponentiated(
    smooth: Cost, task: Task, start: Numbers, steps: Number, tolerance: Number
) -> Float[Numbers, "lane pool"]:
    r"""Where $w \leftarrow \mathrm{project}(w\,e^{-\eta\,\nabla})$ ends, η growing until a step breaks its promise."""
    np_, eps, tiny = namespace(start), np.finfo(start.dtype).eps, np.finfo(start.dtype).tiny

    def promising(s: _Descent) -> Any:
        return (s.gap > 0.01 * tolerance) & (s.count < steps) & (s.rate > 1e-12)

    def step(s: _Descent) -> _Descent:
        relative = _within(-s.rate[:, None] * (s.slope - _total(s.w * s.slope)), -50.0, 50.0)
        trial = project(s.w * np_.exp(relative), s.task.low, s.task.high, groups=s.task.groups)
        new, new_slope = _slopes(smooth, s.task.arg, trial)
        apart = np_.sum(trial * np_.log(np_.maximum(trial, tiny) / np_.maximum(s.w, tiny)), axis=-1)
        model = s.value + np_.sum(s.slope * (trial - s.w), axis=-1) + apart / s.rate
        good = (new <= model + 4 * eps * np_.abs(s.value)) & (new <= s.value)
        w, value, slope = _chosen(good, (trial, new, new_slope), (s.w, s.value, s.slope))
        rate = s.rate * np_.where(good, 1.5, 0.4).astype(s.rate.dtype)
        return _Descent(s.task, w, value, slope, rate, _gap(w, slope, s.task), s.count + 1)

    value, slope = _slopes(smooth, task.arg, start)
    rate = 1.0 / np_.maximum(np_.max(np_.abs(slope - _total(start * slope)), axis=-1), 1e-30)
    first = _Descent(task, start, value, slope, rate, _gap(start, slope, task), np_.zeros(len(start), np.int32))
    return _until_done(promising, step, first).w


def _gap(w: Numbers, slope: Numbers, task: Task) -> Float[Numbers, " lane"]:
    """What the tangent plane promises at most: if the function is convex, no weights are better by more than that."""
    np_ = namespace(w)
    least = np_.min(np_.where(w < task.high, slope, np.inf), axis=-1, keepdims=True)
    gap = np_.sum(np_.where(w > task.low, (w - task.low) * np_.maximum(slope - least, 0.0), 0.0), axis=-1)
    return np_.where(np_.isfinite(least[:, 0]), gap, 0.0)


# --- on the cost itself ---


class _Moves(NamedTuple):
    """Pairs of pools between which weight is moved, the most profitable first."""

    taker: Int[Numbers, "lane pool"]
    giver: Int[Numbers, "lane pool"]
    slope: Float[Numbers, "lane pool"]
    kkt: Float[Numbers, " lane"]


def paying_moves(cost: Cost, task: Task, w: Numbers) -> _Moves:
    np_ = namespace(w)
    # Kinks are of single weights: with all weights nudged up one gradient has every slope to the right.
    nudge = np_.maximum(NUDGE * w, LEAST)
    right, left = (_slopes(cost, task.arg, at)[1] for at in (w + nudge, w - np_.minimum(nudge, 0.5 * w)))
    right = np_.where(w < task.high, _real(right), np.inf)
    left = np_.where(w > task.low, np_.where(np_.isnan(left), -np.inf, left), -np.inf)
    if task.groups is not None:
        taker, giver, by = best_pair(right, left, w, task.groups)
        return _Moves(taker, giver, by, np_.minimum(by[:, 0], 0.0))
    taker, giver = (np_.argsort(a, axis=-1).astype(np.int32) for a in (right, -left))
    # No pool gives to itself, which a kink that bends downwards would call a gain.
    (take, give), (takes, gives) = (_at(right, taker), _at(left, giver)), (min(1, w.shape[-1] - 1),) * 2
    give_less = (take[:, :1] - give[:, gives : gives + 1]) < (take[:, takes : takes + 1] - give[:, :1])
    same = taker[:, :1] == giver[:, :1]
    giver = np_.where(same & give_less, np_.roll(giver, -1, axis=-1), giver)
    taker = np_.where(same & ~give_less, np_.roll(taker, -1, axis=-1), taker)
    by = np_.where(taker == giver, 0.0, _at(right, taker) - _at(left, giver))
    return _Moves(taker, giver, by, np_.minimum(by[:, 0], 0.0))


class _Exchange(NamedTuple):
    task: Task
    w: Float[Numbers, "lane pool"]
    value: Float[Numbers, " lane"]
    moves: _Moves
    pairs: Int[Numbers, " lane"]  # that may move at once
    reach: Float[Numbers, " lane"]  # share of its way that a pair may go
    count: Int[Numbers, " lane"]


def exchanged(
    cost: Cost, task: Task, weights: Numbers, rounds: Number, tolerance: Number
) -> tuple[Float[Numbers, "lane pool"], Float[Numbers, " lane"], Float[Numbers, " lane"]]:
    """Weight moves between pairs of pools, each along its own line, until no such move pays.

    Many pairs move at once, which is exact where the function is a sum over pools. Where that does not lower the cost
    fewer do, and at last one, by less and less.
    """
    np_, (count, pools) = namespace(weights), weights.shape

    def promising(s: _Exchange) -> Any:
        return (s.moves.kkt < -tolerance) & (s.count < rounds) & (s.reach > 1e-9)

    def step(s: _Exchange) -> _Exchange:
        taker, giver = s.moves.taker, s.moves.giver
        active = (s.moves.slope < -0.5 * tolerance) & (np_.arange(pools, dtype=np.int32)[None] < s.pairs[:, None])
        room = np_.minimum(_at(s.task.high, taker) - _at(s.w, taker), _at(s.w, giver) - _at(s.task.low, giver))
        if s.task.groups is not None:
            room = np_.minimum(room, room_between(taker[:, 0], giver[:, 0], s.w, s.task.groups)[:, None])
        most = np_.where(active, s.reach[:, None] * room, 0.0)
        taken, given = np_.argsort(taker, axis=-1), np_.argsort(giver, axis=-1)  # gathers are quicker than scatters

        def at(move: Any) -> Any:
            return _within(s.w + (_at(move, taken) - _at(move, given)), s.task.low, s.task.high)

        def halve(_: Any, between: tuple[Any, Any]) -> tuple[Any, Any]:
            near, far = between
            middle = 0.5 * (near + far)
            slope = _slopes(cost, s.task.arg, at(middle))[1]
            down = _at(slope, taker) < _at(slope, giver)
            return np_.where(down, middle, near), np_.where(down, far, middle)

        between = np_.zeros_like(most), most
        if np_ is jnp:
            near, far = jax.lax.fori_loop(0, HALVINGS, halve, between)
        else:
            near, far = functools.reduce(lambda between, k: halve(k, between), range(HALVINGS), between)
        # All the way is all of it, so that a weight that gives everything is exactly at its limit.
        w = at(np_.where(far >= most, most, 0.5 * (near + far)))
        value = _value(cost, s.task.arg, w)
        good = value < s.value
        w, value, moves = _chosen(good, (w, value, paying_moves(cost, s.task, w)), (s.w, s.value, s.moves))
        pairs = np_.where(good, np_.minimum(2 * s.pairs, pools), np_.maximum(s.pairs // 4, 1))
        reach = np_.where(good, np_.minimum(4.0 * s.reach, 1.0), np_.where(s.pairs == 1, 0.1 * s.reach, s.reach))
        return _Exchange(s.task, w, value, moves, pairs.astype(np.int32), reach, s.count + 1)

    first = _Exchange(
        task, weights, _value(cost, task.arg, weights), paying_moves(cost, task, weights),
        np_.full(count, pools, np.int32), np_.ones(count, weights.dtype), np_.zeros(count, np.int32),
    )  # fmt: skip
    last = _until_done(promising, step, first)
    # Dust would be judged by what it could give, which is nothing.
    w = _swept(last.w, task.low, task.high)
    value, moves = _value(cost, task.arg, w), paying_moves(cost, task, w)
    return w, value, np_.where(np_.isfinite(value), moves.kkt, np.nan)


def _swept(
    w: Float[Numbers, "*lane pool"], low: Float[Numbers, "*lane pool"], high: Float[Numbers, "*lane pool"]
) -> Float[Numbers, "*lane pool"]:
    """Weights without those that are at their lower limit but for a rounding error; the one of most room takes it."""
    np_ = namespace(w)
    gone = w - low < DUST
    room = np_.where(gone, -1.0, high - w)
    places = np_.arange(w.shape[-1]).reshape(*(1,) * (w.ndim - 1), -1)
    takes = places == np_.argmax(room, axis=-1)[..., None]
    return np_.where(gone, low, w) + np_.where(takes, _total(np_.where(gone, w - low, 0.0)), 0.0)
