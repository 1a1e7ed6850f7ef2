"""Chunks as tasks of a Ray cluster: what a lost worker had in hand runs again elsewhere."""

import functools
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jax

from .._core import InputError
from ._config import Config
from ._engines import Outcome, do
from ._folder import folder_at
from ._grid import Chunk, Grid, grid_of
from ._manifest import digest_of

AHEAD = 2
"""Chunks handed out for each that runs, so that no worker waits for the next."""
RETRIES = 5
"""How often a chunk whose worker was lost is begun again."""


def on_ray(
    path: str, config: Config, base: Path, sweep: str, todo: Iterable[Chunk], *,
    address: str | None, cpus: int, gpus: float,
) -> Iterator[Outcome]:  # fmt: skip
    """Hand out the chunks; outcomes come as they end.

    **Arguments:**

    - `path`: The folder of the sweep, which every node sees.
    - `config`, `base`, `sweep`: The sweep; each worker reads its sources itself, once.
    - `todo`: The chunks.
    - `address`: Of the cluster; found, or started on this machine, unless given.
    - `cpus`, `gpus`: What a chunk takes of a node.

    **Raises:** `InputError` without Ray, or where its cluster cannot be reached.
    """
    try:
        import ray
    except ImportError:
        raise InputError("--engine ray needs Ray: pip install 'scalefit[ray]'.") from None
    began = not ray.is_initialized()
    if began:
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(
                f"The Ray cluster at {address!r} cannot be reached: {str(error).splitlines()[0]}"
            ) from None
    try:
        _refuse_cpus(ray, cpus)
        task = ray.remote(_done_by_worker).options(
            num_cpus=cpus,
            num_gpus=gpus,
            max_retries=RETRIES,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": _environment(cpus)},
        )
        yield from _handed_out(ray, task, ray.put((config, base)), path, sweep, todo, cpus)
    finally:
        if began:
            ray.shutdown()


def _refuse_cpus(ray: Any, cpus: int) -> None:
    """Say what Ray would wait for without end."""
    most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if cpus > most:
        raise InputError(f"cpus is {cpus}, and no node of the Ray cluster has more than {most:g}: ask for fewer.")


def _environment(cpus: int) -> dict[str, str]:
    """Of the workers: their cores, and the folder of compiled code that this process has, where it has one."""
    kept = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    more = {"JAX_COMPILATION_CACHE_DIR": str(kept), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"} if kept else {}
    return {"SCALEFIT_CORES": str(cpus)} | more


def _handed_out(
    ray: Any, task: Any, given: Any, path: str, sweep: str, todo: Iterable[Chunk], cpus: int
) -> Iterator[Outcome]:
    waiting: dict[Any, Chunk] = {}
    chunks = iter(todo)
    while True:
        room = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)) // cpus)
        while len(waiting) < room and (chunk := next(chunks, None)) is not None:
            waiting[task.remote(given, path, sweep, chunk)] = chunk
        if not waiting:
            return
        (ended, *_), _ = ray.wait(list(waiting), num_returns=1)
        chunk = waiting.pop(ended)
        try:
            yield Outcome(*ray.get(ended))
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, InputError):
                raise InputError(str(cause)) from None
            raise InputError(
                f"A worker of Ray cannot do its chunks ({cause!r}): every node needs this version of scalefit, and the "
                f"folder and sources of the sweep under the same paths."
            ) from None
        except ray.exceptions.RayError as error:
            yield Outcome(chunk, f"its workers were lost {RETRIES + 1} times ({type(error).__name__})")


def _done_by_worker(given: tuple[Config, Path], path: str, sweep: str, chunk: Chunk) -> tuple[Any, ...]:
    return tuple(do(folder_at(path), _grid(sweep, _Given(*given)), sweep, Chunk(*chunk)))


class _Given:
    """A sweep that is known by its digest, and need not be compared."""

    def __init__(self, config: Config, base: Path):
        self.config, self.base = config, base

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Given)


@functools.lru_cache(maxsize=1)
def _grid(sweep: str, given: _Given) -> Grid:
    """The grid of a worker, whose sources are read once.

    **Raises:** `InputError` where what it reads is not the sweep that was begun.
    """
    grid = grid_of(given.config, given.base)
    if digest_of(grid) != sweep:
        raise InputError("A worker of Ray reads other sources than those the sweep was begun with: bring them back.")
    return grid
