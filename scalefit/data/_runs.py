"""Runs: a table of experiments on the host, with the numbers checked once, here."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from .._core import InputError, hint, listed
from ._columns import grows, misspelt
from ._derived import DERIVED, found
from ._dropped import Dropped, missing, nothing_left
from ._labels import closed, empty_cells, label, numbered, plain, update
from ._numbers import is_positive, loose_numbers, one_column, refuse_text, refuse_values
from ._where import Condition

UNITS: Mapping[str, str] = MappingProxyType(
    {"N": "parameters", "D": "tokens", "C": "FLOP", "U": "unique tokens", "n": "samples seen"}
)
"""What the usual inputs count, unless the table says otherwise."""


@dataclasses.dataclass(frozen=True, init=False, repr=False, eq=False)
class Runs:
    """A table of experiments: what was put in, what came out, and where each row came from.

    Numbers are host float64; nothing in it can be changed. `where`, `take`, `split` and `complete` give new tables.

    - `target`, `target_name`, `se`: What was measured; `target_header`: what the source calls it.
    - `inputs`: What was put in, by name, NaN where the source has an empty cell; `units`: by those names.
    - `labels`: Those of `group`, `run`, `seed`, `step` and `pool` that are there, as whole numbers or text; one with
        empty cells is an array of objects with `None` there.
    - `headers`: What the source calls the inputs and labels that it calls otherwise.
    - `columns`: Every column of the source as it stood there, for `where`, `split` and `select`.
    - `rows`: The row of the source each run was read from, the first being 1 (a header is not counted); those of
        further tables that were `joined` go on from there.
    - `dropped`: The rows left out for want of a value, with the reason; `excluded` counts those a condition left out.
    - `notes`: What was done to the numbers on the way in, in words.
    - `name`: What the table is called in messages and results.
    - `tables`: Of tables that were `joined`, the name of each and how many `rows` come before its first.
    """

    target: Float[np.ndarray, " run"]
    target_name: str
    inputs: Mapping[str, Float[np.ndarray, " run"]]
    units: Mapping[str, str]
    se: Float[np.ndarray, " run"] | None
    labels: Mapping[str, np.ndarray]
    columns: Mapping[str, np.ndarray]
    rows: Int[np.ndarray, " run"]
    dropped: tuple[Dropped, ...]
    excluded: int
    notes: tuple[str, ...]
    name: str
    target_header: str
    headers: Mapping[str, str]
    tables: tuple[tuple[str, int], ...]

    def __init__(
        self,
        loss: ArrayLike,
        *,
        se: ArrayLike | None = None,
        group: ArrayLike | None = None,
        run: ArrayLike | None = None,
        seed: ArrayLike | None = None,
        step: ArrayLike | None = None,
        pool: ArrayLike | None = None,
        target: str = "loss",
        units: Mapping[str, str] | None = None,
        name: str = "runs",
        **inputs: ArrayLike,
    ):
        """Make a table from arrays of equal length, one value per run.

        **Arguments:**

        - `loss`: What was measured; any finite number (an error rate, say), named by `target`.
        - `se`: Standard error of each measurement, in the unit of the target, above 0.
        - `group`: The study a run belongs to (family, task).
        - `run`: The training a row is a checkpoint of; `seed`, `step`, `pool`: its seed, step and data pool.
        - `target`: Name of what was measured.
        - `units`: Unit of each input and of the target, by name; N, D, C, U and n have their usual ones.
        - `name`: What to call the table in messages and results.
        - `inputs`: Every other keyword is a numeric input: `N` in parameters, `D` in tokens, `C` in FLOP,
            `U` in unique tokens, `n` in samples seen. `C`, `D`, `N`, `U`, `n`, `samples` and `x` must be above 0.

        **Raises:** `InputError` where lengths differ, a value is text, missing or infinite, or there is no run.
        """
        size = len(one_column(target, loss))
        if size == 0:
            raise InputError(f"{name!r} holds no run: {target!r} is empty. Give at least one run.")
        if target in inputs:
            raise InputError(f"{target!r} is given both as the target and as an input; rename one with target=.")
        rows = np.arange(1, size + 1)
        given = {"group": group, "run": run, "seed": seed, "step": step, "pool": pool}
        numbers = {k: _numbers(k, v, rows) for k, v in inputs.items()}
        _fill(
            self,
            target=_numbers(target, loss, rows, sizes=False),
            target_name=target,
            inputs=numbers,
            units={k: u for k, u in UNITS.items() if k in numbers} | dict(units or {}),
            se=None if se is None else _numbers("se", se, rows, sizes=False),
            labels={k: label(k, _column(k, v, rows), rows) for k, v in given.items() if v is not None},
            columns={},
            rows=rows,
            dropped=(),
            excluded=0,
            notes=(),
            name=name,
            target_header=target,
            headers={},
            tables=(),
        )

    def __len__(self) -> int:
        return len(self.target)

    def __repr__(self) -> str:
        shown = {**self.inputs, self.target_name: self.target}
        width = max(len(k) for k in shown)
        lines = [f"Runs {self.name!r}: {len(self)} {'run' if len(self) == 1 else 'runs'}"]
        for k, v in shown.items():
            there = v[~np.isnan(v)]
            span = f"{there.min():.4g} … {there.max():.4g}" if there.size else "no value"
            lines.append(f"  {k:<{width}}  {span}  {self.units.get(k, '')}".rstrip() + _gaps(v))
        for k, v in self.labels.items():
            lines.append(f"  {k}: {len(set(v[~empty_cells(v)].tolist()))} different" + _gaps(v))
        if self.excluded:
            lines.append(f"  {self.excluded} rows excluded by where")
        if self.dropped:
            first = self.dropped[0]
            lines.append(f"  {len(self.dropped)} rows dropped, the first: row {first.row}, {first.reason}")
        return "\n".join(lines + [f"  note: {n}" for n in self.notes])

    def __reduce__(self):
        # The read-only mappings cannot be pickled or deep-copied themselves.
        return _restored, ({k: dict(v) if isinstance(v, Mapping) else v for k, v in _fields(self).items()},)

    @property
    def fingerprint(self) -> str:
        """The sha256 (hex) of the numbers and labels a fit can use, with their names and their order."""
        digest = hashlib.sha256()
        used = {"target": self.target, **{f"input {k}": v for k, v in sorted(self.inputs.items())}}
        if self.se is not None:
            used["se"] = self.se
        for k, v in used.items():
            digest.update(f"{k}\0{len(v)}\0".encode() + np.ascontiguousarray(v, dtype="<f8").tobytes())
        for k, v in sorted(self.labels.items()):
            update(digest, k, v)
        return digest.hexdigest()

    def where(self, expr: str) -> "Runs":
        """Keep the runs for which a condition holds; the others are counted in `excluded`.

        **Arguments:**

        - `expr`: A condition over the names of this table and the headers of its source, such as
            `"loss < 3.44 and N >= 1B"`: comparisons (`1e9 < N <= 7B` too), `+ - * /`, `and`, `or`, `not`, parentheses,
            `family in ["a", "b"]`, `x is not null`; text in quotes, any header in backticks: `` `Model Size` ``.
            A comparison with an empty cell does not hold, nor does its negation.

        **Returns:** a new table.

        **Raises:** `InputError` where the condition cannot be read, names no column, or keeps no run.
        """
        condition = Condition(expr, self._names(), len(self))
        holds = condition.told.holds
        if not holds.any():
            raise condition.nothing_kept(self.name)
        return self._replace(self.take(holds), excluded=self.excluded + int((~holds).sum()))

    def take(self, which: ArrayLike) -> "Runs":
        """Keep runs by a mask of booleans or by position; positions may repeat.

        **Returns:** a new table, with `dropped` and `excluded` as they were.

        **Raises:** `InputError` where the mask has another length, a position is outside, or no run is left.
        """
        index = np.asarray(which)
        if index.dtype == bool:
            if index.shape != (len(self),):
                raise InputError(f"The mask has shape {index.shape}; expected one value for each of {len(self)} runs.")
            index = np.flatnonzero(index)
        if index.size == 0:
            raise InputError(f"Nothing was taken from {self.name!r}: no run is left of {len(self)}.")
        if index.ndim != 1 or index.dtype.kind not in "iu" or index.min() < -len(self) or index.max() >= len(self):
            raise InputError(f"Positions must be whole numbers in one dimension, from 0 to {len(self) - 1}.")
        return self._replace(
            self,
            target=self.target[index],
            inputs={k: v[index] for k, v in self.inputs.items()},
            se=None if self.se is None else self.se[index],
            labels={k: closed(v[index]) for k, v in self.labels.items()},
            columns={k: v[index] for k, v in self.columns.items()},
            rows=self.rows[index],
        )

    def with_column(self, name: str, column: ArrayLike) -> "Runs":
        """Add a column, or put another in the place of one, for `where`, `split` and `fit(by=...)`.

        **Raises:** `InputError` where its length is another, or the name is that of an input, a label or the target.
        """
        values = _column(name, column, self.rows)
        if name in (*self.inputs, *self.labels, self.target_name, "se"):
            raise InputError(
                f"{name!r} is already there in {self.name!r}, and not as a further column: choose another."
            )
        return self._replace(self, columns={**self.columns, name: values})

    def renamed(self, name: str) -> "Runs":
        """The same table under another name, for messages and results."""
        return self._replace(self, name=name)

    def narrowed(self, names: Sequence[str]) -> "Runs":
        """The same runs without the columns of their source, but for these."""
        return self._replace(self, columns={k: v for k, v in self.columns.items() if k in names})

    def split(self, by: str | tuple[str, ...]) -> list[tuple[Any, "Runs"]]:
        """Split into one table for each value of a label, an input or any column of the source.

        **Arguments:**

        - `by`: A name, or a tuple of names; then each key is a tuple.

        **Returns:** pairs of key and table, in order of first appearance. Each table keeps the whole one's
        `dropped` and `excluded`.

        **Raises:** `InputError` where a name is not there (the nearest is named) or is empty for a run.
        """
        keys, code = self.groups(by)
        parts = []
        for i, key in enumerate(keys):
            part = self.take(code == i)
            parts.append((key, part.renamed(f"{self.name}[{key}]")))
        return parts

    def clusters(self, by: str | tuple[str, ...] | None = "auto") -> Int[np.ndarray, " run"]:
        """Number the clusters of runs that are not independent of each other, for a bootstrap.

        Checkpoints of one training are a cluster. Where no `run` says which rows those are, but a `seed` or a `step`
        is there, rows count as checkpoints of one training where they agree in `group`, `pool` and `seed` and in every
        input that stays as it is during a training: all but D, C, n, epochs and other counts that grow (`x` too,
        unless its header is one of the usual names of N or U). So rows that differ in D alone are one cluster even
        if each was a training of its own, which makes intervals wider rather than too narrow: say `by=None` then.

        Trainings that differ in their seed only are apart: each is a draw of its own, unless seeds were shared on
        purpose (the same pools and initial weights under every plan), which no table can show: say `by="seed"` then.

        **Arguments:**

        - `by`: A name or a tuple of names; equal values are one cluster, and a run without a label is one by itself.
            `None`: each run for itself. `"auto"`: `run` if there is one; else, with a `seed` or a `step`, the
            trainings as above; else each run for itself.

        **Returns:** whole numbers from 0, in order of first appearance.

        **Raises:** `InputError` where a name is not there, or is no label and is empty for a run.
        """
        wanted, fixed = self._training() if by == "auto" else (by, ())
        if wanted is None:
            return np.arange(len(self))
        columns, alone = [self.inputs[k] for k in fixed], np.zeros(len(self), dtype=bool)
        for name, column in self._chosen(wanted).items():
            if name in self.labels:
                alone |= empty_cells(column)
            else:
                self._refuse_empty(name, column)
            columns.append(column)
        return numbered([*columns, np.where(alone, self.rows, 0)], len(self))

    def _training(self) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """The labels that tell one training from another, and the inputs that stay as they are during one."""
        if "run" in self.labels:
            return ("run",), ()
        if "seed" not in self.labels and "step" not in self.labels:
            return None, ()
        labels = tuple(k for k in ("group", "pool", "seed") if k in self.labels)
        return labels, tuple(k for k in self.inputs if not grows(k, self.headers.get(k, k)))

    def complete(self, names: Sequence[str]) -> "Runs":
        """Keep the runs that have a value of each of these inputs; the others are added to `dropped`, with the reason.

        **Arguments:**

        - `names`: The inputs that a law needs. One of N, D and C that is derived is there where both of the others
            are; a name that the table does not have at all is left to `select` to refuse.

        **Returns:** a new table, or this very one where nothing is missing.

        **Raises:** `InputError` where no run is left.
        """
        names = (names,) if isinstance(names, str) else names
        gaps: dict[str, np.ndarray] = {}
        for name in names:
            there = found(name, self._input)
            if there is not None:
                gaps |= {k: np.isnan(v) for k, v in there.sources.items()}
        lacking = np.any([np.zeros(len(self), dtype=bool), *gaps.values()], axis=0)
        if not lacking.any():
            return self
        # A run that was taken twice is dropped once.
        dropped = dict.fromkeys(
            Dropped(int(self.rows[i]), "; ".join(missing(k, self.headers.get(k, k)) for k in gaps if gaps[k][i]))
            for i in np.flatnonzero(lacking)
        )
        if lacking.all():
            raise nothing_left(self.name, tuple(dropped), len(self))
        return self._replace(self.take(~lacking), dropped=tuple(sorted((*self.dropped, *dropped))))

    def select(self, names: Sequence[str]) -> tuple[dict[str, Float[np.ndarray, " run"]], tuple[str, ...]]:
        """Give the named inputs as float64, one of N, D and C from the other two by C = 6 N D where it is missing.

        **Arguments:**

        - `names`: Names of inputs; a column of the source under its own name will do.

        **Returns:** the arrays by name, and a note in words for each one that was derived.

        **Raises:** `InputError` naming the nearest column where an input is neither there nor derived, and the row
        where it has no value.
        """
        chosen, notes = {}, []
        for name in names:
            if name not in self.inputs and name in (self.target_name, self.target_header):
                raise InputError(
                    f"{name!r} is asked for as an input of {self.name!r}, and is its target; "
                    f"choose another target, or a law without {name!r}."
                )
            there = found(name, self._input)
            if there is None:
                known = self._names()
                example = misspelt(name, known)
                said = f"the nearest is {example!r}" if example else f"the columns are {listed(known)}"
                example = example or "its header"
                raise InputError(
                    f"{self.name!r} has no input {name!r}: {said}. "
                    f"Name the column with columns={{{name!r}: {example!r}}}, or give it as Runs(..., {name}=...)."
                )
            for source, values in there.sources.items():
                self._refuse_gaps(name, source, values, names)
            refuse_values(name, there.values, self.rows, positive=is_positive(name))
            chosen[name] = there.values
            notes += there.notes
        return chosen, tuple(notes)

    def _refuse_gaps(self, name: str, source: str, values: np.ndarray, names: Sequence[str]) -> None:
        gaps = np.isnan(values)
        if gaps.any():
            derived = "" if name == source else f", and {name} is derived from it"
            raise InputError(
                f"Column {self.headers.get(source, source)!r}, row {self.rows[int(np.argmax(gaps))]}: "
                f"the value is missing (empty or NaN){derived}; expected a number. "
                f"Fill the cell, or leave such rows out with runs.complete({tuple(names)!r})."
            )

    def _input(self, name: str) -> Float[np.ndarray, " run"] | None:
        if name in self.inputs:
            return self.inputs[name]
        if name in (self.target_name, self.target_header):
            return None
        column = self.columns.get(name, self.labels.get(name))
        if column is None:
            return None
        refuse_text(name, column, self.rows)
        values = loose_numbers(column)
        refuse_values(name, values, self.rows, positive=is_positive(name), gaps=True)
        return values

    def _names(self) -> dict[str, np.ndarray]:
        """Every name a condition may use; where two meet, ours is meant and not the source's."""
        labels = {k: plain(v) for k, v in self.labels.items()}
        ours: dict[str, np.ndarray] = {**labels, **self.inputs, self.target_name: self.target}
        if self.se is not None:
            ours["se"] = self.se
        for name, (first, second, _) in DERIVED.items():
            if name not in ours and first in self.inputs and second in self.inputs:
                there = found(name, self._input)
                ours |= {} if there is None else {name: there.values}
        return {**self.columns, **ours}

    def place(self, run: int) -> str:
        """Where a run stands, in words: its row, in its own table where tables were joined.

        **Arguments:**

        - `run`: Its position among the runs, from 0.
        """
        row = int(self.rows[run])
        name, before = next(((n, b) for n, b in reversed(self.tables) if b < row), (self.name, 0))
        return f"row {row - before} of {name!r}"

    def groups(self, by: str | tuple[str, ...]) -> tuple[list[Any], Int[np.ndarray, " run"]]:
        """The values of a name, or of a tuple of names, and the place of each run's among them.

        **Returns:** the keys (tuples for a tuple of names) in order of first appearance, and whole numbers from 0.

        **Raises:** `InputError` where a name is not there (the nearest is named) or is empty for a run.
        """
        columns = self._chosen(by)
        for name, column in columns.items():
            self._refuse_empty(name, column)
        code = numbered(list(columns.values()), len(self))
        first = np.unique(code, return_index=True)[1]
        keys = list(zip(*(column[first].tolist() for column in columns.values())))
        return [key[0] for key in keys] if isinstance(by, str) else keys, code

    def _chosen(self, by: str | tuple[str, ...]) -> dict[str, np.ndarray]:
        names = self._names()
        if not isinstance(by, str | tuple | list):
            raise InputError(f"by is {by!r}, which is {type(by).__name__}; expected a name, or a tuple of names.")
        wanted = (by,) if isinstance(by, str) else tuple(by)
        for name in wanted:
            if name not in names:
                raise InputError(f"{self.name!r} has no column {name!r} to split by: {hint(name, names)}.")
        return {name: names[name] for name in wanted}

    def _refuse_empty(self, name: str, column: np.ndarray) -> None:
        empty = empty_cells(column)
        if empty.any():
            raise InputError(
                f"Column {name!r}, row {self.rows[int(np.argmax(empty))]}: no value to split by. "
                f'Fill the cell, or leave the row out with where="`{name}` is not null".'
            )

    @staticmethod
    def from_fields(**fields: Any) -> "Runs":
        """Make a table from its fields as they stand, without another look at the numbers."""
        return _restored(fields)

    @staticmethod
    def _replace(runs: "Runs", **changes: Any) -> "Runs":
        return _restored({**_fields(runs), **changes})


