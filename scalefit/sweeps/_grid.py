"""Every fit of a sweep, laid out as cells and cut into chunks: the same for whoever does them."""

import dataclasses
import hashlib
import inspect
import math
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from .._core import InputError
from ..data import Runs
from ..estimate import Studies, usable
from ..laws import AbstractLaw, AbstractPools, axes, input_units
from ..noise import AbstractNoise
from ..params import slots
from ..specs import PREFIX, known_laws, law_of, noise_of, noise_spec, runs_of, with_fixed
from ._config import Config, Law, Source, Verb
from ._splits import Split, splits_of

MOST = 4096
"""Fits of a chunk, at the most: as many as are laid out at once."""
DRAWN = 1 << 20
"""Draws of a chunk, at the most, so that it is done in a minute or so."""
COPIES = 6
"""Of each number of a fit or a draw that are held while a chunk is done."""


class Table(NamedTuple):
    """The runs of a source as a law takes them, by group.

    **Arguments:**

    - `name`: Of the source.
    - `runs`: Its runs that have what the law needs; `cluster`: what each is drawn with.
    - `studies`: The groups.
    """

    name: str
    runs: Runs
    cluster: Int[np.ndarray, " run"]
    studies: Studies


@dataclasses.dataclass(frozen=True, eq=False)
class Cell:
    """Fits that differ in their group and seed alone; they are numbered group by group, short groups first."""

    table: Table
    law: AbstractLaw
    law_name: str
    fixed: tuple[str, ...]
    noise: AbstractNoise
    noise_name: str
    split: Split
    seeds: tuple[int, ...]
    verb: Verb

    def __len__(self) -> int:
        return len(self.table.studies) * len(self.seeds)

    @property
    def order(self) -> Int[np.ndarray, " group"]:
        """The groups by their number of runs, so that few shapes are compiled."""
        return np.argsort(self.table.studies.counts, kind="stable")

    def group(self, study: int) -> str:
        """What a group is called."""
        keys = self.table.studies.keys
        return "" if keys is None else group_name(keys[study])

    def name(self, study: int, seed: int) -> str:
        """What draws of a fit are named by; not by law, noise and verb, so that these meet the same runs."""
        return self._named(study, self.split.name, seed)

    def drawn_by(self, study: int, seed: int) -> str:
        """What its runs are drawn by: the folds of a group share their draw, and so leave out each run once."""
        return self._named(study, self.split.drawn_by, seed)

    def _named(self, study: int, split: str, seed: int) -> str:
        return "\0".join([self.table.name, self.group(study), split, str(seed)])

    @property
    def bytes(self) -> int:
        """What one fit takes, roughly."""
        runs = int(self.table.studies.counts.max())
        held = runs * (len(self.law.inputs) + 6) + (self.draws * (len(slots(self.law)) + 6) if self.draws else 0)
        return 8 * COPIES * held + 2 * runs * self.draws

    @property
    def draws(self) -> int:
        """Draws of each fit."""
        return self.verb.num if self.verb.drawn else 0


