"""What to train for a budget: size, data and loss, each with how sure it is, and the sizes that are as good."""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from ..._core import InputError
from ...laws import AbstractLaw
from ...results import check_level
from .._cost import Cost
from ._optimum import Terms, data_along, least_computes, losses_along, reaches

NEAR = (0.001, 0.005)
"""Shares of the best loss within which sizes count as near-optimal."""


class Quantity(NamedTuple):
    """A number with how sure it is.

    **Arguments:**

    - `value`: Of the law itself, not of its draws.
    - `low`, `high`: Ends of the central interval over the draws, each at its own best; `None` without draws.
    - `draws`: The number of each draw, `None` without.
    """

    value: Float[np.ndarray, " budget"]
    low: Float[np.ndarray, " budget"] | None
    high: Float[np.ndarray, " budget"] | None
    draws: Float[np.ndarray, "draw budget"] | None

    def __repr__(self) -> str:
        draws = "" if self.draws is None else f", of {len(self.draws)} draws"
        return f"Quantity({', '.join(_said(self, b) for b in range(len(self.value)))}{draws})"

    @property
    def mean(self) -> Float[np.ndarray, " budget"]:
        """The mean of the draws: what is expected; the value where there are none."""
        return self.value if self.draws is None else np.mean(self.draws, axis=0)


def quantity(numbers: Any, level: float) -> Quantity:
    """What a row for the law and one for each of its draws say of a number."""
    numbers = np.asarray(numbers)
    if len(numbers) == 1:
        return Quantity(numbers[0], None, None, None)
    draws = numbers[1:]
    low, high = ends(draws, level)
    return Quantity(numbers[0], low, high, draws)


def ends(draws: Float[np.ndarray, "draw budget"], level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the central interval by budget, infinite where so many draws are."""
    tails = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
    if np.isfinite(draws).all():
        low, high = np.quantile(draws, tails, axis=0)
        return low, high
    # Between a number and infinity there is nothing to interpolate.
    order = np.sort(draws, axis=0)
    low, high = (order[round(tail * (len(draws) - 1))] for tail in tails)
    return low, high


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
    - `terms`: What the plan keeps to.
    - `budgets`: In FLOP.
    - `N`, `D`, `D_per_N`, `loss`: The best size, its data, their ratio and the loss there.
    - `near_optimal`: Tolerance → the sizes about the best, data following from the budget, whose loss by the law
        itself is within that share of the best loss.
    - `near_optimal_sure`: The same of the draws: the sizes that are within the tolerance of each draw's own least loss
        in a share `level` of the draws, NaN where none is; `None` without draws.
    - `at_end`: Whether the best size is the smallest or the largest that the budget and the limits leave.
    - `level`: Probability of the intervals.
    - `failed`: How many draws of the ensemble did not converge and take no part.
    - `notes`: What else to know, in sentences.
    """

    law: AbstractLaw
    laws: AbstractLaw
    terms: Terms
    budgets: Float[np.ndarray, " budget"]
    N: Quantity
    D: Quantity
    D_per_N: Quantity
    loss: Quantity
    near_optimal: Mapping[float, Sizes]
    near_optimal_sure: Mapping[float, Sizes] | None
    at_end: Bool[np.ndarray, " budget"]
    level: float
    failed: int = 0
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        count = "1 budget" if len(self.budgets) == 1 else f"{len(self.budgets)} budgets"
        lines = [f"Allocation by {type(self.law).__name__}, cost {self.cost.name}, {count}"]
        for b, budget in enumerate(self.budgets):
            said = ", ".join(f"{name} {_said(getattr(self, name), b)}" for name in ("N", "D", "D_per_N", "loss"))
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
        return self.terms.cost

    def regret(self, N: ArrayLike) -> Quantity:
        """By how much the loss at another size exceeds the best, data following from the budget.

        Of draws it is against each draw's own best, so that `mean` is the regret to be expected.

        **Arguments:**

        - `N`: A size, or one for each budget.

        **Raises:** `InputError` for a size that a budget cannot pay for, or that limits leave out.
        """
        return quantity(self._at(N) - self._best, self.level)

    def misallocation(self, N: ArrayLike, price: float = 1.0) -> Quantity:
        """What another size wastes: the budget less the least that reaches the same loss, in FLOP or money.

        **Arguments:**

        - `N`: A size, or one for each budget.
        - `price`: Of a FLOP, for an answer in money.

        **Raises:** `InputError` as `regret`, and for a price that is not above 0.
        """
        if not isinstance(price, float | int | np.number) or not 0.0 < price < np.inf:
            raise InputError(f"price is {price!r}; expected what a FLOP costs, above 0, as 1.4e-18.")
        losses = self._at(N)
        with jax.enable_x64(True):
            enough = np.asarray(least_computes(self.laws, jnp.asarray(losses), self.terms))
        return quantity(price * np.maximum(self.budgets - enough, 0.0), self.level)

    def data_for(self, N: ArrayLike) -> Float[np.ndarray, " budget"]:
        """The tokens that each budget pays for beside a size, or a size for each budget; what is allowed at the most.

        **Raises:** `InputError` as `regret`.
        """
        sizes = self._sizes(N)
        with jax.enable_x64(True):
            at = jnp.log(jnp.asarray(sizes)), jnp.asarray(self.budgets)
            return np.exp(np.asarray(data_along(self.terms, *at)))

    def interval(self, name: str, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the central interval of `N`, `D`, `D_per_N` or `loss` at another level.

        **Raises:** `InputError` without draws, or for a level outside (0, 1).
        """
        check_level(level)
        draws = getattr(self, name).draws
        if draws is None:
            raise InputError(
                "This plan was made from one law and says nothing of how sure it is: allocate an ensemble, as "
                "bootstrap gives it."
            )
        return ends(draws, level)

    @property
    def sizes(self) -> Sizes:
        """The sizes that each budget and the limits leave: to spend the whole of it takes one between them."""
        with jax.enable_x64(True):
            low, high = (np.exp(np.asarray(end)) for end in reaches(self.terms, jnp.asarray(self.budgets)))
        return Sizes(low, high)

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
        sizes = self._sizes(N)
        with jax.enable_x64(True):
            at = jnp.log(jnp.asarray(sizes)), jnp.asarray(self.budgets)
            return np.asarray(losses_along(self.laws, *at, self.terms))

    def _sizes(self, N: ArrayLike) -> Float[np.ndarray, " budget"]:
        """A size for each budget, within what each leaves."""
        try:
            sizes = np.broadcast_to(np.asarray(N, float), self.budgets.shape)
        except (TypeError, ValueError):
            raise InputError(
                f"N is {N!r}; expected a size, or one for each of the {len(self.budgets)} budgets."
            ) from None
        if not (np.isfinite(sizes) & (sizes > 0)).all():
            raise InputError(f"N is {N!r}; sizes must be finite and above 0.")
        out = np.flatnonzero(~self.within(sizes))
        if out.size:
            low, high = self.sizes
            b = int(out[0])
            raise InputError(
                f"A budget of {self.budgets[b]:g} FLOP and its limits leave sizes from {low[b]:.3g} to "
                f"{high[b]:.3g}, and N is {sizes[b]:g}: give a size within."
            )
        return sizes


def _said(found: Quantity, b: int) -> str:
    if found.low is None or found.high is None:
        return f"{found.value[b]:.4g}"
    return f"{found.value[b]:.4g} [{found.low[b]:.4g}, {found.high[b]:.4g}]"
