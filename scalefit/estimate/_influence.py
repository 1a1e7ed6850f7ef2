"""What each run does to a forecast: exactly, by leaving it out; and to first order, by differentiating the optimum."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float

from .._core import InputError, Phrase, warn_of
from ..data import Runs
from ..problem import LawCurve, Prepared, free_numbers
from ..results import INFORMED, Fit, check_fit
from ..solve import exact_moments, in_lanes, slopes
from ._bootstrap import bootstrap

TOGETHER = 1 << 26
"""Refits times runs laid out at once: half a gigabyte."""


class Influence(NamedTuple):
    """What leaving runs out does to a forecast.

    **Arguments:**

    - `value`: The forecast of the fit.
    - `change`: By run, the forecast without it (without its whole cluster, where clusters were asked for) minus
      `value`.
    - `converged`: By run, whether the fit without it reached an optimum, and a finite forecast.
    """

    value: float
    change: Float[np.ndarray, " run"]
    converged: Bool[np.ndarray, " run"]

    def __repr__(self) -> str:
        strongest = int(np.argmax(np.abs(self.change)))
        said = f"Influence on a forecast of {self.value:.6g}: the strongest of {len(self.change)} runs, at place "
        return f"{said}{strongest}, changes it by {self.change[strongest]:.3g}"


class Sensitivity(NamedTuple):
    """Derivatives of a forecast through the fit.

    **Arguments:**

    - `value`: The forecast of the fit.
    - `loss`: Its derivative in each run's target, in the target's own unit; standard errors of the runs are held, and
      what they weigh on logarithms, se/loss, moves with the loss.
    - `weight`: Its derivative in each run's weight (all 1); leaving run i out changes the forecast by about
      `-weight[i]`.
    - `se`: The forecast's standard error by the infinitesimal jackknife, clusters of runs taken together; `None` under
      a Huber noise whose knee is below the residual scale, where derivatives do not reach as far as an error does.
    """

    value: float
    loss: Float[np.ndarray, " run"]
    weight: Float[np.ndarray, " run"]
    se: float | None

    def __repr__(self) -> str:
        error = "" if self.se is None else f" ± {self.se:.2g}"
        return f"Sensitivity of a forecast of {self.value:.6g}{error} to {len(self.loss)} runs: .loss, .weight"


def influence(fit: Fit[Any], *, of: Callable[[Any], Any], cluster: str | tuple[str, ...] | None = None) -> Influence:
    """How much a forecast would change if each run had not been made: every refit, as one batch.

    **Arguments:**

    - `fit`: A single fit.
    - `of`: The forecast, a scalar function of the fitted law in JAX: `lambda law: law(N=7e10, D=1.4e12)`.
    - `cluster`: Leave out together the runs that share this label (see `Runs.clusters`); by default each by itself.

    **Raises:** `InputError` for a batch, or where `of` is not a scalar.
    """
    code, value = _single(fit).clusters(cluster), _forecast(of, fit.law)
    clusters = np.arange(int(code.max()) + 1)
    # A table of all refits by all runs would grow with the square of the runs.
    blocks = -(-clusters.size * code.size // TOGETHER)
    parts = []
    for left_out in np.array_split(clusters, blocks):
        draws = bootstrap(fit, weights=(code[None, :] != left_out[:, None]).astype(float))
        parts.append((in_lanes(of, draws.law), draws.converged))
    without, converged = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Influence(value, (without - value)[code], (converged & np.isfinite(without))[code])


def sensitivity(
    fit: Fit[Any], *, of: Callable[[Any], Any], cluster: str | tuple[str, ...] | None = "auto"
) -> Sensitivity:
    r"""Differentiate a forecast through the fit, by the stationarity of the optimum.

    With g the gradient and H the Hessian of the objective in the free numbers θ, $d\theta/dw_i = -H^{-1}\,\partial
    g/\partial w_i$ and $d\theta/dy_i = -H^{-1}\,\partial g/\partial y_i$: one linear solve serves every run.
    Parameters at a bound, and those that no run responds to, stay where they are.

    **Arguments:**

    - `fit`: A single fit.
    - `of`: The forecast, a scalar function of the fitted law in JAX.
    - `cluster`: What counts as one observation in the jackknife: see `Runs.clusters`.

    **Warns:** under a Huber noise whose knee is below the residual scale: only the runs inside the knee carry
    curvature, so these derivatives hold for tiny changes only; `influence` is exact.

    **Raises:** `InputError` as `influence` does, and where the optimum is not a strict minimum.
    """
    runs = _single(fit)
    if not fit.converged:
        raise InputError("fit", Phrase("did not converge"), "an optimum, as its derivatives say nothing elsewhere")
    value = _forecast(of, fit.law)
    narrow = fit.noise.informed(fit.residuals) < INFORMED
    if narrow:
        warn_of(
            "delta-sensitivity",
            f"Most runs lie outside the knee of {fit.noise}, where the objective has no curvature: these derivatives "
            f"hold for tiny changes only",
            "use influence for exact leave-one-out changes, and bootstrap for errors",
        )
    prepared = fit.problem.arrays
    curve, noise, data = prepared.curve, fit.noise, prepared.data
    theta = free_numbers(prepared, fit.law)
    at = np.append(theta, np.log(fit.scale)) if noise.free_scale else theta
    only = np.zeros(1, int)
    inside = np.append((np.asarray(curve.lower) < theta) & ~fit.unidentified, np.ones(int(noise.free_scale), bool))
    hessian = exact_moments(curve, noise, data, at[None], only)[2][0][np.ix_(inside, inside)]
    eigenvalues = np.linalg.eigvalsh(hessian)
    if eigenvalues[0] <= 1e-13 * eigenvalues[-1]:
        raise InputError(
            "fit", Phrase("is no strict minimum"), "an optimum that the runs inform in every direction",
            "hold a parameter fixed, or use influence",
        )  # fmt: skip
    slope = np.zeros(len(at))
    slope[: curve.size] = _slope(of, curve, theta, data.constant[0])
    slope[inside], slope[~inside] = np.linalg.solve(hessian, slope[inside]), 0.0
    by_weight, by_target = _through(fit, prepared, theta, slope)
    by_loss = by_target / np.asarray(runs.target) if noise.log else by_target
    together = np.bincount(runs.clusters(cluster), weights=by_weight)
    se = None if narrow else float(np.sqrt(np.sum(together**2)))
    return Sensitivity(value, by_loss, by_weight, se)


def _slope(of: Callable[[Any], Any], curve: LawCurve, theta: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """How a forecast moves with the free numbers."""

    def forecast(at: Any) -> Any:
        return of(curve.natural_law([at[i] for i in range(curve.size)], constant))

    with jax.enable_x64(True):
        return np.asarray(jax.jit(jax.grad(forecast))(theta))


def _through(
    fit: Fit[Any], prepared: Prepared, theta: Float[np.ndarray, " free"], slope: Float[np.ndarray, " number"]
) -> tuple[Float[np.ndarray, " run"], Float[np.ndarray, " run"]]:
    r"""Derivatives of a forecast in each run's weight and in its target, as the noise counts it.

    With s the forecast's slope times the inverse Hessian they are $-s\cdot\partial g/\partial w_i$ and
    $-s\cdot\partial g/\partial y_i$, g being the sum of $w_i\psi(z_i)\,\partial z_i/\partial\theta$.
    """
    noise, data, curve, runs = fit.noise, prepared.data, prepared.curve, fit.problem.runs
    count = len(runs)
    value, first = (a[..., 0, :count] for a in slopes(curve, theta[None], data, np.zeros(1, int)))
    by_scale = slope[curve.size] if noise.free_scale else 0.0
    unit = np.ones(count) if data.precision is None else data.precision[0, :count]
    unit = unit / fit.scale if noise.free_scale else unit
    z = (data.target[0, :count] - (np.log(value) if noise.log else value)) * unit
    psi, bend = (np.asarray(f(z)) for f in (noise.psi, noise.curvature))
    # How each residual moves along s: with the curve, and with the scale.
    along = -(slope[: curve.size] @ first) * unit / (value if noise.log else 1.0)
    moved = along - by_scale * z
    by_weight = -(psi * moved + by_scale)
    if data.precision is None or runs.se is None or not noise.log:
        return by_weight, -unit * (bend * moved - by_scale * psi)
    # On logarithms the precision is that of se/loss: it moves with the loss, and with the median of all.
    spread = runs.se / runs.target
    middle = np.argsort(spread, kind="stable")[(count - 1) // 2 : count // 2 + 1]
    median = np.zeros(count)
    median[middle] = -spread[middle] / np.sum(spread[middle])
    scaled = bend * z * moved + psi * (along - by_scale * z)
    return by_weight, -(unit * (bend * moved - by_scale * psi) + scaled + median * np.sum(scaled))


def _single(fit: Fit[Any]) -> Runs:
    check_fit("fit", fit)
    if fit.keys is not None:
        raise InputError("fit", Phrase(f"is a batch of {len(fit.keys)} studies"), "one", "ask for one at a time")
    return fit.problem.runs


def _forecast(of: Callable[[Any], Any], law: Any) -> float:
    expected = "a function of the law in jax.numpy that gives one number, as lambda law: law(N=7e10, D=1.4e12)"
    if not callable(of):
        raise InputError("of", of, expected)
    try:
        value = in_lanes(of, jax.tree.map(lambda a: np.asarray(a)[None], law))[0]
    except Exception as error:  # whatever a user's function raises
        first = str(error).splitlines()[0] if str(error) else ""
        raise InputError("of", Phrase(f"raises {type(error).__name__}: {first}"), expected) from error
    if value.shape != ():
        raise InputError("of", Phrase(f"gives an array of shape {value.shape}"), expected)
    if value.dtype.kind != "f":
        raise InputError("of", Phrase(f"gives {value.dtype} and no real number"), expected)
    if not np.isfinite(value):
        raise InputError(
            "of", Phrase(f"gives {float(value):g} at the fitted law"), "a forecast where the law is finite",
            "ask nearer to the fitted runs (a law of pools first takes law.covering(passes))",
        )  # fmt: skip
    return float(value)
