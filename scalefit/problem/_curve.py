"""A law as the solvers see it: a value as a function of free numbers, in centred inputs."""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from .._core import InputError, Phrase, check_names
from ..laws import AbstractLaw, Input, Padded, Series, gathered, input_kinds
from ..params import (
    Parameter,
    Slot,
    cleared,
    dimension_factor,
    holder_of,
    namespace,
    numbers,
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

    def __call__(self, theta: tuple[Any, ...], point: Mapping[str, Any], constant: Any) -> Any:
        """The law's value for one run."""
        law = self.law(theta, constant)
        # exp here and log in the law cancel in compilation: logarithms are taken once, on the host, in float64.
        inputs = {n: jnp.exp(point[n]) if said.logarithm else point[n] for n, said in self.kinds.items()}
        for n, said in self.kinds.items():
            if isinstance(said, Series):
                inputs[n] = Padded(inputs[n], point[n + REAL])
        return law(**gathered(law, inputs))

    def law(self, theta: Sequence[Any], constant: Any) -> AbstractLaw:
        """The law in centred inputs from its free numbers and the constants of a study, along any leading axes."""
        return self._completed(self.numbers(theta, constant), constant)

    def numbers(self, theta: Sequence[Any], constant: Any) -> list[Any]:
        """The numbers of the law in centred inputs; `None` for those that are fixed or tied."""
        typical = constant[..., len(self.units)]
        found: list[Any] = [None] * len(self.slots)
        bound = {k for row in self.rows for k in row}
        for k, t in zip(self.free, theta, strict=True):
            declared = self.slots[k].parameter
            if k not in bound:
                value = declared.constraint.constrain(t)
                found[k] = value * typical if is_amplitude(declared) else value
        of = dict(zip(self.free, theta, strict=True))
        for row in self.rows:
            own = [of[k] for k in row if k in of]
            whole = self.slots[row[0]].parameter.constraint.constrain(namespace(*own).stack(own, axis=-1))
            for i, k in enumerate(row):
                found[k] = whole[..., i]
        return found

    def _completed(self, found: list[Any], constant: Any) -> AbstractLaw:
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
        law = with_values(template, found)
        shifted = {k: self._factor(law, k, centre) for k in (*self.fixed, *(k for pair in self.ties for k in pair))}
        for k in self.fixed:
            if shifted[k] is not None:
                found[k] = found[k] * namespace(shifted[k]).exp(-shifted[k])
        for k, source in self.ties:
            own, other = (0.0 if shifted[j] is None else shifted[j] for j in (k, source))
            if shifted[k] is not None or shifted[source] is not None:
                found[k] = found[source] * namespace(own, other).exp(other - own)
        return with_values(template, found)

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

    def probe(self, inputs: Mapping[str, Any]) -> Bool[np.ndarray, " unit"]:
        """Say for each unit whether the declared `dims` say truly how the law changes with it.

        Only then may inputs be centred.

        **Arguments:**

        - `inputs`: Runs at which the law is tried, as they come and in other units.

        **Raises:** `InputError` where the formula fails, does not give one number, or is not affine in what is declared
        an amplitude.
        """
        rng = np.random.default_rng(0)
        low, high = np.array([slot.parameter.searched for slot in self.slots]).T
        tried = self.searched(low + (high - low) * rng.random(len(self.slots)))
        points = len(next(iter(jax.tree.leaves(inputs)), [1.0]))
        sizes = {n: said.unit for n, said in self.kinds.items() if said.logarithm}
        centre = {unit: mean_log(inputs[n]) for n, unit in reversed(list(sizes.items()))}
        scaled = {n: said.unit for n, said in self.kinds.items() if said.scaled and said.unit in centre}
        natural = rescaled(with_values(self.template, tried), centre)
        natural = cleared(with_values(self.template, tried) if natural is None else natural)
        amplitudes = [k for k, slot in enumerate(self.slots) if slot.parameter.amplitude]
        # As it is, and with every amplitude but one gone: a large term would hide what is wrong with a small one.
        versions = [natural, *(_scaled(natural, {k: 0.0 for k in amplitudes if k != one}) for one in amplitudes)]
        # What is held or tied by its natural value is known in other units by its `dims` alone.
        whole = self._by_dims or not (self.fixed or self.ties)
        possible = np.array([whole and rescaled(natural, {unit: 0.1}) is not None for unit in self.units], bool)
        laws, rows, shifts = [], [], []
        for k in range(points):
            for version in versions:
                for unit, fine in ((None, True), *zip(self.units, possible, strict=True)):
                    shift = {unit: -centre[unit]} if unit is not None and fine else {}
                    laws.append(rescale(version, shift))
                    rows.append(k)
                    shifts.append(shift)
        for one in amplitudes:
            for times in (0.0, 1.0, 2.0):
                laws.append(_scaled(natural, {one: times}))
                rows.append(0)
                shifts.append({})
        at: dict[str, Any] = {n: jax.tree.map(lambda a: np.asarray(a)[rows], column) for n, column in inputs.items()}
        for n, unit in scaled.items():
            at[n] = at[n] * np.exp([shift.get(unit, 0.0) for shift in shifts])
        found = self._tried(laws, at)
        count = points * len(versions) * (1 + len(self.units))
        table = found[:count].reshape(-1, 1 + len(self.units))
        none, once, twice = found[count:].reshape(-1, 3).T
        with np.errstate(invalid="ignore"):  # a law that is infinite where it was tried tells nothing
            bent = abs(twice - 2.0 * once + none) > 1e-8 * (abs(none) + abs(once) + abs(twice))
        for one, is_bent in zip(amplitudes, bent, strict=True):
            if is_bent:
                declares = Phrase(f"declares {self.slots[one].name} an amplitude, and its formula is not affine in it")
                raise InputError(type(self.template).__name__, declares, remedy="leave out amplitude=True")
        same = np.isclose(table[:, 1:], table[:, :1], rtol=1e-8, atol=0.0, equal_nan=True).all(axis=0)
        return np.asarray(same & possible)

    def searched(self, free: Float[np.ndarray, " slot"]) -> Float[np.ndarray, " slot"]:
        """Natural values from one free number for each place, as the declared ranges have them."""
        found = [np.asarray(s.parameter.constraint.constrain(u)) if s.parameter.constraint.elementwise else u
                 for s, u in zip(self.slots, free, strict=True)]  # fmt: skip
        natural = np.array(found, float)
        for row in _rows(self.slots):
            constraint = self.slots[row[0]].parameter.constraint
            natural[row] = constraint.constrain(free[row[: constraint.size(len(row))]])
        return natural

    def _tried(self, laws: list[AbstractLaw], at: Mapping[str, Any]) -> np.ndarray:
        """The value of each law at its point."""
        name = type(self.template).__name__
        try:
            with jax.enable_x64(True):
                stacked = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *laws)
                found = jax.jit(jax.vmap(lambda law, point: law(**gathered(law, point))))(stacked, dict(at))
                if np.shape(found) != (len(laws),) or not jnp.issubdtype(found.dtype, jnp.floating):
                    raise TypeError(f"it gave {found.dtype}{list(np.shape(found)[1:])}")
                return np.asarray(found)
        except BaseException as error:  # the formula is the user's own, and may raise anything
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            said = str(error).strip().split("\n", maxsplit=1)[0]
            raise InputError(
                f"The formula of {name}",
                Phrase(f"cannot be used ({type(error).__name__}: {said})"),
                "one number from one run, written with jax.numpy",
                f"take {', '.join(self.inputs) or 'its inputs'} by name",
            ) from error


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


def _scaled(law: AbstractLaw, times: Mapping[int, float]) -> AbstractLaw:
    """The law with some of its numbers multiplied."""
    natural = values(law)
    for place, factor in times.items():
        natural[place] = natural[place] * factor
    return with_values(law, natural)
