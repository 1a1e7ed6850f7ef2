"""The table of runs to do that `scalefit design --out` writes, which is never written over what is not such a table."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .._core import InputError, Phrase, written_whole
from ..data import parse_number
from ..plan import Design


def target_file(out: Path, sources: Mapping[str, Sequence[str]]) -> Path:
    """The file to write: what a link leads to, any other itself.

    **Arguments:**

    - `out`: As it was given.
    - `sources`: The tables that are read, by the argument that they were given to.

    **Raises:** `InputError` where it ends otherwise, its folder is not there, or it is one that is read.
    """
    led = _led_to(out)
    if out.suffix.lower() != ".csv" or out.is_dir() or not led.parent.is_dir():
        raise InputError("out", out, "a file that ends in .csv, in a folder that is there")
    for argument, paths in sources.items():
        for path in map(Path, paths):
            if _led_to(path) == led or (out.exists() and path.exists() and out.samefile(path)):
                said = Phrase(f"is {str(out)!r}, the table of `{argument}`, which is read")
                raise InputError("out", said, remedy="choose another file")
    return led


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
    if ours:
        said = Phrase(f"is {str(out)!r}, which holds runs whose {measured} was filled in")
        raise InputError("out", said, remedy="choose another file, and give this one to `append`")
    columns = ", ".join([*inputs, measured])
    said = Phrase(f"is {str(out)!r}, which is there and no table of {columns} as this command writes it")
    raise InputError("out", said, remedy="choose another file")


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
        with written_whole(out) as beside:
            beside.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        said = Phrase(f"is {str(out)!r}, which cannot be written ({error.strerror})")
        raise InputError("out", said, remedy="choose another file") from error


def _led_to(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _to_do(row: Sequence[str], inputs: int) -> bool:
    """Tell whether a row has its inputs, and nothing was measured."""
    numbers = [parse_number(cell) for cell in row[:inputs]]
    return not "".join(row[inputs:]).strip() and all(n is not None and np.isfinite(n) for n in numbers)
