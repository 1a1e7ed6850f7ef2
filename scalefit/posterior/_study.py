"""From a fit to the posterior density of each of its studies."""

import dataclasses
import zlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from .._core import InputError, Phrase, check_names, check_type
from ..estimate import rivals_of
from ..laws import input_kinds
from ..problem import Prepared, Problem, free_numbers, laws_at
from ..results import Fit, check_fit
from ._density import Density, LawAtRuns, Likelihood
from ._prior import GROWTH, RUN, Prior


@dataclasses.dataclass(frozen=True, eq=False)
class Study:
    """One study of a fit, ready to be sampled.

    **Arguments:**

    - `key`: Its name in a batch.
    - `prepared`, `place`: Its runs and the law, and where among those it is.
    - `density`: The density of what is sampled.
    - `start`: Where to look for its mode.
    - `rivals`: Where other optima of the fit are that may be as good.
    """

    key: Hashable
    prepared: Prepared
    place: int
    density: Density
    start: Float[np.ndarray, " number"]
    rivals: Float[np.ndarray, "rival number"]

    @property
    def typical(self) -> float:
        """Typical size of the target."""
        return float(self.prepared.typical[self.place])

    def rng(self, seed: int, purpose: str) -> np.random.Generator:
        """Random numbers by name: a study has the same in a batch and by itself."""
        return np.random.default_rng([seed, *(zlib.crc32(word.encode()) for word in (purpose, repr(self.key)))])

    def laws(self, numbers: Float[np.ndarray, "draw number"]) -> Any:
        """The law with a leading axis of draws."""
        theta = self.density.prior.free(numbers, self.density.likelihood.law.constant)
        return laws_at(self.prepared, theta, np.full(len(numbers), self.place))


def studies_of(
    fit: Fit[Any],
    cluster: str | tuple[str, ...] | None = "auto",
    priors: Mapping[str, Any] | None = None,
    growth: str | None = None,
) -> list[Study]:
    """The posterior densities of the studies of a fit.

    **Arguments:** as `sample` has them.

    **Raises:** `InputError` for fits that did not converge, priors of what is not fitted, and a `growth` that is no
    input of the law.
    """
    if not np.any(check_fit("fit", fit).converged):
        raise InputError(
            "fit", Phrase("did not converge"), remedy="mend it first: there is nowhere to look for a posterior"
        )
    if fit.noise.absolute:
        given = Phrase("is absolute: runs scatter by their `se`, and a posterior draws the scatter too")
        raise InputError("noise", given, remedy="fit with Gaussian() for draws of a posterior")
    problem, sizes = fit.problem, [name for name, said in input_kinds(fit.law).items() if said.logarithm]
    if growth is not None:
        check_type("growth", growth, str, "the name of a size")
        check_names("growth", [growth], sizes, what="sizes")
    code = problem.runs.clusters(cluster)
    shared = any(np.unique(code[problem.studies.rows(s)]).size < n for s, n in enumerate(problem.studies.counts))
    extras = (GROWTH,) * (growth is not None) + (RUN,) * shared
    prior = Prior.of(problem.curve, extras, priors)
    found = []
    for which, prepared in problem.parts():
        others = rivals_of(prepared, fit, which)
        for place, s in enumerate(which.tolist()):
            density = Density(likelihood_of(problem, prepared, place, prior, code if shared else None, growth), prior)
            start = _start(fit, prepared, place, s, prior)
            rivals = np.tile(start, (len(others[place]), 1))
            free, typical = others[place][:, : prepared.curve.size], np.full(len(rivals), prepared.typical[place])
            rivals[:, : prepared.curve.size] = prior.sampled(free, typical)
            key = fit.key if fit.keys is None else fit.keys[s]
            found.append(Study(key, prepared, place, density, start, rivals))
    back = np.argsort(np.concatenate(list(problem.studies.parts())))
    return [found[i] for i in back]


def likelihood_of(
    problem: Problem,
    prepared: Prepared,
    place: int,
    prior: Prior,
    code: Int[np.ndarray, " run"] | None = None,
    growth: str | None = None,
) -> Likelihood:
    """The density of the runs of a study.

    **Arguments:**

    - `code`: The run that each row of the table is of, where rows of one share an offset.
    - `growth`: The input with a power of which the scatter grows.
    """
    mine = prepared.studies.rows(place)
    # Rows of one run stand together.
    order = np.arange(len(mine)) if code is None else np.argsort(code[mine], kind="stable")
    data = prepared.data
    point = {name: np.asarray(column)[place, order] for name, column in data.point.items()}
    precision = None if data.precision is None else np.asarray(data.precision)[place, order]
    return Likelihood(
        LawAtRuns(prepared.curve, point, np.asarray(data.constant)[place]),
        np.asarray(data.target)[place, order],
        np.zeros(len(mine)) if precision is None else np.log(precision),
        problem.noise,
        prior,
        0.0 if problem.noise.log else float(np.log(prepared.typical[place])),
        None if growth is None else reach_of(problem, growth)[mine][order],
        None if code is None else np.flatnonzero(np.diff(code[mine][order], prepend=-1)),
    )


def side_by_side(studies: Sequence[Study]) -> Density:
    """The densities of several studies as one of groups."""
    parts = [study.density.likelihood for study in studies]
    first, prior = parts[0], parts[0].prior
    counts = [len(part.target) for part in parts]
    begins = np.cumsum(counts) - counts

    def whole(columns: Iterable[Any]) -> np.ndarray:
        return np.concatenate(list(columns))

    law = LawAtRuns(
        first.law.curve,
        {name: whole(part.law.point[name] for part in parts) for name in first.law.point},
        np.repeat([part.law.constant for part in parts], counts, axis=0),
    )
    likelihood = Likelihood(
        law,
        whole(part.target for part in parts),
        whole(part.log_sharp for part in parts),
        first.noise,
        prior,
        whole(np.broadcast_to(part.unit, part.target.shape) for part in parts),
        None if first.reach is None else whole(part.reach for part in parts),
        None if first.first is None else whole(part.first + begin for part, begin in zip(parts, begins, strict=True)),
        begins,
    )
    return Density(likelihood, prior)


def reach_of(problem: Problem, name: str) -> Float[np.ndarray, " run"]:
    """Logarithm of an input about the geometric middle of its range, where the scatter is `scale`."""
    low, high = problem.source.ranges[name]
    return np.log(problem.inputs[name] / np.sqrt(low * high))


def _start(fit: Fit[Any], prepared: Prepared, place: int, study: int, prior: Prior) -> Float[np.ndarray, " number"]:
    law = fit.law if fit.keys is None else jax.tree.map(lambda a: a[study], fit.law)
    theta = prior.sampled(free_numbers(prepared, law, place)[None], prepared.typical[[place]])[0]
    scatter = np.nan_to_num(np.atleast_1d(fit.scale)[study]) / (1.0 if fit.noise.log else prepared.typical[place])
    # Runs that lie on the law begin with a little.
    return np.array([*theta, np.log(max(scatter, 1e-12)), *(0.0 for _ in prior.extras)])
