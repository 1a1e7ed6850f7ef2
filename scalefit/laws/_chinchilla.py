"""The additive law of model and data size."""

from collections.abc import Mapping
from math import exp
from typing import ClassVar

from ..params import Param, Scalar, nonnegative
from ._abstract import AbstractLaw, Published
from ._formula import power

_EPOCH_DATA = "240 of the 245 Chinchilla runs digitised by Epoch; N, D in units of 1, nats per token"


class Chinchilla(AbstractLaw):
    r"""Limits of capacity and data add: $L = E + A\,N^{-\alpha} + B\,D^{-\beta}$.

    Source: Hoffmann et al. 2022 (arXiv 2203.15556, approach 3, eq. 10); refit by Besiroglu et al. 2024 (arXiv
    2404.10102). A and B are the terms' values at N = 1 and D = 1.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}
    published_sets: ClassVar[Mapping[str, Published]] = {
        "hoffmann": Published(
            {
                "E": exp(0.5267228),
                "A": exp(6.0073404),
                "B": exp(6.0179186),
                "alpha": 0.33917084,
                "beta": 0.2849083,
            },
            "arXiv 2203.15556, the unrounded values in its TeX source (logarithms 0.5267228, 6.0073404, 6.0179186)",
            "code",
            "nats per token",
        ),
        "hoffmann-rounded": Published(
            {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28},
            "arXiv 2203.15556, as printed; rounding moves the optimal D/N at 5.76e23 FLOP from 58.9 to 92.6",
            "code",
            "nats per token",
        ),
        # Both to the last digit, from the runs: the printed exponents alone lose 0.03 of log-likelihood.
        "epoch": Published(
            {
                "E": 1.8168640396458,
                "A": 482.0057174102929,
                "B": 2085.4342005801327,
                "alpha": 0.3478130290394611,
                "beta": 0.3658541172944734,
            },
            "arXiv 2404.10102, notebook of epoch-research/analyzing-chinchilla, which prints their leading digits",
            "run",
            _EPOCH_DATA,
        ),
        "epoch-huber": Published(
            {
                "E": 1.8172180990100781,
                "A": 477.82586823391125,
                "B": 2143.417363360477,
                "alpha": 0.3473104988817553,
                "beta": 0.3671724326277626,
            },
            "the same runs, sum of Huber(1e-3) on log loss, to convergence: objective 0.0010182740178",
            "run",
            _EPOCH_DATA,
        ),
        "muennighoff-c4": Published(
            {
                "E": exp(0.6254804),
                "A": exp(6.255414),
                "B": exp(7.3049974),
                "alpha": 0.3526596,
                "beta": 0.3526596,
            },
            "arXiv 2305.16264, utils/parametric_fit.ipynb (logarithms 0.6254804, 6.255414, 7.3049974; exponents tied)",
            "code",
            "54 points of the C4 IsoFLOP figure of arXiv 2203.15556; nats per token",
        ),
    }

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    A: Param = nonnegative(
        unit="target·parameters^alpha", amplitude=True, dims={"parameters": lambda law: law.alpha}, typical=(0.02, 1.0)
    )
    B: Param = nonnegative(
        unit="target·tokens^beta", amplitude=True, dims={"tokens": lambda law: law.beta}, typical=(0.02, 1.0)
    )
    alpha: Param = nonnegative()
    beta: Param = nonnegative()

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """The loss of a model of N parameters after D tokens, in the target's unit."""
        return self.E + self.A * power(N, -self.alpha) + self.B * power(D, -self.beta)
