"""A power law through optima: how N, D or D/N of the best plan grows with compute."""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from ..._core import check_probability
from ...results import Estimate, estimated


class Trend(NamedTuple):
    r"""A power law in compute, $y = k\,C^a$, with its replicates where there are any.

    **Arguments:**

    - `exponent`: The exponent a, of each setting where there are several; `coefficient`: the logarithm of k.
    - `draws`: Exponent and logarithm of k of each replicate, or `None`.
    - `scatter`: Standard deviation of the logarithm of an optimum about the line beyond its own error, NaN where no
      more than two make the line; `None` where the points are not estimates that scatter.
    """

    exponent: Float[np.ndarray, "*setting"]
    coefficient: Float[np.ndarray, "*setting"]
    draws: Float[np.ndarray, "draw *setting 2"] | None
    scatter: Float[np.ndarray, "*setting"] | None = None

    @property
    def valid(self) -> Float[np.ndarray, "*setting"] | None:
        """Share of the replicates that have two points, and so a line; `None` without replicates."""
        return None if self.draws is None else np.asarray(np.isfinite(self.draws[..., 0]).mean(axis=0))

    def said(self, what: str, digits: int = 4) -> str:
        """The law of one setting in words, as `N* ~ C^0.5 [0.45, 0.55]` with the 95 % interval."""
        return f"{what} ~ C^{self.interval():.{digits}g}"

    def doubts(self) -> tuple[str, ...]:
        """In words, what the intervals do not count."""
        if self.valid is None:
            return ()
        found = []
        most = np.max(np.where(np.isfinite(self.exponent), 1.0 - self.valid, 0.0))
        if most > 0.05:
            some = "" if np.size(self.valid) == 1 else "up to "
            found.append(f"{some}{most:.0%} of the replicates have no line, and the intervals are of the others")
        if self.scatter is not None and np.any(np.isnan(self.scatter) & np.isfinite(self.exponent)):
            found.append("a line through two optima meets both, so that its interval knows their own errors alone")
        return tuple(found)

    def interval(self, level: float = 0.95) -> Estimate:
        """The exponent with its central interval, of the replicates that have a line.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        return estimated(self.exponent, None if self.draws is None else self.draws[..., 0], level)

    def at(self, C: ArrayLike, level: float = 0.95) -> Estimate:
        """The value at a compute in FLOP, one or several, the settings first.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        check_probability("level", level)
        log_C = np.log(np.asarray(C, float))

        def line(a: np.ndarray, k: np.ndarray) -> np.ndarray:
            return np.exp(np.multiply.outer(a, log_C) + np.reshape(k, (*np.shape(k), *[1] * log_C.ndim)))

        value = np.asarray(line(self.exponent, self.coefficient))
        draws = None if self.draws is None else line(self.draws[..., 0], self.draws[..., 1])
        return estimated(value, draws, level)


def trend(
    log_C: Float[np.ndarray, "setting point"],
    log_y: Float[np.ndarray, "setting point"],
    weight: Float[np.ndarray, "setting point"],
    replicates: Float[np.ndarray, "draw setting point"] | None,
) -> Trend:
    """Weighted least squares of the logarithms; points that are NaN take no part, and two at least make a line."""
    a, k = _line(log_C, log_y, weight)
    draws = None if replicates is None else np.stack(_line(log_C, replicates, weight), axis=-1)
    return Trend(a, k, draws)


class Replicates(NamedTuple):
    """What the intervals of a line through estimates are drawn from.

    **Arguments:**

    - `estimates`: The estimates with their noise drawn once more.
    - `normal`: Standard normal numbers, for the scatter between curves; `uniform`: for the width of Student's t.
    - `together`: Whether the errors of different estimates hang together, so that residuals show less than they are.
    """

    estimates: Float[np.ndarray, "draw setting point"]
    normal: Float[np.ndarray, "draw setting point"]
    uniform: Float[np.ndarray, "draw setting"]
    together: Bool[np.ndarray, " setting"]


