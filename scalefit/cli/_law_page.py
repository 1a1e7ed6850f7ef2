"""Laws described: in a table, on a page, as JSON."""

import inspect
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from ..laws import AbstractLaw
from ..params import parameters
from ._show import formula, plain, table
from ._spec import number


def about(name: str, cls: type[AbstractLaw]) -> dict[str, Any]:
    """Everything that a law declares, as plain data."""
    return {
        "name": name,
        "class": cls.__name__,
        "formula": formula(cls),
        "inputs": dict(cls.inputs),
        "parameters": {
            field: {"unit": p.unit, "constraint": str(p.constraint), "axis": p.axis}
            for field, p in parameters(cls).items()
        },
        "published": {
            key: {"values": dict(one.values), "source": one.source, "status": one.status, "about": one.about}
            for key, one in cls.published_sets.items()
        },
    }


def show_laws(found: Mapping[str, type[AbstractLaw]], out: Console) -> None:
    """Print one line a law."""
    made = table("name", "formula", "inputs", "published values")
    for name, cls in found.items():
        published = ", ".join(cls.published_sets) or "–"
        made.add_row(*(Text(cell) for cell in (name, formula(cls), ", ".join(cls.inputs), published)))
    out.print(made)
    out.print(Text("`scalefit laws NAME` says more of one. Your own law is a file: --law my_laws.py:MyLaw."))


def show_law(name: str, cls: type[AbstractLaw], out: Console) -> None:
    """Print a law's page: what it says, its parameters, what was published."""
    first, _, rest = inspect.cleandoc(cls.__doc__ or cls.__name__).partition("\n")
    out.print(Text.assemble((name, "bold"), f"   {_prose(first)}"))
    for paragraph in filter(None, rest.strip().split("\n\n")):
        out.print(Text("\n" + _prose(" ".join(paragraph.split()))))
    out.print()
    made = table("input", "unit")
    for field, unit in cls.inputs.items():
        made.add_row(Text(field), Text(unit))
    out.print(made)
    out.print()
    made = table("parameter", "allowed", "unit")
    for field, declared in parameters(cls).items():
        made.add_row(*(Text(cell) for cell in (field, str(declared.constraint), declared.unit)))
    out.print(made)
    sources = dict.fromkeys((one.source, one.status, one.about) for one in cls.published_sets.values())
    for source, status, about_it in sources:
        out.print()
        for key, one in cls.published_sets.items():
            if (one.source, one.status, one.about) == (source, status, about_it):
                values = ", ".join(f"{k} = {number(v)}" for k, v in one.values.items())
                out.print(Text.assemble((key, "bold"), f"   {values}"))
        out.print(Text(f"  {source} [{status}]" + (f"; {about_it}" if about_it else "")))
    if cls.published_sets:
        out.print(Text("\n[code] read in released code, [run] recomputed; [2nd], [mem]: unverified."))


def _prose(text: str) -> str:
    parts = text.split("$")
    return "".join(plain(part) if k % 2 else part for k, part in enumerate(parts)).replace("`", "")
