"""What `scalefit curate` does: read, fit, resample, plan, write, print."""

import dataclasses
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import typer

from .._core import InputError, NotConverged
from ..data import UNLIMITED, PoolParameters, Pools, listed, load_data, parse_number
from ..estimate import bootstrap, fit
from ..laws import AbstractPools, PoolsEffective, PoolsQQT
from ..params import slots, values
from ..plan import Curation, curate
from ..results import Ensemble, Fit, load
from ..specs import PREFIX, noise_of, runs_of, with_fixed
from ._cache import keep_compiled
from ._clusters import clusters_of
from ._document import to_json
from ._job import check_draws, not_converged
from ._plan_document import law_in, plan_document
from ._pools import by_pool, drawn_from, every, named_runs, options_of, pools_law, sizes_of
from ._progress import progress
from ._quiet import quiet
from ._spec import columns_of, numbers_of, single

LAW, DRAWS = "qqt", 100
"""The law, and resamples, unless asked for otherwise."""
RULES = ("weighted", "own")
"""How half-lives may go with weights (see `AbstractPools`): neither is known to hold, and both are shown."""
TMARS, TMARS_SIZE = 4, 12.8e6
"""Of the published pools the first are disjoint parts of one ranking, each of so many samples; the last overlaps."""
PLAN_FILE = "curation.json"


@dataclasses.dataclass(frozen=True)
class PlanJob:
    """The options of `scalefit curate`, as they were given."""

    source: str
    budgets: str
    law: str | None = None
    half_life: str = "weighted"
    floor: str = "outside"
    columns: tuple[str, ...] = ()
    where: str | None = None
    target: str | None = None
    metric: str = "auto"
    pools: Path | None = None
    size: tuple[str, ...] = ()
    plans: Path | None = None
    unlimited: tuple[str, ...] = ()
    noise: str | None = None
    fixed: tuple[str, ...] = ()
    bootstrap: int | None = None
    cluster: str | None = None
    max_passes: tuple[str, ...] = ()
    min_weight: tuple[str, ...] = ()
    max_weight: tuple[str, ...] = ()
    fixed_weight: tuple[str, ...] = ()
    cost: tuple[str, ...] = ()
    level: float = 0.95
    seed: int = 0
    out: Path | None = None
    json: bool = False
    cache_dir: str | None = None


class Planned(NamedTuple):
    """A plan, what it was made from, what there is to say of that, and the plans under `other_rules`."""

    curation: Curation
    result: Fit[Any] | Ensemble[Any] | AbstractPools
    name: str
    clusters: str | None
    notes: tuple[str, ...]
    others: Mapping[str, Curation] | None


class Asked(NamedTuple):
    """Options that were read before anything else, so that a slip of the pen costs no time."""

    budgets: np.ndarray
    law: type[AbstractPools]
    options: dict[str, Any]
    fixed: dict[str, float]
    max_passes: dict[str, float] | float | None
    cost: dict[str, float] | float | None
    limits: dict[str, Any]


def run_curate(job: PlanJob, begun: float) -> None:
    """Do the job and print its result.

    **Arguments:**

    - `job`: The options.
    - `begun`: When the command began, by `time.perf_counter`.

    **Raises:** `InputError` for options or runs that cannot be used, and `NotConverged` where the law could not be
    fitted, both before anything is printed or written.
    """
    with quiet(job.json), progress(5) as step:
        step("reading")
        asked = read_options(job)
        if job.out is not None:
            from ._out import check_folder  # it brings matplotlib

            check_folder(job.out, ours=(PLAN_FILE, "frontier.png"))
        if job.source == f"{PREFIX}qqt":
            result, pools, name, clusters, notes = published(job, asked)
        elif Path(job.source).is_dir():
            result, pools, name, clusters, notes = saved(job, asked)
        else:
            result, pools, name, clusters, notes = fitted(job, asked, step)
        keep_compiled(job.cache_dir)
        step(f"planning {len(asked.budgets)} budgets")
        pools = Pools(
            _said_of(pools, "sizes"),
            cost=every(asked.cost, _said_of(pools, "cost"), "--cost"),
            max_passes=every(asked.max_passes, _said_of(pools, "max_passes"), "--max-passes"),
        )
        found = curate(result, pools, budget=asked.budgets, seed=job.seed, num_draws=_draws(result), **asked.limits)
        others = other_rules(result, pools, asked.budgets, seed=job.seed, **asked.limits)
        planned = Planned(found, result, name, clusters, notes, others)
        seconds = time.perf_counter() - begun
        document = plan_document(planned, level=job.level, seconds=seconds)
        replaced = False
        if job.out is not None:
            step("writing results")
            from ._out import frontier_picture, write_plan

            files = {PLAN_FILE: (to_json(document) + "\n").encode(), **frontier_picture(found, result)}
            replaced = write_plan(result, files, job.out)
    if job.json:
        typer.echo(to_json(document))
    else:
        from ._show import console
        from ._show_plan import show_plan

        show_plan(planned, document, out := console())
        if job.out is not None:
            out.print(f"written to {job.out}", soft_wrap=True, markup=False)
    if replaced:
        typer.echo(f"scalefit: the earlier result in {str(job.out)!r} was replaced.", err=True)


