"""A fit rolled back: every arm at every origin, and how far each may be trusted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase
from ..problem import Problem
from ._arms import Arm, coupled_arm, foreseen_by, law_arm, takes_coupled
from ._origins import Origin
from ._prior import Prior
from ._reach import least_runs, log, reach_of
from ._stack import NEAR, Foreseen, Trust, trust


class Rolled(NamedTuple):
    """What a fit would have foreseen, and what came.

    **Arguments:**

    - `problem`: What was fitted.
    - `prior`: What is expected of forecasts before any of its own.
    - `arms`: The ways to fit it, by name, at every origin.
    - `origins`: Studies as they were; the last of each, where all runs are asked for, has seen them all.
    - `reach`: By run, the sizes by which distances are told, compute first.
    - `origin`, `row`: By forecast, which origin, and the place of the run in the table.
    - `seen`: What was foreseen, by forecast.
    - `log_observed`: What came.
    - `past`: By origin and earlier origin of its study, the forecasts that could be checked by then.
    - `trust`: By origin.
    """

    problem: Problem
    prior: Prior
    arms: dict[str, Arm]
    origins: tuple[Origin, ...]
    reach: dict[str, Float[np.ndarray, " run"]]
    origin: Int[np.ndarray, " forecast"]
    row: Int[np.ndarray, " forecast"]
    seen: Foreseen
    log_observed: Float[np.ndarray, " forecast"]
    past: list[list[Int[np.ndarray, " _"]]]
    trust: Trust

    @property
    def names(self) -> tuple[str, ...]:
        """Of the arms."""
        return tuple(self.arms)


def rolled(problem: Problem, prior: Prior, origins: Sequence[Origin], least: int = 0, alone: bool = False) -> Rolled:
    """Fit every arm at every origin, and weigh them by what could be checked at each.

    **Arguments:**

    - `least`: The fewest runs that the law is fitted to; what it needs unless given.
    - `alone`: Whether the law itself is the only arm.

    **Raises:** `InputError` for targets of which there is no logarithm.
    """
    target = np.asarray(problem.runs.target)
    if not np.all(target > 0.0):
        given = Phrase("has values of 0 or less, and forecasts are judged by logarithms")
        raise InputError(problem.runs.target_name, given, "values above 0")
    reach, log_target = reach_of(problem), np.log(target)
    first = next(iter(reach.values()))
    arms: dict[str, Arm] = {"law": law_arm(problem, origins, least or least_runs(problem))}
    if takes_coupled(problem) and not alone:
        arms["coupled"] = coupled_arm(problem, prior, origins)
    origin = np.repeat(np.arange(len(origins)), [len(one.later) for one in origins])
    row = np.concatenate([one.later for one in origins]).astype(int)
    T = log(first[row]) - log(np.array([first[one.seen].max() for one in origins]))[origin]
    points = {name: column[row] for name, column in problem.inputs.items()}
    seen = foreseen_by(tuple(arms.values()), origin, points, T)
    past = _past(origins, origin, row, T, len(target))
    learnt = trust(prior, tuple(arms), seen, log_target[row], past)
    return Rolled(problem, prior, arms, tuple(origins), reach, origin, row, seen, log_target[row], past, learnt)


def _past(
    origins: Sequence[Origin], origin: Int[np.ndarray, " forecast"], row: Int[np.ndarray, " forecast"],
    T: Float[np.ndarray, " forecast"], runs: int,
) -> list[list[Int[np.ndarray, " _"]]]:  # fmt: skip
    """By origin, for each earlier one of its study, the forecasts that could be checked by then."""
    of = np.split(np.arange(len(row)), np.searchsorted(origin, np.arange(1, len(origins))))
    past, seen = [], np.zeros(runs, bool)
    for j, one in enumerate(origins):
        seen[one.seen] = True
        each = []
        for i in range(j - 1, -1, -1):
            if origins[i].study != one.study:
                break
            which = of[i][seen[row[of[i]]] & (T[of[i]] > NEAR)]
            if which.size:
                each.append(which)
        seen[one.seen] = False
        past.append(each[::-1])
    return past
