"""Vocabularies of different size."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import power


class Vocabulary(AbstractLaw):
    r"""Loss less that of a unigram model: $L = -E + A_1\,N^{-\alpha_1} + A_2\,(V d)^{-\alpha_2} + B\,D^{-\beta}$.

    N counts parameters outside the vocabulary of V words of width d, and D characters, as losses by token of different
    vocabularies are not to be compared; L is then below 0. The source ties α₁ and β: `tie={"alpha1": "beta"}`.

    Source: Tao et al. 2024 (arXiv 2407.13623, approach 3).
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "V": "words", "d": "width", "D": "characters"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.5, 3.0))
    A1: Param = nonnegative(
        unit="target·parameters^alpha1",
        amplitude=True,
        dims={"parameters": lambda law: law.alpha1},
        typical=(0.02, 1.0),
    )
    A2: Param = nonnegative(
        unit="target·(words·width)^alpha2",
        amplitude=True,
        dims={"words": lambda law: law.alpha2, "width": lambda law: law.alpha2},
        typical=(0.02, 1.0),
    )
    B: Param = nonnegative(
        unit="target·characters^beta", amplitude=True, dims={"characters": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    alpha1: Param = positive(typical=(0.1, 1.0))
    alpha2: Param = positive(typical=(0.1, 1.0))
    beta: Param = positive(typical=(0.1, 1.0))

    def __call__(self, N: Scalar, V: Scalar, d: Scalar, D: Scalar) -> Scalar:
        """The loss, less that of a unigram model, after D characters."""
        words = self.A2 * power(V, -self.alpha2) * power(d, -self.alpha2)
        return -self.E + self.A1 * power(N, -self.alpha1) + words + self.B * power(D, -self.beta)
