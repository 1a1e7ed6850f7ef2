"""From runs and a law to the arrays that the solvers take: centred logarithms, weights, starts."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import InputError, Phrase, listed
from ..data import Runs, pooled, with_rounded_shares
from ..laws import (
    AbstractLaw,
    Label,
    Padded,
    Series,
    Weights,
    along_axes,
    gathered,
    input_kinds,
    input_names,
    inputs_of,
)
from ..noise import AbstractNoise
from ..params import values, with_values
from ..solve import Data
from ._curve import REAL, LawCurve, is_amplitude
from ._pools import check_pools
from ._probe import probed, tried_at
from ._refused import refuse_unfit, refuse_unvaried
from ._studies import Studies
from ._zero import takes_zero


class Prepared(NamedTuple):
    """Studies ready to be fitted.

    **Arguments:**

    - `law`: The law as the studies need it, its free parameters unset.
    - `curve`: The law as the solvers see it.
    - `data`: The runs as the solvers see them.
    - `constant`: By study, the logarithm of the geometric mean of the inputs of each unit, the typical size of the
      target, then the natural values of what is fixed.
    - `floor`: By study, the objective that rounding alone would leave.
    - `studies`: The studies.
    """

    law: AbstractLaw
    curve: LawCurve
    data: Data
    constant: Float[np.ndarray, "study constant"]
    floor: Float[np.ndarray, " study"]
    studies: Studies

    @property
    def typical(self) -> Float[np.ndarray, " study"]:
        """The typical size of the target, by study."""
        return self.constant[:, len(self.curve.units)]

    def take(self, which: Int[np.ndarray, " kept"]) -> "Prepared":
        """Some of the studies, which may repeat."""
        data = Data(*jax.tree.map(lambda a: np.asarray(a)[which], self.data))
        return self._replace(
            data=data, constant=self.constant[which], floor=self.floor[which], studies=self.studies.take(which)
        )

    def with_data(self, **changed: Any) -> "Prepared":
        """The same with other arrays of the runs."""
        return self._replace(data=self.data._replace(**changed))


def inputs_for(law: AbstractLaw, runs: Runs) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The law's inputs from the runs, and what had to be derived; a law of one `x` takes the only input there is.

    Numbers are float64, labels whole numbers, places among the entries of their axis, and series padded. A size may
    be 0 where the formula is finite there.
    """
    kinds = input_kinds(law)
    for base, entries in input_names(law).items():
        if not entries:
            axis = inputs_of(law)[base].axis
            raise InputError(
                repr(runs.name), Phrase(f"has no {base} along the {axis}, which {type(law).__name__} takes"),
                f"a column {base}[name] for each {axis}",
                f"head its columns {base}[…], or read a table of weights with `read_mixtures`",
            )  # fmt: skip
    names = tuple(name for name, said in kinds.items() if not isinstance(said, Series | Label))
    called = {name: name for name in names}
    if names == ("x",) and "x" not in runs.inputs and "x" not in runs.columns:
        called["x"], notes = only_input(runs)
        found: dict[str, Any] = {"x": np.asarray(runs.inputs[called["x"]])}
    else:
        found, notes = runs.select(names)
    zeros = [name for name in names if kinds[name].logarithm and np.any(found[name] == 0.0)]
    for name in names:
        good = kinds[name].allows(found[name]) | ((found[name] == 0.0) & (name in zeros))
        runs.check(called[name], np.asarray(good), f"a number {kinds[name].range_of}")
    for name, said in kinds.items():
        if isinstance(said, Series):
            found[name] = _padded(name, runs)
        elif isinstance(said, Label):
            found[name] = _places(law, name, said, runs)
    for name in zeros:
        if not takes_zero(law, name, found):
            runs.check(called[name], found[name] > 0.0, f"a number {kinds[name].range_of}")
    return {name: found[name] for name in kinds}, notes


def only_input(runs: Runs) -> tuple[str, tuple[str, ...]]:
    """The one input of a table, for a law of one x, and a note that says so."""
    if len(runs.inputs) != 1:
        if not runs.inputs:
            raise InputError(repr(runs.name), Phrase("has no input"), "one, x", "head its column x")
        first = next(iter(runs.inputs))
        said = Phrase(f"has {', '.join(runs.inputs)}")
        raise InputError(repr(runs.name), said, "one input, x", f"say which it is, as `columns={{'x': {first!r}}}`")
    (only,) = runs.inputs
    return only, (f"x is {only}, the only input of the table",)


