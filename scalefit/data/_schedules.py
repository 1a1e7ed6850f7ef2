"""Rows of one training, as far as their series tell: the schedule of one goes on from that of another."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt64

from ._labels import numbered


def by_schedule(
    series: Sequence[np.ndarray], alike: Int[np.ndarray, " run"], came: Int[np.ndarray, " run"] | None
) -> Int[np.ndarray, " run"]:
    """Number rows by the longest schedule that goes on from theirs.

    A row of the start that several curves have in common goes with the nearest row of the table that goes on from it,
    as rows of a curve mostly stand together: so there are as many trainings as schedules that nothing goes on from.

    **Arguments:**

    - `series`: By series, that of each row.
    - `alike`: Rows of two numbers are of two trainings, whatever their schedules.
    - `came`: How far each row had come, where the table says it: rows of one schedule that had come to several places
        are of one training. Else rows of equal schedules are apart, as where all runs have the same settings.
    """
    lengths = np.array([[0 if one is None else len(one) for one in column] for column in series]).T
    first = [np.array([np.nan if one is None else one[0] for one in column]) for column in series]
    alike, parent = numbered([alike, *first], len(alike)), np.arange(len(alike))
    weights = np.random.default_rng(0).integers(1, 2**64, lengths.max(), np.uint64)
    if came is not None:
        whole = np.concatenate([_hashes(series, row, lengths[[row]], weights) for row in range(len(alike))])
        same = numbered([alike, *lengths.T, whole], len(alike))
        several = np.bincount(np.unique(np.stack([same, came]), axis=1)[0]) > 1
        parent = np.where(several[same], np.unique(same, return_index=True)[1][same], parent)
    rows = np.flatnonzero(parent == np.arange(len(parent)))
    rows = rows[np.argsort(alike[rows], kind="stable")]
    for group in np.split(rows, np.flatnonzero(np.diff(alike[rows])) + 1):
        if (lengths[group] != lengths[group[0]]).any():
            parent[group] = group[_goes_on([column[group] for column in series], lengths[group], weights)]
    while (parent != parent[parent]).any():
        parent = parent[parent]
    return numbered([parent], len(parent))


def _goes_on(
    series: Sequence[np.ndarray], lengths: Int[np.ndarray, "run series"], weights: UInt64[np.ndarray, " place"]
) -> Int[np.ndarray, " run"]:
    """By row the place of the nearest whose series go on from its own; its own where none does."""
    size, ends = len(lengths), np.unique(lengths, axis=0)
    starts = np.stack([_hashes(series, row, ends, weights) for row in range(size)])
    found, total = np.arange(size), lengths.sum(axis=-1)
    for start, end in zip(starts.T, ends, strict=True):
        own = np.flatnonzero((lengths == end).all(axis=-1))
        longer = np.flatnonzero((lengths >= end).all(axis=-1) & (lengths > end).any(axis=-1))
        if not longer.size:
            continue
        code = np.unique(start, return_inverse=True)[1] * size + np.arange(size)
        there = np.sort(code[longer])
        place = np.searchsorted(there, code[own])
        before, after = there[np.maximum(place - 1, 0)], there[np.minimum(place, len(there) - 1)]
        gap = [np.where(one // size == code[own] // size, np.abs(one - code[own]), size) for one in (before, after)]
        # Of two as near, the shorter: it is the next row of the same curve, and the other the end of the next curve.
        shorter = total[after % size] <= total[before % size]
        nearest = np.where((gap[1] < gap[0]) | ((gap[1] == gap[0]) & shorter), after, before) % size
        found[own] = np.where(np.minimum(*gap) < size, nearest, own)
    return found


def _hashes(
    series: Sequence[np.ndarray],
    row: int,
    ends: Int[np.ndarray, "end series"],
    weights: UInt64[np.ndarray, " place"],
) -> UInt64[np.ndarray, " end"]:
    """Hashes of the series of a row up to each of these ends."""
    found = np.zeros(len(ends), np.uint64)
    for k, column in enumerate(series):
        if column[row] is None:
            continue
        bits = np.ascontiguousarray(column[row] + 0.0).view(np.uint64)
        # Floats like 0.5 end in zeros, which a product keeps: they are mixed in first.
        bits = (bits ^ (bits >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
        summed = np.concatenate([[np.uint64(0)], np.cumsum((bits ^ (bits >> np.uint64(29))) * weights[: len(bits)])])
        found = found * np.uint64(0xBF58476D1CE4E5B9) + summed[np.minimum(ends[:, k], len(bits))]
    return found
