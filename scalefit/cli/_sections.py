"""The sections of a report, each from what a saved result holds; what it does not hold has no section."""

import contextlib
import csv
import datetime
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import scalefit as sf

from .._core import RESULTS, InputError, NotConverged, Phrase
from ..data import UNLIMITED
from ..laws import input_units
from ..params import slots, values
from ..report import Block, Section, code, facts, findings, lines, page, picture, table
from ..results import Ensemble, Fit
from ..validate import diagnose
from ._checks import SUMMARY, Checks, kept_findings
from ._document import document
from ._errors import as_options
from ._formula import formula
from ._laws import documentation, prose
from ._out import figures
from ._outline import blocks_of
from ._show import draw_lines, optimum_lines, unidentified_lines
from ._terminal import counted, human, interval, number, study_name

PICTURES = {
    "demo.png": "The runs, the law, and the residuals",
    "loss.png": "The runs, and the law that was fitted",
    "residuals.png": "Residuals: how far each run lies above the law",
    "parameters.png": "Draws of the parameters, each against each",
    "prior.png": "What is known of each parameter before and after the runs",
    "ranks.png": "Ranks of the draws in each chain, level where chains agree",
    "forecast.png": "The runs, and where the posterior has new runs lie",
    "frontier.png": "The best that each budget reaches",
}
"""What the pictures of a folder show, in the order of the report."""
TITLES = {
    "forecast": "Forecast and backtests",
    "predict": "Predictions",
    "plan": "Plan",
    "curation": "Plan of the data",
    "curate": "Plan of the data",
    "mixture": "Mixture",
    "mix": "Mixture",
    "design": "Next runs",
    "next": "Next runs",
    "compare": "Laws compared",
    "causes": "What explains a drift",
    "speedup": "Speedup",
    "check": "Checks of a table",
}
"""Headings of further files, by their name, or else by the command that wrote them; of another, its name."""
OURS = ("result.json", SUMMARY)
MOST = 200
"""Rows of a table, at most; what is left out is counted."""
WIDE = 12
"""Parameters, at most, whose correlations are shown."""
LEVEL = 0.95
"""Probability of intervals where the folder does not say it."""
BEYOND = (1.0, 10.0)
"""Computes at which the best sizes are shown, in those of the largest run."""


def page_of(
    result: Fit[Any] | Ensemble[Any], folder: Path, checks: Checks, more: Sequence[Path], command: Sequence[str]
) -> tuple[str, list[str]]:
    """The page of a result and the titles of its sections.

    **Arguments:**

    - `folder`: Where it was saved.
    - `checks`: Where findings go.
    - `more`: Further files to show.
    - `command`: How the page was made.

    **Raises:** `InputError` for a further file that cannot be read.
    """
    fit, kept = result.fit, _kept(folder / SUMMARY)
    level = kept.get("level", LEVEL)
    saved = json.loads((folder / "result.json").read_text("utf-8"))
    passed, skipped = _check(result, folder, checks)
    found = document(result, level=level, seconds=0.0, checks=checks.document())
    further = [path for path in sorted(folder.iterdir()) if path.suffix in (".json", ".csv") and path.name not in OURS]
    compared = {"compared": kept["compared"]} if kept.get("compared") else {}
    sections = [
        Section("Data", _data(fit, found)),
        Section("How it was fitted", _protocol(result, found)),
        Section("Parameters", _parameters(result, found)),
        Section("Derived quantities", _derived(result, level)),
        Section("Checks", _checks(found, passed, skipped)),
        Section("Figures", _figures(result, folder, level)),
        Section("Laws compared", blocks_of(compared)),
        *(_beside(path, found["checks"]) for path in further if path not in more),
        *(_further(path, found["checks"]) for path in more),
        Section("The law", lines(prose(documentation(fit.law)).split("\n\n"))),
        Section("How to repeat it", _again(result, found, folder, command)),
    ]
    name, version = type(fit.law).__name__, saved["versions"].get("scalefit", "")
    text = page(f"{name}: {found['source']['name']}", _head(result, found, saved, folder), sections,
                f"Made by scalefit {sf.__version__} from a result of scalefit {version}.")  # fmt: skip
    return text, [one.title for one in sections if one.blocks]


