"""The table of runs to do that `scalefit design --out` writes, which is never written over what is not such a table."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .._core import InputError, written_whole
from ..data import parse_number
from ..plan import Design


def led_to(path: Path) -> Path:
    """What a link leads to; any other file itself."""
    return Path(os.path.realpath(path))


def refuse_sources(out: Path, sources: Sequence[tuple[str, str]]) -> None:
    """Raise where the table is one that is read.

    **Arguments:**

    - `out`: The table to write.
    - `sources`: Options and the tables given to them.
    """
    for option, given in sources:
        if led_to(Path(given)) == led_to(out) or (out.exists() and Path(given).exists() and out.samefile(given)):
            raise InputError(f"--out {str(out)!r} is the table of {option}, which is read: choose another file.")


def refuse_other(out: Path, inputs: Sequence[str], measured: str) -> None:
    """Raise where the file is there and no table of runs still to be measured.

    **Arguments:**

    - `out`: The table to write.
    - `inputs`: Those of the law, which head the first columns.
    - `measured`: The name of what is measured.
    """
    if not out.exists():
        return
    try:
        rows = list(csv.reader(io.StringIO(out.read_text(encoding="utf-8"), newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error):
        rows = []
    header, cells = (rows[0], rows[1:]) if rows else ([], [])
    ours = header in ([*inputs, measured], [*inputs, measured, "se"])
    if ours and all(len(row) == len(header) and _to_do(row, len(inputs)) for row in cells):
        return
    what = (
        f"holds runs whose {measured} was filled in: choose another file, and give this one to --append"
        if ours
        else f"is there, and is no table of {', '.join([*inputs, measured])} as this command writes it: choose another "
        f"file"
    )
    raise InputError(f"--out {str(out)!r} {what}.")


def _to_do(row: Sequence[str], inputs: int) -> bool:
    """Whether a row has its inputs, and nothing was measured."""
    numbers = [parse_number(cell) for cell in row[:inputs]]
    return not "".join(row[inputs:]).strip() and all(n is not None and np.isfinite(n) for n in numbers)


def write_runs(found: Design, measured: Sequence[str], out: Path) -> None:
    """Write the runs to do, in order, with an empty column for each number that is measured; not over a link.

    **Raises:** `InputError` where the file cannot be written.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*found.runs, *measured])
    rows.writerows(
        [*(repr(float(c[i])) for c in found.runs.values()), *[""] * len(measured)] for i in range(len(found))
    )
    try:
        with written_whole(led_to(out)) as beside:
            beside.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"--out {str(out)!r} cannot be written ({error.strerror}); choose another file.") from error
