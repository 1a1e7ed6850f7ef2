"""Results for people: tables and plain sentences."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .._core import RESULTS, visible
from ..results import searches
from ._checks import check_line
from ._formula import formula
from ._terminal import counted, interval, number, study_name

SHOWN = 5
"""Dropped rows shown by row and reason; the JSON document lists all."""
SAMPLER = {"is": "importance sampling", "nuts": "the No-U-Turn sampler", "svi": "a variational approximation"}
INFORMED = 0.5
"""The contraction below which runs leave most of what is not known of a parameter to its prior."""


class Page(Console):
    """A console that takes words as text: nothing in them is markup, and control characters show as escapes."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print words, or what rich has made of them."""
        shown = [Text(visible(one, keep="\n")) if isinstance(one, str) else _shown(one) for one in objects]
        super().print(*shown, **options)


def _shown(one: Any) -> Any:
    plain = isinstance(one, Text) and not one.spans
    return Text(visible(one.plain, keep="\n"), style=one.style) if plain else one


def console() -> Page:
    """Standard output; as wide as tables need where it is no terminal."""
    return Page(width=None if sys.stdout.isatty() else 140, highlight=False, soft_wrap=False)


def table(headers: Sequence[str], rows: Iterable[Sequence[str | Text]], right: Sequence[str] = ()) -> Table:
    """A table in the one style that is used.

    **Arguments:**

    - `headers`: Of the columns.
    - `rows`: Cells as text; rows may be shorter.
    - `right`: Headers of the columns that hold numbers.
    """
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        made.add_column(Text(visible(header)), justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(visible(cell)) if isinstance(cell, str) else cell for cell in row))
    return made


def say_notes(out: Console, notes: Iterable[str]) -> None:
    """Print notes, a line each."""
    for note in notes:
        out.print(Text(f"note: {note}"))


def show_fit(found: Mapping[str, Any], fit: Any, out: Console) -> None:
    """Print a result: its law, its runs, its parameters, and how far to trust them.

    **Arguments:**

    - `found`: Its document.
    - `fit`: The fit that it is of.
    - `out`: Where to.
    """
    law = formula(fit.law)
    out.print(Text.assemble((type(fit.law).__name__, "bold"), f"   {law}" if law else ""))
    for line in run_lines(found["runs"], found["source"]["name"], found["notes"]):
        out.print(Text(line))
    out.print()
    out.print(_studies(found["fits"]) if "fits" in found else _parameters(found))
    for one in found.get("left_out", ()):
        out.print(f"left out: {study_name(one['key'])}: {one['reason']}")
    for line in [*optimum_lines(found, fit.noise.log), *draw_lines(found), *unidentified_lines(found)]:
        out.print(Text(line))
    for one in found["checks"]:
        if one["severity"] != "note":
            out.print(Text(check_line(one)))


def run_lines(runs: Mapping[str, Any], name: str, notes: Iterable[str]) -> list[str]:
    """The runs that were used, the others with the reason, and notes on what was done to them."""
    parts, dropped = [f"{counted(runs['used'], 'run')} of {visible(name)}"], runs["dropped"]
    if runs["excluded"]:
        parts.append(f"{runs['excluded']} excluded by --where")
    if dropped:
        parts.append(f"{len(dropped)} dropped")
    lines = [", ".join(parts)]
    lines += [f"  row {one['row']}: {one['reason']}" for one in dropped[:SHOWN]]
    if len(dropped) > SHOWN:
        lines.append(f"  and {len(dropped) - SHOWN} more (--json lists them)")
    return lines + [f"note: {note}" for note in notes]


def optimum_lines(found: Mapping[str, Any], log: bool) -> list[str]:
    """End of the fit: whether it converged, and how many starts agree.

    **Arguments:**

    - `found`: The document of the fit.
    - `log`: Whether its noise is on logarithms.
    """
    where = f"{found['noise']} on {'log ' if log else ''}{found['source']['target']}, summed"
    studies = found.get("fits", [found])
    if "fits" not in found:
        state = "converged" if found["converged"] else "NOT converged"
        starts = found["starts"]
        how = searches(starts["agreeing"], starts["tried"], list(starts["scouts"].values()), starts["optima"])
        if _runs_away(found):
            state, how = "undetermined", "the least objective is neared as parameters run away"
        elif found["converged"] and found["unidentified"]:
            how = how.replace("agree", "end where a parameter is lost", 1)
        return [f"{state}: {how}; objective {_eight(found['objective'])} ({where})"]
    good = sum(one["converged"] for one in studies)
    away = sum(map(_runs_away, studies))
    undetermined = f", {away} undetermined, as parameters run away" if away else ""
    agreeing, tried = zip(*(_searches(one["starts"]) for one in studies), strict=True)
    least, most = ((f"{min(n)} to {max(n)}" if max(n) > min(n) else f"{max(n)}") for n in (agreeing, tried))
    scouts = " and scouts" if max(tried) > studies[0]["starts"]["tried"] else ""
    agreed = f"in each, {least} of {most} starts{scouts} agree ({where})"
    return [f"{good} of {len(studies)} studies converged{undetermined}; {agreed}"]


