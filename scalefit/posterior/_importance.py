"""Draws from a mixture of heavy-tailed distributions that learns where a posterior is, weighed by how probable each is.

    begin with a Student-t about each mode
    up to six times: draw 4,096 and weigh them; where the weights are even enough that is all, else learn the mixture
        whose density is nearest to what was weighed (expectation-maximisation)
    draw so many that hardly any will be kept twice, and weigh them

Source: mixtures of Student-t's by importance weights, Hoogerheide, Opschoor and van Dijk 2012 (J. Econometrics 171).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ._coordinates import Coordinates
from ._mode import Mode
from ._psis import Weights, psis

FREEDOM = 5.0
"""Degrees of freedom of each part: heavier tails than a posterior's."""
FIRST = 4096
"""Draws from which a mixture learns."""


class Weighed(NamedTuple):
    """Draws of a proposal, what each is worth, and where they are in coordinates of the posterior.

    `ratio` is the logarithm of the posterior's density there over the proposal's.
    """

    numbers: Float[np.ndarray, "draw number"]
    weights: Weights
    at: Float[np.ndarray, "draw number"]
    ratio: Float[np.ndarray, " draw"]

    def kept(self, num: int, rng: np.random.Generator) -> Int[np.ndarray, " num"]:
        """Places of equally weighted draws, each as often as its weight says, in no order (systematic resampling)."""
        at = (rng.random() + np.arange(num)) / num
        place = np.searchsorted(np.cumsum(self.weights.weight), at * (1.0 - 1e-12))
        return rng.permutation(np.minimum(place, len(self.numbers) - 1))


