"""`scalefit design`."""

from pathlib import Path
from typing import Annotated

import typer

from ._options import CacheDir, Json


def design(
    folder: Annotated[Path, typer.Argument(metavar="FIT", help="A folder written by `scalefit fit --out FIT`.")],
    candidates: Annotated[
        Path, typer.Option(metavar="FILE", help="Runs that could be done: a table of the law's inputs.")
    ],
    budget: Annotated[str, typer.Option(metavar="NUMBER", help="What they may cost together, in FLOP, as 1e21.")],
    most: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="The most runs; what the budget pays for unless given.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="WHAT@WHERE", help="What they are to tell: loss@C=1e24, loss@N=70B,D=1.4T or N@C=1e24."),
    ] = None,
    criterion: Annotated[
        str,
        typer.Option(
            metavar="V|D|regret", help="Variance of the target, volume of what is unknown, or loss from a wrong N."
        ),
    ] = "V",
    runs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The runs of the fit, where it was saved without draws."),
    ] = None,
    noise: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Scatter of a run's log loss; that of the fit unless given.")
    ] = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="Move N and D of the runs between the candidates, at no more cost.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.csv", help="Write the runs to do, in order, as a table.")
    ] = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say which runs to do next: those that tell the most of a target for what they cost.

    Train them, add their losses to the table of runs, fit again and ask again.
    """
    from ._designing import run_design

    run_design(
        folder, candidates, budget=budget, most=most, target=target, criterion=criterion, runs=runs, noise=noise,
        refine=refine, out=out, json=json, cache_dir=cache_dir,
    )  # fmt: skip
