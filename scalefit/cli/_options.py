"""Options that several commands share; the names of their parameters are those of the library's arguments."""

from pathlib import Path
from typing import Annotated

import typer

BY_POOL = "POOL=NUMBER,…"


def _probability(value: float) -> float:
    if not 0.0 < value < 1.0:
        raise typer.BadParameter(f"{value:g} is no probability; expected a number between 0 and 1, as 0.95")
    return value


# What is read.
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder written by `scalefit fit --out DIR`.")]
FolderOrLaw = Annotated[
    str,
    typer.Argument(
        metavar="DIR", help="A folder written by `scalefit fit --out DIR`; or a published law, as chinchilla:epoch."
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=HEADER,…",
        help='What the headers of the runs mean, as N="Model Size",C="Training FLOP" or pool=subset,n=images.',
    ),
]
Where = Annotated[
    str | None, typer.Option(help='Runs to keep, as "loss < 3.44 and N >= 1B" or "kind != \'mixture\' and n >= 1k".')
]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that was measured.")]
Append = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        help="A table of runs done since, as `scalefit design --out` writes it, or in the headers of the first; rows "
        "whose loss is empty are left out. May be repeated; --columns holds for it too, and "
        "--where if it has the columns that this names.",
    ),
]
Sizes = Annotated[
    list[str] | None,
    typer.Option("--size", metavar=BY_POOL, help="Unique samples of the pools, as A=1024,B=2048, for a law of pools."),
]
PoolsFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The same from a table of pool and size (for plans also cost, max_passes: inf or empty for no limit).",
    ),
]
PlansFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What runs on several pools drew: a table of plan and a weight by pool."),
]
LawFile = Annotated[str | None, typer.Option(metavar="FILE.py:Class", help="Your own law, where the result is of one.")]

# How it is fitted and planned.
Noise = Annotated[
    str | None,
    typer.Option(
        metavar="NOISE",
        help="gaussian, huber:1e-3, student-t:4 or asymmetric:10, on logarithms; with :value at the end, on "
        "values; gaussian:absolute takes se as it is. "
        "student-t:4 unless given; gaussian where runs are few for the numbers of the law.",
    ),
]
Fixed = Annotated[
    list[str] | None,
    typer.Option("--fixed", metavar="NAME=NUMBER", help="Hold a parameter, as E=1.7 or tau[A]=8; may be repeated."),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="CHECK",
        help="Go on where this check says that nothing should be made of the table, as units.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="What is resampled, or of a posterior errs together, as one, or none. Unless given: seeds where six or "
        "more stand under all plans, else trainings.",
    ),
]
Cost = Annotated[
    str,
    typer.Option(
        metavar="COST",
        help="What a compute pays for: 6ND, inference:TOKENS (served in the model's life), attention:CONTEXT, "
        "embedding:VOCABULARY, moe:SHARE (of the parameters that a token meets).",
    ),
]
Level = Annotated[float, typer.Option(callback=_probability, help="Probability of the intervals.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of starts, resamples and draws.")]
MaxSteps = Annotated[
    int, typer.Option(min=1, metavar="N", help="Passes over the runs allowed to one start; beyond 300 while it gains.")
]

# What is said and kept.
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on standard output.")]
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
