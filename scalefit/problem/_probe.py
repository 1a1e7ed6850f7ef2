"""Whether inputs may be centred: a law is tried as it is and in other units, and must not tell them apart."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool

from .._core import InputError, Phrase
from ..laws import AbstractLaw, Weights, gathered, input_names, inputs_of, refuse_shape, trying
from ..params import cleared, rescale, scales_by_dims, values, with_values
from ._curve import LawCurve, mean_log, rescaled


def tried_at(curve: LawCurve, columns: dict[str, Any]) -> dict[str, Any]:
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


def probed(curve: LawCurve, at: dict[str, Any]) -> Bool[np.ndarray, " unit"]:
    """The answer of `probe`, kept: the same law is fitted to many tables."""
    leaves, tree = jax.tree.flatten(at)
    key = curve, tree, tuple((np.shape(a), np.asarray(a).tobytes()) for a in leaves)
    if key not in _PROBED:
        if len(_PROBED) >= 64:
            _PROBED.pop(next(iter(_PROBED)))
        _PROBED[key] = probe(curve, at)
    return _PROBED[key]


_PROBED: dict[Any, Bool[np.ndarray, " unit"]] = {}


def probe(curve: LawCurve, inputs: Mapping[str, Any]) -> Bool[np.ndarray, " unit"]:
    """Say for each unit whether the declared `dims` say truly how the law changes with it.

    Only then may inputs be centred.

    **Arguments:**

    - `curve`: The law.
    - `inputs`: Runs at which the law is tried, as they come and in other units.

    **Raises:** `InputError` where the formula fails, does not give one number, or is not affine in what is declared
    an amplitude.
    """
    rng = np.random.default_rng(0)
    low, high = np.array([slot.parameter.searched for slot in curve.slots]).T
    tried = curve.searched(low + (high - low) * rng.random(len(curve.slots)))
    points = len(next(iter(jax.tree.leaves(inputs)), [1.0]))
    sizes = {n: said.unit for n, said in curve.kinds.items() if said.logarithm}
    centre = {unit: mean_log(inputs[n]) for n, unit in reversed(list(sizes.items()))}
    scaled = {n: said.unit for n, said in curve.kinds.items() if said.scaled and said.unit in centre}
    natural = rescaled(with_values(curve.template, tried), centre)
    natural = cleared(with_values(curve.template, tried) if natural is None else natural)
    amplitudes = [k for k, slot in enumerate(curve.slots) if slot.parameter.amplitude]
    # As it is, and with every amplitude but one gone: a large term would hide what is wrong with a small one.
    versions = [natural, *(_scaled(natural, {k: 0.0 for k in amplitudes if k != one}) for one in amplitudes)]
    # What is held or tied by its natural value is known in other units by its `dims` alone.
    whole = scales_by_dims(curve.template) or not (curve.fixed or curve.ties)
    possible = np.array([whole and rescaled(natural, {unit: 0.1}) is not None for unit in curve.units], bool)
    laws, rows, shifts = [], [], []
    for k in range(points):
        for version in versions:
            for unit, fine in ((None, True), *zip(curve.units, possible, strict=True)):
                shift = {unit: -centre[unit]} if unit is not None and fine else {}
                laws.append(rescale(version, shift))
                rows.append(k)
                shifts.append(shift)
    for one in amplitudes:
        for times in (0.0, 1.0, 2.0):
            laws.append(_scaled(natural, {one: times}))
            rows.append(0)
            shifts.append({})
    at: dict[str, Any] = {n: jax.tree.map(lambda a: np.asarray(a)[rows], column) for n, column in inputs.items()}
    for n, unit in scaled.items():
        at[n] = at[n] * np.exp([shift.get(unit, 0.0) for shift in shifts])
    found = _tried(curve, laws, at)
    count = points * len(versions) * (1 + len(curve.units))
    table = found[:count].reshape(-1, 1 + len(curve.units))
    none, once, twice = found[count:].reshape(-1, 3).T
    with np.errstate(invalid="ignore"):  # a law that is infinite where it was tried tells nothing
        bent = abs(twice - 2.0 * once + none) > 1e-8 * (abs(none) + abs(once) + abs(twice))
    for one, is_bent in zip(amplitudes, bent, strict=True):
        if is_bent:
            declares = Phrase(f"declares {curve.slots[one].name} an amplitude, and its formula is not affine in it")
            raise InputError(type(curve.template).__name__, declares, remedy="leave out amplitude=True")
    same = np.isclose(table[:, 1:], table[:, :1], rtol=1e-8, atol=0.0, equal_nan=True).all(axis=0)
    return np.asarray(same & possible)


def _tried(curve: LawCurve, laws: list[AbstractLaw], at: Mapping[str, Any]) -> np.ndarray:
    """The value of each law at its point."""
    with trying(curve.template), jax.enable_x64(True):
        stacked = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *laws)
        found = _each(stacked, dict(at))
        refuse_shape(found, (len(laws),))
        return np.asarray(found)


@jax.jit
def _each(laws: AbstractLaw, points: dict[str, Any]) -> Any:
    """One program for every table of a law."""
    return jax.vmap(lambda law, point: law(**gathered(law, point)))(laws, points)


def _scaled(law: AbstractLaw, times: Mapping[int, float]) -> AbstractLaw:
    """The law with some of its numbers multiplied."""
    natural = values(law)
    for place, factor in times.items():
        natural[place] = natural[place] * factor
    return with_values(law, natural)
