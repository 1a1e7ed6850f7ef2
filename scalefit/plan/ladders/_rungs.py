"""Rungs of a ladder: the evaluations of every training in order, and checks of them."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ..._core import InputError, Phrase
from ...data import Runs


class Rungs(NamedTuple):
    """The trainings of every task, each with its evaluations in the order of D.

    **Arguments:**

    - `task`, `training`: Of each training, as numbers.
    - `order`: Rows, training after training; `first`, `count`: where each begins there, and how many it has.
    """

    task: Int[np.ndarray, " training"]
    training: Int[np.ndarray, " training"]
    order: Int[np.ndarray, " row"]
    first: Int[np.ndarray, " training"]
    count: Int[np.ndarray, " training"]


def curves_of(task: Int[np.ndarray, " row"], training: Int[np.ndarray, " row"], D: Float[np.ndarray, " row"]) -> Rungs:
    """The trainings of every task."""
    order = np.lexsort((D, training, task))
    task, training = task[order], training[order]
    first = np.flatnonzero(np.r_[True, (np.diff(task) != 0) | (np.diff(training) != 0)])
    return Rungs(task[first], training[first], order, first, np.diff(np.r_[first, len(order)]))


def kept(curves: Rungs, which: Bool[np.ndarray, " row"]) -> Rungs:
    """The same trainings with some of their evaluations; a training may have none left."""
    these = which[curves.order]
    count = np.add.reduceat(these.astype(int), curves.first)
    return curves._replace(order=curves.order[these], first=np.cumsum(count) - count, count=count)


def means(
    column: Float[np.ndarray, " row"], first: Int[np.ndarray, " mean"], count: Int[np.ndarray, " mean"] | int
) -> Float[np.ndarray, " mean"]:
    """Means of so many values in a row, from the given places on."""
    total = np.r_[0.0, np.cumsum(column)]
    return (total[first + count] - total[first]) / count


def begin_of(
    curves: Rungs, skip: float, smooth: int
) -> tuple[Int[np.ndarray, " training"], Int[np.ndarray, " training"]]:
    """Where the moving averages of each training begin, and how many there are."""
    left_out = np.ceil(skip * curves.count).astype(int)
    return curves.first + left_out, np.maximum(curves.count - left_out - smooth + 1, 0)


def check_lengths(
    curves: Rungs, name: str, accuracy: str, tasks: list[Any], trainings: list[Any], skip: float, smooth: int
) -> None:
    """Check that every training has a moving average.

    **Raises:** `InputError` for one that has none, or no accuracy at all.
    """
    _, count = begin_of(curves, skip, smooth)
    if count.all():
        return
    # Fewest evaluations first: one without any needs other advice.
    i = int(np.argmin(np.where(count == 0, curves.count, np.iinfo(int).max)))
    which = f"Training {trainings[curves.training[i]]!r} of {tasks[curves.task[i]]!r} in {name!r}"
    if curves.count[i] == 0:
        given = Phrase(f"has no {accuracy!r} in any row, and resamples draw the trainings of both steps together")
        raise InputError(which, given, remedy="leave its rows out with `where`, or give its accuracy")
    given = Phrase(f"has {curves.count[i]} evaluations")
    expected = f"enough for moving averages of {smooth} after the first {skip:.0%}"
    raise InputError(which, given, expected, "lower `smooth` or `skip`")


def check_values(runs: Runs, accuracy: Float[np.ndarray, " run"], name: str) -> None:
    """Check that losses are above 0, and accuracies shares.

    **Raises:** `InputError` for the first that is not.
    """
    remedy = "correct it, or leave the row out"
    if np.min(runs.target) <= 0:
        i = int(np.argmin(runs.target))
        raise InputError(f"{runs.target_name} in {runs.place(i)}", float(runs.target[i]), "a task loss above 0", remedy)
    off = (accuracy < 0.0) | (accuracy > 1.0)
    if off.any():
        i = int(np.argmax(off))
        percent = "divide percent by 100, " if 1.0 < accuracy[i] <= 100.0 else ""
        where = f"{name} in {runs.place(i)}"
        raise InputError(where, float(accuracy[i]), "an accuracy from 0 to 1", percent + remedy)


def check_sizes(curves: Rungs, runs: Runs, N: Float[np.ndarray, " row"], tasks: list, trainings: list) -> None:
    """Check that every training has one size.

    **Raises:** `InputError` for the first of several.
    """
    N, rows = N[curves.order], runs.rows[curves.order]
    low, high = (of.reduceat(N, curves.first) for of in (np.minimum, np.maximum))
    several = high > low * (1.0 + 1e-9)
    if several.any():
        i = int(np.argmax(several))
        which = f"Training {trainings[curves.training[i]]!r} of {tasks[curves.task[i]]!r} in {runs.name!r}"
        given = Phrase(f"has sizes from {low[i]:.4g} to {high[i]:.4g} (row {rows[curves.first[i]]})")
        raise InputError(which, given, "one N", "say in the column of `run` what a training is")


def check_slopes(curves: Rungs, accuracy: Float[np.ndarray, " row"], name: str, tasks: list) -> None:
    """Check that the accuracy of every task changes.

    **Raises:** `InputError` for a task where it is the same everywhere, which says nothing of larger models.
    """
    found, of = accuracy[curves.order], np.repeat(curves.task, curves.count)
    for k, key in enumerate(tasks):
        if np.ptp(found[of == k]) == 0.0:
            given = Phrase(f"is {found[of == k][0]:g} in every row")
            raise InputError(f"{name} of the task {key!r}", given, "it to depend on the loss", "leave the task out")
