"""Outliers of isoFLOP curves, and curves that a parabola is wrong for."""

import numpy as np
from jaxtyping import Bool, Float

from .._cost import SIX_ND
from ._curves import Curves
from ._minima import SAME_SIZE


def off_curve(
    x: Float[np.ndarray, "setting budget run"],
    y: Float[np.ndarray, "setting budget run"],
    there: Bool[np.ndarray, "setting budget run"],
) -> Bool[np.ndarray, "setting budget run"]:
    """Runs far above the parabola through their neighbours in size, as diverged ones are.

    The worst of each curve goes first, and those that were only beside it come back. The yardstick is the median
    distance of the runs of a setting, which a few diverged runs do not move.
    """
    z = _apart(x, y, there, there)
    # Eight robust standard deviations, and half a percent of the loss, so that smooth curves have no outliers.
    most = np.maximum(8.0 * _median(np.abs(z)) / 0.6745, 0.005)
    clean = there
    for _ in range(max(1, x.shape[-1] // 4)):
        size = np.where(clean & np.isfinite(z), z, -np.inf)
        worst = np.arange(x.shape[-1]) == np.argmax(size, axis=-1)[..., None]
        far = worst & (size > most)
        if not far.any():
            break
        clean = clean & ~far
        z = _apart(x, y, there, clean)
    for _ in range(3):
        clean = there & ~(~clean & (z > most))
        z = _apart(x, y, there, clean)
    return there & ~clean


def _median(size: np.ndarray) -> np.ndarray:
    flat = size.reshape(len(size), -1)
    known = [row[np.isfinite(row)] for row in flat]
    return np.array([np.median(row) if row.size else np.inf for row in known])[:, None, None]


def _apart(x: np.ndarray, y: np.ndarray, there: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Each run's distance from the parabola through its clean neighbours, over what noise alone would make of it."""
    x, y = np.where(there, x, 0.0), np.where(there, y, 0.0)
    rank = np.cumsum(there, axis=-1)
    apart = np.abs(rank[..., :, None] - rank[..., None, :]) + 0.5 * (rank[..., :, None] < rank[..., None, :])
    other = there[..., :, None] & clean[..., None, :] & ~np.eye(x.shape[-1], dtype=bool)
    order = np.argsort(np.argsort(np.where(other, apart, np.inf), axis=-1, kind="stable"), axis=-1, kind="stable")
    # The six that are nearest in size.
    beside = other & (order < 6)
    gap = np.where(beside, x[..., None, :] - x[..., :, None], 0.0)
    span = np.max(np.abs(gap), axis=-1, keepdims=True)
    gap = gap / np.where(span > 0, span, 1.0)
    design = np.stack([np.ones_like(gap), gap, gap * gap], axis=-1) * beside[..., None]
    normal = np.einsum("...jk,...jl->...kl", design, design)
    told = (np.count_nonzero(beside, axis=-1) >= 4) & (np.linalg.cond(normal) < 1e12)
    inverse = np.linalg.inv(np.where(told[..., None, None], normal, np.eye(3)))
    reach = np.einsum("...l,...jl->...j", inverse[..., 0, :], design)
    foreseen = np.einsum("...ij,...j->...i", reach, y)
    spread = np.sqrt(1.0 + np.sum(reach**2, axis=-1))
    return np.where(told & there, (y - foreseen) / spread, np.nan)


def repeated(
    x: Float[np.ndarray, "setting budget run"],
    y: Float[np.ndarray, "setting budget run"],
    there: Bool[np.ndarray, "setting budget run"],
) -> Bool[np.ndarray, "setting budget run"]:
    """Runs whose size and loss another before them has to the last digit; runs of one size stand by rising loss."""
    same = there[..., 1:] & (np.diff(x, axis=-1) == 0) & (np.diff(y, axis=-1) == 0)
    return np.concatenate([np.zeros_like(there[..., :1]), same], axis=-1)


def scatter_of_runs(
    x: Float[np.ndarray, "setting budget run"],
    y: Float[np.ndarray, "setting budget run"],
    there: Bool[np.ndarray, "setting budget run"],
) -> Float[np.ndarray, " setting"]:
    r"""The standard deviation of y about smooth curves, from third differences; NaN where no budget has four sizes.

    Of four neighbours the combination in which every parabola cancels, over the root of its squares; of two runs of one
    size their difference. A run that stands twice tells nothing the second time.
    """
    there = there & ~repeated(x, y, there)
    order = np.argsort(np.where(there, x, np.inf), axis=-1, kind="stable")
    x, y, there = (np.take_along_axis(a, order, axis=-1) for a in (x, y, there))
    alike = there[..., 1:] & (np.diff(np.where(there, x, 0.0), axis=-1) <= 1e-9)
    twice = np.where(alike, np.diff(np.where(there, y, 0.0), axis=-1), 0.0)
    square, count = 0.5 * np.sum(twice**2, axis=(1, 2)), np.count_nonzero(alike, axis=(1, 2))
    if x.shape[-1] >= 4:
        runs = x.shape[-1] - 3
        at = np.stack([x[..., k : k + runs] for k in range(4)], axis=-1)
        of = np.stack([y[..., k : k + runs] for k in range(4)], axis=-1)
        whole = there[..., 3:] & (np.diff(np.where(there[..., 3:, None], at, 0.0), axis=-1) > 1e-9).all(axis=-1)
        at = np.where(whole[..., None], at, np.arange(4.0))
        share = 1.0 / np.prod(at[..., :, None] - at[..., None, :] + np.eye(4), axis=-1)
        share = share / np.linalg.norm(share, axis=-1, keepdims=True)
        third = np.where(whole, np.sum(share * np.where(whole[..., None], of, 0.0), axis=-1), 0.0)
        square, count = square + np.sum(third**2, axis=(1, 2)), count + np.count_nonzero(whole, axis=(1, 2))
    return np.sqrt(np.where(count > 0, square / np.maximum(count, 1), np.nan))


def doubts_of_runs(table: Curves, there: Bool[np.ndarray, "setting budget run"], method: str) -> tuple[str, ...]:
    """In words, runs that tell less than they seem to, budgets that are none, and compute that is not about 6 N D."""
    found = []
    if twice := int(repeated(table.log_N, table.loss, there).sum()):
        found.append(f"{twice} runs stand twice, with the same size, compute and loss")
    gap = np.diff(np.sort(np.where(there, table.log_N, np.nan), axis=-1), axis=-1)
    apart = np.count_nonzero(gap > SAME_SIZE) + np.count_nonzero(there.any(axis=-1))
    if method == "spline" and (merged := int(apart - table.sizes(there).sum())):
        found.append(f"{merged} runs lie so near another in size that a spline takes them for one point")
    log_C = np.where(table.there, np.log(np.where(table.there, table.C, 1.0)), np.nan)[table.there.any(axis=-1)]
    wide = np.nanmax(log_C, axis=-1) - np.nanmin(log_C, axis=-1)
    if (wide > np.log(1.5)).any():
        found.append(
            f"the runs of {int(np.sum(wide > np.log(1.5)))} budgets are not of one compute: they differ by a factor "
            f"of up to {np.exp(wide.max()):.3g}"
        )
    beside = np.median((np.log(table.C) - table.log_N - table.log_D)[table.there]) - np.log(SIX_ND.of(1.0, 1.0))
    if abs(beside) > np.log(5.0):
        found.append(f"C is {np.exp(beside):.3g} times 6 N D in the median run: N, D and C are hardly of the same runs")
    return tuple(found)


def doubts_of_parabolas(
    log_N: Float[np.ndarray, "setting budget run"],
    there: Bool[np.ndarray, "setting budget run"],
    best: Float[np.ndarray, "setting budget"],
) -> tuple[str, ...]:
    """In words, the designs in which the vertex of a parabola is not the minimum of the loss."""
    low = np.min(np.where(there, log_N, np.inf), axis=-1)
    high = np.max(np.where(there, log_N, -np.inf), axis=-1)
    known = np.isfinite(best)
    low, high = np.where(known, low, 0.0), np.where(known, high, 1.0)
    off = np.where(known, 2.0 * (best - low) / (high - low) - 1.0, 0.0)
    found = []
    # Beyond that a parabola is wrong by up to a sixth of N.
    wide = known & (high - low > np.log(64.0))
    count = int(known.sum())
    if wide.any():
        most = float(np.exp(np.max((high - low)[wide])))
        found.append(
            f"the sizes of {int(wide.sum())} of {count} budgets span a factor of more than 64 (the most: "
            f"{most:.3g}): a parabola is too stiff for curves so wide, and its vertex is off where the exponents of N "
            f"and D differ"
        )
    # Half of the way from the middle of the sizes to their end.
    aside = known & (np.abs(off) > 0.5)
    if aside.any():
        found.append(
            f"the minimum of {int(aside.sum())} of {count} budgets is off the centre of its sizes: the vertex of a "
            f"parabola is then drawn aside, and where this drifts with compute, so is the exponent"
        )
    return tuple(found)
