"""Checks of a table by itself: units, kinds of losses, rows that should not count as they do."""

import re
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float

from .._core import Finding
from ..data import UNITS
from ..laws import Series, input_kinds
from ._case import Case, claimed, listed_rows, lossy, parted
from ._cells import rounded, same
from ._finding import Skipped
from ._slips import BITS, ONE_UNIT, against_sizes, gaps, in_two, slips

Found = Iterator[Finding | Skipped]

RANDOM = 12.0
"""Nats for each token beyond those of guessing among 160,000 words."""
FEWEST = {"N": 1000.0, "D": 1000.0, "C": 1e6}
"""Of the largest run, below which the numbers are in another unit."""
SHARE_OF_EMBEDDING = 0.2
OTHER_UNIT = 5.0
"""How many times more or less of 6 N D than the median run C is, from which it is another unit."""
FEW_TOKENS = 0.5
"""Tokens for each parameter, in the median run, below which the two are taken for each other."""


def units(case: Case) -> Found:
    """N, D and C agree with each other, and are as many as models have."""
    runs = case.runs
    looked = False
    known = {name: least for name, least in FEWEST.items() if runs.units.get(name) == UNITS[name]}
    yield from claimed(case, gaps(case, known))
    for name, least in FEWEST.items():
        column = runs.inputs.get(name)
        if column is None or runs.units.get(name) != UNITS[name]:
            continue
        looked, column = True, column[np.isfinite(column)]
        if column.size and column.max() < least:
            counted = UNITS[name]
            said = f"{name} is {column.min():.4g} to {column.max():.4g}, and no model has so few {counted}"
            remedy = (
                f"say the unit in the header, as '{counted} (B)'" if name != "C" else "say it, as 'compute (PF-days)'"
            )
            if column.max() <= 0.0:  # which no unit mends
                said = f"{name} is {'0' if not column.any() else 'not above 0'} in every row"
                remedy = f"give the column that counts {counted}"
            if column.min() > 3.0 and column.max() < 40.0:
                remedy += f", or name it log10_{name} if it is a logarithm"
            yield Finding("units", "error", said, remedy, {"most": float(column.max())}, (name,))
    whole = {name: runs.inputs.get(name) for name in ("N", "D", "C")}
    N, D, C = (column if column is not None else np.full(len(runs), np.nan) for column in whole.values())
    with np.errstate(all="ignore"):
        ratio = C / (6.0 * N * D)
    if {"N", "D"} <= set(known):
        yield from _exchanged(N, D)
        yield from claimed(case, _few_exchanged(case, N, D))
    fine = np.isfinite(ratio) & (ratio > 0.0)
    if not fine.any():
        if not looked:
            yield Skipped("there is no N, D or C")
        return
    odd = np.zeros(len(runs), bool)
    odd[fine] = np.abs(np.log(ratio[fine]) - np.median(np.log(ratio[fine]))) > np.log(OTHER_UNIT)
    if 0 < odd.sum() < 0.4 * fine.sum():
        rows, middle = case.rows(odd), float(np.median(ratio[fine]))
        has = "has" if len(rows) == 1 else "have"
        said = f"{listed_rows(rows)} {has} a C of {np.median(ratio[odd]):.3g} times 6 N D"
        said += f", and the others of {middle:.3g}: in another unit, or of other sizes"
        yield Finding("units", "warning", said, "bring all rows to one unit", {"ratio": float(np.median(ratio[odd]))},
                      ("N", "D", "C"), rows)  # fmt: skip
        fine &= ~odd
    ratio, size = np.log(ratio[fine]), np.log(N[fine])
    middle = float(np.exp(np.median(ratio)))
    if not 0.5 <= middle <= 2.0:
        said = f"C is {middle:.3g} times 6 N D in the median: the three do not count the same"
        remedy = "look at the units of N, D and C, and whether N counts embeddings or active parameters only"
        yield Finding("units", "error", said, remedy, {"ratio": middle}, ("N", "D", "C"))
    elif len(np.unique(size)) >= 3 and np.ptp(size) > 0.0:
        slope = float(np.polyfit(size, ratio, 1)[0])
        drift = float(np.exp(slope * np.ptp(size)))
        if not 1 / 1.5 <= drift <= 1.5:
            ways = f"{np.exp(np.median(ratio[size == size.min()])):.3g} at the smallest N"
            said = f"C / (6 N D) changes with N, {ways} and {drift:.3g} times as much at the largest"
            remedy = "C may count attention or the embedding where N does not; allocate with a cost that fits C"
            yield Finding("units", "warning", said, remedy, {"drift": drift}, ("N", "D", "C"))


