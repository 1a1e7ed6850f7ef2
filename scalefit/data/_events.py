"""Event files of TensorBoard: a row for each run and step, a column for each scalar and hyperparameter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._core import InputError, Phrase, listed

MARK = "tfevents"
"""What the names of event files have."""


def is_event_file(path: Path) -> bool:
    """Tell by its name whether a file is one of events."""
    return MARK in path.name


def event_records(files: Sequence[Path], names: Sequence[str]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Read the scalars of event files; of a step that stands in several files of a run, as after a restart, the last.

    Notes say which files break off, as those of trainings that were killed, and which runs have no scalar.

    **Arguments:**

    - `files`: Their paths, those of one run in the order in which they were written.
    - `names`: The run of each.

    **Raises:** `InputError` where TensorBoard is not installed, and for a file that cannot be read.
    """
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    settings: dict[str, dict[str, Any]] = {}
    notes = []
    for path, run in zip(files, names, strict=True):
        scalars, whole = _scalars(path)
        if not whole:
            notes.append(f"{path.name!r} of {run!r} breaks off: what follows there was not read")
        for step, time, tag, value in scalars:
            if isinstance(value, dict):
                settings.setdefault(run, {}).update(value)
            else:
                rows.setdefault((run, step), {"run": run, "step": step}).update({"wall_time": time, tag: value})
    told = {run for run, _ in rows}
    if silent := [run for run in dict.fromkeys(names) if run not in told]:
        notes.append(f"no scalar was read of {listed(silent)}")
    return [{**settings.get(run, {}), **row} for (run, _), row in rows.items()], tuple(notes)


def _scalars(path: Path) -> tuple[list[tuple[int, float, str, Any]], bool]:
    """Each scalar of a file, with its step, time and tag, hyperparameters as one dictionary; and whether that is all.

    TensorBoard stops without a word at a record that is damaged.
    """
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.plugins.hparams import plugin_data_pb2 as made
        from tensorboard.util import tensor_util
    except ImportError:
        given = Phrase("holds events of TensorBoard, and the package tensorboard is not installed")
        raise InputError(repr(str(path)), given, remedy="install tensorboard") from None
    message = made.HParamsPluginData.FromString  # pyright: ignore[reportAttributeAccessIssue]  made by protobuf
    found, read = [], 0
    try:
        for event in EventFileLoader(str(path)).Load():
            read += 1
            for value in event.summary.value:
                said = value.metadata.plugin_data
                if said.plugin_name == "hparams":
                    given = message(said.content).session_start_info.hparams
                    settings = {name: _setting(one) for name, one in given.items()}
                    found.append((event.step, event.wall_time, value.tag, settings))
                elif value.HasField("tensor") and not value.tensor.tensor_shape.dim:
                    number = tensor_util.make_ndarray(value.tensor)
                    if number is not None and number.dtype.kind in "iuf":
                        found.append((event.step, event.wall_time, value.tag, float(number)))
        return found, read == _records(path)
    except OSError as error:
        raise InputError(
            repr(str(path)), Phrase(f"cannot be read ({error})"), remedy="check that it is whole"
        ) from None


def _records(path: Path) -> int | None:
    """How many records fill a file, `None` where they do not: each has 8 bytes of its length, and 8 of checksums."""
    size, count, at = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            at += 16 + int.from_bytes(file.read(8), "little")
            count += 1
    return count if at == size else None


def _setting(value: Any) -> Any:
    """A hyperparameter as Python has it."""
    kind = value.WhichOneof("kind")
    return None if kind is None else getattr(value, kind)
