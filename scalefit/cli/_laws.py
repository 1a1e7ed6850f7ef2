"""`scalefit laws`."""

from typing import Annotated

import typer

from ._options import Json


def laws(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A law, or your own file.py:Class.")] = None,
    json: Json = False,
) -> None:
    """List the laws; with a name, its formula, parameters and published values."""
    from ..specs import known_laws, law_class
    from ._law_page import about, show_law, show_laws
    from ._quiet import quiet
    from ._show import console

    if name is None:
        found = known_laws()
        if json:
            from ._document import to_json

            typer.echo(to_json([about(known, cls) for known, cls in found.items()]))
        else:
            show_laws(found, console())
        return
    with quiet(json):
        cls = law_class(name)
    spec = next((known for known, other in known_laws().items() if other is cls), cls.__name__)
    if json:
        from ._document import to_json

        typer.echo(to_json(about(spec, cls)))
    else:
        show_law(spec, cls, console())
