"""What `scalefit predict` does: load, predict, print."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.text import Text

from .._core import InputError
from ..data._nearest import hint
from ..results import Ensemble, Fit, load, predict
from ._cache import keep_compiled
from ._document import law_name, to_json
from ._show import console, number, table
from ._spec import numbers_of


def run_predict(
    folder: Path, given: Sequence[str], *, level: float, new_run: bool, json: bool, cache_dir: str | None
) -> None:
    """Predict from a saved result and print values with intervals.

    **Raises:** `InputError` where the folder holds no result, or an input is missing, unknown or not positive.
    """
    numbers = numbers_of(given, "The input", "N=70B D=1.4T")
    result = load(folder)
    fit = result if isinstance(result, Fit) else result.fit
    inputs, notes = _inputs_of(fit, numbers)
    keep_compiled(cache_dir)
    band = predict(result, level=level, new_run=new_run, **inputs)
    single = all(np.ndim(a) == 0 for a in inputs.values())
    columns = {name: np.atleast_1d(a) for name, a in inputs.items()}
    low, high = (None if end is None else end for end in (band.low, band.high))
    if json:
        found = {"law": law_name(fit), "inputs": inputs}
        if fit.keys is None:
            found |= {"value": band.value, "low": low, "high": high}
        else:
            found["predictions"] = [
                {"key": key, "value": band.value[s], "low": _at(low, s), "high": _at(high, s)}
                for s, key in enumerate(fit.keys)
            ]
        draws = {"method": result.method, "num": result.objective.shape[-1]} if isinstance(result, Ensemble) else None
        typer.echo(to_json(found | {"level": level, "new_run": new_run, "draws": draws, "notes": notes}))
        return
    out = console()
    header = f"{100 * level:g} % interval" + (" of a new run" if new_run else "")
    headers = [*([] if fit.keys is None else ["study"]), *columns, fit.source.target, *([header] if low is not None else [])]
    made = table(*headers, right=headers if fit.keys is None else headers[1:])
    for s, key in enumerate(fit.keys or (None,)):
        for i in range(columns[next(iter(columns))].size):
            cells = [] if fit.keys is None else [str(key)]
            cells += [number(float(column[i])) for column in columns.values()]
            value, ends = (_cell(band.value, fit, s, i), [_cell(end, fit, s, i) for end in (low, high) if end is not None])
            cells.append(number(value))
            if ends:
                cells.append(" … ".join(number(end) for end in ends))
            made.add_row(*(Text(cell) for cell in cells))
    out.print(made)
    for note in notes:
        out.print(f"note: {note}", markup=False)
    if low is None:
        out.print("no interval: the result holds no draws; fit with --bootstrap 1000 to have one")
    del single


def _at(end: Any, study: int) -> Any:
    return None if end is None else end[study]
