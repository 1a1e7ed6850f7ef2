"""`scalefit sweep`: read, say what is to come, follow the chunks, account for them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import InputError, Phrase, check_choice, visible
from ._config import print_document
from ._errors import leaves
from ._options import CacheDir, Json, Out
from ._streams import finish
from ._terminal import duration, number

CHUNKS_FAILED = 4
"""Exit status of a sweep of which chunks failed."""


def sweep(
    config: Annotated[
        str | None,
        typer.Argument(
            metavar="SWEEP.toml",
            help="What to fit: sources, laws, noises, splits, seeds and verbs. Or `merge`, to join what is finished.",
        ),
    ] = None,
    folder: Annotated[str | None, typer.Argument(metavar="[FOLDER]", help="Of `merge`: that of the sweep.")] = None,
    out: Out = None,
    resume: Annotated[
        str | None, typer.Option(metavar="DIR", help="Resume the sweep in this folder, as it was given then.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many fits there are, what memory and what time they take.")
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            metavar="local|jax|ray",
            help="This process; this process's share, by JAX's own index (TPU pods, Slurm, Kubernetes); a Ray cluster.",
        ),
    ] = "local",
    shard: Annotated[
        str | None, typer.Option(metavar="i/n", help="This process's share of n, i from 0: for any array of jobs.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="Of the Ray cluster; found or started unless given.")] = None,
    cpus: Annotated[int | None, typer.Option(min=1, help="Cores of each chunk on Ray; 1 unless given.")] = None,
    gpus: Annotated[float | None, typer.Option(min=0.0, help="GPUs of each chunk on Ray.")] = None,
    coordinator: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Of --engine jax, where JAX does not find it itself.")
    ] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="How many there are, likewise.")] = None,
    process: Annotated[int | None, typer.Option(min=0, help="Which of them this is, likewise.")] = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Fit a grid of laws, groups, noises, splits and seeds; stop at any moment, and resume with --resume."""
    from .._core import cache
    from ._checks import Checks
    from ._terminal import counting, quiet

    if config == "merge":
        _merge(folder, json)
        return
    options = {
        "ray": {"address": address, "cpus": cpus, "gpus": gpus},
        "jax": {"coordinator": coordinator, "processes": processes, "process": process},
    }
    _refuse(config, folder, out, resume, dry_run, engine, shard, options)
    cache(cache_dir)
    if dry_run:
        _dry_run(config or "", json)
        return
    to = resume or out or ""
    leaves(f"finished chunks are in {to!r}: resume with scalefit sweep --resume {to}")
    share, of_engine = None if shard is None else share_of(shard), options.get(engine, {})
    if engine == "ray":
        of_engine = {"address": address, "cpus": cpus or 1, "gpus": gpus or 0.0}
    checks = Checks()
    with quiet(json, checks), counting() as tell:
        swept = sf.sweep(config, out=to, engine=engine, shard=share, progress=tell, **of_engine)  # pyright: ignore[reportArgumentType]  a known engine
    names = ("fits", "done", "failed", "seconds", "rate")
    found = {name: getattr(swept, name) for name in names}
    if config is not None:
        from ..sweeps import read_config, sources_of

        read_as, base = read_config(config)
        checks.allow = read_as.allow
        for runs in sources_of(read_as, base):
            checks.of(runs)
    found |= {"chunks_failed": dict(swept.chunks_failed), "out": swept.path, "checks": checks.document()}
    if json:
        print_document(found)
    else:
        typer.echo("\n".join(map(visible, _account(found))))
        checks.show()
    if swept.chunks_failed:
        raise typer.Exit(CHUNKS_FAILED)


def share_of(text: str) -> tuple[int, int]:
    """Place of a share and their number, from `2/8`: places from 0 to 7.

    **Raises:** `InputError` for another form.
    """
    index, slash, count = text.partition("/")
    if not slash or not index.strip().isdecimal() or not count.strip().isdecimal() or int(index) >= int(count):
        raise InputError("shard", text, "i/n with i from 0 to n - 1, as 0/8 for the first of eight")
    return int(index), int(count)


