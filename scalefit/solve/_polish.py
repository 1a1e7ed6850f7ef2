"""Local optimisation of many fits at once: reweighted Gauss-Newton from afar, exact Newton once that stops paying.

Near its optimum a Huber objective with a knee below the residuals is almost a sum of absolute values: reweighting alone
crawls there, and Newton alone diverges from afar. Each lane changes phase by itself, and back. A lane that has finished
takes the next fit of the queue at once, so that no lane waits for the slowest.
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._core import RESULTS
from ._linear import solve_positive
from ._moments import BLOCK, moments
from ._problem import Curve, Data, Lanes, Noise, lanes

STALL = 1e8
"""Damping at which a lane is given up."""
LEAST_SCALE = -21.0
"""Least logarithm of a noise's scale, a billionth: below it residuals are rounding; runs without noise end there."""
TRUSTED, LIGHT = 0.5, 0.1
"""Damping of a Newton and of a Gauss-Newton step up to which a step that gains nothing shows an optimum."""
LOOSE = 1e6
"""Times the tolerance that a step without damping may promise at an optimum."""
MUCH = 1e-3
"""Share of the objective that a step away from where the curve is not finite gains, and one along there does not."""
SMALL = 1e-2
"""Below this, what has a bound at zero may reach it in one step."""


class Solutions(NamedTuple):
    """Where each fit ended.

    **Arguments:**

    - `theta`: The free numbers; the last is the logarithm of the noise's scale where that is free.
    - `objective`: The summed cost.
    - `result`: A `RESULTS` code.
    - `steps`: Passes over the runs.
    """

    theta: Float[Array | np.ndarray, "fit free"]
    objective: Float[Array | np.ndarray, " fit"]
    result: Int[Array | np.ndarray, " fit"]
    steps: Int[Array | np.ndarray, " fit"]


class _State(NamedTuple):
    theta: Float[Array, "lane free"]
    objective: Float[Array, " lane"]
    gradient: Float[Array, "lane free"]
    matrix: Float[Array, "lane free free"]
    exact: Bool[Array, " lane"]  # matrix is the Hessian
    metric: Float[Array, "lane free free"]  # the last Gauss-Newton matrix
    move: Float[Array, "lane free"]  # the step to try next
    promised: Float[Array, " lane"]  # what the quadratic model says it gains
    solved: Bool[Array, " lane"]  # the model had a minimum
    damping: Float[Array, " lane"]  # of the Gauss-Newton phase
    newton_damping: Float[Array, " lane"]
    growth: Float[Array, " lane"]
    newton: Bool[Array, " lane"]  # the phase
    entry: Float[Array, " lane"]  # relative decrease below which Newton is tried
    fresh: Bool[Array, " lane"]  # theta is a start that was not evaluated yet
    small: Int[Array, " lane"]  # steps in a row that gained nothing
    edge: Bool[Array, " lane"]  # some step since the last that gained much ended where the curve is not finite
    steps: Int[Array, " lane"]
    result: Int[Array, " lane"]  # RUNNING, or a code


RUNNING = -1


def _start(theta: Float[Array, "lane free"]) -> _State:
    lane, free = theta.shape
    zero = jnp.zeros(lane, theta.dtype)
    matrix = jnp.zeros((lane, free, free), theta.dtype)
    no, count = jnp.zeros(lane, bool), jnp.zeros(lane, jnp.int32)
    return _State(
        theta=theta, objective=zero + jnp.inf, gradient=jnp.zeros_like(theta), matrix=matrix, exact=no, metric=matrix,
        move=jnp.zeros_like(theta), promised=zero, solved=~no, damping=zero + 1e-3, newton_damping=zero + 0.1,
        growth=zero + 2.0, newton=no, entry=zero + 0.05, fresh=~no, small=count, edge=no, steps=count,
        result=count + RUNNING,
    )  # fmt: skip


def _select(where: Bool[Array, " lane"], new: Any, old: Any) -> Any:
    """`new` in the lanes where a condition holds, `old` in the others."""
    return jax.tree.map(lambda n, o: jnp.where(where.reshape(-1, *(1,) * (o.ndim - 1)), n, o), new, old)


