"""Who does which chunks: this process, its share of them, or a cluster. None passes an array to another."""

import functools
import io
import json
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax

from .._core import Finding, InputError, Phrase
from ._chunk import Laid, done, laid
from ._folder import Folder
from ._grid import Chunk, Grid
from ._manifest import CHUNKS, FAILED, file_of

ENGINES = ("local", "jax", "ray")


class Outcome(NamedTuple):
    """The outcome of a chunk.

    **Arguments:**

    - `chunk`: Which.
    - `error`: Why it failed; `None` where its table is written.
    - `none`: How many of its fits have no optimum.
    - `said`: What was warned of.
    """

    chunk: Chunk
    error: str | None
    none: int = 0
    said: tuple[Finding | str, ...] = ()


def do(folder: Folder, grid: Grid, sweep: str, chunk: Chunk, ready: Callable[[], Laid] | None = None) -> Outcome:
    """Do a chunk and write its table; where it fails, write why.

    **Arguments:**

    - `folder`, `grid`, `sweep`, `chunk`: Where, of which sweep by its digest, and what.
    - `ready`: Gives the chunk laid out, where that was begun before.

    **Raises:** `InputError` where nothing can be written.
    """
    cell = grid.cells[chunk.cell]
    try:
        lay = ready or functools.partial(laid, cell, grid.config, chunk.first, chunk.count)
        found = done(cell, grid.config, lay())
        content = _table(found.rows)
    except Exception as error:  # whatever it is, it is written down and the other chunks go on
        return failed(folder, grid, sweep, chunk, f"{type(error).__name__}: {error}", traceback.format_exc())
    folder.put(f"{CHUNKS}/{file_of(chunk, sweep)}", content)
    folder.remove(_reason(chunk, sweep))
    return Outcome(chunk, None, int((~found.rows["converged"]).sum()), found.said)


def failed(folder: Folder, grid: Grid, sweep: str, chunk: Chunk, why: str, trace: str = "") -> Outcome:
    """Write why a chunk failed.

    **Raises:** `InputError` where nothing can be written.
    """
    cell = grid.cells[chunk.cell]
    which = {"source": cell.table.name, "law": cell.law_name, "noise": cell.noise_name, "split": cell.split.name}
    said = which | {"verb": cell.verb.called, "fits": chunk.count, "first": chunk.first, "reason": why}
    folder.put(_reason(chunk, sweep), (json.dumps(said | {"traceback": trace}, indent=1) + "\n").encode())
    return Outcome(chunk, why)


def _reason(chunk: Chunk, sweep: str) -> str:
    return f"{FAILED}/{file_of(chunk, sweep).removesuffix('.parquet')}.json"


def _table(rows: Any) -> bytes:
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def locally(folder: Folder, grid: Grid, sweep: str, todo: Iterable[Chunk]) -> Iterator[Outcome]:
    """One chunk after the other; the engine spreads each over cores or accelerators."""
    with ThreadPoolExecutor(1) as ahead:  # lays out the next chunk while this one is fitted
        chunks = iter(todo)
        chunk, ready = next(chunks, None), None
        while chunk is not None:
            following = next(chunks, None)
            begun = None
            if following is not None:
                begun = ahead.submit(laid, grid.cells[following.cell], grid.config, following.first, following.count)
            yield do(folder, grid, sweep, chunk, ready)
            # A process can map so many compiled programs and no more.
            if following is not None and following.cell // 64 != chunk.cell // 64:
                jax.clear_caches()
            chunk, ready = following, None if begun is None else begun.result


def share_by_jax(coordinator: str | None, processes: int | None, process: int | None) -> tuple[int, int]:
    """Index and count of this process as JAX finds them (Slurm, Kubernetes, TPU), or as they are given.

    The processes part at once: one that dies later takes no other with it, and none waits for another.

    **Raises:** `InputError` where JAX finds no cluster and none is given.
    """
    given = {"coordinator_address": coordinator, "num_processes": processes, "process_id": process}
    try:
        jax.distributed.initialize(**{name: value for name, value in given.items() if value is not None})
    except (ValueError, RuntimeError) as error:
        raise InputError(
            "JAX", Phrase(f"finds no cluster here, or was at work before it was asked ({error})"),
            remedy="leave the options out on a pod or under Slurm, else give `coordinator`, `processes` and `process`",
        ) from None  # fmt: skip
    index, count = jax.process_index(), jax.process_count()
    jax.local_devices()  # made while the processes still know of each other
    jax.distributed.shutdown()
    return index, count
