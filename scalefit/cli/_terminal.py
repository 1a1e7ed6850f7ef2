"""Output: numbers and names for people, progress, warnings as sentences, and what a user's own law prints."""

import contextlib
import math
import sys
import time
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

from .._core import DAMAGED, CheckWarning, InputError, Phrase, mend, visible
from .._core import counted as counted
from ._checks import Checks
from ._errors import as_options, say

SECONDS = 10.0
"""Seconds between lines of progress where there is no terminal."""


@contextlib.contextmanager
def quiet(json: bool, checks: Checks | None = None) -> Iterator[None]:
    """Send what is printed meanwhile, as by a user's own law, to standard error where a document is to follow.

    Numbers that overflow show in the result, as a dash or null; warnings of arithmetic say no more and are left out.
    What the library warns of is a sentence on standard error.

    **Arguments:**

    - `json`: Whether a document is to follow.
    - `checks`: Where warnings go that are findings of checks, instead.

    **Raises:** `InputError` where a law ends the program.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", DeprecationWarning)  # of other packages, for who writes them
        damaged = False

        def told(message: Any, *_: Any) -> None:
            nonlocal damaged
            if str(message).startswith(DAMAGED):  # made anew
                damaged = True
            elif checks is not None and isinstance(message, CheckWarning) and message.finding is not None:
                checks.hear(message.finding)
            else:
                say(as_options(str(message)))

        warnings.showwarning = told
        try:
            yield
            if damaged:
                mend()
        except SystemExit as error:
            raise InputError(
                "The formula of the law", Phrase("ends the program (sys.exit)"), "one number from one run",
                "take that out",
            ) from error  # fmt: skip


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

    return Progress(*columns, console=Console(stderr=True), transient=True)  # pyright: ignore[reportArgumentType]  columns of rich


def number(value: float | None, digits: int = 6) -> str:
    """A number to so many digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{float(f'{value:.{digits}g}'):g}"


def human(size: float) -> str:
    """A size or a budget as people write it: `32M`, `3B`."""
    for scale, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= scale:
            short = f"{size / scale:.4g}"
            return f"{short}{letter}" if size >= 1e6 or float(short) * scale == size >= 1e4 else f"{size:.6g}"
    return f"{size:.4g}"


def ends_of(estimate: Any, *more: str) -> dict[str, Any]:
    """A value of the document with its interval, `None` where there is none, and what else is asked for."""
    found = {key: getattr(estimate, key) for key in ("value", "low", "high", *more)}
    return {key: one.item() if one is not None and one.ndim == 0 else one for key, one in found.items()}


def interval(entry: Mapping[str, Any]) -> str:
    """The interval of a parameter of a document; one without an upper end says so."""
    if entry["low"] is None:
        return "–"
    return f"{number(entry['low'], 5)} … {'no upper end' if entry.get('unbounded') else number(entry['high'], 5)}"


def study_name(key: Hashable) -> str:
    """The key of a study."""
    return visible(", ".join(map(str, key)) if isinstance(key, tuple) else str(key))


def duration(seconds: float) -> str:
    """Seconds, in the unit that suits them."""
    if not seconds < 1e12:
        return "an unknown time"
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