def _negligible(s: _State, floor: Array, tolerance: float) -> Array:
    """Gains that do not matter, relative to the objective and never absolute; rounding alone leaves `floor` of it."""
    return tolerance * jnp.abs(s.objective) + floor


def _advance(curve: Curve, noise: Noise, rows: Lanes, floor: Array, tolerance: float, s: _State) -> _State:
    """Try the proposed step: take it where it lowers the objective, and set damping and phase by how well it did."""
    theta = s.theta + s.move
    objective, gradient, matrix = moments(curve, noise, theta, s.newton, rows)
    gained = s.objective - objective
    finite = jnp.isfinite(objective) & jnp.all(jnp.isfinite(gradient), axis=1)
    better = finite & (s.fresh | (s.solved & (gained > 0)))
    ratio = gained / jnp.maximum(s.promised, jnp.finfo(theta.dtype).tiny)
    shrink = jnp.clip(1.0 - jnp.clip(2.0 * ratio - 1.0, -1.0, 1.0) ** 3, 0.1, 2.0)
    current = jnp.where(s.newton, s.newton_damping, s.damping)
    least = jnp.where(s.newton, 1e-3, 1e-4)
    damping = jnp.where(better, current * shrink, jnp.maximum(current, least) * s.growth * 2.0)
    damping = jnp.where(s.fresh, current, jnp.clip(damping, 1e-9, 10 * STALL))
    relative = gained / jnp.maximum(jnp.abs(s.objective), jnp.finfo(theta.dtype).tiny)
    # Newton that needs heavy damping is out of place here: back to reweighting, to be re-entered later.
    retreat = s.newton & (damping > 30.0)
    leave = retreat | (s.newton & better & (relative > 0.3))
    enter = ~s.newton & better & ~s.fresh & (relative < s.entry)
    negligible = _negligible(s, floor, tolerance)
    nothing = jnp.where(better, gained <= negligible, s.solved & (jnp.abs(s.promised) <= negligible))
    # Under heavy damping any step is short and gains nothing, wherever it starts.
    nothing = nothing & ~s.fresh & (current <= jnp.where(s.newton, TRUSTED, LIGHT))
    accepted = s._replace(theta=theta, objective=objective, gradient=gradient, matrix=matrix, exact=s.newton)
    accepted = accepted._replace(metric=_select(~s.newton, matrix, s.metric))
    new = _select(better, accepted, s)
    result = jnp.where(s.fresh & ~finite, int(RESULTS.not_finite), RUNNING)
    edge = ~s.fresh & (~finite | (s.edge & ~(better & (relative > MUCH))))
    given_up = jnp.where(edge, int(RESULTS.undefined), int(RESULTS.stalled))
    result = jnp.where(~s.newton & (damping >= STALL), given_up, result)
    return new._replace(
        damping=jnp.where(s.newton, s.damping, damping),
        newton_damping=jnp.where(s.newton, jnp.where(retreat, 0.1, damping), s.newton_damping),
        growth=jnp.where(better, 2.0, jnp.minimum(s.growth * 2.0, 64.0)),
        newton=jnp.where(s.newton, ~leave, enter),
        entry=jnp.where(retreat, 0.1 * s.entry, s.entry),
        fresh=jnp.zeros_like(s.fresh),
        small=jnp.where(nothing, s.small + 1, jnp.where(better, 0, s.small)),
        edge=edge,
        steps=s.steps + 1,
        result=result.astype(jnp.int32),
    )


