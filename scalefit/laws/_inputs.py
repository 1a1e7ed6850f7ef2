"""What a law takes from a run: inputs by kind, alone or along a named axis."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np
from jaxtyping import Shaped

from .._core import InputError, Phrase
from ..params import namespace, parameter_values, parameters, parts, with_parameters, with_parts
from ._abstract import AbstractLaw, Law

SHARE = "share"
"""The unit of inputs that share one whole along their axis."""


@dataclasses.dataclass(frozen=True)
class Input:
    """An input of a law.

    **Arguments:**

    - `unit`: What it counts.
    - `axis`: The axis along which it has a number for each entry, `w[code]`; `None` for one number.
    """

    unit: str = ""
    axis: str | None = None

    logarithm: ClassVar[bool] = False
    """Whether the solver takes its logarithm, centred."""
    scaled: ClassVar[bool] = False
    """Whether it is measured about the middle of the runs, as parameters that declare `dims` of its unit allow."""
    range_of: ClassVar[str] = "finite"
    """Which numbers it may be, in words."""

    def allows(self, values: np.ndarray) -> Any:
        """Say which numbers it may be."""
        return np.isfinite(values)


@dataclasses.dataclass(frozen=True)
class Size(Input):
    """A size: above 0, its logarithm centred by its unit."""

    logarithm: ClassVar[bool] = True
    scaled: ClassVar[bool] = True
    range_of: ClassVar[str] = "above 0"

    def allows(self, values: np.ndarray) -> Any:
        """Above 0."""
        return np.isfinite(values) & (values > 0.0)


@dataclasses.dataclass(frozen=True)
class Count(Input):
    """A count: 0 or more, in units of the middle of its unit's sizes."""

    scaled: ClassVar[bool] = True
    range_of: ClassVar[str] = "0 or more"

    def allows(self, values: np.ndarray) -> Any:
        """0 or more."""
        return np.isfinite(values) & (values >= 0.0)


@dataclasses.dataclass(frozen=True)
class Fraction(Input):
    """A fraction: from 0 to 1."""

    range_of: ClassVar[str] = "from 0 to 1"

    def allows(self, values: np.ndarray) -> Any:
        """From 0 to 1."""
        return (values >= 0.0) & (values <= 1.0)


@dataclasses.dataclass(frozen=True)
class Number(Input):
    """Any number, as it is."""


@dataclasses.dataclass(frozen=True)
class Ratio(Input):
    """A number above 0, as it is: experts, bits, the kept part of a pool."""

    range_of: ClassVar[str] = "above 0"

    def allows(self, values: np.ndarray) -> Any:
        """Above 0."""
        return np.isfinite(values) & (values > 0.0)


@dataclasses.dataclass(frozen=True)
class Weights(Input):
    """Shares of one whole along an axis: 0 or more, with a sum of 1."""

    unit: str = SHARE
    range_of: ClassVar[str] = "0 or more"

    def allows(self, values: np.ndarray) -> Any:
        """0 or more; that they sum to 1 is looked at where they stand together."""
        return np.isfinite(values) & (values >= 0.0)


@dataclasses.dataclass(frozen=True)
class Series(Input):
    """One array a run, as a learning-rate schedule; the formula gets a `Padded`."""


@dataclasses.dataclass(frozen=True)
class Label(Input):
    """The entry of an axis that a run belongs to; the formula gets its place, a whole number: `self.A[corpus]`.

    **Arguments:**

    - `column`: The label, input or column of the runs that says it; that of the input's own name unless given.
    """

    column: str | None = None


class Padded(NamedTuple):
    """A series as formulas get it: runs of a table have as many places as the longest.

    **Arguments:**

    - `values`: Its values; beyond its end the last one stands.
    - `real`: Which places are of this run.
    """

    values: Shaped[Any, "*run place"]
    real: Shaped[Any, "*run place"]


def axis_of(name: str) -> tuple[str, str | None]:
    """The name of an input without its axis, and the axis: `w[pool]` is `w` along `pool`."""
    base, bracket, axis = name.partition("[")
    return (base, axis.removesuffix("]")) if bracket else (name, None)


