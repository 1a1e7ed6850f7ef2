"""Training curves against compute, and their lower envelope: the best size while training goes on."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from ..._core import InputError, Phrase, check_number, warn_of
from ...data import Runs
from ._trainings import Slices, slices
from ._trend import Trend, of_setting, trend


@dataclasses.dataclass(frozen=True, eq=False)
class Envelope:
    """The lower envelope of training curves, and the power laws along it.

    **Arguments:**

    - `C`: Compute, from the least to the largest of the runs; `loss`: the least loss there.
    - `N`, `D`: Of the training that has it, NaN where it is of the smallest or the largest size under way there.
    - `training`: Which training that is, in the order of the runs; -1 where none is under way.
    - `trend_N`, `trend_D`, `trend_ratio`: Power laws in C of N*, D* and D*/N*.
    - `curve`: By run, the number of its training; -1 where it takes no part.
    - `notes`: What to know of them.
    """

    C: Float[np.ndarray, " compute"]
    loss: Float[np.ndarray, " compute"]
    N: Float[np.ndarray, " compute"]
    D: Float[np.ndarray, " compute"]
    training: Int[np.ndarray, " compute"]
    trend_N: Trend
    trend_D: Trend
    trend_ratio: Trend
    curve: Int[np.ndarray, " run"]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        used = np.unique(self.training[np.isfinite(self.N)]).size
        first = f"Envelope of {used} trainings: {self.trend_N.said('N*')}"
        return "\n".join([first, *(f"  note: {note}" for note in self.notes)])


def envelope(
    runs: Runs, *, points: int = 200, cluster: str | tuple[str, ...] | None = "auto", num: int = 1000, seed: int = 0
) -> Envelope:
    r"""The lower envelope of training curves against compute, and the power law $N^* = k\,C^a$ along it.

    At each compute the training of least loss is the best (approach 1 of Hoffmann et al. 2022, arXiv 2203.15556).
    Where that is of the smallest or the largest size under way the best may lie beyond, and the compute is left out.
    Replicates resample the trainings.

    Sizes are few, so that N* goes in stairs; and checkpoints whose learning rate has not yet decayed have a larger loss
    than a training that ended there, which favours small models. The interval knows nothing of either.

    **Arguments:**

    - `runs`: Checkpoints with N, D and C (one of them may follow from the other two by C = 6 N D).
    - `points`: Computes at which the curves are compared.
    - `cluster`: What tells the trainings apart: see `Runs.clusters`.
    - `num`, `seed`: Replicates, and their seed.

    **Returns:** an `Envelope`.

    **Warns:** of rows without N, D or C, of trainings of one row, of checkpoints at one compute, and where many
    replicates have fewer than two best sizes, and so no line.

    **Raises:** `InputError` for runs without checkpoints, a training of several sizes, a loss not above 0, and where no
    compute has a best size between others.
    """
    for name, value, least in (("points", points, 2), ("num", num, 2), ("seed", seed, 0)):
        check_number(name, value, least=least, whole=True)
    table = slices(runs, points, cluster)
    count = len(table.log_N)
    whole, at_N, at_D = _least(table, np.ones((1, count)))
    if np.unique(at_N[np.isfinite(at_N)]).size < 2:
        given = Phrase("has no two computes at which different sizes are best, each between smaller and larger ones")
        raise InputError(repr(runs.name), given, remedy="give more sizes, trained to the same compute")
    draws = np.random.default_rng([seed, 0xE27E]).multinomial(count, np.full(count, 1 / count), size=num)
    parts = [_least(table, some)[1:] for some in np.array_split(draws, -(-num // 64))]
    N, D = (np.concatenate(part) for part in zip(*parts))
    # One size that is best throughout says nothing of how the best size grows, in a resample as in the runs.
    alone = np.max(np.where(np.isnan(N), -np.inf, N), axis=1) <= np.min(np.where(np.isnan(N), np.inf, N), axis=1) + 1e-9
    N[alone], D[alone] = np.nan, np.nan
    log_C, even = np.log(table.C)[None], np.ones((1, points))

    def along(at: np.ndarray, drawn: np.ndarray) -> Trend:
        return of_setting(trend(log_C, at, even, drawn[:, None]), 0)

    best = np.where(whole[0] >= 0, whole[0], 0)
    loss = np.where(whole[0] >= 0, table.loss[best, np.arange(points)], np.nan)
    trend_N = along(at_N, N)
    notes = (*table.notes, *trend_N.doubts())
    for note in notes:
        warn_of("design", f"{runs.name!r}: {note}")
    return Envelope(
        C=table.C, loss=loss, N=np.exp(at_N[0]), D=np.exp(at_D[0]),
        training=np.where(whole[0] >= 0, table.training[best], -1),
        trend_N=trend_N, trend_D=along(at_D, D), trend_ratio=along(at_D - at_N, D - N),
        curve=table.curve, notes=notes,
    )  # fmt: skip


def _least(table: Slices, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By draw and compute: the training of least loss, -1 without one; its log N and log D, NaN at the end of sizes."""
    there = (taken[:, :, None] > 0) & np.isfinite(table.loss)
    best = np.argmin(np.where(there, table.loss, np.inf), axis=1)
    log_N = table.log_N[None, :, None]
    low = np.min(np.where(there, log_N, np.inf), axis=1)
    high = np.max(np.where(there, log_N, -np.inf), axis=1)
    size = table.log_N[best]
    between = (size > low + 1e-9) & (size < high - 1e-9)
    D = table.log_D[best, np.arange(len(table.C))]
    training = np.where(there.any(axis=1), best, -1)
    return training, np.where(between, size, np.nan), np.where(between, D, np.nan)
