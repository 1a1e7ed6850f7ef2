"""`scalefit speedup`: load a ladder, read the runs of another recipe, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import scalefit as sf  # its names are loaded when they are used

from ._config import print_document
from ._options import LEVEL_BEYOND, Allow, CacheDir, Columns, Folder, Json, Level, OwnLaw, PerRun, Target, Where
from ._terminal import ends_of, number


def speedup(
    folder: Folder,
    source: Annotated[Path, typer.Argument(metavar="TABLE", help="Runs of the other recipe, one at least.")],
    columns: Columns = None,
    where: Where = None,
    target: Target = None,
    per_run: PerRun = None,
    along: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A size that grows with compute; may be repeated.")
    ] = None,
    level: Level = None,
    law: OwnLaw = None,
    allow: Allow = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say how many times the compute the ladder in DIR needs for the loss of runs of another recipe."""
    level = level or LEVEL_BEYOND
    from .._core import cache
    from ._checks import Checks
    from ._terminal import quiet
    from ._words import read_source, result_of

    checks = Checks(allow)
    with quiet(json, checks):
        result = result_of(folder, law)
        runs = read_source(str(source), columns, where, target, per_run=per_run)
        checks.of_saved(result, folder)
        checks.of(runs)
        cache(cache_dir)
        one = sf.speedup(result, runs, along=along, level=level)
    found = {
        "factor": ends_of(one.factor), "gap": one.gap, "probability": one.probability, "runs": one.runs, "level": level,
        "notes": list(one.notes), "checks": checks.document(),
    }  # fmt: skip
    if json:
        print_document(found)
        return
    from ._show import console, say_notes

    out, factor = console(), found["factor"]
    ends = ["0" if factor["low"] == 0.0 else number(factor["low"], 3),
            "no upper end" if factor["high"] == float("inf") else number(factor["high"], 3)]  # fmt: skip
    value = "never reached" if factor["value"] == float("inf") else number(factor["value"], 3)
    out.print(f"compute of the ladder over that of {one.runs} run{'s' * (one.runs != 1)}: {value}")
    out.print(f"{100 * level:g} %: {ends[0]} … {ends[1]}; better with a probability of {number(one.probability, 3)}")
    say_notes(out, found["notes"])
    checks.show(out)
