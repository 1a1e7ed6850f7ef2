"""`scalefit design`: load, choose, write, print.

The table of runs to do that --out names is never written over what is not such a table.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import InputError, Phrase, check_choice, check_names, sweep, visible, written_whole
from ._config import print_document
from ._options import (
    Allow,
    Append,
    Budget,
    CacheDir,
    Columns,
    Cost,
    Criterion,
    FitOrLaw,
    Json,
    Out,
    OwnLaw,
    PerRun,
    Target,
    Where,
)
from ._terminal import counted, number

LAYOUTS = {"isoflop": ("levels", "points", "spread", "ratio"), "L": ("levels", "ratio"), "ladder": ("levels", "ratio")}
"""Layouts of runs that words can ask for, and the numbers that each takes."""


def design(
    fit: FitOrLaw,
    candidates: Annotated[
        str,
        typer.Option(
            metavar="FILE|LAYOUT",
            help="Runs that could be done: a table of the law's inputs; or isoflop, ladder or L between two computes, "
            "as isoflop:1e18,1e20 or ladder:1e18,1e20,levels=4 (points, spread and ratio too). What was done already "
            "may be chosen again, as with another seed: leave it out of the table if that is not meant.",
        ),
    ],
    budget: Budget,
    cost: Cost = "6ND",
    most: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="The most runs; what the budget pays for unless given.")
    ] = None,
    goal: Annotated[
        str | None,
        typer.Option(metavar="WHAT@WHERE", help="What they are to tell: loss@C=1e24, loss@N=70B,D=1.4T or N@C=1e24."),
    ] = None,
    criterion: Criterion = "V",
    runs: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="The runs of the fit, where it was saved without draws, or runs done beside a published law: a file, "
            "or data:NAME.",
        ),
    ] = None,
    append: Append = None,
    columns: Columns = None,
    where: Where = None,
    target: Target = None,
    per_run: PerRun = None,
    noise: Annotated[
        str | None,
        typer.Option(
            "--scatter",
            metavar="NUMBER",
            help="Scatter of a run, of its logarithm where the fit's noise is, as 0.01; that of the fit unless given.",
        ),
    ] = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="Move N and D of the runs between the candidates, at no more cost.")
    ] = False,
    out: Out = None,
    law: OwnLaw = None,
    allow: Allow = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say which runs to do next: those that tell the most of a target for what they cost.

    Train them, fill their losses into the table that --out writes, and go on: `scalefit fit … --append next.csv`.
    """
    from .._core import cache
    from ..laws import input_units
    from ._checks import Checks
    from ._terminal import quiet
    from ._words import number_of, read_source, several

    spent = several(budget, "budget", "1e21")
    if len(spent) != 1:
        raise InputError("budget", ",".join(budget), "one number, what the runs may cost together")
    given = {"candidates": [candidates], "runs": [runs] if runs else [], "append": append or []}
    table = None if out is None else target_file(Path(out), given)
    of_runs = {"append": append, "columns": columns, "where": where, "target": target, "per_run": per_run}
    for argument, one in of_runs.items():
        if one and runs is None:
            raise InputError(argument, Phrase("is of the runs, and none were given"),
                             remedy="add `runs=...`, or leave it out")  # fmt: skip
    scatter = number_of(noise, "noise", "0.01 for 1 %")
    at = candidates_of(candidates)
    checks = Checks(allow)
    with quiet(json, checks):
        result, done = _known(fit, law, scatter), None
        if runs is not None:
            done = read_source(runs, columns, where, target, append, per_run)
            result = result.fit if isinstance(result, sf.Ensemble) else result
            checks.of(done)
        elif isinstance(result, sf.Fit):
            done = result.problem.runs
        if isinstance(result, sf.Fit | sf.Ensemble):
            checks.of_saved(result, fit)
        # The law, and the fit that it is of, if there is one.
        known = result.fit if isinstance(result, sf.Ensemble) else result
        the_law, log = (known.law, known.noise.log) if isinstance(known, sf.Fit) else (known, True)
        name = known.source.target if isinstance(known, sf.Fit) else "loss" if done is None else done.target_name
        if table is not None:
            refuse_other(table, tuple(input_units(the_law)), name)
        cache(cache_dir)
        asked: dict[str, Any] = {"target": goal, "criterion": criterion, "cost": cost, "noise": scatter}
        try:
            chosen = sf.design_runs(result, at, done=done, budget=spent[0], most=most, refine=refine, **asked)
        except InputError as error:
            if error.argument == "target":  # which of the runs is a column
                error.argument = "goal"
            raise
        found = _document(chosen, None if done is None else _source(the_law, done))
        found["checks"] = checks.document()
    if table is not None:
        write_runs(chosen, [name, *(["se"] if done is not None and done.se is not None else [])], table)
    if json:
        print_document(found)
    else:
        typer.echo("\n".join(map(visible, _lines(found, chosen.asked, "" if done is None else done.name, log))))
        checks.show()
        if out is not None:
            typer.echo(f"written to {out}")


