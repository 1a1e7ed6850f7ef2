"""`scalefit data list` and `scalefit data fetch`."""

from typing import Annotated

import typer

import scalefit as sf  # its names are loaded when they are used

from ._config import configured, print_document
from ._errors import Group
from ._options import Json

data = typer.Typer(cls=Group, no_args_is_help=True, help="Public data sets by name.")


def list_sets(json: Json = False) -> None:
    """List the data sets, where each comes from and under which licence."""
    from ._show import console, table

    records = sf.data_sets()
    if json:
        names = ("name", "description", "upstream", "commit", "licence", "citation")
        found = [{name: getattr(one, name) for name in names} for one in records]
        for one, record in zip(found, records, strict=True):
            one |= {"files": [file.path for file in record.files], "notes": list(record.notes)}
        print_document({"data_sets": found})
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


def fetch_set(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A data set of `scalefit data list`.")],
    file: Annotated[str | None, typer.Option(metavar="NAME", help="One of its files; the first unless given.")] = None,
    json: Json = False,
) -> None:
    """Download a data set once, and print where it is."""
    path = str(sf.fetch(name, file=file))
    if json:
        print_document({"path": path})
    else:
        typer.echo(path)


data.command("list", epilog="Example: scalefit data list --json")(configured(list_sets, "data-list"))
data.command("fetch", epilog="Example: scalefit data fetch epoch-chinchilla")(configured(fetch_set, "data-fetch"))
