"""From small runs to the accuracy of a large one: its task loss from N and D, its accuracy from the loss."""

import dataclasses
import warnings
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import ArrayLike

from .._core import InputError
from ..data import Dropped, Runs
from ..estimate import bootstrap, fit, refuse_number
from ..laws import AbstractLaw, Chinchilla, Sigmoid
from ..noise import AbstractNoise, Gaussian, Huber
from ..params import slots, values
from ..results import Band, Ensemble, check_level, predict

NO_LOSS = 1e-6
"""The loss of the anchor, as a share of the least: inputs are above 0."""
STARTS = 128
"""Starts of the second step: the anchor is far from all losses, and so is the middle that starts are drawn about."""
STEPS = 1000
"""Steps allowed to a refit: sigmoids of which only one end is seen are slow."""


class LadderForecast(NamedTuple):
    """What a ladder foresees: bands by task and point.

    **Arguments:**

    - `loss`: The task loss; `accuracy`: the accuracy at that loss.
    """

    loss: Band
    accuracy: Band


@dataclasses.dataclass(frozen=True, eq=False)
class Ladder:
    """The two steps of a forecast, fitted to the same trainings.

    **Arguments:**

    - `tasks`: Their names, in the order of everything below.
    - `loss`: Draws of the law of the task loss in N and D; `accuracy`: of the accuracy in the loss. Draws of the same
        number go together: both come from one resample of the trainings.
    - `dropped`: The rows left out for want of a value, with the reason; those that lack the accuracy alone are left out
        of the second step only.
    """

    tasks: tuple[Any, ...]
    loss: Ensemble[Any]
    accuracy: Ensemble[Any]
    dropped: tuple[Dropped, ...] = ()

    def __repr__(self) -> str:
        one, two = type(self.loss.fit.law).__name__, type(self.accuracy.fit.law).__name__
        said = f"Ladder of {len(self.tasks)} tasks: {one} for the loss, {two} for the accuracy, {len(self.loss)} draws"
        if not self.dropped:
            return said
        first = self.dropped[0]
        return f"{said}\n  {len(self.dropped)} rows dropped, the first: row {first.row}, {first.reason}"

    def predict(self, *, level: float = 0.95, new_run: bool = False, **inputs: ArrayLike) -> LadderForecast:
        """The loss and the accuracy of each task for a run, with intervals.

        Each draw of the second step is read at the loss that the same draw of the first foresees, so that the interval
        of the accuracy knows how uncertain the loss is.

        **Arguments:**

        - `level`: Probability of the central intervals.
        - `new_run`: Whether they are for one new run, which scatters in both steps as the fitted ones do.
        - `inputs`: Every input of the law of the loss, N in parameters and D in tokens; tasks are the first axis of
            what is returned.

        **Returns:** a `LadderForecast`.

        **Raises:** `InputError` for inputs that are missing, unknown or not above 0, and for a level outside (0, 1).
        """
        check_level(level)
        loss = predict(self.loss, level=level, new_run=False, **inputs)
        shape = loss.value.shape
        at = np.broadcast_arrays(*(np.asarray(inputs[name], float) for name in self.loss.fit.law.inputs))
        points = {name: np.ravel(column) for name, column in zip(self.loss.fit.law.inputs, at)}
        rng = np.random.default_rng([self.loss.seed, 0x1ADD])
        drawn = _along(self.loss.law, points)
        drawn = np.where(self.loss.converged[..., None], drawn, np.nan)
        if new_run:
            drawn = _scattered(self.loss, drawn, rng)
        link = self.accuracy
        best = _at_own(link.fit.law, loss.value.reshape(len(self.tasks), -1))
        answers = _at_own(link.law, np.maximum(drawn, 0.0))
        answers = np.where(link.converged[..., None], answers, np.nan)
        if new_run:
            answers = _scattered(link, answers, rng)
        return LadderForecast(
            _band(loss.value, drawn, level, new_run), _band(best.reshape(shape), answers, level, new_run)
        )