def candidates_of(given: str) -> Any:
    """The table's path, or the runs of a layout in words, as `isoflop:1e18,1e20,levels=4`.

    **Raises:** `InputError` for a layout that there is not, without its least and largest compute, or with what it does
    not have.
    """
    from ..data import parse_number
    from ._words import single_numbers_of

    name, sign, rest = given.partition(":")
    layout = next((known for known in LAYOUTS if known.lower() == name.strip().lower()), None)
    if Path(given).exists():
        return given
    pieces = [piece.strip() for piece in rest.split(",")] if sign else []
    ends = [parse_number(piece) or 0.0 for piece in pieces[:2]]
    meant = len(ends) == 2 and 0.0 < ends[0] < ends[1] < float("inf")
    if layout is None and not meant:
        return given
    if layout is None:
        layout = check_choice("candidates", name, LAYOUTS)
    if not meant:
        expected = f"the least and the largest compute of a run, as {name}:1e18,1e20"
        raise InputError("candidates", given, expected)
    numbers = single_numbers_of(pieces[2:], "candidates", f"{name}:1e18,1e20,levels=4")
    check_names("candidates", numbers, LAYOUTS[layout], what=f"numbers of the layout {layout},")
    whole: dict[str, Any] = {k: int(v) if v == int(v) and k in ("levels", "points") else v for k, v in numbers.items()}
    return sf.design_template(layout, budgets=(ends[0], ends[1]), **whole)  # pyright: ignore[reportArgumentType]  names are checked above


def _known(given: str, law: str | None, noise: float | None) -> Any:
    """The saved result, or the published law.

    **Raises:** `InputError` where it is neither, and for a law without a scatter.
    """
    from ._words import result_or_law

    found = result_or_law(given, law, "fit")
    if not isinstance(found, sf.Fit | sf.Ensemble) and noise is None:
        raise InputError("fit", Phrase(f"is {given!r}, which does not say how runs scatter about it"),
                         remedy="give `noise=0.01` for 1 %")  # fmt: skip
    return found


def _source(law: Any, done: sf.Runs) -> Any:
    """The runs done that the law can use, and the others with the reason."""
    from ..problem import Source, usable

    return Source.of(law, usable(law, done))


def _document(found: sf.Design, source: Any) -> dict[str, Any]:
    from ._document import runs_of

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
        "done": None if source is None else {**runs_of(source), "notes": list(source.notes)},
    }


