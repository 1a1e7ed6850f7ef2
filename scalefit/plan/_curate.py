"""Which pools of data to train on, in what proportion and how often, at a budget."""

import dataclasses
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from .._core import InputError
from ..data import UNLIMITED, Pools, hint
from ..laws import AbstractPools
from ..params import parameters
from ..results import Ensemble, Fit
from ..solve import bucket, cores, minimise_on_simplex
from ._curation import Curation, CurationDraws, careful_choice

RANDOM = 16
"""Random starts of a single law; of each draw there are `FEW`."""
FEW = 2
BEYOND = 10.0
"""Budgets so many times beyond the longest run are warned of."""
MOST = 8192
"""Passes of a pool that a plan may look at."""

Shares = Mapping[str, float] | float | None


class Problem(NamedTuple):
    """One budget under one law: what the cost of weights needs to know."""

    law: AbstractPools
    budget: Array
    sizes: Array
    cost: Array


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


def curate(
    result: Fit[Any] | Ensemble[Any] | AbstractPools,
    pools: Pools,
    *,
    budget: ArrayLike,
    min_weight: Shares = None,
    max_weight: Shares = None,
    fixed: Mapping[str, float] | None = None,
    num_draws: int = 200,
    seed: int = 0,
) -> Curation:
    r"""The weights over pools of least error at each budget, with how sure that is.

    Minimises $\log(y(n, w, U) - d)$ over weights on the simplex within limits, from many starts: on the law's smooth form
    along its slopes, then on the law itself, where the best weights often see pools a whole number of times. Success is
    `kkt`. Beside them stand the unions of the best 1, 2, … pools in proportion to their sizes, the natural and uniform
    proportions and the best single pool. An ensemble plans anew for each of its draws.

    **Arguments:**

    - `result`: A fit of one of the laws of pools, an ensemble of draws of one, or such a law with its values.
    - `pools`: The pools to plan with, all of them known to the law; their `max_passes` are limits, and where samples
        differ in `cost` the budget is in its unit.
    - `budget`: One budget or several: samples, repeats included.
    - `min_weight`, `max_weight`: Limits of the shares of the budget, one for all or by pool; `fixed`: shares held.
    - `num_draws`: The most draws of an ensemble to plan for: the first that converged.
    - `seed`: Of the random starts.

    **Returns:** a `Curation`.

    **Warns:** for budgets more than ten times beyond the longest run, with what that costs in width.

    **Raises:** `InputError` for laws of other kinds, pools that the law does not know, budgets that are not above 0, and
    limits that leave no feasible weights.

    Source: the enumeration of unions and the law are those of arXiv 2404.07177; continuous weights are ours.
    """
    law, drawn, source = _laws(result, num_draws)
    law = _of_pools(law, pools)
    budgets = _budgets(budget)
    low, high = _limits(pools, budgets, min_weight, max_weight, dict(fixed or {}))
    passes = np.where(high > 0.0, high, 0.0) * budgets[:, None] / pools.cost / pools.sizes
    if passes.max() > MOST:
        b, i = np.unravel_index(int(np.argmax(passes)), passes.shape)
        raise InputError(
            f"At a budget of {budgets[b]:g} the pool {pools.names[i]!r} could be seen {passes[b, i]:.3g} times, and plans "
            f"look at {MOST} passes at most: give Pools(..., max_passes=...), or a max_weight."
        )

    def sized(one: AbstractPools) -> AbstractPools:
        everything = np.concatenate([np.full((1, len(pools)), 1.0 / len(pools)), np.eye(len(pools))])
        w = np.where(np.max(high, axis=0) > 0, everything, 0.0)
        n = np.full(len(w), float(np.max(budgets)) / float(np.min(pools.cost)))
        U = np.broadcast_to(np.maximum(pools.sizes, n[0] / max(passes.max(), 1.0)), w.shape)
        return one.sized_for({"n": n, "w": w, "U": U})

    law = sized(law)
    with jax.enable_x64(True):
        order = _order(law, pools, budgets)
        unions, shares = _unions(law, pools, budgets, order, low, high)
        singles = np.stack([_errors(law, pools, budgets, np.eye(len(pools))[i]) for i in range(len(pools))], axis=1)
        best_single = np.eye(len(pools))[np.argmin(singles, axis=1)]
        best_union = np.take_along_axis(
            shares, np.argmin(np.where(np.isnan(unions), np.inf, unions), axis=1)[:, None, None], axis=1
        )[:, 0]
        every = np.broadcast_to
        plans = {
            "natural": every(pools.natural, best_single.shape),
            "uniform": every(pools.uniform, best_single.shape),
            "best_single": best_single,
            "union": np.where(np.isnan(unions).all(axis=1)[:, None], np.nan, best_union),
        }
        rng = np.random.default_rng([seed, 0xC0DE])
        starts = np.concatenate(
            [
                _budget_shares(np.stack([*plans.values()][:3], axis=1), pools),
                _budget_shares(shares, pools),
                every(rng.dirichlet(np.ones(len(pools)), RANDOM), (len(budgets), RANDOM, len(pools))),
            ],
            axis=1,
        )
        spent, kkt = _minimised(law, pools, budgets, starts, low, high)
        weights, samples = _bought(spent, budgets, pools)
        value = _errors(law, pools, budgets, weights)
        values = {name: _errors(law, pools, budgets, plan) for name, plan in plans.items()}
        draws = None
        if drawn is not None:
            many = sized(_of_pools(drawn, pools))
            near = np.concatenate([spent[:, None], starts[:, : -RANDOM + FEW]], axis=1)
            draws = _drawn(many, pools, budgets, near, low, high, weights, plans)
    allowed = {name: _feasible(_budget_shares(plan, pools), low, high) for name, plan in plans.items()}
    found = Curation(
        pools, type(law).__name__, budgets, weights, samples, value, kkt, order, unions, plans, values, allowed, draws
    )
    _warn_beyond(found, source)
    return found


