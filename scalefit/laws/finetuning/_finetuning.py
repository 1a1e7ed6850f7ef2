"""Fine-tuning and transfer."""

from collections.abc import Mapping
from typing import ClassVar

from ...params import Param, Scalar, nonnegative, positive
from .._abstract import AbstractLaw
from .._formula import power


class Transfer(AbstractLaw):
    r"""What pre-training is worth in data of the task: $D_T = k\,D_F^{\alpha}\,N^{\beta}$.

    $D_T$ is how many tokens more one would need without pre-training. Of little data: beyond about a tenth of what the
    model could learn from scratch, pre-training begins to hold it back.

    Source: Hernandez et al. 2021 (arXiv 2102.01293, eq. 1.1).
    """

    smaller_is_better: ClassVar[bool] = False
    inputs: ClassVar[Mapping[str, str]] = {"D_F": "tokens", "N": "parameters"}

    k: Param = nonnegative(
        unit="target/(tokens^alpha·parameters^beta)",
        amplitude=True,
        dims={"tokens": lambda law: -law.alpha, "parameters": lambda law: -law.beta},
        typical=(0.1, 10.0),
    )
    alpha: Param = nonnegative(typical=(0.05, 1.0))
    beta: Param = nonnegative(typical=(0.05, 1.0))

    def __call__(self, D_F: Scalar, N: Scalar) -> Scalar:
        """The tokens that pre-training a model of N parameters is worth, fine-tuned on D_F."""
        return self.k * power(D_F, self.alpha) * power(N, self.beta)


class FineTuning(AbstractLaw):
    r"""One limit of two sizes: $L = E + A\,X^{-\alpha}\,D_f^{-\beta}$.

    $D_f$ counts the data of fine-tuning, X one other size: of the model, of the data of pre-training, or of what is
    tuned. They multiply: more of X is worth a factor of data.

    Source: Zhang et al. 2024 (arXiv 2402.17193, eq. 1).
    """

    inputs: ClassVar[Mapping[str, str]] = {"X": "X", "D_f": "samples"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·X^alpha·samples^beta",
        amplitude=True,
        dims={"X": lambda law: law.alpha, "samples": lambda law: law.beta},
        typical=(0.02, 1.0),
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()

    def __call__(self, X: Scalar, D_f: Scalar) -> Scalar:
        """The loss after D_f samples of fine-tuning."""
        return self.E + self.A * power(X, -self.alpha) * power(D_f, -self.beta)


class RectifiedFineTuning(AbstractLaw):
    r"""Pre-training counts as data of the task: $L = E + \dfrac{B}{D_l + x^{\beta}}$.

    $D_l$ is what the model has learnt already, which bends the curve before it becomes a power law. To choose among
    models, fit the curve of each (`by="model"`).

    Source: Lin et al. 2024 (arXiv 2402.02314, eq. 4).
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    B: Param = nonnegative(unit="target·x^beta", amplitude=True, dims={"x": lambda law: law.beta}, typical=(0.1, 5.0))
    D_l: Param = nonnegative(unit="x^beta", dims={"x": lambda law: law.beta}, typical=(0.02, 10.0))
    beta: Param = positive(typical=(0.1, 1.5))

    def __call__(self, x: Scalar) -> Scalar:
        """The loss after x samples of fine-tuning."""
        return self.E + self.B / (self.D_l + power(x, self.beta))
