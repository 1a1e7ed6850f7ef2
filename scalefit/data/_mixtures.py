"""Runs over mixtures of domains, from a table of weights and one of metrics, or from one table of both."""

import fnmatch
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase, check_number, check_type, hint, listed
from ._columns import INPUTS, header_of, is_error_of, our_name
from ._labels import LABELS
from ._mixture_long import DOMAINS, SHARES, TARGETS, VALUES, wide
from ._numbers import loose_numbers, missing_cells
from ._runs import Runs
from ._table import Source, Table, source_of

Headers = str | Sequence[str] | None
"""Headers, or patterns of them as `"weight_*"`."""

_RUNS = ("run", "run_id", "run_name")
"""Headers that name a run, whatever else tells rows apart: of several rows of one name it is the same."""
_IDS = (*_RUNS, "name", "id", "uid", "index", "mixture", "mixture_id", "mix")
"""Usual headers of what tells runs apart, the surest first."""
_NUMBERED = ("", "index", "id", "unnamed: 0")
_OF_DOMAIN = re.compile(r"U\[(.+)\]")
"""Headers of the tokens that there were of a domain, `U[web]`, for laws that take them."""
_MEASURED = ("loss", "ppl", "perplexity", "bpb", "bits", "error", "acc", "nll")


def read_mixtures(
    ratios: str | os.PathLike[str] | Mapping[str, Any] | Any,
    metrics: str | os.PathLike[str] | Mapping[str, Any] | Any | None = None,
    *,
    domains: Headers = None,
    targets: Headers = None,
    run: str | None = None,
    tolerance: float | None = None,
) -> Runs:
    """Read runs over mixtures of domains: what each drew from which domain, and what was measured of it.

    Runs of two tables are joined by name, in whatever order either has them. Long tables, of a row for each domain
    (with a column `domain` and one `weight`) or target (`target` and `loss`), are read as wide ones, with a note; a
    domain without a row of a run has the weight 0 there. Inputs are `w[domain]`, and N, D, the tokens `U[domain]` and
    the like where a table has them; several targets make the long form of `Runs`, to be fitted by `by="target"`.

    **Arguments:**

    - `ratios`: The weights: a path, a data frame or a dictionary of arrays, a row a run and a column a domain.
    - `metrics`: What was measured, a column a target; where left out, the first table has both.
    - `domains`: The columns that are weights, by header or pattern, as `"weight_*"`. Unless given, all numbers of the
        first table that the second lacks and that are no input; of a single table the columns that begin alike and
        sum to 1.
    - `targets`: The columns that were measured, by header or pattern. Unless given, all numbers of the second table
        that the first lacks and that are no input and no standard error; of a single table those called a loss or the
        like. A note names the columns of either table that are not used.
    - `run`: The header of what tells runs apart; found where it has a usual name.
    - `tolerance`: By how much weights of a run may miss the sum of 1, to be divided by it with a note; unless given,
        what rounding to the digits of the table explains.

    **Returns:** [`scalefit.Runs`][].

    **Raises:** `InputError`, in one sentence: for runs that one table lacks or has twice, for weights that are missing,
    below 0, or off the simplex, with the row.
    """
    if tolerance is not None:
        check_number("tolerance", tolerance, least=0.0)
    if run is not None:
        check_type("run", run, str, "the header of what tells runs apart")
    ids = (*_IDS, *([] if run is None else [run.strip().lower()]))
    first, entries = wide(source_of(ratios), DOMAINS, SHARES, ids, 0.0)
    domains = entries if domains is None else domains
    second, measured = wide(first if metrics is None else source_of(metrics), TARGETS, VALUES, ids, np.nan)
    targets = measured if targets is None else targets
    alone = metrics is None
    pair = _alone(second, domains, targets, run) if alone else _paired(first, second, domains, targets, run)
    shares, note = shares_of(pair, tolerance)
    return _runs(pair, shares, (*pair.notes, *note))


class Paired(NamedTuple):
    """What two tables say of the same runs.

    **Arguments:**

    - `table`: Every column, in the order of the runs of the first.
    - `shares`, `targets`: Headers; `run`: that of what tells runs apart, or `None`.
    - `name`, `notes`: Of the runs.
    """

    table: Table
    shares: tuple[str, ...]
    targets: tuple[str, ...]
    run: str | None
    name: str
    notes: tuple[str, ...]

    def place(self, row: int) -> str:
        """A row in words."""
        called = "" if self.run is None else f" ({self.run} {str(self.table[self.run][row])!r})"
        return f"row {row + 1} of {self.name!r}{called}"


