"""Chunks as tasks of a Ray cluster: what a lost worker had in hand runs again elsewhere."""

import dataclasses
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jax

from .._core import InputError, Phrase
from ._config import Config
from ._engines import Outcome, do, failed
from ._folder import Folder
from ._grid import Chunk, Grid, grid_of
from ._manifest import digest_of

RETRIES = 5
"""Times that a chunk is begun again after its worker was lost."""


def on_ray(
    folder: Folder, grid: Grid, base: Path, sweep: str, todo: Iterable[Chunk], *,
    address: str | None, cpus: int, gpus: float,
) -> Iterator[Outcome]:  # fmt: skip
    """Hand out the chunks; outcomes come as they end.

    **Arguments:**

    - `folder`: Of the sweep, which every node sees under the same path.
    - `grid`, `base`, `sweep`: The sweep; each worker reads its sources itself, once.
    - `todo`: The chunks.
    - `address`: Of the cluster; found, or started on this machine, unless given.
    - `cpus`, `gpus`: What a chunk takes of a node.

    **Raises:** `InputError` without Ray, or where its cluster cannot be reached.
    """
    try:
        import ray
    except ImportError:
        raise InputError("engine", "ray", "Ray to be installed", "install it: pip install ray") from None
    began = not ray.is_initialized()
    if began:
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            why = Phrase(f"cannot be reached: {str(error).splitlines()[0]}")
            raise InputError(f"The Ray cluster at {address!r}", why) from None
    try:
        _refuse_cpus(ray, cpus)
        task = ray.remote(_done_by_worker).options(
            num_cpus=cpus,
            num_gpus=gpus,
            max_retries=RETRIES,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": _environment(cpus)},
        )
        given = ray.put((grid.config, base, grid.sizes, sweep, folder.path))
        for chunk, lost, outcome in _handed_out(ray, task, given, todo, cpus):
            yield failed(folder, grid, sweep, chunk, lost) if outcome is None else outcome
    finally:
        if began:
            ray.shutdown()


def _refuse_cpus(ray: Any, cpus: int) -> None:
    """Say what Ray would wait for without end."""
    most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if cpus > most:
        raise InputError("cpus", cpus, f"at most {most:g}, as no node of the Ray cluster has more")


def _environment(cpus: int) -> dict[str, str]:
    """Environment of the workers: their cores, and the folder of compiled code of this process, if any."""
    kept = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]  declared at run time
    more = {"JAX_COMPILATION_CACHE_DIR": str(kept), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"} if kept else {}
    return {"SCALEFIT_CORES": str(cpus)} | more


def _handed_out(
    ray: Any, task: Any, given: Any, todo: Iterable[Chunk], cpus: int
) -> Iterator[tuple[Chunk, str, Outcome | None]]:
    """Each chunk as it ends, why Ray gave it up, and its outcome where it did not."""
    waiting: dict[Any, Chunk] = {}
    chunks = iter(todo)
    while True:
        # Two chunks are handed out for each that runs, so that no worker waits for the next.
        room = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)) // cpus)
        while len(waiting) < room and (chunk := next(chunks, None)) is not None:
            waiting[task.remote(given, chunk)] = chunk
        if not waiting:
            return
        (ended, *_), _ = ray.wait(list(waiting), num_returns=1)
        chunk = waiting.pop(ended)
        try:
            yield chunk, "", Outcome(*ray.get(ended))
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, InputError):
                raise cause from None
            remedy = "give every node this version of scalefit, and the folder and sources under the same paths"
            raise InputError("A worker of Ray", Phrase(f"cannot do its chunks ({cause!r})"), remedy=remedy) from None
        except ray.exceptions.RayError as error:
            yield chunk, f"Ray lost its workers {RETRIES + 1} times ({type(error).__name__})", None


_Given = tuple[Config, Path, tuple[int, ...], str, str]
"""A sweep: its description, the folder its files are relative to, its chunks' sizes, its digest and its folder."""


def _done_by_worker(given: _Given, chunk: Chunk) -> tuple[Any, ...]:
    *_, sweep, path = given
    return tuple(do(Folder(path), _grid(given), sweep, Chunk(*chunk)))


_known: dict[str, Grid] = {}
"""The sweep that this worker is at, whose sources are read once."""


def _grid(given: _Given) -> Grid:
    """The grid as a worker reads it.

    **Raises:** `InputError` where what it reads is not the sweep that was begun.
    """
    config, base, sizes, sweep, _ = given
    if sweep not in _known:
        grid = grid_of(config, base)
        if digest_of(grid) != sweep:
            reads = Phrase("reads other sources than those the sweep was begun with")
            raise InputError("A worker of Ray", reads, remedy="bring them back")
        _known.clear()
        _known[sweep] = dataclasses.replace(grid, sizes=sizes)
    return _known[sweep]
