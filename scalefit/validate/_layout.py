"""Checks of how runs are laid out: ranges, sizes that vary apart from each other, profiles with their least inside."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from .._core import Finding
from ..laws import input_kinds
from ..params import holder_of, slots
from ._case import Case
from ._finding import Skipped

Found = Iterator[Finding | Skipped]

LEAST_SIZES, LEAST_DECADES = 5, 1.5
NO_COUNTS = ("x", "root nats")
"""Units of inputs that may be anything, as the loss that an accuracy is of."""


def ranges(case: Case) -> Found:
    """Sizes are several, over more than a decade."""
    if not case.sizes:
        yield Skipped("there is no size")
        return
    for name, column in case.sizes.items():
        if not _as_power(case, name):
            continue
        many, decades = len(np.unique(column)), float(np.ptp(np.log10(column)))
        if many < LEAST_SIZES or decades < LEAST_DECADES:
            said = f"{name} has {many} value{'s' * (many > 1)} over {decades:.2g} decades"
            remedy = f"exponents want {LEAST_SIZES} values over {LEAST_DECADES:g} decades: see `scalefit design`"
            yield Finding("range", "warning", said, remedy, {"values": many, "decades": decades}, (name,))


def _as_power(case: Case, name: str) -> bool:
    """Whether runs are to tell the exponent of an input: of a count they are, of another where a term falls with it."""
    law = case.law if case.fit is None else case.fit.law
    kind = None if law is None else input_kinds(law).get(name)
    if law is None or kind is None or kind.unit not in NO_COUNTS:
        return True
    amplitudes = [slot for slot in slots(law) if slot.parameter.amplitude]
    powers = [(slot, p) for slot in amplitudes for unit, p in slot.parameter.dims if unit == kind.unit and callable(p)]
    return any(not float(np.ravel(p(holder_of(law, slot.field)))[0]) <= 0.0 for slot, p in powers)


def design(case: Case) -> Found:
    """Sizes vary apart from each other, and profiles at one compute have their least inside."""
    names = [n for n, c in case.sizes.items() if len(np.unique(c)) > 1]
    if len(names) < 2:
        yield Skipped("there are no two sizes that vary")
        return
    for i, first in enumerate(names):
        for other in names[i + 1 :]:
            together = float(np.corrcoef(np.log(case.sizes[first]), np.log(case.sizes[other]))[0, 1])
            if abs(together) > 0.98:
                said = f"{first} and {other} go together (correlation {together:.3f} of their logarithms)"
                remedy = f"add runs of other {other} for the same {first}: exponents of both are one to these"
                if abs(together) > 0.9999:
                    said += ": no run tells their terms apart, and the interval of one holds for the other as it stands"
                yield Finding("design", "warning", said, remedy, {"correlation": together}, (first, other))
    yield from _edges(case)


def _edges(case: Case) -> Iterator[Finding]:
    """Profiles at one compute whose least loss is at an end."""
    C = case.number("C")
    if C is None or not {"N", "D"} <= set(case.sizes) or np.bincount(case.code).max() > 1:
        return
    y = case.runs.target
    if len(y) > 2 and np.ptp(C) > 0.0 and np.ptp(y) > 0.0 and np.corrcoef(np.log(C), y)[0, 1] > 0.0:
        return  # it rises, and has no least
    # Profiles of each setting by itself.
    words = [c for c in case.columns.values() if np.ndim(c) == 1 and np.asarray(c).dtype.kind in "OUT"]
    texts = [np.array([str(cell) for cell in column.tolist()]) for column in words]
    settings = [np.unique(t, return_inverse=True)[1] for t in texts if 1 < len(np.unique(t)) <= 0.2 * len(t)]
    budget = np.ravel(np.unique(np.stack([alike(np.log(C)), *settings], axis=-1), axis=0, return_inverse=True)[1])
    at_end, profiles = [], 0
    for k in range(budget.max() + 1):
        mine = np.flatnonzero(budget == k)
        sizes = np.unique(case.sizes["N"][mine])
        if len(sizes) < 4:
            continue
        profiles += 1
        best = case.sizes["N"][mine[np.argmin(case.runs.target[mine])]]
        if best in (sizes[0], sizes[-1]):
            at_end.append(float(np.exp(np.median(np.log(C[mine])))))
    if profiles >= 2 and len(at_end) > 0.3 * profiles:
        some = ", ".join(f"{c:.2g}" for c in at_end[:4])
        said = f"{len(at_end)} of {profiles} profiles at one compute have their least loss at an end (C = {some})"
        yield Finding("design", "warning", said, "train smaller and larger models there",
                      {"at end": len(at_end), "profiles": profiles}, ("N", "C"))  # fmt: skip


def alike(x: Float[np.ndarray, " run"], within: float = 0.02) -> Int[np.ndarray, " run"]:
    """Numbers that are alike as one group."""
    order = np.argsort(x)
    group = np.cumsum(np.diff(x[order], prepend=x[order[0]]) > within)
    found = np.empty(len(x), int)
    found[order] = group
    return found
