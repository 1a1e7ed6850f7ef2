"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer


def _probability(value: float) -> float:
    if not 0.0 < value < 1.0:
        raise typer.BadParameter(f"{value:g} is no probability; expected a number between 0 and 1, as 0.95")
    return value


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on standard output.")]
Level = Annotated[float, typer.Option(callback=_probability, help="Probability of the intervals.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of starts, resamples and draws.")]
MaxSteps = Annotated[int, typer.Option(min=1, metavar="N", help="Passes over the runs allowed to one start.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="What is resampled, or of a posterior errs together, as one, or none. Unless given: seeds where six or "
        "more stand under all plans, else trainings.",
    ),
]
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
Append = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        help="A table of runs done since, as `scalefit design --out` writes it, or in the headers of the first; rows "
        "whose loss is empty are left out. May be repeated; --columns holds for it too, and "
        "--where if it has the columns that this names.",
    ),
]
