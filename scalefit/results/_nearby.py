"""How far runs let a fitted law move, and what that does to a number of it: intervals to first order."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from ..noise import AbstractNoise
from ..problem import Prepared, free_numbers, laws_at
from ..solve import slopes
from ._estimate import Estimate, FirstOrder
from ._fit import Fit

INFORMED = 0.9
"""Share of the runs that must lie inside a Huber knee before curvature says anything about the spread."""

INSIDE = 14.0
"""Log odds between the ends of an interval, as of a millionth of it, beyond which a number is at its end."""


class Spread(NamedTuple):
    r"""How far the runs let the free numbers of a law move, by study.

    **Arguments:**

    - `covariance`: Of the free numbers; NaN where nothing says it, and zero along what no run informs.
    - `none`: The projection on directions that no run informs, of numbers in units of `unit`; zero where all are
      informed.
    - `unit`: The step of each free number that the runs feel alike.
    - `units`: How many runs count, trainings of several rows once; `freedom`: what they leave free, without end where
      the scatter is known.
    - `informed`: The share of the runs at which the noise has curvature.
    """

    covariance: Float[np.ndarray, "study free free"]
    none: Float[np.ndarray, "study free free"]
    unit: Float[np.ndarray, "study free"]
    units: Int[np.ndarray, " study"]
    freedom: Float[np.ndarray, " study"]
    informed: Float[np.ndarray, " study"]


def spread(fit: Fit[Any], cluster: str | tuple[str, ...] | None = "auto") -> Spread:
    r"""The covariance of the free numbers to first order, $\sigma^2 (J^T J)^{-1}$ with J the slopes of the law.

    $\sigma^2$ is the residual variance on n - p degrees of freedom; for a Huber cost it is Huber's
    $\overline{\psi^2}/\overline{\psi'}^2$. That of a noise whose scale s is estimated is $s^2$ times this, whatever
    the errors are: it holds for many runs and is too small for few, so that a share $\sqrt{p/n}$ of the residual
    variance is mixed in. Rows of one training count together, as in a cluster-robust covariance, and n is the number of
    trainings.

    **Arguments:**

    - `fit`: A fit, or a batch of them.
    - `cluster`: What stands for one observation: see `Runs.clusters`. `None` takes every row for itself.
    """
    code, scale = fit.problem.runs.clusters(cluster), np.atleast_1d(fit.scale)
    laws = jax.tree.map(lambda a: a if fit.keys is not None else np.asarray(a)[None], fit.law)
    parts, order = [], []
    for which, prepared in fit.problem.parts():
        theta = _free(prepared, laws, which)
        parts.append(_spread(prepared, fit.noise, theta, scale[which], code))
        order.append(which)
    back = np.argsort(np.concatenate(order))
    found = Spread(*(np.concatenate(column)[back] for column in zip(*parts, strict=True)))
    found.covariance[~np.atleast_1d(fit.converged)] = np.nan
    return found


def _free(prepared: Prepared, laws: Any, which: Int[np.ndarray, " study"]) -> Float[np.ndarray, "study free"]:
    """The free numbers of some studies; what float64 does not hold of one is not finite."""
    curve = prepared.curve
    with np.errstate(all="ignore"):
        theta = free_numbers(prepared, jax.tree.map(lambda a: a[which], laws), np.arange(len(which)))
    for i, k in enumerate(curve.free):
        constraint = curve.slots[k].parameter.constraint
        if constraint.elementwise and np.isfinite(constraint.high - constraint.low):
            # At an end no free number moves it: how far it may come away from there is told from just inside.
            theta[:, i] = np.clip(theta[:, i], -INSIDE, INSIDE)
    return theta


def _spread(
    prepared: Prepared,
    noise: AbstractNoise,
    theta: Float[np.ndarray, "study free"],
    scale: Float[np.ndarray, " study"],
    code: Int[np.ndarray, " row"],
) -> Spread:
    data = prepared.data
    value, slope = slopes(prepared.curve, theta, data, np.arange(len(theta)))
    real = np.asarray(data.weight) > 0
    precision = 1.0 if data.precision is None else np.asarray(data.precision)
    with np.errstate(all="ignore"):
        residual = (np.asarray(data.target) - (np.log(value) if noise.log else value)) * precision
        slope = (slope / value if noise.log else slope) * precision
    residual, slope = np.where(real, residual, 0.0), np.moveaxis(np.where(real, slope, 0.0), 0, -1)
    inverse, none, per_unit, rank = _inverse(np.einsum("srk,srl->skl", slope, slope))
    unit = scale if noise.free_scale else np.ones(len(theta))
    with np.errstate(all="ignore"):  # of runs without any scatter, of which nothing is said
        z = residual / unit[:, None]
        psi, curvature = (np.where(real, np.asarray(f(z)), 0.0) for f in (noise.psi, noise.curvature))
    rows = real.sum(axis=1)
    informed = np.ones(len(theta)) if noise.free_scale else np.sum(curvature > 0.0, axis=1) / rows
    label = _numbered(np.where(real, prepared.studies.table(code), -1))
    units = np.max(np.where(real, label, 0), axis=1) - np.min(np.where(real, label, label.shape[1]), axis=1) + 1
    freedom = np.maximum(units - rank, 0).astype(float)
    with np.errstate(all="ignore"):
        steep = curvature.sum(axis=1) / rows
        variance = np.sum(psi**2, axis=1) / freedom / steep**2
        if noise.free_scale:
            share = np.sqrt(rank / rows)
            variance = (1.0 - share) * scale**2 * variance + share * np.sum(residual**2, axis=1) / freedom
        covariance = inverse * variance[:, None, None]
        some = np.flatnonzero(units < rows)
        if some.size:
            scores = np.zeros((some.size, int(label[some].max()) + 1, theta.shape[1]))
            np.add.at(scores, (np.arange(some.size)[:, None], label[some]), (slope * psi[..., None])[some])
            between = np.einsum("sgk,sgl->skl", scores, scores)
            between *= (units / freedom * (unit / steep) ** 2)[some, None, None]
            covariance[some] = inverse[some] @ between @ inverse[some]
    if noise.absolute:
        freedom, informed = np.full(len(theta), np.inf), np.ones(len(theta))
        covariance = inverse * (scale**2)[:, None, None]
    covariance[(freedom < 1) | (informed < INFORMED)] = np.nan
    return Spread(covariance, none, per_unit, units, freedom, informed)


def _numbered(label: Int[np.ndarray, "study run"]) -> Int[np.ndarray, "study run"]:
    """Labels as numbers from 0 without gaps, in each study by itself and in their order."""
    order = np.argsort(label, axis=1, kind="stable")
    ordered = np.take_along_axis(label, order, axis=1)
    number = np.cumsum(np.diff(ordered, axis=1, prepend=ordered[:, :1]) != 0, axis=1)
    out = np.empty_like(label)
    np.put_along_axis(out, order, number, axis=1)
    return out


def _inverse(square: Float[np.ndarray, "study free free"]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """By study: the inverse along what is informed, the projection on the rest, the units of both, and the rank."""
    size = np.sqrt(np.diagonal(square, axis1=1, axis2=2))
    unit = 1.0 / np.where((size > 0) & np.isfinite(size), size, 1.0)
    scaled = square * unit[:, :, None] * unit[:, None, :]
    values, vectors = np.linalg.eigh(np.where(np.isfinite(scaled), scaled, 0.0))
    # Directions of less curvature are not informed by the runs.
    kept = values > 1e-13 * values[:, -1:]
    along = vectors * np.where(kept, 1.0 / np.sqrt(np.where(kept, values, 1.0)), 0.0)[:, None, :] * unit[:, :, None]
    lost = vectors * ~kept[:, None, :]
    return along @ np.swapaxes(along, 1, 2), lost @ np.swapaxes(lost, 1, 2), unit, kept.sum(axis=1)


class Nearby(NamedTuple):
    """Laws a small step to both sides of a fitted one along each free number, and how far the runs let it move.

    **Arguments:**

    - `laws`: With natural values, along one axis: study after study, each with its steps up first and then those down.
    - `step`: How far apart the two laws of each free number are.
    - `spread`: Covariance and degrees of freedom.
    """

    laws: Any
    step: Float[np.ndarray, "study free"]
    spread: Spread

    def error(self, numbers: Float[np.ndarray, "study step *shape"]) -> Float[np.ndarray, "study *shape"]:
        """The standard error of numbers of the law, from what they are for each of the laws; infinite where they move
        along what no run informs, NaN where nothing says it."""
        count = self.step.shape[1]
        step = self.step.reshape((*self.step.shape, *[1] * (numbers.ndim - 2)))
        with np.errstate(all="ignore"):
            slope = (numbers[:, :count] - numbers[:, count:]) / step
        slope = np.where(step > 0, slope, 0.0)
        variance = np.einsum("sk...,skl,sl...->s...", slope, self.spread.covariance, slope)
        alike = slope * self.spread.unit.reshape(step.shape)
        lost = np.einsum("sk...,skl,sl...->s...", alike, self.spread.none, alike)
        whole = np.einsum("sk...,sk...->s...", alike, alike)
        return np.where(lost > 1e-8 * whole, np.inf, np.sqrt(np.maximum(variance, 0.0)))


def nearby(fit: Fit[Any], cluster: str | tuple[str, ...] | None = "auto") -> Nearby:
    """The laws about a fit by which the error of any number of it is found.

    **Arguments:** as `spread` has them.
    """
    found, curve = spread(fit, cluster), fit.problem.curve
    size, lower = curve.size, np.asarray(curve.lower)
    sure = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2))
    # As small as rounding lets it be: of second order nothing is left.
    far = np.where(np.isfinite(sure) & (sure > 0), np.clip(1e-4 * sure, 1e-8, 1e-3), 1e-6)
    laws = jax.tree.map(lambda a: a if fit.keys is not None else np.asarray(a)[None], fit.law)
    step, parts, order = np.empty(far.shape), [], []
    for which, prepared in fit.problem.parts():
        here = _free(prepared, laws, which)[:, None]
        steps = far[which][:, :, None] * np.eye(size)
        up, down = here + steps, np.maximum(here - steps, lower)
        step[which] = np.einsum("skk->sk", up - down)
        flat = np.concatenate([up, down], axis=1).reshape(-1, size)
        parts.append(laws_at(prepared, flat, np.repeat(np.arange(len(which)), 2 * size)))
        order.append(which)
    back = np.argsort(np.concatenate(order))

    def whole(*columns: np.ndarray) -> np.ndarray:
        rows = np.concatenate([column.reshape(-1, 2 * size, *column.shape[1:]) for column in columns])[back]
        return rows.reshape(-1, *rows.shape[2:])

    return Nearby(jax.tree.map(whole, *parts), step, found)


def to_first_order(
    value: Float[np.ndarray, "*shape"],
    numbers: Float[np.ndarray, "law *_"],
    about: Nearby,
    level: float,
    *,
    unit: str = "",
    **more: Any,
) -> Estimate:
    """A number of a fit with its interval to first order, from what it is for each of the laws nearby.

    **Arguments:**

    - `value`: For the fit itself; of a batch after the axis of studies.
    - `numbers`: For each law of `about`.
    - `more`: What else `FirstOrder` takes.
    """
    studies, count = about.step.shape
    shape = numbers.shape[1:]
    error = about.error(numbers.reshape(studies, 2 * count, *shape))
    freedom = np.broadcast_to(about.spread.freedom.reshape((-1, *[1] * len(shape))), error.shape)
    return FirstOrder(error.reshape(value.shape), freedom.reshape(value.shape), **more).about(value, level, unit)
