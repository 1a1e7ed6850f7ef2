"""What laws of pools ask of their runs: enough of each pool, resamples that keep every pool, a floor that shows."""

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from .._core import FloorWarning, InputError, OverfitWarning
from ..data import UNLIMITED
from ..laws import SHARE, AbstractLaw, AbstractPools, PoolsOverfit, axis_of, gathered, input_names, input_units
from ..params import slots
from ._studies import Studies

FAR = 0.5
"""Share of the longest run's samples that a run on fresh samples must reach to show the floor."""
RISE, SURE = 0.02, 3.0
"""How much of its error a pool must lose again, and in how many standard errors, for that to be said."""
SEVERAL = -1
"""In place of a pool: several of them."""


def shares(law: AbstractLaw, columns: dict[str, np.ndarray]) -> tuple[tuple[str, ...], Float[np.ndarray, "run pool"]]:
    """The entries of the axis along which a law takes shares, and the share of each by run; none for other laws."""
    units = input_units(law)
    for names in input_names(law).values():
        if names and units[names[0]] == SHARE:
            entries = tuple(name.partition("[")[2].removesuffix("]") for name in names)
            return entries, np.stack([columns[name] for name in names], axis=-1)
    return (), np.zeros((len(next(iter(columns.values()), ())), 0))


def own_numbers(law: AbstractLaw, free: Sequence[int], count: int) -> list[list[str]]:
    """By entry of the axis, its free numbers; `free` are places in `slots`."""
    declared = slots(law)
    along = [declared[k] for k in free if declared[k].parameter.axis is not None]
    return [[slot.field for slot in along if slot.index == i] for i in range(count)]


def refuse_few(law: AbstractLaw, free: Sequence[int], studies: Studies, columns: dict[str, np.ndarray]) -> None:
    """Refuse a pool that has numbers of its own to fit and runs at fewer different inputs than those.

    **Raises:** `InputError`, naming the pool.
    """
    entries, share = shares(law, columns)
    own = own_numbers(law, free, len(entries))
    if not any(own):
        return
    points = studies.points(columns)
    what = next(axis for _, axis in map(axis_of, law.inputs) if axis is not None)
    for i, (entry, numbers) in enumerate(zip(entries, own, strict=True)):
        drew = studies.table(share[:, i] > 0.0) & studies.real
        # Runs that drew nothing from the pool count as one more input.
        there = np.sort(np.where(drew, points, -1), axis=1)
        count = 1 + np.count_nonzero(np.diff(there, axis=1), axis=1) - (there[:, 0] == -1)
        short = np.flatnonzero(count < len(numbers))
        if short.size:
            study = int(short[0])
            found = {0: "no evaluation", 1: "a single evaluation"}.get(int(count[study]), f"only {count[study]}")
            raise InputError(
                f"The {what} {entry!r} has {found} in {studies.name(study)!r}, and its {' and '.join(numbers)} need at "
                f"least {len(numbers)} at different n: add evaluations, leave the {what} out, or hold them fixed."
            )


@dataclasses.dataclass(frozen=True)
class Pooling:
    """What resamples of runs on pools must keep.

    **Arguments:**

    - `entries`: The pools.
    - `share`: What each run drew from each.
    - `own`: How many free numbers each pool has of its own.
    """

    entries: tuple[str, ...]
    share: Float[np.ndarray, "run pool"]
    own: tuple[int, ...]

    @classmethod
    def of(cls, law: AbstractLaw, free: Sequence[int], columns: dict[str, np.ndarray]) -> "Pooling | None":
        """For a law of pools that have numbers of their own to fit; `None` for others."""
        entries, share = shares(law, columns)
        own = tuple(len(numbers) for numbers in own_numbers(law, free, len(entries)))
        return cls(entries, share, own) if any(own) else None

    def strata(
        self, name: str, rows: Int[np.ndarray, " row"], local: Int[np.ndarray, " row"]
    ) -> list[Int[np.ndarray, " cluster"]]:
        """Clusters to be drawn among each other: those on one pool alone, and all others.

        **Raises:** `InputError` where all that is known of a pool is one cluster on it.
        """
        share = self.share[rows]
        # What each cluster drew, over all of its runs.
        drew = np.zeros((int(local.max()) + 1, len(self.entries)), bool)
        for i in range(len(self.entries)):
            drew[local[share[:, i] > 0.0], i] = True
        alone = drew.sum(axis=1) == 1
        of = np.where(alone, np.argmax(drew, axis=1), SEVERAL)
        for i, entry in enumerate(self.entries):
            if not self.own[i] or np.count_nonzero(of == i) != 1:
                continue
            if np.count_nonzero(drew[:, i]) == 1:
                raise InputError(
                    f"All runs of {name!r} on the pool {entry!r} are of one training, and a resample cannot say how "
                    f"its {self.own[i]} numbers vary: train the pool with several seeds, or sample a posterior with "
                    f"correlation within runs; say cluster=None if the rows are independent measurements."
                )
            # One alone would be in every draw as it is: it is drawn with the mixtures that hold its pool too.
            of[of == i] = SEVERAL
        return [np.flatnonzero(of == stratum) for stratum in np.unique(of)]

    def needs(self, rows: Int[np.ndarray, " row"]) -> list[tuple[Int[np.ndarray, " drew"], int]]:
        """By pool, places of the runs that drew from it, and at how many different inputs they must lie."""
        share = self.share[rows]
        return [(np.flatnonzero(share[:, i] > 0.0), own) for i, own in enumerate(self.own) if own]


