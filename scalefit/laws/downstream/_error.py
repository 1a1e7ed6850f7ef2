"""Error of tasks from the loss."""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import number


class DownstreamError(AbstractLaw):
    r"""Error of downstream tasks, on average, from the loss: $\mathrm{Err} = \epsilon - k\,e^{-\gamma x}$.

    Source: Gadre et al. 2024 (arXiv 2403.08540, eq. 5). ε is the error of a model that knows nothing; the law is of
    averages over tasks, and wants one run larger than those that tell the loss.
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    epsilon: Param = nonnegative(unit="target", amplitude=True, typical=(0.8, 2.0))
    k: Param = nonnegative(unit="target", amplitude=True, typical=(0.1, 10.0))
    gamma: Param = positive(unit="1/x", dims={"x": -1.0}, typical=(0.3, 10.0))

    def __call__(self, x: Scalar) -> Scalar:
        """The error at a loss of `x`."""
        return self.epsilon - self.k * jnp.exp(-self.gamma * number(x))
