"""Resamples of runs as weights: drawn in whole clusters, or the caller's own."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt16

from .._core import InputError, Phrase
from ..problem import Pooling, Studies

ROOMY = 4
"""Different inputs per free parameter from which resamples need no look: none can miss so many."""
PIECE = 4096
"""Resamples drawn at once: as whole numbers of 16 bits they take a quarter of the memory in which they are drawn."""
SHORT = 0.5
"""Share of the resamples that may lie at too few inputs before there is nothing to resample."""


def own_weights(weights: Any, runs: int) -> Float[np.ndarray, "draw run"]:
    """The caller's own resamples, looked at.

    **Raises:** `InputError` for another shape, for what is no number, and for weights below 0 or all 0.
    """
    try:
        rows = np.asarray(weights, float)
    except (TypeError, ValueError):
        expected = f"numbers, one row a draw and one column for each of {runs} runs"
        raise InputError("weights", weights, expected) from None
    if rows.ndim != 2 or rows.shape[1] != runs or len(rows) == 0:
        given = Phrase(f"has shape {rows.shape}")
        raise InputError("weights", given, f"one row a draw and one column for each of {runs} runs")
    if not np.isfinite(rows).all() or rows.min() < 0 or (rows.sum(axis=1) == 0).any():
        raise InputError("weights", weights, "finite numbers, 0 or more, and no draw of all zeros")
    return rows


def drawn_together(code: Int[np.ndarray, " run"], num: int, key: list[int]) -> Float[np.ndarray, "draw run"]:
    """How often each row of a table is in each draw, its clusters being drawn once for all studies.

    **Raises:** `InputError` where there is one cluster only.
    """
    count = int(code.max()) + 1
    if count < 2:
        raise InputError("cluster", Phrase("takes all rows together"), "several to resample", "add runs")
    return np.random.default_rng(key).multinomial(count, np.full(count, 1.0 / count), size=num)[:, code].astype(float)


def refuse_short(rows: Float[np.ndarray, "draw run"], points: Int[np.ndarray, " place"], free: int) -> None:
    """Refuse weights that leave runs at fewer different inputs than there are free parameters."""
    # No input is shared by more runs than this, so rows with enough runs need no further look.
    shared = int(np.bincount(np.unique(points[: rows.shape[1]], return_inverse=True)[1]).max())
    few = np.flatnonzero(np.count_nonzero(rows, axis=1) < free * shared)
    if few.size == 0:
        return
    left = _inputs(rows[few], np.arange(rows.shape[1]), points)
    if left.min() < free:
        worst = int(np.argmin(left))
        raise InputError(
            f"row {int(few[worst])} of weights", Phrase(f"leaves runs at {int(left[worst])} different inputs"),
            f"at least {free}, as the law has {free} parameters to fit", "leave fewer runs out",
        )  # fmt: skip


def resamples(
    studies: Studies,
    study: int,
    code: np.ndarray,
    points: np.ndarray,
    num: int,
    free: int,
    key: list[int],
    pools: Pooling | None = None,
) -> tuple[UInt16[np.ndarray, "draw length"], int]:
    """How often each run of a study is in each draw, and how many draws had to be drawn again.

    A draw that lies at fewer different inputs than `free` would determine nothing and is drawn again. For a law of
    pools, clusters on one pool are drawn among each other, so that every draw has every pool, and at as many inputs as
    the pool has numbers of its own.

    **Raises:** `InputError` where there is one cluster only, all runs on a pool are of one cluster, or most draws lie
    at too few inputs.
    """
    _, local = np.unique(code[studies.rows(study)], return_inverse=True)
    count = int(local.max()) + 1
    if count < 2:
        raise InputError(
            "cluster", Phrase(f"takes all rows of {studies.name(study)!r} together"), "several to resample",
            "add runs with other seeds, or sample a posterior",
        )  # fmt: skip
    rows, own = studies.rows(study), points[: len(local)]
    strata = [np.arange(count)] if pools is None else pools.strata(studies.name(study), rows, local)
    rng = np.random.default_rng(key)

    def drawn(size: int) -> np.ndarray:
        draws = np.zeros((size, count), np.int64)
        for some in strata:
            draws[:, some] = rng.multinomial(some.size, np.full(some.size, 1.0 / some.size), size=size)
        return draws

    # What a draw needs: as many different inputs as numbers, in all and among the runs of each pool.
    needs = [(np.arange(len(local)), free), *(() if pools is None else pools.needs(rows))]
    needs = [(some, least) for some, least in needs if np.unique(own[some]).size < ROOMY * least]

    def too_few(draws: np.ndarray) -> np.ndarray:
        lacks = [_inputs(draws, local[some], own[some]) < least for some, least in needs]
        return np.any([np.zeros(len(draws), bool), *lacks], axis=0)

    table, again = np.zeros((num, studies.length), np.uint16), 0
    for low in range(0, num, PIECE):
        draws = drawn(min(PIECE, num - low))
        short = np.flatnonzero(too_few(draws))
        if short.size > SHORT * len(draws):
            raise InputError(
                "fit", Phrase(f"has {count} runs of {studies.name(study)!r} to resample"),
                f"resamples that lie at {free} inputs or more, as many as the law has parameters",
                "add runs, or hold parameters fixed",
            )  # fmt: skip
        while short.size:
            again += short.size
            draws[short] = drawn(short.size)
            short = short[too_few(draws[short])]
        table[low : low + PIECE, : len(local)] = draws[:, local]
    return table, again


def fill(rows: Float[np.ndarray, "draw run"], length: int) -> Float[np.ndarray, "draw length"]:
    """Weights with zeros for the padding of a study."""
    return np.pad(rows, ((0, 0), (0, length - rows.shape[1])))


def _inputs(draws: np.ndarray, local: np.ndarray, points: np.ndarray) -> Int[np.ndarray, " draw"]:
    """At how many different inputs the runs of each draw lie; `local` is the cluster of each run."""
    _, place = np.unique(points[: len(local)], return_inverse=True)
    there = np.zeros((draws.shape[1], int(place.max()) + 1))
    there[local, place] = 1.0
    return np.count_nonzero((draws > 0) @ there, axis=1)
