"""A law as the solvers see it: a value as a function of free numbers, in centred inputs."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core import InputError
from ..laws import SHARE, AbstractLaw, gathered, input_units
from ..params import Parameter, Slot, dimension_factor, rescale, slots, values, with_values


def is_amplitude(declared: Parameter) -> bool:
    """Whether the screen solves for a parameter, and the solver sees it as a share of the typical target."""
    return declared.amplitude and declared.constraint.kind == "nonnegative"


def _scaled(law: AbstractLaw, times: Mapping[int, float]) -> AbstractLaw:
    """The law with some of its numbers multiplied."""
    numbers = values(law)
    for place, factor in times.items():
        numbers[place] = numbers[place] * factor
    return with_values(law, numbers)


@dataclasses.dataclass(frozen=True)
class LawCurve:
    """A law with some parameters free and the others held at given natural values.

    Inputs come as logarithms, centred by unit, but shares as they are; free numbers are the parameters of the law in
    the centred inputs, as their constraints map them to the real line, amplitudes as shares of the typical target. The
    constants of a study are the logarithms of its centres, by unit, its typical target, then the fixed natural values.

    **Arguments:**

    - `structure`: The law without its numbers.
    - `shapes`: The shapes of its leaves.
    - `free`: Places of the free numbers in `slots`.
    """

    structure: Any
    shapes: tuple[tuple[int, ...], ...]
    free: tuple[int, ...]

    @classmethod
    def of(cls, law: AbstractLaw, fixed: tuple[str, ...]) -> "LawCurve":
        """The curve of a law with every parameter free but those of the named fields or slots."""
        leaves, structure = jax.tree.flatten(law)
        free = tuple(k for k, slot in enumerate(slots(law)) if slot.field not in fixed and slot.name not in fixed)
        return cls(structure, tuple(np.shape(leaf) for leaf in leaves), free)

    @functools.cached_property
    def template(self) -> AbstractLaw:
        """The law with meaningless numbers."""
        return jax.tree.unflatten(self.structure, [np.ones(shape) for shape in self.shapes])

    @functools.cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Every number of the law."""
        return slots(self.template)

    @functools.cached_property
    def fixed(self) -> tuple[int, ...]:
        """Places of the numbers held fixed."""
        return tuple(k for k in range(len(self.slots)) if k not in self.free)

    @functools.cached_property
    def inputs(self) -> dict[str, str]:
        """Every number taken from a run, with its unit."""
        return input_units(self.template)

    @functools.cached_property
    def units(self) -> tuple[str, ...]:
        """The units in which inputs are centred, each once."""
        return tuple(dict.fromkeys(unit for unit in self.inputs.values() if unit != SHARE))

    def probe(self, inputs: Mapping[str, Sequence[float]]) -> tuple[bool, ...]:
        """By unit, whether the declared `dims` say truly how the law changes with it: only then may inputs be centred.

        **Arguments:**

        - `inputs`: Points at which the law is tried, as they come and in other units.

        **Raises:** `InputError` where the formula fails, does not give one number, or is not affine in what is declared
        an amplitude.
        """
        rng = np.random.default_rng(0)
        numbers = []
        for slot in self.slots:
            constraint = slot.parameter.constraint
            low, high = constraint.unconstrain(np.asarray(slot.parameter.typical, float))
            numbers.append(constraint.constrain(np.asarray([low + (high - low) * rng.random()]))[0])
        points = len(next(iter(inputs.values()), [1.0]))
        sizes = {n: unit for n, unit in self.inputs.items() if unit != SHARE}
        centre = {unit: float(np.mean(np.log(inputs[n]))) for n, unit in reversed(list(sizes.items()))}
        natural = rescale(with_values(self.template, np.asarray(numbers)), centre)
        amplitudes = [k for k, slot in enumerate(self.slots) if slot.parameter.amplitude]
        # As it is, and with every amplitude but one gone: a large term would hide what is wrong with a small one.
        versions = [natural, *(_scaled(natural, {k: 0.0 for k in amplitudes if k != one}) for one in amplitudes)]
        laws, at = [], []
        for k in range(points):
            for version in versions:
                for unit in (None, *self.units):
                    shift = {u: -c if u == unit else 0.0 for u, c in centre.items()}
                    laws.append(rescale(version, shift))
                    at.append({n: v[k] * np.exp(shift.get(self.inputs[n], 0.0)) for n, v in inputs.items()})
        for one in amplitudes:
            for times in (0.0, 1.0, 2.0):
                laws.append(_scaled(natural, {one: times}))
                at.append({n: v[0] for n, v in inputs.items()})
        tried = self._tried(laws, at)
        count = points * len(versions) * (1 + len(self.units))
        table = tried[:count].reshape(-1, 1 + len(self.units))
        for one, (none, once, twice) in zip(amplitudes, tried[count:].reshape(-1, 3), strict=True):
            if abs(twice - 2.0 * once + none) > 1e-8 * (abs(none) + abs(once) + abs(twice)):
                raise InputError(
                    f"{type(self.template).__name__} declares {self.slots[one].name} an amplitude, and its formula is "
                    f"not affine in it: leave out amplitude=True."
                )
        same: Any = np.isclose(table[:, 1:], table[:, :1], rtol=1e-8, atol=0.0, equal_nan=True).all(axis=0)
        return tuple(bool(fine) for fine in same)

    def _tried(self, laws: list[AbstractLaw], at: list[dict[str, float]]) -> np.ndarray:
        """The value of each law at its point."""
        name = type(self.template).__name__
        try:
            with jax.enable_x64(True):
                stacked = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *laws)
                where = {n: np.asarray([point[n] for point in at]) for n in at[0]}
                found = jax.jit(jax.vmap(lambda law, point: law(**gathered(law, point))))(stacked, where)
                if np.shape(found) != (len(at),) or not jnp.issubdtype(found.dtype, jnp.floating):
                    raise TypeError(f"it gave {found.dtype}{list(np.shape(found)[1:])}")
                return np.asarray(found)
        except Exception as error:  # the formula is the user's own, and may raise anything
            said = str(error).strip().split("\n", maxsplit=1)[0]
            raise InputError(
                f"The formula of {name} cannot be used ({type(error).__name__}: {said}): it must give one number from "
                f"one run, written with jax.numpy, and take {', '.join(self.inputs) or 'its inputs'} by name."
            ) from error

    @property
    def size(self) -> int:
        """How many numbers are free."""
        return len(self.free)

    @property
    def caps(self) -> tuple[float, ...]:
        """The longest step in each free number: several e-folds of a scale, about one of anything else."""
        return tuple(6.0 if self.slots[k].parameter.constraint.kind == "positive" else 1.5 for k in self.free)

    @property
    def lower(self) -> tuple[float, ...]:
        """The least value of each free number."""
        kinds = (self.slots[k].parameter.constraint.kind for k in self.free)
        return tuple(0.0 if kind == "nonnegative" else -math.inf for kind in kinds)

    @property
    def amplitudes(self) -> tuple[int, ...]:
        """Which free numbers are amplitudes."""
        return tuple(i for i, k in enumerate(self.free) if is_amplitude(self.slots[k].parameter))

    def __call__(self, theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any) -> Any:
        """The law's value for one run."""
        return self._value(self._numbers(theta, constant), point, constant)

    def law(self, numbers: list[Any], constant: Any) -> AbstractLaw:
        """The law in centred inputs from its free numbers, natural in those inputs."""
        centre = {unit: constant[..., i] for i, unit in enumerate(self.units)}
        everything: list[Any] = [None] * len(self.slots)
        for k, number in zip(self.free, numbers, strict=True):
            everything[k] = number
        for i, k in enumerate(self.fixed):
            everything[k] = constant[..., len(self.units) + 1 + i]
        law = with_values(self.template, everything)
        for k in self.fixed:
            factor = dimension_factor(law, self.slots[k].parameter, centre)
            if factor is not None:
                everything[k] = everything[k] * jnp.exp(-factor)
        return with_values(self.template, everything)

    def natural_law(self, theta: Sequence[Any], constant: Any) -> AbstractLaw:
        """The law with natural values, from free numbers and the constants of a study."""
        centred = self.law(self._numbers(theta, constant), constant)
        natural = rescale(centred, {unit: constant[i] for i, unit in enumerate(self.units)})
        fields = [(getattr(natural, slot.field), slot.index) for slot in self.slots]
        numbers = [value if index is None else value[index] for value, index in fields]
        # What was held fixed was natural all along.
        for i, k in enumerate(self.fixed):
            numbers[k] = constant[len(self.units) + 1 + i]
        return with_values(self.template, numbers)

    def _numbers(self, theta: Sequence[Any], constant: Any) -> list[Any]:
        typical = constant[len(self.units)]
        declared = [self.slots[k].parameter for k in self.free]
        values = [p.constraint.constrain(t) for p, t in zip(declared, theta, strict=True)]
        return [v * typical if is_amplitude(p) else v for p, v in zip(declared, values, strict=True)]

    def _value(self, numbers: list[Any], point: Mapping[str, Any], constant: Any) -> Any:
        # exp here and log in the law cancel in compilation: logarithms are taken once, on the host, in float64.
        inputs = {n: v if self.inputs[n] == SHARE else jnp.exp(v) for n, v in point.items()}
        law = self.law(numbers, constant)
        return law(**gathered(law, inputs))