def _fields(runs: Runs) -> dict[str, Any]:
    return {f.name: getattr(runs, f.name) for f in dataclasses.fields(Runs)}


def _restored(fields: dict[str, Any]) -> Runs:
    return _fill(
        object.__new__(Runs), **{"target_header": fields["target_name"], "headers": {}, "tables": (), **fields}
    )


def _fill(runs: Runs, **fields: Any) -> Runs:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            value = MappingProxyType({k: _frozen(v) for k, v in value.items()})
        object.__setattr__(runs, name, _frozen(value))
    return runs


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.flags.writeable:
        value = value.copy()
        value.flags.writeable = False
    return value


def _numbers(name: str, given: Any, rows: np.ndarray, *, sizes: bool = True) -> Float[np.ndarray, " run"]:
    column = _column(name, given, rows)
    refuse_text(name, column, rows, sizes=sizes)
    values = loose_numbers(column)
    refuse_values(name, values, rows, positive=is_positive(name))
    return values


def _column(name: str, given: Any, rows: np.ndarray) -> np.ndarray:
    column = one_column(name, given)
    if len(column) != len(rows):
        raise InputError(f"{name!r} has {len(column)} values and the target has {len(rows)}; give one for each run.")
    return column


def _gaps(column: np.ndarray) -> str:
    empty = int(empty_cells(column).sum())
    return f", {empty} empty" if empty else ""
