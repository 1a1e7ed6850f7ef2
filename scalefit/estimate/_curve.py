"""A law as the solvers see it: a value as a function of free numbers, in centred inputs."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..laws import AbstractLaw
from ..params import Slot, dimension_factor, rescale, slots, with_values


@dataclasses.dataclass(frozen=True)
class LawCurve:
    """A law with some parameters free and the others held at given natural values.

    Inputs come as logarithms, centred by unit; free parameters are those of the law in the centred inputs, mapped to the
    real line. The constants of a study are the logarithms of its centres, by unit, then the fixed natural values.

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
    def units(self) -> tuple[str, ...]:
        """The units of the inputs, each once."""
        return tuple(dict.fromkeys(self.template.inputs.values()))

    @property
    def size(self) -> int:
        """How many numbers are free."""
        return len(self.free)

    @functools.cached_property
    def caps(self) -> tuple[float, ...]:
        """The longest step in each free number: a few e-folds of an amplitude, about one of an exponent."""
        return tuple(
            6.0 if self.slots[k].parameter.dims or self.slots[k].parameter.amplitude else 1.5 for k in self.free
        )

    @functools.cached_property
    def amplitudes(self) -> tuple[int, ...]:
        """Which free numbers are logarithms of amplitudes."""
        declared = [self.slots[k].parameter for k in self.free]
        return tuple(i for i, p in enumerate(declared) if p.amplitude and p.constraint.kind == "positive")

    def __call__(self, theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any) -> Any:
        """The law's value for one run."""
        numbers = [self.slots[k].parameter.constraint.constrain(t) for k, t in zip(self.free, theta, strict=True)]
        return self._value(numbers, point, constant)

    def affine(self, shapes: tuple[Any, ...], point: Mapping[str, Any], constant: Any) -> tuple[Any, tuple[Any, ...]]:
        """The value with every free amplitude zero, and its slope in each."""
        place = [i for i in range(self.size) if i not in self.amplitudes]
        inside = {
            i: self.slots[self.free[i]].parameter.constraint.constrain(t) for i, t in zip(place, shapes, strict=True)
        }
        zero = jnp.zeros((), constant.dtype)

        def value(*amplitudes: Any) -> Any:
            given = dict(zip(self.amplitudes, amplitudes, strict=True))
            return self._value([inside[i] if i in inside else given[i] for i in range(self.size)], point, constant)

        origin = (zero,) * len(self.amplitudes)
        slopes = []
        for k in range(len(origin)):
            along = tuple(jnp.ones_like(zero) if i == k else zero for i in range(len(origin)))
            slopes.append(jax.jvp(value, origin, along)[1])
        return value(*origin), tuple(slopes)

    def law(self, numbers: list[Any], constant: Any) -> AbstractLaw:
        """The law in centred inputs from its free numbers, natural in those inputs."""
        centre = {unit: constant[..., i] for i, unit in enumerate(self.units)}
        everything: list[Any] = [None] * len(self.slots)
        for k, number in zip(self.free, numbers, strict=True):
            everything[k] = number
        for i, k in enumerate(self.fixed):
            everything[k] = constant[..., len(self.units) + i]
        law = with_values(self.template, everything)
        for k in self.fixed:
            factor = dimension_factor(law, self.slots[k].parameter, centre)
            if factor is not None:
                everything[k] = everything[k] * jnp.exp(-factor)
        return with_values(self.template, everything)

    def natural(self, theta: list[Any], constant: Any) -> list[Any]:
        """Every number of the law with natural values, from free numbers and the constants of a study."""
        numbers = [self.slots[k].parameter.constraint.constrain(t) for k, t in zip(self.free, theta, strict=True)]
        centred = self.law(numbers, constant)
        law = rescale(centred, {unit: constant[i] for i, unit in enumerate(self.units)})
        return [getattr(law, s.field) if s.index is None else getattr(law, s.field)[s.index] for s in self.slots]

    def _value(self, numbers: list[Any], point: Mapping[str, Any], constant: Any) -> Any:
        # exp here and log in the law cancel in compilation: logarithms are taken once, on the host, in float64.
        return self.law(numbers, constant)(**{name: jnp.exp(value) for name, value in point.items()})
