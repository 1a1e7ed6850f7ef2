"""Budgets and losses within what a plan keeps to, and how far from the runs they lie."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from ..._core import InputError, Phrase
from ...results import far_from_runs
from .._budgets import budgets_of
from ._constraints import Constraints
from ._optimum import reach

IN_FLOP = "Is it in FLOP (1 PF-day is 8.64e19)?"


def spendable(budget: Any, constraints: Constraints, argument: str = "budget") -> Float[np.ndarray, " budget"]:
    """Budgets that can be spent in whole.

    **Raises:** `InputError` for budgets that are no numbers above 0, or that no size and data within limits cost.
    """
    budgets = budgets_of(budget, argument, unit="FLOP")
    low, high = map(np.exp, reach(constraints, budgets))
    poor = np.flatnonzero(high < constraints.min_N * (1 - 1e-9))
    if poor.size:
        raise InputError(
            argument, float(budgets[poor[0]]),
            f"{constraints.least:.3g} FLOP or more, which a model of {constraints.min_N:g} parameters costs "
            f"({constraints.cost.name})",
            "give it in FLOP",
        )  # fmt: skip
    rich = np.flatnonzero(low > high * (1 + 1e-9))
    if rich.size:
        b = int(rich[0])
        raise InputError(
            argument, Phrase(f"of {budgets[b]:g} FLOP cannot be spent within the limits"),
            f"at most {constraints.most:.3g} FLOP: the {constraints.max_D:.3g} tokens allowed need a model of "
            f"{low[b]:.3g} parameters, and at most {high[b]:.3g} are allowed or paid for",
            "spend less, allow more passes, or raise `max_N`",
        )  # fmt: skip
    return budgets


def takes_no_training(computes: Any, constraints: Constraints) -> Bool[np.ndarray, " some"]:
    """Whether computes are those of the smallest model on one token, below which none is looked for."""
    return np.asarray(computes) <= constraints.least * (1.0 + 1e-6)


def far_notes(
    ranges: Mapping[str, tuple[float, float]] | None, computes: Float[np.ndarray, " some"],
    what: Callable[[int], str], slip: str = IN_FLOP,
) -> tuple[str, ...]:  # fmt: skip
    """Notes of computes far from those of the runs; the gravest are warned of.

    **Arguments:**

    - `ranges`: Of the runs; `None` of a law without runs.
    - `computes`: In FLOP.
    - `what`: Subject of the sentence by the place of a compute.
    - `slip`: Question to ask where a compute is far below the runs.
    """
    notes = []
    for far in far_from_runs(ranges, "C", computes, what):
        notes.append(far.sentence if far.above else f"{far.sentence}. {slip}")
        if far.grave:
            far.warn(*([] if far.above else [slip]), stacklevel=3)
    return tuple(notes)
