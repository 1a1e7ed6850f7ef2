"""Cost of a training by its size N and its data D: the one place that knows what a budget pays for.

Plans choose the inputs of a law that a cost names, and take all others as given.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._core import InputError, Phrase
from ..data import parse_number
from ..solve import in_lanes, namespace

ASPECT = 128.0
"""Width over depth of the transformers that costs think of: GPT-3 has 12288 / 96."""


CostLike = str | Callable[[Any, Any], Any]


class Cost(NamedTuple):
    """What a budget pays for.

    **Arguments:**

    - `name`: In a word.
    - `of`: FLOP of N parameters and D tokens, rising in both; a plain function in `jax.numpy`, or mere arithmetic.
    - `rate`: FLOP for each parameter and token, where the cost is that times N D and nothing else.
    - `arithmetic`: Whether it is mere arithmetic, and every token known to cost the same, which spares a search.
    """

    name: str
    of: Callable[[Any, Any], Any]
    rate: float | None = None
    arithmetic: bool = True

    @property
    def inputs(self) -> tuple[str, str]:
        """The inputs of a law that cost: the size that a plan chooses, and the data that the rest of a budget buys."""
        return ("N", "D")

    def chosen(self, law_inputs: Any) -> bool:
        """Whether a law has all inputs that cost."""
        return set(self.inputs) <= set(law_inputs)

    def at(self, inputs: Mapping[str, Any]) -> Any:
        """FLOP by the inputs that cost, among others."""
        return self.of(*(inputs[name] for name in self.inputs))

    def slopes(self, N: Any, D: Any) -> tuple[Any, Any, Any]:
        """The cost and its slopes with N and D, by NumPy for arrays of the host."""
        if namespace(N) is jnp:
            one = jnp.ones_like(N)
            value, by_N = jax.jvp(lambda N: self.of(N, D), (N,), (one,))
            return value, by_N, jax.jvp(lambda D: self.of(N, D), (D,), (one,))[1]
        if not self.arithmetic:
            N, D = np.broadcast_arrays(N, D)
            found = in_lanes(_sloped(self.of), N.ravel(), D.ravel(), many=4096)
            return tuple(a.reshape(N.shape) for a in found)
        # A complex step is exact for arithmetic: nothing is subtracted.
        by_N, by_D = self.of(N + _STEP * 1j, D), self.of(N, D + _STEP * 1j)
        return by_N.real, by_N.imag / _STEP, by_D.imag / _STEP

    def flop(self, N: float, D: float) -> float:
        """FLOP of one training."""
        return float(self.slopes(np.full(1, N), np.full(1, D))[0][0])


_STEP = 1e-30


def _inference(tokens: float) -> Cost:
    """6 N D for training and 2 N for each token served in the model's life (arXiv 2401.00448)."""
    return Cost(f"inference:{tokens:g}", lambda N, D: N * (6.0 * D + 2.0 * tokens))


def _width(N: Any) -> Any:
    """The width d of N = 12 l d² parameters in l = d / `ASPECT` layers."""
    return (N * (ASPECT / 12.0)) ** (1.0 / 3.0)


def _attention(context: float) -> Cost:
    """6 N and 12 l d s for each token, s being the context (arXiv 2204.02311, appendix B)."""
    return Cost(f"attention:{context:g}", lambda N, D: (6.0 * N + 12.0 * context / ASPECT * _width(N) ** 2) * D)


def _embedding(vocabulary: float) -> Cost:
    """6 (N + V d) for each token, N without embeddings and V d those of the output."""
    return Cost(f"embedding:{vocabulary:g}", lambda N, D: 6.0 * (N + vocabulary * _width(N)) * D)


def _moe(share: float) -> Cost:
    """6 N D times the share of the parameters that a token meets, N being all of them."""
    return Cost(f"moe:{share:g}", lambda N, D: 6.0 * share * N * D, 6.0 * share)


SIX_ND = Cost("6ND", lambda N, D: 6.0 * N * D, 6.0)
"""The compute of training alone, which is what tables of runs mean by C."""

COSTS: dict[str, tuple[Callable[[float], Cost], str, str]] = {
    "inference": (_inference, "tokens served in the model's life", "1e12"),
    "attention": (_attention, "tokens of context", "2048"),
    "embedding": (_embedding, "tokens in the vocabulary", "50k"),
    "moe": (_moe, "share of the parameters that a token meets", "0.1"),
}
"""Name → how it is made, what its number is, an example."""


def cost_of(cost: str | Callable[[Any, Any], Any]) -> Cost:
    """The cost of `6ND`, `inference:1e12`, `attention:2048`, `embedding:50k`, `moe:0.1`, or a function of N and D.

    **Raises:** `InputError` for an unknown word or a number that is none, and for a function that is not finite, above
    0 and rising in N and D, or not of `jax.numpy`.
    """
    if isinstance(cost, str):
        return _named(cost)
    if not callable(cost):
        raise InputError("cost", cost, f"{_known()}, or a function of N and D that gives FLOP")
    return _of_user(cost)


def is_implausible(N: Any, D: Any) -> Any:
    """Whether no one trains on so few or so many tokens for each parameter: a slip of units is more likely."""
    return (D < 0.1 * N) | (D > 1e4 * N)


@functools.lru_cache(maxsize=64)
def _named(cost: str) -> Cost:
    # Kept, so that the same words are the same function and nothing is compiled twice.
    name, colon, text = (part.strip() for part in cost.partition(":"))
    if name.upper() == SIX_ND.name and not colon:
        return SIX_ND
    if name.lower() not in COSTS:
        raise InputError("cost", cost, _known())
    make, what, example = COSTS[name.lower()]
    number = parse_number(text)
    if number is None or not 0.0 < number < np.inf or (name.lower() == "moe" and number > 1.0):
        raise InputError("cost", cost, f"a number above 0 after {name.lower()}, the {what}, as {name}:{example}")
    return make(number)


def _known() -> str:
    return " or ".join([SIX_ND.name, *(f"{name}:{example}" for name, (_, _, example) in COSTS.items())])


@functools.lru_cache(maxsize=64)
def _sloped(cost: Callable[[Any, Any], Any]) -> Callable[[Any, Any], tuple[Any, Any, Any]]:
    """A cost and its slopes with N and D: the same function for the same cost, so that nothing is compiled twice."""
    return lambda N, D: (cost(N, D), *jax.grad(cost, (0, 1))(N, D))


def _of_user(cost: Callable[[Any, Any], Any]) -> Cost:
    name = getattr(cost, "__name__", "cost")
    N, D = (a.ravel() for a in np.meshgrid([1e3, 1e6, 1e9, 1e12], [1e3, 1e6, 1e9, 1e12], indexing="ij"))
    try:
        value, *slopes = in_lanes(_sloped(cost), N, D)
    except (TypeError, jax.errors.JAXTypeError) as error:
        given = Phrase(f"{name!r} is not a function of N and D in jax.numpy: {str(error).splitlines()[0]}")
        raise InputError("cost", given, "one that gives one number, as lambda N, D: 6 * N * D") from error
    fine = np.isfinite(value) & (value > 0) & (slopes[0] > 0) & (slopes[1] > 0)
    if not fine.all():
        i = int(np.argmin(fine))
        given = Phrase(
            f"{name!r} is {value[i]:g} at N = {N[i]:g}, D = {D[i]:g}, rising by {slopes[0][i]:g} with N and "
            f"{slopes[1][i]:g} with D"
        )
        raise InputError("cost", given, "one that is above 0 and rises with both")
    return Cost(name, cost, arithmetic=False)
