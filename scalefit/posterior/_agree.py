"""Comparison of two ensembles of one fit."""

from typing import Any, NamedTuple

import numpy as np

from .._core import InputError, Phrase, warn_of
from ..params import slots, values
from ..results import Ensemble, check_draws
from ._prior import RUN


class Agreement(NamedTuple):
    """How draws of a parameter lie to those of another ensemble.

    **Arguments:**

    - `ratio`: Their standard deviation in units of the other's; each is half the width of the central 68 %.
    - `shift`: Their median less the other's, in standard deviations of the other.
    - `narrow`: Whether `ratio` is below two thirds.
    - `outside`: Whether the fit's own value lies outside the central 95 % of the draws.
    """

    ratio: float
    shift: float
    narrow: bool
    outside: bool


def agree(draws: Ensemble[Any], other: Ensemble[Any]) -> dict[str, Agreement]:
    """Compare two statements of how sure a fit is, as of a posterior and of a bootstrap.

    A posterior believes that runs scatter independently, as the noise says; a bootstrap over clusters believes only
    that clusters are alike. Where the first is much narrower, its belief is in doubt.

    **Arguments:**

    - `draws`: Of one study, as `sample` gives them.
    - `other`: Of the same fit by another method, as `bootstrap` gives them.

    **Returns:** parameter → `Agreement`, of what varies in both.

    **Warns:** where draws are narrower than two thirds of the other's, and where the fit lies outside them.

    **Raises:** `InputError` for a batch, and for ensembles of other laws or runs.
    """
    one, two = check_draws("draws", draws).fit, check_draws("other", other).fit
    if one.keys is not None or two.keys is not None:
        raise InputError("draws", Phrase("are of a batch"), "draws of one study", "take it from both by its key")
    if type(one.law) is not type(two.law) or one.source.fingerprint != two.source.fingerprint or one.key != two.key:
        apart = (
            f"are of {type(one.law).__name__} on {one.source.used} runs of {one.source.name!r}, and `other` of "
            f"{type(two.law).__name__} on {two.source.used} of {two.source.name!r}"
        )
        raise InputError("draws", Phrase(apart), "two ensembles of one law and the same runs")
    if not (draws.converged.any() and other.converged.any()):
        raise InputError(
            "draws", Phrase("or `other` have none that converged"), remedy="raise `max_steps`, or fit a smaller law"
        )
    names = [slot.name for slot in slots(one.law)]
    columns = [values(e.law)[e.converged] for e in (draws, other)]
    fitted, found = values(one.law), {}
    for place, name in enumerate(names):
        if name not in draws.free or name not in other.free:
            continue
        # Where a normal is a standard deviation below its middle, there, and one above.
        ends = [0.1586552539314571, 0.5, 0.8413447460685429]
        (low, middle, high), (other_low, other_middle, other_high) = (np.quantile(c[:, place], ends) for c in columns)
        width = max(0.5 * (other_high - other_low), np.finfo(float).tiny)
        inside = np.quantile(columns[0][:, place], [0.025, 0.975])
        ratio = float(0.5 * (high - low) / width)
        found[name] = Agreement(
            ratio=ratio,
            shift=float((middle - other_middle) / width),
            narrow=ratio < 2.0 / 3.0,
            outside=not inside[0] <= fitted[place] <= inside[1],
        )
    _warn(found, draws, other)
    return found


def _warn(found: dict[str, Agreement], draws: Ensemble[Any], other: Ensemble[Any]) -> None:
    narrow = [name for name, one in found.items() if one.narrow]
    if narrow:
        least = min(narrow, key=lambda name: found[name].ratio)
        why = "rows may not be independent of each other (say which are of one run: cluster)"
        if RUN in draws.drawn:
            why = "they take account of what rows of one run share, and the other may not"
        if not other.fit.noise.likelihood and other.method == "bootstrap":
            noise = type(other.fit.noise).__name__
            why = f"the bootstrap is of {noise}'s estimator, which is another than the posterior's, or {why}"
        warn_of(
            "interval-plausibility",
            f"The {draws.method} draws of {', '.join(narrow)} are narrower than two thirds of the {other.method}'s "
            f"({found[least].ratio:.2f} of its standard deviation for {least}): {why}",
            "where it is not known which, state the wider",
            stacklevel=3,
        )
    outside = [name for name, one in found.items() if one.outside]
    if outside:
        warn_of(
            "interval-plausibility",
            f"The fit's {', '.join(outside)} lies outside the central 95 % of the {draws.method} draws: one of them is "
            f"of another estimator, or of a prior",
            "say which of them a number is taken from",
            stacklevel=3,
        )
