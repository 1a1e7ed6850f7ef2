"""The compute that a loss takes, with how sure that is."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..._core import InputError
from ...laws import AbstractLaw
from ...results import Ensemble, Fit, check_level
from ._allocation import Quantity, quantity
from ._constraints import CostLike, at_least, laws_of, terms_of, warn_beyond, warn_small
from ._optimum import least_computes, optima, reaches

FAR = 1e36
"""A budget at which a law is all but at its floor."""


class NeverReached(InputError):
    """A loss below the best that a law comes to."""


class Needed(NamedTuple):
    """What each loss takes.

    **Arguments:**

    - `loss`: The losses asked for.
    - `compute`: The least budget whose best plan reaches each, infinite where none does.
    - `probability`: Share of the draws in which some budget reaches it; `None` without draws.
    - `notes`: What else to know, in sentences: the best there is, where a loss is below it.
    """

    loss: Float[np.ndarray, " loss"]
    compute: Quantity
    probability: Float[np.ndarray, " loss"] | None
    notes: tuple[str, ...] = ()


def compute_for(
    result: Fit[Any] | Ensemble[Any] | AbstractLaw,
    *,
    loss: ArrayLike,
    cost: CostLike = "6ND",
    unique: float | None = None,
    max_passes: float | None = None,
    min_N: float = 1.0,
    max_N: float | None = None,
    held: Mapping[str, float] | None = None,
    level: float = 0.95,
    num_draws: int = 1000,
) -> Needed:
    """The least compute at which the best size and data reach a loss.

    **Arguments:**

    - `result`: As for `allocate`, and so are `cost` and the limits.
    - `loss`: One loss or several, in the law's own unit.
    - `level`: Probability of the central interval.
    - `num_draws`: The most draws of an ensemble to look at: the first that converged.

    **Returns:** a `Needed`. A draw whose floor is above the loss counts with infinite compute, so that the upper end
    may be infinite, and the lower too where none reaches it; `probability` says in how many the loss can be reached.

    **Warns:** where a loss takes more than a hundred times the largest run's compute, or less than a hundredth of the
    smallest's.

    **Raises:** `NeverReached`, an `InputError`, where a law without draws reaches none of the losses; `InputError`
    where one takes no training at all, and as `allocate` does.
    """
    check_level(level)
    law, laws, _, source = laws_of(result, num_draws)
    terms = terms_of(law, cost, unique, max_passes, min_N, max_N, held)
    try:
        losses = np.atleast_1d(np.asarray(loss))
        # Text and truth values would be taken for numbers.
        losses = losses.astype(float) if losses.dtype.kind in "iufO" else np.array([np.nan])
    except (TypeError, ValueError):
        losses = np.array([np.nan])
    if losses.ndim != 1 or losses.size == 0 or not np.isfinite(losses).all():
        raise InputError(f"loss is {loss!r}; it must be a finite number, or several.")
    count = jax.tree.leaves(laws)[0].shape[0]
    with jax.enable_x64(True):
        found = np.asarray(least_computes(laws, jnp.tile(jnp.asarray(losses), (count, 1)), terms))
        least = at_least(found[0], terms)
        if least.any():
            raise InputError(
                f"A loss of {losses[least].max():g} takes no training: {type(law).__name__} is below it with the "
                f"smallest model on one token. Ask for a lower loss, in the law's own unit."
            )
        none = ~np.isfinite(found).any(axis=0)
        never, loosen = "", ""
        if none.any():
            most = jnp.minimum(FAR, terms.cost.of(terms.max_N, terms.max_D))[None]
            floor = np.asarray(optima(laws, most, terms, reaches(terms, most)).loss)
            loosen = ", or loosen the limits" if float(most[0]) < FAR else ""
            never = (
                f"A loss of {losses[none].max():g}{' or less' if none.sum() > 1 else ''} is never reached: the best "
                f"that {type(law).__name__} comes to is {floor[0].item():.4g}{_of_draws(floor[1:])}"
            )
    if none.all() and count == 1:
        raise NeverReached(f"{never}. Ask for a higher loss{loosen}.")
    warn_beyond(found[0][np.isfinite(found[0])], source)
    warn_small(found[0][np.isfinite(found[0])], source, "the loss asked for in the unit of the runs")
    probability = np.mean(np.isfinite(found[1:]), axis=0) if count > 1 else None
    return Needed(losses, quantity(found, level), probability, (never,) if never else ())


def _of_draws(floor: np.ndarray) -> str:
    return f", and {floor.min():.4g} in the luckiest draw" if floor.size else ""
