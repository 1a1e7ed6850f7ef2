"""Forecasts written down before the run, to be held against it."""

import dataclasses
import datetime
import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._core import InputError, Phrase, check_number, check_type, written_whole
from ..data import Runs
from ..results import LogNormals
from ._forecast import Forecast

FORMAT = "scalefit forecast 2"
"""Of what is written."""


@dataclasses.dataclass(frozen=True)
class Registered:
    """A forecast of one run as it was written down.

    **Arguments:**

    - `made`: When, in UTC.
    - `law`, `target`: The law that was fitted, and what it is of; `inputs`: of the run foreseen.
    - `level`: Of the interval; `value`, `low`, `high`: of the run.
    - `normals`: Share, mean and scale of each of the normals, of which one is that of the logarithm of the run.
    - `source`, `fingerprint`: The table that was fitted, and the sha256 of its numbers.
    - `reached`: E-folds of compute beyond its runs.
    - `weight`: By arm; `notes`: what the forecast rests on.
    """

    made: str
    law: str
    target: str
    inputs: dict[str, Any]
    level: float
    value: float
    low: float
    high: float
    normals: tuple[tuple[float, float, float], ...]
    source: str
    fingerprint: str
    reached: float
    weight: dict[str, float]
    notes: tuple[str, ...]

    def check(self, observed: float) -> "Checked":
        """Hold it against what came.

        **Raises:** `InputError` for what is no number above 0.
        """
        check_number("observed", observed, above=0.0)
        off, inside = math.log(observed / self.value), self.low <= observed <= self.high
        quantile = float(LogNormals(*np.array(self.normals).T).below(observed))
        return Checked(float(observed), self, off, inside, quantile)

    def check_in(self, runs: Runs) -> "Checked":
        """Hold it against its run in a table: the one row whose inputs are those foreseen, to one per cent.

        A note says whether the other rows are those that were fitted, by their fingerprint.

        **Raises:** `InputError` where there is no such row yet, or more than one, and for another target.
        """
        check_type("runs", runs, Runs, "Runs, as `read_runs` gives")
        if runs.target_name != self.target:
            raise InputError(
                "runs", Phrase(f"have the target {runs.target_name!r}"), f"{self.target!r}, as was foreseen"
            )
        same = np.ones(len(runs), bool)
        for name, foreseen in self.inputs.items():
            if isinstance(foreseen, str):
                keys, code = runs.codes(name)
                same &= np.array([str(key) == foreseen for key in keys])[code]
            else:
                same &= np.isclose(runs.select((name,))[0][name], foreseen, rtol=0.01, atol=0.0)
        count, of = int(same.sum()), ", ".join(f"{name} = {value}" for name, value in self.inputs.items())
        if count != 1:
            given = Phrase(f"has {count or 'no'} row{'s' * (count != 1)} with {of}")
            remedy = "keep the one with where=" if count else "the run is not there yet"
            raise InputError(repr(runs.name), given, "the one run that was foreseen", remedy)
        others = runs.take(~same) if len(runs) > 1 else None
        rests = others is not None and others.fingerprint == self.fingerprint
        note = "its other runs are those that were fitted" if rests else (
            f"its other runs are not those that were fitted (fingerprint {self.fingerprint[:12]}…)"
        )  # fmt: skip
        return dataclasses.replace(self.check(float(runs.target[int(np.argmax(same))])), notes=(note,))


@dataclasses.dataclass(frozen=True)
class Checked:
    """What came of a forecast.

    **Arguments:**

    - `observed`: What came; `forecast`: what was written down.
    - `error`: Logarithm of what came over what was foreseen.
    - `inside`: Whether it lay in the interval.
    - `quantile`: Of the forecast at which it lay: even over many forecasts that are right about how sure they are.
    - `notes`: What is known of the table that it came from.
    """

    observed: float
    forecast: Registered
    error: float
    inside: bool
    quantile: float
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        one = self.forecast
        where = "inside" if self.inside else "outside"
        return (
            f"{one.target} {self.observed:.6g} lies {where} the {100 * one.level:g} % interval {one.low:.6g} to "
            f"{one.high:.6g} of {one.made[:10]}, {100 * math.expm1(self.error):+.2f} % from {one.value:.6g} (quantile "
            f"{self.quantile:.3f})" + "".join(f"\n  {note}" for note in self.notes)
        )


