"""What is taken to be known of a law's parameters before any run is seen."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import InputError
from ..data import hint
from ..problem import LawCurve, is_amplitude

SCALE, GROWTH, TRAINING = "scale", "growth", "training"
"""What the scatter of the runs is called among the parameters, the power with which it grows with an input, and the
spread of what rows of one training share, as a multiple of the scatter."""
SCATTER = 0.02, 2.0
"""Median of the scatter, as a share of the target, and its spread in e-folds."""
ENOUGH = 100
"""Of 16 times so many draws of a prior, so many must be values that its parameter may have."""
STEEP = 0.3
"""Spread of the power with which the scatter grows."""
SHARED = 1.5
"""Spread in e-folds of the multiple, whose median is 1."""
VANISHING = 0.01
"""Of its larger end: what a parameter is taken to fall to whose typical range begins at 0."""
LOGARITHMS = ("positive", "nonnegative", "negative")
"""Kinds of parameters that are sampled by their logarithms."""


class Prior(eqx.Module):
    """Independent priors of the sampled numbers, but for parameters of which the caller gave a distribution.

    Sampled are real numbers, one for each free parameter in centred inputs, then those of the scatter (`extras`):
    logarithms of what has a sign, log odds of what lies in an interval.

    **Arguments:**

    - `centre`, `spread`: Of the normal prior of each sampled number; log odds are standard logistic instead, which is
        uniform in the interval.
    - `given`: Place of a parameter → the distribution of its natural value.
    - `bounds`: Place of a parameter → the ends of that distribution, where it has both: sampled are log odds then.
    - `extras`: Further numbers of the scatter: of `GROWTH` and `TRAINING`, in this order.
    """

    centre: Float[Array | np.ndarray, " number"]
    spread: Float[Array | np.ndarray, " number"]
    given: dict[int, Any] = eqx.field(default_factory=dict)
    bounds: dict[int, tuple[Any, Any]] = eqx.field(default_factory=dict)
    extras: tuple[str, ...] = eqx.field(static=True, default=())


def names_of(prior: Prior, curve: LawCurve) -> list[str]:
    """What each sampled number is called."""
    return [*(curve.slots[k].name for k in curve.free), SCALE, *prior.extras]


def default(curve: LawCurve, extras: tuple[str, ...] = ()) -> Prior:
    """Priors from what a law declares: `typical` is the middle two thirds of each, in centred inputs."""
    centre, spread = [], []
    for k in curve.free:
        declared = curve.slots[k].parameter
        ends = np.asarray(declared.typical, float)
        kind = declared.constraint.kind
        if kind in LOGARITHMS:
            ends = np.sort(np.abs(ends))
            ends = np.log(np.maximum(ends, VANISHING * ends[1]))
        centre.append(0.0 if kind == "interval" else float(np.mean(ends)))
        spread.append(1.0 if kind == "interval" else float(np.ptp(ends)) / 2.0)
    further = [{GROWTH: STEEP, TRAINING: SHARED}[name] for name in extras]
    middle = [*centre, math.log(SCATTER[0]), *(0.0 for _ in extras)]
    return Prior(np.array(middle), np.array([*spread, SCATTER[1], *further]), extras=extras)


def with_given(prior: Prior, curve: LawCurve, given: Mapping[str, Any]) -> Prior:
    """The same with the caller's distributions in place of some.

    **Raises:** `InputError` for names that are none, and for what is no distribution of one number.
    """
    from numpyro.distributions import Distribution

    names = names_of(prior, curve)
    places: dict[int, Any] = {}
    bounds: dict[int, tuple[float, float]] = {}
    for name, distribution in given.items():
        if name not in names:
            raise InputError(f"priors names {name!r}, which is not fitted; {hint(name, names, what='parameters')}.")
        if not isinstance(distribution, Distribution) or distribution.batch_shape or distribution.event_shape:
            raise InputError(
                f"The prior of {name} is {distribution!r}; expected a NumPyro distribution of one number, as "
                f"numpyro.distributions.LogNormal(-1.0, 0.5)."
            )
        low, high = _support(distribution)
        if not low < high:
            raise InputError(
                f"The prior of {name} is {_words(distribution)}, between {low:g} and {high:g}: nothing lies there. "
                f"Give its ends in order; hold what is known exactly with fixed= of the fit."
            )
        if type(distribution).__name__ == "Delta":
            raise InputError(f"The prior of {name} is {_words(distribution)}: hold it with fixed= of the fit instead.")
        if distribution.is_discrete:
            raise InputError(f"The prior of {name} is {_words(distribution)}, of whole numbers; give a continuous one.")
        place = names.index(name)
        left_out = _left_out(prior, curve, place, distribution)
        ends = None if left_out is None else _ends(curve, place, distribution)
        if ends is not None:
            bounds[place] = ends
        elif left_out is not None:
            raise InputError(
                f"The prior of {name} is {_words(distribution)}, which leaves out values that it may have, as "
                f"{left_out:.3g}: samplers need a density all over its range. Give one that falls off instead, as "
                f"LogNormal or Normal."
            )
        places[place] = distribution
    found = dataclasses.replace(prior, given=places, bounds=bounds)
    for place in places:
        _inside(found, curve, place, ENOUGH, jax.random.key(0))
    return found


def _allowed(prior: Prior, curve: LawCurve, place: int) -> tuple[float, float]:
    """The ends of what a number may be."""
    if place >= len(curve.free):
        return (-math.inf if names_of(prior, curve)[place] == GROWTH else 0.0), math.inf
    constraint = curve.slots[curve.free[place]].parameter.constraint
    return constraint.low, constraint.high


def _support(distribution: Any) -> tuple[float, float]:
    """The ends of a distribution."""
    ends = (("lower_bound", -math.inf), ("upper_bound", math.inf))
    low, high = (float(getattr(distribution.support, name, end)) for name, end in ends)
    return low, high


def _left_out(prior: Prior, curve: LawCurve, place: int, distribution: Any) -> float | None:
    """A value that a parameter may have and a distribution does not."""
    (least, most), (low, high) = _allowed(prior, curve, place), _support(distribution)
    if low > least:
        return 0.5 * (least + low) if math.isfinite(least) else low - 1.0
    if high < most:
        return 0.5 * (high + most) if math.isfinite(most) else high + abs(high) + 1.0
    # Supports that are no interval.
    middle = np.exp(np.linspace(-6.0, 6.0, 121))
    tried = np.concatenate([-middle, middle]) if least < 0.0 else middle
    tried = tried[(tried > least) & (tried < most)]
    out = ~np.asarray(distribution.support(tried))
    return float(tried[np.argmax(out)]) if out.any() else None


def _ends(curve: LawCurve, place: int, distribution: Any) -> tuple[float, float] | None:
    """Both ends of a distribution, where all between them are values of a parameter that depends on no other."""
    if place >= len(curve.free) or curve.slots[curve.free[place]].parameter.dims:
        return None
    allowed, (low, high) = curve.slots[curve.free[place]].parameter.constraint, _support(distribution)
    return (low, high) if allowed.low <= low < high <= allowed.high and math.isfinite(high - low) else None


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
    usual = {
        SCALE: f"LogNormal(log {SCATTER[0]:g}, {SCATTER[1]:g})",
        GROWTH: f"Normal(0, {STEEP:g})",
        TRAINING: f"LogNormal(log 1, {SHARED:g})",
    }
    for place, name in enumerate((SCALE, *prior.extras), start=len(curve.free)):
        found[name] = _words(prior.given[place]) if place in prior.given else usual[name]
    return found


def _words(distribution: Any) -> str:
    if "Truncated" in type(distribution).__name__:
        ends = [f"{end} {float(getattr(distribution, end)):g}" for end in distribution.arg_constraints]
        return f"{_words(distribution.base_dist)} cut at {' and '.join(ends)}"
    numbers = ", ".join(f"{float(getattr(distribution, name)):g}" for name in distribution.arg_constraints)
    return f"{type(distribution).__name__}({numbers})"


def drawn_from(
    prior: Prior, curve: LawCurve, num: int, key: Array
) -> tuple[Float[np.ndarray, "draw number"], dict[int, Float[np.ndarray, " draw"]]]:
    """Draws of the prior alone: of the sampled numbers, and the natural values of which the caller gave a distribution.

    **Raises:** `InputError` where hardly any of a distribution lies where the parameter may.
    """
    usual, own = jax.random.split(key)
    normal = np.asarray(jax.random.normal(usual, (num, len(prior.centre))))
    numbers = np.asarray(prior.centre) + np.asarray(prior.spread) * normal
    for i, k in enumerate(curve.free):
        if curve.slots[k].parameter.constraint.kind == "interval":
            numbers[:, i] = np.asarray(jax.random.logistic(jax.random.fold_in(own, i), (num,)))
    return numbers, {i: _inside(prior, curve, i, num, jax.random.fold_in(own, i)) for i in prior.given}


def number_of(prior: Prior, curve: LawCurve, place: int, natural: Any, typical: Any) -> Any:
    """The sampled number of a natural value that depends on no other."""
    if place >= len(curve.free):
        return natural if names_of(prior, curve)[place] == GROWTH else np.log(natural)
    declared = curve.slots[curve.free[place]].parameter
    if place in prior.bounds:
        low, high = prior.bounds[place]
        return np.log(natural - low) - np.log(high - natural)
    share = natural / typical if is_amplitude(declared) else natural + 0.0 * typical
    return np.log(share) if declared.constraint.kind == "nonnegative" else declared.constraint.unconstrain(share)


def _inside(prior: Prior, curve: LawCurve, place: int, num: int, key: Array) -> Float[np.ndarray, " draw"]:
    """Draws of a given distribution that are values of its parameter."""
    distribution, (least, most) = prior.given[place], _allowed(prior, curve, place)
    some = np.asarray(distribution.sample(key, (16 * num,)), float)
    some = some[(some > least) & (some < most)]
    if len(some) < num:
        raise InputError(
            f"The prior of {names_of(prior, curve)[place]} is {_words(distribution)}, and hardly any of it lies in "
            f"({least:g}, {most:g}), where the parameter does: give another."
        )
    return some[:num]


def log_prior(prior: Prior, curve: LawCurve, numbers: Float[Array, " number"], constant: Any) -> Any:
    """The logarithm of the prior density of sampled numbers."""
    count, extra = len(curve.free), numbers.shape[0] - len(curve.free)
    odds = np.array([curve.slots[k].parameter.constraint.kind == "interval" for k in curve.free] + [False] * extra)
    own = np.array([i in prior.given for i in range(count + extra)])
    z = (numbers - prior.centre) / prior.spread
    usual = -0.5 * z * z - jnp.log(prior.spread) - 0.5 * math.log(2.0 * math.pi)
    logistic = jax.nn.log_sigmoid(numbers) + jax.nn.log_sigmoid(-numbers)
    total = jnp.sum(jnp.where(own, 0.0, jnp.where(odds, logistic, usual)))
    if not prior.given:
        return total
    natural = natural_numbers(curve, numbers, prior, constant)
    for i, distribution in prior.given.items():
        # Natural values depend on each other in one order only, so that the volume is the product of their own slopes.
        slope = _slope(prior, curve, i, numbers, natural)
        there = jnp.where(distribution.support(natural[i]), distribution.log_prob(natural[i]), -jnp.inf)
        total = total + there + jnp.log(jnp.abs(slope))
    return total


def free_numbers_of(
    curve: LawCurve, numbers: Float[Array | np.ndarray, "*draw number"], prior: Prior, constant: Any
) -> list[Any]:
    """What the curve takes from the sampled numbers: what may vanish is sampled by its logarithm."""
    found = []
    for i, k in enumerate(curve.free):
        declared, number = curve.slots[k].parameter, numbers[..., i]
        if i in prior.bounds:
            low, high = prior.bounds[i]
            natural = low + (high - low) * jax.nn.sigmoid(number)
            share = constant[..., len(curve.units)] if is_amplitude(declared) else 1.0
            found.append(declared.constraint.unconstrain(natural / share))
        else:
            found.append(jnp.exp(number) if declared.constraint.kind == "nonnegative" else number)
    return found


def sampled_numbers(
    curve: LawCurve,
    theta: Float[np.ndarray, "study free"],
    prior: Prior,
    typical: Float[np.ndarray, " study"],
    least: float = 1e-3,
) -> Float[np.ndarray, "study free"]:
    """The inverse of `free_numbers_of`, from not quite the ends; a term that vanished begins at `least`."""
    found = np.nan_to_num(theta, nan=0.0)
    for i, k in enumerate(curve.free):
        declared = curve.slots[k].parameter
        if i in prior.bounds:
            low, high = prior.bounds[i]
            natural = declared.constraint.constrain(found[:, i]) * (typical if is_amplitude(declared) else 1.0)
            at = np.clip((natural - low) / (high - low), 0.01, 0.99)
            found[:, i] = np.log(at) - np.log1p(-at)
        elif declared.constraint.kind == "nonnegative":
            found[:, i] = np.log(np.maximum(found[:, i], least))
    return found


def natural_numbers(curve: LawCurve, numbers: Float[Array, " number"], prior: Prior, constant: Any) -> list[Any]:
    """Natural values of the free parameters, in order, then those of the scatter."""
    law = curve.natural_law(free_numbers_of(curve, numbers, prior, constant), constant)
    places = [curve.slots[k] for k in curve.free]
    found = [getattr(law, s.field) if s.index is None else getattr(law, s.field)[s.index] for s in places]
    of_scatter = zip((SCALE, *prior.extras), numbers[len(found) :], strict=True)
    return [*found, *(number if name == GROWTH else jnp.exp(number) for name, number in of_scatter)]


def _slope(prior: Prior, curve: LawCurve, place: int, numbers: Array, natural: list[Any]) -> Any:
    """How a natural value moves with its own sampled number."""
    if place >= len(curve.free):
        return 1.0 if names_of(prior, curve)[place] == GROWTH else natural[place]
    declared = curve.slots[curve.free[place]].parameter
    kind, ends = declared.constraint.kind, (declared.constraint.low, declared.constraint.high)
    if place in prior.bounds or kind == "interval":
        low, high = prior.bounds.get(place, ends)
        return (natural[place] - low) * (high - natural[place]) / (high - low)
    if kind == "real":
        return jnp.where(numbers[place] == 0.0, 1.0, natural[place] / numbers[place])
    return natural[place]
