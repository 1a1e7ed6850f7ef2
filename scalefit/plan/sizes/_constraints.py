"""What a plan over sizes keeps to, and the budgets that can be spent within it."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._core import InputError, Phrase, check_names, check_number, check_type
from ...laws import AbstractLaw, input_names
from .._cost import SIX_ND, Cost, CostLike, cost_of

MAX_SIZE = 1e30
"""Parameters and tokens where nothing limits them."""


class Constraints(eqx.Module):
    """What plans keep to.

    **Arguments:**

    - `cost`: What the budget pays for.
    - `min_N`, `max_N`: Least and largest size; `max_D`: the most tokens that may be seen.
    - `unique`: Unique tokens, for laws that ask for them; `None` where all are fresh.
    - `held`: Further inputs of the law.
    """

    cost: Cost = eqx.field(static=True, default=SIX_ND)
    min_N: Any = 1.0
    max_N: Any = MAX_SIZE
    max_D: Any = MAX_SIZE
    unique: Any = None
    held: dict[str, Any] = eqx.field(default_factory=dict)


def constraints_of(
    law: AbstractLaw,
    cost: CostLike = "6ND",
    unique: float | None = None,
    max_passes: float | None = None,
    min_N: float = 1.0,
    max_N: float | None = None,
    held: Mapping[str, float] | None = None,
) -> Constraints:
    """What a plan keeps to.

    **Raises:** `InputError` for a law of other inputs, limits that are no numbers above 0 or exclude each other, and
    for inputs of the law that are missing or unknown.
    """
    paid = cost_of(cost)
    if not paid.chosen(law.inputs):
        raise InputError(
            type(law).__name__, Phrase(f"is a law of {', '.join(law.inputs)}"),
            f"a law of {' and '.join(paid.inputs)}, between which a budget is shared, as sf.laws.Chinchilla",
        )  # fmt: skip
    for name, number in (("unique", unique), ("max_passes", max_passes), ("min_N", min_N), ("max_N", max_N)):
        if number is not None:
            check_number(name, number, above=0.0)
    if max_passes is not None and unique is None:
        raise InputError(
            "max_passes", max_passes, "passes over unique tokens", "give how many these are, as `unique=1e12`"
        )
    if max_N is not None and max_N < min_N:
        raise InputError("max_N", max_N, f"a size of at least `min_N`, {min_N:g}")
    # A law that does not know repetition takes every token for a fresh one, and may be asked for one pass only.
    passes = max_passes if max_passes is not None else (np.inf if "U" in law.inputs else 1.0)
    tokens = MAX_SIZE if unique is None else min(unique * passes, MAX_SIZE)
    chosen = (*paid.inputs, "U")
    further = [name for base, names in input_names(law).items() if base not in chosen for name in names]
    given = dict(check_type("held", {} if held is None else held, Mapping, "values by name, as {'U': 1e12}"))
    check_names("held", given, further, what="further inputs")
    missing = [name for name in further if name not in given]
    if missing:
        raise InputError(
            type(law).__name__, Phrase(f"also takes {', '.join(missing)}"),
            remedy=f"give their values, as `held={{{missing[0]!r}: 1.0}}`",
        )  # fmt: skip
    with jax.enable_x64(True):
        return Constraints(
            paid,
            jnp.asarray(float(min_N)),
            jnp.asarray(float(max_N or MAX_SIZE)),
            jnp.asarray(float(tokens)),
            None if unique is None else jnp.asarray(float(unique)),
            {name: jnp.asarray(check_number(f"{name} in held", value)) for name, value in given.items()},
        )
