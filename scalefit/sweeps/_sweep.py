"""Many fits as one job that can be stopped at any moment and resumed."""

import dataclasses
import io
import json
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .._core import CheckWarning, Finding, InputError, LeftOutWarning, Phrase, check_choice, hint, warn_of
from ..data import parquet_frame
from ._config import read_config
from ._engines import ENGINES, Outcome, locally, share_by_jax
from ._folder import Folder
from ._grid import Chunk, grid_of
from ._manifest import CHUNKS, FAILED, begin, changes, file_of, given_in, read
from ._merge import RESULTS_FILE, finished, join


@dataclasses.dataclass(frozen=True)
class Swept:
    """The outcome of a sweep.

    **Arguments:**

    - `path`: Its folder.
    - `fits`: How many there are in all.
    - `done`: How many have a row: all of them, unless shares of others are still under way or chunks failed.
    - `failed`: How many have no optimum: not converged, refused (their rows say why), or of a chunk that failed. While
      shares of others are under way, of this call's.
    - `chunks_failed`: Why chunks failed, by name; `failed/` in the folder says more.
    - `seconds`, `rate`: What this call took, and how many fits a second it did.
    """

    path: str
    fits: int
    done: int
    failed: int
    chunks_failed: Mapping[str, str]
    seconds: float
    rate: float

    def __repr__(self) -> str:
        said = f"Sweep in {self.path!r}: {self.done} of {self.fits} fits done, {self.failed} without an optimum"
        lines = [f"{said}; {self.rate:.3g} fits a second"]
        return "\n".join([*lines, *(f"  chunk {name} failed: {why}" for name, why in self.chunks_failed.items())])

    def table(self) -> Any:
        """All rows, a row a fit: a data frame of polars.

        **Warns:** where fits have no row: chunks failed, or were not finished when it was joined.

        **Raises:** `InputError` where nothing has been joined yet, and for a table that is damaged.
        """
        content = Folder(self.path).get(RESULTS_FILE)
        if content is None:
            none = Phrase(f"holds no {RESULTS_FILE}")
            raise InputError(repr(self.path), none, remedy="merge it, once some chunk is finished")
        if self.done < self.fits:
            warnings.warn(f"{self.fits - self.done:,} of {self.fits:,} fits have no row.", stacklevel=2)
        try:
            return parquet_frame(io.BytesIO(content))
        except ValueError as error:
            why = Phrase(f"holds a {RESULTS_FILE} that cannot be read ({error})")
            raise InputError(repr(self.path), why, remedy="merge it again") from None


Progress = Callable[[int, int], None]
"""Told the fits done and those there are, as chunks end."""


