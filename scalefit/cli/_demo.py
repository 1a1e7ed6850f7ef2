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
    law: Annotated[
        str, typer.Option(metavar="pools|chinchilla", help="Which of the bundled runs: pools of data, or sizes.")
    ] = "pools",
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Fit the runs that ship with the package, end to end: a law with intervals, plans, pictures, a verdict."""
    begun = time.perf_counter()
    from ._showcase import run_demo

    run_demo(out, begun, law=law, json=json, cache_dir=cache_dir)
