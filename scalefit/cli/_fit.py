"""`scalefit fit`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ._options import Append, CacheDir, Cluster, Json, Level, MaxSteps, Out, Seed


def fit(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A CSV, TSV, JSONL, JSON or Parquet file, or data:NAME (see `scalefit data list`)."
        ),
    ],
    law: Annotated[
        str,
        typer.Option(
            metavar="LAW", help="A name (see `scalefit laws`; bnsl:2 has two breaks), or your own file.py:Class."
        ),
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=HEADER,…", help='What the headers mean, as N="Model Size",C="Training FLOP".'),
    ] = None,
    where: Annotated[str | None, typer.Option(help='Rows to keep, as "loss < 3.44 and N >= 1B".')] = None,
    append: Append = None,
    by: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Fit each value of this column by itself, as one batch.")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that was measured.")] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(metavar="POOL=NUMBER,…", help="Of a law of pools: their unique samples, as A=1024,B=2048."),
    ] = None,
    pools: Annotated[Path | None, typer.Option(metavar="FILE", help="The same from a table of pool and size.")] = None,
    plans: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What runs on several pools drew: a table of plan and a weight by pool."),
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(
            metavar="NOISE",
            help="gaussian, huber:1e-3 or student-t:4, on logarithms; with :value at the end, on values. "
            "huber:1e-3 unless given.",
        ),
    ] = None,
    fixed: Annotated[
        list[str] | None, typer.Option(metavar="NAME=NUMBER", help="Hold a parameter, as E=1.7; may be repeated.")
    ] = None,
    bootstrap: Annotated[
        int | None, typer.Option(min=2, metavar="N", help="Refit N resamples of the runs, for errors and intervals.")
    ] = None,
    posterior: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Draw N from the posterior of the parameters instead. Runs then scatter as --noise says, Huber with "
            "its proper density (a normal centre, exponential tails); --noise student-t:4 is recommended.",
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            metavar="auto|is|nuts|svi",
            help="How the posterior is drawn: importance sampling, the No-U-Turn sampler, a variational "
            "approximation; auto takes the first whose diagnosis is good.",
        ),
    ] = None,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=DISTRIBUTION(…)",
            help="Prior of a parameter for --posterior, by NumPyro's name, as 'alpha=Normal(0.35, 0.1)'; scale is "
            "the scatter of the runs, training what rows of one training share, as a multiple of it. Weak ones unless "
            "given; may be repeated.",
        ),
    ] = None,
    cluster: Cluster = None,
    level: Level = 0.95,
    seed: Seed = 0,
    solver: Annotated[str, typer.Option(metavar="SOLVER", help="newton, or lbfgs or adam of Optax.")] = "newton",
    starts: Annotated[int | None, typer.Option(min=1, metavar="N", help="Starts to polish.")] = None,
    max_steps: MaxSteps = 300,
    out: Out = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Fit a law to runs; print its parameters, how sure they are, and what was done to get them."""
    begun = time.perf_counter()
    from ._job import Job, run_fit

    run_fit(
        Job(
            source=source,
            law=law,
            columns=tuple(columns or ()),
            where=where,
            append=tuple(append or ()),
            by=tuple(by or ()),
            target=target,
            size=tuple(size or ()),
            pools=pools,
            plans=plans,
            noise=noise,
            fixed=tuple(fixed or ()),
            bootstrap=bootstrap,
            posterior=posterior,
            sampler=sampler,
            prior=tuple(prior or ()),
            cluster=cluster,
            level=level,
            seed=seed,
            solver=solver,
            starts=starts,
            max_steps=max_steps,
            out=out,
            json=json,
            cache_dir=cache_dir,
        ),
        begun,
    )
