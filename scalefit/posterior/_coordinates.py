r"""Coordinates in which a posterior is nearly normal: amplitudes by what the runs say of them, given all else.

A law is affine in its amplitudes a. Given the shapes and the scatter, runs tell them as least squares do, with a mean m
and a factor L of the covariance. The ridge on which all fit the runs is narrow and bends; in the coordinates z of

    a = w log(1 + exp((m + L z) / w)),  w half the standard deviation of each,

which keeps them above zero, it is straight. How much each run counts, by its residual and by what rows of one run
share, stays as it is at the mode, and a vague normal prior takes the place of the true one: both only choose
coordinates, and the density is exact in any.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ._density import Density

MAX_AMPLITUDES = 8
"""The law is asked once more for each amplitude: laws of more keep their numbers as they are."""


class _Terms(NamedTuple):
    """A law as it is affine in its amplitudes: by variant, draw and run, without amplitudes and by each of them."""

    offset: np.ndarray
    basis: np.ndarray
    offset_slope: np.ndarray | None = None
    basis_slope: np.ndarray | None = None


class _Told(NamedTuple):
    """Amplitudes given all else: what is drawn towards, its precision, mean and factor; all by draw and group."""

    towards: np.ndarray
    precision: np.ndarray
    mean: np.ndarray
    factor: np.ndarray
    sd: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Coordinates:
    """Coordinates of the sampled numbers of a density; where amplitudes stand among these, z stands among them.

    **Arguments:**

    - `density`: The density.
    - `places`: Of the amplitudes.
    - `root`: By row, the square root of its weight times what multiplies a difference of values.
    - `shared`: By row, the share that it takes off of what all rows of its run have in common, and by which it counts
        there; `None` where rows are independent.
    - `log_s`: The logarithm of the scatter at which weights are taken, by group.
    - `prior`: Mean and standard deviation of each amplitude, which keep m and L finite.
    """

    density: Density
    places: tuple[int, ...]
    root: Float[np.ndarray, " row"]
    shared: tuple[np.ndarray, np.ndarray] | None
    log_s: Float[np.ndarray, "*group"]
    prior: tuple[np.ndarray, np.ndarray]

    @classmethod
    def about(cls, density: Density, at: Float[np.ndarray, "*group number"]) -> "Coordinates":
        """Coordinates about the mode of a density, or of each group of one."""
        likelihood, prior = density.likelihood, density.prior
        places = tuple(k for k in prior.curve.amplitudes if k not in prior.given)
        places = places if len(places) <= MAX_AMPLITUDES else ()
        theta = likelihood.theta(likelihood.by_row(at[None]))
        # Chains alone have groups, and the program of slopes already.
        law, alone = likelihood.law, likelihood.groups is None
        value = law.values(theta) if alone else law.slopes(theta, often=True)[0]
        log_s, log_sharp = likelihood.scatter(likelihood.by_row(at[None]))
        sharp, s = np.exp(np.broadcast_to(log_sharp, value.shape)[0]), np.broadcast_to(np.exp(log_s), value.shape)[0]
        with np.errstate(all="ignore"):
            off = likelihood.residuals(value)[0] * sharp
            # The ratio of slope to residual has a limit where that is nothing.
            off = np.where(np.abs(off) > 1e-3 * s, off, 1e-3 * s)
            root = np.sqrt(np.maximum(-likelihood.noise.score(off, np.log(s))[0] / off, 0.0)) * sharp
        root = np.where(np.isfinite(root), root, 0.0)
        shared = None
        if likelihood.first is not None:
            spread = np.exp(likelihood.by_row(at[None])[0, ..., -1]) * s
            count = np.diff(likelihood.first, append=len(root))
            weight = np.repeat(np.add.reduceat(root**2, likelihood.first), count)
            less = 1.0 - 1.0 / np.sqrt(1.0 + np.broadcast_to(spread, root.shape) ** 2 * weight)
            shared = root * less / np.maximum(weight, 1e-300), root
        observed = np.exp(likelihood.target) if likelihood.noise.log else 1.0
        wide = np.minimum(np.asarray(prior.spread)[list(places)], 1.5)
        mean = np.exp(np.asarray(prior.centre)[list(places)] + 0.5 * wide**2)
        log_at = at[..., len(prior.curve.free)]
        return cls(density, places, root / observed, shared, log_at, (mean, mean * np.sqrt(np.expm1(wide**2))))

    def values(self, at: Float[np.ndarray, "draw number"]) -> tuple[np.ndarray, np.ndarray]:
        """The sampled numbers at coordinates, and the logarithm of the density of these, but for a constant."""
        numbers, found = at.copy(), np.empty(len(at))
        size = self.density.likelihood.law.block
        for begin in range(0, len(at), size):
            block = slice(begin, begin + size)
            numbers[block], found[block] = self._values(at[block])
        return numbers, np.where(np.isfinite(found), found, -np.inf)

    @np.errstate(all="ignore")
    def _values(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self.places:
            return at, self.density.values(at)
        terms = self._terms(at, sloped=False)
        told = self._told(terms, at)
        amplitude, sigma = self._amplitudes(told, at)[:2]
        numbers = at.copy()
        numbers[:, list(self.places)] = np.log(amplitude)
        value = terms.offset + np.einsum("da,adr->dr", amplitude, terms.basis)
        volume = np.sum(np.log(_diagonal(told.factor)) + np.log(sigma) - np.log(amplitude), axis=-1)
        return numbers, self.density.values(numbers, value) + volume

    @np.errstate(all="ignore")
    def slopes(self, at: Float[np.ndarray, "draw *group number"]) -> tuple[np.ndarray, np.ndarray]:
        """The logarithm of the density of coordinates, and its gradient."""
        if not self.places:
            return self.density.slopes(at)
        likelihood, prior, places = self.density.likelihood, self.density.prior, list(self.places)
        terms = self._terms(at, sloped=True)
        told = self._told(terms, at)
        amplitude, sigma, raw, wide = self._amplitudes(told, at)
        numbers = at.copy()
        numbers[..., places] = np.log(amplitude)
        by_row = np.moveaxis(likelihood.by_row(amplitude), -1, 0)
        by_row = by_row if by_row.ndim == 3 else by_row[..., None]
        assert terms.offset_slope is not None
        assert terms.basis_slope is not None
        value = terms.offset + np.sum(by_row * terms.basis, axis=0)
        slope = terms.offset_slope + np.sum(by_row[:, :, None] * terms.basis_slope, axis=0)
        slope[:, places] = np.moveaxis(terms.basis, 0, 1)
        density, pull = self.density.slopes(numbers, (value, slope))
        factor, z = told.factor, at[..., places]
        volume = np.sum(np.log(_diagonal(factor)) + np.log(sigma) - np.log(amplitude), axis=-1)
        gradient = pull.copy()
        # How amplitudes and the volume move with what they are given by: shapes one by one, then the scatter.
        by, turn = pull[..., places] - 1.0, (1.0 - sigma) / wide
        free = len(prior.curve.free)
        stretch = np.broadcast_to(prior.stretch(numbers, likelihood.constant), numbers[..., :free].shape)
        left, basis = self._whitened(likelihood.target_value() - terms.offset), self._whitened(terms.basis)
        grown = np.exp(2.0 * (self.log_s - at[..., free]))[..., None, None]
        for k in [k for k in range(free) if k not in self.places] + [free]:
            if k == free:
                bent = -2.0 * (told.precision - self._prior_precision)
                drawn = -2.0 * (told.towards - self._prior_precision @ self.prior[0])
            else:
                moved = self._whitened(terms.basis_slope[:, :, k])
                bent = self._inner(moved, basis) * grown
                drawn = self._inner(moved, left[None])[..., 0]
                drawn -= self._inner(basis, self._whitened(terms.offset_slope[:, k])[None])[..., 0]
                size = stretch[..., k, None]
                bent, drawn = (bent + np.swapaxes(bent, -1, -2)) * size[..., None], drawn * grown[..., 0] * size
            of_factor = np.swapaxes(factor, -1, -2) @ bent @ factor
            lower = np.tril(of_factor, -1) + 0.5 * of_factor * np.eye(len(places))
            inside = np.swapaxes(factor, -1, -2) @ (drawn - _times(bent, told.mean))[..., None] - lower @ z[..., None]
            of_raw = (factor @ inside)[..., 0]
            of_wide = -0.25 * _diagonal(factor @ of_factor @ np.swapaxes(factor, -1, -2)) / told.sd
            step = of_raw - raw / wide * of_wide
            of_amplitude = of_wide * amplitude / wide + sigma * step
            gradient[..., k] += np.sum(
                by * of_amplitude / amplitude + turn * step - 0.5 * _diagonal(of_factor), axis=-1
            )
        gradient[..., places] = np.einsum("...j,...ji->...i", by * sigma / amplitude + turn, factor)
        total = density + volume
        return np.where(np.isfinite(total), total, -np.inf), gradient

    def of_numbers(self, numbers: Float[np.ndarray, "draw number"]) -> Float[np.ndarray, "draw number"]:
        """The coordinates of sampled numbers of a single group."""
        if not self.places:
            return numbers
        at, places = numbers.copy(), list(self.places)
        told = self._told(self._terms(at, sloped=False), at)
        wide = 0.5 * told.sd
        ratio = np.exp(numbers[:, places]) / wide
        raw = wide * (ratio + np.log(-np.expm1(-ratio)))
        at[:, places] = np.linalg.solve(told.factor, (raw - told.mean)[..., None])[..., 0]
        return at

    def _terms(self, numbers: np.ndarray, *, sloped: bool) -> _Terms:
        """The law from its values where all amplitudes are one, and where one of them is two."""
        likelihood, count = self.density.likelihood, 1 + len(self.places)
        many = np.broadcast_to(numbers, (count, *numbers.shape)).copy()
        many[..., list(self.places)] = 0.0
        for j, place in enumerate(self.places):
            many[1 + j, ..., place] = np.log(2.0)
        theta = likelihood.theta(likelihood.by_row(many.reshape(-1, *numbers.shape[1:])))
        if not sloped and likelihood.groups is None:
            return _Terms(*_parted(likelihood.law.values(theta).reshape(count, len(numbers), -1)))
        value, slope = likelihood.law.slopes(theta, often=True)
        parts = _parted(value.reshape(count, len(numbers), -1))
        return _Terms(*parts, *_parted(slope.reshape(count, len(numbers), *slope.shape[1:])))

    @property
    def _prior_precision(self) -> np.ndarray:
        return np.diag(1.0 / self.prior[1] ** 2)

    def _told(self, terms: _Terms, at: np.ndarray) -> _Told:
        """Mean and factor of the amplitudes given all else."""
        left = self._whitened(self.density.likelihood.target_value() - terms.offset)[None]
        basis = self._whitened(terms.basis)
        free = len(self.density.prior.curve.free)
        grown = np.exp(2.0 * (self.log_s - at[..., free]))[..., None, None]
        precision = self._inner(basis, basis) * grown + self._prior_precision
        towards = (self._inner(basis, left) * grown)[..., 0] + self._prior_precision @ self.prior[0]
        fine = np.asarray(np.isfinite(precision).all((-2, -1)) & np.isfinite(towards).all(-1))
        size = np.sqrt(np.where(fine[..., None], _diagonal(precision), 1.0))
        one = np.eye(len(self.places))
        scaled = np.where(fine[..., None, None], precision / size[..., None] / size[..., None, :], one)
        # Amplitudes that hardly differ leave a matrix that rounding would make singular.
        inverse = np.linalg.inv(scaled + 1e-12 * one)
        factor = np.linalg.cholesky(0.5 * (inverse + np.swapaxes(inverse, -1, -2))) / size[..., None]
        mean = _times(factor @ np.swapaxes(factor, -1, -2), towards)
        return _Told(towards, precision, mean, factor, np.sqrt(np.sum(factor**2, axis=-1)))

    def _amplitudes(self, told: _Told, at: np.ndarray) -> tuple[np.ndarray, ...]:
        """Amplitudes at coordinates, how they move with what they would be below zero too, that, and the softening."""
        wide = 0.5 * told.sd
        raw = told.mean + _times(told.factor, at[..., list(self.places)])
        ratio = raw / wide
        return wide * np.logaddexp(0.0, ratio), np.exp(-np.logaddexp(0.0, -ratio)), raw, wide

    def _whitened(self, column: Float[np.ndarray, "*some row"]) -> Float[np.ndarray, "*some row"]:
        """Differences of values by how much each row counts."""
        column = column * self.root
        if self.shared is None:
            return column
        first = self.density.likelihood.first
        assert first is not None
        share, weight = self.shared
        common = np.add.reduceat(column * weight, first, axis=-1)
        return column - share * np.repeat(common, np.diff(first, append=len(weight)), axis=-1)

    def _inner(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Products of columns, summed over the rows of each group: by draw and group, a matrix."""
        groups = self.density.likelihood.groups
        if groups is None:
            return np.moveaxis(one, 0, 1) @ np.moveaxis(other, 0, -1)
        found = np.add.reduceat(one[:, None] * other[None], groups, axis=-1)
        return np.moveaxis(found, (0, 1), (-2, -1))


def _parted(table: Float[np.ndarray, "variant draw *some"]) -> tuple[np.ndarray, np.ndarray]:
    """What a law is without amplitudes, and with each alone."""
    basis = table[1:] - table[:1]
    return table[0] - basis.sum(axis=0), basis


def _diagonal(matrix: np.ndarray) -> np.ndarray:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return (matrix @ vector[..., None])[..., 0]
