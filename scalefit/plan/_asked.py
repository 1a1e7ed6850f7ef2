"""What a plan is asked for: of which law, for which budgets, within which limits."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from .._core import InputError
from ..data import Pools, hint
from ..laws import AbstractPools
from ..params import parameters
from ..results import Ensemble, Fit

MOST = 8192
"""Passes of a pool that a plan may look at."""

Shares = Mapping[str, float] | float | None
"""Shares of the budget: by pool, one for all, or none said."""


class Task(NamedTuple):
    """Pools to be mixed at budgets, and the least and the largest share of each budget that each pool may have."""

    pools: Pools
    budgets: Float[np.ndarray, " budget"]
    low: Float[np.ndarray, "budget pool"]
    high: Float[np.ndarray, "budget pool"]

    def sized(self, law: AbstractPools) -> AbstractPools:
        """The law covering as many passes as any plan within the limits may come to.

        **Raises:** `InputError` where they are more than a plan may look at.
        """
        passes = self.high * self.budgets[:, None] / self.pools.cost / self.pools.sizes
        if passes.max() > MOST:
            b, i = np.unravel_index(int(np.argmax(passes)), passes.shape)
            raise InputError(
                f"At a budget of {self.budgets[b]:g} the pool {self.pools.names[i]!r} could be seen "
                f"{passes[b, i]:.3g} times, and plans look at {MOST} passes at most: give Pools(..., max_passes=...), "
                f"or a max_weight."
            )
        # As one run of one sample would be, on pools so small that it makes as many passes.
        w = self.pools.uniform[None]
        # Names would be compiled in, and every naming anew.
        law = dataclasses.replace(law, one_by_one=False, pool=())
        return law.sized_for({"n": np.ones(1), "w": w, "U": w / passes.max()})


def laws_of(result: Any, num_draws: int) -> tuple[AbstractPools, AbstractPools | None, Any]:
    """The law, its draws if there are any, and the source of its runs."""
    if isinstance(result, AbstractPools):
        return result, None, None
    fit = result.fit if isinstance(result, Ensemble) else result
    if not isinstance(fit, Fit) or not isinstance(fit.law, AbstractPools):
        kind = type(fit.law).__name__ if isinstance(fit, Fit) else type(result).__name__
        raise InputError(
            f"curate plans with a law of pools, and {kind} is none: fit sf.laws.PoolsQQT (or another Pools law) to "
            f"runs that say which pool each was trained on."
        )
    if fit.keys is not None:
        raise InputError(
            f"The fit is a batch of {len(fit.keys)} studies: plan with one of them, as fits[{fit.keys[0]!r}]."
        )
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


def of_pools(law: AbstractPools, pools: Pools) -> AbstractPools:
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


def budgets_of(budget: Any) -> Float[np.ndarray, " budget"]:
    """One budget or several.

    **Raises:** `InputError` for what is no number, or not above 0.
    """
    try:
        found = np.atleast_1d(np.asarray(budget, float))
    except (TypeError, ValueError):
        raise InputError(f"budget is {budget!r}; it must be a number of samples, or several.") from None
    if found.ndim != 1 or found.size == 0 or not (np.isfinite(found) & (found > 0)).all():
        raise InputError(f"budget is {budget!r}; budgets must be finite and above 0.")
    return found


def limits_of(
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
                f"At a budget of {budget:g} the pool {pools.names[i]!r} must have at least {low[b, i]:.3g} and may "
                f"have at most {high[b, i]:.3g} of it: no weights keep these limits."
            )
        if low[b].sum() > 1 + 1e-9 or high[b].sum() < 1 - 1e-9:
            many, sum_ = ("at least", low[b].sum()) if low[b].sum() > 1 else ("at most", high[b].sum())
            raise InputError(
                f"At a budget of {budget:g} the limits leave the pools {many} {sum_:.3g} of it in all, and a plan "
                f"spends the whole: no weights keep them. Loosen min_weight, max_weight, fixed or max_passes, or spend "
                f"less."
            )
    return np.minimum(low, high), high


def _by_pool(name: str, given: Shares, usual: float, pools: Pools) -> Float[np.ndarray, " pool"]:
    if given is None:
        return np.full(len(pools), usual)
    if isinstance(given, Mapping):
        for pool in given:
            if pool not in pools.names:
                raise InputError(f"{name} names a pool {pool!r}; {hint(str(pool), pools.names, what='pools')}.")
    numbers = [given.get(pool, usual) for pool in pools.names] if isinstance(given, Mapping) else given
    try:
        found = np.broadcast_to(np.asarray(numbers, float), (len(pools),))
    except (TypeError, ValueError):
        raise InputError(f"{name} is {given!r}; expected one share, or shares by pool.") from None
    if not ((found >= 0) & (found <= 1)).all():
        raise InputError(f"{name} is {found.tolist()}; shares must lie between 0 and 1.")
    return found


def feasible(shares: Float[np.ndarray, "budget *plan pool"], task: Task) -> Any:
    """Whether shares of the budgets keep the limits."""
    between = (len(task.budgets), *[1] * (shares.ndim - 2), -1)
    low, high = task.low.reshape(between), task.high.reshape(between)
    return ((shares >= low - 1e-9) & (shares <= high + 1e-9)).all(axis=-1)
