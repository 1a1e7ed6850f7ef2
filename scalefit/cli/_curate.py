"""`scalefit curate`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ._options import CacheDir, Cluster, Json, Level, Out, Seed

BY_POOL = "POOL=NUMBER,…"


def curate(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A table of runs that says of each which pool (or plan) it was trained on, a folder written by "
            "`scalefit fit --out`, or data:NAME; data:qqt holds fitted pools.",
        ),
    ],
    budgets: Annotated[
        str, typer.Option(metavar="NUMBER,…", help="Samples to spend, repeats included, as 32M,128M,3e9.")
    ],
    law: Annotated[
        str | None,
        typer.Option(
            metavar="LAW",
            help="qqt, overfit, effective, data-constrained or exchange; your file.py:Class. qqt unless given.",
        ),
    ] = None,
    half_life: Annotated[
        str,
        typer.Option(
            metavar="weighted|own|G",
            help="How the half-life of a pool in a mixture follows from its own: over its weight, as it is, or over "
            "the weight to the power G.",
        ),
    ] = "weighted",
    floor: Annotated[
        str, typer.Option(metavar="outside|released", help="Whether the floor d decays too, as in the released code.")
    ] = "outside",
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=HEADER,…", help="What the headers mean, as pool=subset,n=images."),
    ] = None,
    where: Annotated[str | None, typer.Option(help="Rows to keep, as \"kind != 'mixture' and n >= 1k\".")] = None,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that was measured.")] = None,
    metric: Annotated[
        str, typer.Option(metavar="auto|error|accuracy|loss", help="What it is; accuracy becomes an error.")
    ] = "auto",
    pools: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Sizes of the pools: a table of pool and size (and cost, max_passes: inf or empty for no limit).",
        ),
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option(metavar=BY_POOL, help="Unique samples of the pools, as A=1024,B=2048.")
    ] = None,
    plans: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What runs on several pools drew: a table of plan and a weight by pool."),
    ] = None,
    unlimited: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,…", help="Pools or plans of which every sample was fresh, none seen twice."),
    ] = None,
    noise: Annotated[
        str | None, typer.Option(metavar="NOISE", help="As of `scalefit fit`: gaussian, huber:1e-3, student-t:4.")
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="Hold a parameter, as d=0.1 or tau[A]=8; may be repeated."),
    ] = None,
    bootstrap: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Resamples behind the intervals; 100 unless given, 0 for none."),
    ] = None,
    cluster: Cluster = None,
    max_passes: Annotated[
        list[str] | None, typer.Option(metavar=BY_POOL, help="How often a pool may be seen, as 4 or A=4,B=inf.")
    ] = None,
    min_weight: Annotated[
        list[str] | None, typer.Option(metavar=BY_POOL, help="Least share of the budget, as 0.05 or A=0.2.")
    ] = None,
    max_weight: Annotated[
        list[str] | None, typer.Option(metavar=BY_POOL, help="Largest share of the budget, as 0.5 or A=0.")
    ] = None,
    fixed_weight: Annotated[
        list[str] | None, typer.Option(metavar=BY_POOL, help="Shares of the budget that are settled, as A=0.2.")
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(
            metavar=BY_POOL,
            help="Cost of a sample; budgets are in its unit then. 1 unless given here or by --pools.",
        ),
    ] = None,
    level: Level = 0.95,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say which pools of data to train on at each budget, in what shares and how often, and how sure that is."""
    begun = time.perf_counter()
    from ._planning import PlanJob, run_curate

    run_curate(
        PlanJob(
            source=source,
            budgets=budgets,
            law=law,
            half_life=half_life,
            floor=floor,
            columns=tuple(columns or ()),
            where=where,
            target=target,
            metric=metric,
            pools=pools,
            size=tuple(size or ()),
            plans=plans,
            unlimited=tuple(unlimited or ()),
            noise=noise,
            fixed=tuple(fixed or ()),
            bootstrap=bootstrap,
            cluster=cluster,
            max_passes=tuple(max_passes or ()),
            min_weight=tuple(min_weight or ()),
            max_weight=tuple(max_weight or ()),
            fixed_weight=tuple(fixed_weight or ()),
            cost=tuple(cost or ()),
            level=level,
            seed=seed,
            out=out,
            json=json,
            cache_dir=cache_dir,
        ),
        begun,
    )
