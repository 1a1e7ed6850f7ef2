"""The optima of a fit whose starts disagree, each as likely as its evidence says."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..results import Fit
from ._draw import far_starts
from ._mode import modes
from ._pose import laws_of, pose


class Optima(NamedTuple):
    """Where the posterior density has its maxima.

    **Arguments:**

    - `law`: The law at each along a leading axis, the likeliest first.
    - `weight`: The share of each: its evidence by the curvature about it.
    """

    law: Any
    weight: Float[np.ndarray, " optimum"]


def optima(fit: Fit[Any], *, cluster: str | tuple[str, ...] | None = "auto", seed: int = 0) -> Optima:
    """The optima that are reached from that of a single fit and from draws of the prior.

    **Arguments:** as `sample` has them.

    **Raises:** `InputError` as `sample` does.
    """
    (posed,) = pose(fit, cluster)
    begin = np.concatenate([posed.starts[:, None], far_starts(fit, posed, seed)], axis=1)[0]
    with jax.enable_x64(True):
        rows = posed.problem._replace(noise=None, prior=None)  # pyright: ignore[reportArgumentType]  they have no axis
        own = jax.tree.map(lambda a: a[0], rows)._replace(noise=posed.problem.noise, prior=posed.problem.prior)
        found, evidence = jax.tree.map(np.asarray, _modes(posed.prepared.curve, jnp.asarray(begin), own))
    there = np.isfinite(evidence)
    share = np.exp(evidence[there] - evidence.max())
    law = jax.tree.map(lambda a: a[0], laws_of(posed, found.numbers[None, there]))
    return Optima(law, share / share.sum())


_modes = functools.partial(jax.jit, static_argnums=0)(modes)
