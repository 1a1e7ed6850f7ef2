"""The folder of `--out`, looked at before the work and written after it, and the pictures in it."""

import contextlib
import io
import os
import tempfile
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._core import InputError, Phrase, folder_written_whole
from ..plan import Curation
from ..plot import (
    corner,
    forecast,
    frontier,
    literal,
    loss_against_compute,
    new_figure,
    prior_posterior,
    ranks,
    residuals,
    single_inputs,
)
from ..results import Ensemble, Fit, may_replace, save
from ._checks import SUMMARY
from ._document import to_json
from ._terminal import study_name

DPI = 160
PANELS = 12
"""Studies of a batch that are drawn, at most."""


def check_folder(folder: Path, ours: Collection[str] = ()) -> None:
    """Say before the work, and not after it, that a folder cannot be written.

    **Arguments:**

    - `folder`: The folder.
    - `ours`: Files that may stand there without a result beside them, and be replaced.

    **Raises:** `InputError` where something else is in its place, or nothing can be written beside it.
    """
    try:
        _check(folder, ours)
    except OSError as error:
        raise _unwritten(folder, error) from error


def _check(folder: Path, ours: Collection[str]) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.lstat(folder)  # a name that is too long: later Pythons say only that it does not exist
    dangling = next((p for p in (folder, *folder.parents) if p.is_symlink() and not p.exists()), None)
    if dangling is not None:
        raise _refused(
            folder, f"and {str(dangling)!r} is a link to nothing", "remove the link, or choose another folder"
        )
    if folder.exists() and not folder.is_dir():
        raise _refused(folder, "which is a file", "choose another folder")
    theirs = {path.name for path in folder.iterdir()} - set(ours) if folder.is_dir() else set()
    if theirs and not may_replace(folder):
        raise _refused(folder, "which holds other things than a result", "choose another folder")
    beside = next(p for p in folder.resolve().parents if p.exists())
    # The name that an earlier result bears while it is replaced inside a folder that is to take the place of another.
    longest = f"..{folder.name}{2 * '.12345678-12345678-12345678.part'}"
    with tempfile.TemporaryDirectory(dir=beside) as trial:
        (Path(trial) / folder.resolve().relative_to(beside)).with_name(longest).mkdir(parents=True)


def write_result(
    result: Fit[Any] | Ensemble[Any],
    found: dict[str, Any],
    folder: Path,
    further: Mapping[str, bytes] | None = None,
    *,
    level: float,
) -> bool:
    """Write what later commands read, the document as it is printed, and the figures: all of it, or nothing.

    The document is without the time that the job took: the same job writes the same file.

    **Arguments:**

    - `result`: A fit or an ensemble.
    - `found`: The document.
    - `folder`: Where to.
    - `further`: More files, by name.
    - `level`: Probability of the bands.

    **Returns:** whether an earlier result was replaced.

    **Raises:** `InputError` where the folder cannot be written.
    """
    files = {
        SUMMARY: (to_json({k: v for k, v in found.items() if k != "seconds"}) + "\n").encode(),
        **figures(result, level=level),
        **(further or {}),
    }
    earlier = (folder / "result.json").is_file()
    try:
        save(result, folder, files=files)
    except OSError as error:
        raise _unwritten(folder, error) from error
    return earlier


def write_plan(result: Any, files: Mapping[str, bytes], folder: Path) -> bool:
    """Write a plan, beside the result that it was made from where that is one: all of it, or nothing.

    **Returns:** whether an earlier result was replaced.

    **Raises:** `InputError` where the folder cannot be written.
    """
    earlier = folder.is_dir() and any(folder.iterdir())
    try:
        with folder_written_whole(folder) as beside:
            if isinstance(result, Fit | Ensemble):
                save(result, beside, files=files)
            else:
                for name, content in files.items():
                    (beside / name).write_bytes(content)
    except OSError as error:
        raise _unwritten(folder, error) from error
    return earlier


