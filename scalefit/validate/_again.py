"""Checks that fit again: by other noises, by other laws, without outliers, and by other approaches."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool

from .._core import Finding, InputError, NotConverged
from ..estimate import fit as fit_
from ..laws import Chinchilla, Kaplan, Skaling
from ..noise import AbstractNoise, Gaussian, Huber, StudentT
from ..results import Fit
from ._case import Case, listed_rows, rows_out, scatter_about, told
from ._finding import Skipped

Found = Iterator[Finding | Skipped]

NOISES: dict[str, AbstractNoise] = {
    "Gaussian": Gaussian(),
    "StudentT(4)": StudentT(),
    **{f"Huber({delta:g})": Huber(delta) for delta in (1e-4, 1e-3, 1e-2, 1e-1)},
}
RIVALS = (Chinchilla, Skaling, Kaplan)
OUT = 6.0
"""Standard scatters from the law beyond which a run is an outlier."""
MOST_IN_A_BAND = 40
"""Outliers, at most, for which it is asked what they have in common."""


def noises_of(fit: Fit[Any]) -> dict[str, AbstractNoise]:
    """The shapes of noise to try, of what the fit sees: the target or its logarithm."""
    return {name: dataclasses.replace(shape, log=fit.noise.log) for name, shape in NOISES.items()}


def delta_sensitivity(case: Case) -> Found:
    """The fit hardly changes with the noise."""
    fit = case.fit
    assert fit is not None
    if not case.deep:
        yield Skipped("it fits again: ask sf.diagnose(fit, deep=True)")
        return
    found = {}
    for name, noise in noises_of(fit).items():
        other = again(fit, noise=noise)
        if other is not None:
            found[name] = {n: one.value for n, one in told(other).items() if n in fit.free}
    if len(found) < 2:
        yield Skipped("hardly any other noise converged")
        return
    own_of = told(fit)
    said, numbers, grave = [], {}, False
    for name in fit.free:
        some = [one[name] for one in found.values()]
        low, high = min(some), max(some)
        numbers |= {f"{name} least": low, f"{name} most": high}
        own = own_of[name]
        wide = own.low is not None and own.high is not None and high - low > 1.5 * (own.high - own.low)
        grave |= wide
        said.append(f"{name} from {low:.3g} to {high:.3g}{', more than its interval' if wide else ''}")
    words = f"by {len(found)} noises, from Huber(1e-4) to Gaussian: {'; '.join(said)}"
    yield Finding("delta-sensitivity", "warning" if grave else "note", words, "", numbers, fit.free)


def model_choice(case: Case) -> Found:
    """No other law of the same inputs fits better."""
    fit = case.fit
    assert fit is not None
    if not case.deep:
        yield Skipped("it fits again: ask sf.diagnose(fit, deep=True)")
        return
    if set(fit.law.inputs) != {"N", "D"}:
        yield Skipped("there is no other law of these inputs to try")
        return
    scores = scores_of_laws(fit)
    if len(scores) < 2 or type(fit.law).__name__ not in scores:
        yield Skipped("no other law converged")
        return
    own = scores[type(fit.law).__name__]
    best = min(scores, key=lambda name: scores[name])
    numbers = {name: score - min(scores.values()) for name, score in scores.items()}
    if own - scores[best] > 10.0:
        said = f"{best} fits better (AIC lower by {own - scores[best]:.3g})"
        yield Finding("model-choice", "warning", said, "compare what they foresee: sf.compare", numbers)
    elif near := [n for n, score in scores.items() if abs(score - own) < 2.0 and n != type(fit.law).__name__]:
        said = f"{', '.join(near)} fits as well (AIC within 2)"
        yield Finding("model-choice", "note", said, "forecast with sf.forecast, which weighs laws", numbers)


def scores_of_laws(fit: Fit[Any]) -> dict[str, float]:
    """By law of N and D that converges on the same runs, its AIC for few runs."""
    scores = {}
    # Of exact runs half may lie on the law.
    scale = max(float(np.median(np.abs(fit.residuals))), 1e-12)
    for law in RIVALS:
        other = fit if type(fit.law) is law else again(fit, law=law, fixed=())
        if other is None or not other.converged:
            continue
        n, p = len(other.residuals), len(other.free) + 1
        z = np.asarray(other.residuals) / scale
        # Student's t about each, of the scatter that suits it best.
        s = np.geomspace(0.2, 5.0, 81)[:, None]
        density = np.sum(2.5 * np.log1p((z / s) ** 2 / 4.0) + np.log(s), axis=1)
        scores[law.__name__] = 2.0 * float(density.min()) + 2.0 * p + 2.0 * p * (p + 1) / max(n - p - 1, 1)
    return scores


def outliers(case: Case) -> Found:
    """No run lies far from the law."""
    fit = case.fit
    assert fit is not None
    z = np.asarray(fit.residuals)
    scatter = scatter_about(fit)
    far = np.abs(z) > OUT * scatter
    # Where half of the runs lie on the law, the others are no few.
    if not scatter > 1e-6 * np.sqrt(np.mean(z**2)):
        return
    far &= ~case.claimed
    if not far.any():
        return
    rows, worst = case.rows(far), float(np.max(np.abs(z[far])) / scatter)
    said = f"{listed_rows(rows)} {'lies' if len(rows) == 1 else 'lie'} up to {worst:.2g} scatters from the law"
    said += _where(case, far)
    numbers = {"worst": worst, "rows": float(len(rows))}
    if case.deep and len(z) - far.sum() > len(fit.free) + 2:
        other = again(fit, runs=fit.problem.runs.take(~far))
        if other is not None:
            now, then = told(fit), told(other)
            moved = [f"{n} {now[n].value:.3g} → {then[n].value:.3g}" for n in fit.free]
            said += f"; without: {', '.join(moved)}"
            numbers |= {f"{n} without": float(then[n].value) for n in fit.free}
    share = far.mean()
    # A few in a thousand are what heavy tails bring.
    severity = "warning" if worst > 10.0 or share > 0.05 else "note"
    yield Finding("outliers", severity, said, f"look at them, or {rows_out(rows)}", numbers, (), rows)


def _where(case: Case, far: Bool[np.ndarray, " run"]) -> str:
    """The input along which rows are most of those in a band, in words; empty where they are spread."""
    if not 4 <= far.sum() <= MOST_IN_A_BAND:
        return ""
    for name, column in case.sizes.items():
        ends = np.unique(column[far])
        bands = [(a, b) for i, a in enumerate(ends) for b in ends[i:]]
        inside = [(column >= a) & (column <= b) for a, b in bands]
        held = [int(np.sum(far & band)) for band in inside]
        # Most of those that are far, and hardly any others.
        fit = [n * (n >= 0.6 * far.sum() and n >= 0.6 * band.sum()) for n, band in zip(held, inside, strict=True)]
        best = int(np.argmax(fit))
        if fit[best] >= 4 and inside[best].sum() < 0.4 * len(far):
            low, high = bands[best]
            where = f"= {low:.3g}" if high < 1.001 * low else f"from {low:.3g} to {high:.3g}"
            return f", {fit[best]} of them with {name} {where}"
    return ""


def approach_agreement(case: Case) -> Found:
    """Ways to the exponent of the best size agree."""
    fit = case.fit
    assert fit is not None
    if not case.deep:
        yield Skipped("it fits again: ask sf.diagnose(fit, deep=True)")
        return
    import warnings

    from ..plan import approaches  # with which much comes that a first fit can do without

    if not {"N", "D"} <= set(fit.law.inputs):
        yield Skipped("the law has no N and D")
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = approaches(fit.problem.runs)
    except (InputError, NotConverged) as error:
        yield Skipped(str(error))
        return
    several = {name: float(np.ravel(one.exponent)[0]) for name, one in found.trends.items()}
    if len(several) < 2:
        yield Skipped("there is one approach only")
        return
    said = ", ".join(f"{one:.3g} by {name}" for name, one in several.items())
    apart = max(several.values()) - min(several.values())
    yield Finding("approach-agreement", "warning" if apart > 0.1 else "note", f"the exponent of the best N is {said}",
                  "forecast before you trust one" if apart > 0.1 else "",
                  several)  # fmt: skip


def again(fit: Fit[Any], law: Any = None, runs: Any = None, **changed: Any) -> Fit[Any] | None:
    """The same problem with something changed; `None` where it does not converge."""
    problem = fit.problem
    given: dict[str, Any] = {"noise": problem.noise, "fixed": problem.fixed, "tie": dict(problem.tie), "throw": False}
    try:
        found = fit_(law or problem.law, problem.runs if runs is None else runs, **{**given, **changed})
    except InputError:
        return None
    return found if found.converged else None
