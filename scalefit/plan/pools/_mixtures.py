"""Errors of mixtures of pools at budgets, and the mixtures of least error."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...data import UNLIMITED, Pools
from ...laws import AbstractPools
from ...solve import bucket, cores, minimise_on_simplex
from ._limits import Task

SHARE, MORE_STARTS = 8, 5
"""Problems in a part, and by how many its starts exceed the pools: few, so that a single plan fills one or two."""


class Problem(NamedTuple):
    """One budget under one law: what the cost of weights needs to know."""

    law: AbstractPools
    budget: Array | np.ndarray
    sizes: Array | np.ndarray
    cost: Array | np.ndarray


def samples_of(shares: Any, problem: Problem) -> tuple[Any, Any]:
    """Samples that a budget buys in all, and the share of them from each pool, from shares of the budget."""
    bought = shares / problem.cost
    total = jnp.sum(bought)
    return problem.budget * total, bought / total


def exact(shares: Array, problem: Problem) -> Array:
    """The logarithm of the error above its floor."""
    n, w = samples_of(shares, problem)
    return problem.law.log_excess(n, w, problem.sizes)


def smooth(shares: Array, problem: Problem) -> Array:
    """The same of the law's smooth form."""
    n, w = samples_of(shares, problem)
    return problem.law.smooth().log_excess(n, w, problem.sizes)


def best_first(law: AbstractPools, task: Task) -> np.ndarray:
    """The pools at each budget, the one first of which fresh samples would do best."""
    fresh = np.full(len(task.pools), UNLIMITED)
    alone = [errors_at(law, task, np.eye(len(task.pools))[i], sizes=fresh) for i in range(len(task.pools))]
    return np.argsort(np.stack(alone, axis=1), axis=1, kind="stable")


def unions(law: AbstractPools, task: Task, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weights and the error of the best 1, 2, … pools merged; the error is NaN where a limit forbids them.

    `law` is one that covers any plan, as do those of `errors_at`.
    """
    weights = np.zeros((len(task.budgets), len(task.pools), len(task.pools)))
    for b in range(len(task.budgets)):
        for count in range(1, len(task.pools) + 1):
            some = order[b, :count]
            weights[b, count - 1, some] = task.pools.sizes[some] / task.pools.sizes[some].sum()
    values = np.stack([errors_at(law, task, weights[:, k]) for k in range(len(task.pools))], axis=1)
    fine = task.allows(spent_on(weights, task.pools))
    return weights, np.where(fine, values, np.nan)


def spent_on(weights: np.ndarray, pools: Pools) -> np.ndarray:
    """Shares of the budget from shares of the samples."""
    spent = weights * pools.cost
    return spent / spent.sum(axis=-1, keepdims=True)


def bought_with(spent: np.ndarray, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the samples, and how many they are, from shares of the budget."""
    bought = spent / task.pools.cost
    total = bought.sum(axis=-1, keepdims=True)
    return bought / total, task.budgets * total[..., 0]


@jax.jit
def _values(law: AbstractPools, n: Array, weights: Array, sizes: Array) -> Any:
    return jax.vmap(law, in_axes=(0, 0, None))(n, weights, sizes)


def errors_at(law: AbstractPools, task: Task, weights: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
    """The error of weights at each budget, by one law or by each of many."""
    weights = np.broadcast_to(weights, (len(task.budgets), len(task.pools)))
    n = task.budgets / np.sum(weights * task.pools.cost, axis=1)
    at = jnp.asarray(n), jnp.asarray(weights), jnp.asarray(task.pools.sizes if sizes is None else sizes)
    if np.ndim(law.d) == 0:
        return np.asarray(_values(law, *at))
    return np.asarray(eqx.filter_vmap(lambda one: _values(one, *at))(law))


def best_shares(law: AbstractPools, task: Task, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of each budget of least error, and their `kkt`; by draw first where the law is many.

    However many laws, budgets and starts there are, they go in parts of one shape, which is compiled once.
    """
    draws = 1 if np.ndim(law.d) == 0 else int(np.shape(law.d)[0])
    width = len(task.pools) + MORE_STARTS
    parts_of_one = -(-starts.shape[1] // width)
    starts = np.pad(starts, ((0, 0), (0, parts_of_one * width - starts.shape[1]), (0, 0)), mode="edge")
    count = draws * len(task.budgets) * parts_of_one

    def tiled(a: np.ndarray) -> np.ndarray:
        """What each budget has, for every draw and part."""
        return np.tile(np.repeat(a, parts_of_one, axis=0), (draws, *[1] * (a.ndim - 1)))

    leaves = jax.tree.map(
        lambda a: np.repeat(np.reshape(a, (draws, *np.shape(a)[np.ndim(law.d) :])), count // draws, axis=0), law
    )
    problem = Problem(
        leaves, tiled(task.budgets), np.tile(task.pools.sizes, (count, 1)), np.tile(task.pools.cost, (count, 1))
    )
    begin = np.tile(starts.reshape(-1, width, len(task.pools)), (draws, 1, 1))
    whole = (problem, begin, tiled(task.low), tiled(task.high))

    def run(first: int) -> Any:
        some = np.minimum(np.arange(first, first + SHARE), count - 1)
        with jax.enable_x64(True):
            one = jax.tree.map(lambda a: jnp.asarray(a[some]), whole)
            found = minimise_on_simplex(exact, smooth, *one)
            return jax.tree.map(lambda a: np.asarray(a)[: count - first], found)

    with ThreadPoolExecutor(cores()) as pool:
        parts = list(pool.map(run, range(0, count, SHARE)))
    by_part = draws * len(task.budgets), parts_of_one
    spent, value, kkt = (
        np.concatenate([getattr(part, name) for part in parts]).reshape(*by_part, *shape)
        for name, shape in (("weights", (-1,)), ("value", ()), ("kkt", ()))
    )
    best = np.arange(by_part[0]), np.argmin(value, axis=1)
    spent, kkt = spent[best], kkt[best]
    if np.ndim(law.d) == 0:
        return spent, kkt
    return spent.reshape(draws, len(task.budgets), -1), kkt.reshape(draws, len(task.budgets))


@jax.jit
def _own_values(laws: AbstractPools, n: Array, weights: Array, sizes: Array) -> Array:
    by_budget = jax.vmap(lambda law, n, w: law(n, w, sizes), in_axes=(None, 0, 0))
    return jax.vmap(by_budget)(laws, n, weights)


def errors_of_own(many: AbstractPools, task: Task, samples: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The error of each draw's own weights."""
    return np.asarray(_own_values(many, *(jnp.asarray(a) for a in (samples, weights, task.pools.sizes))))


@jax.jit
def _all_values(law: AbstractPools, n: Array, weights: Array, sizes: Array) -> Array:
    by_draw = jax.vmap(lambda one, n, w: one(n, w, sizes), in_axes=(0, None, None))
    return jax.lax.map(lambda at: by_draw(law, *at), (n, weights))


def errors_of_all(many: AbstractPools, pools: Pools, budget: float, candidates: np.ndarray) -> np.ndarray:
    """The error of every candidate under every draw."""
    count = len(candidates)
    padded = np.pad(candidates, ((0, bucket(count) - count), (0, 0)), mode="edge")
    n = budget / np.sum(padded * pools.cost, axis=1)
    return np.asarray(_all_values(many, jnp.asarray(n), jnp.asarray(padded), jnp.asarray(pools.sizes)))[:count]
