"""What keeps studies from being fitted: too few runs, targets that the noise cannot take, inputs that do not vary."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase
from ..data import refuse_shares
from ..laws import AbstractLaw, Padded, Weights, input_names, inputs_of
from ..noise import AbstractNoise
from ..params import holder_of, values
from ..solve import Data, slopes
from ._curve import LawCurve
from ._studies import Studies


def refuse_unfit(
    law: AbstractLaw, curve: LawCurve, studies: Studies, columns: dict[str, Any], noise: AbstractNoise
) -> None:
    """Refuse studies that do not suit law or noise: values held, counts of runs, and targets.

    **Raises:** `InputError` with the studies that are meant.
    """
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
        ("turn its sign, as of a log-likelihood, or " if np.max(target[s]) < 0.0 else
         "leave it out where that is a code of what is missing, or ")
        + "use a noise on values (log=False, or :value on the command line)",
    ))  # fmt: skip
    kinds = inputs_of(law)
    for base, names in input_names(law).items():
        if names and isinstance(kinds[base], Weights):
            refuse_shares(f"{base} of {runs.name!r}", np.stack([columns[n] for n in names], axis=-1), runs.rows)


def refuse_unvaried(curve: LawCurve, data: Data, studies: Studies, columns: dict[str, Any]) -> None:
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
