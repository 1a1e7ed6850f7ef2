"""`scalefit fit`: read, fit, draw, write, print."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import InputError, LeftOutWarning, Phrase, check_choice
from ._config import headed, print_document
from ._options import (
    LEVEL,
    Allow,
    Append,
    Bootstrap,
    CacheDir,
    Cluster,
    Columns,
    Fixed,
    Json,
    Law,
    Level,
    MaxSteps,
    Noise,
    Out,
    PerRun,
    PlansFile,
    PoolsFile,
    Seed,
    Sizes,
    Source,
    Target,
    Where,
)

MOST_WEIGHTS = 2_000_000_000
"""Numbers that the draws of one ensemble may be: one for each run in each draw."""
AUTO = "auto"
"""The word for whichever law would have foreseen the larger runs best."""
SAMPLERS = ("auto", "is", "nuts", "svi")


def fit(
    source: Source,
    law: Law,
    columns: Columns = None,
    where: Where = None,
    append: Append = None,
    per_run: PerRun = None,
    by: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Fit each value of this column by itself, as one batch.")
    ] = None,
    target: Target = None,
    sizes: Sizes = None,
    pools: PoolsFile = None,
    plans: PlansFile = None,
    noise: Noise = None,
    fixed: Fixed = None,
    allow: Allow = None,
    bootstrap: Bootstrap = None,
    posterior: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Draw N from the posterior of the parameters instead. Runs then scatter as --noise says, Huber with "
            "its proper density (a normal centre, exponential tails).",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--sampler",
            metavar="auto|is|nuts|svi",
            help="How the posterior is drawn: importance sampling, the No-U-Turn sampler, a variational "
            "approximation; auto takes the first whose diagnosis is good.",
        ),
    ] = None,
    priors: Annotated[
        list[str] | None,
        typer.Option(
            "--prior",
            metavar="NAME=DISTRIBUTION(…)",
            help="Prior of a parameter for --posterior, by NumPyro's name, as 'alpha=Normal(0.35, 0.1)'; scale is "
            "the scatter of the runs, training what rows of one training share, as a multiple of it. Weak ones unless "
            "given; may be repeated.",
        ),
    ] = None,
    cluster: Cluster = None,
    level: Level = None,
    seed: Seed = 0,
    solver: Annotated[str, typer.Option(metavar="SOLVER", help="newton, or lbfgs or adam of Optax.")] = "newton",
    num_starts: Annotated[int | None, typer.Option("--starts", min=1, metavar="N", help="Starts to polish.")] = None,
    max_steps: MaxSteps = 3000,
    out: Out = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Fit a law to runs; print its parameters, how sure they are, and what was done to get them."""
    level = level or LEVEL
    begun = time.perf_counter()
    import numpy as np

    from .._core import cache
    from ..specs import law_of, noise_of
    from ..validate import refuse_grave
    from ._checks import Checks
    from ._document import document
    from ._pools import named_law, sizes_of
    from ._terminal import progress, quiet
    from ._words import by_of, clusters_of, priors_of, read_source, single_numbers_of

    replaced, checks = False, Checks(allow)
    with quiet(json, checks), progress(5) as step:
        warnings.simplefilter("ignore", LeftOutWarning)  # the result says so
        step("reading")
        held = single_numbers_of(fixed, "fixed", "E=1.7")
        auto = law.lower() == AUTO
        if auto and (held or by):
            given = "fixed" if held else "by"
            raise InputError(given, Phrase("is of one law, and auto tries several"), remedy="name the law")
        the_law = None if auto else law_of(law, held)
        the_noise = None if noise is None else noise_of(noise)
        the_solver = solver_of(solver)
        _refuse_contradictions(bootstrap, posterior, cluster=cluster, method=method, priors=priors)
        said = priors_of(priors)
        runs = read_source(source, columns, where, target, append, per_run)
        refuse_grave(runs, the_law, allow or ())
        ranked = None
        if the_law is None:
            step("trying laws")
            the_law, ranked = _best(runs, the_noise)
        the_law, runs = named_law(the_law, runs, held, sizes_of(pools, sizes)[0], plans)
        if out is not None:
            from ._out import check_folder  # it brings matplotlib

            check_folder(Path(out))
        for argument, num in (("bootstrap", bootstrap), ("posterior", posterior)):
            check_draws(argument, num or 0, len(runs))
        together, _ = clusters_of(runs, cluster)
        cache(cache_dir)
        step(f"fitting {type(the_law).__name__} to {len(runs)} runs")
        result = fitted = sf.fit(
            the_law, runs, noise=the_noise, fixed=tuple(held), by=by_of(by), num_starts=num_starts, solver=the_solver,
            seed=seed, max_steps=max_steps, throw=False,
        )  # fmt: skip
        failure = not_converged(fitted)
        drawing: dict[str, Any] = {"cluster": together, "seed": seed}
        if failure is not None or not np.any(fitted.converged):
            pass
        elif bootstrap:
            step(f"refitting {bootstrap} resamples")
            result = sf.bootstrap(fitted, num=bootstrap, max_steps=max_steps, **drawing)
        elif posterior is not None:
            step(f"drawing {posterior} from the posterior")
            drawing |= {"num": posterior, "priors": said or None}
            sampler: Any = (method or SAMPLERS[0]).lower()
            result = sf.posterior.sample(fitted, method=sampler, **drawing)
        checks.of(result)
        found = document(result, level=level, seconds=time.perf_counter() - begun, checks=checks.document())
        if ranked is not None:
            found["compared"] = ranked
        found = headed(found)
        keep = out is not None and bool(np.any(fitted.reached))
        if out is not None and keep:
            from ._out import prior_picture, write_result

            step("writing results")
            further = {}
            if posterior is not None and fitted.keys is None and isinstance(result, sf.Ensemble):
                further = prior_picture(result, sf.prior(fitted, **drawing))
            replaced = write_result(result, found, Path(out), further, level=level)
    if json:
        print_document(found)
    else:
        from ._show import console, show_fit

        page = console()
        if ranked is not None:
            _show_ranked(ranked, page)
        show_fit(found, fitted, page)
        if keep:
            page.print(f"written to {out}", soft_wrap=True)
    if replaced:
        typer.echo(f"scalefit: the earlier result in {out!r} was replaced.", err=True)
    if failure is not None:
        raise sf.NotConverged(failure)


