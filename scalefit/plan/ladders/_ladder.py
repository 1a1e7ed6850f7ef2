"""From small runs to the accuracy of a large one: its task loss from N and D, its accuracy from the loss."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from ..._core import (
    RESULTS,
    InputError,
    NotConverged,
    Phrase,
    check_number,
    check_probability,
    check_type,
    is_number,
    warn_of,
)
from ...calibrate import Discrepancy, forecast
from ...data import Dropped, Runs
from ...estimate import bootstrap, fit
from ...laws import AbstractLaw, Chinchilla, Sigmoid
from ...noise import AbstractNoise, Gaussian
from ...params import slots, values
from ...results import Ensemble, Estimate, Fit, estimated, predicted
from ._rungs import Rungs, begin_of, check_lengths, check_sizes, check_slopes, check_values, curves_of, kept, means


class LadderForecast(NamedTuple):
    """What a ladder foresees, by task and point.

    **Arguments:**

    - `loss`: The task loss; `accuracy`: the accuracy at that loss.
    """

    loss: Estimate
    accuracy: Estimate


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

    def predict(
        self, *, level: float = 0.95, new_run: bool = False, about: Discrepancy | None = None, **inputs: ArrayLike
    ) -> LadderForecast:
        """The loss and the accuracy of each task for a run, with intervals.

        Each draw of the second step is read at the loss that the same draw of the first foresees, so that the interval
        of the accuracy knows how uncertain the loss is.

        **Arguments:**

        - `level`: Probability of the central intervals.
        - `new_run`: Whether they are for one new run, which scatters in both steps as the fitted ones do.
        - `about`: `discrepancy(ladder.loss)`: the loss is then what that forecasts, and its draws know what laws miss
            beyond their runs, and with them those of the accuracy; they are independent of those of the second step.
        - `inputs`: Every input of the law of the loss, N in parameters and D in tokens; tasks are the first axis of
            what is returned.

        **Returns:** a `LadderForecast`.

        **Raises:** `InputError` for inputs that are missing, unknown or not above 0, and for a level outside (0, 1).
        """
        check_probability("level", level)
        rng = np.random.default_rng([self.loss.seed, 0x1ADD])
        if about is not None:
            value, drawn = self._foreseen(about, new_run, inputs, rng)
        else:
            value, drawn = predicted(self.loss, False, inputs)
            assert drawn is not None
            if new_run:
                drawn = _scattered(self.loss, drawn, rng)
        link = self.accuracy
        best = _at_own(link.fit.law, value.reshape(len(self.tasks), -1)).reshape(value.shape)
        answers = _at_own(link.law, np.maximum(drawn, 0.0))
        answers = np.where(link.converged[..., None], answers, np.nan)
        if new_run:
            answers = _scattered(link, answers, rng)
        return LadderForecast(
            *(estimated(one, np.moveaxis(draws, 1, 0).reshape(-1, *one.shape), level)
              for one, draws in ((value, drawn), (best, answers)))
        )  # fmt: skip

    def _foreseen(
        self, about: Discrepancy, new_run: bool, inputs: dict[str, ArrayLike], rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, "task *point"], Float[np.ndarray, "task draw point"]]:
        """The loss as a discrepancy forecasts it, and draws of that."""
        check_type("about", about, Discrepancy, "that of the loss: discrepancy(ladder.loss)")
        if about.fit.keys != self.loss.fit.keys or not np.array_equal(about.fit.objective, self.loss.fit.objective):
            raise InputError("about", about, "that of the loss of this ladder: discrepancy(ladder.loss)")
        found = forecast(about, **inputs)  # pyright: ignore[reportArgumentType]  inputs of the law alone
        one = found.run if new_run else found.curve
        assert one.spread is not None
        drawn = one.spread.sampled(one.value, (self.loss.objective.shape[1], *one.value.shape), rng)
        return one.value, np.moveaxis(drawn, 0, 1).reshape(*self.loss.objective.shape, -1)


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
    - `noise`: Of the first step, see `fit`; the published ladder has `Huber(1e-3)`.
    - `last`: Evaluations at the end of a training whose mean stands for it; of a training with fewer, the mean of all.
    - `skip`: Share of the evaluations at the beginning of a training that the second step leaves out.
    - `smooth`: Evaluations in a moving average of the second step.
    - `anchor`: The accuracy of a model without loss, which counts as one more evaluation; `None` for none.
    - `num`, `seed`: Resamples of the trainings, and their seed.

    **Returns:** a `Ladder`.

    **Warns:** of rows left out for want of N, D or the accuracy.

    **Raises:** `InputError` where N, D, the accuracy or the trainings are not told, an accuracy is not from 0 to 1 or a
    loss not above 0, a training has several sizes or too few evaluations with an accuracy; `NotConverged` where a step
    has no optimum for a task.
    """
    check_type("runs", runs, Runs, "Runs, as `read_runs` or `load_data` give")
    for name, count in (("last", last), ("smooth", smooth)):
        check_number(name, count, least=1, whole=True)
    if not (is_number(skip) and 0.0 <= skip < 1.0):
        raise InputError("skip", skip, "a share of the evaluations, at least 0 and below 1")
    if anchor is not None:
        check_number(
            "anchor", anchor, least=0.0, most=1.0, remedy="give the accuracy as a share, or None for no anchor"
        )
    link = Sigmoid(ceiling=1.0) if link is None else link
    _check_link(link)
    if accuracy in ("N", "D", "C"):
        raise InputError("accuracy", accuracy, "the column of the accuracy, and no input of the loss")
    if "run" not in runs.labels:
        given = Phrase("does not say which training each row is a checkpoint of")
        raise InputError(repr(runs.name), given, remedy="name the column with `columns={'run': ...}`, or give `run`")
    sized = runs.complete(("N", "D"))
    point, _ = sized.select(("N", "D"), sizes=True)
    scored = sized.complete((accuracy,))
    found = np.full(len(sized), np.nan)
    found[np.isin(sized.rows, scored.rows)] = scored.select((accuracy,))[0][accuracy]
    check_values(sized, found, accuracy)
    tasks, task = sized.codes(by)
    trainings, training = sized.codes("run")
    curves = curves_of(task, training, point["D"])
    check_sizes(curves, sized, point["N"], tasks, trainings)
    shown = kept(curves, np.isfinite(found))
    check_lengths(shown, runs.name, accuracy, tasks, trainings, skip, smooth)
    _say_dropped(runs, sized, scored, accuracy, [key for key in runs.codes(by)[0] if key not in tasks])
    loss = _ends(curves, sized, point, last)
    marks = _marks(shown, sized, found, skip, smooth, anchor)
    check_slopes(shown, found, accuracy, tasks)
    held = () if isinstance(link, type) else _valued(link)
    # Sigmoids of which only one end is seen are slow.
    options: dict[str, Any] = {"seed": seed, "max_steps": 1000}
    together: dict[str, Any] = {"by": "group", "throw": False, **options}
    with _naming(tasks, runs.name):
        one = fit(law, loss, noise=noise, **together)
        of_link: dict[str, Any] = {"noise": Gaussian(log=False), "fixed": held, **together}
        # The anchor is far from all losses, and so would be the middle about which starts are drawn.
        # As many starts for each task as a study by itself has.
        near = fit(link, _marks(shown, sized, found, skip, smooth, None), num_starts=8, **of_link)
        two = near if anchor is None else fit(link, marks, starts=near.law, **of_link)
    _raise_unless_converged(one, tasks, "the loss", "leave the task out with where=, or give another law.")
    advice = (
        f"does {accuracy!r} rise as the loss falls, towards anchor={anchor!r}? Leave the task out with where=, or give "
        f"another link or anchor."
    )
    _raise_unless_converged(two, tasks, "the accuracy", advice)
    # With one seed, the trainings that are drawn are the same in both steps.
    with _naming(tasks, runs.name):
        drawn = [bootstrap(f, num=num, scheme="pairs", cluster="run", **options) for f in (one, two)]
    return Ladder(tuple(tasks), *drawn, dropped=scored.dropped)


