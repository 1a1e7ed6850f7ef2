"""Draws as ArviZ has them, for its diagnostics and plots."""

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase
from ..params import parameters, slots
from ..results import Ensemble
from ._pointwise import Pointwise, pointwise
from ._prior import SCALE

RUN, CLUSTER = "run", "cluster"
"""Dimensions: rows of a cluster share an offset and have one density."""


def to_arviz(draws: Ensemble[Any], *, prior: Ensemble[Any] | None = None, seed: int = 0) -> Any:
    """Draws as an object of ArviZ, with the density of every run and replicated runs.

    Groups: `posterior` with the law's free parameters, `scale` and what else was drawn; `log_likelihood`, of the
    target itself, by run, or by cluster where rows of one run share an offset; `posterior_predictive`, a replicate
    of the runs for each draw; `observed_data`, the target; `constant_data`, the inputs of the law; `prior` where it is
    given. Coordinates are rows of the table for runs, and names for parameters that have an axis.

    **Arguments:**

    - `draws`: Of one study. Those of chains keep these, each in its order, the longer cut to the shortest; others are
        one chain.
    - `prior`: Draws of the prior, as `scalefit.prior` gives them.
    - `seed`: Of the replicated runs.

    **Returns:** an `xarray.DataTree`, or an `arviz.InferenceData` where ArviZ is older than 1.

    **Raises:** `InputError` for a batch, and where ArviZ is not installed.
    """
    from_groups = _from_groups()
    told = pointwise(draws)
    places = _by_chain(draws)
    # Only draws that converged were recalled: where they are among those.
    rank = (np.cumsum(draws.converged) - 1)[places]
    target, inputs = draws.fit.source.target, told.problem.inputs
    alone = told.units == len(told.problem.runs)
    dims = {name: [RUN] for name in (target, *inputs)}
    of_unit = target if alone else f"{target}_of_cluster"
    dims[of_unit] = [RUN if alone else CLUSTER]
    groups: dict[str, dict[str, np.ndarray]] = {
        "posterior": _numbers(draws, places),
        "log_likelihood": {of_unit: told.log_likelihood()[rank]},
        "posterior_predictive": {target: _targets(told, seed)[rank]},
        "observed_data": {target: np.asarray(told.problem.runs.target)},
        "constant_data": {name: np.asarray(column) for name, column in inputs.items()},
    }
    if prior is not None:
        groups["prior"] = _numbers(prior, np.flatnonzero(prior.converged)[None])
    coords: dict[str, Any] = {RUN: np.asarray(told.problem.runs.rows)}
    for field, declared in parameters(draws.fit.law).items():
        if declared.axis is not None:
            size = np.shape(getattr(draws.fit.law, field))[-1]
            dims[field] = [declared.axis]
            coords[declared.axis] = list(getattr(draws.fit.law, declared.axis, None) or range(1, size + 1))
    return from_groups(groups, coords, dims)


def _by_chain(draws: Ensemble[Any]) -> Int[np.ndarray, "chain draw"]:
    """Places of the draws that converged, by chain."""
    good = np.flatnonzero(draws.converged)
    chain = draws.drawn.get("chain")
    if chain is None:
        return good[None]
    parts = [good[chain[good] == one] for one in np.unique(chain[good])]
    return np.stack([part[: min(map(len, parts))] for part in parts])


def _numbers(draws: Ensemble[Any], places: Int[np.ndarray, "chain draw"]) -> dict[str, np.ndarray]:
    """By name, what varies."""
    free = {slot.field for slot in slots(draws.fit.law) if slot.name in draws.free}
    found = {name: getattr(draws.law, name) for name in parameters(draws.law) if name in free}
    found |= {SCALE: draws.scale} | {name: column for name, column in draws.drawn.items() if name != "chain"}
    return {name: np.asarray(column)[places] for name, column in found.items()}


def _targets(draws: Pointwise, seed: int) -> Float[np.ndarray, "draw run"]:
    """Replicates of the runs' targets."""
    both = draws.replicated(np.random.default_rng([seed, 0xA5F1]))
    log = draws.problem.noise.log
    found = (
        (np.log(draws.problem.runs.target) if log else np.asarray(draws.problem.runs.target)) - both.found + both.new
    )
    return np.exp(found) if log else found


def _from_groups() -> Callable[[Any, Any, Any], Any]:
    """What makes ArviZ's object from groups, coordinates and dimensions, in either of its generations."""
    with warnings.catch_warnings():
        # The last of the older ones announces the newer to everyone who imports it.
        warnings.simplefilter("ignore")
        for name in ("arviz_base", "arviz"):
            try:
                arviz = importlib.import_module(name)
            except ModuleNotFoundError as error:
                if error.name != name:
                    raise
                continue
            if hasattr(arviz, "InferenceData"):
                return lambda groups, coords, dims: arviz.from_dict(**groups, coords=coords, dims=dims)
            return lambda groups, coords, dims: arviz.from_dict(groups, coords=coords, dims=dims)
    raise InputError("ArviZ", Phrase("is not installed"), remedy="install it: pip install arviz")
