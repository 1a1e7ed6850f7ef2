"""Output while a command is at work: progress, warnings as sentences, and what a user's own law prints."""

import contextlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator

from .._core import InputError
from ._errors import say
from ._format import duration, number
from ._named import as_options

SECONDS = 10.0
"""Seconds between lines of progress where there is no terminal."""


@contextlib.contextmanager
def quiet(json: bool) -> Iterator[None]:
    """Send what is printed meanwhile, as by a user's own law, to standard error where a document is to follow.

    Numbers that overflow show in the result, as a dash or null; warnings of arithmetic say no more and are left out.
    What the library warns of is a sentence on standard error.

    **Arguments:**

    - `json`: Whether a document is to follow.

    **Raises:** `InputError` where a law ends the program.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.showwarning = lambda message, *_: say(as_options(str(message)))
        try:
            yield
        except SystemExit as error:
            raise InputError(
                "The formula of the law ends the program (sys.exit); expected one number from one run. Take that out."
            ) from error


@contextlib.contextmanager
def progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Show a bar over a number of steps on a terminal, which is gone when the work is done.

    **Arguments:**

    - `steps`: How many there will be.

    **Returns:** a function to call, with a few words, as each step begins.
    """
    if not sys.stderr.isatty():
        yield lambda words: None
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

    with _bar(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()) as bar:
        task = bar.add_task("", total=steps)
        begun = 0

        def step(words: str) -> None:
            nonlocal begun
            bar.update(task, completed=begun, description=words)
            begun += 1

        yield step


@contextlib.contextmanager
def counting() -> Iterator[Callable[[int, int], None]]:
    """Show how many fits of a sweep are done, their rate and the time that is left.

    A bar on a terminal, else a line now and then; both on standard error.

    **Returns:** a function to call with the fits that are done, and all.
    """
    begun, first = time.perf_counter(), -1

    def rate_of(done: int) -> float:
        nonlocal first
        first = done if first < 0 else first
        return (done - first) / max(time.perf_counter() - begun, 1e-9)

    if not sys.stderr.isatty():
        yield _lines(rate_of)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]} fits/s")
    with _bar(BarColumn(), MofNCompleteColumn(), rate, TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=None, rate="–")
        yield lambda done, fits: bar.update(task, completed=done, total=fits, rate=number(rate_of(done), 3))


def _lines(rate_of: Callable[[int], float]) -> Callable[[int, int], None]:
    last = -float("inf")

    def tell(done: int, fits: int) -> None:
        nonlocal last
        rate, now = rate_of(done), time.perf_counter()
        if now - last < SECONDS and done < fits:
            return
        last = now
        left = f", {duration((fits - done) / rate)} left" if rate and done < fits else ""
        print(f"scalefit: {done:,} of {fits:,} fits, {number(rate, 3)} a second{left}", file=sys.stderr, flush=True)

    return tell


def _bar(*columns: object):
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(stderr=True), transient=True)  # pyright: ignore[reportArgumentType]
