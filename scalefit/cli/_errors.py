"""Failures of a command: one sentence on stderr and an exit status, here and nowhere else.

Messages name arguments of the library; as a command says them, they name its options. Ctrl-C is obeyed soon: Python's
own waits until compiled code has come back, which may take hours.
"""

import ast
import contextlib
import gc
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from .._core import InputError, NotConverged, Phrase, visible
from ._streams import abandon, finish, prepare

INPUT_ERROR = 2
NOT_CONVERGED = 3
UNWRITTEN = 5
PIPE_CLOSED = 141
"""As a shell has it for a program whose reader has gone."""
INTERRUPTED = 130
GRACE = 1.0
"""Seconds in which the work may end in order (and take away what it has half written) before it is ended."""
CALLS = {
    "save": "`scalefit fit --out`",
    "forecast": "`scalefit forecast`",
    "pooled": "--pool-size A=1024,B=2048 or --pools sizes.csv",
    "fits": "a fit with --where instead of --by",
}
"""Functions and results of the library that a message may speak of, and how to have the same here."""

_known: dict[str, tuple[str, str]] = {}
_told = threading.Event()
_asked = threading.Event()
_left = "nothing was written"


class Group(TyperGroup):
    """The root command: commands raise, and it alone prints errors and chooses the exit status."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command asked for, whose options messages name from then on."""
        found = super().resolve_command(ctx, args)
        if found[1] is not None:
            _know(found[1].params)
        return found

    def invoke(self, ctx: Any) -> Any:
        """Run the command asked for; an interruption is one line."""
        try:
            return super().invoke(ctx)
        except BaseException as error:
            # Python raises what it likes where an interruption meets an import.
            if not (_asked.is_set() or isinstance(error, KeyboardInterrupt)):
                raise
            _tell()
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
        _told.clear()
        _asked.clear()
        leaves("nothing was written")
        try:
            status = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
            finish()
        except Exception as error:
            status = _status(error)
        if not standalone_mode:
            return status
        sys.exit(status or 0)


class Program(typer.Typer):
    """The whole command line as the process runs it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run and leave."""
        prepare()
        with _obeyed(), _uncollected():
            try:
                return super().__call__(*args, **kwargs)
            except BaseException as left:
                # An interruption may come before there is a command, or after it.
                if _asked.is_set():
                    _tell()
                    _leave()
                if isinstance(left, SystemExit) and left.code == INTERRUPTED:
                    _leave()
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
        text = " ".join(error.format_message().split()).rstrip(".")  # pyright: ignore[reportAttributeAccessIssue]  asked above
        if text:
            say(f"{text} (see {command} --help).")
        return INPUT_ERROR
    if isinstance(error, InputError | NotConverged):
        say(as_options(error))
        return INPUT_ERROR if isinstance(error, InputError) else NOT_CONVERGED
    if isinstance(error, BrokenPipeError):  # the reader has what it wanted
        abandon()
        return PIPE_CLOSED
    if isinstance(error, OSError):
        abandon()
        what = "The output" if error.filename is None else repr(str(error.filename))
        say(f"{what} cannot be {'written' if error.filename is None else 'used'}: {error.strerror or error}.")
        return UNWRITTEN
    if isinstance(error, MemoryError):
        say("There is not enough memory for this. Give fewer runs or draws, or a machine with more.")
        return INPUT_ERROR
    raise error


def say(sentence: str) -> None:
    """One sentence on standard error."""
    with contextlib.suppress(OSError):
        print(f"scalefit: {visible(sentence)}", file=sys.stderr)


def _know(parameters: Iterable[Any]) -> None:
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
    return f"{value:g}" if isinstance(value, float) else str(value)


def leaves(words: str) -> None:
    """Say what an interruption from now on leaves behind."""
    global _left
    _left = words


def _tell() -> None:
    """Say, once, that the work was interrupted."""
    if _told.is_set():
        return
    _told.set()
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[?25h\r\x1b[2K")  # the cursor that a progress bar hides, and the line it leaves
    say(f"interrupted; {_left}")
    sys.stderr.flush()


def _leave() -> None:
    """End the process now: threads may be inside compiled code, which an orderly end would take from under them."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(INTERRUPTED)


@contextlib.contextmanager
def _obeyed() -> Iterator[None]:
    """Watch for an interruption while a command runs: the operating system wakes a thread that nothing else blocks."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    receive, send = socket.socketpair()
    send.setblocking(False)
    before = signal.set_wakeup_fd(send.fileno(), warn_on_full_buffer=False)
    answered = signal.signal(signal.SIGINT, _interrupted)
    threading.Thread(target=_watch, args=(receive,), daemon=True).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, answered)
        signal.set_wakeup_fd(before)
        send.close()


def _interrupted(*_: Any) -> None:
    """Remember an interruption, which what it meets may turn into another error."""
    _asked.set()
    raise KeyboardInterrupt


def _watch(receive: socket.socket) -> None:
    with receive:
        while woken := receive.recv(64):
            if signal.SIGINT in woken:
                time.sleep(GRACE)
                _tell()
                _leave()
