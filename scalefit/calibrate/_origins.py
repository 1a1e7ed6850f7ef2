"""Origins of a backtest: what a fit has seen, and what lies beyond."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..laws import Label, input_kinds
from ..problem import Problem
from ._reach import log

STEP = 1.8
"""From one origin to the next, the factor by which runs reach farther."""
SPAN = 10.0
"""The least factor from the smallest to the largest run of a fit; of studies of less than its square, the root."""


class Origin(NamedTuple):
    """One study as it was at one time.

    **Arguments:**

    - `study`: Its place among the studies.
    - `seen`: The places in the table of the runs that are fitted, `later`: of those that are not.
    - `reached`: How far the runs that are fitted reach.
    """

    study: int
    seen: Int[np.ndarray, " run"]
    later: Int[np.ndarray, " run"]
    reached: float


def rolling(problem: Problem, along: Float[np.ndarray, " run"], least: int) -> Iterator[Origin]:
    """Every study at every factor of `STEP`: what is no larger is fitted, and what is larger comes later.

    **Arguments:**

    - `problem`: With its studies.
    - `along`: By run of the table, what grows.
    - `least`: The fewest runs of a fit.
    """
    for study in range(len(problem.studies)):
        rows = problem.studies.rows(study)
        size = along[rows]
        rows, size = rows[np.argsort(size, kind="stable")], np.sort(size)
        least_size, last = next(iter(size[size > 0.0]), 1.0), 0
        whole = max(size[-1] / least_size, 1.0)
        span = min(SPAN, np.sqrt(whole))
        for level in np.geomspace(least_size, least_size * whole, max(int(np.log(whole) / np.log(STEP)) + 1, 2))[:-1]:
            count = int(np.searchsorted(size, level * (1.0 + 1e-4), "right"))
            if count == last or count < least or size[count - 1] < span * least_size or count == len(rows):
                continue
            later = of_known_labels(problem, rows[:count], rows[count:])
            if later.size == 0 or not _tells(problem, rows[:count]):
                continue
            last = count
            yield Origin(study, rows[:count], later, float(size[count - 1]))


def of_known_labels(
    problem: Problem, seen: Int[np.ndarray, " seen"], later: Int[np.ndarray, " later"]
) -> Int[np.ndarray, " _"]:
    """The later runs of which a fit can say something: each of their labels has been seen."""
    for name, kind in input_kinds(problem.law).items():
        if isinstance(kind, Label):
            label = np.asarray(problem.inputs[name])
            later = later[np.isin(label[later], label[seen])]
    return later


def _tells(problem: Problem, rows: Int[np.ndarray, " run"]) -> bool:
    """Whether runs differ in each size that they differ in as a whole: three values at least, to one per cent."""
    sizes = [column for name, column in problem.inputs.items() if name in ("N", "D")]
    return all(len(np.unique(np.round(log(column[rows]), 2))) >= 3 for column in sizes)