def _laws(result: Any, num_draws: int) -> tuple[AbstractPools, AbstractPools | None, Any]:
    """The law, its draws if there are any, and the source of its runs."""
    if isinstance(result, AbstractPools):
        return result, None, None
    fit = result.fit if isinstance(result, Ensemble) else result
    if not isinstance(fit, Fit) or not isinstance(fit.law, AbstractPools):
        kind = type(fit.law).__name__ if isinstance(fit, Fit) else type(result).__name__
        raise InputError(
            f"curate plans with a law of pools, and {kind} is none: fit sf.laws.PoolsQQT (or another Pools law) to runs "
            f"that say which pool each was trained on."
        )
    if fit.keys is not None:
        raise InputError(f"The fit is a batch of {len(fit.keys)} studies: plan with one of them, as fits[{fit.keys[0]!r}].")
    if not fit.converged:
        raise InputError("The fit did not converge, and a plan from it would say nothing: mend the fit first.")
    if not isinstance(result, Ensemble):
        return fit.law, None, fit.source
    if isinstance(num_draws, bool) or not isinstance(num_draws, int | np.integer) or num_draws < 2:
        raise InputError(f"num_draws is {num_draws!r}; it must be a whole number, 2 or more.")
    good = np.flatnonzero(result.converged)[:num_draws]
    if good.size == 0:
        raise InputError("No draw of the ensemble converged, so it says nothing of how sure a plan is.")
    return fit.law, jax.tree.map(lambda a: a[good], result.law), fit.source


def _of_pools(law: AbstractPools, pools: Pools) -> AbstractPools:
    """The law of just these pools, in their order."""
    if not law.pool:
        raise InputError(f"{type(law).__name__} does not name its pools: make it with pool=(...), as {pools.names!r}.")
    for name in pools.names:
        if name not in law.pool:
            raise InputError(f"The law does not know the pool {name!r}; {hint(name, law.pool, what='pools')}.")
    if len(pools) == 1:
        raise InputError("There is one pool only, and nothing to choose: give Pools of two or more.")
    place = [law.pool.index(name) for name in pools.names]
    along = [name for name, declared in parameters(law).items() if declared.axis == "pool"]
    changes = {name: np.asarray(getattr(law, name))[..., place] for name in along}
    return dataclasses.replace(law, **changes, pool=pools.names)


def _budgets(budget: ArrayLike) -> Float[np.ndarray, " budget"]:
    try:
        found = np.atleast_1d(np.asarray(budget, float))
    except (TypeError, ValueError):
        raise InputError(f"budget is {budget!r}; it must be a number of samples, or several.") from None
    if found.ndim != 1 or found.size == 0 or not (np.isfinite(found) & (found > 0)).all():
        raise InputError(f"budget is {budget!r}; budgets must be finite and above 0.")
    return found


