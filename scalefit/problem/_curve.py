"""A law as the solvers see it: a value as a function of free numbers, in centred inputs."""

import bisect
import dataclasses
import functools
import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._core import InputError, Phrase, check_names
from ..laws import AbstractLaw, Input, Padded, Series, gathered, input_kinds, input_names, inputs_of
from ..params import (
    Parameter,
    Slot,
    cleared,
    dimension_factor,
    holder_of,
    namespace,
    numbers,
    parameter_values,
    parameters,
    rescale,
    scales_by_dims,
    slots,
    values,
    with_values,
)

REAL = " real"
"""What the name of a series ends in where it says which of its places are of the run."""


def is_amplitude(declared: Parameter) -> bool:
    """Whether the screen solves for a parameter, and the solver sees it as a share of the typical target."""
    return declared.amplitude and not declared.constraint.ranges


def is_of_target(declared: Parameter) -> bool:
    """Whether the typical range of a parameter is a share of the typical target, and its free number is not."""
    return declared.of_target or (declared.amplitude and not is_amplitude(declared))


@dataclasses.dataclass(frozen=True)
class LawCurve:
    """A law with some parameters free and the others held at given natural values, or tied to another.

    Sizes come as logarithms, centred by unit, other inputs as they are or, counts, in units of the centre. Free numbers
    are the parameters of the law in the centred inputs, as their constraints map them to the real line, amplitudes as
    shares of the typical target. The constants of a study are the logarithms of its centres, by unit, its typical
    target, then the fixed natural values.

    **Arguments:**

    - `structure`: The law without its numbers.
    - `shapes`: The shapes of its leaves.
    - `free`: Places of the free numbers in `slots`; where a constraint takes fewer to an axis than it has entries, the
      last entries follow.
    - `ties`: Pairs of places: the first is equal to the second in natural value.
    """

    structure: Any
    shapes: tuple[tuple[int, ...], ...]
    free: tuple[int, ...]
    ties: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, law: AbstractLaw, fixed: tuple[str, ...] = (), tie: Sequence[tuple[str, str]] = ()) -> "LawCurve":
        """The curve of a law with every parameter free but those fixed or tied.

        **Raises:** `InputError` for names that are none, ties that go around or of what is fixed, and axes
        fixed in part.
        """
        leaves, structure = jax.tree.flatten(law)
        known = slots(law)
        names = dict.fromkeys([*(slot.field for slot in known), *(slot.name for slot in known)])
        check_names("fixed", fixed, names, what=f"parameters of {type(law).__name__}")
        held = {k for k, slot in enumerate(known) if slot.field in fixed or slot.name in fixed}
        ties = _ties(law, known, tie)
        for k, source in ties:
            if k in held:
                given = Phrase(f"gives {known[k].name} the value of {known[source].name}, and `fixed` its own")
                raise InputError("tie", given, "one of the two")
        bound = held | {k for k, _ in ties}
        free = [k for k, slot in enumerate(known) if k not in bound and slot.parameter.constraint.elementwise]
        for row in _rows(known):
            inside = bound & set(row)
            if inside and len(inside) < len(row):
                raise InputError(
                    "fixed", known[min(inside)].name, f"all of {known[row[0]].field} or none of it",
                    f"Its numbers are bound together: they are {known[row[0]].parameter.constraint}.",
                )  # fmt: skip
            free += [] if inside else row[: known[row[0]].parameter.constraint.size(len(row))]
        return cls(structure, tuple(np.shape(leaf) for leaf in leaves), tuple(sorted(free)), ties)

    @functools.cached_property
    def template(self) -> AbstractLaw:
        """The law with meaningless numbers."""
        return cleared(jax.tree.unflatten(self.structure, [np.ones(shape) for shape in self.shapes]))

    @functools.cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Every number of the law."""
        return slots(self.template)

    @functools.cached_property
    def rows(self) -> tuple[tuple[int, ...], ...]:
        """Places of numbers that a constraint binds together and that are free."""
        return tuple(tuple(row) for row in _rows(self.slots) if set(row) & set(self.free))

    @property
    def held(self) -> tuple[tuple[int, ...], ...]:
        """Places of numbers that a constraint binds together and that are held fixed."""
        return tuple(tuple(row) for row in _rows(self.slots) if set(row) <= set(self.fixed))

    @functools.cached_property
    def fixed(self) -> tuple[int, ...]:
        """Places of the numbers held fixed."""
        follow = {*self.free, *(k for k, _ in self.ties), *(k for row in self.rows for k in row)}
        return tuple(k for k in range(len(self.slots)) if k not in follow)

    @functools.cached_property
    def kinds(self) -> dict[str, Input]:
        """Everything taken from a run, by name."""
        return input_kinds(self.template)

    @functools.cached_property
    def inputs(self) -> dict[str, str]:
        """Everything taken from a run, with its unit."""
        return {name: said.unit for name, said in self.kinds.items()}

    @functools.cached_property
    def units(self) -> tuple[str, ...]:
        """The units in which inputs are centred, each once: those that some size has."""
        return tuple(dict.fromkeys(said.unit for said in self.kinds.values() if said.logarithm))

    @property
    def size(self) -> int:
        """The count of free numbers."""
        return len(self.free)

    @property
    def caps(self) -> tuple[float, ...]:
        """The longest step in each free number: several e-folds of a scale, about one of anything else."""
        return tuple(self.slots[k].parameter.constraint.longest for k in self.free)

    @property
    def lower(self) -> tuple[float, ...]:
        """The least value of each free number."""
        vanish = (self.slots[k].parameter.constraint.vanishes for k in self.free)
        return tuple(0.0 if one else -math.inf for one in vanish)

    @property
    def sized(self) -> tuple[bool, ...]:
        """Which free numbers are no logarithms."""
        return tuple(not self.slots[k].parameter.constraint.ranges for k in self.free)

    @property
    def by_factor(self) -> tuple[bool, ...]:
        """Which of these change by factors where they are large: what is bound together adds up."""
        bound = (not self.slots[k].parameter.constraint.elementwise for k in self.free)
        return tuple(one and not other for one, other in zip(self.sized, bound, strict=True))

    @property
    def amplitudes(self) -> tuple[int, ...]:
        """Which free numbers are amplitudes."""
        # What a shape follows is none: the value is not affine in it.
        shapes = {source for k, source in self.ties if not is_amplitude(self.slots[k].parameter)}
        return tuple(i for i, k in enumerate(self.free) if is_amplitude(self.slots[k].parameter) and k not in shapes)

    @property
    def linear(self) -> np.ndarray:
        """Which free numbers may vanish, so that they are felt by their own size."""
        declared = [self.slots[k].parameter for k in self.free]
        return np.array([one.constraint.vanishes or is_amplitude(one) for one in declared], bool)

    @property
    def series(self) -> bool:
        """Whether a run has an array of numbers for an input."""
        return any(isinstance(said, Series) for said in self.kinds.values())

    def packed(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of runs with those along an axis as one array each, the axis last."""
        whole = dict(point)
        for base, names in input_names(self.template).items():
            if names and names[0] != base and names[0] in whole:
                columns = [whole.pop(name) for name in names]
                whole[base] = namespace(*columns).stack(columns, axis=-1)
        return whole

    def __call__(self, theta: Any, point: Mapping[str, Any], constant: Any) -> Any:
        """The law's value for one run; of many free numbers as one array, and inputs `packed`, programs are smaller."""
        law = self.law(theta, constant)
        kinds = {**inputs_of(self.template), **self.kinds}
        # exp here and log in the law cancel in compilation: logarithms are taken once, on the host, in float64.
        inputs = {n: jnp.exp(a) if kinds[n].logarithm else a for n, a in point.items() if n in kinds}
        for n, said in self.kinds.items():
            if isinstance(said, Series):
                inputs[n] = Padded(inputs[n], point[n + REAL])
        return law(**gathered(law, inputs))

    def law(self, theta: Any, constant: Any) -> AbstractLaw:
        """The law in centred inputs from its free numbers and the constants of a study.

        The numbers come one by one, along any leading axes, or as one array without any.
        """
        whole = self._whole(theta, constant) if hasattr(theta, "ndim") else {}
        return self._completed(self.numbers(theta, constant, whole), constant, whole)

    @functools.cached_property
    def _blocks(self) -> dict[str, tuple[int, int]]:
        """Parameters along axes of which every number is free: from where to where in `free`."""
        bound = {*self.fixed, *(k for pair in self.ties for k in pair)}
        places: dict[str, list[int]] = {}
        for k, slot in enumerate(self.slots):
            if slot.index is not None:
                places.setdefault(slot.field, []).append(k)
        return {
            name: (bisect.bisect_left(self.free, own[0]), bisect.bisect_right(self.free, own[-1]))
            for name, own in places.items()
            if not bound & set(own)
        }

    def _whole(self, theta: Any, constant: Any) -> dict[str, Any]:
        """Parameters along axes as one array each: a program of few arrays compiles in less time than of many."""
        found, held = {}, parameter_values(self.template)
        for name, (low, high) in self._blocks.items():
            declared = parameters(self.template)[name]
            shape, constraint = np.shape(held[name]), declared.constraint
            free = shape if constraint.elementwise else (*shape[:-1], constraint.size(shape[-1]))
            value = constraint.constrain(theta[low:high].reshape(free))
            found[name] = value * constant[len(self.units)] if is_amplitude(declared) else value
        return found

    def numbers(self, theta: Any, constant: Any, whole: Container[str] = ()) -> list[Any]:
        """The numbers of the law in centred inputs; `None` for those that are fixed or tied, or whole already."""
        typical = constant[..., len(self.units)]
        found: list[Any] = [None] * len(self.slots)
        bound = {k for row in self.rows for k in row}
        of = {k: theta[i] for i, k in enumerate(self.free) if self.slots[k].field not in whole}
        for k, t in of.items():
            declared = self.slots[k].parameter
            if k not in bound:
                value = declared.constraint.constrain(t)
                found[k] = value * typical if is_amplitude(declared) else value
        for row in self.rows:
            own = [of[k] for k in row if k in of]
            if not own:
                continue
            row_of = self.slots[row[0]].parameter.constraint.constrain(namespace(*own).stack(own, axis=-1))
            for i, k in enumerate(row):
                found[k] = row_of[..., i]
        return found

    def _completed(self, found: list[Any], constant: Any, whole: Mapping[str, Any]) -> AbstractLaw:
        """The law in centred inputs from what is free: with what is fixed, and what is tied, by natural values."""
        centre = {unit: constant[..., i] for i, unit in enumerate(self.units)}
        # A law that keeps where it is centred in a constant does so whatever its numbers are.
        template = self.template
        if not self._by_dims:
            ones = namespace(constant).ones_like(constant[..., 0])
            template = rescale(with_values(template, [ones] * len(self.slots)), {u: -c for u, c in centre.items()})
        found = list(found)
        for i, k in enumerate(self.fixed):
            found[k] = constant[..., len(self.units) + 1 + i]
        for k, source in self.ties:
            found[k] = found[source]
        law = with_values(template, found, whole)
        shifted = {k: self._factor(law, k, centre) for k in (*self.fixed, *(k for pair in self.ties for k in pair))}
        for k in self.fixed:
            if shifted[k] is not None:
                found[k] = found[k] * namespace(shifted[k]).exp(-shifted[k])
        for k, source in self.ties:
            own, other = (0.0 if shifted[j] is None else shifted[j] for j in (k, source))
            if shifted[k] is not None or shifted[source] is not None:
                found[k] = found[source] * namespace(own, other).exp(other - own)
        return with_values(template, found, whole)

    @functools.cached_property
    def _by_dims(self) -> bool:
        return scales_by_dims(self.template)

    def _factor(self, law: AbstractLaw, k: int, centre: Mapping[str, Any]) -> Any:
        slot = self.slots[k]
        factor = dimension_factor(holder_of(law, slot.field), slot.parameter, centre)
        if factor is not None and slot.index is not None and np.ndim(factor) > max(map(np.ndim, centre.values())):
            factor = factor[(..., *(slot.index if isinstance(slot.index, tuple) else (slot.index,)))]
        return factor

    def natural_law(self, theta: Sequence[Any], constant: Any) -> AbstractLaw:
        """The law with natural values, from free numbers and the constants of a study, along any leading axes."""
        centre = {unit: constant[..., i] for i, unit in enumerate(self.units)}
        natural = rescale(self.law(theta, constant), centre)
        found = numbers(natural)
        # What was held fixed was natural all along.
        for i, k in enumerate(self.fixed):
            found[k] = constant[..., len(self.units) + 1 + i]
        return with_values(natural, found)

    def free_numbers(
        self, law: AbstractLaw, constant: Float[np.ndarray, "*batch constant"]
    ) -> Float[np.ndarray, "*laws free"]:
        """The free numbers of a law with natural values: the inverse of `natural_law`, on the host."""
        scale = {unit: -constant[..., i] for i, unit in enumerate(self.units)}
        centred = values(rescale(law, scale))
        typical = constant[..., len(self.units)]
        columns: dict[int, Any] = {}
        for k in self.free:
            declared = self.slots[k].parameter
            share = centred[..., k] / typical if is_amplitude(declared) else centred[..., k]
            columns[k] = declared.constraint.unconstrain(share) if declared.constraint.elementwise else None
        for row in self.rows:
            whole = self.slots[row[0]].parameter.constraint.unconstrain(centred[..., list(row)])
            columns |= {k: whole[..., i] for i, k in enumerate(row) if k in columns}
        return np.stack([columns[k] for k in self.free], axis=-1)

    def searched(self, free: Float[np.ndarray, " slot"]) -> Float[np.ndarray, " slot"]:
        """Natural values from one free number for each place, as the declared ranges have them."""
        found = [np.asarray(s.parameter.constraint.constrain(u)) if s.parameter.constraint.elementwise else u
                 for s, u in zip(self.slots, free, strict=True)]  # fmt: skip
        natural = np.array(found, float)
        for row in _rows(self.slots):
            constraint = self.slots[row[0]].parameter.constraint
            natural[row] = constraint.constrain(free[row[: constraint.size(len(row))]])
        return natural


