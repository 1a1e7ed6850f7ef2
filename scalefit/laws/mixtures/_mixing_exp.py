"""The loss over weights of domains: exponential in them, or linear."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from ...params import Param, Scalar, nonnegative, positive, real, simplex, zero_sum
from ._of_weights import OfWeights


class MixingExp(OfWeights):
    r"""Exponential in the weights of domains: $L = c + k\,e^{\sum_j t_j w_j}$.

    The weights sum to 1, so that a shift of all t is a factor of k: the t sum to 0. A negative $t_j$ says that more of
    domain j helps. With c held at 0, `MixingExp(c=0.0)` and `fixed="c"`, it is the log-linear law. It is convex in the
    weights. One law is of one target; several are a batch, `fit(..., by="target")`.

    Source: Ye et al. 2024 (arXiv 2403.16952, eq. 6), where the shift is left open.
    """

    screened: ClassVar[bool] = False

    c: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    # No amplitude: where one domain alone matters it is minute, being of even weights, and its logarithm is not.
    k: Param = positive(unit="target", typical=(0.02, 1.0), of_target=True)
    t: Param = zero_sum(axis="domain", typical=(-2.0, 2.0))

    def __call__(self, w: Any) -> Scalar:
        """The loss on a target of a model trained on the weights w of the domains."""
        return self.c + self.k * jnp.exp(jnp.dot(jnp.asarray(self.t), jnp.asarray(w), precision="highest"))

    def guesses(self, inputs: Mapping[str, Any], target: np.ndarray, free: Sequence[str]) -> Sequence["MixingExp"]:
        """The two best of regressions of the logarithm above several floors; beside that of one floor, no slopes."""
        w = np.asarray(inputs["w"])
        if {name.partition("[")[0] for name in free} - {"c"} != {"k", "t"}:
            return ()
        least = float(np.min(target))
        floors = least * np.array([0.001, *np.linspace(0.2, 0.9, 8), 0.95, 0.98]) if "c" in free else [float(self.c)]
        found: list[tuple[float, MixingExp]] = []
        for c in floors:
            above = target - c
            if not (above > 0.0).all():
                continue
            # The scatter of the logarithm above a floor is the larger the less is left.
            weight = above / target
            scaled = w * weight[:, None]
            # As near as a start needs: many runs are a small matrix.
            slopes, *_ = np.linalg.lstsq(scaled.T @ scaled, scaled.T @ (np.log(above) * weight), rcond=1e-12)
            left = np.abs(weight * (np.log(above) - w @ slopes)).sum()
            level = np.mean(slopes)
            found.append((left, dataclasses.replace(self, c=c, k=np.exp(level), t=slopes - level)))
        if len(found) == 1:
            # A second start, that two can agree: all domains alike.
            _, one = found[0]
            even = dataclasses.replace(one, k=np.median(target) - one.c, t=np.zeros(w.shape[1]))
            found.append((np.inf, even))
        return [law for _, law in sorted(found, key=lambda one: one[0])[:2]]


class MixingLinear(OfWeights):
    r"""Linear in the weights of domains: $L = \sum_j t_j w_j$, $t_j$ being the loss of domain j alone.

    Source: the linear regression of Liu et al. 2024 (arXiv 2407.01492).
    """

    t: Param = real(unit="target", amplitude=True, typical=(0.5, 1.5), axis="domain")

    def __call__(self, w: Any) -> Scalar:
        """The loss on a target of a model trained on the weights w of the domains."""
        return jnp.dot(jnp.asarray(self.t), jnp.asarray(w), precision="highest")


class MixingTransfer(OfWeights):
    r"""A power law of what all domains are worth to a target: $L = E + k\,(K \sum_j a_j w_j)^{-\gamma}$, K domains.

    $a_j$ is the worth of a token of domain j; the a sum to 1, so that k is what even weights leave above E. The first
    tokens of a useful domain help most, and domains stand in for each other. It is convex in the weights. On the runs
    of RegMix it ranks unseen mixtures best of the laws here (`benchmarks/mixture_laws.py`).

    Source: ours; the terms of tokens of Kang et al. 2024 (arXiv 2407.20177) and Shukor et al. 2025 (arXiv 2507.09404),
    with tokens of every domain worth something to the target.
    """

    screened: ClassVar[bool] = False

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    k: Param = positive(unit="target", typical=(0.05, 1.0), of_target=True)
    a: Param = simplex(axis="domain", typical=(-2.0, 2.0))
    gamma: Param = positive(typical=(0.03, 1.0))

    def __call__(self, w: Any) -> Scalar:
        """The loss on a target of a model trained on the weights w of the domains."""
        a = jnp.asarray(self.a)
        worth = a.shape[-1] * jnp.dot(a, jnp.asarray(w), precision="highest")
        return self.E + self.k * jnp.exp(-self.gamma * jnp.log(worth))

    def guesses(self, inputs: Mapping[str, Any], target: np.ndarray, free: Sequence[str]) -> Sequence["MixingTransfer"]:
        """The two best of what regressions at several floors and exponents give, no domain being worth nothing."""
        w = np.asarray(inputs["w"])
        if {name.partition("[")[0] for name in free} - {"E"} != {"k", "a", "gamma"}:
            return ()
        from scipy.optimize import nnls  # fits of other laws do without it

        least = float(np.min(target))
        floors = least * np.array([1e-3, 0.5, 0.8, 0.95]) if "E" in free else [float(self.E)]
        found: list[tuple[float, MixingTransfer]] = []
        for E, gamma in itertools.product(floors, (0.05, 0.15, 0.4)):
            above = target - E
            if not (above > 0.0).all():
                continue
            level = np.log(np.median(above))
            # Worth in units of that of the median run; an error of it counts the less the larger it is.
            worth = np.exp(-(np.log(above) - level) / gamma)
            weight = above / target / worth
            a, _ = nnls(w * weight[:, None], worth * weight)
            a = np.maximum(a, 1e-3 * a.max())
            left = np.abs(np.log(above) - level + gamma * np.log(w @ a)) @ (above / target)
            k = np.exp(level - gamma * np.log(a.mean()))
            found.append((float(left), dataclasses.replace(self, E=E, k=k, a=a / a.sum(), gamma=gamma)))
        return [law for _, law in sorted(found, key=lambda one: one[0])[:2]]