def _kept(path: Path) -> dict[str, Any]:
    """The document of the command that saved a result; empty without a whole one."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return found if isinstance(found, dict) and 0.0 < float(found["level"]) < 1.0 else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _check(result: Any, folder: Path, checks: Checks) -> tuple[Sequence[str], Mapping[str, str]]:
    """Have findings heard; return which checks found nothing, and which had nothing to look at."""
    kept, fit = kept_findings(folder), result.fit
    told = diagnose(result) if fit.keys is None else diagnose(fit.problem.runs, law=fit.law)
    checks.own += told.findings if kept is None else [*kept, *told.findings]
    return (told.passed, told.skipped) if fit.keys is None else ((), {})


def _head(result: Any, found: Mapping[str, Any], saved: Mapping[str, Any], folder: Path) -> list[Block]:
    fit, grave = result.fit, [one["severity"] for one in found["checks"]]
    when = datetime.datetime.fromtimestamp((folder / "result.json").stat().st_mtime, datetime.UTC)
    counts = [counted(grave.count(one), one) for one in ("error", "warning", "note") if one in grave]
    done = int(np.sum(fit.converged))
    if fit.keys is None:
        state = {RESULTS.undetermined.name: "undetermined, as parameters run away"}.get(
            found["status"], "not converged"
        )
        state = "converged" if done else state
    else:
        state = f"{done} of {len(fit.keys)} studies converged"
    units = [f"{name} ({unit})" if unit else name for name, unit in input_units(fit.law).items()]
    known = {
        "Source": found["source"]["name"],
        "State": ", ".join([state, *counts]),
        "Target": found["source"]["target"],
        "Inputs": ", ".join(units),
        "Saved": f"{when:%Y-%m-%d %H:%M} UTC",
        "Versions": ", ".join(f"{name} {one}" for name, one in saved["versions"].items()),
        "Fingerprint of the runs": found["source"]["fingerprint"],
    }
    said = formula(fit.law)
    head = lines([said]) if said else []
    for one in head:
        one.set("class", "formula")
    return [*head, *facts(known)]


def _data(fit: Fit[Any], found: Mapping[str, Any]) -> list[Block]:
    runs, units = found["runs"], input_units(fit.law)
    rows = [
        [name, number(low, 4), "no limit" if high == UNLIMITED else number(high, 4), _decades(low, high),
         units.get(name, "")]
        for name, (low, high) in fit.source.ranges.items()
    ]  # fmt: skip
    counts = {
        "Runs used": str(runs["used"]),
        "Left out by a condition": str(runs["excluded"] or ""),
        "Left out, with reasons": str(len(runs["dropped"]) or ""),
        "Studies": "" if fit.keys is None else str(len(fit.keys)),
    }
    dropped = [[str(one["row"]), one["reason"]] for one in runs["dropped"]]
    studies = [[study_name(one["key"]), one["reason"]] for one in found.get("left_out", ())]
    return [
        *facts(counts),
        *table("Ranges of the runs", ("input", "from", "to", "decades", "unit"), rows, ("from", "to", "decades")),
        *_cut(table, "Rows left out", ("row", "reason"), dropped),
        *_cut(table, "Studies left out", ("study", "reason"), studies),
        *lines(found["notes"]),
    ]


def _decades(low: float, high: float) -> str:
    return number(float(np.log10(high / low)), 3) if low > 0.0 and high != UNLIMITED else "–"


def _cut(table: Any, caption: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Block]:
    """A table of at most so many rows, and how many there are more."""
    said = [f"And {len(rows) - MOST} more."] if len(rows) > MOST else []
    return [*table(caption, headers, rows[:MOST]), *lines(said)]


def _protocol(result: Any, found: Mapping[str, Any]) -> list[Block]:
    fit, draws = result.fit, found["draws"]
    known = {name: number(one["value"]) for name, one in found.get("parameters", {}).items()}
    held = [f"{name} = {known[name]}" if name in known else name for name in fit.problem.fixed]
    by = [fit.by] if isinstance(fit.by, str) else fit.by or ()
    known = {
        "Law": found["law"],
        "Noise": f"{found['noise']}, on {'log ' if fit.noise.log else ''}{found['source']['target']}",
        "Starts": str(fit.tried),
        "Seed": str(fit.seed),
        "Held": ", ".join(held),
        "Tied": ", ".join(" = ".join(pair) for pair in fit.problem.tie),
        "One fit for each": ", ".join(map(str, by)),
        "Draws": "" if draws is None else f"{draws['num']} {draws['method']}, seed {draws['seed']}",
        "Precision": "64-bit",
    }
    said = [*optimum_lines(found, fit.noise.log), *draw_lines(found), *unidentified_lines(found)]
    return [*facts(known), *lines(as_options(one[:1].upper() + one[1:]) for one in said)]


def _parameters(result: Any, found: Mapping[str, Any]) -> list[Block]:
    if "fits" in found:
        names = list(dict.fromkeys(name for one in found["fits"] for name in one["parameters"]))
        rows = [[study_name(one["key"]), str(one["runs"]["used"]),
                 *(_ends(one["parameters"].get(name)) for name in names)] for one in found["fits"]]  # fmt: skip
        interval_of = f"Parameters of each study, with {100 * found['level']:g} % intervals"
        return _cut(lambda c, h, r: table(c, h, r, h[1:]), interval_of, ("study", "runs", *names), rows)
    entries = found["parameters"]
    sure = any(one["low"] is not None for one in entries.values())
    middle = ("± se", f"{100 * found['level']:g} % interval") if sure else ()
    rows = [
        [name, number(one["value"]), *((number(one["se"], 3), interval(one)) if sure else ()),
         f"{one['unit']} (held fixed)".strip() if one.get("fixed") else one["unit"]]
        for name, one in entries.items()
    ]  # fmt: skip
    made = table("Parameters", ("parameter", "value", *middle, "unit"), rows, ("value", "± se", *middle))
    return [*made, *_correlations(result)]


def _ends(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "–"
    return number(entry["value"], 4) + (f" [{interval(entry)}]" if entry["low"] is not None else "")


def _correlations(result: Any) -> list[Block]:
    """How the draws of the free parameters go together."""
    if not isinstance(result, Ensemble):
        return []
    drawn = zip(slots(result.fit.law), values(result.law)[result.converged].T, strict=True)
    moves = [(one.name, column) for one, column in drawn if one.name in result.fit.free and len(set(column)) > 2]
    if not 2 <= len(moves) <= WIDE:
        return []
    with np.errstate(all="ignore"):
        found = np.corrcoef([column for _, column in moves])
    names = [name for name, _ in moves]
    rows = [[name, *(f"{one:.3f}" if np.isfinite(one) else "–" for one in row)]
            for name, row in zip(names, found, strict=True)]  # fmt: skip
    return table("Correlations of the draws", ("parameter", *names), rows, names)


def _derived(result: Any, level: float) -> list[Block]:
    """The best sizes and the least loss at computes about the largest run's, of a law of sizes."""
    fit = result.fit
    if fit.keys is not None or not fit.converged or {"N", "D"} != set(fit.law.inputs) or "C" not in fit.source.ranges:
        return []
    with contextlib.suppress(InputError, NotConverged):
        best = sf.allocate(result, budget=[k * fit.source.ranges["C"][1] for k in BEYOND], level=level)
        names = ("N", "D", "D_per_N", "loss")
        words = (human, human, lambda value: f"{value:.3g}", lambda value: f"{value:.4g}")
        shown = ("N", "D", "D/N", fit.source.target)
        rows = [[head, *(_said(getattr(best, name)[b], say) for b in range(len(best.budgets)))]
                for head, name, say in zip(shown, names, words, strict=True)]  # fmt: skip
        rows += [[f"N within {100 * near:g} % of the least loss",
                  *(f"{_three(low)} … {_three(high)}" for low, high in zip(one.low, one.high, strict=True))]
                 for near, one in (best.near_optimal or {}).items()]  # fmt: skip
        headers = ("compute", *(f"{compute:.3g} FLOP" for compute in best.budgets))
        said = f"Best sizes at the largest compute of the runs and at {BEYOND[1]:g} times that, by C = 6 N D"
        return table(f"{said}, with {100 * level:g} % intervals", headers, rows, headers[1:])
    return []