def worth(numbers: Float[np.ndarray, "draw number"], place: Int[np.ndarray, " num"]) -> tuple[float, float]:
    r"""How many independent draws those at places are worth: for the mean of any number, and for its tails.

    $\sum_i c_i f_i^2 / \sum_i c_i^2 f_i^2$ with c_i the share of draw i and f how far it is from what is expected: of a
    draw far from the mean that is taken often, a mean knows less than of the weights alone. Of tails f tells whether a
    draw is below the 5 or the 95 % quantile.
    """
    which, count = np.unique(place, return_counts=True)
    share, some = (count / len(place))[:, None], numbers[which]
    ends = np.quantile(numbers[place], [0.05, 0.95], axis=0)
    off = some - np.sum(share * some, axis=0)
    tails = [np.where(some <= end, 1.0 - level, -level) for end, level in zip(ends, (0.05, 0.95), strict=True)]

    def least(f: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            found = np.sum(share * f**2, axis=0) / np.sum(share**2 * f**2, axis=0)
        return float(np.min(np.where(np.isfinite(found), found, len(place))))

    return least(off), min(map(least, tails))


class Mixture(NamedTuple):
    """Student-t's with a middle, a factor and a share each."""

    middle: Float[np.ndarray, "part number"]
    factor: Float[np.ndarray, "part number number"]
    share: Float[np.ndarray, " part"]

    def draws(self, num: int, rng: np.random.Generator) -> Float[np.ndarray, "num number"]:
        """Draws of the parts, each as often as its share."""
        part = rng.choice(len(self.share), num, p=self.share)
        z = rng.standard_normal((num, self.middle.shape[1]))
        z /= np.sqrt(rng.chisquare(FREEDOM, num) / FREEDOM)[:, None]
        return self.middle[part] + np.einsum("dij,dj->di", self.factor[part], z)

    def parts(self, at: Float[np.ndarray, "draw number"]) -> tuple[np.ndarray, np.ndarray]:
        """By part and draw: the logarithm of the share times the density, and the square of the distance."""
        size = at.shape[1]
        apart = np.linalg.solve(self.factor, np.swapaxes(at - self.middle[:, None], 1, 2))
        square = np.sum(apart**2, axis=1)
        whole = math.lgamma(0.5 * (FREEDOM + size)) - math.lgamma(0.5 * FREEDOM)
        whole += np.log(self.share) - np.linalg.slogdet(self.factor)[1] - 0.5 * size * math.log(FREEDOM * math.pi)
        return whole[:, None] - 0.5 * (FREEDOM + size) * np.log1p(square / FREEDOM), square


def about(coordinates: Coordinates, modes: Sequence[Mode]) -> Mixture:
    """Parts about modes, twice as wide in variance as by the curvature; amplitudes by what the runs say of them."""
    evidence = np.array([mode.evidence if len(modes) > 1 else 0.0 for mode in modes])
    middle = coordinates.of_numbers(np.stack([mode.numbers for mode in modes]))
    factor = []
    for mode in modes:
        spread = 2.0 * mode.factor @ mode.factor.T
        places = list(coordinates.places)
        spread[places], spread[:, places] = 0.0, 0.0
        spread[places, places] = 2.0
        factor.append(np.linalg.cholesky(spread + 1e-12 * np.diag(np.diag(spread))))
    return Mixture(middle, np.stack(factor), 0.5 * shares(evidence) + 0.5 / len(modes))


def learnt(found: Weighed, parts: int, rng: np.random.Generator, steps: int = 15) -> Mixture:
    """The mixture under which weighed draws are likeliest, by expectation-maximisation."""
    # What no draw of any weight reached stays as it is.
    at, weight = found.at[found.weights.weight > 0], found.weights.weight[found.weights.weight > 0]
    size, middle = at.shape[1], weight @ at
    spread = (at - middle).T @ ((at - middle) * weight[:, None])
    spread += np.diag(1e-9 * np.diag(spread) + 1e-300)
    factor = np.linalg.cholesky(spread)
    apart = np.linalg.solve(factor, (at - middle).T)
    far, chosen = np.sum(apart**2, axis=0), []
    for _ in range(parts - 1):
        chosen.append(int(rng.choice(len(at), p=weight * far / np.sum(weight * far))))
        far = np.minimum(far, np.sum((apart - apart[:, chosen[-1:]]) ** 2, axis=0) + 1e-300)
    mixture = Mixture(
        np.stack([middle, *at[chosen]]), np.stack([0.7 * factor] * parts), np.full(parts, 1.0 / parts)
    )  # fmt: skip
    for _ in range(steps):
        density, square = mixture.parts(at)
        of_part = np.exp(density - np.max(density, axis=0))
        of_part *= weight / np.sum(of_part, axis=0)
        counts = np.sum(of_part, axis=1)
        near = of_part * (FREEDOM + size) / (FREEDOM + square)
        middle = near @ at / np.maximum(np.sum(near, axis=1), 1e-300)[:, None]
        factors = []
        for k in range(parts):
            off = at - middle[k]
            # Of few effective draws the covariance of all is the better guess.
            few = size / (size + counts[k] ** 2 / max(float(np.sum(of_part[k] ** 2)), 1e-300))
            own = (off * near[k][:, None]).T @ off / max(float(counts[k]), 1e-300)
            factors.append(np.linalg.cholesky((1.0 - few) * own + few * spread))
        share = np.maximum(counts, 1e-3)
        mixture = Mixture(middle, np.stack(factors), share / share.sum())
    return mixture


def weighed(
    coordinates: Coordinates, guide: Mixture, num: int, rng: np.random.Generator, first: Weighed | None = None
) -> Weighed:
    """Draws of a mixture, and what each is worth; the first of them may be there already."""
    at = guide.draws(num - (0 if first is None else len(first.at)), rng)
    numbers, density = coordinates.values(at)
    ratio = density - np.logaddexp.reduce(guide.parts(at)[0], axis=0)
    if first is not None:
        pairs = (first.numbers, numbers), (first.at, at), (first.ratio, ratio)
        numbers, at, ratio = (np.concatenate(pair) for pair in pairs)
    return Weighed(numbers, psis(ratio), at, ratio)


def adaptive(coordinates: Coordinates, modes: Sequence[Mode], num: int, most: int, rng: np.random.Generator) -> Weighed:
    """Weighed draws of a mixture that begins about modes and learns until its weights are even enough.

    **Arguments:**

    - `num`: How many will be kept; `most`: how many may be drawn at once.
    """
    guide, even = about(coordinates, modes), False
    found = weighed(coordinates, guide, FIRST, rng)
    for _ in range(6):
        even = bool(found.weights.khat < 0.4 and found.weights.ess > 0.5 * FIRST)
        if even or not np.isfinite(found.weights.ess):
            break
        guide = learnt(found, 3 + len(modes), rng)
        found = weighed(coordinates, guide, FIRST, rng)
    # Of weights as uneven as these, and a little more.
    needed = min(most, math.ceil(1.25 * num * FIRST * np.max(found.weights.weight))) if even else most
    if needed > FIRST:
        found = weighed(coordinates, guide, needed, rng, found)
    for _ in range(3):
        # Many draws teach what few did not.
        if not found.weights.khat >= 0.65:
            break
        found = weighed(coordinates, learnt(found, 5 + len(modes), rng), most, rng)
    return found


def shares(evidence: Float[np.ndarray, "*some part"]) -> Float[np.ndarray, "*some part"]:
    """How probable each is of which the logarithm of the evidence is given."""
    relative = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    return relative / relative.sum(axis=-1, keepdims=True)
