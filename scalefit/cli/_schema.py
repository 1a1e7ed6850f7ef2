"""`scalefit schema`: what the documents of `--json` hold, as JSON Schema."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from .._core import check_choice
from ._config import SCHEMA
from ._documents import ABOUT, DOCUMENTS, SHAPES

_TYPES = {str: "string", float: "number", int: "integer", bool: "boolean", None: "null"}


def schema_of(command: str, *, closed: bool = False) -> dict[str, Any]:
    """The JSON Schema of what a command prints with `--json`.

    **Arguments:**

    - `command`: Its name, as `fit` or `data-list`.
    - `closed`: Whether no object may have a key that is not described; documents of later versions may have more.
    """
    head = {
        "schema": {"const": f"scalefit/{command}/{SCHEMA}", "description": "the command, and the version of its form"},
        "config": {"type": "object", "description": "every argument and option of the command, as it was resolved"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"scalefit {command.replace('-', ' ')} --json",
        "anyOf": [_with_head(_made(one, closed), head) for one in DOCUMENTS[command]],
        "$defs": {
            name: {**_made(form, closed), **({"description": ABOUT[name]} if name in ABOUT else {})}
            for name, form in SHAPES.items()
        },
    }


def _made(form: Any, closed: bool) -> dict[str, Any]:
    """The JSON Schema of a form, as `_documents.py` writes them."""
    if form is Any:
        return {}
    if isinstance(form, str):
        return {"$ref": f"#/$defs/{form}"}
    if isinstance(form, set):
        return {"enum": sorted(form)}
    if isinstance(form, list):
        return {"type": "array", "items": _made(form[0], closed)}
    if isinstance(form, tuple):
        return {"anyOf": [_made(one, closed) for one in form]}
    if not isinstance(form, Mapping):
        return {"type": _TYPES[form]}
    named = {name: one for name, one in form.items() if name is not ...}
    found: dict[str, Any] = {
        "type": "object",
        "properties": {name.removesuffix("?"): _made(one, closed) for name, one in named.items()},
        "required": [name for name in named if not name.endswith("?")],
    }
    if ... in form:
        found["additionalProperties"] = _made(form[...], closed)
    elif closed:
        found["additionalProperties"] = False
    return found


def _with_head(found: dict[str, Any], head: Mapping[str, Any]) -> dict[str, Any]:
    return {**found, "properties": {**head, **found["properties"]}, "required": [*head, *found["required"]]}


def schema(
    command: Annotated[
        str | None, typer.Argument(metavar="COMMAND", help="As fit; those of all commands by name unless given.")
    ] = None,
) -> None:
    """Print the JSON Schema of what a command prints with --json."""
    from ._document import to_json

    if command is not None:
        check_choice("command", command, DOCUMENTS)
    typer.echo(to_json(schema_of(command) if command else {name: schema_of(name) for name in DOCUMENTS}))
