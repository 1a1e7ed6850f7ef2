"""A law as a tree: parameters of its own and of the laws that it holds, by name."""

import dataclasses
import functools
import operator
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import numpy as np

from .._core import InputError, Phrase
from ..solve import namespace
from ._field import Parameter

Module = TypeVar("Module", bound=eqx.Module)

Path = tuple[str | int, ...]
"""Fields, and keys of what they hold, from a law to a part of it."""


class Tree(eqx.Module):
    """A module with declared parameters, which may hold others that have theirs.

    A part in the field `of` gives its parameters as `of.alpha`, one in a dictionary or a tuple under its key or place
    (`D.R`, `2.alpha`). The value is taken not to be affine in any of them: a law that knows better overrides `nested`.
    """

    def nested(self, path: Path, name: str, declared: Parameter) -> tuple[str, Parameter]:
        """Say how a parameter of a part is called and declared here.

        **Arguments:**

        - `path`: Where the part is.
        - `name`, `declared`: What the part says itself.
        """
        return f"{_called(path)}.{name}", dataclasses.replace(declared, amplitude=False)

    def entries(self, axis: str) -> tuple[Any, ...]:
        """The names of the entries of an axis; empty where they are not known."""
        own = getattr(self, axis, ())
        if isinstance(own, tuple) and own:
            return own
        return next((found for _, part in parts(self) if isinstance(part, Tree) and (found := part.entries(axis))), ())

    def named(self, axis: str, entries: tuple[Any, ...]) -> "Tree":
        """The same law with the entries of an axis named, here and in its parts."""
        law = with_parts(self, {p: m.named(axis, entries) for p, m in parts(self) if isinstance(m, Tree)})
        return dataclasses.replace(law, **{axis: entries}) if isinstance(getattr(law, axis, None), tuple) else law

    def rescaled(self: Module, log_scale: Mapping[str, Any]) -> Module:
        r"""The same law with its inputs measured in units $s$ times as small: $f'(x\,s) = f(x)$.

        Each parameter is multiplied by $\prod_u s_u^{\dim_u}$ over the units $u$ of its `dims`. A law that is no
        product of powers overrides this; where its parameters alone cannot, it keeps what it needs in a `constant`.

        **Raises:** `InputError` where a shared parameter would have to differ along an axis.
        """
        updates = {}
        for field in dataclasses.fields(self):
            declared = field.metadata.get("parameter")
            factor = None if declared is None else dimension_factor(self, declared, log_scale)
            if factor is None:
                continue
            value = getattr(self, field.name)
            if np.ndim(factor) > np.ndim(value):
                shared = Phrase("is shared along an axis on which its unit depends")
                name = f"{field.name} of {type(self).__name__}"
                raise InputError(name, shared, remedy="declare it along that axis too")
            factor = namespace(value, factor).exp(factor)
            updates[field.name] = value * factor.reshape(np.shape(factor) + (1,) * (np.ndim(value) - np.ndim(factor)))
        whole = dataclasses.replace(self, **updates)
        return with_parts(whole, {path: rescale(part, log_scale) for path, part in parts(whole)})


def _called(path: Path) -> str:
    """The name of a part: that of the field, or the key or place in it."""
    return str(path[0]) if len(path) == 1 else ".".join(str(k + 1 if isinstance(k, int) else k) for k in path[1:])


def parts(law: eqx.Module) -> Iterator[tuple[Path, eqx.Module]]:
    """The modules that a law holds in its fields, in dictionaries or in tuples."""
    for field in dataclasses.fields(law):
        if field.metadata.get("static", False) or "parameter" in field.metadata:
            continue
        held = getattr(law, field.name)
        if isinstance(held, eqx.Module):
            yield (field.name,), held
        elif isinstance(held, Mapping | tuple | list):
            # JAX takes the keys of a dictionary in their order too.
            pairs = sorted(held.items()) if isinstance(held, Mapping) else enumerate(held)
            yield from (((field.name, key), one) for key, one in pairs if isinstance(one, eqx.Module))


def with_parts(law: Module, changed: Mapping[Path, eqx.Module]) -> Module:
    """The law with other modules in the place of some that it holds."""
    updates: dict[str, Any] = {}
    for (field, *key), part in changed.items():
        if not key:
            updates[str(field)] = part
            continue
        held = updates.get(str(field), getattr(law, str(field)))
        if isinstance(held, Mapping):
            updates[str(field)] = {**held, key[0]: part}
        else:
            updates[str(field)] = type(held)(part if i == key[0] else one for i, one in enumerate(held))
    return dataclasses.replace(law, **updates) if updates else law


class Declared(NamedTuple):
    """A parameter of a law or of a part of it: its name here, what it declares, and the way to its value."""

    name: str
    parameter: Parameter
    path: Path