def register(forecast: Forecast, path: str | os.PathLike[str]) -> Registered:
    """Write a forecast of one run down, with what it rests on and the time.

    **Arguments:**

    - `forecast`: Of one run of one study.
    - `path`: A file that is not there yet: what was written down stays.

    **Returns:** what was written.

    **Raises:** `InputError` for several runs, for a fit that did not converge, and where there is such a file.
    """
    check_type("forecast", forecast, Forecast, "a forecast, as `forecast` gives")
    file = Path(check_type("path", path, (str, os.PathLike), "a file"))
    if np.size(forecast.run.value) != 1:
        given = Phrase(f"is of {np.size(forecast.run.value)} runs")
        raise InputError("forecast", given, "one of one run", "foresee and write down one at a time")
    if not np.all(np.isfinite(forecast.run.value)):
        raise InputError("forecast", Phrase("says nothing"), "one of a fit that converged")
    if file.exists():
        raise InputError(
            "path", Phrase(f"is {str(file)!r}, which is there"), remedy="choose another: it stays as it is"
        )
    if not file.parent.is_dir():
        raise InputError("path", Phrase(f"is {str(file)!r}, whose folder is not there"), remedy="make the folder first")
    low, high = (float(np.asarray(end, float).ravel()[0]) for end in (forecast.run.low, forecast.run.high))
    spread = forecast.run.spread
    assert isinstance(spread, LogNormals)
    normals = np.stack([spread.share, spread.mean, spread.scale], axis=-1).reshape(-1, 3).tolist()
    one = Registered(
        made=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        law=forecast.law_name,
        target=forecast.source.target,
        inputs={name: np.ravel(column)[0].item() for name, column in forecast.inputs.items()},
        level=forecast.level,
        value=float(np.ravel(forecast.run.value)[0]),
        low=low,
        high=high,
        normals=tuple((share, mean, scale) for share, mean, scale in normals),
        source=forecast.source.name,
        fingerprint=forecast.source.fingerprint,
        reached=float(np.ravel(forecast.distance)[0]),
        weight={name: float(np.ravel(share)[0]) for name, share in forecast.weight.items()},
        notes=forecast.notes,
    )
    said = {"format": FORMAT, **dataclasses.asdict(one)}
    text = json.dumps({**said, "seal": _seal(said)}, indent=2, ensure_ascii=False) + "\n"
    with written_whole(file) as beside:
        beside.write_text(text, "utf-8")
    return one


def registered(path: str | os.PathLike[str]) -> Registered:
    """Read a forecast that was written down.

    **Raises:** `InputError` where it cannot be read, or was changed since.
    """
    file = Path(check_type("path", path, (str, os.PathLike), "a file"))
    try:
        said = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("path", Phrase(f"is {str(file)!r}, which cannot be read ({error})")) from error
    names = [field.name for field in dataclasses.fields(Registered)]
    if not isinstance(said, Mapping) or said.get("format") != FORMAT or not set(names) <= set(said):
        raise InputError("path", Phrase(f"is {str(file)!r}, which is no forecast that was written down"))
    if said.get("seal") != _seal({name: value for name, value in said.items() if name != "seal"}):
        raise InputError("path", Phrase(f"is {str(file)!r}, which was changed since it was written"))
    numbers: dict[str, Any] = {name: said[name] for name in names}
    one = Registered(**{**numbers, "notes": tuple(said["notes"]), "normals": _normals(said["normals"])})
    if not 0.0 < one.low < one.value < one.high or not 0.0 < one.level < 1.0 or not one.normals:
        raise InputError("path", Phrase(f"is {str(file)!r}, whose interval is none"))
    return one


def _normals(given: Any) -> tuple[tuple[float, float, float], ...]:
    """Shares of 1, means, and scales above 0; nothing where they are not."""
    try:
        table = np.array(given, float)
        share, _, scale = table.T
    except (TypeError, ValueError):
        return ()
    good = np.all(np.isfinite(table)) and np.all(share >= 0.0) and abs(share.sum() - 1.0) < 1e-6 and np.all(scale > 0.0)
    return tuple((p, m, s) for p, m, s in table.tolist()) if good else ()


def _seal(said: Mapping[str, Any]) -> str:
    """The sha256 of what is written, by which a change shows."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
