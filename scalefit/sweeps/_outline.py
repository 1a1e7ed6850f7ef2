"""What a sweep will take, said before it starts."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ._chunk import done, laid
from ._config import read_config
from ._grid import Cell, Grid, grid_of

TRIED = 64
"""Fits of each kind that are tried for the time it takes."""
KINDS = 8
"""Kinds that are tried, at the most; the time of others is that of the mean of these."""
COMPILED = 15.0
"""Seconds, about, in which the programs of one kind are compiled."""


class Kind(NamedTuple):
    """Fits that run the same compiled programs: of one law, noise and verb.

    **Arguments:**

    - `law`, `noise`, `verb`: Their names.
    - `fits`, `chunks`: How many.
    - `seconds`: What they take, by a trial; NaN without one.
    """

    law: str
    noise: str
    verb: str
    fits: int
    chunks: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Outline:
    """What a sweep will take.

    **Arguments:**

    - `fits`, `chunks`: How many there are.
    - `bytes`: What the largest chunk holds in memory, roughly, beside the runs.
    - `seconds`: The time on this machine, roughly; NaN without a trial.
    - `kinds`: The same by kind.
    - `notes`: What else to know, in sentences.
    """

    fits: int
    chunks: int
    bytes: int
    seconds: float
    kinds: tuple[Kind, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        lines = [f"Outline of {self.fits} fits in {self.chunks} chunks, {self.bytes / 1e6:.3g} MB the largest"]
        lines += [f"  {k.law}, {k.noise}, {k.verb}: {k.fits} fits, {k.seconds:.3g} s" for k in self.kinds]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def outline(config: str | Path | Mapping[str, Any], *, trial: bool = True) -> Outline:
    """Say how many fits a sweep has, what memory it takes, and, by a trial of a few of each kind, how long.

    **Arguments:**

    - `config`: As `sweep` takes it.
    - `trial`: Whether to try some fits for the time.

    **Raises:** `InputError` as `sweep`.
    """
    grid = grid_of(*read_config(config))
    found: dict[tuple[str, str, str], list[int]] = {}
    for c, cell in enumerate(grid.cells):
        found.setdefault((cell.law_name, cell.noise_name, cell.verb.called), []).append(c)
    rates: list[float] = []
    kinds = []
    for names, cells in found.items():
        fits = sum(len(grid.cells[c]) for c in cells)
        seconds = float("nan")
        if trial:
            if len(rates) < KINDS:
                rates.append(_seconds_a_fit(max((grid.cells[c] for c in cells), key=len), grid))
            each = rates[-1] if len(kinds) < KINDS else sum(rates) / len(rates)
            seconds = COMPILED + fits * each
        kinds.append(Kind(*names, fits, sum(grid.counts[c] for c in cells), seconds))
    total = sum(kind.seconds for kind in kinds)
    return Outline(grid.fits, len(grid), grid.bytes, total, tuple(kinds), _notes(grid))


def _seconds_a_fit(cell: Cell, grid: Grid) -> float:
    count = min(TRIED, len(cell))
    done(cell, grid.config, laid(cell, grid.config, 0, count))
    begun = time.perf_counter()
    done(cell, grid.config, laid(cell, grid.config, 0, count))
    return (time.perf_counter() - begun) / count


def _notes(grid: Grid) -> tuple[str, ...]:
    seeds = len(grid.config.each_seed)
    once = [cell for cell in grid.cells if len(cell.seeds) < seeds]
    if not once:
        return grid.notes
    kinds = len(once)
    return (
        *grid.notes,
        f"{kinds} of {len(grid.cells)} combinations draw nothing at random (all runs, no draws): they are done for "
        f"seed {once[0].seeds[0]} only",
    )