def _limits(
    pools: Pools, budgets: np.ndarray, least: Shares, most: Shares, fixed: Mapping[str, float]
) -> tuple[Float[np.ndarray, "budget pool"], Float[np.ndarray, "budget pool"]]:
    """The least and the largest share of each budget that each pool may have.

    **Raises:** `InputError` where no shares keep them.
    """
    low = np.broadcast_to(_by_pool("min_weight", least, 0.0, pools), (len(budgets), len(pools))).copy()
    high = np.broadcast_to(_by_pool("max_weight", most, 1.0, pools), (len(budgets), len(pools))).copy()
    seen = pools.max_passes * pools.sizes * pools.cost / budgets[:, None]
    for name, share in fixed.items():
        _by_pool("fixed", {name: share}, 0.0, pools)
        low[:, pools.names.index(name)] = high[:, pools.names.index(name)] = share
    high = np.minimum(high, seen)
    for b, budget in enumerate(budgets):
        crossed = np.flatnonzero(low[b] > high[b] * (1 + 1e-12))
        if crossed.size:
            i = int(crossed[0])
            raise InputError(
                f"At a budget of {budget:g} the pool {pools.names[i]!r} must have at least {low[b, i]:.3g} and may have "
                f"at most {high[b, i]:.3g} of it: no weights keep these limits."
            )
        if low[b].sum() > 1 + 1e-9 or high[b].sum() < 1 - 1e-9:
            many, sum_ = ("at least", low[b].sum()) if low[b].sum() > 1 else ("at most", high[b].sum())
            raise InputError(
                f"At a budget of {budget:g} the limits leave the pools {many} {sum_:.3g} of it in all, and a plan spends "
                f"the whole: no weights keep them. Loosen min_weight, max_weight, fixed or max_passes, or spend less."
            )
    return np.minimum(low, high), high


def _by_pool(name: str, given: Shares, usual: float, pools: Pools) -> Float[np.ndarray, " pool"]:
    if given is None:
        return np.full(len(pools), usual)
    if isinstance(given, Mapping):
        for pool in given:
            if pool not in pools.names:
                raise InputError(f"{name} names a pool {pool!r}; {hint(str(pool), pools.names, what='pools')}.")
        given = [given.get(pool, usual) for pool in pools.names]  # pyright: ignore[reportAssignmentType]
    try:
        found = np.broadcast_to(np.asarray(given, float), (len(pools),))
    except (TypeError, ValueError):
        raise InputError(f"{name} is {given!r}; expected one share, or shares by pool.") from None
    if not ((found >= 0) & (found <= 1)).all():
        raise InputError(f"{name} is {found.tolist()}; shares must lie between 0 and 1.")
    return found


