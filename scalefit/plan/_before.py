"""What is known before any of the runs: draws of a law, and how sure each is."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from .._core import InputError
from ..data import Runs
from ..estimate import Studies, inputs_for, precision_of, studies_of, usable
from ..laws import AbstractLaw
from ..params import slots, values
from ..posterior import optima, rivalled
from ..results import Ensemble, Fit


class Before(NamedTuple):
    """What a result says.

    **Arguments:**

    - `law`: The law with values.
    - `draws`: The same with a leading axis; one draw where there are no others.
    - `free`: The places of its free numbers.
    - `failed`: Draws that did not converge and are left out.
    - `fit`: The fit, if there is one.
    - `done`: Inputs of the runs that say how sure each draw is; `None` where the spread of the draws does, or nothing.
    - `precision`: The median scatter of these runs by that of each, by their `se` where they have one; rows of one
        training count for less the more they are off together.
    """

    law: AbstractLaw
    draws: Any
    free: tuple[int, ...]
    failed: int
    fit: Fit[Any] | None
    done: dict[str, Any] | None
    precision: Float[np.ndarray, " run"]


def before_of(result: Any, runs: Runs | None, num_draws: int) -> Before:
    """What is known by a fit with its runs, an ensemble of which so many draws are taken, or a law.

    Where most starts of a fit ended elsewhere, curvature about the best knows nothing of the others: each optimum is
    then among the draws as often as it is likely.

    **Raises:** `InputError` for a batch, a fit that did not converge or comes without its runs, and a law without
    values.
    """
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
    if isinstance(result, Fit) and runs is None:
        raise InputError(
            "A fit does not hold its runs, and nothing says how sure it is: pass runs=, or an ensemble, as bootstrap."
        )
    done, precision = None, np.ones(0)
    if runs is not None:
        study = Studies.of(usable(law, runs), None) if fit is None else studies_of(fit, runs)
        done = inputs_for(law, study.runs)[0]
        table = precision_of(study, fit is None or fit.noise.log)
        # Tables of studies are padded.
        precision = np.ones(len(study.runs)) if table is None else table[0, : len(study.runs)]
        training = study.runs.clusters()
        alike = 1.0 if fit is None else likeness(fit.residuals, training, float(fit.scale))
        precision = precision / np.sqrt(1.0 + alike * (np.bincount(training)[training] - 1))
    names = [slot.name for slot in slots(law)]
    free = tuple(range(len(names))) if fit is None else tuple(names.index(name) for name in fit.free)
    if isinstance(result, Fit) and runs is not None and rivalled(result).any():
        found = optima(result, runs)
        # Evenly through the weights: an optimum of weight w is w of the draws.
        ends = np.searchsorted(np.cumsum(found.weight), (np.arange(num_draws) + 0.5) / num_draws)
        place = np.minimum(ends, len(found.weight) - 1)
        return Before(law, jax.tree.map(lambda a: a[place], found.law), free, 0, fit, done, precision)
    if not isinstance(result, Ensemble):
        return Before(law, jax.tree.map(lambda a: np.asarray(a)[None], law), free, 0, fit, done, precision)
    good = np.flatnonzero(result.converged & np.isfinite(values(result.law)).all(axis=1))
    if good.size < 2:
        raise InputError("Fewer than two draws of the ensemble converged, so it says nothing of how sure the fit is.")
    draws = jax.tree.map(lambda a: np.asarray(a)[good[:num_draws]], result.law)
    return Before(law, draws, free, len(result) - good.size, fit, done, precision)


def likeness(residuals: Float[np.ndarray, " run"], training: Int[np.ndarray, " run"], scale: float) -> float:
    r"""How much rows of one training are off together: the correlation of their residuals, from 0 to 1.

    By analysis of variance, $(s_b - s_w)/(s_b + (m - 1)s_w)$ of the mean squares between and within trainings of m rows
    (the intraclass correlation), stray residuals cut off at three scatters. m rows so correlated tell of a mean what
    $m/(1 + (m - 1)\rho)$ independent ones do (Kish's design effect).
    """
    count = np.bincount(training)
    trainings, rows = len(count), len(training)
    if trainings == rows:
        return 0.0
    off = np.clip(residuals, -3.0 * scale, 3.0 * scale)
    mean = np.bincount(training, off) / count
    between = np.sum(count * mean**2) / trainings
    within = np.sum((off - mean[training]) ** 2) / (rows - trainings)
    size = (rows - np.sum(count**2) / rows) / max(trainings - 1, 1)
    whole = between + (size - 1.0) * within
    return float(np.clip((between - within) / whole, 0.0, 1.0)) if whole > 0 else 1.0


def spread_of(numbers: Float[np.ndarray, "draw free"]) -> Float[np.ndarray, "draw free free"]:
    """The covariance of draws, for each of them: at most that before any run, and of what never varies nearly none."""
    cov = np.cov(numbers, rowvar=False).reshape(numbers.shape[1], -1)
    # inv(inv(cov) + 1) without inverting what may be singular.
    cov = np.linalg.solve(cov + np.eye(len(cov)), cov) + 1e-14 * np.eye(len(cov))
    return np.broadcast_to(cov, (len(numbers), *cov.shape))
