"""The coupled law with shapes near those of other studies, a walk along compute and tilts off the frontier.

Many studies at once under NumPy: the law is known, and so are its slopes, so that nothing is compiled for it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..solve import Numbers, namespace
from ._prior import Prior

SHAPES = 6
"""Numbers of the law: log E over the least loss, logarithms of both terms at the centre, of kα, of kβ and of k."""
STEPS = 8
"""Steps of the walk, even in log compute over the runs."""
MOST_TILTED = 0.3
"""Beyond this excess tilts grow no further."""
DF = 4.0
"""Of Student's t, by which runs scatter."""
PASSES = 60
SMALL = 1e-6
"""Gain, as a share of the objective's size, from which a study has come to rest."""
TOGETHER = 1 << 22
"""Numbers of all slopes that are held at once."""


class Seen(NamedTuple):
    """The runs of one study: logarithms of N, D and loss, and log loss above the least at like compute."""

    log_N: Float[np.ndarray, " run"]
    log_D: Float[np.ndarray, " run"]
    log_loss: Float[np.ndarray, " run"]
    excess: Float[np.ndarray, " run"]


class Coupled(NamedTuple):
    r"""Fits of many studies: $\log L = \log\left(E + (A N^{-\alpha} + B D^{-\beta})^k\right) + w(C) + t_\pm x(N, D)$.

    w is a walk along log compute, which stays where it is beyond the runs; x is the excess by the law itself over the
    least loss of the compute, with one tilt t for models smaller than the best and one for larger.

    **Arguments:**

    - `numbers`: By study, the six of the law, the steps of the walk, and the two tilts.
    - `covariance`: Of these, to first order.
    - `scale`: Of Student's t by which runs near the frontier scatter.
    - `centre`: By study, log N and log D at which both terms are counted, and the least log loss.
    """

    numbers: Float[np.ndarray, "study number"]
    covariance: Float[np.ndarray, "study number number"]
    scale: Float[np.ndarray, " study"]
    centre: Float[np.ndarray, "study 3"]

    def take(self, which: np.ndarray) -> "Coupled":
        """Some of the studies."""
        return Coupled(*(column[which] for column in self))

    def foreseen(
        self, study: np.ndarray, log_N: Float[np.ndarray, " point"], log_D: Float[np.ndarray, " point"]
    ) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"], Float[np.ndarray, " point"]]:
        """Log loss beyond the runs of a study, its standard error to first order, and the excess there."""
        number, centre = self.numbers[study], self.centre[study]
        n, d = (log_N - centre[:, 0])[:, None], (log_D - centre[:, 1])[:, None]
        _, slopes = law_and_slopes(number[:, :SHAPES], n, d)
        side, excess = imbalance(number, n, d)
        slopes = np.concatenate([slopes, np.ones((len(study), 1, STEPS)), _sides(side, excess)], axis=-1)[:, 0]
        variance = np.einsum("pi,pij,pj->p", slopes, self.covariance[study], slopes)
        value = log_loss(number, n, d)[:, 0] + centre[:, 2]
        return value, np.sqrt(np.maximum(variance, 0.0)), excess[:, 0]

    def draws(self, study: int, num: int, rng: np.random.Generator) -> Float[np.ndarray, "draw number"]:
        """Draws of the numbers of a study from the normal about its fit."""
        values, vectors = np.linalg.eigh(self.covariance[study])
        spread = vectors * np.sqrt(np.maximum(values, 0.0))
        return self.numbers[study] + rng.standard_normal((num, len(values))) @ spread.T


def law_and_slopes(
    numbers: Float[np.ndarray, "study 6"], n: Float[np.ndarray, "study run"], d: Float[np.ndarray, "study run"]
) -> tuple[Float[np.ndarray, "study run"], Float[np.ndarray, "study run 6"]]:
    """Log loss over the least that was seen, and its slopes in the six numbers of the law."""
    E, k, alpha, beta, log_u, share, rest = _parts(numbers, n, d)
    power = np.exp(k * log_u)
    loss = E + power
    bend = k * power / loss
    by_alpha, by_beta = -bend * share * n * alpha, -bend * rest * d * beta
    by_k = bend * log_u - by_alpha - by_beta
    return np.log(loss), np.stack([E / loss, bend * share, bend * rest, by_alpha, by_beta, by_k], axis=-1)