def ladder(
    runs: Runs,
    *,
    accuracy: str = "accuracy",
    by: str | tuple[str, ...] = "group",
    law: type[AbstractLaw] | AbstractLaw = Chinchilla,
    link: type[AbstractLaw] | AbstractLaw | None = None,
    noise: AbstractNoise | None = None,
    last: int = 5,
    skip: float = 0.1,
    smooth: int = 5,
    anchor: float | None = 1.0,
    num: int = 1000,
    seed: int = 0,
) -> Ladder:
    r"""Fit a ladder of small runs: the task loss $L(N, D)$ of their ends, then the accuracy as a function of the loss.

    The two steps of Bhagia et al. 2024 (arXiv 2412.04403), all tasks in one batch: the law is fitted to the mean of the
    last evaluations of every training, the link to all of its checkpoints but the first, as moving averages, by least
    squares. Both are refitted to resamples of the trainings, the same in both steps.

    Rows without N or D take no part. Rows without an accuracy take part in the first step; a training without any
    accuracy is refused, as resamples draw the trainings of both steps together.

    **Arguments:**

    - `runs`: Checkpoints: their target the task loss, with N, D, a `run` that says which training each is of, and the
        accuracy as a column. Their `se`, that of the loss, weighs the trainings of the first step: errors within a
        training are taken to be the same error, so that the `se` of a mean is the mean `se`. The second step, of the
        accuracy, makes no use of it.
    - `accuracy`: The name of that column.
    - `by`: What the tasks are told apart by.
    - `law`: Of the task loss in N and D.
    - `link`: Of the accuracy in the loss; values that it has are held. `Sigmoid(ceiling=1.0)` by default, as small runs
        do not show the ceiling.
    - `noise`: Of the first step: Huber with a knee of 1e-3 on logarithms by default.
    - `last`: Evaluations at the end of a training whose mean stands for it.
    - `skip`: Share of the evaluations at the beginning of a training that the second step leaves out.
    - `smooth`: Evaluations in a moving average of the second step.
    - `anchor`: The accuracy of a model without loss, which counts as one more evaluation; `None` for none.
    - `num`, `seed`: Resamples of the trainings, and their seed.

    **Returns:** a `Ladder`.

    **Warns:** of rows left out for want of N, D or the accuracy.

    **Raises:** `InputError` where N, D, the accuracy or the trainings are not told, and where a training has too few
    evaluations with an accuracy.
    """
    for name, count in (("last", last), ("smooth", smooth)):
        refuse_number(name, count, 1)
    if not 0.0 <= skip < 1.0:
        raise InputError(f"skip is {skip!r}; it must be a share of the evaluations, 0 or more and below 1.")
    if "run" not in runs.labels:
        raise InputError(
            f"{runs.name!r} does not say which training each row is a checkpoint of: name the column with "
            f"columns={{'run': ...}}, or give Runs(..., run=...)."
        )
    sized = runs.complete(("N", "D"))
    point, _ = sized.select(("N", "D"))
    scored = sized.complete((accuracy,))
    found = np.full(len(sized), np.nan)
    found[np.isin(sized.rows, scored.rows)] = scored.select((accuracy,))[0][accuracy]
    tasks, task = sized.groups(by)
    trainings, training = sized.groups("run")
    curves = _curves(task, training, point["D"])
    shown = _kept(curves, np.isfinite(found))
    _refuse_short(shown, runs.name, accuracy, tasks, trainings, skip, smooth)
    _say_dropped(runs, sized, scored, accuracy)
    loss = _ends(curves, sized, point, last)
    marks = _marks(shown, sized, found, skip, smooth, anchor)
    link = Sigmoid(ceiling=1.0) if link is None else link
    held = () if isinstance(link, type) else _valued(link)
    options: dict[str, Any] = {"seed": seed, "max_steps": STEPS}
    one = fit(law, loss, noise=Huber(1e-3) if noise is None else noise, by="group", **options)
    two = fit(link, marks, noise=Gaussian(log=False), by="group", fixed=held, num_starts=STARTS, **options)
    # With one seed, the trainings that are drawn are the same in both steps.
    drawn = [bootstrap(f, r, num=num, cluster="run", **options) for f, r in ((one, loss), (two, marks))]
    return Ladder(tuple(tasks), *drawn, dropped=scored.dropped)


