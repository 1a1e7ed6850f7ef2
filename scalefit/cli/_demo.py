"""`scalefit demo`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ._options import CacheDir, Json


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the result and its pictures go.")] = Path(
        "scalefit-demo"
    ),
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Fit the runs that ship with the package, end to end: a law, its intervals, pictures and a verdict in words."""
    begun = time.perf_counter()
    from ._showcase import run_demo

    run_demo(out, begun, json=json, cache_dir=cache_dir)
