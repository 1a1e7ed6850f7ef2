"""What a plan over sizes keeps to, from what was asked, and the laws that it is made with."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._core import InputError
from ...data import hint
from ...laws import AbstractLaw, input_names
from ...results import Ensemble, Fit
from .._cost import cost_of
from .._draws import Drawn, drawn_of, valued
from ..pools._limits import budgets_of
from ._optimum import MOST, Terms, reaches

CostLike = str | Callable[[Any, Any], Any]
BEYOND = 100.0
"""Plans so many times beyond the largest run's compute have a warning."""
PLAUSIBLE = (0.1, 1e4)
"""Tokens for each parameter beyond which a plan is taken for a slip of units."""
SMALL = 100.0
"""Budgets so many times below the smallest run are taken for one too."""


class Laws(NamedTuple):
    """A law, and along a leading axis the same with its draws; how many draws failed; the runs."""

    law: AbstractLaw
    laws: AbstractLaw
    failed: int
    source: Any


def laws_of(result: Any, num_draws: int) -> Laws:
    """The law of N and D in a result and its draws, as JAX arrays.

    **Raises:** `InputError` for anything else.
    """
    if isinstance(result, AbstractLaw):
        found = Drawn(valued(result), None, 0, None)
    elif isinstance(result, Fit | Ensemble):
        found = drawn_of(result, num_draws)
    else:
        raise InputError(f"Plans need a fit, an ensemble or a law, and {type(result).__name__} is none of them.")
    law, draws, failed, source = found
    if not {"N", "D"} <= set(law.inputs):
        raise InputError(
            f"A budget is shared between size N and data D, and {type(law).__name__} is a law of "
            f"{', '.join(law.inputs)}: fit a law of N and D, as sf.laws.Chinchilla."
        )
    with jax.enable_x64(True):
        one = jax.tree.map(lambda a: jnp.asarray(a)[None], law)
        laws = one if draws is None else jax.tree.map(lambda a, b: jnp.concatenate([a, jnp.asarray(b)]), one, draws)
    return Laws(law, laws, failed, source)


def terms_of(
    law: AbstractLaw,
    cost: CostLike,
    unique: float | None,
    max_passes: float | None,
    min_N: float,
    max_N: float | None,
    held: Mapping[str, float] | None,
) -> Terms:
    """What a plan keeps to.

    **Raises:** `InputError` for limits that are no numbers above 0 or exclude each other, and for inputs of the law
    that are missing or unknown.
    """
    for name, number in (("unique", unique), ("max_passes", max_passes), ("min_N", min_N), ("max_N", max_N)):
        if number is not None and not (isinstance(number, float | int | np.number) and 0.0 < number < np.inf):
            raise InputError(f"{name} is {number!r}; expected a finite number above 0.")
    if max_passes is not None and unique is None:
        raise InputError(f"max_passes={max_passes:g} limits passes over unique tokens: give how many, as unique=1e12.")
    if max_N is not None and max_N < min_N:
        raise InputError(f"max_N is {max_N:g} and min_N is {min_N:g}: no size is between them.")
    # A law that does not know repetition takes every token for a fresh one, and may be asked for one pass only.
    passes = max_passes if max_passes is not None else (np.inf if "U" in law.inputs else 1.0)
    tokens = MOST if unique is None else min(unique * passes, MOST)
    further = [name for base, names in input_names(law).items() if base not in ("N", "D", "U") for name in names]
    if not isinstance(held, Mapping | None):
        raise InputError(f"held is {held!r}; it must be values by name, as {{'U': 1e12}}.")
    given = dict(held or {})
    for name in given:
        if name not in further:
            raise InputError(f"held names {name!r}; {hint(name, further, what='further inputs')}.")
    missing = [name for name in further if name not in given]
    if missing:
        raise InputError(
            f"{type(law).__name__} also takes {', '.join(missing)}: give their values, as held={{{missing[0]!r}: 1.0}}."
        )
    with jax.enable_x64(True):
        return Terms(
            cost_of(cost),
            jnp.asarray(float(min_N)),
            jnp.asarray(float(max_N or MOST)),
            jnp.asarray(float(tokens)),
            None if unique is None else jnp.asarray(float(unique)),
            {name: jnp.asarray(float(value)) for name, value in given.items()},
        )


def warn_beyond(budgets: Float[np.ndarray, " budget"], source: Any) -> None:
    """Say that budgets lie more than `BEYOND` times beyond the largest run's compute, in one sentence.

    **Arguments:**

    - `budgets`: In FLOP.
    - `source`: Where the runs came from; `None` for a law by itself, which has none.
    """
    if source is None or "C" not in source.ranges or not budgets.size:
        return
    times = float(np.max(budgets)) / source.ranges["C"][1]
    if times > BEYOND:
        warnings.warn(
            f"{float(np.max(budgets)):.3g} FLOP is {times:.3g} times the compute of the largest run "
            f"({source.ranges['C'][1]:.3g} FLOP): intervals know how runs scatter, not how the law is wrong there.",
            stacklevel=3,
        )


def warn_small(
    budgets: Float[np.ndarray, " budget"], source: Any, slip: str = "it in FLOP (1 PF-day is 8.64e19)"
) -> None:
    """Say that budgets lie more than `SMALL` times below the smallest run's compute, in one sentence.

    **Arguments:**

    - `budgets`: In FLOP.
    - `source`: Where the runs came from; `None` for a law by itself, which has none.
    - `slip`: What may not be, in words.
    """
    if source is None or "C" not in source.ranges or not budgets.size:
        return
    least, smallest = float(np.min(budgets)), source.ranges["C"][0]
    if least < smallest / SMALL:
        warnings.warn(
            f"A budget of {least:g} is {smallest / least:.3g} times below the compute of the smallest run "
            f"({smallest:.3g} FLOP): is {slip}?",
            stacklevel=3,
        )


def compute_budgets(budget: Any, terms: Terms, name: str = "budget") -> Float[np.ndarray, " budget"]:
    """Budgets that can be spent in whole.

    **Raises:** `InputError` for budgets that are no numbers above 0, or that no size and data within limits cost.
    """
    budgets = budgets_of(budget, name, unit="FLOP")
    with jax.enable_x64(True):
        low, high = (np.exp(np.asarray(end)) for end in reaches(terms, jnp.asarray(budgets)))
        least = float(terms.cost.of(terms.min_N, jnp.ones(())))
        most = float(terms.cost.of(terms.max_N, terms.max_D))
    poor = np.flatnonzero(high < float(terms.min_N) * (1 - 1e-9))
    if poor.size:
        raise InputError(
            f"A budget of {budgets[poor[0]]:g} FLOP pays for no model of {float(terms.min_N):g} parameters or more "
            f"(cost {terms.cost.name}): it takes {least:.3g} FLOP at least. Is it in FLOP?"
        )
    rich = np.flatnonzero(low > high * (1 + 1e-9))
    if rich.size:
        b = int(rich[0])
        raise InputError(
            f"A budget of {budgets[b]:g} FLOP cannot be spent within the limits: the {float(terms.max_D):.3g} tokens "
            f"allowed need a model of {low[b]:.3g} parameters, and at most {high[b]:.3g} are allowed or paid for; the "
            f"limits leave {most:.3g} FLOP. Spend less, allow more passes, or raise max_N."
        )
    return budgets


def at_least(computes: Any, terms: Terms) -> Any:
    """Whether computes are those of the smallest model on one token, below which none is looked for."""
    with jax.enable_x64(True):
        return np.asarray(computes) <= float(terms.cost.of(terms.min_N, jnp.ones(()))) * (1.0 + 1e-6)
