"""A result as a plan uses it: a law with its values, its draws, and the range of its runs."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from .._core import InputError, Phrase, check_number
from ..calibrate import MOST_DRAWS, Discrepancy, StackedLaw
from ..laws import AbstractLaw
from ..params import parameter_values, parameters, slots, values
from ..results import Ensemble, Estimate, Fit, Nearby, estimated, nearby, to_first_order

LawT = TypeVar("LawT", bound=AbstractLaw)


class Drawn(NamedTuple):
    """A law and its draws.

    **Arguments:**

    - `law`: The law, of single values.
    - `draws`: The same with a leading axis; `None` where there are none.
    - `failed`: How many draws did not converge and are left out.
    - `ranges`: Input → the least and the largest value of the runs; `None` of a law without runs.
    - `fit`: The fit, where it is one by itself; `about`: the discrepancy, where that is what was given.
    """

    law: Any
    draws: Any = None
    failed: int = 0
    ranges: Mapping[str, tuple[float, float]] | None = None
    fit: Any = None
    about: Discrepancy | None = None

    @property
    def name(self) -> str:
        """That of the law, or of the one of which it is a discrepancy."""
        return type(self.law if self.about is None else self.about.fit.law).__name__

    def with_nearby(self) -> tuple[Any, Nearby | None]:
        """The law with its draws or, of a fit by itself, with those nearby, by which its numbers have intervals."""
        if self.fit is None:
            return self.stacked, None
        about = nearby(self.fit)
        return self._replace(draws=about.laws).stacked, about

    @property
    def stacked(self) -> Any:
        """The law and its draws along a leading axis."""
        laws = jax.tree.map(lambda a: np.asarray(a, float)[None], self.law)
        if self.draws is None:
            return laws
        return jax.tree.map(lambda a, b: np.concatenate([a, np.asarray(b, float)]), laws, self.draws)


def drawn_of(result: Any, num_draws: int, argument: str = "result") -> Drawn:
    """A law with its values, the law of a fit, or that of an ensemble with its first draws that converged.

    **Raises:** `InputError` for anything else, a law without values, a batch, and what did not converge.
    """
    if isinstance(result, AbstractLaw):
        return Drawn(valued(result))
    fit = result.fit if isinstance(result, Ensemble | Discrepancy) else result
    if not isinstance(fit, Fit):
        raise InputError(argument, Phrase(f"is a {type(result).__name__}"), "a fit, an ensemble or a law")
    if fit.keys is not None:
        given = Phrase(f"is a batch of {len(fit.keys)} studies")
        raise InputError(argument, given, "one of them", f"give `fits[{fit.keys[0]!r}]`")
    if not fit.converged:
        raise InputError(argument, Phrase("did not converge"), remedy="mend the fit first: a plan from it says nothing")
    if isinstance(result, Discrepancy):
        check_number("num_draws", num_draws, least=2, whole=True)
        draws = result.draws(min(num_draws, MOST_DRAWS))
        return Drawn(result.law(), draws, about=result)  # which know how far the runs are
    if not isinstance(result, Ensemble):
        return Drawn(fit.law, ranges=fit.source.ranges, fit=fit)
    check_number("num_draws", num_draws, least=2, whole=True)
    good = np.flatnonzero(result.converged)
    if good.size == 0:
        raise InputError(argument, Phrase("has no draw that converged"), remedy="fit again, or plan with its fit")
    draws = jax.tree.map(lambda a: a[good[:num_draws]], result.law)
    return Drawn(fit.law, draws, result.converged.size - good.size, fit.source.ranges)


def called(law: AbstractLaw) -> str:
    """What a plan rests on, in words: the law, or its discrepancy."""
    return f"the discrepancy of {type(law.terms[0]).__name__}" if isinstance(law, StackedLaw) else type(law).__name__


def over_draws(rows: Any, level: float, about: Nearby | None = None) -> Estimate:
    """A number of a plan, above zero, from its row for the law itself and one for each draw, or for each law nearby."""
    rows = np.asarray(rows)
    if about is not None:
        return to_first_order(rows[0], rows[1:], about, level, log=True)
    return estimated(rows[0], rows[1:] if len(rows) > 1 else None, level)


def valued(law: LawT) -> LawT:
    """A law with a number for each parameter, where its formula means something.

    **Raises:** `InputError` for one that holds many draws, or lacks a value.
    """
    name = type(law).__name__
    declared = parameters(law)
    if any(np.ndim(value) > len(declared[field].axes) for field, value in parameter_values(law).items()):
        raise InputError(name, Phrase("holds many draws"), remedy="give the ensemble itself")
    numbers = values(law)
    for k, slot in enumerate(slots(law)):
        constraint = slot.parameter.constraint
        # Numbers that are bound together are looked at by axis.
        fine = constraint.contains(numbers[k : k + 1])[0] if constraint.elementwise else np.isfinite(numbers[k])
        if not fine:
            remedy = "fit it, or give its value" if np.isnan(numbers[k]) else ""
            raise InputError(f"{slot.name} of {name}", float(numbers[k]), f"a number {constraint}", remedy)
    for field, said in declared.items():
        value = np.asarray(parameter_values(law)[field])
        if not said.constraint.elementwise and not np.all(said.constraint.contains(value)):
            raise InputError(f"{field} of {name}", value.tolist(), f"numbers {said.constraint}")
    return law
