"""The queue of fits as one compiled loop: for many fits, accelerators and several devices."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._core import RESULTS
from ._moments import BLOCK, Moments, moments
from ._namespace import select
from ._newton import RUNNING, Limits, Solutions, State, advance, begun, certified, propose
from ._problem import Curve, Data, Lanes, Noise, lanes


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
    limits = Limits.of(curve, noise.free_scale, start.dtype)
    place = jnp.arange(width, dtype=jnp.int32)

    def load(where: Array) -> Any:
        safe = jnp.minimum(where, fits - 1)
        return lanes(data, study[safe], resample[safe]), floor[study[safe]]

    def begin(where: Array) -> State:
        state = begun(start[jnp.minimum(where, fits - 1)])
        return state._replace(result=jnp.where(where < count, RUNNING, int(RESULTS.successful)).astype(jnp.int32))

    empty = Solutions(
        jnp.zeros_like(start),
        jnp.full(fits, jnp.nan, start.dtype),
        jnp.zeros(fits, jnp.int32),
        jnp.zeros(fits, jnp.int32),
    )

    def refill(carry: Any) -> Any:
        state, where, following, (_, lane_floor), out = carry
        state = certified(limits, lane_floor, tolerance, state)
        done = state.result >= 0
        target = jnp.where(done & (where < count), where, fits)
        new = (state.theta, state.objective, state.result, state.steps)
        out = Solutions(*(o.at[target].set(n, mode="drop") for o, n in zip(out, new, strict=True)))
        take = following + jnp.cumsum(done, dtype=jnp.int32) - 1
        where = jnp.where(done, jnp.minimum(take, count), where)
        following = jnp.minimum(following + jnp.sum(done, dtype=jnp.int32), count)
        fresh = begin(where)
        state = select(done, fresh, state)
        return state, where, following, load(where), out

    def body(carry: Any) -> Any:
        state, where, following, loaded, out = carry
        rows, lane_floor = loaded
        evaluate = functools.partial(_moments, curve, noise, rows)
        tried = advance(evaluate, lane_floor, tolerance, state)
        moved = propose(limits, lane_floor, tolerance, max_steps, tried)
        state = select(state.result == RUNNING, moved, state)
        carry = (state, where, following, loaded, out)
        return jax.lax.cond(jnp.any((state.result >= 0) & (where < count)), refill, lambda c: c, carry)

    def busy(carry: Any) -> Any:
        return jnp.any(carry[1] < count)

    where = jnp.minimum(place, count).astype(jnp.int32)
    first = (begin(where), where, jnp.minimum(jnp.asarray(width, jnp.int32), count), load(where), empty)
    return jax.lax.while_loop(busy, body, first)[-1]


def _moments(curve: Curve, noise: Noise, rows: Lanes, theta: Any, exact: Any) -> Moments:
    return moments(curve, noise, theta, exact, rows)


def lane_width(fits: int, runs: int, platform: str = "cpu") -> int:
    """Lanes at once: few enough on a CPU that the arrays stay in cache, enough on an accelerator to fill it."""
    numbers, most = (4096, 256) if platform == "cpu" else (1 << 23, 1 << 15)
    held = min(runs, BLOCK) if platform == "cpu" else runs
    width = 4
    while width < min(most, fits) and width * 2 * held <= numbers:
        width *= 2
    return min(width, max(1, 1 << (max(fits, 1) - 1).bit_length()))
