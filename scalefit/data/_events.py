"""Event files of TensorBoard: a row for each run and step, a column for each scalar and hyperparameter."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .._core import InputError, Phrase

MARK = "tfevents"
"""What the names of event files have."""


def is_event_file(path: Path) -> bool:
    """Tell by its name whether a file is one of events."""
    return MARK in path.name


def event_records(files: Sequence[Path], names: Sequence[str]) -> list[dict[str, Any]]:
    """Read the scalars of event files; of a step that stands in several files of a run, as after a restart, the last.

    **Arguments:**

    - `files`: Their paths, those of one run in the order in which they were written.
    - `names`: The run of each.

    **Raises:** `InputError` where TensorBoard is not installed, and for a file that cannot be read.
    """
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    settings: dict[str, dict[str, Any]] = {}
    for path, run in zip(files, names, strict=True):
        for step, time, tag, value in _scalars(path):
            if isinstance(value, dict):
                settings.setdefault(run, {}).update(value)
            else:
                rows.setdefault((run, step), {"run": run, "step": step}).update({"wall_time": time, tag: value})
    return [{**settings.get(run, {}), **row} for (run, _), row in rows.items()]


def _scalars(path: Path) -> Iterator[tuple[int, float, str, Any]]:
    """Each scalar of a file, with its step, time and tag; hyperparameters as one dictionary."""
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.plugins.hparams import plugin_data_pb2 as made
        from tensorboard.util import tensor_util
    except ImportError:
        given = Phrase("holds events of TensorBoard, and the package tensorboard is not installed")
        raise InputError(repr(str(path)), given, remedy="install tensorboard") from None
    message = made.HParamsPluginData.FromString  # pyright: ignore[reportAttributeAccessIssue]  made by protobuf
    try:
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                said = value.metadata.plugin_data
                if said.plugin_name == "hparams":
                    found = message(said.content).session_start_info.hparams
                    yield event.step, event.wall_time, value.tag, {name: _setting(one) for name, one in found.items()}
                elif value.HasField("tensor") and not value.tensor.tensor_shape.dim:
                    number = tensor_util.make_ndarray(value.tensor)
                    if number is not None and number.dtype.kind in "iuf":
                        yield event.step, event.wall_time, value.tag, float(number)
    except OSError as error:
        raise InputError(
            repr(str(path)), Phrase(f"cannot be read ({error})"), remedy="check that it is whole"
        ) from None


def _setting(value: Any) -> Any:
    """A hyperparameter as Python has it."""
    kind = value.WhichOneof("kind")
    return None if kind is None else getattr(value, kind)
