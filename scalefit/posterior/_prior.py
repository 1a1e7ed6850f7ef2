"""Priors of a law's parameters: their densities, draws and words."""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._core import InputError, Phrase, check_names, check_type
from ..params import Parameter, Positive
from ..params import numbers as of_law
from ..problem import LawCurve, is_amplitude, is_of_target
from ..solve import namespace

SCALE, GROWTH, RUN = "scale", "growth", "run"
"""Names of the scatter among the parameters, of the power with which it grows with an input, and of the spread of what
rows of one run share, as a multiple of the scatter."""
SCATTER = 0.02, 2.0
"""Median of the scatter, as a share of the target, and its spread in e-folds."""
GROWTH_SD = 0.3
"""Spread of the power with which the scatter grows."""
SHARED_SD = 1.5
"""Spread in e-folds of the multiple, whose median is 1."""
FARTHEST = 12.0
"""A number that has run to a bound at infinity counts as this."""
LANES = 64
"""Draws of which one call gives the density of the caller's priors."""
BATCH = 4096
"""Draws of a distribution that one call gives."""


@dataclasses.dataclass(frozen=True, eq=False)
class Prior:
    """Independent priors of the sampled numbers, but for parameters of which the caller gave a distribution.

    Sampled are real numbers, one for each free parameter in centred inputs, then those of the scatter: logarithms of
    what has a sign, log odds of what lies in an interval.

    **Arguments:**

    - `centre`, `spread`: Of the normal prior of each sampled number.
    - `odds`: Which are log odds with a standard logistic prior instead, uniform in the interval.
    - `given`: Place of a parameter → the distribution of its natural value.
    - `bounds`: Place of a parameter → the ends of that distribution, where it has both: sampled are log odds then.
    - `curve`: The law.
    - `extras`: Further numbers of the scatter: of `GROWTH` and `RUN`, in this order.
    """

    centre: Any
    spread: Any
    odds: Any
    curve: LawCurve
    extras: tuple[str, ...] = ()
    given: dict[int, Any] = dataclasses.field(default_factory=dict)
    bounds: dict[int, tuple[Any, Any]] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, curve: LawCurve, extras: tuple[str, ...] = (), given: Mapping[str, Any] | None = None) -> "Prior":
        """Priors from what a law declares, where the caller gives none.

        The `typical` range of a parameter is the middle two thirds of its prior, in centred inputs.

        **Raises:** `InputError` for names of what is not fitted, and for what is no distribution of one number that a
        sampler could draw from.
        """
        centre, spread, odds = [], [], []
        for k in curve.free:
            declared = curve.slots[k].parameter
            ends = np.asarray(declared.searched)
            if declared.constraint.vanishes:
                # Sampled by its logarithm: a typical range that begins at 0 begins at a hundredth of its other end.
                ends = np.log(np.maximum(ends, 0.01 * ends[1]))
            odds.append(declared.constraint.uniform)
            centre.append(0.0 if odds[-1] else float(np.mean(ends)))
            spread.append(1.0 if odds[-1] else float(np.ptp(ends)) / 2.0)
        further = [{GROWTH: GROWTH_SD, RUN: SHARED_SD}[name] for name in extras]
        prior = cls(
            np.array([*centre, math.log(SCATTER[0]), *(0.0 for _ in extras)]),
            np.array([*spread, SCATTER[1], *further]),
            np.array([*odds, False, *(False for _ in extras)]),
            curve,
            extras,
        )
        by_name = "a dictionary of distributions by name of a parameter"
        check_type("priors", given, (Mapping, type(None)), by_name)
        return _with_given(prior, given) if given else prior

    @property
    def names(self) -> list[str]:
        """Names of the sampled numbers; those of the scatter are the noise's where a parameter has them too."""
        own = [self.curve.slots[k].name for k in self.curve.free]
        return [*own, *(f"noise.{name}" if name in own else name for name in (SCALE, *self.extras))]

    def of_scatter(self, place: int) -> str:
        """Which number of the scatter stands at a place, after those of the law."""
        return (SCALE, *self.extras)[place - len(self.curve.free)]

    def limits(self, place: int) -> tuple[float, float]:
        """Ends of what a parameter, or a number of the scatter, may be."""
        if place >= len(self.curve.free):
            return (-math.inf if self.of_scatter(place) == GROWTH else 0.0), math.inf
        constraint = self.curve.slots[self.curve.free[place]].parameter.constraint
        return constraint.low, constraint.high

    @functools.cached_property
    def mapped(self) -> list[int]:
        """Places of the numbers that the curve does not take as they are sampled."""
        known = [self.curve.slots[k].parameter for k in self.curve.free]
        return [i for i, p in enumerate(known) if i in self.bounds or p.constraint.vanishes or _shared(p)]

    def free(
        self, numbers: Float[np.ndarray, "*draw number"], constant: Float[np.ndarray, "*some constant"]
    ) -> Float[np.ndarray, "*draw free"]:
        """Free numbers of the curve from sampled ones."""
        theta = numbers[..., : self.curve.size].copy()
        for i in self.mapped:
            theta[..., i] = self.mapped_number(i, numbers[..., i], constant)
        return theta

    def columns(self, numbers: Any, constant: Any) -> list[Any]:
        """The same, each by itself, also in JAX."""
        found = [numbers[..., i] for i in range(self.curve.size)]
        for i in self.mapped:
            found[i] = self.mapped_number(i, found[i], constant)
        return found

    def stretch(self, numbers: Float[np.ndarray, "*draw number"], constant: Float[np.ndarray, "*some constant"]) -> Any:
        """How the free numbers of the curve move, each with its own sampled one."""
        if not self.mapped:
            return 1.0
        step = 1e-6
        return (self.free(numbers + step, constant) - self.free(numbers - step, constant)) / (2.0 * step)

    def mapped_number(self, place: int, number: Any, constant: Any) -> Any:
        """What the curve takes for a sampled number: what may vanish is sampled by its logarithm."""
        declared = self.curve.slots[self.curve.free[place]].parameter
        xp, typical = namespace(number), constant[..., len(self.curve.units)]
        if place not in self.bounds:
            constraint, unit = declared.constraint, typical if _shared(declared) else 1.0
            if constraint.vanishes:
                return xp.exp(number) * unit
            return constraint.unconstrain(constraint.constrain(number) * unit)
        low, high = self.bounds[place]
        share = typical if is_amplitude(declared) else 1.0
        natural = low + (high - low) / (1.0 + xp.exp(-number))
        return declared.constraint.unconstrain(natural / share)

    def sampled(
        self, theta: Float[np.ndarray, "some free"], typical: Float[np.ndarray, " some"]
    ) -> Float[np.ndarray, "some free"]:
        """The inverse of `free`, from not quite the ends; a term that vanished begins at a thousandth of the target."""
        found = np.clip(np.nan_to_num(theta, nan=0.0), -FARTHEST, FARTHEST)
        for i, k in enumerate(self.curve.free):
            declared = self.curve.slots[k].parameter
            if i in self.bounds:
                low, high = self.bounds[i]
                natural = declared.constraint.constrain(found[:, i]) * (typical if is_amplitude(declared) else 1.0)
                at = np.clip((natural - low) / (high - low), 0.01, 0.99)
                found[:, i] = np.log(at) - np.log1p(-at)
                continue
            constraint, unit = declared.constraint, typical if _shared(declared) else 1.0
            if constraint.vanishes:
                found[:, i] = np.log(np.maximum(found[:, i] / unit, 1e-3))
            elif _shared(declared):
                found[:, i] = constraint.unconstrain(constraint.constrain(found[:, i]) / unit)
        return found

    def usual(self, numbers: Any) -> Any:
        """The logarithm of the density of each number that the caller gave no prior of."""
        xp = namespace(numbers)
        z = (numbers - self.centre) / self.spread
        normal = -0.5 * z * z - xp.log(self.spread) - 0.5 * math.log(2.0 * math.pi)
        half = xp.abs(numbers)
        return xp.where(self.odds, -half - 2.0 * xp.log1p(xp.exp(-half)), normal)

    def slopes(
        self, numbers: Float[np.ndarray, "*draw number"], constant: Float[np.ndarray, "*some constant"]
    ) -> tuple[Float[np.ndarray, "*draw"], Float[np.ndarray, "*draw number"]]:
        """The logarithm of the density of sampled numbers, and its gradient."""
        value = self.usual(numbers)
        slope = np.where(self.odds, -np.tanh(0.5 * numbers), (self.centre - numbers) / np.asarray(self.spread) ** 2)
        if not self.given:
            return value.sum(axis=-1), slope
        places = list(self.given)
        value[..., places], slope[..., places] = 0.0, 0.0
        flat = numbers.reshape(-1, numbers.shape[-1])
        held = np.broadcast_to(constant, (*numbers.shape[:-1], constant.shape[-1])).reshape(len(flat), -1)
        parts = []
        with jax.enable_x64(True):
            for begin in range(0, len(flat), LANES):
                some = np.minimum(np.arange(begin, begin + LANES), len(flat) - 1)
                parts.append([np.asarray(part) for part in _given_slopes(self, flat[some], held[some])])
        given, of_given = (np.concatenate(part)[: len(flat)] for part in zip(*parts, strict=True))
        return value.sum(axis=-1) + given.reshape(value.shape[:-1]), slope + of_given.reshape(slope.shape)

    def described(self) -> dict[str, str]:
        """Each prior in words."""
        usual = {
            SCALE: f"LogNormal(log {SCATTER[0]:g}, {SCATTER[1]:g})",
            GROWTH: f"Normal(0, {GROWTH_SD:g})",
            RUN: f"LogNormal(log 1, {SHARED_SD:g})",
        }
        count, scatter = len(self.curve.free), (SCALE, *self.extras)
        return {
            name: _words(self.given[i]) if i in self.given
            else self._declared(i) if i < count else usual[scatter[i - count]]
            for i, name in enumerate(self.names)
        }  # fmt: skip

    def _declared(self, place: int) -> str:
        declared = self.curve.slots[self.curve.free[place]].parameter
        constraint = Positive() if declared.constraint.vanishes else declared.constraint
        if constraint.uniform:
            return f"Uniform({constraint.low:g}, {constraint.high:g})"
        of_target = is_amplitude(declared) or _shared(declared)
        about = [" as a share of the typical target"] * of_target
        about = ",".join([*about, *[" at the runs' mean inputs"] * bool(declared.dims)])
        return constraint.of_normal(float(self.centre[place]), float(self.spread[place])) + about

    def draws(
        self, num: int, rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, "draw number"], dict[int, Float[np.ndarray, " draw"]]]:
        """Draws of the prior alone: of the sampled numbers, and natural values where the caller gave a distribution."""
        size = num, len(self.centre)
        numbers = self.centre + self.spread * rng.standard_normal(size)
        numbers = np.where(self.odds, rng.logistic(size=size), numbers)
        return numbers, {i: self._inside(i, num, int(rng.integers(2**31))) for i in self.given}

    def number(self, place: int, natural: Any, typical: Any) -> Any:
        """The sampled number of a natural value that depends on no other."""
        if place >= len(self.curve.free):
            return natural if self.of_scatter(place) == GROWTH else np.log(natural)
        declared = self.curve.slots[self.curve.free[place]].parameter
        if place in self.bounds:
            low, high = self.bounds[place]
            return np.log(natural - low) - np.log(high - natural)
        of_target = is_amplitude(declared) or _shared(declared)
        share = natural / typical if of_target else natural + 0.0 * typical
        return np.log(share) if declared.constraint.vanishes else declared.constraint.unconstrain(share)

    def _inside(self, place: int, num: int, seed: int) -> Float[np.ndarray, " draw"]:
        """Draws of a given distribution that are values of its parameter."""
        distribution, (low, high) = self.given[place], self.limits(place)
        found, tried = np.zeros(0), 0
        while len(found) < num:
            with jax.enable_x64(True):
                some = np.asarray(_drawn(distribution, seed, tried), float)
            found = np.concatenate([found, some[(some > low) & (some < high)]])
            tried += 1
            if len(found) < BATCH // 16 * tried:
                out = Phrase(f"is {_words(distribution)}, and hardly any of it lies in ({low:g}, {high:g})")
                raise InputError(f"the prior of {self.names[place]}", out, "one of values that the parameter may have")
        return found[:num]


