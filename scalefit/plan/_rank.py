"""Which of many arms is the best at a target, and how sure that is."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._core import InputError, Phrase, check_flag, check_number, check_probability
from ..calibrate import Discrepancy, forecast
from ..results import Ensemble, Estimate, Fit, check_result, estimated, predict, predicted

NUM = 4000
"""Draws of an arm that has none of its own: from its interval to first order."""


class Ranked(NamedTuple):
    """Arms beside each other, after which come the points that were asked for.

    **Arguments:**

    - `arms`: Their names, as in every array below.
    - `value`: What each comes to, with its interval.
    - `best`: The probability that it is the best of all; they sum to 1 at each point.
    - `regret`: How far it is expected to be behind the best of each draw, in log.
    - `paired`: Whether a draw of one arm belongs to the same draw of the others.
    """

    arms: tuple[Any, ...]
    value: Estimate
    best: Float[np.ndarray, "arm *point"]
    regret: Float[np.ndarray, "arm *point"]
    paired: bool

    def __repr__(self) -> str:
        if self.best.ndim > 1:
            return f"Ranked: {len(self.arms)} arms at {self.best[0].size} points"
        order = np.argsort(-self.best, kind="stable")[:8]
        lines = [f"Ranked: {len(self.arms)} arms, draws {'paired' if self.paired else 'independent'}"]
        for k in order.tolist():
            lines.append(
                f"  {self.arms[k]}: best with {100 * self.best[k]:.1f} %, {self.value[k]}, expected "
                f"{100 * self.regret[k]:.2f} % behind the best"
            )
        return "\n".join(lines)


def rank(
    arms: Fit[Any] | Ensemble[Any] | Discrepancy | Mapping[str, Fit[Any] | Ensemble[Any] | Discrepancy],
    *,
    paired: bool = False,
    new_run: bool = False,
    level: float = 0.9,
    seed: int = 0,
    **inputs: ArrayLike,
) -> Ranked:
    """Say with which probability each of many arms is the best at a target.

    **Arguments:**

    - `arms`: A batch, whose studies are the arms, or results by name, of laws with the same inputs and targets of one
        kind: ensembles, or fits, of which draws are made by Student's t of their errors to first order; a `discrepancy`
      of either is drawn from what it forecasts.
    - `paired`: Whether draw i of one goes with draw i of all others, as where all were refitted to the same resamples
        (`bootstrap(..., weights=...)`), so that what they have in common cancels. Else draws are independent.
    - `new_run`: Whether of one new run each, which scatter by themselves, or of the mean curves.
    - `level`: Probability of the central intervals.
    - `seed`: Of the putting together.
    - `inputs`: The target: every input of the laws, as for `predict`.

    **Returns:** a `Ranked`.

    **Raises:** `InputError` for fewer than two arms, paired draws of different numbers, or of fits, and as `predict`
    does.
    """
    check_probability("level", level)
    check_number("seed", seed, least=0, whole=True)
    named = _named(arms)
    kinds = {one.fit.template.smaller_is_better for one in named.values()}
    if len(kinds) > 1:
        raise InputError("arms", Phrase("are of losses and of accuracies"), "targets of one kind")
    if check_flag("paired", paired) and not all(isinstance(one, Ensemble) for one in named.values()):
        raise InputError("paired", paired, "ensembles, made by `bootstrap(..., weights=...)`")
    rng = np.random.default_rng([seed, 0xBE57])
    found = [_drawn(one, new_run, inputs, rng) for one in named.values()]
    counts = [len(draws) for _, draws in found]
    if paired and len(set(counts)) > 1:
        raise InputError("paired", Phrase(f"arms have {', '.join(map(str, counts))} draws"), "as many of each")
    some = [np.arange(min(counts)) if paired else rng.permutation(c)[: min(counts)] for c in counts]
    table = np.stack([draws[rows] for (_, draws), rows in zip(found, some, strict=True)], axis=1)
    table = table[np.isfinite(table).all(axis=tuple(range(1, table.ndim)))]
    if len(table) == 0:
        raise InputError("arms", Phrase("have no draw in which all converged"), remedy="draw more")
    sign = 1.0 if kinds.pop() else -1.0
    first = np.argmin(sign * table, axis=1)
    best = np.stack([np.mean(first == k, axis=0) for k in range(len(named))])
    with np.errstate(invalid="ignore", divide="ignore"):
        behind = sign * (np.log(table) - np.log((sign * table).min(axis=1, keepdims=True) * sign))
    value = np.stack([value for value, _ in found])
    return Ranked(tuple(named), estimated(value, table, level), best, behind.mean(axis=0), paired)


def _named(arms: Any) -> dict[Any, Any]:
    """The arms by name, two at least, each of one study."""
    if isinstance(arms, Mapping):
        found = {str(name): _checked(f"the arm {name}", one) for name, one in arms.items()}
    else:
        one = _checked("arms", arms)
        found = {} if one.fit.keys is None else {key: one[key] for key in one.fit.keys}
    if len(found) < 2:
        raise InputError(
            "arms", Phrase(f"is {'one arm' if found else 'a single result'}"), "a batch, or two or more by name"
        )
    for name, one in found.items():
        if one.fit.keys is not None:
            raise InputError(f"the arm {name}", Phrase("is a batch"), "one study", "rank the batch by itself")
        if not one.fit.converged:
            raise InputError(f"the arm {name}", Phrase("did not converge"), remedy="mend its fit, or leave it out")
    return found


def _checked(argument: str, one: Any) -> Any:
    if isinstance(one, list | tuple):
        raise InputError(argument, Phrase("have no names"), "a batch, or results by name, as {'a': fit, 'b': other}")
    return one if isinstance(one, Discrepancy) else check_result(argument, one)


def _drawn(
    one: Fit[Any] | Ensemble[Any] | Discrepancy, new_run: bool, inputs: dict[str, Any], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "*point"], Float[np.ndarray, "draw *point"]]:
    """The value of an arm, and its draws."""
    if isinstance(one, Ensemble):
        value, draws = predicted(one, new_run, inputs)
        assert draws is not None
        return value, draws.reshape(-1, *value.shape)
    if isinstance(one, Discrepancy):
        foreseen = forecast(one, **inputs)
        found = foreseen.run if new_run else foreseen.curve
    else:
        found = predict(one, new_run=new_run, **inputs)  # pyright: ignore[reportArgumentType]  inputs of the law alone
    spread, value = found.spread, found.value
    if spread is None:
        raise InputError("arms", Phrase("have no intervals by themselves"), remedy="give draws, as bootstrap(fit)")
    return value, spread.sampled(value, (NUM, *[1] * value.ndim), rng)
