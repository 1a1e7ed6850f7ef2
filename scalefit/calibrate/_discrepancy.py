"""A fit with what studies like it were found to miss beyond their runs."""

import dataclasses
import functools
from collections.abc import Hashable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase, check_number, check_probability
from ..estimate import bootstrap
from ..results import Ensemble, Fit, check_result
from ._arms import Arm, CoupledArm, foreseen_by
from ._backtest import DISTANCES, Distance, rolling_origins, told
from ._law import CoupledLaw, StackedLaw
from ._origins import Origin
from ._prior import prior_of_studies
from ._reach import log_size, reach_of
from ._rolled import Rolled, rolled
from ._stack import Foreseen, Stacked, stacked

MOST_DRAWS = 1000
"""Draws of each arm that plans use."""
SHARP = 4.0
"""How far the weights of a draw are those of one arm: smoothly, so that budgets can be searched."""
RIGHT = 1e-3
"""Regret in log loss up to which a plan was right."""
SHOWN = 8
"""Studies that are told one by one, at most."""


class Planned(NamedTuple):
    """How plans of like distance went: which of the later runs of one compute was foreseen to be the best.

    **Arguments:**

    - `low`, `high`: The factors of compute beyond the fitted runs between which they lie; `count`: how many they are.
    - `right`: Share of them that cost .1 % of loss or less; `cost`: their mean cost, in log.
    """

    low: float
    high: float
    count: int
    right: float
    cost: float

    def __str__(self) -> str:
        ends = f"{self.low:.3g} to {self.high:.3g}" if np.isfinite(self.high) else f"more than {self.low:.3g}"
        return (
            f"of {self.count} plans that could be checked at {ends} times the compute, "
            f"{round(self.right * self.count)} cost {100 * RIGHT:g} % of loss or less, and all of them "
            f"{100 * self.cost:.2f} % in the mean"
        )


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Discrepancy:
    """A fit, the other arms fitted to its runs, and how far each may be trusted beyond them.

    `forecast` foresees runs by it, and plans take it in the place of draws.

    **Arguments:**

    - `fit`: The fit, or a batch of them.
    - `rolled`: Every arm at every origin, and the last time on all runs.
    - `last`: By study, the place of the origin that has seen all of its runs.
    - `given`: Draws about the fit that were given in its place; `None` where its runs are resampled for plans.
    """

    fit: Fit[Any]
    rolled: Rolled
    last: Int[np.ndarray, " study"]
    given: Ensemble[Any] | None = None

    def __repr__(self) -> str:
        """Which arms are trusted how far."""
        found = self.rolled
        lines = [f"Discrepancy of {self.fit.problem!r}"]
        for study, origin in list(enumerate(self.last.tolist()))[:SHOWN]:
            key = "" if self.fit.keys is None else f"{self.fit.keys[study]!r}: "
            ratios = zip(found.names, found.trust.arms[origin], strict=True)
            missed = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios)
            checked = f"{found.trust.checked[origin]} origins could be checked; arms missed by {missed} of what was "
            checked += f"expected, the stack by {np.sqrt(found.trust.width[origin]):.2f}"
            lines.append(f"  {key}{checked if found.trust.checked[origin] else 'no origin could be checked'}")
        more = len(self.last) - SHOWN
        return "\n".join([*lines, *([f"  and {more} more"] if more > 0 else [])])

    def __getitem__(self, key: Hashable) -> "Discrepancy":
        """That of one study of a batch, by its key; how forecasts went is still told of all studies."""
        fit, given = self.fit[key], None if self.given is None else self.given[key]  # which refuse unknown ones
        return Discrepancy(fit, self.rolled, self.last[[(self.fit.keys or ()).index(key)]], given)

    def by_distance(self, level: float = 0.9) -> list[Distance]:
        """How the forecasts that could be checked went, by distance."""
        check_probability("level", level)
        found = self.rolled
        return told(found, next(iter(found.reach)), level).by_distance() if len(found.row) else []

    @functools.cached_property
    def _choices(self) -> tuple[Float[np.ndarray, " choice"], Float[np.ndarray, " choice"]]:
        """E-folds of compute from an origin to later runs among which was chosen, and what the choice cost, in log."""
        found = self.rolled
        back = told(found, next(iter(found.reach)), 0.9) if len(found.row) else None
        made = [(np.log(one.compute / back.reached[one.origin]), one.regret) for one in back.choices()] if back else []
        T, regret = np.array(made, float).reshape(-1, 2).T
        return T, regret

    def plans_like(self, T: float) -> Planned | None:
        """How plans that could be checked went, at the class of distance of so many e-folds, or the farthest there is.

        Returns `None` where none could be checked.
        """
        reach, regret = self._choices
        ends = np.log(DISTANCES[1:])
        classes = np.clip(np.searchsorted(ends, reach, "right") - 1, -1, len(ends) - 2)
        there = [c for c in np.unique(classes) if c >= 0]
        if not there:
            return None
        near = [c for c in there if ends[c] <= max(T, ends[0])] or there[:1]
        here = regret[classes == near[-1]]
        low, high = (float(np.exp(end)) for end in ends[near[-1] : near[-1] + 2])
        return Planned(low, high, len(here), float(np.mean(here <= RIGHT)), float(np.mean(here)))

    @property
    def reached(self) -> Float[np.ndarray, " study"]:
        """By study, the most compute that its runs have."""
        return np.array([self.rolled.origins[o].reached for o in self.last])

    def foreseen(self, study: Int[np.ndarray, " point"], points: dict[str, Any]) -> Foreseen:
        """The arms of a study at points."""
        T = log_size(points, next(iter(self.rolled.reach))) - np.log(self.reached[study])
        seen = foreseen_by(self.arms, study, points, T)
        # Of a fit that did not converge nothing is said, also by the other arms.
        lost = ~np.atleast_1d(self.fit.converged)[study]
        return seen._replace(log_value=np.where(lost, np.nan, seen.log_value))

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Each fitted to all runs, by study."""
        own, *others = self.rolled.arms.values()
        law = own._replace(fits=self.fit, place=np.arange(len(self.last)))
        return law, *(arm._replace(fits=arm.fits.take(self.last)) for arm in others if isinstance(arm, CoupledArm))

    def stacked(self, study: Int[np.ndarray, " point"], seen: Foreseen) -> Stacked:
        """The stack at points of a study."""
        found = self.rolled
        return stacked(found.prior, found.names, seen, found.trust.take(self.last[study]))

    def law(self, study: int = 0) -> StackedLaw:
        """The stack as a law of its own, for plans."""
        check_number("study", study, least=0, most=len(self.last) - 1, whole=True)
        terms = [jax.tree.map(lambda a: a[study], self.fit.law) if self.fit.keys is not None else self.fit.law]
        terms += [CoupledLaw.of(arm.fits, study) for arm in self.arms if isinstance(arm, CoupledArm)]
        found = self.rolled
        return StackedLaw.of(
            tuple(terms), found.prior, found.names, found.trust.take(self.last[[study]]), self.reached[study],
            next(iter(found.reach)),
        )  # fmt: skip

    def draws(self, num: int = MOST_DRAWS, study: int = 0, seed: int = 0) -> StackedLaw:
        """Draws of that law along a leading axis: draws of the fit, an arm that has most weight, a drift and a shift.

        Draws of the fit are those that were given and converged, over and over where there are fewer; else its runs are
        resampled.

        **Raises:** `InputError` where the law converged on no resample.
        """
        check_number("study", study, least=0, most=len(self.last) - 1, whole=True)
        check_number("num", num, least=2, whole=True)
        check_number("seed", seed, least=0, whole=True)
        if (num, study, seed) not in self._kept:
            self._kept[num, study, seed] = self._drawn(num, study, seed)
        return self._kept[num, study, seed]

    @functools.cached_property
    def _kept(self) -> dict[tuple[int, int, int], StackedLaw]:
        """Draws that were asked for: one plan after another asks for the same."""
        return {}

    def _drawn(self, num: int, study: int, seed: int) -> StackedLaw:
        rng = np.random.default_rng([seed, 0xD15C])
        prior, width = self.rolled.prior, np.sqrt(self.rolled.trust.width[self.last[study]])
        one = self.fit if self.given is None else self.given
        one = one if self.fit.keys is None else one.at[study]
        some = one if isinstance(one, Ensemble) else bootstrap(one, num=num, seed=seed)
        rows = in_turn(some, num)
        terms = [jax.tree.map(lambda a: a[rows], some.law)]
        terms += [
            CoupledLaw.of(arm.fits, study, arm.fits.draws(study, num, rng))
            for arm in self.arms if isinstance(arm, CoupledArm)
        ]  # fmt: skip
        law = dataclasses.replace(self.law(study), terms=())
        fixed = jax.tree.map(lambda a: np.broadcast_to(a, (num, *np.shape(a))), law)
        walk = prior.walk if len(terms) > 1 else 0.0
        return dataclasses.replace(
            fixed, terms=tuple(terms), chance=rng.gumbel(size=(num, len(terms))), sharp=np.full(num, SHARP),
            drift=width * np.array([prior.rate, walk]) * rng.standard_normal((num, 2)),
            shift=prior.size * rng.standard_normal(num),
            right=np.where(rng.random(num) < law.right, 1.0, 0.0),
        )  # fmt: skip


def in_turn(draws: Ensemble[Any], num: int) -> Int[np.ndarray, " num"]:
    """The places of draws that converged, over and over until they are so many.

    **Raises:** `InputError` where none did.
    """
    good = np.flatnonzero(draws.converged)
    if good.size == 0:
        given = Phrase("has no draw that converged")
        raise InputError("The law of the discrepancy", given, remedy="fit again, or plan with the fit itself")
    return good[np.arange(num) % len(good)]


def discrepancy(fit: Fit[Any] | Ensemble[Any]) -> Discrepancy:
    r"""What a fitted law may miss beyond its runs, from its own backtests and those of other studies.

    Of laws of a loss by N and D another arm is fitted to the same runs: the coupled law where budgets are spent, with
    shapes near those of other studies. Weights of the arms and the width of what remains rest on the rolling
    backtests of the study, shrunk to what public studies tell, and grow with the e-folds of compute beyond the runs.

    **Arguments:**

    - `fit`: A fit that converged, or a batch of them; of those that did not it says nothing (NaN). Or draws about one,
      which plans then have in place of those of resampled runs.

    **Returns:** a `Discrepancy`, for `forecast`, and for plans in the place of draws.

    **Raises:** `InputError` for anything else, where nothing converged, for a law without a size, and for targets of 0
    or less.
    """
    given = check_result("fit", fit)
    fit, drawn = given.fit, given if isinstance(given, Ensemble) else None
    problem = fit.problem
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
    return Discrepancy(fit, rolled(problem, prior_of_studies(), origins), last, drawn)