def figures(result: Fit[Any] | Ensemble[Any], *, level: float) -> dict[str, bytes]:
    """The pictures of a result as PNG, by the name of the file."""
    fit = result.fit
    if fit.keys is not None:
        return {"loss.png": _studies(result, level)}
    found = {
        "loss.png": _png(loss_against_compute(result, level=level)),
        "residuals.png": _png(residuals(fit)[0]),
    }
    if isinstance(result, Ensemble):
        with contextlib.suppress(InputError):  # draws that do not vary: noise-free runs
            found["parameters.png"] = _png(corner(result)[0, 0])
        if result.method == "posterior":
            found["forecast.png"] = _png(forecast(result))
            if "chain" in result.drawn:
                found["ranks.png"] = _png(ranks(result)[0])
    return found


def overview(result: Fit[Any] | Ensemble[Any], level: float) -> bytes:
    """Loss against compute beside the residuals, as one PNG: what to look at first."""
    fit = result.fit
    figure = new_figure(12.0, 5.2)
    panels = max(len(single_inputs(fit.law)), 1)
    grid = figure.add_gridspec(panels, 2, width_ratios=(1.5, 1.0))
    ax = loss_against_compute(result, figure.add_subplot(grid[:, 0]), level)
    for panel in residuals(fit, [figure.add_subplot(grid[k, 1]) for k in range(panels)]):
        panel.set_ylabel("above the law (%)" if fit.noise.log else "observed − law")
    return _png(ax)


def frontier_picture(plan: Curation, result: Any) -> dict[str, bytes]:
    """The error of every plan against the budget, as a file by its name; none where there is one budget only."""
    if len(plan.budgets) < 2:
        return {}
    rising = plan.take(np.argsort(plan.budgets))
    return {"frontier.png": _png(frontier(rising, new_figure(8.0, 5.2).add_subplot(), result=result))}


def prior_picture(draws: Ensemble[Any], before: Ensemble[Any]) -> dict[str, bytes]:
    """The density of each parameter before and after the runs, as a file by its name."""
    return {"prior.png": _png(prior_posterior(draws, before)[0])}


def _studies(result: Fit[Any] | Ensemble[Any], level: float) -> bytes:
    fit = result.fit
    good = [key for key, converged in zip(fit.keys or (), fit.converged, strict=True) if converged]
    parts, failed = good[:PANELS], len(fit.converged) - len(good)
    wide = min(3, len(parts))
    high = -(-len(parts) // wide)
    figure = new_figure(5.2 * wide, 3.8 * high)
    panels = figure.subplots(high, wide, squeeze=False).ravel()
    for panel, key in zip(panels, parts, strict=False):
        loss_against_compute(result[key], panel, level)
        if panel is not panels[0] and (legend := panel.get_legend()) is not None:
            legend.remove()
        panel.set_title(literal(study_name(key)), fontsize=10)
    for panel in panels[len(parts) :]:
        panel.set_visible(False)
    left_out = [f"{failed} not converged"] if failed else []
    left_out += [f"{len(good) - PANELS} more not drawn"] if len(good) > PANELS else []
    if left_out:
        figure.suptitle(f"{len(parts)} of {len(fit.converged)} studies: {', '.join(left_out)}", fontsize=10)
    return _png(panels[0])


def _png(ax: Any) -> bytes:
    stream = io.BytesIO()
    # A letter that the font lacks is drawn as a box.
    warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
    ax.figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
    return stream.getvalue()


def _refused(folder: Path, why: str, remedy: str) -> InputError:
    return InputError(
        "out", Phrase(f"is {str(folder)!r}, {why}"), "a folder, new, empty or of an earlier result", remedy
    )


def _unwritten(folder: Path, error: OSError) -> InputError:
    return InputError("out", Phrase(f"is {str(folder)!r}, which cannot be written ({error.strerror})"),
                      remedy="choose another folder")  # fmt: skip
