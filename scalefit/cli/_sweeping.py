"""What `scalefit sweep` does: read, say what is to come, follow the chunks, account for them."""

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import typer

from .._core import InputError
from ..data import hint
from ..sweeps import ENGINES, Outline, Swept, merge, outline, sweep
from ._cache import keep_compiled
from ._interrupt import leaves
from ._quiet import quiet
from ._spec import number

CHUNKS_FAILED = 4
"""Exit status of a sweep of which chunks failed."""
QUIET = 10.0
"""Seconds between lines where there is no terminal."""


@dataclasses.dataclass(frozen=True)
class SweepJob:
    """The options of `scalefit sweep`, as they were given."""

    config: str | None
    folder: str | None
    out: str | None
    resume: str | None
    dry_run: bool
    engine: str
    shard: str | None
    address: str | None
    cpus: int | None
    gpus: float | None
    coordinator: str | None
    processes: int | None
    process: int | None
    json: bool
    cache_dir: str | None


def run_sweep(job: SweepJob) -> None:
    """Do the job and print what it came to.

    **Raises:** `InputError` for options, sources or a folder that cannot be used; ends with its own status where
    chunks failed.
    """
    if job.config == "merge":
        _merged(job)
        return
    _refuse(job)
    keep_compiled(job.cache_dir)
    if job.dry_run:
        with quiet(job.json):
            if not job.json:
                counted = outline(job.config or "", trial=False)
                size = f"chunks of {counted.bytes / 1e6:,.3g} MB at most"
                typer.echo(f"{counted.fits:,} fits in {counted.chunks:,} {size}; trying some for the time")
            found = outline(job.config or "")
        _show_outline(found, job.json)
        return
    out = job.resume or job.out or ""
    leaves(f"finished chunks are in {out!r}: go on with scalefit sweep --resume {out}")
    with quiet(job.json), _progress() as tell:
        swept = sweep(
            job.config,
            out=out,
            engine=job.engine,
            shard=None if job.shard is None else _share_of(job.shard),
            progress=tell,
            **_options(job),
        )
    _show(swept, job.json)
    if swept.chunks_failed:
        raise typer.Exit(CHUNKS_FAILED)


def _options(job: SweepJob) -> dict[str, Any]:
    """The options of the engine."""
    if job.engine == "ray":
        return {"address": job.address, "cpus": job.cpus or 1, "gpus": job.gpus or 0.0}
    if job.engine == "jax":
        return {"coordinator": job.coordinator, "processes": job.processes, "process": job.process}
    return {}


def _share_of(text: str) -> tuple[int, int]:
    """Which share of how many, from `2/8`: from 0 to 7.

    **Raises:** `InputError` for another form.
    """
    index, slash, count = text.partition("/")
    if not slash or not index.strip().isdecimal() or not count.strip().isdecimal() or int(index) >= int(count):
        raise InputError(f"--shard {text!r}: expected i/n with i from 0 to n - 1, as 0/8 for the first of eight.")
    return int(index), int(count)


def _refuse(job: SweepJob) -> None:
    """Say which options do not go together."""
    if job.folder is not None:
        raise InputError(f"{job.folder!r} is one argument too many; expected scalefit sweep SWEEP.toml --out DIR.")
    if job.engine not in ENGINES:
        near = hint(job.engine, ENGINES, what="engines")
        raise InputError(f"--engine {job.engine!r}: there is no such engine; {near}.")
    if job.config is None and job.resume is None:
        raise InputError("Give a sweep, as scalefit sweep SWEEP.toml --out DIR, or --resume DIR to go on with one.")
    if job.dry_run:
        if job.config is None:
            raise InputError("--dry-run is of a sweep that is to come: give its file, SWEEP.toml.")
        return
    if (job.out is None) == (job.resume is None):
        raise InputError("Give --out DIR for a new sweep, or --resume DIR to go on with one, and not both.")
    if job.shard is not None and job.engine != "local":
        raise InputError(
            f"--shard is a share that you choose, and --engine {job.engine} chooses itself: leave one out."
        )
    others = {"ray": (job.address, job.cpus, job.gpus), "jax": (job.coordinator, job.processes, job.process)}
    for engine, given in others.items():
        if job.engine != engine and any(value is not None for value in given):
            names = {"ray": "--address, --cpus and --gpus", "jax": "--coordinator, --processes and --process"}[engine]
            raise InputError(f"{names} go with --engine {engine}, and this is --engine {job.engine}.")


def _merged(job: SweepJob) -> None:
    if job.folder is None:
        raise InputError("Say which sweep to merge: scalefit sweep merge DIR.")
    with quiet(job.json):
        path = merge(job.folder)
    typer.echo(json.dumps({"results": path}) if job.json else f"written to {path}")


def _show_outline(found: Outline, as_json: bool) -> None:
    if as_json:
        kinds = [kind._asdict() for kind in found.kinds]
        seconds = found.seconds
        document = {"fits": found.fits, "chunks": found.chunks, "bytes": found.bytes, "seconds": seconds}
        typer.echo(json.dumps(document | {"kinds": kinds, "notes": list(found.notes)}, indent=2))
        return
    for kind in found.kinds:
        typer.echo(f"  {kind.law}, {kind.noise}, {kind.verb}: {kind.fits:,} fits, about {_duration(kind.seconds)}")
    typer.echo(f"about {_duration(found.seconds)} on this machine, compilation included")
    for note in found.notes:
        typer.echo(f"note: {note}")


def _show(swept: Swept, as_json: bool) -> None:
    if as_json:
        document = {name: getattr(swept, name) for name in ("fits", "done", "failed", "seconds", "rate")}
        typer.echo(json.dumps(document | {"chunks_failed": dict(swept.chunks_failed), "out": swept.path}, indent=2))
        return
    typer.echo(
        f"{swept.done:,} of {swept.fits:,} fits done in {_duration(swept.seconds)}, "
        f"{number(swept.rate, 3)} a second; {swept.failed:,} have no optimum"
        + (": see the column message" if swept.failed else "")
    )
    for name, why in swept.chunks_failed.items():
        typer.echo(f"chunk {name} failed: {why}")
    whole = swept.done == swept.fits
    more = (
        f"{swept.path}/results.parquet" if whole else f"{swept.path}; go on with scalefit sweep --resume {swept.path}"
    )
    typer.echo(f"written to {more}")


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar with rate and remaining time on a terminal; else a line now and then, both on standard error."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    rate = TextColumn("{task.fields[rate]} fits/s")
    columns = (BarColumn(), MofNCompleteColumn(), rate, TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rate="–")
        begun, first = time.perf_counter(), -1

        def tell(done: int, fits: int) -> None:
            nonlocal first
            first = done if first < 0 else first
            rate = (done - first) / max(time.perf_counter() - begun, 1e-9)
            bar.update(task, completed=done, total=fits, rate=number(rate, 3))

        yield tell


def _lines() -> Callable[[int, int], None]:
    begun, last, first = time.perf_counter(), -QUIET, -1

    def tell(done: int, fits: int) -> None:
        nonlocal last, first
        first = done if first < 0 else first
        now = time.perf_counter() - begun
        if now - last < QUIET and done < fits:
            return
        last = now
        rate = (done - first) / max(now, 1e-9)
        left = f", {_duration((fits - done) / rate)} left" if rate and done < fits else ""
        print(f"scalefit: {done:,} of {fits:,} fits, {number(rate, 3)} a second{left}", file=sys.stderr, flush=True)

    return tell


def _duration(seconds: float) -> str:
    """Seconds for people."""
    if not seconds < 1e12:
        return "an unknown time"
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