def _exchanged(N: Float[np.ndarray, " run"], D: Float[np.ndarray, " run"]) -> Iterator[Finding]:
    """More parameters than tokens, of most runs."""
    with np.errstate(all="ignore"):
        times = float(np.nanmedian(D / N)) if np.isfinite(D / N).any() else 1.0
    if 0.0 < times < FEW_TOKENS:
        said = f"half of the runs saw fewer than {times:.2g} tokens for each parameter"
        yield Finding("units", "warning", said, "are the columns of N and D exchanged, or their units?",
                      {"tokens per parameter": times}, ("N", "D"))  # fmt: skip


def _few_exchanged(
    case: Case, N: Float[np.ndarray, " run"], D: Float[np.ndarray, " run"]
) -> Iterator[tuple[Bool[np.ndarray, " run"], Finding]]:
    """Rows with far fewer tokens for each parameter than all others: exchanged, or in another unit."""
    with np.errstate(all="ignore"):
        times = D / N
    alone = np.bincount(case.code)[case.code] == 1  # the first steps of a training have few tokens
    few = (times < FEW_TOKENS) & alone & (times > 0.0)
    if (
        not (np.isfinite(times) & (N > 0.0) & (D > 0.0)).all()
        or not 0 < few.sum() <= 0.2 * len(times)
        or len(times) < 8
    ):
        return
    rest, y = ~few, np.log(np.maximum(np.asarray(case.runs.target, float), 1e-300))
    n, d = np.log(N) - np.log(N[rest]).mean(), np.log(D) - np.log(N[rest]).mean()
    straight, turned = (np.stack([n**0, a, b, a * a, a * b, b * b], axis=-1) for a, b in ((n, d), (d, n)))
    found = np.linalg.lstsq(straight[rest], y[rest], rcond=1e-10)[0]
    off, back = np.abs(y - straight @ found), np.abs(y - turned @ found)
    near = max(3.0 * 1.4826 * float(np.median(off[rest])), 0.02)
    few &= off > 3.0 * near
    swapped, much = few & (back < near), few & (times < 0.1 * times[rest].min())
    if swapped.any():
        rows = case.rows(swapped)
        said = f"{listed_rows(rows)} {'lies' if len(rows) == 1 else 'lie'} among the others with N and D exchanged"
        yield swapped, Finding("units", "warning", said, "look which is which", {"rows": len(rows)}, ("N", "D"), rows)
    elif much.any():
        rows, most = case.rows(much), float(times[much].max())
        said = f"{listed_rows(rows)} saw at most {most:.2g} tokens for each parameter, and all others at least "
        said += f"{times[rest].min():.2g}"
        remedy = "are their tokens in another unit, as batches or sequences?"
        yield much, Finding("units", "warning", said, remedy, {"tokens per parameter": most}, ("N", "D"), rows)


def embedding_share(case: Case) -> Found:
    """Small models are not mostly embedding."""
    pattern = re.compile(r"(non|no|without|w_?o|excl\w*)[\s_\-]*emb", re.IGNORECASE)
    without = [n for n in case.columns if pattern.search(n) and case.number(n) is not None and not n.startswith("C")]
    N = case.number("N")
    counts = [case.number(name) for name in without]
    if N is None or not counts:
        yield Skipped("the table has no count of parameters without the embedding beside another")
        return
    for name, column in zip(without, counts, strict=True):
        assert column is not None
        with np.errstate(all="ignore"):
            share = 1.0 - column / N
        first = int(np.argmin(N))
        if not 0.0 < share[first] < 1.0 or share[first] <= SHARE_OF_EMBEDDING:
            continue
        said = f"{100 * share[first]:.0f} % of the smallest model, N = {N[first]:.4g}, is embedding"
        remedy = f"fit both counts, as with --columns N={name!r}, and say which one a plan is in"
        yield Finding("embedding-share", "warning", said, remedy, {"share": float(share[first])}, ("N", name))


