"""What a larger run will come to, with how sure that is."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from .._core import check_probability
from ..laws import Label, input_kinds
from ..problem import Source
from ..results import Ensemble, Estimate, Fit, check_result, points_of, predict
from ._backtest import Distance
from ._discrepancy import Discrepancy, discrepancy
from ._reach import times


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Forecast:
    """The forecast of runs, of the inputs' shape, after the axis of studies for a batch.

    **Arguments:**

    - `curve`: What runs like this come to on average, with its interval.
    - `run`: The same with the interval of one run, which scatters about it.
    - `law`: What the fitted law says by itself, without discrepancy.
    - `distance`: E-folds of compute, or of another size, beyond the runs; below zero within them.
    - `excess`: Log loss above the least that the same compute could come to.
    - `weight`: By arm.
    - `shares`: Of the variance of a run: `runs`, what the fitted runs leave open; `arms`, how far the arms disagree;
      `beyond`, what studies like this were found to miss; `scatter`, of a run.
    - `like`: How backtests went at distances like the farthest, of all studies of a batch; `None` where none could be
      made.
    - `right`: By study, the probability that the law itself is right, by its backtests near the frontier against those
      of the stack; so far its own interval counts.
    - `checked`: How many origins could be checked, of the study of a batch that has the fewest.
    - `along`: What the distance is of: `C`, compute, or another size.
    - `notes`: In words, what the forecast rests on.
    - `inputs`: Of the runs foreseen; `source`: where the fitted numbers came from; `law_name`: of the fitted law.
    """

    curve: Estimate
    run: Estimate
    law: Estimate
    distance: Float[np.ndarray, "*shape"]
    excess: Float[np.ndarray, "*shape"]
    weight: dict[str, Float[np.ndarray, "*shape"]]
    shares: dict[str, Float[np.ndarray, "*shape"]]
    right: Float[np.ndarray, " study"]
    like: Distance | None
    checked: int
    along: str
    notes: tuple[str, ...]
    inputs: dict[str, Any]
    source: Source
    law_name: str

    @property
    def correction(self) -> Float[np.ndarray, "*shape"]:
        """The forecast over what the law says by itself, less one."""
        return np.asarray(self.curve.value / self.law.value - 1.0)

    @property
    def level(self) -> float:
        """Probability of the intervals."""
        return self.run.level or 0.9

    def __repr__(self) -> str:
        lines = [f"Forecast {self.run} of a run, {self.curve} of the curve ({100 * self.level:g} %)"]
        if np.size(self.distance) == 1:
            share = {name: float(np.ravel(part)[0]) for name, part in self.shares.items()}
            far = _far(float(np.ravel(self.distance)[0]), self.along)
            lines.append(
                f"  {far}; {100 * float(np.ravel(self.correction)[0]):+.2f} % on the law by itself; of the variance "
                + ", ".join(f"{100 * part:.0f} % {name}" for name, part in share.items())
            )
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def forecast(result: Fit[Any] | Ensemble[Any] | Discrepancy, *, level: float = 0.9, **inputs: ArrayLike) -> Forecast:
    r"""Foresee runs larger than those fitted, with intervals that know the law may be wrong there.

    The value is that of a stack of arms (see `discrepancy`). The variance of its logarithm is the sum of what the runs
    leave open, how far the arms disagree, and $(kT)^2 + (q x^4 / (x^4 + h^4))^2$ with T the e-folds of compute beyond
    the runs and x the excess over the best loss at that compute; k, q and h come from public studies, and the whole is
    scaled by what the backtests of the study missed. As far as the law may be right its own interval counts. `predict`
    knows the first part alone.

    **Arguments:**

    - `result`: A fit or a batch of them, draws about one, which stand for their fit, or its `discrepancy`, made once
      for many forecasts.
    - `level`: Probability of the central intervals.
    - `inputs`: Every input of the law, in its own unit: numbers, or arrays of them that broadcast.

    **Returns:** a `Forecast`.

    **Raises:** `InputError` as `discrepancy` and `predict` do.
    """
    check_probability("level", level)
    found = result if isinstance(result, Discrepancy) else discrepancy(check_result("result", result))
    fit = found.fit
    law = predict(fit, level=level, **inputs)  # pyright: ignore[reportArgumentType]  inputs of the law alone
    points, shape = points_of(fit.template, inputs)
    studies, count = len(found.last), int(np.prod(shape))
    study = np.repeat(np.arange(studies), count)
    seen = found.foreseen(study, {name: np.tile(column, studies) for name, column in points.items()})
    stack = found.stacked(study, seen)
    out = law.value.shape

    def estimate(new_run: bool) -> Estimate:
        value, spread = np.exp(stack.log_value).reshape(out), stack.spread(new_run).reshape(out)
        return Estimate(value, *spread.ends(value, level), level, spread=spread, unit=law.unit)

    farthest, along = float(np.max(seen.T)), next(iter(found.rolled.reach))
    parts = {"runs": stack.errors, "arms": stack.between, "beyond": stack.beyond, "scatter": stack.noise}
    whole = sum(parts.values())
    checked = found.rolled.trust.checked[found.last]
    like = _like(found, farthest, level)
    return Forecast(
        curve=estimate(False),
        run=estimate(True),
        law=law,
        distance=seen.T.reshape(out),
        excess=seen.x.reshape(out),
        weight={name: w.reshape(out) for name, w in zip(found.rolled.names, stack.weight, strict=True)},
        shares={name: (part / whole).reshape(out) for name, part in parts.items()},
        like=like,
        checked=int(checked.min()),
        along=along,
        right=found.rolled.trust.right[found.last],
        notes=(*_notes_on_studies(found), *_notes_on_distance(like, farthest, along, level)),
        inputs={
            name: inputs[name] if isinstance(kind, Label) else points[name].reshape(shape)
            for name, kind in input_kinds(fit.template).items()
        },
        source=fit.source,
        law_name=type(fit.law).__name__,
    )


def _like(found: Discrepancy, T: float, level: float) -> Distance | None:
    """How backtests went at the class of distance of a forecast, or the farthest that there is."""
    classes = [one for one in found.by_distance(level) if one.low > 1.0]
    reached = [one for one in classes if np.log(one.low) < max(T, 0.5)]
    return (reached or classes or [None])[-1]


def _notes_on_studies(found: Discrepancy) -> list[str]:
    """Which studies have the experience of others alone, or did not converge."""
    good, checked = np.atleast_1d(found.fit.converged), found.rolled.trust.checked[found.last]
    lost, alone = int(np.sum(~good)), int(np.sum(good & (checked == 0)))
    notes = [f"{lost} of {len(good)} fits did not converge: nothing is said of them"] if lost else []
    if alone:
        of = "this study" if found.fit.keys is None else f"{alone} of {len(good)} studies"
        notes.append(f"no forecast of {of} could be checked: weights and width are those of other studies")
    if found.fit.keys is None and (right := float(found.rolled.trust.right[found.last[0]])) > 0.1:
        notes.append(f"by its own backtests the law is right with a probability of {right:.2f}")
    return notes


def _notes_on_distance(like: Distance | None, T: float, along: str, level: float) -> list[str]:
    """How backtests of like distance went."""
    if like is None:
        return []
    held = round(like.held * like.count)
    notes = [
        f"of {like.count} runs foreseen at {like.reach(along)}, {held} lay in their {100 * level:g} % interval; they "
        f"were missed by {100 * like.error:.2f} % in the mean"
    ]
    if np.log(like.high) < T:
        notes.append(f"nothing could be checked at {_far(T, along)}: the width there is an extrapolation")
    return notes


def _far(distance: float, along: str) -> str:
    """How far beyond the runs, in words."""
    if not distance > 0.0:
        return "within the runs"
    with np.errstate(over="ignore"):
        return f"{np.exp(distance):.3g} {times(along)}" + (" of the largest run" if along == "C" else "")
