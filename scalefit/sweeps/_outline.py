"""Memory and time of a sweep, said before it starts."""

import dataclasses
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._chunk import done, laid
from ._config import read_config
from ._grid import Cell, Grid, grid_of

TRIAL = "trial of a sweep"
"""Name of the thread that tries fits."""


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


def outline(config: str | Path | Mapping[str, Any], *, trial: bool = True, within: float = 6.0) -> Outline:
    """Say how many fits a sweep has, what memory it takes, and, by a trial of a few of each kind, how long.

    **Arguments:**

    - `config`: As `sweep` takes it.
    - `trial`: Whether to try some fits for the time.
    - `within`: Seconds that trials may take. The time of kinds that they do not come to is that of the mean of the
        others; a trial that is not done by then goes on beside, to its end.

    **Returns:** an `Outline`.

    **Raises:** `InputError` as `sweep`; what a law's formula raises.
    """
    begun = time.perf_counter()
    grid = grid_of(*read_config(config))
    found: dict[tuple[str, str, str], list[int]] = {}
    for c, cell in enumerate(grid.cells):
        found.setdefault((cell.law_name, cell.noise_name, cell.verb.called), []).append(c)
    cells = [max((grid.cells[c] for c in some), key=len) for some in found.values()]
    rates = _tried(cells, grid, begun + within) if trial else [None] * len(cells)
    known = [rate for rate in rates if rate is not None]
    usual = np.mean(known, axis=0) if known else (np.nan, np.nan)
    kinds = []
    for (names, some), rate in zip(found.items(), rates, strict=True):
        fits = sum(len(grid.cells[c]) for c in some)
        first, each = usual if rate is None else rate
        kinds.append(Kind(*names, fits, sum(grid.counts[c] for c in some), float(first + fits * each)))
    total = sum(kind.seconds for kind in kinds)
    untried = len(rates) - len(known) if trial else 0
    notes = [f"{untried} of {len(rates)} kinds were not tried in {within:g} s: their time is the mean of the others'"]
    return Outline(grid.fits, len(grid), grid.bytes, total, tuple(kinds), (*_notes(grid), *(notes if untried else ())))


def _tried(cells: Sequence[Cell], grid: Grid, end: float) -> list[tuple[float, float] | None]:
    """Seconds of what is done once, compilation above all, and of each fit, of the cells that are tried before the end.

    A compiler cannot be interrupted: trials are made in a thread that is not waited for.
    """
    found: list[tuple[float, float] | None] = [None] * len(cells)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for k, cell in enumerate(cells):
                if time.perf_counter() < end:
                    found[k] = _rate(cell, grid)
        except BaseException as error:  # raised where it is waited for
            failed.append(error)

    thread = threading.Thread(target=work, name=TRIAL)
    thread.start()
    thread.join(max(end - time.perf_counter(), 0.0))
    if failed:
        raise failed[0]
    return list(found)


def _rate(cell: Cell, grid: Grid) -> tuple[float, float]:
    count = min(64 if cell.verb.drawn is None else 8, len(cell))
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