def loss_kind(case: Case) -> Found:
    """The target is one kind of loss in one unit."""
    runs = case.runs
    y, name = np.asarray(runs.target), runs.target_name
    log_like = lossy(case)
    if log_like and np.median(y) > RANDOM:
        said = f"{name} is {np.median(y):.3g} in the median, more than guessing costs in nats"
        remedy = "if it is a perplexity, fit its logarithm; if it is summed over tokens, divide"
        yield Finding("loss-kind", "error" if np.min(y) > RANDOM else "warning", said, remedy,
                      {"median": float(np.median(y))}, (name,))  # fmt: skip
    for column, cells in case.texts("split subset eval evaluation tokenizer tokeniser vocab vocabulary").items():
        kinds = sorted(set(cells.tolist()) - {""})
        named = {w for kind in kinds for w in parted(kind)}
        both = "train" in named and bool({"val", "valid", "validation", "test", "eval", "heldout"} & named)
        tokens = len(kinds) > 1 and bool({"tokenizer", "tokeniser", "vocab", "vocabulary"} & set(parted(column)))
        if both or tokens:
            said = f"{column!r} says {', '.join(kinds[:4])}: losses of different {'tokens' if tokens else 'data'}"
            yield Finding("loss-kind", "warning", said, f"fit one of them, or each by itself (by={column!r})",
                          names=(column,))  # fmt: skip
    if log_like and (y < 0.0).all():
        said = f"{name} is below 0 in every row, as a log-likelihood with its sign is"
        yield Finding("loss-kind", "error", said, "give its negative", {"most": float(y.max())}, (name,))
    if log_like:
        yield from claimed(case, same(case))
    yield from claimed(case, slips(case))
    if log_like:
        yield from against_sizes(case)
        yield from in_two(case)
        yield from rounded(case)
    yield from _bits(case, np.log(y) if (y > 0).all() else None)


def _bits(case: Case, y: Float[np.ndarray, " run"] | None) -> Iterator[Finding]:
    """Groups apart by the ratio of bits to nats."""
    if y is None or not case.sizes:
        return
    x = [np.log(column) for column in case.sizes.values()]
    if len(np.unique(case.code)) < 12:
        return
    terms = np.stack([np.ones(len(y)), *x, *(a**2 for a in x)], axis=-1)
    for column, cells in case.columns.items():
        text = np.array([str(cell) for cell in np.asarray(cells).tolist()]) if np.ndim(cells) == 1 else np.zeros(0)
        values, code = np.unique(text, return_inverse=True)
        if len(text) != len(y) or len(values) != 2 or min(np.bincount(code)) < 4:
            continue
        both = np.concatenate([terms, code[:, None]], axis=1)
        found, _, rank, _ = np.linalg.lstsq(both, y, rcond=1e-10)
        left = y - both @ found
        if rank < both.shape[1]:
            continue
        error = np.sqrt(left @ left / max(len(y) - rank, 1) * np.linalg.pinv(both.T @ both)[-1, -1])
        if abs(abs(found[-1]) - BITS) < 0.03 and error < 0.02:
            said = f"{column!r} parts losses that differ by {np.exp(abs(found[-1])):.3g} times, as bits and nats do"
            yield Finding("loss-kind", "warning", said, ONE_UNIT,
                          {"ratio": float(np.exp(abs(found[-1])))}, (column,))  # fmt: skip


def _steps(case: Case) -> Float[np.ndarray, " run"] | None:
    return case.number("step")


def sampled_history(case: Case) -> Found:
    """Curves are whole, not thinned by what exported them."""
    step = _steps(case)
    if step is None:
        yield Skipped("there is no column step")
        return
    for k in range(int(case.code.max()) + 1):
        mine = np.sort(step[case.code == k])
        apart = np.diff(np.unique(mine))
        if len(apart) < 20:
            continue
        rows = case.rows(case.code == k)
        where = f"the training of {listed_rows(rows, 2)}"
        if len(mine) in (500, 501, 1000, 1001, 1500, 5000, 10000):
            said = f"{where} has {len(mine)} steps, as exports that thin a history do"
            yield Finding("sampled-history", "warning", said, "take the history from the artifact, not from a chart",
                          {"steps": float(len(mine))}, ("step",))  # fmt: skip
            return
        if apart.max() > 20.0 * np.median(apart):
            said = f"{where} has a gap of {apart.max():g} steps where {np.median(apart):g} are usual"
            yield Finding("sampled-history", "warning", said, "look for steps that were lost on export",
                          {"gap": float(apart.max())}, ("step",))  # fmt: skip
            return


