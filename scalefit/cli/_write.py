"""A folder of results: written beside its place and moved there whole, or not at all."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from .._core import InputError

NAMES = ("arrays.npz", "result.json", "summary.json", "loss.png", "residuals.png", "parameters.png")
"""What a folder of results may hold of ours: one left from an earlier result is taken away."""


@contextlib.contextmanager
def written(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write into, whose files appear in `folder` if there are any and nothing goes wrong.

    Other files in `folder` stay.

    **Raises:** `InputError` where the folder cannot be written, at once and not after the work.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out names {str(folder)!r}, which is a file; expected a folder, new or existing.")
    folder = folder.resolve()
    # Inside a folder that exists, its parent may not be ours to write.
    draft = (folder if folder.exists() else folder.parent) / f".{folder.name}-{secrets.token_hex(4)}.partial"
    made = next((p for p in reversed(draft.parents) if not p.exists()), None)
    try:
        draft.mkdir(parents=True)
    except OSError as error:
        raise _refused(folder, error) from error
    try:
        yield draft
        if any(draft.iterdir()):
            _move(draft, folder)
            made = None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


def _move(draft: Path, folder: Path) -> None:
    try:
        if not folder.exists():
            draft.rename(folder)
            return
        for name in NAMES:
            if (draft / name).exists():
                os.replace(draft / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> InputError:
    return InputError(f"--out names {str(folder)!r}, which cannot be written ({error.strerror}); choose another folder.")
