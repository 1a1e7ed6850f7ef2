"""`scalefit laws`: laws in a table, one on a page, both as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ._options import Json
from ._terminal import number


def laws(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A law, or your own file.py:Class.")] = None,
    json: Json = False,
) -> None:
    """List the laws; with a name, its formula, parameters and published values."""
    from ..specs import known_laws, law_named
    from ._document import to_json
    from ._terminal import quiet

    known = known_laws()
    if name is None:
        if json:
            typer.echo(to_json([about(spec, cls) for spec, cls in known.items()]))
        else:
            _show_all(known)
        return
    with quiet(json):
        law = law_named(name, "name")
    spec = next((one for one, other in known.items() if other is law), _class(law).__name__)
    if json:
        typer.echo(to_json(about(spec, law)))
    else:
        _show_one(spec, law)


def _class(law: Any) -> type[Any]:
    return law if isinstance(law, type) else type(law)


def about(name: str, law: Any) -> dict[str, Any]:
    """Everything that a law, or its class, declares, as plain data."""
    from ..params import parameters
    from ._formula import formula

    return {
        "name": name,
        "class": _class(law).__name__,
        "formula": formula(law),
        "inputs": _units(law),
        "parameters": {
            field: {"unit": p.unit, "constraint": str(p.constraint), "axis": p.axis}
            for field, p in parameters(law).items()
        },
        "published": {
            key: {"values": dict(one.values), "source": one.source, "status": one.status, "about": one.about}
            for key, one in law.published_sets.items()
        },
    }


def _units(law: Any) -> dict[str, str]:
    """Unit of each input, or its kind, by its name with its axis."""
    from ..laws import inputs_of

    found = {}
    for name, one in inputs_of(law).items():
        found[name if one.axis is None else f"{name}[{one.axis}]"] = one.unit or type(one).__name__.lower()
    return found


def _show_all(found: Mapping[str, Any]) -> None:
    """Print one line a law."""
    from rich.text import Text

    from ._formula import formula
    from ._show import console, table

    rows = [(name, formula(c), ", ".join(_units(c)), ", ".join(c.published_sets) or "–") for name, c in found.items()]
    out = console()
    out.print(table(("name", "formula", "inputs", "published values"), rows))
    out.print(Text("`scalefit laws NAME` says more of one. Your own law is a file: --law my_laws.py:MyLaw."))


def _show_one(name: str, law: Any) -> None:
    """Print a law's page: what it says, its parameters, what was published."""
    import inspect

    from rich.text import Text

    from ..params import parameters
    from ._show import console, table

    out = console()
    said = law.__doc__ or ""
    generated = said.startswith(f"{_class(law).__name__}(")  # by Python, of a class without documentation
    first, _, rest = inspect.cleandoc("" if generated else said).partition("\n")
    out.print(Text.assemble((name, "bold"), f"   {_prose(first)}" if first else ""))
    for paragraph in filter(None, rest.strip().split("\n\n")):
        out.print(Text("\n" + _prose(" ".join(paragraph.split()))))
    out.print()
    out.print(table(("input", "unit"), _units(law).items()))
    out.print()
    rows = [(field, str(declared.constraint), declared.unit) for field, declared in parameters(law).items()]
    out.print(table(("parameter", "allowed", "unit"), rows))
    published = law.published_sets
    for source, status, about_it in dict.fromkeys((one.source, one.status, one.about) for one in published.values()):
        out.print()
        for key, one in published.items():
            if (one.source, one.status, one.about) == (source, status, about_it):
                values = ", ".join(f"{k} = {number(v)}" for k, v in one.values.items())
                out.print(Text.assemble((key, "bold"), f"   {values}"))
        out.print(Text(f"  {source} [{status}]" + (f"; {about_it}" if about_it else "")))
    if published:
        out.print(Text("\n[code] read in released code, [run] recomputed; [2nd], [mem]: unverified."))


def _prose(text: str) -> str:
    from ._formula import plain

    parts = text.split("$")
    return "".join(plain(part) if k % 2 else part for k, part in enumerate(parts)).replace("`", "")