def _padded(name: str, runs: Runs) -> Padded:
    """A series of every run side by side, the last value of each standing beyond its end."""
    if name not in runs.series:
        raise InputError(
            repr(runs.name), Phrase(f"has no series {name!r}"), remedy=f"give an array a run: {name}=[...]"
        )
    runs.check(name, np.array([one is not None and len(one) > 0 for one in runs.series[name]]))
    counts = np.array([len(one) for one in runs.series[name]])
    place = np.arange(counts.max())
    values = np.stack([one[np.minimum(place, len(one) - 1)] for one in runs.series[name]])
    return Padded(values, place < counts[:, None])


def _values(column: Any) -> np.ndarray:
    return column.values if isinstance(column, Padded) else column


def _places(law: AbstractLaw, name: str, said: Label, runs: Runs) -> Int[np.ndarray, " run"]:
    """The place of each run's label among the entries of its axis."""
    keys, code = runs.codes(said.column or name)
    entries = list(law.entries(said.axis or ""))
    unknown = [key for key in keys if key not in entries]
    if unknown:
        raise InputError(
            f"{name} of {runs.name!r}", unknown[0], f"one of those the law knows: {listed(entries) or 'none'}"
        )
    return np.array([entries.index(key) for key in keys])[code]


def usable(law: AbstractLaw, runs: Runs) -> Runs:
    """The runs that have every input of the law, its series and labels too; the others are listed in `dropped`.

    For a law that takes weights along an axis, runs that name the one entry each is of are taken as wholly of that, and
    shares that are rounded are divided by their sum.
    """
    own = inputs_of(law)
    runs = runs.complete([said.column or name for name, said in own.items() if isinstance(said, Label)])
    shares = [(base, said.axis) for base, said in own.items() if isinstance(said, Weights)]
    if any(axis in runs.labels and not _along(base, runs) for base, axis in shares):
        runs = pooled(runs)
    kinds = input_kinds(named_after(law, runs))
    series = [name for name, said in kinds.items() if isinstance(said, Series)]
    names = [name for name, said in kinds.items() if not isinstance(said, Series | Label)]
    only = names == ["x"] and "x" not in runs.inputs and len(runs.inputs) == 1
    runs = runs.complete([*(runs.inputs if only else names), *series])
    for base, _ in shares:
        runs = with_rounded_shares(runs, base)
    return runs


def _along(base: str, runs: Runs) -> bool:
    return any(name.startswith(f"{base}[") for name in runs.inputs)


def named_after(law: AbstractLaw, runs: Runs) -> AbstractLaw:
    """The law with its axes named after the columns and labels of the runs."""
    weights = tuple(f"{base}[" for base, said in inputs_of(law).items() if isinstance(said, Weights))
    # An entry of which no run has any is no part of a law.
    names = [n for n, column in runs.inputs.items() if not (n.startswith(weights) and np.nanmax(column) <= 0.0)]
    labels = {n: said.column or n for n, said in inputs_of(law).items() if isinstance(said, Label)}
    return along_axes(law, names, {n: tuple(runs.codes(column)[0]) for n, column in labels.items()})


def size_law(law: AbstractLaw, runs: Runs) -> AbstractLaw:
    """The law with its axes named and with the static size that all of the runs need."""
    law = named_after(law, runs)
    return law.sized_for(gathered(law, inputs_for(law, runs)[0]))


