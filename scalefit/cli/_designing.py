"""What `scalefit design` does: load, choose, write, print."""

import dataclasses
from pathlib import Path
from typing import Any

import typer

from .._core import InputError
from ..data import Runs, parse_number
from ..laws import AbstractLaw, input_units
from ..plan import Design, design_runs
from ..problem import Source, usable
from ..results import Ensemble, Fit, load
from ..specs import bare, known_laws, law_class, published, runs_of
from ._cache import keep_compiled
from ._document import runs_of as document_of_runs
from ._document import to_json
from ._layouts import candidates_of
from ._next_table import led_to, refuse_other, refuse_sources, write_runs
from ._quiet import quiet
from ._spec import columns_of, counted, number


@dataclasses.dataclass(frozen=True)
class DesignJob:
    """Everything that `scalefit design` was asked for, in its own words."""

    fit: str
    candidates: str
    budget: str
    cost: str
    most: int | None
    target: str | None
    criterion: str
    runs: str | None
    append: tuple[str, ...]
    columns: tuple[str, ...]
    where: str | None
    target_column: str | None
    noise: str | None
    refine: bool
    out: Path | None
    law: str | None
    json: bool
    cache_dir: str | None


def run_design(job: DesignJob) -> None:
    """Choose runs from a saved result or a published law, and print them in order.

    **Raises:** `InputError` where there is no such result or law, or nothing can be chosen.
    """
    money = parse_number(job.budget)
    if money is None:
        raise InputError(f"--budget is {job.budget!r}; expected a number of FLOP, as 1e21.")
    out = _out(job)
    of_runs = {"append": job.append, "columns": job.columns, "where": job.where, "target-column": job.target_column}
    for option, given in of_runs.items():
        if given and job.runs is None:
            raise InputError(f"--{option} is of the runs, and none were given: add --runs FILE, or leave it out.")
    noise = _noise(job.noise)
    candidates = candidates_of(job.candidates)
    with quiet(job.json):
        result = _known(job)
        done = None
        if job.runs is not None:
            read = {"where": job.where, "target": job.target_column, "append": job.append}
            done = runs_of(job.runs, columns=columns_of(job.columns), **read)
            result = result.fit if isinstance(result, Ensemble) else result
        elif isinstance(result, Fit):
            raise InputError(
                f"{job.fit!r} holds no draws, so it does not say how sure it is: give the runs that were fitted, as "
                f"--runs FILE, or fit with --bootstrap 200."
            )
        # The law, and the fit that it is of, if there is one.
        known = result.fit if isinstance(result, Ensemble) else result
        law, log = (known.law, known.noise.log) if isinstance(known, Fit) else (known, True)
        name = known.source.target if isinstance(known, Fit) else "loss" if done is None else done.target_name
        if out is not None:
            refuse_other(out, tuple(input_units(law)), name)
        keep_compiled(job.cache_dir)
        asked: dict[str, Any] = {"target": job.target, "criterion": job.criterion, "cost": job.cost}
        limits: dict[str, Any] = {"budget": money, "most": job.most, "refine": job.refine}
        found = design_runs(result, candidates, runs=done, noise=noise, **asked, **limits)
        source = None if done is None else _source(law, done)
    if out is not None:
        write_runs(found, [name, *(["se"] if done is not None and done.se is not None else [])], out)
    typer.echo(to_json(_document(found, source)) if job.json else _said(found, source, out, log))


def _out(job: DesignJob) -> Path | None:
    """The table to write.

    **Raises:** `InputError` where it ends otherwise, its folder is not there, or it is one that is read.
    """
    if job.out is None:
        return None
    out = job.out
    if out.suffix.lower() != ".csv" or out.is_dir() or not led_to(out).parent.is_dir():
        raise InputError(f"--out is {str(out)!r}; expected a file that ends in .csv, in a folder that is there.")
    given = [("--candidates", job.candidates), ("--runs", job.runs), *(("--append", path) for path in job.append)]
    refuse_sources(out, [(option, path) for option, path in given if path is not None])
    return out


def _noise(given: str | None) -> float | None:
    """The scatter of a run, where it was given.

    **Raises:** `InputError` for what is no number.
    """
    number = None if given is None else parse_number(given)
    if given is not None and number is None:
        raise InputError(f"--noise is {given!r}; expected the scatter of a run as a number, as 0.01 for 1 %.")
    return number


def _source(law: AbstractLaw, done: Runs) -> Source:
    """Which of the runs done the law can use, and which not and why."""
    runs = usable(law, done)
    return Source.of(law, runs)


def _known(job: DesignJob) -> Fit[Any] | Ensemble[Any] | AbstractLaw:
    """The saved result, or the published law.

    **Raises:** `InputError` where it is neither, and for a law without a scatter.
    """
    if Path(job.fit).is_dir():
        return load(job.fit, law=None if job.law is None else law_class(job.law))
    name, sign, _ = job.fit.partition(":")
    if (not sign or "/" in job.fit) and bare(name) not in map(bare, known_laws()):
        raise InputError(
            f"There is no folder {job.fit!r}; give one that `scalefit fit --out` wrote, or a published law, as "
            f"chinchilla:epoch."
        )
    law = published(job.fit)
    if job.law is not None:
        raise InputError(f"--law is of a saved result, and {job.fit!r} is a published law: leave it out.")
    if job.noise is None:
        raise InputError(f"{job.fit!r} does not say how runs scatter about it: give --noise 0.01 for 1 %.")
    return law


def _document(found: Design, source: Source | None) -> dict[str, Any]:
    return {
        "criterion": found.criterion,
        "target": found.target,
        "noise": found.noise,
        "budget": found.budget,
        "spent": found.spent,
        "rows": found.order + 1,
        "runs": found.runs,
        "cost": found.cost,
        "sd": found.sd,
        "left": found.left,
        "among_draws": found.among,
        "draws_left_out": found.failed,
        "done": None if source is None else {**document_of_runs(source), "notes": list(source.notes)},
    }


def _said(found: Design, source: Source | None, out: Path | None, log: bool) -> str:
    from ._show import run_lines  # it brings rich

    after = found.left if found.sd is None else found.sd
    what = found.criterion if found.sd is None else f"sd of {found.asked}"
    names = [*found.runs, "cost", f"{what} after"]
    rows = [
        [*(number(float(column[i])) for column in found.runs.values()), number(float(cost)), f"{after[i + 1]:.4g}"]
        for i, cost in enumerate(found.cost)
    ]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines = [] if source is None else [*run_lines(source), ""]
    lines += ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in [names, *rows]]
    total = f"{counted(len(found), 'run')}, {found.spent:.4g} of {found.budget:.4g} FLOP; {what}: "
    # On values a scatter is in the unit of what was measured.
    scatter = f"{100 * found.noise:.3g} %" if log else f"{found.noise:.4g}"
    lines.append(f"{total}{after[0]:.4g} now, {after[-1]:.4g} then, at a scatter of {scatter}")
    if found.among is not None:
        lines.append(f"that is about each draw; from draw to draw it is {found.among:.4g}")
    if found.failed:
        none = f"{counted(found.failed, 'draw')} {'takes' if found.failed == 1 else 'take'} no part"
        lines.append(f"{none}: not converged, or the target is not finite there")
    lines += [] if out is None else [f"written to {out}"]
    return "\n".join(lines)
