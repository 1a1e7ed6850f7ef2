r"""Which mixtures to train next: weights within limits that leave the least unknown of what is to be made small.

About a fit the logarithm of a target is linear in the law's free numbers u, so that mixtures of slopes J and scatter σ
leave the covariance $\Sigma_t = (P_t + J_t^\top J_t/\sigma_t^2)^{-1}$ of each target t, whatever will be measured:

choose among mixtures within the limits (corners, pairs, random ones) greedily, of few exchange one or two
move the weights of all chosen together against the slope of the criterion, within the limits, while it falls
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._core import InputError, Phrase, check_choice, check_names, check_number, check_type
from ...laws import input_names
from ...problem import LawCurve
from ...solve import Groups, project
from ..design import Choice, Scale, best_batch, few_best, nothing, run_slopes, scale_of, slopes
from ._known import Known, at_one_scale, known_of
from ._limits import Box, MixtureLimits
from ._objective import objective_of
from ._optimise import Task, nowhere_finite
from ._solve import solved

CANDIDATES = 256
"""Mixtures that are looked at before weights move."""
ASKED = 16
"""Mixtures among which the best may be, at which the objective is to be known."""
LANES = 64
"""Targets, and mixtures at least, that a program takes together: nothing is compiled for a count."""
STEP, SHORTEST, STEPS = 0.1, 1e-3, 60
"""First and last length of a move in the largest weight, and the most moves."""


@dataclasses.dataclass(frozen=True, eq=False)
class MixtureDesign:
    """Mixtures to train next, the most telling first.

    **Arguments:**

    - `domains`: Their names; `weights`: of each mixture.
    - `criterion`: `"V"` or `"D"`; `objective`: in words.
    - `sd`: Standard deviation of the objective before any of them, and after each: the root of the mean of variances
        over the mixtures among which the best may be. To first order, targets scattering independently.
    - `left`: The criterion likewise: that variance, or the mean over the targets of the log determinant of the
        covariance of the law's numbers.
    - `noise`: Scatter of a run, by target; `train`: sizes at which the mixtures are to be trained.
    """

    domains: tuple[str, ...]
    weights: Float[np.ndarray, "mixture domain"]
    criterion: str
    objective: str
    sd: Float[np.ndarray, " some"]
    left: Float[np.ndarray, " some"]
    noise: Mapping[str, float]
    train: Mapping[str, float]

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def runs(self) -> dict[str, Float[np.ndarray, " mixture"]]:
        """The weights as a table: a column for each domain, and the sizes."""
        columns = {name: self.weights[:, i] for i, name in enumerate(self.domains)}
        return columns | {name: np.full(len(self), size) for name, size in self.train.items()}

    def __repr__(self) -> str:
        what = {"V": "variance", "D": "volume"}[self.criterion]
        lines = [f"MixtureDesign of {len(self)} mixtures of {len(self.domains)} domains by {what}"]
        lines.append(f"  sd of {self.objective}: {self.sd[0]:.3g} before, {self.sd[-1]:.3g} after")
        for w, after in zip(self.weights, self.sd[1:], strict=True):
            order = [i for i in np.argsort(-w, kind="stable") if w[i] > 5e-3][:6]
            lines.append(f"  {', '.join(f'{100 * w[i]:.3g} % {self.domains[i]}' for i in order)} → {after:.3g}")
        return "\n".join(lines)


def design_mixtures(
    result: Any,
    *,
    num: int,
    criterion: str = "V",
    objective: Any = "mean",
    limits: MixtureLimits | Mapping[str, Any] | None = None,
    at: Mapping[str, Any] | None = None,
    train: Mapping[str, float] | None = None,
    noise: float | Mapping[str, float] | None = None,
    num_draws: int = 200,
    seed: int = 0,
) -> MixtureDesign:
    r"""Choose the mixtures to train next that leave the least unknown, within the limits of the plan.

    V makes the variance of the objective small where the best mixture may be: at the best weights by the fit and by the
    draws of an ensemble, and at the best tenth of mixtures within the limits. D makes $\log\det\Sigma_t$ small, the
    mean over the targets: all numbers of the laws. A trained mixture is measured on every target.

    **Arguments:**

    - `result`: Fits by target, one fit, an ensemble of either; or laws with values by target and `noise`, before
        anything was trained: each of their numbers counts as known to within its own size then.
    - `num`: How many.
    - `criterion`: `"V"` or `"D"`.
    - `objective`, `limits`, `at`: As of `optimise_mixture`, of the run that is planned.
    - `train`: Sizes at which the mixtures are to be trained, for laws that take some: the median of the runs', or those
        of the plan without runs.
    - `noise`: Scatter of a run, of the logarithm where the noise is, one number or by target; that of the fits unless
        given.
    - `num_draws`: Draws of an ensemble at most.
    - `seed`: Of the random mixtures that are looked at.

    **Returns:** a `MixtureDesign`.

    **Raises:** `InputError` as `optimise_mixture`; for a law of all targets at once; and where nothing says how runs
    scatter.
    """
    num = check_number("num", num, least=1, most=CANDIDATES // 2, whole=True)
    check_choice("criterion", criterion, ("V", "D"))
    result, at = at_one_scale(result, at, objective)
    known = known_of(result, check_number("num_draws", num_draws, least=2, whole=True))
    if known.mixed.label is not None:
        given = Phrase(f"is of {type(known.law).__name__}, a law of all targets at once")
        raise InputError("result", given, "fits by target, one for each")
    task = Task.of(known, objective_of(objective, known.targets), MixtureLimits.of(limits), at or {}, None, 0.9, seed)
    box = task.treatments[task.recommended][1]
    pool = _within(box, seed)
    # Limits may leave few mixtures: one can be trained again.
    pool = np.tile(pool, (-(-num // len(pool)), 1))
    sizes = _sizes(known, task, train)
    about = _About.of(known, task, pool, sizes, noise)
    asked = _asked(known, task, pool, box)
    aim = about.aim(asked, task)
    volume = criterion == "D"
    before = about.before
    price = np.ones(len(pool))
    runs = about.slopes(pool)
    order = best_batch(runs, aim, aim, before, price, float(num), num, volume=volume, powers=(1.0,)).order
    choice = Choice(runs, aim, before, price, float(num), num, volume)
    order = np.array(few_best(choice, order.tolist()), int)
    weights = _moved(about, pool[order], aim, box, volume)
    # In order again, the most telling first.
    chosen = best_batch(about.slopes(weights), aim, aim, before, np.ones(len(weights)), np.inf, volume=volume,
                        powers=(1.0,))  # fmt: skip
    if not len(chosen.order):
        raise InputError("result", Phrase("is of laws of which no mixture tells anything"), "laws with free numbers")
    return MixtureDesign(
        known.domains, weights[chosen.order], criterion, task.goal.name, np.sqrt(chosen.variance), chosen.left,
        dict(zip(known.targets, about.sigma.tolist(), strict=True)), sizes,
    )  # fmt: skip


def _within(box: Box, seed: int) -> Float[np.ndarray, "mixture domain"]:
    """Mixtures within limits: each domain as much as it may be, pairs of them, and random ones, wide and narrow."""
    count = len(box.low)
    rng = np.random.default_rng([seed, 0xDE51])
    corners = np.eye(count)
    pairs = 0.5 * (
        corners[rng.integers(count, size=CANDIDATES // 4)] + corners[rng.integers(count, size=CANDIDATES // 4)]
    )
    rest = max(CANDIDATES - count - len(pairs), CANDIDATES // 4)
    spread = np.repeat([0.1, 0.5, 2.0], -(-rest // 3))[:rest]
    random = np.stack([rng.dirichlet(np.full(count, alpha)) for alpha in spread])
    found = _projected(np.concatenate([corners, pairs, random]), box)
    return found[np.sort(np.unique(np.round(found, 9), axis=0, return_index=True)[1])]


def _projected(v: Float[np.ndarray, "mixture domain"], box: Box) -> Float[np.ndarray, "mixture domain"]:
    low, high = (np.tile(limit, (len(v), 1)) for limit in (box.low, box.high))
    groups = None if box.groups is None else Groups(*(np.tile(a, (len(v), *[1] * a.ndim)) for a in box.groups))
    return np.asarray(project(np.maximum(v, 0.0), low, high, groups=groups))


def _sizes(known: Known, task: Task, train: Any) -> dict[str, float]:
    """What a run takes beside its weights where it is to be trained."""
    others = known.mixed.others
    train = check_type("train", train or {}, Mapping, "sizes by input, as {'N': 1e8}")
    check_names("train", train, others, what="inputs of the law beside weights")
    found = {}
    for name in others:
        if name in train:
            found[name] = check_number(f"train: {name}", train[name], above=0.0)
        elif known.runs is not None and name in known.runs.inputs:
            found[name] = float(np.median(known.runs.inputs[name]))
        else:
            found[name] = float(task.point[name])
    return found


def _asked(known: Known, task: Task, pool: np.ndarray, box: Box) -> Float[np.ndarray, "asked domain"]:
    """Mixtures within the limits among which the best may be."""
    form, _ = task.treatments[task.recommended]
    laws = known.stacked
    if known.draws is not None:
        every = np.unique(np.linspace(0, len(jax.tree.leaves(known.draws)[0]) - 1, ASKED // 2).astype(int))
        laws = jax.tree.map(lambda a, b: np.concatenate([a, np.asarray(b, float)[every]]), laws, known.draws)
    best = solved(form, task.mix(laws), box, task.starts(), convex=task.convex(form)).weights
    values = task.values(pool)
    if not np.isfinite(values).any():
        raise nowhere_finite()
    few = pool[np.argsort(values, kind="stable")[: max(len(pool) // 10, 1)]]
    return np.concatenate([best, few])[:ASKED]


class _About(NamedTuple):
    """The laws about which a design is made, and what is known of them.

    **Arguments:**

    - `scale`: Their free numbers, by target.
    - `sigma`: Scatter of a run; `log`: whether of its logarithm.
    - `before`: The covariance of the free numbers before any of the mixtures.
    - `columns`: Headers of the weights; `fixed`: what else a run takes.
    """

    scale: Scale
    sigma: Float[np.ndarray, " target"]
    log: bool
    before: Float[np.ndarray, "target free free"]
    columns: tuple[str, ...]
    fixed: Mapping[str, float]

    @classmethod
    def of(cls, known: Known, task: Task, pool: np.ndarray, sizes: Mapping[str, float], noise: Any) -> "_About":
        mixed, fit = known.mixed, known.fit
        law = known.law.named(mixed.axis, known.domains)
        names = input_names(law)
        fixed = dict(sizes)
        if mixed.held is not None:
            fixed |= dict(zip(names[mixed.held], task.point[mixed.held].tolist(), strict=True))
        curve = LawCurve.of(jax.tree.map(lambda a: a[0], law)) if fit is None else fit.problem.curve
        log = fit is None or fit.noise.log
        columns = tuple(names[mixed.shares])
        scale = scale_of(curve, law, _table(columns, fixed, pool))
        sigma = _scatter(known, noise)
        prior = np.broadcast_to(np.eye(curve.size), (len(sigma), curve.size, curve.size))
        whole = cls(scale, sigma, log, prior, columns, fixed)
        if fit is None:
            return whole
        runs = fit.problem.inputs
        study = fit.problem.studies.of_runs
        shown = slopes(scale, runs, nothing, log).runs / sigma[:, None, None]
        shown = np.where((study[None] == np.arange(len(sigma))[:, None])[..., None], shown, 0.0)
        return whole._replace(before=np.linalg.inv(prior + np.swapaxes(shown, 1, 2) @ shown))

    def inputs(self, weights: Float[np.ndarray, "mixture domain"]) -> dict[str, Float[np.ndarray, " mixture"]]:
        """Mixtures as a table of the law's inputs."""
        return _table(self.columns, self.fixed, weights)

    def slopes(self, weights: Float[np.ndarray, "mixture domain"]) -> Float[np.ndarray, "target mixture free"]:
        """What each mixture would show, by its scatter."""
        return slopes(self.scale, self.inputs(weights), nothing, self.log).runs / self.sigma[:, None, None]

    def aim(self, asked: np.ndarray, task: Task) -> Float[np.ndarray, "target asked free"]:
        """Slopes of the objective at mixtures, so that the mean over targets and mixtures is the variance."""
        values = task.predicted(asked)
        at_plan = self._replace(fixed={**self.fixed, **{k: float(v) for k, v in task.point.items() if np.ndim(v) == 0}})
        found = at_plan.slopes(asked) * self.sigma[:, None, None]
        if self.log:
            found = found * values.T[:, :, None]
        share = _shares(task, values)
        return found * share.T[:, :, None] * np.sqrt(len(self.sigma) / len(asked))

    def pulled(self, weights: np.ndarray, cotangent: np.ndarray) -> Float[np.ndarray, "mixture domain"]:
        """What slopes by target weigh, as a slope in the weights of the mixtures."""
        row = np.minimum(np.arange(max(LANES, 1 << (len(weights) - 1).bit_length())), len(weights) - 1)
        real = (np.arange(len(row)) < len(weights))[None, :, None]
        inputs = self.inputs(weights[row])
        found = np.zeros((len(row), len(self.columns)))
        with jax.enable_x64(True):
            for low in range(0, len(self.sigma), LANES):
                block = np.arange(low, low + LANES)
                lane = np.minimum(block, len(self.sigma) - 1)
                there = (block < len(self.sigma))[:, None, None]
                some = self.scale._replace(numbers=self.scale.numbers[lane], constant=self.scale.constant[lane])
                weighed = np.where(real & there, cotangent[lane][:, row] / self.sigma[lane, None, None], 0.0)
                back = _pulled(some, inputs, self.log, weighed)
                found += np.stack([np.asarray(back[name]) for name in self.columns], axis=1)
        return found[: len(weights)]


