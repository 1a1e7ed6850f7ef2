"""Pointwise log-likelihood: how probable each draw of an ensemble makes each run, and replicates of the runs."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase
from ..noise import AbstractNoise
from ..problem import Problem, free_numbers
from ..results import Ensemble, check_draws
from ._density import densities
from ._draw import CHAINS
from ._prior import FARTHEST, GROWTH, RUN, Prior
from ._study import likelihood_of, reach_of


class Pointwise(NamedTuple):
    """Residuals of the runs of one study about each draw, and how they scatter.

    Units are runs where rows of a run share an offset, otherwise rows.

    **Arguments:**

    - `problem`: Law, runs and noise.
    - `order`: Which row of the table each is: those of one unit stand together.
    - `unit`: The unit that each is of, in order of first appearance in the table.
    - `residual`: On the noise's scale.
    - `log_sharp`: Logarithm of what multiplies each before it is judged.
    - `log_s`: Logarithm of the scatter of each draw.
    - `log_share`: Where rows of a run share an offset, the logarithm of its spread in units of the scatter.
    """

    problem: Problem
    order: Int[np.ndarray, " row"]
    unit: Int[np.ndarray, " row"]
    residual: Float[np.ndarray, "draw row"]
    log_sharp: Float[np.ndarray, "draw row"]
    log_s: Float[np.ndarray, "draw 1"]
    log_share: Float[np.ndarray, "draw 1"] | None

    @property
    def units(self) -> int:
        """How many units there are."""
        return int(self.unit[-1]) + 1

    def thinned(self, num: int) -> "Pointwise":
        """At most so many of the draws, evenly spaced."""
        some = _spaced(len(self.residual), num)
        share = None if self.log_share is None else self.log_share[some]
        return self._replace(
            residual=self.residual[some], log_sharp=self.log_sharp[some], log_s=self.log_s[some], log_share=share
        )

    def log_likelihood(self) -> Float[np.ndarray, "draw unit"]:
        r"""By draw and unit, the logarithm of the density of its targets.

        Of the target itself: on logarithms, $\log p(y) = \log p(\log y) - \log y$, so that laws fitted on logarithms
        and on values can be compared.
        """
        first = np.flatnonzero(np.diff(self.unit, prepend=-1))
        with np.errstate(all="ignore"):
            found = densities(self.problem.noise, self.residual, self.log_sharp, self.log_s, self.log_share, first)
        return found + self.log_volume()

    def log_volume(self) -> Float[np.ndarray, " unit"]:
        """The logarithm of how densities of what the noise is of become those of the target, by unit."""
        target = self.problem.runs.target[self.order]
        logs = -np.log(target) if self.problem.noise.log else np.zeros(len(target))
        return np.bincount(self.unit, weights=logs)

    def replicated(self, rng: np.random.Generator) -> "Replicates":
        """Residuals of the runs about each draw, and of runs that the draw would give, by row of the table."""
        unit = np.exp(self.log_s - self.log_sharp)
        new = self.problem.noise.sample(np.broadcast_to(np.exp(self.log_s), unit.shape), rng)
        new = new * np.exp(-self.log_sharp)
        if self.log_share is not None:
            spread = np.exp(self.log_s + self.log_share)
            new = new + (spread * rng.standard_normal((len(spread), self.units)))[:, self.unit]
        back = np.argsort(self.order)
        return Replicates(self.residual[:, back], new[:, back], unit[:, back])


class Replicates(NamedTuple):
    """Residuals on the noise's scale, and those of as many new runs at the same inputs.

    **Arguments:**

    - `found`: Of the runs, about the law of each draw.
    - `new`: Of new runs, about the same.
    - `unit`: The scatter of each, without what a run shares.
    """

    found: Float[np.ndarray, "draw row"]
    new: Float[np.ndarray, "draw row"]
    unit: Float[np.ndarray, "draw row"]


def pointwise(draws: Ensemble[Any], num: int | None = None) -> Pointwise:
    """The residuals of the runs about the draws of an ensemble that converged.

    Draws of other methods than a posterior's have the scatter of their residuals; under a Huber noise, whose density is
    normal in the middle only, it becomes the scatter that makes the residuals most likely.

    **Arguments:**

    - `draws`: Of one study.
    - `num`: At most so many of the draws, evenly spaced.

    **Raises:** `InputError` for a batch, and where no draw converged.
    """
    fit = check_draws("draws", draws).fit
    problem = fit.problem
    if fit.keys is not None:
        raise InputError(
            "draws", Phrase(f"are of a batch of {len(fit.keys)} studies"), remedy=f"take one, as draws[{fit.keys[0]!r}]"
        )
    some = np.flatnonzero(draws.converged)
    if some.size == 0:
        raise InputError("draws", Phrase("have none that converged"), remedy="raise `max_steps`, or fit a smaller law")
    some = some if num is None else some[_spaced(some.size, num)]
    # The scatter of a posterior and of a prior is that of the noise's own density.
    own = draws.method in ("posterior", "prior")
    growth = next((name for name in draws.drawn if name.startswith(GROWTH)), None)
    code = None
    if RUN in draws.drawn:
        code = problem.runs.clusters(draws.diagnostics.get("cluster", "auto"))
    prepared = problem.arrays
    likelihood = likelihood_of(problem, prepared, 0, Prior.of(prepared.curve), code)
    law: Any = jax.tree.map(lambda a: np.asarray(a)[some], draws.law)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # No run responds to what has run to a bound at infinity.
        theta = np.clip(free_numbers(prepared, law, np.zeros(len(some), int)), -FARTHEST, FARTHEST)
        residual = likelihood.residuals(likelihood.law.values(theta))
    order = np.arange(len(problem.runs)) if code is None else np.argsort(code, kind="stable")
    sharp = np.broadcast_to(likelihood.log_sharp, residual.shape)
    if growth is not None:
        name = growth.removeprefix(GROWTH + "[").removesuffix("]")
        sharp = sharp - draws.drawn[growth][some, None] * reach_of(problem, name)[order]
    log_s = np.log(np.maximum(draws.scale[some], np.finfo(float).tiny))[:, None]
    share = None if code is None else np.log(draws.drawn[RUN][some, None]) - log_s
    if not own and not problem.noise.likelihood:
        log_s = _likeliest(problem.noise, residual * np.exp(sharp), log_s)
    return Pointwise(problem, order, order if code is None else code[order], residual, sharp, log_s, share)


def _spaced(count: int, num: int) -> Int[np.ndarray, " kept"]:
    """At most so many of the draws, evenly spaced; chains take turns, and whole turns are kept."""
    if count <= num:
        return np.arange(count)
    turn = CHAINS if num >= CHAINS else 1
    begins = np.linspace(0, count // turn - 1, num // turn).astype(int) * turn
    return (begins[:, None] + np.arange(turn)).ravel()


def _likeliest(noise: AbstractNoise, residual: np.ndarray, log_s: np.ndarray) -> Float[np.ndarray, "draw 1"]:
    """By draw, the logarithm of the scatter that makes its residuals most likely, by bisection."""
    # No wider than the residuals are; how much narrower, the knee says.
    low, high = log_s - 12.0, log_s + 3.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        up = np.sum(noise.score(residual, middle)[1], axis=1, keepdims=True) > 0.0
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return low
