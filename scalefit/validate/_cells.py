"""Cells that are no measurements: codes of what is missing, values cut off or filled down, and rounded ones."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool

from .._core import Finding
from ._case import Case, listed_rows, lossy, rows_out

SAME, TIMES = 4, 4
"""Rows, at least, of one target, and how many times as many as of any other."""
COARSE = 0.01
"""Steps of a target, as a share of it, from which rounding is as large as what laws tell apart."""


def codes(case: Case) -> Iterator[tuple[Bool[np.ndarray, " run"], Finding]]:
    """A few numbers that are not above 0 where all others are."""
    columns = {**{n: c for n, c in case.runs.inputs.items() if n in ("N", "D", "C", "n")},
               case.runs.target_name: np.asarray(case.runs.target, float)}  # fmt: skip
    for name, column in columns.items():
        low = column <= 0.0
        # Scores may be 0 and rewards below it: of these one number below 0 again and again is a code.
        if (
            name == case.runs.target_name
            and not lossy(case)
            and (low.sum() < 2 or not np.ptp(column[low]) == 0.0 > column[low][0])
        ):
            continue
        if low.any() and low.sum() < 0.5 * len(low):
            rows = case.rows(low)
            has = "has" if len(rows) == 1 else "have"
            said = f"{listed_rows(rows)} {has} {name} down to {column[low].min():.4g} where the others are above 0"
            remedy = f"if that is a code of what is missing, {rows_out(rows)}"
            yield low, Finding("bad-rows", "warning", said, remedy, {"least": float(column[low].min())}, (name,), rows)


def same(case: Case) -> Iterator[tuple[Bool[np.ndarray, " run"], Finding]]:
    """Rows of different sizes with one target to the last digit, of which other rows hardly have the same."""
    y, name = np.asarray(case.runs.target, float), case.runs.target_name
    value, code, count = np.unique(y, return_inverse=True, return_counts=True)
    if not case.sizes or len(count) < 3:
        return
    most = int(np.argmax(count))
    for end, next_to in ((0, 1), (len(count) - 1, len(count) - 2)):
        # Far from all others fewer are enough.
        alone = abs(value[end] - value[next_to]) > 0.5 * abs(np.delete(value, end)[[0, -1]] @ [-1.0, 1.0])
        if alone and count[end] >= SAME:
            most = end
            break
    else:
        if count[most] < SAME or count[most] < TIMES * np.delete(count, most).max():
            return
    if value[most] <= 1.0 and np.median(y) > 1.5:
        return  # accuracies, of which the surface tells
    which = np.ravel(code) == most
    sizes = np.unique(np.stack([column[which] for column in case.sizes.values()], axis=-1), axis=0)
    if len(sizes) < count[most] or which.mean() > 0.9:
        return
    rows = case.rows(which & ~case.claimed)
    if not rows:
        return
    said = f"{listed_rows(rows)} have the same {name}, {value[most]:.6g}, at {len(sizes)} different sizes"
    if most in (0, len(count) - 1):
        said += f", the {'least' if most == 0 else 'most'} of all"
        why = "is it a code of what is missing, or cut off there, or did they stop at a guess? If so"
    else:
        why = "was the cell filled down? If so"
    out = f"leave them out, as by --where '{name} != {float(value[most])!r}'" if name.isidentifier() else rows_out(rows)
    yield which, Finding("bad-rows", "warning", said, f"{why}, {out}", {"value": float(value[most])}, (name,), rows)


def rounded(case: Case) -> Iterator[Finding]:
    """A target in steps as large as what laws tell apart."""
    y, name = np.abs(np.asarray(case.runs.target, float)), case.runs.target_name
    middle = float(np.median(y))
    if len(y) < 8 or not np.isfinite(middle) or middle <= 0.0:
        return
    for power in range(3, -6, -1):
        step = 10.0**power
        if step <= COARSE * middle:
            return
        if np.all(np.abs(y / step - np.round(y / step)) < 1e-6) and np.ptp(y) > step:
            said = (
                f"{name} is in steps of {step:g}, {100 * step / middle:.2g} % of it: rounded by more than laws differ"
            )
            yield Finding(
                "loss-kind", "warning", said, "take it from where it has more digits", {"step": step}, (name,)
            )
            return