def _three(value: float) -> str:
    return human(float(f"{value:.3g}")) if np.isfinite(value) else "–"


def _said(one: Any, say: Any) -> str:
    """A value with its interval, where it has one."""
    shown = [say(float(f"{float(end):.4g}")) for end in (one.value, one.low, one.high) if end is not None]
    return f"{shown[0]} [{shown[1]} … {shown[2]}]" if len(shown) == 3 else shown[0]


def _checks(found: Mapping[str, Any], passed: Sequence[str], skipped: Mapping[str, str]) -> list[Block]:
    went = [f"Passed: {', '.join(passed)}."] if passed else []
    rows = [[name, as_options(why)] for name, why in skipped.items()]
    return [*findings(found["checks"]), *lines(went), *table("Had nothing to look at", ("check", "why"), rows)]


def _figures(result: Any, folder: Path, level: float) -> list[Block]:
    """The pictures of the folder; those of a result that was saved without are drawn."""
    kept = {path.name: content for path in sorted(folder.glob("*.png"))
            if (content := path.read_bytes()).startswith(b"\x89PNG\r\n")}  # fmt: skip
    if "loss.png" not in kept:
        with contextlib.suppress(InputError, NotConverged):
            kept = figures(result, level=level) | kept
    order = [*(name for name in PICTURES if name in kept), *(name for name in kept if name not in PICTURES)]
    return [picture(kept[name], PICTURES.get(name, name.removesuffix(".png"))) for name in order]


