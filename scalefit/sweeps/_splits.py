"""Which runs of a group a fit takes."""

import dataclasses
import re

import numpy as np
from jaxtyping import Int

from .._core import InputError
from ..data import Runs

_FORM = re.compile(
    r"(?P<all>all)|(?P<resample>resample)|random:(?P<random>[\d.]+)|folds:(?P<folds>\d+)|"
    r"smallest:(?P<column>[^:]+):(?P<smallest>[\d.]+)"
)


@dataclasses.dataclass(frozen=True)
class Split:
    """A choice of runs, in a word; what is drawn is drawn in whole clusters (`Runs.clusters`).

    `all` of them; `resample`, as many clusters as there are, drawn with replacement; `random:0.8`, a random share;
    `folds:5`, which stands for five fits that each leave out another fifth; `smallest:C:0.8`, the share of least C
    (or any other column).
    """

    name: str
    kind: str
    share: float = 1.0
    column: str = ""
    fold: tuple[int, int] = (0, 1)

    @property
    def random(self) -> bool:
        """Whether seeds make a difference."""
        return self.kind in ("resample", "random", "folds")

    @property
    def drawn_by(self) -> str:
        """What its draws are named by: all folds of so many are parts of one draw."""
        return f"folds:{self.fold[1]}" if self.kind == "folds" else self.name

    def chosen(
        self, runs: Runs, rows: Int[np.ndarray, " run"], cluster: Int[np.ndarray, " run"], rng: np.random.Generator
    ) -> tuple[Int[np.ndarray, " kept"], Int[np.ndarray, " left"]]:
        """The rows of a group that are fitted, and those that are left out.

        **Arguments:**

        - `runs`: The table, `rows` those of the group in it and `cluster` the cluster of each of these, from 0.
        """
        count = int(cluster.max()) + 1
        if self.kind == "all":
            return rows, rows[:0]
        if self.kind == "smallest":
            (column,) = runs.select((self.column,))[0].values()
            place = np.argsort(column[rows], kind="stable")
            kept = np.sort(place[: max(1, round(self.share * len(rows)))])
            return rows[kept], np.delete(rows, kept)
        if self.kind == "resample":
            times = np.bincount(rng.integers(count, size=count), minlength=count)[cluster]
            return np.repeat(rows, times), rows[times == 0]
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
            raise InputError(
                f"splits: {word!r} is not understood; expected all, resample, random:0.8, folds:5 or smallest:C:0.8."
            )
        if form["all"] or form["resample"]:
            found.append(Split(form[0], form[0]))
        elif form["folds"]:
            count = int(form["folds"])
            if count < 2:
                raise InputError(f"splits: {word!r} leaves nothing to fit; expected 2 folds or more.")
            found += [Split(f"fold:{k + 1}/{count}", "folds", fold=(k, count)) for k in range(count)]
        else:
            kind = "random" if form["random"] else "smallest"
            try:
                share = float(form[kind])
            except ValueError:
                share = np.nan
            if not 0.0 < share < 1.0:
                raise InputError(f"splits: {word!r} has a share of {form[kind]}; expected one between 0 and 1.")
            found.append(Split(form[0], kind, share, form["column"] or ""))
    names = [split.name for split in found]
    if len(set(names)) < len(names):
        raise InputError(f"splits gives one twice: {', '.join(names)}.")
    return found
