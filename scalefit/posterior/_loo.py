"""How well draws foretell each run from the others, by weights instead of refits."""

import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._core import InputError
from ..results import Ensemble
from ._quality import USELESS
from ._recall import Recalled, densities, recalled
from ._smooth import weigh


class LeaveOneOut(NamedTuple):
    """How well each run is foretold from the others; each training, where rows share an offset.

    **Arguments:**

    - `elpd`: Expected log predictive density: the sum of `pointwise`. Higher is better.
    - `se`: Its standard error over the runs.
    - `effective`: Effective number of parameters: how much less that is than the density of runs already seen.
    - `khat`: By run or training, Pareto's k of the weights that leave it out; above 0.7 its density is a guess.
    - `pointwise`: By run or training, in order of first appearance, the logarithm of the density of its target, in the
        target's own unit.
    """

    elpd: float
    se: float
    effective: float
    khat: Float[np.ndarray, " unit"]
    pointwise: Float[np.ndarray, " unit"]

    def __repr__(self) -> str:
        bad = int(np.sum(~(self.khat <= USELESS)))
        doubt = f"; {bad} with Pareto k above {USELESS:g}" if bad else ""
        return (
            f"LeaveOneOut: elpd {self.elpd:.6g} ± {self.se:.2g} over {len(self.pointwise)}, "
            f"{self.effective:.3g} effective parameters{doubt}"
        )


def loo(draws: Ensemble[Any]) -> LeaveOneOut:
    r"""How well each run is foretold from all others, without a refit: Pareto-smoothed leave-one-out.

    $\mathrm{elpd} = \sum_i \log \sum_s w_{is}\, p(y_i \mid \theta_s)$ with $w_{is} \propto 1/p(y_i \mid \theta_s)$, the
    largest weights of each run smoothed. Where rows of one training share an offset, the whole training is left out.

    **Arguments:**

    - `draws`: Of a posterior, of one study.

    **Returns:** a `LeaveOneOut`; densities are of the target itself, also for a noise on logarithms.

    **Raises:** `InputError` for a batch, and for draws that are not of a posterior.

    **Warns:** where k̂ is above 0.7 for some.

    Source: arXiv 1507.04544.
    """
    if draws.method != "posterior":
        raise InputError(
            f"These draws are of {draws.method!r}, and leaving a run out weighs draws of a posterior: use "
            f"scalefit.sample."
        )
    found = left_out(recalled(draws))
    bad = int(np.sum(~(found.khat <= USELESS)))
    if bad:
        what = "runs" if len(found.khat) == len(draws.fit.residuals) else "trainings"
        warnings.warn(
            f"{bad} of {len(found.khat)} {what} change the posterior too much to be left out by weights (Pareto k "
            f"above {USELESS:g}): their densities are guesses. Look at them (scalefit.influence refits without them), "
            f"or use a noise of heavier tails.",
            stacklevel=2,
        )
    return found


def left_out(draws: Recalled) -> LeaveOneOut:
    """What leaving out each run or training in turn says."""
    log_density = densities(draws)
    # Sorted here: NumPy is several times as quick.
    order = np.argsort(-log_density, axis=0)
    with jax.enable_x64(True):
        told = _weighed(jnp.asarray(log_density), jnp.asarray(order))
        pointwise, khat, seen = (np.asarray(a) for a in told)
    return LeaveOneOut(
        elpd=float(pointwise.sum()),
        se=float(np.sqrt(len(pointwise) * np.var(pointwise))),
        effective=float(np.sum(seen - pointwise)),
        khat=khat,
        pointwise=pointwise,
    )


@jax.jit
def _weighed(log_density: Float[Array, "draw unit"], order: Int[Array, "draw unit"]) -> tuple[Array, Array, Array]:
    """By unit, the logarithm of its density when left out, k̂, and that when it is not."""

    def one(own: Array, places: Array) -> tuple[Array, Array, Array]:
        weighed = weigh(-own, places)
        there = jax.scipy.special.logsumexp(own, b=weighed.weight)
        return there, weighed.khat, jax.scipy.special.logsumexp(own) - jnp.log(own.shape[0])

    return jax.vmap(one, in_axes=1)(log_density, order)