def read_options(job: PlanJob) -> Asked:
    """Everything that can be said to be wrong without a look at the source.

    **Raises:** `InputError`.
    """
    cls = pools_law(job.law or LAW)
    if job.bootstrap == 1:
        raise InputError("--bootstrap is 1, and one resample says nothing; expected 2 or more, or 0 for no intervals.")
    settled = by_pool(job.fixed_weight, "--fixed-weight", alone=False)
    return Asked(
        budgets_of(job.budgets),
        cls,
        options_of(cls, job.half_life, job.floor),
        single(numbers_of(job.fixed, "--fixed", "d=0.1"), "--fixed"),
        by_pool(job.max_passes, "--max-passes", above=0.0, endless=True),
        by_pool(job.cost, "--cost", above=0.0),
        {
            "min_weight": by_pool(job.min_weight, "--min-weight"),
            "max_weight": by_pool(job.max_weight, "--max-weight"),
            "fixed": settled,
        },
    )


def budgets_of(given: str) -> np.ndarray:
    """Budgets from `32M,128M,3e9`.

    **Raises:** `InputError` for what is no number above 0, or given twice.
    """
    found = []
    for piece in given.split(","):
        number = parse_number(piece)
        if number is None or not np.isfinite(number) or number <= 0:
            raise InputError(f"--budgets {piece.strip()!r}: expected numbers of samples above 0, as in 32M,128M,3e9.")
        if number in found:
            raise InputError(f"--budgets gives {piece.strip()!r} twice; give it once.")
        found.append(number)
    return np.array(found)


def published(job: PlanJob, asked: Asked) -> tuple[AbstractPools, Pools, str, None, tuple[str, ...]]:
    """The four disjoint pools whose fitted parameters were published.

    **Raises:** `InputError` for another law than the two that were fitted, and for options that ask for runs.
    """
    _refuse_of_runs(job, "holds fitted parameters and no runs")
    found = load_data("qqt")
    assert isinstance(found, PoolParameters)
    forms = {PoolsQQT: found.utility, PoolsEffective: found.effective}
    if asked.law not in forms:
        raise InputError(
            f"{job.source} holds parameters of the laws qqt and effective; --law {job.law} has none there."
        )
    form, names = forms[asked.law], found.names[:TMARS]
    sizes, _ = sizes_of(None, job.size)
    law = asked.law(d=form["d"], a=form["a"], b=form["b"][:TMARS], tau=form["tau"][:TMARS], pool=names, **asked.options)  # pyright: ignore[reportCallIssue]
    law = with_fixed(law, asked.fixed) if asked.fixed else law
    pools = Pools(every(sizes, dict.fromkeys(names, TMARS_SIZE), "--size"))
    return law, pools, "qqt", None, ("planned from published parameters: nothing says how sure they are",)


def saved(job: PlanJob, asked: Asked) -> tuple[Fit[Any] | Ensemble[Any], Pools, str, None, tuple[str, ...]]:
    """A result that `scalefit fit --out` or `scalefit curate --out` wrote.

    **Raises:** `InputError` where it is of no law of pools, or for options that ask for runs.
    """
    _refuse_of_runs(job, "is a result that was fitted already", "fixed", "half_life", "floor")
    result = load(job.source, law=asked.law if ".py" in (job.law or "").lower() else None)
    found = result if isinstance(result, Fit) else result.fit
    if not isinstance(found.law, AbstractPools):
        raise InputError(
            f"{job.source!r} is a result of {type(found.law).__name__}, which is no law of pools: fit one, as "
            f"scalefit fit --law pools-qqt."
        )
    if found.keys is not None or not found.converged:
        raise InputError(f"{job.source!r} holds no single fit that converged: there is nothing to plan with.")
    if job.law is not None and type(found.law) is not asked.law:
        raise InputError(
            f"--law {job.law} is {asked.law.__name__}, and {job.source!r} holds a fit of {type(found.law).__name__}: "
            f"leave --law out, or give the runs."
        )
    sizes = every(sizes_of(None, job.size)[0], dict.fromkeys(found.law.pool, np.nan), "--size")
    for name, size in sizes.items():
        low, high = found.source.ranges.get(f"U[{name}]", (UNLIMITED, UNLIMITED))
        if np.isnan(size) and (low >= UNLIMITED or (low != high and high < UNLIMITED)):
            raise InputError(f"{job.source!r} does not say how large pool {name!r} is: give --size {name}=1M.")
        sizes[name] = low if np.isnan(size) else size
    return result, Pools(sizes), found.source.name, None, tuple(found.source.notes)


