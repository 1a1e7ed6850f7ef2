"""What `scalefit fit` does: read, fit, resample, write, print."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import typer

from .._core import RESULTS, InputError, NotConverged
from ..data import Runs, hint
from ..estimate import bootstrap, fit, laplace
from ..results import Ensemble, Fit
from ..specs import law_of, noise_of, runs_of
from ._cache import keep_compiled
from ._clusters import clusters_of
from ._document import document, to_json
from ._pools import named_law, sizes_of
from ._priors import priors_of
from ._progress import progress
from ._quiet import quiet
from ._spec import columns_of, numbers_of, single

LAPLACE_DRAWS = 4000
MOST_WEIGHTS = 2_000_000_000
"""Numbers that the draws of one ensemble may be: one for each run in each draw."""
SAMPLERS = ("auto", "is", "nuts", "svi")


@dataclasses.dataclass(frozen=True)
class Job:
    """The options of `scalefit fit`, as they were given."""

    source: str
    law: str
    columns: tuple[str, ...] = ()
    where: str | None = None
    append: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    target: str | None = None
    size: tuple[str, ...] = ()
    pools: Path | None = None
    plans: Path | None = None
    noise: str | None = None
    fixed: tuple[str, ...] = ()
    bootstrap: int | None = None
    posterior: int | None = None
    sampler: str | None = None
    prior: tuple[str, ...] = ()
    cluster: str | None = None
    level: float = 0.95
    seed: int = 0
    solver: str = "newton"
    starts: int | None = None
    max_steps: int = 300
    out: Path | None = None
    json: bool = False
    cache_dir: str | None = None


def run_fit(job: Job, begun: float) -> None:
    """Do the job and print its result.

    **Arguments:**

    - `job`: The options.
    - `begun`: When the command began, by `time.perf_counter`.

    **Raises:** `InputError` for options or runs that cannot be used, before anything is printed; `NotConverged` after
    the result, marked as such, has been printed; it is not written unless some study of a batch converged.
    """
    replaced = False
    with quiet(job.json), progress(5) as step:
        step("reading")
        fixed = single(numbers_of(job.fixed, "--fixed", "E=1.7"), "--fixed")
        law = law_of(job.law, fixed)
        noise = None if job.noise is None else noise_of(job.noise)
        solver = solver_of(job.solver)
        refuse_contradictions(job)
        priors = priors_of(job.prior)
        read = {"where": job.where, "target": job.target, "append": job.append}
        runs = runs_of(job.source, columns=columns_of(job.columns), **read)
        sizes, _ = sizes_of(job.pools, job.size)
        law, runs = named_law(law, runs, fixed, sizes, job.plans)
        if job.out is not None:
            from ._out import check_folder  # it brings matplotlib

            check_folder(job.out)
        if job.bootstrap is not None:
            check_draws("--bootstrap", job.bootstrap, len(runs))
        if job.posterior is not None:
            check_draws("--posterior", job.posterior, len(runs))
        cluster, _ = clusters_of(runs, job.cluster)
        keep_compiled(job.cache_dir)
        step(f"fitting {type(law).__name__} to {len(runs)} runs")
        fitted = fit(
            law,
            runs,
            noise=noise,
            fixed=tuple(fixed),
            by=by_of(job.by),
            num_starts=job.starts,
            solver=solver,
            seed=job.seed,
            max_steps=job.max_steps,
            throw=False,
        )
        failure = not_converged(fitted)
        result = fitted
        if failure is None:
            step(drawing(job))
            result = with_draws(fitted, runs, job, cluster, priors)
        found = document(result, level=job.level, seconds=time.perf_counter() - begun, by=list(job.by) or None)
        keep = job.out is not None and bool(np.any(fitted.converged))
        if job.out is not None and keep:
            from ._out import write_result

            step("writing results")
            further = pictures(result, runs, job, priors, cluster)
            replaced = write_result(result, runs, found, job.out, by_of(job.by), further, level=job.level)
    if job.json:
        typer.echo(to_json(found))
    else:
        from ._show import console, show_fit

        show_fit(result, job.level, out := console())
        if keep:
            out.print(f"written to {job.out}", soft_wrap=True, markup=False)
    if replaced:
        typer.echo(f"scalefit: the earlier result in {str(job.out)!r} was replaced.", err=True)
    if failure is not None:
        raise NotConverged(failure)


def refuse_contradictions(job: Job) -> None:
    """Say which options ask for what the others do not.

    **Raises:** `InputError` for a bootstrap beside a posterior, an option of either without it, or no known sampler.
    """
    if job.bootstrap is not None and job.posterior is not None:
        raise InputError(
            "--bootstrap and --posterior were both given, and a result has draws of one kind: leave out one."
        )
    if job.cluster is not None and job.bootstrap is None and job.posterior is None:
        raise InputError("--cluster says what a bootstrap draws as one: add --bootstrap 1000, or leave it out.")
    for option, given in (("--sampler", job.sampler), ("--prior", job.prior)):
        if given and job.posterior is None:
            raise InputError(
                f"{option} is of a posterior, and none was asked for: add --posterior 2000, or leave it out."
            )
    if job.sampler is not None and job.sampler.lower() not in SAMPLERS:
        raise InputError(
            f"--sampler {job.sampler!r}: there is no such sampler; {hint(job.sampler, SAMPLERS, what='samplers')}."
        )


def check_draws(option: str, draws: int, runs: int) -> None:
    """Say before the work that so many draws cannot be held.

    **Raises:** `InputError` naming how many can.
    """
    if draws * runs > MOST_WEIGHTS:
        raise InputError(
            f"{option} {draws} of {runs} runs is {draws * runs:.2g} numbers, more than can be held; expected at most "
            f"{MOST_WEIGHTS // runs}. {2000 if option == '--posterior' else 1000} are enough for most intervals."
        )


def drawing(job: Job) -> str:
    """What is done to say how sure a fit is, in words."""
    if job.posterior is not None:
        return f"drawing {job.posterior} from the posterior"
    return "measuring how sure it is" if job.bootstrap is None else f"refitting {job.bootstrap} resamples"


def with_draws(
    fitted: Fit[Any], runs: Runs, job: Job, cluster: Any, priors: Mapping[str, Any]
) -> Fit[Any] | Ensemble[Any]:
    """The fit with draws that say how sure it is: those asked for, else of its curvature where that holds.

    Curvature takes every run for itself, so there is none where rows of one training stand together.
    """
    if job.bootstrap is not None:
        return bootstrap(fitted, num=job.bootstrap, cluster=cluster, seed=job.seed, max_steps=job.max_steps)
    if job.posterior is not None:
        from ..posterior import sample  # it brings samplers

        method: Any = (job.sampler or SAMPLERS[0]).lower()
        return sample(fitted, num=job.posterior, method=method, priors=priors or None, cluster=cluster, seed=job.seed)
    if fitted.keys is not None or np.unique(runs.clusters()).size < len(runs):
        return fitted
    try:
        return laplace(fitted, num=LAPLACE_DRAWS, seed=job.seed)
    except InputError:
        return fitted


def pictures(
    result: Fit[Any] | Ensemble[Any], runs: Runs, job: Job, priors: Mapping[str, Any], cluster: Any
) -> dict[str, bytes]:
    """Pictures that need more than the result: of a posterior, draws of its prior."""
    if not isinstance(result, Ensemble) or job.posterior is None or result.fit.keys is not None:
        return {}
    from ..posterior import prior
    from ._out import prior_picture

    return prior_picture(
        result, prior(result.fit, num=job.posterior, priors=priors or None, cluster=cluster, seed=job.seed)
    )


def not_converged(fitted: Fit[Any]) -> str | None:
    """Why a fit, or a part of a batch, is no optimum; `None` where all is well."""
    codes = np.atleast_1d(fitted.result)
    failed = np.flatnonzero(codes != int(RESULTS.successful))
    if failed.size == 0:
        return None
    reason = RESULTS(int(codes[failed[0]])).message
    if fitted.keys is None:
        return f"The fit of {type(fitted.law).__name__} to {fitted.source.name!r} did not converge. {reason}"
    return f"{failed.size} of {codes.size} fits did not converge, the first {fitted.keys[failed[0]]!r}. {reason}"


def by_of(columns: tuple[str, ...]) -> str | tuple[str, ...] | None:
    """One name by itself, several together."""
    return columns[0] if len(columns) == 1 else columns or None


def solver_of(name: str) -> Any:
    """A solver by its name.

    **Raises:** `InputError` for an unknown name.
    """
    if name == "newton":
        return name
    import optax

    made = {"lbfgs": optax.lbfgs, "adam": lambda: optax.adam(1e-2)}
    if name not in made:
        raise InputError(
            f"--solver {name!r}: there is no such solver; {hint(name, ['newton', *made], what='solvers')}."
        )
    return made[name]()
