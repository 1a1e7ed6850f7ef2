"""Compute that one family of models saves over another."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..._core import InputError, Phrase, check_flag, check_probability, warn_of
from ...calibrate import Discrepancy
from ...laws import AbstractLaw
from ...results import Ensemble, Estimate, Fit
from .._cost import CostLike
from .._draws import Drawn, drawn_of, over_draws
from ._budgets import far_notes, spendable, takes_no_training
from ._constraints import constraints_of
from ._optimum import least_computes, optima
from ._pairs import check_pair, check_paired, pairs


class Gain(NamedTuple):
    """The first family beside the second at each budget, both at their best.

    **Arguments:**

    - `budgets`: In FLOP.
    - `gain`: How many times the budget the second needs for the loss of the first; below 1 where the first is behind,
      infinite where the second never gets there.
    - `probability`: Share of the draws in which the first has the lower loss; `None` without draws.
    - `paired`: Whether a draw of one belongs to the same draw of the other.
    - `notes`: What else to know, in sentences.
    """

    budgets: Float[np.ndarray, " budget"]
    gain: Estimate
    probability: Float[np.ndarray, " budget"] | None
    paired: bool
    notes: tuple[str, ...] = ()


def gain(
    first: Fit[Any] | Ensemble[Any] | Discrepancy | AbstractLaw,
    second: Fit[Any] | Ensemble[Any] | Discrepancy | AbstractLaw,
    *,
    budget: ArrayLike,
    cost: CostLike = "6ND",
    held: tuple[Mapping[str, float] | None, Mapping[str, float] | None] = (None, None),
    paired: bool = False,
    level: float = 0.95,
    num_draws: int = 1000,
    seed: int = 0,
) -> Gain:
    r"""Compute-equivalent gain of one family over another, and how probable it is that it is ahead.

    $G(C) = C_2(L_1^*(C)) / C$, where $L_1^*(C)$ is the least loss of the first at $C$ and $C_2(L)$ the least compute at
    which the second reaches $L$. Both losses must be of one kind: the same data, tokeniser and unit.

    **Arguments:**

    - `first`, `second`: Fits, ensembles or laws of N and D, or the `discrepancy` of a fit.
    - `budget`: One budget or several, in FLOP.
    - `cost`: As for `allocate`.
    - `held`: Further inputs of each.
    - `paired`: Whether draw i of the one goes with draw i of the other, as where both were refitted to the same
      resamples. Else draws are independent, and are put together at random.
    - `level`: Probability of the central interval.
    - `num_draws`: The most draws of each to look at.
    - `seed`: Of the putting together.

    **Returns:** a `Gain`.

    **Warns:** more than a hundred times the compute of the largest run of either, or less than a hundredth of that of
    the smallest (ten times is a note); where one loss is more than ten times the other.

    **Raises:** `InputError` where the second needs no training for the loss of the first, as `allocate`, and for
    paired ensembles of different lengths or with draws that failed.
    """
    check_probability("level", level)
    drawn = [drawn_of(first, num_draws, "first"), drawn_of(second, num_draws, "second")]
    constraints = [
        constraints_of(one.law, cost, held=further)
        for one, further in zip(drawn, check_pair("held", held), strict=True)
    ]
    budgets = spendable(budget, constraints[0])
    spendable(budget, constraints[1])
    if check_flag("paired", paired):
        check_paired(first, second)
    one, other = pairs(drawn[0], drawn[1], paired, seed)
    losses, theirs = (optima(laws, budgets, some).loss for laws, some in zip((one, other), constraints, strict=True))
    needed = least_computes(other, losses, constraints[1])
    easy = takes_no_training(needed[0], constraints[1])
    if easy.any():
        b = int(np.argmax(easy))
        raise InputError(
            "first", Phrase(f"has a loss of {float(losses[0, b]):.4g} at {budgets[b]:g} FLOP"),
            "a loss that the second does not reach with one parameter on one token",
            "give both losses in the same unit",
        )  # fmt: skip
    _warn_units(budgets, losses[0], theirs[0])
    notes = (
        *_left_out(*drawn),
        *far_notes(drawn[0].ranges, budgets, lambda b: f"A budget of {budgets[b]:g} FLOP"),
        *far_notes(
            drawn[1].ranges, needed[0],
            lambda b: f"The budget of the second for the loss of the first, {needed[0][b]:.3g} FLOP,",
            "Are both losses in the same unit?",
        ),
    )  # fmt: skip
    ahead = np.mean((losses < theirs)[1:], axis=0) if len(losses) > 1 else None
    return Gain(budgets, over_draws(needed / budgets, level), ahead, paired, notes)


def _warn_units(budgets: np.ndarray, one: np.ndarray, other: np.ndarray) -> None:
    """Say that losses are so far apart that they are hardly of one unit."""
    apart = np.abs(np.log(np.maximum(one, 1e-300) / np.maximum(other, 1e-300)))
    b = int(np.argmax(apart))
    if apart[b] > np.log(10.0):
        warn_of(
            "loss-kind",
            f"At {budgets[b]:g} FLOP the losses are {one[b]:.4g} and {other[b]:.4g}",
            "are both in the same unit?",
            stacklevel=3,
        )


def _left_out(first: Drawn, second: Drawn) -> tuple[str, ...]:
    """A note where one has more draws than the other, which go one to one."""
    if first.draws is None or second.draws is None:
        return ()
    many = [jax.tree.leaves(one.draws)[0].shape[0] for one in (first, second)]
    if many[0] == many[1]:
        return ()
    return (
        f"{abs(many[0] - many[1])} of {max(many)} draws of the {'first' if many[0] > many[1] else 'second'} are left "
        f"out: a draw of each makes a pair, and the other has {min(many)}",
    )
