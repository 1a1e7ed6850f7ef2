"""Some fits of a cell, done as one batch: in go numbers of fits, out comes a table, a row a fit."""

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._core import RESULTS, CheckWarning, Finding, InputError, LeftOutWarning, NotConverged
from ..data import Runs
from ..estimate import fit
from ..laws import AbstractLaw, gathered
from ..results import Fit
from ..solve import driver
from ._config import Config, Verb
from ._grid import OWN, Cell, number_of
from ._verbs import columns_of

FIT = "fit of the sweep"
"""Column that tells the fits of a batch apart."""


class Done(NamedTuple):
    """A chunk that was done.

    **Arguments:**

    - `rows`: The table, a data frame of polars.
    - `said`: What was warned of, each once: findings of checks, and other sentences.
    """

    rows: Any
    said: tuple[Finding | str, ...]


class _Part(NamedTuple):
    """One fit: its place in the cell, its group and seed, its number, and the rows that it takes and leaves out."""

    place: int
    study: int
    seed: int
    number: int
    kept: np.ndarray
    left: np.ndarray


class Laid(NamedTuple):
    """Fits that are ready to be done.

    **Arguments:**

    - `parts`: Which rows each takes.
    - `runs`: All of these as one table; `None` where there are none.
    - `empty`: Fits that a split leaves no runs, or leaves none out for, with the reason.
    """

    parts: list[_Part]
    runs: Runs | None
    empty: list[tuple[_Part, str]]


def laid(cell: Cell, config: Config, first: int, count: int) -> Laid:
    """Lay out some fits of a cell; a thread may do it while others are fitted.

    **Arguments:**

    - `cell`, `config`: The cell and its sweep.
    - `first`, `count`: Which of its fits.
    """
    parts, empty = [], []
    for part, clusters in _parts(cell, config, first, count):
        # Of few clusters a split may keep none, or leave none out where it means to.
        if not part.kept.size or (not part.left.size and cell.split.kind not in ("all", "resample")):
            why = f"{_called(cell, part)!r} has {clusters} clusters, too few for {cell.split.name}."
            empty.append((part, f"{why} Use another split, or say with cluster what belongs together."))
        else:
            parts.append(part)
    return Laid(parts, _runs(cell, parts) if parts else None, empty)