def _searches(starts: Mapping[str, Any]) -> tuple[int, int]:
    """How many starts and scouts agree, and of how many."""
    return tuple(int(starts[name] + starts["scouts"][name]) for name in ("agreeing", "tried"))  # pyright: ignore[reportReturnType]  two of them


def _runs_away(one: Mapping[str, Any]) -> bool:
    return one["status"] == RESULTS.undetermined.name


def _eight(value: Any) -> str:
    return f"{value:.8g}" if np.isfinite(value) else "–"


def draw_lines(found: Mapping[str, Any]) -> list[str]:
    """Origin of the intervals of a fit, and the quality of its draws."""
    draws = found["draws"]
    if draws is None:
        if found["freedom"] is None or not found["converged"]:
            return []
        entries = [entry for one in found.get("fits", [found]) for entry in one["parameters"].values()]
        sure = any(entry["low"] is not None for entry in entries)
        return [first_order_line(found, f"intervals: {100 * found['level']:g} %", sure)]
    failed = int(np.sum(draws["num"] - np.asarray(draws["converged"])))
    line = f"intervals: {100 * found['level']:g} %, from {draws['num']} {draws['method']} draws{_resampled(draws)}"
    lines = [line + (f"; {failed} did not converge and take no part" if failed else "")]
    free = [entry for entry in found.get("parameters", {}).values() if not entry.get("fixed")]
    if draws["method"] == "bootstrap" and free and draws["clusters"] and draws["clusters"] - len(free) < 5:
        lines[0] += "; so few tell little of how they scatter, and these may be too narrow"
    if draws["method"] == "posterior":
        lines += posterior_lines(draws["diagnostics"], draws["priors"], "fits" in found)
    return lines


def first_order_line(found: Mapping[str, Any], begin: str, sure: bool) -> str:
    """Origin of intervals that are not of draws, or why they are not `sure`; `begin` is their level in words."""
    names = ("left", "trainings", "runs")
    left, trainings, runs = (np.atleast_1d(found["freedom"][name]) for name in names)
    together = bool((trainings < runs).any())
    if left.max() < 1:
        few = "rows of one training count once, and there are no more trainings than numbers to fit"
        why = few if together else "the law passes through every run"
        more = "trainings" if together else "runs"
        return (
            f"no intervals: {why}, so that nothing tells how they scatter: add {more}, or hold a parameter with --fixed"
        )
    if np.isinf(left).all():
        return f"{begin}, to first order, by the standard errors of the runs"
    if not sure:
        return "no intervals: the cost has no curvature at most runs; ask for them with --bootstrap 1000"
    freedom = f"{left.min():.0f}" if left.min() == left.max() else f"{left.min():.0f} to {left.max():.0f}"
    line = f"{begin}, to first order, by Student's t of {freedom} degree{'' if freedom == '1' else 's'} of freedom"
    if together:
        line += f" (the rows of each of {int(trainings.sum())} trainings together)"
    return line + ("; these are too few to know the scatter well" if left.min() < 5 else "")


def unidentified_lines(found: Mapping[str, Any]) -> list[str]:
    """Unidentified parameters, a line for each study."""
    lost = [(", ".join(one["unidentified"]), _of(one)) for one in found.get("fits", [found])]
    ends = [
        f"note: {name}{_of(one)} is at the end of its interval, {number(end)}"
        for one in found.get("fits", [found])
        for name, end in one["at_end"].items()
    ]
    # Of a single fit the checks say it.
    return ends + [
        f"warning: no run responds to {names}{study} at the optimum: the runs follow a smaller law without it"
        for names, study in lost
        if names and study
    ]


def _of(one: Mapping[str, Any]) -> str:
    return f" of {one['key']}" if "key" in one else ""


