"""One row a run out of its checkpoints: the last loss, the least, or a mean of the last."""

from typing import Literal

import numpy as np

from .._core import InputError, Phrase, check_choice, check_type
from ._labels import numbered
from ._runs import Runs

Which = Literal["last", "least", "smoothed"]


def per_run(runs: Runs, loss: Which = "last", *, window: int = 5) -> Runs:
    r"""Keep one row of each run: its last, or that of its least loss.

    The least of many noisy losses is too low, by about $\sigma \sqrt{2 \log k}$ of k alike; a mean of the last does not
    know that the loss still falls, and is late by half the window.

    **Arguments:**

    - `runs`: A table of checkpoints, with the label `run`; a run goes by its `step`, or by D or n where it has none.
    - `loss`: `"last"`, `"least"`, or `"smoothed"`, the last row with the mean of the last `window` losses.
    - `window`: Rows of that mean; fewer where a run has fewer.

    **Returns:** a table of a row for each run (and target); `notes` say how many rows each stands for.

    **Raises:** `InputError` for a table without runs, or without what tells which of their rows is the last.
    """
    check_type("runs", runs, Runs, "Runs, as sf.read_runs or sf.load_data give")
    check_choice("loss", loss, ("last", "least", "smoothed"))
    check_type("window", window, int, "a number of rows, 1 or more")
    if isinstance(window, bool) or window < 1:
        raise InputError("window", window, "a number of rows, 1 or more")
    if "run" not in runs.labels:
        given = Phrase("has no label run, which tells whose checkpoint a row is")
        raise InputError(repr(runs.name), given, remedy="name its column with `columns={'run': ...}`")
    by = tuple(name for name in ("group", "run", "seed") if name in runs.labels)
    code = runs.clusters(by)
    count = len(np.unique(code))
    if "target" in runs.labels:
        code = numbered([code, runs.labels["target"]], len(runs))
    order = np.lexsort((_along(runs, loss), code))
    ends = np.flatnonzero(np.diff(np.append(code[order], -1)))
    starts = np.append(0, ends[:-1] + 1)
    if loss == "least":
        spans = [order[a : b + 1] for a, b in zip(starts, ends, strict=True)]
        kept = np.array([span[np.argmin(runs.target[span])] for span in spans])
    else:
        kept = order[ends]
    target = runs.target.copy()
    if loss == "smoothed":
        for a, b in zip(starts, ends, strict=True):
            target[order[b]] = runs.target[order[max(a, b + 1 - window) : b + 1]].mean()
    said = {"last": "the last", "least": "that of the least loss", "smoothed": f"the last, with the mean of {window}"}
    note = f"of {len(runs)} rows of {count} runs, one a run is kept: {said[loss]}"
    return runs.with_fields(target=target).take(np.sort(kept)).with_fields(notes=(*runs.notes, note))


def _along(runs: Runs, loss: Which) -> np.ndarray:
    """What grows along a run."""
    for name, column in (("step", runs.labels.get("step")), ("D", runs.input("D")), ("n", runs.input("n"))):
        if column is not None:
            numbers = np.asarray([np.nan if one is None else float(one) for one in column.tolist()])
            runs.check(name, np.isfinite(numbers))
            return numbers
    if loss == "least":
        return np.zeros(len(runs))
    given = Phrase("has no step, D or n, which tell what row of a run is its last")
    raise InputError(repr(runs.name), given, remedy="name its column with `columns={'step': ...}`")