def done(cell: Cell, config: Config, ready: Laid) -> Done:
    """Do some fits of a cell.

    A fit that is refused has a row that says why, and holds up no other.

    **Raises:** whatever a law's formula does: then no fit of it can be made.
    """
    import polars as pl  # not before there is a table: it changes the environment

    # A chunk has the same digits whichever others this process did before it.
    with driver(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", LeftOutWarning)  # whose rows say so
        found, refused = ([], []) if ready.runs is None else _kindly(cell, config, ready.parts, ready.runs)
    refused = [*ready.empty, *refused]
    named = {str(part.number): part for part in ready.parts}
    said = {str(one): one for warning in caught for one in [_said(warning.message, cell, named)]}
    rows = [_rows(cell, some, columns) for some, columns in found]
    if refused:
        rows.append(_refusals(cell, [part for part, _ in refused], [why for _, why in refused]))
    table = pl.concat(rows, how="diagonal") if len(rows) > 1 else rows[0]
    if len(rows) > 1:
        order = [part.place for some, _ in found for part in some] + [part.place for part, _ in refused]
        table = table[np.argsort(order)]
    return Done(table, tuple(said.values()))


def _parts(cell: Cell, config: Config, first: int, count: int) -> Iterator[tuple[_Part, int]]:
    """Rows that each fit takes, drawn by its name, whatever chunk it is in; and the number of clusters of its group."""
    seeds, order, studies = cell.seeds, cell.order, cell.table.studies
    column = cell.split.column
    sizes = cell.table.runs.select((column,))[0][column] if column else None
    held, clusters = -1, 0
    rows, cluster = np.zeros(0, int), np.zeros(0, int)
    for place in range(first, first + count):
        study, seed = int(order[place // len(seeds)]), seeds[place % len(seeds)]
        if study != held:
            rows, held = studies.rows(study), study
            cluster = np.unique(cell.table.cluster[rows], return_inverse=True)[1]
            clusters = int(cluster.max()) + 1
        rng = np.random.default_rng([config.seed, 0x5EED, number_of(cell.drawn_by(study, seed))])
        chosen = cell.split.chosen(rows, cluster, None if sizes is None else sizes[rows], rng)
        yield _Part(place, study, seed, number_of(cell.name(study, seed)), *chosen), clusters


_Found = list[tuple[list[_Part], dict[str, Any]]]
_Refused = list[tuple[_Part, str]]


def _kindly(cell: Cell, config: Config, parts: list[_Part], runs: Runs) -> tuple[_Found, _Refused]:
    """Batches that went through, and fits that were refused: one bad group holds up no other."""
    refused: _Refused = []
    for _ in range(8):  # fits that are refused one after the other, before the batch is halved
        try:
            columns, left_out = _batch(cell, config, parts, runs)
            numbers = {str(part.number): part for part in parts}
            worse = [part for part in parts if part.number in left_out]
            refused += [(part, _plainly(left_out[part.number], cell, numbers)) for part in worse]
            return [([part for part in parts if part.number not in left_out], columns)], refused
        except (InputError, NotConverged) as error:
            if error.__cause__ is not None:
                raise  # from the formula of the law: no fault of the runs, and mended before it is tried again
            numbers = {str(part.number): part for part in parts}
            bad = parts[0] if len(parts) == 1 else _named(str(error), numbers)
            if bad is None:
                break
            refused.append((bad, _plainly(str(error), cell, numbers)))
        parts = [part for part in parts if part is not bad]
        if not parts:
            return [], refused
        runs = _runs(cell, parts)
    # Halves, as the message does not say which it is, or too many are bad.
    found: _Found = []
    for half in (parts[: len(parts) // 2], parts[len(parts) // 2 :]):
        if half:
            more, worse = _kindly(cell, config, half, _runs(cell, half))
            found += more
            refused += worse
    return found, refused


def _named(message: str, parts: Mapping[str, _Part]) -> _Part | None:
    """The fit that a message names by its number."""
    return next((parts[found] for found in re.findall(r"\[(\d+)\]", message) if found in parts), None)


def _plainly(message: str, cell: Cell, parts: Mapping[str, _Part]) -> str:
    """The message with names of groups in the place of numbers of fits."""

    def group(found: re.Match[str]) -> str:
        part = parts.get(found[1])
        return found[0] if part is None else _called(cell, part).removeprefix(cell.table.runs.name)

    return re.sub(r"\[(\d+)\]", group, message)


def _said(warning: Warning | str, cell: Cell, parts: Mapping[str, _Part]) -> Finding | str:
    """What was warned of, with names of groups in the place of numbers of fits."""
    found = warning.finding if isinstance(warning, CheckWarning) else None
    if found is None:
        return _plainly(str(warning), cell, parts)
    says, remedy = (_plainly(words, cell, parts) for words in (found.says, found.remedy))
    return found._replace(says=says, remedy=remedy, numbers=dict(found.numbers))  # which goes to other processes


def _called(cell: Cell, part: _Part) -> str:
    """Name of the runs of a group in messages."""
    group = cell.group(part.study)
    return f"{cell.table.runs.name}[{group}]" if group else cell.table.runs.name


def _batch(cell: Cell, config: Config, parts: list[_Part], runs: Runs) -> tuple[dict[str, Any], dict[Any, str]]:
    """The columns of one batch, and fits that were left out of it, by number, with the reason."""
    fits = _fitted(cell, config, runs)
    left_out = dict(fits.problem.left_out)
    parts = [part for part in parts if part.number not in left_out]
    if fits.keys != tuple(part.number for part in parts):
        raise RuntimeError("The fits of a chunk are not those that were laid out: two of them have one number.")
    good = np.atleast_1d(fits.converged)
    codes = np.atleast_1d(fits.result)
    messages = np.array([RESULTS(int(code)).message for code in np.unique(codes)], object)
    found = {
        "objective": fits.objective,
        "converged": good,
        "message": messages[np.unique(codes, return_inverse=True)[1]],
        "scale": fits.scale,
        "left_out_error": _error(fits, cell, parts),
    }
    if cell.verb.drawn is None or good.all():
        return found | columns_of(fits, cell.verb, config), left_out
    # Draws are of fits that are optima: what the others have is what they have without.
    alone = columns_of(fits, Verb(verb="fit"), config)
    if not good.any():
        return found | alone, left_out
    some = [part for part, fine in zip(parts, good, strict=True) if fine]
    drawn = columns_of(_fitted(cell, config, _runs(cell, some)), cell.verb, config)
    return found | alone | {name: _spread_out(column, good) for name, column in drawn.items()}, left_out


def _fitted(cell: Cell, config: Config, runs: Runs) -> Fit[Any]:
    return fit(
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


def _spread_out(column: Any, good: np.ndarray) -> Any:
    """A column of some of the fits as one of all: nothing for the others."""
    if isinstance(column, list):
        rest = iter(column)
        return [next(rest) if fine else np.zeros(0) for fine in good]
    whole = np.zeros(len(good), column.dtype) if column.dtype.kind == "i" else np.full(len(good), np.nan)
    whole[good] = column
    return whole


def _runs(cell: Cell, parts: list[_Part]) -> Runs:
    """The runs of a batch of fits, one after the other, with a column that tells them apart."""
    counts = [len(part.kept) for part in parts]
    column = np.repeat(np.array([part.number for part in parts]), counts)
    runs = cell.table.runs.take(np.concatenate([part.kept for part in parts]))
    return runs.with_column(FIT, column)


def _error(fits: Fit[Any], cell: Cell, parts: list[_Part]) -> np.ndarray:
    """Root mean square error of each fit on the runs that it left out, on the noise's scale; NaN without any."""
    # Padded to a multiple of 16, so that similar numbers share one compilation.
    widest = 16 * -(-max(len(part.left) for part in parts) // 16)
    if not widest:
        return np.full(len(parts), np.nan)
    place = np.zeros((len(parts), widest), int)
    there = np.zeros((len(parts), widest), bool)
    for row, part in enumerate(parts):
        place[row, : len(part.left)], there[row, : len(part.left)] = part.left, True
    points = jax.tree.map(lambda column: column[place], dict(cell.table.inputs))
    law = fits.law.sized_for(gathered(fits.law, jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), points)))
    with jax.enable_x64(True):
        value = np.asarray(_values(law, jax.tree.map(jnp.asarray, points)))
    target = cell.table.runs.target[place]
    with np.errstate(invalid="ignore", divide="ignore"):
        missed = np.log(target / value) if cell.noise.log else target - value
        square = np.where(there, missed**2, 0.0).sum(axis=1) / there.sum(axis=1)
    return np.where(np.atleast_1d(fits.converged), np.sqrt(square), np.nan)


@eqx.filter_jit
def _values(law: AbstractLaw, points: dict[str, Any]) -> Any:
    def of_one(law: AbstractLaw, mine: dict[str, Any]) -> Any:
        return jax.vmap(lambda at: law(**gathered(law, at)))(mine)

    return eqx.filter_vmap(of_one)(law, points)


def _rows(cell: Cell, parts: list[_Part], columns: dict[str, Any]) -> Any:
    """The table of a batch."""
    import polars as pl

    made = _heads(cell, parts) | columns
    order = [*OWN, *(name for name in columns if name not in OWN)]
    return pl.DataFrame({name: _series(name, made[name]) for name in order})


def _series(name: str, column: Any) -> Any:
    import polars as pl

    if isinstance(column, list):
        return pl.Series(name, [pl.Series(draws, nan_to_null=True, dtype=pl.Float64) for draws in column])
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
