"""What a result knows: its law with values, its draws, how many failed, its runs."""

from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from .._core import InputError
from ..laws import AbstractLaw
from ..params import parameters, slots, values
from ..results import Ensemble, Fit

LawT = TypeVar("LawT", bound=AbstractLaw)


class Drawn(NamedTuple):
    """The law, its draws if there are any and how many were left out as they did not converge, and its runs."""

    law: Any
    draws: Any
    failed: int
    source: Any


def drawn_of(result: Fit[Any] | Ensemble[Any], num_draws: int) -> Drawn:
    """The law of a single fit that converged and, of an ensemble, its first draws that did.

    **Raises:** `InputError` for a batch, a fit or an ensemble that did not converge, or a number of draws that is none.
    """
    fit = result.fit if isinstance(result, Ensemble) else result
    if fit.keys is not None:
        raise InputError(
            f"The fit is a batch of {len(fit.keys)} studies: plan with one of them, as fits[{fit.keys[0]!r}]."
        )
    if not fit.converged:
        raise InputError("The fit did not converge, and a plan from it would say nothing: mend the fit first.")
    if not isinstance(result, Ensemble):
        return Drawn(fit.law, None, 0, fit.source)
    if isinstance(num_draws, bool) or not isinstance(num_draws, int | np.integer) or num_draws < 2:
        raise InputError(f"num_draws is {num_draws!r}; it must be a whole number, 2 or more.")
    good = np.flatnonzero(result.converged)
    if good.size == 0:
        raise InputError("No draw of the ensemble converged, so it says nothing of how sure a plan is.")
    draws = jax.tree.map(lambda a: a[good[:num_draws]], result.law)
    return Drawn(fit.law, draws, result.converged.size - good.size, fit.source)


def valued(law: LawT) -> LawT:
    """A law with a number for each parameter, where its formula means something.

    **Raises:** `InputError` for one that holds many draws, or lacks a value.
    """
    if any(np.ndim(getattr(law, field)) > (p.axis is not None) for field, p in parameters(law).items()):
        raise InputError(f"{type(law).__name__} holds many draws: give the ensemble itself.")
    numbers = values(law)
    for k, slot in enumerate(slots(law)):
        if not slot.parameter.constraint.contains(numbers[k : k + 1])[0]:
            hint = ": fit it, or give its value" if np.isnan(numbers[k]) else ""
            raise InputError(
                f"{type(law).__name__}: {slot.name} is {numbers[k]:g}, and a plan needs a number "
                f"{slot.parameter.constraint}{hint}."
            )
    return law
