"""Draws of one study by any of the samplers."""

from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ..results import Fit
from ._density import LANES
from ._diagnostics import chains_diagnosed
from ._importance import about_modes, following
from ._mode import Mode, mode, modes
from ._nuts import nuts
from ._psis import TOO_FAR
from ._study import Study
from ._svi import nearest_normal

Method = Literal["auto", "is", "nuts", "svi"]

CHAINS = LANES
"""Chains side by side: as many as slopes are taken of at once."""


class Draws(NamedTuple):
    """Draws of a study, and what is known of their quality; NaN where a method does not say.

    **Arguments:**

    - `numbers`: The sampled numbers.
    - `method`: The sampler.
    - `chain`: The chain that each draw is of; -1 for none.
    - `khat`, `efficiency`: Pareto's k, and effective draws for each that was weighed.
    - `ess_bulk`, `ess_tail`, `rhat`, `divergences`: Of chains; for weights, both numbers of draws are what these are
        worth.
    - `log_evidence`: Logarithm of the evidence.
    """

    numbers: Float[np.ndarray, "draw number"]
    method: str
    chain: Int[np.ndarray, " draw"]
    rhat: Float[np.ndarray, " number"]
    khat: float = np.nan
    efficiency: float = np.nan
    ess_bulk: float = np.nan
    ess_tail: float = np.nan
    divergences: int = 0
    log_evidence: float = np.nan

    @classmethod
    def of(cls, numbers: Float[np.ndarray, "draw number"], method: str, **known: Any) -> "Draws":
        """Draws of which nothing is known but what is given."""
        num, size = numbers.shape
        known = {"chain": np.full(num, -1), "rhat": np.full(size, np.nan)} | known
        return cls(numbers, method, **known)


def draw(study: Study, num: int, method: Method, seed: int, rivalled: bool) -> Draws:
    """Draws by the method asked for; `"auto"` weighs, and runs chains where that fails."""
    at = mode(study.density, study.start)
    if method == "nuts":
        return _by_chains(study, at, num, seed)
    # Weighed draws at least: of fewer, the tail of the weights says little.
    if method == "svi":
        rng = study.rng(seed, "svi")
        near = nearest_normal(study.density, at, max(8192, num), rng)
        return Draws.of(near.numbers[:num], "svi", khat=float(near.weights.khat))
    # Eight for each that is asked for, so that few are taken twice.
    found = _by_weights(study, at, num, max(8192, 8 * num), seed, rivalled)
    if method == "is" or (found.khat < TOO_FAR and found.efficiency > 0.05):
        return found
    # What the weights said of themselves stays.
    return _by_chains(study, at, num, seed)._replace(khat=found.khat, log_evidence=found.log_evidence)


def rivalled(fit: Fit[Any]) -> Bool[np.ndarray, " study"]:
    """Whether most starts of each study ended elsewhere than the best: other optima may be as likely."""
    return (np.atleast_1d(fit.agreeing) < 0.5 * fit.tried) & (fit.tried > 1)


def rivals_of(study: Study, at: Mode, seed: int) -> list[Mode]:
    """The modes that are reached from one and from eight draws of the prior, best first."""
    prior, rng = study.density.prior, study.rng(seed, "modes")
    far = np.asarray(prior.centre + prior.spread * rng.standard_normal((8, len(study.start))))
    return modes(study.density, np.vstack([at.numbers, far]))


def _by_weights(study: Study, at: Mode, num: int, tried: int, seed: int, rivalled: bool) -> Draws:
    """Weighed draws about one mode, or several where the fit has rivals; of a better proposal where that is poor."""
    density, rng = study.density, study.rng(seed, "is")
    found = about_modes(density, rivals_of(study, at, seed) if rivalled else [at], tried, rng)
    if not (found.weights.khat < 0.5 and found.weights.ess > 0.25 * tried):
        better = following(density, following(density, found, rng), rng)
        if not found.weights.khat <= better.weights.khat:
            found = better
    worth = float(min(found.weights.ess, num))
    return Draws.of(
        found.kept(num, rng),
        "is",
        khat=float(found.weights.khat),
        efficiency=float(found.weights.ess) / tried,
        ess_bulk=worth,
        ess_tail=worth,
        log_evidence=float(found.weights.log_mean),
    )


def _by_chains(study: Study, at: Mode, num: int, seed: int) -> Draws:
    each, size = max(100, -(-num // CHAINS)), len(at.numbers)

    def slopes(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = study.density.slopes(at.numbers + z @ at.factor.T)
        return value, slope @ at.factor

    # After chains that diverged, smaller steps.
    for accepted in (0.8, 0.98):
        rng = study.rng(seed, "nuts")
        start = 1.5 * rng.standard_normal((CHAINS, size))
        chains = nuts(slopes, start, rng, num=each, warmup=200, accepted=accepted)
        if not chains.diverging.any():
            break
    numbers = at.numbers + chains.numbers @ at.factor.T
    bulk, tail, rhat = chains_diagnosed(numbers)
    # Step by step, all chains in turn: the first so many are of every chain, and each chain is in its own order.
    order = np.arange(CHAINS * each).reshape(CHAINS, each).T.ravel()[:num]
    return Draws.of(
        numbers.reshape(-1, size)[order],
        "nuts",
        chain=order // each,
        rhat=rhat,
        ess_bulk=float(min(bulk.min(), num)),
        ess_tail=float(min(tail.min(), num)),
        divergences=int(chains.diverging.sum()),
    )
