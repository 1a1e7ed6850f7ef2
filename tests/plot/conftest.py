"""Pictures as they looked when they were last looked at: `SCALEFIT_IMAGES=write pytest tests/plot` writes them anew."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

import scalefit as sf

IMAGES = Path(__file__).parent / "images"
BLOCK = 6
"""Pixels of a side of what is compared by its mean: glyphs that another FreeType draws otherwise are alike so."""


@pytest.fixture
def column() -> Axes:
    """Axes in the column of a page."""
    return sf.plot.new_figure(3.25, 2.4).subplots()


@pytest.fixture
def looks_like(tmp_path: Path) -> Callable[[Any, str], None]:
    """Hold the figure of Axes against the picture of this name."""

    def check(axes: Any, name: str) -> None:
        figure = np.ravel(axes)[0].get_figure(root=True)
        made = io.BytesIO()
        with matplotlib.rc_context({"savefig.bbox": None}):
            figure.savefig(made, dpi=72, format="png", metadata={"Software": None})
        kept = IMAGES / f"{name}.png"
        if os.environ.get("SCALEFIT_IMAGES") == "write":
            IMAGES.mkdir(exist_ok=True)
            with Image.open(made) as image:
                image.convert("RGB").quantize(128).save(kept, optimize=True)
        if matplotlib.__version_info__[:2] < (3, 11):  # which set text otherwise, and leave it other room
            return
        made.seek(0)
        seen, known = _blocks(made), _blocks(kept)
        (tmp_path / f"{name}.png").write_bytes(made.getvalue())
        said = f"{name} looks otherwise than {kept}: see {tmp_path / f'{name}.png'}"
        assert seen.shape == known.shape, said
        off = float(np.sqrt(np.mean((seen - known) ** 2)))
        assert off < 0.03, f"{said} (by {off:.3f})"

    return check


def _blocks(file: Any) -> np.ndarray:
    """Means of blocks of an image, from 0 to 1."""
    with Image.open(file) as image:
        flat = np.asarray(image.convert("RGB"), float) / 255.0
    high, wide = (side // BLOCK * BLOCK for side in flat.shape[:2])
    return flat[:high, :wide].reshape(high // BLOCK, BLOCK, wide // BLOCK, BLOCK, 3).mean(axis=(1, 3))
