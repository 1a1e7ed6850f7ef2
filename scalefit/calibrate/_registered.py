"""Forecasts written down before the run, to be held against it."""

import dataclasses
import datetime
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from .._core import InputError, Phrase, check_number, check_type, written_whole
from ._forecast import Forecast

FORMAT = "scalefit forecast 1"
"""Of what is written."""


@dataclasses.dataclass(frozen=True)
class Registered:
    """A forecast of one run as it was written down.

    **Arguments:**

    - `made`: When, in UTC.
    - `law`, `target`: The law that was fitted, and what it is of; `inputs`: of the run foreseen.
    - `level`: Of the interval; `value`, `low`, `high`: of the run.
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
        off = math.log(observed / self.value)
        end = math.log((self.high if off > 0 else self.low) / self.value)
        z = off / abs(end) * NormalDist().inv_cdf(0.5 + 0.5 * self.level)
        return Checked(float(observed), self, off, self.low <= observed <= self.high, NormalDist().cdf(z))


@dataclasses.dataclass(frozen=True)
class Checked:
    """What came of a forecast.

    **Arguments:**

    - `observed`: What came; `forecast`: what was written down.
    - `error`: Logarithm of what came over what was foreseen.
    - `inside`: Whether it lay in the interval.
    - `quantile`: Of the forecast at which it lay: even over many forecasts that are right about how sure they are.
    """

    observed: float
    forecast: Registered
    error: float
    inside: bool
    quantile: float

    def __repr__(self) -> str:
        one = self.forecast
        where = "inside" if self.inside else "outside"
        return (
            f"{one.target} {self.observed:.6g} lies {where} the {100 * one.level:g} % interval {one.low:.6g} to "
            f"{one.high:.6g} of {one.made[:10]}, {100 * self.error:+.2f} % from {one.value:.6g} (quantile "
            f"{self.quantile:.3f})"
        )


def register(forecast: Forecast, path: str | os.PathLike[str]) -> Registered:
    """Write a forecast of one run down, with what it rests on and the time.

    **Arguments:**

    - `forecast`: Of one run of one study.
    - `path`: A file that is not there yet: what was written down stays.

    **Returns:** what was written.

    **Raises:** `InputError` for several runs, and where there is such a file.
    """
    check_type("forecast", forecast, Forecast, "a forecast, as `forecast` gives")
    file = Path(check_type("path", path, (str, os.PathLike), "a file"))
    if np.size(forecast.run.value) != 1:
        given = Phrase(f"is of {np.size(forecast.run.value)} runs")
        raise InputError("forecast", given, "one of one run", "foresee and write down one at a time")
    if file.exists():
        raise InputError(
            "path", Phrase(f"is {str(file)!r}, which is there"), remedy="choose another: it stays as it is"
        )
    low, high = (float(np.asarray(end, float).ravel()[0]) for end in (forecast.run.low, forecast.run.high))
    one = Registered(
        made=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        law=forecast.law_name,
        target=forecast.source.target,
        inputs={name: np.ravel(column)[0].item() for name, column in forecast.inputs.items()},
        level=forecast.level,
        value=float(np.ravel(forecast.run.value)[0]),
        low=low,
        high=high,
        source=forecast.source.name,
        fingerprint=forecast.source.fingerprint,
        reached=float(np.ravel(forecast.distance)[0]),
        weight={name: float(np.ravel(share)[0]) for name, share in forecast.weight.items()},
        notes=forecast.notes,
    )
    text = json.dumps({"format": FORMAT, **dataclasses.asdict(one)}, indent=2, ensure_ascii=False) + "\n"
    with written_whole(file) as beside:
        beside.write_text(text, "utf-8")
    return one


def registered(path: str | os.PathLike[str]) -> Registered:
    """Read a forecast that was written down.

    **Raises:** `InputError` where it cannot be read.
    """
    file = Path(check_type("path", path, (str, os.PathLike), "a file"))
    try:
        said = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("path", Phrase(f"is {str(file)!r}, which cannot be read ({error})")) from error
    names = [field.name for field in dataclasses.fields(Registered)]
    if not isinstance(said, Mapping) or said.get("format") != FORMAT or not set(names) <= set(said):
        raise InputError("path", Phrase(f"is {str(file)!r}, which is no forecast that was written down"))
    numbers: dict[str, Any] = {name: said[name] for name in names}
    one = Registered(**{**numbers, "notes": tuple(said["notes"])})
    if not 0.0 < one.low < one.value < one.high or not 0.0 < one.level < 1.0:
        raise InputError("path", Phrase(f"is {str(file)!r}, whose interval is none"))
    return one
