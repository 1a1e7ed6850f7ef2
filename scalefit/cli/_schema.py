"""`scalefit schema`: what the documents of `--json` hold, as JSON Schema."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from .._core import check_choice
from ._config import SCHEMA

_TEXT, _NUMBER, _COUNT, _YES = ({"type": kind} for kind in ("string", "number", "integer", "boolean"))
_REAL = {"type": ["number", "null"], "description": "null where it is not finite"}
_MAP, _TEXTS = {"type": "object"}, {"type": "array", "items": _TEXT}


def _rows(**keys: Any) -> dict[str, Any]:
    return {"type": "array", "items": _object(**keys)}


def _object(**keys: Any) -> dict[str, Any]:
    """An object that has these keys, and may have others."""
    return {"type": "object", "required": list(keys), "properties": keys}


def _or_null(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [one, {"type": "null"}]}


_ENDS = _object(value=_REAL, low=_REAL, high=_REAL) | {"description": "a number with its interval"}
_PARAMETERS = {"type": "object", "additionalProperties": {"$ref": "#/$defs/ends"}, "description": "by name"}
_FINDING = _object(check=_TEXT, severity={"enum": ["error", "warning", "note"]}, says=_TEXT, remedy=_TEXT)
_USED = _object(used=_COUNT)
_SOURCE = _object(name=_TEXT, fingerprint=_TEXT, target=_TEXT)

_SHARED: dict[str, Any] = {
    "schema": _TEXT | {"description": "scalefit, the command, and the version of its document"},
    "config": _MAP | {"description": "every argument and option of the command, as it was resolved"},
    "law": _TEXT,
    "level": _NUMBER | {"description": "probability of the intervals"},
    "seconds": _NUMBER,
    "versions": {"type": "object", "additionalProperties": _TEXT},
    "notes": _TEXTS,
    "checks": {"type": "array", "items": {"$ref": "#/$defs/finding"}},
    "parameters": _PARAMETERS,
    "draws": _or_null(_object(method=_TEXT, num=_COUNT, seed=_COUNT)) | {"description": "draws behind the intervals"},
    "freedom": _or_null(_object(left={}, trainings={}, runs={})) | {"description": "of intervals to first order"},
}
"""Keys that mean the same in every document."""
_OWN: dict[str, dict[str, Any]] = {
    "check": {"parameters": {"type": "object", "additionalProperties": _REAL, "description": "values alone, by name"}}
}
"""But for these."""

_FIT = _object(objective=_REAL, converged=_YES, status=_TEXT, starts=_object(tried=_COUNT, agreeing=_COUNT))
_FORMS: dict[str, list[dict[str, Any]]] = {
    "check": [
        _object(table=_object(name=_TEXT, rows=_COUNT, target=_TEXT), laws={}, checks={}, passed=_TEXTS, skipped=_MAP)
    ],
    "fit": [
        _object(parameters={}, noise=_TEXT, seed=_COUNT, runs=_USED, source=_SOURCE, **_FIT["properties"]),
        _object(by=_TEXTS, fits=_rows(parameters=_PARAMETERS, **_FIT["properties"]), left_out={}, runs=_USED,
                source=_SOURCE, converged=_YES),
    ],
    "predict": [
        _object(inputs=_MAP, value={}, low={}, high={}, level={}, new_run=_YES),
        _object(inputs=_MAP, predictions=_rows(value={}, low={}, high={}), level={}, new_run=_YES),
    ],
    "forecast": [
        _object(law={}, inputs=_MAP, level={}, checks={}),
        _object(observed=_NUMBER, forecast=_object(value=_NUMBER, low=_NUMBER, high=_NUMBER), error=_NUMBER,
                inside=_YES, quantile=_NUMBER),
    ],
    "compare": [_object(laws=_rows(name=_TEXT, law=_TEXT), origins={}, forecasts={}, source=_SOURCE)],
    "causes": [_object(verdict=_TEXT, told=_TEXTS, origins={}, causes=_rows())],
    "speedup": [_object(factor={"$ref": "#/$defs/ends"}, gap={}, probability={}, runs={}, level={})],
    "plan": [_object(cost=_TEXT, budgets=_rows(), targets=_rows(), level={}, draws={})],
    "curate": [_object(pools=_MAP, budgets=_rows(budget=_NUMBER, best={"$ref": "#/$defs/ends"}), verdict={}, draws={})],
    "mix": [_object(law={}, objective={}, checks={})],
    "design": [_object(criterion=_TEXT, target={}, budget={}, spent={}, rows={}, runs=_MAP, cost={}, sd={})],
    "sweep": [
        _object(fits=_COUNT, done=_COUNT, failed=_COUNT, chunks_failed=_MAP, out=_TEXT),
        _object(results=_TEXT),
        _object(fits=_COUNT, chunks=_COUNT, bytes=_COUNT, kinds={"type": "array"}),
    ],
    "report": [_object(file=_TEXT, sections=_TEXTS, checks={})],
    "demo": [_object(parameters=_PARAMETERS, verdict={}, checks={})],
}  # fmt: skip
"""By command, the forms that its document may have."""


def schema_of(command: str) -> dict[str, Any]:
    """The JSON Schema of what a command prints with `--json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"scalefit {command} --json",
        "type": "object",
        "required": ["schema", "config"],
        "properties": _SHARED | _OWN.get(command, {}) | {"schema": {"const": f"scalefit/{command}/{SCHEMA}"}},
        "anyOf": _FORMS[command],
        "$defs": {"ends": _ENDS, "finding": _FINDING},
    }


def schema(
    command: Annotated[
        str | None, typer.Argument(metavar="COMMAND", help="As fit; those of all commands by name unless given.")
    ] = None,
) -> None:
    """Print the JSON Schema of what a command prints with --json."""
    from ._document import to_json

    if command is not None:
        check_choice("command", command, _FORMS)
    typer.echo(to_json(schema_of(command) if command else {name: schema_of(name) for name in _FORMS}))
