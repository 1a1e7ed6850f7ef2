"""`scalefit forecast`: load, foresee, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import InputError
from ._config import print_document
from ._options import LEVEL_BEYOND, Allow, CacheDir, Columns, Folder, Json, Level, OwnLaw, Where
from ._predict import given_of, inputs_of, not_converged
from ._terminal import number, study_name


def forecast(
    folder: Folder,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=NUMBER…]", help="Every input, as N=70B D=1.4T; without, backtests alone."),
    ] = None,
    level: Level = None,
    register: Annotated[
        Path | None,
        typer.Option("--register", metavar="FILE", help="Write the forecast down, to check it."),
    ] = None,
    observed: Annotated[
        float | None,
        typer.Option("--observed", metavar="NUMBER", help="What came of the forecast in FILE, given as DIR."),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check", metavar="TABLE", help="Look for its run in a table, the forecast in FILE given as DIR."
        ),
    ] = None,
    columns: Columns = None,
    where: Where = None,
    law: OwnLaw = None,
    allow: Allow = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Foresee runs larger than those of a saved fit, by an interval that knows how forecasts go astray."""
    level = level or LEVEL_BEYOND
    import numpy as np

    from .._core import cache
    from ._checks import Checks
    from ._document import law_name
    from ._terminal import quiet
    from ._words import read_source, result_of

    if observed is None and check is None and folder.is_file():
        raise InputError(
            "DIR", str(folder), "the folder of a fit", "say what came of a forecast by --observed or --check"
        )
    if observed is not None or check is not None:
        if inputs or register is not None:
            beside = {"inputs": inputs} if inputs else {"register": register}
            ((name, given),) = beside.items()
            raise InputError(
                name, given, "none beside what came, which is held against a forecast as it was written down"
            )
        if observed is not None and check is not None:
            raise InputError("observed", observed, "either what came, or a table with it", "leave `check` out")
        with quiet(json):
            came = observed if check is None else read_source(str(check), columns, where)
        assert came is not None
        _check(str(folder), came, json)
        return
    checks = Checks(allow)
    with quiet(json, checks):
        fit = result_of(folder, law).fit
        at, notes = inputs_of(fit, given_of(fit, inputs)) if inputs else ({}, [])
        cache(cache_dir)
        if not np.all(fit.converged):
            raise sf.NotConverged(not_converged(fit, str(folder)))
        if register is not None and not inputs:
            raise InputError("register", register, remedy="give the inputs of the run to foresee")
        checks.of_saved(fit, folder)  # how far the runs are its intervals know
        about = sf.discrepancy(fit)
        found = {"law": law_name(fit.law), "inputs": at, "level": level, **_told(about, at, level, register)}
        found["notes"] = [*notes, *found.get("notes", [])]
        found["notes"] += [] if register is None else [f"written down in {str(register)!r}"]
        found["checks"] = checks.document()
    if json:
        print_document(found)
    else:
        _show(found, list(at), fit.source.target, checks)


def _check(file: str, came: float | sf.Runs, json: bool) -> None:
    """Hold a forecast that was written down against what came."""
    import dataclasses

    written = sf.registered(file)
    found = written.check_in(came) if isinstance(came, sf.Runs) else written.check(came)
    if json:
        print_document(dataclasses.asdict(found))
    else:
        typer.echo(repr(found))


def _told(about: sf.Discrepancy, at: dict[str, Any], level: float, register: Path | None) -> dict[str, Any]:
    """The backtests by distance, and the forecast where inputs are given, of each study where there are several."""
    told = {"backtests": [one._asdict() for one in about.by_distance(level)]}
    if not at:
        lacks = "no forecast could be checked: runs do not reach far enough beyond those that a fit needs"
        return {**told, "notes": [] if told["backtests"] else [lacks]}
    one = sf.forecast(about, level=level, **at)
    if register is not None:
        sf.register(one, register)
    keys = about.fit.keys
    each = (
        _of(one, ...) if keys is None
        else {"forecasts": [{"key": key, **_of(one, study)} for study, key in enumerate(keys)]}
    )  # fmt: skip
    return {**told, **each, "checked": one.checked, "notes": list(one.notes)}


def _of(one: sf.Forecast, study: Any) -> dict[str, Any]:
    """The forecast of one study, the only one by an ellipsis."""
    import numpy as np

    run, curve = one.run[study], one.curve[study]
    return {
        "value": run.value, "low": run.low, "high": run.high, "curve": {"low": curve.low, "high": curve.high},
        "law_alone": one.law.value[study], "correction": one.correction[study],
        "times_the_runs": np.exp(one.distance[study]), "excess": one.excess[study],
        "weight": {name: share[study] for name, share in one.weight.items()},
        "shares": {name: share[study] for name, share in one.shares.items()},
    }  # fmt: skip


def _show(found: dict[str, Any], shown: list[str], target: str, checks: Any) -> None:
    import numpy as np

    from ._show import console, say_notes, table

    out, level = console(), 100 * found["level"]
    if shown:
        several = "forecasts" in found
        rows = [row for one in found.get("forecasts", [found]) for row in _rows(found["inputs"], one)]
        headers = [*(["study"] if several else []), *shown, target, f"{level:g} % of a run", "law alone", "× the runs"]
        out.print(table(headers, rows, right=headers[several:]))
    if found["backtests"]:
        headers = ["× the runs", "runs foreseen", "held", "missed by %", "law alone missed by %"]
        rows = [
            [f"{one['low']:g} to {one['high']:g}" if np.isfinite(one["high"]) else f"beyond {one['low']:g}",
             str(one["count"]), f"{100 * one['held']:.0f} %", f"{100 * one['error']:.2f}",
             f"{100 * one['error_of_law']:.2f}"]
            for one in found["backtests"]
        ]  # fmt: skip
        out.print(table(headers, rows, right=headers[1:]))
    say_notes(out, found["notes"])
    checks.show(out)


def _rows(inputs: dict[str, Any], one: dict[str, Any]) -> list[list[str]]:
    """Cells of one study, a row for each point."""
    import numpy as np

    columns = np.broadcast_arrays(*map(np.atleast_1d, inputs.values()))
    value, low, high, alone, times = (
        np.atleast_1d(one[name]) for name in ("value", "low", "high", "law_alone", "times_the_runs")
    )
    study = [study_name(one["key"])] if "key" in one else []
    return [
        [*study, *(at if isinstance(at, str) else number(float(at)) for at in point), number(value[i], 5),
         f"{number(low[i], 5)} … {number(high[i], 5)}", number(alone[i], 5), f"{times[i]:.3g}"]
        for i, point in enumerate(zip(*columns, strict=True))
    ]  # fmt: skip
