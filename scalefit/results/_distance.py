"""Values far from the runs of a fit: one rule, and one sentence, for plans, designs and predictions."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._core import CheckWarning, Finding
from ..laws import SHARE, Label, input_kinds, input_units
from ._fit import Fit

FAR = 10.0
"""Factor outside the range of an input from which a value is far from the runs."""
BEYOND = 1.5
"""Factor above the compute of the runs from which a prediction says that it takes the law to be right."""
FORECAST = "see sf.forecast, whose intervals know how laws go astray"


class Far(NamedTuple):
    """A value far from the runs.

    **Arguments:**

    - `place`: Its place among the values.
    - `above`: Whether it is above the runs, or else below them.
    - `grave`: Whether it is to be warned of, and not only noted: a compute, the product of two inputs, is where it is
        far in both.
    - `sentence`: How far, and what intervals do not know there; without a full stop.
    - `name`: The input; `times`: by what factor the value lies outside.
    """

    place: int
    above: bool
    grave: bool
    sentence: str
    name: str
    times: float

    def finding(self, remedy: str = FORECAST) -> Finding:
        """The same as what the check `target-distance` finds."""
        severity = "warning" if self.grave else "note"
        return Finding("target-distance", severity, self.sentence, remedy, {"times": self.times}, (self.name,))

    def warn(self, remedy: str = FORECAST, stacklevel: int = 2) -> None:
        """Warn of it; `stacklevel` is that of `warnings.warn` in the caller."""
        warnings.warn(CheckWarning(self.finding(remedy)), stacklevel=stacklevel + 1)


def far_from_runs(
    ranges: Mapping[str, tuple[float, float]] | None, name: str, values: ArrayLike,
    what: Callable[[int], str] | None = None,
) -> tuple[Far, ...]:  # fmt: skip
    """The farthest values above and below the runs.

    **Arguments:**

    - `ranges`: Input → the least and the largest value of the runs; `None` of a law without runs.
    - `name`: The input; `"C"` for compute.
    - `values`: Values of it; those that are not finite are no values.
    - `what`: The subject of the sentence by the place of a value; the input and its value unless given.
    """
    values = np.ravel(np.asarray(values, float))
    values = np.where(np.isfinite(values), values, np.nan)
    if ranges is None or name not in ranges or np.isnan(values).all():
        return ()
    low, high = ranges[name]
    found = []
    with np.errstate(all="ignore"):
        sides = (True, high, values / high), (False, low, low / values)
    for above, end, times in sides:
        place = int(np.argmax(np.nan_to_num(times, nan=0.0, posinf=np.inf)))
        # Runs without any of an input, as of sparse weights, have no scale to be far from.
        if times[place] > FAR and end > 0.0:
            subject = f"{name} = {values[place]:.4g}" if what is None else what(place)
            said = (
                f"{subject} is {times[place]:.3g} times {'above' if above else 'below'} the range of the runs, "
                f"{low:.3g} to {high:.3g}: intervals know how runs scatter, not how the law is wrong there"
            )
            grave = bool(times[place] > (FAR**2 if name == "C" else FAR))
            found.append(Far(place, above, grave, said, name, float(times[place])))
    return tuple(found)


def far_inputs(fit: Fit[Any], at: Mapping[str, Any]) -> Iterator[Far]:
    """The farthest values of each input that a law is asked at; labels and shares of a mixture are never far."""
    kinds, units = input_kinds(fit.law), input_units(fit.law)
    ranges = {name: ends for name, ends in fit.source.ranges.items() if name != fit.source.target}
    if tuple(at) == ("x",) and len(ranges) == 1:  # a law of one x takes the only input there is
        ranges = {"x": next(iter(ranges.values()))}
    for name, values in at.items():
        if name in ranges and not isinstance(kinds.get(name), Label) and units.get(name) != SHARE:
            yield from far_from_runs(ranges, name, values)


def distance_note(fit: Fit[Any], at: Mapping[str, Any]) -> str:
    """What an interval does not know where a law is asked, in words: of the farthest input, or else of compute."""
    far = max(far_inputs(fit, at), key=lambda one: one.times, default=None)
    if far is not None:
        return f"{far.sentence}: {FORECAST}"
    sizes = {"C": 6.0 * np.asarray(at["N"]) * np.asarray(at["D"]), **at} if {"N", "D"} <= set(at) else at
    name = next((name for name in ("C", "x") if name in sizes and name in fit.source.ranges), None)
    times = 0.0 if name is None else float(np.max(sizes[name])) / fit.source.ranges[name][1]
    what = "compute" if name == "C" else f"largest {name}"
    said = "the interval takes the law to be right, `forecast` does not"
    return f"{times:.3g} times the {what} of the runs: {said}" if times > BEYOND else ""