def _propose(curve: Curve, floor: Array, tolerance: float, max_steps: Array, s: _State) -> _State:
    """Solve for the next step; a lane whose step promises nothing is done."""
    dtype, free = s.theta.dtype, s.theta.shape[1]
    tiny = jnp.finfo(dtype).tiny
    lower = jnp.asarray((*curve.lower, LEAST_SCALE)[:free], dtype)[None]
    # What may fall to zero may be far above it: its unit is then its own size. A logarithm of a scale has its own.
    vanishes = jnp.asarray((*map(math.isfinite, curve.lower), False)[:free])[None]
    unit = jnp.where(vanishes, jnp.maximum(1.0, jnp.abs(s.theta)), 1.0)
    diagonal = jnp.diagonal(s.metric, axis1=1, axis2=2)
    mean = jnp.mean(diagonal * unit**2, axis=1, keepdims=True)
    diagonal = jnp.maximum(diagonal, 0.1 * mean / unit**2)
    ridge = jnp.where(s.newton, 1e-3 * s.newton_damping, s.damping)[:, None] * diagonal
    ridge = ridge + (jnp.finfo(dtype).eps * jnp.abs(s.objective) + tiny)[:, None] / unit**2
    # A lane that has just left Newton has no Gauss-Newton matrix here yet: the last one serves.
    model = _select(s.exact & ~s.newton, s.metric, s.matrix)
    system = model + jnp.where(s.newton, s.newton_damping, 0.0)[:, None, None] * s.metric
    system = system + ridge[:, :, None] * jnp.eye(free, dtype=dtype)[None]
    # A number at its bound that would go beyond takes no part in the step.
    loose = (s.theta > lower) | (s.gradient < 0)
    system = jnp.where(loose[:, :, None] & loose[:, None, :], system, jnp.eye(free, dtype=dtype)[None])
    move, solved = solve_positive(system, jnp.where(loose, -s.gradient, 0.0))
    caps = jnp.asarray((*curve.caps, 3.0)[:free], dtype)[None] * unit
    # It falls at most fiftyfold at once until it is small.
    caps = jnp.where(vanishes & (s.theta > SMALL) & (move < 0), 0.98 * s.theta, caps)
    move = move * jnp.minimum(1.0, 1.0 / jnp.maximum(jnp.max(jnp.abs(move) / caps, axis=1), tiny))[:, None]
    move = jnp.where((solved & jnp.all(jnp.isfinite(move), axis=1))[:, None], move, 0.0)
    move = jnp.maximum(move, lower - s.theta)
    promised = -(jnp.sum(s.gradient * move, axis=1) + 0.5 * jnp.einsum("la,lab,lb->l", move, model, move))
    # A Hessian that needs little damping can be trusted at its first word.
    nothing = solved & (jnp.abs(promised) <= _negligible(s, floor, tolerance))
    solved = solved & (promised > -_negligible(s, floor, tolerance))
    trusted = s.newton & s.exact & (s.newton_damping <= TRUSTED)
    done = (nothing & trusted) | (s.small >= 2)
    spent = jnp.where(s.edge, int(RESULTS.undefined), int(RESULTS.max_steps_reached))
    result = jnp.where((s.result == RUNNING) & (s.steps >= max_steps), spent, s.result)
    result = jnp.where(done & (s.result == RUNNING), int(RESULTS.successful), result).astype(jnp.int32)
    # The last step gains nothing that the objective could show, but takes the numbers to the optimum itself.
    theta = jnp.where((done & nothing & trusted)[:, None], s.theta + move, s.theta)
    return s._replace(theta=theta, move=move, promised=promised, solved=solved, result=result)


def left_over(
    theta: Float[Array, "lane free"],
    gradient: Float[Array, "lane free"],
    matrix: Float[Array, "lane free free"],
    lower: Float[Array, "#lane free"],
) -> Float[Array, " lane"]:
    """What a step without damping would still gain; infinite where the model has no minimum.

    Numbers at a bound that hold there, and numbers that nothing depends on, take no part.
    """
    loose = (theta > lower) | (gradient < 0)
    loose = loose & ((gradient != 0) | (jnp.diagonal(matrix, axis1=1, axis2=2) != 0))
    eye = jnp.eye(theta.shape[1], dtype=theta.dtype)
    system = jnp.where(loose[:, :, None] & loose[:, None, :], matrix, eye[None])
    slope = jnp.where(loose, gradient, 0.0)
    move, solved = solve_positive(system, -slope)
    return jnp.where(solved, -0.5 * jnp.sum(slope * move, axis=1), jnp.inf)


def _certified(curve: Curve, floor: Array, tolerance: float, s: _State) -> _State:
    """A lane that came to rest only because damping held it has stalled."""
    lower = jnp.asarray((*curve.lower, LEAST_SCALE)[: s.theta.shape[1]], s.theta.dtype)[None]
    left = left_over(s.theta, s.gradient, s.matrix, lower)
    held = (s.result == int(RESULTS.successful)) & ~(left <= _negligible(s, floor, LOOSE * tolerance))
    stopped = jnp.where(s.edge, int(RESULTS.undefined), int(RESULTS.stalled)).astype(jnp.int32)
    return s._replace(result=jnp.where(held, stopped, s.result))


