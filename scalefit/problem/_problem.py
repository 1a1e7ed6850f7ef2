"""Law, runs and noise of a fit, checked and laid out once."""

import dataclasses
import functools
import hashlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Int

from .._core import InputError, Phrase, listed
from ..data import Runs
from ..laws import AbstractLaw, Label, Series, gathered, input_kinds
from ..noise import AbstractNoise, with_arrays
from ..params import parameter_values, values
from ._curve import LawCurve
from ._prepare import Prepared, inputs_for, prepare, size_law, usable
from ._studies import CHUNK, Studies


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the numbers came from: kept with every result, so that it can be checked and repeated.

    **Arguments:**

    - `name`: Of the table.
    - `fingerprint`: sha256 of the numbers used.
    - `target`: Name of what was measured.
    - `used`: Runs used; of the whole table also for one study of a batch, whose own are as many as its residuals.
    - `ranges`: Input and target → least and greatest value; of N and D also `C`, 6 N D.
    - `dropped`: Rows that could not be used, with the reason of each; `excluded`: rows taken out by `where`.
    - `notes`: What was derived or scaled on the way, in words.
    """

    name: str
    fingerprint: str
    target: str
    used: int
    ranges: Mapping[str, tuple[float, float]]
    dropped: tuple[tuple[int, str], ...] = ()
    excluded: int = 0
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, law: AbstractLaw, runs: Runs, by: str | tuple[str, ...] | None = None) -> "Source":
        """Describe the runs that a law uses."""
        inputs, notes = inputs_for(law, runs)
        columns = {**inputs, runs.target_name: runs.target}
        # A label is the place of an entry, which has no range.
        kinds = {name for name, said in input_kinds(law).items() if not isinstance(said, Label | Series)}
        numbers = {name: column for name, column in columns.items() if name in {*kinds, runs.target_name}}
        ranges = {name: (float(np.min(column)), float(np.max(column))) for name, column in numbers.items()}
        if {"N", "D"} <= set(inputs) and "C" not in ranges:
            compute = 6.0 * inputs["N"] * inputs["D"]
            ranges["C"] = float(np.min(compute)), float(np.max(compute))
        return cls(
            name=runs.name,
            fingerprint=_fingerprint(runs, by),
            target=runs.target_name,
            used=len(runs),
            ranges=ranges,
            dropped=tuple((int(d.row), d.reason) for d in runs.dropped),
            excluded=runs.excluded,
            notes=(*runs.notes, *notes),
        )


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """Everything a fit was made from: law, runs, noise, what is held fixed, and the studies of the table.

    **Arguments:**

    - `law`: The law, its axes named and large enough for the runs; values serve those that are fixed.
    - `runs`: The runs that the law can use.
    - `noise`: How they scatter.
    - `fixed`: Names of the parameters, or of single numbers of them, that are held.
    - `by`: What the runs were split by into studies, or `None`.
    - `studies`: The runs of each study.
    - `source`: Where the numbers came from.
    - `key`: Which study of a batch this is, where it was taken out of one.
    - `tie`: Pairs of parameters: the first has the value of the second.
    - `left_out`: Studies of the batch that law or noise cannot take, with the reason of each.
    """

    law: AbstractLaw
    runs: Runs
    noise: AbstractNoise
    fixed: tuple[str, ...]
    by: str | tuple[str, ...] | None
    studies: Studies
    source: Source
    key: Hashable = None
    tie: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[Hashable, str], ...] = ()

    @classmethod
    def of(
        cls,
        law: AbstractLaw,
        runs: Runs,
        noise: AbstractNoise,
        fixed: Sequence[str] = (),
        by: str | tuple[str, ...] | None = None,
        tie: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> "Problem":
        """Pose the fit of a law to runs.

        **Raises:** `InputError` where an input of the law is not there, or no run has them all.
        """
        runs = usable(law, runs)
        law = size_law(law, runs)
        pairs = tuple((str(a), str(b)) for a, b in (tie.items() if isinstance(tie, Mapping) else tie))
        source = Source.of(law, runs, by)
        source = dataclasses.replace(source, notes=(*source.notes, *_borrowed(law, fixed)))
        return cls(law, runs, with_arrays(noise), tuple(fixed), by, Studies.of(runs, by), source, tie=pairs)

    def __repr__(self) -> str:
        fixed = f", {', '.join(self.fixed)} fixed" if self.fixed else ""
        studies = "" if self.keys is None else f" in {len(self.studies)} studies"
        return (
            f"Problem: {type(self.law).__name__} of {len(self.runs)} runs of {self.runs.name!r}{studies}, "
            f"{type(self.noise).__name__}{fixed}"
        )

    def _identity(self) -> tuple[Any, ...]:
        noise = tuple(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(self.noise))
        law, scatter = jax.tree.structure(self.law), (jax.tree.structure(self.noise), noise)
        held = values(self.law)[list(self.curve.fixed)].tobytes()
        return law, held, self.source.fingerprint, scatter, self.fixed, self.by, self.key, self.tie

    def __getstate__(self) -> dict[str, Any]:
        # What is kept for reuse holds functions, which cannot be pickled.
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    @functools.cached_property
    def curve(self) -> LawCurve:
        """The law as the solvers see it."""
        return LawCurve.of(self.law, self.fixed, self.tie)

    @property
    def free(self) -> tuple[str, ...]:
        """Names of the free numbers, in order."""
        return tuple(self.curve.slots[k].name for k in self.curve.free)

    def doubts(self) -> Iterator[tuple[str, type[Warning]]]:
        """What the law finds doubtful in its runs, and the warning that it is."""
        studies, inputs = self.studies, gathered(self.law, self.inputs)
        for doubt in self.law.doubts(inputs, np.asarray(self.runs.target), studies.of_runs, self.free):
            more = f" (and {doubt.more} more)" if doubt.more else ""
            yield f"{studies.name(doubt.study)!r}{more} {doubt.message}", doubt.category

    @property
    def keys(self) -> tuple[Hashable, ...] | None:
        """What the studies of a batch are called; `None` for a single fit."""
        return self.studies.keys

    @functools.cached_property
    def inputs(self) -> dict[str, Any]:
        """The columns that the law takes."""
        return inputs_for(self.law, self.runs)[0]

    def parts(self, most: int = CHUNK) -> Iterator[tuple[Int[np.ndarray, " study"], Prepared]]:
        """Arrays for the solvers: studies of like length, at most so many at once.

        **Raises:** `InputError` where the runs of a study do not suit law or noise (see `prepare`).
        """
        parts = list(self.studies.parts(most))
        for which in parts:
            whole = len(parts) == 1
            yield which, self.arrays if whole else self._laid(which)

    @functools.cached_property
    def arrays(self) -> Prepared:
        """Arrays for the solvers: every study, side by side in the order of `studies.parts`."""
        order = np.concatenate(list(self.studies.parts()))
        return self._laid(order)

    def _laid(self, which: Int[np.ndarray, " study"]) -> Prepared:
        return prepare(self.law, self.curve, self.studies.take(which), self.noise)

    def without(self, studies: Mapping[Hashable, str]) -> "Problem":
        """The problem without some studies of its batch, of which the reasons are kept.

        **Arguments:**

        - `studies`: Keys, with the reason of each.
        """
        kept = [s for s, key in enumerate(self.keys or ()) if key not in studies]
        runs = self.runs.take(np.sort(np.concatenate([self.studies.rows(s) for s in kept])))
        by, left_out = self.by, (*self.left_out, *studies.items())
        return dataclasses.replace(
            self, runs=runs, studies=Studies.of(runs, by), source=Source.of(self.law, runs, by), left_out=left_out
        )

    def study(self, key: Hashable) -> "Problem":
        """One study of a batch, posed by itself."""
        if self.keys is None or key not in self.keys:
            remedy = f"its studies are {listed(map(str, self.keys))}" if self.keys else "it is a single fit"
            raise InputError("The result", Phrase(f"has no study {key!r}"), remedy=remedy)
        place = self.keys.index(key)
        # As it is called in the batch: 0 and 0.0 are one key, and one name for its draws.
        key = self.keys[place]
        runs = self.runs.take(self.studies.rows(place)).renamed(f"{self.runs.name}[{key}]")
        return dataclasses.replace(self, runs=runs, studies=Studies.of(runs, None), key=key)


def _borrowed(law: AbstractLaw, fixed: Sequence[str]) -> Iterator[str]:
    """A note on each published set that parameters are held at: what it was fitted to may be another thing."""
    own = parameter_values(law)
    for name, known in type(law).published_sets.items():
        held = [n for n in fixed if n in known.values and n in own and np.array_equal(own[n], known.values[n])]
        if len(held) > 1:
            of = f"the published {name!r} [{known.status}], which are of {known.about}"
            yield f"{', '.join(held)} are held at {of}: see that these runs are alike"


def _fingerprint(runs: Runs, by: str | tuple[str, ...] | None) -> str:
    if by is None:
        return runs.fingerprint
    keys, code = runs.codes(by)
    whole = f"{runs.fingerprint} {keys!r}".encode() + np.asarray(code, np.int64).tobytes()
    return hashlib.sha256(whole).hexdigest()
