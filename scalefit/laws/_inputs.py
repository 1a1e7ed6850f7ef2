"""Inputs of a law one by one: those along a named axis, `w[pool]`, are a number for each of its names."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core import InputError
from ..params import parameters
from ._abstract import AbstractLaw, Law

SHARE = "share"
"""The unit of inputs that share one whole along their axis: 0 or more, with a sum of 1; no logarithm is taken."""


def axis_of(name: str) -> tuple[str, str | None]:
    """The name of an input without its axis, and the axis: `w[pool]` is `w` along `pool`."""
    base, bracket, axis = name.partition("[")
    return (base, axis.removesuffix("]")) if bracket else (name, None)


def axes(law: AbstractLaw | type[AbstractLaw]) -> tuple[str, ...]:
    """The axes of a law's inputs, each once."""
    return tuple(dict.fromkeys(axis for _, axis in map(axis_of, law.inputs) if axis is not None))


def input_names(law: AbstractLaw) -> dict[str, tuple[str, ...]]:
    """What the formula takes → the names of its numbers: `n` is one, `w` is `w[A]`, `w[B]` and so on."""
    found = {}
    for name in law.inputs:
        base, axis = axis_of(name)
        found[base] = (name,) if axis is None else tuple(f"{base}[{entry}]" for entry in getattr(law, axis))
    return found


def input_units(law: AbstractLaw) -> dict[str, str]:
    """Every number that the law takes from a run, by name, with its unit."""
    units = {axis_of(name)[0]: unit for name, unit in law.inputs.items()}
    return {name: units[base] for base, names in input_names(law).items() for name in names}


def along_axes(law: Law, names: Iterable[str]) -> Law:
    """The law with its axes named after runs that have inputs of these names; one that is named already stays so.

    Values that were given stay, as starts or because they are held.

    **Raises:** `InputError` for values of which there is not one for each name.
    """
    names = tuple(names)
    for name in law.inputs:
        base, axis = axis_of(name)
        if axis is None:
            continue
        found = (n[len(base) + 1 : -1] for n in names if n.startswith(f"{base}[") and n.endswith("]"))
        entries = getattr(law, axis) or tuple(found)
        unset = {}
        for f, declared in parameters(law).items():
            shape = np.shape(value := getattr(law, f))
            if declared.axis != axis or shape[-1:] == (len(entries),):
                continue
            if entries and not np.isnan(value).all():
                raise InputError(
                    f"{type(law).__name__}: {f} is {np.asarray(value).tolist()}; expected one number for each "
                    f"{axis}, in this order: {', '.join(entries)}."
                )
            unset[f] = np.full(len(entries), np.nan)
        law = dataclasses.replace(law, **{axis: entries}, **unset)
    return law


def gathered(law: AbstractLaw, point: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the formula takes them: numbers along an axis are one array, the axis last."""
    whole = {}
    for base, names in input_names(law).items():
        if names == (base,):
            whole[base] = point[base]
            continue
        columns = [point[name] for name in names]
        xp = jnp if any(isinstance(column, jax.Array) for column in columns) else np
        whole[base] = xp.stack(columns, axis=-1) if columns else np.zeros(0)
    return whole
