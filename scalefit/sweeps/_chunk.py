"""Some fits of a cell, done as one batch: in go numbers of fits, out comes a table, a row a fit."""

import functools
import re
import warnings
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._core import RESULTS, InputError, NotConverged
from ..data import Runs
from ..estimate import fit, inputs_for
from ..laws import AbstractLaw, gathered
from ..results import Fit
from ._config import Config
from ._grid import Cell, number_of
from ._verbs import columns_of

FIT = "fit of the sweep"
"""What the column is called that tells the fits of a batch apart."""
PATIENCE = 8
"""Fits that are refused one after the other before each is asked by itself."""
OWN = ("source", "group", "law", "noise", "split", "seed", "verb", "runs", "left_out", "objective", "converged",
       "message", "scale", "left_out_error")  # fmt: skip
"""Columns of every table, in order; parameters follow."""


class Done(NamedTuple):
    """A chunk that was done.

    **Arguments:**

    - `rows`: The table, a data frame of polars.
    - `refused`: Fits that could not be made, whose rows say why.
    - `said`: What was warned of, each sentence once.
    """

    rows: Any
    refused: int
    said: tuple[str, ...]


class _Part(NamedTuple):
    """Of one fit: its group and seed, its number, and the rows that it takes and leaves out."""

    study: int
    seed: int
    number: int
    kept: np.ndarray
    left: np.ndarray


class Laid(NamedTuple):
    """Fits that are ready to be done: which rows each takes, and all of these in one table."""

    parts: list[_Part]
    runs: Runs


def laid(cell: Cell, config: Config, first: int, count: int) -> Laid:
    """Lay out some fits of a cell; a thread may do it while others are fitted."""
    parts = _parts(cell, config, first, count)
    return Laid(parts, _runs(cell, parts))


def done(cell: Cell, config: Config, ready: Laid) -> Done:
    """Do some fits of a cell.

    A fit that is refused has a row that says why, and holds up no other.

    **Raises:** whatever a law's formula does: then no fit of it can be made.
    """
    import polars as pl  # not before there is a table: it changes the environment

    parts = ready.parts
    said: dict[str, None] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        found, refused = _kindly(cell, config, ready)
    for warning in caught:
        said[str(warning.message)] = None
    rows = [_rows(cell, some, columns) for some, columns in found]
    if refused:
        rows.append(_refusals(cell, [part for part, _ in refused], [why for _, why in refused]))
    table = pl.concat(rows, how="diagonal") if len(rows) > 1 else rows[0]
    if len(rows) > 1:
        place = {part.number: k for k, part in enumerate(parts)}
        order = [place[part.number] for some, _ in found for part in some] + [place[p.number] for p, _ in refused]
        table = table[np.argsort(order)]
    return Done(table, len(refused), tuple(said))