def _lines(found: Mapping[str, Any], asked: str, name: str, log: bool) -> list[str]:
    """The design for people.

    **Arguments:**

    - `found`: Its document.
    - `asked`: Its target in words.
    - `name`: Of the runs done.
    - `log`: Whether the noise is on logarithms.
    """
    after = found["left"] if found["sd"] is None else found["sd"]
    what = found["criterion"] if found["sd"] is None else f"sd of {asked}"
    names = [*found["runs"], "cost", f"{what} after"]
    rows = [
        [*(number(float(column[i])) for column in found["runs"].values()), number(float(cost)), f"{after[i + 1]:.4g}"]
        for i, cost in enumerate(found["cost"])
    ]
    lines = []
    if found["done"] is not None:
        from ._show import run_lines  # it brings rich

        lines = [*run_lines(found["done"], name, found["done"]["notes"]), ""]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    lines += ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in [names, *rows]]
    spent = f"{counted(len(rows), 'run')}, {found['spent']:.4g} of {found['budget']:.4g} FLOP"
    # On values a scatter is in the unit of what was measured.
    scatter = f"{100 * found['noise']:.3g} %" if log else f"{found['noise']:.4g}"
    lines.append(f"{spent}; {what}: {after[0]:.4g} now, {after[-1]:.4g} then, at a scatter of {scatter}")
    if found["among_draws"] is not None:
        lines.append(f"that is about each draw; from draw to draw it is {found['among_draws']:.4g}")
    if found["draws_left_out"]:
        count = found["draws_left_out"]
        none = f"{counted(count, 'draw')} {'takes' if count == 1 else 'take'} no part"
        lines.append(f"{none}: not converged, or the target is not finite there")
    return lines


def target_file(out: Path, sources: Mapping[str, Sequence[str]]) -> Path:
    """The file to write: what a link leads to, any other itself.

    **Arguments:**

    - `out`: As it was given.
    - `sources`: The tables that are read, by the argument that they were given to.

    **Raises:** `InputError` where it ends otherwise, its folder is not there, or it is one that is read.
    """
    led = _led_to(out)
    if out.suffix.lower() != ".csv" or out.is_dir() or not led.parent.is_dir():
        raise InputError("out", out, "a file that ends in .csv, in a folder that is there")
    for argument, paths in sources.items():
        for path in map(Path, paths):
            if _led_to(path) == led or (out.exists() and path.exists() and out.samefile(path)):
                said = Phrase(f"is {str(out)!r}, the table of `{argument}`, which is read")
                raise InputError("out", said, remedy="choose another file")
    return led


def refuse_other(out: Path, inputs: Sequence[str], measured: str) -> None:
    """Raise where the file is there and no table of runs still to be measured.

    **Arguments:**

    - `out`: The table to write.
    - `inputs`: Those of the law, which head the first columns.
    - `measured`: The name of what is measured.
    """
    if not out.exists():
        return
    try:
        rows = list(csv.reader(io.StringIO(out.read_text(encoding="utf-8"), newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error):
        rows = []
    header, cells = (rows[0], rows[1:]) if rows else ([], [])
    ours = header in ([*inputs, measured], [*inputs, measured, "se"])
    if ours and all(len(row) == len(header) and _to_do(row, len(inputs)) for row in cells):
        return
    if ours:
        said = Phrase(f"is {str(out)!r}, which holds runs whose {measured} was filled in")
        raise InputError("out", said, remedy="choose another file, and give this one to `append`")
    columns = ", ".join([*inputs, measured])
    said = Phrase(f"is {str(out)!r}, which is there and no table of {columns} as this command writes it")
    raise InputError("out", said, remedy="choose another file")


def write_runs(found: sf.Design, measured: Sequence[str], out: Path) -> None:
    """Write the runs to do, in order, with an empty column for each number that is measured; not over a link.

    **Raises:** `InputError` where the file cannot be written.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*found.runs, *measured])
    rows.writerows(
        [*(repr(float(c[i])) for c in found.runs.values()), *[""] * len(measured)] for i in range(len(found))
    )
    try:
        sweep(out.parent, out.name)
        with written_whole(out) as beside:
            beside.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        said = Phrase(f"is {str(out)!r}, which cannot be written ({error.strerror})")
        raise InputError("out", said, remedy="choose another file") from error


def _led_to(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _to_do(row: Sequence[str], inputs: int) -> bool:
    """Tell whether a row has its inputs, and nothing was measured."""

    from ..data import parse_number

    numbers = [parse_number(cell) for cell in row[:inputs]]
    return not "".join(row[inputs:]).strip() and all(n is not None and math.isfinite(n) for n in numbers)