def imbalance(numbers: Numbers, n: Numbers, d: Numbers) -> tuple[Numbers, Numbers]:
    """E-folds of size above the best of the same compute by the law, and log loss above that of the best."""
    np_, log_k = namespace(n), numbers[:, 5, None]
    alpha, beta = np_.exp(numbers[:, 3, None] - log_k), np_.exp(numbers[:, 4, None] - log_k)
    level = numbers[:, 1, None] - numbers[:, 2, None] + numbers[:, 3, None] - numbers[:, 4, None]
    best = (level + beta * (n + d)) / (alpha + beta)
    return n - best, np_.maximum(_log_law(numbers, n, d) - _log_law(numbers, best, n + d - best), 0.0)


def log_loss(numbers: Numbers, n: Numbers, d: Numbers) -> Numbers:
    """Log loss over the least that was seen, by study and run, beyond the runs: walked and tilted."""
    tilts = _sides(*imbalance(numbers, n, d)) * numbers[:, None, -2:]
    return _log_law(numbers, n, d) + numbers[:, None, SHAPES:-2].sum(axis=-1) + tilts.sum(axis=-1)


def _parts(numbers: Numbers, n: Numbers, d: Numbers) -> tuple[Numbers, ...]:
    """E, k, α, β, the logarithm of the sum of both terms, and the share of each."""
    np_, (log_E, a, b, p, q, log_k) = namespace(n), (numbers[:, i, None] for i in range(SHAPES))
    k, alpha, beta = np_.exp(log_k), np_.exp(p - log_k), np_.exp(q - log_k)
    one, other = a - alpha * n, b - beta * d
    log_u = np_.logaddexp(one, other)
    return np_.exp(log_E), k, alpha, beta, log_u, np_.exp(one - log_u), np_.exp(other - log_u)


def _log_law(numbers: Numbers, n: Numbers, d: Numbers) -> Numbers:
    np_, (E, k, _, _, log_u, *_) = namespace(n), _parts(numbers, n, d)
    return np_.log(E + np_.exp(k * log_u))


def _sides(side: Numbers, excess: Numbers) -> Numbers:
    """The excess of what is smaller than the best, and of what is larger, along a last axis."""
    np_ = namespace(excess)
    most = np_.minimum(excess, MOST_TILTED)
    return np_.stack([np_.where(side < 0.0, most, 0.0), np_.where(side < 0.0, 0.0, most)], axis=-1)


