"""Every way in which a command can fail: one sentence on stderr and an exit status, here and nowhere else."""

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

INPUT_ERROR = 2
NOT_CONVERGED = 3
INTERRUPTED = 130


class Group(TyperGroup):
    """The root command: commands raise, and it alone prints errors and chooses the exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command asked for; an interruption is one line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _say("interrupted; nothing was written")
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


def _status(error: Exception) -> int:
    """Say what went wrong; what is nobody's input is a fault of ours and keeps its traceback."""
    if hasattr(error, "format_message"):  # the parser's own errors, whose class is private to it
        command = getattr(getattr(error, "ctx", None), "command_path", "scalefit")
        text = error.format_message().strip().rstrip(".")  # pyright: ignore[reportAttributeAccessIssue]
        if text:
            _say(f"{text} (see {command} --help).")
        return INPUT_ERROR
    from .._core import InputError, NotConverged

    if isinstance(error, InputError | NotConverged):
        _say(str(error))
        return INPUT_ERROR if isinstance(error, InputError) else NOT_CONVERGED
    raise error


def _say(sentence: str) -> None:
    print(f"scalefit: {sentence}", file=sys.stderr)
