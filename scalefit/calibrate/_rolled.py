"""A fit rolled back: every arm at every origin and on all runs, and how far each may be trusted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase
from ..problem import Problem
from ._arms import Arm, arms_of, excess, log, reach_of
from ._excess import foreseen_excess
from ._origins import Origin
from ._prior import Prior
from ._refits import Refits, refits, scatter
from ._stack import NEAR, Foreseen, Trust, trust


class Rolled(NamedTuple):
    """What a fit would have foreseen, and what came.

    **Arguments:**

    - `problem`: What was fitted.
    - `prior`: What is expected of forecasts before any of its own.
    - `arms`: The ways to fit it.
    - `origins`: Studies as they were; the last of each, where all runs are asked for, has seen them all.
    - `reach`: By run, the sizes by which distances are told, compute first.
    - `refits`: Every arm at every origin.
    - `seen`: What was foreseen, by forecast.
    - `log_observed`: What came.
    - `past`: By origin and earlier origin of its study, the forecasts that could be checked by then.
    - `trust`: By origin.
    """

    problem: Problem
    prior: Prior
    arms: tuple[Arm, ...]
    origins: tuple[Origin, ...]
    reach: dict[str, Float[np.ndarray, " run"]]
    refits: Refits
    seen: Foreseen
    log_observed: Float[np.ndarray, " forecast"]
    past: list[list[Int[np.ndarray, " _"]]]
    trust: Trust

    @property
    def names(self) -> tuple[str, ...]:
        """Of the arms."""
        return tuple(arm.name for arm in self.arms)


def rolled(problem: Problem, prior: Prior, origins: Sequence[Origin], arms: Sequence[Arm] | None = None) -> Rolled:
    """Fit every arm at every origin, and weigh them by what could be checked at each.

    **Raises:** `InputError` for targets of which there is no logarithm.
    """
    target = np.asarray(problem.runs.target)
    if not np.all(target > 0.0):
        given = Phrase("has values of 0 or less, and forecasts are judged by logarithms")
        raise InputError(problem.runs.target_name, given, "values above 0")
    arms, reach, log_target = tuple(arms or arms_of(problem)), reach_of(problem), np.log(target)
    first = next(iter(reach.values()))
    near = [excess(log(first[one.seen]), log_target[one.seen]) for one in origins]
    found = refits(problem, arms, origins, near)
    most = np.array([first[one.seen].max() for one in origins])
    T = np.log(first[found.row] / most[found.origin])
    names = tuple(arm.name for arm in arms)
    points = {name: column[found.row] for name, column in problem.inputs.items()}
    x = foreseen_excess(prior, names, found.log_values, most, found.origin, points)
    noise = scatter(problem.noise, found.scale[found.origin], found.log_value)
    seen = Foreseen(found.log_value, found.error, noise, T, x)
    observed = log_target[found.row]
    past = _past(origins, found, T, len(target))
    learnt = trust(prior, names, seen, observed, found.origin, past)
    return Rolled(problem, prior, arms, tuple(origins), reach, found, seen, observed, past, learnt)


def _past(
    origins: Sequence[Origin], found: Refits, T: Float[np.ndarray, " forecast"], runs: int
) -> list[list[Int[np.ndarray, " _"]]]:
    """By origin, for each earlier one of its study, the forecasts that could be checked by then."""
    of = np.split(np.arange(len(found.row)), np.cumsum([len(one.later) for one in origins])[:-1])
    past, seen = [], np.zeros(runs, bool)
    for j, one in enumerate(origins):
        seen[one.seen] = True
        each = []
        for i in range(j - 1, -1, -1):
            if origins[i].study != one.study:
                break
            which = of[i][seen[found.row[of[i]]] & (T[of[i]] > NEAR)]
            if which.size:
                each.append(which)
        seen[one.seen] = False
        past.append(each[::-1])
    return past
