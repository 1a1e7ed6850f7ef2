"""`scalefit mix`: read weights and metrics, fit by target, optimise within limits, say how sure that is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import InputError, Phrase, check_choice, check_number, listed
from ._config import print_document
from ._fit import not_converged
from ._options import LEVEL, Allow, AnyLaw, At, Bootstrap, CacheDir, Criterion, Fixed, Json, Level, Noise, Seed, Target

LAW = "mixing-exp"
"""The law unless another is asked for."""
FIRST_ORDER = 400
"""Resamples behind intervals to first order."""
SHOWN = 24
"""Domains and targets that tables show; the document has all."""


def mix(
    ratios: Annotated[
        str, typer.Argument(metavar="RATIOS", help="A table of weights: a row a run, a column a domain.")
    ],
    metrics: Annotated[
        str | None,
        typer.Argument(
            metavar="[METRICS]", help="What was measured of the same runs, a column a target; or else it is in RATIOS."
        ),
    ] = None,
    law: AnyLaw = None,
    objective: Annotated[
        str,
        typer.Option(metavar="mean|worst|TARGET|T=NUMBER,…", help="What is made small: of the predicted targets."),
    ] = "mean",
    limits: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML with tokens, max_passes, least, most, fixed, groups, prior and kl, as in sf.MixtureLimits.",
        ),
    ] = None,
    at: At = None,
    domains: Annotated[
        list[str] | None,
        typer.Option(metavar="HEADER", help="Columns that are weights, as 'weight_*'; may be repeated."),
    ] = None,
    targets: Target = None,
    run: Annotated[
        str | None, typer.Option("--run-column", metavar="HEADER", help="What tells runs apart in both tables.")
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="By how much weights may miss the sum of 1.")
    ] = None,
    noise: Noise = None,
    held: Fixed = None,
    bootstrap: Bootstrap = None,
    risk: Annotated[
        str | None, typer.Option(metavar="mean|cvar|quantile", help="What is made small over the resamples.")
    ] = None,
    folds: Annotated[
        bool, typer.Option("--folds/--no-folds", help="Whether mixtures are left out and foreseen.")
    ] = True,
    following: Annotated[
        int | None,
        typer.Option(
            "--next", min=1, max=128, metavar="NUMBER", help="Mixtures to train next, chosen for what they tell."
        ),
    ] = None,
    criterion: Criterion = "V",
    regret: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="A loss of the objective: say how many runs on mixtures leave no more."),
    ] = None,
    level: Level = None,
    seed: Seed = 0,
    allow: Allow = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Say which mixture of domains to train on, by a law fitted to runs on other mixtures, and how sure that is."""
    level = level or LEVEL
    check_choice("criterion", criterion, ("V", "D"))
    if regret is not None:
        check_number("regret", regret, above=0.0)
    if risk is not None and bootstrap == 0:
        raise InputError(
            "risk", Phrase("is taken over resamples, and `bootstrap=0` makes none"), remedy="leave one out"
        )
    begun = time.perf_counter()
    from .._core import cache
    from ..specs import law_of, noise_of
    from ._checks import Checks
    from ._terminal import progress, quiet
    from ._words import single_numbers_of

    checks = Checks(allow)
    with quiet(json, checks), progress(4) as step:
        step("reading")
        fixed = single_numbers_of(held, "held", "c=0")
        template = law_of(law or LAW, fixed)
        beside, within = single_numbers_of(at, "at", "D=1e12"), limits_of(limits)
        runs = sf.read_mixtures(ratios, metrics, domains=domains, targets=targets, run=run, tolerance=tolerance)
        _check_inputs(template, law or LAW, runs)
        cache(cache_dir)
        count = len(set(runs.labels["target"].tolist()))
        step(f"fitting {type(template).__name__} to {count} targets")
        single = any(name == "target" for name in template.inputs)
        the_noise = None if noise is None else noise_of(noise)
        fits = sf.fit(
            template, runs, by=None if single else "target", noise=the_noise, fixed=tuple(fixed), seed=seed, throw=False
        )
        _refuse_lost(fits, law or LAW)
        checks.of(fits)
        result: Any = fits
        if bootstrap:
            step(f"refitting {bootstrap} resamples")
            result = sf.bootstrap(fits, num=bootstrap, together=True, seed=seed)
        elif bootstrap is None:
            result = sf.jackknife(fits, num=FIRST_ORDER, seed=seed)
        step("optimising")
        asked: dict[str, Any] = {"objective": goal_of(objective), "limits": within, "at": beside}
        best = sf.optimise_mixture(result, **asked, risk=risk, num_draws=bootstrap or FIRST_ORDER, seed=seed)
        left_out = None
        if folds:
            step("leaving mixtures out")
            left_out = sf.mixture_folds(fits, **asked, seed=seed)
        more: dict[str, Any] = {"next": None, "regret": None}
        if following is not None:
            step(f"choosing {following} mixtures to train next")
            num_draws = bootstrap or FIRST_ORDER
            design = sf.design_mixtures(
                result, num=following, criterion=criterion, **asked, num_draws=num_draws, seed=seed
            )
            more["next"] = _next_document(design)
        if regret is not None:
            step("simulating studies")
            more["regret"] = _regret_document(sf.mixture_regret(fits, **asked, seed=seed), regret, level)
    found = mix_document(best, left_out, fits, result, tuple(dict.fromkeys(runs.notes)), level) | more
    found["checks"] = checks.document()
    found["seconds"] = time.perf_counter() - begun
    if json:
        print_document(found)
    else:
        _show(found, checks)


