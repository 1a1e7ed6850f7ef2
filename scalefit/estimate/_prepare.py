"""From runs and a law to the arrays that the solvers take: centred logarithms, weights, starts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from .._core import InputError
from ..data import Runs
from ..laws import AbstractLaw
from ..noise import AbstractNoise
from ..params import rescale, values, with_values
from ..solve import Data
from ._curve import LawCurve, is_amplitude

ROUND = 16
"""Studies are padded to a multiple of this many runs, so that similar sizes share one compilation."""


class Prepared(NamedTuple):
    """Studies ready to be fitted.

    **Arguments:**

    - `law`: The law as the studies need it, its free parameters unset.
    - `curve`: The law as the solvers see it.
    - `data`: The runs as the solvers see them.
    - `centre`: By study and unit, the logarithm of the geometric mean of the inputs.
    - `typical`: By study, the typical size of the target.
    - `floor`: By study, the objective that rounding alone would leave.
    - `counts`: Runs of each study.
    - `notes`: What was derived from what.
    """

    law: AbstractLaw
    curve: LawCurve
    data: Data
    centre: Float[np.ndarray, "study unit"]
    typical: Float[np.ndarray, " study"]
    floor: Float[np.ndarray, " study"]
    counts: tuple[int, ...]
    notes: tuple[str, ...]


def inputs_for(law: AbstractLaw, runs: Runs) -> tuple[dict[str, Float[np.ndarray, " run"]], tuple[str, ...]]:
    """The law's inputs from the runs, and what had to be derived; a law of one `x` takes the only input there is."""
    names = tuple(law.inputs)
    if names == ("x",) and "x" not in runs.inputs:
        if len(runs.inputs) != 1:
            raise InputError(
                f"The law has one input, x, and {runs.name!r} has {', '.join(runs.inputs) or 'none'}: "
                f'say which it is, for example columns={{"x": "D"}} or --columns x=D.'
            )
        (only,) = runs.inputs
        return {"x": np.asarray(runs.inputs[only])}, (f"x is {only}, the only input of the table",)
    return runs.select(names)