def _table(
    columns: tuple[str, ...], fixed: Mapping[str, float], weights: Float[np.ndarray, "mixture domain"]
) -> dict[str, Float[np.ndarray, " mixture"]]:
    shares = {name: weights[:, i] for i, name in enumerate(columns)}
    return shares | {name: np.full(len(weights), value) for name, value in fixed.items()}


@eqx.filter_jit
def _pulled(scale: Scale, inputs: dict[str, Any], log: bool, cotangent: Any) -> dict[str, Any]:
    inputs = jax.tree.map(jnp.asarray, inputs)
    return jax.vjp(lambda given: run_slopes(scale, given, log), inputs)[1](jnp.asarray(cotangent))[0]


def _scatter(known: Known, noise: Any) -> Float[np.ndarray, " target"]:
    """The scatter of a run by target: as given, or of the residuals for the numbers that were fitted to them."""
    if isinstance(noise, Mapping):
        check_names("noise", noise, known.targets, what="targets")
        if lacking := [name for name in known.targets if name not in noise]:
            raise InputError("noise", Phrase(f"has no number for the target {lacking[0]!r}"), "one for each")
        return np.array([check_number(f"noise: {t}", noise[t], least=1e-12, most=1e12) for t in known.targets])
    if noise is not None:
        return np.full(len(known.targets), check_number("noise", noise, least=1e-12, most=1e12, example="0.01"))
    if known.fit is None:
        raise InputError("noise", None, "the scatter of a run, which a law alone does not say, as 0.01 for 1 %")
    fit = known.fit
    count = np.bincount(fit.problem.studies.of_runs, minlength=len(known.targets))
    free, scale = len(fit.free), np.atleast_1d(np.asarray(fit.scale, float))
    poor = (count <= free) | ~(scale > 0.0)
    if poor.any():
        k = int(np.argmax(poor))
        given = Phrase(f"is not told by {count[k]} runs of {known.targets[k]!r} for {free} numbers")
        raise InputError("noise", given, "a number, as 0.01 for 1 %")
    return scale * np.sqrt(count / (count - free) / fit.noise.information)


