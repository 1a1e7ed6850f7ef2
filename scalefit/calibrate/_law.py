"""The stack of arms as a law of its own."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..laws import AbstractLaw, inputs_of
from ..params import Scalar
from ._coupled import Coupled, log_loss
from ._prior import Prior
from ._stack import Trust


class CoupledLaw(AbstractLaw):
    """One study of `Coupled` as a law, or many draws of it.

    **Arguments:**

    - `numbers`, `centre`: As there.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}

    numbers: Any
    centre: Any

    @classmethod
    def of(cls, fits: Coupled, study: int, draws: np.ndarray | None = None) -> "CoupledLaw":
        """The law of a study, or one of each of its draws."""
        if draws is None:
            return cls(fits.numbers[study], fits.centre[study])
        return cls(draws, np.broadcast_to(fits.centre[study], (len(draws), 3)))

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens."""
        n, d = jnp.log(N) - self.centre[0], jnp.log(D) - self.centre[1]
        return jnp.exp(log_loss(self.numbers[None], n[None, None], d[None, None])[0, 0] + self.centre[2])


class StackedLaw(AbstractLaw):
    r"""The weighted mean of arms, in logarithms, with weights that change with the e-folds T beyond the runs.

    $\log y = \rho \log f_0 + (1 - \rho) \log s$, ρ being the probability that the law $f_0$ itself is right, and
    $\log s = \sum_a w_a \log f_a + \delta T + \eta \sqrt{T}$ with
    $w_a \propto \left((r_a m_a(T))^{-p} e^{g_a}\right)^c$. A draw has chances g, of Gumbel's distribution, by which one
    arm has most of the weight, each as often as it weighs in the law itself (c sharpens them); drifts δ and η; and ρ of
    0 or 1. Of laws of N and D it also has a shift σ, by which other sizes are best at the same compute: arms are asked
    at $N e^{\sigma (1 + T/2)}$ and $D e^{-\sigma (1 + T/2)}$. The law itself has none of these, and c = 1.

    **Arguments:**

    - `terms`: The laws of the arms.
    - `misses`: By arm, r and the numbers of m.
    - `chance`: g by arm; `sharp`: c; `drift`: δ and η; `shift`: σ.
    - `right`: ρ.
    - `reached`: The most compute of the runs; `along`: its name, or that of another size.
    - `power`: p.
    """

    terms: tuple[AbstractLaw, ...]
    misses: Any
    chance: Any
    sharp: Any
    drift: Any
    shift: Any
    right: Any
    reached: Any
    along: str = eqx.field(static=True)
    power: float = eqx.field(static=True)

    @classmethod
    def of(
        cls, laws: tuple[AbstractLaw, ...], prior: Prior, names: Sequence[str], trusted: Trust, reached: float,
        along: str,
    ) -> "StackedLaw":  # fmt: skip
        """The stack with the trust of one study."""
        misses = trusted.arms[0][:, None] * np.array([prior.arms[name][:3] for name in names])
        still = np.zeros(len(laws)), np.ones(()), np.zeros(2), np.zeros(())
        return cls(laws, misses, *still, trusted.right[0], np.asarray(reached), along, prior.power)

    @property
    def inputs(self) -> Mapping[str, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]  asked of the arms
        """Those of every arm."""
        return {name: said for law in self.terms for name, said in inputs_of(law).items()}

    def sized_for(self, inputs: Mapping[str, Any]) -> "StackedLaw":
        """The stack with each arm covering these inputs."""
        return self._of_terms(lambda law: law.sized_for({name: inputs[name] for name in inputs_of(law)}))

    def smooth(self) -> "StackedLaw":
        """The stack of the smooth forms of its arms."""
        return self._of_terms(lambda law: law.smooth())

    def compact(self) -> "StackedLaw":
        """The stack of the compact forms of its arms."""
        return self._of_terms(lambda law: law.compact())

    def _of_terms(self, change: Callable[[AbstractLaw], AbstractLaw]) -> "StackedLaw":
        return dataclasses.replace(self, terms=tuple(map(change, self.terms)))

    @property
    def smaller_is_better(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  asked of the arms
        """As the first arm says."""
        return self.terms[0].smaller_is_better

    def __call__(self, **inputs: Any) -> Scalar:
        """The value of the stack."""
        of_both = {"N", "D"} <= set(inputs)
        size = 6.0 * inputs["N"] * inputs["D"] if of_both else inputs[self.along]
        T = jnp.maximum(jnp.log(size / self.reached), 0.0)
        miss = self.misses[:, 0] + self.misses[:, 1] * T + self.misses[:, 2] * T**2
        weight = jax.nn.softmax(self.sharp * (self.chance - self.power * jnp.log(miss)))
        if of_both:
            shift = jnp.exp((1.0 - self.right) * self.shift * (1.0 + 0.5 * T))
            inputs = {**inputs, "N": inputs["N"] * shift, "D": inputs["D"] / shift}
        logs = jnp.log(jnp.stack([law(**{n: inputs[n] for n in inputs_of(law)}) for law in self.terms]))
        drift = self.drift[0] * T + self.drift[1] * jnp.sqrt(T + 1e-12)  # whose slope is finite
        stack = jnp.sum(weight * logs) + drift
        return jnp.exp(self.right * logs[0] + (1.0 - self.right) * stack)