@functools.partial(jax.jit, static_argnames=("curve", "width", "tolerance"))
def polish(
    curve: Curve,
    noise: Noise,
    data: Data,
    start: Float[Array, "fit free"],
    study: Int[Array, " fit"],
    resample: Int[Array, " fit"],
    floor: Float[Array, " study"],
    max_steps: Int[Array, ""],
    *,
    count: Int[Array, ""],
    width: int,
    tolerance: float = 1e-12,
) -> Solutions:
    """Optimise fits from their starts, `width` of them at a time, each lane taking the next fit when it is done.

    **Arguments:**

    - `curve`, `noise`, `data`: What is fitted to what.
    - `start`: Where each fit begins.
    - `study`, `resample`: Which rows of `data` each fit sees.
    - `floor`: By study, the objective that rounding alone would leave; it lets noise-free runs stop.
    - `max_steps`: Passes allowed to a fit.
    - `count`: How many of the fits are real; the others are padding and are not touched.
    - `width`: Lanes.
    - `tolerance`: A fit is done when a step promises less than this share of its objective.
    """
    fits = start.shape[0]
    place = jnp.arange(width, dtype=jnp.int32)

    def load(where: Array) -> Any:
        safe = jnp.minimum(where, fits - 1)
        return lanes(data, study[safe], resample[safe]), floor[study[safe]]

    def begin(where: Array) -> _State:
        state = _start(start[jnp.minimum(where, fits - 1)])
        return state._replace(result=jnp.where(where < count, RUNNING, int(RESULTS.successful)).astype(jnp.int32))

    empty = Solutions(
        jnp.zeros_like(start),
        jnp.full(fits, jnp.nan, start.dtype),
        jnp.zeros(fits, jnp.int32),
        jnp.zeros(fits, jnp.int32),
    )

    def refill(carry: Any) -> Any:
        state, where, following, (_, lane_floor), out = carry
        state = _certified(curve, lane_floor, tolerance, state)
        done = state.result >= 0
        target = jnp.where(done & (where < count), where, fits)
        new = (state.theta, state.objective, state.result, state.steps)
        out = Solutions(*(o.at[target].set(n, mode="drop") for o, n in zip(out, new, strict=True)))
        take = following + jnp.cumsum(done, dtype=jnp.int32) - 1
        where = jnp.where(done, jnp.minimum(take, count), where)
        following = jnp.minimum(following + jnp.sum(done, dtype=jnp.int32), count)
        fresh = begin(where)
        state = _select(done, fresh, state)
        return state, where, following, load(where), out

    def body(carry: Any) -> Any:
        state, where, following, loaded, out = carry
        rows, lane_floor = loaded
        moved = _propose(
            curve, lane_floor, tolerance, max_steps, _advance(curve, noise, rows, lane_floor, tolerance, state)
        )
        state = _select(state.result == RUNNING, moved, state)
        carry = (state, where, following, loaded, out)
        return jax.lax.cond(jnp.any((state.result >= 0) & (where < count)), refill, lambda c: c, carry)

    def busy(carry: Any) -> Any:
        return jnp.any(carry[1] < count)

    where = jnp.minimum(place, count).astype(jnp.int32)
    first = (begin(where), where, jnp.minimum(jnp.asarray(width, jnp.int32), count), load(where), empty)
    return jax.lax.while_loop(busy, body, first)[-1]


def lane_width(fits: int, runs: int, platform: str = "cpu") -> int:
    """Lanes at once: few enough on a CPU that the arrays stay in cache, enough on an accelerator to fill it."""
    numbers, most = (4096, 256) if platform == "cpu" else (1 << 23, 1 << 15)
    held = min(runs, BLOCK) if platform == "cpu" else runs
    width = 4
    while width < min(most, fits) and width * 2 * held <= numbers:
        width *= 2
    return min(width, max(1, 1 << (max(fits, 1) - 1).bit_length()))