def prepare(law: AbstractLaw, studies: Sequence[Runs], noise: AbstractNoise, fixed: tuple[str, ...]) -> Prepared:
    """Check the runs of each study against law and noise, and lay them out.

    **Raises:** `InputError` where an input is missing or does not vary, the target does not suit the noise, a study has
    fewer runs than free parameters, or a fixed parameter has no value.
    """
    inputs, notes = [], []
    for runs in studies:
        columns, said = inputs_for(law, runs)
        inputs.append(columns)
        notes += [note for note in said if note not in notes]
    law = law.sized_for({name: np.concatenate([columns[name] for columns in inputs]) for name in law.inputs})
    curve = LawCurve.of(law, fixed)
    for runs, columns in zip(studies, inputs, strict=True):
        _check(law, curve, runs, columns, noise)
    counts = tuple(len(runs) for runs in studies)
    length = max(counts) if max(counts) <= ROUND else -(-max(counts) // ROUND) * ROUND

    def lay(columns: Sequence[np.ndarray], pad: float | None = None) -> np.ndarray:
        last = [column[-1] if pad is None else pad for column in columns]
        return np.stack([np.concatenate([c, np.full(length - len(c), e)]) for c, e in zip(columns, last, strict=True)])

    first = {unit: next(n for n, u in law.inputs.items() if u == unit) for unit in curve.units}
    centre = np.array([[np.mean(np.log(c[first[unit]])) for unit in curve.units] for c in inputs])
    centre = centre.reshape(len(studies), len(curve.units))
    place = {unit: i for i, unit in enumerate(curve.units)}
    point = {
        name: lay([np.log(c[name]) - centre[s, place[unit]] for s, c in enumerate(inputs)])
        for name, unit in law.inputs.items()
    }
    target = lay([np.log(runs.target) if noise.log else np.asarray(runs.target) for runs in studies])
    weight = lay([np.ones(count) for count in counts], pad=0.0)
    numbers = values(law)
    held = np.broadcast_to(numbers[list(curve.fixed)], (len(studies), len(curve.fixed)))
    size = np.array(
        [np.max(np.abs(np.log(r.target))) + 1.0 if noise.log else np.max(np.abs(r.target)) for r in studies]
    )
    rounding = np.array(counts) * (4 * np.finfo(float).eps * size) ** 2
    typical = np.array([np.exp(np.mean(np.log(np.abs(r.target) + 1e-300))) for r in studies])
    with jax.enable_x64(True):
        data = Data(
            {name: jnp.asarray(column) for name, column in point.items()},
            jnp.asarray(target),
            jnp.asarray(weight),
            _precision(studies, noise, lay),
            jnp.asarray(np.concatenate([centre, typical[:, None], held], axis=1)),
            None,
        )
    # A log likelihood has no natural zero: its rounding is that of its runs.
    floor = 1e-12 * np.array(counts, float) if noise.free_scale else rounding
    return Prepared(law, curve, data, centre, typical, floor, counts, tuple(notes))


def _check(law: AbstractLaw, curve: LawCurve, runs: Runs, columns: dict[str, np.ndarray], noise: AbstractNoise) -> None:
    name = type(law).__name__
    for k in curve.fixed:
        if not np.isfinite(values(law)[k]):
            raise InputError(
                f"{curve.slots[k].name} is to be held fixed but has no value: pass the law with it, "
                f"for example {name}({curve.slots[k].field}=...)."
            )
    free = curve.size + noise.free_scale
    if curve.size == 0:
        raise InputError(f"Every parameter of {name} is fixed: nothing is left to fit.")
    if len(runs) < free:
        raise InputError(
            f"{runs.name!r} has {len(runs)} runs and {name} has {free} numbers to fit: "
            f"give more runs, a smaller law, or hold parameters fixed."
        )
    if noise.log and np.min(runs.target) <= 0:
        row = int(runs.rows[int(np.argmin(runs.target))])
        raise InputError(
            f"{runs.target_name} is {np.min(runs.target):g} in row {row} of {runs.name!r}; a noise on logarithms needs "
            f"values above 0: use a noise on values (log=False, or :value on the command line)."
        )
    for column, values_ in columns.items():
        if np.min(values_) <= 0:
            raise InputError(
                f"{column} must be above 0 in every run of {runs.name!r}; the least is {np.min(values_):g}."
            )
        if np.ptp(values_) == 0 and column != "U":
            raise InputError(
                f"Every run of {runs.name!r} has the same {column} ({values_[0]:g}): how {name} depends on it cannot "
                f"be fitted. Add runs with other {column}, or fit a law without it."
            )


def _precision(studies: Sequence[Runs], noise: AbstractNoise, lay: Any) -> Any:
    if all(runs.se is None for runs in studies):
        return None
    columns = []
    for runs in studies:
        if runs.se is None:
            raise InputError("Some studies have standard errors and some have none: give them for all or for none.")
        spread = runs.se / runs.target if noise.log else runs.se
        columns.append(np.median(spread) / spread)
    return jnp.asarray(lay(columns))


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
        columns.append(declared.constraint.unconstrain(np.asarray(centred[..., k] / share)))
    return np.stack(columns, axis=-1)


def natural_law(
    prepared: Prepared, theta: Float[np.ndarray, "fit free"], study: Int[np.ndarray, " fit"]
) -> AbstractLaw:
    """The law with natural values from free numbers."""
    curve = prepared.curve
    numbers = np.broadcast_to(values(prepared.law), (theta.shape[0], len(curve.slots))).copy()
    for i, k in enumerate(curve.free):
        declared = curve.slots[k].parameter
        share = prepared.typical[study] if is_amplitude(declared) else 1.0
        numbers[:, k] = declared.constraint.constrain(theta[:, i]) * share
    centre = {unit: prepared.centre[study, i] for i, unit in enumerate(curve.units)}
    natural = values(rescale(with_values(prepared.law, numbers), centre))
    # What was held fixed was natural all along.
    natural[:, list(curve.fixed)] = values(prepared.law)[list(curve.fixed)]
    return with_values(prepared.law, natural)
