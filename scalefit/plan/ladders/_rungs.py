"""The rungs of a ladder: the evaluations of every training in order, and what of them cannot be used."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ..._core import InputError
from ...data import Runs


class Curves(NamedTuple):
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


def curves_of(task: Int[np.ndarray, " row"], training: Int[np.ndarray, " row"], D: Float[np.ndarray, " row"]) -> Curves:
    order = np.lexsort((D, training, task))
    task, training = task[order], training[order]
    first = np.flatnonzero(np.r_[True, (np.diff(task) != 0) | (np.diff(training) != 0)])
    return Curves(task[first], training[first], order, first, np.diff(np.r_[first, len(order)]))


def kept(curves: Curves, which: Bool[np.ndarray, " row"]) -> Curves:
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
    curves: Curves, skip: float, smooth: int
) -> tuple[Int[np.ndarray, " training"], Int[np.ndarray, " training"]]:
    """Where the moving averages of each training begin, and how many there are."""
    left_out = np.ceil(skip * curves.count).astype(int)
    return curves.first + left_out, np.maximum(curves.count - left_out - smooth + 1, 0)


def refuse_short(
    curves: Curves, name: str, accuracy: str, tasks: list[Any], trainings: list[Any], skip: float, smooth: int
) -> None:
    """Refuse a training that has no moving average, and say so if it has no accuracy at all."""
    _, count = begin_of(curves, skip, smooth)
    if count.all():
        return
    # Fewest evaluations first: one without any needs other advice.
    i = int(np.argmin(np.where(count == 0, curves.count, np.iinfo(int).max)))
    which = f"Training {trainings[curves.training[i]]!r} of {tasks[curves.task[i]]!r} in {name!r}"
    if curves.count[i] == 0:
        raise InputError(
            f"{which} has no {accuracy!r} in any row, and resamples draw the trainings of both steps together: leave "
            f"its rows out with where=, or give its accuracy."
        )
    raise InputError(
        f"{which} has too few evaluations for moving averages of {smooth} after the first {skip:.0%} of "
        f"{curves.count[i]}: lower smooth or skip."
    )


def refuse_values(runs: Runs, accuracy: Float[np.ndarray, " run"], name: str) -> None:
    """Refuse a loss that is not above 0, and an accuracy that is no share."""
    if np.min(runs.target) <= 0:
        i = int(np.argmin(runs.target))
        raise InputError(
            f"{runs.target_name} is {runs.target[i]:g} in {runs.place(i)}; a task loss is above 0: "
            f"correct it, or leave the row out."
        )
    off = (accuracy < 0.0) | (accuracy > 1.0)
    if off.any():
        i = int(np.argmax(off))
        percent = " (are they percent? Divide them by 100)" if 1.0 < accuracy[i] <= 100.0 else ""
        raise InputError(
            f"{name!r} is {accuracy[i]:g} in {runs.place(i)}; accuracies are shares from 0 to "
            f"1{percent}: correct it, or leave the row out."
        )


def refuse_sizes(curves: Curves, runs: Runs, N: Float[np.ndarray, " row"], tasks: list, trainings: list) -> None:
    """Refuse a training of several sizes."""
    N, rows = N[curves.order], runs.rows[curves.order]
    low, high = (of.reduceat(N, curves.first) for of in (np.minimum, np.maximum))
    several = high > low * (1.0 + 1e-9)
    if several.any():
        i = int(np.argmax(several))
        raise InputError(
            f"Training {trainings[curves.training[i]]!r} of {tasks[curves.task[i]]!r} in {runs.name!r} has sizes from "
            f"{low[i]:.4g} to {high[i]:.4g} (row {rows[curves.first[i]]}): rows of one training share N. Say in the "
            f"column of run what a training is."
        )


def refuse_flat(curves: Curves, accuracy: Float[np.ndarray, " row"], name: str, tasks: list) -> None:
    """Refuse a task whose accuracy is the same everywhere."""
    found, of = accuracy[curves.order], np.repeat(curves.task, curves.count)
    for k, key in enumerate(tasks):
        if np.ptp(found[of == k]) == 0.0:
            raise InputError(
                f"{name!r} of the task {key!r} is {found[of == k][0]:g} in every row: it does not depend on the loss, "
                f"and says nothing of larger models. Leave the task out with where=."
            )
