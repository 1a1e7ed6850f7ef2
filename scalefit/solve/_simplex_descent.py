"""Projected descent on the simplex by an optimiser of Optax: each step is brought back to the nearest weights."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._descend import ByIdentity
from ._groups import Groups
from ._lanes import in_blocks
from ._simplex import OnSimplex
from ._simplex_steps import Cost, Task, paying_moves

QUIET = 100
"""Steps in a row without a gain after which a lane stops."""
NUMBERS = 4096
"""Lanes times pools that are one program's."""


def descend_on_simplex(
    cost: Cost,
    args: Any,
    starts: Float[np.ndarray, "lane pool"],
    low: Float[np.ndarray, "lane pool"],
    high: Float[np.ndarray, "lane pool"],
    *,
    optimiser: Any,
    groups: Groups | None = None,
    steps: int = 4000,
) -> OnSimplex:
    """The best weights that an Optax optimiser sees on the simplex, within limits, from one start a lane.

    Where the simplex itself is the only limit, steps are projected by `optax.projections.projection_simplex`. The cost
    is divided by the spread of its slopes at the start, so that a learning rate means the same whatever its unit.

    **Arguments:**

    - `cost`, `args`, `low`, `high`, `groups`: See `minimise_on_host`; the cost must have slopes.
    - `starts`: Within the limits or not.
    - `optimiser`: An `optax.GradientTransformation`.
    - `steps`: At most.
    """
    plain = groups is None and not low.any() and bool((high >= 1.0).all())
    try:
        hash(optimiser)
    except TypeError:
        optimiser = ByIdentity(optimiser)
    program = functools.partial(_descended, cost, optimiser, plain, steps)
    width = max(1, min(64, NUMBERS // starts.shape[1], 1 << (len(starts) - 1).bit_length()))
    return in_blocks(program, (Task(args, low, high, groups), starts), width)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _descended(cost: Cost, optimiser: Any, plain: bool, steps: int, given: tuple[Task, Any]) -> OnSimplex:
    import optax

    optimiser = optimiser.solver if isinstance(optimiser, ByIdentity) else optimiser
    optimiser = optax.with_extra_args_support(optimiser)

    def single(task: Task, start: Array) -> tuple[Array, Array]:
        def projected(v: Any) -> Array:
            return optax.projections.projection_simplex(v) if plain else nearest(v, task.low, task.high, task.groups)

        start = projected(start)
        slope = jax.grad(cost)(start, task.arg)
        unit = jnp.maximum(jnp.max(slope) - jnp.min(slope), jnp.finfo(start.dtype).tiny)

        def scaled(w: Array) -> Array:
            return cost(w, task.arg) / unit

        def going(carry: Any) -> Array:
            w, _, _, _, quiet, count = carry
            return (count < steps) & (quiet < QUIET) & jnp.all(jnp.isfinite(w))

        def step(carry: Any) -> Any:
            w, state, best, least, quiet, count = carry
            value, gradient = jax.value_and_grad(scaled)(w)
            updates, state = optimiser.update(gradient, state, w, value=value, grad=gradient, value_fn=scaled)
            quiet = jnp.where(value < least - 1e-12 * jnp.abs(least), 0, quiet + 1)
            best, least = jnp.where(value < least, w, best), jnp.minimum(value, least)
            return projected(optax.apply_updates(w, updates)), state, best, least, quiet, count + 1

        zero = jnp.zeros((), jnp.int32)
        first = start, optimiser.init(start), start, jnp.full((), jnp.inf, start.dtype), zero, zero
        best = jax.lax.while_loop(going, step, first)[2]
        return best, cost(best, task.arg)

    task, starts = given
    weights, values = jax.vmap(single)(task, starts)
    return OnSimplex(weights, values, paying_moves(cost, task, weights).kkt)


def nearest(
    v: Float[Array, " pool"], low: Float[Array, " pool"], high: Float[Array, " pool"], groups: Groups | None = None
) -> Float[Array, " pool"]:
    r"""The weights within limits that are nearest to v: $w = \min(\max(v + s_g, low), high)$.

    s is the same for all groups at no limit; the others have one of their own, by which their total is there.
    """
    if groups is None:
        groups = Groups(jnp.ones((1, *v.shape), v.dtype), jnp.zeros(1, v.dtype), jnp.ones(1, v.dtype))
    ends = jnp.min(low - v), jnp.max(high - v)

    def totals(shift: Array) -> Array:
        return groups.totals(jnp.clip(v + shift, low, high))

    def bisected(f: Callable[[Array], Array], like: Array) -> Array:
        def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
            middle = 0.5 * (ends[0] + ends[1])
            above = f(middle) > 0.0
            return jnp.where(above, ends[0], middle), jnp.where(above, middle, ends[1])

        least, most = jax.lax.fori_loop(0, 60, halve, (ends[0] + like, ends[1] + like))
        return 0.5 * (least + most)

    one = bisected(lambda s: jnp.sum(jnp.clip(totals(s), groups.low, groups.high)) - 1.0, jnp.zeros_like(v[0]))
    wanted = jnp.clip(totals(one), groups.low, groups.high)
    own = bisected(lambda s: totals(groups.of_pools(s)) - wanted, jnp.zeros_like(wanted))
    w = jnp.clip(v + groups.of_pools(own), low, high)
    free = jnp.where((w > low) & (w < high), 1.0, 0.0).astype(v.dtype)
    # Rounding alone is left, which free weights take.
    left = (wanted - groups.totals(w)) / jnp.maximum(groups.totals(free), 1.0)
    return jnp.clip(w + free * groups.of_pools(left), low, high)
