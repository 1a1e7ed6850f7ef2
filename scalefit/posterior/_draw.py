"""Draws of one study by any of the samplers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..solve import cores
from ._coordinates import Coordinates
from ._diagnostics import MIXED, chains_diagnosed
from ._importance import Weighed, adaptive, worth
from ._mode import Mode, mode, modes
from ._nuts import nuts
from ._psis import TOO_FAR
from ._study import Study, side_by_side
from ._svi import nearest_normal

Method = Literal["auto", "is", "nuts", "svi"]

CHAINS = 4
"""Chains of a study: few and long ones tell more of how well they mix than many short ones."""
LONG = 250
"""Draws of a chain at least; of longer ones than are asked for every so many is kept."""


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


class Guide(NamedTuple):
    """Mean and factor of the covariance of weighed draws in coordinates, and some of them to begin chains from."""

    middle: Float[np.ndarray, " number"]
    factor: Float[np.ndarray, "number number"]
    begin: Float[np.ndarray, "chain number"]

    @classmethod
    def of(cls, found: Weighed, rng: np.random.Generator) -> "Guide":
        """Those of weighed draws."""
        weight = np.nan_to_num(found.weights.weight, nan=1.0 / len(found.at))
        middle = weight @ found.at
        spread = (found.at - middle).T @ ((found.at - middle) * weight[:, None])
        factor = np.linalg.cholesky(spread + np.diag(1e-9 * np.diag(spread) + 1e-300))
        begin = found.at[rng.choice(len(weight), CHAINS, p=weight / weight.sum())]
        return cls(middle, factor, np.linalg.solve(factor, (begin - middle).T).T)


def draw(studies: list[Study], num: int, method: Method, seed: int) -> list[Draws]:
    """Draws of each study by the method asked for; `"auto"` weighs, and runs chains where that fails."""

    def one(study: Study) -> tuple[Mode, Draws, Guide | None]:
        at = mode(study.density, study.start)
        # Weighed draws at least: of fewer, the tail of the weights says little.
        if method == "svi":
            near = nearest_normal(study.density, at, max(8192, num), study.rng(seed, "svi"))
            return at, Draws.of(near.numbers[:num], "svi", khat=float(near.weights.khat)), None
        # Of uneven weights eight for each that is asked for, so that few are taken twice.
        most = 8192 if method == "nuts" else max(8192, 8 * num)
        return at, *_by_weights(study, at, num, most, seed)

    modes, drawn, guides = zip(*_over_cores(one, [(study,) for study in studies]), strict=True)
    found = list(drawn)
    bad = [
        i for i, one in enumerate(drawn)
        if method == "nuts" or (method == "auto" and not (one.khat < TOO_FAR and one.efficiency > 0.05))
    ]  # fmt: skip
    # Side by side as many as make about a thousand rows.
    rows = max(len(study.density.likelihood.target) for study in studies)
    size = max(1, min(16, 1024 // rows))
    parts = [bad[k : k + size] for k in range(0, len(bad), size)]

    def chains(part: list[int]) -> list[Draws]:
        return _by_chains([(studies[i], modes[i], guides[i]) for i in part], num, seed)

    for part, sampled in zip(parts, _over_cores(chains, [(part,) for part in parts]), strict=True):
        for i, new in zip(part, sampled, strict=True):
            # What the weights said of themselves stays, where they were asked for.
            told = {} if method == "nuts" else {"khat": drawn[i].khat, "log_evidence": drawn[i].log_evidence}
            found[i] = new._replace(**told)
    return found


def _over_cores(function: Callable[..., Any], each: list[tuple[Any, ...]]) -> list[Any]:
    """What a function gives for each; the first alone, as it compiles."""
    if len(each) < 2:
        return [function(*given) for given in each]
    first = function(*each[0])
    with ThreadPoolExecutor(cores()) as pool:
        return [first, *pool.map(lambda given: function(*given), each[1:])]


def modes_of(study: Study, at: Mode, seed: int) -> list[Mode]:
    """The modes that are reached from one, from rivals of the fit and from eight draws of the prior, best first."""
    prior, rng = study.density.prior, study.rng(seed, "modes")
    far = np.asarray(prior.centre + prior.spread * rng.standard_normal((8, len(study.start))))
    return modes(study.density, np.vstack([at.numbers, study.rivals, far]))


def _by_weights(study: Study, at: Mode, num: int, most: int, seed: int) -> tuple[Draws, Guide]:
    """Weighed draws about one mode, or several where the fit has rivals; and where they are, to begin chains from."""
    rng, coordinates = study.rng(seed, "is"), Coordinates.about(study.density, at.numbers)
    found = adaptive(coordinates, modes_of(study, at, seed) if len(study.rivals) else [at], num, most, rng)
    place, weight = found.kept(num, rng), found.weights.weight
    bulk, tail = worth(found.numbers, place) if np.isfinite(weight).all() else (0.0, 0.0)
    drawn = Draws.of(
        found.numbers[place],
        "is",
        khat=float(found.weights.khat),
        efficiency=float(found.weights.ess) / len(weight),
        ess_bulk=min(bulk, num),
        ess_tail=min(tail, num),
        log_evidence=float(found.weights.log_mean),
    )
    return drawn, Guide.of(found, rng)


def _by_chains(known: list[tuple[Study, Mode, Guide]], num: int, seed: int, times: int = 1) -> list[Draws]:
    """Chains of several studies side by side; of those that did not mix, longer ones of smaller steps once more."""
    studies, modes, guides = (list(column) for column in zip(*known, strict=True))
    each, count = times * max(LONG, -(-num // CHAINS)), len(studies)
    density = studies[0].density if count == 1 else side_by_side(studies)
    at = np.stack([one.numbers for one in modes])
    coordinates = Coordinates.about(density, at if count > 1 else at[0])
    middle, factor, begin = (np.stack(column) for column in zip(*guides, strict=True))
    size = middle.shape[1]

    def placed(z: np.ndarray) -> np.ndarray:
        return middle + np.einsum("sij,...sj->...si", factor, z)

    def slopes(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = placed(z.reshape(CHAINS, count, size))
        value, slope = coordinates.slopes(at if count > 1 else at[:, 0])
        slope = np.einsum("sij,csi->csj", factor, slope.reshape(CHAINS, count, size))
        return value.ravel(), slope.reshape(z.shape)

    rng = studies[0].rng(seed, "nuts")
    start = np.swapaxes(begin, 0, 1).reshape(CHAINS * count, size)
    accepted = 0.8 if times == 1 else 0.95
    found = nuts(slopes, start, rng, num=each, step=np.full(count, 0.5), warmup=100, accepted=accepted)
    place = placed(found.numbers.reshape(CHAINS, count, each, size).swapaxes(1, 2))
    # Evenly thinned to as many as are asked for; step by step, all chains in turn, each in its own order.
    kept = np.linspace(0, each - 1, -(-num // CHAINS)).round().astype(int)
    diverging = found.diverging.reshape(CHAINS, count, each).sum(axis=(0, 2))
    drawn = []
    for i, study in enumerate(studies):
        own = Coordinates.about(study.density, modes[i].numbers)
        numbers = own.values(place[:, kept, i].reshape(-1, size))[0].reshape(CHAINS, len(kept), size)
        bulk, tail, rhat = chains_diagnosed(numbers)
        drawn.append(
            Draws.of(
                numbers.swapaxes(0, 1).reshape(-1, size)[:num],
                "nuts",
                chain=np.tile(np.arange(CHAINS), len(kept))[:num],
                rhat=rhat,
                ess_bulk=float(min(bulk.min(), num)),
                ess_tail=float(min(tail.min(), num)),
                divergences=int(diverging[i]),
            )
        )
    # Some divergences in a narrow place leave the rest as it is.
    many = 0.01 * CHAINS * each
    apart = [i for i, one in enumerate(drawn) if one.divergences > many or not np.max(one.rhat) <= MIXED]
    if apart and times == 1:
        some = _by_chains([known[i] for i in apart], num, seed, 3)
        for i, new in zip(apart, some, strict=True):
            drawn[i] = new
    return drawn
