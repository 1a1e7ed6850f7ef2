"""What the scatter of runs is said to go by, as columns of numbers."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase, check_names, check_type, listed
from ..data import names_of
from ..laws import Label, Series, Weights, input_names, inputs_of
from ..problem import Problem

Kind = Literal["weights", "label", "size", "number"]


class GoesBy(NamedTuple):
    """An input that scatter goes by.

    **Arguments:**

    - `name`: As it was asked for; `column`: what the runs have it as.
    - `kind`: Weights and numbers count as they are, of sizes the logarithm, and of labels whether a run is of each.
    - `entries`: Its columns, or the values of a label.
    """

    name: str
    column: str
    kind: Kind
    entries: tuple[Any, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the numbers that say how scatter goes by it."""
        return tuple(f"{self.name}[{entry}]" for entry in self.entries) if self.kind == "label" else self.entries

    @property
    def gauge(self) -> Float[np.ndarray, "name free"]:
        """What is free of these numbers: of weights and labels only how they differ, as a whole has a sum of 1."""
        count = len(self.entries)
        if self.kind not in ("weights", "label"):
            return np.eye(count)
        return np.linalg.svd(np.eye(count) - 1.0 / count)[0][:, : count - 1]

    def columns(self, point: Mapping[str, Any]) -> Float[np.ndarray, "point name"]:
        """As numbers, a column for each of the names.

        **Raises:** `InputError` for a label that was not among the runs, and a size that is not above 0.
        """
        if self.kind == "label":
            given = np.asarray(point[self.name], object).tolist()
            for one in given:
                if one not in self.entries:
                    raise InputError(self.name, one, f"one of those of the runs, {listed(map(str, self.entries))}")
            return np.array([[float(one == entry) for entry in self.entries] for one in given])
        found = np.stack([np.asarray(point[name], float) for name in self.entries], axis=-1)
        if self.kind == "size":
            bad = ~(np.isfinite(found) & (found > 0.0))
            if bad.any():
                expected = "numbers above 0, as scatter goes by their logarithm"
                raise InputError(f"by: {self.name}", float(found[bad][0]), expected)
            return np.log(found)
        return found


def goes_by(problem: Problem, by: str | Sequence[str]) -> tuple[GoesBy, ...]:
    """What scatter is asked to go by, looked up among what the law takes and what the runs have.

    **Raises:** `InputError` for names that are neither, and for series.
    """
    check_type("by", by, (str, Sequence), "names of inputs, as ('w',)")
    by = (by,) if isinstance(by, str) else tuple(by)
    kinds, entries, there = inputs_of(problem.law), input_names(problem.law), names_of(problem.runs)
    kinds = {name: kind for name, kind in kinds.items() if not isinstance(kind, Series)}
    known = [*kinds, *(n for n in there if n not in kinds and n not in (problem.runs.target_name, "se"))]
    if not by:
        raise InputError("by", by, "one name at least", f"the law takes {listed(kinds)}")
    check_names("by", by, known, what="inputs")
    return tuple(_one(problem, name, kinds.get(name), entries, there) for name in by)


def _one(problem: Problem, name: str, said: Any, entries: Mapping[str, tuple[str, ...]], there: Any) -> GoesBy:
    column = (said.column or name) if isinstance(said, Label) else name
    if isinstance(said, Label) or (said is None and there[name].dtype.kind not in "fiu"):
        return GoesBy(name, column, "label", tuple(problem.runs.codes(column)[0]))
    if isinstance(said, Weights):
        return GoesBy(name, column, "weights", entries[name])
    # What no law says a kind of has one by its numbers.
    size = said.logarithm if said is not None else True
    return GoesBy(name, column, "size" if size else "number", entries.get(name, (name,)))


def of_runs(problem: Problem, by: Sequence[GoesBy]) -> list[Float[np.ndarray, "run _"]]:
    """The columns of every one over the runs of a fit."""
    there, labels = names_of(problem.runs), [one for one in by if one.kind == "label"]
    point = {**there, **{k: v for k, v in problem.inputs.items() if k not in {one.name for one in labels}}}
    for one in labels:
        keys, code = problem.runs.codes(one.column)
        point[one.name] = np.array(keys, object)[code]
    return [one.columns(point) for one in by]


def gauge_of(by: Sequence[GoesBy]) -> Float[np.ndarray, "name free"]:
    """What is free of all numbers together."""
    parts = [one.gauge for one in by]
    whole = np.zeros((sum(len(p) for p in parts), sum(p.shape[1] for p in parts)))
    row = column = 0
    for part in parts:
        whole[row : row + len(part), column : column + part.shape[1]] = part
        row, column = row + len(part), column + part.shape[1]
    return whole


def refuse_alike(problem: Problem, by: Sequence[GoesBy], columns: Sequence[Float[np.ndarray, "run _"]]) -> None:
    """Refuse what does not vary within a study, or only together, and fewer runs than numbers.

    **Raises:** `InputError` that names the study.
    """
    studies, law = problem.studies, len(problem.free)
    free = [block @ one.gauge for one, block in zip(by, columns, strict=True)]
    count = sum(block.shape[1] for block in free)
    for s in range(len(studies)):
        rows, name = studies.rows(s), repr(studies.name(s))
        if len(rows) <= law + count + 1:
            given = Phrase(f"has {len(rows)} runs, of which the law has {law} numbers and the scatter {count + 1}")
            raise InputError(name, given, "more runs than numbers", "give fewer of `by`, or more runs")
        for one, block in zip(by, free, strict=True):
            if _rank(block[rows]) < block.shape[1]:
                what = "does not vary" if len(one.entries) == 1 else "does not vary in every entry"
                raise InputError(f"by: {one.name}", Phrase(f"{what} among the runs of {name}"), remedy="leave it out")
        if _rank(np.concatenate([block[rows] for block in free], axis=1)) < count:
            given = Phrase(f"names {listed(one.name for one in by)}, which vary only together among the runs of {name}")
            raise InputError("by", given, remedy="leave one of them out")


def _rank(columns: Float[np.ndarray, "run column"]) -> int:
    centred = columns - columns.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    if not size.all():
        return 0
    return int(np.linalg.matrix_rank(centred / size, tol=1e-8))
