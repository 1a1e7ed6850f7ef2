"""Rows of another kind or unit than the rest, told by how they lie about a smooth surface through all of them."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float

from .._core import Finding
from ._case import Case, listed_rows, lossy, rows_out

FEWEST = 18
"""Rows, at least, for a surface that a few of them cannot bend."""
MOST = 5000
FAR = 8.0
"""Scatters about the surface from which a row may be of another kind."""
BITS = float(np.log(1.0 / np.log(2.0)))
"""The logarithm of how much larger a loss in bits is than in nats."""
TENS = float(np.log(np.log(10.0)))
"""The logarithm of how much smaller a loss in logarithms to base 10 is than in nats."""
BETTER, SURELY = 1.6, 3.0
"""How many times nearer rows lie to a surface as moved by a row, from which they may be, and surely are, misplaced."""
RISES = 0.3
"""Rank correlation with size from which a loss rises."""
ONE_UNIT = "bring them to one unit: 1 bit is .693 nats"
BASE = "bring them to one unit: 1 of base 10 is 2.303 nats"
TOTALS = frozenset(["total", "totals", "sum", "mean", "average", "avg", "std", "min", "max", "median", "count"])
SWAPS = 12
"""Far rows, at most, among which two are looked for whose targets were exchanged."""


@dataclasses.dataclass(frozen=True)
class Surface:
    """A quadratic in the logarithms of all sizes, through the logarithm of the target by least absolute deviations.

    **Arguments:**

    - `target`: The logarithm of the target; `value`: of the surface; `scatter`: the median of how far they are apart.
    - `basis`: What the surface is a sum of.
    - `sizes`: The logarithms of the sizes, by name.
    """

    target: Float[np.ndarray, " run"]
    value: Float[np.ndarray, " run"]
    scatter: float
    basis: Float[np.ndarray, "run term"]

    @property
    def most(self) -> float:
        """How far four of five rows lie from it, at most."""
        return float(np.quantile(np.abs(self.target - self.value), 0.8))


def surface_of(case: Case, target: Float[np.ndarray, " run"] | None = None) -> Surface | None:
    """The surface of a table; `None` where its rows are few, or numbers are not above 0."""
    y = np.asarray(case.runs.target, float)
    there = {n: c for n in ("N", "D", "n", "U") if (c := case.number(n)) is not None and (c > 0.0).all()}
    sizes = {n: np.log(c) for n, c in {**case.sizes, **there}.items() if np.ptp(c) > 0.0}
    if "U" in sizes and len(y) < 60:
        del sizes["U"]
    count = int(np.sum(~case.claimed))
    if len(set(case.runs.labels.get("target", np.zeros(0)).tolist())) > 1:
        return None  # of several targets each would need its own
    if not sizes or len(sizes) > 3 or not FEWEST <= count <= len(y) <= MOST or not (np.isfinite(y) & (y > 0.0)).all():
        return None
    log_y = np.log(y) if target is None else target
    u = [(x - np.median(x)) / np.std(x) for x in sizes.values()]
    basis = np.stack([np.ones(len(y)), *u, *(a * b for i, a in enumerate(u) for b in u[i:])], axis=-1)
    keep = (~case.claimed).astype(float)
    weight = keep
    if count < 3 * basis.shape[1]:
        return None
    found = np.zeros(basis.shape[1])
    for _ in range(40):  # least squares with weights, which tends to least absolute deviations
        weighed = basis.T * weight  # of standard columns: the square of their system is good enough, and small
        found = np.linalg.lstsq(weighed @ basis, weighed @ log_y, rcond=1e-12)[0]
        off = np.abs(log_y - basis @ found)
        weight = keep / np.maximum(off, max(1e-3 * float(np.median(off)), 1e-12))
    value = basis @ found
    scatter = 1.4826 * float(np.median(np.abs(log_y - value)[keep > 0.0]))
    return Surface(log_y, value, scatter, basis)


def slips(case: Case) -> Iterator[tuple[Bool[np.ndarray, " run"], Finding]]:
    """Rows whose target would lie on the surface as another kind of number, or with a size in another unit."""
    for which, _ in totals(case):
        case.claimed[which] = True
    surface = surface_of(case)
    if surface is None or not surface.scatter < 0.1:
        return
    y, off, near = np.exp(surface.target), surface.target - surface.value, max(3.0 * surface.scatter, 0.03)
    far = (np.abs(off) > max(FAR * surface.scatter, 0.15)) & ~case.claimed
    name, losses = case.runs.target_name, lossy(case)
    with np.errstate(all="ignore"):
        log_log = np.log(np.maximum(surface.target, 1e-300))
    perplexity = f"what looks like perplexities: the logarithms of {name} lie among the others"

    def mostly(like: Bool[np.ndarray, " run"]) -> Bool[np.ndarray, " run"]:
        """Those that are alike, where they are half of all that lie far: some of many that diverged lie anywhere."""
        return like & (2 * np.sum(like & far) >= far.sum())

    # Rows at least: one that diverged may lie anywhere.
    kinds = (
        (2, (y > 3.0) & (np.abs(log_log - surface.value) < 0.06), perplexity, "fit the logarithms"),
        (3, mostly(np.abs(off - BITS) < 0.05), f"{name} 1.44 times the others, as bits beside nats", ONE_UNIT),
        (3, mostly(np.abs(off + BITS) < 0.05), f"{name} .693 times the others, as nats beside bits", ONE_UNIT),
        (3, mostly(np.abs(off + TENS) < 0.05), f"{name} .434 times the others, as logarithms to base 10 are", BASE),
        (3, mostly(np.abs(off - TENS) < 0.05), f"{name} 2.3 times the others, as beside logarithms to base 10", BASE),
        (1, (y <= 1.0) & (surface.value > np.log(1.5)),
         f"{name} up to 1 where the others are far above, as {'accuracies' if losses else 'shares beside %'} are",
         "give accuracies a column of their own" if losses else "bring them to one unit"),
        *((1, np.abs(off - np.log(10.0) * k) < near, f"{name} 10^{k} times the others", "bring them to one unit")
          for k in (-6, -3, -2, 2, 3, 6)),
    )  # fmt: skip
    left = far.copy()
    for least, like, said, remedy in kinds:
        which = like & left
        # Those that stopped at a guess are alike; perplexities of several runs are not.
        if said is perplexity and which.any() and np.ptp(np.log(y[which])) < 0.02:
            continue
        if least <= which.sum() < 0.5 * len(y):
            left &= ~which
            rows = case.rows(which)
            words = f"{listed_rows(rows)} {'has' if len(rows) == 1 else 'have'} {said}"
            yield which, Finding("loss-kind", "warning", words, remedy, {"rows": len(rows)}, (name,), rows)
    yield from _exchanged(case, surface, left, near)


def _exchanged(
    case: Case, surface: Surface, left: Bool[np.ndarray, " run"], near: float
) -> Iterator[tuple[Bool[np.ndarray, " run"], Finding]]:
    """Two rows that lie on the surface with their targets exchanged."""
    places = np.flatnonzero(left)
    if not 2 <= len(places) <= SWAPS:
        return
    for i, first in enumerate(places):
        for other in places[i + 1 :]:
            there = abs(surface.target[first] - surface.value[other]), abs(surface.target[other] - surface.value[first])
            if max(there) < near:
                which = np.isin(np.arange(len(left)), (first, other))
                rows = case.rows(which)
                said = f"{listed_rows(rows)} lie among the others with their {case.runs.target_name} exchanged"
                yield which, Finding("bad-rows", "warning", said, "look which is whose", rows=rows)


def misaligned(case: Case) -> Iterator[Finding]:
    """A target that goes with the sizes of the row before, or after."""
    surface, rows = surface_of(case), case.runs.rows
    if surface is None or case.claimed.any() or not np.array_equal(np.diff(rows), np.ones(len(rows) - 1)):
        return
    wide = surface.most
    ways = [surface_of(case, np.roll(surface.target, way)) for way in (1, -1)]
    moved = [np.inf if one is None else one.most for one in ways]
    best = int(np.argmin(moved))
    # Right rows fit worse when they are moved, wrong ones better one way and not the other.
    if not (wide > 0.01 and moved[best] < wide / BETTER and moved[1 - best] > min(wide, SURELY * moved[best])):
        return
    said = (
        f"{case.runs.target_name} goes with the sizes of the row {('after', 'before')[best]}: so read, four of five "
        f"rows lie within {moved[best]:.2g} of a smooth surface and not within {wide:.2g}"
    )
    grave = "error" if moved[best] < wide / SURELY else "warning"
    yield Finding("bad-rows", grave, said, "was a column shifted by a row?", {"wide": wide, "shifted": moved[best]},
                  (case.runs.target_name,))  # fmt: skip


def against_sizes(case: Case) -> Iterator[Finding]:
    """A loss that grows with the sizes, or does not go with them."""
    surface, name = surface_of(case), case.runs.target_name
    sizes = [np.log(case.sizes[n]) for n in ("N", "D", "n") if n in case.sizes]
    if surface is None or not sizes:
        return
    good = ~case.claimed
    y, x = surface.target[good], np.sum(sizes, axis=0)[good]
    if not np.ptp(y) > 1e-9:
        return  # one number in every row, of which fits say that they cannot be
    left = float(np.mean(np.abs(surface.target - surface.value)[good]) / np.mean(np.abs(y - np.median(y))))
    together = float(np.corrcoef(_ranks(y), _ranks(x))[0, 1]) if np.ptp(x) > 1e-9 else 0.0
    if together > RISES:
        said = f"{name} is larger where runs are (rank correlation {together:.2g}), and losses fall"
        yield Finding("loss-kind", "warning", said, "was the column sorted by itself, or is it something else?",
                      {"correlation": together}, (name,))  # fmt: skip
    elif left > 0.9 and good.sum() >= 30:
        said = f"{name} hardly goes with the sizes: a smooth surface leaves {100 * left:.0f} % of how far they vary"
        yield Finding("loss-kind", "warning", said, "do losses and sizes of a row belong together?", {"left": left},
                      (name,))  # fmt: skip


def _ranks(x: Float[np.ndarray, " run"]) -> Float[np.ndarray, " run"]:
    """Ranks, those that are alike at their mean."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - 0.5 * count)[np.ravel(place)]


