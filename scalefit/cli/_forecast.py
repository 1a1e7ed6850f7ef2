"""What `scalefit predict` does: load, predict, print."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer

from .._core import InputError, NotConverged
from ..data import UNLIMITED, hint
from ..laws import SHARE, input_units
from ..results import Band, Ensemble, Fit, load, predict
from ..specs import law_class
from ._cache import keep_compiled
from ._document import draws_of, law_name, to_json
from ._quiet import quiet
from ._spec import number, numbers_of, study_name

FAR = 10.0
"""Times beyond the fitted range of an input from which a prediction says so."""


def run_predict(
    folder: Path,
    given: Sequence[str],
    *,
    level: float,
    new_run: bool,
    law: str | None,
    json: bool,
    cache_dir: str | None,
) -> None:
    """Predict from a saved result and print values with intervals; none of a fit that did not converge.

    **Raises:** `InputError` where the folder holds no result, or an input is missing, unknown or not positive;
    `NotConverged`, after the rest has been printed, where a fit of the result is none.
    """
    numbers = numbers_of(given, "The input", "N=70B or D=1.4T,2.8T")
    if not folder.is_dir():
        raise InputError(f"There is no folder {str(folder)!r}; give one that `scalefit fit --out` wrote.")
    with quiet(json):
        result = load(folder, law=None if law is None else law_class(law))
        fit = result if isinstance(result, Fit) else result.fit
        inputs, notes = inputs_of(fit, numbers)
        keep_compiled(cache_dir)
        band = predict(result, level=level, new_run=new_run, **inputs)
    notes += far_notes(fit, inputs)
    if json:
        found = {"law": law_name(fit), "inputs": inputs, **_values(fit, band), "level": level, "new_run": new_run}
        typer.echo(to_json(found | {"draws": draws_of(result), "notes": notes}))
    else:
        _show(result, {k: v for k, v in inputs.items() if k in numbers or "[" not in k}, inputs, band, notes)
    if not np.all(fit.converged):
        raise NotConverged(_failure(fit, folder))


def _failure(fit: Fit[Any], folder: Path) -> str:
    if fit.keys is None:
        return f"The fit in {str(folder)!r} did not converge: it predicts nothing. Fit again with more `max_steps`."
    failed = [key for key, good in zip(fit.keys, fit.converged, strict=True) if not good]
    return (
        f"{len(failed)} of {len(fit.keys)} fits in {str(folder)!r} did not converge, the first {failed[0]!r}: "
        f"they predict nothing. Fit again with more `max_steps`."
    )


def _show(
    result: Fit[Any] | Ensemble[Any],
    shown: Mapping[str, np.ndarray],
    inputs: Mapping[str, np.ndarray],
    band: Band,
    notes: list[str],
) -> None:
    from rich.text import Text

    from ._show import console

    fit = result if isinstance(result, Fit) else result.fit
    out = console()
    out.print(_table(fit, shown, inputs, band))
    for note in notes:
        out.print(Text(f"note: {note}"))
    if isinstance(result, Ensemble):
        what = "a new run" if band.new_run else "the curve"
        out.print(
            f"interval: {100 * band.level:g} %, of {what}, from {result.objective.shape[-1]} {result.method} draws"
        )
    else:
        out.print("no interval: the result holds no draws; fit with --bootstrap 1000 to have one")


def inputs_of(fit: Fit[Any], numbers: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[str]]:
    """The law's inputs, single numbers as such, one of N and D from C = 6 N D where C is given instead.

    **Raises:** `InputError` naming what is missing or unknown, or lists of different lengths.
    """
    numbers = dict(numbers)
    needed = tuple(input_units(fit.law))
    numbers |= _of_pools(fit, numbers)
    notes = []
    for name, other in (("D", "N"), ("N", "D")):
        if name in needed and name not in numbers and {"C", other} <= set(numbers) and "C" not in needed:
            _same_lengths(numbers)
            with np.errstate(over="ignore"):
                numbers[name] = numbers["C"] / (6.0 * numbers[other])
            if not np.all(np.isfinite(numbers[name]) & (numbers[name] > 0)):
                raise InputError(
                    f"C = {number(float(numbers['C'].flat[0]))} and {other} = {number(float(numbers[other].flat[0]))} "
                    f"leave no finite {name} = C / (6 {other}) above 0; give other numbers, or {name} itself."
                )
            del numbers["C"]
            notes.append(f"{name} = C / (6 {other})")
    for name in numbers:
        if name not in needed:
            raise InputError(f"{type(fit.law).__name__} has no input {name!r}; {hint(name, needed, what='inputs')}.")
    missing = [name for name in needed if name not in numbers]
    if missing:
        raise InputError(
            f"{type(fit.law).__name__} predicts from {', '.join(needed)}; {', '.join(missing)} is missing. "
            f"Give it as {missing[0]}={'0.5' if missing[0].startswith('w[') else '70B'}."
        )
    _same_lengths(numbers)
    return {name: a if a.size > 1 else a.reshape(()) for name, a in ((n, numbers[n]) for n in needed)}, notes


def _of_pools(fit: Fit[Any], numbers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What need not be said of pools: no weight is 0, and they are as large as in the runs."""
    units = input_units(fit.law)
    shares = [name for name, unit in units.items() if unit == SHARE]
    found = {}
    if any(name in numbers for name in shares):
        found |= {name: np.zeros(1) for name in shares if name not in numbers}
    for name in units:
        low, high = fit.source.ranges.get(name, (0.0, 0.0))
        if name.startswith("U[") and name not in numbers and 0.0 < low < UNLIMITED and high in (low, UNLIMITED):
            found[name] = np.array([low])
    return found


