"""Checks of runs on pools: enough of each pool, and resamples that keep every pool."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase
from ..laws import SHARE, AbstractLaw, Weights, axes, input_names, input_units, inputs_of
from ..params import slots
from ._studies import Studies


def shares(law: AbstractLaw, columns: dict[str, Any]) -> tuple[tuple[str, ...], Float[np.ndarray, "run pool"]]:
    """The entries of the axis along which a law takes shares, and the share of each by run; none for other laws."""
    units = input_units(law)
    for names in input_names(law).values():
        if names and units[names[0]] == SHARE:
            entries = tuple(name.partition("[")[2].removesuffix("]") for name in names)
            return entries, np.stack([columns[name] for name in names], axis=-1)
    return (), np.zeros((len(next(iter(columns.values()), ())), 0))


def own_numbers(law: AbstractLaw, free: Sequence[int], count: int) -> list[list[str]]:
    """By entry of the axis, its free numbers; `free` are places in `slots`."""
    axis = next((said.axis for said in inputs_of(law).values() if isinstance(said, Weights)), None)
    declared = slots(law)
    along = [declared[k] for k in free if axis is not None and declared[k].parameter.axes == (axis,)]
    return [[slot.field for slot in along if slot.index == i] for i in range(count)]


def check_pools(law: AbstractLaw, free: Sequence[int], studies: Studies, columns: dict[str, Any]) -> None:
    """Check that pools with numbers of their own to fit have runs at as many different inputs.

    **Raises:** `InputError`, naming the pool.
    """
    entries, share = shares(law, columns)
    own = own_numbers(law, free, len(entries))
    if not any(own):
        return
    points = studies.points(columns)
    what = next(iter(axes(law)))
    for i, (entry, numbers) in enumerate(zip(entries, own, strict=True)):
        drew = studies.table(share[:, i] > 0.0) & studies.real
        # Runs that drew nothing from the pool count as one more input.
        there = np.sort(np.where(drew, points, -1), axis=1)
        count = 1 + np.count_nonzero(np.diff(there, axis=1), axis=1) - (there[:, 0] == -1)

        def error(study: int, what: str = what, entry: str = entry, numbers: list[str] = numbers, count: Any = count):
            found = {0: "no evaluation", 1: "a single evaluation"}.get(int(count[study]), f"only {count[study]}")
            return InputError(
                f"The {what} {entry!r}",
                Phrase(f"has {found} in {studies.name(study)!r}"),
                f"as many at different n as it has numbers of its own: {', '.join(numbers)}",
                f"add evaluations, leave the {what} out, or hold them fixed",
            )

        studies.refuse(count < len(numbers), error)


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
    def of(cls, law: AbstractLaw, free: Sequence[int], columns: dict[str, Any]) -> "Pooling | None":
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
        of = np.where(alone, np.argmax(drew, axis=1), -1)  # -1 where there are several pools
        for i, entry in enumerate(self.entries):
            if not self.own[i] or np.count_nonzero(of == i) != 1:
                continue
            if np.count_nonzero(drew[:, i]) == 1:
                raise InputError(
                    f"The pool {entry!r}",
                    Phrase(f"has runs of one training only in {name!r}"),
                    f"several, for a resample to say how its {self.own[i]} numbers vary",
                    "train it with several seeds, or sample a posterior with correlation within runs; say "
                    "`cluster=None` if the rows are independent measurements",
                )
            # One alone would be in every draw as it is: it is drawn with the mixtures that hold its pool too.
            of[of == i] = -1
        return [np.flatnonzero(of == stratum) for stratum in np.unique(of)]

    def needs(self, rows: Int[np.ndarray, " row"]) -> list[tuple[Int[np.ndarray, " drew"], int]]:
        """By pool, places of the runs that drew from it, and at how many different inputs they must lie."""
        share = self.share[rows]
        return [(np.flatnonzero(share[:, i] > 0.0), own) for i, own in enumerate(self.own) if own]
