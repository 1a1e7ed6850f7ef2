"""Laws made of laws: of effective inputs, through a link, sums, and parameters of a group's own."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._core import InputError, Phrase, check_type
from ..params import Parameter, Scalar, Tree, parameter_values, parameters, with_parameters
from ._abstract import AbstractLaw, Doubt
from ._inputs import Input, Label, inputs_of


def _inputs(*laws: Mapping[str, Input]) -> dict[str, Any]:
    """The inputs of several laws together, each along its axis as laws declare it."""
    return {name: said for law in laws for name, said in law.items()}


def _sized(law: AbstractLaw, inputs: Mapping[str, Any]) -> AbstractLaw:
    """A part covering those of the inputs that it takes."""
    return law.sized_for({name: inputs[name] for name in inputs_of(law)})


class Effective(AbstractLaw):
    r"""A law of effective inputs: $y = f(g_1(\dots), \dots)$, as a law of N and D of tokens that repetition discounts.

    `Effective(Chinchilla(), D=Repeated())` takes what Chinchilla takes, D as `Repeated` makes it of what that takes.
    The parameters of the base keep their names; those of a part go by the input, `D.R`.
    """

    base: AbstractLaw
    of: dict[str, AbstractLaw]

    def __init__(self, base: AbstractLaw, of: Mapping[str, AbstractLaw] | None = None, **given: AbstractLaw):
        self.base = base
        self.of = {**(of or {}), **given}

    def __check_init__(self) -> None:
        known = inputs_of(self.base)
        for name, part in self.of.items():
            if name not in known or not isinstance(part, AbstractLaw):
                raise InputError(name, part, f"a law, for one of the inputs {', '.join(known)} of {self.base!r}", "")

    @property
    def inputs(self) -> Mapping[str, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]  asked of the parts
        """Those of the base, but for what the parts make, and those of the parts."""
        left = {name: said for name, said in inputs_of(self.base).items() if name not in self.of}
        return _inputs(left, *(inputs_of(part) for part in self.of.values()))

    @property
    def smaller_is_better(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  asked of the parts
        """As the base says."""
        return self.base.smaller_is_better

    def sized_for(self, inputs: Mapping[str, Any]) -> "Effective":
        """The law with each part, and the base where no part makes any of its inputs, covering these inputs."""
        base = self.base if self.of else _sized(self.base, inputs)
        return dataclasses.replace(self, base=base, of={name: _sized(part, inputs) for name, part in self.of.items()})

    def nested(self, path: tuple[Any, ...], name: str, declared: Parameter) -> tuple[str, Parameter]:
        """The base's by their own names, the value as affine in them as the base is."""
        return (name, declared) if path == ("base",) else super().nested(path, name, declared)

    def __call__(self, **inputs: Any) -> Scalar:
        """The value of the base at the effective inputs."""
        made = {name: part(**{n: inputs[n] for n in inputs_of(part)}) for name, part in self.of.items()}
        return self.base(**{name: made[name] if name in made else inputs[name] for name in inputs_of(self.base)})


def Link(link: AbstractLaw, of: AbstractLaw) -> Effective:
    """A law of one input seen through another, as a task's error of the loss of Chinchilla: `Link(Sigmoid(), of=…)`."""
    names = tuple(inputs_of(link))
    if len(names) != 1:
        raise InputError("link", Phrase(f"is a law of {', '.join(names)}"), "a law of one input")
    return Effective(link, {names[0]: of})


