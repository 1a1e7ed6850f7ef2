"""`scalefit report`: a saved result as one page of HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .._core import InputError, Phrase
from ._config import print_document
from ._options import CacheDir, Folder, Json, Out, OwnLaw

REPORT = "report.html"
"""The page in the folder of its result."""


def report(
    folder: Folder,
    out: Out = None,
    more: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="FILE",
            help="Show this too: what another command printed with --json (a plan, a forecast), or a CSV of next "
            "runs. May be repeated; such files in the folder are shown anyway.",
        ),
    ] = None,
    law: OwnLaw = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Write a saved result as one page of HTML that needs no other file, for a browser, a phone or paper."""
    from .._core import cache, written_whole
    from ._checks import Checks
    from ._terminal import quiet
    from ._words import result_of

    file, checks = folder / REPORT if out is None else Path(out), Checks()
    if file.suffix.lower() not in (".html", ".htm") or file.is_dir():
        raise InputError("out", Phrase(f"is {str(file)!r}"), "a file whose name ends in .html")
    words = [
        *(() if law is None else ("--own-law", law)),
        *(word for one in more or () for word in ("--with", str(one))),
    ]
    with quiet(json, checks):
        result = result_of(folder, law)
        cache(cache_dir)
        from ._sections import page_of  # it brings matplotlib

        text, titles = page_of(result, folder, checks, more or (), ["scalefit", "report", str(folder), *words])
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(file) as beside:
                beside.write_text(text, "utf-8")
        except OSError as error:
            said = Phrase(f"is {str(file)!r}, which cannot be written ({error.strerror})")
            raise InputError("out", said, remedy="choose another file") from error
    found: dict[str, Any] = {"file": str(file), "sections": titles, "checks": checks.document()}
    if json:
        print_document(found)
    else:
        typer.echo(f"written to {file}")