def checkpoints(case: Case) -> Found:
    """Rows of one training count as one, and none is of its first steps."""
    count = np.bincount(case.code)
    if count.max() < 2:
        yield from _unnamed(case)
        return
    whole, trainings = len(case.code), len(count)
    names, target = np.unique(case.runs.labels.get("target", np.zeros(whole)).astype(str), return_inverse=True)
    targets = len(names)
    # The rows of one training and target are its checkpoints.
    count = np.bincount(case.code * targets + target, minlength=trainings * targets).reshape(-1, targets).max(axis=1)
    what = "" if targets == 1 else f"{targets} targets " if count.max() < 2 else f"checkpoints with {targets} targets "
    said = f"{whole} rows are {what}of {trainings} trainings, which intervals draw whole"
    numbers = {"rows": float(whole), "trainings": float(trainings), "targets": float(targets)}
    yield Finding("checkpoints", "note", said, numbers=numbers)
    if count.max() < 2:
        return
    seen = next((c for n in ("D", "n", "step") if (c := case.number(n)) is not None), None)
    if seen is None:
        return
    last = np.full(trainings, -np.inf)
    np.maximum.at(last, case.code, seen)
    early = (seen < 0.05 * last[case.code]) & (count[case.code] > 2)
    if early.any():
        rows = case.rows(early)
        said = f"{listed_rows(rows)} {'is' if len(rows) == 1 else 'are'} of the first 5 % of a training"
        numbers, severity = {"rows": float(early.sum())}, "warning"
        if case.fit is not None and case.fit.converged and early.mean() < 0.5:
            z = np.asarray(case.fit.residuals)
            off = float((np.median(z[early]) - np.median(z[~early])) / (1.4826 * np.median(np.abs(z[~early])) + 1e-300))
            side, lie = "above" if off > 0 else "below", "lies" if len(rows) == 1 else "lie"
            said += f" and {lie} {abs(off):.2g} scatters {side} the others about the law"
            numbers["off"], severity = off, "warning" if abs(off) > 2.0 else "note"
        remedy = "leave them out with --where: learning rates were still warming up"
        yield Finding("checkpoints", severity, said, remedy if severity == "warning" else "", numbers, rows=rows)


