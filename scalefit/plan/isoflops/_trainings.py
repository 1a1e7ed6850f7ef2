"""Checkpoints as training curves, read at given computes."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..._core import InputError, Phrase, check_type
from ...data import Runs


class Slices(NamedTuple):
    """Training curves read at the same compute: by training and compute, NaN where a training was not there.

    **Arguments:**

    - `C`: The compute; `training`: the number of each training, see `trainings`; `log_N`: its size.
    - `curve`: By run, the number of its training; -1 where it takes no part.
    - `loss`, `log_D`: By linear interpolation of the logarithms between checkpoints.
    - `se`: The standard error of the loss likewise, in its unit, `None` where runs have none.
    - `notes`: What was left out of them, or thrown together.
    """

    C: Float[np.ndarray, " compute"]
    training: Int[np.ndarray, " training"]
    curve: Int[np.ndarray, " run"]
    log_N: Float[np.ndarray, " training"]
    loss: Float[np.ndarray, "training compute"]
    log_D: Float[np.ndarray, "training compute"]
    se: Float[np.ndarray, "training compute"] | None
    notes: tuple[str, ...]


def with_curves(runs: Runs) -> tuple[Runs, tuple[str, ...]]:
    """The runs that have N, D and C, as curves of loss need them; and what there is to say of the others.

    **Raises:** `InputError` for what is no table of runs, and for a loss that has no logarithm.
    """
    check_type("runs", runs, Runs, "Runs, as sf.read_runs or sf.load_data give")
    complete = runs.complete(("N", "D", "C"))
    if np.min(complete.target) <= 0:
        where = f"{runs.target_name} in {complete.place(int(np.argmin(complete.target)))}"
        raise InputError(where, float(np.min(complete.target)), "a loss above 0", "leave the row out, or give the loss")
    lost = len(runs) - len(complete)
    return complete, (f"{lost} of {len(runs)} rows lack N, D or C and take no part",) if lost else ()


def trainings(
    runs: Runs, cluster: str | tuple[str, ...] | None
) -> tuple[Int[np.ndarray, " run"], tuple[str, ...]]:  # fmt: skip
    """The number of the training that each row is of, and what there is to say of them.

    **Raises:** `InputError` as `Runs.clusters`.
    """
    code = runs.clusters(cluster)
    if cluster == "auto" and "run" not in runs.labels and np.bincount(code).max() > 1:
        return code, (
            "no column says which rows are checkpoints of one training, and rows that agree in all but D and C are "
            "taken for such: say cluster=None where each row is a training that ended",
        )
    return code, ()


def slices(runs: Runs, num: int, cluster: str | tuple[str, ...] | None) -> Slices:
    """Read every training at `num` computes, evenly spaced in the logarithm from the least to the largest of all.

    **Raises:** `InputError` where no training has two checkpoints, one has several sizes, or a loss is not above 0.
    """
    whole = runs
    runs, notes = with_curves(runs)
    point, _ = runs.select(("N", "D", "C"), sizes=True)
    code, more = trainings(runs, cluster)
    notes += more
    rows = np.bincount(code)
    if rows.max() < 2:
        raise InputError(
            repr(runs.name), Phrase("has no training with two checkpoints"), "training curves",
            "name the column that says which training each row is of, as `columns={'run': ...}`",
        )  # fmt: skip
    log_C = np.log(point["C"])
    several = rows[code] > 1
    by_run = np.full(len(whole), -1)
    by_run[np.isin(whole.rows, runs.rows)] = np.where(several, code, -1)
    grid = np.linspace(log_C[several].min(), log_C[several].max(), num)
    order = np.lexsort((log_C, code))
    parts = [some for some in np.split(order, np.cumsum(rows)[:-1]) if some.size > 1]
    loss, log_D, share = np.full((3, len(parts), num), np.nan)
    again = 0
    for i, some in enumerate(parts):
        sizes = point["N"][some]
        if sizes.max() > sizes.min() * (1.0 + 1e-9):
            given = Phrase(f"gives a training sizes from {sizes.min():.4g} to {sizes.max():.4g}")
            place = f"N from row {runs.rows[some[0]]} of {runs.name!r} on"
            raise InputError(place, given, "one size", "say with `cluster` what a training is")
        x, place = np.unique(log_C[some], return_inverse=True)
        again += len(some) - len(x)
        inside = (grid >= x[0] - 1e-9) & (grid <= x[-1] + 1e-9)

        def read(column: np.ndarray, x: Any = x, place: Any = place, inside: Any = inside) -> np.ndarray:
            return np.interp(grid[inside], x, np.bincount(place, column) / np.bincount(place))

        loss[i, inside] = read(np.log(runs.target[some]))
        log_D[i, inside] = read(np.log(point["D"][some]))
        if runs.se is not None:
            share[i, inside] = read(runs.se[some] / runs.target[some])
    if single := int(np.sum(rows == 1)):
        notes += (f"trainings of one row are no curves and take no part ({single} of them)",)
    if again:
        notes += (f"{again} checkpoints stand at a compute that another of their training has: their mean counts",)
    return Slices(
        C=np.exp(grid),
        training=np.flatnonzero(rows > 1),
        curve=by_run,
        log_N=np.log([point["N"][some[0]] for some in parts]),
        loss=np.exp(loss),
        log_D=log_D,
        # What one training's checkpoints have in common does not average out between two of them.
        se=None if runs.se is None else share * np.exp(loss),
        notes=notes,
    )