def fitted(
    job: PlanJob, asked: Asked, step: Any
) -> tuple[Fit[Any] | Ensemble[Any], Pools, str, str | None, tuple[str, ...]]:
    """The law fitted to runs, with resamples unless they are not wanted.

    **Raises:** `InputError` for runs that cannot be used; `NotConverged` where there is no optimum.
    """
    noise = None if job.noise is None else noise_of(job.noise)
    sizes, further = sizes_of(job.pools, job.size)
    runs = runs_of(job.source, columns=columns_of(job.columns), where=job.where, target=job.target)
    ready = any(name.startswith("w[") for name in runs.inputs)
    runs = named_runs(runs, sizes, job.plans, job.unlimited, job.metric)
    names = drawn_from(runs)
    notes = []
    if sizes is None or ready:
        known = Pools.of(runs) if sizes is None else Pools(sizes)
        sizes = dict(zip(known.names, known.sizes.tolist(), strict=True))
    unseen = [name for name in sizes if name not in names]
    if unseen:
        notes.append(f"no run drew from {listed(unseen)}: nothing is known of them and they are left out")
    if len(names) < 2:
        raise InputError(f"The runs of {runs.name!r} drew from {listed(names)} only: a plan needs two pools or more.")
    lacking = [name for name in names if name not in sizes]
    if lacking:
        raise InputError(f"--size and --pools do not say how large pool {lacking[0]!r} is; add it, as {lacking[0]}=1M.")
    cost, max_passes = further.get("cost", {}), further.get("max_passes", {})
    pools = Pools(
        {name: sizes[name] for name in names},
        cost={name: cost.get(name, 1.0) for name in names},
        max_passes={name: max_passes.get(name, np.inf) for name in names},
    )
    law = asked.law.of(names, **asked.options)
    law = with_fixed(law, asked.fixed) if asked.fixed else law
    num = DRAWS if job.bootstrap is None else job.bootstrap
    check_draws("--bootstrap", num, len(runs))
    by, why = clusters_of(runs, job.cluster)
    keep_compiled(job.cache_dir)
    step(f"fitting {type(law).__name__} to {len(runs)} runs")
    result = fit(law, runs, noise=noise, fixed=tuple(asked.fixed), seed=job.seed, throw=False)
    failure = not_converged(result)
    if failure is not None:
        raise NotConverged(failure)
    refuse_unknown(result)
    notes = (*result.source.notes, *notes)
    if num == 0:
        return result, pools, runs.name, None, notes
    step(f"refitting {num} resamples")
    return bootstrap(result, num=num, cluster=by, seed=job.seed), pools, runs.name, why, notes


def other_rules(result: Any, pools: Pools, budgets: np.ndarray, **options: Any) -> dict[str, Curation] | None:
    """The plans under the other rules of how half-lives go with weights; `None` where they are unknown.

    Runs on single pools say nothing of the rule, and the fit is the same under each. Where runs on mixtures were fitted
    it is not, and would have to be made anew.

    **Warns:** as `curate` does, naming the rule.
    """
    law = law_in(result)
    if law.mixed and not isinstance(result, AbstractPools):
        return None
    found = {}
    for rule in [rule for rule in RULES if rule != law.half_life]:
        with warnings.catch_warnings(record=True) as said:
            found[rule] = curate(dataclasses.replace(law, half_life=rule), pools, budget=budgets, **options)
        for one in said:
            warnings.warn(f"With --half-life {rule}: {one.message}", one.category, stacklevel=2)
    return found


def refuse_unknown(result: Fit[Any]) -> None:
    """Say which parameter no run determines, before a plan is made of it.

    **Raises:** `InputError` naming it.
    """
    numbers = values(result.law)
    unknown = [slot.name for slot, value in zip(slots(result.law), numbers, strict=True) if not np.isfinite(value)]
    if unknown:
        raise InputError(
            f"No run says what {', '.join(unknown)} is, so nothing can be planned: add runs that see the pool more "
            f"than once, hold it with --fixed {unknown[0]}=NUMBER, or leave the pool out with --where."
        )


def _refuse_of_runs(job: PlanJob, why: str, *further: str) -> None:
    usual = PlanJob(job.source, job.budgets)
    names = ("columns", "where", "target", "metric", "pools", "plans", "unlimited", "noise", "bootstrap", "cluster")
    for name in (*names, *further):
        if getattr(job, name) != getattr(usual, name):
            raise InputError(f"--{name.replace('_', '-')} goes with runs, and {job.source} {why}: leave it out.")


def _draws(result: Any) -> int:
    """How many draws to plan for: all of them."""
    return max(2, np.size(result.objective)) if isinstance(result, Ensemble) else 2


def _said_of(pools: Pools, field: str) -> dict[str, float]:
    """The numbers of a field by pool."""
    return dict(zip(pools.names, getattr(pools, field).tolist(), strict=True))
