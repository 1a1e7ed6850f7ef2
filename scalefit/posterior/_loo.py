"""Leave-one-out: how well draws predict each run from the others, by weights instead of refits."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase, warn_of
from ..results import Ensemble, check_draws
from ._pointwise import Pointwise, pointwise
from ._psis import TOO_FAR, psis


class LeaveOneOut(NamedTuple):
    """Predictive densities of runs left out, one by one; of rows, unless those of a run share an offset.

    **Arguments:**

    - `elpd`: Expected log predictive density: the sum of `pointwise`. Higher is better.
    - `se`: Its standard error over the runs.
    - `effective`: Effective number of parameters: how much less that is than the density of runs already seen.
    - `khat`: By run or row, Pareto's k of the weights that leave it out; above 0.7 its density is a guess.
    - `pointwise`: By run or row, in order of first appearance, the logarithm of the density of its target, in the
        target's own unit.
    """

    elpd: float
    se: float
    effective: float
    khat: Float[np.ndarray, " unit"]
    pointwise: Float[np.ndarray, " unit"]

    def __repr__(self) -> str:
        bad = int(np.sum(~(self.khat <= TOO_FAR)))
        doubt = f"; {bad} with Pareto k above {TOO_FAR:g}" if bad else ""
        return (
            f"LeaveOneOut: elpd {self.elpd:.6g} ± {self.se:.2g} over {len(self.pointwise)}, "
            f"{self.effective:.3g} effective parameters{doubt}"
        )


def loo(draws: Ensemble[Any]) -> LeaveOneOut:
    r"""Predict each run from all others without a refit: Pareto-smoothed leave-one-out.

    $\mathrm{elpd} = \sum_i \log \sum_s w_{is}\, p(y_i \mid \theta_s)$ with $w_{is} \propto 1/p(y_i \mid \theta_s)$, the
    largest weights of each run smoothed. Where rows of a run share an offset, the whole run is left out.

    **Arguments:**

    - `draws`: Of a posterior, of one study.

    **Returns:** a `LeaveOneOut`; densities are of the target itself, also for a noise on logarithms.

    **Raises:** `InputError` for a batch, and for draws that are not of a posterior.

    **Warns:** where k̂ is above 0.7 for some.

    Source: arXiv 1507.04544.
    """
    check_posterior("draws", draws)
    found = left_out(pointwise(draws))
    bad = int(np.sum(~(found.khat <= TOO_FAR)))
    if bad:
        warn_of(
            "outliers",
            f"{bad} of {len(found.khat)} runs change the posterior too much to be left out by weights (Pareto k "
            f"above {TOO_FAR:g}): their densities are guesses",
            "look at them (scalefit.influence refits without them), or use a noise of heavier tails",
        )
    return found


def check_posterior(argument: str, draws: Ensemble[Any]) -> None:
    """Refuse draws that are of no posterior: leaving a run out weighs these."""
    if check_draws(argument, draws).method != "posterior":
        raise InputError(argument, Phrase(f"has draws of {draws.method!r}"), "those of a posterior, of scalefit.sample")


def left_out(draws: Pointwise) -> LeaveOneOut:
    """How well each unit is predicted from all others."""
    log_density = np.ascontiguousarray(draws.log_likelihood().T)
    found, seen = [], np.logaddexp.reduce(log_density, axis=1) - np.log(log_density.shape[1])
    # Some at a time, so that tails of very many do not fill the memory.
    for begin in range(0, len(log_density), 256):
        own = log_density[begin : begin + 256]
        weights = psis(-own)
        with np.errstate(divide="ignore"):
            found.append((np.logaddexp.reduce(own + np.log(weights.weight), axis=1), weights.khat))
    pointwise, khat = (np.concatenate(part) for part in zip(*found, strict=True))
    return LeaveOneOut(
        elpd=float(pointwise.sum()),
        se=float(np.sqrt(len(pointwise) * np.var(pointwise))),
        effective=float(np.sum(seen - pointwise)),
        khat=khat,
        pointwise=pointwise,
    )
