"""Runs as isoFLOP curves: for each setting and each compute budget, the loss by size."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ..._core import InputError, Phrase
from ...data import Runs, empty_cells, parse_number
from ._minima import begins
from ._trainings import trainings, with_curves

FEWEST = 3
"""Sizes at a budget below which neither a parabola nor a spline has a minimum of its own."""


class Curves(NamedTuple):
    """The runs of each setting and budget, padded: by setting, budget and run, in the order of rising N.

    **Arguments:**

    - `keys`: The settings.
    - `C`, `log_N`, `log_D`, `loss`: Of each run; `se`: the standard error of its loss, `None` where runs have none.
    - `there`: Which places hold a run; `row`: its place among the runs; `training`: the number of its training
        within the setting, in this order.
    - `by`: What budgets were told from; `notes`: what was left out.
    """

    keys: tuple[Any, ...]
    C: Float[np.ndarray, "setting budget run"]
    log_N: Float[np.ndarray, "setting budget run"]
    log_D: Float[np.ndarray, "setting budget run"]
    loss: Float[np.ndarray, "setting budget run"]
    se: Float[np.ndarray, "setting budget run"] | None
    there: Bool[np.ndarray, "setting budget run"]
    row: Int[np.ndarray, "setting budget run"]
    training: Int[np.ndarray, "setting budget run"]
    by: str
    notes: tuple[str, ...]

    def sizes(self, there: Bool[np.ndarray, "setting budget run"]) -> Int[np.ndarray, "setting budget"]:
        """How many different sizes the runs have that are there; runs of one size, or nearly so, are one."""
        order = np.argsort(np.where(there, self.log_N, np.inf), axis=-1, kind="stable")
        x, there = (np.take_along_axis(a, order, axis=-1) for a in (self.log_N, there))
        return np.count_nonzero(begins(x, there), axis=-1)


def curves(
    runs: Runs,
    by: str,
    within: float,
    groups: str | tuple[str, ...] | None,
    cluster: str | tuple[str, ...] | None,
) -> Curves:
    """Group runs by setting and budget.

    **Raises:** `InputError` where a name is not there, or no budget has three sizes.
    """
    runs, notes = with_curves(runs)
    point, _ = runs.select(("N", "D", "C"), sizes=True)
    keys, setting = ([None], np.zeros(len(runs), int)) if groups is None else runs.codes(groups)
    by, budget, told = _told(runs, point["C"], point["N"], setting, by, within)
    # The loss last: of runs of one size, too, the order must not matter.
    order = np.lexsort((runs.target, point["N"], budget, setting))
    code, more = trainings(runs, cluster)
    training = _numbered(setting[order], code[order])
    setting, budget = setting[order], budget[order]
    place = np.arange(len(runs)) - np.maximum.accumulate(np.where(_opens(setting, budget), np.arange(len(runs)), 0))
    shape = len(keys), int(budget.max()) + 1, int(place.max()) + 1

    def table(column: np.ndarray, empty: float) -> np.ndarray:
        whole = np.full(shape, empty, column.dtype)
        whole[setting, budget, place] = column[order]
        return whole

    there = table(np.ones(len(runs), bool), False)
    log_N, log_D = (table(np.log(point[name]), np.nan) for name in ("N", "D"))
    se = None if runs.se is None else table(runs.se, np.nan)
    row, of = table(np.arange(len(runs)), -1), table(training[np.argsort(order)], -1)
    loss = table(runs.target, np.nan)
    notes = *notes, *told, *_counted_otherwise(runs, point["C"], by), *more
    found = Curves(tuple(keys), table(point["C"], np.nan), log_N, log_D, loss, se, there, row, of, by, notes)
    if np.max(found.sizes(there)) < FEWEST:
        given = Phrase(f"has no compute budget with {FEWEST} sizes")
        raise InputError(
            repr(runs.name), given, remedy=f"name the column of budgets with `by`, or widen `within={within:g}`"
        )
    return found


def _numbered(setting: np.ndarray, label: np.ndarray) -> Int[np.ndarray, " run"]:
    """Trainings by number within their setting, in order of first appearance; rows are sorted by setting."""
    _, first, code = np.unique(np.stack([setting, label], axis=-1), axis=0, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first))[np.ravel(code)]
    _, begin = np.unique(setting, return_index=True)
    return number - number[begin][np.searchsorted(np.unique(setting), setting)]


def _opens(setting: np.ndarray, budget: np.ndarray) -> Bool[np.ndarray, " run"]:
    return np.r_[True, (np.diff(setting) != 0) | (np.diff(budget) != 0)]


def called_budget(runs: Runs) -> str | None:
    """The first column whose name says that it has the budget, if any."""
    said = [name for name in runs.columns if "budget" in name.lower() or "isoflop" in name.lower()]
    return said[0] if said else None


def _told(
    runs: Runs, C: np.ndarray, N: np.ndarray, setting: np.ndarray, by: str, within: float
) -> tuple[str, Int[np.ndarray, " run"], tuple[str, ...]]:
    """What budgets are told from, the number of each run's budget, and a note where `"auto"` chose a column."""
    column = called_budget(runs) if by == "auto" else None
    plain = "C" if by == "auto" else by
    budget = _budgets(runs, C, setting, plain, within)
    if column is None:
        return plain, budget, ()
    if gaps := int(empty_cells(runs.columns[column]).sum()):
        cells = "1 empty cell" if gaps == 1 else f"{gaps} empty cells"
        note = f"the column {column!r} has {cells}: budgets are told from the compute of runs; fill it to use it"
        return plain, budget, (note,)
    named = _budgets(runs, C, setting, column, within)
    if np.array_equal(named, budget):
        return column, budget, ()
    if not _of_one_compute(runs.columns[column], C, N, setting, named):
        return plain, budget, ()
    note = f"budgets are those of the column {column!r}: by='C' tells them from the compute of runs instead"
    return column, named, (note,)


