"""From a fit and its runs to what is sampled."""

import functools
import zlib
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from .._core import InputError
from ..data import hint
from ..laws import SHARE, input_units
from ..noise import Gaussian, Huber, StudentT
from ..problem import Prepared, free_numbers, laws_at
from ..results import Fit
from ._density import Problem
from ._prior import GROWTH, TRAINING, default, free_numbers_of, sampled_numbers, with_given

FARTHEST = 12.0
"""A number that has run to a bound at infinity begins no farther out."""
LEAST_SCATTER = 1e-12
"""Runs that lie on the law begin with this much."""


class Posed(NamedTuple):
    """Studies of similar length, ready to be sampled.

    **Arguments:**

    - `which`: Their places among all.
    - `prepared`: Their runs and the law.
    - `problem`: The density of each.
    - `starts`: Where to look for its mode.
    """

    which: Int[np.ndarray, " study"]
    prepared: Prepared
    problem: Problem
    starts: Float[np.ndarray, "study number"]

    def take(self, places: Int[np.ndarray, " some"]) -> "Posed":
        """Some of the studies."""
        if len(places) == len(self.which):
            return self
        common = self.problem.noise, self.problem.prior
        rows = self.problem._replace(noise=None, prior=None)  # pyright: ignore[reportArgumentType]  they have no axis
        with jax.enable_x64(True):
            rows = jax.tree.map(lambda a: a[places], rows)
        problem = rows._replace(noise=common[0], prior=common[1])
        return self._replace(which=self.which[places], problem=problem, starts=self.starts[places])


def pose(
    fit: Fit[Any],
    cluster: str | tuple[str, ...] | None = "auto",
    priors: Mapping[str, Any] | None = None,
    growth: str | None = None,
    shared: bool | None = None,
) -> list[Posed]:
    """The densities of the studies of a fit.

    **Arguments:**

    - `cluster`: What stands for one training, whose rows share an offset.
    - `priors`: Parameter → NumPyro distribution.
    - `growth`: The input with a power of which the scatter grows.
    - `shared`: Whether rows of one training share an offset; unless said, where some study has two of one.

    **Raises:** `InputError` for fits that did not converge, noises without a density, priors of what is not fitted, and
    a `growth` that is no input of the law.
    """
    if type(fit.noise) not in (Gaussian, Huber, StudentT):
        raise InputError(
            f"{type(fit.noise).__name__} has no density here, so there is no posterior: fit with Gaussian, StudentT or "
            f"Huber of scalefit.noise."
        )
    if not np.any(fit.converged):
        raise InputError("The fit did not converge, so there is nowhere to look for a posterior: mend the fit first.")
    studies = fit.problem.studies
    code = studies.runs.clusters(cluster)
    # What is one training is one within a study.
    study = np.repeat(np.arange(len(studies)), studies.counts)
    in_order = studies.order[np.concatenate([np.arange(f, f + c) for f, c in zip(studies.first, studies.counts)])]
    alone = len(np.unique(np.stack([study, code[in_order]]), axis=1).T) == len(study)
    alone = alone if shared is None else not shared
    units = input_units(fit.law)
    sizes = [name for name, unit in units.items() if unit != SHARE]
    if growth is not None and growth not in sizes:
        raise InputError(f"growth is {growth!r}, which the law does not take; {hint(growth, sizes, what='inputs')}.")
    extras = (GROWTH,) * (growth is not None) + (TRAINING,) * (not alone)
    parts = []
    for which, prepared in fit.problem.parts():
        some = prepared.studies
        prior = with_given(default(prepared.curve, extras), prepared.curve, priors or {})
        data, reach = prepared.data, None
        if growth is not None:
            column = fit.problem.inputs[growth]
            reach = some.table(np.log(column / middle_of(fit, growth)))
        columns = data.point, data.target, data.precision, some.real, reach
        training = None if alone else _by_training(some.table(code), some.real)
        if training is not None:
            columns = jax.tree.map(functools.partial(_placed, training), columns)
        with jax.enable_x64(True):
            given = jax.tree.map(jnp.asarray, (*columns, training, data.constant))
        point, target, precision, real, reach, training, constant = given
        problem = Problem(point, target, precision, constant, real, reach, training, fit.noise, prior)
        parts.append(Posed(which, prepared, problem, _starts(prepared, fit, which, prior)))
    return parts


