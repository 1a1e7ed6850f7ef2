"""`--config FILE` and `--set NAME=VALUE` of every command, and what was asked in all, as its document tells it.

They give options and arguments the defaults of this one call, so that what the command line says itself counts more.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .._core import InputError, Phrase, check_names

SCHEMA = 1
"""Version of the documents: raised where a key goes away or changes its meaning."""

_asked: dict[str, Any] = {}


def configured(command: Callable[..., None], called: str = "") -> Callable[..., None]:
    """The command with these two options.

    **Arguments:**

    - `command`: What is called.
    - `called`: Its name in documents; that of the function unless given.
    """
    called = called or command.__name__.replace("_", "-")
    signature = inspect.signature(command, eval_str=True)
    own = [
        inspect.Parameter("config_file", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_ConfigFile),
        inspect.Parameter("settings", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Settings),
    ]
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in signature.parameters.values()]

    @functools.wraps(command)
    def run(*, config_file: Path | None = None, settings: list[str] | None = None, **given: Any) -> None:
        del config_file, settings  # read before the others
        _asked.clear()
        _asked.update(command=called, given=given)
        command(**given)

    whole = signature.replace(parameters=[*parameters, *own])
    run.__signature__ = whole  # pyright: ignore[reportAttributeAccessIssue]  what typer reads
    run.__annotations__ = {one.name: one.annotation for one in whole.parameters.values()}
    return run


def headed(found: Mapping[str, Any]) -> dict[str, Any]:
    """A document with its schema before it, and everything that was asked after it, as `config`."""
    given = {name: value for name, value in _asked["given"].items() if name not in ("json", "out", "cache_dir")}
    return {"schema": f"scalefit/{_asked['command']}/{SCHEMA}", **found, "config": _plain(given)}


def _plain(value: Any) -> Any:
    """A value of an option as JSON has it."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def print_document(found: Mapping[str, Any]) -> None:
    """Print a document as JSON, headed."""
    from ._document import to_json

    typer.echo(to_json(found if "config" in found else headed(found)))


def _of_file(ctx: typer.Context, path: Path | None) -> Path | None:
    if path is not None:
        read = _defaults(ctx, _read(path), f"--config {path}")
        ctx.default_map = {**read, **(ctx.default_map or {})}
    return path


def _of_words(ctx: typer.Context, words: list[str] | None) -> list[str] | None:
    given: dict[str, list[str]] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not equals:
            raise InputError("--set", word, "NAME=VALUE, as --set max-steps=500")
        given.setdefault(name.strip(), []).append(value.strip())
    last = {name: each if len(each) > 1 else each[0] for name, each in given.items()}
    ctx.default_map = {**(ctx.default_map or {}), **_defaults(ctx, last, "--set")}
    return words


_ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        is_eager=True,
        callback=_of_file,
        help='Options and arguments by name from a file of TOML (or YAML), as noise = "huber:1e-3"; those that are '
        "given here too count more.",
    ),
]
_Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        is_eager=True,
        callback=_of_words,
        help="One of the same, in place of what the file says; may be repeated.",
    ),
]


def _read(path: Path) -> Mapping[str, Any]:
    """What a file says, by name."""
    argument, expected = "--config", 'options by name, as law = "chinchilla"'
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(argument, Phrase(f"is {str(path)!r}, which cannot be read ({error})"), "a file") from None
    if path.suffix.lower() in (".yaml", ".yml"):
        try:
            import yaml
        except ImportError:
            given = Phrase(f"is {str(path)!r}, and YAML needs PyYAML")
            raise InputError(argument, given, remedy="install pyyaml, or write it as TOML") from None
        parse, failure = yaml.safe_load, yaml.YAMLError
    else:
        import tomllib

        parse, failure = tomllib.loads, tomllib.TOMLDecodeError
    try:
        found = parse(text)
    except failure as error:
        said = " ".join(str(error).split())
        raise InputError(argument, Phrase(f"is {str(path)!r}, which cannot be read ({said})"), expected) from None
    if not isinstance(found, Mapping):
        raise InputError(argument, Phrase(f"is {str(path)!r}, which holds no names"), expected)
    return found


def _defaults(ctx: typer.Context, given: Mapping[str, Any], argument: str) -> dict[str, Any]:
    """Defaults by parameter of the command, each as words of a command line would give it.

    **Raises:** `InputError` for a name that the command does not have.
    """
    known: dict[str, Any] = {}
    for one in ctx.command.params:
        if one.name in ("config_file", "settings", "help"):
            continue
        words = [one.metavar or ""] if one.param_type_name == "argument" else []
        for word in (*one.opts, one.name, *words):
            known.setdefault(_bare(word), one)
    shown = [max(one.opts, key=len).lstrip("-") for one in dict.fromkeys(known.values())]
    found = {}
    for name, value in given.items():
        if _bare(str(name)) not in known:
            check_names(argument, [str(name)], shown, what=f"options of `{ctx.command_path}`")
        if value is not None:
            parameter = known[_bare(str(name))]
            found[parameter.name] = _worded(argument, str(name), parameter, value)
    return found


def _bare(name: str) -> str:
    return name.lstrip("-").replace("-", "_")


def _worded(argument: str, name: str, parameter: Any, value: Any) -> Any:
    """A value as the words of a command line; of an option that may be repeated a list of them."""
    several = getattr(parameter, "multiple", False) or parameter.nargs == -1
    if isinstance(value, bool):
        if not getattr(parameter, "is_flag", False):
            raise InputError(f"{argument}: {name}", value, "text or a number")
        return value
    if isinstance(value, Mapping):
        words = [f"{key}={_word(argument, name, one)}" for key, one in value.items()]
    else:
        words = [_word(argument, name, one) for one in (value if isinstance(value, list) else [value])]
    return words if several else ",".join(words)


def _word(argument: str, name: str, value: Any) -> str:
    if isinstance(value, bool | list | Mapping) or value is None:
        raise InputError(f"{argument}: {name}", value, "text, a number, or a list or table of these")
    return str(value)