def _check_link(link: Any) -> None:
    """Check that a link is a law of one input, the loss."""
    kind = link if isinstance(link, type) else type(link)
    expected = "a law of one input x, which is the loss, as sf.laws.Sigmoid or DownstreamError"
    if not issubclass(kind, AbstractLaw):
        raise InputError("link", link, expected)
    inputs = tuple((link() if isinstance(link, type) else link).inputs)
    if inputs != ("x",):
        raise InputError("link", Phrase(f"is {kind.__name__}, a law of {', '.join(inputs)}"), expected)


@contextlib.contextmanager
def _naming(tasks: list[Any], name: str) -> Iterator[None]:
    """Name tasks in what is said of their studies, which are numbered so that draws do not depend on names."""
    try:
        yield
    except (InputError, NotConverged) as error:
        said = str(error)
        for k, key in enumerate(tasks):
            said = said.replace(f"'{name}[{k}]'", f"'{name}[{key}]'")
        raise type(error)(said) from error


def _raise_unless_converged(fits: Fit[Any], tasks: list, what: str, advice: str) -> None:
    """Name the first task for which a step has no optimum."""
    failed = np.flatnonzero(fits.result != int(RESULTS.successful))
    if failed.size:
        raise NotConverged(
            f"The fit of {what} did not converge for {failed.size} of {len(tasks)} tasks, the first "
            f"{tasks[failed[0]]!r} ({type(fits.law).__name__}): {advice}"
        )