def _refuse(
    config: str | None, folder: str | None, out: str | None, resume: str | None, dry_run: bool, engine: str,
    shard: str | None, options: Mapping[str, Mapping[str, Any]],
) -> None:  # fmt: skip
    """Raise for options that do not go together."""
    if folder is not None:
        raise InputError("The argument", Phrase(f"{folder!r} is one too many"), "`scalefit sweep SWEEP.toml --out DIR`")
    from ..sweeps import ENGINES

    check_choice("engine", engine, ENGINES)
    if config is None and resume is None:
        remedy = "give a sweep, as scalefit sweep SWEEP.toml --out DIR, or --resume DIR to resume one"
        raise InputError("SWEEP.toml", Phrase("was not given"), remedy=remedy)
    if dry_run:
        if config is None:
            raise InputError("dry_run", Phrase("is of a sweep that is to come"), remedy="give its file, SWEEP.toml")
        return
    if (out is None) == (resume is None):
        both = Phrase("was not given, nor `resume`" if out is None else "and `resume` were both given")
        remedy = "give --out DIR for a new sweep, or --resume DIR to resume one, and not both"
        raise InputError("out", both, remedy=remedy)
    if shard is not None and engine != "local":
        said = Phrase(f"is a share that you choose, and --engine {engine} chooses itself")
        raise InputError("shard", said, remedy="leave one out")
    for other, given in options.items():
        for argument, value in given.items():
            if other != engine and value is not None:
                raise InputError(argument, Phrase(f"goes with --engine {other}, and this is --engine {engine}"),
                                 remedy="leave it out")  # fmt: skip


def _merge(folder: str | None, json: bool) -> None:
    from ._terminal import quiet

    if folder is None:
        raise InputError(
            "FOLDER", Phrase("was not given"), remedy="say which sweep to merge: scalefit sweep merge FOLDER"
        )
    with quiet(json):
        path = sf.merge(folder)
    if json:
        print_document({"results": path})
    else:
        typer.echo(f"written to {path}")


def _dry_run(config: str, json: bool) -> None:
    from ._terminal import quiet

    with quiet(json):
        if not json:
            first = sf.outline(config, trial=False)
            size = f"chunks of {first.bytes / 1e6:,.3g} MB at most"
            typer.echo(f"{first.fits:,} fits in {first.chunks:,} {size}; trying some for the time")
        found = sf.outline(config)
    if json:
        document: dict[str, Any] = {name: getattr(found, name) for name in ("fits", "chunks", "bytes", "seconds")}
        kinds = [kind._asdict() for kind in found.kinds]
        print_document(document | {"kinds": kinds, "notes": list(found.notes)})
        _end_trials()
        return
    for kind in found.kinds:
        typer.echo(
            visible(f"  {kind.law}, {kind.noise}, {kind.verb}: {kind.fits:,} fits, about {duration(kind.seconds)}")
        )
    typer.echo(f"about {duration(found.seconds)} on this machine, compilation included")
    for note in found.notes:
        typer.echo(visible(f"note: {note}"))
    _end_trials()


def _end_trials() -> None:
    """End the process where a trial still compiles, for which an orderly end would wait."""
    from ..sweeps import TRIAL

    own = sys.stdout is sys.__stdout__  # and not another program's
    if own and any(thread.name == TRIAL for thread in threading.enumerate()):
        finish()
        os._exit(0)


def _account(found: Mapping[str, Any]) -> list[str]:
    """Account of what was done, for people."""
    done = f"{found['done']:,} of {found['fits']:,} fits done in {duration(found['seconds'])}"
    failed = f"{found['failed']:,} have no optimum" + (": see the column message" if found["failed"] else "")
    lines = [f"{done}, {number(found['rate'], 3)} a second; {failed}"]
    lines += [f"chunk {name} failed: {why}" for name, why in found["chunks_failed"].items()]
    path = found["out"]
    whole = found["done"] == found["fits"]
    more = f"{path}/results.parquet" if whole else f"{path}; resume with scalefit sweep --resume {path}"
    return [*lines, f"written to {more}"]
