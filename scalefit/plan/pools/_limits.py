"""Limits of a plan over pools, and the law of the pools that it is made with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from ..._core import InputError, Phrase, check_names, check_type
from ...data import Pools
from ...laws import MOST_PASSES
from .._draws import LawT
from ._mixing import needed_mixing

Limits = Mapping[str, float] | float | None
"""Limits of what is spent on pools, as shares of a budget: by pool, one for all, or none."""


class Task(NamedTuple):
    """Pools to be mixed at budgets, and the least and the largest share of each budget that each pool may have."""

    pools: Pools
    budgets: Float[np.ndarray, " budget"]
    low: Float[np.ndarray, "budget pool"]
    high: Float[np.ndarray, "budget pool"]

    def sized(self, law: LawT) -> LawT:
        """The law covering as many passes as any plan within the limits may come to.

        **Raises:** `InputError` where they are more than a plan may look at.
        """
        passes = self.high * self._alone
        if passes.max() > MOST_PASSES:
            b, i = np.unravel_index(int(np.argmax(passes)), passes.shape)
            raise InputError(
                "budget", Phrase(f"of {self.budgets[b]:g} could pass {self.pools.names[i]!r} {passes[b, i]:.3g} times"),
                f"plans of at most {MOST_PASSES} passes", "give `max_passes`, or `max_weight`",
            )  # fmt: skip
        return self._covering(law, passes.max())

    def wide(self, law: LawT) -> LawT:
        """The law covering any plan at all, within the limits or not, as far as a plan may look."""
        return self._covering(law, min(self._alone.max(), MOST_PASSES))

    def allows(self, spent: Float[np.ndarray, "budget *plan pool"]) -> Bool[np.ndarray, "budget *plan"]:
        """Whether shares of the budgets keep the limits."""
        between = (len(self.budgets), *[1] * (spent.ndim - 2), -1)
        low, high = self.low.reshape(between), self.high.reshape(between)
        return np.all((spent >= low - 1e-9) & (spent <= high + 1e-9), axis=-1)

    @property
    def _alone(self) -> Float[np.ndarray, "budget pool"]:
        """Passes of each pool where the whole budget goes into it."""
        return self.budgets[:, None] / self.pools.cost / self.pools.sizes

    def _covering(self, law: LawT, passes: float) -> LawT:
        # As one run of one sample would be, on pools so small that it makes as many passes.
        w = self.pools.uniform[None]
        return law.compact().sized_for(needed_mixing(law).of(np.ones(1), w, w / passes))


def pools_of(pools: Any) -> Pools:
    """Pools, or their sizes by name.

    **Raises:** `InputError` for anything else.
    """
    if isinstance(pools, Mapping):
        return Pools(pools)
    return check_type("pools", pools, Pools, "sf.Pools, or sizes by name, as {'web': 1e9, 'books': 2e8}")


def sized_for_plans(
    laws: LawT, pools: Pools, budgets: Float[np.ndarray, " budget"], weights: Float[np.ndarray, "plan pool"]
) -> LawT:
    """Laws that cover as many passes as mixtures come to at any of the budgets.

    **Raises:** `InputError` as `Task.sized`.
    """
    spent = weights * pools.cost
    most = np.max(spent / spent.sum(axis=1, keepdims=True), axis=0)
    most = np.broadcast_to(most, (len(budgets), len(pools)))
    return Task(pools, budgets, np.zeros_like(most), most).sized(laws)


def limits_of(
    pools: Pools, budgets: np.ndarray, least: Limits, most: Limits, fixed: Mapping[str, float] | None
) -> tuple[Float[np.ndarray, "budget pool"], Float[np.ndarray, "budget pool"]]:
    """The least and the largest share of each budget that each pool may have.

    **Raises:** `InputError` where no weights keep them.
    """
    low = np.tile(_by_pool("min_weight", least, 0.0, pools), (len(budgets), 1))
    high = np.tile(_by_pool("max_weight", most, 1.0, pools), (len(budgets), 1))
    fixed = check_type("fixed", fixed or {}, Mapping, f"shares by pool, as {{{pools.names[0]!r}: 0.2}}")
    held = _by_pool("fixed", fixed, np.nan, pools)
    for i in np.flatnonzero(~np.isnan(held)):
        if not low[0, i] <= held[i] <= high[0, i]:
            given = Phrase(f"holds {pools.names[i]!r} at {held[i]:g} of the budget")
            expected = f"a share between {low[0, i]:g} and {high[0, i]:g}, as `min_weight` and `max_weight` say"
            raise InputError("fixed", given, expected, "loosen one of them")
        low[:, i] = high[:, i] = held[i]
    high = np.minimum(high, pools.max_passes * pools.sizes * pools.cost / budgets[:, None])
    for b, budget in enumerate(budgets):
        crossed = np.flatnonzero(low[b] > high[b] * (1 + 1e-12))
        if crossed.size:
            i = int(crossed[0])
            given = Phrase(f"of {budget:g} leaves {pools.names[i]!r} at most {high[b, i]:.3g} of it")
            raise InputError("budget", given, f"{low[b, i]:.3g} at least, as limits say", "loosen one, or spend less")
        if low[b].sum() > 1 + 1e-9 or high[b].sum() < 1 - 1e-9:
            many, total = ("at least", low[b].sum()) if low[b].sum() > 1 else ("at most", high[b].sum())
            given = Phrase(f"of {budget:g} cannot be spent whole: the limits leave the pools {many} {total:.3g} of it")
            remedy = "loosen `min_weight`, `max_weight`, `fixed` or `max_passes`, or spend less"
            raise InputError("budget", given, remedy=remedy)
    return np.minimum(low, high), high


def _by_pool(argument: str, given: Limits, default: float, pools: Pools) -> Float[np.ndarray, " pool"]:
    """Shares in the order of the pools.

    **Raises:** `InputError` for unknown pools, and what is no share.
    """
    if given is None:
        return np.full(len(pools), default)
    if isinstance(given, Mapping):
        check_names(argument, given, pools.names, what="pools")
    numbers = [given.get(pool, default) for pool in pools.names] if isinstance(given, Mapping) else given
    try:
        found = np.broadcast_to(np.asarray(numbers, float), (len(pools),))
    except (TypeError, ValueError):
        found = np.full(1, -1.0)
    if ((found < 0) | (found > 1)).any() or (np.isnan(found).any() and not np.isnan(default)):
        raise InputError(argument, given, "a share from 0 to 1, or shares by pool")
    return found
