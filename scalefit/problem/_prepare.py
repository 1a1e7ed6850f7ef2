"""From runs and a law to the arrays that the solvers take: centred logarithms, weights, starts."""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from .._core import InputError
from ..data import Runs, pooled, refuse_shares
from ..laws import SHARE, AbstractLaw, along_axes, axes, gathered, input_names, input_units
from ..noise import AbstractNoise
from ..params import rescale, values, with_values
from ..solve import Data, slopes
from ._curve import LawCurve, is_amplitude
from ._pools import refuse_few
from ._studies import Studies

EXTREME = 1e-100
"""Targets smaller than this or larger than its inverse are not fitted on values: objectives are of their squares."""
LEAST = 1e-5
"""Target up to which all runs of a study may lie and a scale of their scatter still be told: see `LEAST_SCALE`."""
BLIND = 1e-9
"""Least singular value of the normed slopes below which some of the parameters are not told apart."""


class Prepared(NamedTuple):
    """Studies ready to be fitted.

    **Arguments:**

    - `law`: The law as the studies need it, its free parameters unset.
    - `curve`: The law as the solvers see it.
    - `data`: The runs as the solvers see them.
    - `centre`: By study and unit, the logarithm of the geometric mean of the inputs.
    - `typical`: By study, the typical size of the target.
    - `floor`: By study, the objective that rounding alone would leave.
    - `studies`: The studies, and `notes`: what was derived from what.
    """

    law: AbstractLaw
    curve: LawCurve
    data: Data
    centre: Float[np.ndarray, "study unit"]
    typical: Float[np.ndarray, " study"]
    floor: Float[np.ndarray, " study"]
    studies: Studies
    notes: tuple[str, ...]


def inputs_for(law: AbstractLaw, runs: Runs) -> tuple[dict[str, Float[np.ndarray, " run"]], tuple[str, ...]]:
    """The law's inputs from the runs, and what had to be derived; a law of one `x` takes the only input there is."""
    names = tuple(input_units(law))
    if names == ("x",) and "x" not in runs.inputs:
        if len(runs.inputs) != 1:
            if not runs.inputs:
                raise InputError(f"The law has one input, x, and {runs.name!r} has no input: head its column x.")
            first = next(iter(runs.inputs))
            raise InputError(
                f"The law has one input, x, and {runs.name!r} has {', '.join(runs.inputs)}: say which it is, for "
                f'example columns={{"x": "{first}"}} or --columns x={first}.'
            )
        (only,) = runs.inputs
        return {"x": np.asarray(runs.inputs[only])}, (f"x is {only}, the only input of the table",)
    return runs.select(names)


def usable(law: AbstractLaw, runs: Runs) -> Runs:
    """The runs that have every input of the law; the others are listed in `dropped`.

    For a law of several pools, runs that name the one pool each was trained on are taken as such.
    """
    if "pool" in axes(law) and not any(name.startswith("w[") for name in runs.inputs):
        runs = pooled(runs)
    law = along_axes(law, used(runs))
    names = tuple(input_units(law))
    only = names == ("x",) and "x" not in runs.inputs and len(runs.inputs) == 1
    return runs.complete(tuple(runs.inputs) if only else names)


def used(runs: Runs) -> list[str]:
    """The inputs that some run has any of: a pool from which none drew is no part of a law."""
    return [name for name, column in runs.inputs.items() if not name.startswith("w[") or np.nanmax(column) > 0.0]


def size_law(law: AbstractLaw, runs: Runs) -> AbstractLaw:
    """The law with its axes named and with the static size that all of the runs need."""
    law = along_axes(law, used(runs))
    return law.sized_for(gathered(law, inputs_for(law, runs)[0]))