class _Curves(NamedTuple):
    """The trainings of every task, each with its evaluations in the order of D.

    **Arguments:**

    - `task`, `training`: Of each training, as numbers.
    - `order`: Rows, training after training; `first`, `count`: where each begins there, and how many it has.
    """

    task: Int[np.ndarray, " training"]
    training: Int[np.ndarray, " training"]
    order: Int[np.ndarray, " row"]
    first: Int[np.ndarray, " training"]
    count: Int[np.ndarray, " training"]


def _curves(task: Int[np.ndarray, " row"], training: Int[np.ndarray, " row"], D: Float[np.ndarray, " row"]) -> _Curves:
    order = np.lexsort((D, training, task))
    task, training = task[order], training[order]
    first = np.flatnonzero(np.r_[True, (np.diff(task) != 0) | (np.diff(training) != 0)])
    return _Curves(task[first], training[first], order, first, np.diff(np.r_[first, len(order)]))


def _kept(curves: _Curves, which: Bool[np.ndarray, " row"]) -> _Curves:
    """The same trainings with some of their evaluations; a training may have none left."""
    kept = which[curves.order]
    count = np.add.reduceat(kept.astype(int), curves.first)
    return curves._replace(order=curves.order[kept], first=np.cumsum(count) - count, count=count)


def _means(
    column: Float[np.ndarray, " row"], first: Int[np.ndarray, " mean"], count: Int[np.ndarray, " mean"] | int
) -> Float[np.ndarray, " mean"]:
    """Means of so many values in a row, from the given places on."""
    total = np.r_[0.0, np.cumsum(column)]
    return (total[first + count] - total[first]) / count


def _begin(
    curves: _Curves, skip: float, smooth: int
) -> tuple[Int[np.ndarray, " training"], Int[np.ndarray, " training"]]:
    """Where the moving averages of each training begin, and how many there are."""
    left_out = np.ceil(skip * curves.count).astype(int)
    return curves.first + left_out, np.maximum(curves.count - left_out - smooth + 1, 0)


def _refuse_short(
    curves: _Curves, name: str, accuracy: str, tasks: list[Any], trainings: list[Any], skip: float, smooth: int
) -> None:
    """Refuse a training that has no moving average, and say so if it has no accuracy at all."""
    _, count = _begin(curves, skip, smooth)
    if count.all():
        return
    # Fewest evaluations first: one without any needs other advice.
    i = int(np.argmin(np.where(count == 0, curves.count, np.iinfo(int).max)))
    which = f"Training {trainings[curves.training[i]]!r} of {tasks[curves.task[i]]!r} in {name!r}"
    if curves.count[i] == 0:
        raise InputError(
            f"{which} has no {accuracy!r} in any row, and resamples draw the trainings of both steps together: leave "
            f"its rows out with where=, or give its accuracy."
        )
    raise InputError(
        f"{which} has too few evaluations for moving averages of {smooth} after the first {skip:.0%} of "
        f"{curves.count[i]}: lower smooth or skip."
    )


def _say_dropped(runs: Runs, sized: Runs, scored: Runs, accuracy: str) -> None:
    """Warn of rows that this verb leaves out; those that were missing before are known."""
    lost, blind = (len(after.dropped) - len(before.dropped) for before, after in ((runs, sized), (sized, scored)))
    if not lost + blind:
        return
    said = [f"{lost} rows without N or D take no part"] * bool(lost)
    said += [f"{blind} rows without {accuracy!r} take part in the first step only"] * bool(blind)
    known = set(runs.dropped)
    first = next(row for row in scored.dropped if row not in known)
    warnings.warn(f"{runs.name!r}: {', and '.join(said)}, the first: row {first.row}, {first.reason}.", stacklevel=3)


