"""Laws beside each other, by what each would have foreseen."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from .._core import InputError, Phrase, check_number, check_type
from ..data import Runs
from ..estimate import fit as fit_law
from ..laws import AbstractLaw
from ..noise import AbstractNoise, StudentT
from ..results import Fit
from ._origins import rolling
from ._prior import prior_of_studies
from ._reach import least_runs, reach_of
from ._rolled import rolled


@dataclasses.dataclass(frozen=True)
class Compared:
    """One law beside the others.

    **Arguments:**

    - `name`: Of the law; `fit`: to all runs.
    - `error`: Mean absolute error of its forecasts, in log, origins counting equally; NaN where none could be made.
    - `behind`: How much larger than that of the best, by the same forecasts; `behind_se`: with its standard error over
      origins.
    - `best`: In which share of resamples of the origins it is the best.
    - `within`: Root mean square of its residuals at the runs, on the scale of the noise.
    - `aic`, `bic`: Of the fit to all runs, AIC corrected for few; of Huber's noise with the scatter as its scale,
      and NaN of a noise without a density.
    """

    name: str
    fit: Fit[Any]
    error: float
    behind: float
    behind_se: float
    best: float
    within: float
    aic: float
    bic: float


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
            lines = [f"Comparison of {len(self.laws)} laws; runs do not reach far enough to be rolled back, so by AIC"]
        else:
            lines = [f"Comparison of {len(self.laws)} laws by {self.forecasts} forecasts from {self.origins} origins"]
        for one in self.laws:
            foreseen = ""
            if np.isfinite(one.error):
                behind = f", {100 * one.behind:.2f} ± {100 * one.behind_se:.2f} behind" if one.behind > 0 else ""
                foreseen = f"missed by {100 * one.error:.2f} %{behind}, best in {one.best:.0%}; "
            lines.append(f"  {one.name}: {foreseen}AIC {one.aic:.1f}, BIC {one.bic:.1f}, scatter {one.within:.3g}")
        return "\n".join(lines)


def compare(
    laws: Mapping[str, Any] | Sequence[Any], runs: Runs, *, noise: AbstractNoise | None = None, seed: int = 0
) -> Comparison:
    r"""Rank laws by what each would have foreseen of the larger runs, from smaller ones alone.

    Each law is rolled back by itself, without other arms, at the same origins and on the same runs. Standard errors and
    shares of being best are over origins, resampled whole: forecasts of one origin err together. What fits best within
    the runs (AIC, BIC) is told beside.

    **Arguments:**

    - `laws`: Classes of laws, or laws whose values serve as a start, by name or in a sequence.
    - `runs`: What was observed; each law must be able to use all of it.
    - `noise`: How runs scatter about every law: `StudentT(4)` unless given.
    - `seed`: Of the resamples.

    **Returns:** a `Comparison`, the best first; by AIC where the runs do not reach far enough.

    **Raises:** `InputError` for fewer than two laws, two of one name, laws that use other runs, and as `fit` does.
    """
    named, seed = _named(laws), check_number("seed", seed, least=0, whole=True)
    noise = StudentT() if noise is None else noise
    fits = {name: fit_law(law, runs, noise=noise, throw=False) for name, law in named.items()}
    counts = {name: len(one.problem.runs) for name, one in fits.items()}
    if len(set(counts.values())) > 1:
        said = Phrase(f"use {', '.join(f'{count} ({name})' for name, count in counts.items())} of the runs")
        raise InputError("laws", said, "laws of the same runs", "keep the runs that have the inputs of all")
    missed, origin = _missed(fits)
    known = np.all(np.isfinite(list(missed.values())), axis=0) if missed else np.zeros(0, bool)
    origins = np.unique(origin[known])
    table = np.array([[np.mean(one[known & (origin == o)]) for o in origins] for one in missed.values()])
    rng = np.random.default_rng([seed, 0xC0DE])
    resampled = rng.integers(0, max(len(origins), 1), (2000, len(origins)))
    found = []
    for k, (name, one) in enumerate(fits.items()):
        aic, bic = _criteria(one)
        error = behind = behind_se = best = np.nan
        if len(origins):
            means = table.mean(axis=1)
            first = int(np.argmin(means))
            error, behind = float(means[k]), float(means[k] - means[first])
            apart = table[k] - table[first]
            behind_se = float(apart.std(ddof=1) / np.sqrt(len(apart))) if len(apart) > 1 else np.nan
            best = float(np.mean(np.argmin(table[:, resampled].mean(axis=2), axis=0) == k))
        within = float(np.sqrt(np.mean(one.residuals**2)))
        found.append(Compared(name, one, error, behind, behind_se, best, within, aic, bic))
    order = sorted(found, key=lambda one: (one.error if np.isfinite(one.error) else np.inf, one.aic, one.bic))
    return Comparison(tuple(order), len(origins), int(known.sum()))


def _named(laws: Any) -> dict[str, Any]:
    check_type("laws", laws, (Mapping, Sequence), "laws by name, or a list of them")
    if isinstance(laws, str):
        raise InputError("laws", laws, "laws by name, or a list of them")
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
    for name, law in named.items():
        if not issubclass(law if isinstance(law, type) else type(law), AbstractLaw):
            raise InputError(f"the law {name}", law, "a law of scalefit.laws, or your own AbstractLaw")
    return named


def _missed(fits: Mapping[str, Fit[Any]]) -> tuple[dict[str, np.ndarray], Int[np.ndarray, " forecast"]]:
    """By law, what each forecast missed by, in log; and the origin of each forecast."""
    least = max(least_runs(one.problem) for one in fits.values())
    first = next(iter(fits.values())).problem
    along = next(iter(reach_of(first).values()))
    origins = list(rolling(first, along, least))
    if not origins or np.any(np.asarray(first.runs.target) <= 0.0):
        return {}, np.zeros(0, int)
    found, origin = {}, np.zeros(0, int)
    for name, one in fits.items():
        back = rolled(one.problem, prior_of_studies(), origins, alone=True)
        found[name] = np.abs(back.log_observed - back.seen.log_value[0])
        origin = back.origin
    return found, origin


def _criteria(fit: Fit[Any]) -> tuple[float, float]:
    """AIC, corrected for few runs, and BIC, with the scale as a further number."""
    residuals, log_s = np.asarray(fit.residuals), np.log(np.asarray(fit.scale))
    try:
        likelihood = float(np.sum(np.asarray(fit.noise.log_density(residuals, log_s))))
    except InputError:
        return np.nan, np.nan
    if fit.noise.log:  # of the target, not of its logarithm
        likelihood -= float(np.sum(np.log(np.asarray(fit.problem.runs.target))))
    n, p = len(residuals), len(fit.free) + 1
    more = 2.0 * p * (p + 1) / (n - p - 1) if n > p + 1 else np.inf
    return 2.0 * p - 2.0 * likelihood + more, p * float(np.log(n)) - 2.0 * likelihood
