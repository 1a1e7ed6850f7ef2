"""The numbers of a law as a flat list, by name."""

import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._core import InputError
from ._field import Parameter
from ._tree import Tree, declared, value_at, with_parameters

Module = TypeVar("Module", bound=eqx.Module)


@dataclasses.dataclass(frozen=True)
class Slot:
    """One number of a law.

    **Arguments:**

    - `name`: What it is called: `alpha`, `b[top10]`, `t[c4,books]`.
    - `field`: The parameter that it belongs to.
    - `index`: Its place in an array: a number, several along several axes, or `None`.
    - `parameter`: What is declared of it.
    """

    name: str
    field: str
    index: int | tuple[int, ...] | None
    parameter: Parameter


def slots(law: eqx.Module) -> tuple[Slot, ...]:
    """The numbers of a law without leading axes, in order.

    Those of an array are named by the entries of its axes where the law knows these (`b[top0-10]`), else by their
    places from 1 (`c[2]`).
    """
    found = []
    for name, said, path in declared(law):
        if not said.axes:
            found.append(Slot(name, name, None, said))
            continue
        shape = np.shape(value_at(law, path))
        if len(shape) != len(said.axes):
            expected = f"one number for each {' and '.join(said.axes)}"
            raise InputError(f"{name} of {type(law).__name__}", value_at(law, path), expected)
        known = [law.entries(axis) if isinstance(law, Tree) else () for axis in said.axes]
        entries = [own or range(1, size + 1) for own, size in zip(known, shape, strict=True)]
        for place, entry in zip(np.ndindex(*shape), itertools.product(*entries)):
            index = place[0] if len(place) == 1 else place
            found.append(Slot(f"{name}[{','.join(map(str, entry))}]", name, index, said))
    return tuple(found)


def numbers(law: eqx.Module) -> list[Any]:
    """The numbers of a law one by one in the order of `slots`, each after any leading axes; JAX's stay JAX's."""
    found: list[Any] = []
    for _, said, path in declared(law):
        value = value_at(law, path)
        if not said.axes:
            found.append(value)
            continue
        batch = np.ndim(value) - len(said.axes)
        found += [value[(..., *place)] for place in np.ndindex(*np.shape(value)[batch:])]
    return found


def number_at(law: eqx.Module, slot: Slot) -> Any:
    """The number of a law that a slot names, as an array that it holds or is traced with."""
    path = next(one.path for one in declared(law) if one.name == slot.field)
    found = value_at(law, path)
    return found if slot.index is None else found[slot.index]


def values(law: eqx.Module) -> np.ndarray:
    """The natural values of a law as one float64 array, leading axes first and the parameters last."""
    columns = []
    for _, said, path in declared(law):
        value = np.asarray(value_at(law, path), dtype=np.float64)
        batch = value.shape[: value.ndim - len(said.axes)]
        columns.append(value.reshape(*batch, -1))
    return np.concatenate(columns, axis=-1) if columns else np.zeros(0)


def with_values(law: Module, numbers: Any, whole: Mapping[str, Any] | None = None) -> Module:
    """The law with its parameters replaced by those along the last axis of `numbers`; the inverse of `values`.

    `numbers` is an array, or a sequence with one (possibly batched) number a parameter. Host numbers stay on the host.
    What stands in it for the parameters of `whole`, which are given as they are, by name, does not matter.
    """
    table = hasattr(numbers, "ndim")
    columns = [numbers[..., i] for i in range(numbers.shape[-1])] if table else list(numbers)
    xp = jnp if any(isinstance(column, jax.Array) for column in columns) else np
    shapes = {
        name: np.shape(value_at(law, path))[np.ndim(value_at(law, path)) - len(said.axes) :]
        for name, said, path in declared(law)
    }
    count = sum(math.prod(shape) for shape in shapes.values())
    if len(columns) != count:
        raise ValueError(f"{type(law).__name__} has {count} numbers and was given {len(columns)}.")
    left = iter(columns)
    updates = {}
    for name, shape in shapes.items():
        if whole and name in whole:
            updates[name] = whole[name]
            next(itertools.islice(left, math.prod(shape) - 1, None), None)
            continue
        if not shape:
            updates[name] = next(left)
            continue
        stacked = (
            xp.stack(np.broadcast_arrays(*row) if xp is np else jnp.broadcast_arrays(*row), axis=-1)
            if (row := list(itertools.islice(left, math.prod(shape))))
            else np.zeros(0)
        )
        updates[name] = stacked.reshape(*np.shape(stacked)[:-1], *shape)
    return with_parameters(law, updates)
