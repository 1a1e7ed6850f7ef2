"""Every fit of a sweep, laid out as cells and cut into chunks: the same for whoever does them."""

import contextlib
import dataclasses
import hashlib
import inspect
import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from .._core import InputError, Phrase, check_names
from ..data import Runs
from ..laws import AbstractLaw, Label, Weights, axes, input_kinds, inputs_of
from ..noise import AbstractNoise
from ..params import parameter_values, parts, slots
from ..plan import check_plan, cost_of, mixing_of
from ..problem import Studies, inputs_for, named_after, usable
from ..specs import PREFIX, law_of, noise_of, noise_spec, runs_of, with_fixed
from ..validate import refuse_grave
from ._config import Config, Law, Source, Verb
from ._splits import Split, splits_of

OWN = ("source", "group", "law", "noise", "split", "seed", "verb", "runs", "left_out", "objective", "converged",
       "message", "scale", "left_out_error")  # fmt: skip
"""Columns of every table, in order; parameters follow."""
MAX_FITS = 4096
"""Fits of a chunk, at the most: as many as are laid out at once."""
MAX_DRAWS = 1 << 20
"""Draws of a chunk, at the most, so that it is done in a minute or so."""


class Table(NamedTuple):
    """The runs of a source as a law takes them, by group.

    **Arguments:**

    - `name`: Of the source.
    - `runs`: Its runs that have what the law needs, and their `inputs`; `cluster`: what each is drawn with.
    - `studies`: The groups.
    - `entries`: Those that the runs have along the axes of a law that names none, as their pools.
    """

    name: str
    runs: Runs
    inputs: Mapping[str, Any]
    cluster: Int[np.ndarray, " run"]
    studies: Studies
    entries: tuple[str, ...]


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
    seeds: Sequence[int]
    verb: Verb

    def __len__(self) -> int:
        return len(self.table.studies) * len(self.seeds)

    @property
    def order(self) -> Int[np.ndarray, " group"]:
        """The groups by their number of runs, so that few shapes are compiled."""
        return np.argsort(self.table.studies.counts, kind="stable")

    def group(self, study: int) -> str:
        """Name of a group."""
        keys = self.table.studies.keys
        return "" if keys is None else group_name(keys[study])

    def name(self, study: int, seed: int) -> str:
        """Name of the draws of a fit; without law, noise and verb, so that these meet the same runs."""
        return self._named(study, self.split.name, seed)

    def drawn_by(self, study: int, seed: int) -> str:
        """Name of the draw of its runs: the folds of a group share it, and so leave out each run once."""
        return self._named(study, self.split.drawn_by, seed)

    def _named(self, study: int, split: str, seed: int) -> str:
        return "\0".join([self.table.name, self.group(study), split, str(seed)])

    @property
    def bytes(self) -> int:
        """Memory of one fit, roughly."""
        runs = int(self.table.studies.counts.max())
        held = runs * (len(self.law.inputs) + 6) + self.draws * (len(slots(self.law)) + 6 + 3 * len(self.verb.budgets))
        return 8 * 6 * held + 2 * runs * self.draws  # six copies of each number while a chunk is done

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
        """Number of fits."""
        return sum(len(cell) for cell in self.cells)

    @property
    def formulas(self) -> dict[str, str | None]:
        """The text of each law of the user's own, as a digest."""
        return {cell.law_name: formula_of(cell.law) for cell in self.cells}

    @property
    def counts(self) -> list[int]:
        """Chunks of each cell."""
        return [-(-len(cell) // size) for cell, size in zip(self.cells, self.sizes, strict=True)]

    def __len__(self) -> int:
        """Number of chunks."""
        return sum(self.counts)

    def chunks(self) -> Iterator[Chunk]:
        """The chunks in order."""
        place = 0
        for c, (cell, size) in enumerate(zip(self.cells, self.sizes, strict=True)):
            for first in range(0, len(cell), size):
                yield Chunk(place, c, first, min(size, len(cell) - first))
                place += 1

    @property
    def bytes(self) -> int:
        """Memory of the largest chunk, roughly."""
        return max(min(size, len(cell)) * cell.bytes for cell, size in zip(self.cells, self.sizes, strict=True))

    def document(self) -> dict[str, Any]:
        """Identity of a sweep: its options in words, and the runs and laws by what they hold."""
        words = self.config.model_dump(
            mode="json", exclude_defaults=True, exclude={"sources", "laws", "noises", "memory"}
        )
        sources: dict[str, dict[str, Any]] = {}
        for cell in self.cells:
            table = cell.table
            of = {"runs": table.runs.fingerprint, "used": len(table.runs), "groups": len(table.studies)}
            sources.setdefault(table.name, {})[f"{cell.law_name} {', '.join(table.entries)}".strip()] = of
        # Runs last, as they go by law: of two sweeps the first difference is told.
        return words | {
            "laws": {cell.law_name: {"of": _described(cell.law)} for cell in self.cells},
            "noises": list(dict.fromkeys(cell.noise_name for cell in self.cells)),
            "sources": sources,
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
    for _, runs, _ in sources:
        refuse_grave(runs, None, config.allow)
    laws = [_law(law, base) for law in config.laws]
    noises = [_noise(noise) for noise in config.noises]
    splits = splits_of(config.splits)
    for what, names in (
        ("sources", [name for name, *_ in sources]),
        ("laws", [name for name, *_ in laws]),
        ("noises", [name for name, _ in noises]),
        ("verbs", [verb.called for verb in config.verbs]),
    ):
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(what, Phrase(f"gives {twice[0]!r} twice"), remedy="give each a name of its own")
    cells: list[Cell] = []
    notes: list[str] = []
    for name, runs, by in sources:
        for law_name, law, fixed in laws:
            tables = _tables(name, runs, by, law, fixed, config)
            notes += _lost(name, runs, by, [table for table, _ in tables], law_name)
            for (table, own), (noise_name, noise), split, verb in itertools.product(
                tables, noises, splits, config.verbs
            ):
                _refuse_verb(verb, own, law_name)
                seeds = config.each_seed if split.random or verb.drawn else config.each_seed[:1]
                cells.append(Cell(table, own, law_name, tuple(fixed), noise, noise_name, split, seeds, verb))
    return Grid(config, tuple(cells), tuple(_size(cell, config) for cell in cells), tuple(notes))


def _size(cell: Cell, config: Config) -> int:
    if config.chunk is not None:
        return config.chunk
    room = max(1, min(MAX_FITS, int(config.memory // max(cell.bytes, 1)), MAX_DRAWS // max(cell.draws, 1)))
    return 1 << int(math.log2(room))


def sources_of(config: Config, base: Path) -> list[Runs]:
    """The runs of each source."""
    return [_read(source, base)[1] for source in config.sources]


def _read(source: Source, base: Path) -> tuple[str, Runs, str | tuple[str, ...] | None]:
    if isinstance(source.runs, Runs):
        runs = source.runs if source.where is None else source.runs.where(source.where)
        return source.name or runs.name, runs, source.by
    place = source.runs
    if not place.startswith(PREFIX) and "://" not in place:
        place = str(base / Path(place).expanduser())
    runs = runs_of(place, columns=source.columns, where=source.where, target=source.target)
    return source.name or runs.name, runs, source.by


def _law(given: Law, base: Path) -> tuple[str, AbstractLaw, Mapping[str, float]]:
    """A law by one name however it was given, and what is held in it."""
    if isinstance(given.law, str):
        spec = given.law
        path, colon, name = spec.rpartition(":")
        own = path.lower().endswith(".py")
        if own:
            spec = f"{base / Path(path).expanduser()}{colon}{name}"
        law = law_of(spec, given.fixed, "laws")
        size = f":{name}" if colon and not own else ""
    else:
        law, size = given.law() if isinstance(given.law, type) else given.law, ""
        law = _held(law, given.fixed) if given.fixed and not _unnamed(law) else law
    held = "".join(f" {name}={value!r}" for name, value in given.fixed.items())
    return given.name or type(law).__name__ + size + held, law, given.fixed


def _unnamed(law: AbstractLaw) -> bool:
    """Say whether the runs have yet to name the entries of some axis of a law."""
    return any(not law.entries(axis) for axis in axes(law))


def _held(law: AbstractLaw, fixed: Mapping[str, float]) -> AbstractLaw:
    return with_fixed(law, fixed, "laws: fixed")


def _noise(given: Any) -> tuple[str, AbstractNoise]:
    noise = noise_of(given, "noises") if isinstance(given, str) else given
    return noise_spec(noise), noise


def _tables(
    name: str, runs: Runs, by: Any, law: AbstractLaw, fixed: Mapping[str, float], config: Config
) -> list[tuple[Table, AbstractLaw]]:
    """The runs with no more than a law and its groups need, and the law for them.

    Groups of runs with other entries along an axis of the law, as other pools, are other tables: no group's law has
    parameters of what no run of its has.
    """
    runs = usable(law, runs)
    studies = Studies.of(runs, by)
    cluster = runs.clusters(config.cluster)
    splits = [split.column for split in splits_of(config.splits) if split.column]
    runs.select(splits)  # here, and not in each chunk, if there is no such column
    drawn = (config.cluster,) if isinstance(config.cluster, str | None) else config.cluster
    found = []
    for group in _alike(law, runs, studies):
        some = studies if len(group) == len(studies) else studies.take(group)
        rows = np.sort(np.concatenate([some.rows(study) for study in range(len(some))]))
        own = runs.take(rows)
        named = named_after(law, own) if _unnamed(law) else law
        named = _held(named, fixed) if fixed and _unnamed(law) else named
        entries = tuple(str(entry) for axis in axes(named) for entry in named.entries(axis)) if _unnamed(law) else ()
        said = [getattr(kind, "column", None) or n for n, kind in input_kinds(named).items()]
        kept = own.narrowed([*said, *splits, *(n for n in drawn if n)])
        some = dataclasses.replace(Studies.of(own, by), runs=kept)
        found.append((Table(name, kept, inputs_for(named, kept)[0], cluster[rows], some, entries), named))
    return found


def _alike(law: AbstractLaw, runs: Runs, studies: Studies) -> list[Int[np.ndarray, " study"]]:
    """Studies by the entries that their runs have along the axes of a law that names none."""
    marks = [np.ones(len(runs), bool)]
    for base, said in inputs_of(law).items() if _unnamed(law) else ():
        if isinstance(said, Weights):
            marks += [np.nan_to_num(c) > 0.0 for n, c in runs.inputs.items() if n.startswith(f"{base}[")]
        elif isinstance(said, Label):
            code = runs.codes(said.column or base)[1]
            marks += [code == entry for entry in range(code.max() + 1)]
    has = np.stack(marks, axis=1)
    seen = np.stack([has[studies.rows(study)].any(axis=0) for study in range(len(studies))])
    _, first, alike = np.unique(seen, axis=0, return_index=True, return_inverse=True)
    return [np.flatnonzero(alike.ravel() == k) for k in np.argsort(first)]


def _lost(source: str, runs: Runs, by: Any, tables: list[Table], law: str) -> list[str]:
    """Groups of which no run has what a law needs."""
    if by is None:
        return []
    there = {key for table in tables for key in table.studies.keys or ()}
    lost = [key for key in runs.codes(by)[0] if key not in there]
    if not lost:
        return []
    return [
        f"{len(lost)} groups of {source!r}, the first {group_name(lost[0])!r}, have no run with every input of "
        f"{law}, and so no row"
    ]


def _refuse_verb(verb: Verb, law: AbstractLaw, name: str) -> None:
    """Say before the first fit what a verb cannot do with a law.

    **Raises:** `InputError` for laws that are not of its kind, budgets, costs and pools that it does not know, and
    parameters whose names are columns of the table.
    """
    if verb.verb == "curate":
        mixing = mixing_of(law)
        if mixing is None:
            weighs = Phrase(f"has curate, which weighs pools, and {name} is no law of pools")
            raise InputError("verbs", weighs, remedy="leave one of them out")
        check_names("sizes of curate", verb.sizes, law.entries(mixing.axis), what="pools")
    if verb.verb == "plan":
        if not cost_of(verb.cost).chosen(law.inputs):
            shares = Phrase(f"has plan, which shares a budget between N and D, and {name} is no law of both")
            raise InputError("verbs", shares, remedy="leave one of them out")
        check_plan(law, np.array(verb.budgets), verb.cost)
    names = [slot.name for slot in slots(law)]
    made = {*OWN, "draws", *(f"{n}_{more}" for n in names for more in ("se", "low", "high", "draws"))}
    if taken := made & set(names):
        has = Phrase(f"has a parameter {min(taken)!r}, which is a column of every sweep")
        raise InputError(f"laws: {name}", has, remedy="rename it in the law")


def _described(law: AbstractLaw) -> dict[str, Any]:
    """Class and options of a law and of the laws that it holds, and its values where its axes are named."""
    numbers = {} if _unnamed(law) else parameter_values(law)
    return _kind(law) | {"values": {name: repr(np.asarray(value).tolist()) for name, value in numbers.items()}}


def _kind(law: AbstractLaw) -> dict[str, Any]:
    return {
        "class": f"{type(law).__module__.removeprefix('scalefit_user_')}.{type(law).__name__}",
        "options": {f.name: repr(getattr(law, f.name)) for f in dataclasses.fields(law) if f.metadata.get("static")},
        "parts": {str(path): _kind(part) for path, part in parts(law) if isinstance(part, AbstractLaw)},
    }


def formula_of(law: AbstractLaw) -> str | None:
    """The sha256 of the text of a law of the user's own, or that holds such; `None` for others, and without a file."""
    texts = [formula for _, part in parts(law) if isinstance(part, AbstractLaw) and (formula := formula_of(part))]
    if not type(law).__module__.startswith(AbstractLaw.__module__.partition(".")[0] + "."):
        with contextlib.suppress(OSError, TypeError):
            texts.append(inspect.getsource(type(law)))
    return hashlib.sha256("".join(texts).encode()).hexdigest() if texts else None
