"""Layouts of runs in words, as `isoflop:1e18,1e20,levels=4`."""

from pathlib import Path
from typing import Any

import numpy as np

from .._core import InputError
from ..data import hint, parse_number
from ..plan import LAYOUTS, design_template
from ._spec import numbers_of, single

_OPTIONS = {
    "isoflop": ("levels", "points", "spread", "ratio"),
    "L": ("levels", "ratio"),
    "ladder": ("levels", "ratio"),
}


def candidates_of(given: str) -> Any:
    """The table's path, or the runs of a layout in words.

    **Raises:** `InputError` for a layout that there is not, without its least and largest compute, or with what it does
    not have.
    """
    name, sign, rest = given.partition(":")
    layout: Any = next((known for known in LAYOUTS if known.lower() == name.strip().lower()), None)
    if Path(given).exists():
        return given
    pieces = [piece.strip() for piece in rest.split(",")] if sign else []
    ends = [parse_number(piece) or 0.0 for piece in pieces[:2]]
    meant = len(ends) == 2 and 0.0 < ends[0] < ends[1] < np.inf
    if layout is None and not meant:
        return given
    if layout is None:
        raise InputError(f"--candidates {given!r}: there is no layout {name!r}; {hint(name, LAYOUTS, what='layouts')}.")
    if not meant:
        raise InputError(
            f"--candidates {given!r}: give the least and the largest compute of a run, as {name}:1e18,1e20."
        )
    options = single(numbers_of(pieces[2:], "--candidates", f"{name}:1e18,1e20,levels=4"), "--candidates")
    for option in options:
        if option not in _OPTIONS[layout]:
            known = f"the layout {layout} takes {' and '.join(_OPTIONS[layout])}"
            said = known if option in _OPTIONS["isoflop"] else hint(option, _OPTIONS[layout], what="numbers")
            raise InputError(f"--candidates {given!r} gives {option!r}; {said}.")
    whole: dict[str, Any] = {k: int(v) if v == int(v) and k in ("levels", "points") else v for k, v in options.items()}
    low, high = ends
    return design_template(layout, budgets=(low, high), **whole)
