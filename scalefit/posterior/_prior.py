"""What is taken to be known of a law's parameters before any run is seen."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import InputError
from ..data import hint
from ..estimate import LawCurve, is_amplitude

SCALE = "scale"
"""The name of the scatter of the runs among the parameters."""
SCATTER = 0.02, 2.0
"""Median of the scatter, as a share of the target, and its spread in e-folds."""
LOGARITHMS = ("positive", "nonnegative", "negative")
"""Kinds of parameters that are sampled by their logarithms."""


class Prior(NamedTuple):
    """Independent priors of the sampled numbers, but for parameters of which the caller gave a distribution.

    Sampled are real numbers, one for each free parameter in centred inputs, then the logarithm of the scatter:
    logarithms of what has a sign, log odds of what lies in an interval.

    **Arguments:**

    - `centre`, `spread`: Of the normal prior of each sampled number; log odds are standard logistic instead, which is
        uniform in the interval.
    - `given`: Place of a parameter → the distribution of its natural value.
    """

    centre: Float[Array | np.ndarray, " number"]
    spread: Float[Array | np.ndarray, " number"]
    given: Mapping[int, Any]


def default(curve: LawCurve) -> Prior:
    """Priors from what a law declares: `typical` is the middle two thirds of each, in centred inputs."""
    centre, spread = [], []
    for k in curve.free:
        declared = curve.slots[k].parameter
        ends = np.asarray(declared.typical, float)
        kind = declared.constraint.kind
        if kind in LOGARITHMS:
            ends = np.log(np.sort(np.abs(ends)))
        centre.append(0.0 if kind == "interval" else float(np.mean(ends)))
        spread.append(1.0 if kind == "interval" else float(np.ptp(ends)) / 2.0)
    return Prior(np.array([*centre, math.log(SCATTER[0])]), np.array([*spread, SCATTER[1]]), {})


def with_given(prior: Prior, curve: LawCurve, given: Mapping[str, Any]) -> Prior:
    """The same with the caller's distributions in place of some.

    **Raises:** `InputError` for names that are none, and for what is no distribution of one number.
    """
    from numpyro.distributions import Distribution

    names = [*(curve.slots[k].name for k in curve.free), SCALE]
    places = {}
    for name, distribution in given.items():
        if name not in names:
            raise InputError(f"priors names {name!r}, which is not fitted; {hint(name, names, what='parameters')}.")
        if not isinstance(distribution, Distribution) or distribution.batch_shape or distribution.event_shape:
            raise InputError(
                f"The prior of {name} is {distribution!r}; expected a NumPyro distribution of one number, as "
                f"numpyro.distributions.LogNormal(-1.0, 0.5)."
            )
        place = names.index(name)
        left_out = _left_out(curve, place, distribution)
        if left_out is not None:
            raise InputError(
                f"The prior of {name} is {_words(distribution)}, which leaves out values that it may have, as "
                f"{left_out:.3g}: samplers need a density all over its range. Give one that falls off instead, as "
                f"LogNormal or Normal."
            )
        places[place] = distribution
    return prior._replace(given=places)


def _left_out(curve: LawCurve, place: int, distribution: Any) -> float | None:
    """A value that a parameter may have and a distribution does not."""
    reach = np.linspace(-6.0, 6.0, 121)
    if place == len(curve.free):
        tried = np.exp(reach)
    else:
        constraint = curve.slots[curve.free[place]].parameter.constraint
        tried = np.exp(reach) if constraint.kind == "nonnegative" else constraint.constrain(reach)
    out = ~np.asarray(distribution.support(tried))
    return float(tried[np.argmax(out)]) if out.any() else None


def described(prior: Prior, curve: LawCurve) -> dict[str, str]:
    """Each prior in words."""
    found = {}
    for i, k in enumerate(curve.free):
        declared, name = curve.slots[k].parameter, curve.slots[k].name
        kind, low, high = declared.constraint.kind, declared.constraint.low, declared.constraint.high
        about = [" as a share of the typical target"] * is_amplitude(declared)
        about += [" at the runs' mean inputs"] * bool(declared.dims)
        middle, width = float(prior.centre[i]), float(prior.spread[i])
        if i in prior.given:
            found[name] = _words(prior.given[i])
        elif kind == "interval":
            found[name] = f"Uniform({low:g}, {high:g})"
        elif kind in LOGARITHMS:
            sign = "minus a " if kind == "negative" else ""
            found[name] = f"{sign}LogNormal(log {math.exp(middle):.3g}, {width:.3g})" + ",".join(about)
        else:
            found[name] = f"Normal({middle:.3g}, {width:.3g})" + ",".join(about)
    last = len(curve.free)
    found[SCALE] = (
        _words(prior.given[last]) if last in prior.given else f"LogNormal(log {SCATTER[0]:g}, {SCATTER[1]:g})"
    )
    return found


def _words(distribution: Any) -> str:
    numbers = ", ".join(f"{float(getattr(distribution, name)):g}" for name in distribution.arg_constraints)
    return f"{type(distribution).__name__}({numbers})"


def log_prior(prior: Prior, curve: LawCurve, numbers: Float[Array, " number"], constant: Any) -> Any:
    """The logarithm of the prior density of sampled numbers."""
    odds = np.array([curve.slots[k].parameter.constraint.kind == "interval" for k in curve.free] + [False])
    own = np.array([i in prior.given for i in range(len(odds))])
    z = (numbers - prior.centre) / prior.spread
    usual = -0.5 * z * z - jnp.log(prior.spread) - 0.5 * math.log(2.0 * math.pi)
    logistic = jax.nn.log_sigmoid(numbers) + jax.nn.log_sigmoid(-numbers)
    total = jnp.sum(jnp.where(own, 0.0, jnp.where(odds, logistic, usual)))
    if not prior.given:
        return total
    natural = natural_numbers(curve, numbers, constant)
    for i, distribution in prior.given.items():
        # Natural values depend on each other in one order only, so that the volume is the product of their own slopes.
        total = total + distribution.log_prob(natural[i]) + jnp.log(jnp.abs(_slope(curve, i, numbers, natural)))
    return total


def free_numbers_of(curve: LawCurve, numbers: Float[Array, " number"]) -> list[Any]:
    """What the curve takes from the sampled numbers: what may vanish is sampled by its logarithm."""
    kinds = [curve.slots[k].parameter.constraint.kind for k in curve.free]
    return [jnp.exp(numbers[i]) if kind == "nonnegative" else numbers[i] for i, kind in enumerate(kinds)]


def natural_numbers(curve: LawCurve, numbers: Float[Array, " number"], constant: Any) -> list[Any]:
    """Natural values of the free parameters, in order, then the scatter."""
    law = curve.natural_law(free_numbers_of(curve, numbers), constant)
    places = [curve.slots[k] for k in curve.free]
    found = [getattr(law, s.field) if s.index is None else getattr(law, s.field)[s.index] for s in places]
    return [*found, jnp.exp(numbers[-1])]


def _slope(curve: LawCurve, place: int, numbers: Array, natural: list[Any]) -> Any:
    """How a natural value moves with its own sampled number."""
    if place == len(curve.free):
        return natural[place]
    declared = curve.slots[curve.free[place]].parameter
    match declared.constraint.kind:
        case "interval":
            low, high = declared.constraint.low, declared.constraint.high
            return (natural[place] - low) * (high - natural[place]) / (high - low)
        case "real":
            return jnp.where(numbers[place] == 0.0, 1.0, natural[place] / numbers[place])
        case _:
            return natural[place]
