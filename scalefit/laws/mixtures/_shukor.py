"""Laws of size, tokens and weights of domains together."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ...params import Param, Scalar, axis, nonnegative, positive, zero_sum
from .._abstract import AbstractLaw
from .._formula import number, power
from .._inputs import SHARE


def _of_weights(C: Any, gamma: Any, w: Any) -> Any:
    """1 over the sum of C w^gamma; a domain without weight adds nothing to it, whatever its gamma."""
    there = jnp.asarray(w) > 0.0
    return 1.0 / jnp.sum(
        jnp.where(there, jnp.asarray(C) * jnp.exp(jnp.asarray(gamma) * jnp.log(jnp.where(there, w, 1.0))), 0.0)
    )


class MixingAdditive(AbstractLaw):
    r"""Weights, size and tokens add: $L = E + 1/\sum_i C_i w_i^{\gamma_i} + A N^{-\alpha} + B D^{-\beta}$.

    The best weights are then the same at every size. It is convex in them where no γ is above 1.

    Source: Shukor et al. 2025 (arXiv 2507.09404, additive law).
    """

    inputs: ClassVar[Mapping[str, str]] = {"w[domain]": SHARE, "N": "parameters", "D": "tokens"}
    domain: tuple[str, ...] = axis()

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    C: Param = positive(unit="1/target", typical=(0.3, 30.0), axis="domain")
    gamma: Param = positive(typical=(0.1, 1.0), axis="domain")
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()

    @property
    def convex_in(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]  it depends on gamma
        """The weights, where the sum is concave in them."""
        return ("w",) if np.all(np.asarray(self.gamma) <= 1.0) else ()

    def __call__(self, w: Any, N: Scalar, D: Scalar) -> Scalar:
        """The loss on a target of N parameters after D tokens, the share w[i] of them from domain i."""
        of_sizes = self.A * power(N, -self.alpha) + self.B * power(D, -self.beta)
        return self.E + _of_weights(self.C, self.gamma, w) + of_sizes


class MixingJoint(AbstractLaw):
    r"""Weights change all terms: $L = E + 1/\sum_i C_i w_i^{\gamma_i} + A_w N^{-\alpha} + B_w D^{-\beta}$.

    $A_w = A\,(\sum_i w_i e^{p_A a_i})^{1/p_A}$ and $B_w = B\,(\sum_i w_i e^{p_B b_i})^{1/p_B}$ are means of what
    domains alone leave, $A e^{a_i}$ and $B e^{b_i}$: linear at a p of 1, geometric at 0. Both a and b sum to 0. The
    best weights change with the size. The published form is $A_w = (\sum_i A_i w_i)^{\gamma_A}$ with $\gamma_A =
    1/p_A$ and $A_i = (A e^{a_i})^{p_A}$; its numbers run away together where a geometric mean fits best.

    Source: Shukor et al. 2025 (arXiv 2507.09404, joint law).
    """

    inputs: ClassVar[Mapping[str, str]] = {"w[domain]": SHARE, "N": "parameters", "D": "tokens"}
    domain: tuple[str, ...] = axis()

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    C: Param = positive(unit="1/target", typical=(0.3, 30.0), axis="domain")
    gamma: Param = positive(typical=(0.1, 1.0), axis="domain")
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    a: Param = zero_sum(axis="domain", typical=(-1.0, 1.0))
    b: Param = zero_sum(axis="domain", typical=(-1.0, 1.0))
    p_A: Param = nonnegative(typical=(0.5, 2.0))
    p_B: Param = nonnegative(typical=(0.5, 2.0))
    alpha: Param = positive()
    beta: Param = positive()

    screened: ClassVar[bool] = False

    def __call__(self, w: Any, N: Scalar, D: Scalar) -> Scalar:
        """The loss on a target of N parameters after D tokens, the share w[i] of them from domain i."""
        of_N = _mean(self.a, self.p_A, w) - self.alpha * jnp.log(number(N))
        of_D = _mean(self.b, self.p_B, w) - self.beta * jnp.log(number(D))
        return self.E + _of_weights(self.C, self.gamma, w) + self.A * jnp.exp(of_N) + self.B * jnp.exp(of_D)

    def guesses(self, inputs: Mapping[str, Any], target: np.ndarray, free: Sequence[str]) -> Sequence["MixingJoint"]:
        """The two best of regressions: of terms of size linear in the weights, then of what they leave."""
        fitted = {field.name for field in dataclasses.fields(self)} - {"domain", "E"}
        if {name.partition("[")[0] for name in free} - {"E"} != fitted:
            return ()
        w, N, D = (np.asarray(inputs[name], float) for name in ("w", "N", "D"))
        sizes, rest = _of_sizes(w, N, D, np.asarray(target))
        floors = rest.min() * np.array([0.0, 0.5, 0.8, 0.95]) if "E" in free else [float(self.E)]
        found: list[tuple[float, MixingJoint]] = []
        for E, gamma in itertools.product(floors, (0.2, 0.5, 0.8)):
            above = rest - E
            if not (above > 0.0).all():
                continue
            # 1/x errs by 1/x² of what x does.
            C = _above_zero(w**gamma, 1.0 / above, above**2 / target)
            left = np.abs((above - 1.0 / (w**gamma @ C)) / target).sum()
            found.append((float(left), dataclasses.replace(self, E=E, C=C, gamma=np.full(len(C), gamma), **sizes)))
        return [law for _, law in sorted(found, key=lambda one: one[0])[:2]]


def _of_sizes(w: np.ndarray, N: np.ndarray, D: np.ndarray, target: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """The terms of size of the best of some exponents, as the joint law has them, and what is left of the target."""
    n, d = (np.exp(np.mean(np.log(size))) for size in (N, D))
    best: tuple[float, dict[str, Any], np.ndarray] = np.inf, {}, target
    for alpha, beta in itertools.product((0.1, 0.3, 0.6), (0.2, 0.5, 1.0)):
        of_N, of_D = (N / n) ** -alpha, (D / d) ** -beta
        columns = np.concatenate([w, w * of_N[:, None], w * of_D[:, None]], axis=1)
        numbers = _above_zero(columns, target, 1.0 / target)
        miss = float(np.sum((columns @ numbers / target - 1.0) ** 2))
        if miss < best[0]:
            _, a, b = np.split(numbers, 3)
            rest = target - (w @ a) * of_N - (w @ b) * of_D
            A, B = np.log(a).mean(), np.log(b).mean()
            sizes = {"A": np.exp(A) * n**alpha, "B": np.exp(B) * d**beta, "alpha": alpha, "beta": beta}
            best = miss, sizes | {"a": np.log(a) - A, "b": np.log(b) - B, "p_A": 1.0, "p_B": 1.0}, rest
    return best[1], best[2]


def _above_zero(columns: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Numbers of least squares, none of them nothing."""
    from scipy.optimize import nnls  # fits of other laws do without it

    # As near as a start needs: many runs are a small matrix.
    Q, R = np.linalg.qr(columns * weight[:, None])
    found, _ = nnls(R, Q.T @ (target * weight))
    return np.maximum(found, 1e-2 * found.max())


def _mean(a: Any, p: Any, w: Any) -> Any:
    """The logarithm of the mean of e^a of exponent p, the geometric one where it is 0."""
    a, w = jnp.asarray(a), jnp.asarray(w)
    first = jnp.sum(w * a)
    off = a - first
    series = first + p / 2.0 * jnp.sum(w * off**2) + p**2 / 6.0 * jnp.sum(w * off**3)
    small = p < 1e-3  # where the series misses 1e-10 at most
    some = jnp.where(small, 1.0, p) * a
    top = jax.lax.stop_gradient(jnp.max(some))
    return jnp.where(small, series, (top + jnp.log(jnp.sum(w * jnp.exp(some - top)))) / jnp.where(small, 1.0, p))