class Sum(AbstractLaw):
    """The sum of several laws, `Sum(a, b)`; parameters go by the place of their term, `1.alpha`."""

    terms: tuple[AbstractLaw, ...]

    def __init__(self, *laws: AbstractLaw, terms: Sequence[AbstractLaw] = ()):
        self.terms = (*laws, *terms)

    def __check_init__(self) -> None:
        for term in self.terms or (None,):
            check_type("Sum", term, AbstractLaw, "laws, one or more")

    @property
    def inputs(self) -> Mapping[str, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]  asked of the parts
        """Those of every term."""
        return _inputs(*(inputs_of(term) for term in self.terms))

    @property
    def smaller_is_better(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  asked of the parts
        """As the first term says."""
        return self.terms[0].smaller_is_better

    def sized_for(self, inputs: Mapping[str, Any]) -> "Sum":
        """The sum with each term covering these inputs."""
        return dataclasses.replace(self, terms=tuple(_sized(term, inputs) for term in self.terms))

    def nested(self, path: tuple[Any, ...], name: str, declared: Parameter) -> tuple[str, Parameter]:
        """By the place of the term; the sum is as affine as its terms are."""
        called, _ = super().nested(path, name, declared)
        return called, declared

    def __call__(self, **inputs: Any) -> Scalar:
        """The sum."""
        values: list[Any] = [term(**{n: inputs[n] for n in inputs_of(term)}) for term in self.terms]
        return sum(values[1:], start=values[0])


class Own(AbstractLaw):
    """A law of several groups, some parameters a group's own and the others shared exactly.

    `Own(Chinchilla(), ("A",), by="corpus")` has one E, B, α and β and an A for each corpus, `A[c4]`; its input
    `corpus` is the label of a run.
    """

    base: AbstractLaw
    own: tuple[str, ...] = eqx.field(static=True)
    by: str = eqx.field(static=True)
    group: tuple[Any, ...] = eqx.field(static=True, default=(), kw_only=True, converter=tuple)

    def __check_init__(self) -> None:
        for name in self.own:
            if name not in parameters(self.base):
                known = ", ".join(parameters(self.base))
                raise InputError("own", name, f"parameters of {type(self.base).__name__}: {known}", "")

    @classmethod
    def of(cls, base: AbstractLaw, own: Sequence[str] | str, by: str) -> "Own":
        """The law with some parameters a group's own, every one of them still to be fitted."""
        own = (own,) if isinstance(own, str) else tuple(own)
        law = cls(base, own, by)
        # One for all until the groups are known: a value that was given is that of each.
        held = {n: np.asarray(value)[None] for n, value in parameter_values(base).items() if n in own}
        return dataclasses.replace(law, base=with_parameters(base, held))

    @property
    def label(self) -> str:
        """The input that says which group a run belongs to."""
        return f"{self.by}_label" if self.by in inputs_of(self.base) else self.by

    @property
    def inputs(self) -> Mapping[str, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]  asked of the parts
        """Those of the law, and the label."""
        return _inputs(inputs_of(self.base), {self.label: Label(axis=self.by, column=self.by)})

    @property
    def smaller_is_better(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  asked of the parts
        """As the law says."""
        return self.base.smaller_is_better

    def sized_for(self, inputs: Mapping[str, Any]) -> "Own":
        """The law of each group covering these inputs."""
        return dataclasses.replace(self, base=_sized(self.base, inputs))

    def nested(self, path: tuple[Any, ...], name: str, declared: Parameter) -> tuple[str, Parameter]:
        """By its own name, along the groups where it is a group's own."""
        return name, dataclasses.replace(declared, axes=(self.by, *declared.axes)) if name in self.own else declared

    def entries(self, axis: str) -> tuple[Any, ...]:
        """The groups, or the entries of an axis of the law."""
        return self.group if axis == self.by else self.base.entries(axis)

    def named(self, axis: str, entries: tuple[Any, ...]) -> Tree:
        """The same with the groups named, or the entries of an axis of the law."""
        if axis == self.by:
            held = {n: value for n, value in parameter_values(self.base).items() if n in self.own}
            wide = {
                n: np.repeat(v, len(entries), axis=0) for n, v in held.items() if np.shape(v)[:1] == (1,) and entries
            }
            return dataclasses.replace(self, group=entries, base=with_parameters(self.base, wide))
        return dataclasses.replace(self, base=self.base.named(axis, entries))

    def doubts(
        self, inputs: Mapping[str, Any], target: np.ndarray, study: np.ndarray, free: Sequence[str]
    ) -> Iterator[Doubt]:
        """What the law says of the runs of each group, each doubt once."""
        label, said = np.asarray(inputs[self.label]), set()
        fields = [name.partition("[")[0] for name in free]
        names = [*dict.fromkeys(f if f in self.own else name for f, name in zip(fields, free, strict=True))]
        for place in np.unique(label):
            some = label == place
            own = {n: jax.tree.map(lambda a, some=some: a[some], v) for n, v in inputs.items() if n != self.label}
            for doubt in self.base.doubts(own, target[some], study[some], names):
                if doubt not in said:
                    said.add(doubt)
                    yield doubt

    def __call__(self, **inputs: Any) -> Scalar:
        """The value of the law of the run's group."""
        place = jnp.asarray(inputs.pop(self.label), jnp.int32)
        own = {name: jnp.asarray(v)[place] for name, v in parameter_values(self.base).items() if name in self.own}
        return with_parameters(self.base, own)(**inputs)