def coupled(prior: Prior, studies: Sequence[Seen]) -> Coupled:
    """Fit studies, each by itself: runs off the frontier count less, and all numbers stay near what others have."""
    count = np.array([len(one.log_loss) for one in studies])
    size = SHAPES + STEPS + 2
    out = Coupled(
        np.empty((len(studies), size)), np.empty((len(studies), size, size)), np.empty(len(studies)),
        np.empty((len(studies), 3)),
    )  # fmt: skip
    order = np.argsort(count, kind="stable")
    while order.size:
        # Studies of like length, so that little is padded.
        longest = int(count[order[-1]])
        some = order[max(0, len(order) - max(TOGETHER // (size * longest), 1)) :]
        some = some[count[some] > 0.7 * longest - 8]
        for whole, part in zip(out, _fitted(prior, [studies[s] for s in some], longest), strict=True):
            whole[some] = part
        order = order[: len(order) - len(some)]
    return out


def _fitted(prior: Prior, studies: Sequence[Seen], longest: int) -> Coupled:
    def table(column: str) -> np.ndarray:
        return np.stack([np.pad(x, (0, longest - len(x)), mode="edge") for x in (getattr(s, column) for s in studies)])

    real = np.arange(longest) < np.array([len(s.log_loss) for s in studies])[:, None]
    log_N, log_D, loss, excess = (table(name) for name in Seen._fields)
    along = log_N + log_D
    along = along - along.max(axis=1, keepdims=True)
    weight = real / (1.0 + (excess / prior.region) ** 2)
    late = weight * np.exp(0.3 * along)
    centre = np.stack([*(np.sum(late * x, axis=1) / late.sum(axis=1) for x in (log_N, log_D)), loss.min(axis=1)], 1)
    n, d, loss = (x - centre[:, i, None] for i, x in enumerate((log_N, log_D, loss)))
    first = np.min(along, axis=1) - 1e-6
    edges = first[:, None] * np.linspace(1.0, 0.0, STEPS + 1)
    step = edges[:, 1:] - edges[:, :-1]
    walk = np.clip((along[:, :, None] - edges[:, None, :-1]) / step[:, None], 0.0, 1.0)
    mean, spread = prior.of_shapes
    mean = np.concatenate([np.broadcast_to(mean, (len(loss), SHAPES)), np.zeros((len(loss), STEPS + 2))], axis=1)
    wide = np.broadcast_to([*spread], (len(loss), SHAPES)), prior.walk * np.sqrt(step)
    pull = np.concatenate([*wide, np.full((len(loss), 2), prior.tilt)], axis=1) ** -2
    numbers, precision, scale = _descended(prior, n, d, loss, weight, walk, mean, pull)
    return Coupled(numbers, np.linalg.inv(precision), scale, centre)


def _descended(
    prior: Prior, n: np.ndarray, d: np.ndarray, loss: np.ndarray, weight: np.ndarray, walk: np.ndarray,
    mean: np.ndarray, pull: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Damped Gauss-Newton steps from the mean, the scale set anew at each; numbers, their precision, and scales."""
    studies, size = mean.shape
    numbers, scale, damping = np.array(mean), np.full(studies, 0.02), np.full(studies, 1e-2)
    whole, eye, active = weight.sum(axis=1), np.eye(size), np.arange(studies)

    def slopes_at(at: np.ndarray, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is left of the losses, and the slopes of the curve."""
        value, slopes = law_and_slopes(at[:, :SHAPES], n[some], d[some])
        slopes = np.concatenate([slopes, walk[some], _sides(*imbalance(at, n[some], d[some]))], axis=-1)
        return loss[some] - value - np.einsum("sri,si->sr", slopes[:, :, SHAPES:], at[:, SHAPES:]), slopes

    def cost(left: np.ndarray, at: np.ndarray, some: np.ndarray) -> np.ndarray:
        z = left / scale[some, None]
        runs = np.sum(weight[some] * (0.5 * (DF + 1.0)) * np.log1p(z**2 / DF), axis=1)
        return runs + 0.5 * np.sum(pull[some] * (at - mean[some]) ** 2, axis=1)

    left, slopes = slopes_at(numbers, active)
    precision = np.empty((studies, size, size))
    for _ in range(PASSES):
        for _ in range(2):
            by_run = (DF + 1.0) / (DF + (left / scale[active, None]) ** 2) * weight[active]
            square = np.sum(by_run * left**2, axis=1) + prior.scale_count * prior.scale**2
            scale[active] = np.sqrt(square / (prior.scale_count + whole[active]))
        by_run = (DF + 1.0) / (DF + (left / scale[active, None]) ** 2) * weight[active] / scale[active, None] ** 2
        at = numbers[active]
        matrix = (slopes * by_run[:, :, None]).swapaxes(1, 2) @ slopes + pull[active, :, None] * eye
        precision[active] = matrix
        gradient = np.einsum("sri,sr->si", slopes, by_run * left) - pull[active] * (at - mean[active])
        ridge = damping[active, None] * np.diagonal(matrix, axis1=1, axis2=2)
        move = np.linalg.solve(matrix + ridge[:, :, None] * eye, gradient[..., None])[..., 0]
        move /= np.maximum(np.abs(move[:, :SHAPES]).max(axis=1, keepdims=True), 1.0)
        there, slopes_there = slopes_at(at + move, active)
        before, after = cost(left, at, active), cost(there, at + move, active)
        better = after <= before
        numbers[active[better]] += move[better]
        left, slopes = np.where(better[:, None], there, left), np.where(better[:, None, None], slopes_there, slopes)
        damping[active] = np.where(better, np.maximum(0.2 * damping[active], 1e-9), 8.0 * damping[active])
        going = (np.abs(before - after) > SMALL * (1.0 + np.abs(before))) & (damping[active] < 1e6)
        active, left, slopes = active[going], left[going], slopes[going]
        if not active.size:
            break
    return numbers, precision, scale
