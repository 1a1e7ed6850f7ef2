"""Mixtures over scale: the best weights from budget to budget or price to price, and a rule from two of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..._core import InputError, Phrase, check_names, check_number, check_type
from ._limits import MixtureLimits
from ._optimise import optimise_mixture
from ._result import BestMixture

STEPS = 60.0
"""Times as far as from the first mixture to the second, at most, that the rule is carried on to either side."""


def mixtures_along(
    result: Any, *, at: Mapping[str, Any] | None = None, kl: Sequence[float] | None = None, **options: Any
) -> tuple[BestMixture, ...]:
    """The best mixture at each of several budgets, or at each price of straying from the prior.

    **Arguments:**

    - `result`: As of `optimise_mixture`, whose `options` are taken too.
    - `at`: Numbers beside the weights, one of them several, as `{"D": [1e11, 1e12]}`.
    - `kl`: Prices, as `MixtureLimits.kl`.

    **Returns:** a `BestMixture` for each, in the order given.

    **Raises:** `InputError` where neither or both are several, and as `optimise_mixture` does.
    """
    at = dict(check_type("at", at or {}, Mapping, "numbers by input"))
    several = [name for name, value in at.items() if np.ndim(value) > 0]
    if len(several) + (kl is not None) != 1:
        raise InputError("at", Phrase("and `kl` are to have several numbers in one place"),
                         "budgets, as at={'D': [1e11, 1e12]}, or prices, as kl=[0.01, 0.1]")  # fmt: skip
    limits = MixtureLimits.of(options.pop("limits", None))
    if kl is not None:
        prices = [check_number("kl", price, least=0.0) for price in kl]
        fields = {name: getattr(limits, name) for name in limits.__dataclass_fields__}
        return tuple(
            optimise_mixture(result, at=at, limits=MixtureLimits(**{**fields, "kl": price}), **options)
            for price in prices
        )
    (name,) = several
    return tuple(optimise_mixture(result, at={**at, name: float(one)}, limits=limits, **options) for one in at[name])


def amounts_at(first: Mapping[str, float], second: Mapping[str, float], total: float) -> dict[str, float]:
    r"""What each domain gives at another scale by AutoScale's rule from the best amounts at two.

    The logarithm of every amount is linear along one line through both, $N_i = N_i^{(1)}(N_i^{(2)}/N_i^{(1)})^k$; k is
    where they sum to the total. For k = 2 that is $N^{(2)}(N^{(1)})^{-1}N^{(2)}$.

    **Arguments:**

    - `first`, `second`: Best amounts by domain at two totals, above 0.
    - `total`: The sum at the other scale.

    **Returns:** the amounts by domain.

    **Raises:** `InputError` for other domains, amounts that are not above 0, and totals that no k reaches.

    Source: Kang et al. 2024 (arXiv 2407.20177, theorem 2).
    """
    for name, amounts in (("first", first), ("second", second)):
        check_type(name, amounts, Mapping, "amounts by domain, as {'web': 2e9, 'code': 1e9}")
    check_names("second", second, first, what="domains of the first")
    check_names("first", first, second, what="domains of the second")
    one = np.array([check_number(f"first: {name}", v, above=0.0) for name, v in first.items()])
    two = np.array([check_number(f"second: {name}", second[name], above=0.0) for name in first])
    check_number("total", total, above=0.0)
    from scipy.optimize import brentq  # most calls of the package do without SciPy

    def off(k: float) -> float:
        return float(np.log(np.sum(np.exp(np.log(one) + k * np.log(two / one)))) - np.log(total))

    # Which way is up: the sum may fall at first where one domain shrinks by much.
    ends = (0.0, STEPS) if (total >= one.sum()) == (two.sum() >= one.sum()) else (-STEPS, 0.0)
    if off(ends[0]) * off(ends[1]) > 0.0:
        raise InputError("total", float(total), "one that the line through both amounts reaches")
    k = float(brentq(off, *ends, xtol=1e-14))  # pyright: ignore[reportArgumentType]  its result is a number
    return dict(zip(first, np.exp(np.log(one) + k * np.log(two / one)).tolist(), strict=True))
