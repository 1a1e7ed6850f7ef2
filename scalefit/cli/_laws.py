"""`scalefit laws`: laws in a table, one on a page, both as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ._config import print_document
from ._options import Json
from ._terminal import number


def laws(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A law, your own file.py:Class, or all of a file.py.")
    ] = None,
    inputs: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="Those alone that take all of these, as N,D,U.")
    ] = None,
    json: Json = False,
) -> None:
    """List the laws by family; with a name, its formula, parameters and published values."""
    from .._core import InputError
    from ..laws import try_formula
    from ..specs import known_laws, law_named, laws_of_file
    from ._terminal import quiet

    known = known_laws()
    with quiet(json):
        if name is not None and name.lower().endswith(".py"):
            known, name = laws_of_file(name, "name"), None
            for one in known.values():
                try_formula(one)
        if name is not None and inputs is not None:
            raise InputError("inputs", inputs, "no name of a law beside it", "leave out one of the two")
        law = None if name is None else law_named(name, "name")
        if law is not None and _class(law) not in known.values():
            try_formula(law)
        known = known if inputs is None else _taking(known, inputs)
    if law is None:
        if json:
            print_document({"laws": [about(spec, cls) for spec, cls in known.items()]})
        else:
            _show_all(known)
        return
    spec = next((one for one, other in known.items() if other is law), _class(law).__name__)
    if json:
        print_document(about(spec, law))
    else:
        _show_one(spec, law)


def _taking(known: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    """The laws that take all of some inputs; a law of one x takes any one.

    **Raises:** `InputError` where there is none.
    """
    from .._core import InputError, suggestion
    from ..laws import inputs_of

    names = {one.strip() for one in wanted.split(",") if one.strip()}
    takes = {spec: set(inputs_of(cls)) for spec, cls in known.items()}
    every = set().union(*takes.values())
    for one in names - every:
        raise InputError("inputs", one, "inputs of laws, as N,D,U", suggestion(one, every))
    found = {spec: known[spec] for spec, own in takes.items() if names <= own}
    if not found:
        raise InputError("inputs", wanted, "inputs that some law takes together", "give fewer")
    return found


def _class(law: Any) -> type[Any]:
    return law if isinstance(law, type) else type(law)


def about(name: str, law: Any) -> dict[str, Any]:
    """Everything that a law, or its class, declares, as plain data."""
    from ..params import parameters
    from ..specs import family_of
    from ._formula import formula

    return {
        "name": name,
        "class": _class(law).__name__,
        "family": family_of(law)[0],
        "about": _opening(law),
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


def _opening(law: Any) -> str:
    """What a law says of itself before its formula."""
    said = documentation(law).partition("\n")[0].partition("$")[0]
    return prose(said).strip().rstrip(":.,")


def documentation(law: Any) -> str:
    """What a class says of itself; empty for what Python writes where it says nothing."""
    import inspect

    said = law.__doc__ or ""
    return "" if said.startswith(f"{_class(law).__name__}(") else inspect.cleandoc(said)


def _numbers(law: Any) -> str:
    """How many numbers are to be fitted: those of its own, and those of each entry of its axes."""
    from collections import Counter

    from ..params import parameters

    count = Counter(declared.axes for declared in parameters(law).values())
    own = count.pop((), 0)
    each = [f"{n} a {' and '.join(axes)}" for axes, n in count.items()]
    return " + ".join([str(own)] * bool(own or not each) + each)


def _show_all(found: Mapping[str, Any]) -> None:
    """Print the laws family by family, a line each."""
    from rich.text import Text

    from ..specs import family_of
    from ._show import console, table

    out = console()
    families: dict[tuple[str, str], list[list[str]]] = {}
    for name, cls in found.items():
        row = [name, _opening(cls), ", ".join(_units(cls)), _numbers(cls), str(len(cls.published_sets) or "–")]
        families.setdefault(family_of(cls), []).append(row)
    for (family, about_it), rows in sorted(families.items()):
        if family:
            out.print(Text.assemble((family, "bold"), f"   {about_it}"))
        out.print(table(("law", "what it says", "inputs", "parameters", "published"), rows, right=("published",)))
        out.print()
    out.print(Text("`scalefit laws NAME` says more of one. Your own law is a file: --law my_laws.py:MyLaw."))


def _show_one(name: str, law: Any) -> None:
    """Print a law's page: what it says, its parameters, what was published."""
    from rich.text import Text

    from ..params import parameters
    from ._show import console, table

    out = console()
    first, _, rest = documentation(law).partition("\n")
    out.print(Text.assemble((name, "bold"), f"   {prose(first)}" if first else ""))
    for paragraph in filter(None, rest.strip().split("\n\n")):
        out.print(Text("\n" + prose(" ".join(paragraph.split()))))
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


def prose(text: str) -> str:
    from ._formula import plain

    parts = text.split("$")
    return "".join(plain(part) if k % 2 else part for k, part in enumerate(parts)).replace("`", "")