def in_two(case: Case) -> Iterator[Finding]:
    """Runs in two groups with nothing between, of which no column tells."""
    surface, good = surface_of(case), ~case.claimed
    if surface is None or good.sum() < 24:
        return
    basis, y = surface.basis[good], surface.target[good]
    off = y - basis @ np.linalg.lstsq(basis, y, rcond=1e-10)[0]
    z = np.sort(off)
    cut = np.arange(1, len(z))
    low, high = np.cumsum(z)[:-1] / cut, (z.sum() - np.cumsum(z)[:-1]) / (len(z) - cut)
    best = int(np.argmax(cut * (len(z) - cut) * (high - low) ** 2)) + 1
    share, apart = min(best, len(z) - best) / len(z), float(high[best - 1] - low[best - 1])
    inside = float(np.sqrt(0.5 * (np.var(z[:best]) + np.var(z[best:]))))
    # Halves of a normal lie 2.7 of their own scatters apart, those of evenly spread numbers 3.5.
    if share >= 0.2 and apart > 5.0 * inside and apart > 0.01 and not _named(case, good, off >= z[best]):
        said = f"runs part into two groups, {100 * apart:.2g} % apart about a smooth surface, with hardly any between"
        remedy = "are they of two tokenizers, data sets or kinds of loss? name it in a column, and fit each by itself"
        yield Finding("loss-kind", "warning", said, remedy, {"apart": apart, "share": share}, (case.runs.target_name,))