def _refuse_lost(fits: Any, law: str) -> None:
    """Name the targets that the law was not fitted to, where it was to others.

    **Raises:** `NotConverged` where a fit is no optimum.
    """
    failure = not_converged(fits)
    if failure is None:
        return
    lost = [key for key, reached in zip(fits.keys or (), fits.reached, strict=False) if not reached]
    if 0 < len(lost) < len(fits.keys or ()):
        failure = (
            f"{law} was not fitted to {len(lost)} of {len(fits.keys)} targets: {listed(map(str, lost))}. "
            "Name the others with --target, or take another --law."
        )
    raise sf.NotConverged(failure)


def _check_inputs(law: Any, name: str, runs: Any) -> None:
    """Check that the law is one of mixtures, and that the tables have what it takes.

    **Raises:** `InputError` where not.
    """
    from ..laws import Label, Weights, inputs_of

    kinds = inputs_of(law)
    if not any(isinstance(kind, Weights) and kind.axis is not None for kind in kinds.values()):
        raise InputError("law", Phrase(f"names {name}, which takes no weights of domains by themselves"),
                         f"a law over weights, as {LAW}")  # fmt: skip
    single = [k for k, kind in kinds.items() if kind.axis is None and not isinstance(kind, Label)]
    if lacking := [k for k in single if k not in runs.inputs]:
        raise InputError(repr(runs.name), Phrase(f"has no column of {lacking[0]}, which {name} takes too"),
                         remedy=f"add one to either table, headed {lacking[0]}")  # fmt: skip


def limits_of(file: Path | None) -> dict[str, Any] | None:
    """Limits from a file.

    **Raises:** `InputError` for a file that is no TOML, or is not there.
    """
    if file is None:
        return None
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("limits", str(file), "a file that can be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("limits", Phrase(f"names {str(file)!r}, which is no TOML ({error})"),
                         "lines as most = 0.5, or [tokens] with a line for each domain") from error  # fmt: skip


def goal_of(text: str) -> Any:
    """An objective from its words: one of them, or weights by target."""
    from ._words import single_numbers_of

    if "=" not in text:
        return text
    return single_numbers_of([piece for piece in text.split(",") if piece.strip()], "objective", "arc=1,mmlu=0.5")