def trend_of_estimates(
    log_C: Float[np.ndarray, "setting point"],
    log_y: Float[np.ndarray, "setting point"],
    se: Float[np.ndarray, "setting point"],
    drawn: Replicates | None,
    weighted: bool,
    scatter: float | None,
) -> Trend:
    r"""A line through estimates that scatter about it by more than their own errors tell.

    The variance between curves, $\tau^2$, is that of the largest restricted likelihood, and points count by
    $1/(se^2 + \tau^2)$. Replicates of the line are spread by both, and as Student's t is with the degrees of freedom
    that the points leave, in units of what the residuals show (Hartung and Knapp 2001, doi:10.1002/sim.791).

    **Arguments:**

    - `log_C`, `log_y`: The points, NaN where there is none; `se`: standard errors of `log_y`.
    - `drawn`: What replicates are made from, if any.
    - `weighted`: Whether points count by their errors, or all the same.
    - `scatter`: $\tau$ where it is known, and errors with it, so that replicates are spread by just these.
    """
    there = np.isfinite(log_C) & np.isfinite(log_y) & np.isfinite(se)
    left = np.count_nonzero(there, axis=-1) - 2
    size = np.where(there, se, 0.0)
    own = np.where(there, np.maximum(size, 1e-12 + 1e-6 * size.max(axis=-1, keepdims=True)) ** 2, np.inf)
    told = left > 0 if scatter is None else np.zeros(len(left), bool)
    between = np.full(len(left), 0.0 if scatter is None else scatter**2)
    between[told] = _between(log_C[told], log_y[told], own[told])
    count = 1.0 / (own + between[:, None])
    weight = count if weighted else there.astype(float)
    line = trend(log_C, log_y, weight, None)._replace(
        scatter=np.where(told | (scatter is not None), np.sqrt(between), np.nan)
    )
    if drawn is None:
        return line
    off = drawn.estimates - log_y
    if told.any():
        from scipy.special import gammaincinv  # a third of a second, which few plans need

        left, width = left[told], np.ones(drawn.uniform.shape)
        shown = _misfit(log_C[told], log_y[told], count[told]) / left
        shown = np.where(drawn.together[told], np.maximum(shown, 1.0), shown)
        # As Student's t from a normal: its width is drawn too, and is one for all points of a line.
        width[:, told] = np.sqrt(shown * left / (2.0 * gammaincinv(0.5 * left, drawn.uniform[:, told])))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Degrees of freedom", RuntimeWarning)
            # Errors may have been made wider than their replicates are.
            more = np.maximum(se**2 - np.nanvar(off, axis=0), 0.0)
        off = (off + np.sqrt(between[:, None] + more) * drawn.normal) * width[..., None]
    elif scatter:
        off = off + scatter * drawn.normal
    a, k = _line(log_C, log_y + off, weight)
    return line._replace(draws=np.stack((a, k), axis=-1))


def _misfit(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The weighted sum of squares about the line of weighted least squares."""
    a, k = _line(x, y, weight)
    apart = np.where(weight > 0, y - k[..., None] - a[..., None] * x, 0.0)
    return np.sum(weight * apart**2, axis=-1)


def _between(x: np.ndarray, y: np.ndarray, own: np.ndarray) -> np.ndarray:
    """The variance beyond `own` of largest restricted likelihood: on a grid that is drawn finer three times."""
    there = np.isfinite(own)
    least, most = np.min(own, axis=-1), np.nanmax(np.where(there, y, np.nan), axis=-1, initial=-np.inf)
    wide = np.maximum(most - np.nanmin(np.where(there, y, np.nan), axis=-1, initial=np.inf), 1e-12)
    low, high = np.log(1e-6 * np.minimum(np.sqrt(least), wide)), np.log(2.0 * wide)
    for _ in range(4):
        at = np.linspace(low, high, 60)
        loss = np.stack([_restricted(x, y, own, np.exp(2.0 * some)) for some in at])
        best = np.argmin(loss, axis=0)
        low, high = (np.take_along_axis(at, np.clip(best + one, 0, 59)[None], axis=0)[0] for one in (-1, 1))
    found = np.exp(low + high)
    none = _restricted(x, y, own, np.zeros(len(own)))
    # What is likelier by rounding alone is none.
    return np.where(_restricted(x, y, own, found) < none - 1e-6, found, 0.0)


def _restricted(x: np.ndarray, y: np.ndarray, own: np.ndarray, between: np.ndarray) -> np.ndarray:
    """Minus the logarithm of the restricted likelihood of a line."""
    weight = 1.0 / (own + between[:, None])
    there = weight > 0
    x = np.where(there, x, 0.0)
    sum_ = weight.sum(axis=-1)
    middle = np.sum(weight * x, axis=-1) / sum_
    across = np.sum(weight * (x - middle[:, None]) ** 2, axis=-1)
    logs = np.sum(np.log(np.where(there, weight, 1.0)), axis=-1)
    return 0.5 * (np.log(sum_) + np.log(across) - logs + _misfit(x, y, weight))


def _line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    there = np.isfinite(y) & np.isfinite(x) & (weight > 0)
    w = np.where(there, weight, 0.0)
    x, y = np.where(there, x, 0.0), np.where(there, y, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = w / w.sum(axis=-1, keepdims=True)
        x0 = np.sum(share * x, axis=-1, keepdims=True)
        y0 = np.sum(share * y, axis=-1)
        a = np.sum(share * (x - x0) * y, axis=-1) / np.sum(share * (x - x0) ** 2, axis=-1)
    a = np.where(np.count_nonzero(there, axis=-1) < 2, np.nan, a)
    return a, y0 - a * x0[..., 0]


def of_setting(trend: Trend, i: int) -> Trend:
    """The trend of one setting, without their axis."""
    draws = None if trend.draws is None else trend.draws[:, i]
    scatter = None if trend.scatter is None else np.asarray(trend.scatter[i])
    return Trend(np.asarray(trend.exponent[i]), np.asarray(trend.coefficient[i]), draws, scatter)