def _unnamed(case: Case) -> Found:
    """Rows that nothing says to be of one training, and whose residuals run alike along D as those of one do."""
    N, D = case.number("N"), case.number("D")
    if case.fit is not None and case.fit.converged and N is not None and D is not None:
        order = np.lexsort((D, N))
        z = np.asarray(case.fit.residuals)[order]
        scatter = 1.4826 * np.median(np.abs(z - np.median(z)))
        z = np.clip(z / max(scatter, 1e-300), -3.0, 3.0)
        next_to = (np.diff(N[order]) == 0.0) & (np.diff(D[order]) > 0.0)
        alike = float(np.sum((z[1:] * z[:-1])[next_to]) / max(np.sum(z**2), 1e-300) * len(z) / max(next_to.sum(), 1))
        # Of independent rows the correlation of neighbours is 0 within one over the root of their number.
        if next_to.sum() >= max(12, len(z) // 2) and alike > max(0.6, 4.0 / np.sqrt(next_to.sum())):
            said = f"rows of one N that follow in D are off together (correlation {alike:.2g}), as checkpoints are"
            remedy = "name the training of each row with --columns run=…, or intervals are too narrow by far"
            yield Finding("checkpoints", "warning", said, remedy, {"correlation": alike}, ("N", "D"))
            return
    yield Skipped("each row is a training of its own")


def schedule_match(case: Case) -> Found:
    """Learning rates of all rows had come as far down."""
    law = case.law if case.fit is None else case.fit.law
    if law is not None and any(isinstance(kind, Series) for kind in input_kinds(law).values()):
        yield Skipped("the law takes whole schedules")
        return
    rate = next((s for n, s in case.runs.series.items() if {"lr", "rate", "schedule"} & set(parted(n))), None)
    end = None
    if rate is not None:
        end = np.array([np.nan if one is None else one[-1] / max(float(np.max(one)), 1e-300) for one in rate])
    else:
        last = next((n for n in case.columns if {"final", "end", "min"} & set(parted(n)) and "lr" in parted(n)), None)
        peak = next((n for n in case.columns if {"peak", "max"} & set(parted(n)) and "lr" in parted(n)), None)
        if last is not None and peak is not None:
            low, high = case.number(last), case.number(peak)
            end = None if low is None or high is None else low / high
    if end is None:
        many = np.bincount(case.code).max() > 1 and case.number("D") is not None
        why = "no column says how far the learning rate had come down"
        yield Skipped(f"{why}, and rows before the end of a training may not have" if many else why)
        return
    decayed, not_yet = end < 0.2, end > 0.5
    if decayed.any() and not_yet.any():
        rows = case.rows(not_yet)
        said = f"the learning rate had not come down in {listed_rows(rows)}, and in others it had"
        yield Finding("schedule-match", "warning", said, "fit ends only, or a law of whole schedules",
                      {"rows": float(not_yet.sum())}, rows=rows)  # fmt: skip


def averaging(case: Case) -> Found:
    """The target is no mean over things that scale apart."""
    words = set(parted(case.runs.target_header))
    if words & {"avg", "average", "averaged", "mean", "macro", "agg", "aggregate"}:
        said = f"{case.runs.target_header!r} is a mean: that of several laws is none of them"
        remedy = "fit each part (several targets in one table), and average what they foresee"
        yield Finding("averaging", "note", said, remedy, names=(case.runs.target_name,))


def downstream_floor(case: Case) -> Found:
    """Accuracies are well away from chance."""
    y, words = np.asarray(case.runs.target), set(parted(case.runs.target_header))
    scores = {"acc", "accuracy", "em", "exact", "match", "score", "pass", "f", "auc", "map", "recall", "miou"}
    if not words & scores or y.min() < 0.0 or y.max() > 1.0 or "loss" in words:
        yield Skipped("the target is no accuracy")
        return
    near = _at_floor(y)
    # Chance is at most one in two, and others are above it.
    if near.mean() >= 0.25 and y.min() <= 0.55 and np.ptp(y) > 0.06:
        said = f"{near.sum()} of {len(y)} rows lie within .02 of the least {case.runs.target_name}, {y.min():.3g}"
        remedy = "they tell of chance alone: hold the floor at chance, and fit the rest"
        yield Finding("downstream-floor", "warning", said, remedy, {"floor": float(y.min())}, rows=case.rows(near))


def _at_floor(y: Float[np.ndarray, " run"]) -> Bool[np.ndarray, " run"]:
    return y < y.min() + 0.02


def repetition(case: Case) -> Found:
    """No run saw its data more often than the law knows of."""
    law = case.law if case.fit is None else case.fit.law
    known = set() if law is None else set(law.inputs)
    U = next((c for n in ("U", "unique_tokens") if (c := case.number(n)) is not None), None)
    epochs = next((c for n in ("epochs", "epoch") if (c := case.number(n)) is not None), None)
    D = case.number("D")
    if known & {"U"} or any(k.startswith("w[") or k == "w" for k in known):
        yield Skipped("the law knows of repeated data")
        return
    if (U is None or D is None) and epochs is None:
        yield Skipped("no column says how often data were seen")
        return
    passes = D / U if U is not None and D is not None else epochs
    assert passes is not None
    many = passes > (1.05 if U is not None else 4.0)
    if many.any():
        most = float(passes.max())
        said = f"{int(many.sum())} of {len(passes)} runs saw their data up to {most:.3g} times"
        remedy = "fit DataConstrained, which knows of it, or the runs of fresh data" if law is not None else ""
        severe = most > 4.0 and law is not None
        yield Finding("repetition", "warning" if severe else "note", said, remedy, {"passes": most},
                      rows=case.rows(many))  # fmt: skip