def _shares(task: Task, values: Float[np.ndarray, "asked target"]) -> Float[np.ndarray, "asked target"]:
    """What each target weighs in the objective near mixtures."""
    goal = task.goal
    if goal.how == "mean":
        return np.broadcast_to(goal.weights, values.shape)
    if goal.how == "worst":
        # Which is the worst may change: all count by what they are multiplied by.
        weights = task.mix(task.known.stacked).weights[0]
        return np.broadcast_to(weights / len(weights), values.shape)
    with jax.enable_x64(True):
        return np.stack([np.asarray(jax.grad(goal.how)(jnp.asarray(row))) for row in values])


def _moved(
    about: _About, weights: Float[np.ndarray, "mixture domain"], aim: np.ndarray, box: Box, volume: bool
) -> Float[np.ndarray, "mixture domain"]:
    """Weights moved together against the slope of the criterion while it falls; never worse than they were."""
    known = np.linalg.inv(about.before)

    def criterion(w: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        shown = about.slopes(w)
        left = np.linalg.inv(known + np.swapaxes(shown, 1, 2) @ shown)
        if volume:
            return float(np.mean(np.linalg.slogdet(left)[1])), shown, left
        return float(np.mean(np.sum((aim @ left) * aim, axis=(1, 2)))), shown, left

    value, shown, left = criterion(weights)
    length = STEP
    for _ in range(STEPS):
        inner = left if volume else left @ np.swapaxes(aim, 1, 2) @ aim @ left
        slope = about.pulled(weights, -2.0 / len(left) * shown @ inner)
        slope -= slope.mean(axis=1, keepdims=True)
        unit = np.abs(slope).max()
        if not unit > 0.0:
            break
        while length >= SHORTEST:
            moved = _projected(weights - length / unit * slope, box)
            again = criterion(moved)
            if again[0] < value:
                break
            length *= 0.5
        else:
            break
        weights, (value, shown, left) = moved, again
        length *= 1.5
    return weights