jax.tree_util.register_dataclass(
    Prior, data_fields=["centre", "spread", "odds", "given", "bounds"], meta_fields=["curve", "extras"]
)


def _shared(declared: Parameter) -> bool:
    """Whether the sampled number is of a share of the typical target, and the curve's is not."""
    constraint = declared.constraint
    return is_of_target(declared) and constraint.elementwise and not constraint.uniform


def natural_numbers(prior: Prior, numbers: Float[Array, " number"], constant: Any) -> list[Any]:
    """Natural values of the free parameters, in order, then those of the scatter."""
    curve = prior.curve
    natural = of_law(curve.natural_law(prior.columns(numbers, constant), constant))
    found = [natural[k] for k in curve.free]
    of_scatter = zip((SCALE, *prior.extras), numbers[len(found) :], strict=True)
    return [*found, *(number if name == GROWTH else jnp.exp(number) for name, number in of_scatter)]


@jax.jit
def _drawn(distribution: Any, seed: Any, batch: Any) -> Array:
    return distribution.sample(jax.random.fold_in(jax.random.key(seed), batch), (BATCH,))


@jax.jit
def _given_slopes(
    prior: Prior, numbers: Float[Array, "lane number"], constant: Float[Array, "lane constant"]
) -> tuple[Array, Array]:
    return jax.vmap(jax.value_and_grad(lambda one, held: given_density(prior, one, held)))(numbers, constant)


