"""Results for people: tables and plain sentences."""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..laws import AbstractLaw
from ..problem import Source
from ..results import Ensemble, Estimate, Fit, summary
from ..specs import noise_spec
from ._document import dead
from ._show_posterior import posterior_lines
from ._spec import counted, number, study_name

SHOWN = 5
"""Dropped rows shown by row and reason; the JSON document lists all."""

_LETTER = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω", "prod": "Π",
    "sum": "Σ",
}  # fmt: skip


def console() -> Console:
    """Standard output; as wide as tables need where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 140, highlight=False, soft_wrap=False)


def table(*headers: str, right: Sequence[str] = ()) -> Table:
    """An empty table in the one style that is used; columns named in `right` hold numbers."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        made.add_column(Text(header), justify="right" if header in right else "left", overflow="fold")
    return made


def formula(law: AbstractLaw | type[AbstractLaw]) -> str:
    """The formula in the first line of a law's documentation, in plain characters; empty if it has none."""
    cls = law if isinstance(law, type) else type(law)
    found = re.search(r"\$([^$]+)\$", (cls.__doc__ or "").split("\n", maxsplit=1)[0])
    return plain(found[1]) if found else ""


def plain(latex: str) -> str:
    """LaTeX in plain characters, as far as laws use it."""
    text = re.sub(r"\\[,;]", " ", re.sub(r"\\(?:left|right)(?![a-z])", "", latex))
    text = re.sub(r"\\geq?(?![a-z])", "≥", text)
    text = re.sub(r"\\([a-z]+)", lambda m: _LETTER.get(m[1], f" {m[1]} "), text)
    text = re.sub(r"_\{(\w+)\}", r"_\1", re.sub(r"\^\{(-?\w+)\}", r"^\1", text))
    text = re.sub(r"([ΠΣ](?:_\{[^{}]*\}|_\w)?)", r" \1 ", text).replace("{", "(").replace("}", ")")
    return re.sub(r"\b(min|max|log|exp) \(", r"\1(", re.sub(r"([(\[]) ", r"\1", re.sub(r"\s+", " ", text))).strip()


def show_fit(result: Fit[Any] | Ensemble[Any], level: float, out: Console) -> None:
    """Print a result: its law, its runs, its parameters, and how far to trust them."""
    fit = result if isinstance(result, Fit) else result.fit
    draws = result if isinstance(result, Ensemble) else None
    name, law = type(fit.law).__name__, formula(fit.law)
    out.print(Text.assemble((name, "bold"), f"   {law}" if law else ""))
    for line in run_lines(fit.source):
        out.print(Text(line))
    out.print()
    estimates = summary(result, level)
    if fit.keys is None:
        out.print(_parameters(estimates, level, draws is not None))
    else:
        out.print(_studies(fit, estimates))
    for line in trust_lines(fit, draws, level):
        out.print(Text(line))


def run_lines(source: Source) -> list[str]:
    """Which runs were used, which were not and why, and what was done to them."""
    parts = [f"{counted(source.used, 'run')} of {source.name}"]
    if source.excluded:
        parts.append(f"{source.excluded} excluded by --where")
    if source.dropped:
        parts.append(f"{len(source.dropped)} dropped")
    lines = [", ".join(parts)]
    lines += [f"  row {row}: {reason}" for row, reason in source.dropped[:SHOWN]]
    if len(source.dropped) > SHOWN:
        lines.append(f"  and {len(source.dropped) - SHOWN} more (--json lists them)")
    return lines + [f"note: {note}" for note in source.notes]


def trust_lines(fit: Fit[Any], draws: Ensemble[Any] | None, level: float) -> list[str]:
    """How the fit ended, where its intervals come from, and which parameters say nothing."""
    where = f"{noise_spec(fit.noise)} on {'log ' if fit.noise.log else ''}{fit.source.target}, summed"
    converged, agreeing = np.atleast_1d(fit.converged), np.atleast_1d(fit.agreeing)
    if fit.keys is None:
        state = "converged" if converged[0] else "NOT converged"
        lines = [f"{state}: {agreeing[0]} of {fit.tried} starts agree; objective {fit.objective:.8g} ({where})"]
        lost = {"": dead(fit, ...)}
    else:
        lines = [
            f"{converged.sum()} of {converged.size} studies converged; in each, {agreeing.min()} to {agreeing.max()} "
            f"of {fit.tried} starts agree ({where})"
        ]
        lost = {f" of {key}": dead(fit, s) for s, key in enumerate(fit.keys)}
    if draws is None and converged.all():
        lines.append("no intervals: ask for them with --bootstrap 1000, or --posterior 2000")
    elif draws is not None:
        count = draws.objective.shape[-1]
        failed = int(np.sum(~draws.converged))
        lines.append(
            f"intervals: {100 * level:g} %, from {count} {draws.method} draws"
            + _resampled(draws)
            + (f"; {failed} did not converge and take no part" if failed else "")
        )
        if draws.method == "posterior":
            lines += posterior_lines(draws.diagnostics, fit.keys is not None)
    lines += [
        f"warning: no run feels {', '.join(names)}{study} at the optimum: the runs follow a smaller law without it"
        for study, names in lost.items()
        if names
    ]
    return lines


def _resampled(draws: Ensemble[Any]) -> str:
    """What was drawn as one: rows that belong to one training must be, and a table without a `run` column hides it."""
    found = draws.diagnostics
    if "clusters" not in found:
        return ""
    if found["clusters"] == found["runs"]:
        return " (each row drawn by itself: name the training of checkpoints with --columns run=...)"
    if found.get("cluster") != "auto":
        by = ", ".join(np.atleast_1d(found["cluster"]))
        return f" of {found['clusters']} clusters, the rows of one {by} drawn together"
    return f" of {found['clusters']} trainings, the rows of each drawn together"


def interval(estimate: Estimate) -> str:
    """The interval of a parameter; one without an upper end says so."""
    if estimate.low is None:
        return "–"
    return f"{number(estimate.low, 5)} … {'no upper end' if estimate.unbounded else number(estimate.high, 5)}"


def _parameters(estimates: Mapping[Any, Any], level: float, sure: bool) -> Table:
    headers = ("parameter", "value", "± se", f"{100 * level:g} % interval", "unit")
    made = table(*(h for h in headers if sure or h in ("parameter", "value", "unit")), right=headers[1:3])
    for name, estimate in estimates.items():
        middle = (number(estimate.se, 3), interval(estimate)) if sure else ()
        unit = f"{estimate.unit} (held fixed)".strip() if estimate.fixed else estimate.unit
        made.add_row(*(Text(cell) for cell in (name, number(estimate.value), *middle, unit)))
    return made


def _studies(fit: Fit[Any], estimates: Mapping[Any, Any]) -> Table:
    names = list(next(iter(estimates.values())))
    used = np.sum(np.isfinite(fit.residuals), axis=-1)
    made = table("study", "runs", *names, "starts agreeing", right=["runs", *names, "starts agreeing"])
    for s, (key, study) in enumerate(estimates.items()):
        cells = [number(e.value) + (f" ± {number(e.se, 2)}" if e.se is not None else "") for e in study.values()]
        state = f"{fit.agreeing[s]} of {fit.tried}" if fit.converged[s] else "not converged"
        made.add_row(*(Text(cell) for cell in (study_name(key), str(used[s]), *cells, state)))
    return made
