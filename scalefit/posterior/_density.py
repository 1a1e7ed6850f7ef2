"""The posterior density of one study, and its gradient.

Only the law is compiled, in two programs of fixed shapes: its values for a block of draws, and its slopes for a few.
Noise, offsets and priors are NumPy.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from ..noise import AbstractNoise
from ..problem import LawCurve
from ..solve import Data, slopes
from ._offsets import Slopes, offset_slopes, over_offsets
from ._prior import Prior

LANES = 16
"""Draws of which slopes are taken at once."""


class LawAtRuns:
    """A law at the runs of a study: values and slopes for any number of draws of its free numbers.

    **Arguments:**

    - `curve`: The law.
    - `point`: Input → its values at the runs, as the curve wants them.
    - `constant`: What the study holds fixed, or what that of each run does.
    """

    def __init__(self, curve: LawCurve, point: Mapping[str, Float[np.ndarray, "run *axis"]], constant: np.ndarray):
        self.curve, self.point, self.constant = curve, dict(point), constant
        self.runs = len(next(iter(point.values())))
        # Of few lengths, so that few programs are compiled.
        self._length = next((n for n in (64, 256, 512) if self.runs <= n), -(-self.runs // 1024) * 1024)
        self.block = max(LANES, min(512, 2**17 // self._length))
        with jax.enable_x64(True):
            padded = {name: self._padded(a) for name, a in self.point.items()}
            self._given = jax.device_put((padded, constant if constant.ndim == 1 else self._padded(constant)))

    def values(self, theta: Float[np.ndarray, "draw free"]) -> Float[np.ndarray, "draw run"]:
        """The law's value for each run."""
        return self._in_blocks(_values, theta, self.block)[0]

    def slopes(
        self, theta: Float[np.ndarray, "draw *run free"], *, often: bool
    ) -> tuple[Float[np.ndarray, "draw run"], Float[np.ndarray, "draw free run"]]:
        """The law's value for each run and its slope in each free number.

        **Arguments:**

        - `theta`: The free numbers, which may differ from run to run.
        - `often`: Whether a program of slopes alone is worth compiling; otherwise that of fits serves, which is slower.
        """
        if theta.ndim == 3:
            theta = np.moveaxis(self._padded(np.moveaxis(theta, 1, 0)), 0, 1)
        elif not often:
            value, slope = slopes(self.curve, theta, self._data, np.zeros(len(theta), int))
            return value, np.moveaxis(slope, 0, 1)
        value, slope = self._in_blocks(_slopes, theta, LANES)
        return value, slope

    @functools.cached_property
    def _data(self) -> Data:
        point, none = {name: a[None] for name, a in self.point.items()}, np.ones((1, self.runs))
        return Data(point, none, none, None, self.constant[None], None)

    def _padded(self, column: np.ndarray) -> np.ndarray:
        return np.pad(column, ((0, self._length - self.runs), *((0, 0),) * (column.ndim - 1)), mode="edge")

    def _in_blocks(self, program: Callable[..., Any], theta: np.ndarray, size: int) -> list[np.ndarray]:
        parts = []
        with jax.enable_x64(True):
            for begin in range(0, len(theta), size):
                block = theta[begin : begin + size]
                if len(block) < size:
                    block = np.pad(block, ((0, size - len(block)), *((0, 0),) * (block.ndim - 1)), mode="edge")
                found = program(self.curve, block, *self._given)
                parts.append([np.asarray(part)[: len(theta) - begin, ..., : self.runs] for part in found])
        return [part[0] if len(part) == 1 else np.concatenate(part) for part in zip(*parts, strict=True)]


@functools.partial(jax.jit, static_argnames=("curve",))
def _values(curve: LawCurve, theta: Float[Array, "draw free"], point: Any, constant: Array) -> tuple[Array]:
    def one(numbers: Array, at: Any) -> Array:
        return curve(tuple(numbers[k] for k in range(curve.size)), at, constant)

    return (jax.vmap(jax.vmap(one, (None, 0)), (0, None))(theta, point),)


