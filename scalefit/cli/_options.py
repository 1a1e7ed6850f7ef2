"""Arguments and options that several commands share: one name has one meaning, wherever it stands.

The names of their parameters are those of the library's arguments.
"""

from pathlib import Path
from typing import Annotated

import typer

LEVEL, LEVEL_BEYOND = 0.95, 0.9
"""Probability of intervals unless given: of what the runs say, and of what lies beyond them."""
BY_POOL = "POOL=NUMBER,…"


def _resamples(value: int | None) -> int | None:
    if value == 1:
        raise typer.BadParameter("1 resample says nothing; expected 2 or more, or 0 for none")
    return value


def _probability(value: float | None) -> float | None:
    if value is not None and not 0.0 < value < 1.0:
        raise typer.BadParameter(f"{value:g} is no probability; expected a number between 0 and 1, as 0.95")
    return value


# What is read.
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A table of runs (CSV, TSV, JSON, JSONL or Parquet), or data:NAME (see `scalefit data list`).",
    ),
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder written by `scalefit fit --out DIR`.")]
FitOrLaw = Annotated[
    str,
    typer.Argument(
        metavar="FIT", help="A folder written by `scalefit fit --out FIT`; or a published law, as chinchilla:epoch."
    ),
]
_law = typer.Option(
    "--law",
    metavar="LAW",
    help="A name (see `scalefit laws`; bnsl:2 has two breaks) or your own file.py:Class; of compare several, as "
    "chinchilla,kaplan; of fit also auto: of all laws whose inputs the runs have, the one that would have foreseen the "
    "larger runs best. Unless given: chinchilla of check, qqt of curate, mixing-exp of mix.",
)
Law = Annotated[str, _law]
AnyLaw = Annotated[str | None, _law]
OwnLaw = Annotated[
    str | None, typer.Option("--own-law", metavar="FILE.py:Class", help="Your own law, where the result is of one.")
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
Target = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="COLUMN",
        help="The column that was measured; may be repeated for several, of mix also as '*_loss'.",
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
PerRun = Annotated[
    str | None,
    typer.Option(
        "--per-run",
        metavar="last|least|smoothed[:N]",
        help="Keep one row of each run of a table of checkpoints: its last, that of its least loss, or the last with "
        "the mean of the last N losses, 5 unless given.",
    ),
]
Sizes = Annotated[
    list[str] | None,
    typer.Option(
        "--pool-size", metavar=BY_POOL, help="Unique samples of the pools, as A=1024,B=2048, for a law of pools."
    ),
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
Bootstrap = Annotated[
    int | None,
    typer.Option(
        "--bootstrap",
        min=0,
        callback=_resamples,
        metavar="N",
        help="Refit N resamples of the runs for errors and intervals, 2 or more; 0 for none. Unless given: fit and mix "
        "have intervals to first order, and curate refits 100.",
    ),
]
_budget = typer.Option(
    "--budget",
    metavar="NUMBER,…",
    help="What may be spent, as 1e24 or 1e22,1e24: FLOP; of curate samples, repeats included. May be repeated; design "
    "takes one.",
)
Budget = Annotated[list[str], _budget]
AnyBudget = Annotated[list[str] | None, _budget]
MaxPasses = Annotated[
    list[str] | None,
    typer.Option("--max-passes", metavar=BY_POOL, help="How often data may be seen, as 4; of pools also as A=4,B=inf."),
]
At = Annotated[
    list[str] | None,
    typer.Option("--at", metavar="NAME=NUMBER", help="A further input of the law, as D=1e12; may be repeated."),
]
Criterion = Annotated[
    str,
    typer.Option(
        "--criterion",
        metavar="V|D|regret",
        help="Variance of the target, volume of what is unknown, or loss from a wrong N.",
    ),
]
Cost = Annotated[
    str,
    typer.Option(
        "--cost",
        metavar="COST",
        help="What a compute pays for: 6ND, inference:TOKENS (served in the model's life), attention:CONTEXT, "
        "embedding:VOCABULARY, moe:SHARE (of the parameters that a token meets).",
    ),
]
Level = Annotated[
    float | None,
    typer.Option(
        "--level",
        callback=_probability,
        help="Probability of the intervals: 0.95 unless given; 0.9 of forecast and speedup, as it was measured there.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of starts, resamples and draws.")]
MaxSteps = Annotated[
    int, typer.Option(min=1, metavar="N", help="Passes over the runs allowed to one start; beyond 300 while it gains.")
]

# What is said and kept.
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on standard output.")]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="PATH",
        help="Where to write: a folder for the result, its arrays and figures, of sweep also in a bucket, as s3://…; a "
        "table FILE.csv of design; a page FILE.html of report.",
    ),
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
