"""Draws from heavy-tailed distributions about the modes, weighed by how probable each is."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._density import Density
from ._mode import Mode
from ._psis import Weights, psis


class Weighed(NamedTuple):
    """Draws of a proposal, and what each is worth."""

    numbers: Float[np.ndarray, "draw number"]
    weights: Weights

    def kept(self, num: int, rng: np.random.Generator) -> Float[np.ndarray, "num number"]:
        """Equally weighted draws, each as often as its weight says, in no order (systematic resampling)."""
        at = (rng.random() + np.arange(num)) / num
        place = np.searchsorted(np.cumsum(self.weights.weight), at * (1.0 - 1e-12))
        return self.numbers[rng.permutation(np.minimum(place, len(self.numbers) - 1))]


def about_modes(density: Density, modes: list[Mode], num: int, rng: np.random.Generator) -> Weighed:
    """Weighed draws about modes, each as often as its evidence says.

    Their Student-t's have 8 degrees of freedom: heavier tails than a posterior's.
    """
    evidence = np.array([mode.evidence if len(modes) > 1 else 0.0 for mode in modes])
    share = shares(evidence)
    return _weighed(density, [mode.numbers for mode in modes], [mode.factor for mode in modes], share, 8, num, rng)


def following(density: Density, before: Weighed, rng: np.random.Generator) -> Weighed:
    """Weighed draws of a Student-t with 4 degrees of freedom, of the mean and covariance of those before."""
    weight, numbers = before.weights.weight, before.numbers
    middle = weight @ numbers
    spread = (numbers - middle).T @ ((numbers - middle) * weight[:, None])
    # Few effective draws still have a covariance.
    factor = np.linalg.cholesky(spread + 1e-9 * np.diag(np.diag(spread)))
    return _weighed(density, [middle], [factor], np.ones(1), 4, len(numbers), rng)


def _weighed(
    density: Density, middles: list[np.ndarray], factors: list[np.ndarray], share: np.ndarray, freedom: int, num: int,
    rng: np.random.Generator,
) -> Weighed:  # fmt: skip
    size = len(middles[0])
    part = rng.choice(len(share), num, p=share)
    z = rng.standard_normal((num, size)) / np.sqrt(rng.chisquare(freedom, num) / freedom)[:, None]
    numbers = np.empty((num, size))
    for k, (middle, factor) in enumerate(zip(middles, factors, strict=True)):
        numbers[part == k] = middle + z[part == k] @ factor.T
    whole = math.lgamma(0.5 * (freedom + size)) - math.lgamma(0.5 * freedom)
    whole -= 0.5 * size * math.log(freedom * math.pi)
    proposal = np.full(num, -np.inf)
    for middle, factor, one in zip(middles, factors, share, strict=True):
        apart = np.linalg.solve(factor, (numbers - middle).T)
        tail = -0.5 * (freedom + size) * np.log1p(np.sum(apart**2, axis=0) / freedom)
        with np.errstate(divide="ignore"):
            proposal = np.logaddexp(proposal, np.log(one) + whole + tail - np.linalg.slogdet(factor)[1])
    return Weighed(numbers, psis(density.values(numbers) - proposal))


def shares(evidence: Float[np.ndarray, "*some part"]) -> Float[np.ndarray, "*some part"]:
    """How probable each is of which the logarithm of the evidence is given."""
    relative = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    return relative / relative.sum(axis=-1, keepdims=True)