def _paired(first: Source, second: Source, domains: Headers, targets: Headers, run: str | None) -> Paired:
    both = [h for h in first.table if h in second.table]
    key = _key(first, second, both, run)
    names, others = _alike(_labels(first, key), _labels(second, key))
    lacking = [n for n in names if n not in others]
    spare = [n for n in others if n not in names]
    if lacking or spare:
        whole, part, some = (first, second, lacking) if lacking else (second, first, spare)
        raise InputError(
            "The tables", Phrase(f"do not pair: {len(some)} of the runs of {whole.name!r} are not in {part.name!r}, "
                                 f"the first {some[0]!r}"),
            remedy=f"leave those out of both, or say with `run` which header they share, if not {key!r}",
        )  # fmt: skip
    order = [others[n] for n in names]
    for h in both if domains is None else ():
        mine, other = (loose_numbers(one.table[h]) for one in (first, second))
        if _is_share(h, first.table[h]) and not (np.isnan(other[order]) | (other[order] == mine)).all():
            given = Phrase(f"is a column of both tables, with other numbers in {second.name!r}")
            raise InputError(repr(h), given, remedy="rename it where it is a metric, or say with `domains` what is not")
    likely = [h for h in first.table if h not in both and _is_share(h, first.table[h])]
    shares = _chosen("domains", domains, first, _without_odd(likely, first.table))
    others = [h for h in second.table if h not in both and not _is_input(h) and not is_error_of(h, second.table)]
    likely = [h for h in others if _is_measured(second.table[h])]
    measured = _chosen("targets", targets, second, likely)
    if not measured:
        raise InputError(repr(second.name), Phrase("has no column of numbers that the table of weights lacks"),
                         "what was measured of each run")  # fmt: skip
    if twice := set(shares) & set(measured):
        raise InputError(repr(min(twice)), Phrase("is both a weight and a metric"), remedy="rename one")
    table = {h: column[order] for h, column in second.table.items()} | first.table
    return Paired(table, shares, measured, key, first.name, (*first.notes, *second.notes))


def _key(first: Source, second: Source, both: list[str], run: str | None) -> str:
    """The header by which the runs of two tables are told apart."""
    if run is not None:
        for one in (first, second):
            if run not in one.table:
                raise InputError("run", Phrase(f"names {run!r}, which {one.name!r} has not"),
                                 remedy=hint(run, one.table))  # fmt: skip
        return run
    usual = [h for name in _IDS for h in both if h.strip().lower() == name]
    other = [h for h in both if h not in usual and h.strip()]

    def tells_apart(header: str) -> bool:
        return all(len(set(one.table[header].tolist())) == len(one.table[header]) for one in (first, second))

    found = next((h for h in (*usual, *other) if tells_apart(h)), next(iter((*usual, *other)), None))
    if found is None:
        raise InputError(
            "The tables", Phrase(f"do not pair: no header of {first.name!r} is one of {second.name!r}"),
            "the names of the runs in both, in a column such as 'run'", "say which it is with `run`",
        )  # fmt: skip
    return found


def _labels(source: Source, key: str) -> dict[Any, int]:
    """The row of each run, by its name."""
    found: dict[Any, int] = {}
    empty = missing_cells(source.table[key])
    for row, name in enumerate(source.table[key].tolist()):
        if empty[row]:
            raise InputError(f"{key!r} in row {row + 1} of {source.name!r}", Phrase("is empty"), "the name of a run")
        name = int(name) if isinstance(name, float) and name.is_integer() else name
        if name in found:
            raise InputError(
                "The tables", Phrase(f"do not pair: {source.name!r} has the run {name!r} twice, in the rows "
                                     f"{found[name] + 1} and {row + 1}"),
                remedy="leave one out, or say with `run` which header tells runs apart",
            )  # fmt: skip
        found[name] = row
    return found


def _alike(first: dict[Any, int], second: dict[Any, int]) -> tuple[dict[Any, int], dict[Any, int]]:
    """Names of runs, as numbers in both tables where one has these as text."""

    def numbered(names: dict[Any, int]) -> dict[Any, int]:
        text = all(isinstance(n, str) and n.strip().lstrip("-").isdigit() and str(int(n)) == n.strip() for n in names)
        return {int(n): row for n, row in names.items()} if text else names

    whole = [all(isinstance(n, int) for n in names) for names in (first, second)]
    return (first, second) if whole[0] == whole[1] else (numbered(first), numbered(second))


def _alone(source: Source, domains: Headers, targets: Headers, run: str | None) -> Paired:
    if run is not None and run not in source.table:
        raise InputError("run", Phrase(f"names {run!r}, which {source.name!r} has not"), remedy=hint(run, source.table))
    headers = [h for h in source.table if _is_share(h, source.table[h])]
    shares = _chosen("domains", domains, source, _without_odd(_families(headers, source.table), source.table))
    others = [h for h in source.table if h not in shares and not is_error_of(h, source.table)]
    likely = [h for h in others if _called_measured(h, source.table[h])]
    said = _chosen("targets", targets, source, likely)
    if not said:
        raise InputError(repr(source.name), Phrase("has no column that is called a loss or the like"),
                         remedy='say which were measured, as `targets="*_loss"`')  # fmt: skip
    key = run or next((h for name in _IDS for h in source.table if h.strip().lower() == name), None)
    maybe = run is None and (key or "").strip().lower() not in _RUNS
    if maybe and key is not None and len(set(source.table[key].tolist())) < len(source.table[key]):
        key = None  # a name of the mixture, of which there are several runs
    return Paired(source.table, shares, said, key, source.name, source.notes)


