"""Draws of many studies by any of the samplers, over the cores of this machine."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from ..results import Fit
from ..solve import cores
from ._density import Problem
from ._diagnose import chains_diagnosed
from ._importance import ROUNDS, important
from ._mode import Mode, settled
from ._nuts import ACCEPTED, CAREFUL, CHAINS, nuts
from ._pose import Posed, keys_of
from ._prior import names_of
from ._svi import guided

Method = Literal["auto", "is", "nuts", "svi"]

OVER = 8
"""Weighed draws for each draw that is asked for, so that few are taken twice."""
LEAST = 8192
"""Weighed draws at least: of fewer, the tail of the weights says little."""
FINE, EVEN = 0.5, 0.25
"""Up to this k̂, and from this share of effective draws on, one proposal is enough."""
USABLE, SHARE = 0.7, 0.05
"""Up to this k̂, and from this share on, weights are trusted."""
AGREED = 0.5
"""Where fewer of the starts of a fit than this agree, further modes are looked for."""
FURTHER = 8
"""Draws of the prior from which they are."""
STEPS = 100
"""Draws of each chain at least."""
TOGETHER = 16
"""Studies that one core takes up at once."""


class Draws(NamedTuple):
    """Draws by study, and what is known of their quality; NaN where a method does not say.

    **Arguments:**

    - `numbers`: The sampled numbers.
    - `chain`: The chain that each draw is of; -1 for none.
    - `method`: The sampler.
    - `khat`, `efficiency`: Pareto's k, and effective draws for each that was weighed.
    - `ess_bulk`, `ess_tail`, `rhat`, `divergences`: Of chains; for weights, both numbers of draws are what these are
        worth.
    - `evidence`: Logarithm of the evidence.
    """

    numbers: Float[np.ndarray, "study draw number"]
    chain: Int[np.ndarray, "study draw"]
    method: Shaped[np.ndarray, " study"]
    khat: Float[np.ndarray, " study"]
    efficiency: Float[np.ndarray, " study"]
    ess_bulk: Float[np.ndarray, " study"]
    ess_tail: Float[np.ndarray, " study"]
    rhat: Float[np.ndarray, "study number"]
    divergences: Int[np.ndarray, " study"]
    evidence: Float[np.ndarray, " study"]


def draws_of(fit: Fit[Any], posed: Posed, num: int, method: Method, seed: int) -> Draws:
    """Draws of some studies by the method asked for; `"auto"` weighs, and runs chains where that fails."""
    if method in ("nuts", "svi"):
        at = _over_cores(functools.partial(settled, posed.prepared.curve), posed.problem, on_device(posed.starts))
        return (_by_chains if method == "nuts" else _by_svi)(fit, posed, at, num, seed)
    found, at = _by_weights(fit, posed, num, seed)
    usable = (found.khat < USABLE) & (found.efficiency > SHARE)
    failed = np.flatnonzero(~usable) if method == "auto" else np.zeros(0, int)
    if failed.size == 0:
        return found
    chains = _by_chains(fit, posed.take(failed), jax.tree.map(lambda a: a[failed], at), num, seed)
    # What the weights said of themselves stays.
    return put(found, failed, chains._replace(khat=found.khat[failed], evidence=found.evidence[failed]))


def rivalled(fit: Fit[Any]) -> Bool[np.ndarray, " study"]:
    """Whether most starts of each study ended elsewhere than the best: other optima may be as likely."""
    return (np.atleast_1d(fit.agreeing) < AGREED * fit.tried) & (fit.tried > 1)


def far_starts(fit: Fit[Any], posed: Posed, seed: int) -> Float[np.ndarray, "study start number"]:
    """Draws of the prior, from which other modes may be reached."""
    with jax.enable_x64(True):
        keys = keys_of(fit, posed.which, seed, "modes")
        far = jax.vmap(lambda key: jax.random.normal(key, (FURTHER, posed.starts.shape[1])))(keys)
    return np.asarray(posed.problem.prior.centre + posed.problem.prior.spread * np.asarray(far))


def put(all_of: Draws, places: Int[np.ndarray, " some"], some: Draws) -> Draws:
    """The draws with those of some studies replaced."""
    return jax.tree.map(lambda old, new: _where(old, places, new), all_of, some)


def _unlike(found: Any, tried: int, khat: float, share: float) -> Int[np.ndarray, " some"]:
    """The studies whose weights are less than this."""
    return np.flatnonzero(~((found.khat < khat) & (found.ess > share * tried)))


def _by_weights(fit: Fit[Any], posed: Posed, num: int, seed: int) -> tuple[Draws, Mode]:
    """Weighed draws about one mode; about several where the fit has rivals; of a better proposal where that is poor."""
    tried = max(LEAST, OVER * num)

    def weighed(some: Posed, starts: np.ndarray, rounds: int) -> Any:
        program = functools.partial(important, posed.prepared.curve, num=num, tried=tried, rounds=rounds)
        return _over_cores(program, some.problem, on_device(starts), keys_of(fit, some.which, seed, "is"))

    def improved(found: Any, again: np.ndarray, starts: np.ndarray) -> Any:
        """With better proposals for some studies, where they are better; they begin from what the first ones found."""
        if again.size == 0:
            return found
        better = weighed(posed.take(again), starts, ROUNDS)
        use = better.khat < np.where(np.isfinite(found.khat[again]), found.khat[again], np.inf)
        return jax.tree.map(lambda a, b: _where(a, again[use], b[use]), found, better)

    found = weighed(posed, posed.starts[:, None], 0)
    rivals = np.flatnonzero(rivalled(fit)[posed.which])
    if rivals.size:
        some = posed.take(rivals)
        begin = np.concatenate([found.at.numbers[rivals, None], far_starts(fit, some, seed)], axis=1)
        found = jax.tree.map(lambda a, b: _where(a, rivals, b), found, weighed(some, begin, 0))
        poor = np.isin(rivals, _unlike(found, tried, FINE, EVEN))
        found = improved(found, rivals[poor], begin[poor])
    again = np.setdiff1d(_unlike(found, tried, FINE, EVEN), rivals)
    found = improved(found, again, posed.starts[again, None])
    worth = np.minimum(found.ess, num)
    draws = unweighed(found.numbers, "is")._replace(
        khat=found.khat, efficiency=found.ess / tried, ess_bulk=worth, ess_tail=worth, evidence=found.evidence
    )
    return draws, found.at


def _by_chains(fit: Fit[Any], posed: Posed, at: Mode, num: int, seed: int) -> Draws:
    studies, size = posed.starts.shape
    each = max(STEPS, -(-num // CHAINS))
    keys = keys_of(fit, posed.which, seed, "nuts")

    def run(some: Posed, begin: Mode, keys: Any, accepted: float) -> Any:
        def program(at: Mode, problem: Problem, keys: Any) -> Any:
            return nuts(posed.prepared.curve, at, problem, keys, accepted, num=each)

        return _over_cores(program, some.problem, begin, keys)

    chains = run(posed, at, keys, ACCEPTED)
    again = np.flatnonzero(chains.diverging.any(axis=(1, 2)))
    if again.size:
        careful = run(posed.take(again), jax.tree.map(lambda a: a[again], at), keys[again], CAREFUL)
        chains = jax.tree.map(lambda a, b: _where(a, again, b), chains, careful)
    names = names_of(posed.problem.prior, posed.prepared.curve)
    told = chains_diagnosed(chains.numbers, chains.diverging, names)
    # Step by step, all chains in turn: the first so many are of every chain, and each chain is in its own order.
    order = np.arange(CHAINS * each).reshape(CHAINS, each).T.ravel()[:num]
    return unweighed(chains.numbers.reshape(studies, -1, size)[:, order], "nuts")._replace(
        chain=np.tile(order // each, (studies, 1)),
        ess_bulk=np.minimum(told["ess_bulk"], num),
        ess_tail=np.minimum(told["ess_tail"], num),
        rhat=np.stack([told["rhat"][name] for name in names], axis=-1),
        divergences=told["divergences"],
    )


def _by_svi(fit: Fit[Any], posed: Posed, at: Mode, num: int, seed: int) -> Draws:
    program = functools.partial(guided, posed.prepared.curve, num=num, tried=max(LEAST, num))
    near = _over_cores(program, posed.problem, at, keys_of(fit, posed.which, seed, "svi"))
    return unweighed(near.numbers, "svi")._replace(khat=near.khat)


def unweighed(numbers: Float[np.ndarray, "study draw number"], method: str) -> Draws:
    """Draws of which nothing is known but how they were made."""
    studies, num, size = numbers.shape
    none = np.full(studies, np.nan)
    return Draws(
        numbers=numbers,
        chain=np.full((studies, num), -1),
        method=np.full(studies, method, "<U5"),
        khat=none,
        efficiency=none,
        ess_bulk=none,
        ess_tail=none,
        rhat=np.full((studies, size), np.nan),
        divergences=np.zeros(studies, int),
        evidence=none,
    )


def on_device(table: Any) -> Any:
    """Arrays of float64 where the program runs."""
    with jax.enable_x64(True):
        return jax.tree.map(jnp.asarray, table)


def _where(old: np.ndarray, places: np.ndarray, new: np.ndarray) -> np.ndarray:
    old = old.copy()
    old[places] = new
    return old


def _over_cores(program: Callable[..., Any], problem: Problem, each: Any, keys: Any = None) -> Any:
    """What a program gives for all studies, some of them at a time on each core, as NumPy arrays.

    **Arguments:**

    - `program`: Takes `each`, the problem, and keys if there are any, all with a leading axis of studies.
    """
    count = problem.target.shape[0]
    size = min(TOGETHER, -(-count // cores()) if count > 1 else 1)
    common = problem.noise, problem.prior
    rows = problem._replace(noise=None, prior=None)  # pyright: ignore[reportArgumentType]  they have no axis
    given = (each, rows) if keys is None else (each, rows, keys)

    def run(first: int) -> Any:
        # A worker thread does not inherit the context; the last part is filled up, so that one shape is compiled.
        with jax.enable_x64(True):
            places = np.minimum(np.arange(first, first + size), count - 1)
            own = jax.tree.map(lambda a: a[places], given)
            whole = own[1]._replace(noise=common[0], prior=common[1])
            return jax.tree.map(np.asarray, program(own[0], whole, *own[2:]))

    begins = range(0, count, size)
    if len(begins) == 1:
        parts = [run(0)]
    else:
        # The first alone: it compiles.
        first = run(0)
        with ThreadPoolExecutor(cores()) as pool:
            parts = [first, *pool.map(run, begins[1:])]
    return jax.tree.map(lambda *columns: np.concatenate(columns)[:count], *parts)
