"""Verbs of a sweep: each takes a batch of fits and gives columns, one number a fit."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from ..estimate import bootstrap
from ..params import slots, values
from ..plan import best_plans, curate
from ..results import Ensemble, Fit
from ._config import Config, Verb

Columns = dict[str, Any]
"""A column a name: an array, or a list of arrays for draws."""


def columns_of(fits: Fit[Any], verb: Verb, config: Config) -> Columns:
    """Columns that a verb makes of a batch of fits.

    **Arguments:**

    - `fits`: The batch.
    - `verb`: The verb and its options.
    - `config`: The sweep.
    """
    draws = None if verb.drawn is None else _DRAWS[verb.drawn](fits, verb, config)
    found = _parameters(fits, draws, config)
    if verb.verb in _PLANS:
        found |= _PLANS[verb.verb](fits, draws, verb, config)
    return found


def _bootstrap(fits: Fit[Any], verb: Verb, config: Config) -> Ensemble[Any]:
    return bootstrap(
        fits, num=verb.num, cluster=config.cluster, seed=config.seed, max_steps=config.max_steps,
        precision=config.precision,
    )  # fmt: skip


def _posterior(fits: Fit[Any], verb: Verb, config: Config) -> Ensemble[Any]:
    from ..posterior import sample  # it brings samplers

    return sample(fits, num=verb.num, method=verb.method, cluster=config.cluster, seed=config.seed)


_DRAWS: Mapping[str, Callable[..., Ensemble[Any]]] = {"bootstrap": _bootstrap, "posterior": _posterior}


def _parameters(fits: Fit[Any], draws: Ensemble[Any] | None, config: Config) -> Columns:
    """Every parameter, with its standard error and interval where there are draws; NaN where a fit is no optimum."""
    good = np.atleast_1d(fits.converged)
    table = np.where(good[:, None], values(fits.law), np.nan)
    names = [slot.name for slot in slots(fits.template)]
    found: Columns = {name: table[:, k] for k, name in enumerate(names)}
    if draws is None:
        return found
    drawn = np.where((draws.converged & good[:, None])[..., None], values(draws.law), np.nan)
    for k, name in enumerate(names):
        if name in fits.free:
            low, high = _ends(drawn[..., k], config.level)
            found |= {f"{name}_se": np.nanstd(drawn[..., k], axis=1, ddof=1), f"{name}_low": low, f"{name}_high": high}
    found["draws"] = np.asarray(draws.converged & good[:, None]).sum(axis=1)
    if config.keep_draws:
        found |= {f"{name}_draws": list(drawn[..., k]) for k, name in enumerate(names) if name in fits.free}
    return found


def _plan(fits: Fit[Any], draws: Ensemble[Any] | None, verb: Verb, config: Config) -> Columns:
    """The best size, its data and the loss at each budget."""
    budgets = np.array(verb.budgets)
    good = np.atleast_1d(fits.converged)
    best = best_plans(fits.law, budgets, verb.cost)
    found: Columns = {}
    drawn = None
    if draws is not None:
        flat = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), draws.law)
        kept = draws.converged & good[:, None]
        shape = (*kept.shape, len(budgets))
        drawn = {
            n: np.where(kept[..., None], a.reshape(shape), np.nan)
            for n, a in _in_blocks(flat, budgets, verb.cost).items()
        }
    for b, budget in enumerate(budgets):
        for name, column in best.items():
            found[f"{name}@{budget:g}"] = np.where(good, column[:, b], np.nan)
            if drawn is not None:
                low, high = _ends(drawn[name][..., b], config.level)
                found |= {f"{name}@{budget:g}_low": low, f"{name}@{budget:g}_high": high}
    return found


def _in_blocks(laws: Any, budgets: np.ndarray, cost: str) -> dict[str, np.ndarray]:
    """The plans of many laws, so many at once as memory has room for."""
    count = len(jax.tree.leaves(laws)[0])
    size = min(16384, 1 << (count - 1).bit_length())
    parts = []
    for low in range(0, count, size):
        place = np.minimum(np.arange(low, low + size), count - 1)
        parts.append(best_plans(jax.tree.map(lambda a, at=place: np.asarray(a)[at], laws), budgets, cost))
    return {name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}


def _curate(fits: Fit[Any], draws: Ensemble[Any] | None, verb: Verb, config: Config) -> Columns:
    """The best weights of the pools and the error at each budget: a fit at a time, as each is a search of its own."""
    del draws
    pools = tuple(verb.sizes)
    found: Columns = {
        f"{name}@{budget:g}": np.full(len(fits), np.nan)
        for budget in verb.budgets
        for name in (*(f"w[{pool}]" for pool in pools), "error")
    }
    for place, key in enumerate(fits.keys or ()):
        if not np.atleast_1d(fits.converged)[place]:
            continue
        best = curate(fits[key], verb.sizes, budget=verb.budgets, seed=config.seed)
        for b, budget in enumerate(verb.budgets):
            for k, pool in enumerate(best.pools.names):
                found[f"w[{pool}]@{budget:g}"][place] = best.weights[b, k]
            found[f"error@{budget:g}"][place] = best.value[b]
    return found


_PLANS: Mapping[str, Callable[..., Columns]] = {"plan": _plan, "curate": _curate}


def _ends(drawn: Any, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the central interval along draws, of those there are."""
    quantile = np.nanquantile if np.isnan(drawn).any() else np.quantile  # the second is much the quicker
    low, high = quantile(drawn, [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=1)
    return low, high