def _families(headers: list[str], table: Table) -> list[str]:
    """The columns that begin alike and sum to about 1 in every row: the widest such family."""
    found: dict[str, list[str]] = {}
    for header in headers:
        for end in (m.end() for m in re.finditer(r"[_./:\[ -]", header)):
            found.setdefault(header[:end], []).append(header)
    fine = [some for some in found.values() if len(some) > 1 and _sum_to_one(some, table)]
    # Without a beginning in common, all that are not called a loss or the like.
    rest = [header for header in headers if not _called_measured(header, table[header])]
    return max(fine, key=len, default=rest if len(rest) > 1 and _sum_to_one(rest, table) else [])


def _sum_to_one(headers: list[str], table: Table, within: float = 0.05) -> bool:
    total = np.sum([loose_numbers(table[h]) for h in headers], axis=0)
    return bool(np.nanmax(np.abs(total - 1.0), initial=0.0) < within and np.isfinite(total).any())


def _without_odd(headers: list[str], table: Table) -> list[str]:
    """Headers without the one that the others sum to 1 without, as a learning rate beside weights."""
    if len(headers) < 3 or _sum_to_one(headers, table, 1e-9):
        return headers
    odd = [h for h in headers if _sum_to_one([other for other in headers if other != h], table, 1e-9)]
    return [h for h in headers if h not in odd] if len(odd) == 1 else headers


def _chosen(argument: str, given: Headers, source: Source, likely: list[str]) -> tuple[str, ...]:
    """Headers by name or pattern; those that usually serve where none are given."""
    if given is None:
        if argument == "domains" and len(likely) < 2:
            raise InputError(
                repr(source.name), Phrase(f"has {len(likely)} columns that could be weights of domains"), "two or more",
                'say which are, as `domains="weight_*"`',
            )  # fmt: skip
        return tuple(likely)
    expected = "headers, or patterns as 'weight_*'"
    patterns = (given,) if isinstance(given, str) else tuple(check_type(argument, given, Iterable, expected))
    found: dict[str, None] = {}
    for pattern in patterns:
        check_type(argument, pattern, str, expected)
        some = [h for h in source.table if h == pattern] or fnmatch.filter(source.table, pattern)
        if not some:
            given = Phrase(f"names {pattern!r}, and {source.name!r} has no such column")
            raise InputError(argument, given, remedy=hint(pattern, source.table))
        found |= dict.fromkeys(some)
    if argument == "domains" and len(found) < 2:
        raise InputError(argument, given, "two columns or more")
    return tuple(found)


def _is_input(header: str) -> bool:
    ours = our_name(header)
    return bool(_OF_DOMAIN.fullmatch(header)) or ours in INPUTS or ours in LABELS or header.strip().lower() in _NUMBERED


def _is_share(header: str, column: np.ndarray) -> bool:
    # A single cell of text among numbers is a mistake to be told of, and not another kind of column.
    return not _is_input(header) and np.isfinite(loose_numbers(column)).mean() > 0.5


def _is_measured(column: np.ndarray) -> bool:
    return bool(np.isfinite(loose_numbers(column)).any())


def _called_measured(header: str, column: np.ndarray) -> bool:
    return not _is_input(header) and any(word in header.lower() for word in _MEASURED) and _is_measured(column)


