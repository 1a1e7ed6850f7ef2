"""`scalefit predict`."""

from pathlib import Path
from typing import Annotated

import typer

from ._options import CacheDir, Json, Level


def predict(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder written by `scalefit fit --out DIR`.")],
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="NAME=NUMBER…", help="Every input of the law, as N=70B D=1.4T or N=1B,7B,70B."),
    ],
    level: Level = 0.95,
    new_run: Annotated[
        bool, typer.Option("--new-run", help="Intervals for one new run, its own scatter included, not for the curve.")
    ] = False,
    law: Annotated[
        str | None, typer.Option(metavar="FILE.py:Class", help="Your own law, where the result is of one.")
    ] = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say what a saved fit predicts, and how sure it is."""
    from ._forecast import run_predict

    run_predict(folder, inputs, level=level, new_run=new_run, law=law, json=json, cache_dir=cache_dir)
