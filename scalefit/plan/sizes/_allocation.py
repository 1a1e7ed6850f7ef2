"""What to train for a budget: size, data and loss, each with how sure it is, and the sizes that are as good."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from ..._core import InputError, check_number
from ...laws import AbstractLaw
from ...results import Estimate
from .._budgets import numbers_of
from .._cost import Cost
from .._draws import called, over_draws
from ._constraints import Constraints
from ._optimum import least_computes, log_data, losses_along, reach

NEAR = (0.001, 0.005)
"""Shares of the best loss within which sizes count as near-optimal."""


class Sizes(NamedTuple):
    """The least and the largest size of a range at each budget; NaN where there is none."""

    low: Float[np.ndarray, " budget"]
    high: Float[np.ndarray, " budget"]


@dataclasses.dataclass(frozen=True, eq=False)
class Allocation:
    """The size and data of least loss at each budget, and all sizes that are as good.

    **Arguments:**

    - `law`: The law, of single values.
    - `laws`: The same and its draws, along a leading axis.
    - `constraints`: What the plan keeps to.
    - `budgets`: In FLOP.
    - `N`, `D`, `D_per_N`, `loss`: The best size, its data, their ratio and the loss there.
    - `near_optimal`: Tolerance → the sizes about the best, data following from the budget, whose loss by the law
        itself is within that share of the best loss.
    - `near_optimal_sure`: The same of the draws: the sizes that are within the tolerance of each draw's own least loss
        in a share `level` of the draws, NaN where none is; `None` without draws.
    - `chosen`: The best value of each further input that was to be chosen.
    - `at_end`: Whether the best size is the smallest or the largest that the budget and the limits leave.
    - `level`: Probability of the intervals.
    - `failed`: How many draws of the ensemble did not converge and take no part.
    - `notes`: What else to know, in sentences.
    """

    law: AbstractLaw
    laws: AbstractLaw
    constraints: Constraints
    budgets: Float[np.ndarray, " budget"]
    N: Estimate
    D: Estimate
    D_per_N: Estimate
    loss: Estimate
    near_optimal: Mapping[float, Sizes]
    near_optimal_sure: Mapping[float, Sizes] | None
    chosen: Mapping[str, Estimate]
    at_end: Bool[np.ndarray, " budget"]
    level: float
    failed: int = 0
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        count = "1 budget" if len(self.budgets) == 1 else f"{len(self.budgets)} budgets"
        lines = [f"Allocation by {called(self.law)}, cost {self.cost.name}, {count}"]
        for b, budget in enumerate(self.budgets):
            best = {"N": self.N, "D": self.D, "D_per_N": self.D_per_N, **self.chosen, "loss": self.loss}
            said = ", ".join(f"{name} {found[b]}" for name, found in best.items())
            flat = self.near_optimal[NEAR[0]]
            lines.append(
                f"  {budget:.4g} FLOP: {said}; within {100 * NEAR[0]:g} % of that loss from N = {flat.low[b]:.3g} to "
                f"{flat.high[b]:.3g}"
            )
        if self.failed:
            lines.append(f"  {self.failed} draws did not converge and take no part")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    @property
    def cost(self) -> Cost:
        """What the budget pays for."""
        return self.constraints.cost

    def regret(self, N: ArrayLike) -> Estimate:
        """By how much the loss at another size exceeds the best, data following from the budget.

        Of draws it is against each draw's own best, so that `mean` is the regret to be expected.

        **Arguments:**

        - `N`: A size, or one for each budget.

        **Raises:** `InputError` for a size that a budget cannot pay for, or that limits leave out.
        """
        return over_draws(self._at(N) - self._best, self.level)

    def misallocation(self, N: ArrayLike, price: float = 1.0) -> Estimate:
        """What another size wastes: the budget less the least that reaches the same loss, in FLOP or money.

        **Arguments:**

        - `N`: A size, or one for each budget.
        - `price`: Of a FLOP, for an answer in money.

        **Raises:** `InputError` as `regret`, and for a price that is not above 0.
        """
        check_number("price", price, above=0.0, example="1.4e-18")
        losses = self._at(N)
        enough = least_computes(self.laws, losses, self.constraints)
        return over_draws(price * np.maximum(self.budgets - enough, 0.0), self.level)

    def data_for(self, N: ArrayLike) -> Float[np.ndarray, " budget"]:
        """The tokens that each budget pays for beside a size, or a size for each budget; what is allowed at the most.

        **Raises:** `InputError` as `regret`.
        """
        return np.exp(log_data(self.constraints, np.log(self._sizes(N)), self.budgets))

    @property
    def sizes(self) -> Sizes:
        """The sizes that each budget and the limits leave: to spend the whole of it takes one between them."""
        return Sizes(*map(np.exp, reach(self.constraints, self.budgets)))

    def within(self, N: ArrayLike) -> Bool[np.ndarray, " budget"]:
        """Whether each budget and the limits leave a size, an end of `sizes` included.

        **Arguments:**

        - `N`: A size, or one for each budget.
        """
        low, high = self.sizes
        return (np.asarray(N) >= low * (1.0 - 1e-9)) & (np.asarray(N) <= high * (1.0 + 1e-9))

    @property
    def _best(self) -> Float[np.ndarray, "law budget"]:
        found = self.loss
        return found.value[None] if found.draws is None else np.concatenate([found.value[None], found.draws])

    def _at(self, N: ArrayLike) -> Float[np.ndarray, "law budget"]:
        """The loss of sizes under every law."""
        return losses_along(self.laws, np.log(self._sizes(N)), self.budgets, self.constraints)

    def _sizes(self, N: ArrayLike) -> Float[np.ndarray, " budget"]:
        """A size for each budget, within what each leaves."""
        expected = f"a size, or one for each of {len(self.budgets)} budgets"
        sizes = numbers_of("N", N, expected, "7e10")
        if sizes.size not in (1, len(self.budgets)):
            raise InputError("N", N, expected)
        sizes = np.broadcast_to(sizes, self.budgets.shape)
        out = np.flatnonzero(~self.within(sizes))
        if out.size:
            low, high = self.sizes
            b = int(out[0])
            expected = f"a size from {low[b]:.3g} to {high[b]:.3g}, which a budget of {self.budgets[b]:g} FLOP leaves"
            raise InputError("N", float(sizes[b]), expected)
        return sizes