def prepare(law: AbstractLaw, studies: Studies, noise: AbstractNoise, fixed: tuple[str, ...]) -> Prepared:
    """Check the runs of each study against law and noise, and lay them out.

    **Arguments:**

    - `law`: The law, large enough for these runs (`size_law`).
    - `studies`: The runs of each study.
    - `noise`: How they scatter.
    - `fixed`: Fields or numbers of the law that are held.

    **Raises:** `InputError` where an input is missing or does not vary, the target does not suit the noise, a study has
    fewer runs than free parameters, or a fixed parameter has no value.
    """
    runs = studies.runs
    columns, notes = inputs_for(law, runs)
    curve = LawCurve.of(law, fixed)
    _check(law, curve, studies, columns, noise)
    real = studies.real
    mean = 1.0 / studies.counts[:, None]
    logs = {n: studies.table(column if curve.inputs[n] == SHARE else np.log(column)) for n, column in columns.items()}
    first = {unit: next(n for n, u in curve.inputs.items() if u == unit) for unit in curve.units}
    centres = [np.sum(logs[first[unit]] * real * mean, axis=1) for unit in curve.units]
    centre = np.stack(centres, axis=1) if centres else np.zeros((len(studies), 0))
    # A law that does not say how its parameters carry a unit is fitted in that unit as it is.
    some = {name: np.quantile(column, [0.0, 0.5, 1.0], method="nearest").tolist() for name, column in columns.items()}
    for names in input_names(law).values():
        if curve.inputs[names[0]] == SHARE:
            some |= {name: [float(k % len(names) == i) for k in range(3)] for i, name in enumerate(names)}
    centre = centre * np.asarray(_probed(curve, tuple((n, tuple(v)) for n, v in some.items())), float)
    place = {unit: i for i, unit in enumerate(curve.units)}
    shift = {n: 0.0 if unit == SHARE else centre[:, place[unit], None] for n, unit in curve.inputs.items()}
    point = {name: logs[name] - shift[name] for name in curve.inputs}
    target = studies.table(np.log(runs.target) if noise.log else np.asarray(runs.target))
    size = np.log(np.abs(studies.table(runs.target)) + 1e-300)
    typical = np.exp(np.sum(size * real * mean, axis=1))
    largest = np.max(np.abs(target) * real, axis=1) + (1.0 if noise.log else 0.0)
    rounding = studies.counts * (4 * np.finfo(float).eps * largest) ** 2
    # A log likelihood has no natural zero: its rounding is that of its runs.
    floor = 1e-12 * studies.counts if noise.free_scale else rounding
    held = np.broadcast_to(values(law)[list(curve.fixed)], (len(studies), len(curve.fixed)))
    precision = precision_of(studies, noise.log)
    data = Data(
        point, target, real.astype(float), precision, np.concatenate([centre, typical[:, None], held], axis=1), None
    )
    refuse_few(law, curve.free, studies, columns)
    _refuse_constant(curve, data, studies, columns)
    return Prepared(law, curve, data, centre, typical, floor, studies, notes)


@functools.lru_cache(maxsize=64)
def _probed(curve: LawCurve, points: tuple[tuple[str, tuple[float, ...]], ...]) -> tuple[bool, ...]:
    return curve.probe(dict(points))


def _check(
    law: AbstractLaw, curve: LawCurve, studies: Studies, columns: dict[str, np.ndarray], noise: AbstractNoise
) -> None:
    name, runs = type(law).__name__, studies.runs
    for k in curve.fixed:
        if not np.isfinite(values(law)[k]):
            raise InputError(
                f"{curve.slots[k].name} is to be held fixed but has no value: pass the law with it, "
                f"for example {name}({curve.slots[k].field}=...)."
            )
        constraint, held = curve.slots[k].parameter.constraint, values(law)[k]
        if not constraint.low <= held <= constraint.high:
            raise InputError(f"{curve.slots[k].name} is held at {held:g}, which must be {constraint}.")
    free = curve.size + noise.free_scale
    if not curve.slots:
        raise InputError(f"{name} declares no parameters, so there is nothing to fit: declare them as its fields.")
    if curve.size == 0:
        raise InputError(f"Every parameter of {name} is fixed: nothing is left to fit.")
    if np.min(studies.counts) < free:
        least = int(np.argmin(studies.counts))
        raise InputError(
            f"{studies.name(least)!r} has {studies.counts[least]} runs and {name} has {free} numbers to fit: "
            f"give more runs, a smaller law, or hold parameters fixed."
        )
    different = 1 + np.count_nonzero(np.diff(np.sort(studies.points(columns), axis=1), axis=1), axis=1)
    if np.min(different) < curve.size:
        least = int(np.argmin(different))
        raise InputError(
            f"The runs of {studies.name(least)!r} lie at {different[least]} different inputs and {name} has "
            f"{curve.size} parameters to fit: repeats do not inform them. Add runs elsewhere, or hold parameters fixed."
        )
    target = studies.table(runs.target)
    flat = np.flatnonzero(np.max(target, axis=1) == np.min(target, axis=1))
    if flat.size:
        raise InputError(
            f"Every run of {studies.name(int(flat[0]))!r} has the same {runs.target_name} ({target[flat[0], 0]:g}): "
            f"it depends on nothing, and there is nothing to fit."
        )
    largest = np.max(np.abs(target), axis=1)
    extreme = np.flatnonzero((largest > 1.0 / EXTREME) | (largest < EXTREME))
    if not noise.log and extreme.size:
        raise InputError(
            f"{runs.target_name} of {studies.name(int(extreme[0]))!r} is of the size of {largest[extreme[0]]:.3g}, and "
            f"squares of such values are beyond float64: give it in another unit, or use a noise on logarithms."
        )
    if noise.free_scale and not noise.log and np.min(largest) < LEAST:
        raise InputError(
            f"{runs.target_name} of {studies.name(int(np.argmin(largest)))!r} is at most {np.min(largest):.3g}, and "
            f"the scale of a {type(noise).__name__} on values is told from 1e-9 upwards: give it in another unit, or "
            f"use a noise on logarithms."
        )
    if noise.log and np.min(runs.target) <= 0:
        where = runs.place(int(np.argmin(runs.target)))
        raise InputError(
            f"{runs.target_name} is {np.min(runs.target):g} in {where}; a noise on logarithms needs "
            f"values above 0: use a noise on values (log=False, or :value on the command line)."
        )
    units = input_units(law)
    for base, names in input_names(law).items():
        if names and units[names[0]] == SHARE:
            refuse_shares(f"{base} of {runs.name!r}", np.stack([columns[n] for n in names], axis=-1), runs.rows)
    for column, numbers in columns.items():
        if units[column] != SHARE and np.min(numbers) <= 0:
            raise InputError(
                f"{column} must be above 0 in every run of {runs.name!r}; the least is {np.min(numbers):g}."
            )


