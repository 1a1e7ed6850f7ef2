"""The largest value of a posterior density, and the curvature there."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from ._density import Density

Slopes = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""The logarithm of a density at many places, and its gradient."""
MOST = 200
"""Steps to a mode."""


class Curved(NamedTuple):
    """The logarithm of a density, its gradient, and its second derivatives."""

    value: Float[np.ndarray, "*group"]
    slope: Float[np.ndarray, "*group number"]
    hessian: Float[np.ndarray, "*group number number"]


def curved(slopes: Slopes, at: Float[np.ndarray, "*group number"], step: Float[np.ndarray, "*group number"]) -> Curved:
    """Second derivatives as central differences of gradients, all of whose places are one call.

    **Arguments:**

    - `slopes`: Takes a leading axis of places.
    - `step`: How far each number is moved.
    """
    size = at.shape[-1]
    move = np.eye(size).reshape(size, *(1,) * (at.ndim - 1), size) * step
    value, slope = slopes(at + np.concatenate([np.zeros((1, *at.shape)), move, -move]))
    hessian = np.moveaxis(slope[1 : size + 1] - slope[size + 1 :], 0, -2) / (2.0 * step[..., None])
    return Curved(value[0], slope[0], 0.5 * (hessian + np.swapaxes(hessian, -1, -2)))


def small(at: Float[np.ndarray, "*group number"], free: int) -> Float[np.ndarray, "*group number"]:
    """Steps that move a residual by a thousandth of its scatter, whose logarithm comes after the free numbers."""
    step = np.full(at.shape, 1e-4)
    step[..., :free] = 1e-3 * np.clip(np.exp(at[..., free]), 1e-9, 0.1)[..., None]
    return step


class Ascent(NamedTuple):
    """A place on the way to a mode.

    **Arguments:**

    - `numbers`: The best so far.
    - `runs`: What the runs alone say there.
    - `curvature`, `axes`: Of the whole density: minus the second derivatives along their own axes.
    - `density`: Its logarithm.
    - `left`: How much the next step promises.
    - `stuck`: Whether steps no longer lead up.
    """

    numbers: Float[np.ndarray, "*group number"]
    runs: Curved
    curvature: Float[np.ndarray, "*group number"]
    axes: Float[np.ndarray, "*group number number"]
    density: Float[np.ndarray, "*group"]
    left: Float[np.ndarray, "*group"]
    stuck: Bool[np.ndarray, "*group"]


def ascend(
    runs: Callable[[np.ndarray], Curved],
    prior: Callable[[np.ndarray], Curved],
    start: Float[np.ndarray, "*group number"],
    longest: float = 3.0,
) -> Iterator[Ascent]:
    """Newton's way up for each group, along the axes of the curvature, each by its own amount; damped steps.

    **Arguments:**

    - `runs`: What the runs say; asked once at each place.
    - `prior`: What is known besides, which may change from step to step.
    - `longest`: Length of a step at most.
    """
    at = trial = start
    best, damping = runs(start), np.zeros(start.shape[:-1])
    found = best
    while True:
        new, old = (_sum(one, prior(place)) for one, place in ((found, trial), (best, at)))
        good = (new.value >= old.value) & np.isfinite(new.value)
        damping = np.where(good, 0.1 * damping, np.maximum(10.0 * damping, 1e-3))
        at = np.where(good[..., None], trial, at)
        best, both = (
            Curved(*(np.where(good.reshape(good.shape + (1,) * (a.ndim - good.ndim)), a, b) for a, b in zip(*pair)))
            for pair in ((found, best), (new, old))
        )
        curvature, axes = np.linalg.eigh(np.where(np.isfinite(both.hessian), -both.hessian, 0.0))
        along = np.einsum("...ij,...i->...j", axes, np.where(np.isfinite(both.slope), both.slope, 0.0))
        size = np.maximum(np.abs(curvature), 1e-8)
        move = along / (size + damping[..., None])
        far = np.maximum(np.linalg.norm(move, axis=-1, keepdims=True) / longest, 1.0)
        trial = at + np.einsum("...ij,...j->...i", axes, move / far)
        left = np.where(np.isfinite(both.value), np.sum(along**2 / size, axis=-1), np.inf)
        yield Ascent(at, best, curvature, axes, both.value, left, damping > 1e12)
        found = runs(trial)


def _sum(one: Curved, other: Curved) -> Curved:
    return Curved(*(a + b for a, b in zip(one, other, strict=True)))


class Mode(NamedTuple):
    """Where the density is largest, and a factor F of the covariance there: $F F^T$ is the inverse of the curvature."""

    numbers: Float[np.ndarray, " number"]
    factor: Float[np.ndarray, "number number"]
    density: float
    arrived: bool

    @property
    def evidence(self) -> float:
        """The logarithm of the evidence, by the curvature."""
        if not (self.arrived and np.isfinite(self.density)):
            return -np.inf
        return self.density + float(np.linalg.slogdet(self.factor)[1])


def mode(density: Density, start: Float[np.ndarray, " number"]) -> Mode:
    """The mode that is reached from a start."""
    return _reached(density, start[None])[0]


def _reached(density: Density, starts: Float[np.ndarray, "start number"]) -> list[Mode]:
    """The mode that is reached from each start, all of them on their way at once."""
    free, constant = len(density.prior.curve.free), density.likelihood.law.constant

    def of_runs(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = density.likelihood.slopes(at.reshape(-1, at.shape[-1]))
        return value.reshape(at.shape[:-1]), slope.reshape(at.shape)

    def runs(at: np.ndarray) -> Curved:
        return curved(of_runs, at, small(at, free))

    def prior(at: np.ndarray) -> Curved:
        return curved(lambda u: density.prior.slopes(u, constant), at, np.full(at.shape, 1e-4))

    found: dict[int, Mode] = {}
    for step, last in enumerate(ascend(runs, prior, starts)):
        done = (last.left <= 1e-10) | last.stuck | (step == MOST)
        for k in set(np.flatnonzero(done).tolist()) - found.keys():
            factor = last.axes[k] / np.sqrt(np.maximum(last.curvature[k], 1e-8))
            found[k] = Mode(last.numbers[k], factor, float(last.density[k]), bool(last.left[k] <= 1e-6))
        if len(found) == len(starts):
            return [found[k] for k in range(len(starts))]
    raise AssertionError


def modes(density: Density, starts: Float[np.ndarray, "start number"]) -> list[Mode]:
    """The modes reached from several starts, best first, without those already found or of hardly any evidence."""
    found: list[Mode] = []
    for one in sorted(_reached(density, starts), key=lambda one: -one.evidence):
        # Within one standard deviation of an earlier one it is the same.
        apart = [np.linalg.solve(one.factor, one.numbers - other.numbers) for other in found]
        new = all(np.sum(z**2) >= 1.0 for z in apart)
        if not found or (new and one.evidence >= found[0].evidence - 12.0):
            found.append(one)
    return found