def given_density(prior: Prior, numbers: Float[Array, " number"], constant: Any) -> Array:
    """The logarithm of the density of what the caller gave distributions of, with the volume of the map."""
    total = jnp.zeros(())
    if not prior.given:
        return total
    natural, moved = jax.linearize(lambda some: natural_numbers(prior, some, constant), numbers)
    for i, distribution in prior.given.items():
        # Natural values depend on each other in one order only: the volume is the product of their own slopes.
        slope = moved(jnp.zeros_like(numbers).at[i].set(1.0))[i]
        there = jnp.where(distribution.support(natural[i]), distribution.log_prob(natural[i]), -jnp.inf)
        total = total + there + jnp.log(jnp.abs(slope))
    return total


def _with_given(prior: Prior, given: Mapping[str, Any]) -> Prior:
    """The same with the caller's distributions in place of some."""
    from numpyro.distributions import Distribution  # it takes a while to import

    check_names("priors", given, prior.names, what="parameters")
    places: dict[int, Any] = {}
    bounds: dict[int, tuple[float, float]] = {}
    for name, distribution in given.items():
        argument, place = f"the prior of {name}", prior.names.index(name)
        if not isinstance(distribution, Distribution) or distribution.batch_shape or distribution.event_shape:
            example = "a NumPyro distribution of one number, as numpyro.distributions.LogNormal(-1.0, 0.5)"
            raise InputError(argument, distribution, example)
        words, (low, high) = _words(distribution), _support(distribution)
        if not low < high:
            nothing = Phrase(f"is {words}, between {low:g} and {high:g}: nothing lies there")
            remedy = "give its ends in order; hold what is known exactly with `fixed` of the fit"
            raise InputError(argument, nothing, remedy=remedy)
        if place < len(prior.curve.free):
            constraint = prior.curve.slots[prior.curve.free[place]].parameter.constraint
            if not constraint.elementwise:
                bound = Phrase(f"was given, and numbers bound together, {constraint}, have none of their own")
                raise InputError(argument, bound, remedy="leave it out")
        if type(distribution).__name__ == "Delta":
            raise InputError(argument, Phrase(f"is {words}"), remedy="hold it with `fixed` of the fit")
        if distribution.is_discrete:
            raise InputError(argument, Phrase(f"is {words}, of whole numbers"), "a continuous one")
        left_out = _left_out(prior, place, distribution)
        if left_out is not None:
            if not _bounded(prior, place, low, high):
                out = Phrase(f"is {words}, which leaves out values that it may have, as {left_out:.3g}")
                remedy = "samplers need a density all over its range: give one that falls off, as LogNormal or Normal"
                raise InputError(argument, out, remedy=remedy)
            bounds[place] = low, high
        places[place] = distribution
    found = dataclasses.replace(prior, given=places, bounds=bounds)
    for place in places:
        found._inside(place, 100, 0)
    return found


def _support(distribution: Any) -> tuple[float, float]:
    """Ends of a distribution."""
    ends = (("lower_bound", -math.inf), ("upper_bound", math.inf))
    low, high = (float(getattr(distribution.support, name, end)) for name, end in ends)
    return low, high


def _left_out(prior: Prior, place: int, distribution: Any) -> float | None:
    """A value that a parameter may have and a distribution does not."""
    (least, most), (low, high) = prior.limits(place), _support(distribution)
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


def _bounded(prior: Prior, place: int, low: float, high: float) -> bool:
    """Tell if all between both ends are values of a parameter that depends on no other."""
    if place >= len(prior.curve.free) or prior.curve.slots[prior.curve.free[place]].parameter.dims:
        return False
    least, most = prior.limits(place)
    return least <= low < high <= most and math.isfinite(high - low)


def _words(distribution: Any) -> str:
    if "Truncated" in type(distribution).__name__:
        ends = [f"{end} {float(getattr(distribution, end)):g}" for end in distribution.arg_constraints]
        return f"{_words(distribution.base_dist)} cut at {' and '.join(ends)}"
    numbers = ", ".join(f"{float(getattr(distribution, name)):g}" for name in distribution.arg_constraints)
    return f"{type(distribution).__name__}({numbers})"
