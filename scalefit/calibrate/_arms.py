"""Arms of a forecast: a law, and how near to the frontier the runs lie that it is fitted to."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from .._core import InputError, Phrase
from ..laws import AbstractLaw, Chinchilla, Skaling, input_kinds
from ..problem import LawCurve, Problem

LIKE = 0.3
"""Runs whose logarithms of compute differ by less are of like compute."""
EXPONENT = 0.35
"""Of N and D in the arm that does not fit them: near what most published fits have, .28 to .45."""


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way to fit the runs of a study.

    **Arguments:**

    - `name`: By which the prior knows how far its forecasts go astray.
    - `law`: The law, with the values of what is fixed.
    - `fixed`: Names of the parameters that are held; `tie`: pairs that are one.
    - `within`: The greatest excess of a run, in log loss over the least at like compute.
    """

    name: str
    law: AbstractLaw
    fixed: tuple[str, ...] = ()
    tie: tuple[tuple[str, str], ...] = ()
    within: float = np.inf

    @property
    def least(self) -> int:
        """The fewest runs that are fitted: twice the free numbers and two."""
        return 2 * self.size + 2

    @functools.cached_property
    def size(self) -> int:
        """How many numbers are free, of a law whose axes are named."""
        return LawCurve.of(self.law, self.fixed, self.tie).size

    def picked(self, excess: Float[np.ndarray, " run"]) -> Bool[np.ndarray, " run"]:
        """The runs that are near enough; where these are too few, the nearest."""
        if len(excess) <= self.least:
            return np.ones(len(excess), bool)
        return excess <= max(self.within, np.partition(excess, self.least - 1)[self.least - 1])


def arms_of(problem: Problem) -> tuple[Arm, ...]:
    """The law itself on all runs and, of a loss by N and D alone, two laws fitted near the frontier of budgets.

    The coupled law within 3 % of the least loss at like compute, and the additive law within 1 % with its exponents
    held, which goes less astray far away.
    """
    own = Arm("law", problem.law, problem.fixed, problem.tie)
    if set(input_kinds(problem.law)) != {"N", "D"} or not problem.law.smaller_is_better:
        return (own,)
    held = Chinchilla(alpha=EXPONENT, beta=EXPONENT)
    return own, Arm("held", held, ("alpha", "beta"), within=0.01), Arm("coupled", Skaling(), within=0.03)


def excess(log_compute: Float[np.ndarray, " run"], log_loss: Float[np.ndarray, " run"]) -> Float[np.ndarray, " run"]:
    """By run, log loss above the least among runs of like compute."""
    order = np.argsort(log_compute, kind="stable")
    along, loss = log_compute[order], log_loss[order]
    low, high = np.searchsorted(along, along - LIKE, "right"), np.searchsorted(along, along + LIKE, "left")
    # The least of each window, from the least of all windows of 1, 2, 4, … runs.
    level = np.frexp(high - low)[1] - 1
    least, windows = np.empty(len(loss)), loss
    for k in range(int(level.max()) + 1):
        here = level == k
        least[here] = np.minimum(windows[low[here]], windows[high[here] - 2**k])
        windows = np.minimum(windows[: -(2**k)], windows[2**k :]) if len(windows) > 2**k else windows
    out = np.empty(len(loss))
    out[order] = loss - least
    return out


def reach_of(problem: Problem) -> dict[str, Float[np.ndarray, " run"]]:
    """How far each run reaches: `C`, 6 N D, with N and D, of a law that has both; else each size that it takes.

    **Raises:** `InputError` for a law that takes no size.
    """
    inputs = problem.inputs
    if {"N", "D"} <= set(inputs):
        return {"C": 6.0 * inputs["N"] * inputs["D"], "N": inputs["N"], "D": inputs["D"]}
    sizes = [name for name, kind in input_kinds(problem.law).items() if kind.logarithm]
    if not sizes:
        raise InputError(
            type(problem.law).__name__, Phrase("takes no size"), "a law of what grows: compute, parameters or tokens"
        )
    return {name: inputs[name] for name in sizes}


def log_size(points: Mapping[str, Any], first: str) -> Float[np.ndarray, " point"]:
    """The logarithm of the first of the sizes that `reach_of` tells."""
    if {"N", "D"} <= set(points):
        return np.log(6.0) + log(points["N"]) + log(points["D"])
    return log(points[first])


def log(size: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
    """The logarithm of sizes; that of none is as that of the smallest number."""
    return np.log(np.maximum(size, np.finfo(float).tiny))


def times(first: str) -> str:
    """What a distance is so many times of, in words."""
    return "times the compute" if first == "C" else f"times the largest {first}"
