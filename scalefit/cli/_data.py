"""`scalefit data list` and `scalefit data fetch`."""

from typing import Annotated

import typer

import scalefit as sf  # its names are loaded when they are used

from ._options import Json

data = typer.Typer(no_args_is_help=True, help="Public data sets by name.")


@data.command("list")
def list_sets(json: Json = False) -> None:
    """List the data sets, where each comes from and under which licence."""
    from ._document import to_json
    from ._show import console, table

    records = sf.data_sets()
    if json:
        names = ("name", "description", "upstream", "commit", "licence", "citation")
        found = [{name: getattr(one, name) for name in names} for one in records]
        for one, record in zip(found, records, strict=True):
            one |= {"files": [file.path for file in record.files], "notes": list(record.notes)}
        typer.echo(to_json(found))
        return
    ours = (
        "networks that we trained ourselves over sizes and fresh samples, part of the package; "
        "pools_teacher.csv and pools_signals.csv over unequal pools and repeated samples"
    )
    rows = [("bundled", ours, "Apache-2.0", "–")]
    rows += [(one.name, one.description, one.licence, one.citation) for one in records]
    out = console()
    out.print(table(("name", "what it holds", "licence", "arXiv"), rows))
    out.print("Fit one with `scalefit fit data:NAME --law …`; none but the first is part of the package.")


@data.command("fetch")
def fetch_set(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A data set of `scalefit data list`.")],
    file: Annotated[str | None, typer.Option(help="One of its files; the first unless given.")] = None,
) -> None:
    """Download a data set once, and print where it is."""
    typer.echo(str(sf.fetch(name, file=file)))