def shares_of(pair: Paired, tolerance: float | None) -> tuple[Float[np.ndarray, "run domain"], tuple[str, ...]]:
    """The weights, of a sum of 1, and what was done to them.

    **Raises:** `InputError` naming the row.
    """
    shares = np.stack([loose_numbers(pair.table[h]) for h in pair.shares], axis=1)
    for wrong, said in ((~np.isfinite(shares), "a number"), (shares < 0.0, "0 or more")):
        if wrong.any():
            row, i = (int(k[0]) for k in np.nonzero(wrong))
            cell = pair.table[pair.shares[i]][row]
            missing = missing_cells(pair.table[pair.shares[i]])[row]
            given = Phrase("is missing") if missing else cell.item() if isinstance(cell, np.generic) else cell
            raise InputError(f"The weight of {pair.shares[i]!r} in {pair.place(row)}", given, said,
                             "correct it, or say with `domains` which columns are weights")  # fmt: skip
    total = shares.sum(axis=1)
    allowed, why = _rounding(shares) if tolerance is None else (tolerance, f"within {tolerance:g}")
    off = np.abs(total - 1.0)
    if (off > max(allowed, 1e-9)).any():
        row = int(np.argmax(off))
        percent = np.all(np.abs(total - 100.0) < 1.0)
        raise InputError(
            f"The weights in {pair.place(row)}", Phrase(f"sum to {total[row]:.6g}"), "1",
            "divide percentages by 100" if percent else "correct them, name the columns that are weights with "
            "`domains`, or allow for it with `tolerance`",
        )  # fmt: skip
    mend, never = off > 1e-9, [name for name, most in zip(pair.shares, shares.max(axis=0), strict=True) if most == 0.0]
    without = (f"no run drew from {listed(never)}, which no law can tell of",) if never else ()
    if not mend.any():
        return shares, without
    said = f"weights sum to {total.min():.6g} to {total.max():.6g} in {int(mend.sum())} runs, which is 1 {why}"
    return shares / np.where(mend, total, 1.0)[:, None], (f"{said}: they were divided by their sum", *without)


def _rounding(shares: Float[np.ndarray, "run domain"]) -> tuple[float, str]:
    """What rounding to the digits that the weights have may add up to."""
    digits = (k for k in range(2, 10) if np.allclose(shares * 10.0**k, np.round(shares * 10.0**k), rtol=0, atol=1e-6))
    k = next(digits, None)
    if k is None:
        return 1e-6, "within rounding"
    # Of many weights errors cancel: five standard deviations of their sum, or half a digit each of few.
    count = shares.shape[1]
    return 10.0**-k * min(0.5 * count, 5.0 * np.sqrt(count / 12.0)), f"within the rounding to {k} digits"


def _runs(pair: Paired, shares: Float[np.ndarray, "run domain"], notes: Iterable[str]) -> Runs:
    names = [_domain(h) for h in pair.shares]
    if len(set(names)) < len(names):
        names = list(pair.shares)
    inputs: dict[str, Any] = {f"w[{name}]": shares[:, i] for i, name in enumerate(names)}
    labels: dict[str, Any] = {} if pair.run is None else {"run": _plain(pair.table[pair.run])}
    used = {*pair.shares, *pair.targets, pair.run}
    unused = []
    for header, column in pair.table.items():
        ours, numbers = our_name(header), loose_numbers(column)
        of = _OF_DOMAIN.fullmatch(header)
        if header in used or header.strip().lower() in (*_IDS, *_NUMBERED):
            continue  # what names a run beside the column that tells runs apart says nothing more
        if of and of[1] in names and np.isfinite(numbers).all():
            inputs[header] = numbers
        elif ours in INPUTS and ours not in inputs and np.isfinite(numbers).all():
            inputs[ours] = numbers * header_of(header, ours).scale
        elif ours in ("seed", "group", "step") and ours not in labels and not missing_cells(column).any():
            labels[ours] = _plain(column)
        else:
            unused.append(header)
    losses = {}
    for target in pair.targets:
        losses[target] = loose_numbers(pair.table[target])
        bad = np.isnan(losses[target]) & ~missing_cells(pair.table[target])
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(f"{target!r} in {pair.place(row)}", str(pair.table[target][row]), "a number")
    runs = Runs(losses, name=pair.name, **labels, **inputs)
    more = (f"columns that are not used, or have empty cells: {listed(unused)}",) if unused else ()
    return runs.with_fields(notes=(*notes, *_alone_in_tokens(inputs, labels), *more, *runs.notes))


def _alone_in_tokens(inputs: Mapping[str, np.ndarray], labels: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    """A note where rows without a run's name may be checkpoints of one: they differ in their tokens alone."""
    if "run" in labels or "D" not in inputs:
        return ()
    columns = [column.tolist() for name, column in inputs.items() if name != "D"]
    columns += [column for name, column in labels.items() if name != "step"]
    tokens: dict[Any, set[float]] = {}
    for key, seen in zip(zip(*columns, strict=True), inputs["D"].tolist(), strict=True):
        tokens.setdefault(key, set()).add(seen)
    several = sum(len(seen) for seen in tokens.values() if len(seen) > 1)
    if not several:
        return ()
    said = f"{several} rows differ from others in their tokens alone and count as runs of their own"
    return (f"{said}: where they are checkpoints of one run, name it in a column that `run` names",)


def _domain(header: str) -> str:
    """The name of a domain: what stands in brackets, or the header."""
    inside = re.fullmatch(r"\w+\[(.+)\]", header)
    return inside[1] if inside else header


def _plain(column: np.ndarray) -> list[Any]:
    cells = column.tolist()
    whole = all(isinstance(c, int) or (isinstance(c, float) and c.is_integer()) for c in cells)
    return [int(c) for c in cells] if whole else [str(c) for c in cells]
