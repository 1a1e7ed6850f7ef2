"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on standard output.")]
Level = Annotated[float, typer.Option(help="Probability of the intervals.")]
Seed = Annotated[int, typer.Option(help="Seed of starts and resamples.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write the result, its arrays and figures into this folder.")
]
CacheDir = Annotated[
    str | None,
    typer.Option(
        "--cache-dir",
        metavar="DIR",
        envvar="SCALEFIT_CACHE",
        help="Where compiled code is kept between runs; 'off' keeps none. The user's cache folder unless given.",
    ),
]
