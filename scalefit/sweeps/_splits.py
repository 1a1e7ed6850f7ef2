"""Splits: the runs of a group that a fit takes."""

import dataclasses
import re

import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase, check_distinct

_FORM = re.compile(
    r"(?P<all>all)|(?P<resample>resample)|random:(?P<random>[\d.]+)|folds:(?P<folds>\d+)|"
    r"smallest:(?P<column>[^:]+):(?P<smallest>[\d.]+)"
)


@dataclasses.dataclass(frozen=True)
class Split:
    """A choice of runs, in a word; what is drawn is drawn in whole clusters (`Runs.clusters`).

    `all` of them; `resample`, as many clusters as there are, drawn with replacement; `random:0.8`, a random share;
    `folds:5`, which stands for five fits that each leave out another fifth; `smallest:C:0.8`, the share of least C
    (or any other column), cut between clusters and not between runs of one size.
    """

    name: str
    kind: str
    share: float = 1.0
    column: str = ""
    fold: tuple[int, int] = (0, 1)

    @property
    def random(self) -> bool:
        """Say whether seeds make a difference."""
        return self.kind in ("resample", "random", "folds")

    @property
    def drawn_by(self) -> str:
        """Name of its draw: all folds of so many are parts of one draw."""
        return f"folds:{self.fold[1]}" if self.kind == "folds" else self.name

    def chosen(
        self,
        rows: Int[np.ndarray, " run"],
        cluster: Int[np.ndarray, " run"],
        size: Float[np.ndarray, " run"] | None,
        rng: np.random.Generator,
    ) -> tuple[Int[np.ndarray, " kept"], Int[np.ndarray, " left"]]:
        """The rows of a group that are fitted, and those that are left out: whole clusters, whatever the split.

        **Arguments:**

        - `rows`: Of the group.
        - `cluster`: The cluster of each, from 0.
        - `size`: What `smallest` goes by, of each.
        - `rng`: What is drawn from.

        **Returns:** both; one is empty where there are too few clusters.
        """
        count = int(cluster.max()) + 1
        if self.kind == "all":
            return rows, rows[:0]
        if self.kind == "resample":
            times = np.bincount(rng.integers(count, size=count), minlength=count)[cluster]
            return np.repeat(rows, times), rows[times == 0]
        if self.kind == "smallest":
            assert size is not None
            largest = np.zeros(count)
            np.maximum.at(largest, cluster, size)
            # Between different sizes only, so that runs of one size stay together.
            ends = np.unique(largest)
            held = np.searchsorted(np.sort(largest[cluster]), ends, side="right")
            cut = ends[max(int(np.searchsorted(held, self.share * len(rows) + 0.5, side="right")) - 1, 0)]
            kept = largest <= cut
        else:
            order = rng.permutation(count)
            kept = np.zeros(count, bool)
            if self.kind == "random":
                kept[order[: max(1, round(self.share * count))]] = True
            else:
                kept[order[np.arange(count) % self.fold[1] != self.fold[0]]] = True
        return rows[kept[cluster]], rows[~kept[cluster]]


def splits_of(words: tuple[str, ...]) -> list[Split]:
    """The splits that words stand for.

    **Raises:** `InputError` for a word that is none, or a share outside (0, 1).
    """
    found: list[Split] = []
    for word in words:
        form = _FORM.fullmatch(str(word).strip())
        if form is None:
            raise InputError("splits", word, "all, resample, random:0.8, folds:5 or smallest:C:0.8")
        if form["all"] or form["resample"]:
            found.append(Split(form[0], form[0]))
        elif form["folds"]:
            count = int(form["folds"])
            if count < 2:
                raise InputError("splits", Phrase(f"has {word!r}, which leaves nothing to fit"), "2 folds or more")
            found += [Split(f"fold:{k + 1}/{count}", "folds", fold=(k, count)) for k in range(count)]
        else:
            kind = "random" if form["random"] else "smallest"
            try:
                share = float(form[kind])
            except ValueError:
                share = np.nan
            if not 0.0 < share < 1.0:
                raise InputError(f"splits: the share of {word!r}", share, "a number between 0 and 1")
            found.append(Split(form[0], kind, share, form["column"] or ""))
    check_distinct("splits", [split.name for split in found])
    return found
