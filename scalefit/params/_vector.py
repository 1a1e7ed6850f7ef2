"""A law's parameters as a flat list of named numbers, and the law in other units of its inputs."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._core import InputError
from ._field import Parameter

Module = TypeVar("Module", bound=eqx.Module)


@dataclasses.dataclass(frozen=True)
class Slot:
    """One number of a law: the field that holds it and, in an array field, its place."""

    name: str
    field: str
    index: int | None
    parameter: Parameter


def parameters(law: eqx.Module | type[eqx.Module]) -> dict[str, Parameter]:
    """The declared parameters of a law, by field name, in the order of the class."""
    fields = {f.name: f.metadata.get("parameter") for f in dataclasses.fields(law)}
    return {name: declared for name, declared in fields.items() if declared is not None}


def slots(law: eqx.Module) -> tuple[Slot, ...]:
    """The numbers of a law without leading axes, in order.

    Those of an array field are named `field[1]` and so on or, where the law has a field of the axis' name that holds
    names, by these: `b[top0-10]`.
    """
    found = []
    for field, declared in parameters(law).items():
        if declared.axis is None:
            found.append(Slot(field, field, None, declared))
            continue
        shape = np.shape(getattr(law, field))
        if not shape:
            raise InputError(
                f"{type(law).__name__}: {field} is {getattr(law, field)}; expected one number for each {declared.axis}."
            )
        entries = getattr(law, declared.axis, None) or range(1, shape[-1] + 1)
        found += [Slot(f"{field}[{entry}]", field, i, declared) for i, entry in enumerate(entries)]
    return tuple(found)


def values(law: eqx.Module) -> np.ndarray:
    """The natural values of a law as one float64 array, leading axes first and the parameters last."""
    columns = []
    for field, declared in parameters(law).items():
        value = np.asarray(getattr(law, field), dtype=np.float64)
        columns.append(value[..., None] if declared.axis is None else value)
    return np.concatenate(columns, axis=-1) if columns else np.zeros(0)


def with_values(law: Module, numbers: Any) -> Module:
    """The law with its parameters replaced by those along the last axis of `numbers`; the inverse of `values`.

    `numbers` is an array, or a sequence with one (possibly batched) number a parameter. Host numbers stay on the host.
    """
    table = hasattr(numbers, "ndim")
    columns = [numbers[..., i] for i in range(numbers.shape[-1])] if table else list(numbers)
    stack = jnp.stack if any(isinstance(column, jax.Array) for column in columns) else np.stack
    declared = parameters(law)
    sizes = {field: None if p.axis is None else np.shape(getattr(law, field))[-1] for field, p in declared.items()}
    count = sum(1 if size is None else size for size in sizes.values())
    if len(columns) != count:
        raise ValueError(f"{type(law).__name__} has {count} numbers and was given {len(columns)}.")
    left = iter(columns)
    updates = {
        field: next(left) if size is None else stack([next(left) for _ in range(size)], axis=-1)
        for field, size in sizes.items()
    }
    return dataclasses.replace(law, **updates)


def dimension_factor(law: Any, declared: Parameter, log_scale: Mapping[str, Any]) -> Any:
    """The logarithm of the product of `scale ** dim` over the units of a parameter, or `None` if it has none."""
    total = None
    for name, power in declared.dims:
        if name not in log_scale:
            continue
        term = (power(law) if callable(power) else power) * log_scale[name]
        total = term if total is None else total + term
    return total


def rescale(law: Module, log_scale: Mapping[str, Any]) -> Module:
    r"""The same law with its inputs measured in units $s$ times as small: $f'(x\,s) = f(x)$.

    Each parameter is multiplied by $\prod_u s_u^{\dim_u}$ over the units $u$ of its `Parameter.dims`.

    **Arguments:**

    - `law`: A law, with or without leading axes.
    - `log_scale`: Unit of an input → $\log s$.
    """
    updates = {}
    for field, declared in parameters(law).items():
        factor = dimension_factor(law, declared, log_scale)
        if factor is not None:
            value = getattr(law, field)
            xp = np if isinstance(value, np.ndarray) and isinstance(factor, np.ndarray | float) else jnp
            factor = xp.exp(factor)
            updates[field] = value * (factor if declared.axis is None or np.ndim(factor) == 0 else factor[..., None])
    return dataclasses.replace(law, **updates)
