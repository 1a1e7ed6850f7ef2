"""`scalefit predict`: load, predict, print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import InputError, Phrase, check_choice, check_names
from ._config import print_document
from ._errors import as_options
from ._options import LEVEL, Allow, CacheDir, FitOrLaw, Json, Level, OwnLaw
from ._terminal import ends_of, number, study_name


def predict(
    folder: FitOrLaw,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=NUMBER…", help="Every input of the law, as N=70B D=1.4T, N=1B,7B,70B or corpus=c4."
        ),
    ],
    level: Level = None,
    new_run: Annotated[
        bool, typer.Option("--new-run", help="Intervals for one new run, its own scatter included, not for the curve.")
    ] = False,
    law: OwnLaw = None,
    allow: Allow = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say what a saved fit predicts, and how sure it is."""
    level = level or LEVEL
    import numpy as np

    from .._core import cache
    from ..specs import said_of_published
    from ._checks import Checks
    from ._document import draws_of, freedom_of, law_name
    from ._terminal import quiet
    from ._words import result_or_law

    checks = Checks(allow)
    with quiet(json, checks):
        result = result_or_law(folder, law)
        known = not isinstance(result, sf.Fit | sf.Ensemble)
        fit: Any = Published(result) if known else result.fit
        given = given_of(fit, inputs)
        at, notes = inputs_of(fit, given)
        cache(cache_dir)
        if known and new_run:
            raise InputError("new_run", Phrase("needs runs, and a published law has none"), remedy="leave it out")
        band = fit.predict(at) if known else sf.predict(result, level=level, new_run=new_run, **at)
        if known:
            notes += said_of_published(result)
        else:
            checks.of_saved(result, folder, at)
            warned = any(one.check == "target-distance" and one.severity == "warning" for one in checks.own)
            notes += [] if warned or not band.note else [as_options(band.note)]
    found = {
        "law": law_name(fit.law), "inputs": at, **_values(fit, band), "level": level, "new_run": new_run,
        "draws": None if known else draws_of(result), "freedom": None if known else freedom_of(result), "notes": notes,
        "checks": checks.document(),
    }  # fmt: skip
    if json:
        print_document(found)
    else:
        _show(found, [name for name in at if name in given or "[" not in name], fit.source.target, checks)
    if not np.all(fit.reached):
        raise sf.NotConverged(not_converged(fit, str(folder)))


class Published:
    """A published law in the place of a fit: no runs, and nothing that says how sure it is."""

    def __init__(self, law: Any):
        self.law, self.keys, self.converged, self.reached = law, None, True, True
        self.source = Ranges({}, "loss")

    def predict(self, inputs: Mapping[str, Any]) -> Any:
        """Its values, without intervals.

        **Raises:** `InputError` for an input that its kind does not allow.
        """
        import numpy as np

        from ..laws import input_kinds
        from ..results import Estimate, evaluate

        for name, kind in input_kinds(self.law).items():
            if not np.all(kind.allows(np.asarray(inputs[name]))):
                raise InputError(name, inputs[name], f"finite numbers {kind.range_of}")
        points = dict(zip(inputs, np.broadcast_arrays(*inputs.values()), strict=True))
        shape = next(iter(points.values())).shape
        flat = {name: np.ravel(column) for name, column in points.items()}
        return Estimate(evaluate(self.law, flat, False).reshape(shape))


class Ranges(NamedTuple):
    """What is known of runs where there are none."""

    ranges: Mapping[str, tuple[float, float]]
    target: str


def not_converged(fit: sf.Fit[Any], folder: str) -> str:
    """That fits of a folder predict nothing, as they did not converge."""
    again = "Fit again with more --max-steps."
    if fit.keys is None:
        return f"The fit in {folder!r} did not converge: it predicts nothing. {again}"
    failed = [key for key, good in zip(fit.keys, fit.reached, strict=True) if not good]
    of = f"{len(failed)} of {len(fit.keys)} fits in {folder!r} did not converge, the first {failed[0]!r}"
    return f"{of}: they predict nothing. {again}"


def given_of(fit: sf.Fit[Any], pieces: Sequence[str]) -> dict[str, Any]:
    """The inputs by name: numbers, and entries of an axis for labels.

    **Raises:** `InputError` for what is neither.
    """
    import numpy as np

    from ._words import numbers_of

    entries = _entries(fit)
    of_labels = {piece: piece.partition("=")[0].strip() for piece in pieces}
    of_labels = {piece: name for piece, name in of_labels.items() if name in entries}
    found: dict[str, Any] = numbers_of(
        [piece for piece in pieces if piece not in of_labels], "The input", "N=70B or D=1.4T,2.8T"
    )
    for piece, name in of_labels.items():
        known = {str(entry): entry for entry in entries[name]}
        asked = [check_choice(name, text.strip(), known) for text in piece.partition("=")[2].split(",")]
        found[name] = np.array([known[text] for text in asked], dtype=object)
    return found


def _entries(fit: sf.Fit[Any]) -> dict[str, tuple[Any, ...]]:
    """The labels that the law takes, each with the entries of its axis."""
    from ..laws import Label, input_kinds

    kinds = input_kinds(fit.law).items()
    return {name: fit.law.entries(said.axis or "") for name, said in kinds if isinstance(said, Label)}