class Chunk(NamedTuple):
    """Some fits of a cell that are done, kept and lost together.

    **Arguments:**

    - `place`: Which of all chunks it is, from 0.
    - `cell`: Which of the cells.
    - `first`, `count`: Its fits among those of the cell.
    """

    place: int
    cell: int
    first: int
    count: int


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """All cells of a sweep and their chunks.

    **Arguments:**

    - `config`: The sweep.
    - `cells`, `sizes`: Its cells, and the fits of each chunk of each.
    - `notes`: What has no fit, in sentences.
    """

    config: Config
    cells: tuple[Cell, ...]
    sizes: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def fits(self) -> int:
        """How many fits there are."""
        return sum(len(cell) for cell in self.cells)

    @property
    def counts(self) -> list[int]:
        """Chunks of each cell."""
        return [-(-len(cell) // size) for cell, size in zip(self.cells, self.sizes, strict=True)]

    def __len__(self) -> int:
        """How many chunks there are."""
        return sum(self.counts)

    def chunks(self) -> Iterator[Chunk]:
        """The chunks in order; there may be too many to hold."""
        place = 0
        for c, (cell, size) in enumerate(zip(self.cells, self.sizes, strict=True)):
            for first in range(0, len(cell), size):
                yield Chunk(place, c, first, min(size, len(cell) - first))
                place += 1

    @property
    def bytes(self) -> int:
        """What the largest chunk takes, roughly."""
        return max(min(size, len(cell)) * cell.bytes for cell, size in zip(self.cells, self.sizes, strict=True))

    def document(self) -> dict[str, Any]:
        """What makes two sweeps the same: the options in words, and the runs and laws by what they hold."""
        tables = {cell.table.name: cell.table for cell in self.cells}
        laws = {cell.law_name: cell.law for cell in self.cells}
        words = self.config.model_dump(mode="json", exclude={"sources", "laws", "noises", "memory"})
        return words | {
            "sources": {
                name: {"runs": table.runs.fingerprint, "used": len(table.runs), "groups": len(table.studies)}
                | {"by": table.studies.keys is not None}
                for name, table in tables.items()
            },
            "laws": {name: {"of": _described(law)} for name, law in laws.items()},
            "noises": list(dict.fromkeys(cell.noise_name for cell in self.cells)),
            "sizes": list(self.sizes),
        }


def group_name(key: Hashable) -> str:
    """The key of a group as text."""
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def number_of(name: str) -> int:
    """63 bits that stand for a name wherever randomness is drawn."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


def grid_of(config: Config, base: Path) -> Grid:
    """Read the sources and lay out every fit.

    **Arguments:**

    - `config`: The sweep.
    - `base`: The folder that its files are relative to.

    **Raises:** `InputError` for a source, law, noise or split that cannot be used, and for names that recur.
    """
    sources = [_read(source, base) for source in config.sources]
    laws = [_law(law, base) for law in config.laws]
    noises = [_noise(noise) for noise in config.noises]
    splits = splits_of(config.splits)
    for what, names in (
        ("sources", [name for name, *_ in sources]),
        ("laws", [name for name, *_ in laws]),
        ("noises", [name for name, _ in noises]),
        ("verbs", [verb.called for verb in config.verbs]),
    ):
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise InputError(f"{what}: {twice[0]!r} is there twice; give each a name of its own.")
    cells: list[Cell] = []
    notes: list[str] = []
    for name, runs, by in sources:
        for law_name, law, fixed in laws:
            table = _table(name, runs, by, law, config)
            notes += _lost(runs, by, table, law_name)
            for noise_name, noise in noises:
                for split in splits:
                    for verb in config.verbs:
                        _refuse_verb(verb, law, law_name)
                        seeds = config.each_seed if split.random or verb.drawn else config.each_seed[:1]
                        cells.append(Cell(table, law, law_name, fixed, noise, noise_name, split, seeds, verb))
    return Grid(config, tuple(cells), tuple(_size(cell, config) for cell in cells), tuple(notes))


def _size(cell: Cell, config: Config) -> int:
    if config.chunk is not None:
        return config.chunk
    room = max(1, min(MOST, int(config.memory // max(cell.bytes, 1)), DRAWN // max(cell.draws, 1)))
    return 1 << int(math.log2(room))


def _read(source: Source, base: Path) -> tuple[str, Runs, str | tuple[str, ...] | None]:
    if isinstance(source.runs, Runs):
        runs = source.runs if source.where is None else source.runs.where(source.where)
        return source.name or runs.name, runs, source.by
    place = source.runs
    if not place.startswith(PREFIX) and "://" not in place:
        place = str(base / Path(place).expanduser())
    runs = runs_of(place, columns=source.columns, where=source.where, target=source.target)
    return source.name or runs.name, runs, source.by


def _law(given: Law, base: Path) -> tuple[str, AbstractLaw, tuple[str, ...]]:
    if isinstance(given.law, str):
        spec = given.law
        path, colon, name = spec.rpartition(":")
        if path.lower().endswith(".py"):
            spec = f"{base / Path(path).expanduser()}{colon}{name}"
        law = law_of(spec, given.fixed, "laws:")
        called = given.law
    else:
        law = given.law() if isinstance(given.law, type) else given.law
        law = with_fixed(law, given.fixed) if given.fixed else law
        known = {cls: name for name, cls in known_laws().items()}
        called = known.get(type(law), type(law).__name__)
    held = "".join(f" {name}={value:g}" for name, value in given.fixed.items())
    return called + held, law, tuple(given.fixed)


def _noise(given: Any) -> tuple[str, AbstractNoise]:
    noise = noise_of(given, "noises:") if isinstance(given, str) else given
    return noise_spec(noise), noise


def _table(name: str, runs: Runs, by: Any, law: AbstractLaw, config: Config) -> Table:
    """The runs with no more than a law and its groups need."""
    runs = usable(law, runs)
    studies = Studies.of(runs, by)
    cluster = runs.clusters(config.cluster)
    splits = [split.column for split in splits_of(config.splits) if split.column]
    runs.select(splits)  # here, and not in each chunk, if there is no such column
    drawn = (config.cluster,) if isinstance(config.cluster, str | None) else config.cluster
    runs = runs.narrowed([*input_units(law), *splits, *(name for name in drawn if name)])
    return Table(name, runs, cluster, dataclasses.replace(studies, runs=runs))


def _lost(runs: Runs, by: Any, table: Table, law: str) -> list[str]:
    """Groups of which no run has what a law needs."""
    if by is None:
        return []
    there = set(table.studies.keys or ())
    lost = [key for key in runs.groups(by)[0] if key not in there]
    if not lost:
        return []
    return [
        f"{len(lost)} groups of {table.name!r}, the first {group_name(lost[0])!r}, have no run with every input of "
        f"{law}, and so no row"
    ]


def _refuse_verb(verb: Verb, law: AbstractLaw, name: str) -> None:
    if verb.verb == "curate" and not isinstance(law, AbstractPools):
        raise InputError(f"verbs: curate weighs pools, and {name} is no law of pools; leave one of them out.")
    if verb.verb == "plan" and (isinstance(law, AbstractPools) or not {"N", "D"} <= set(law.inputs)):
        raise InputError(f"verbs: plan shares a budget between N and D, and {name} is no law of both; leave one out.")


def _described(law: AbstractLaw) -> dict[str, Any]:
    values = {slot.name: repr(v) for slot, v in zip(slots(law), _values(law), strict=True)} if not axes(law) else {}
    found = {"class": f"{type(law).__module__.removeprefix('scalefit_user_')}.{type(law).__name__}", "values": values}
    if type(law).__module__.startswith(AbstractLaw.__module__.partition(".")[0] + "."):
        return found
    try:
        source = inspect.getsource(type(law))
    except (OSError, TypeError):  # made where no file is, as in a shell
        return found
    return found | {"formula": hashlib.sha256(source.encode()).hexdigest()}


def _values(law: AbstractLaw) -> list[float]:
    from ..params import values

    return [float(value) for value in values(law)]
