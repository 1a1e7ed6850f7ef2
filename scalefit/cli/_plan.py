"""`scalefit plan`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ._options import CacheDir, Json, Level


def plan(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder written by `scalefit fit --out DIR`.")],
    budget: Annotated[
        list[str] | None,
        typer.Option(metavar="FLOP,…", help="Compute to spend, as 1e24 or 1e22,1e24; may be repeated."),
    ] = None,
    target_loss: Annotated[
        list[str] | None,
        typer.Option(metavar="LOSS,…", help="Say what compute reaches a loss, in place of budgets or beside them."),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N,…",
            help="Sizes to judge beside the best of each budget, as 7B,13B: how far their loss lies above its, and how "
            "much of the budget they waste; may be repeated.",
        ),
    ] = None,
    cost: Annotated[
        str,
        typer.Option(
            metavar="COST",
            help="What a budget pays for: 6ND, inference:TOKENS (served in the model's life), attention:CONTEXT, "
            "embedding:VOCABULARY, moe:SHARE (of the parameters that a token meets).",
        ),
    ] = "6ND",
    unique: Annotated[str | None, typer.Option(metavar="TOKENS", help="Unique tokens there are, as 2T.")] = None,
    max_passes: Annotated[str | None, typer.Option(metavar="NUMBER", help="How often they may be seen.")] = None,
    min_size: Annotated[str | None, typer.Option("--min-N", metavar="NUMBER", help="The least size, as 1B.")] = None,
    max_size: Annotated[str | None, typer.Option("--max-N", metavar="NUMBER", help="The largest size.")] = None,
    hold: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="A further input of the law; may be repeated.")
    ] = None,
    level: Level = 0.95,
    law: Annotated[
        str | None, typer.Option(metavar="FILE.py:Class", help="Your own law, where the result is of one.")
    ] = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say what size to train on how much data for a budget, how sure that is, and which sizes are as good."""
    begun = time.perf_counter()
    from ._allocating import AllocateJob, run_plan

    run_plan(
        AllocateJob(
            folder=folder,
            budget=tuple(budget or ()),
            target_loss=tuple(target_loss or ()),
            size=tuple(size or ()),
            cost=cost,
            unique=unique,
            max_passes=max_passes,
            min_N=min_size,
            max_N=max_size,
            hold=tuple(hold or ()),
            level=level,
            law=law,
            json=json,
            cache_dir=cache_dir,
        ),
        begun,
    )
