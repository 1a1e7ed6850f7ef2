"""What is known before any of the runs: draws of a law, and how sure each is."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from ..._core import InputError
from ...data import Runs
from ...laws import AbstractLaw
from ...params import slots, values
from ...posterior import optima, rivalled
from ...problem import Studies, inputs_for, precision_of, usable
from ...results import Ensemble, Fit
from .._trainings import trainings

MOST_ALIKE = 0.95
"""Rows of one training are never taken to be more alike: else what sets them apart would be known without error."""


class Before(NamedTuple):
    """What a result says.

    **Arguments:**

    - `law`: The law with values.
    - `draws`: The same with a leading axis; one draw where there are no others.
    - `free`: The places of its free numbers.
    - `failed`: Draws that did not converge and are left out.
    - `fit`: The fit, if there is one.
    - `done`: Inputs of the runs that say how sure each draw is; `None` where the spread of the draws does, or nothing.
    - `precision`: The median scatter of these runs by that of each, by their `se` where they have one.
    - `training`: The number of the training that each of these runs is of.
    - `residuals`: Of these runs, by `precision`; 0 where there is no fit that has any.
    """

    law: AbstractLaw
    draws: Any
    free: tuple[int, ...]
    failed: int
    fit: Fit[Any] | None
    done: dict[str, Any] | None
    precision: Float[np.ndarray, " run"]
    training: Int[np.ndarray, " run"]
    residuals: Float[np.ndarray, " run"]


def before_of(result: Any, runs: Runs | None, num_draws: int, cluster: str | tuple[str, ...] | None = "auto") -> Before:
    """What is known by a fit with its runs, an ensemble of which so many draws are taken, or a law.

    Where most starts of a fit ended elsewhere, curvature about the best knows nothing of the others: each optimum is
    then among the draws as often as it is likely.

    **Raises:** `InputError` for a batch, a fit that did not converge or comes without its runs, a law without values,
    and runs that are none.
    """
    if not isinstance(runs, Runs | None):
        raise InputError(f"runs is a {type(runs).__name__}; expected Runs, as sf.read_runs gives them from a table.")
    fit = result if isinstance(result, Fit) else result.fit if isinstance(result, Ensemble) else None
    law = result if fit is None else fit.law
    if not isinstance(law, AbstractLaw):
        raise InputError(f"result is a {type(result).__name__}; expected a fit, an ensemble or a law.")
    if fit is not None and fit.keys is not None:
        raise InputError(f"The fit is a batch of {len(fit.keys)} studies: design for one, as fits[{fit.keys[0]!r}].")
    if fit is not None and not fit.converged:
        raise InputError("The fit did not converge, so it says nothing of what to do next: mend the fit first.")
    if not np.isfinite(values(law)).all():
        raise InputError(f"{law!r} has numbers that are not known: fit it, or take a published one.")
    if fit is not None and runs is not None and usable(law, runs).fingerprint != fit.problem.runs.fingerprint:
        raise InputError(
            f"The fit was made from {fit.source.used} runs of {fit.source.name!r}, and these are other runs "
            f"({len(runs)} of {runs.name!r}): fit again with them, or leave runs= out."
        )
    if isinstance(result, Fit):
        runs = result.problem.runs
    done, precision, training, residuals = None, np.ones(0), np.zeros(0, int), np.zeros(0)
    if runs is not None:
        study = Studies.of(usable(law, runs), None) if fit is None else fit.problem.studies
        done = inputs_for(law, study.runs)[0]
        table = precision_of(study, fit is None or fit.noise.log)
        # Tables of studies are padded.
        precision = np.ones(len(study.runs)) if table is None else table[0, : len(study.runs)]
        training = trainings(study.runs, cluster)
        if fit is None:
            # Nothing says how much rows of a training are off together: they count as one run.
            precision, training = precision / np.sqrt(np.bincount(training)[training]), np.arange(len(training))
            residuals = np.zeros(len(training))
        else:
            residuals = np.asarray(fit.residuals) * precision
    measured = (done, precision, training, residuals)
    names = [slot.name for slot in slots(law)]
    free = tuple(range(len(names))) if fit is None else tuple(names.index(name) for name in fit.free)
    if isinstance(result, Fit) and runs is not None and rivalled(result).any():
        found = optima(result)
        # Evenly through the weights: an optimum of weight w is w of the draws.
        ends = np.searchsorted(np.cumsum(found.weight), (np.arange(num_draws) + 0.5) / num_draws)
        place = np.minimum(ends, len(found.weight) - 1)
        return Before(law, jax.tree.map(lambda a: a[place], found.law), free, 0, fit, *measured)
    if not isinstance(result, Ensemble):
        return Before(law, jax.tree.map(lambda a: np.asarray(a)[None], law), free, 0, fit, *measured)
    good = np.flatnonzero(result.converged & np.isfinite(values(result.law)).all(axis=1))
    if good.size < 2:
        raise InputError("Fewer than two draws of the ensemble converged, so it says nothing of how sure the fit is.")
    draws = jax.tree.map(lambda a: np.asarray(a)[good[:num_draws]], result.law)
    return Before(law, draws, free, len(result) - good.size, fit, *measured)


def likeness(
    residuals: Float[np.ndarray, " run"],
    training: Int[np.ndarray, " run"],
    scale: float,
    slopes: Float[np.ndarray, "run free"],
) -> float:
    r"""How much rows of one training are off together: the correlation ρ of their errors, from 0 to `MOST_ALIKE`.

    The ρ at which residuals, whatever the fit took up of them, are likeliest (restricted maximum likelihood: Patterson
    and Thompson 1971). Of one training alone nothing tells what its rows have in common from what the law took up, and
    ρ is 0 or near it: they count as they scatter about its own curve.

    **Arguments:**

    - `residuals`: By the scatter of each run; what strays further than three times `scale` is cut off there.
    - `training`: The number of the training of each.
    - `scale`: Of the residuals.
    - `slopes`: Of what each run shows in the numbers that were fitted, likewise by its scatter.
    """
    count = np.bincount(training)
    if count.max() == 1:
        return 0.0
    off = np.clip(residuals, -3.0 * scale, 3.0 * scale)
    basis = _basis(slopes)[0]
    basis = basis[:, basis.any(axis=0)]
    free = len(off) - basis.shape[1]
    if free < 1 or not np.any(off):
        return 0.0
    both = np.column_stack([basis, off])
    whole, sums = both.T @ both, _sums(both, training)

    def unlikely(alike: float) -> float:
        """Minus twice the logarithm of the likelihood, of errors of the likeliest size."""
        # The inverse of the correlations takes its share off the sum of each training.
        share = alike / (1.0 + (count - 1) * alike)
        inverse = (whole - (sums * share[:, None]).T @ sums) / (1.0 - alike)
        _, size = np.linalg.slogdet(inverse)
        _, taken = np.linalg.slogdet(inverse[:-1, :-1])
        spread = np.sum((count - 1) * np.log1p(-alike) + np.log1p((count - 1) * alike))
        # What is left of the residuals is the ratio of both determinants.
        return float(spread + taken + free * (size - taken))

    return min(np.linspace(0.0, MOST_ALIKE, 191).tolist(), key=unlikely)


def together(
    slopes: Float[np.ndarray, "draw run free"], training: Int[np.ndarray, " run"], alike: float
) -> tuple[Float[np.ndarray, "draw some free"], float]:
    r"""Slopes of independent runs that tell as much as rows whose errors are correlated within trainings.

    Least squares leave the covariance $A^{-1} J^\top V J A^{-1}$ with $A = J^\top J$, V being 1 on the diagonal and ρ
    between rows of a training. With $J = U S W^\top$ its inverse is $W S M^{-1} S W^\top$, $M = U^\top V U$.

    **Returns:** the slopes, and tr M of the first draw: how many residuals the fit is worth in their sum of squares.
    """
    U, S, W = _basis(slopes)
    sums = np.stack([_sums(each, training) for each in U])
    M = (1.0 - alike) * np.eye(U.shape[-1]) + alike * np.swapaxes(sums, 1, 2) @ sums
    taken = (1.0 - alike) * np.sum(U[0] ** 2) + alike * np.sum(sums[0] ** 2)
    return np.linalg.solve(np.linalg.cholesky(M), S[..., None] * W), float(taken)


def _basis(slopes: Float[np.ndarray, "*draw run free"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The singular values of slopes and their directions; columns of 0 for what no run tells of."""
    U, S, W = np.linalg.svd(slopes, full_matrices=False)
    return U * (1e-10 * S.max(axis=-1, keepdims=True, initial=0.0) < S)[..., None, :], S, W


def _sums(columns: Float[np.ndarray, "run some"], training: Int[np.ndarray, " run"]) -> Float[np.ndarray, "group some"]:
    """The sum over each training."""
    found = np.zeros((training.max() + 1, columns.shape[1]))
    np.add.at(found, training, columns)
    return found


def spread_of(numbers: Float[np.ndarray, "draw free"]) -> Float[np.ndarray, "draw free free"]:
    """The covariance of draws, for each of them: at most that before any run, and of what never varies nearly none."""
    cov = np.cov(numbers, rowvar=False).reshape(numbers.shape[1], -1)
    # inv(inv(cov) + 1) without inverting what may be singular.
    cov = np.linalg.solve(cov + np.eye(len(cov)), cov) + 1e-14 * np.eye(len(cov))
    return np.broadcast_to(cov, (len(numbers), *cov.shape))
