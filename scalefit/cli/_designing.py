"""What `scalefit design` does: load, choose, write, print."""

import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import typer

from .._core import InputError, written_whole
from ..data import Runs, hint, parse_number, table_of
from ..laws import AbstractLaw
from ..plan import LAYOUTS, Design, design_runs, design_template
from ..results import Ensemble, Fit, load
from ..specs import bare, known_laws, law_class, published, runs_of
from ._cache import keep_compiled
from ._document import to_json
from ._quiet import quiet
from ._spec import columns_of, number, numbers_of, single

_OF_LAYOUTS = ("levels", "points", "spread", "ratio")


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
    noise: float | None
    refine: bool
    out: Path | None
    law: str | None
    json: bool
    cache_dir: str | None


def run_design(job: DesignJob) -> None:
    """Choose runs from a saved result or a published law, and print them in order.

    **Raises:** `InputError` where there is no such result or law, or nothing can be chosen.
    """
    money, out = parse_number(job.budget), job.out
    if money is None:
        raise InputError(f"--budget is {job.budget!r}; expected a number of FLOP, as 1e21.")
    if out is not None and (out.suffix.lower() != ".csv" or out.is_dir() or not out.absolute().parent.is_dir()):
        raise InputError(f"--out is {str(out)!r}; expected a file that ends in .csv, in a folder that is there.")
    of_runs = {"append": job.append, "columns": job.columns, "where": job.where, "target-column": job.target_column}
    for option, given in of_runs.items():
        if given and job.runs is None:
            raise InputError(f"--{option} is of the runs, and none were given: add --runs FILE, or leave it out.")
    candidates = _candidates(job.candidates)
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
        measured = [_measured(result, done), *(["se"] if done is not None and done.se is not None else [])]
        if out is not None:
            _refuse_filled(out, measured[0])
        keep_compiled(job.cache_dir)
        asked: dict[str, Any] = {"target": job.target, "criterion": job.criterion, "cost": job.cost}
        limits: dict[str, Any] = {"budget": money, "most": job.most, "refine": job.refine}
        found = design_runs(result, candidates, runs=done, noise=job.noise, **asked, **limits)
    fit = result.fit if isinstance(result, Ensemble) else result
    if out is not None:
        _write(found, measured, out)
    typer.echo(
        to_json(_document(found)) if job.json else _said(found, out, fit.noise.log if isinstance(fit, Fit) else True)
    )


def _measured(result: Fit[Any] | Ensemble[Any] | AbstractLaw, done: Runs | None) -> str:
    """What runs measure, by its name."""
    fit = result.fit if isinstance(result, Ensemble) else result
    if isinstance(fit, Fit):
        return fit.source.target
    return "loss" if done is None else done.target_name


def _refuse_filled(out: Path, measured: str) -> None:
    """Raise where a table of that name holds what was measured since."""
    if not out.exists():
        return
    try:
        column = table_of(out)[0].get(measured, np.zeros(0))
    except InputError:
        return  # what is no table holds no runs
    if any(number is None or not np.isnan(number) for number in map(parse_number, column.tolist())):
        raise InputError(
            f"--out {str(out)!r} holds runs whose {measured} was filled in: choose another file, and give this one to "
            f"--append."
        )


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


def _candidates(given: str) -> Any:
    """The table's path, or the runs of a layout in words, `isoflop:1e18,1e20,levels=4`.

    **Raises:** `InputError` for a layout without its least and largest compute, or with what it does not have.
    """
    name, sign, rest = given.partition(":")
    layout: Any = next((known for known in LAYOUTS if known.lower() == name.strip().lower()), None)
    if layout is None or Path(given).exists():
        return given
    pieces = [piece.strip() for piece in rest.split(",")] if sign else []
    low, high = ends = [parse_number(piece) or 0.0 for piece in pieces[:2]] if len(pieces) > 1 else [0.0, 0.0]
    if not 0.0 < low < high < np.inf:
        raise InputError(
            f"--candidates {given!r}: give the least and the largest compute of a run, as {name}:1e18,1e20."
        )
    options = single(numbers_of(pieces[2:], "--candidates", f"{name}:1e18,1e20,levels=4"), "--candidates")
    for option in options:
        if option not in _OF_LAYOUTS:
            raise InputError(f"--candidates {given!r} gives {option!r}; {hint(option, _OF_LAYOUTS, what='numbers')}.")
    whole: dict[str, Any] = {k: int(v) if v == int(v) and k in ("levels", "points") else v for k, v in options.items()}
    return design_template(layout, budgets=(ends[0], ends[1]), **whole)


def _document(found: Design) -> dict[str, Any]:
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
    }


def _said(found: Design, out: Path | None, log: bool) -> str:
    after = found.left if found.sd is None else found.sd
    what = found.criterion if found.sd is None else f"sd of {found.asked}"
    names = [*found.runs, "cost", f"{what} after"]
    rows = [
        [*(number(float(column[i])) for column in found.runs.values()), number(float(cost)), f"{after[i + 1]:.4g}"]
        for i, cost in enumerate(found.cost)
    ]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in [names, *rows]]
    total = f"{len(found)} runs, {found.spent:.4g} of {found.budget:.4g} FLOP; {what}: "
    # On values a scatter is in the unit of what was measured.
    scatter = f"{100 * found.noise:.3g} %" if log else f"{found.noise:.4g}"
    lines.append(f"{total}{after[0]:.4g} now, {after[-1]:.4g} then, at a scatter of {scatter}")
    if found.among is not None:
        lines.append(f"that is about each draw; from draw to draw it is {found.among:.4g}")
    if found.failed:
        lines.append(f"{found.failed} draws take no part: not converged, or the target is not finite there")
    lines += [] if out is None else [f"written to {out}"]
    return "\n".join(lines)


def _write(found: Design, measured: list[str], out: Path) -> None:
    """The runs to do, in order, with an empty column for what is measured."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*found.runs, *measured])
    rows.writerows(
        [*(repr(float(c[i])) for c in found.runs.values()), *[""] * len(measured)] for i in range(len(found))
    )
    try:
        with written_whole(out) as beside:
            beside.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"--out {str(out)!r} cannot be written ({error.strerror}); choose another file.") from error
