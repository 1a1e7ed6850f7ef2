"""How sure a fit is, from the curvature of its objective at the optimum."""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float

from .._core import RESULTS, InputError, Phrase
from ..laws import AbstractLaw
from ..params import values
from ..problem import Prepared, free_numbers, laws_at, representable
from ..results import INFORMED, Ensemble, Fit, check_fit, nearby
from ._fit import refuse_number

LawT = TypeVar("LawT", bound=AbstractLaw)


class Covariance(NamedTuple):
    """Covariance of fitted parameters.

    **Arguments:**

    - `names`: The free parameters, in order.
    - `matrix`: Covariance of their natural values, to first order.
    - `free`: Covariance on the solver's scale: of logarithms of positive parameters in centred inputs, where the
      objective is closest to a parabola; the last row is the logarithm of the noise's scale where that is free.
    """

    names: tuple[str, ...]
    matrix: Float[np.ndarray, "free free"]
    free: Float[np.ndarray, "number number"]

    @property
    def se(self) -> dict[str, float]:
        """Standard error of each parameter, in its own unit."""
        return dict(zip(self.names, np.sqrt(np.diag(self.matrix)).tolist(), strict=True))


def covariance(fit: Fit[Any], *, cluster: str | tuple[str, ...] | None = "auto") -> Covariance:
    r"""The covariance of the estimate to first order, $\sigma^2 (J^T J)^{-1}$ with J the slopes of the law.

    $\sigma^2$ is the residual variance on n - p degrees of freedom; for a Huber knee beyond nine in ten residuals it is
    Huber's $\overline{\psi^2}/\overline{\psi'}^2$. That of a noise whose scale s is estimated is $s^2$ times this,
    whatever the errors are: it holds for many runs and is too small for few, so that a share $\sqrt{p/n}$ of the
    residual variance is mixed in. Rows of one training count together (cluster-robust).

    **Arguments:**

    - `fit`: A single fit that converged.
    - `cluster`: What stands for one observation: see `Runs.clusters`. `None` takes every row for itself.

    **Raises:** `InputError` under a Huber noise whose knee is below the residual scale (only the few runs inside the
    knee carry curvature there, and errors from it are wrong: use `bootstrap`), where no degree of freedom is left, for
    a parameter that no run responds to, and for a direction that the runs do not inform.
    """
    _, cov = _curvature(fit, cluster)
    return cov


def laplace(
    fit: Fit[LawT],
    *,
    num: int = 1000,
    cluster: str | tuple[str, ...] | None = "auto",
    seed: int = 0,
) -> Ensemble[LawT]:
    """Draws from the normal distribution that has the fit's covariance, on the solver's scale.

    That is the logarithm of what must be above zero; what may vanish is drawn as it is, none below zero.

    **Arguments:**

    - `fit`: A single fit that converged.
    - `num`: Draws.
    - `cluster`: What stands for one observation: see `covariance`.
    - `seed`: Of the draws.

    **Returns:** an `Ensemble`; its objectives are NaN, as nothing was refitted.

    **Raises:** `InputError` as `covariance` does, and where half of the distribution lies below zero.
    """
    refuse_number("num", num, 2)
    refuse_number("seed", seed, 0)
    prepared, cov = _curvature(fit, cluster)
    theta = _numbers(prepared, fit)
    rng = np.random.default_rng([seed, 0x1A91])
    factor = np.linalg.cholesky(cov.free)
    curve = prepared.curve
    linear = np.flatnonzero(np.isfinite(curve.lower))
    draws = theta + rng.standard_normal((num, len(theta))) @ factor.T
    below = (draws[:, linear] < 0).any(axis=1)
    if np.mean(below) > 0.5:
        worst = linear[np.argmax(np.mean(draws[:, linear] < 0, axis=0))]
        raise InputError(
            "fit", Phrase(f"reaches far below zero for {fit.free[worst]}, by its curvature, which it cannot"),
            remedy=f"use bootstrap, or hold {fit.free[worst]} fixed",
        )  # fmt: skip
    while below.any():
        draws[below] = theta + rng.standard_normal((int(below.sum()), len(theta))) @ factor.T
        below = (draws[:, linear] < 0).any(axis=1)
    law: Any = laws_at(prepared, draws[:, : curve.size], np.zeros(num, int))
    return Ensemble(
        law=law,
        objective=np.full(num, np.nan),
        result=np.where(representable(law), int(RESULTS.successful), int(RESULTS.overflow)),
        scale=np.exp(draws[:, -1]) if fit.noise.free_scale else np.full(num, float(fit.scale)),
        unidentified=np.zeros((num, prepared.curve.size), bool),
        fit=fit,
        method="laplace",
        seed=seed,
    )


def _numbers(prepared: Prepared, fit: Fit[Any]) -> Float[np.ndarray, " number"]:
    theta = free_numbers(prepared, fit.law)
    return np.append(theta, np.log(fit.scale)) if fit.noise.free_scale else theta


def _curvature(fit: Fit[Any], cluster: str | tuple[str, ...] | None) -> tuple[Prepared, Covariance]:
    check_fit("fit", fit)
    if fit.keys is not None:
        raise InputError("fit", Phrase(f"is a batch of {len(fit.keys)} studies"), "one", "use bootstrap, or fit each")
    if not fit.converged:
        raise InputError("fit", Phrase("did not converge"), "an optimum, as curvature says nothing elsewhere")
    if np.any(fit.unidentified):
        lost = [name for name, unidentified in zip(fit.free, fit.unidentified, strict=True) if unidentified]
        said = Phrase(f"leaves {', '.join(lost)} unidentified: no run responds to it at the optimum")
        raise InputError("fit", said, remedy="hold it fixed, or use bootstrap")
    prepared, about = fit.problem.arrays, nearby(fit, cluster)
    found = about.spread
    count, size = int(found.units[0]), prepared.curve.size
    if found.freedom[0] < 1:
        what = f"{count} runs" if count == len(fit.residuals) else f"{len(fit.residuals)} rows of {count} runs"
        said = Phrase(f"has {size} free numbers to {what}, which leaves nothing to judge the scatter by")
        raise InputError("fit", said, remedy="add runs, or hold parameters fixed")
    if found.informed[0] < INFORMED:
        inside = f"{round(found.informed[0] * len(fit.residuals))} of {len(fit.residuals)} runs"
        raise InputError(
            "noise", Phrase(f"is {fit.noise}, and {inside} lie inside the knee"),
            "more of them, as errors from curvature are wrong otherwise",
            "use bootstrap, or a smooth noise (Gaussian, StudentT)",
        )  # fmt: skip
    if np.any(found.none[0]):
        said = Phrase("is no strict minimum: some direction of the parameters is not informed by the runs")
        raise InputError("fit", said, remedy="hold a parameter fixed, use a smaller law, or use bootstrap")
    table = values(about.laws)[:, list(prepared.curve.free)]
    slope = (table[:size] - table[size:]).T / about.step[0]
    free = found.covariance[0]
    matrix = slope @ free @ slope.T
    if fit.noise.free_scale:
        precision = prepared.data.precision
        z = fit.residuals / fit.scale * (1.0 if precision is None else np.asarray(precision)[0, : len(fit.residuals)])
        free = np.pad(free, (0, 1))
        free[-1, -1] = 1.0 / np.sum((z * np.asarray(fit.noise.psi(z)) - 1.0) ** 2)
    return prepared, Covariance(fit.free, matrix, free)
