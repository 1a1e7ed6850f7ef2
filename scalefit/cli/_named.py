"""Arguments of the library, in a message of its, as the options of the command that is running."""

import ast
import re
from collections.abc import Iterable
from typing import Any

from .._core import InputError, Phrase

CALLS = {
    "save": "`scalefit fit --out`",
    "pooled": "--size A=1024,B=2048 or --pools sizes.csv",
    "fits": "a fit with --where instead of --by",
}
"""Functions and results of the library that a message may speak of, and how to have the same here."""

_known: dict[str, tuple[str, str]] = {}


def know(parameters: Iterable[Any]) -> None:
    """Take the options of a command as those that messages name; each bears the name of an argument of the library.

    **Arguments:**

    - `parameters`: The command's parameters, as its parser holds them.
    """
    _known.clear()
    for one in parameters:
        argument = one.param_type_name == "argument"
        said = (one.metavar or one.name.upper() if argument else one.opts[0]), one.metavar or ""
        _known.setdefault(one.opts[0].lstrip("-").replace("-", "_"), said)
        _known[one.name] = said


def as_options(said: Exception | str) -> str:
    """A message, with arguments as options."""
    if not isinstance(said, InputError) or said.argument is None:
        return _coded(str(said))
    argument = _known[said.argument][0] if said.argument in _known else said.argument
    given = Phrase(_coded(said.given)) if isinstance(said.given, Phrase) else said.given
    return str(InputError(argument, given, _coded(said.expected), _coded(said.remedy)))


def _coded(text: str) -> str:
    """Text with its code, in backticks, as options; code that speaks of none stays."""
    return re.sub(r"`([^`]+)`", lambda code: _option(code[1]) or code[0], text)


def _option(code: str) -> str | None:
    """Code as options: `max_steps` as --max-steps, `columns={"N": "size"}` as --columns N=size."""
    source = f"_({code})"
    try:
        call = ast.parse(source, mode="eval").body
    except SyntaxError:
        return None
    assert isinstance(call, ast.Call)
    found = [_of_name(one) for one in call.args]
    for one in call.keywords:
        option, metavar = _known.get(one.arg or "", (None, ""))
        try:
            value = ast.literal_eval(one.value)
        except ValueError:
            value = ...
        if value in (..., {...}, {...: ...}):  # dots, or a name that is none of ours, keep the place of a value
            word = metavar
        else:
            word = ast.get_source_segment(source, one.value) if isinstance(value, float) else _word(value)
        found.append(option and f"{option} {word}".rstrip())
    return " ".join(map(str, found)) if found and all(found) else None


def _of_name(code: ast.expr) -> str | None:
    if isinstance(code, ast.Name):
        return _known[code.id][0] if code.id in _known else CALLS.get(code.id)
    named = code.func if isinstance(code, ast.Call) else code.value if isinstance(code, ast.Subscript) else None
    return CALLS.get(named.id) if isinstance(named, ast.Name) else None


def _word(value: Any) -> str:
    """A value as it is written after an option."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        return ",".join(f"{'NAME' if k is ... else k}={'' if v is None else _word(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(_word, value))
    if isinstance(value, str):
        return f'"{value}"' if re.search(r"[^\w.:/%-]", value) else value
    return str(value)
