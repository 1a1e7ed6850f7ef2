"""Minimising functions of weights on the simplex under limits, many problems at once, from every start.

One step code under two drivers: NumPy for few problems, where the function alone is compiled, and one compiled loop.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._groups import Groups
from ._namespace import Numbers, namespace
from ._simplex_steps import Cost, Number, Task, exchanged, paying_moves, searched, taken

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

    weights: Float[Numbers, "problem pool"]
    value: Float[Numbers, " problem"]
    kkt: Float[Numbers, " problem"]


def simplex_kkt(
    cost: Cost,
    args: Any,
    weights: Float[Array, "problem pool"],
    low: Float[Array, "problem pool"] | Float[Array, " pool"],
    high: Float[Array, "problem pool"] | Float[Array, " pool"],
    groups: Groups | None = None,
) -> Float[Array, " problem"]:
    r"""The slope of the cost along the best move of weight from one pool to another; 0 where no move lowers the cost.

    $\min_{i\ne j}\,\partial_i^+ - \partial_j^-$ over all i below their upper and j above their lower limit. Slopes are
    one-sided, so that weights on a kink are judged rightly, provided that kinks are of single weights: what bends along
    one weight does so wherever the others are.

    **Arguments:**

    - `cost`: A function of the weights and the numbers of one problem, defined a hair off the simplex too.
    - `args`: The numbers of the problems, a pytree of arrays with a leading axis of problems.
    - `weights`: Feasible.
    - `low`, `high`: Limits of the weights, for each problem or for all; `groups`: of the totals of groups.
    """
    low, high = _every(low, weights), _every(high, weights)
    return paying_moves(cost, Task(args, low, high, groups), weights).kkt


@functools.partial(jax.jit, static_argnames=("cost", "smooth", "width"))
def minimise_on_simplex(
    cost: Cost,
    smooth: Cost,
    args: Any,
    starts: Float[Array, "problem start pool"] | Float[Array, "start pool"],
    low: Float[Array, "problem pool"] | Float[Array, " pool"],
    high: Float[Array, "problem pool"] | Float[Array, " pool"],
    *,
    groups: Groups | None = None,
    steps: Number = 400,
    adam_steps: Number = 150,
    rounds: Number = 200,
    tolerance: Number = 1e-7,
    width: int | None = None,
) -> OnSimplex:
    """The weights of least cost on the simplex, within limits, for many problems at once, in JAX.

    Never worse than any of the starts. Compiled once for each cost, stand-in and shapes.

    **Arguments:**

    - `cost`: A function of the weights and the numbers of one problem, defined a hair off the simplex too. It may have
        kinks in single weights.
    - `smooth`: A differentiable stand-in for the cost, which may be the cost itself.
    - `args`: The numbers of the problems, a pytree of arrays with a leading axis of problems.
    - `starts`: Weights to start from, of each problem or of all; brought within the limits first.
    - `low`, `high`: Limits of the weights, with sum(low) <= 1 <= sum(high); equal where a weight is fixed.
    - `groups`: Limits of the total weight of groups of pools, for each problem.
    - `steps`: Most steps of exponentiated gradient; of Adam `adam_steps`; `rounds` of moves between pools.
    - `tolerance`: What the slope of a move may promise at an optimum, in units of the cost for a whole weight.
    - `width`: Lanes worked on side by side; by default few enough to stay in cache.
    """
    problems = jax.tree.leaves(args)[0].shape[0]
    *_, count, pools = starts.shape
    width = width or max(1, min(64, NUMBERS // pools))
    starts = jnp.broadcast_to(starts if starts.ndim == 3 else starts[None], (problems, count, pools))
    task = Task(args, _every(low, starts[:, 0]), _every(high, starts[:, 0]), groups)

    def search(lanes: Any) -> Any:
        problem, start = lanes
        return searched(cost, smooth, taken(task, problem), start, steps, adam_steps, tolerance)

    def finish(lanes: Any) -> Any:
        problem, weights = lanes
        return exchanged(cost, taken(task, problem), weights, rounds, tolerance)

    lanes = jnp.repeat(jnp.arange(problems), count), starts.reshape(-1, pools)
    found, values = _in_blocks(search, lanes, width)
    chosen = _best_of(found, values, problems)
    return OnSimplex(*_in_blocks(finish, (jnp.arange(problems), chosen), max(width // SPREAD, 1)))


def minimise_on_host(
    cost: Cost,
    smooth: Cost,
    args: Any,
    starts: Float[np.ndarray, "problem start pool"],
    low: Float[np.ndarray, "problem pool"],
    high: Float[np.ndarray, "problem pool"],
    *,
    groups: Groups | None = None,
    steps: int = 400,
    adam_steps: int = 150,
    rounds: int = 200,
    tolerance: float = 1e-7,
) -> OnSimplex:
    """The same under NumPy, the cost and its slopes alone being compiled: a first answer without the wait.

    The arguments are those of `minimise_on_simplex`.
    """
    problems, count, pools = starts.shape
    task, problem = Task(args, low, high, groups), np.repeat(np.arange(problems), count)
    with np.errstate(all="ignore"):
        lanes = taken(task, problem), starts.reshape(-1, pools)
        found, values = searched(cost, smooth, *lanes, steps, adam_steps, tolerance)
        return OnSimplex(*exchanged(cost, task, _best_of(found, values, problems), rounds, tolerance))


def _every(limit: Array, weights: Array) -> Array:
    return jnp.broadcast_to(limit if limit.ndim == 2 else limit[None], weights.shape).astype(weights.dtype)


def _best_of(found: Numbers, values: Numbers, problems: int) -> Numbers:
    """The best weights of each problem, of those that its starts led to."""
    np_ = namespace(values)
    best = np_.argmin(values.reshape(problems, -1), axis=1)
    found = found.reshape(problems, -1, found.shape[-1])
    return np_.take_along_axis(found, best[:, None, None], axis=1)[:, 0]


def _in_blocks(every: Callable[[Any], Any], lanes: Any, width: int) -> Any:
    """`every` of the lanes, so many side by side: memory is bounded, and a block waits for its own slowest only."""
    count = jax.tree.leaves(lanes)[0].shape[0]
    blocks = -(-count // width)
    width = -(-count // blocks)
    order = jnp.minimum(jnp.arange(blocks * width), count - 1).reshape(blocks, width)
    out = jax.lax.map(lambda k: every(jax.tree.map(lambda a: a[k], lanes)), order)
    return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:count], out)
