"""Doubts about laws of pools: what runs do not show of a floor, and errors that rise again with repetition."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ..._core import FloorWarning, OverfitWarning
from .._abstract import Doubt

FRESH_SHARE = 0.5
"""Share of the longest run's samples that a run on fresh samples must reach to show the floor."""
ENDLESS = 1e18
"""Size of a pool from which it counts as having no end."""


def doubts_of_floor(w: Any, n: Any, U: Any, study: Int[np.ndarray, " run"]) -> Iterator[Doubt]:
    """Doubt a floor that is fitted where fresh samples do not reach far enough to show it.

    A run counts as fresh where no pool was passed more than once. Where the longest of those has seen less than half
    of the samples of the longest run of its study, what is beyond is seen through repetition alone: a higher d and a
    longer half-life of the best pool then fit alike.
    """
    n = np.asarray(n)
    fresh = (np.asarray(w) * n[:, None] / np.asarray(U) <= 1.0 + 1e-9).all(axis=1)
    longest, reached = np.zeros(study.max() + 1), np.zeros(study.max() + 1)
    np.maximum.at(longest, study, n)
    np.maximum.at(reached, study, np.where(fresh, n, 0.0))
    short = np.flatnonzero(reached < FRESH_SHARE * longest)
    if short.size:
        first = int(short[0])
        yield Doubt(
            first,
            int(short.size) - 1,
            f"has fresh samples up to {reached[first]:.3g} and repeated ones up to {longest[first]:.3g}, so that the "
            f"floor d and the half-life of the best pool trade off: add a run on unlimited samples, or hold d fixed.",
            FloorWarning,
        )


def doubts_of_rise(
    law: str, pools: Sequence[str], w: Any, n: Any, U: Any, target: Float[np.ndarray, " run"],
    study: Int[np.ndarray, " run"], *, rise: float = 0.02, sure: float = 3.0,
) -> Iterator[Doubt]:  # fmt: skip
    """Doubt a law that can only fall where the error of a pool trained on by itself rises again with its passes.

    The mean over the runs of most passes is held against the least mean before.

    **Arguments:**

    - `rise`: By how much it must rise; `sure`: by how many standard errors, where there are several runs at both.
    """
    w, n = np.asarray(w), np.asarray(n)
    pool = np.argmax(w, axis=1)
    size = np.asarray(U)[np.arange(len(n)), pool]
    alone = (np.max(w, axis=1) == 1.0) & (size < ENDLESS)
    if not alone.any():
        return
    points, place, count = np.unique(
        np.stack([study.astype(float), pool, size, n / size])[:, alone], axis=1, return_inverse=True, return_counts=True
    )
    place, error = place.ravel(), np.log(np.abs(np.asarray(target)[alone]))
    mean = np.bincount(place, error) / count
    variance = np.bincount(place, (error - mean[place]) ** 2) / np.maximum(count * (count - 1), 1)
    last = np.flatnonzero(np.append((np.diff(points[:3]) != 0.0).any(axis=0), count.size > 0))
    for first, end in zip(np.append(0, last[:-1] + 1), last, strict=True):
        least = first + int(np.argmin(mean[first : end + 1]))
        found = mean[end] - mean[least]
        if found > max(rise, sure * np.sqrt(variance[end] + variance[least])):
            yield Doubt(
                int(points[0, end]),
                0,
                f"has an error of pool {pools[int(points[1, end])]!r} that rises again, by "
                f"{100 * np.expm1(found):.0f} % from {points[3, least]:.3g} passes to {points[3, end]:.3g}, and {law} "
                f"can only fall: leave out longer runs on it, or fit PoolsOverfit.",
                OverfitWarning,
            )
            return