def mix_document(best: Any, folds: Any, fits: Any, result: Any, notes: tuple[str, ...], level: float) -> dict[str, Any]:
    """What `scalefit mix --json` prints, but for its seconds.

    **Arguments:**

    - `best`: The mixture; `folds`: how well others were foreseen, or `None`.
    - `fits`: The fits; `result`: they, or their draws.
    - `notes`: What was done and is to be known.
    - `level`: Probability of the intervals.
    """
    import numpy as np

    from ..results import versions
    from ._document import draws_of, law_name, runs_of
    from ._terminal import ends_of

    weights, predicted = best.weights_interval(level), best.predicted_interval(level)
    drawn = best.draws is not None
    gains, careful = best.gains(level), best.careful_gains if drawn else {}
    probable = best.probabilities if drawn else {}
    return {
        "law": law_name(fits.template),
        "objective": best.objective,
        "value": ends_of(best.interval(level)),
        "at": dict(best.at),
        "recommended": best.recommended,
        "convex": best.convex,
        "weights": {
            name: {**ends_of(weights[i]), "passes": best.passes[i]} for i, name in enumerate(best.domains)
        },
        "treatments": {
            name: {
                "weights": dict(zip(best.domains, one.weights, strict=True)),
                **{field: getattr(one, field) for field in ("value", "plain", "kkt", "gap", "optima")},
            }
            for name, one in best.treatments.items()
        },
        "active": [one._asdict() for one in best.active],
        "against": {
            name: {
                "weights": dict(zip(best.domains, best.plans[name], strict=True)),
                "value": best.values[name],
                "allowed": best.allowed[name],
                "gain": ends_of(gains[name]),
                "careful_gain": careful.get(name),
                "probability": probable.get(name),
            }
            for name in best.plans
        },
        "optimism": float(np.mean(best.drawn.optimism)) if drawn else None,
        "targets": {name: ends_of(predicted[i]) for i, name in enumerate(best.targets)},
        "distance": {"from_runs": best.distance, "of_runs": best.known_to, "outside": best.outside},
        "folds": None if folds is None else {
            "folds": folds.folds,
            "mixtures": folds.mixtures,
            "failed": folds.failed,
            "optimism_of_halves": folds.optimism,
            "objective": None if folds.objective is None else folds.objective._asdict(),
            "targets": {name: one._asdict() for name, one in folds.targets.items()},
        },
        # A run has a row for each of its targets.
        "runs": {**runs_of(fits.source), "used": len(np.unique(fits.problem.runs.rows))},
        "draws": draws_of(result),
        "level": level,
        "notes": list(notes),
        "versions": versions(),
    }  # fmt: skip


def _next_document(design: Any) -> dict[str, Any]:
    """Mixtures to train next, as the document has them."""
    return {
        "criterion": design.criterion,
        "mixtures": [dict(zip(design.domains, w, strict=True)) for w in design.weights],
        "train": dict(design.train),
        "sd": design.sd,
        "left": design.left,
        "noise": dict(design.noise),
    }


def _regret_document(simulated: Any, regret: float, level: float) -> dict[str, Any]:
    """How many runs a regret needs, as the document has it."""
    from ._terminal import ends_of

    needed = simulated.needed(regret, level=level)
    return {
        "regret": regret,
        "runs_needed": {**ends_of(needed), "note": needed.note},
        "simulated": [
            {"runs": n, "mean": mean, "nine_of_ten": high, "failed": failed}
            for n, mean, high, failed in zip(
                simulated.runs, simulated.mean, simulated.quantile(), simulated.failed, strict=True
            )
        ],
    }