@functools.partial(jax.jit, static_argnames=("curve",))
def _slopes(curve: LawCurve, theta: Float[Array, "draw *run free"], point: Any, constant: Array) -> tuple[Array, Array]:
    def one(numbers: Array, at: Any, held: Array) -> Any:
        return jax.value_and_grad(lambda u: curve(tuple(u[k] for k in range(curve.size)), at, held))(numbers)

    by_run = jax.vmap(one, (None if theta.ndim == 2 else 0, 0, None if constant.ndim == 1 else 0), (0, 1))
    return jax.vmap(by_run, (0, None, None))(theta, point, constant)


@dataclasses.dataclass(frozen=True, eq=False)
class Likelihood:
    """The density of runs given sampled numbers, which are one row for a study or one row for each of several groups.

    Sampled are the free numbers of the law, the logarithm of the scatter s, then, where there is a `reach`, the power
    with which s grows, and, where rows of a run share an offset, the logarithm of τ/s.

    **Arguments:**

    - `law`: The law at the runs.
    - `target`: As the noise sees it.
    - `log_sharp`: Logarithm of what multiplies each residual.
    - `noise`: How runs scatter.
    - `prior`: What is sampled.
    - `unit`: Logarithm of the unit of the scatter, of all rows or by row.
    - `reach`: Logarithm of what the scatter grows with, about the middle of its range.
    - `first`: Where rows of a run share an offset and stand together, the first row of each run.
    - `groups`: Where each group has its own numbers and its rows stand together, the first row of each group.
    """

    law: LawAtRuns
    target: Float[np.ndarray, " row"]
    log_sharp: Float[np.ndarray, " row"]
    noise: AbstractNoise
    prior: Prior
    unit: float | Float[np.ndarray, " row"]
    reach: Float[np.ndarray, " row"] | None = None
    first: Int[np.ndarray, " run"] | None = None
    groups: Int[np.ndarray, " group"] | None = None

    def target_value(self) -> Float[np.ndarray, " row"]:
        """What the law should give for each run."""
        return np.exp(self.target) if self.noise.log else self.target

    def values(
        self, numbers: Float[np.ndarray, "draw number"], known: Float[np.ndarray, "draw row"] | None = None
    ) -> Float[np.ndarray, " draw"]:
        """The logarithm of the density of all runs of a study; of values of the law that are known already."""
        found = np.empty(len(numbers))
        for begin in range(0, len(numbers), self.law.block):
            block = numbers[begin : begin + self.law.block]
            log_s, log_sharp = self.scatter(block)
            with np.errstate(all="ignore"):
                value = self.law.values(self.theta(block)) if known is None else known[begin : begin + self.law.block]
                residual = self.residuals(value)
                spread = block[:, -1:] if self.first is not None else None
                each = densities(self.noise, residual, log_sharp, log_s, spread, self.first)
                found[begin : begin + self.law.block] = each.sum(axis=1)
        return found

    @np.errstate(all="ignore")
    def slopes(
        self,
        numbers: Float[np.ndarray, "draw *group number"],
        known: tuple[np.ndarray, np.ndarray] | None = None,
        *,
        often: bool = False,
    ) -> tuple[Float[np.ndarray, "draw *group"], Float[np.ndarray, "draw *group number"]]:
        """The same with its gradient, of each group by itself where there are groups."""
        rows = self.by_row(numbers)
        value, of_law = self.law.slopes(self.theta(rows), often=often) if known is None else known
        residual, (log_s, log_sharp) = self.residuals(value), self.scatter(rows)
        sharp = np.exp(log_sharp)
        if self.first is None:
            slope, of_s = self.noise.score(residual * sharp, log_s)
            density = self.noise.log_density(residual * sharp, log_s) + log_sharp
            moved = Slopes(slope * sharp, slope * residual * sharp + 1.0, of_s, None)
        else:
            share = numbers[:, -1:] if self.groups is None else rows[:, self.first, -1]
            log_spread = share + (log_s if self.groups is None else log_s[:, self.first])
            density, moved = offset_slopes(self.noise, residual, log_sharp, log_s, log_spread, self.first)
        push = -moved.residual / value if self.noise.log else -moved.residual
        columns = np.moveaxis(self._total(push[:, None] * of_law), 1, -1)
        columns = columns * self.prior.stretch(numbers, self.constant)
        scatter = [self._total(moved.log_s)]
        if self.reach is not None:
            scatter.append(-self._total(moved.log_sharp * self.reach))
        if moved.log_spread is not None:
            scatter.append(self._total(moved.log_spread))
            scatter[0] = scatter[0] + scatter[-1]
        return self._total(density), np.concatenate([columns, np.stack(scatter, axis=-1)], axis=-1)

    def residuals(self, value: Float[np.ndarray, "draw row"]) -> Float[np.ndarray, "draw row"]:
        """What values of the law leave of the target, as the noise sees it."""
        return self.target - (np.log(value) if self.noise.log else value)

    def scatter(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The logarithms of the scatter, and of what multiplies each residual."""
        free = len(self.prior.curve.free)
        scatter = numbers[:, free:, None] if numbers.ndim == 2 else np.moveaxis(numbers[..., free:], -1, 1)
        sharp = self.log_sharp if self.reach is None else self.log_sharp - scatter[:, 1] * self.reach
        return scatter[:, 0] + self.unit, sharp

    def theta(self, numbers: Float[np.ndarray, "*draw number"]) -> Float[np.ndarray, "*draw free"]:
        """Free numbers of the law."""
        return self.prior.free(numbers, self.law.constant)

    @functools.cached_property
    def constant(self) -> np.ndarray:
        """What each group holds fixed."""
        alike = self.groups is None or self.law.constant.ndim == 1
        return self.law.constant if alike else self.law.constant[self.groups]

    def by_row(self, numbers: np.ndarray) -> np.ndarray:
        """By row, where there are groups."""
        if self.groups is None:
            return numbers
        return np.repeat(numbers, np.diff(self.groups, append=len(self.target)), axis=1)

    def _total(self, column: np.ndarray) -> np.ndarray:
        """The sum over rows, or over runs whose rows stand together, of each group."""
        if self.groups is None:
            return column.sum(axis=-1)
        begin = self.groups
        if self.first is not None and column.shape[-1] == len(self.first):
            begin = np.searchsorted(self.first, begin)
        return np.add.reduceat(column, begin, axis=-1)


def densities(
    noise: AbstractNoise,
    residual: Float[np.ndarray, "draw row"],
    log_sharp: Float[np.ndarray, "*draw row"],
    log_s: Float[np.ndarray, "draw 1"],
    log_share: Float[np.ndarray, "draw 1"] | None = None,
    first: Int[np.ndarray, " run"] | None = None,
) -> Float[np.ndarray, "draw unit"]:
    """By row, or by run where its rows share an offset of spread τ, the logarithm of the density of residuals.

    **Arguments:**

    - `log_share`: The logarithm of τ/s.
    """
    if first is not None and log_share is not None:
        return over_offsets(noise, residual, log_sharp, log_s, log_s + log_share, first)
    return noise.log_density(residual * np.exp(log_sharp), log_s) + log_sharp


@dataclasses.dataclass(frozen=True, eq=False)
class Density:
    """The posterior density of a study, or of each of several side by side."""

    likelihood: Likelihood
    prior: Prior

    def values(
        self, numbers: Float[np.ndarray, "draw number"], known: Float[np.ndarray, "draw row"] | None = None
    ) -> Float[np.ndarray, " draw"]:
        """The logarithm of the density, but for a constant; minus infinity where the law gives no number.

        **Arguments:**

        - `known`: Values of the law, where they are known already.
        """
        total = self.likelihood.values(numbers, known) + self.prior.slopes(numbers, self.likelihood.law.constant)[0]
        return np.where(np.isfinite(total), total, -np.inf)

    def slopes(
        self, numbers: Float[np.ndarray, "draw *group number"], known: tuple[np.ndarray, np.ndarray] | None = None
    ) -> tuple[Float[np.ndarray, "draw *group"], Float[np.ndarray, "draw *group number"]]:
        """The same with its gradient; `known` are values and slopes of the law."""
        value, slope = self.likelihood.slopes(numbers, known, often=True)
        own, pull = self.prior.slopes(numbers, self.likelihood.constant)
        return np.where(np.isfinite(value + own), value + own, -np.inf), slope + pull
