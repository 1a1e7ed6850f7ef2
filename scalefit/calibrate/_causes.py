"""Which one thing, freed in Chinchilla's law, explains how runs drift from it."""

import contextlib
import dataclasses
import warnings
from typing import Any

import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase
from ..data import Runs
from ..estimate import fit as fit_law
from ..laws import Chinchilla
from ..results import Estimate, Fit, check_fit, summary
from . import _scores as scores
from ._freed import HELD, Freed

SURE = 0.05
"""Probability by chance, among all causes that were looked at, below which one is told."""
ALIKE = 4.0
"""Twice the log likelihood by which causes must differ for runs to tell them apart."""
WORDS = {
    "floor": "the floor changes with compute",
    "exponent_N": "the exponent of N changes along N",
    "exponent_D": "the exponent of D changes along D",
    "coupling": "N and D couple",
    "schedule": "the schedule differs",
    "repetition": "repeated data count for less",
}


@dataclasses.dataclass(frozen=True)
class Cause:
    """The law with one more number.

    **Arguments:**

    - `name`: `floor`, `exponent_N`, `exponent_D`, `coupling`, `schedule` or `repetition`; `fit`: with it freed.
    - `value`: The number, with its interval; `none`: what it is where it changes nothing.
    - `gain`: Twice the log likelihood that it adds.
    - `p`: The probability of as much by chance, times the causes that were looked at.
    - `error`: Mean absolute error of forecasts with it, in log; `less`: how much less than without, and `less_se`: with
        its standard error over origins; NaN where runs do not reach far enough.
    - `effect`: Logarithm by which it changes the loss of the run of most compute, beside the law without.
    """

    name: str
    fit: Fit[Any]
    value: Estimate
    none: float
    gain: float
    p: float
    error: float
    less: float
    less_se: float
    effect: float


@dataclasses.dataclass(frozen=True, repr=False)
class Causes:
    """What may explain a drift, the most likely first.

    **Arguments:**

    - `causes`: One for each number that the runs let free.
    - `told`: Names of those that explain it and that the runs do not tell apart: none where nothing drifts, several
        where more runs are needed.
    - `origins`: From how many origins forecasts were judged.
    """

    causes: tuple[Cause, ...]
    told: tuple[str, ...]
    origins: int

    def __getitem__(self, name: str) -> Cause:
        for one in self.causes:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.causes)
        raise InputError("The causes", Phrase(f"have no {name!r}"), remedy=f"looked at were {known}")

    @property
    def verdict(self) -> str:
        """In words, what the runs say."""
        if not self.causes:
            return "these runs let no further number free: they are too few, or lie on one line"
        if not self.told:
            return "nothing drifts from the additive law that these runs could show"
        said = [WORDS[name] for name in self.told]
        if len(said) == 1:
            return f"the runs tell one cause: {said[0]}"
        return f"the runs do not tell apart: {'; '.join(said)}"

    def __repr__(self) -> str:
        lines = [f"Causes of a drift from Chinchilla: {self.verdict}"]
        for one in self.causes:
            foreseen = ""
            if np.isfinite(one.less):
                foreseen = f"forecasts miss {100 * one.less:+.2f} ± {100 * one.less_se:.2f} % less, "
            lines.append(
                f"  {one.name} {one.value:.3g}: 2 Δ log likelihood {one.gain:.1f} (p = {one.p:.2g}), {foreseen}"
                f"{100 * one.effect:+.2f} % at the largest run"
            )
        return "\n".join(lines)


