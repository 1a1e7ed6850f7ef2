"""`scalefit curate`: read, fit, resample, plan, write, print."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import InputError, Phrase, check_distinct, check_number, listed
from ._config import headed, print_document
from ._fit import check_draws, not_converged
from ._options import (
    BY_POOL,
    LEVEL,
    Allow,
    AnyLaw,
    Bootstrap,
    Budget,
    CacheDir,
    Cluster,
    Columns,
    Fixed,
    Json,
    Level,
    MaxPasses,
    Noise,
    Out,
    PerRun,
    PlansFile,
    PoolsFile,
    Seed,
    Sizes,
    Target,
    Where,
)

PUBLISHED = "data:qqt"
RULES = ("weighted", "own")
"""Rules of half-lives in mixtures (see `AbstractPools`): neither is known to hold, and both are shown."""
PLAN_FILE = "curation.json"


def curate(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUNS|DIR",
            help="A table of runs that says of each which pool (or plan) it was trained on, a folder written by "
            "`scalefit fit --out`, or data:NAME; data:qqt holds fitted pools.",
        ),
    ],
    budget: Budget,
    law: AnyLaw = None,
    half_life: Annotated[
        str,
        typer.Option(
            metavar="auto|weighted|own|G",
            help="How the half-life of a pool in a mixture follows from its own: over its weight, as it is, or over "
            "the weight to the power G; auto fits that power where runs are on mixtures, and else shows both.",
        ),
    ] = "auto",
    floor: Annotated[
        str, typer.Option(metavar="outside|released", help="Whether the floor d decays too, as in the released code.")
    ] = "outside",
    columns: Columns = None,
    where: Where = None,
    target: Target = None,
    per_run: PerRun = None,
    metric: Annotated[
        str, typer.Option(metavar="auto|error|accuracy|loss", help="What it is; accuracy becomes an error.")
    ] = "auto",
    pools: PoolsFile = None,
    sizes: Sizes = None,
    plans: PlansFile = None,
    unlimited: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,…", help="Pools or plans of which every sample was fresh, none seen twice."),
    ] = None,
    noise: Noise = None,
    held: Fixed = None,
    bootstrap: Bootstrap = None,
    cluster: Cluster = None,
    max_passes: MaxPasses = None,
    min_weight: Annotated[
        list[str] | None, typer.Option(metavar=BY_POOL, help="Least share of the budget, as 0.05 or A=0.2.")
    ] = None,
    max_weight: Annotated[
        list[str] | None, typer.Option(metavar=BY_POOL, help="Largest share of the budget, as 0.5 or A=0.")
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option("--fixed-weight", metavar=BY_POOL, help="Shares of the budget that are settled, as A=0.2."),
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(
            "--sample-cost",
            metavar=BY_POOL,
            help="Cost of a sample; budgets are in its unit then. 1 unless given here or by --pools.",
        ),
    ] = None,
    level: Level = None,
    seed: Seed = 0,
    allow: Allow = None,
    out: Out = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say which pools of data to train on at each budget, in what shares and how often, and how sure that is."""
    level = level or LEVEL
    begun = time.perf_counter()
    import numpy as np

    from .._core import cache
    from ..specs import noise_of, with_fixed
    from ._checks import Checks
    from ._document import to_json
    from ._pools import named_runs, options_of, pools_law, pools_of, sizes_of
    from ._show_curation import Planned, curation_document
    from ._terminal import progress, quiet
    from ._words import by_pool, clusters_of, every, read_source, several, single_numbers_of

    of_runs = {
        "columns": columns, "where": where, "target": target, "per_run": per_run, "metric": metric != "auto",
        "pools": pools, "plans": plans, "unlimited": unlimited, "noise": noise, "bootstrap": bootstrap is not None,
        "cluster": cluster,
    }  # fmt: skip
    of_fit = {"held": held, "half_life": half_life != "auto", "floor": floor != "outside"}
    replaced, clusters, notes, checks = False, None, [], Checks(allow)
    with quiet(json, checks), progress(5) as step:
        step("reading")
        cls = pools_law(law or "qqt")
        budgets = np.array(several(budget, "budget", "32M"))
        for one in budgets:
            check_number("budget", one, above=0.0, example="32M")
        check_distinct("budget", budgets)
        options = options_of(cls, half_life, floor)
        numbers = single_numbers_of(held, "held", "d=0.1")
        settled = by_pool(fixed, "fixed", alone=False)
        most = by_pool(max_passes, "max_passes", above=0.0, endless=True)
        prices = by_pool(cost, "cost", above=0.0)
        limits: dict[str, Any] = {
            "min_weight": by_pool(min_weight, "min_weight"),
            "max_weight": by_pool(max_weight, "max_weight"),
            "fixed": settled,
        }
        if out is not None:
            from ._out import check_folder  # it brings matplotlib

            check_folder(Path(out), ours=(PLAN_FILE, "frontier.png"))
        if source == PUBLISHED:
            _refuse(of_runs, f"{source} holds fitted parameters and no runs")
            result, there = published(law, cls, options, numbers, sizes)
            name, notes = "qqt", ["planned from published parameters: nothing says how sure they are"]
        elif Path(source).is_dir():
            _refuse(of_runs | of_fit, f"{source} is a result that was fitted already")
            result, there, known = saved(Path(source), law, cls, sizes)
            name, notes = known.name, list(known.notes)
            checks.of_saved(result, source, plans=True)
        else:
            the_noise = None if noise is None else noise_of(noise)
            said, further = sizes_of(pools, sizes)
            runs = read_source(source, columns, where, target, per_run=per_run)
            ready = any(name.startswith("w[") for name in runs.inputs)
            runs = named_runs(runs, said, plans, unlimited or (), metric)
            name, num = runs.name, 100 if bootstrap is None else bootstrap
            if half_life.lower() == "auto" and cls is sf.laws.PoolsQQT and holds_mixtures(runs):
                cls = sf.laws.PoolsMixed
            there, unseen = pools_of(runs, None if ready and said is None else said, further)
            of = cls.of(there.names, **options)
            of = with_fixed(of, numbers, "held") if numbers else of
            check_draws("bootstrap", num, len(runs))
            together, clusters = clusters_of(runs, cluster)
            cache(cache_dir)
            step(f"fitting {type(of).__name__} to {len(runs)} runs")
            result = sf.fit(of, runs, noise=the_noise, fixed=tuple(numbers), seed=seed, throw=False)
            failure = not_converged(result)
            if failure is not None:
                raise sf.NotConverged(failure)
            refuse_unidentified(result)
            checks.of(result)
            notes = [*result.source.notes]
            if unseen:
                notes.append(f"no run drew from {listed(unseen)}: nothing is known of them and they are left out")
            if num > 0:
                step(f"refitting {num} resamples")
                result = sf.bootstrap(result, num=num, cluster=together, seed=seed)
            else:
                clusters = None
        cache(cache_dir)
        step(f"planning {len(budgets)} budgets")
        column = lambda field: dict(zip(there.names, getattr(there, field).tolist(), strict=True))  # noqa: E731
        there = sf.Pools(
            column("sizes"),
            cost=every(prices, column("cost"), "cost"),
            max_passes=every(most, column("max_passes"), "max_passes"),
        )
        count = max(2, np.size(result.objective)) if isinstance(result, sf.Ensemble) else 2  # all draws
        found = sf.curate(result, there, budget=budgets, seed=seed, num_draws=count, **limits)
        others = other_rules(result, there, budgets, seed=seed, **limits)
        planned = Planned(found, result, name, clusters, tuple(notes), others)
        document = curation_document(planned, level=level, seconds=time.perf_counter() - begun)
        document = headed(document | {"checks": checks.document()})
        if out is not None:
            step("writing results")
            from ._out import frontier_picture, write_plan

            files = {PLAN_FILE: (to_json(document) + "\n").encode(), **frontier_picture(found, result)}
            replaced = write_plan(result, files, Path(out))
    if json:
        print_document(document)
    else:
        from ._show import console
        from ._show_curation import show_curation

        show_curation(planned, document, page := console())
        checks.show(page)
        if out is not None:
            page.print(f"written to {out}", soft_wrap=True)
    if replaced:
        typer.echo(f"scalefit: the earlier result in {out!r} was replaced.", err=True)


