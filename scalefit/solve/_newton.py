"""Local optimisation of many fits at once: reweighted Gauss-Newton from afar, exact Newton once that stops paying.

Near its optimum a Huber objective with a knee below the residuals is almost a sum of absolute values: reweighting alone
crawls there, and Newton alone diverges from afar. Each lane changes phase by itself, and back. This is one step of it,
for arrays of NumPy and of JAX alike; the queue around it has two drivers, on the host and compiled.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import RESULTS
from ._linear import solve_positive
from ._moments import Moments
from ._namespace import Numbers, namespace, select
from ._problem import Curve

STALL = 1e8
"""Damping at which a lane is given up."""
LEAST_SCALE = -21.0
"""Least logarithm of a noise's scale, a billionth: below it residuals are rounding; runs without noise end there."""
TRUSTED, LIGHT = 0.5, 0.1
"""Damping of a Newton and of a Gauss-Newton step up to which a step that gains nothing shows an optimum."""
LIGHTEST = 1e-15
"""Least damping: along narrow valleys even less than a billionth of a steep direction's would hold steps short."""
LOOSE = 1e6
"""Times the tolerance that a step without damping may promise at an optimum."""
MUCH = 1e-3
"""Share of the objective that a step away from where the curve is not finite gains, and one along there does not."""
SMALL = 1e-2
"""Below this, what has a bound at zero may reach it in one step, and is far from its natural size, 1."""


class Solutions(NamedTuple):
    """Where each fit ended.

    **Arguments:**

    - `theta`: The free numbers; the last is the logarithm of the noise's scale where that is free.
    - `objective`: The summed cost.
    - `result`: A `RESULTS` code.
    - `steps`: Passes over the runs.
    """

    theta: Float[Numbers, "fit free"]
    objective: Float[Numbers, " fit"]
    result: Int[Numbers, " fit"]
    steps: Int[Numbers, " fit"]


class Limits(NamedTuple):
    """By free number, the last being the logarithm of the noise's scale where that is free.

    **Arguments:**

    - `lower`: The least value.
    - `caps`: The longest step at once.
    - `vanishes`: Whether it may fall to zero.
    - `sized`: Whether it is no logarithm.
    - `by_factor`: Whether it changes by factors where it is large.
    """

    lower: Float[np.ndarray, " free"]
    caps: Float[np.ndarray, " free"]
    vanishes: Bool[np.ndarray, " free"]
    sized: Bool[np.ndarray, " free"]
    by_factor: Bool[np.ndarray, " free"]

    @classmethod
    def of(cls, curve: Curve, scaled: bool, dtype: Any) -> "Limits":
        """The limits of a curve's free numbers and, if `scaled`, of the scale."""
        lower, caps = (*curve.lower, *(LEAST_SCALE,) * scaled), (*curve.caps, *(3.0,) * scaled)
        columns = np.isfinite(curve.lower), curve.sized, curve.by_factor
        kinds = (np.append(np.asarray(column, bool), np.zeros(int(scaled), bool)) for column in columns)
        return cls(np.asarray(lower, dtype), np.asarray(caps, dtype), *kinds)


class State(NamedTuple):
    theta: Float[Numbers, "lane free"]
    objective: Float[Numbers, " lane"]
    gradient: Float[Numbers, "lane free"]
    matrix: Float[Numbers, "lane free free"]
    exact: Bool[Numbers, " lane"]  # matrix is the Hessian
    metric: Float[Numbers, "lane free free"]  # the last Gauss-Newton matrix
    move: Float[Numbers, "lane free"]  # the step to try next
    promised: Float[Numbers, " lane"]  # what the quadratic model says it gains
    solved: Bool[Numbers, " lane"]  # the model had a minimum
    damping: Float[Numbers, " lane"]  # of the Gauss-Newton phase
    newton_damping: Float[Numbers, " lane"]
    growth: Float[Numbers, " lane"]
    newton: Bool[Numbers, " lane"]  # the phase
    entry: Float[Numbers, " lane"]  # relative decrease below which Newton is tried
    fresh: Bool[Numbers, " lane"]  # theta is a start that was not evaluated yet
    small: Int[Numbers, " lane"]  # steps in a row that gained nothing
    edge: Bool[Numbers, " lane"]  # some step since the last that gained much ended where the curve is not finite
    steps: Int[Numbers, " lane"]
    result: Int[Numbers, " lane"]  # RUNNING, or a code


RUNNING = -1
Evaluate = Callable[[Any, Any], Moments]
"""Objective, gradient and matrix at some numbers, the matrix being exact in the lanes where that is asked for."""


