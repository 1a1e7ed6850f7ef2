"""How well a law fits as one of its numbers is held at this value and that: profile likelihood."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase, check_names, check_number, check_probability, check_type, warn_of
from ..estimate import fit as fit_
from ..params import slots, values, with_values
from ..results import Fit, check_fit
from ._case import told

BETTER = 1e-3
"""Deviance below the optimum from which a profile has found a better one."""


@dataclasses.dataclass(frozen=True)
class Profile:
    """The best fit at each value of one number.

    **Arguments:**

    - `name`: The number.
    - `value`: Where it was held, ascending.
    - `deviance`: Twice how much less likely the runs are than at the optimum, by value; about χ² with one degree of
        freedom.
    - `low`, `high`: The ends of the interval of `level`; infinite where the profile stays below it.
    - `others`: What the other numbers are along it, by name.
    - `level`: Of the interval.
    """

    name: str
    value: Float[np.ndarray, " place"]
    deviance: Float[np.ndarray, " place"]
    low: float
    high: float
    others: dict[str, Float[np.ndarray, " place"]]
    level: float

    def __repr__(self) -> str:
        low = f"{self.low:.4g}" if np.isfinite(self.low) else "no lower end"
        ends = f"between {low} and {f'{self.high:.4g}' if np.isfinite(self.high) else 'no upper end'}"
        most = {n: (float(np.min(c)), float(np.max(c))) for n, c in self.others.items()}
        along = ", ".join(f"{n} {a:.3g} … {b:.3g}" for n, (a, b) in most.items())
        return f"Profile of {self.name}: {100 * self.level:g} % {ends}; along it {along}"


def profile(fit: Fit[Any], name: str, *, level: float = 0.9, num: int = 15) -> Profile:
    r"""The best fit with one number held at values about its optimum, and the interval that this gives.

    $2\,(\ell_{max} - \max_{\theta: \theta_k = v} \ell(\theta))$ against v, each fit starting where the one before
    ended. The interval is where it stays below $n \ln(1 + F/\nu)$, F being a quantile with one degree of freedom and ν
    that are left: exactly the ratio of sums of squares where errors are normal. Where standard errors are taken as they
    are, it is a quantile of $\chi^2$.

    **Arguments:**

    - `fit`: A single fit that converged.
    - `name`: A free number of it.
    - `level`: Of the interval.
    - `num`: Values to either side.

    **Warns:** where the law fits better with the number held than at the optimum of the fit, which is then not the best
    one, and where a profile ends inside of the level, so that its interval has no end there.

    **Raises:** `InputError` for a batch, a fit that did not converge, and names that are not free.
    """
    from scipy.stats import chi2
    from scipy.stats import f as f_distribution

    check_fit("fit", fit)
    check_probability("level", level)
    num = check_number("num", num, least=1, whole=True, example="15")
    if fit.keys is not None or not fit.converged:
        raise InputError("fit", Phrase("is a batch, or did not converge"), "a single fit at its optimum")
    check_type("name", name, str, f"one of {', '.join(fit.free)}")
    check_names("name", [name], fit.free, what="free numbers")
    names = [slot.name for slot in slots(fit.law)]
    at, place = values(fit.law), names.index(name)
    freedom = max(len(fit.residuals) - len(fit.free), 1)
    if fit.noise.absolute:
        beyond = float(chi2.ppf(level, 1))
    else:
        beyond = len(fit.residuals) * float(np.log1p(f_distribution.ppf(level, 1, freedom) / freedom))
    here = told(fit, level)[name].high
    value = float(at[place])
    reach = here - value if here is not None and np.isfinite(here) and here > value else 0.2 * abs(value)
    best = _deviance(fit)
    found: dict[float, tuple[float, np.ndarray]] = {value: (0.0, at)}
    low, high = slots(fit.law)[place].parameter.constraint.low, slots(fit.law)[place].parameter.constraint.high
    lost: list[float] = []
    for way in (-1.0, 1.0):
        step, here, start = reach / 4.0, value, fit.law
        for _ in range(num):
            here = float(np.clip(here + way * step, low, high))
            law = with_values(start, np.where(np.arange(len(at)) == place, here, values(start)))
            problem = fit.problem
            held = fit_(law, problem.runs, noise=problem.noise, fixed=(*problem.fixed, name), tie=dict(problem.tie),
                        starts=law, throw=False)  # fmt: skip
            if not held.reached:
                lost.append(here)
                break
            start = held.law
            off = _deviance(held) - best
            found[here] = off, values(held.law)
            if off > 2.0 * beyond or here in (low, high):
                break
            step *= 1.3 if off < 0.3 * beyond else 1.0
    order = sorted(found)
    deviance = np.array([found[v][0] for v in order])
    column = np.array(order)
    table = np.stack([found[v][1] for v in order])
    middle = order.index(value)
    best_at = int(np.argmin(deviance))
    if deviance[best_at] < -BETTER:
        said = f"the runs are {-0.5 * deviance[best_at]:.3g} nats likelier with {name} held at {column[best_at]:.4g}"
        warn_of("multistart", f"{said} than at the optimum of the fit", "fit again with a larger num_starts")
    for place in lost:
        said = f"the profile of {name} ends before {place:.4g}, where the other numbers found no optimum"
        warn_of("convergence", said, "its interval is open to that side where the level was not reached")
    return Profile(
        name,
        column,
        deviance,
        _crossing(column[middle::-1], deviance[middle::-1], beyond, low),
        _crossing(column[middle:], deviance[middle:], beyond, high),
        {n: table[:, k] for k, n in enumerate(names) if n in fit.free and n != name},
        level,
    )


def _deviance(fit: Fit[Any]) -> float:
    """Twice the cost where the noise has a scale, and else that at which the scatter is as likely as it can be."""
    if fit.noise.free_scale or fit.noise.absolute:
        return 2.0 * float(fit.objective)
    return len(fit.residuals) * float(np.log(fit.objective))


def _crossing(value: np.ndarray, deviance: np.ndarray, beyond: float, end: float) -> float:
    """Where a profile first passes a bound, between two places; where it does not, the end of the range."""
    over = np.flatnonzero(deviance > beyond)
    if not over.size:
        return float(end)
    k = int(over[0])
    a, b = np.sqrt(np.maximum(deviance[[k - 1, k]], 0.0))
    share = (np.sqrt(beyond) - a) / max(b - a, 1e-300)
    return float(value[k - 1] + share * (value[k] - value[k - 1]))