def inputs_of(fit: sf.Fit[Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The law's inputs, single numbers as such, one of N and D from C = 6 N D where C is given instead.

    **Raises:** `InputError` naming what is missing or unknown, or lists of different lengths.
    """
    import numpy as np

    from ..laws import input_units
    from ..results import of_known_domains

    numbers: dict[str, Any] = dict(of_known_domains(fit.law, given))
    needed = tuple(input_units(fit.law))
    numbers |= _of_pools(fit, numbers)
    notes = []
    for name, other in (("D", "N"), ("N", "D")):
        if name in needed and name not in numbers and {"C", other} <= set(numbers) and "C" not in needed:
            _same_lengths(numbers)
            with np.errstate(over="ignore"):
                numbers[name] = numbers["C"] / (6.0 * numbers[other])
            if not np.all(np.isfinite(numbers[name]) & (numbers[name] > 0)):
                C, beside = (number(float(numbers[one].flat[0])) for one in ("C", other))
                raise InputError("The input", Phrase(f"C = {C} beside {other} = {beside} leaves no finite {name} = C / "
                                                     f"(6 {other}) above 0"),
                                 remedy=f"give other numbers, or {name} itself")  # fmt: skip
            del numbers["C"]
            notes.append(f"{name} = C / (6 {other})")
    check_names("The input", numbers, needed, what=f"inputs of {type(fit.law).__name__},")
    missing = [name for name in needed if name not in numbers]
    if missing:
        raise InputError(
            f"{type(fit.law).__name__} predicts from {', '.join(needed)}, and {', '.join(missing)}",
            Phrase("is missing"), remedy=f"give it as {missing[0]}={'0.5' if missing[0].startswith('w[') else '70B'}",
        )  # fmt: skip
    _same_lengths(numbers)
    return {name: a if a.size > 1 else a.reshape(()) for name, a in ((n, numbers[n]) for n in needed)}, notes


def _of_pools(fit: sf.Fit[Any], numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of pools that need not be given: no weight is 0, and they are as large as in the runs."""
    import numpy as np

    from ..data import UNLIMITED
    from ..laws import SHARE, input_units

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


def _same_lengths(numbers: Mapping[str, Any]) -> None:
    lengths = {name: a.size for name, a in numbers.items() if a.size > 1}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{size} of {name}" for name, size in lengths.items())
        raise InputError("The inputs", Phrase(f"have different lengths: {said}"), "one number or as many for each")


def _values(fit: sf.Fit[Any], band: Any) -> dict[str, Any]:
    """The band, of each study where there are several; no numbers where a fit did not converge."""

    def of(good: Any, reached: Any, study: Any) -> dict[str, Any]:
        at = ends_of(band[study])
        return {"converged": bool(good), **(at if reached else dict.fromkeys(at))}

    if fit.keys is None:
        return of(fit.converged, fit.reached, ...)
    each = [{"key": key, **of(fit.converged[s], fit.reached[s], s)} for s, key in enumerate(fit.keys)]
    return {"predictions": each, "converged": all(one["converged"] for one in each)}


def _show(found: Mapping[str, Any], shown: list[str], target: str, checks: Any) -> None:
    from ._show import console, first_order_line, say_notes, table

    draws, level = found["draws"], 100 * found["level"]
    each = found.get("predictions", [found])
    sure = any(one["low"] is not None for one in each)
    headers = [*shown, target, *([f"{level:g} % interval"] if sure else [])]
    rows = [row for one in found.get("predictions", [found]) for row in _rows(found["inputs"], shown, one)]
    out = console()
    out.print(table([*(["study"] if "predictions" in found else []), *headers], rows, right=headers))
    say_notes(out, found["notes"])
    checks.show(out)
    what = "a new run" if found["new_run"] else "the curve"
    if draws is None and found["freedom"] is None:
        return
    if draws is None:
        out.print(first_order_line(found, f"interval: {level:g} %, of {what}", sure))
    else:
        out.print(f"interval: {level:g} %, of {what}, from {draws['num']} {draws['method']} draws")


def _rows(inputs: Mapping[str, Any], shown: list[str], one: Mapping[str, Any]) -> list[list[str]]:
    """Cells of one study, a row for each point."""
    import numpy as np

    columns = dict(zip(inputs, np.broadcast_arrays(*map(np.atleast_1d, inputs.values())), strict=True))
    texts = {n: [one if isinstance(one, str) else number(float(one)) for one in columns[n]] for n in shown}
    rows = [list(row) for row in zip(*texts.values(), strict=True)]
    for i, row in enumerate(rows):
        if "key" in one:
            row.insert(0, study_name(one["key"]))
        value, low, high = (None if one[k] is None else np.atleast_1d(one[k])[i] for k in ("value", "low", "high"))
        row.append("not converged" if value is None else number(value))
        if value is not None and low is not None and high is not None:
            row.append(f"{number(low, 5)} … {number(high, 5) if np.isfinite(high) else 'no upper end'}")
    return rows
