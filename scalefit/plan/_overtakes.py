"""Budgets from which on one family of models, or one mixture of pools, is ahead of another."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .._core import InputError, Phrase, check_flag, check_probability
from ..calibrate import Discrepancy
from ..data import Pools
from ..laws import AbstractLaw, Series, input_kinds, input_units
from ..results import Ensemble, Estimate, Fit, far_from_runs
from ..solve import in_lanes
from ._budgets import range_of
from ._cost import CostLike
from ._draws import Drawn, drawn_of, over_draws
from ._roots import crossings
from .pools import drawn_of_pools, errors, needed_mixing, pools_of, sized_for_plans
from .sizes import check_pair, check_paired, constraints_of, optima, pairs, spendable


class Crossover(NamedTuple):
    """Where the second overtakes the first for good.

    **Arguments:**

    - `budget`: The largest budget at which their losses cross, NaN where they do not within the range; its interval is
        over the draws that cross, and NaN the number of any other.
    - `probability`: Share of the draws in which the second overtakes the first within the range and is ahead at its
        end; `ahead`: of those in which it is ahead, or level, at every budget of the range; `None` without draws.
    """

    budget: Estimate
    probability: float | None
    ahead: float | None


def overtakes(
    first: Any,
    second: Any,
    *,
    between: tuple[float, float],
    result: Fit[Any] | Ensemble[Any] | Discrepancy | AbstractLaw | None = None,
    pools: Pools | Mapping[str, float] | None = None,
    cost: CostLike = "6ND",
    held: tuple[Mapping[str, float] | None, Mapping[str, float] | None] = (None, None),
    paired: bool = False,
    level: float = 0.95,
    num_draws: int = 1000,
    seed: int = 0,
) -> Crossover:
    """The budget from which on the second has the lower loss, or the higher score, with how sure that is.

    Both are families of models, each at the best size for the budget; or curves against one size, as error against
    compute or samples, which then is the budget; or, of a `result` and its `pools`, mixtures.

    **Arguments:**

    - `first`, `second`: Fits, ensembles or laws of N and D, as for `gain`, and so are `cost`, `held`, `paired` and
        `seed`; or of one size alone, the same for both; of pools the weights by pool (0 for the others), or in their
        order.
    - `between`: The lowest and the highest budget to look at: in FLOP; of curves in the unit of their size; of pools in
        samples, or the unit of their cost.
    - `result`: A fit of a law of pools, its `discrepancy`, an ensemble of draws of one, or such a law.
    - `pools`: The pools, or their sizes by name; their `max_passes` take no part.
    - `level`: Probability of the central interval.
    - `num_draws`: The most draws of an ensemble to look at.

    **Returns:** a `Crossover`: the last crossing within the range, over the draws that cross.

    **Warns:** where they cross at more than a hundred times the compute of the largest run of either, or less than a
    hundredth of that of the smallest; of pools, at more than ten times the samples of the longest run, or less than a
    tenth of those of the shortest.

    **Raises:** `InputError` as `gain`, and for a range that is none, unknown pools, or weights off the simplex.
    """
    check_probability("level", level)
    if (result is None) != (pools is None):
        given, lacks = ("result", "pools") if pools is None else ("pools", "result")
        raise InputError(lacks, None, f"{lacks}, as {given} is given: mixtures are of both")
    if pools is not None:
        found = _of_pools(first, second, between, result, pools, num_draws)
    else:
        found = _of_laws(first, second, between, cost, held, paired, num_draws, seed)
    for ranges in found.ranges:
        at = found.at[:1] / found.price
        for far in far_from_runs(ranges, found.input, at, lambda _: f"The crossing at {found.at[0]:.3g} {found.unit}"):
            if far.grave:
                far.warn(stacklevel=2)
    budget = over_draws(found.at, level)
    if budget.draws is None:
        return Crossover(budget, None, None)
    return Crossover(budget, float(np.mean(np.isfinite(budget.draws))), float(np.mean(found.ahead[1:])))


class _Crossings(NamedTuple):
    """Crossings of the law and of each draw.

    **Arguments:**

    - `at`: The budgets; `unit`: their unit; `price`: what one of the input costs.
    - `ahead`: Whether the second is ahead, or level, throughout.
    - `input`, `ranges`: What is far from the runs by its name, and its range in the runs of each result.
    """

    at: Float[np.ndarray, " draw"]
    ahead: Bool[np.ndarray, " draw"]
    input: str
    ranges: tuple[Mapping[str, tuple[float, float]] | None, ...]
    unit: str = "FLOP"
    price: float = 1.0


def _of_laws(
    first: Any, second: Any, between: Any, cost: CostLike, held: Any, paired: bool, num_draws: int, seed: int
) -> _Crossings:
    """The crossing of two laws, and of each pair of draws."""
    drawn = [drawn_of(first, num_draws, "first"), drawn_of(second, num_draws, "second")]
    sizes = [_size_of(one.law) for one in drawn]
    if None not in sizes:
        if sizes[0] != sizes[1]:
            given = Phrase(f"is a law of {sizes[1]} where the first is one of {sizes[0]}")
            raise InputError("second", given, "two curves of one size, which is the budget")
        return _of_curves(first, second, drawn, str(sizes[0]), between, cost, held, paired, seed)
    constraints = [
        constraints_of(one.law, cost, held=further)
        for one, further in zip(drawn, check_pair("held", held), strict=True)
    ]
    low, high = range_of(between)
    for some in constraints:
        spendable([low, high], some, "between")
    if check_flag("paired", paired):
        check_paired(first, second)
    two = pairs(drawn[0], drawn[1], paired, seed)

    def lead(budgets: np.ndarray) -> np.ndarray:
        one, other = (optima(laws, budgets, some).loss for laws, some in zip(two, constraints, strict=True))
        return one - other

    return _Crossings(*last_crossings(lead, np.geomspace(low, high, 64)), "C", tuple(one.ranges for one in drawn))


def _size_of(law: AbstractLaw) -> str | None:
    """The one number of a curve; `None` for a law of more, of a series, or of numbers along an axis."""
    names = [n for n, said in input_kinds(law).items() if said.axis is None and not isinstance(said, Series)]
    return names[0] if len(names) == len(input_kinds(law)) == 1 else None


def _of_curves(
    first: Any, second: Any, drawn: list[Drawn], size: str, between: Any, cost: CostLike, held: Any, paired: bool,
    seed: int,
) -> _Crossings:  # fmt: skip
    """The crossing of two curves against one size, and of each pair of draws."""
    for argument, given, usual in (("cost", cost, "6ND"), ("held", check_pair("held", held), (None, None))):
        if given is not usual and given != usual:
            raise InputError(argument, given, f"nothing, as both laws are of {size} alone", "leave it out")
    better = [one.law.smaller_is_better for one in drawn]
    if better[0] is not better[1]:
        kinds = [("a loss" if smaller else "a score") for smaller in better]
        raise InputError("second", Phrase(f"is of {kinds[1]} where the first is of {kinds[0]}"), "both of one kind")
    if check_flag("paired", paired):
        check_paired(first, second)
    two, sign = pairs(drawn[0], drawn[1], paired, seed), 1.0 if better[0] else -1.0
    ends = range_of(between, example="(1e3, 1e9)")

    def lead(budgets: np.ndarray) -> np.ndarray:
        one, other = (_along(laws, size, budgets) for laws in two)
        return sign * (one - other)

    at, ahead = last_crossings(lead, np.geomspace(ends[0], ends[1], 512))
    return _Crossings(at, ahead, size, tuple(one.ranges for one in drawn), input_units(drawn[0].law)[size])


def _along(laws: Any, size: str, budgets: np.ndarray) -> Float[np.ndarray, "law budget"]:
    """Laws at sizes, the same for all or a row for each."""
    count = len(jax.tree.leaves(laws)[0])
    at = np.broadcast_to(budgets, (count, np.shape(budgets)[-1]))
    lanes = jax.tree.map(lambda a: np.repeat(a, at.shape[1], axis=0), laws)
    return in_lanes(_value, lanes, {size: at.ravel()}, many=4096).reshape(at.shape)


def _value(law: AbstractLaw, inputs: Any) -> Any:
    return law(**inputs)


def _of_pools(
    first: Mapping[str, float] | ArrayLike, second: Mapping[str, float] | ArrayLike, between: Any, result: Any,
    pools: Any, num_draws: int,
) -> _Crossings:  # fmt: skip
    """The crossing of two mixtures by a law, and by each of its draws."""
    pools = pools_of(pools)
    drawn = drawn_of_pools(result, pools, num_draws)
    weights = np.stack([pools.weights(first), pools.weights(second)])
    ends = range_of(between, example="(1e7, 1e10)")
    laws = sized_for_plans(drawn.stacked, pools, ends, weights)

    def lead(budgets: np.ndarray) -> np.ndarray:
        one, other = (errors(laws, pools, np.atleast_2d(budgets), mixture) for mixture in weights)
        return one - other

    at, ahead = last_crossings(lead, np.geomspace(ends[0], ends[1], 512))
    # Of the mixture whose samples are the cheaper, a budget buys the more.
    price = float(np.min(weights @ pools.cost))
    total = needed_mixing(drawn.law).total
    return _Crossings(at, ahead, total, (drawn.ranges,), "samples" if price == 1.0 else "in the unit of cost", price)


def last_crossings(
    lead: Callable[[np.ndarray], np.ndarray], budgets: Float[np.ndarray, " budget"]
) -> tuple[Float[np.ndarray, " law"], Bool[np.ndarray, " law"]]:
    """The last budget from which on a lead is above 0 to the end, NaN without one; and whether it is never below 0.

    **Arguments:**

    - `lead`: By law and budget, at budgets or at those of each law.
    - `budgets`: To look at, in order.
    """
    found, at = lead(budgets), np.log(budgets)
    crosses = (found[:, :-1] <= 0.0) & (found[:, 1:] > 0.0)
    last = len(budgets) - 2 - np.argmax(crosses[:, ::-1], axis=1)
    low, high = crossings(lambda x: lead(np.exp(x)), at[last, None], at[last + 1, None])
    there = crosses.any(axis=1) & (found[:, -1] > 0.0)
    ahead = np.asarray((found >= 0.0).all(axis=1))
    return np.where(there, np.exp(0.5 * (low + high))[:, 0], np.nan), ahead
