"""Many files of one study as one table: a run a file, as trackers export histories and testbeds keep models."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .._core import InputError, Phrase, counted, listed
from ._columns import our_name
from ._events import is_event_file

Table = dict[str, np.ndarray]
PART = re.compile(r"(part[-_.]?)?\d{4,}.*")
"""Name of a part of a table that is kept in several files, as 0000.parquet."""


def one_table(tables: Sequence[Table], files: Sequence[Path], base: Path) -> tuple[Table, str]:
    """Return tables one below the other, with the column `run` after their files unless they have one, and a note."""
    sizes = [len(next(iter(one.values()))) for one in tables]
    table = {h: _column([one.get(h) for one in tables], sizes) for h in dict.fromkeys(h for one in tables for h in one)}
    note = f"{counted(len(files), 'file')} of {base.name!r} became one table"
    if bare := [run_of(path, base) for path, n in zip(files, sizes, strict=True) if not n]:
        note = f"{note}, {listed(bare)} without a row"
    if any(our_name(header) == "run" for header in table):
        return table, note
    run = np.repeat(np.array([run_of(path, base) for path in files], dtype=object), sizes)
    return {"run": run, **table}, f"{note}, with the label run after their names"


def files_in(folder: Path, endings: Sequence[str]) -> tuple[list[Path], tuple[str, ...]]:
    """The tables below a folder, all of one kind, or the event files there; and a note of what else there is.

    **Raises:** `InputError` where there is none, or where tables are of several kinds.
    """
    there = sorted(
        path for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )  # fmt: skip
    events = [path for path in there if is_event_file(path)]
    kinds: dict[str, list[Path]] = {}
    for path in there:
        ending = "".join(path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:]).lower()
        if ending.removesuffix(".gz") in endings:
            kinds.setdefault(ending, []).append(path)
    if not events and not kinds:
        raise InputError(repr(str(folder)), Phrase("is a directory without a table"), f"files ({', '.join(endings)})")
    if not events and len(kinds) > 1:
        raise InputError(
            repr(str(folder)), Phrase(f"is a directory of tables of several kinds ({listed(kinds)})"),
            "one kind, a run a file", "name a file of it",
        )  # fmt: skip
    files = events or next(iter(kinds.values()))
    others = len(there) - len(files)
    return files, (f"not read there: {counted(others, 'other file')}",) if others else ()


def run_of(path: Path, base: Path) -> str:
    """The run of a file: its place below the base; of events and of parts of a table, that of their folder."""
    place = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
    stem = place.name.removesuffix(".gz").rpartition(".")[0]
    if is_event_file(path) or (path.suffix.lower() == ".parquet" and PART.fullmatch(stem)):
        return place.parent.as_posix() if place.parent != Path(".") else base.name
    return place.with_name(stem).as_posix()


def _column(parts: Sequence[np.ndarray | None], sizes: Sequence[int]) -> np.ndarray:
    """A column of several tables as one, empty where a table lacks it."""
    if all(part is None or part.dtype.kind in "iuf" for part in parts):
        return np.concatenate([np.full(n, np.nan) if part is None else part for part, n in zip(parts, sizes)])
    found = np.full(sum(sizes), None, dtype=object)
    ends = np.cumsum(sizes)
    for part, end in zip(parts, ends):
        if part is not None:
            found[end - len(part) : end] = list(part)
    return found