def declared(law: eqx.Module | type[eqx.Module]) -> list[Declared]:
    """The parameters of a law and of its parts, in the order of the fields."""
    found: list[Declared] = []
    if isinstance(law, type):
        own = ((f.name, f.metadata.get("parameter")) for f in dataclasses.fields(law))
        return [Declared(name, said, (name,)) for name, said in own if said is not None]
    held = dict(parts(law))
    for field in dataclasses.fields(law):
        said = field.metadata.get("parameter")
        if said is not None:
            found.append(Declared(field.name, said, (field.name,)))
        for path, part in held.items():
            if path[0] != field.name:
                continue
            for one in declared(part):
                nested = law.nested if isinstance(law, Tree) else functools.partial(Tree.nested, law)  # pyright: ignore[reportArgumentType]  it asks for no field of its own
                name, how = nested(path, one.name, one.parameter)
                found.append(Declared(name, how, (*path, *one.path)))
    return found


def parameters(law: eqx.Module | type[eqx.Module]) -> dict[str, Parameter]:
    """The declared parameters of a law, those of its parts by their path, in the order of the fields."""
    return {one.name: one.parameter for one in declared(law)}


def value_at(law: Any, path: Path) -> Any:
    """What lies at the end of a path."""
    for key in path:
        inside = isinstance(law, Mapping | tuple | list)
        law = operator.getitem(law, key) if inside else getattr(law, str(key))  # pyright: ignore[reportArgumentType]  a place, of a tuple
    return law


def holder_of(law: eqx.Module, name: str) -> Any:
    """The part of a law that declares a parameter: its `dims` are functions of that part."""
    return value_at(law, next(one.path for one in declared(law) if one.name == name)[:-1])


def cleared(law: Module) -> Module:
    """The law with every `constant` at 0, as it is in natural units."""
    held = {f.name: getattr(law, f.name) for f in dataclasses.fields(law) if f.metadata.get("constant", False)}
    own = {name: namespace(value).zeros_like(value) for name, value in held.items()}
    law = dataclasses.replace(law, **own) if own else law
    return with_parts(law, {path: cleared(part) for path, part in parts(law)})


def with_constants(law: Module, batch: tuple[int, ...]) -> Module:
    """The law with every `constant` along leading axes that its parameters have."""
    own = {
        f.name: np.broadcast_to(getattr(law, f.name), batch).copy()
        for f in dataclasses.fields(law)
        if f.metadata.get("constant", False)
    }
    law = dataclasses.replace(law, **own) if own else law
    return with_parts(law, {path: with_constants(part, batch) for path, part in parts(law)})


def scales_by_dims(law: eqx.Module) -> bool:
    """Say whether `dims` alone say how a law and its parts change with the units of their inputs."""
    own = getattr(type(law), "rescaled", Tree.rescaled) is Tree.rescaled
    return own and all(scales_by_dims(part) for _, part in parts(law))


def parameter_values(law: eqx.Module) -> dict[str, Any]:
    """The value of every parameter by name: a number, or an array along its axes, after any leading axes."""
    return {one.name: value_at(law, one.path) for one in declared(law)}


def with_parameters(law: Module, found: Mapping[str, Any]) -> Module:
    """The law with other values of some of its parameters, by name."""
    return _replaced(law, {one.path: found[one.name] for one in declared(law) if one.name in found})


def _replaced(law: Any, found: Mapping[Path, Any]) -> Any:
    own = {str(path[0]): value for path, value in found.items() if len(path) == 1}
    of_parts = {}
    for path, part in parts(law):
        mine = {one[len(path) :]: value for one, value in found.items() if len(one) > 1 and one[: len(path)] == path}
        if mine:
            of_parts[path] = _replaced(part, mine)
    law = with_parts(law, of_parts)
    return dataclasses.replace(law, **own) if own else law


def dimension_factor(law: Any, declared: Parameter, log_scale: Mapping[str, Any]) -> Any:
    """The logarithm of the product of `scale ** dim` over the units of a parameter, or `None` if it has none."""
    total = None
    for name, power in declared.dims:
        if name not in log_scale:
            continue
        by, scale = power(law) if callable(power) else power, log_scale[name]
        # A power along an axis of the law: the scale is the same for all of its entries.
        further = max(np.ndim(by) - np.ndim(scale), 0)
        term = by * (scale.reshape(*np.shape(scale), *(1,) * further) if further and np.ndim(scale) else scale)
        total = term if total is None else total + term
    return None if total is None else namespace(total).asarray(total)


def rescale(law: Module, log_scale: Mapping[str, Any]) -> Module:
    """The same law with its inputs measured in other units: see `Tree.rescaled`.

    **Arguments:**

    - `law`: A law, with or without leading axes.
    - `log_scale`: Unit of an input → the logarithm of s.
    """
    return law.rescaled(log_scale) if isinstance(law, Tree) else Tree.rescaled(law, log_scale)  # pyright: ignore[reportArgumentType]  as above
