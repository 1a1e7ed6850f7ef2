"""A progress bar for people: on a terminal only, on standard error, and gone when the work is done."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Show a bar over a number of steps.

    **Arguments:**

    - `steps`: How many there will be.

    **Returns:** a function to call, with a few words, as each step begins.
    """
    if not sys.stderr.isatty():
        yield lambda words: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=steps)
        begun = 0

        def step(words: str) -> None:
            nonlocal begun
            bar.update(task, completed=begun, description=words)
            begun += 1

        yield step
