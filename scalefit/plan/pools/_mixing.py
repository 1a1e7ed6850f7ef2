"""Laws that mix pools, known by the kinds of their inputs, and what a plan asks of them."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from ..._core import InputError, Phrase, check_names
from ...calibrate import Discrepancy
from ...data import Pools
from ...laws import AbstractLaw, Size, Weights, inputs_of
from ...params import parameter_values, parameters, with_parameters
from .._draws import Drawn, drawn_of, valued


class Mixing(NamedTuple):
    """The inputs of a law that mixes pools.

    **Arguments:**

    - `axis`: Along which the pools lie.
    - `total`: How many samples are drawn in all; `shares`: of them from each pool; `sizes`: the samples that each has.
    """

    axis: str
    total: str
    shares: str
    sizes: str

    def of(self, n: Any, shares: Any, sizes: Any) -> dict[str, Any]:
        """The inputs by name."""
        return {self.total: n, self.shares: shares, self.sizes: sizes}


def mixing_of(law: AbstractLaw) -> Mixing | None:
    """The inputs of a law that takes shares of a total, and the sizes that the shares are drawn from; else `None`."""
    kinds = inputs_of(law)
    for shares, kind in kinds.items():
        if not isinstance(kind, Weights) or kind.axis is None:
            continue
        sizes = [name for name, one in kinds.items() if isinstance(one, Size) and one.axis == kind.axis]
        total = [name for name, one in kinds.items() if isinstance(one, Size) and one.axis is None]
        if len(kinds) == 3 and len(sizes) == len(total) == 1:
            return Mixing(kind.axis, total[0], shares, sizes[0])
    return None


def needed_mixing(law: AbstractLaw) -> Mixing:
    """The inputs of a law that is known to mix pools."""
    found = mixing_of(law)
    assert found is not None
    return found


def drawn_of_pools(result: Any, pools: Pools, num_draws: int) -> Drawn:
    """A law of these pools and its draws.

    **Raises:** `InputError` as `drawn_of`, for a law that does not mix pools, and for pools that it does not know.
    """
    law = getattr(getattr(result, "fit", result), "law", result)
    mixing = mixing_of(law) if isinstance(law, AbstractLaw) else None
    if mixing is None:
        given = Phrase(f"is of {(law if isinstance(law, type) else type(law)).__name__}")
        remedy = "fit sf.laws.PoolsQQT to runs that say which pool each was trained on"
        raise InputError("result", given, "a law of pools", remedy)
    # The law of just these pools has its values checked with their names.
    if isinstance(result, AbstractLaw):
        return Drawn(valued(_of_pools(result, pools, mixing.axis)))
    found = drawn_of(result, num_draws)
    if isinstance(result, Discrepancy):  # whose law has that of the fit as its one arm
        law, draws = (
            dataclasses.replace(one, terms=(_of_pools(one.terms[0], pools, mixing.axis),))
            for one in (found.law, found.draws)
        )
        return found._replace(law=law, draws=draws)
    draws = None if found.draws is None else _of_pools(found.draws, pools, mixing.axis)
    return found._replace(law=valued(_of_pools(found.law, pools, mixing.axis)), draws=draws)


def _of_pools(law: AbstractLaw, pools: Pools, axis: str) -> Any:
    """The law of just these pools, in their order."""
    name, known = type(law).__name__, law.entries(axis)
    if not known:
        raise InputError(
            name, Phrase("does not name its pools"), remedy=f"make it with {axis}=(...), as {pools.names!r}"
        )
    check_names("pools", pools.names, known, what="pools of the law")
    if len(pools) == 1:
        raise InputError("pools", Phrase("is one pool only"), "two or more, between which to choose")
    place, numbers, chosen = [known.index(pool) for pool in pools.names], parameter_values(law), {}
    for field, declared in parameters(law).items():
        if axis not in declared.axes:
            continue
        along = declared.axes.index(axis) - len(declared.axes)
        value = np.asarray(numbers[field])
        if value.ndim < len(declared.axes) or value.shape[along] != len(known):
            expected = f"one number for each pool, in this order: {', '.join(map(str, known))}"
            raise InputError(f"{field} of {name}", value, expected)
        chosen[field] = np.take(value, place, axis=along)
    return with_parameters(law, chosen).named(axis, pools.names)
