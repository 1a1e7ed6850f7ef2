"""Solve any number of fits: split over the cores, padded so that few shapes are ever compiled."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from ._polish import Solutions, lane_width, polish
from ._problem import Curve, Data, Noise


@runtime_checkable
class Optimiser(Protocol):
    """An Optax optimiser, by its two functions."""

    init: Callable[..., Any]
    update: Callable[..., Any]


Solver = Literal["newton"] | Optimiser
"""The project's own solver, or any Optax optimiser."""

SMALL = 4096
"""Fits times runs below which a second core is not worth waking."""


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def bucket(count: int) -> int:
    """The next power of two, so that calls of similar size share one compilation."""
    return 1 << max(count - 1, 0).bit_length()


def solve(
    curve: Curve,
    noise: Noise,
    data: Data,
    start: Float[np.ndarray, "fit free"],
    study: Int[np.ndarray, " fit"],
    resample: Int[np.ndarray, " fit"],
    floor: Float[np.ndarray, " study"],
    *,
    solver: Solver = "newton",
    max_steps: int = 200,
    workers: int | None = None,
) -> Solutions:
    """Optimise fits from their starts, on every core; see `polish` for the arguments, `descend` for Optax solvers.

    XLA does not spread one such program over cores, so each core runs its own share of the queue. Each fit is computed
    by itself: neither the number of workers nor the other fits change it.
    """
    fits, runs = start.shape[0], data.target.shape[1]
    shares = 1 if fits * runs < SMALL else min(workers or cores(), fits)
    bounds = np.linspace(0, fits, shares + 1).astype(int)
    size = bucket(int(np.max(np.diff(bounds))))
    width = lane_width(size, runs)

    def share(k: int) -> Any:
        low, high = bounds[k], bounds[k + 1]
        padding = size - (high - low)
        # A worker thread does not inherit the context.
        with jax.enable_x64(True):
            problem = (
                curve, noise, data,
                jnp.asarray(np.pad(start[low:high], ((0, padding), (0, 0)), mode="edge")),
                jnp.asarray(np.pad(study[low:high], (0, padding)).astype(np.int32)),
                jnp.asarray(np.pad(resample[low:high], (0, padding)).astype(np.int32)),
                jnp.asarray(floor), jnp.asarray(max_steps, jnp.int32),
            )  # fmt: skip
            if solver == "newton":
                out = polish(*problem, count=jnp.asarray(high - low, jnp.int32), width=width)
            else:
                from ._optax import descend  # Optax takes a third of a second to import and few calls need it

                out = descend(*problem, optimiser=solver)
            return [np.asarray(a)[: high - low] for a in out]

    if shares == 1:
        return Solutions(*share(0))
    with ThreadPoolExecutor(shares) as pool:
        parts = list(pool.map(share, range(shares)))
    return Solutions(*(np.concatenate(column) for column in zip(*parts, strict=True)))
