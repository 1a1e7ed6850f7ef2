"""`scalefit check`: what a table holds, which laws it serves, what misleads in it, and what to train next."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import SEVERITIES, Finding, check_choice
from ._config import print_document
from ._options import AnyLaw, CacheDir, Columns, Json, PerRun, Source, Target, Where

NEXT = 3
"""Runs that are proposed."""
MISSING = {"U": "unique tokens", "D": "tokens", "N": "parameters", "lr": "learning rates by step"}
"""Inputs that tables often lack, in words."""
LACKS = {
    "seeds": (
        "hardly any run",
        "runs repeated with another seed, which would tell how they scatter apart from the law",
    ),
    "errors": ("the table has no", "standard errors (se), which would say how sure each run is"),
}
"""By check that had nothing to look at, how it says so, and what would help it."""


def check(
    source: Source,
    law: AnyLaw = None,
    columns: Columns = None,
    where: Where = None,
    target: Target = None,
    per_run: PerRun = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Fit again too: by other noises and laws, and from smaller runs alone.")
    ] = False,
    fail_on: Annotated[
        str, typer.Option(metavar="error|warning|never", help="From which severity on the exit status is 4.")
    ] = "error",
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say what a table holds, which laws it serves, what misleads in it, and which runs would help most."""
    from .._core import cache
    from ._terminal import quiet
    from ._words import read_source

    with quiet(json), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each is a finding
        check_choice("fail_on", fail_on, ("error", "warning", "never"))
        runs = read_source(source, columns, where, target, per_run=per_run)
        cache(cache_dir)
        wanted = law or ("chinchilla" if {"N", "D"} <= set(_there(runs)) else None)
        fitted, why = _fitted(wanted, runs)
        told = sf.diagnose(runs if fitted is None else fitted, deep=deep)
        refitted = _refitted(fitted, told, deep)
        laws, lacks = _laws(runs)
        refused = [Finding("convergence", "error", f"{wanted} cannot be fitted: {why}")] if wanted and why else []
        checks = sorted([*told.findings, *refused], key=lambda one: SEVERITIES.index(one.severity))
        found: dict[str, Any] = {
            "table": {"name": runs.name, "rows": len(runs), "inputs": _ranges(runs), "target": runs.target_name,
                      "labels": list(runs.labels), "notes": list(runs.notes)},
            "laws": laws,
            "missing": lacks,
            "apart": {} if fitted is None else _apart(fitted),
            "fitted": None if fitted is None else wanted,
            "checks": [one._asdict() for one in checks],
            "passed": list(told.passed),
            "skipped": {name: said for name, said in told.skipped.items() if name not in {one.check for one in checks}},
            "parameters": {} if fitted is None or not fitted.converged else _numbers(fitted),
            "without": {} if fitted is None or refitted is None else _without(fitted, refitted, told),
            "robustness": None if fitted is None or refitted is None or not deep else _robust(fitted, refitted),
            "next": [] if fitted is None or told.worst == "error" else _next(fitted),
            "notes": [] if why is None or wanted else [why],
        }  # fmt: skip
    if json:
        print_document(found)
    else:
        _show(found, runs)
    grave = ("error", "warning")[: ("never", "error", "warning").index(fail_on)]
    if checks and checks[0].severity in grave:
        raise typer.Exit(4)


def _there(runs: sf.Runs) -> list[str]:
    """Sizes that the table has, or that follow from others."""
    return [name for name in ("N", "D") if _has(runs, name)]


def _has(runs: sf.Runs, name: str) -> bool:
    try:
        runs.select((name,))
    except sf.InputError:
        return False
    return True


def _ranges(runs: sf.Runs) -> dict[str, tuple[float, float]]:
    import numpy as np

    columns = {**runs.inputs, runs.target_name: runs.target}
    return {n: (float(np.nanmin(c)), float(np.nanmax(c))) for n, c in columns.items() if not np.all(np.isnan(c))}