def _best(runs: sf.Runs, noise: Any) -> tuple[Any, list[dict[str, Any]]]:
    """The law that would have foreseen the larger runs best, of those that can use them, and how all of them did."""
    from ..specs import candidates

    laws, runs = candidates(runs)
    if len(laws) == 1:
        return next(iter(laws.values())), []
    compared = sf.compare(laws, runs, noise=noise)
    fields = ("error", "behind", "behind_se", "best", "aic", "bic", "within")
    ranked = [{"law": one.name, **{name: getattr(one, name) for name in fields}} for one in compared.laws]
    return laws[compared.laws[0].name], ranked


def _show_ranked(ranked: list[dict[str, Any]], out: Any) -> None:
    """Print how the laws did that were tried."""
    import numpy as np

    from ._show import table
    from ._terminal import number

    def per_cent(value: float) -> str:
        return f"{100 * value:.2f}" if np.isfinite(value) else "–"

    headers = ("law tried", "missed by %", "behind %", "±", "best in %", "AIC", "scatter")
    rows = [
        [one["law"], per_cent(one["error"]), per_cent(one["behind"]), per_cent(one["behind_se"]),
         per_cent(one["best"]).partition(".")[0], number(one["aic"], 5), number(one["within"], 3)]
        for one in ranked
    ]  # fmt: skip
    if ranked:
        out.print(table(headers, rows, right=headers[1:]))
        if not any(np.isfinite(one["error"]) for one in ranked):
            out.print("No larger run could be foreseen from smaller ones: by AIC.")
        out.print()


def _refuse_contradictions(bootstrap: int | None, posterior: int | None, **of_draws: Any) -> None:
    """Raise for options that ask for what the others do not.

    **Raises:** `InputError` for a bootstrap beside a posterior, an option of either without it, or no known sampler.
    """
    if bootstrap and posterior is not None:
        raise InputError("bootstrap", Phrase("and `posterior` were both given"), "draws of one kind", "leave out one")
    if of_draws["cluster"] is not None and not bootstrap and posterior is None:
        raise InputError("cluster", Phrase("says what a bootstrap draws as one, and none was asked for"),
                         remedy="add `bootstrap=1000`, or leave it out")  # fmt: skip
    for argument in ("method", "priors"):
        if of_draws[argument] and posterior is None:
            raise InputError(argument, Phrase("is of a posterior, and none was asked for"),
                             remedy="add `posterior=2000`, or leave it out")  # fmt: skip
    if of_draws["method"] is not None:
        check_choice("method", of_draws["method"].lower(), SAMPLERS)


def check_draws(argument: str, draws: int, runs: int) -> None:
    """Raise before the work for more draws than can be held.

    **Raises:** `InputError` naming how many can.
    """
    if draws * runs > MOST_WEIGHTS:
        expected = f"at most {MOST_WEIGHTS // runs} for {runs} runs, as more cannot be held"
        enough = 2000 if argument == "posterior" else 1000
        raise InputError(argument, draws, expected, f"{enough} are enough for most intervals")


def not_converged(fitted: sf.Fit[Any]) -> str | None:
    """The reason why a fit, or a part of a batch, is no optimum; `None` where all is well."""
    import numpy as np

    codes = np.atleast_1d(fitted.result)
    failed = np.flatnonzero(~np.atleast_1d(fitted.reached))
    if failed.size == 0:
        return None
    reason = sf.RESULTS(int(codes[failed[0]])).message
    if fitted.keys is None:
        return f"The fit of {type(fitted.law).__name__} to {fitted.source.name!r} did not converge. {reason}"
    return f"{failed.size} of {codes.size} fits did not converge, the first {fitted.keys[failed[0]]!r}. {reason}"


def solver_of(name: str) -> Any:
    """A solver by its name.

    **Raises:** `InputError` for an unknown name.
    """
    if check_choice("solver", name, ("newton", "lbfgs", "adam")) == "newton":
        return name
    import optax

    return {"lbfgs": optax.lbfgs, "adam": lambda: optax.adam(1e-2)}[name]()
