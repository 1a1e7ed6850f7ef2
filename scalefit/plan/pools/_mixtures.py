"""Errors of mixtures of pools at budgets, and the mixtures of least error."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ...data import UNLIMITED, Pools
from ...laws import AbstractLaw
from ...solve import Job, cores, in_lanes, minimise_on_host, minimise_on_simplex
from ._limits import Task
from ._mixing import needed_mixing

SHARE, MORE_STARTS = 8, 5
"""Problems in a part, and by how many its starts exceed the pools: few, so that a single plan fills one or two."""
ENOUGH = 1 << 15
"""Laws times budgets, starts and pools that the host searches in the seconds that compiling the search takes."""


class Budgeted(NamedTuple):
    """One budget under one law: what the cost of weights needs to know."""

    law: AbstractLaw
    budget: Array | np.ndarray
    sizes: Array | np.ndarray
    cost: Array | np.ndarray


def samples_of(shares: Any, problem: Budgeted) -> tuple[Any, Any]:
    """Samples that a budget buys in all, and the share of them from each pool, from shares of the budget."""
    bought = shares / problem.cost
    total = jnp.sum(bought)
    return problem.budget * total, bought / total


def exact(shares: Array, problem: Budgeted) -> Array:
    """The logarithm of the error above its floor."""
    n, w = samples_of(shares, problem)
    return problem.law.log_excess(**needed_mixing(problem.law).of(n, w, problem.sizes))


def smooth(shares: Array, problem: Budgeted) -> Array:
    """The same of the law's smooth form."""
    n, w = samples_of(shares, problem)
    return problem.law.smooth().log_excess(**needed_mixing(problem.law).of(n, w, problem.sizes))


def _value(law: AbstractLaw, n: Array, weights: Array, sizes: Array) -> Any:
    return law(**needed_mixing(law).of(n, weights, sizes))


def errors(
    laws: AbstractLaw, pools: Pools, budgets: Float[np.ndarray, "*law budget"],
    weights: Float[np.ndarray, "..."], sizes: Float[np.ndarray, " pool"] | None = None,
) -> Float[np.ndarray, "..."]:  # fmt: skip
    """The errors of mixtures at budgets by many laws.

    **Arguments:**

    - `budgets`: The same for all laws, or by law.
    - `weights`: Pools last; before them nothing, budgets, laws and budgets, or laws, budgets and several plans.
    - `sizes`: Of the pools, where they are not their own.

    **Returns:** the errors by law, budget and plan.
    """
    count = len(jax.tree.leaves(laws)[0])
    weights = weights[(None,) * max(3 - weights.ndim, 0)]
    budgets = np.atleast_2d(budgets)[(..., *(None,) * (weights.ndim - 3))]
    n = budgets / np.sum(weights * pools.cost, axis=-1)
    shape = np.broadcast_shapes(n.shape, (count, *(1,) * (n.ndim - 1)))
    each = np.repeat(np.arange(count), int(np.prod(shape[1:])))
    sizes = pools.sizes if sizes is None else sizes
    lanes = [np.broadcast_to(a, (*shape, len(pools))).reshape(-1, len(pools)) for a in (weights, sizes)]
    of_each = jax.tree.map(lambda a: a[each], laws)
    return in_lanes(_value, of_each, np.broadcast_to(n, shape).ravel(), *lanes).reshape(shape)


def best_first(law: AbstractLaw, task: Task) -> Int[np.ndarray, "budget pool"]:
    """The pools at each budget, the one first of which fresh samples would do best, by one law along its axis."""
    fresh, alone = np.full(len(task.pools), UNLIMITED), np.eye(len(task.pools))
    return np.argsort(errors(law, task.pools, task.budgets, alone[None, None], fresh)[0], axis=1, kind="stable")


def unions(
    law: AbstractLaw, task: Task, order: Int[np.ndarray, "budget pool"]
) -> tuple[Float[np.ndarray, "budget union pool"], Float[np.ndarray, "budget union"]]:
    """The weights and the error of the best 1, 2, … pools merged; the error is NaN where a limit forbids them.

    `law` is one that covers any plan.
    """
    count = len(task.pools)
    # Whether the pool is one of the best so many.
    among = np.argsort(order, axis=1)[:, None] <= np.arange(count)[:, None]
    weights = np.where(among, task.pools.sizes, 0.0)
    weights = weights / weights.sum(axis=-1, keepdims=True)
    fine = task.allows(spent_on(weights, task.pools))
    return weights, np.where(fine, errors(law, task.pools, task.budgets, weights[None])[0], np.nan)


def spent_on(weights: np.ndarray, pools: Pools) -> np.ndarray:
    """Shares of the budget from shares of the samples."""
    spent = weights * pools.cost
    return spent / spent.sum(axis=-1, keepdims=True)


def bought_with(spent: np.ndarray, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the samples, and how many they are, from shares of the budget."""
    bought = spent / task.pools.cost
    total = bought.sum(axis=-1, keepdims=True)
    return bought / total, task.budgets * total[..., 0]


def best_shares(
    laws: AbstractLaw, task: Task, starts: Float[np.ndarray, "budget start pool"]
) -> tuple[Float[np.ndarray, "law budget pool"], Float[np.ndarray, "law budget"]]:
    """Shares of each budget of least error by each law, and their `kkt`.

    Few are searched for on the host (`scalefit.driver` says otherwise). Many go in parts of one shape, compiled once,
    however many laws, budgets and starts there are.
    """
    budgets, pools = task.low.shape
    count, draws = starts.shape[1], len(jax.tree.leaves(laws)[0])
    work = draws * budgets * count * pools
    job = Job.of("auto", (), (jax.tree.structure(laws), pools), work, ENOUGH)
    width = count if job.here else pools + MORE_STARTS
    parts_of_one = -(-count // width)
    starts = np.pad(starts, ((0, 0), (0, parts_of_one * width - count), (0, 0)), mode="edge")

    def tiled(a: np.ndarray) -> np.ndarray:
        """What each budget has, for every draw and part."""
        return np.tile(np.repeat(a, parts_of_one, axis=0), (draws, *[1] * (a.ndim - 1)))

    problems = draws * budgets * parts_of_one
    of_each = jax.tree.map(lambda a: np.repeat(a, problems // draws, axis=0), laws)
    of_pools = (np.tile(a, (problems, 1)) for a in (task.pools.sizes, task.pools.cost))
    problem = Budgeted(of_each, tiled(task.budgets), *of_pools)
    begin = np.tile(starts.reshape(-1, width, pools), (draws, 1, 1))
    whole = (problem, begin, tiled(task.low), tiled(task.high))

    def run(first: int) -> Any:
        some = np.minimum(np.arange(first, first + SHARE), problems - 1)
        with jax.enable_x64(True):
            found = minimise_on_simplex(exact, smooth, *jax.tree.map(lambda a: a[some], whole))
            return jax.tree.map(lambda a: np.asarray(a)[: problems - first], found)

    if job.here:
        found = minimise_on_host(exact, smooth, *whole)
        job.did(work)
    else:
        with ThreadPoolExecutor(cores()) as pool:
            parts = list(pool.map(run, range(0, problems, SHARE)))
        found = jax.tree.map(lambda *some: np.concatenate(some), *parts)
    best = np.argmin(found.value.reshape(draws, budgets, -1), axis=2) + parts_of_one * np.arange(
        draws * budgets
    ).reshape(draws, budgets)
    return found.weights[best], found.kkt[best]
