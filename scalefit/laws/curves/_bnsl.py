"""Broken power laws: one smooth change of slope after another."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ...params import Param, Scalar, nonnegative, positive, real
from .._abstract import AbstractLaw
from .._formula import number

FLOORS = 0.0, 0.5, 0.8, 0.93, 0.99
"""Shares of the least target above which logarithms are taken to be of powers."""
WIDTHS = 0.003, 0.1, 0.5
"""Widths of breaks as logarithms: sharp, as between two runs, and smooth."""
PLACES, MOST, RUNS, KEPT = 24, 12500, 256, 64
"""Places of breaks at most, choices of all these at most, runs looked at, and choices kept."""


class BNSL(AbstractLaw):
    r"""Smoothly broken power law: $y = a + b\,x^{-c_0}\prod_i\left(1 + (x/d_i)^{1/f_i}\right)^{-c_i f_i}$.

    Break i lies at $d_i$, changes the slope by $c_i$ and is the sharper the smaller $f_i$. The order of the breaks is a
    matter of naming. `BNSL.of(2)` has two breaks.

    Source: Caballero et al. 2022 (arXiv 2210.14891, eq. 1).
    """

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}

    a: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    b: Param = nonnegative(unit="target·x^c0", amplitude=True, dims={"x": lambda law: law.c0}, typical=(0.02, 1.0))
    c0: Param = real(typical=(-0.2, 1.2))
    c: Param = real(typical=(-1.0, 1.0), axis="break")
    d: Param = positive(unit="x", dims={"x": 1.0}, typical=(0.03, 30.0), axis="break")
    f: Param = positive(typical=(0.05, 2.0), axis="break")

    @classmethod
    def of(cls, breaks: int) -> "BNSL":
        """The law with a given number of breaks, every parameter still to be fitted."""
        unset = np.full(breaks, np.nan)
        return cls(c=unset, d=unset, f=unset)

    def guesses(self, inputs: Mapping[str, Any], target: np.ndarray, free: Sequence[str]) -> Sequence["BNSL"]:
        """Bends of straight lines through logarithms above a floor, the best at each choice of places for the breaks.

        Given the floor, places and widths, the logarithm of what is above it is linear in log b, c0 and c.
        """
        breaks, target = self.c.shape[-1], np.asarray(target, float)
        log_x, at = np.unique(np.log(np.asarray(inputs["x"], float)), return_index=True)
        if len(free) != 3 + 3 * breaks or not (target > 0.0).all() or len(log_x) < 3:
            return ()
        # Of many runs some, evenly; of repeats one.
        some = np.unique(np.linspace(0, len(at) - 1, min(len(at), RUNS)).astype(int))
        log_x, y = log_x[some], target[at[some]]
        each = len(FLOORS) * len(WIDTHS) ** breaks
        count = max((k for k in range(breaks, PLACES + 1) if math.comb(k, breaks) * each <= MOST), default=breaks)
        # Halfway between what is even over the range and even over the runs.
        share = np.arange(1, count + 1) / (count + 1)
        even = log_x[0] + share * (log_x[-1] - log_x[0])
        places = 0.5 * (even + np.interp(share, np.linspace(0.0, 1.0, len(log_x)), log_x))
        chosen = np.array(list(itertools.combinations(range(count), breaks))).reshape(-1, breaks)
        choice, floor, *wide = np.meshgrid(np.arange(len(chosen)), FLOORS, *[WIDTHS] * breaks, indexing="ij")
        choice, a = choice.ravel(), floor.ravel() * y.min()
        d, f = places[chosen[choice]], np.stack([one.ravel() for one in wide], axis=-1)
        parts = [
            _straightened(log_x, y, a[k : k + 1000], d[k : k + 1000], f[k : k + 1000]) for k in range(0, len(a), 1000)
        ]
        line, left = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(
            np.where(np.isfinite(left) & (np.abs(line).max(axis=1) < 100.0), left, np.inf), kind="stable"
        )
        _, first = np.unique(choice[order], return_index=True)
        best = order[np.sort(first)[:KEPT]]
        b, c0, c = np.exp(line[best, 0]), line[best, 1], line[best, 2:]
        return [dataclasses.replace(self, a=a[best], b=b, c0=c0, c=c, d=np.exp(d[best]), f=f[best])]

    def __call__(self, x: Scalar) -> Scalar:
        """The target at `x`."""
        log_x = jnp.log(number(x))
        bend = -self.c0 * log_x
        for i in range(self.c.shape[-1]):
            width = self.f[..., i]
            bend = bend - self.c[..., i] * width * jax.nn.softplus((log_x - jnp.log(self.d[..., i])) / width)
        return self.a + self.b * jnp.exp(bend)


def _straightened(
    log_x: np.ndarray, y: np.ndarray, a: np.ndarray, d: np.ndarray, f: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """By choice, the log b, c0 and c of least squares and the sum of what they leave, relative to the target."""
    above = y - a[:, None]
    weight = above / y  # the scatter of the logarithm is the larger the less is left above the floor
    bend = f[..., None] * np.logaddexp(0.0, (log_x - d[..., None]) / f[..., None])
    whole = np.broadcast_to(log_x, (len(a), 1, len(log_x)))
    basis = np.concatenate([np.ones_like(whole), -whole, -bend], axis=1) * weight[:, None]
    basis /= (size := np.linalg.norm(basis, axis=2, keepdims=True))
    seen = (np.log(above) * weight)[..., None]
    gram = basis @ basis.swapaxes(1, 2) + 1e-11 * np.eye(basis.shape[1])
    line = np.linalg.solve(gram, basis @ seen)
    left = np.abs(seen - basis.swapaxes(1, 2) @ line).sum(axis=(1, 2))
    return line[..., 0] / size[..., 0], left