def _parts(cell: Cell, config: Config, first: int, count: int) -> list[_Part]:
    """Which rows each fit takes: drawn by its name, whatever chunk it is in."""
    seeds, order, studies = cell.seeds, cell.order, cell.table.studies
    made: list[_Part] = []
    held = -1
    rows, cluster = np.zeros(0, int), np.zeros(0, int)
    for place in range(first, first + count):
        study, seed = int(order[place // len(seeds)]), seeds[place % len(seeds)]
        if study != held:
            rows, held = studies.rows(study), study
            cluster = np.unique(cell.table.cluster[rows], return_inverse=True)[1]
        number = number_of(cell.name(study, seed))
        rng = np.random.default_rng([config.seed, 0x5EED, number_of(cell.drawn_by(study, seed))])
        made.append(_Part(study, seed, number, *cell.split.chosen(cell.table.runs, rows, cluster, rng)))
    return made


def _kindly(
    cell: Cell, config: Config, ready: Laid
) -> tuple[list[tuple[list[_Part], dict[str, Any]]], list[tuple[_Part, str]]]:
    """Batches that went through, and fits that were refused: one bad group holds up no other."""
    refused: list[tuple[_Part, str]] = []
    why = ""
    left = ready.parts
    for _ in range(PATIENCE):
        if not left:
            return [], refused
        try:
            runs = ready.runs if left is ready.parts else _runs(cell, left)
            return [(left, _batch(cell, config, left, runs))], refused
        except (InputError, NotConverged) as error:
            if error.__cause__ is not None:
                raise  # from the formula of the law: no fault of the runs, and mended before it is tried again
            why, bad = str(error), _named(str(error), left)
            if bad is None or len(left) == 1:
                break
            refused.append((left[bad], _plainly(str(error), cell, left[bad])))
            left = left[:bad] + left[bad + 1 :]
    # Halves, as the message does not say which it is, or too many are bad.
    if len(left) == 1:
        return [], [*refused, (left[0], _plainly(why, cell, left[0]))]
    found: list[tuple[list[_Part], dict[str, Any]]] = []
    for half in (left[: len(left) // 2], left[len(left) // 2 :]):
        more, worse = _kindly(cell, config, Laid(half, _runs(cell, half)))
        found += more
        refused += worse
    return found, refused


def _named(message: str, parts: list[_Part]) -> int | None:
    """The fit that a message names by its number."""
    numbers = {str(part.number): k for k, part in enumerate(parts)}
    return next((numbers[found] for found in re.findall(r"\[(\d+)\]", message) if found in numbers), None)


def _plainly(message: str, cell: Cell, part: _Part) -> str:
    """The message with the group's name in the place of the fit's number."""
    group = cell.group(part.study)
    return message.replace(f"[{part.number}]", f"[{group}]" if group else "")


def _batch(cell: Cell, config: Config, parts: list[_Part], runs: Runs) -> dict[str, Any]:
    """The columns of one batch."""
    fits = fit(
        cell.law,
        runs,
        noise=cell.noise,
        fixed=cell.fixed,
        by=FIT,
        num_starts=config.starts,
        seed=config.seed,
        max_steps=config.max_steps,
        precision=config.precision,
        throw=False,
    )
    codes = np.atleast_1d(fits.result)
    messages = np.array([RESULTS(int(code)).message for code in np.unique(codes)], object)
    return {
        "objective": fits.objective,
        "converged": np.atleast_1d(fits.converged),
        "message": messages[np.unique(codes, return_inverse=True)[1]],
        "scale": fits.scale,
        "left_out_error": _error(fits, cell, parts),
    } | columns_of(fits, runs, cell.verb, config)


def _runs(cell: Cell, parts: list[_Part]) -> Runs:
    """The runs of a batch of fits, one after the other, with a column that tells them apart."""
    counts = [len(part.kept) for part in parts]
    column = np.repeat(np.array([part.number for part in parts]), counts)
    runs = cell.table.runs.take(np.concatenate([part.kept for part in parts]))
    return runs.with_column(FIT, column)


def _error(fits: Fit[Any], cell: Cell, parts: list[_Part]) -> np.ndarray:
    """Root mean square of what each fit misses the runs by that it left out, on the noise's scale; NaN without any."""
    widest = max(len(part.left) for part in parts)
    if not widest:
        return np.full(len(parts), np.nan)
    place = np.zeros((len(parts), widest), int)
    there = np.zeros((len(parts), widest), bool)
    for row, part in enumerate(parts):
        place[row, : len(part.left)], there[row, : len(part.left)] = part.left, True
    runs = cell.table.runs
    points = {name: column[place] for name, column in inputs_for(fits.template, runs)[0].items()}
    law = fits.law.sized_for(gathered(fits.law, {name: a.ravel() for name, a in points.items()}))
    with jax.enable_x64(True):
        value = np.asarray(_values(law, {name: jnp.asarray(a) for name, a in points.items()}))
    target = runs.target[place]
    with np.errstate(invalid="ignore", divide="ignore"):
        missed = np.log(target / value) if cell.noise.log else target - value
        square = np.where(there, missed**2, 0.0).sum(axis=1) / there.sum(axis=1)
    return np.where(np.atleast_1d(fits.converged), np.sqrt(square), np.nan)


@functools.partial(eqx.filter_jit)
def _values(law: AbstractLaw, points: dict[str, Any]) -> Any:
    def of_one(law: AbstractLaw, mine: dict[str, Any]) -> Any:
        return jax.vmap(lambda at: law(**gathered(law, at)))(mine)

    return eqx.filter_vmap(of_one)(law, points)


def _rows(cell: Cell, parts: list[_Part], columns: dict[str, Any]) -> Any:
    """The table of a batch."""
    import polars as pl

    taken = set(OWN) & set(columns) - {"objective", "converged", "message", "scale", "left_out_error"}
    if taken:
        raise InputError(
            f"{cell.law_name} has a parameter {taken.pop()!r}, which is a column of every sweep: rename it."
        )
    made = _heads(cell, parts) | columns
    order = [*OWN, *(name for name in columns if name not in OWN)]
    return pl.DataFrame({name: _series(name, made[name]) for name in order})


def _series(name: str, column: Any) -> Any:
    import polars as pl

    if isinstance(column, list):
        return pl.Series(name, column)
    array = np.asarray(column)
    if array.dtype == object:
        return pl.Series(name, array.tolist(), dtype=pl.String)
    if array.dtype.kind == "f":
        # A number that is not there is null for whoever reads the table.
        return pl.Series(name, array, nan_to_null=True)
    return pl.Series(name, array)


def _heads(cell: Cell, parts: list[_Part]) -> dict[str, Any]:
    def same(text: str) -> np.ndarray:
        return np.full(len(parts), text, object)

    return {
        "source": same(cell.table.name),
        "group": np.array([cell.group(part.study) for part in parts], object),
        "law": same(cell.law_name),
        "noise": same(cell.noise_name),
        "split": same(cell.split.name),
        "seed": np.array([part.seed for part in parts], np.int64),
        "verb": same(cell.verb.called),
        "runs": np.array([len(part.kept) for part in parts], np.int64),
        "left_out": np.array([len(part.left) for part in parts], np.int64),
    }


def _refusals(cell: Cell, parts: list[_Part], why: list[str]) -> Any:
    """Rows of fits that could not be made."""
    nothing = np.full(len(parts), np.nan)
    return _rows(
        cell,
        parts,
        {
            "objective": nothing,
            "converged": np.zeros(len(parts), bool),
            "message": np.array(why, object),
            "scale": nothing,
            "left_out_error": nothing,
        },
    )
