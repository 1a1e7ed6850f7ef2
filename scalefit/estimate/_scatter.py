"""How much runs scatter, where that depends on their inputs: a standard error for each run, and a test."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from .._core import RESULTS, InputError, NotConverged, Phrase, listed, warn_of
from ..data import Runs
from ..laws import input_names
from ..noise import AbstractNoise
from ..problem import Prepared, typical_se
from ..results import Fit, check_fit, evaluate, points_of
from ..solve import slopes, solve
from ._dispersion import Layout, constant_test, covariance_of, scored
from ._fit import fit as fit_
from ._goes_by import GoesBy, gauge_of, goes_by, of_runs, refuse_alike
from ._residuals import even
from ._rivals import numbers_of

ROUNDS = 300
"""Times, at most, that law and scatter are fitted in turn."""
REST = 1e-4
"""Largest change of any ln s between turns by which both have come to rest."""
SURE = 0.05
"""Probability by chance below which scatter is said to depend on inputs."""


@dataclasses.dataclass(frozen=True, repr=False)
class Scatter:
    r"""How runs scatter, $\ln s_i = a + \sum_j b_j z_{ij}$, and the law fitted with it.

    **Arguments:**

    - `fit`: The law, fitted anew with every run as precise as it is by these numbers.
    - `names`: Of the numbers b: a size, of which s goes as the power b; `w[web]` of weights and `family[A]` of labels,
        whose b sum to 0.
    - `b`, `se`: The numbers with their standard errors, after the axis of studies for a batch.
    - `scale`: The geometric mean of all s, on the noise's scale.
    - `ratio`: The largest s of any run by the least, by b alone.
    - `statistic`, `p`: Of a score test that all b are 0: how large it is, and the probability of as much by chance.
    - `converged`: Whether scatter and law came to rest; if not, b is 0.
    - `by`: What scatter was asked to go by; `middle`: the means of its columns.
    """

    fit: Fit[Any]
    names: tuple[str, ...]
    b: Float[np.ndarray, "*batch name"]
    se: Float[np.ndarray, "*batch name"]
    scale: Float[np.ndarray, "*batch"]
    ratio: Float[np.ndarray, "*batch"]
    statistic: Float[np.ndarray, "*batch"]
    p: Float[np.ndarray, "*batch"]
    converged: Bool[np.ndarray, "*batch"]
    by: tuple[GoesBy, ...]
    middle: Float[np.ndarray, "*batch name"]

    @property
    def runs(self) -> Runs:
        """The runs with their standard errors, `se`, in the unit of the target."""
        return self.fit.problem.runs

    def __repr__(self) -> str:
        by = " and ".join(one.name for one in self.by)
        head = f"Scatter of {len(self.runs)} runs of {self.runs.name!r} by {by}, {self.fit.noise}"
        if self.fit.keys is None:
            return f"{head}\n  {self._said(by)}"
        count, sure = len(self.p), int(np.sum(self.p < SURE))
        many = f"  scatter goes by {by} in {sure} of {count} studies, where {SURE * count:.2g} would by chance"
        return "\n".join([head, many, *(f"  {key}: {self._said(by, k)}" for k, key in enumerate(self.fit.keys))])

    def _said(self, by: str, place: Any = ()) -> str:
        p = "p < .001" if self.p[place] < 0.001 else f"p = {self.p[place]:.2g}"
        if not self.converged[place]:
            return f"no scatter by {by} was found at which the fit rests: constant scatter stands ({p})"
        if self.p[place] >= SURE:
            return f"the runs do not show that scatter goes by {by} ({p}): constant scatter does as well"
        told = list(zip(self.names, self.b[place], self.se[place], strict=True))
        told = sorted(told, key=lambda one: -abs(one[1]) / max(one[2], 1e-300))
        more = f" and {len(told) - 4} more" if len(told) > 4 else ""
        each = ", ".join(f"{name} {b:+.2g} ± {se:.2g}" for name, b, se in told[:4])
        return f"the largest scatter is {self.ratio[place]:.3g} times the least ({p}); ln s by {each}{more}"

    def at(self, **inputs: ArrayLike) -> np.ndarray:
        """The standard error that a run at other inputs has, in the unit of the target: for `predict`'s `se`.

        **Arguments:**

        - `inputs`: All that the law takes, and what scatter goes by besides.

        **Raises:** `InputError` as `predict` does, and for labels of which no run was.
        """
        fit, own = self.fit, [name for base, names in input_names(self.fit.law).items() for name in (base, *names)]
        beside = {one.name for one in self.by if one.name not in own}
        if strange := sorted(set(inputs) - {*own, *beside}) or sorted(beside - set(inputs)):
            given = Phrase(f"{'have' if strange[0] in inputs else 'lack'} {strange[0]!r}")
            raise InputError("inputs", given, "what the law takes, and what scatter goes by")
        point, shape = points_of(fit.law, {name: column for name, column in inputs.items() if name in own})
        value = evaluate(fit.law, point, fit.keys is not None)
        labels = {one.name for one in self.by if one.kind == "label"}
        more = {name: np.asarray(inputs[name], object) for name in beside | labels}
        place = np.arange(int(np.prod(shape))).reshape(shape)
        place, *wide = np.broadcast_arrays(place, *more.values())
        at = {name: column[place.ravel()] for name, column in point.items() if isinstance(column, np.ndarray)}
        at |= {name: column.ravel() for name, column in zip(more, wide, strict=True)}
        z = np.concatenate([one.columns(at) for one in self.by], axis=-1)
        log_s = np.einsum("...pn,...n->...p", z - self.middle[..., None, :], self.b)
        se = self.scale[..., None] * np.exp(log_s)
        se = se * np.abs(value[..., place.ravel()]) if fit.noise.log else se
        return np.asarray(se).reshape((*np.shape(self.scale), *place.shape))


def scatter(fit: Fit[Any], *, by: str | Sequence[str]) -> Scatter:
    r"""Estimate how the scatter of runs goes by their inputs, and fit the law anew with each run as precise as it is.

    $\ln s_i = a + \sum_j b_j z_{ij}$ (Harvey 1976), z being weights of domains as they are, logarithms of sizes, and 0
    or 1 for labels. Law and scatter are fitted in turn until both rest: the law with runs in units of $s_i$, the
    scatter by restricted likelihood, which knows that residuals are the smaller the more a run draws the law to itself.

    Whether any b is other than 0 a score test says, held against simulated studies of constant scatter, since χ² takes
    many runs. Standard errors of b are to first order: too small where runs are fewer than some four for each number of
    law and scatter. The noise says how heavy tails are: under `Gaussian()` outliers look like a scatter that varies,
    under `StudentT()` less so. What a law misses at some inputs looks like scatter there too.

    **Arguments:**

    - `fit`: A fit, or a batch of them, as by target, each with its own scatter.
    - `by`: What scatter may go by: inputs of the law (`"w"`, `"N"`), or other columns of its runs, sizes or labels.

    **Returns:** a `Scatter`. Its `runs` have standard errors, an `se` that they had being multiplied, and its `fit` was
    made of them: draws, posteriors, forecasts and mixtures of that fit know them. For intervals of new runs see `at`.

    **Warns:** where several rows of one run are in a study, as each is taken for itself, and where a study of a batch
    does not come to rest.

    **Raises:** `InputError` for a fit that did not converge, a noise without likelihood, uneven, or of a known scatter
    (`absolute`), inputs that do not vary, or only together, and fewer runs than numbers; `NotConverged` where a single
    fit does not come to rest.
    """
    problem = check_fit("fit", fit).problem
    _refuse(fit)
    asked = goes_by(problem, by)
    columns, gauge = of_runs(problem, asked), gauge_of(asked)
    refuse_alike(problem, asked, columns)
    whole, studies = np.concatenate(columns, axis=1), problem.studies
    study, counts = studies.of_runs, studies.counts
    if len(np.unique(np.stack([study, problem.runs.clusters()]), axis=1).T) < len(problem.runs):
        warn_of("interval-plausibility", "Rows of one run err together, and here each is taken for itself",
                "keep one row of each (`per_run`)")  # fmt: skip
    middle = np.stack([np.bincount(study, column, len(studies)) / counts for column in whole.T], axis=1)
    z = (whole - middle[study]) @ gauge
    parts, order = [], []
    for which, prepared in problem.parts():
        parts.append(_in_turn(prepared, fit, which, z))
        order.append(which)
    back = np.argsort(np.concatenate(order))
    found = _Found(*(np.concatenate(column)[back] for column in zip(*parts, strict=True)))
    if not found.rested.all():
        lost = [studies.name(s) for s in np.flatnonzero(~found.rested).tolist()]
        said = f"The scatter of {listed(lost)} by {listed(one.name for one in asked)} does not come to rest"
        if fit.keys is None:
            raise NotConverged(f"{said}. Give fewer of `by`, or more runs.")
        warn_of("convergence", said, "a constant scatter stands for it")
    log_s = np.sum(z * found.g[study, 1:], axis=1)
    again = _refitted(fit, np.exp(found.g[study, 0] + log_s))
    ends = np.array([[log_s[study == s].min(), log_s[study == s].max()] for s in range(len(studies))])
    error = np.sqrt(np.einsum("nf,sfg,ng->sn", gauge, found.covariance[:, 1:, 1:], gauge))
    each = {
        "b": found.g[:, 1:] @ gauge.T, "se": error, "scale": np.exp(found.g[:, 0]),
        "ratio": np.exp(ends[:, 1] - ends[:, 0]), "statistic": found.statistic, "p": found.p,
        "converged": found.rested & again.reached, "middle": middle,
    }  # fmt: skip
    if fit.keys is None:
        each = {name: np.asarray(column[0]) for name, column in each.items()}
    return Scatter(again, tuple(name for one in asked for name in one.names), by=asked, **each)


def _refuse(fit: Fit[Any]) -> None:
    noise, remedy = fit.noise, "fit with Gaussian() or StudentT()"
    if not np.all(fit.converged):
        raise InputError("fit", Phrase("did not converge"), "an optimum, as residuals say nothing elsewhere")
    if noise.absolute:
        given = Phrase(f"is {noise} of a known scatter, the `se` of the runs as it is")
        raise InputError("noise", given, "one whose scatter is estimated", remedy)
    if not noise.likelihood or not even(noise):
        raise InputError("noise", Phrase(f"is {noise}"), "one with a likelihood and alike to both sides", remedy)


class _Found(NamedTuple):
    g: Float[np.ndarray, "study number"]
    covariance: Float[np.ndarray, "study number number"]
    statistic: Float[np.ndarray, " study"]
    p: Float[np.ndarray, " study"]
    rested: Bool[np.ndarray, " study"]


def _in_turn(
    prepared: Prepared, fit: Fit[Any], which: Int[np.ndarray, " study"], z: Float[np.ndarray, "run free"]
) -> _Found:
    """Law and scatter of some studies, in turn until both rest."""
    noise, data, each = fit.noise, prepared.data, np.arange(len(which))
    real = np.asarray(data.weight) > 0
    columns = np.concatenate([np.ones((*real.shape, 1)), prepared.studies.table(z)], axis=-1) * real[..., None]
    own = np.ones(real.shape) if data.precision is None else np.asarray(data.precision)
    theta = numbers_of(prepared, fit, which)
    felt = ~np.atleast_2d(fit.unidentified)[which if fit.keys is not None else [0]]
    # What lies at a bound or is not felt draws no run to itself.
    inside = felt & (np.asarray(prepared.curve.lower) < theta[:, : prepared.curve.size])
    of = _laid_out(prepared, noise, theta, inside, columns, own)
    statistic, p = constant_test(of, noise, fit.seed)
    g = np.zeros((len(which), columns.shape[-1]))
    g[:, 0] = np.log(np.atleast_1d(fit.scale)[which if fit.keys is not None else [0]])
    rested, going = np.zeros(len(which), bool), each
    for _ in range(ROUNDS):
        some = jax.tree.map(lambda a, going=going: a[going], of)
        new, fine = scored(some, noise, g[going])
        moved = np.max(np.abs(np.einsum("src,sc->sr", some.z, new - g[going])), axis=1)
        g[going], rested[going] = new, fine & (moved < REST)
        going = np.flatnonzero(~rested)
        if going.size == 0:
            break
        precise = own * np.exp(-np.einsum("src,sc->sr", columns[..., 1:], g[:, 1:]))
        changed = data._replace(precision=precise)
        solved = solve(prepared.curve, noise, changed, theta[going], going, np.zeros(going.size, int), prepared.floor)
        fine = np.isfinite(solved.theta).all(axis=1) & np.isfinite(solved.objective)
        theta[going] = np.where(fine[:, None], solved.theta, theta[going])
        of = _laid_out(prepared, noise, theta, inside, columns, own)
    g = np.where((np.arange(g.shape[1]) == 0) | rested[:, None], g, 0.0)
    return _Found(g, covariance_of(of, noise, g), statistic, p, rested)


def _laid_out(
    prepared: Prepared,
    noise: AbstractNoise,
    theta: np.ndarray,
    inside: np.ndarray,
    columns: np.ndarray,
    own: np.ndarray,
) -> Layout:  # fmt: skip
    """Residuals and slopes of the law, the slopes of some numbers only."""
    curve, data = prepared.curve, prepared.data
    value, first = slopes(curve, theta[:, : curve.size], data, np.arange(len(theta)))
    real = np.asarray(data.weight) > 0
    with np.errstate(all="ignore"):
        residual = (np.asarray(data.target) - (np.log(value) if noise.log else value)) * own
        slope = np.moveaxis(first / value if noise.log else first, 0, -1) * own[..., None]
    slope = np.where(real[..., None] & inside[:, None] & np.isfinite(slope), slope, 0.0)
    return Layout(np.where(real, residual, 0.0), slope, columns, real)


def _refitted(fit: Fit[Any], s: Float[np.ndarray, " run"]) -> Fit[Any]:
    """The law fitted anew to runs of these scales."""
    problem = fit.problem
    runs, studies, log = problem.runs, problem.studies, fit.noise.log
    size = np.abs(runs.target) if log else 1.0
    if runs.se is not None:
        s = s * (runs.se / size) / typical_se(studies, log)[studies.of_runs]
    again = fit_(problem.law, runs.with_fields(se=s * size), noise=problem.noise, fixed=problem.fixed,
                 tie=dict(problem.tie), by=problem.by if fit.keys is not None else None, seed=fit.seed,
                 throw=False)  # fmt: skip
    if fit.keys is None and not again.reached:
        raise NotConverged(
            f"The law does not converge to runs of unequal scatter. {RESULTS(int(again.result)).message}"
        )
    return dataclasses.replace(again, problem=dataclasses.replace(again.problem, by=problem.by, key=problem.key))
