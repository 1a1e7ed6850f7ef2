"""`scalefit causes`: load, free one number after the other, print."""

from __future__ import annotations

from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from ._config import print_document
from ._options import Allow, CacheDir, Folder, Json
from ._terminal import ends_of, number


def causes(
    folder: Folder,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="What tells schedules apart, a number that `scalefit fit --columns` named."
        ),
    ] = None,
    unique: Annotated[
        str | None,
        typer.Option(
            "--unique-column", metavar="COLUMN", help="Unique tokens, likewise; U unless given, where there is one."
        ),
    ] = None,
    allow: Allow = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Ask what explains how runs drift from Chinchilla's law: floor, exponent, coupling, schedule or repetition."""
    from .._core import cache
    from ._checks import Checks
    from ._terminal import quiet
    from ._words import result_of

    checks = Checks(allow)
    with quiet(json, checks):
        fit = result_of(folder, None).fit
        checks.of_saved(fit, folder)
        cache(cache_dir)
        told = sf.causes(fit, schedule=schedule, unique=unique)
        found = {
            "verdict": told.verdict, "told": list(told.told), "origins": told.origins,
            "checks": checks.document(),
            "causes": [_of(one) for one in told.causes],
        }  # fmt: skip
    if json:
        print_document(found)
    else:
        _show(found, checks)


def _of(one: Any) -> dict[str, Any]:
    names = ("none", "gain", "p", "error", "less", "less_se", "effect")
    return {"name": one.name, **ends_of(one.value), **{name: getattr(one, name) for name in names}}


def _show(found: dict[str, Any], checks: Any) -> None:
    from ._show import console, table

    out = console()
    headers = ["freed", "value", "2 Δ log L", "p", "forecasts miss less by %", "% at the largest run"]
    rows = [
        [one["name"], f"{number(one['value'], 3)} ({number(one['none'], 3)} is none)", number(one["gain"], 3),
         number(one["p"], 2), f"{number(100 * one['less'], 2)} ± {number(100 * one['less_se'], 2)}",
         number(100 * one["effect"], 2)]
        for one in found["causes"]
    ]  # fmt: skip
    out.print(table(headers, rows, right=headers[1:]))
    checks.show(out)
    out.print(f"{found['verdict'][0].upper()}{found['verdict'][1:]}.")