def _ends(curves: _Curves, runs: Runs, point: dict[str, np.ndarray], last: int) -> Runs:
    """One run for each training: its final N and D, and the mean of its last losses."""
    count = np.minimum(last, curves.count)
    after = curves.first + curves.count
    final = curves.order[after - 1]
    # Errors of one training are one error, so that the se of their mean is the mean of their se.
    se = None if runs.se is None else _means(runs.se[curves.order], after - count, count)
    return Runs(
        _means(runs.target[curves.order], after - count, count),
        se=se,
        N=point["N"][final],
        D=point["D"][final],
        group=curves.task,
        run=curves.training,
        target=runs.target_name,
        name=runs.name,
    )


def _marks(
    curves: _Curves, runs: Runs, accuracy: Float[np.ndarray, " row"], skip: float, smooth: int, anchor: float | None
) -> Runs:
    """Moving averages of the accuracy, each at that of the loss, and the anchor."""
    begin, count = _begin(curves, skip, smooth)
    which = np.repeat(np.arange(len(count)), count)
    first = np.arange(len(which)) + np.repeat(begin - (np.cumsum(count) - count), count)
    found = _means(accuracy[curves.order], first, smooth)
    at = _means(runs.target[curves.order], first, smooth)
    se = None
    if anchor is not None:
        # One evaluation's weight in all, shared by the trainings: every resample has it whole.
        share = np.bincount(curves.task)[curves.task]
        se = np.r_[np.ones(len(which)), np.sqrt(share)]
        which = np.r_[which, np.arange(len(count))]
        found, at = np.r_[found, np.full(len(count), anchor)], np.r_[at, np.full(len(count), NO_LOSS * at.min())]
    task, training = curves.task[which], curves.training[which]
    return Runs(found, se=se, x=at, group=task, run=training, target="accuracy", name=runs.name)


def _valued(law: AbstractLaw) -> tuple[str, ...]:
    return tuple(slot.name for slot, value in zip(slots(law), values(law)) if np.isfinite(value))


@eqx.filter_jit
def _values(laws: AbstractLaw, points: dict[str, Array], own: bool) -> Array:
    def of(law: AbstractLaw, at: dict[str, Array]) -> Array:
        return jax.vmap(lambda one: jnp.asarray(law(**one)))(at)

    return jax.vmap(of, in_axes=(0, 0 if own else None))(laws, points)


def _flat(laws: Any, ahead: int) -> Any:
    return jax.tree.map(lambda a: jnp.asarray(a).reshape(-1, *np.shape(a)[ahead:]), laws)


def _along(laws: AbstractLaw, points: dict[str, np.ndarray]) -> Float[np.ndarray, "task draw point"]:
    """Every draw of every task at the same points."""
    tasks, draws = np.shape(jax.tree.leaves(laws)[0])[:2]
    with jax.enable_x64(True):
        at = {name: jnp.asarray(column) for name, column in points.items()}
        return np.asarray(_values(_flat(laws, 2), at, False)).reshape(tasks, draws, -1)


def _at_own(laws: AbstractLaw, x: Float[np.ndarray, "*law point"]) -> Float[np.ndarray, "*law point"]:
    """Each link at losses of its own."""
    with jax.enable_x64(True):
        at = {"x": jnp.asarray(x.reshape(-1, x.shape[-1]))}
        return np.asarray(_values(_flat(laws, x.ndim - 1), at, True)).reshape(x.shape)


def _scattered(drawn: Ensemble[Any], value: Float[np.ndarray, "task draw point"], rng: Any) -> np.ndarray:
    """Each draw with a normal residual of the fit's spread, widened by what the free parameters took up."""
    found = drawn.fit
    left = np.sum(np.isfinite(found.residuals), axis=-1)
    wide = found.scale * np.sqrt(left / np.maximum(left - len(found.free), 1))
    residual = wide[:, None, None] * rng.standard_normal(value.shape)
    return value * np.exp(residual) if found.noise.log else value + residual


def _band(value: np.ndarray, draws: np.ndarray, level: float, new_run: bool) -> Band:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        low, high = np.nanquantile(draws, [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=1)
    return Band(value, low.reshape(value.shape), high.reshape(value.shape), level, new_run)
