"""Mixtures over scale: the best weights from budget to budget or price to price, and a rule from two of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from ..._core import InputError, Phrase, check_names, check_number, check_type
from ...results import Estimate, estimated
from ._limits import MixtureLimits
from ._optimise import optimise_mixture
from ._result import BestMixture

STEPS = 60.0
"""Times as far as from the first mixture to the second, at most, that the rule is carried on to either side."""
LEAST_SHARE = 1e-6
"""Shares below which a domain counts as not taken."""


@dataclasses.dataclass(frozen=True, eq=False)
class MixturePath(Sequence[BestMixture]):
    """The best mixture at each of several budgets or sizes, or at each price of straying from the prior.

    It is the sequence of them.

    **Arguments:**

    - `mixtures`: As they were asked for.
    - `along`: What changes from one to the next: inputs, or `kl`; `places`: its numbers.
    """

    mixtures: tuple[BestMixture, ...]
    along: tuple[str, ...]
    places: Float[np.ndarray, "place along"]

    def __getitem__(self, place: Any) -> Any:
        return self.mixtures[place]

    def __len__(self) -> int:
        return len(self.mixtures)

    @property
    def domains(self) -> tuple[str, ...]:
        """Their names."""
        return self.mixtures[0].domains

    @property
    def weights(self) -> Float[np.ndarray, "place domain"]:
        """The recommended weights."""
        return np.stack([best.weights for best in self.mixtures])

    def weights_interval(self, level: float = 0.95) -> Estimate:
        """The same with central intervals, where there are draws.

        **Raises:** `InputError` for a level outside (0, 1).
        """
        each = [best.weights_interval(level) for best in self.mixtures]
        draws = [one.draws for one in each if one.draws is not None]
        return estimated(self.weights, np.stack(draws, axis=1) if draws else None, level)

    def by_rule(self, first: int = 0, second: int = 1) -> Float[np.ndarray, "place domain"]:
        """The weights that AutoScale's rule has at each budget, from those of two of them: see `amounts_at`.

        **Arguments:**

        - `first`, `second`: Which two.

        **Raises:** `InputError` for a path without tokens, two of the same budget, and a domain that only one of the
        two has: the rule then has no amount to begin from.
        """
        tokens = [best.at.get("D") for best in self.mixtures]
        count = len(self)
        places = [check_number(name, k, least=-count, most=count - 1, whole=True)
                  for name, k in (("first", first), ("second", second))]  # fmt: skip
        one, two = (self.mixtures[k] for k in places)
        if None in tokens or one.at["D"] == two.at["D"]:
            raise InputError("path", Phrase("has no two budgets of tokens D that differ"),
                             remedy="take one along D, as at={'D': [1e10, 1e11, 1e12]}")  # fmt: skip
        has = np.stack([one.weights, two.weights]) > LEAST_SHARE
        for i in np.flatnonzero(has[0] != has[1]):
            which = "second" if has[0, i] else "first"
            given = Phrase(f"takes nothing from {self.domains[i]!r}, and the other of the two does")
            raise InputError(which, given, remedy="name two budgets of the path that draw from the same domains")
        some = np.flatnonzero(has[0])
        amounts = [
            {self.domains[i]: float(best.weights[i] / best.weights[some].sum() * best.at["D"]) for i in some}
            for best in (one, two)
        ]
        found = np.zeros((count, len(self.domains)))
        for k, best in enumerate(self.mixtures):
            found[k, some] = list(amounts_at(amounts[0], amounts[1], best.at["D"]).values())
        return found / found.sum(axis=1, keepdims=True)

    def __repr__(self) -> str:
        lines = [f"MixturePath of {len(self.domains)} domains along {' and '.join(self.along)}"]
        for place, best in zip(self.places, self.mixtures, strict=True):
            order = [i for i in np.argsort(-best.weights, kind="stable") if best.weights[i] > 5e-4][:6]
            said = ", ".join(f"{100 * best.weights[i]:.3g} % {best.domains[i]}" for i in order)
            named = ", ".join(f"{name}={x:.4g}" for name, x in zip(self.along, place, strict=True))
            lines.append(f"  {named}: {best.value:.5g} by {said}")
        return "\n".join(lines)


def mixtures_along(
    result: Any, *, at: Mapping[str, Any] | None = None, kl: Sequence[float] | None = None, **options: Any
) -> MixturePath:
    """The best mixture at each of several budgets or sizes, or at each price of straying from the prior.

    **Arguments:**

    - `result`: As of `optimise_mixture`, whose `options` are taken too.
    - `at`: Numbers beside the weights, one of them several, as `{"D": [1e11, 1e12]}`; or as many of each of some that
        go together, as `{"N": [1e9, 7e9], "D": [2e10, 1.4e11]}`.
    - `kl`: Prices, as `MixtureLimits.kl`.

    **Returns:** a `MixturePath`, in the order given.

    **Raises:** `InputError` where neither or both are several, and as `optimise_mixture` does.
    """
    at = dict(check_type("at", at or {}, Mapping, "numbers by input"))
    several = [name for name, value in at.items() if np.ndim(value) > 0]
    if bool(several) + (kl is not None) != 1:
        raise InputError("at", Phrase("and `kl` are to have several numbers in one place"),
                         "budgets, as at={'D': [1e11, 1e12]}, or prices, as kl=[0.01, 0.1]")  # fmt: skip
    limits = MixtureLimits.of(options.pop("limits", None))
    if kl is not None:
        prices = [check_number("kl", price, least=0.0) for price in np.ravel(np.asarray(kl, dtype=object))]
        if not prices:
            raise InputError("kl", kl, "prices, as [0.01, 0.1]")
        each = [(at, dataclasses.replace(limits, kl=price)) for price in prices]
        return MixturePath(_best_of(result, each, options), ("kl",), np.array(prices)[:, None])
    columns = {name: [check_number(f"at: {name}", x, above=0.0) for x in np.ravel(np.asarray(at[name], dtype=object))]
               for name in several}  # fmt: skip
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1 or not min(lengths.values()):
        said = " and ".join(f"{count} of {name}" for name, count in lengths.items())
        raise InputError("at", Phrase(f"has {said}"), "as many of each, one at least")
    places = list(zip(*columns.values(), strict=True))
    each = [({**at, **dict(zip(several, place, strict=True))}, limits) for place in places]
    return MixturePath(_best_of(result, each, options), tuple(several), np.array(places))


def _best_of(result: Any, each: list[tuple[Any, MixtureLimits]], options: Any) -> tuple[BestMixture, ...]:
    return tuple(optimise_mixture(result, at=at, limits=limits, **options) for at, limits in each)


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
    if not len(one):
        raise InputError("first", first, "amounts by domain, as {'web': 2e9, 'code': 1e9}")
    from scipy.optimize import brentq  # most calls of the package do without SciPy

    start, step = np.log(one), np.log(two) - np.log(one)

    def off(k: float) -> float:
        return float(np.logaddexp.reduce(start + k * step) - np.log(total))

    if abs(off(0.0)) < 1e-12:
        return dict(zip(first, one.tolist(), strict=True))
    # Which way is up: the sum may fall at first where one domain shrinks by much.
    ends = (0.0, STEPS) if (total >= one.sum()) == (two.sum() >= one.sum()) else (-STEPS, 0.0)
    if off(ends[0]) * off(ends[1]) > 0.0:
        raise InputError("total", float(total), "one that the line through both amounts reaches")
    k = float(brentq(off, *ends, xtol=1e-14))  # pyright: ignore[reportArgumentType]  its result is a number
    return dict(zip(first, np.exp(start + k * step).tolist(), strict=True))