def _feasible(shares: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return ((shares >= low - 1e-9) & (shares <= high + 1e-9)).all(axis=-1)


def _order(law: AbstractPools, pools: Pools, budgets: np.ndarray) -> np.ndarray:
    """The pools at each budget, the one first of which fresh samples would do best."""
    fresh = np.full(len(pools), UNLIMITED)
    alone = [_errors(law, pools, budgets, np.eye(len(pools))[i], sizes=fresh) for i in range(len(pools))]
    return np.argsort(np.stack(alone, axis=1), axis=1, kind="stable")


def _unions(
    law: AbstractPools, pools: Pools, budgets: np.ndarray, order: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The error and the weights of the best 1, 2, … pools merged: error NaN where a limit forbids it."""
    weights = np.zeros((len(budgets), len(pools), len(pools)))
    for b in range(len(budgets)):
        for count in range(1, len(pools) + 1):
            some = order[b, :count]
            weights[b, count - 1, some] = pools.sizes[some] / pools.sizes[some].sum()
    values = np.stack([_errors(law, pools, budgets, weights[:, k]) for k in range(len(pools))], axis=1)
    fine = _feasible(_budget_shares(weights, pools), low[:, None], high[:, None])
    return np.where(fine, values, np.nan), weights


def _budget_shares(weights: np.ndarray, pools: Pools) -> np.ndarray:
    """Shares of the budget from shares of the samples."""
    spent = weights * pools.cost
    return spent / spent.sum(axis=-1, keepdims=True)


def _bought(spent: np.ndarray, budgets: np.ndarray, pools: Pools) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the samples, and how many they are, from shares of the budget."""
    bought = spent / pools.cost
    total = bought.sum(axis=-1, keepdims=True)
    return bought / total, budgets * total[..., 0]


@jax.jit
def _values(law: AbstractPools, n: Array, weights: Array, sizes: Array) -> Array:
    return jax.vmap(law, in_axes=(0, 0, None))(n, weights, sizes)


def _errors(
    law: AbstractPools, pools: Pools, budgets: np.ndarray, weights: np.ndarray, sizes: np.ndarray | None = None
) -> np.ndarray:
    """The error of weights at each budget, by one law or by each of many."""
    weights = np.broadcast_to(weights, (len(budgets), len(pools)))
    n = budgets / np.sum(weights * pools.cost, axis=1)
    at = jnp.asarray(n), jnp.asarray(weights), jnp.asarray(pools.sizes if sizes is None else sizes)
    if np.ndim(law.d) == 0:
        return np.asarray(_values(law, *at))
    return np.asarray(eqx.filter_vmap(lambda one: _values(one, *at))(law))


def _minimised(
    law: AbstractPools, pools: Pools, budgets: np.ndarray, starts: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of each budget of least error, and their `kkt`; by draw first where the law is many."""
    draws = 1 if np.ndim(law.d) == 0 else int(np.shape(law.d)[0])
    count = draws * len(budgets)

    def tiled(a: np.ndarray) -> np.ndarray:
        return np.tile(a, (draws, *[1] * (a.ndim - 1)))

    leaves = jax.tree.map(lambda a: np.repeat(np.reshape(a, (draws, *np.shape(a)[np.ndim(law.d) :])), len(budgets), axis=0), law)
    problem = Problem(leaves, tiled(budgets), np.tile(pools.sizes, (count, 1)), np.tile(pools.cost, (count, 1)))
    whole = (problem, tiled(starts), tiled(low), tiled(high))
    share = bucket(-(-count // cores())) if count > 1 else 1

    def run(first: int) -> Any:
        some = np.minimum(np.arange(first, first + share), count - 1)
        with jax.enable_x64(True):
            one = jax.tree.map(lambda a: jnp.asarray(a[some]), whole)
            found = minimise_on_simplex(exact, smooth, *one)
            return jax.tree.map(lambda a: np.asarray(a)[: count - first], found)

    firsts = range(0, count, share)
    with ThreadPoolExecutor(cores()) as pool:
        parts = list(pool.map(run, firsts))
    spent, kkt = (np.concatenate([getattr(part, name) for part in parts]) for name in ("weights", "kkt"))
    if np.ndim(law.d) == 0:
        return spent, kkt
    return spent.reshape(draws, len(budgets), -1), kkt.reshape(draws, len(budgets))


def _drawn(
    many: AbstractPools, pools: Pools, budgets: np.ndarray, starts: np.ndarray, low: np.ndarray, high: np.ndarray,
    best: np.ndarray, plans: Mapping[str, np.ndarray],
) -> CurationDraws:  # fmt: skip
    """The best weights of every draw, and what every draw says of the plans."""
    spent, kkt = _minimised(many, pools, budgets, starts, low, high)
    weights, samples = _bought(spent, budgets, pools)
    sizes = jnp.asarray(pools.sizes)
    by_budget = jax.vmap(lambda law, n, w: law(n, w, sizes), in_axes=(None, 0, 0))
    value = np.asarray(jax.jit(jax.vmap(by_budget))(many, jnp.asarray(samples), jnp.asarray(weights)))
    of_best = _errors(many, pools, budgets, best)
    of_plans = {name: _errors(many, pools, budgets, plan) for name, plan in plans.items()}
    careful, by_quantile = np.empty_like(best), np.empty_like(best)
    fine = [_feasible(_budget_shares(plan, pools), low, high) for plan in plans.values()]
    for b in range(len(budgets)):
        beside = [plan[b] for plan, allowed in zip(plans.values(), fine, strict=True) if allowed[b]]
        candidates = np.unique(np.round([best[b], *weights[:, b], *beside], 12), axis=0)
        candidates = candidates / candidates.sum(axis=1, keepdims=True)
        errors = _errors_of_all(many, pools, budgets[b], candidates)
        worst, quantile = careful_choice(errors)
        careful[b], by_quantile[b] = candidates[worst], candidates[quantile]
    return CurationDraws(weights, value, kkt, of_best, of_plans, careful, by_quantile)


@jax.jit
def _all_values(law: AbstractPools, n: Array, weights: Array, sizes: Array) -> Array:
    by_draw = jax.vmap(lambda one, n, w: one(n, w, sizes), in_axes=(0, None, None))
    return jax.lax.map(lambda at: by_draw(law, *at), (n, weights))


def _errors_of_all(many: AbstractPools, pools: Pools, budget: float, candidates: np.ndarray) -> np.ndarray:
    """The error of every candidate under every draw."""
    count = len(candidates)
    padded = np.pad(candidates, ((0, bucket(count) - count), (0, 0)), mode="edge")
    n = budget / np.sum(padded * pools.cost, axis=1)
    return np.asarray(_all_values(many, jnp.asarray(n), jnp.asarray(padded), jnp.asarray(pools.sizes)))[:count]


def _warn_beyond(found: Curation, source: Any) -> None:
    """Say of budgets far beyond the runs what is not known of them."""
    if source is None or "n" not in source.ranges:
        return
    longest = source.ranges["n"][1]
    far = found.samples > BEYOND * longest
    if not far.any():
        return
    b = int(np.argmax(found.samples))
    said = "an ensemble (bootstrap) would say how wide its interval is"
    if found.draws is not None:
        band = found.interval()
        assert band.low is not None
        assert band.high is not None
        said = f"its 95 % interval is {band.low[b]:.4g} … {band.high[b]:.4g}, and knows how runs scatter, not how the law is wrong"
    warnings.warn(
        f"A budget of {found.budgets[b]:g} is {found.samples[b] / longest:.3g} times beyond the longest run ({longest:g} "
        f"samples): {said}.",
        stacklevel=3,
    )
