"""Sizes of 0: which formulas take them."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from ..laws import AbstractLaw, gathered, input_kinds
from ..params import cleared, values, with_values
from ._curve import LawCurve, mean_log, rescaled


def takes_zero(law: AbstractLaw, name: str, columns: Mapping[str, Any]) -> bool:
    """Say whether the formula is finite where a size is 0, its slopes along the parameters too.

    It is tried at eight sets of parameters within their typical ranges: as exp(-x) is finite under all and x^-α under
    none. One that is finite at no size either cannot be judged so, and is let pass.

    **Arguments:**

    - `law`: The law, its axes named.
    - `name`: The size.
    - `columns`: What the law takes from the runs.
    """
    column = np.asarray(columns[name])
    row = int(np.argmax(column == 0.0))
    above = column[column > 0.0]
    other = float(np.median(above)) if above.size else 1.0
    kinds = input_kinds(law)
    centre = {kinds[n].unit: mean_log(np.asarray(columns[n])) for n in reversed(list(kinds)) if kinds[n].logarithm}
    point = {n: jax.tree.map(lambda a: np.asarray(a)[row], one) for n, one in columns.items()}
    return _finite(LawCurve.of(law), name, tuple(centre.items()), other, _Point(point))


class _Point(dict[str, Any]):
    """Inputs of a run, as a key."""

    def __hash__(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return hash(tuple(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(dict(self))))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Point) and hash(self) == hash(other)


@functools.lru_cache(maxsize=64)
def _finite(curve: LawCurve, name: str, centre: tuple[tuple[str, float], ...], other: float, point: _Point) -> bool:
    rng = np.random.default_rng(0)
    low, high = np.array([slot.parameter.searched for slot in curve.slots]).T
    laws = []
    for _ in range(8):
        tried = with_values(curve.template, curve.searched(low + (high - low) * rng.random(len(low))))
        natural = rescaled(tried, dict(centre))
        laws.append(values(tried if natural is None else natural))
    with jax.enable_x64(True):
        both = (_valued(curve, name, np.array(laws), dict(point), size) for size in (0.0, other))
        zero, there = ([np.asarray(a) for a in one] for one in both)
    fine, known = (np.isfinite(v) & np.isfinite(g).all(axis=1) for v, g in (zero, there))
    return bool(fine.any() or not known.any())


@functools.partial(jax.jit, static_argnames=("curve", "name"))
def _valued(curve: LawCurve, name: str, laws: Any, point: dict[str, Any], size: Any) -> tuple[Any, Any]:
    """The values of laws and their slopes in all numbers, at a run of a size: one program for every table of a law."""
    template = cleared(curve.template)

    def value(numbers: Any) -> Any:
        law = with_values(template, numbers)
        return law(**gathered(law, point | {name: size}))

    return jax.vmap(jax.value_and_grad(value))(laws)