def _counted_otherwise(runs: Runs, C: np.ndarray, by: str) -> tuple[str, ...]:
    """A note where the column of budgets is of compute in FLOP, which is no fixed multiple of that of the runs."""
    if by == "C":
        return ()
    keys, code = runs.codes(by)
    numbers = [parse_number(str(key)) for key in keys]
    said = np.array([np.nan if number is None else number for number in numbers])
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.bincount(code, C) / np.bincount(code) / said
    low, high = float(np.min(times)), float(np.max(times))
    # Far from 1 it is in another unit; a tenth over the range of most tables turns a line by less than its error.
    if not (low > 0.5 and high < 2.0 and high > 1.1 * low):
        return ()
    return (
        f"the compute of runs is {low:.3g} to {high:.3g} times what {by!r} says, and the line is in that of the runs: "
        f"read {by!r} as C (`columns={{'C': {by!r}}}`) for a line in it",
    )


def _of_one_compute(cells: np.ndarray, C: np.ndarray, N: np.ndarray, setting: np.ndarray, budget: np.ndarray) -> bool:
    """Whether each group has three sizes, and computes near each other, which rise as the numbers in the column do."""
    numbers = [parse_number(str(cell)) for cell in cells]
    said, middles = [], []
    for some in {(s, b) for s, b in zip(setting.tolist(), budget.tolist())}:
        rows = np.flatnonzero((setting == some[0]) & (budget == some[1]))
        if len(np.unique(N[rows])) < FEWEST or C[rows].max() > 4.0 * C[rows].min():
            return False
        said.append(numbers[rows[0]])
        middles.append(np.median(C[rows]))
    if any(number is None for number in said):
        return True
    order = np.lexsort((middles, said))
    return bool(np.all(np.diff(np.asarray(middles)[order]) >= 0.0))


def _budgets(runs: Runs, C: np.ndarray, setting: np.ndarray, by: str, within: float) -> Int[np.ndarray, " run"]:
    """The number of each run's budget within its setting, in order of rising compute."""
    if by == "C":
        found = np.zeros(len(runs), int)
        order = np.lexsort((C, setting))
        first, last, number = np.inf, -1, 0
        for i in order:
            if setting[i] != last:
                first, last, number = C[i], setting[i], 0
            elif C[i] > first * (1 + within):
                first, number = C[i], number + 1
            found[i] = number
        return found
    keys, code = runs.codes(by)
    mean = np.bincount(code, C) / np.bincount(code)
    rank = np.argsort(np.argsort(mean, kind="stable"), kind="stable")[code]
    # Numbered anew in every setting, so that none has empty budgets before its first.
    present = np.zeros((int(setting.max()) + 1, len(keys)), bool)
    present[setting, rank] = True
    return (np.cumsum(present, axis=1) - 1)[setting, rank]
