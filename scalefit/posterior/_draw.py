"""Draws of one study by any of the samplers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from ..results import Fit
from ..solve import cores
from ._density import LANES
from ._diagnostics import chains_diagnosed
from ._importance import about_modes, following
from ._mode import Mode, mode, modes
from ._nuts import nuts
from ._psis import TOO_FAR
from ._study import Study, side_by_side
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


def draw(
    studies: list[Study], num: int, method: Method, seed: int, rivalled: Bool[np.ndarray, " study"]
) -> list[Draws]:
    """Draws of each study by the method asked for; `"auto"` weighs, and runs chains where that fails."""

    def one(study: Study, rivalled: bool) -> tuple[Mode, Draws | None]:
        at = mode(study.density, study.start)
        if method == "nuts":
            return at, None
        # Weighed draws at least: of fewer, the tail of the weights says little.
        if method == "svi":
            near = nearest_normal(study.density, at, max(8192, num), study.rng(seed, "svi"))
            return at, Draws.of(near.numbers[:num], "svi", khat=float(near.weights.khat))
        # Eight for each that is asked for, so that few are taken twice.
        return at, _by_weights(study, at, num, max(8192, 8 * num), seed, rivalled)

    modes, drawn = zip(*_over_cores(one, list(zip(studies, rivalled.tolist(), strict=True))), strict=True)
    found = list(drawn)
    bad = [
        i for i, one in enumerate(drawn)
        if one is None or (method == "auto" and not (one.khat < TOO_FAR and one.efficiency > 0.05))
    ]  # fmt: skip
    # Side by side as many as make about a thousand rows.
    rows = max(len(study.density.likelihood.target) for study in studies)
    size = max(1, min(16, 1024 // rows))
    parts = [bad[k : k + size] for k in range(0, len(bad), size)]

    def chains(part: list[int]) -> list[Draws]:
        return _by_chains([studies[i] for i in part], [modes[i] for i in part], num, seed)

    for part, sampled in zip(parts, _over_cores(chains, [(part,) for part in parts]), strict=True):
        for i, new in zip(part, sampled, strict=True):
            old = drawn[i]
            # What the weights said of themselves stays.
            found[i] = new if old is None else new._replace(khat=old.khat, log_evidence=old.log_evidence)
    return found


def _over_cores(function: Callable[..., Any], each: list[tuple[Any, ...]]) -> list[Any]:
    """What a function gives for each; the first alone, as it compiles."""
    if len(each) < 2:
        return [function(*given) for given in each]
    first = function(*each[0])
    with ThreadPoolExecutor(cores()) as pool:
        return [first, *pool.map(lambda given: function(*given), each[1:])]


def rivalled(fit: Fit[Any]) -> Bool[np.ndarray, " study"]:
    """Studies of which most starts ended elsewhere than the best: other optima may be as likely."""
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


def _by_chains(studies: list[Study], modes: list[Mode], num: int, seed: int, accepted: float = 0.8) -> list[Draws]:
    """Chains of several studies side by side; with smaller steps of those where some diverged."""
    each, count = max(100, -(-num // CHAINS)), len(studies)
    density = studies[0].density if count == 1 else side_by_side(studies)
    middle, factor = (np.stack([part[k] for part in modes]) for k in (0, 1))
    size = middle.shape[1]

    def numbers_of(z: np.ndarray) -> np.ndarray:
        return middle + np.einsum("sij,...sj->...si", factor, z)

    def slopes(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        numbers = numbers_of(z.reshape(CHAINS, count, size))
        value, slope = density.slopes(numbers if count > 1 else numbers[:, 0])
        slope = np.einsum("sij,csi->csj", factor, slope.reshape(CHAINS, count, size))
        return value.ravel(), slope.reshape(z.shape)

    rng = studies[0].rng(seed, "nuts")
    start = 1.5 * rng.standard_normal((CHAINS * count, size))
    found = nuts(slopes, start, rng, num=each, step=np.full(count, 0.7), accepted=accepted)
    numbers = numbers_of(found.numbers.reshape(CHAINS, count, each, size).swapaxes(1, 2))
    bulk, tail, rhat = chains_diagnosed(numbers)
    diverging = found.diverging.reshape(CHAINS, count, each).sum(axis=(0, 2))
    # Step by step, all chains in turn: the first so many are of every chain, and each chain is in its own order.
    drawn = [
        Draws.of(
            numbers[:, :, i].swapaxes(0, 1).reshape(-1, size)[:num],
            "nuts",
            chain=np.tile(np.arange(CHAINS), each)[:num],
            rhat=rhat[i],
            ess_bulk=float(min(bulk[i].min(), num)),
            ess_tail=float(min(tail[i].min(), num)),
            divergences=int(diverging[i]),
        )
        for i in range(count)
    ]
    again = np.flatnonzero(diverging).tolist() if accepted < 0.9 else []
    if again:
        some = _by_chains([studies[i] for i in again], [modes[i] for i in again], num, seed, 0.98)
        for i, new in zip(again, some, strict=True):
            drawn[i] = new
    return drawn
