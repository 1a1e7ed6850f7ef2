"""What `scalefit demo` does: the main jobs on the bundled runs, and what they come to in words."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.text import Text

from .._core import InputError
from ..data import Pools, Runs, hint, load_data
from ..estimate import bootstrap, fit
from ..laws import Chinchilla, PoolsQQT, input_units
from ..plan import curate
from ..results import Ensemble, Fit, predict, summary
from ._cache import keep_compiled
from ._clusters import clusters_of
from ._document import document, to_json
from ._out import check_folder, frontier_picture, overview, write_result
from ._plan_document import plan_document
from ._planning import PLAN_FILE, Planned, other_rules
from ._progress import progress
from ._quiet import quiet
from ._show import console, show_fit
from ._show_plan import show_plan
from ._spec import number

RESAMPLES, LEVEL, SEED = 1000, 0.95, 0
POOL_RESAMPLES, BUDGETS, SHOWN = 50, np.geomspace(2048, 32768, 9), (0, 4, 8)
"""Resamples, the budgets that are planned, for the picture, and which of them are said."""
POOLS, FRESH = ("A", "B", "S"), ("A-unlimited", "B-unlimited")
WINDOW = "n <= 32768 and `w[S]` * n <= 8192"
"""To 32 passes of each pool: beyond, noisy pools do harm, which this law cannot say."""
FLOOR = 0.861633
"""The bundled runs' true floor: the mean entropy of the teacher's odds (see the description beside them)."""


def run_demo(out: Path, begun: float, *, law: str, json: bool, cache_dir: str | None) -> None:
    """Fit the bundled runs, resample them, plan, write the result and say what it comes to.

    **Raises:** `InputError` where the folder cannot be written, or for a demo that there is none of.
    """
    demos = {"pools": _pools_demo, "chinchilla": _chinchilla_demo}
    if law.lower() not in demos:
        raise InputError(f"--law {law!r}: there is no such demo; {hint(law, demos, what='demos')}.")
    check_folder(out)
    demos[law.lower()](out, begun, json=json, cache_dir=cache_dir)


def _pools_demo(out: Path, begun: float, *, json: bool, cache_dir: str | None) -> None:
    """Fit three pools by themselves, plan mixtures at each budget, and look at mixtures that were trained."""
    with quiet(json), progress(5) as step:
        step("reading the bundled runs")
        everything = load_data("pools-teacher", where=WINDOW)
        runs = everything.where("pool in [" + ", ".join(f"'{name}'" for name in (*POOLS, *FRESH)) + "]")
        pools = Pools({name: size for name, size in _sizes(everything).items() if name in POOLS})
        keep_compiled(cache_dir)
        step(f"fitting {PoolsQQT.__name__} to single pools")
        fitted = fit(PoolsQQT.of(POOLS), runs, seed=SEED)
        step(f"refitting {POOL_RESAMPLES} resamples")
        draws = bootstrap(fitted, num=POOL_RESAMPLES, cluster="seed", seed=SEED)
        step("planning")
        plan = curate(draws, pools, budget=BUDGETS, num_draws=POOL_RESAMPLES, seed=SEED)
        _, words = clusters_of(runs, None)
        shown = plan.take(SHOWN)
        planned = Planned(shown, draws, "pools-teacher", words, (), other_rules(draws, pools, shown.budgets, seed=SEED))
        found = plan_document(planned, level=LEVEL, seconds=time.perf_counter() - begun)
        off, own, trained = mixtures_off(fitted, everything)
        found["verdict"] = said = [
            found["verdict"],
            f"The law saw pools one by one. {trained} mixtures of them were trained as well, to as many samples: it is "
            f"off by {100 * off:.1f} % of their errors (root mean square), by {100 * own:.1f} % with the half-life of "
            f"each pool as it is alone (--half-life own). The intervals do not know that: plans closer to "
            f"each other are told apart by the law alone.",
        ]
        step("drawing")
        files = {PLAN_FILE: (to_json(found) + "\n").encode(), **frontier_picture(plan, draws)}
        write_result(
            draws, runs, document(draws, level=LEVEL, seconds=found["seconds"]), out, further=files, level=LEVEL
        )
    if json:
        typer.echo(to_json(found))
        return
    page = console()
    page.print(
        Text(
            "Small networks, trained for this package on pools of data: A is clean, B has one label in seven replaced, "
            "S is clean and a quarter as large; also on fresh samples of the quality of A and B, none seen twice."
        )
    )
    page.print()
    show_plan(planned, {**found, "verdict": said[0]}, page)
    for sentence in said[1:]:
        page.print(Text(sentence))
    page.print()
    page.print(Text(f"Pictures and numbers are in {out}: look at frontier.png first."))
    page.print(Text(f"Ask it for more: scalefit curate {out} --budgets 16k --max-passes 8"))


def mixtures_off(fitted: Fit[Any], everything: Runs) -> tuple[float, float, int]:
    """How far the law is off the mean of the mixtures that were trained, by the root mean square of the logarithm.

    **Returns:** that, the same with the half-life that each pool has alone, and how many mixtures there are.
    """
    shares = {name: column for name, column in everything.inputs.items() if name.startswith("w[")}
    inside = np.sum([shares[f"w[{name}]"] for name in POOLS], axis=0) > 1.0 - 1e-9
    mixed = everything.take(inside & (np.max(list(shares.values()), axis=0) < 1.0))
    names = list(input_units(fitted.law))
    points, code = np.unique(np.stack([mixed.inputs[name] for name in names]), axis=1, return_inverse=True)
    mean = np.bincount(code.ravel(), np.log(mixed.target)) / np.bincount(code.ravel())
    held = dict(zip(names, points, strict=True))
    # Runs on single pools say nothing of the rule for mixtures: the fit is the same under either.
    rules = (fitted, dataclasses.replace(fitted, law=dataclasses.replace(fitted.law, half_life="own")))
    off, own = (float(np.sqrt(np.mean((mean - np.log(predict(one, **held).value)) ** 2))) for one in rules)
    return off, own, len(np.unique(mixed.labels["pool"]))


def _sizes(runs: Runs) -> dict[str, float]:
    known = Pools.of(runs)
    return dict(zip(known.names, known.sizes.tolist(), strict=True))


def _chinchilla_demo(out: Path, begun: float, *, json: bool, cache_dir: str | None) -> None:
    """Fit the runs over sizes and samples, and say what that comes to."""
    with progress(4) as step:
        step("reading the bundled runs")
        runs = load_data("bundled")
        keep_compiled(cache_dir)
        step("fitting Chinchilla's law")
        fitted = fit(Chinchilla, runs, seed=SEED)
        step(f"refitting {RESAMPLES} resamples")
        draws = bootstrap(fitted, num=RESAMPLES, seed=SEED)
        said = verdict(draws, float(np.max(6.0 * runs.inputs["N"] * runs.inputs["D"])))
        found = {**document(draws, level=LEVEL, seconds=time.perf_counter() - begun), "verdict": said}
        step("drawing")
        write_result(draws, runs, found, out, further={"demo.png": overview(draws, runs, LEVEL)}, level=LEVEL)
    if json:
        typer.echo(to_json(found))
        return
    page = console()
    networks = len(np.unique(runs.labels["run"]))
    page.print(
        Text(f"{networks} small networks, trained for this package, each looked at after several sample counts.")
    )
    page.print()
    show_fit(draws, LEVEL, page)
    page.print()
    for sentence in said:
        page.print(Text(sentence))
    page.print()
    page.print(Text(f"Pictures and numbers are in {out}: look at demo.png first."))
    page.print(Text(f"Ask it for more: scalefit predict {out} N=100k D=1M"))


def verdict(draws: Ensemble[Any], most: float) -> list[str]:
    """What the result says, how far to trust it, and where that ends: a sentence each."""
    estimates: dict[Any, Any] = summary(draws, LEVEL)
    law, floor = draws.fit.law, estimates["E"]
    size, data = (100.0 * (1.0 - 0.5 ** float(p)) for p in (law.alpha, law.beta))
    best = least_plan(law, 10.0 * most)
    band = predict(draws, level=LEVEL, N=best[0], D=best[1])
    assert band.low is not None
    assert band.high is not None
    found = f"{number(floor.low, 4)} … {number(floor.high, 4)} found for E"
    if float(floor.low) <= FLOOR <= float(floor.high):
        limit = f"inside the {found}."
    else:
        limit = f"outside the {found}, and residuals.png shows the bend with D that pulls it away."
    return [
        f"Loss falls towards {number(floor.value, 3)} nats: twice the parameters take {size:.0f} % off the term of "
        f"size, twice the samples {data:.0f} % off the term of data.",
        f"With ten times the compute of the largest run the law foresees {float(band.value):.4f} nats at best "
        f"({100 * LEVEL:g} % interval {float(band.low):.4f} … {float(band.high):.4f}).",
        f"That interval knows how runs scatter, not how the law is wrong: the true floor of this task is {FLOOR:.4f}, "
        + limit,
    ]


def least_plan(law: Any, compute: float) -> tuple[float, float]:
    """The N and D of the least loss at a compute of 6 N D, in closed form."""
    A, B, alpha, beta = (float(getattr(law, name)) for name in ("A", "B", "alpha", "beta"))
    size = (alpha * A / (beta * B)) ** (1.0 / (alpha + beta)) * (compute / 6.0) ** (beta / (alpha + beta))
    return size, compute / (6.0 * size)
