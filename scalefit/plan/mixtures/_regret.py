"""How many runs over mixtures a stated regret needs, simulated by resamples of the runs there are."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from ..._core import InputError, Phrase, check_number, check_probability, check_type
from ...results import Estimate, Fit, estimated
from ._folds import mixtures_of, refitted
from ._known import at_one_scale, by_draw, known_of
from ._limits import MixtureLimits
from ._objective import objective_of
from ._optimise import Task
from ._solve import solved

AGAIN = 400
"""Resamples of the simulations, behind the interval of how many runs are needed."""


@dataclasses.dataclass(frozen=True, eq=False)
class MixtureRegret:
    """What so many runs leave of regret: by how much the objective at the weights that they find exceeds its least.

    **Arguments:**

    - `runs`: How many mixtures were trained, by count; `regret`: of each simulation, NaN where a refit failed.
    - `value`: Of the objective at the best weights by all the runs, from which regret is measured.
    - `objective`: In words.
    """

    runs: Int[np.ndarray, " count"]
    regret: Float[np.ndarray, "count simulation"]
    value: float
    objective: str

    @property
    def mean(self) -> Float[np.ndarray, " count"]:
        """Over the simulations, by count; NaN where every refit failed."""
        there = np.isfinite(self.regret)
        return np.where(there, self.regret, 0.0).sum(axis=1) / np.where(there.any(axis=1), there.sum(axis=1), np.nan)

    @property
    def failed(self) -> Int[np.ndarray, " count"]:
        """Simulations without a regret, by count: too few different mixtures for the law."""
        return np.sum(~np.isfinite(self.regret), axis=1)

    def quantile(self, share: float = 0.9) -> Float[np.ndarray, " count"]:
        """The regret that such a share of simulations does not exceed, by count.

        **Raises:** `InputError` for a share outside (0, 1).
        """
        check_probability("share", share)
        found = [np.quantile(row[np.isfinite(row)], share) if np.isfinite(row).any() else np.nan for row in self.regret]
        return np.array(found)

    def needed(self, regret: float, *, level: float = 0.9, seed: int = 0) -> Estimate:
        """How many runs leave so much regret in the mean, between the counts that were simulated in logarithms.

        Fewer than the least count are not told; beyond the most, regret is taken to fall as one over the runs.

        **Arguments:**

        - `regret`: In the unit of the objective.
        - `level`: Probability of the interval, of resamples of the simulations; `seed`: of these.

        **Returns:** the number; its note says where it lies beyond the counts that were simulated.

        **Raises:** `InputError` for a regret that is not above 0, and where no simulated study could be fitted.
        """
        check_number("regret", regret, above=0.0)
        check_probability("level", level)
        rng = np.random.default_rng([check_number("seed", seed, least=0, whole=True), 0x4E67])
        value = self._needed(self.mean, regret)
        if np.isnan(value):
            raise InputError("result", Phrase("has no study that could be fitted"), remedy="simulate more runs")
        draws = np.empty(AGAIN)
        for k in range(AGAIN):
            some = rng.integers(self.regret.shape[1], size=self.regret.shape[1])
            draws[k] = self._needed(dataclasses.replace(self, regret=self.regret[:, some]).mean, regret)
        beyond = not self.runs.min() < value <= self.runs.max()
        note = f"the counts that were simulated go from {self.runs.min()} to {self.runs.max()}" if beyond else ""
        return dataclasses.replace(estimated(value, draws, level), note=note)

    def _needed(self, mean: Float[np.ndarray, " count"], regret: float) -> float:
        there = np.isfinite(mean)
        if not there.any():
            return np.nan
        # Every study may find the best weights, as where limits alone decide them.
        runs, left = np.log(self.runs[there]), np.log(np.maximum(mean[there], 1e-300))
        reached = np.flatnonzero(left <= np.log(regret))
        if not reached.size:
            # What is off by little costs its square: regret falls as one over the runs.
            return float(np.exp(runs[-1] + left[-1]) / regret)
        k = int(reached[0])
        if k == 0:
            return float(self.runs[there][0])
        share = (left[k - 1] - np.log(regret)) / (left[k - 1] - left[k])
        return float(np.exp(runs[k - 1] + share * (runs[k] - runs[k - 1])))

    def __repr__(self) -> str:
        lines = [f"MixtureRegret of {self.objective}: its least is {self.value:.5g}"]
        for count, mean, high, lost in zip(self.runs, self.mean, self.quantile(), self.failed, strict=True):
            failed = f"; {lost} refits failed" if lost else ""
            lines.append(f"  {count} runs: {mean:.3g} above it in the mean, {high:.3g} at most in nine of ten{failed}")
        return "\n".join(lines)


def mixture_regret(
    fits: Fit[Any],
    *,
    runs: Sequence[int] | None = None,
    simulations: int = 16,
    objective: Any = "mean",
    limits: MixtureLimits | Mapping[str, Any] | None = None,
    at: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> MixtureRegret:
    """Simulate studies of so many runs, and what each would have lost by the weights that it finds best.

    A study of n runs is n of the mixtures there are, drawn with repeats and with what was measured of them; the law is
    fitted anew to each, its best weights are judged by the fit to all runs, and their regret is by how much the
    objective there exceeds its least. Mixtures of a study to come are taken to be spread as those done, and runs to
    scatter as they did; that the law may be wrong is left out, which `mixture_folds` knows.

    **Arguments:**

    - `fits`: Fits by target, or one fit.
    - `runs`: Counts: a quarter of the mixtures there are, half, all and twice as many, unless given.
    - `simulations`: Studies of each count, two or more.
    - `objective`, `limits`, `at`: As of `optimise_mixture`.
    - `seed`: Of the studies.

    **Returns:** a `MixtureRegret`, whose `needed(regret)` says how many runs a stated regret needs.

    **Raises:** `InputError` for what are no fits to runs, and counts below the numbers of the law.
    """
    check_type("fits", fits, Fit, "fits by target, or one fit")
    fits, at = at_one_scale(fits, at, objective)
    known = known_of(fits, 2)
    goal = objective_of(objective, known.targets)
    simulations = check_number("simulations", simulations, least=2, whole=True)
    rng = np.random.default_rng([check_number("seed", seed, least=0, whole=True), 0x8E64])
    mixture = mixtures_of(fits, known.mixed.shares, known.domains)
    there = int(mixture.max()) + 1
    least = fits.problem.curve.size // (len(known.targets) if known.mixed.label else 1) + 1
    counts = _counts(runs, there, least)
    task = Task.of(known, goal, MixtureLimits.of(limits), at or {}, None, 0.9, seed)
    form, box = task.treatments[task.recommended]
    best = solved(form, task.mix(known.stacked), box, task.starts(), convex=task.convex(form)).weights
    drawn = np.stack([rng.multinomial(n, np.full(there, 1.0 / there)) for n in np.repeat(counts, simulations)])
    # Too few different mixtures fit no law.
    enough = np.flatnonzero((drawn > 0).sum(axis=1) >= least)
    if not enough.size:
        given = Phrase(f"draw fewer than {least} different mixtures")
        raise InputError("runs", given, "more than the law has numbers", "give larger counts")
    laws, good = refitted(fits, drawn[enough][:, mixture])
    laws = by_draw(laws, fits, known.mixed)
    fine = np.flatnonzero(np.atleast_2d(good).all(axis=0))
    regret = np.full(len(drawn), np.nan)
    if fine.size:
        some = jax.tree.map(lambda a: np.asarray(a)[fine], laws)
        again = Task.of(known._replace(draws=some), goal, task.limits, at or {}, None, 0.9, seed)
        starts = np.concatenate([best, np.stack(list(task.plans().values()))])
        found = solved(form, again.mix(some), box, starts, convex=again.convex(form)).weights
        regret[enough[fine]] = task.values(found) - task.values(best)[0]
    return MixtureRegret(counts, regret.reshape(len(counts), simulations), float(task.values(best)[0]), goal.name)


def _counts(given: Any, there: int, least: int) -> Int[np.ndarray, " count"]:
    """Counts of runs, each at least as many as the law has numbers."""
    if given is None:
        found = {max(round(share * there), least) for share in (0.25, 0.5, 1.0, 2.0)}
        return np.array(sorted(found))
    some = [check_number("runs", n, least=1, whole=True) for n in np.ravel(np.asarray(given, dtype=object))]
    if not some:
        raise InputError("runs", given, "counts of runs, as [32, 64, 128]")
    if min(some) < least:
        raise InputError("runs", Phrase(f"has {min(some)}"), f"{least} at least: one more than the law has numbers")
    return np.array(sorted(set(some)))
