"""The queue of fits under NumPy: for few fits, whose steps are not worth compiling; the curve's derivatives are."""

import functools
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ._newton import Evaluate, Limits, Solutions, State, advance, begun, certified, propose
from ._problem import Curve, Data, Noise, NoiseFunctions, lanes
from ._programs import Layout, moments_at

LANES = 64
"""Fits under way at once: NumPy then has something to do in each call."""


def polish_on_host(
    curve: Curve,
    noise: Noise,
    data: Data,
    start: Float[np.ndarray, "fit free"],
    study: Int[np.ndarray, " fit"],
    resample: Int[np.ndarray, " fit"],
    floor: Float[np.ndarray, " study"],
    max_steps: int,
    *,
    tolerance: float,
) -> Solutions:
    """Optimise fits from their starts; the arguments are those of `polish`, every fit being real."""
    cost: Any = NoiseFunctions.of(noise)
    fits, limits = len(start), Limits.of(curve, noise.free_scale, start.dtype)
    out = Solutions(np.zeros_like(start), np.full(fits, np.nan), np.zeros(fits, np.int32), np.zeros(fits, np.int32))
    active = np.arange(min(fits, LANES))
    following, state = len(active), begun(start[active])
    shared = Layout.of(curve, data.point, data.constant, shared=True) if len(data.target) == 1 else None
    with np.errstate(all="ignore"):
        while active.size:
            rows = lanes(data, study[active], resample[active])
            layout = shared or Layout.of(curve, rows.point, rows.constant, shared=False)
            evaluate = functools.partial(moments_at, curve, cost, rows, layout)
            state = _until_one_is_done(evaluate, limits, floor[study[active]], tolerance, max_steps, state)
            done = state.result >= 0
            for whole, some in zip(out, (state.theta, state.objective, state.result, state.steps), strict=True):
                whole[active[done]] = some[done]
            fresh = np.arange(following, min(following + int(done.sum()), fits))
            following += len(fresh)
            kept = State(*(a[~done] for a in state))
            active = np.append(active[~done], fresh)
            state = State(*(np.concatenate(pair) for pair in zip(kept, begun(start[fresh]), strict=True)))
    return out


def _until_one_is_done(
    evaluate: Evaluate, limits: Limits, floor: np.ndarray, tolerance: float, max_steps: int, state: State
) -> State:
    while not (state.result >= 0).any():
        state = propose(limits, floor, tolerance, max_steps, advance(evaluate, floor, tolerance, state))
    return certified(limits, floor, tolerance, state)
