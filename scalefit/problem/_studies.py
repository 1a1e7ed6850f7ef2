"""Runs as studies of their own: one, or one for each value of a label, laid out without a loop over them."""

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Int, Shaped

from .._core import InputError
from ..data import Runs
from ..solve import BLOCK

ROUND = 16
"""Studies are padded to a multiple of this many runs, so that similar sizes share one compilation."""
CHUNK = 4096
"""Studies laid out at once: what a fit holds in memory does not grow with their number."""


@dataclasses.dataclass(frozen=True)
class Studies:
    """The runs of each study, as places in one table.

    **Arguments:**

    - `runs`: The table.
    - `order`: Rows of the table, study after study.
    - `first`, `counts`: Where each study begins in `order`, and how many runs it has.
    - `keys`: What the studies are called; `None` for a single one.
    """

    runs: Runs
    order: Int[np.ndarray, " run"]
    first: Int[np.ndarray, " study"]
    counts: Int[np.ndarray, " study"]
    keys: tuple[Hashable, ...] | None

    @classmethod
    def of(cls, runs: Runs, by: str | tuple[str, ...] | None) -> "Studies":
        """The studies of a table: all of it, or one for each value of a label or column."""
        if by is None:
            return cls(runs, np.arange(len(runs)), np.zeros(1, int), np.array([len(runs)]), None)
        keys, code = runs.codes(by)
        counts = np.bincount(code, minlength=len(keys))
        return cls(runs, np.argsort(code, kind="stable"), np.cumsum(counts) - counts, counts, tuple(keys))

    def __len__(self) -> int:
        return len(self.counts)

    def name(self, study: int) -> str:
        """What a study is called in messages."""
        return self.runs.name if self.keys is None else f"{self.runs.name}[{self.keys[study]}]"

    def refuse(self, bad: Bool[np.ndarray, " study"], error: Callable[[int], InputError]) -> None:
        """Raise the error of the first bad study, with what is said of each of a batch."""
        places = np.flatnonzero(bad).tolist()
        if not places:
            return
        first = error(places[0])
        if self.keys is not None:
            first.studies = {self.keys[place]: str(error(place)) for place in places}
        raise first

    def take(self, which: Int[np.ndarray, " kept"]) -> "Studies":
        """Some of the studies, in the order asked for."""
        keys = None if self.keys is None else tuple(self.keys[i] for i in which)
        return dataclasses.replace(self, first=self.first[which], counts=self.counts[which], keys=keys)

    def rows(self, study: int) -> Int[np.ndarray, " run"]:
        """The rows of one study."""
        return self.order[self.first[study] : self.first[study] + self.counts[study]]

    @property
    def length(self) -> int:
        """Runs of the longest study, rounded up."""
        longest = int(self.counts.max())
        if longest <= ROUND:
            return longest
        # Blocks of equal size, so that a pass need not pad them.
        blocks = -(-longest // BLOCK)
        return blocks * ROUND * -(-longest // (blocks * ROUND))

    def table(self, column: np.ndarray) -> Shaped[np.ndarray, "study run *more"]:
        """A column of the runs by study; shorter studies are padded with their last value."""
        place = np.minimum(np.arange(self.length), self.counts[:, None] - 1)
        return column[self.order[self.first[:, None] + place]]

    @property
    def of_runs(self) -> Int[np.ndarray, " run"]:
        """The place of the study of each run of the table."""
        begun = np.cumsum(self.counts) - self.counts
        place = np.repeat(self.first - begun, self.counts) + np.arange(self.counts.sum())
        study = np.zeros(len(self.runs), int)
        study[self.order[place]] = np.repeat(np.arange(len(self)), self.counts)
        return study

    @property
    def real(self) -> Bool[np.ndarray, "study run"]:
        """Which entries of a `table` are runs and not padding."""
        return np.arange(self.length) < self.counts[:, None]

    def points(self, columns: Mapping[str, Any]) -> Int[np.ndarray, "study run"]:
        """Numbers that are equal where all of the columns are, by study."""
        key = np.zeros(len(self.runs), np.int64)
        for column in jax.tree.leaves(dict(columns)):
            # A series is equal to another where all of it is.
            _, part = np.unique(column, return_inverse=True, axis=0)
            _, key = np.unique(key * (int(part.max()) + 1) + part, return_inverse=True)
        return self.table(key)

    def different(self, columns: Mapping[str, Any], enough: int) -> Int[np.ndarray, " study"]:
        """How many different rows each study has of the columns; once all have `enough`, no more are counted."""
        leaves = jax.tree.leaves(dict(columns))
        # By one column alone, which is soon done, there may be enough of them everywhere.
        found = np.ones(len(self), int)
        for column in (leaf for leaf in leaves if np.ndim(leaf) == 1):
            found = np.maximum(found, _distinct(self.table(column)))
            if found.min() >= enough:
                return found
        return _distinct(self.points(columns))

    def parts(self, most: int = CHUNK) -> Iterator[Int[np.ndarray, " kept"]]:
        """Studies to be laid out together: of similar length, and not too many."""
        size = np.ceil(np.log2(np.maximum(-(-self.counts // ROUND), 1))).astype(int)
        for bucket in np.unique(size):
            found = np.flatnonzero(size == bucket)
            for low in range(0, len(found), max(most, 1)):
                yield found[low : low + most]


def _distinct(table: Shaped[np.ndarray, "study run"]) -> Int[np.ndarray, " study"]:
    return 1 + np.count_nonzero(np.diff(np.sort(table, axis=1), axis=1), axis=1)
