"""Every way in which a command can fail: one sentence on stderr and an exit status, here and nowhere else."""

import contextlib
import gc
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from . import _named
from ._interrupt import STATUS as INTERRUPTED
from ._interrupt import leave, obeyed, tell

INPUT_ERROR = 2
NOT_CONVERGED = 3

_OPTIONS = (
    (r"columns=\{\"(\w+)\": \"(\w+)\"\} or (--columns \1=\2)", r"\3"),
    (r"pass its class as law=", "give its class as --law FILE.py:Class"),
    (r"give a folder made by save", "give a folder that `scalefit fit --out` wrote"),
    (r"\bcluster=None\b", "--cluster none"),
)
"""What the library says in a message → what it is called here."""


class Group(TyperGroup):
    """The root command: commands raise, and it alone prints errors and chooses the exit status."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command asked for, whose options messages name from then on."""
        found = super().resolve_command(ctx, args)
        if found[1] is not None:
            _named.know(found[1].params)
        return found

    def invoke(self, ctx: Any) -> Any:
        """Run the command asked for; an interruption is one line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            tell()
            raise typer.Exit(INTERRUPTED) from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Parse, run and leave."""
        try:
            status = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except Exception as error:
            status = _status(error)
        if not standalone_mode:
            return status
        sys.exit(status or 0)


class Program(typer.Typer):
    """The whole command line as the process runs it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run and leave."""
        with obeyed(), _uncollected():
            try:
                return super().__call__(*args, **kwargs)
            except SystemExit as left:
                if left.code == INTERRUPTED:
                    leave()
                raise


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Leave garbage where it is: there is little, and to look for it among all that is imported slows a short job."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor when the process ends
        if before:
            gc.enable()


def _status(error: Exception) -> int:
    """Say what went wrong; what is nobody's input is a fault of ours and keeps its traceback."""
    if hasattr(error, "format_message"):  # the parser's own errors, whose class is private to it
        command = getattr(getattr(error, "ctx", None), "command_path", "scalefit")
        text = error.format_message().strip().rstrip(".")  # pyright: ignore[reportAttributeAccessIssue]
        if text:
            say(f"{text} (see {command} --help).")
        return INPUT_ERROR
    from .._core import InputError, NotConverged

    if isinstance(error, InputError | NotConverged):
        say(as_options(error))
        return INPUT_ERROR if isinstance(error, InputError) else NOT_CONVERGED
    raise error


def as_options(said: Exception | str) -> str:
    """Arguments of the library's functions, in a sentence of theirs, as the options that set them."""
    sentence = _named.as_options(said)
    if getattr(said, "argument", None) is not None:
        return sentence
    for pattern, option in _OPTIONS:
        sentence = re.sub(pattern, option, sentence)
    return sentence


def say(sentence: str) -> None:
    """One sentence on standard error."""
    print(f"scalefit: {sentence}", file=sys.stderr)
