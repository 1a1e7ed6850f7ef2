"""The compute that a loss takes, with how sure that is."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..._core import InputError, check_probability
from ...calibrate import Discrepancy
from ...laws import AbstractLaw
from ...results import Ensemble, Estimate, Fit
from .._budgets import numbers_of
from .._cost import CostLike
from .._draws import called, drawn_of, over_draws
from ._budgets import far_notes, takes_no_training
from ._constraints import constraints_of
from ._optimum import least_computes, optima


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
    compute: Estimate
    probability: Float[np.ndarray, " loss"] | None
    notes: tuple[str, ...] = ()


def compute_for(
    result: Fit[Any] | Ensemble[Any] | Discrepancy | AbstractLaw,
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

    **Warns:** where a loss takes more than a hundred times the compute of the largest run, or less than a hundredth of
    that of the smallest (ten times is a note).

    **Raises:** `NeverReached`, an `InputError`, where a law without draws reaches none of the losses; `InputError`
    where one takes no training at all, and as `allocate` does.
    """
    check_probability("level", level)
    drawn = drawn_of(result, num_draws)
    law = drawn.law
    constraints = constraints_of(law, cost, unique, max_passes, min_N, max_N, held)
    losses = numbers_of("loss", loss, "a finite number, or several", "2.1", above=-np.inf)
    laws, about = drawn.with_nearby()
    count = len(jax.tree.leaves(laws)[0])
    found = least_computes(laws, np.tile(losses, (count, 1)), constraints)
    easy = takes_no_training(found[0], constraints)
    if easy.any():
        raise InputError(
            "loss", float(losses[easy].max()),
            f"less than that of {called(law)} for the smallest model on one token",
            "ask for a lower loss, in the law's own unit",
        )  # fmt: skip
    none = ~np.isfinite(found).any(axis=0)
    never, loosen = "", ""
    if none.any():
        # At 1e36 FLOP a law is all but at its floor.
        most = min(1e36, constraints.most)
        floor = optima(laws, np.array([most]), constraints).loss
        loosen = ", or loosen the limits" if most < 1e36 else ""
        lucky = f", and {floor[1:].min():.4g} in the luckiest draw" if drawn.draws is not None else ""
        never = (
            f"A loss of {losses[none].max():g}{' or less' if none.sum() > 1 else ''} is never reached: the best "
            f"that {called(law)} comes to is {floor[0].item():.4g}{lucky}"
        )
    if none.all() and drawn.draws is None:
        raise NeverReached(f"{never}. Ask for a higher loss{loosen}.")
    far = far_notes(
        drawn.ranges, found[0], lambda i: f"The compute for a loss of {losses[i]:g}, {found[0][i]:.3g} FLOP,",
        "Is the loss in the unit of the runs?",
    )  # fmt: skip
    probability = np.mean(np.isfinite(found[1:]), axis=0) if drawn.draws is not None else None
    return Needed(losses, over_draws(found, level, about), probability, (*([never] if never else []), *far))