def sweep(
    config: str | Path | Mapping[str, Any] | None = None,
    *,
    out: str | Path,
    engine: str = "local",
    shard: tuple[int, int] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Swept:
    """Fit every law to every group of every source, for every noise, split and seed, and do what verbs say.

    The fits are cut into chunks, the same whoever does them, and each finished chunk is a file: a sweep that is
    stopped, however, is resumed by the same call. What is drawn at random is drawn by names (source, group,
    split, seed), so that no result depends on chunks, hosts or their order. When all chunks are there,
    `results.parquet` holds a row for each fit.

    **Arguments:**

    - `config`: A TOML file, or a mapping with the same keys (see `Config`), whose sources, laws and noises may be
      objects. Without it, the sweep that is in `out`.
    - `out`: Its folder, or a bucket, as `s3://bucket/name`.
    - `engine`: `"local"`; `"jax"`, this process's share by JAX's own index (TPU pods, Slurm); `"ray"`, a cluster.
    - `shard`: Which share to do, and of how many: every so many-th chunk.
    - `progress`: Told the fits done and those there are.
    - `options`: Of `"jax"`: `coordinator`, `processes`, `process`, where JAX does not find them itself. Of `"ray"`:
      `address`, and `cpus` and `gpus` for each chunk.

    **Returns:** a `Swept`; chunks that failed are in it, and hold up no other.

    **Warns:** once of each sentence that fits warned of, `LeftOutWarning` of groups that no fit can take, and where
    versions differ from those it was begun with.

    **Raises:** `InputError` for a sweep that cannot be read, sources that have changed, a folder that holds another
    sweep, and where nothing can be written.
    """
    _refuse(engine, shard, options)
    begun = time.perf_counter()
    folder = Folder(out)
    if config is None:
        known = read(folder)
        if known is None:
            raise InputError(repr(str(out)), Phrase("holds no sweep to resume"), remedy="give one, as a TOML file")
        read_as, base = given_in(folder, known)
    else:
        read_as, base = read_config(config)
    if engine == "jax":
        shard = share_by_jax(*(options.get(name) for name in ("coordinator", "processes", "process")))
    grid = grid_of(read_as, base)
    found = begin(folder, grid, base)
    # Its chunks are those that it was begun with, whatever this version would make of them.
    grid, digest = dataclasses.replace(grid, sizes=tuple(found["sizes"])), found["digest"]
    for said in changes(found, grid):
        warnings.warn(said, stacklevel=2)
    for note in grid.notes:
        warn_of(LeftOutWarning.check, note, category=LeftOutWarning)
    names = finished(folder, digest)
    there = {name for name in names if folder.complete(f"{CHUNKS}/{name}")}
    if broken := len(names) - len(there):
        warnings.warn(f"{broken} finished chunks are cut off or no tables, and are done again.", stacklevel=2)
    index, count = shard or (0, 1)
    left = [chunk for chunk in grid.chunks() if file_of(chunk, digest) not in there]
    mine = [chunk for chunk in left if chunk.place % count == index]
    before = grid.fits - sum(chunk.count for chunk in left)
    tell = progress or (lambda done, of: None)
    tell(before, grid.fits)
    if engine == "ray":
        from ._ray import on_ray

        given = {"address": options.get("address"), "cpus": options.get("cpus", 1), "gpus": options.get("gpus", 0)}
        outcomes = on_ray(Folder(_shared(out)), grid, base, digest, mine, **given)
    else:
        outcomes = locally(folder, grid, digest, mine)
    now, none = _followed(outcomes, before, grid.fits, tell)
    seconds = time.perf_counter() - begun
    return _account(folder, digest, grid.fits, list(grid.chunks()), now, none, seconds)


def _shared(out: str | Path) -> str:
    """The folder as other processes find it."""
    return str(out) if "://" in str(out) else str(Path(out).resolve())


def _followed(outcomes: Iterator[Outcome], before: int, fits: int, tell: Progress) -> tuple[int, int]:
    """See the chunks through; the fits that were done, and how many of these have no optimum."""
    said: dict[str, list[Finding | str]] = {}
    now = none = 0
    for outcome in outcomes:
        now += outcome.chunk.count if outcome.error is None else 0
        none += outcome.none
        tell(before + now, fits)
        for one in outcome.said:
            # Sentences that differ in their numbers and names alone are one.
            said.setdefault(re.sub(r"\d[\d.,]*|'[^']*'", "", str(one)), []).append(one)
    for first, *others in said.values():
        more = f" ({len(others):,} more like this)" if others else ""
        if isinstance(first, Finding):
            told = CheckWarning(first._replace(says=first.says.rstrip(".") + more))
        else:
            told = UserWarning(first + more)
        warnings.warn(told, stacklevel=3)
    return now, none


def _account(folder: Folder, digest: str, fits: int, chunks: list[Chunk], now: int, none: int, seconds: float) -> Swept:
    """Look at what is there; join it where that is all there will be."""
    names = finished(folder, digest)
    there = set(names)
    missing = {
        name.removesuffix(".parquet"): chunk for chunk in chunks if (name := file_of(chunk, digest)) not in there
    }
    failed = {name.removesuffix(".json") for name in folder.names(FAILED)}
    reasons = {name: _reason(folder, name) for name in sorted(failed & set(missing))}
    if names and set(missing) == set(reasons):
        none = join(folder, names)
    for under in ("", CHUNKS, FAILED):
        folder.tidy(under)
    unfinished = sum(chunk.count for chunk in missing.values())
    none += sum(missing[name].count for name in reasons)
    rate = now / seconds if now else 0.0
    return Swept(folder.path, fits, fits - unfinished, none, reasons, seconds, rate)


def _reason(folder: Folder, name: str) -> str:
    try:
        return str(json.loads(folder.get(f"{FAILED}/{name}.json") or b"{}")["reason"])
    except (ValueError, KeyError):
        return "its reason cannot be read"


def _refuse(engine: str, shard: tuple[int, int] | None, options: Mapping[str, Any]) -> None:
    check_choice("engine", engine, ENGINES)
    taken = {"local": (), "jax": ("coordinator", "processes", "process"), "ray": ("address", "cpus", "gpus")}[engine]
    for name in options:
        if name not in taken:
            remedy = hint(name, taken, what="options")
            raise InputError(name, Phrase(f"is no option of engine {engine!r}"), remedy=remedy)
    if shard is not None and engine != "local":
        with_ = Phrase(f"goes with engine 'local', and {engine!r} shares the chunks out itself")
        raise InputError("shard", with_, remedy="leave one of them out")
    whole = shard is None or (len(shard) == 2 and all(isinstance(n, int) for n in shard) and 0 <= shard[0] < shard[1])
    if not whole:
        raise InputError("shard", shard, "(i, n) with i from 0 to n - 1")
