"""From runs and a law to the arrays that the solvers take: centred logarithms, weights, starts."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import InputError, Phrase, listed
from ..data import Runs, pooled, refuse_shares, with_rounded_shares
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
from ..params import holder_of, values, with_values
from ..solve import Data, slopes
from ._curve import REAL, LawCurve, is_amplitude
from ._pools import check_pools
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
    _check(law, curve, studies, columns, noise)
    real = studies.real
    mean = 1.0 / studies.counts[:, None]
    with np.errstate(divide="ignore"):  # of a size of 0
        logs = {n: np.log(c) for n, c in columns.items() if curve.kinds[n].logarithm}
    point = {n: studies.table(logs[n] if n in logs else _values(c)) for n, c in columns.items()}
    point |= {n + REAL: studies.table(c.real) for n, c in columns.items() if isinstance(c, Padded)}
    sizes = [(n, said.unit) for n, said in curve.kinds.items() if said.logarithm]
    first = {unit: next(n for n, own in sizes if own == unit) for unit in curve.units}
    centres = [_centre(point[first[unit]], real) for unit in curve.units]
    centre = np.stack(centres, axis=1) if centres else np.zeros((len(studies), 0))
    # A law that does not say how its parameters carry a unit is fitted in that unit as it is.
    centre = centre * _probed(curve, _tried_at(curve, columns))
    for n, said in curve.kinds.items():
        if said.scaled and said.unit in curve.units:
            own = centre[:, curve.units.index(said.unit), None]
            point[n] = point[n] - own if said.logarithm else point[n] * np.exp(-own)
    target = studies.table(np.log(runs.target) if noise.log else np.asarray(runs.target))
    size = np.log(np.abs(studies.table(runs.target)) + 1e-300)
    typical = np.exp(np.sum(size * real * mean, axis=1))
    largest = np.max(np.abs(target) * real, axis=1) + (1.0 if noise.log else 0.0)
    rounding = studies.counts * (4 * np.finfo(float).eps * largest) ** 2
    # A log likelihood has no natural zero: its rounding is that of its runs.
    floor = 1e-12 * studies.counts if noise.free_scale else rounding
    held = np.broadcast_to(values(law)[list(curve.fixed)], (len(studies), len(curve.fixed)))
    precision = precision_of(studies, noise.log)
    constant = np.concatenate([centre, typical[:, None], held], axis=1)
    data = Data(point, target, real.astype(float), precision, constant, None)
    check_pools(law, curve.free, studies, columns)
    _check_varied(curve, data, studies, columns)
    return Prepared(law, curve, data, constant, floor, studies)


def _centre(logs: Float[np.ndarray, "study run"], real: Bool[np.ndarray, "study run"]) -> Float[np.ndarray, " study"]:
    """The mean logarithm of each study, of what is above 0."""
    above = real & np.isfinite(logs)
    return np.sum(np.where(above, logs, 0.0), axis=1) / np.maximum(above.sum(axis=1), 1)


def _tried_at(curve: LawCurve, columns: dict[str, Any]) -> dict[str, Any]:
    """Three runs at which a law is tried: numbers from the least to the largest of each, and each entry of weights."""
    count = len(next(iter(jax.tree.leaves(columns)), [0.0]))
    rows = np.array([0, count // 2, count - 1])
    found: dict[str, Any] = {}
    for name, column in columns.items():
        if curve.kinds[name].scaled:
            found[name] = np.quantile(column, [0.0, 0.5, 1.0], method="nearest")
        else:
            found[name] = jax.tree.map(lambda a: a[rows], column)
    kinds = inputs_of(curve.template)
    for base, names in input_names(curve.template).items():
        if isinstance(kinds[base], Weights):
            found |= {name: np.array([float(k % len(names) == i) for k in range(3)]) for i, name in enumerate(names)}
    return found


def _probed(curve: LawCurve, at: dict[str, Any]) -> Bool[np.ndarray, " unit"]:
    """The answer of `curve.probe`, kept: the same law is fitted to many tables."""
    leaves, tree = jax.tree.flatten(at)
    key = curve, tree, tuple((np.shape(a), np.asarray(a).tobytes()) for a in leaves)
    if key not in _PROBED:
        if len(_PROBED) >= 64:
            _PROBED.pop(next(iter(_PROBED)))
        _PROBED[key] = curve.probe(at)
    return _PROBED[key]


_PROBED: dict[Any, Bool[np.ndarray, " unit"]] = {}


def _check(law: AbstractLaw, curve: LawCurve, studies: Studies, columns: dict[str, Any], noise: AbstractNoise) -> None:
    name, runs = type(law).__name__, studies.runs
    for k in curve.fixed:
        if not np.isfinite(values(law)[k]):
            part = type(holder_of(law, curve.slots[k].field)).__name__
            example = f"pass the law with it, for example `{part}({curve.slots[k].field.rpartition('.')[2]}=...)`"
            raise InputError(curve.slots[k].name, Phrase("is to be held fixed but has no value"), remedy=example)
        constraint, held = curve.slots[k].parameter.constraint, values(law)[k]
        if not constraint.low <= held <= constraint.high:
            raise InputError(curve.slots[k].name, Phrase(f"is held at {held:g}"), f"a number {constraint}")
    for row in curve.held:
        constraint, held = curve.slots[row[0]].parameter.constraint, values(law)[list(row)]
        if not constraint.contains(held):
            raise InputError(curve.slots[row[0]].field, Phrase(f"is held at {held.tolist()}"), f"numbers {constraint}")
    if not curve.slots:
        raise InputError(name, Phrase("declares no parameters"), remedy="declare what is to be fitted as its fields")
    if curve.size == 0:
        raise InputError("fixed", Phrase(f"holds every parameter of {name}"), "one at least that is left to fit")
    studies.refuse(studies.counts < curve.size, lambda s: InputError(
        repr(studies.name(s)),
        Phrase(f"has {studies.counts[s]} run{'' if studies.counts[s] == 1 else 's'}"),
        f"as many as {name} has numbers to fit, {curve.size}",
        "give more runs, a smaller law, or hold parameters fixed",
    ))  # fmt: skip
    different = studies.different(columns, curve.size)
    studies.refuse(different < curve.size, lambda s: InputError(
        repr(studies.name(s)),
        Phrase(f"has runs at {different[s]} different input{'' if different[s] == 1 else 's'}"),
        f"as many as {name} has parameters to fit, {curve.size}, as repeats do not inform them",
        "add runs elsewhere, or hold parameters fixed",
    ))  # fmt: skip
    if noise.absolute and runs.se is None:
        raise InputError("noise", Phrase(f"takes the `se` of runs as it is, and {runs.name!r} has none"),
                         remedy="give each run its standard error, or use a noise that is not absolute")  # fmt: skip
    target = studies.table(runs.target)
    studies.refuse(np.max(target, axis=1) == np.min(target, axis=1), lambda s: InputError(
        repr(studies.name(s)), Phrase(f"has the same {runs.target_name} ({target[s, 0]:g}) in every run"),
        "a target that depends on something",
    ))  # fmt: skip
    largest = np.max(np.abs(target), axis=1)
    # Objectives are of squares, which float64 does not hold beyond these.
    extreme = ((largest > 1e100) | (largest < 1e-100)) & (not noise.log)
    studies.refuse(extreme, lambda s: InputError(
        f"{runs.target_name} of {studies.name(s)!r}",
        Phrase(f"is of the size of {largest[s]:.3g}"),
        "values whose squares float64 holds",
        "give it in another unit, or use a noise on logarithms",
    ))  # fmt: skip
    small = (largest < 1e-5) & (noise.free_scale and not noise.log)  # see `LEAST_SCALE`
    studies.refuse(small, lambda s: InputError(
        f"{runs.target_name} of {studies.name(s)!r}",
        Phrase(f"is at most {largest[s]:.3g}"),
        f"values of which {type(noise).__name__} can tell a scale, which is 1e-9 at least",
        "give it in another unit, or use a noise on logarithms",
    ))  # fmt: skip
    least = np.argmin(target, axis=1)
    studies.refuse((np.min(target, axis=1) <= 0) & noise.log, lambda s: InputError(
        f"{runs.target_name} in {runs.place(int(studies.rows(s)[least[s]]))}",
        float(target[s, least[s]]),
        "a value above 0, for a noise on logarithms",
        "use a noise on values (log=False, or :value on the command line)",
    ))  # fmt: skip
    kinds = inputs_of(law)
    for base, names in input_names(law).items():
        if names and isinstance(kinds[base], Weights):
            refuse_shares(f"{base} of {runs.name!r}", np.stack([columns[n] for n in names], axis=-1), runs.rows)


def _check_varied(curve: LawCurve, data: Data, studies: Studies, columns: dict[str, Any]) -> None:
    """Check that inputs which the free parameters need to vary do so in every study."""
    tables = {name: studies.table(column) for name, column in columns.items() if not isinstance(column, Padded)}
    constant = {name: np.max(t, axis=1) == np.min(t, axis=1) for name, t in tables.items()}
    some = np.flatnonzero(np.any(list(constant.values()), axis=0))
    if some.size == 0:
        return
    size = _informed(curve, data, some)
    blind = size < 1e-9  # some of the parameters are not told apart
    bad = np.zeros(len(studies), bool)
    bad[some[blind]] = True

    def error(s: int) -> InputError:
        name = next(n for n, same in constant.items() if same[s])
        return InputError(
            repr(studies.name(s)), Phrase(f"has the same {name} ({tables[name][s, 0]:g}) in every run"),
            f"several, from which {type(curve.template).__name__} can be fitted",
            f"add runs with other {name}, hold parameters fixed, or fit a law without it",
        )  # fmt: skip

    studies.refuse(bad, error)


def _informed(curve: LawCurve, data: Data, some: Int[np.ndarray, " study"]) -> Float[np.ndarray, " study"]:
    """By study, how far the slopes of the free numbers are from depending on each other: 0 where they do."""
    ends = [curve.slots[k].parameter.searched for k in curve.free]
    # Two thirds of the way along its typical range: at no symmetric place.
    theta = np.array([low + 0.66 * (high - low) for low, high in ends])
    _, table = slopes(curve, np.tile(theta, (len(some), 1)), data, some)
    with np.errstate(all="ignore"):
        table = np.moveaxis(np.where(data.weight[some] > 0, table, 0.0), 0, 1)
        table = table / np.linalg.norm(table, axis=2, keepdims=True)
    known = np.isfinite(table).all(axis=(1, 2))
    least = np.linalg.svd(np.where(known[:, None, None], table, 0.0), compute_uv=False)[:, -1]
    return np.where(known, least, 0.0)


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