def posterior_lines(found: Mapping[str, Any], priors: Mapping[str, Any] | None, batch: bool) -> list[str]:
    """A line of diagnosis, the priors in words, and the parameters that are known from those alone.

    **Arguments:**

    - `found`: The diagnostics of posterior draws.
    - `priors`: In words, by parameter.
    - `batch`: Whether they are of several studies: each number is then that of the worst.
    """
    used = dict.fromkeys(str(one) for one in np.ravel(found.get("method", "")))
    by = " and ".join(SAMPLER.get(one, one) for one in used)
    lines = [f"drawn by {by}: {', '.join(_quality(found))}" + " (of the worst study)" * batch]
    names: dict[str, list[str]] = {}  # one line for all parameters that share a prior
    for name, said in (priors or {}).items():
        names.setdefault(" / ".join(dict.fromkeys(str(one) for one in np.ravel(said))), []).append(name)
    lines += ["priors:", *(f"  {', '.join(those)}: {said}" for said, those in names.items())] if names else []
    low = {name: float(np.nanmin(c)) for name, c in (found.get("contraction") or {}).items() if np.nanmin(c) < INFORMED}
    if low:
        said = ", ".join(f"{name} ({number(c, 2)})" for name, c in low.items())
        where = " of some study" * batch
        lines.append(
            f"warning: the runs{where} say little of {said}: the share of the prior's variance that they took away is "
            f"in brackets, and the rest of the interval is the prior's"
        )
    return lines


def _quality(found: Mapping[str, Any]) -> list[str]:
    """Effective draws, and what each sampler says of itself, as far as it does."""
    said = []
    method = np.atleast_1d(found.get("method", ""))
    # Draws of an approximation are as many as they are; weights that gave way to chains are no matter.
    bulk, tail = (_worst(found.get(name), np.nanmin, method != "svi") for name in ("ess_bulk", "ess_tail"))
    if bulk is not None:
        said.append(f"{bulk:.0f} effective draws" + (f", {tail:.0f} in the tails" if tail not in (None, bulk) else ""))
    khat = _worst(found.get("khat"), np.nanmax, method != "nuts")
    if khat is not None:
        said.append(f"Pareto k {khat:.2f}")
    rhat = _worst(list((found.get("rhat") or {}).values()), np.nanmax)
    if rhat is not None:
        diverged = _worst(found.get("divergences"), np.nanmax)
        said += [f"R-hat {rhat:.3f}", f"{diverged or 0:.0f} divergences"]
    return said


def _worst(numbers: Any, which: Any, where: Any = True) -> float | None:
    """The worst of what is known; `None` where nothing is."""
    known = np.atleast_1d(np.asarray([] if numbers is None else numbers, dtype=float))
    known = np.where(where, known, np.nan) if known.size else known
    return float(which(known)) if np.isfinite(known).any() else None


def _resampled(draws: Mapping[str, Any]) -> str:
    """Rows drawn as one: those of one run must be, and a table without a `run` column hides it."""
    if draws["clusters"] is None:
        return ""
    if draws["clusters"] == draws["runs"]:
        return " (each row drawn by itself: name the training of checkpoints with --columns run=...)"
    if draws["cluster"] != "auto":
        by = ", ".join(np.atleast_1d(draws["cluster"]))
        return f" of {draws['clusters']} clusters, the rows of one {by} drawn together"
    return f" of {draws['clusters']} trainings, the rows of each drawn together"


def _parameters(found: Mapping[str, Any]) -> Table:
    sure = any(entry["low"] is not None for entry in found["parameters"].values())
    middle = ("± se", f"{100 * found['level']:g} % interval") if sure else ()
    headers = ("parameter", "value", *middle, "unit")
    rows = []
    for name, entry in found["parameters"].items():
        ends = (number(entry["se"], 3), interval(entry)) if sure else ()
        unit = f"{entry['unit']} (held fixed)".strip() if entry.get("fixed") else entry["unit"]
        rows.append((name, number(entry["value"]), *ends, unit))
    return table(headers, rows, right=("value", "± se"))


def _studies(fits: Sequence[Mapping[str, Any]]) -> Table:
    names = list(fits[0]["parameters"])
    rows = []
    for one in fits:
        entries, starts = one["parameters"].values(), one["starts"]
        cells = [number(e["value"]) + (f" ± {number(e['se'], 2)}" if e["se"] is not None else "") for e in entries]
        state = "{} of {}".format(*_searches(starts)) if one["converged"] else "not converged"
        state = "undetermined" if _runs_away(one) else state
        rows.append((study_name(one["key"]), str(one["runs"]["used"]), *cells, state))
    headers = ["runs", *names, "starts agreeing"]
    return table(["study", *headers], rows, right=headers)
