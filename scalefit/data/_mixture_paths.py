"""Runs over mixtures of domains whose weights stand in the names of their folders."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._core import InputError, Phrase, check_number
from ._dropped import Dropped
from ._mixtures import Paired, shares_of
from ._numbers import parse_number
from ._runs import Runs
from ._table import Table


def read_mixture_paths(
    source: str | os.PathLike[str], *, domains: Sequence[str], tolerance: float | None = None
) -> Runs:
    """Read runs over mixtures whose weights stand in the names of their folders, as lists of evaluations have it.

    A line is the path of a checkpoint, that of the text it was evaluated on, and the loss, apart by tabs or blanks. A
    folder named `70M_3-0.125-0-0-0.125-0.75` is the run 3 of a model of 70M parameters with these weights, in the order
    of `domains`; a folder of digits below it is the step; the target is the last but one part of the text's name.

    **Arguments:**

    - `source`: The file.
    - `domains`: The domains, in the order of the weights: nothing in the file says which is which.
    - `tolerance`: By how much weights of a run may miss the sum of 1, as of `read_mixtures`.

    **Returns:** [`scalefit.Runs`][] with `w[domain]`, the labels `run`, `step` and `target`, and N if a size is said.

    **Raises:** `InputError` where no line can be read so, or weights do not sum to 1.
    """
    path, names = Path(os.fspath(source)), [str(name) for name in domains]
    if isinstance(domains, str) or len(set(names)) < 2 or len(set(names)) < len(names):
        raise InputError("domains", domains, "the names of the domains, in the order of the weights, each once")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError("source", str(path), "a file that can be read", str(error.strerror or error)) from error
    except UnicodeDecodeError as error:
        raise InputError("source", str(path), "lines of text in UTF-8") from error
    if tolerance is not None:
        check_number("tolerance", tolerance, least=0.0)
    number = r"\d*\.?\d+(?:[eE][-+]?\d+)?"
    folder = re.compile(rf"(?P<name>[^/]*?)(?P<weights>(?:-{number}){{{len(names)}}})")
    rows: dict[tuple[str, int], dict[str, float]] = {}
    weights: dict[str, np.ndarray] = {}
    dropped, seen, again = [], set(), 0
    for k, line in enumerate(lines, 1):
        cells = line.split("\t") if "\t" in line else line.split()
        if not any(cell.strip() for cell in cells):
            continue
        if line in seen:
            again += 1
            continue
        seen.add(line)
        parts = cells[0].rstrip("/").split("/") if len(cells) >= 3 else []
        match = next((m for part in reversed(parts) if (m := folder.fullmatch(part))), None)
        value = parse_number(cells[2].strip()) if len(cells) >= 3 else None
        if match is None or value is None:
            dropped.append(Dropped(k, f"no run with {len(names)} weights, text and loss can be read from it"))
            continue
        run, step = match[0], int(parts[-1]) if parts[-1].isdigit() else 0
        text = cells[1].rsplit("/", 1)[-1].split(".")
        found, target = rows.setdefault((run, step), {}), text[-2] if len(text) > 1 else text[0]
        if found.get(target, value) != value:
            dropped.append(Dropped(k, f"an earlier line has {found[target]:.6g} for {target} of this run and step"))
            continue
        weights[run] = np.array([float(w) for w in re.findall(rf"-({number})", match["weights"])])
        found[target] = value
    if not rows:
        raise InputError(repr(path.name), Phrase(f"has no line with {len(names)} weights in the name of a folder"),
                         "lines of a path as '70M_3-0.5-0.5/1000', a text and a loss",
                         "name as many domains as there are weights")  # fmt: skip
    targets = list(dict.fromkeys(t for found in rows.values() for t in found))
    losses = {t: np.array([found.get(t, np.nan) for found in rows.values()]) for t in targets}
    of_rows = np.stack([weights[run] for run, _ in rows])
    table: Table = {name: of_rows[:, i] for i, name in enumerate(names)} | {"run": np.array([run for run, _ in rows])}
    pair = Paired(table, tuple(names), tuple(targets), "run", path.name, ())
    shares, notes = shares_of(pair, tolerance)
    sizes = [parse_number(run.split("_")[0]) if "_" in run else None for run, _ in rows]
    inputs: dict[str, Any] = {f"w[{name}]": shares[:, i] for i, name in enumerate(names)}
    if all(size is not None for size in sizes):
        inputs["N"] = np.array(sizes, float)
    runs = Runs(losses, run=[run for run, _ in rows], step=[step for _, step in rows], name=path.name, **inputs)
    repeated = (f"{again} lines that stand there twice were taken once",) if again else ()
    return runs.with_fields(notes=(*notes, *repeated, *runs.notes), dropped=(*dropped, *runs.dropped))