def _say_dropped(runs: Runs, sized: Runs, scored: Runs, accuracy: str, lost_tasks: list) -> None:
    """Warn of rows that this verb leaves out, and of tasks without any left; those missing before are known."""
    lost, blind = (len(after.dropped) - len(before.dropped) for before, after in ((runs, sized), (sized, scored)))
    if not lost + blind:
        return
    said = [f"{lost} rows without N or D take no part"] * bool(lost)
    said += [f"{blind} rows without {accuracy!r} take part in the first step only"] * bool(blind)
    said += [f"no row is left of {', '.join(map(repr, lost_tasks))}"] * bool(lost_tasks)
    known = set(runs.dropped)
    first = next(row for row in scored.dropped if row not in known)
    words = f"{runs.name!r}: {', and '.join(said)}, the first: row {first.row}, {first.reason}"
    warn_of("bad-rows", words, stacklevel=3)


def _ends(curves: Rungs, runs: Runs, point: dict[str, np.ndarray], last: int) -> Runs:
    """One run for each training: its final N and D, and the mean of its last losses."""
    count = np.minimum(last, curves.count)
    after = curves.first + curves.count
    final = curves.order[after - 1]
    # Errors of one training are one error, so that the se of their mean is the mean of their se.
    se = None if runs.se is None else means(runs.se[curves.order], after - count, count)
    return Runs(
        means(runs.target[curves.order], after - count, count),
        se=se,
        N=point["N"][final],
        D=point["D"][final],
        group=curves.task,
        run=curves.training,
        target=runs.target_name,
        name=runs.name,
    )


def _marks(
    curves: Rungs, runs: Runs, accuracy: Float[np.ndarray, " row"], skip: float, smooth: int,
    anchor: float | None,
) -> Runs:  # fmt: skip
    """Moving averages of the accuracy, each at that of the loss, and the anchor."""
    begin, count = begin_of(curves, skip, smooth)
    which = np.repeat(np.arange(len(count)), count)
    first = np.arange(len(which)) + np.repeat(begin - (np.cumsum(count) - count), count)
    found = means(accuracy[curves.order], first, smooth)
    at = means(runs.target[curves.order], first, smooth)
    se = None
    if anchor is not None:
        # One evaluation's weight in all, shared by the trainings: every resample has it whole.
        share = np.bincount(curves.task)[curves.task]
        se = np.r_[np.ones(len(which)), np.sqrt(share)]
        which = np.r_[which, np.arange(len(count))]
        # Inputs are above 0: the loss of the anchor is all but none.
        found, at = np.r_[found, np.full(len(count), anchor)], np.r_[at, np.full(len(count), 1e-6 * at.min())]
    task, training = curves.task[which], curves.training[which]
    return Runs(found, se=se, x=at, group=task, run=training, target="accuracy", name=runs.name)


def _valued(law: AbstractLaw) -> tuple[str, ...]:
    return tuple(slot.name for slot, value in zip(slots(law), values(law)) if np.isfinite(value))


@jax.jit
def _values(laws: AbstractLaw, x: Array) -> Array:
    return jax.vmap(lambda law, own: jax.vmap(lambda one: jnp.asarray(law(x=one)))(own))(laws, x)


def _at_own(laws: AbstractLaw, x: Float[np.ndarray, "*law point"]) -> Float[np.ndarray, "*law point"]:
    """Each link at losses of its own."""
    with jax.enable_x64(True):
        flat = jax.tree.map(lambda a: jnp.asarray(a).reshape(-1, *np.shape(a)[x.ndim - 1 :]), laws)
        return np.asarray(_values(flat, jnp.asarray(x.reshape(-1, x.shape[-1])))).reshape(x.shape)


def _scattered(drawn: Ensemble[Any], value: Float[np.ndarray, "task draw point"], rng: Any) -> np.ndarray:
    """Each draw with a normal residual of the fit's spread, widened by what the free parameters took up."""
    found = drawn.fit
    left = np.sum(np.isfinite(found.residuals), axis=-1)
    wide = found.scale * np.sqrt(left / np.maximum(left - len(found.free), 1))
    residual = wide[:, None, None] * rng.standard_normal(value.shape)
    return value * np.exp(residual) if found.noise.log else value + residual
