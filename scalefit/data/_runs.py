"""Runs: a table of experiments on the host, with the numbers checked once, here."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from .._core import InputError
from ._columns import misspelt
from ._nearest import hint, listed
from ._numbers import POSITIVE, loose_numbers, one_column, refuse_text, refuse_values
from ._where import nothing_kept, where_mask

LABELS = ("group", "run", "seed", "step", "pool")
UNITS = {"N": "parameters", "D": "tokens", "C": "FLOP", "U": "unique tokens", "n": "samples seen"}

# C = 6 N D, solved for each of the three.
_DERIVED = {
    "N": ("C", "D", "N = C / (6 D): the table has no parameter column"),
    "D": ("C", "N", "D = C / (6 N): the table has no token column"),
    "C": ("N", "D", "C = 6 N D: the table has no compute column"),
}


class Dropped(NamedTuple):
    """A row of the source that is not among the runs, and why."""

    row: int
    reason: str


@dataclasses.dataclass(frozen=True, init=False, repr=False, eq=False)
class Runs:
    """A table of experiments: what was put in, what came out, and where each row came from.

    Numbers are host float64; nothing in it can be changed. `where`, `take` and `split` give new tables.

    - `target`, `target_name`, `se`: What was measured; `target_header`: what the source calls it.
    - `inputs`: What was put in, by name; `units`: by those names.
    - `labels`: Those of `group`, `run`, `seed`, `step` and `pool` that are there, as whole numbers or text.
    - `columns`: Every column of the source as it stood there, for `where`, `split` and `select`.
    - `rows`: The row of the source each run was read from, the first being 1 (a header is not counted).
    - `dropped`: The rows left out for want of a value, with the reason; `excluded` counts those a condition left out.
    - `notes`: What was done to the numbers on the way in, in words.
    - `name`: What the table is called in messages and results.
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
            labels={k: _label(k, v, rows) for k, v in given.items() if v is not None},
            columns={},
            rows=rows,
            dropped=(),
            excluded=0,
            notes=(),
            name=name,
            target_header=target,
        )

    def __len__(self) -> int:
        return len(self.target)

    def __repr__(self) -> str:
        shown = {**self.inputs, self.target_name: self.target}
        width = max(len(k) for k in shown)
        lines = [f"Runs {self.name!r}: {len(self)} {'run' if len(self) == 1 else 'runs'}"]
        for k, v in shown.items():
            lines.append(f"  {k:<{width}}  {v.min():.4g} … {v.max():.4g}  {self.units.get(k, '')}".rstrip())
        lines += [f"  {k}: {len(np.unique(v))} different" for k, v in self.labels.items()]
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
            # Text by its characters: the width of an array of strings depends on what it once held.
            whole = v.dtype.kind in "iu"
            digest.update(f"label {k}\0".encode())
            digest.update(v.astype("<i8").tobytes() if whole else "\0".join(map(str, v.tolist())).encode())
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
        names = self._names()
        holds, _ = where_mask(expr, names, len(self))
        if not holds.any():
            raise nothing_kept(expr, names, len(self), self.name)
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
            labels={k: v[index] for k, v in self.labels.items()},
            columns={k: v[index] for k, v in self.columns.items()},
            rows=self.rows[index],
        )

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
            parts.append((key, self._replace(part, name=f"{self.name}[{key}]")))
        return parts

    def clusters(self, by: str | tuple[str, ...] | None = "auto") -> Int[np.ndarray, " run"]:
        """Number the clusters of runs that are not independent of each other, for a bootstrap.

        Checkpoints of one training are a cluster. Trainings that differ in their seed only are not: each
        is a draw of its own, unless seeds were shared on purpose (the same pools and initial weights under every
        plan), which no table can show: say `by="seed"` then.

        **Arguments:**

        - `by`: A name or a tuple of names; equal values are one cluster. `None`: each run for itself. `"auto"`: `run`
            if there is one; else, where `step` shows that rows are checkpoints, the pair of `pool` and `seed`
            (those present); else each run for itself.

        **Returns:** whole numbers from 0, in order of first appearance.

        **Raises:** `InputError` where a name is not there or is empty for a run.
        """
        if by == "auto":
            by = tuple(k for k in ("pool", "seed") if k in self.labels) if "step" in self.labels else ()
            by = "run" if "run" in self.labels else by or None
        if by is None:
            return np.arange(len(self))
        return self.groups(by)[1]

    def select(self, names: Sequence[str]) -> tuple[dict[str, Float[np.ndarray, " run"]], tuple[str, ...]]:
        """Give the named inputs as float64, one of N, D and C from the other two by C = 6 N D where it is missing.

        **Arguments:**

        - `names`: Names of inputs; a column of the source under its own name will do.

        **Returns:** the arrays by name, and a note in words for each one that was derived.

        **Raises:** `InputError` naming the nearest column where an input is neither there nor derived.
        """
        chosen, notes = {}, []
        for name in names:
            if name not in self.inputs and name in (self.target_name, self.target_header):
                raise InputError(
                    f"{name!r} is asked for as an input of {self.name!r}, and is its target; "
                    f"choose another target, or a law without {name!r}."
                )
            values = self._input(name)
            if values is None and name in _DERIVED:
                first, second, note = _DERIVED[name]
                left, right = self._input(first), self._input(second)
                if left is not None and right is not None:
                    values = 6.0 * left * right if name == "C" else left / (6.0 * right)
                    notes.append(note)
            if values is None:
                known = self._names()
                example = misspelt(name, known)
                said = f"the nearest is {example!r}" if example else f"the columns are {listed(known)}"
                example = example or "its header"
                raise InputError(
                    f"{self.name!r} has no input {name!r}: {said}. "
                    f"Name the column with columns={{{name!r}: {example!r}}}, or give it as Runs(..., {name}=...)."
                )
            chosen[name] = values
        return chosen, tuple(notes)

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
        refuse_values(name, values, self.rows, positive=name in POSITIVE)
        return values

    def _names(self) -> dict[str, np.ndarray]:
        """Every name a condition may use; where two meet, ours is meant and not the source's."""
        ours: dict[str, np.ndarray] = {**self.labels, **self.inputs, self.target_name: self.target}
        if self.se is not None:
            ours["se"] = self.se
        for name, (first, second, _) in _DERIVED.items():
            if name not in ours and first in self.inputs and second in self.inputs:
                ours[name] = self.select([name])[0][name]
        return {**self.columns, **ours}

    def groups(self, by: str | tuple[str, ...]) -> tuple[list[Any], Int[np.ndarray, " run"]]:
        """The values of a name, or of a tuple of names, and the place of each run's among them.

        **Returns:** the keys (tuples for a tuple of names) in order of first appearance, and whole numbers from 0.

        **Raises:** `InputError` where a name is not there (the nearest is named) or is empty for a run.
        """
        names = self._names()
        wanted = (by,) if isinstance(by, str) else tuple(by)
        code = np.zeros(len(self), dtype=np.int64)
        for name in wanted:
            if name not in names:
                raise InputError(f"{self.name!r} has no column {name!r} to split by: {hint(name, names)}.")
            column = names[name]
            if column.dtype.kind in "iufUb" and not (column.dtype.kind == "f" and np.isnan(column).any()):
                _, part = np.unique(column, return_inverse=True)
            else:
                part = self._slow_code(name, column)
            _, code = np.unique(code * (int(part.max()) + 1) + part, return_inverse=True)
        _, first, code = np.unique(code, return_index=True, return_inverse=True)
        order = np.argsort(first)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        keys = list(zip(*(names[name][np.sort(first)].tolist() for name in wanted)))
        return [key[0] for key in keys] if isinstance(by, str) else keys, place[code]

    def _slow_code(self, name: str, column: np.ndarray) -> Int[np.ndarray, " run"]:
        empty = [r for r, v in zip(self.rows, column.tolist()) if v is None or v != v]
        if empty:
            raise InputError(
                f"Column {name!r}, row {empty[0]}: no value to split by. "
                f'Fill the cell, or leave the row out with where="`{name}` is not null".'
            )
        codes: dict[Any, int] = {}
        return np.array([codes.setdefault(key, len(codes)) for key in column.tolist()], dtype=np.int64)

    @staticmethod
    def _replace(runs: "Runs", **changes: Any) -> "Runs":
        return _restored({**_fields(runs), **changes})


def _fields(runs: Runs) -> dict[str, Any]:
    return {f.name: getattr(runs, f.name) for f in dataclasses.fields(Runs)}


def _restored(fields: dict[str, Any]) -> Runs:
    return _fill(object.__new__(Runs), **{"target_header": fields["target_name"], **fields})


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
    refuse_values(name, values, rows, positive=name in POSITIVE)
    return values


def _label(name: str, given: Any, rows: np.ndarray) -> np.ndarray:
    column = _column(name, given, rows)
    for row, cell in zip(rows, column.tolist()):
        if cell is None or cell != cell:
            raise InputError(f"Column {name!r}, row {row}: the label is missing. Fill it, or leave the row out.")
    if column.dtype.kind in "iufb" and np.all(np.equal(np.mod(column.astype(np.float64), 1), 0)):
        return column.astype(np.int64)
    return column.astype(str)


def _column(name: str, given: Any, rows: np.ndarray) -> np.ndarray:
    column = one_column(name, given)
    if len(column) != len(rows):
        raise InputError(f"{name!r} has {len(column)} values and the target has {len(rows)}; give one for each run.")
    return column