def begun(theta: Float[Numbers, "lane free"]) -> State:
    """Lanes that are still to be evaluated where they start."""
    xp, (lane, free) = namespace(theta), theta.shape
    zero = xp.zeros(lane, theta.dtype)
    matrix = xp.zeros((lane, free, free), theta.dtype)
    no, count = xp.zeros(lane, bool), xp.zeros(lane, np.int32)
    return State(
        theta=theta, objective=zero + xp.inf, gradient=xp.zeros_like(theta), matrix=matrix, exact=no, metric=matrix,
        move=xp.zeros_like(theta), promised=zero, solved=~no, damping=zero + 1e-3, newton_damping=zero + 0.1,
        growth=zero + 2.0, newton=no, entry=zero + 0.05, fresh=~no, small=count, edge=no, steps=count,
        result=count + RUNNING,
    )  # fmt: skip


def _negligible(s: State, floor: Numbers, tolerance: float) -> Numbers:
    """Gains that do not matter, relative to the objective and never absolute; rounding alone leaves `floor` of it."""
    return tolerance * abs(s.objective) + floor


def advance(evaluate: Evaluate, floor: Numbers, tolerance: float, s: State) -> State:
    """Try the proposed step: take it where it lowers the objective, and set damping and phase by how well it did."""
    xp, theta = namespace(s.theta), s.theta + s.move
    objective, gradient, matrix = evaluate(theta, s.newton)
    gained = s.objective - objective
    finite = xp.isfinite(objective) & xp.all(xp.isfinite(gradient), axis=1)
    better = finite & (s.fresh | (s.solved & (gained > 0)))
    ratio = gained / xp.maximum(s.promised, np.finfo(theta.dtype).tiny)
    shrink = xp.clip(1.0 - xp.clip(2.0 * ratio - 1.0, -1.0, 1.0) ** 3, 0.1, 2.0)
    current = xp.where(s.newton, s.newton_damping, s.damping)
    damping = xp.where(better, current * shrink, current * s.growth * 2.0)
    damping = xp.where(s.fresh, current, xp.clip(damping, LIGHTEST, 10 * STALL))
    relative = gained / xp.maximum(xp.abs(s.objective), np.finfo(theta.dtype).tiny)
    # Newton that needs heavy damping is out of place here: back to reweighting, to be re-entered later.
    retreat = s.newton & (damping > 30.0)
    leave = retreat | (s.newton & better & (relative > 0.3))
    enter = ~s.newton & better & ~s.fresh & (relative < s.entry)
    negligible = _negligible(s, floor, tolerance)
    nothing = xp.where(better, gained <= negligible, s.solved & (xp.abs(s.promised) <= negligible))
    # Under heavy damping any step is short and gains nothing, wherever it starts.
    nothing = nothing & ~s.fresh & (current <= xp.where(s.newton, TRUSTED, LIGHT))
    accepted = s._replace(theta=theta, objective=objective, gradient=gradient, matrix=matrix, exact=s.newton)
    accepted = accepted._replace(metric=select(~s.newton, matrix, s.metric))
    new = select(better, accepted, s)
    result = xp.where(s.fresh & ~finite, int(RESULTS.not_finite), RUNNING)
    edge = ~s.fresh & (~finite | (s.edge & ~(better & (relative > MUCH))))
    given_up = xp.where(edge, int(RESULTS.undefined), int(RESULTS.stalled))
    result = xp.where(~s.newton & (damping >= STALL), given_up, result)
    return new._replace(
        damping=xp.where(s.newton, s.damping, damping),
        newton_damping=xp.where(s.newton, xp.where(retreat, 0.1, damping), s.newton_damping),
        growth=xp.where(better, 2.0, xp.minimum(s.growth * 2.0, 64.0)),
        newton=xp.where(s.newton, ~leave, enter),
        entry=xp.where(retreat, 0.1 * s.entry, s.entry),
        fresh=xp.zeros_like(s.fresh),
        small=xp.where(nothing, s.small + 1, xp.where(better, 0, s.small)),
        edge=edge,
        steps=s.steps + 1,
        result=result.astype(np.int32),
    )


