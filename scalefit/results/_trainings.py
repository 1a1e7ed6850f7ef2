"""Residuals of a fit by training, with the slopes of its law, and what is left of them along columns."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from ..laws import Label, input_kinds
from ..problem import free_numbers
from ..solve import slopes
from ._fit import Fit


def residuals_by_training(
    fit: Fit[Any],
) -> tuple[Float[np.ndarray, " unit"], Float[np.ndarray, "unit free"], Int[np.ndarray, " run"]]:
    """Residuals in units of their scatter, outliers drawn in, with the law's slopes, by training; and which each row is
    of."""
    prepared, noise = fit.problem.arrays, fit.noise
    count = len(fit.residuals)
    law = jax.tree.map(lambda a: np.asarray(a)[None], fit.law)
    theta = free_numbers(prepared, law, np.zeros(1, int))
    value, table = slopes(prepared.curve, theta, prepared.data, np.zeros(1, int))
    precision = prepared.data.precision
    precise = np.ones(count) if precision is None else np.asarray(precision)[0, :count]
    with np.errstate(all="ignore"):
        slope = np.moveaxis(table / value if noise.log else table, 0, -1)[0, :count] * precise[:, None]
    z = fit.residuals * precise
    wide = 1.4826 * float(np.median(np.abs(z - np.median(z))))
    z = np.clip(z, -3.5 * wide, 3.5 * wide) / wide if wide > 0.0 else np.zeros_like(z)
    code = np.unique(fit.problem.runs.clusters(), return_inverse=True)[1]
    counts = np.bincount(code)
    mean = [np.bincount(code, column) / np.sqrt(counts) for column in (z, *np.where(np.isfinite(slope), slope, 0.0).T)]
    return mean[0], np.stack(mean[1:], axis=-1), code


def numbers_of(fit: Fit[Any]) -> dict[str, Float[np.ndarray, " run"]]:
    """The numbers that the law takes from a run, of sizes their logarithms."""
    kinds, found = input_kinds(fit.law), {}
    for name, column in fit.problem.inputs.items():
        if isinstance(column, np.ndarray) and not isinstance(kinds[name], Label):
            log = kinds[name].logarithm and column.min() > 0.0
            found[name] = np.log(column) if log else np.asarray(column, float)
    return found


def basis_of(columns: Float[np.ndarray, "unit column"]) -> Float[np.ndarray, "unit rank"]:
    """Orthonormal columns that span the same."""
    size = np.linalg.norm(columns, axis=0)
    u, s, _ = np.linalg.svd(columns / np.where(size > 0.0, size, 1.0), full_matrices=False)
    return u[:, s > 1e-9 * max(s.max(initial=0.0), 1e-300)]


def rest_of(basis: Float[np.ndarray, "unit rank"], z: Float[np.ndarray, " unit"]) -> Float[np.ndarray, " unit"]:
    """What is left of a column without what orthonormal ones span."""
    return z - basis @ (basis.T @ z)
