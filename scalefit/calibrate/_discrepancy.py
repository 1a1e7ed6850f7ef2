"""A fit with what studies like it were found to miss beyond their runs."""

import dataclasses
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase
from ..estimate import bootstrap
from ..results import Fit, check_fit
from ._arms import log_size, reach_of
from ._backtest import Distance, rolling_origins, told
from ._excess import foreseen_excess
from ._law import StackedLaw
from ._origins import Origin
from ._prior import prior_of_studies
from ._refits import by_arm, foreseen, laws_of, scatter
from ._rolled import Rolled, rolled
from ._stack import Foreseen, Stacked, stacked

MOST_DRAWS = 1000
"""Draws of each arm that plans use."""
SHOWN = 8
"""Studies that are told one by one, at most."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Discrepancy:
    """A fit, the other arms fitted to its runs, and how far each may be trusted beyond them.

    `forecast` foresees runs by it, and plans take it in the place of draws.

    **Arguments:**

    - `fit`: The fit, or a batch of them.
    - `rolled`: Every arm at every origin, and the last time on all runs.
    - `last`: By study, the place of the origin that has seen all of its runs.
    """

    fit: Fit[Any]
    rolled: Rolled
    last: Int[np.ndarray, " study"]

    def __repr__(self) -> str:
        """Which arms are trusted how far."""
        found = self.rolled
        lines = [f"Discrepancy of {self.fit.problem!r}"]
        for study, origin in list(enumerate(self.last.tolist()))[:SHOWN]:
            key = "" if self.fit.keys is None else f"{self.fit.keys[study]!r}: "
            missed = ", ".join(
                f"{name} {ratio:.2f}" for name, ratio, place in
                zip(found.names, found.trust.arms[origin], found.refits.place[:, origin], strict=True) if place >= 0
            )  # fmt: skip
            checked = f"{found.trust.checked[origin]} origins could be checked; arms missed by {missed} of what was "
            checked += f"expected, the stack by {np.sqrt(found.trust.width[origin]):.2f}"
            lines.append(f"  {key}{checked if found.trust.checked[origin] else 'no origin could be checked'}")
        more = len(self.last) - SHOWN
        return "\n".join([*lines, *([f"  and {more} more"] if more > 0 else [])])

    def by_distance(self, level: float = 0.9) -> list[Distance]:
        """How the forecasts that could be checked went, by distance."""
        found = self.rolled
        return told(found, next(iter(found.reach)), level).by_distance() if len(found.refits.row) else []

    @property
    def reached(self) -> Float[np.ndarray, " study"]:
        """By study, the most compute that its runs have."""
        return np.array([self.rolled.origins[o].reached for o in self.last])

    def foreseen(self, study: Int[np.ndarray, " point"], points: dict[str, Any]) -> Foreseen:
        """The arms of a study at points."""
        log_value, error = np.full((2, len(self.rolled.arms), len(study)), np.nan)
        for k in range(len(log_value)):
            fits, which = self._fits(k, study)
            here = which >= 0
            if here.any():
                asked = {name: column[here] for name, column in points.items()}
                log_value[k, here], error[k, here] = foreseen(fits, which[here], asked)
        found, origin = self.rolled, self.last[study]
        T = log_size(points, next(iter(found.reach))) - np.log(self.reached[study])
        x = foreseen_excess(found.prior, found.names, self._log_values, self.reached, study, points)
        scale = np.where(np.isnan(found.refits.scale[origin]), np.atleast_1d(self.fit.scale)[study],
                         found.refits.scale[origin])  # fmt: skip
        # Of a fit that did not converge nothing is said, also by the other arms.
        log_value[:, ~np.atleast_1d(self.fit.converged)[study]] = np.nan
        return Foreseen(log_value, error, scatter(self.fit.noise, scale, log_value), T, x)

    def stacked(self, study: Int[np.ndarray, " point"], seen: Foreseen) -> Stacked:
        """The stack at points of a study."""
        origin, found = self.last[study], self.rolled
        return stacked(found.prior, found.names, seen, found.trust.arms[origin], found.trust.width[origin])

    def law(self, study: int = 0) -> StackedLaw:
        """The stack as a law of its own, for plans."""
        arms, origin = self._known(study), int(self.last[study])
        laws = tuple(jax.tree.map(lambda a, i=i: a[i], laws_of(fits)) for fits, i in arms.values())
        return StackedLaw.of(
            laws, self.rolled.prior, tuple(arms), self.rolled.trust.arms[origin][[*self._places(arms)]],
            self.reached[study], next(iter(self.rolled.reach)),
        )  # fmt: skip

    def draws(self, num: int = MOST_DRAWS, study: int = 0, seed: int = 0) -> StackedLaw:
        """Draws of that law along a leading axis: runs resampled, arms tilted against each other, and a drift."""
        arms, origin = self._known(study), int(self.last[study])
        rng = np.random.default_rng([seed, 0xD15C])
        width = np.sqrt(self.rolled.trust.width[origin])
        laws = []
        for name, (fits, i) in arms.items():
            one = fits if fits.keys is None else fits.at[i]
            some = bootstrap(one, num=num, seed=seed)
            good = np.flatnonzero(some.converged)
            if good.size == 0:
                given = Phrase("has no draw that converged")
                raise InputError(f"the arm {name!r} of the discrepancy", given, remedy="plan with the fit itself")
            laws.append(jax.tree.map(lambda a, g=good: a[g[np.arange(num) % len(g)]], some.law))
        law = self.law(study)
        fixed = jax.tree.map(lambda a: np.broadcast_to(a, (num, *np.shape(a))), dataclasses.replace(law, terms=()))
        return dataclasses.replace(
            fixed, terms=tuple(laws), tilt=width * rng.standard_normal((num, len(arms))),
            drift=width * self.rolled.prior.rate * rng.standard_normal(num),
        )  # fmt: skip

    def _fits(self, arm: int, study: Int[np.ndarray, " point"]) -> tuple[Any, Int[np.ndarray, " point"]]:
        """The fits of an arm to all runs of a study, and which of them is of each point, or -1."""
        if arm == 0:
            return self.fit, study
        return self.rolled.refits.fits[arm], self.rolled.refits.place[arm, self.last[study]]

    def _log_values(self, study: Int[np.ndarray, " point"], points: dict[str, Any]) -> Float[np.ndarray, "arm point"]:
        return by_arm([self._fits(k, study) for k in range(len(self.rolled.arms))], points)

    def _known(self, study: int) -> dict[str, tuple[Fit[Any], int]]:
        """The arms that were fitted to all runs of a study, by name."""
        found = {}
        for k, arm in enumerate(self.rolled.arms):
            fits, which = self._fits(k, np.array([study]))
            if which[0] >= 0:
                found[arm.name] = fits, int(which[0])
        return found

    def _places(self, arms: Any) -> list[int]:
        return [self.rolled.names.index(name) for name in arms]


def discrepancy(fit: Fit[Any]) -> Discrepancy:
    r"""What a fitted law may miss beyond its runs, from its own backtests and those of other studies.

    Other arms are fitted to the same runs: of laws of a loss by N and D the additive law with its exponents held and
    the coupled law, both near the frontier. Weights of the arms and the width of what remains rest on the rolling
    backtests of the study, shrunk to what public studies tell, and grow with the e-folds of compute beyond the runs.

    **Arguments:**

    - `fit`: A fit that converged, or a batch of them; of those that did not it says nothing (NaN).

    **Returns:** a `Discrepancy`, for `forecast`, and for plans in the place of draws.

    **Raises:** `InputError` for anything else, where nothing converged, for a law without a size, and for targets of 0
    or less.
    """
    problem = check_fit("fit", fit).problem
    if not np.any(fit.converged):
        raise InputError(
            "fit", Phrase("did not converge"), remedy="mend the fit first: a forecast from it says nothing"
        )
    along = next(iter(reach_of(problem).values()))
    earlier = rolling_origins(problem)
    origins: list[Origin] = []
    for study in range(len(problem.studies)):
        rows = problem.studies.rows(study)
        origins += [one for one in earlier if one.study == study]
        origins.append(Origin(study, rows, rows[:0], float(along[rows].max())))
    last = np.flatnonzero([one.later.size == 0 for one in origins])
    return Discrepancy(fit, rolled(problem, prior_of_studies(), origins), last)
