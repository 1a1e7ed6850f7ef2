"""Values far from the runs of a fit: one rule, and one sentence, for plans, designs and predictions."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

FAR = 10.0
"""Factor outside the range of an input from which a value is far from the runs."""


class Far(NamedTuple):
    """A value far from the runs.

    **Arguments:**

    - `place`: Its place among the values.
    - `above`: Whether it is above the runs, or else below them.
    - `grave`: Whether it is to be warned of, and not only noted: a compute, the product of two inputs, is where it is
        far in both.
    - `sentence`: How far, and what intervals do not know there; without a full stop.
    """

    place: int
    above: bool
    grave: bool
    sentence: str


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
    with np.errstate(divide="ignore", over="ignore"):
        sides = (True, high, values / high), (False, low, low / values)
    for above, end, times in sides:
        place = int(np.nanargmax(times))
        # Runs without any of an input, as of sparse weights, have no scale to be far from.
        if times[place] > FAR and end > 0.0:
            subject = f"{name} = {values[place]:.4g}" if what is None else what(place)
            said = (
                f"{subject} is {times[place]:.3g} times {'above' if above else 'below'} the range of the runs, "
                f"{low:.3g} to {high:.3g}: intervals know how runs scatter, not how the law is wrong there"
            )
            found.append(Far(place, above, bool(times[place] > (FAR**2 if name == "C" else FAR)), said))
    return tuple(found)
