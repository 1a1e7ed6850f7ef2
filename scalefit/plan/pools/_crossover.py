"""The budget at which one plan for the pools overtakes another."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from ..._core import InputError
from ...data import Pools
from ...laws import AbstractPools
from ...results import Ensemble, Fit, check_level
from ._limits import Task, budgets_of, known, pools_of
from ._mixtures import spent_on

BEYOND = 10.0
"""Crossings so many times beyond the longest run are warned of."""
POINTS = 512
"""Budgets, evenly spaced in the logarithm, between which a crossing is looked for."""
HALVINGS = 50


class Crossover(NamedTuple):
    """Where the second plan overtakes the first for good.

    **Arguments:**

    - `budget`: The largest budget at which the errors cross, NaN where they do not within the range.
    - `low`, `high`: Ends of the central interval over the draws that cross; `None` without draws.
    - `probability`: Share of the draws in which the second plan overtakes the first within the range and is ahead at
        its end; `ahead`: of those in which it is ahead, or level, at every budget of the range; `None` without draws.
    - `draws`: The crossing of each draw, NaN where there is none.
    """

    budget: float
    low: float | None
    high: float | None
    probability: float | None
    ahead: float | None
    draws: Float[np.ndarray, " draw"] | None


def crossover(
    result: Fit[Any] | Ensemble[Any] | AbstractPools,
    pools: Pools | Mapping[str, float],
    first: Mapping[str, float] | ArrayLike,
    second: Mapping[str, float] | ArrayLike,
    *,
    between: tuple[float, float],
    level: float = 0.95,
    num_draws: int = 1000,
) -> Crossover:
    """The budget from which on the second plan has the lower error, with how sure that is.

    **Arguments:**

    - `result`: A fit of a law of pools, an ensemble of draws of one, or such a law.
    - `pools`: The pools, or their sizes by name; their `max_passes` take no part.
    - `first`, `second`: Weights by pool (0 for the others), or in their order.
    - `between`: The lowest and the highest budget to look at, in samples (or the unit of the pools' cost).
    - `level`: Probability of the central interval.
    - `num_draws`: The most draws of an ensemble to look at.

    **Returns:** a `Crossover`.

    **Warns:** where the crossing is more than ten times beyond the longest run.

    **Raises:** `InputError` for unknown pools, weights off the simplex, or a range that is none.
    """
    check_level(level)
    pools = pools_of(pools)
    law, drawn, _, source = known(result, pools, num_draws)
    plans = np.stack([pools.weights(first), pools.weights(second)])
    ends = budgets_of(between, "between")
    if ends.shape != (2,) or ends[0] >= ends[1]:
        raise InputError(f"between is {between!r}; give the lowest and the highest budget, as (1e7, 1e10).")
    budgets = np.geomspace(ends[0], ends[1], POINTS)
    share = np.tile(spent_on(plans, pools).max(axis=0), (2, 1))
    task = Task(pools, ends, np.zeros_like(share), share)
    with jax.enable_x64(True):
        at = tuple(jnp.asarray(a) for a in (budgets, plans, pools.sizes, pools.cost))
        one = float(_crossing(jax.tree.map(lambda a: jnp.asarray(a)[None], task.sized(law)), *at)[0][0])
        _warn_beyond(one / float(np.min(plans @ pools.cost)), source)
        if drawn is None:
            return Crossover(one, None, None, None, None, None)
        draws, ahead = map(np.asarray, _crossing(jax.tree.map(jnp.asarray, task.sized(drawn)), *at))
    return crossover_over(one, draws, ahead, level)


def crossover_over(one: float, draws: np.ndarray, ahead: np.ndarray, level: float) -> Crossover:
    """What the crossing of the law itself and those of its draws come to."""
    there = draws[np.isfinite(draws)]
    low, high = np.quantile(there, [0.5 - level / 2, 0.5 + level / 2]) if there.size else (np.nan, np.nan)
    return Crossover(one, float(low), float(high), float(np.mean(np.isfinite(draws))), float(np.mean(ahead)), draws)


def _warn_beyond(samples: float, source: Any) -> None:
    """Say of a crossing far beyond the runs that no run was near it."""
    if source is None or "n" not in source.ranges or not samples > BEYOND * (longest := source.ranges["n"][1]):
        return
    warnings.warn(
        f"The crossing at {samples:.3g} samples is {samples / longest:.3g} times beyond the longest run ({longest:g}): "
        f"it is what the law says there, and no run was near it.",
        stacklevel=3,
    )


@jax.jit
def _crossing(laws: AbstractPools, budgets: Array, plans: Array, sizes: Array, cost: Array) -> tuple[Array, Array]:
    """The crossing of each law, and whether the second plan is ahead throughout."""
    rate = 1.0 / jnp.sum(plans * cost[None], axis=1)

    def ahead(law: AbstractPools, budget: Array) -> Any:
        """How far the second plan is ahead of the first."""
        return law(budget * rate[0], plans[0], sizes) - law(budget * rate[1], plans[1], sizes)

    return jax.vmap(lambda law: last_crossing(lambda budget: ahead(law, budget), budgets))(laws)


def last_crossing(lead: Callable[[Array], Array], budgets: Array) -> tuple[Array, Array]:
    """The last budget at which a lead comes to be above 0 and stays so to the end, NaN where none is; and whether it is
    0 or more at every budget."""
    gain = jax.lax.map(lead, budgets)
    crosses = (gain[:-1] <= 0.0) & (gain[1:] > 0.0)
    last = crosses.shape[0] - 1 - jnp.argmax(crosses[::-1])

    def halve(_: Any, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = jnp.sqrt(ends[0] * ends[1])
        up = lead(middle) > 0.0
        return jnp.where(up, ends[0], middle), jnp.where(up, middle, ends[1])

    low, high = jax.lax.fori_loop(0, HALVINGS, halve, (budgets[last], budgets[last + 1]))
    crossing = jnp.where(crosses.any() & (gain[-1] > 0.0), jnp.sqrt(low * high), jnp.nan)
    return crossing, (gain >= 0.0).all()
