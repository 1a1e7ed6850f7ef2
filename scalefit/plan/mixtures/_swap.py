"""A mixture exchanged for another, as the compute that it saves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from ..._core import InputError, Phrase, check_names, check_number, check_probability, check_type
from ...laws import inputs_of
from ...results import Estimate, estimated
from ...solve import in_lanes
from .._draws import drawn_of
from ._given import weights_given
from ._known import known_of
from ._limits import MixtureLimits
from ._objective import Form, cost_by, objective_of, predicted_by
from ._optimise import Task

FAR = float(np.log(1e6))
"""Logarithms of factors that are looked at, to both sides."""
HALVINGS = 50
"""Bisections of a factor: to a part in 1e13."""

Lead = Callable[[Float[np.ndarray, " draw"]], Float[np.ndarray, " draw"]]
"""Logarithms of factors in, by how much the first mixture is then worse than the second out: it falls with compute."""


class Swap(NamedTuple):
    """What a mixture saves of the compute of another.

    **Arguments:**

    - `factor`: How many times its compute the first mixture needs for the value that the second has; infinite where it
        never gets there within a million times.
    - `gap`: Logarithm of the value under the first over that under the second at the same compute: above 0 where the
        second is better.
    - `probability`: That the second is the better one; `None` without draws.
    """

    factor: Estimate
    gap: Estimate
    probability: float | None


def mixture_speedup(
    result: Any,
    first: Any,
    second: Any,
    *,
    at: Mapping[str, float] | None = None,
    along: str | Sequence[str] | None = None,
    ladders: Mapping[str, Any] | None = None,
    objective: Any = "mean",
    limits: Any = None,
    level: float = 0.95,
    num_draws: int = 200,
) -> dict[str, Swap]:
    r"""A mixture swap as compute-equivalent speedup, by target: the k with $L(w_1, k\,C) = L(w_2, C)$.

    A law that takes sizes says itself how the value falls with them. Of one that takes weights alone, ladders of runs
    on the first mixture do, by target: the k with $f(k\,C)/f(C) = L(w_2)/L(w_1)$.

    **Arguments:**

    - `result`: As of `optimise_mixture`.
    - `first`, `second`: Weights by domain (0 where left out), or mixtures that were found. The second takes the place
        of the first. What weights miss of a sum of 1, by a thousandth at most, they are divided by.
    - `at`: What the law takes beside the weights, and the ladders.
    - `along`: The sizes that grow, each taking the like share of the factor: all that the law takes, or the ladder,
        unless given, so that tokens per parameter stay as they are.
    - `ladders`: Fits, ensembles or laws of runs that grow on the first mixture, by target.
    - `objective`: What else than the targets is looked at, as of `optimise_mixture`; with ladders nothing is.
    - `limits`: The `tokens` of each domain, for laws that take them.
    - `level`: Probability of the intervals; `num_draws`: draws of an ensemble at most.

    **Returns:** name of a target → `Swap`, and last that of the objective where there are several targets.

    **Raises:** `InputError` for weights off the simplex, laws without a size where no ladder is given, and sizes that
    `at` lacks.
    """
    check_probability("level", level)
    known = known_of(result, check_number("num_draws", num_draws, least=2, whole=True))
    goal = objective_of(objective, known.targets)
    pair = [weights_given(name, w, known.domains) for name, w in (("first", first), ("second", second))]
    at = dict(check_type("at", at or {}, Mapping, "numbers by input, as {'N': 1e9, 'D': 2e10}"))
    own = at if ladders is None else {name: at[name] for name in known.mixed.others if name in at}
    task = Task.of(known, goal, MixtureLimits.of(limits), own, None, 0.9, 0)
    leads = _of_law(task, pair, along) if ladders is None else _of_ladders(task, pair, ladders, at, along, num_draws)
    return {name: _swap(gap, lead, level) for name, gap, lead in leads}


def _swap(gap: Float[np.ndarray, " draw"], lead: Lead, level: float) -> Swap:
    """The factor at which the lead of the second is gone, of the law itself and of each draw after it."""
    low, high = np.full(len(gap), -FAR), np.full(len(gap), FAR)
    never, always = lead(high) > 0.0, lead(low) <= 0.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        short = lead(middle) > 0.0
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    factor = np.where(never, np.inf, np.where(always, 0.0, np.exp(0.5 * (low + high))))
    drawn = len(factor) > 1
    return Swap(
        estimated(factor[0], factor[1:] if drawn else None, level),
        estimated(gap[0], gap[1:] if drawn else None, level),
        float(np.mean(gap[1:] > 0.0)) if drawn else None,
    )


def _of_law(task: Task, pair: list[Any], along: Any) -> Iterator[tuple[str, np.ndarray, Lead]]:
    """The leads by target by the law's own sizes, and of the objective."""
    known = task.known
    kinds = inputs_of(known.law)
    grown = _grown(along, [name for name in known.mixed.others if kinds[name].logarithm], "the law")
    if not grown:
        given = Phrase(f"is of {type(known.law).__name__}, which takes no size")
        raise InputError(
            "result", given, remedy="give `ladders`: fits by target of runs that grow on the first mixture"
        )
    mix = task.mix(_drawn(known))
    count, several = len(mix.temperature), len(known.targets) > 1
    form = Form(known.mixed, len(known.targets), task.goal.how)

    def values(which: int, log_factor: np.ndarray) -> np.ndarray:
        """By target, and the objective in the end."""
        factor = np.exp(log_factor / len(grown))
        lanes = mix._replace(point={name: x * factor if name in grown else x for name, x in mix.point.items()})
        w = np.tile(pair[which], (count, 1))
        whole = in_lanes(cost_by(form), w, lanes)
        return np.column_stack([in_lanes(predicted_by(form), w, lanes), whole])

    base, now = (values(which, np.zeros(count)) for which in (0, 1))
    names: list[str] = [*known.targets, *([task.goal.name] if several else [])]
    for k, name in enumerate(names):
        better = now[:, k]

        def lead(log_factor: np.ndarray, k: int = k, better: np.ndarray = better) -> np.ndarray:
            return values(0, log_factor)[:, k] - better

        yield name, _log(base[:, k] / better), lead


