"""What a plan over sizes keeps to, and the budgets that can be spent within it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ..._core import InputError, Phrase, check_names, check_number, check_type
from ...laws import AbstractLaw, Input, input_kinds
from .._budgets import numbers_of
from .._cost import SIX_ND, Cost, CostLike, cost_of
from .._draws import called

MAX_SIZE = 1e30
"""Parameters and tokens where nothing limits them."""


@dataclasses.dataclass(frozen=True)
class Constraints:
    """What plans keep to.

    **Arguments:**

    - `cost`: What the budget pays for.
    - `min_N`, `max_N`: Least and largest size; `max_D`: the most tokens that may be seen.
    - `unique`: Unique tokens, for laws that ask for them; `None` where all are fresh.
    - `held`: Further inputs of the law that are given.
    - `choose`: Further inputs that are chosen with the size: the values of each, one for every choice.
    """

    cost: Cost = SIX_ND
    min_N: float = 1.0
    max_N: float = MAX_SIZE
    max_D: float = MAX_SIZE
    unique: float | None = None
    held: Mapping[str, float] = dataclasses.field(default_factory=dict)
    choose: Mapping[str, Float[np.ndarray, "*law_budget choice"]] = dataclasses.field(default_factory=dict)

    @property
    def choices(self) -> int:
        """How many choices there are of the further inputs."""
        return max((np.shape(values)[-1] for values in self.choose.values()), default=1)

    @property
    def least(self) -> float:
        """What the smallest model costs on one token."""
        return self.cost.flop(self.min_N, 1.0)

    @property
    def most(self) -> float:
        """What the largest model costs on all tokens."""
        return self.cost.flop(self.max_N, self.max_D)

    def chosen(self, choice: Int[np.ndarray, "..."]) -> "Constraints":
        """With the choices of these places."""
        return dataclasses.replace(self, choose={name: values[choice] for name, values in self.choose.items()})


def constraints_of(
    law: AbstractLaw,
    cost: CostLike = "6ND",
    unique: float | None = None,
    max_passes: float | None = None,
    min_N: float = 1.0,
    max_N: float | None = None,
    held: Mapping[str, float] | None = None,
    choose: Mapping[str, Sequence[float]] | None = None,
) -> Constraints:
    """What a plan keeps to.

    **Raises:** `InputError` for a law of other inputs, limits that are no numbers above 0 or exclude each other, and
    for inputs of the law that are missing or unknown.
    """
    paid = cost_of(cost)
    if not paid.chosen(law.inputs):
        raise InputError(
            called(law), Phrase(f"is a law of {', '.join(law.inputs)}"),
            f"a law of {' and '.join(paid.inputs)}, between which a budget is shared, as sf.laws.Chinchilla",
        )  # fmt: skip
    if not law.smaller_is_better:
        said = Phrase("gives what is better the larger it is")
        raise InputError(called(law), said, "a law of a loss", "plan by a law of the loss behind it")
    for name, number in (("unique", unique), ("max_passes", max_passes), ("min_N", min_N), ("max_N", max_N)):
        if number is not None or name == "min_N":
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
    kinds = {name: kind for name, kind in input_kinds(law).items() if name not in (*paid.inputs, "U")}
    given = dict(check_type("held", {} if held is None else held, Mapping, "values by name, as {'U': 1e12}"))
    listed = check_type("choose", {} if choose is None else choose, Mapping, "numbers by name, as {'E': [1, 8, 64]}")
    check_names("held", given, kinds, what="further inputs")
    check_names(
        "choose", listed, [name for name in kinds if name not in given], what="further inputs that are not held"
    )
    missing = [name for name in kinds if name not in given and name not in listed]
    if missing:
        raise InputError(
            called(law), Phrase(f"also takes {', '.join(missing)}"),
            remedy=f"give their values, as `held={{{missing[0]!r}: 1.0}}`",
        )  # fmt: skip
    values = {name: _allowed("held", name, value, kinds[name])[0] for name, value in given.items()}
    each = [_allowed("choose", name, several, kinds[name]) for name, several in listed.items()]
    every = [grid.ravel() for grid in np.meshgrid(*each, indexing="ij")] if each else []
    return Constraints(
        paid, float(min_N), float(max_N or MAX_SIZE), float(tokens), None if unique is None else float(unique),
        {name: float(value) for name, value in values.items()}, dict(zip(listed, every, strict=True)),
    )  # fmt: skip


def _allowed(argument: str, name: str, given: Any, kind: Input) -> Float[np.ndarray, " choice"]:
    """Numbers that an input may be.

    **Raises:** `InputError` for others.
    """
    expected = f"a number {kind.range_of}" if argument == "held" else f"numbers {kind.range_of}"
    found = numbers_of(f"{name} in {argument}", given, expected, "8" if argument == "held" else "[1, 8, 64]", -np.inf)
    if (argument == "held" and found.size > 1) or not np.all(kind.allows(found)):
        raise InputError(f"{name} in {argument}", given, expected)
    return found
