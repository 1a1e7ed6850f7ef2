"""`scalefit design`."""

from pathlib import Path
from typing import Annotated

import typer

from ._options import Append, CacheDir, Json


def design(
    fit: Annotated[
        str,
        typer.Argument(
            metavar="FIT",
            help="A folder written by `scalefit fit --out FIT`; or, before anything was trained, a published law, as "
            "chinchilla:epoch (see `scalefit laws chinchilla`), with --noise.",
        ),
    ],
    candidates: Annotated[
        str,
        typer.Option(
            metavar="FILE|LAYOUT",
            help="Runs that could be done: a table of the law's inputs; or isoflop, ladder or L between two computes, "
            "as isoflop:1e18,1e20 or ladder:1e18,1e20,levels=4 (points, spread and ratio too). What was done already "
            "may be chosen again, as with another seed: leave it out of the table if that is not meant.",
        ),
    ],
    budget: Annotated[str, typer.Option(metavar="NUMBER", help="What they may cost together, in FLOP, as 1e21.")],
    cost: Annotated[
        str,
        typer.Option(
            metavar="COST",
            help="What a run costs, and a compute C pays for: 6ND, inference:TOKENS, attention:CONTEXT, "
            "embedding:VOCABULARY or moe:SHARE; see `scalefit plan`.",
        ),
    ] = "6ND",
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
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="The runs of the fit, where it was saved without draws, or runs done beside a published law: a file, "
            "or data:NAME.",
        ),
    ] = None,
    append: Append = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=HEADER,…", help="What the headers of --runs mean, as for `scalefit fit`."),
    ] = None,
    where: Annotated[str | None, typer.Option(help="Rows of --runs that were fitted, as for `scalefit fit`.")] = None,
    target_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of --runs that was measured, --target of `scalefit fit`."),
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            help="Scatter of a run, of its logarithm where the fit's noise is, as 0.01; that of the fit unless given.",
        ),
    ] = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="Move N and D of the runs between the candidates, at no more cost.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.csv", help="Write the runs to do, in order, as a table to fill in."),
    ] = None,
    law: Annotated[
        str | None, typer.Option(metavar="FILE.py:Class", help="Your own law, where the result is of one.")
    ] = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say which runs to do next: those that tell the most of a target for what they cost.

    Train them, fill their losses into the table that --out writes, and go on: `scalefit fit … --append next.csv`.
    """
    from ._designing import DesignJob, run_design

    run_design(
        DesignJob(
            fit=fit,
            candidates=candidates,
            budget=budget,
            cost=cost,
            most=most,
            target=target,
            criterion=criterion,
            runs=runs,
            append=tuple(append or ()),
            columns=tuple(columns or ()),
            where=where,
            target_column=target_column,
            noise=noise,
            refine=refine,
            out=out,
            law=law,
            json=json,
            cache_dir=cache_dir,
        )
    )