def _named(case: Case, good: Bool[np.ndarray, " run"], upper: Bool[np.ndarray, " some"]) -> bool:
    """Whether a column of few values tells which of two groups a row is of: residuals of a fit name it."""
    for cells in case.columns.values():
        if np.ndim(cells) == 1 and np.asarray(cells).dtype.kind in "OUT":
            text = np.array([str(cell) for cell in cells.tolist()])[good]
            _, code, count = np.unique(text, return_inverse=True, return_counts=True)
            most = np.bincount(np.ravel(code), upper) / count
            if len(count) <= 0.2 * len(text) and np.sum(np.maximum(most, 1.0 - most) * count) > 0.95 * len(text):
                return True
    return False


def totals(case: Case) -> Iterator[tuple[Bool[np.ndarray, " run"], Finding]]:
    """Rows that are the sum of the others, or are called so."""
    count = len(case.runs)
    if count < 4:
        return
    columns = [np.asarray(c, float) for c in (*case.runs.inputs.values(), case.runs.target)]
    columns = [c for c in columns if c.ndim == 1 and np.isfinite(c).all() and np.ptp(c) > 0.0]
    sums = sum(((np.abs(2.0 * c - c.sum()) <= 1e-6 * np.abs(c)).astype(int) for c in columns), np.zeros(count, int))
    which = sums >= 2
    for cells in case.columns.values():
        if np.ndim(cells) == 1 and np.asarray(cells).dtype.kind in "OUT":
            text = ["" if cell is None else str(cell).strip().lower().rstrip(":") for cell in cells.tolist()]
            called = np.array([cell in TOTALS for cell in text])
            # At the end, in a column of names or of nothing else: a column may well say how something was pooled.
            others = {cell for cell, one in zip(text, called, strict=True) if not one}
            at_end = called.any() and called[np.argmax(called) :].all() and called.sum() <= 0.1 * count + 1
            if at_end and (others == {""} or len(others) >= 0.5 * (count - called.sum())):
                which = which | called
    if which.any():
        found = case.rows(which)
        said = f"{listed_rows(found)} {'is a total' if len(found) == 1 else 'are totals'} of the others and no run"
        yield which, Finding("bad-rows", "error", said, rows_out(found),
                             {"rows": len(found)}, rows=found)  # fmt: skip


