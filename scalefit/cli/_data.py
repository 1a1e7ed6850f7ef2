"""`scalefit data list` and `scalefit data fetch`."""

from typing import Annotated

import typer

from ._options import Json

data = typer.Typer(no_args_is_help=True, help="Public data sets by name.")


@data.command("list")
def list_sets(json: Json = False) -> None:
    """List the data sets, where each comes from and under which licence."""
    from rich.text import Text

    from ..data import data_sets
    from ._document import to_json
    from ._show import console, table

    records = data_sets()
    if json:
        typer.echo(to_json([{"name": r.name, "description": r.description, "upstream": r.upstream, "commit": r.commit,
                             "licence": r.licence, "citation": r.citation, "files": [f.path for f in r.files],
                             "notes": list(r.notes)}
                            for r in records]))  # fmt: skip
        return
    made = table("name", "what it holds", "licence", "arXiv")
    made.add_row(
        "bundled",
        "networks that we trained ourselves over sizes and fresh samples, part of the package; "
        "pools_teacher.csv and pools_signals.csv over unequal pools and repeated samples",
        "Apache-2.0",
        "–",
    )
    for record in records:
        made.add_row(*(Text(cell) for cell in (record.name, record.description, record.licence, record.citation)))
    out = console()
    out.print(made)
    out.print("Fit one with `scalefit fit data:NAME --law …`; none but the first is part of the package.", markup=False)


@data.command("fetch")
def fetch_set(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A data set of `scalefit data list`.")],
    file: Annotated[str | None, typer.Option(help="One of its files; the first unless given.")] = None,
) -> None:
    """Download a data set once, and print where it is."""
    from ..data import fetch

    typer.echo(str(fetch(name, file=file)))