def warn_of_pools(law: AbstractLaw, free: Sequence[str], studies: Studies, columns: dict[str, np.ndarray]) -> None:
    """Warn of what runs on pools do not show, or show and the law cannot say; of nothing for other laws."""
    _warn_of_floor(law, free, studies, columns)
    _warn_of_overfitting(law, studies, columns)


def _warn_of_floor(law: AbstractLaw, free: Sequence[str], studies: Studies, columns: dict[str, np.ndarray]) -> None:
    """Warn where the floor d of a law of pools is free and fresh samples do not reach far enough to show it.

    A run counts as fresh where no pool was passed more than once. Where the longest of those has seen less than `FAR`,
    half, of the samples of the longest run of its study, what is beyond is seen through repetition alone: a higher d
    and a longer half-life of the best pool then fit alike.
    """
    if not isinstance(law, AbstractPools) or "d" not in free:
        return
    inputs = gathered(law, columns)
    n = np.asarray(inputs["n"])
    fresh = (np.asarray(inputs["w"]) * n[:, None] / np.asarray(inputs["U"]) <= 1.0 + 1e-9).all(axis=1)
    longest = np.max(studies.table(n), axis=1)
    reached = np.max(studies.table(np.where(fresh, n, 0.0)), axis=1)
    short = np.flatnonzero(reached < FAR * longest)
    if short.size:
        study, more = int(short[0]), f" (and {short.size - 1} more)" if short.size > 1 else ""
        warnings.warn(
            f"{studies.name(study)!r}{more} has fresh samples up to {reached[study]:.3g} and repeated ones up to "
            f"{longest[study]:.3g}, so that the floor d and the half-life of the best pool trade off: add a run on "
            f"unlimited samples, or hold d fixed.",
            FloorWarning,
            stacklevel=4,
        )


def _warn_of_overfitting(law: AbstractLaw, studies: Studies, columns: dict[str, np.ndarray]) -> None:
    """Warn where the error of a pool trained on by itself rises again with its passes, and the law can only fall.

    The mean over the runs of most passes is held against the least mean before: by `RISE` and, where there are several
    runs at both, `SURE` standard errors.
    """
    if not isinstance(law, AbstractPools) or isinstance(law, PoolsOverfit):
        return
    inputs = gathered(law, columns)
    w, n = np.asarray(inputs["w"]), np.asarray(inputs["n"])
    study = np.empty(len(n))
    study[studies.order] = np.repeat(np.arange(len(studies)), studies.counts)
    pool = np.argmax(w, axis=1)
    size = np.asarray(inputs["U"])[np.arange(len(n)), pool]
    alone = (np.max(w, axis=1) == 1.0) & (size < UNLIMITED)
    points, place, count = np.unique(
        np.stack([study, pool, size, n / size])[:, alone], axis=1, return_inverse=True, return_counts=True
    )
    place, error = place.ravel(), np.log(np.abs(np.asarray(studies.runs.target)[alone]))
    mean = np.bincount(place, error) / count
    variance = np.bincount(place, (error - mean[place]) ** 2) / np.maximum(count * (count - 1), 1)
    last = np.flatnonzero(np.append((np.diff(points[:3]) != 0.0).any(axis=0), count.size > 0))
    for first, end in zip(np.append(0, last[:-1] + 1), last, strict=True):
        least = first + int(np.argmin(mean[first : end + 1]))
        rise = mean[end] - mean[least]
        if rise > max(RISE, SURE * np.sqrt(variance[end] + variance[least])):
            warnings.warn(
                f"In {studies.name(int(points[0, end]))!r} the error of pool {law.pool[int(points[1, end])]!r} rises "
                f"again, by {100 * np.expm1(rise):.0f} % from {points[3, least]:.3g} passes to {points[3, end]:.3g}, "
                f"and {type(law).__name__} can only fall: leave out longer runs on it, or fit PoolsOverfit.",
                OverfitWarning,
                stacklevel=4,
            )
            return