def published(
    name: str | None, cls: type[Any], options: dict[str, Any], held: dict[str, float], sizes: list[str] | None
) -> tuple[Any, sf.Pools]:
    """The four disjoint pools whose fitted parameters were published.

    **Raises:** `InputError` for another law than the two that were fitted.
    """
    from ..data import PoolParameters, load_data
    from ..specs import with_fixed
    from ._pools import sizes_of
    from ._words import every

    found = load_data("qqt")
    assert isinstance(found, PoolParameters)
    forms = {sf.laws.PoolsQQT: found.utility, sf.laws.PoolsEffective: found.effective}
    if cls not in forms:
        raise InputError("law", name, f"qqt or effective, whose parameters {PUBLISHED} holds")
    # The first four are disjoint parts of one ranking, each of 12.8M samples; the last overlaps.
    form, names = forms[cls], found.names[:4]
    law = cls(d=form["d"], a=form["a"], b=form["b"][:4], tau=form["tau"][:4], pool=names, **options)
    law = with_fixed(law, held, "held") if held else law
    return law, sf.Pools(every(sizes_of(None, sizes)[0], dict.fromkeys(names, 12.8e6), "sizes"))


def saved(folder: Path, name: str | None, cls: type[Any], sizes: list[str] | None) -> tuple[Any, sf.Pools, Any]:
    """A result that `scalefit fit --out` or `scalefit curate --out` wrote, its pools, and its source.

    **Raises:** `InputError` where it is of no law of pools, or does not say how large they are.
    """
    import numpy as np

    from ..data import UNLIMITED
    from ._pools import is_of_pools, sizes_of
    from ._words import every

    where, result = str(folder), sf.load(folder, law=cls if ".py" in (name or "").lower() else None)
    found = result if isinstance(result, sf.Fit) else result.fit
    if not is_of_pools(found.law):
        raise InputError(
            "source", Phrase(f"is {where!r}, a result of {type(found.law).__name__}"), "one of a law of pools",
            "fit one, as `scalefit fit --law pools-qqt`",
        )  # fmt: skip
    if found.keys is not None or not found.converged:
        raise InputError("source", where, "one single fit that converged")
    if name is not None and type(found.law) is not cls:
        raise InputError(
            "law", Phrase(f"{name} is {cls.__name__}, and {where!r} holds a fit of {type(found.law).__name__}"),
            remedy="leave it out, or give the runs",
        )  # fmt: skip
    known = every(sizes_of(None, sizes)[0], dict.fromkeys(found.law.pool, np.nan), "sizes")
    for pool, size in known.items():
        low, high = found.source.ranges.get(f"U[{pool}]", (UNLIMITED, UNLIMITED))
        if np.isnan(size) and (low >= UNLIMITED or (low != high and high < UNLIMITED)):
            raise InputError("source", Phrase(f"is {where!r}, which does not say how large pool {pool!r} is"),
                             remedy=f"give --pool-size {pool}=1M")  # fmt: skip
        known[pool] = low if np.isnan(size) else size
    return result, sf.Pools(known), found.source