def far_notes(fit: Fit[Any], inputs: Mapping[str, np.ndarray]) -> list[str]:
    """A line for each input that lies far beyond the runs which were fitted."""
    ranges = {name: ends for name, ends in fit.source.ranges.items() if name != fit.source.target}
    if tuple(inputs) == ("x",) and len(ranges) == 1:  # a law of one x takes the only input there is
        ranges = {"x": next(iter(ranges.values()))}
    notes = []
    for name, points in inputs.items():
        if name not in ranges or input_units(fit.law).get(name) == SHARE:
            continue
        low, high = ranges[name]
        least, most = float(np.min(points)), float(np.max(points))
        for point, times, side in ((most, most / high, "above"), (least, low / least, "below")):
            if times > FAR:
                notes.append(
                    f"{name} = {number(point)} is {number(times, 3)} times {side} the fitted range, "
                    f"{number(low)} … {number(high)}: the interval does not know how the law is wrong there"
                )
    return notes


def _same_lengths(numbers: Mapping[str, np.ndarray]) -> None:
    lengths = {name: a.size for name, a in numbers.items() if a.size > 1}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{size} of {name}" for name, size in lengths.items())
        raise InputError(f"The inputs have different lengths: {said}; give one number or as many for each.")


def _values(fit: Fit[Any], band: Band) -> dict[str, Any]:
    """The band, of each study where there are several; no numbers where a fit did not converge."""
    parts = {"value": band.value, "low": band.low, "high": band.high}

    def of(good: Any, study: Any) -> dict[str, Any]:
        return {"converged": bool(good), **{k: a[study] if good and a is not None else None for k, a in parts.items()}}

    if fit.keys is None:
        return of(fit.converged, ...)
    each = [{"key": key, **of(fit.converged[s], s)} for s, key in enumerate(fit.keys)]
    return {"predictions": each, "converged": bool(np.all(fit.converged))}


def _table(fit: Fit[Any], shown: Mapping[str, np.ndarray], inputs: Mapping[str, np.ndarray], band: Band) -> Any:
    from rich.text import Text

    from ._show import table

    points = np.broadcast_arrays(*(np.atleast_1d(a) for a in inputs.values()))[0].size
    columns = [np.broadcast_to(np.atleast_1d(a), points) for a in shown.values()]
    keys = [None] if fit.keys is None else list(fit.keys)

    def flat(a: Any) -> np.ndarray:
        return np.full((len(keys), points), np.nan) if a is None else np.reshape(a, (len(keys), points))

    value, low, high = flat(band.value), flat(band.low), flat(band.high)
    headers = [*shown, fit.source.target, *([f"{100 * band.level:g} % interval"] if band.low is not None else [])]
    made = table(*([] if fit.keys is None else ["study"]), *headers, right=headers)
    converged = np.atleast_1d(fit.converged)
    for s, key in enumerate(keys):
        for i in range(points):
            cells = [] if fit.keys is None else [study_name(key)]
            cells += [number(float(column[i])) for column in columns]
            if not converged[s]:
                made.add_row(*(Text(cell) for cell in [*cells, "not converged"]))
                continue
            cells += [number(value[s, i])]
            cells += [f"{number(low[s, i], 5)} … {number(high[s, i], 5)}"] if band.low is not None else []
            made.add_row(*(Text(cell) for cell in cells))
    return made