def _of_ladders(
    task: Task, pair: list[Any], ladders: Any, at: Mapping[str, Any], along: Any, num_draws: int
) -> Iterator[tuple[str, np.ndarray, Lead]]:
    """The leads by target by what a ladder of each gains from compute."""
    known = task.known
    check_type("ladders", ladders, Mapping, "fits by target, as {'c4': fit}")
    check_names("ladders", ladders, known.targets, what="targets")
    if not ladders:
        raise InputError("ladders", Phrase("is empty"), "fits by target, as {'c4': fit}")
    rungs_of = {name: drawn_of(ladder, num_draws, f"ladders: {name}").stacked for name, ladder in ladders.items()}
    for name, rungs in rungs_of.items():
        if any(kind.axis is not None for kind in inputs_of(rungs).values()):
            raise InputError(f"ladders: {name}", Phrase(f"is of {type(rungs).__name__}, a law of weights"),
                             "a law of sizes, as sf.laws.Frontier")  # fmt: skip
    taken = dict.fromkeys([*known.mixed.others, *(k for rungs in rungs_of.values() for k in inputs_of(rungs))])
    check_names("at", at, taken, what="inputs of the laws and ladders")
    mix = task.mix(_drawn(known))
    form = Form(known.mixed, len(known.targets), task.goal.how)
    base, now = (in_lanes(predicted_by(form), np.tile(w, (len(mix.temperature), 1)), mix) for w in pair)
    for name, rungs in rungs_of.items():
        called, kinds = f"ladders: {name}", inputs_of(rungs)
        grown = _grown(along, [k for k, kind in kinds.items() if kind.logarithm], called)
        start = {k: check_number(f"at: {k}", at[k], above=0.0) for k in kinds if k in at}
        if lacking := [k for k in kinds if k not in start]:
            given = Phrase(f"has no {lacking[0]}, which the ladder of {name!r} takes")
            raise InputError("at", given, remedy=f"give it, as at={{{lacking[0]!r}: 1e21}}")
        # The law itself with the ladder itself; of draws, those of both by their place.
        counts = len(base), len(jax.tree.leaves(rungs)[0])
        places = [np.append(0, 1 + np.arange(max(counts) - 1) % (n - 1)) if n > 1 else np.zeros(max(counts), int)
                  for n in counts]  # fmt: skip
        k = known.targets.index(name)
        gap = _log(base[places[0], k] / now[places[0], k])
        laws = jax.tree.map(lambda a, some=places[1]: a[some], rungs)

        def ladder_at(log_factor: np.ndarray, laws: Any = laws, grown: Any = grown, start: Any = start) -> np.ndarray:
            factor = np.exp(log_factor / len(grown))
            return in_lanes(_value, laws, {n: x * (factor if n in grown else np.ones_like(factor))
                                           for n, x in start.items()})  # fmt: skip

        whole = ladder_at(np.zeros(len(gap)))

        def lead(log_factor: np.ndarray, gap: Any = gap, whole: Any = whole, f: Any = ladder_at) -> np.ndarray:
            return _log(f(log_factor) / whole) + gap

        yield name, gap, lead


def _value(law: Any, point: Any) -> Any:
    return law(**point)


def _log(ratio: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.log(ratio)


def _drawn(known: Any) -> Any:
    """The law itself, and its draws after it."""
    if known.draws is None:
        return known.stacked
    return jax.tree.map(lambda a, b: np.concatenate([a, np.asarray(b, float)]), known.stacked, known.draws)


def _grown(along: Any, sizes: Sequence[str], of: str) -> tuple[str, ...]:
    """The sizes that grow: all, unless told."""
    asked = sizes if along is None else (along,) if not isinstance(along, Sequence) or isinstance(along, str) else along
    if any(name not in sizes for name in asked) or (along is not None and not asked):
        raise InputError("along", along, f"sizes of {of}: {', '.join(sizes) or 'none'}")
    return tuple(asked)