def _further(path: Path, said: Sequence[Mapping[str, Any]]) -> Section:
    """A section of what another command wrote.

    **Raises:** `InputError` where it cannot be read.
    """
    title = TITLES.get(path.stem, path.stem)
    try:
        if path.suffix.lower() == ".csv":
            with open(path, newline="", encoding="utf-8") as stream:
                head, *rows = [row for row in csv.reader(stream, strict=True) if row] or [[]]
            if any(len(row) != len(head) for row in rows):
                raise ValueError("its rows are of different lengths")
            return Section(title, _cut(lambda c, h, r: table(c, h, r, h[1:]), path.name, head, rows))
        found = json.loads(path.read_text("utf-8"), parse_int=float)  # of any length
        if not isinstance(found, dict):
            raise ValueError("it is no document of a command")
        wrote = str(found.get("schema", "")).split("/")
        title = TITLES.get(path.stem, TITLES.get(wrote[1], path.stem) if wrote[0] == "scalefit" else path.stem)
        return Section(title, blocks_of(found, said))
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise InputError("with", Phrase(f"is {str(path)!r}, which cannot be shown ({error})"),
                         "what a command printed with --json, or a CSV") from error  # fmt: skip


def _beside(path: Path, said: Sequence[Mapping[str, Any]]) -> Section:
    """The same of a file of the folder; one that nobody asked for and that cannot be shown is named."""
    try:
        return _further(path, said)
    except InputError as error:
        return Section(path.name, lines([f"{error.given}."]))


def _again(result: Any, found: Mapping[str, Any], folder: Path, command: Sequence[str]) -> list[Block]:
    """From the folder alone, the same numbers."""
    fit, drawn = result.fit, result if isinstance(result, Ensemble) else None
    own = "" if type(fit.law).__module__.startswith("scalefit.") else f", law={type(fit.law).__name__}"
    asked = ["saved.template", "saved.problem.runs", "noise=saved.noise"]
    asked += ["fixed=saved.problem.fixed"] * bool(fit.problem.fixed)
    asked += ["tie=dict(saved.problem.tie)"] * bool(fit.problem.tie)
    asked += ["by=saved.by"] * (fit.keys is not None) + [f"seed={fit.seed}"]
    text = [
        "import scalefit as sf",
        "",
        f"saved = sf.load({str(folder)!r}{own}).fit",
        f"fit = sf.fit({', '.join(asked)})",
    ]
    if drawn is not None and drawn.method == "bootstrap":
        by = drawn.diagnostics.get("cluster", "auto")
        kept = drawn.diagnostics.get("scheme")
        scheme = f", scheme={kept!r}" if isinstance(kept, str) else ""
        text.append(
            f"draws = sf.bootstrap(fit, num={found['draws']['num']}, cluster={by!r}{scheme}, seed={drawn.seed})"
        )
    said = ["The folder holds the runs that were used, so that Python fits them again:"]
    if own:
        said.append(f"{type(fit.law).__name__} is your own law: import it first.")
    if drawn is not None and drawn.method == "posterior":
        said.append("Then sf.sample draws from the posterior, with the priors that stand above.")
    page = ["This page, from the folder:"]
    return [*lines(said), code("\n".join(text)), *lines(page), code(shlex.join(command))]
