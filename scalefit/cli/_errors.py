"""Every way in which a command can fail: one sentence on stderr and an exit status, here and nowhere else."""

import contextlib
import gc
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from .._core import InputError, NotConverged
from ._interrupt import STATUS as INTERRUPTED
from ._interrupt import leave, obeyed, tell
from ._named import as_options, know

INPUT_ERROR = 2
NOT_CONVERGED = 3


class Group(TyperGroup):
    """The root command: commands raise, and it alone prints errors and chooses the exit status."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command asked for, whose options messages name from then on."""
        found = super().resolve_command(ctx, args)
        if found[1] is not None:
            know(found[1].params)
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
    if isinstance(error, InputError | NotConverged):
        say(as_options(error))
        return INPUT_ERROR if isinstance(error, InputError) else NOT_CONVERGED
    raise error


def say(sentence: str) -> None:
    """One sentence on standard error."""
    print(f"scalefit: {sentence}", file=sys.stderr)
