"""What falling learning rates add to what their sum has learnt.

The rows of one training curve are a schedule each, cut at the step of the row. They are not independent of each other:
whole curves are drawn and held out, by the label that says which they are of (`run`), or else by how schedules go on.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import power
from .._inputs import Padded, Series


class Schedule(AbstractLaw):
    """What laws of schedules share: the sum of learning rates, and how far they fell at which place.

    A warm-up that is in the series is a fall below 0, as in the released code: it lifts every later loss by about the
    same, which $L_0$ makes up for. Schedules of one fit have it or do not have it all alike.

    **Arguments:**

    - `stride`: The steps that each number of a schedule stands for.
    """

    inputs: ClassVar[Mapping[str, Any]] = {"lr": Series("learning rate")}

    stride: float = eqx.field(default=1.0, static=True, kw_only=True)

    def falls(self, lr: Padded) -> tuple[Any, Any, Any]:
        """By place: the learning rate, 0 beyond the end; the sum from there on; how far it fell there, or rose."""
        rate = jnp.where(lr.real, jnp.asarray(lr.values), 0.0)
        rest = jnp.flip(jnp.cumsum(jnp.flip(rate))) * self.stride
        fall = jnp.concatenate([jnp.zeros_like(rate[:1]), rate[:-1] - rate[1:]])
        return rate, rest, jnp.where(jnp.asarray(lr.real), fall, 0.0)


class Annealing(Schedule):
    r"""Area and annealing: $L = L_0 + A\,S_1^{-\alpha} - C\,S_2$.

    $S_1 = \sum_i\eta_i$ and $S_2 = \sum_i\sum_{k\le i}(\eta_{k-1}-\eta_k)\,\lambda^{i-k}$ of learning rates η: what
    falls goes on to help for a memory of m steps, $\lambda = 1 - 1/m$, which is mostly held at 1000 (λ = .999). A,
    $L_0$ and α trade off where curves are of one length. The coefficients are of one model.

    Source: Tissue et al. 2024 (arXiv 2408.11029, eq. 1).
    """

    L0: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(unit="target·rate^alpha", amplitude=True, typical=(0.02, 1.0))
    C: Param = nonnegative(unit="target/rate", amplitude=True, typical=(0.05, 2.0))
    alpha: Param = positive(typical=(0.2, 1.0))
    m: Param = positive(unit="steps", typical=(50.0, 5000.0))

    def __call__(self, lr: Padded) -> Scalar:
        """The loss at the end of the schedule."""
        _, rest, fall = self.falls(lr)
        after = jnp.flip(jnp.cumsum(jnp.flip(jnp.asarray(lr.real)))).astype(fall.dtype) * self.stride
        # The sum of the powers of λ over the steps from each place to the end.
        gained = -jnp.expm1(after * jnp.log1p(-1.0 / self.m)) * self.m
        return self.L0 + self.A * power(rest[0], -self.alpha) - self.C * jnp.sum(fall * gained)


class MultiPower(Schedule):
    r"""Multi-power: $L = L_0 + A\,S^{-\alpha} - B\sum_k(\eta_{k-1}-\eta_k)\,(1-(1+C\,\eta_k^{-\gamma}S_k)^{-\beta})$.

    S is the sum of all learning rates η, the warm-up among them, and $S_k$ of those from step k on: each fall helps as
    a power law of its own, the sooner the lower it leads. Three curves of different kind (cosine, constant, two stages)
    determine it for all others of one model. The field's fits are by Huber(1e-3).

    Source: Luo et al. 2025 (arXiv 2503.12811, eq. 5).
    """

    L0: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(unit="target·rate^alpha", amplitude=True, typical=(0.05, 1.0))
    B: Param = nonnegative(unit="target/rate", amplitude=True, typical=(10.0, 500.0))
    C: Param = positive(unit="rate^(gamma - 1)", typical=(0.2, 4.0))
    alpha: Param = positive(typical=(0.2, 0.8))
    beta: Param = positive(typical=(0.2, 0.8))
    gamma: Param = positive(typical=(0.3, 0.9))

    def __call__(self, lr: Padded) -> Scalar:
        """The loss at the end of the schedule."""
        rate, rest, fall = self.falls(lr)
        # A rate of 0 has learnt nothing since: what fell last counts for nothing yet.
        log_rate = jnp.log(jnp.where(rate > 0.0, rate, 1.0))
        reached = jnp.where(rate > 0.0, self.C * jnp.exp(-self.gamma * log_rate) * rest, 0.0)
        gained = -jnp.expm1(-self.beta * jnp.log1p(reached))
        return self.L0 + self.A * power(rest[0], -self.alpha) - self.B * jnp.sum(fall * gained)