def causes(fit: Fit[Any], *, schedule: str | None = None, unique: str | None = None) -> Causes:
    r"""Ask which one number, freed in Chinchilla's law, explains how its runs drift from it.

    Each law has one number more than the fit: a floor that changes with compute, $E\,e^{f c}$; an exponent that changes
    along N or D; a coupling, $(A N^{-\alpha} + B D^{-\beta})^k$; the schedule, $e^{s u}$ on what lies above the floor,
    of a column u; repeated data that count for less. A cause is told where its likelihood is better than chance allows
    (an F test on one number, times the causes looked at) and its forecasts, by the same origins, are no worse by more
    than a standard error. Causes whose likelihoods are alike are told together: these runs do not decide between
    them. Two causes at once may look like a third.

    **Arguments:**

    - `fit`: Of `Chinchilla`, one study that converged.
    - `schedule`: A column of numbers that differs between schedules, as the share of the training in which the rate
        decays.
    - `unique`: The column or input of unique tokens; `U` where the runs have it.

    **Returns:** `Causes`, the most likely first.

    **Raises:** `InputError` for another law, a batch, what did not converge, and columns that are no numbers.
    """
    problem = check_fit("fit", fit).problem
    if not isinstance(fit.law, Chinchilla) or fit.keys is not None or problem.fixed or problem.tie:
        given = Phrase(f"is {fit.problem!r}")
        raise InputError(
            "fit", given, "one study of Chinchilla with all of its numbers free", "fit that law to the runs"
        )
    if not fit.converged:
        raise InputError("fit", Phrase("did not converge"), remedy="mend the fit first: nothing follows from it")
    runs, free = _with_columns(problem.runs, problem.inputs, schedule, unique)
    begun = {name: float(getattr(fit.law, name)) for name in ("E", "A", "B", "alpha", "beta")}
    count, numbers = len(runs), len(fit.free) + 2
    fits: dict[str, Fit[Any]] = {}
    for name in ("", *free) if count > numbers else ():
        with contextlib.suppress(InputError):  # of runs that cannot let it free
            fits[name] = _freed(fit, runs, begun, name)
    if "" not in fits:
        return Causes((), (), 0)
    likely = {name: scores.log_likelihood(one) for name, one in fits.items()}
    table = scores.missed(fits).by_origin
    told = scores.behind(table, first=0)
    largest = int(np.argmax(problem.inputs["N"] * problem.inputs["D"]))
    from scipy.special import fdtrc  # a third of a second, which few fits need

    found = []
    for k, (name, one) in enumerate(fits.items()):
        if not name or not one.converged:
            continue
        gain = max(2.0 * (likely[name] - likely[""]), 0.0)
        left = count - numbers
        p = float(fdtrc(1, left, left * np.expm1(gain / count)))
        change = float(fit.residuals[largest] - one.residuals[largest])
        effect = change if fit.noise.log else change / float(problem.runs.target[largest])
        value = _interval(one, name, gain)
        found.append(Cause(
            name, one, value, HELD[name], gain, min(p * (len(fits) - 1), 1.0), float(told.error[k]),
            -float(told.behind[k]), float(told.se[k]), effect,
        ))  # fmt: skip
    found.sort(key=lambda one: -one.gain)
    good = [one for one in found if one.p < SURE and not one.less < -one.less_se]
    alike = tuple(one.name for one in good if one.gain > good[0].gain - ALIKE)
    return Causes(tuple(found), alike, table.shape[1])


def _interval(fit: Fit[Any], name: str, gain: float) -> Estimate:
    """The freed number, its interval to first order or, along a bent ridge, as wide as its likelihood says."""
    found: Any = summary(fit, 0.9)
    one: Estimate = found[name]
    if not np.isfinite(one.value):  # where it changes nothing, no run tells it
        return Estimate(HELD[name])
    if one.low is None or one.high is None or one.se is None or name == "repetition" or not gain > 0.0:
        return one
    half = (one.high - one.value) * max(1.0, float(abs(one.value - HELD[name]) / np.sqrt(gain) / one.se))
    return Estimate(one.value, one.value - half, one.value + half, one.level)


def _freed(fit: Fit[Any], runs: Runs, begun: dict[str, float], name: str) -> Fit[Any]:
    """The law with one number free beside those of the fit, begun where the fit ended."""
    held = {other: value for other, value in HELD.items() if other != name}
    start = Freed(**begun, **{**HELD, **({"repetition": 0.1} if name == "repetition" else {})})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a number that explains nothing leaves open is no news
        return fit_law(start, runs, noise=fit.noise, fixed=tuple(held), throw=False, seed=fit.seed)


def _with_columns(
    runs: Runs, inputs: dict[str, Any], schedule: str | None, unique: str | None
) -> tuple[Runs, tuple[str, ...]]:
    """The runs with what the freed laws take, and which numbers they can tell anything of."""
    N, D = (np.log(inputs[name]) for name in ("N", "D"))
    middle_N, middle_D = N - N.mean(), D - D.mean()
    passes = np.ones(len(runs))
    if unique is not None or runs.input("U") is not None:
        tokens = _column(runs, unique or "U", "unique")
        if not np.all(tokens > 0.0):
            raise InputError("unique", unique or "U", "tokens above 0 in every run")
        passes = np.exp(D) / tokens
    said = np.zeros(len(runs)) if schedule is None else _column(runs, schedule, "schedule")
    said = said - said.mean()
    made = {"middle_N": middle_N, "middle_D": middle_D, "of_schedule": said, "of_passes": np.maximum(passes, 1.0)}
    for name, column in made.items():
        runs = runs.with_column(name, column)
    free = ["floor"] * bool(np.ptp(N + D) > 1e-3)
    free += [*(f"exponent_{n}" for n, x in (("N", N), ("D", D)) if np.unique(np.round(x, 3)).size > 3)]
    free += ["coupling"] + ["schedule"] * bool(np.ptp(said) > 0.0) + ["repetition"] * bool(np.sum(passes > 1.5) > 1)
    return runs, tuple(free)


def _column(runs: Runs, name: str, argument: str) -> Float[np.ndarray, " run"]:
    found = runs.input(name)
    if found is None:
        remedy = "name it in `columns` where the runs are read: a saved fit keeps no others"
        raise InputError(argument, name, f"an input or column of {runs.name!r}", remedy)
    if not np.all(np.isfinite(found)):
        raise InputError(argument, name, "a column with a number in every run")
    return np.asarray(found, float)