def mean_log(column: Any) -> float:
    """The mean logarithm of what is above 0; 0 where nothing is."""
    above = np.asarray(column)[np.asarray(column) > 0.0]
    return float(np.mean(np.log(above))) if above.size else 0.0


def _rows(known: Sequence[Slot]) -> list[list[int]]:
    """Places of the numbers that a constraint binds together along the last axis, row by row."""
    found: dict[Any, list[int]] = {}
    for k, slot in enumerate(known):
        if not slot.parameter.constraint.elementwise:
            above = slot.index[:-1] if isinstance(slot.index, tuple) else ()
            found.setdefault((slot.field, above), []).append(k)
    return list(found.values())


def _ties(law: AbstractLaw, known: Sequence[Slot], tie: Sequence[tuple[str, str]]) -> tuple[tuple[int, int], ...]:
    """Places that are tied, each with the place whose value it takes."""
    found: dict[int, int] = {}
    for name, source in tie:
        own, other = ([k for k, slot in enumerate(known) if one in (slot.field, slot.name)] for one in (name, source))
        for one, places in ((name, own), (source, other)):
            if not places:
                listed = ", ".join(dict.fromkeys(slot.field for slot in known))
                raise InputError("tie", one, f"parameters of {type(law).__name__}: {listed}", "")
        if len(other) not in (1, len(own)):
            raise InputError("tie", {name: source}, "two parameters along the same axes, or one number", "")
        found |= dict(zip(own, other if len(other) == len(own) else other * len(own), strict=True))
    for k, source in found.items():
        if k == source or source in found:
            raise InputError("tie", dict(tie), "parameters tied to one that is itself not tied", "")
        own, other = (known[j].parameter.constraint for j in (k, source))
        if not (own.elementwise and other.elementwise):
            raise InputError("tie", dict(tie), "parameters whose numbers are not bound together", "")
        if not own.low <= other.low <= other.high <= own.high:
            raise InputError(
                "tie", dict(tie), f"{known[source].name} to lie where {known[k].name} may: it is {own}", ""
            )
    return tuple(found.items())


def rescaled(law: AbstractLaw, shift: Mapping[str, float]) -> AbstractLaw | None:
    """The law in other units, or `None` where it has no such form."""
    try:
        return rescale(law, shift)
    except ValueError:
        return None