def _refuse_constant(curve: LawCurve, data: Data, studies: Studies, columns: dict[str, np.ndarray]) -> None:
    """Refuse an input that is the same for every run of a study where the free parameters need it to vary."""
    tables = {name: studies.table(column) for name, column in columns.items()}
    constant = {name: np.max(t, axis=1) == np.min(t, axis=1) for name, t in tables.items()}
    some = np.flatnonzero(np.any(list(constant.values()), axis=0))
    if some.size == 0:
        return
    size = _informed(curve, data, some)
    if not (size < BLIND).any():
        return
    study = int(some[np.argmax(size < BLIND)])
    name = next(n for n, same in constant.items() if same[study])
    law = type(curve.template).__name__
    raise InputError(
        f"Every run of {studies.name(study)!r} has the same {name} ({tables[name][study, 0]:g}): how {law} depends on "
        f"it cannot be fitted. Add runs with other {name}, hold parameters fixed, or fit a law without it."
    )


def _informed(curve: LawCurve, data: Data, some: Int[np.ndarray, " study"]) -> Float[np.ndarray, " study"]:
    """By study, how far the slopes of the free numbers are from depending on each other: 0 where they do."""
    declared = [curve.slots[k].parameter for k in curve.free]
    ends = [p.constraint.unconstrain(np.asarray(p.typical, float)) for p in declared]
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
    return np.nanmedian(np.where(studies.real, spread, np.nan), axis=1, keepdims=True) / spread


def free_numbers(
    prepared: Prepared, law: AbstractLaw, study: int | Int[np.ndarray, " law"] = 0
) -> Float[np.ndarray, "*batch free"]:
    """The free numbers of a law with natural values, about the centre of its study."""
    curve = prepared.curve
    scale = {unit: -prepared.centre[study, i] for i, unit in enumerate(curve.units)}
    centred = values(rescale(law, scale))
    columns = []
    for k in curve.free:
        declared = curve.slots[k].parameter
        share = prepared.typical[study] if is_amplitude(declared) else 1.0
        columns.append(np.squeeze(declared.constraint.unconstrain(np.asarray(centred[..., k] / share)[..., None]), -1))
    return np.stack(columns, axis=-1)


def representable(law: AbstractLaw) -> Bool[np.ndarray, "*batch"]:
    """Whether float64 holds every natural value of a law."""
    return np.asarray(np.isfinite(values(law)).all(axis=-1))


def laws_at(prepared: Prepared, theta: Float[np.ndarray, "fit free"], study: Int[np.ndarray, " fit"]) -> AbstractLaw:
    """The law with natural values from free numbers; what float64 cannot hold is not finite there.

    A term that has vanished stays so: its amplitude is 0 in every unit.
    """
    curve = prepared.curve
    numbers = np.broadcast_to(values(prepared.law), (theta.shape[0], len(curve.slots))).copy()
    for i, k in enumerate(curve.free):
        declared = curve.slots[k].parameter
        share = prepared.typical[study] if is_amplitude(declared) else 1.0
        numbers[:, k] = declared.constraint.constrain(theta[:, i]) * share
    centre = {unit: prepared.centre[study, i] for i, unit in enumerate(curve.units)}
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        natural = values(rescale(with_values(prepared.law, numbers), centre))
    for k in curve.free:
        if is_amplitude(curve.slots[k].parameter):
            lost = np.where(natural[:, k] == 0.0, np.nan, natural[:, k])
            natural[:, k] = np.where(numbers[:, k] == 0.0, 0.0, lost)
    # What was held fixed was natural all along.
    natural[:, list(curve.fixed)] = values(prepared.law)[list(curve.fixed)]
    return with_values(prepared.law, natural)