def check_inputs(law: AbstractLaw | type[AbstractLaw], argument: str = "law") -> None:
    """Check that a class says what its formula takes.

    **Raises:** `InputError` for inputs that are none, or are not named by text and said by a unit or a kind.
    """
    name, said = (law if isinstance(law, type) else type(law)).__name__, getattr(law, "inputs", None)
    remedy = "declare them as inputs: ClassVar = {'N': 'parameters'}"
    if not isinstance(said, Mapping) or not said:
        raise InputError(argument, Phrase(f"is {name}, which does not say what it predicts from"),
                         "its inputs and their units", remedy)  # fmt: skip
    for key, kind in said.items():
        if not isinstance(key, str) or not key or not isinstance(kind, str | Input):
            raise InputError(argument, Phrase(f"is {name}, whose inputs have {kind!r} by {key!r}"),
                             "a unit or a kind by a name", remedy)  # fmt: skip


def inputs_of(law: AbstractLaw | type[AbstractLaw]) -> dict[str, Input]:
    """What the formula takes, by name: `"w[pool]": SHARE` declares weights, `"w": SHARE` one share, any unit a size."""
    found: dict[str, Input] = {}
    for name, said in law.inputs.items():
        base, axis = axis_of(name)
        if isinstance(said, str):
            # A share by itself is of a whole that nobody lists.
            of_whole = Weights(axis=axis) if axis else Fraction()
            said = of_whole if said == SHARE else Size(said, axis)
        found[base] = said
    return found


def axes(law: AbstractLaw | type[AbstractLaw]) -> tuple[str, ...]:
    """The axes of a law's inputs, each once."""
    return tuple(dict.fromkeys(i.axis for i in inputs_of(law).values() if i.axis is not None))


def input_names(law: AbstractLaw) -> dict[str, tuple[str, ...]]:
    """What the formula takes → the names of its numbers: `n` is one, `w` is `w[A]`, `w[B]` and so on."""
    found = {}
    for base, said in inputs_of(law).items():
        alone = said.axis is None or isinstance(said, Label)
        found[base] = (base,) if alone else tuple(f"{base}[{entry}]" for entry in law.entries(said.axis or ""))
    return found


def input_kinds(law: AbstractLaw) -> dict[str, Input]:
    """Every number, series or label that the law takes from a run, by name."""
    kinds = inputs_of(law)
    return {name: kinds[base] for base, names in input_names(law).items() for name in names}


def input_units(law: AbstractLaw) -> dict[str, str]:
    """Every number that the law takes from a run, by name, with its unit."""
    return {name: said.unit for name, said in input_kinds(law).items()}


def along_axes(law: Law, names: Iterable[str], labels: Mapping[str, tuple[Any, ...]] | None = None) -> Law:
    """The law with its axes named after runs that have inputs of these names; one that is named already stays so.

    Values that were given stay, as starts or because they are held.

    **Arguments:**

    - `names`: Names of inputs, `w[code]` among them.
    - `labels`: Input that is a label → the entries that its column has.

    **Raises:** `InputError` for values of which there is not one for each name.
    """
    names, labels = tuple(names), labels or {}
    held = {path: along_axes(part, names, labels) for path, part in parts(law) if isinstance(part, AbstractLaw)}
    law = with_parts(law, held)
    for base, said in inputs_of(law).items():
        if said.axis is None:
            continue
        if isinstance(said, Label):
            found = labels.get(base, ())
        else:
            found = tuple(n[len(base) + 1 : -1] for n in names if n.startswith(f"{base}[") and n.endswith("]"))
        entries = law.entries(said.axis) or tuple(found)
        law = cast(Law, law.named(said.axis, entries))
    return _sized(law)


def _sized(law: Law) -> Law:
    """The law with every parameter that was not given as large as its axes."""
    declared, unset = parameters(law), {}
    for name, value in parameter_values(law).items():
        along = declared[name].axes
        shape = np.shape(value)
        if not along or len(shape) < len(along):
            continue
        own = shape[len(shape) - len(along) :]
        known = [law.entries(axis) for axis in along]
        wanted = tuple(len(entries) or size for entries, size in zip(known, own, strict=True))
        if own == wanted:
            continue
        if not np.isnan(np.asarray(value)).all():
            listed = "; ".join(", ".join(map(str, entries)) for entries in known if entries)
            expected = f"one number for each {' and '.join(along)}, in this order: {listed}"
            raise InputError(f"{name} of {type(law).__name__}", np.asarray(value).tolist(), expected)
        unset[name] = np.full(wanted, np.nan)
    return with_parameters(law, unset)


def gathered(law: AbstractLaw, point: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the formula takes them: numbers along an axis are one array, the axis last, or are so already."""
    whole = {}
    for base, names in input_names(law).items():
        if names == (base,) or base in point:
            whole[base] = point[base]
            continue
        columns = [point[name] for name in names]
        whole[base] = namespace(*columns).stack(columns, axis=-1) if columns else np.zeros(0)
    return whole