def middle_of(fit: Fit[Any], name: str) -> float:
    """The value of an input at which the scatter is `scale`: the geometric middle of the runs' range."""
    low, high = fit.source.ranges[name]
    return float(np.sqrt(low * high))


def keys_of(fit: Fit[Any], which: Int[np.ndarray, " study"], seed: int, purpose: str) -> jax.Array:
    """A random key for each study, by its name: a study has the same in a batch and by itself."""
    names: list[Hashable] = [fit.key] if fit.keys is None else [fit.keys[s] for s in which]
    root = jax.random.fold_in(jax.random.key(seed), zlib.crc32(purpose.encode()))
    codes = np.array([zlib.crc32(repr(name).encode()) for name in names], np.uint32)
    return jax.vmap(lambda code: jax.random.fold_in(root, code))(jnp.asarray(codes))


def laws_of(part: Posed, numbers: Float[np.ndarray, "study draw number"]) -> Any:
    """The law with a leading axis of studies and one of draws."""
    with jax.enable_x64(True):
        constant = part.problem.constant[:, None]
        free = free_numbers_of(part.prepared.curve, jnp.asarray(numbers), part.problem.prior, constant)
        theta = np.stack([np.asarray(one) for one in free], axis=-1)
    studies, num, _ = theta.shape
    law = laws_at(part.prepared, theta.reshape(studies * num, -1), np.repeat(np.arange(studies), num))
    return jax.tree.map(lambda a: a.reshape(studies, num, *a.shape[1:]), law)


def _placed(training: Int[np.ndarray, "study training row"], column: Any) -> Shaped[np.ndarray, "study place"]:
    """A column by training; padding is no run."""
    places = training.reshape(len(training), -1)
    found = np.take_along_axis(np.asarray(column), np.maximum(places, 0), axis=1)
    return found & (places >= 0) if found.dtype == bool else found


def _by_training(
    code: Int[np.ndarray, "study run"], real: Bool[np.ndarray, "study run"]
) -> Int[np.ndarray, "study training row"]:
    """The runs of each training, by study; -1 for padding."""
    code = np.where(real, code, code.max() + 1)
    order = np.argsort(code, axis=1, kind="stable")
    ranked = np.take_along_axis(code, order, axis=1)
    new = np.diff(ranked, axis=1, prepend=-1) != 0
    training = np.cumsum(new, axis=1) - 1
    first = np.maximum.accumulate(np.where(new, np.arange(code.shape[1]), 0), axis=1)
    row = np.arange(code.shape[1]) - first
    there = np.take_along_axis(real, order, axis=1)
    found = np.full((len(code), training[there].max() + 1, row[there].max() + 1), -1)
    study = np.broadcast_to(np.arange(len(code))[:, None], code.shape)
    found[study[there], training[there], row[there]] = order[there]
    return found


def _starts(
    prepared: Prepared, fit: Fit[Any], which: Int[np.ndarray, " study"], prior: Any
) -> Float[np.ndarray, "study number"]:
    law = fit.law if fit.keys is None else jax.tree.map(lambda a: a[which], fit.law)
    theta = np.atleast_2d(free_numbers(prepared, law, 0 if fit.keys is None else np.arange(len(which))))
    theta = np.clip(np.nan_to_num(theta, nan=0.0), -FARTHEST, FARTHEST)
    with jax.enable_x64(True):
        theta = sampled_numbers(prepared.curve, theta, prior, prepared.typical)
    scatter = np.nan_to_num(np.atleast_1d(fit.scale)[which]) / (1.0 if fit.noise.log else prepared.typical)
    further = np.zeros((len(which), len(prior.extras)))
    return np.concatenate([theta, np.log(np.maximum(scatter, LEAST_SCATTER))[:, None], further], axis=1)