def prepare(law: AbstractLaw, curve: LawCurve, studies: Studies, noise: AbstractNoise) -> Prepared:
    """Check the runs of each study against law and noise, and lay them out.

    **Arguments:**

    - `law`: The law, large enough for these runs (`size_law`).
    - `studies`: The runs of each study.
    - `curve`: The law as the solvers see it.
    - `noise`: How they scatter.

    **Raises:** `InputError` where an input is missing or does not vary, the target does not suit the noise, a study has
    fewer runs than free parameters, or a fixed parameter has no value.
    """
    runs = studies.runs
    columns, _ = inputs_for(law, runs)
    refuse_unfit(law, curve, studies, columns, noise)
    real = studies.real
    with np.errstate(divide="ignore"):  # of a size of 0
        logs = {n: np.log(c) for n, c in columns.items() if curve.kinds[n].logarithm}
    point = {n: studies.table(logs[n] if n in logs else _values(c)) for n, c in columns.items()}
    point |= {n + REAL: studies.table(c.real) for n, c in columns.items() if isinstance(c, Padded)}
    sizes = [(n, said.unit) for n, said in curve.kinds.items() if said.logarithm]
    first = {unit: next(n for n, own in sizes if own == unit) for unit in curve.units}
    centres = [_centre(point[first[unit]], real) for unit in curve.units]
    centre = np.stack(centres, axis=1) if centres else np.zeros((len(studies), 0))
    # A law that does not say how its parameters carry a unit is fitted in that unit as it is.
    centre = centre * probed(curve, tried_at(curve, columns))
    for n, said in curve.kinds.items():
        if said.scaled and said.unit in curve.units:
            own = centre[:, curve.units.index(said.unit), None]
            point[n] = point[n] - own if said.logarithm else point[n] * np.exp(-own)
    target = studies.table(np.log(runs.target) if noise.log else np.asarray(runs.target))
    size = np.abs(studies.table(runs.target))
    there = real & (size > 0.0)  # a target of 0 has no size
    share = 1.0 / np.maximum(np.sum(there, axis=1, keepdims=True), 1)
    typical = np.exp(np.sum(np.log(np.where(there, size, 1.0)) * there * share, axis=1))
    largest = np.max(np.abs(target) * real, axis=1) + (1.0 if noise.log else 0.0)
    rounding = studies.counts * (4 * np.finfo(float).eps * largest) ** 2
    # A log likelihood has no natural zero: its rounding is that of its runs.
    floor = 1e-12 * studies.counts if noise.free_scale else rounding
    held = np.broadcast_to(values(law)[list(curve.fixed)], (len(studies), len(curve.fixed)))
    precision = precision_of(studies, noise.log)
    constant = np.concatenate([centre, typical[:, None], held], axis=1)
    data = Data(point, target, real.astype(float), precision, constant, None)
    check_pools(law, curve.free, studies, columns)
    refuse_unvaried(curve, data, studies, columns)
    return Prepared(law, curve, data, constant, floor, studies)


def _centre(logs: Float[np.ndarray, "study run"], real: Bool[np.ndarray, "study run"]) -> Float[np.ndarray, " study"]:
    """The mean logarithm of each study, of what is above 0."""
    above = real & np.isfinite(logs)
    return np.sum(np.where(above, logs, 0.0), axis=1) / np.maximum(above.sum(axis=1), 1)


def precision_of(studies: Studies, log: bool) -> Float[np.ndarray, "study run"] | None:
    """The median `se` of a study by that of each of its runs, of the logarithm if so; `None` where none was measured.

    What a fit calls its scale is the scatter of a run of median `se`.
    """
    runs = studies.runs
    if runs.se is None:
        return None
    spread = studies.table(runs.se / runs.target if log else runs.se)
    return typical_se(studies, log)[:, None] / spread


def typical_se(studies: Studies, log: bool) -> Float[np.ndarray, " study"]:
    """The median `se` of each study, of the logarithm if so; NaN where none was measured."""
    runs = studies.runs
    if runs.se is None:
        return np.full(len(studies), np.nan)
    spread = studies.table(runs.se / runs.target if log else runs.se)
    return np.nanmedian(np.where(studies.real, spread, np.nan), axis=1)


def free_numbers(
    prepared: Prepared, law: AbstractLaw, study: int | Int[np.ndarray, " law"] = 0
) -> Float[np.ndarray, "*batch free"]:
    """The free numbers of a law with natural values, about the centre of its study."""
    return prepared.curve.free_numbers(law, prepared.constant[study])


def representable(law: AbstractLaw) -> Bool[np.ndarray, "*batch"]:
    """Whether float64 holds every natural value of a law."""
    return np.asarray(np.isfinite(values(law)).all(axis=-1))


def laws_at(prepared: Prepared, theta: Float[np.ndarray, "fit free"], study: Int[np.ndarray, " fit"]) -> AbstractLaw:
    """The law with natural values from free numbers; what float64 cannot hold is not finite there.

    A term that has vanished stays so: its amplitude is 0 in every unit.
    """
    curve, constant = prepared.curve, prepared.constant[study]
    columns = [theta[:, i] for i in range(curve.size)]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        law = curve.natural_law(columns, constant)
        natural = values(law)
        centred = curve.numbers(columns, constant)
    for k in curve.free:
        if is_amplitude(curve.slots[k].parameter):
            lost = np.where(natural[:, k] == 0.0, np.nan, natural[:, k])
            natural[:, k] = np.where(centred[k] == 0.0, 0.0, lost)
    return with_values(law, natural)
