"""Minimising functions of weights on the simplex under limits, many problems at once.

Exponentiated gradient is sure where a function is convex, Adam in the logarithms leaves poor valleys; both run on a
smooth stand-in, from every start. The best point then moves on the function itself, weight going from pool to pool
until no such move pays: where the function has kinks its best weights often sit on one, and there no gradient vanishes.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

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
NUMBERS = 4096
"""Lanes times pools that are worked on side by side, so that they stay in cache and few wait for the slowest."""
SPREAD = 8
"""Times fewer lanes side by side where they move weight: how many moves they need differs most."""


class OnSimplex(NamedTuple):
    """Where each problem ended.

    **Arguments:**

    - `weights`: The best weights found.
    - `value`: Their cost.
    - `kkt`: The slope of the cost along the best move of weight from one pool to another: negative, or 0 where no such
        move pays. This is what says whether the weights are optimal.
    """

    weights: Float[Array, "problem pool"]
    value: Float[Array, " problem"]
    kkt: Float[Array, " problem"]


def project(v: Float[Array, " pool"], low: Float[Array, " pool"], high: Float[Array, " pool"]) -> Float[Array, " pool"]:
    r"""The weights within limits that are nearest to v in relative entropy.

    $w = \min(\max(s\,v, low), high)$ with the s at which $\sum w = 1$: what is at no limit keeps its proportions. A v
    of zero stays at its lower limit as long as the others can make up the whole.

    **Arguments:**

    - `v`: Not negative, of any sum.
    - `low`, `high`: With $\sum low \le 1 \le \sum high$.
    """
    tiny = jnp.finfo(v.dtype).tiny
    rounding = (8 + v.shape[0]) * jnp.finfo(v.dtype).eps
    # Next to nothing instead of nothing, so that some multiple of v always makes up the whole.
    raised = jnp.maximum(v / jnp.maximum(jnp.max(v), tiny), 1e-30)

    def excess(s: Array) -> Array:
        return jnp.sum(jnp.clip(s * raised, low, high)) - 1.0

    def unsure(state: tuple[Array, ...]) -> Array:
        _, _, _, off, count = state
        return (jnp.abs(off) > rounding) & (count < 100)

    def halve(state: tuple[Array, ...]) -> tuple[Array, ...]:
        s, least, most, off, count = state
        least, most = jnp.where(off < 0, s, least), jnp.where(off > 0, s, most)
        at = s * raised
        free = (at > low) & (at < high)
        # Exact where the same weights stay free, hence almost always the last step.
        rest = 1.0 - jnp.sum(jnp.where(free, 0.0, jnp.clip(at, low, high)))
        exact = rest / jnp.maximum(jnp.sum(jnp.where(free, raised, 0.0)), tiny)
        s = jnp.where((exact >= least) & (exact <= most), exact, jnp.sqrt(least) * jnp.sqrt(most))
        return s, least, most, excess(s), count + 1

    first = 1.0 / jnp.sum(raised)
    bounds = jnp.full_like(first, 1e-32), jnp.full_like(first, 1e32)
    s, *_ = jax.lax.while_loop(unsure, halve, (first, *bounds, excess(first), jnp.int32(0)))
    w = jnp.clip(s * raised, low, high)
    return jnp.where((v <= 0.0) & (w < 1e-20), low, w)


def simplex_kkt(
    cost: Cost,
    args: Any,
    weights: Float[Array, "problem pool"],
    low: Float[Array, "problem pool"] | Float[Array, " pool"],
    high: Float[Array, "problem pool"] | Float[Array, " pool"],
) -> Float[Array, " problem"]:
    r"""The slope of the cost along the best move of weight from one pool to another; 0 where no move lowers the cost.

    $\min_{i\ne j}\,\partial_i^+ - \partial_j^-$ over all i below their upper and j above their lower limit. Slopes are
    one-sided, so that weights on a kink are judged rightly, provided that kinks are of single weights: what bends along
    one weight does so wherever the others are.

    **Arguments:**

    - `cost`: A function of the weights and the numbers of one problem, defined a hair off the simplex too.
    - `args`: The numbers of the problems, a pytree of arrays with a leading axis of problems.
    - `weights`: Feasible.
    - `low`, `high`: Limits of the weights, for each problem or for all.
    """
    low, high = _every(low, weights), _every(high, weights)
    return jax.vmap(lambda *one: _moves(cost, *one).kkt)(args, weights, low, high)


@functools.partial(jax.jit, static_argnames=("cost", "smooth", "width"))
def minimise_on_simplex(
    cost: Cost,
    smooth: Cost,
    args: Any,
    starts: Float[Array, "problem start pool"] | Float[Array, "start pool"],
    low: Float[Array, "problem pool"] | Float[Array, " pool"],
    high: Float[Array, "problem pool"] | Float[Array, " pool"],
    *,
    steps: Number = 400,
    adam_steps: Number = 150,
    rounds: Number = 200,
    tolerance: Number = 1e-7,
    width: int | None = None,
) -> OnSimplex:
    """The weights of least cost on the simplex, within limits, for many problems at once.

    Never worse than any of the starts. Compiled once for each cost, stand-in and shapes.

    **Arguments:**

    - `cost`: A function of the weights and the numbers of one problem, defined a hair off the simplex too. It may have
        kinks in single weights.
    - `smooth`: A differentiable stand-in for the cost, which may be the cost itself.
    - `args`: The numbers of the problems, a pytree of arrays with a leading axis of problems.
    - `starts`: Weights to start from, of each problem or of all; brought within the limits first.
    - `low`, `high`: Limits of the weights, with sum(low) <= 1 <= sum(high); equal where a weight is fixed.
    - `steps`: Most steps of exponentiated gradient; of Adam `adam_steps`; `rounds` of moves between pools.
    - `tolerance`: What the slope of a move may promise at an optimum, in units of the cost for a whole weight.
    - `width`: Lanes worked on side by side; by default few enough to stay in cache.
    """
    problems = jax.tree.leaves(args)[0].shape[0]
    *_, count, pools = starts.shape
    width = width or max(1, min(64, NUMBERS // pools))
    starts = jnp.broadcast_to(starts if starts.ndim == 3 else starts[None], (problems, count, pools))
    low, high = _every(low, starts[:, 0]), _every(high, starts[:, 0])

    def search(lane: tuple[Array, Array]) -> tuple[Array, Array]:
        problem, start = lane
        arg = jax.tree.map(lambda a: a[problem], args)
        start = project(start, low[problem], high[problem])
        ends = _search(smooth, arg, start, low[problem], high[problem], steps, adam_steps, tolerance)
        found = jnp.concatenate([start[None], ends])
        values = _real(jax.vmap(cost, (0, None))(found, arg))
        best = jnp.argmin(values)
        return found[best], values[best]

    def finish(lane: tuple[Array, Array]) -> tuple[Array, Array, Array]:
        problem, weights = lane
        arg = jax.tree.map(lambda a: a[problem], args)
        return _exchange(cost, arg, weights, low[problem], high[problem], rounds, tolerance)

    lanes = jnp.repeat(jnp.arange(problems), count), starts.reshape(-1, pools)
    found, values = _in_blocks(search, lanes, width)
    best = jnp.argmin(values.reshape(problems, count), axis=1)
    chosen = jnp.take_along_axis(found.reshape(problems, count, pools), best[:, None, None], axis=1)[:, 0]
    return OnSimplex(*_in_blocks(finish, (jnp.arange(problems), chosen), max(width // SPREAD, 1)))


def _every(limit: Array, weights: Array) -> Array:
    return jnp.broadcast_to(limit if limit.ndim == 2 else limit[None], weights.shape).astype(weights.dtype)


def _real(value: Array) -> Array:
    return jnp.where(jnp.isnan(value), jnp.inf, value)


def _in_blocks(single: Callable[[Any], Any], lanes: Any, width: int) -> Any:
    """`single` of every lane, so many side by side: memory is bounded, and a block waits for its own slowest only."""
    count = jax.tree.leaves(lanes)[0].shape[0]
    blocks = -(-count // width)
    width = -(-count // blocks)
    order = jnp.minimum(jnp.arange(blocks * width), count - 1).reshape(blocks, width)
    out = jax.lax.map(lambda k: jax.vmap(single)(jax.tree.map(lambda a: a[k], lanes)), order)
    return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:count], out)


# --- on the smooth stand-in ---


def _search(
    smooth: Cost, arg: Any, start: Array, low: Array, high: Array, steps: Number, adam_steps: Number, tolerance: Number
) -> Float[Array, "2 pool"]:
    """Where exponentiated gradient ends from the start, and where it ends from the best point that Adam saw."""
    middle = project(jnp.where(high > 0.0, 1.0, 0.0).astype(low.dtype), low, high)
    low = low + FLOOR * (middle - low)
    start = project(start + FLOOR * middle, low, high)
    gradient = jax.value_and_grad(smooth)
    after_adam = _adam(lambda w: gradient(w, arg), start, low, high, adam_steps)
    both = jnp.stack([start, after_adam])
    return jax.vmap(lambda w: _exponentiated(lambda w: gradient(w, arg), w, low, high, steps, tolerance))(both)


def _adam(gradient: Any, start: Array, low: Array, high: Array, steps: Number) -> Float[Array, " pool"]:
    """The best point that Adam sees in the logarithms of the weights, brought back within the limits at each step."""

    def step(k: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        w, mean, square, best, least = state
        value, slope = gradient(w)
        better = value < least
        best, least = jnp.where(better, w, best), jnp.where(better, value, least)
        along = jnp.nan_to_num(w * (slope - jnp.sum(w * slope)))
        mean, square = 0.9 * mean + 0.1 * along, 0.99 * square + 0.01 * along**2
        done = (k + 1).astype(w.dtype)
        size = jnp.sqrt(square / (1.0 - 0.99**done)) + jnp.finfo(w.dtype).tiny ** 0.5
        rate = LAST_RATE + 0.5 * (RATE - LAST_RATE) * (1.0 + jnp.cos(jnp.pi * (k / steps).astype(w.dtype)))
        w = project(w * jnp.exp(-rate * mean / (1.0 - 0.9**done) / size), low, high)
        return w, mean, square, best, least

    zero = jnp.zeros_like(start)
    first = (start, zero, zero, start, jnp.full((), jnp.inf, start.dtype))
    return jax.lax.fori_loop(0, steps, step, first)[3]


def _exponentiated(
    gradient: Any, start: Array, low: Array, high: Array, steps: Number, tolerance: Number
) -> Float[Array, " pool"]:
    r"""Where $w \leftarrow \mathrm{project}(w\,e^{-\eta\,\nabla})$ ends, η growing until a step breaks its promise."""
    eps, tiny = jnp.finfo(start.dtype).eps, jnp.finfo(start.dtype).tiny

    def promising(state: tuple[Array, ...]) -> Array:
        _, _, _, rate, gap, count = state
        return (gap > 0.01 * tolerance) & (count < steps) & (rate > 1e-12)

    def step(state: tuple[Array, ...]) -> tuple[Array, ...]:
        w, value, slope, rate, _, count = state
        relative = jnp.clip(-rate * (slope - jnp.sum(w * slope)), -50.0, 50.0)
        trial = project(w * jnp.exp(relative), low, high)
        new, new_slope = gradient(trial)
        ratio = jnp.maximum(trial, tiny) / jnp.maximum(w, tiny)
        apart = jnp.sum(trial * jnp.log(ratio))
        model = value + jnp.sum(slope * (trial - w)) + apart / rate
        good = (new <= model + 4 * eps * jnp.abs(value)) & (new <= value)
        w, value, slope = (jnp.where(good, a, b) for a, b in ((trial, w), (new, value), (new_slope, slope)))
        return w, value, slope, rate * jnp.where(good, 1.5, 0.4), _gap(w, slope, low, high), count + 1

    value, slope = gradient(start)
    rate = 1.0 / jnp.maximum(jnp.max(jnp.abs(slope - jnp.sum(start * slope))), 1e-30)
    first = (start, value, slope, rate, _gap(start, slope, low, high), jnp.int32(0))
    return jax.lax.while_loop(promising, step, first)[0]


def _gap(w: Array, slope: Array, low: Array, high: Array) -> Float[Array, ""]:
    """What the tangent plane promises at most: if the function is convex, no weights are better by more than that."""
    least = jnp.min(jnp.where(w < high, slope, jnp.inf))
    gap = jnp.sum(jnp.where(w > low, (w - low) * jnp.maximum(slope - least, 0.0), 0.0))
    return jnp.where(jnp.isfinite(least), gap, 0.0)


# --- on the cost itself ---


class _Moves(NamedTuple):
    """Pairs of pools between which weight is moved, the most profitable first."""

    taker: Int[Array, " pool"]
    giver: Int[Array, " pool"]
    slope: Float[Array, " pool"]
    kkt: Float[Array, ""]


def _moves(cost: Cost, arg: Any, w: Array, low: Array, high: Array) -> _Moves:
    # Kinks are of single weights: with all weights nudged up one gradient has every slope to the right.
    nudge = jnp.maximum(NUDGE * w, LEAST)
    slope = jax.grad(cost)
    right, left = slope(w + nudge, arg), slope(w - jnp.minimum(nudge, 0.5 * w), arg)
    right = jnp.where(w < high, _real(right), jnp.inf)
    left = jnp.where(w > low, jnp.where(jnp.isnan(left), -jnp.inf, left), -jnp.inf)
    taker, giver = (jnp.argsort(a).astype(jnp.int32) for a in (right, -left))
    # No pool gives to itself, which a kink that bends downwards would call a gain.
    second = jnp.minimum(1, w.shape[0] - 1)
    give_less = right[taker[0]] - left[giver[second]] < right[taker[second]] - left[giver[0]]
    same = taker[0] == giver[0]
    giver = jnp.where(same & give_less, jnp.roll(giver, -1), giver)
    taker = jnp.where(same & ~give_less, jnp.roll(taker, -1), taker)
    by = jnp.where(taker == giver, 0.0, right[taker] - left[giver])
    return _Moves(taker, giver, by, jnp.minimum(by[0], 0.0))


class _Exchange(NamedTuple):
    w: Float[Array, " pool"]
    value: Float[Array, ""]
    moves: _Moves
    pairs: Int[Array, ""]  # that may move at once
    reach: Float[Array, ""]  # share of its way that a pair may go
    count: Int[Array, ""]


def _exchange(
    cost: Cost, arg: Any, weights: Array, low: Array, high: Array, rounds: Number, tolerance: Number
) -> tuple[Float[Array, " pool"], Float[Array, ""], Float[Array, ""]]:
    """Weight moves between pairs of pools, each along its own line, until no such move pays.

    Many pairs move at once, which is exact where the function is a sum over pools. Where that does not lower the cost
    fewer do, and at last one, by less and less.
    """
    pools = weights.shape[0]
    slope = jax.grad(cost)

    def promising(s: _Exchange) -> Array:
        return (s.moves.kkt < -tolerance) & (s.count < rounds) & (s.reach > 1e-9)

    def step(s: _Exchange) -> _Exchange:
        taker, giver = s.moves.taker, s.moves.giver
        active = (s.moves.slope < -0.5 * tolerance) & (jnp.arange(pools, dtype=jnp.int32) < s.pairs)
        most = jnp.where(active, s.reach * jnp.minimum(high[taker] - s.w[taker], s.w[giver] - low[giver]), 0.0)
        taken, given = jnp.argsort(taker), jnp.argsort(giver)  # gathers, which are quicker than scatters

        def at(move: Array) -> Array:
            return jnp.clip(s.w + (move[taken] - move[given]), low, high)

        def downhill(move: Array) -> Bool[Array, " pool"]:
            g = slope(at(move), arg)
            return g[taker] < g[giver]

        def halve(_: Any, between: tuple[Array, Array]) -> tuple[Array, Array]:
            near, far = between
            middle = 0.5 * (near + far)
            down = downhill(middle)
            return jnp.where(down, middle, near), jnp.where(down, far, middle)

        near, far = jax.lax.fori_loop(0, HALVINGS, halve, (jnp.zeros_like(most), most))
        # All the way is all of it, so that a weight that gives everything is exactly at its limit.
        w = at(jnp.where(far >= most, most, 0.5 * (near + far)))
        value = _real(cost(w, arg))
        good = value < s.value
        moves = _moves(cost, arg, w, low, high)
        w, value, moves = jax.tree.map(lambda a, b: jnp.where(good, a, b), (w, value, moves), (s.w, s.value, s.moves))
        pairs = jnp.where(good, jnp.minimum(2 * s.pairs, pools), jnp.maximum(s.pairs // 4, 1))
        reach = jnp.where(good, jnp.minimum(4.0 * s.reach, 1.0), jnp.where(s.pairs == 1, 0.1 * s.reach, s.reach))
        return _Exchange(w, value, moves, pairs.astype(jnp.int32), reach, s.count + 1)

    first = _Exchange(
        weights, _real(cost(weights, arg)), _moves(cost, arg, weights, low, high), jnp.int32(pools),
        jnp.ones((), weights.dtype), jnp.int32(0),
    )  # fmt: skip
    last = jax.lax.while_loop(promising, step, first)
    # Dust would be judged by what it could give, which is nothing.
    w = _swept(last.w, low, high)
    value, moves = cost(w, arg), _moves(cost, arg, w, low, high)
    return w, _real(value), jnp.where(jnp.isfinite(value), moves.kkt, jnp.nan)


def _swept(w: Array, low: Array, high: Array) -> Float[Array, " pool"]:
    """Weights without those that are at their lower limit but for a rounding error; the one of most room takes it."""
    gone = w - low < DUST
    room = jnp.where(gone, -1.0, high - w)
    return jnp.where(gone, low, w).at[jnp.argmax(room)].add(jnp.sum(jnp.where(gone, w - low, 0.0)))
