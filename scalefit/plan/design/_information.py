"""Prior information of a design: draws of a law, and what the runs done before leave unknown about each."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from ..._core import InputError, Phrase, check_type
from ...data import Runs
from ...laws import AbstractLaw
from ...posterior import optima
from ...problem import LawCurve, Studies, inputs_for, precision_of, usable
from ...results import Ensemble, Fit
from .._draws import drawn_of


class EarlierRuns(NamedTuple):
    """Runs done before.

    **Arguments:**

    - `inputs`: Their inputs.
    - `precision`: The median scatter of these runs by that of each, by their `se` where they have one.
    - `cluster`: The number of the training that each is of.
    - `residuals`: Of the fit to them, by `precision`; 0 without a fit.
    """

    inputs: dict[str, Any]
    precision: Float[np.ndarray, " run"]
    cluster: Int[np.ndarray, " run"]
    residuals: Float[np.ndarray, " run"]


class Information(NamedTuple):
    """What is known before any of the candidates.

    **Arguments:**

    - `law`: The law with values.
    - `draws`: The same with a leading axis; one draw where there are no others.
    - `curve`: The law as a function of its free numbers.
    - `failed`: Draws that did not converge and are left out.
    - `fit`: The fit, if there is one.
    - `done`: The runs that say how sure each draw is; `None` where the spread of the draws does, or nothing.
    """

    law: AbstractLaw
    draws: Any
    curve: LawCurve
    failed: int
    fit: Fit[Any] | None
    done: EarlierRuns | None


def information_of(
    result: Any, runs: Runs | None, num_draws: int, cluster: str | tuple[str, ...] | None = "auto"
) -> Information:
    """Information from a fit, an ensemble of which so many draws are taken, or a law and the runs done before.

    Where a fit has other optima that may be as good, curvature about the best knows nothing of them: each is then among
    the draws as often as it is likely.

    **Raises:** `InputError` for a batch, a fit that did not converge, a law without values, and runs that are none, or
    others than those of the fit.
    """
    check_type("done", runs, (Runs, type(None)), "Runs, as sf.read_runs gives them from a table")
    law, draws, failed, *_ = drawn_of(result, num_draws)
    fit = result.fit if isinstance(result, Fit | Ensemble) else None
    if draws is not None and len(draws_of_law := jax.tree.leaves(draws)[0]) < 2:
        raise InputError("result", Phrase(f"has {len(draws_of_law)} draw that converged"), "two or more")
    curve = LawCurve.of(law) if fit is None else fit.problem.curve
    done = None if runs is None and not isinstance(result, Fit) else _done(law, fit, runs, cluster)
    if isinstance(result, Fit) and (found := optima(result)) is not None:
        # Evenly through the weights: an optimum of weight w is w of the draws.
        ends = np.searchsorted(np.cumsum(found.weight), (np.arange(num_draws) + 0.5) / num_draws)
        place = np.minimum(ends, len(found.weight) - 1)
        draws = jax.tree.map(lambda a: a[place], found.law)
    elif draws is None:
        draws = jax.tree.map(lambda a: np.asarray(a)[None], law)
    return Information(law, draws, curve, failed, fit, done)


def _done(law: AbstractLaw, fit: Fit[Any] | None, runs: Runs | None, cluster: Any) -> EarlierRuns:
    """The runs of a fit, or those done before for a law."""
    if fit is None:
        assert runs is not None
        studies = Studies.of(usable(law, runs), None)
    elif runs is None or usable(law, runs).fingerprint == fit.problem.runs.fingerprint:
        studies = fit.problem.studies
    else:
        given = Phrase(f"has {len(runs)} runs of {runs.name!r}, and these are other runs than those fitted")
        expected = f"the {fit.source.used} runs of {fit.source.name!r}"
        raise InputError("done", given, expected, "fit again with them, or leave `done` out")
    inputs = inputs_for(law, studies.runs)[0]
    table = precision_of(studies, fit is None or fit.noise.log)
    # Tables of studies are padded.
    precision = np.ones(len(studies.runs)) if table is None else table[0, : len(studies.runs)]
    training = studies.runs.clusters(cluster)
    if fit is not None:
        return EarlierRuns(inputs, precision, training, np.asarray(fit.residuals) * precision)
    # Nothing says how much rows of a training are off together: they count as one run.
    precision = precision / np.sqrt(np.bincount(training)[training])
    return EarlierRuns(inputs, precision, np.arange(len(training)), np.zeros(len(training)))


def intraclass_correlation(
    residuals: Float[np.ndarray, " run"],
    cluster: Int[np.ndarray, " run"],
    scale: float,
    slopes: Float[np.ndarray, "run free"],
) -> float:
    r"""The correlation ρ of the errors of rows of one training, from 0 to 0.95.

    The ρ at which residuals, whatever the fit took up of them, are likeliest (restricted maximum likelihood: Patterson
    and Thompson 1971). Of one training alone nothing tells what its rows have in common from what the law took up, and
    ρ is 0 or near it: they count as they scatter about its own curve.

    **Arguments:**

    - `residuals`: By the scatter of each run; what strays further than three times `scale` is cut off there.
    - `cluster`: The number of the training of each.
    - `scale`: Of the residuals.
    - `slopes`: Of what each run shows in the numbers that were fitted, likewise by its scatter.
    """
    count = np.bincount(cluster)
    if count.max() == 1:
        return 0.0
    off = np.clip(residuals, -3.0 * scale, 3.0 * scale)
    basis = _basis(slopes)[0]
    basis = basis[:, basis.any(axis=0)]
    free = len(off) - basis.shape[1]
    if free < 1 or not np.any(off):
        return 0.0
    both = np.column_stack([basis, off])
    whole, sums = both.T @ both, _sums(both, cluster)

    def deviance(rho: float) -> float:
        """Minus twice the logarithm of the likelihood, of errors of the likeliest size."""
        # The inverse of the correlations takes its share off the sum of each training.
        share = rho / (1.0 + (count - 1) * rho)
        inverse = (whole - (sums * share[:, None]).T @ sums) / (1.0 - rho)
        _, size = np.linalg.slogdet(inverse)
        _, taken = np.linalg.slogdet(inverse[:-1, :-1])
        spread = np.sum((count - 1) * np.log1p(-rho) + np.log1p((count - 1) * rho))
        # What is left of the residuals is the ratio of both determinants.
        return float(spread + taken + free * (size - taken))

    # At 1 what sets rows apart would be known without error.
    return min(np.linspace(0.0, 0.95, 191).tolist(), key=deviance)


def decorrelated(
    slopes: Float[np.ndarray, "draw run free"], cluster: Int[np.ndarray, " run"], rho: float
) -> tuple[Float[np.ndarray, "draw some free"], float]:
    r"""Slopes of independent runs that tell as much as rows whose errors are correlated within trainings.

    Least squares leave the covariance $A^{-1} J^\top V J A^{-1}$ with $A = J^\top J$, V being 1 on the diagonal and ρ
    between rows of a training. With $J = U S W^\top$ its inverse is $W S M^{-1} S W^\top$, $M = U^\top V U$.

    **Returns:** the slopes, and tr M of the first draw: how many residuals the fit is worth in their sum of squares.
    """
    U, S, W = _basis(slopes)
    sums = np.stack([_sums(each, cluster) for each in U])
    M = (1.0 - rho) * np.eye(U.shape[-1]) + rho * np.swapaxes(sums, 1, 2) @ sums
    taken = (1.0 - rho) * np.sum(U[0] ** 2) + rho * np.sum(sums[0] ** 2)
    return np.linalg.solve(np.linalg.cholesky(M), S[..., None] * W), float(taken)


def _basis(slopes: Float[np.ndarray, "*draw run free"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The singular values of slopes and their directions; columns of 0 for what no run tells of."""
    U, S, W = np.linalg.svd(slopes, full_matrices=False)
    return U * (1e-10 * S.max(axis=-1, keepdims=True, initial=0.0) < S)[..., None, :], S, W


def _sums(columns: Float[np.ndarray, "run some"], cluster: Int[np.ndarray, " run"]) -> Float[np.ndarray, "group some"]:
    """The sum over each training."""
    found = np.zeros((cluster.max() + 1, columns.shape[1]))
    np.add.at(found, cluster, columns)
    return found


def covariance_of(numbers: Float[np.ndarray, "draw free"]) -> Float[np.ndarray, "draw free free"]:
    """The covariance of draws, for each of them: at most that before any run, and of what never varies nearly none."""
    cov = np.cov(numbers, rowvar=False).reshape(numbers.shape[1], -1)
    # inv(inv(cov) + 1) without inverting what may be singular.
    cov = np.linalg.solve(cov + np.eye(len(cov)), cov) + 1e-14 * np.eye(len(cov))
    return np.broadcast_to(cov, (len(numbers), *cov.shape))
