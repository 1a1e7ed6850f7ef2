"""Laws beside each other, by what each would have foreseen."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._core import InputError, Phrase, check_number, check_type
from ..data import Runs
from ..estimate import fit as fit_law
from ..laws import AbstractLaw
from ..noise import AbstractNoise, StudentT
from ..results import Fit, Pattern, patterns
from . import _scores as scores

SURE = 1e-3
"""Probability by chance below which a pattern of residuals is said aloud."""


@dataclasses.dataclass(frozen=True, repr=False)
class Compared:
    """One law beside the others.

    **Arguments:**

    - `name`: Of the law; `fit`: to all runs.
    - `error`: Mean absolute error of its forecasts, in log, origins counting equally; NaN where none could be made.
    - `behind`: How much larger than that of the best, by the same forecasts; `behind_se`: with its standard error over
      origins.
    - `best`: In which share of resamples of the origins it is the best.
    - `weight`: In the weighted mean of all laws, in log, that would have foreseen the runs best (stacking).
    - `left_out`: Sum of the log densities of the runs, each by the fit without its training; of 200 trainings and more
      in as many parts. `left_out_behind`: less than that of the law for which it is greatest, `left_out_se`: with its
      standard error over the trainings.
    - `within`: Root mean square of its residuals at the runs, on the scale of the noise.
    - `aic`, `bic`: Of the fit to all runs, AIC corrected for few; of Huber's noise with the scatter as its scale,
      and NaN of a noise without a density.
    - `patterns`: What the residuals do along the inputs that the law cannot: see `results.patterns`.
    """

    name: str
    fit: Fit[Any]
    error: float
    behind: float
    behind_se: float
    best: float
    weight: float
    left_out: float
    left_out_behind: float
    left_out_se: float
    within: float
    aic: float
    bic: float
    patterns: tuple[Pattern, ...]

    def __repr__(self) -> str:
        said = []
        if np.isfinite(self.error):
            behind = f", {100 * self.behind:.2f} ± {100 * self.behind_se:.2f} behind" if self.behind > 0 else ""
            best = f", best in {self.best:.0%}, weight {self.weight:.2f}; "
            said.append(f"missed by {100 * self.error:.2f} %{behind}{best}")
        if np.isfinite(self.left_out):
            lost = self.left_out_behind
            said.append(f"left out {-lost:.1f} ± {self.left_out_se:.1f}, " if lost > 0 else "best of runs left out, ")
        return f"{self.name}: {''.join(said)}AIC {self.aic:.1f}, BIC {self.bic:.1f}, scatter {self.within:.3g}"


@dataclasses.dataclass(frozen=True, repr=False)
class Comparison:
    """Laws in the order of what they would have foreseen.

    **Arguments:**

    - `laws`: The best first.
    - `origins`: From how many origins they were judged; `forecasts`: on how many runs.
    """

    laws: tuple[Compared, ...]
    origins: int
    forecasts: int

    def __getitem__(self, name: str) -> Compared:
        for one in self.laws:
            if one.name == name:
                return one
        raise InputError("The comparison", Phrase(f"has no law {name!r}"), remedy=f"it has {', '.join(map(str, self))}")

    def __iter__(self) -> Any:
        return iter(one.name for one in self.laws)

    def __repr__(self) -> str:
        if not self.origins:
            lines = [
                f"Comparison of {len(self.laws)} laws; no larger run could be foreseen from smaller ones, so by AIC"
            ]
        else:
            lines = [f"Comparison of {len(self.laws)} laws by {self.forecasts} forecasts from {self.origins} origins"]
        lines += [f"  {one!r}" for one in self.laws]
        return "\n".join([*lines, *(f"  {said}" for said in self.remedies)])

    @property
    def remedies(self) -> tuple[str, ...]:
        """In words, what each law leaves in its residuals, and the first law that leaves none of it."""
        said = []
        for one in self.laws:
            strong = [found for found in one.patterns if found.p < SURE]
            if not strong:
                continue
            name, t, _ = strong[0]
            left = {law.name: max((abs(found.t) for found in law.patterns if found.name == name), default=0.0)
                    for law in self.laws if law is not one and law.fit.converged}  # fmt: skip
            free = [law.name for law in self.laws if law.name in left and _none_of(law, name)]
            after = f"{free[0]} does not" if free else "no other law was fitted"
            if left and not free:
                least = min(left, key=lambda law: left[law])
                after = f"all others leave some of it too, {least} the least ({left[least]:.1f})"
            said.append(f"{one.name} leaves a {name} in its residuals (t = {t:.1f}): {after}")
        return tuple(said)


def compare(
    laws: Mapping[str, Any] | Sequence[Any], runs: Runs, *, noise: AbstractNoise | None = None, seed: int = 0
) -> Comparison:
    r"""Rank laws by what each would have foreseen of the larger runs, from smaller ones alone.

    Each law is rolled back by itself, without other arms, at the same origins and on the same runs. Standard errors and
    shares of being best are over origins, resampled whole: forecasts of one origin err together. What fits best within
    the runs is told beside: by runs that were left out, AIC and BIC, and the patterns that each law leaves in its
    residuals.

    **Arguments:**

    - `laws`: Classes of laws, or laws whose values serve as a start, by name or in a sequence.
    - `runs`: What was observed of one target; each law must be able to use all of it. Laws over mixtures of domains are
        told apart for several targets at once by `mixture_folds`.
    - `noise`: How runs scatter about every law: `StudentT(4)` unless given.
    - `seed`: Of the resamples.

    **Returns:** a `Comparison`, the best first; by AIC where the runs do not reach far enough, the first law takes no
    size, or targets are 0 or less.

    **Raises:** `InputError` for fewer than two laws, two of one name, several targets, laws that use other runs, and as
    `fit` does.
    """
    named, seed = _named(laws), check_number("seed", seed, least=0, whole=True)
    noise = StudentT() if noise is None else noise
    targets = set(check_type("runs", runs, Runs, "Runs").labels.get("target", np.empty(0)).tolist())
    if len(targets) > 1:
        remedy = "keep one, as runs.where(\"target == '...'\"); laws of mixtures are told apart by `mixture_folds`"
        raise InputError("runs", Phrase(f"have {len(targets)} targets"), "runs of one", remedy)
    fits = {name: fit_law(law, runs, noise=noise, throw=False) for name, law in named.items()}
    counts = {name: len(one.problem.runs) for name, one in fits.items()}
    if len(set(counts.values())) > 1:
        said = Phrase(f"use {', '.join(f'{count} ({name})' for name, count in counts.items())} of the runs")
        raise InputError("laws", said, "laws of the same runs", "keep the runs that have the inputs of all")
    missed = scores.missed(fits)
    table, weights = missed.by_origin, scores.stacking(missed)
    told, origins = scores.behind(table), table.shape[1]
    resampled = np.random.default_rng([seed, 0xC0DE]).integers(0, max(origins, 1), (2000, origins))
    best = scores.shares_of_best(table[:, resampled].mean(axis=2)) if origins else np.full(len(fits), np.nan)
    density = np.array([scores.left_out(one) for one in fits.values()])
    total = np.sum(density, axis=1)
    ahead = int(np.argmax(np.where(np.isnan(total), -np.inf, total)))
    training = next(iter(fits.values())).problem.runs.clusters()
    found = []
    for k, (name, one) in enumerate(fits.items()):
        lost = np.bincount(training, density[ahead] - density[k])
        lost_se = float(lost.std(ddof=1) * np.sqrt(len(lost))) if len(lost) > 1 else np.nan
        found.append(Compared(
            name, one, float(told.error[k]), float(told.behind[k]), float(told.se[k]),
            float(best[k]), float(weights[k]),
            float(total[k]), float(lost.sum()), lost_se,
            float(np.sqrt(np.mean(one.residuals**2))), *_criteria(one), patterns(one),
        ))  # fmt: skip
    order = sorted(found, key=lambda one: (one.error if np.isfinite(one.error) else np.inf, one.aic, one.bic))
    return Comparison(tuple(order), origins, len(missed.origin))


def _none_of(law: Compared, name: str) -> bool:
    """Whether the residuals of a law have no more of a pattern than chance gives."""
    return all(found.p > 0.05 for found in law.patterns if found.name == name)


def _named(laws: Any) -> dict[str, Any]:
    check_type("laws", laws, (Mapping, Sequence), "laws by name, or a list of them")
    if isinstance(laws, str):
        raise InputError("laws", laws, "laws by name, or a list of them")
    of = list(laws.values()) if isinstance(laws, Mapping) else list(laws)
    for law in of:
        if not issubclass(law if isinstance(law, type) else type(law), AbstractLaw):
            raise InputError("laws", law, "laws, as sf.laws.Chinchilla or your own AbstractLaw")
    if isinstance(laws, Mapping):
        named = {str(name): law for name, law in laws.items()}
    else:
        names = [(law if isinstance(law, type) else type(law)).__name__ for law in laws]
        if len(set(names)) < len(names):
            raise InputError(
                "laws", Phrase(f"has two of one name ({', '.join(names)})"), remedy="pass a dictionary with names"
            )
        named = dict(zip(names, laws, strict=True))
    if len(named) < 2:
        raise InputError("laws", Phrase(f"has {len(named)}"), "two or more to compare")
    return named


def _criteria(fit: Fit[Any]) -> tuple[float, float]:
    """AIC, corrected for few runs, and BIC, with the scale as a further number."""
    likelihood = scores.log_likelihood(fit)
    n, p = len(fit.residuals), len(fit.free) + 1
    more = 2.0 * p * (p + 1) / (n - p - 1) if n > p + 1 else np.inf
    return 2.0 * p - 2.0 * likelihood + more, p * float(np.log(n)) - 2.0 * likelihood
