"""What a plan is asked for: of which law, for which budgets, within which limits."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..._core import InputError
from ...data import Pools, hint
from ...laws import MOST_PASSES, AbstractPools
from ...params import parameters
from ...results import Ensemble, Fit
from .._draws import Drawn, drawn_of, valued

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
        passes = self.high * self._alone
        if passes.max() > MOST_PASSES:
            b, i = np.unravel_index(int(np.argmax(passes)), passes.shape)
            raise InputError(
                f"At a budget of {self.budgets[b]:g} the pool {self.pools.names[i]!r} could be seen "
                f"{passes[b, i]:.3g} times, and plans look at {MOST_PASSES} passes at most: give Pools(..., "
                f"max_passes=...), or a max_weight."
            )
        return self._covering(law, passes.max())

    def wide(self, law: AbstractPools) -> AbstractPools:
        """The law covering any plan at all, within the limits or not, as far as a plan may look."""
        return self._covering(law, min(self._alone.max(), MOST_PASSES))

    @property
    def _alone(self) -> Float[np.ndarray, "budget pool"]:
        """Passes of each pool where the whole budget goes into it."""
        return self.budgets[:, None] / self.pools.cost / self.pools.sizes

    def _covering(self, law: AbstractPools, passes: float) -> AbstractPools:
        # Names would be compiled in, and every naming anew.
        law = dataclasses.replace(law, one_by_one=False, pool=())
        # As one run of one sample would be, on pools so small that it makes as many passes.
        w = self.pools.uniform[None]
        return law.sized_for({"n": np.ones(1), "w": w, "U": w / passes})


def known(result: Any, pools: Pools, num_draws: int) -> Drawn:
    """What a result knows of these pools.

    **Raises:** `InputError` for what is no law of pools with its values, or nothing that says it, and for pools that it
    does not know.
    """
    if isinstance(result, AbstractPools):
        return Drawn(valued(_of_pools(result, pools)), None, 0, None)
    fit = result.fit if isinstance(result, Ensemble) else result
    if not isinstance(fit, Fit) or not isinstance(fit.law, AbstractPools):
        kind = type(fit.law).__name__ if isinstance(fit, Fit) else type(result).__name__
        raise InputError(
            f"Plans for pools need a law of pools, and {kind} is none: fit sf.laws.PoolsQQT (or another Pools law) to "
            f"runs that say which pool each was trained on."
        )
    law, drawn, failed, source = drawn_of(result, num_draws)
    law = valued(_of_pools(law, pools))
    return Drawn(law, None if drawn is None else _of_pools(drawn, pools), failed, source)


def pools_of(pools: Any) -> Pools:
    """Pools, or their sizes by name.

    **Raises:** `InputError` for anything else.
    """
    if isinstance(pools, Mapping):
        return Pools(pools)
    if not isinstance(pools, Pools):
        raise InputError(f"pools is {pools!r}; expected sf.Pools, or sizes by name, as {{'web': 1e9, 'books': 2e8}}.")
    return pools


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
    along = {name: np.asarray(getattr(law, name)) for name, p in parameters(law).items() if p.axis == "pool"}
    for name, column in along.items():
        if column.shape[-1:] != (len(law.pool),):
            raise InputError(
                f"{type(law).__name__}: {name} is {column.tolist()}; expected one number for each pool, in this order: "
                f"{', '.join(law.pool)}."
            )
    return dataclasses.replace(law, **{k: column[..., place] for k, column in along.items()}, pool=pools.names)


def budgets_of(budget: Any, name: str = "budget", unit: str = "samples") -> Float[np.ndarray, " budget"]:
    """One budget or several.

    **Raises:** `InputError` for what is no number, or not above 0.
    """
    try:
        found = np.atleast_1d(np.asarray(budget))
        found = found.astype(float) if found.dtype.kind in "iufO" else None
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None:
        raise InputError(f"{name} is {budget!r}; it must be a number of {unit}, or several.")
    if found.ndim != 1 or found.size == 0 or not (np.isfinite(found) & (found > 0)).all():
        raise InputError(f"{name} is {budget!r}; budgets must be finite and above 0.")
    return found


def limits_of(
    pools: Pools, budgets: np.ndarray, least: Shares, most: Shares, fixed: Mapping[str, float] | None
) -> tuple[Float[np.ndarray, "budget pool"], Float[np.ndarray, "budget pool"]]:
    """The least and the largest share of each budget that each pool may have.

    **Raises:** `InputError` where no shares keep them.
    """
    low = np.broadcast_to(_by_pool("min_weight", least, 0.0, pools), (len(budgets), len(pools))).copy()
    high = np.broadcast_to(_by_pool("max_weight", most, 1.0, pools), (len(budgets), len(pools))).copy()
    seen = pools.max_passes * pools.sizes * pools.cost / budgets[:, None]
    if not isinstance(fixed, Mapping | None):
        raise InputError(f"fixed is {fixed!r}; expected shares by pool, as {{{pools.names[0]!r}: 0.2}}.")
    for name, share in (fixed or {}).items():
        _by_pool("fixed", {name: share}, 0.0, pools)
        i = pools.names.index(name)
        if not low[0, i] <= share <= high[0, i]:
            raise InputError(
                f"The pool {name!r} is fixed at {share:g} of the budget, and min_weight and max_weight keep it between "
                f"{low[0, i]:g} and {high[0, i]:g}: loosen one of them."
            )
        low[:, i] = high[:, i] = share
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


def seed_of(seed: Any) -> int:
    """A seed.

    **Raises:** `InputError` for what is no whole number, 0 or more.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed is {seed!r}; it must be a whole number, 0 or more.")
    return int(seed)
