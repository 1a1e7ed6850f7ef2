"""Runs: a table of experiments on the host, with the numbers checked once, here."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from .._core import InputError, Phrase, check_names, check_type
from ._clusters import clusters_of, unlabelled
from ._dropped import Dropped
from ._frozen import Frozen
from ._labels import closed, empty_cells, label, numbered, update
from ._numbers import check_numbers, check_series, one_column, parse_number, series_column
from ._select import completed, headers_of, input_of, names_of, selected
from ._targets import of_targets
from ._where import Condition

UNITS: Mapping[str, str] = MappingProxyType(
    {"N": "parameters", "D": "tokens", "C": "FLOP", "U": "unique tokens", "n": "samples seen"}
)
"""Units of the usual inputs, unless the table says otherwise."""


@dataclasses.dataclass(frozen=True, init=False, repr=False, eq=False)
class Runs(Frozen):
    """A table of experiments: what was put in, what came out, and where each row came from.

    Numbers are host float64; nothing in it can be changed. `where`, `take`, `split` and `complete` give new tables.

    - `target`, `target_name`, `se`: What was measured; `target_header`: what the source calls it.
    - `inputs`: What was put in, by name, NaN where the source has an empty cell.
    - `series`: Inputs that are an array for each row, as a learning rate over the steps; `None` for an empty cell.
    - `units`: Of inputs, series and targets, by name.
    - `labels`: Those of `group`, `run`, `seed`, `step`, `pool` and `target` that are there, as whole numbers or text;
        one with empty cells is an array of objects with `None` there. A table of several targets has a row for each run
        and target, and the label `target` says which.
    - `headers`: What the source calls the inputs, labels and several targets that it calls otherwise.
    - `columns`: Every column of the source as it stood there, for `where`, `split` and `select`.
    - `rows`: The row of the source each row was read from, the first being 1 (a header is not counted); those of
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
    rows: Int[np.ndarray, " run"]
    name: str
    target_header: str
    labels: Mapping[str, np.ndarray]
    series: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    se: Float[np.ndarray, " run"] | None = None
    columns: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    excluded: int = 0
    notes: tuple[str, ...] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    tables: tuple[tuple[str, int], ...] = ()

    def __init__(
        self,
        loss: ArrayLike | Mapping[str, ArrayLike],
        *,
        se: ArrayLike | Mapping[str, ArrayLike] | None = None,
        group: ArrayLike | None = None,
        run: ArrayLike | None = None,
        seed: ArrayLike | None = None,
        step: ArrayLike | None = None,
        pool: ArrayLike | None = None,
        target: str | None = None,
        units: Mapping[str, str] | None = None,
        name: str = "runs",
        **inputs: ArrayLike | Sequence[ArrayLike],
    ):
        """Make a table from arrays of equal length, one value per row.

        **Arguments:**

        - `loss`: What was measured; any finite number (an error rate, say), named by `target`. Of several targets, the
            values of each by its name, as `{"loss_a": ..., "loss_b": ...}`, NaN where one was not measured.
        - `se`: Standard error of each measurement, in the unit of the target, above 0; of several targets by name.
        - `group`: The study a run belongs to (family, task).
        - `run`: The run a row is a checkpoint of; `seed`, `step`, `pool`: its seed, step and data pool.
        - `target`: Name of what was measured, "loss" unless given.
        - `units`: Unit of each input and of the target, by name; N, D, C, U and n have their usual ones.
        - `name`: What to call the table in messages and results.
        - `inputs`: Every other keyword is an input: `N` in parameters, `D` in tokens, `C` in FLOP, `U` in unique
            tokens, `n` in samples seen. An array for each row is a series, as `lr=[[1e-3, 9e-4], [1e-3]]`. The
            law says which numbers an input may be.

        **Raises:** `InputError` where lengths differ, a value is text, missing or infinite, or there is no row.
        """
        check_type("target", target, (str, type(None)), "a name")
        check_type("units", units, (Mapping, type(None)), "units by name, as {'N': 'parameters'}")
        losses = loss if isinstance(loss, Mapping) else {target or "loss": loss}
        sizes = {str(k): len(one_column(str(k), v)) for k, v in losses.items()}
        first, size = next(iter(sizes.items()), ("loss", 0))
        if size == 0:
            raise InputError(repr(name), Phrase(f"holds no row: {first!r} is empty"), "one row at least")
        if twice := set(losses) & set(inputs):
            given = Phrase("is given both as the target and as an input")
            raise InputError(repr(min(twice)), given, remedy="rename one with `target`")
        rows = np.arange(1, size + 1)
        labels = {"group": group, "run": run, "seed": seed, "step": step, "pool": pool}
        series = {k: column for k, v in inputs.items() if (column := series_column(v)) is not None}
        numbers = {k: _input(k, v, rows) for k, v in inputs.items() if k not in series}
        fields: dict[str, Any] = {
            "target": np.ones(size),
            "target_name": target or "loss",
            "inputs": numbers,
            "series": {k: check_series(k, _sized(k, v, rows), rows) for k, v in series.items()},
            "units": {k: u for k, u in UNITS.items() if k in numbers} | dict(units or {}),
            "labels": {k: label(k, _column(k, v, rows), rows) for k, v in labels.items() if v is not None},
            "rows": rows,
            "name": name,
            "target_header": target or "loss",
        }
        if isinstance(loss, Mapping):
            fields = of_targets(self.from_fields(**fields), loss, {} if se is None else se, target)._fields()
        else:
            fields["target"] = _numbers(fields["target_name"], loss, rows, sizes=False)
            fields["se"] = None if se is None else _numbers("se", se, rows, sizes=False)
        self._fill({**fields, "notes": (*fields.get("notes", ()), *unlabelled(self.from_fields(**fields)))})

    def __len__(self) -> int:
        return len(self.target)

    def __repr__(self) -> str:
        shown = {**self.inputs, self.target_name: self.target}
        width = max(len(k) for k in shown)
        lines = [f"Runs {self.name!r}: {len(self)} {'row' if len(self) == 1 else 'rows'}"]
        for k, v in shown.items():
            there = v[~np.isnan(v)]
            span = f"{there.min():.4g} … {there.max():.4g}" if there.size else "no value"
            lines.append(f"  {k:<{width}}  {span}  {self.units.get(k, '')}".rstrip() + _gaps(v))
        for k, v in self.series.items():
            sizes = [len(one) for one in v if one is not None]
            lines.append(f"  {k}: series of {min(sizes)} to {max(sizes)} numbers" + _gaps(v))
        for k, v in self.labels.items():
            lines.append(f"  {k}: {len(set(v[~empty_cells(v)].tolist()))} different" + _gaps(v))
        if self.excluded:
            lines.append(f"  {self.excluded} rows excluded by where")
        if self.dropped:
            first = self.dropped[0]
            lines.append(f"  {len(self.dropped)} rows dropped, the first: row {first.row}, {first.reason}")
        return "\n".join(lines + [f"  note: {n}" for n in self.notes])

    @property
    def fingerprint(self) -> str:
        """The sha256 (hex) of the numbers and labels a fit can use, with their names and their order."""
        digest = hashlib.sha256()
        used = {"target": self.target, **{f"input {k}": v for k, v in sorted(self.inputs.items())}}
        if self.se is not None:
            used["se"] = self.se
        for k, v in used.items():
            digest.update(f"{k}\0{len(v)}\0".encode() + np.ascontiguousarray(v, dtype="<f8").tobytes())
        for k, v in sorted(self.series.items()):
            for one in v:
                digest.update(f"series {k}\0{-1 if one is None else len(one)}\0".encode())
                digest.update(b"" if one is None else np.ascontiguousarray(one, dtype="<f8").tobytes())
        for k, v in sorted(self.labels.items()):
            update(digest, k, v)
        return digest.hexdigest()

    def where(self, expr: str) -> "Runs":
        """Keep the rows for which a condition holds; the others are counted in `excluded`.

        **Arguments:**

        - `expr`: A condition over the names of this table and the headers of its source, such as
            `"loss < 3.44 and N >= 1B"`: comparisons (`1e9 < N <= 7B` too), `+ - * /`, `and`, `or`, `not`, parentheses,
            `family in ["a", "b"]`, `x is not null`; text in quotes, any header in backticks: `` `Model Size` ``.
            `row` is the row of the source, from 1 on, unless a column has that name.
            A comparison with an empty cell does not hold, nor does its negation.

        **Returns:** a new table.

        **Raises:** `InputError` where the condition cannot be read, names no column, or keeps no row.
        """
        condition = Condition(expr, {"row": self.rows, **names_of(self)}, len(self), headers_of(self))
        holds = condition.told.holds
        if not holds.any():
            raise condition.nothing_kept(self.name)
        return self.take(holds).with_fields(excluded=self.excluded + int((~holds).sum()))

    def take(self, which: ArrayLike) -> "Runs":
        """Keep rows by a mask of booleans or by position; positions may repeat.

        **Returns:** a new table, with `dropped` and `excluded` as they were.

        **Raises:** `InputError` where the mask has another length, a position is outside, or no row is left.
        """
        index = np.asarray(which)
        if index.dtype == bool:
            if index.shape != (len(self),):
                raise InputError(
                    "The mask", Phrase(f"has shape {index.shape}"), f"one value for each of {len(self)} rows"
                )
            index = np.flatnonzero(index)
        if index.size == 0:
            raise InputError(repr(self.name), Phrase(f"has no row left of {len(self)}, as nothing was taken"))
        if index.ndim != 1 or index.dtype.kind not in "iu" or index.min() < -len(self) or index.max() >= len(self):
            raise InputError("which", index, f"positions as whole numbers in one dimension, from 0 to {len(self) - 1}")
        return self.with_fields(
            target=self.target[index],
            inputs={k: v[index] for k, v in self.inputs.items()},
            series={k: v[index] for k, v in self.series.items()},
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
        if name in (*self.inputs, *self.series, *self.labels, self.target_name, "se"):
            there = Phrase(f"is already there in {self.name!r}, and not as a further column")
            raise InputError(repr(name), there, remedy="choose another name")
        return self.with_fields(columns={**self.columns, name: values})

    def renamed(self, name: str) -> "Runs":
        """The same table under another name, for messages and results."""
        return self.with_fields(name=name)

    def narrowed(self, names: Sequence[str]) -> "Runs":
        """The same table without the columns of their source, but for these."""
        return self.with_fields(columns={k: v for k, v in self.columns.items() if k in names})

    def split(self, by: str | tuple[str, ...]) -> list[tuple[Any, "Runs"]]:
        """Split into one table for each value of a label, an input or any column of the source.

        **Arguments:**

        - `by`: A name, or a tuple of names; then each key is a tuple.

        **Returns:** pairs of key and table, in order of first appearance. Each table keeps the whole one's
        `dropped` and `excluded`.

        **Raises:** `InputError` where a name is not there (the nearest is named) or is empty for a row.
        """
        keys, code = self.codes(by)
        parts = []
        for i, key in enumerate(keys):
            part = self.take(code == i)
            parts.append((key, part.renamed(f"{self.name}[{key}]")))
        return parts

    def clusters(self, by: str | tuple[str, ...] | None = "auto") -> Int[np.ndarray, " run"]:
        """Number the clusters of rows that are not independent of each other, for a bootstrap.

        Checkpoints and targets of one run are a cluster. Where no `run` says which rows those are, but a `seed` or a
        `step` is there, rows count as checkpoints of one run where they agree in `group`, `pool`, `seed` and every
        input that stays as it is during a run: all but D, C, n, epochs and other counts that grow (`x` too, unless its
        header is one of the usual names of N or U). So rows that differ in D alone are one cluster even if each was a
        run of its own, which makes intervals wider rather than too narrow: say `by=None` then.

        Of rows with a series, as a schedule of learning rates up to each, those are one training whose series goes on
        from that of another, as far as the same labels and inputs do not differ. A start that several schedules share
        goes with the nearest row that goes on from it, and two schedules of which neither goes on from the other are
        never one. Rows of equal series are one training only where a step, or a seed and what grows, differs.

        Runs that differ in their seed only are apart: each is a draw of its own, unless seeds were shared on purpose
        (the same pools and initial weights under every mixture), which no table can show: say `by="seed"` then.

        **Arguments:**

        - `by`: A name or a tuple of names; equal values are one cluster, and a row without a label is one by itself.
            `None`: each row for itself. `"auto"`: `run` if there is one; else, with a `seed`, a `step` or a series, the
            runs as above; else each row of the source for itself.

        **Returns:** whole numbers from 0, in order of first appearance.

        **Raises:** `InputError` where a name is not there, or is no label and is empty for a row.
        """
        return clusters_of(self, by)

    def complete(self, names: Sequence[str]) -> "Runs":
        """Keep the rows that have a value of each of these inputs; the others are added to `dropped`, with the reason.

        **Arguments:**

        - `names`: The inputs, series and labels that a law needs. One of N, D and C that is derived is there where both
            of the others are; a name that the table does not have at all is left to `select` to refuse.

        **Returns:** a new table, or this very one where nothing is missing.

        **Raises:** `InputError` where no row is left.
        """
        return completed(self, names)

    def select(
        self, names: Sequence[str], *, sizes: bool = False
    ) -> tuple[dict[str, Float[np.ndarray, " run"]], tuple[str, ...]]:
        """Give the named inputs as float64, one of N, D and C from the other two by C = 6 N D where it is missing.

        **Arguments:**

        - `names`: Names of inputs; a column of the source under its own name will do.
        - `sizes`: Whether they must be above 0.

        **Returns:** the arrays by name, and a note in words for each one that was derived.

        **Raises:** `InputError` naming the nearest column where an input is neither there nor derived, and the row
        where it has no value.
        """
        return selected(self, names, sizes)

    def input(self, name: str) -> Float[np.ndarray, " run"] | None:
        """The numbers of an input or of a column of the source, NaN where one is missing; `None` where there is none.

        **Raises:** `InputError` for a cell that is no number.
        """
        return input_of(self, name)

    def check(self, name: str, good: Bool[np.ndarray, " run"], expected: str = "") -> None:
        """Refuse the first row for which an input is not what a law, or another user of the table, can take.

        **Arguments:**

        - `name`: Of the input, a series or a column.
        - `good`: For each row, whether it can be taken.
        - `expected`: What was expected, as "a fraction from 0 to 1"; of a value that is missing unless given.

        **Raises:** `InputError` naming the column, its row and its value.
        """
        if good.all():
            return
        place = int(np.argmin(good))
        known = {**names_of(self), **self.series}
        value = known[name].tolist()[place] if name in known else Phrase("cannot be used")
        if isinstance(value, np.ndarray):
            value = Phrase(f"is a series of {len(value)} numbers")
        elif value is None or value != value:
            value, expected = Phrase("is missing (empty or NaN)"), expected or "a value in every row"
        remedy = "correct it, or leave the row out with `where`"
        raise InputError(f"{self.headers.get(name, name)!r} in {self.place(place)}", value, expected, remedy)

    def place(self, row: int) -> str:
        """The row of the source that a row was read from, in words; in its own table where tables were joined.

        **Arguments:**

        - `row`: Its position in this table, from 0.
        """
        number = int(self.rows[row])
        name, before = next(((n, b) for n, b in reversed(self.tables) if b < number), (self.name, 0))
        target = f" ({self.labels['target'][row]})" if "target" in self.labels else ""
        return f"row {number - before} of {name!r}{target}"

    def codes(self, by: str | tuple[str, ...]) -> tuple[list[Any], Int[np.ndarray, " run"]]:
        """The values of a label, an input or a column, or of a tuple of names, and the place of each row's among them.

        **Returns:** the values (tuples for a tuple of names) in order of first appearance, and whole numbers from 0.

        **Raises:** `InputError` where a name is not there (the nearest is named) or is empty for a row.
        """
        columns = self.named(by)
        if not columns:
            raise InputError("by", by, "a name, or a tuple of names")
        for name, column in columns.items():
            self.check(name, ~empty_cells(column))
        code = numbered(list(columns.values()), len(self))
        first = np.unique(code, return_index=True)[1]
        keys = list(zip(*(column[first].tolist() for column in columns.values())))
        return [key[0] for key in keys] if isinstance(by, str) else keys, code

    def named(self, by: str | tuple[str, ...], argument: str = "by") -> dict[str, np.ndarray]:
        """The columns of a name, or of a tuple of names, which an argument of a verb gives."""
        names = names_of(self)
        if not isinstance(by, str | tuple | list):
            raise InputError(argument, by, "a name, or a tuple of names")
        wanted = (by,) if isinstance(by, str) else tuple(by)
        check_names(argument, wanted, names, what="columns")
        return {name: names[name] for name in wanted}


def _numbers(name: str, given: Any, rows: np.ndarray, *, sizes: bool = True) -> Float[np.ndarray, " run"]:
    return check_numbers(name, _column(name, given, rows), rows, positive=name == "se", sizes=sizes)


def _input(name: str, given: Any, rows: np.ndarray) -> Float[np.ndarray, " run"]:
    column = _column(name, given, rows)
    if name not in UNITS and all(isinstance(cell, str) and parse_number(cell) is None for cell in column):
        remedy = "give a label as `group`, or read the table with `read_runs`, which keeps columns of text"
        raise InputError(repr(name), Phrase("is a column of text"), "an input, which is a number", remedy)
    return check_numbers(name, column, rows)


def _column(name: str, given: Any, rows: np.ndarray) -> np.ndarray:
    return _sized(name, one_column(name, given), rows)


def _sized(name: str, column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    if len(column) != len(rows):
        has = Phrase(f"has {len(column)} values and the target has {len(rows)}")
        raise InputError(repr(name), has, remedy="give one for each row")
    return column


def _gaps(column: np.ndarray) -> str:
    empty = int(empty_cells(column).sum())
    return f", {empty} empty" if empty else ""