def propose(limits: Limits, floor: Numbers, tolerance: float, max_steps: Numbers | int, s: State) -> State:
    """Solve for the next step; a lane whose step promises nothing is done."""
    xp, dtype, free = namespace(s.theta), s.theta.dtype, s.theta.shape[1]
    tiny = np.finfo(dtype).tiny
    lower, vanishes = limits.lower[None], limits.vanishes[None]
    # What is no logarithm may be far above 1: its unit is then its own size.
    unit = xp.where(limits.sized[None], xp.maximum(1.0, xp.abs(s.theta)), 1.0)
    diagonal = xp.diagonal(s.metric, axis1=1, axis2=2)
    mean = xp.mean(diagonal * unit**2, axis=1, keepdims=True)
    diagonal = xp.maximum(diagonal, xp.where(s.newton, 1e-14, 0.1)[:, None] * mean / unit**2)
    ridge = xp.where(s.newton, 1e-3 * s.newton_damping, s.damping)[:, None] * diagonal
    ridge = ridge + (np.finfo(dtype).eps * xp.abs(s.objective) + tiny)[:, None] / unit**2
    # A lane that has just left Newton has no Gauss-Newton matrix here yet: the last one serves.
    model = select(s.exact & ~s.newton, s.metric, s.matrix)
    system = model + xp.where(s.newton, s.newton_damping, 0.0)[:, None, None] * s.metric
    system = system + ridge[:, :, None] * xp.eye(free, dtype=dtype)[None]
    # A number at its bound that would go beyond takes no part in the step.
    loose = (s.theta > lower) | (s.gradient < 0)
    system = xp.where(loose[:, :, None] & loose[:, None, :], system, xp.eye(free, dtype=dtype)[None])
    move, solved = solve_positive(system, xp.where(loose, -s.gradient, 0.0))
    caps = limits.caps[None] * unit
    # It falls at most fiftyfold at once until it is small.
    caps = xp.where(vanishes & (s.theta > SMALL) & (move < 0), 0.98 * s.theta, caps)
    move = move * xp.minimum(1.0, 1.0 / xp.maximum(xp.max(xp.abs(move) / caps, axis=1), tiny))[:, None]
    move = xp.where((solved & xp.all(xp.isfinite(move), axis=1))[:, None], move, 0.0)
    move = xp.maximum(move, lower - s.theta)
    promised = -(xp.sum(s.gradient * move, axis=1) + 0.5 * xp.einsum("la,lab,lb->l", move, model, move))
    move = _bent(s.theta, move, limits)
    # A Hessian that needs little damping can be trusted at its first word.
    nothing = solved & (xp.abs(promised) <= _negligible(s, floor, tolerance))
    solved = solved & (promised > -_negligible(s, floor, tolerance))
    trusted = s.newton & s.exact & (s.newton_damping <= TRUSTED)
    done = (nothing & trusted) | (s.small >= 2)
    spent = xp.where(s.edge, int(RESULTS.undefined), int(RESULTS.max_steps_reached))
    result = xp.where((s.result == RUNNING) & (s.steps >= max_steps), spent, s.result)
    result = xp.where(done & (s.result == RUNNING), int(RESULTS.successful), result).astype(np.int32)
    # The last step gains nothing that the objective could show, but takes the numbers to the optimum itself.
    theta = xp.where((done & nothing & trusted)[:, None], s.theta + move, s.theta)
    return s._replace(theta=theta, move=move, promised=promised, solved=solved, result=result)


def _bent(theta: Numbers, move: Numbers, limits: Limits) -> Any:
    """A step as it is taken: what is far from its natural size, 1, grows and shrinks by a factor, as products do."""
    xp, size = namespace(theta), abs(theta)
    far = (size > 1.0) & limits.by_factor[None] | (size < SMALL) & limits.vanishes[None]
    # One that would change its sign, or vanish, does so along a straight line.
    far = far & (xp.abs(move) < 0.9 * size)
    at = xp.where(far, theta, 1.0)
    return xp.where(far, at * xp.expm1(move / at), move)


def left_over(
    theta: Float[Numbers, "lane free"],
    gradient: Float[Numbers, "lane free"],
    matrix: Float[Numbers, "lane free free"],
    lower: Float[Numbers, "#lane free"],
) -> Float[Numbers, " lane"]:
    """What a step without damping would still gain; infinite where the model has no minimum.

    Numbers at a bound that hold there, and numbers that nothing depends on, take no part.
    """
    xp = namespace(theta)
    loose = (theta > lower) | (gradient < 0)
    diagonal = xp.diagonal(matrix, axis1=1, axis2=2)
    loose = loose & ((gradient != 0) | (diagonal != 0))
    eye = xp.eye(theta.shape[1], dtype=theta.dtype)
    # Along what no run tells apart the model is flat but for rounding, and may as well bend down.
    matrix = matrix + (1e3 * np.finfo(theta.dtype).eps * xp.abs(diagonal))[:, :, None] * eye[None]
    system = xp.where(loose[:, :, None] & loose[:, None, :], matrix, eye[None])
    slope = xp.where(loose, gradient, 0.0)
    move, solved = solve_positive(system, -slope)
    return xp.where(solved, -0.5 * xp.sum(slope * move, axis=1), xp.inf)


def certified(limits: Limits, floor: Numbers, tolerance: float, s: State) -> State:
    """A lane that came to rest only because damping held it has stalled."""
    xp = namespace(s.theta)
    left = left_over(s.theta, s.gradient, s.matrix, limits.lower[None])
    held = (s.result == int(RESULTS.successful)) & ~(left <= _negligible(s, floor, LOOSE * tolerance))
    stopped = xp.where(s.edge, int(RESULTS.undefined), int(RESULTS.stalled)).astype(np.int32)
    return s._replace(result=xp.where(held, stopped, s.result))
