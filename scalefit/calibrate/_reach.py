"""How far runs reach, and how far above the best of their compute they lie."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase
from ..laws import input_kinds
from ..problem import LawCurve, Problem

LIKE = 0.3
"""Runs whose logarithms of compute differ by less are of like compute."""


def least_runs(problem: Problem) -> int:
    """The fewest runs that a law is fitted to at an origin: twice its free numbers and two."""
    return 2 * LawCurve.of(problem.law, problem.fixed, problem.tie).size + 2


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
