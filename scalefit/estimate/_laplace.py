"""How sure a fit is, from the curvature of its objective at the optimum."""

import functools
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._core import RESULTS, InputError, Phrase
from ..laws import AbstractLaw
from ..noise import AbstractNoise
from ..params import numbers as natural_numbers
from ..problem import LawCurve, Prepared, free_numbers, laws_at, representable
from ..results import Ensemble, Fit
from ..solve import exact_moments
from ._fit import refuse_number

LawT = TypeVar("LawT", bound=AbstractLaw)

INSIDE = 0.9
"""Share of the runs that must lie inside a Huber knee before curvature says anything about the spread."""


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
    r"""The covariance of the estimate, $\sigma^2 H^{-1}$ with H the exact Hessian of the objective at the optimum.

    Student-t costs are negative log likelihoods and σ is 1; for Gaussian noise σ² is the residual variance on n - p
    degrees of freedom; for a Huber knee beyond nine in ten residuals it is Huber's
    $\overline{\psi^2}/\overline{\psi'}$.

    **Arguments:**

    - `fit`: A single fit that converged.
    - `cluster`: What stands for one observation: see `Runs.clusters`. `None` takes every row for itself.

    **Raises:** `InputError` under a Huber noise whose knee is below the residual scale (only the few runs inside the
    knee carry curvature there, and errors from it are wrong: use `bootstrap`), for rows of one training, which are not
    independent, for a parameter that no run feels, and for an optimum that is not a strict minimum.
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
    linear = np.flatnonzero(curve.linear)
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
        dead=np.zeros((num, prepared.curve.size), bool),
        fit=fit,
        method="laplace",
        seed=seed,
    )


def _numbers(prepared: Prepared, fit: Fit[Any]) -> Float[np.ndarray, " number"]:
    theta = free_numbers(prepared, fit.law)
    return np.append(theta, np.log(fit.scale)) if fit.noise.free_scale else theta


def _curvature(fit: Fit[Any], cluster: str | tuple[str, ...] | None) -> tuple[Prepared, Covariance]:
    if fit.keys is not None:
        raise InputError("fit", Phrase(f"is a batch of {len(fit.keys)} studies"), "one", "use bootstrap, or fit each")
    runs = fit.problem.runs
    if not fit.converged:
        raise InputError("fit", Phrase("did not converge"), "an optimum, as curvature says nothing elsewhere")
    trainings = np.unique(runs.clusters(cluster)).size
    if trainings < len(runs):
        raise InputError(
            "fit", Phrase(f"is of {len(runs)} rows of {trainings} runs, and curvature would take each row for itself"),
            remedy="use bootstrap, or `cluster=None` if the rows are independent",
        )  # fmt: skip
    if np.any(fit.dead):
        lost = [name for name, dead in zip(fit.free, fit.dead, strict=True) if dead]
        said = Phrase(f"leaves {', '.join(lost)} unidentified: no run responds to it at the optimum")
        raise InputError("fit", said, remedy="hold it fixed, or use bootstrap")
    prepared = fit.problem.arrays
    precision = prepared.data.precision
    standard = 1.0 if precision is None else np.asarray(precision)[0, : len(fit.residuals)]
    spread = _spread(fit.noise, fit.residuals * standard, len(fit.free))
    theta = _numbers(prepared, fit)
    size, data = prepared.curve.size, prepared.data
    hessian = np.asarray(exact_moments(prepared.curve, fit.noise, data, theta[None], np.zeros(1, int))[2][0])
    with jax.enable_x64(True):
        slope = np.asarray(_natural_slopes(prepared.curve, theta[:size], data.constant[0]))
    known = np.isfinite(hessian).all()
    values = np.linalg.eigvalsh(hessian) if known else np.zeros(1)
    if not known or values[0] <= 1e-13 * values[-1]:
        raise InputError(
            "fit", Phrase("is no strict minimum"), "an optimum that the runs inform in every direction",
            "hold a parameter fixed, use a smaller law, or use bootstrap",
        )  # fmt: skip
    free = spread * np.linalg.inv(hessian)
    return prepared, Covariance(fit.free, slope @ free[:size, :size] @ slope.T, free)


@functools.partial(jax.jit, static_argnames=("curve",))
def _natural_slopes(curve: LawCurve, free: Any, constant: Any) -> Any:
    """How the natural values move with the free numbers."""

    def natural(free: Any) -> Any:
        found = natural_numbers(curve.natural_law([*free], constant))
        return jnp.stack([found[place] for place in curve.free])

    return jax.jacfwd(natural)(free)


def _spread(noise: AbstractNoise, residuals: np.ndarray, parameters: int) -> float:
    if noise.free_scale:
        return 1.0
    left = len(residuals) - parameters
    if left <= 0:
        raise InputError(
            "fit", Phrase(f"is of {len(residuals)} runs and {parameters} parameters"), "more runs than parameters",
            "add runs, or hold parameters fixed",
        )  # fmt: skip
    if noise.informed(residuals) < INSIDE:
        inside = round(noise.informed(residuals) * residuals.size)
        raise InputError(
            "noise", Phrase(f"is {noise}, and {inside} of {residuals.size} runs lie inside the knee"),
            "more of them, as errors from curvature are wrong otherwise",
            "use bootstrap, or a smooth noise (Gaussian, StudentT)",
        )  # fmt: skip
    return float(np.sum(np.asarray(noise.psi(residuals)) ** 2) / left / np.mean(np.asarray(noise.curvature(residuals))))