def gaps(case: Case, units: dict[str, float]) -> Iterator[tuple[Bool[np.ndarray, " run"], Finding]]:
    """Sizes of some rows far from all others, among which they would be in another unit.

    **Arguments:**

    - `units`: By size, how many at least any run has.
    """
    for name, least in units.items():
        column = case.number(name)
        if column is None or len(column) < 8 or not (column > 0.0).all():
            continue
        x = np.log10(column)
        order = np.sort(x)
        wide = np.diff(order)
        cut = int(np.argmax(wide))
        if wide[cut] < 2.5:
            continue
        lower = x <= order[cut]
        few, many = (lower, ~lower) if lower.sum() <= 0.5 * len(x) else (~lower, lower)
        for k in (3, 6, 9, 12):
            moved = x[few] + (k if few is lower else -k)
            if moved.min() > x[many].min() - 1.0 and moved.max() < x[many].max() + 1.0:
                rows = case.rows(few)
                word = "smaller" if few is lower else "larger"
                has = "has" if len(rows) == 1 else "have"
                said = f"{listed_rows(rows)} {has} {name} about 10^{k} times {word} than the others: in another unit"
                grave = "error" if column.min() < least else "warning"
                yield few, Finding("units", grave, said, "bring all rows to one unit", {"power": k}, (name,), rows)
                break