def _laws(runs: sf.Runs) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Each law that the table has the inputs of, with whether runs are enough; by input, the laws that lack it."""
    from ..laws import axes, inputs_of
    from ..noise import StudentT
    from ..problem import Problem
    from ..specs import known_laws

    found, lacks = [], {}
    alone = len(runs.inputs) == 1
    for name, cls in known_laws().items():
        law = cls()
        needed = set(inputs_of(law))
        if ("x" in needed and not alone) or (needed == {"C"} and {"N", "D"} <= set(_there(runs))):
            continue
        missing = [one for one in needed if "[" not in one and one != "x" and not _has(runs, one)]
        if len(missing) == 1 and len(needed) > 1:
            lacks.setdefault(missing[0], []).append(name)
        try:
            problem = Problem.of(law, runs, StudentT())
            numbers = problem.curve.size
        except (sf.InputError, TypeError):
            continue
        if not all(problem.law.entries(axis) for axis in axes(problem.law)):
            continue
        used = len(problem.runs)
        serves = "too few runs" if used <= numbers + 1 else "few runs" if used < 3 * numbers else "enough runs"
        found.append(
            {"law": name, "inputs": list(problem.law.inputs), "numbers": numbers, "runs": used, "says": serves}
        )
    return found, lacks


def _apart(fit: sf.Fit[Any]) -> dict[str, float]:
    """Of the laws of N and D that are tried beside each other, by how much worse than the best each fits, by AIC."""
    from ..validate import scores_of_laws

    if not fit.converged or set(fit.law.inputs) != {"N", "D"}:
        return {}
    scores = scores_of_laws(fit)
    return {name: score - min(scores.values()) for name, score in scores.items()}


def _fitted(law: str | None, runs: sf.Runs) -> tuple[sf.Fit[Any] | None, str | None]:
    """A fit of the law to the table; without one, why not."""
    if law is None:
        return None, "no law was named, and the table has no N and D: the fit is not checked"
    from ..specs import law_of

    template = law_of(law, {})  # a name of no law is no fault of the table
    try:
        return sf.fit(template, runs, throw=False), None
    except sf.InputError as error:
        return None, str(error)


def _numbers(fit: sf.Fit[Any]) -> dict[str, float]:
    """The free numbers of a fit."""
    from ..params import slots, values

    known = zip(slots(fit.law), values(fit.law), strict=True)
    return {slot.name: float(value) for slot, value in known if slot.name in fit.free}


def _refitted(fit: sf.Fit[Any] | None, told: Any, deep: bool) -> Any:
    """The fit without the rows that checks name and, where it is deep, as all else changes; `None` without either."""
    from ..validate import usual_quantities

    if fit is None or not fit.converged:
        return None
    if deep:
        return sf.robustness(fit, list(dict.fromkeys([*usual_quantities(fit), *fit.free])))
    doubted = any(one.rows for one in told.of("warning") + told.of("error"))
    return sf.robustness(fit, list(fit.free), kinds=("rows",)) if doubted else None


def _without(fit: sf.Fit[Any], found: Any, told: Any) -> dict[str, Any]:
    """By check the free numbers without the rows that it names."""
    named = {one.check for one in told.findings if one.rows}
    return {
        one.kind: {"rows": list(one.rows), "parameters": {name: one.values[name] for name in fit.free}}
        for one in found.variants if one.kind in named
    }  # fmt: skip


def _robust(fit: sf.Fit[Any], found: Any) -> dict[str, Any]:
    """What is read off the fit beside what it would be otherwise."""
    import dataclasses

    from ..validate import usual_quantities

    found = dataclasses.replace(found, value={name: found.value[name] for name in usual_quantities(fit)})
    variants = [{**one._asdict(), "values": dict(one.values)} for one in found.variants]
    ends = {"value": dict(found.value), "low": dict(found.low), "high": dict(found.high), "level": found.level}
    return {**ends, "variants": variants, "failed": found.failed, "says": repr(found).splitlines()}


def _next(fit: sf.Fit[Any]) -> list[dict[str, float]]:
    """Runs, of usual layouts up to twice the largest compute, that tell most about all numbers of the law."""
    if not fit.converged or set(fit.law.inputs) != {"N", "D"}:
        return []
    import numpy as np

    low, high = fit.source.ranges["C"]
    # As many tokens for each parameter as runs had.
    ratio = np.quantile(fit.problem.inputs["D"] / fit.problem.inputs["N"], (0.1, 0.5, 0.9))
    spread = float(np.clip((ratio[2] / ratio[0]) ** 0.25, 1.5, 8.0))
    candidates = sf.design_template("isoflop", budgets=(max(low, high / 100.0), 2.0 * high), levels=4,
                                    ratio=float(ratio[1]), spread=spread)  # fmt: skip
    try:
        chosen = sf.design_runs(fit, candidates, budget=6.0 * high, most=NEXT, criterion="D")
    except (sf.InputError, sf.NotConverged):
        return []
    return [{n: float(c[i]) for n, c in chosen.candidates.items()} for i in chosen.order]


def _show(found: dict[str, Any], runs: sf.Runs) -> None:
    from rich.text import Text

    from ._checks import check_line
    from ._show import console, say_notes, table
    from ._terminal import human

    out = console()
    out.print(Text(repr(runs)))
    out.print()
    rows = [[one["law"], ", ".join(one["inputs"]), str(one["numbers"]), one["says"]] for one in found["laws"]]
    out.print(table(("law", "inputs", "numbers", "for it"), rows, right=("numbers",)) if rows else "no law fits")
    out.print()
    for one in found["checks"]:
        out.print(Text(check_line(one)))
    out.print(f"{len(found['passed'])} checks passed, {len(found['skipped'])} had nothing to look at")
    if found["without"]:
        out.print(_beside(found["without"], found["parameters"]))
    for line in found["robustness"]["says"] if found["robustness"] else ():
        out.print(Text(line))
    for line in _lines_of_laws(found):
        out.print(Text(line))
    if found["next"]:
        each = "; ".join(
            ", ".join(f"{n} = {human(float(f'{v:.3g}'))}" for n, v in one.items()) for one in found["next"]
        )
        out.print(Text(f"next, to know the law best: {each}"))
    say_notes(out, found["notes"])


def _beside(without: dict[str, Any], numbers: dict[str, float]) -> Any:
    """The fit, and beside it the fits without the rows that checks name."""
    from ._show import table
    from ._terminal import counted, number

    headers = ["parameter", "all runs", *(f"without {counted(len(one['rows']), 'row')} of {check}"
                                          for check, one in without.items())]  # fmt: skip
    rows = [[name, number(value, 4), *(number(one["parameters"][name], 4) for one in without.values())]
            for name, value in numbers.items()]  # fmt: skip
    return table(headers, rows, right=headers[1:])


def _lines_of_laws(found: dict[str, Any]) -> Iterator[str]:
    """Which laws the runs tell apart, and what the table lacks for others."""
    apart = {name.lower(): off for name, off in found["apart"].items()}
    if len(apart) > 1:
        best = min(apart, key=lambda name: apart[name])
        sure = [f"{name} (AIC {off:.0f} higher)" for name, off in apart.items() if off > 10.0]
        near = [name for name, off in apart.items() if off <= 10.0 and name != best]
        said = [f"tell {best} from {' and '.join(sure)}"] * bool(sure) + [
            f"not {best} from {' and '.join(near)}"
        ] * bool(near)
        yield f"laws: the runs {'; '.join(said) if sure else 'do ' + said[0]}"
    known = {name: words for name, words in MISSING.items() if name in found["missing"]}
    for name, words in known.items():
        yield f"missing: {name} ({words}), which {', '.join(found['missing'][name][:4])} would need"
    for check, words in LACKS.items():
        if found["skipped"].get(check, "").startswith(words[0]):
            yield f"missing: {words[1]}"
