"""What checks look at: a table, and what was made of it so far."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import CheckWarning, Finding
from ..data import Runs, names_of
from ..laws import AbstractLaw, input_kinds
from ..results import Ensemble, Estimate, Fit, summary

MOST_ROWS = 12
"""Rows that a condition names, at most."""


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """Runs, and as far as they are there a law, a fit of it, draws about that and where it will be used.

    **Arguments:**

    - `runs`: The table; of a fit the runs that it used.
    - `law`: The law, fitted or to be fitted.
    - `fit`, `draws`: What was made of them.
    - `at`: Inputs at which the law will be asked.
    - `deep`: Whether checks may fit again.
    """

    runs: Runs
    law: AbstractLaw | None = None
    fit: Fit[Any] | None = None
    draws: Ensemble[Any] | None = None
    at: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    deep: bool = False

    @functools.cached_property
    def code(self) -> Int[np.ndarray, " run"]:
        """The training that each row is of."""
        return self.runs.clusters()

    @functools.cached_property
    def claimed(self) -> Bool[np.ndarray, " run"]:
        """The rows of which a check has said what they are: later ones need not wonder at them."""
        return np.zeros(len(self.runs), bool)

    @functools.cached_property
    def columns(self) -> Mapping[str, np.ndarray]:
        """Every column of the table, by name."""
        return names_of(self.runs)

    @functools.cached_property
    def sizes(self) -> Mapping[str, Float[np.ndarray, " run"]]:
        """The sizes that the law takes; without a law N, D or n, and else whatever the table has above 0."""
        if self.fit is not None:
            kinds = input_kinds(self.fit.law)
            inputs = self.fit.problem.inputs
            found = {n: np.asarray(inputs[n]) for n, kind in kinds.items() if kind.logarithm}
        elif self.law is not None:
            kinds = input_kinds(self.law)
            found = {n: c for n, kind in kinds.items() if kind.logarithm and (c := self.number(n)) is not None}
        else:
            usual = {n: c for n in ("N", "D", "n") if (c := self.number(n)) is not None}
            found = usual or {n: c for n, c in self.runs.inputs.items() if "[" not in n}
        return {n: c for n, c in found.items() if c.ndim == 1 and np.all(c > 0.0)}

    def doubts(self, check: str) -> Iterator[Finding]:
        """What the law itself finds doubtful in its runs, and `fit` warns of, under a check."""
        if self.fit is not None:
            for said, category in self.fit.problem.doubts():
                if issubclass(category, CheckWarning) and category.check == check:
                    yield Finding(check, "warning", said)

    def number(self, name: str) -> Float[np.ndarray, " run"] | None:
        """A column of numbers, none missing; `None` where there is none."""
        column = self.columns.get(name)
        if column is None or np.asarray(column).dtype.kind not in "fiu" or np.ndim(column) != 1:
            return None
        column = np.asarray(column, float)
        return column if np.isfinite(column).all() else None

    def texts(self, words: str) -> dict[str, np.ndarray]:
        """Columns whose names have one of some words, as text."""
        wanted = set(words.split())
        return {
            name: np.array(["" if cell is None else str(cell) for cell in column.tolist()])
            for name, column in self.columns.items()
            if np.ndim(column) == 1 and wanted & set(parted(name))
        }

    def rows(self, which: Any) -> tuple[int, ...]:
        """The rows of the source at a mask of those of the table."""
        return tuple(sorted({int(row) for row in self.runs.rows[np.flatnonzero(which)]}))


def told(result: Fit[Any] | Ensemble[Any], level: float = 0.95) -> dict[str, Estimate]:
    """The numbers of a single fit, or of draws about one, with their intervals."""
    return cast(dict[str, Estimate], summary(result, level))


def scatter_about(fit: Fit[Any]) -> float:
    """How far runs lie from the law, in what the fit sees, whatever a few of them do."""
    z = np.asarray(fit.residuals)
    # Residuals of few runs are smaller than the scatter, by what the law took up.
    taken = np.sqrt(len(z) / max(len(z) - len(fit.free), 1))
    return float(taken * 1.4826 * np.median(np.abs(z - np.median(z))))


def claimed(case: Case, found: Iterator[tuple[Bool[np.ndarray, " run"], Finding]]) -> Iterator[Finding]:
    """Findings of which later checks know the rows."""
    for which, one in found:
        case.claimed[which] = True
        yield one


def fitted_values(fit: Fit[Any]) -> Float[np.ndarray, " run"]:
    """What the law says of its own runs."""
    y, z = np.asarray(fit.problem.runs.target), np.asarray(fit.residuals)
    return y * np.exp(-z) if fit.noise.log else y - z


def lossy(case: Case) -> bool:
    """Whether the target is a loss, by its name."""
    words = {"loss", "nll", "ce", "xent", "entropy"}
    return bool(words & set(parted(case.runs.target_header))) or case.runs.target_name == "loss"


def parted(name: str) -> list[str]:
    """The words of a header, in small letters."""
    import re

    return [word for word in re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()) if word]


def rows_out(rows: tuple[int, ...]) -> str:
    """The option that leaves rows out, where they are few."""
    how = f", as by --where 'row not in [{', '.join(map(str, rows))}]'" if len(rows) <= MOST_ROWS else ""
    return f"leave {'it' if len(rows) == 1 else 'them'} out{how}"


def listed_rows(rows: tuple[int, ...], most: int = 6) -> str:
    """Rows in words, a few by number."""
    some = ", ".join(map(str, rows[:most]))
    return f"row{'' if len(rows) == 1 else 's'} {some}{', …' if len(rows) > most else ''}"
