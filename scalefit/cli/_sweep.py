"""`scalefit sweep`."""

from typing import Annotated

import typer

from ._options import CacheDir, Json


def sweep(
    config: Annotated[
        str | None,
        typer.Argument(
            metavar="SWEEP.toml",
            help="What to fit: sources, laws, noises, splits, seeds and verbs. Or `merge`, to join what is finished.",
        ),
    ] = None,
    folder: Annotated[str | None, typer.Argument(metavar="DIR", help="Of `merge`: the sweep.")] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where results go: a folder that every host sees, or a bucket as s3://…"),
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="DIR", help="Go on with the sweep in this folder, as it was given then.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many fits there are, what memory and what time they take.")
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            metavar="local|jax|ray",
            help="This process; this process's share, by JAX's own index (TPU pods, Slurm, Kubernetes); a Ray cluster.",
        ),
    ] = "local",
    shard: Annotated[
        str | None, typer.Option(metavar="i/n", help="This process's share of n, i from 0: for any array of jobs.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="Of the Ray cluster; found or started unless given.")] = None,
    cpus: Annotated[int | None, typer.Option(min=1, help="Cores of each chunk on Ray; 1 unless given.")] = None,
    gpus: Annotated[float | None, typer.Option(min=0.0, help="GPUs of each chunk on Ray.")] = None,
    coordinator: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Of --engine jax, where JAX does not find it itself.")
    ] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="How many there are, likewise.")] = None,
    process: Annotated[int | None, typer.Option(min=0, help="Which of them this is, likewise.")] = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Fit a grid of laws, groups, noises, splits and seeds; stop at any moment, and go on with --resume."""
    from ._sweeping import SweepJob, run_sweep

    run_sweep(
        SweepJob(
            config=config,
            folder=folder,
            out=out,
            resume=resume,
            dry_run=dry_run,
            engine=engine,
            shard=shard,
            address=address,
            cpus=cpus,
            gpus=gpus,
            coordinator=coordinator,
            processes=processes,
            process=process,
            json=json,
            cache_dir=cache_dir,
        )
    )
