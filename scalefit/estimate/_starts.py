"""Where a fit begins: the best of a global screen, and whatever the caller gave."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase
from ..laws import AbstractLaw
from ..noise import AbstractNoise
from ..params import values, with_values
from ..problem import Prepared, free_numbers, is_of_target
from ..solve import bucket, kronecker, screen

NODES = {0: 1, 1: 64, 2: 128, 3: 1024}
"""Nodes of the screen by number of shape parameters; `MANY` beyond."""
LEAST = 64
"""Nodes for each study of a batch: a quarter of those of a single fit, but so many at least."""
MANY = 2048
SERIES = 1 << 25
"""Nodes times numbers of all series from which there are fewer nodes: some seconds of a core."""
FEW = 16
"""Studies up to which every one is screened as a single fit is."""
WIDER = 46.0
"""How far beyond its ends a free number is looked for where nothing between them gives a finite objective, or any run
responds to it: as a logarithm, twenty decades."""
ROOM = 16384
"""Runs times resamples of one study screened at once: what is left of every run at several nodes is held together."""


def level(prepared: Prepared, noise: AbstractNoise) -> float:
    """The typical size of the target of all studies together."""
    mean = float(np.mean(np.asarray(prepared.data.target)))
    return float(np.exp(mean)) if noise.log else abs(mean)


def searched(prepared: Prepared, k: int, target: float) -> tuple[float, float]:
    """The ends between which a free number is looked for, where the target is of this size."""
    declared = prepared.curve.slots[prepared.curve.free[k]].parameter
    if not is_of_target(declared):
        return declared.searched
    low, high = declared.constraint.unconstrain(np.asarray(declared.typical, float) * target)
    return float(low), float(high)


def nodes(
    prepared: Prepared, seed: int, target: float, batch: bool, beyond: float = 0.0
) -> tuple[Float[np.ndarray, "node shape"], Float[np.ndarray, "node shape"]]:
    """Shapes to try, as free numbers and in the unit cube; the seed shifts them."""
    curve = prepared.curve
    shapes = [k for k in range(curve.size) if k not in curve.amplitudes]
    shift = np.random.default_rng([seed, 0x5CA1E]).random(len(shapes))
    count = NODES.get(len(shapes), MANY)
    count = max(count // 4, min(count, LEAST)) if batch else count
    numbers = sum(a.shape[1] * a.shape[2] for a in prepared.data.point.values() if a.ndim > 2)
    count = max(min(count, LEAST), min(count, SERIES // max(numbers, 1)))
    cube = kronecker(count, len(shapes), shift)
    columns = []
    for at, k in enumerate(shapes):
        low, high = searched(prepared, k, target)
        columns.append(low - beyond + cube[:, at] * (high - low + 2.0 * beyond))
    return np.stack(columns, axis=-1) if columns else np.zeros((1, 0)), cube


def screened(
    prepared: Prepared,
    noise: AbstractNoise,
    study: Int[np.ndarray, " fit"],
    resample: Int[np.ndarray, " fit"],
    keep: int,
    seed: int,
    quick: bool,
    beyond: float = 0.0,
) -> Float[np.ndarray, "fit keep free"]:
    """The best starts of each fit by the global screen, from distinct regions; `study` in ascending order.

    A quick screen has fewer nodes, as is enough for one of many studies. Nodes go `beyond` the ends of where shapes are
    looked for; of a fit with no finite objective there, by `WIDER`.
    """
    table = _side_by_side(study, max(1, ROOM // prepared.data.target.shape[1]))

    def best(beyond: float) -> list[np.ndarray]:
        at, cube = nodes(prepared, seed, level(prepared, noise), quick, beyond)
        most, group = min(keep, len(at)), study[table[:, 0]]
        found = screen(prepared.curve, noise, prepared.data, at, cube, group, resample[table], keep=most)
        by_fit = [np.empty((len(study), *a.shape[2:])) for a in found]
        by_fit[0][table], by_fit[1][table] = found
        return by_fit

    starts, cost = best(beyond)
    nowhere = ~np.isfinite(cost[:, 0])
    if nowhere.any():
        wider = best(WIDER)
        starts[nowhere], cost[nowhere] = wider[0][nowhere], wider[1][nowhere]
    if not noise.free_scale:
        return starts
    spread = 0.5 * np.log(np.maximum(cost, 1e-12))
    return np.concatenate([starts, np.where(np.isfinite(spread), spread, 0.0)[..., None]], axis=-1)


def _side_by_side(study: Int[np.ndarray, " fit"], most: int) -> Int[np.ndarray, "row member"]:
    """Places of the fits, those of one study side by side in rows as long as there are fits to fill them."""
    _, first, count = np.unique(study, return_index=True, return_counts=True)
    width = min(bucket(-(-len(study) // len(count))), most)
    rows = -(-count // width)
    owner = np.repeat(np.arange(len(count)), rows)
    row = np.arange(len(owner)) - (np.cumsum(rows) - rows)[owner]
    inside = row[:, None] * width + np.arange(width)
    # A row that is not full repeats the last fit of its study.
    return first[owner, None] + np.minimum(inside, count[owner, None] - 1)


def given(
    prepared: Prepared,
    noise: AbstractNoise,
    starts: AbstractLaw | Sequence[Mapping[str, float]] | Mapping[str, Any],
    study: int,
) -> Float[np.ndarray, "start free"]:
    """The caller's own starts as free numbers: laws, or natural values by parameter name.

    **Raises:** `InputError` where a name is unknown or missing, or a value lies outside its constraint.
    """
    law, curve = prepared.law, prepared.curve
    if isinstance(starts, AbstractLaw):
        table = np.atleast_2d(values(starts))
        if table.shape[1] != len(curve.slots):
            named = ", ".join(slot.name for slot in curve.slots)
            raise InputError("starts", starts, f"a law with a number for each of {named}")
    else:
        rows = [starts] if isinstance(starts, Mapping) else starts
        if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
            said = "a law, or values by name of a parameter: a dictionary, or a list of them"
            raise InputError("starts", starts, said, "give `num_starts` for how many there are to be")
        if not rows:
            raise InputError("starts", starts, "one start at least", "leave it out for the screen's own")
        table = np.concatenate([_row(prepared, row) for row in rows])
    table = np.array(table)
    for k, source in curve.ties:
        table[:, k] = table[:, source]
    bound = {k for row in curve.rows for k in row}
    for places in [*([k] for k in curve.free if k not in bound), *curve.rows]:
        slot = curve.slots[k := places[0]]
        inside = np.ravel(slot.parameter.constraint.contains(table[:, list(places)] if k in bound else table[:, k]))
        if not inside.all():
            bad = table[np.argmin(inside), k]
            raise InputError("starts", Phrase(f"has {slot.name} = {bad:g}"), f"{slot.name} {slot.parameter.constraint}")
    theta = free_numbers(prepared, with_values(law, table), study)
    if not noise.free_scale:
        return theta
    return np.concatenate([theta, np.full((len(theta), 1), np.log(0.05))], axis=-1)


def _row(prepared: Prepared, row: Mapping[str, Any]) -> Float[np.ndarray, "start parameter"]:
    names = [slot.name for slot in prepared.curve.slots]
    unknown = [name for name in row if name not in names]
    missing = [prepared.curve.slots[k].name for k in prepared.curve.free if prepared.curve.slots[k].name not in row]
    if unknown or missing:
        wanted = ", ".join(prepared.curve.slots[k].name for k in prepared.curve.free)
        wrong = f"names unknown {', '.join(unknown)}" if unknown else f"lacks {', '.join(missing)}"
        raise InputError("starts", Phrase(wrong), f"a value for each of {wanted}")
    length = max(np.size(v) for v in row.values())
    table = np.broadcast_to(values(prepared.law), (length, len(names))).copy()
    for name, value in row.items():
        try:
            table[:, names.index(name)] = value
        except (TypeError, ValueError):
            raise InputError(f"The start of {name}", value, "a number, or numbers as many as others have") from None
    return table