def other_rules(result: Any, pools: sf.Pools, budgets: Any, **options: Any) -> dict[str, sf.Curation] | None:
    """The plans under the other rules of how half-lives go with weights; `None` where they are unknown.

    Runs on single pools say nothing of the rule, and the fit is the same under each. Where runs on mixtures were fitted
    it is not, and would have to be made anew.

    **Warns:** as `curate` does, naming the rule.
    """
    import numpy as np

    from ..laws import gathered
    from ._pools import law_in

    law, fitted = law_in(result), getattr(result, "fit", result)
    if isinstance(fitted, sf.Fit):
        w = gathered(law, fitted.problem.inputs)["w"]
        if np.any((w > 0.0) & (w < 1.0)):
            return None
    found = {}
    if isinstance(law, sf.laws.PoolsMixed):
        return None
    for rule in [rule for rule in RULES if rule != law.half_life]:
        with warnings.catch_warnings(record=True) as said:
            found[rule] = sf.curate(dataclasses.replace(law, half_life=rule), pools, budget=budgets, **options)
        for one in said:
            found_ = getattr(one.message, "finding", None)
            begin = f"With --half-life {rule}: "
            words = f"{begin}{one.message}" if found_ is None else found_._replace(says=begin + found_.says)
            warnings.warn(one.category(words), stacklevel=2)
    return found


def holds_mixtures(runs: sf.Runs) -> bool:
    """Whether any run drew from more than one pool."""
    import numpy as np

    shares = [np.asarray(column) for name, column in runs.inputs.items() if name.startswith("w[")]
    return any(bool(np.any((w > 0.0) & (w < 1.0))) for w in shares)


def refuse_unidentified(result: sf.Fit[Any]) -> None:
    """Raise where no run determines a parameter, before a plan is made of it.

    **Raises:** `InputError` naming it.
    """
    import numpy as np

    from ..params import slots, values

    numbers = values(result.law)
    unknown = [slot.name for slot, value in zip(slots(result.law), numbers, strict=True) if not np.isfinite(value)]
    if unknown:
        raise InputError(
            ", ".join(unknown), Phrase("is said by no run, so that nothing can be planned"),
            remedy="add runs that see the pool more than once, hold it with "
            f"--fixed {unknown[0]}=NUMBER, or leave the pool out with --where",
        )  # fmt: skip


def _refuse(given: Mapping[str, Any], why: str) -> None:
    """Raise for options of runs where there are none."""
    for argument, one in given.items():
        if one:
            raise InputError(argument, Phrase(f"goes with runs, and {why}"), remedy="leave it out")
