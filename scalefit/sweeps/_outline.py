"""Memory and time of a sweep, said before it starts."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._chunk import done, laid
from ._config import read_config
from ._grid import Cell, Grid, grid_of


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
    """Memory and time that a sweep will take.

    **Arguments:**

    - `fits`, `chunks`: How many there are.
    - `bytes`: What the largest chunk holds in memory, roughly, beside the runs.
    - `seconds`: The time on this machine, roughly, and more where groups are of many sizes; NaN without a trial.
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

    **Returns:** an `Outline`.

    **Raises:** `InputError` as `sweep`; what a law's formula raises.
    """
    grid = grid_of(*read_config(config))
    found: dict[tuple[str, str, str], list[int]] = {}
    for c, cell in enumerate(grid.cells):
        found.setdefault((cell.law_name, cell.noise_name, cell.verb.called), []).append(c)
    rates: list[tuple[float, float]] = []
    kinds = []
    for names, cells in found.items():
        fits = sum(len(grid.cells[c]) for c in cells)
        seconds = float("nan")
        if trial:
            # Eight kinds are tried; the time of others is that of the mean of these.
            if len(rates) < 8:
                rates.append(_tried(max((grid.cells[c] for c in cells), key=len), grid))
            first, each = rates[-1] if len(kinds) < 8 else np.mean(rates, axis=0)
            seconds = float(first + fits * each)
        kinds.append(Kind(*names, fits, sum(grid.counts[c] for c in cells), seconds))
    total = sum(kind.seconds for kind in kinds)
    return Outline(grid.fits, len(grid), grid.bytes, total, tuple(kinds), _notes(grid))


def _tried(cell: Cell, grid: Grid, most: int = 64) -> tuple[float, float]:
    """Seconds of what is done once, compilation above all, and of each fit."""
    count = min(most, len(cell))
    first = (len(cell) - count) // 2  # groups are in order of their size
    times = []
    for _ in range(2):
        begun = time.perf_counter()
        done(cell, grid.config, laid(cell, grid.config, first, count))
        times.append(time.perf_counter() - begun)
    return max(times[0] - times[1], 0.0), times[1] / count


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