def _show(found: dict[str, Any], checks: Any) -> None:
    """Print a mixture: the weights beside what one would take without, the gains, and how far to trust them."""
    from rich.text import Text

    from ..plan import short_names
    from ._show import console, run_lines, table
    from ._terminal import counted, number

    page = console()
    sure = f"optimal within {number(found['treatments'][found['recommended']]['gap'], 2)}"
    if not found["convex"]:
        main = found["treatments"][found["recommended"]]
        sure = f"kkt {number(main['kkt'], 2)}, {counted(main['optima'], 'optimum')} found"
    page.print(
        Text.assemble(
            (f"{found['objective']} {_with_interval(found['value'])}", "bold"), f"   by {found['law']}; {sure}"
        )
    )
    for line in run_lines(found["runs"], "the tables", found["notes"]):
        page.print(Text(line))
    page.print()
    others = [name for name in found["treatments"] if name != found["recommended"]]
    plans = list(found["against"])
    known = any(one["passes"] is not None and one["passes"] == one["passes"] for one in found["weights"].values())
    headers = ["domain", "weight", *(["passes"] if known else []), *others, *plans]
    short = short_names(found["weights"])
    order = sorted(found["weights"], key=lambda name: -found["weights"][name]["value"])
    rows = []
    for name in order[:SHOWN]:
        one = found["weights"][name]
        cells = [short[name], _with_interval(one), *([number(one["passes"], 3)] if known else [])]
        cells += [number(found["treatments"][k]["weights"][name], 3) for k in others]
        rows.append([*cells, *(number(found["against"][k]["weights"][name], 3) for k in plans)])
    page.print(table(headers, rows, right=headers[1:]))
    if len(order) > SHOWN:
        page.print(f"and {len(order) - SHOWN} more (--json lists them)")
    page.print()
    for name, one in found["against"].items():
        said = f"gain over {name}: {_with_interval(one['gain'])}"
        if one["careful_gain"] is not None:
            said += f"; {number(one['careful_gain'], 3)} less its standard error and the optimism of choosing"
            said += f"; better with probability {number(one['probability'], 3)}"
        page.print(said + ("" if one["allowed"] else "; it does not keep the limits"))
    # A weight of nothing needs no word: it stands in the table.
    for one in [one for one in found["active"] if one["bound"] > 0.0 or one["kind"] != "least"][:8]:
        page.print(f"at its limit: {one['name']} ({one['kind']} {number(one['bound'], 3)}), "
                   f"{number(one['price'], 3)} less for each unit of weight more")  # fmt: skip
    if found["folds"] is not None:
        _show_folds(found["folds"], page)
    if found["next"] is not None:
        _show_next(found["next"], found["objective"], page)
    if found["regret"] is not None:
        _show_regret(found["regret"], page)
    checks.show(page)


def _show_next(found: dict[str, Any], objective: str, page: Any) -> None:
    from ..plan import short_names
    from ._show import table
    from ._terminal import number

    page.print()
    short = short_names(found["mixtures"][0])
    used = [name for name in short if max(w[name] for w in found["mixtures"]) >= 5e-3][:SHOWN]
    rows = [[str(k + 1), *(number(w[name], 2) for name in used), number(after, 3)]
            for k, (w, after) in enumerate(zip(found["mixtures"], found["sd"][1:], strict=True))]  # fmt: skip
    headers = ["to train next", *(short[name] for name in used), "sd after"]
    page.print(table(headers, rows, right=headers[1:]))
    page.print(f"sd of {objective} where the best may be: {number(found['sd'][0], 3)} now")


def _show_regret(found: dict[str, Any], page: Any) -> None:
    from ._terminal import number

    page.print()
    for one in found["simulated"]:
        failed = f"; {one['failed']} refits failed" if one["failed"] else ""
        page.print(f"{one['runs']} runs leave a regret of {number(one['mean'], 3)} in the mean, "
                   f"{number(one['nine_of_ten'], 3)} at most in nine of ten{failed}")  # fmt: skip
    note = f"; {found['runs_needed']['note']}" if found["runs_needed"]["note"] else ""
    page.print(f"a regret of {number(found['regret'], 3)} needs {_with_interval(found['runs_needed'])} runs{note}")


def _with_interval(entry: dict[str, Any]) -> str:
    """A value, and its interval where it has one."""
    from ._terminal import interval, number

    value = number(entry["value"], 4)
    return value if entry.get("low") is None else f"{value} ({interval(entry)})"


def _show_folds(folds: dict[str, Any], page: Any) -> None:
    from ..plan import short_names
    from ._show import table
    from ._terminal import number

    page.print()
    short = short_names(folds["targets"])
    rows = [[short[name], *(number(one[k], 3) for k in ("spearman", "rmse", "fitted", "regret"))]
            for name, one in list(folds["targets"].items())[:SHOWN]]  # fmt: skip
    if folds["objective"] is not None:
        one = folds["objective"]
        rows.append(["the objective", *(number(one[k], 3) for k in ("spearman", "rmse", "fitted", "regret"))])
    headers = [f"foreseen of {folds['mixtures']} mixtures left out", "Spearman", "RMSE", "of fitted", "Regret@1"]
    page.print(table(headers, rows, right=headers[1:]))
    if folds["optimism_of_halves"] is not None and folds["optimism_of_halves"] == folds["optimism_of_halves"]:
        page.print(
            f"the best weights by half of the mixtures are {number(folds['optimism_of_halves'], 3)} worse by the other"
        )
