"""`scalefit demo`: the main jobs on the bundled runs, and what they come to in words."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Annotated, Any

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import check_choice
from ._options import CacheDir, Json
from ._terminal import number

LEVEL, SEED = 0.95, 0
POOLS, FRESH = ("A", "B", "S"), ("A-unlimited", "B-unlimited")
WINDOW = "n <= 32768 and `w[S]` * n <= 8192"
"""To 32 passes of each pool: beyond, noisy pools do harm, which this law cannot say."""
FLOOR = 0.861633
"""The bundled runs' true floor: the mean entropy of the teacher's odds (see the description beside them)."""


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the result and its pictures go.")] = Path(
        "scalefit-demo"
    ),
    law: Annotated[
        str, typer.Option(metavar="pools|chinchilla", help="Which of the bundled runs: pools of data, or sizes.")
    ] = "pools",
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Fit the runs that ship with the package, end to end: a law with intervals, plans, pictures, a verdict."""
    begun = time.perf_counter()
    demos = {"pools": _pools, "chinchilla": _chinchilla}
    demonstrate = demos[check_choice("law", law.lower(), demos)]
    from .._core import cache
    from ._document import to_json
    from ._out import check_folder
    from ._terminal import quiet

    check_folder(out)
    with quiet(json):
        cache(cache_dir)
        found, show = demonstrate(out, begun)
    if json:
        typer.echo(to_json(found))
    else:
        show()


def _pools(out: Path, begun: float) -> Any:
    """Fit three pools by themselves, plan mixtures at each budget, and look at mixtures that were trained."""
    import numpy as np

    from ._curate import PLAN_FILE, other_rules
    from ._document import document, to_json
    from ._out import frontier_picture, write_result
    from ._show_curation import Planned, curation_document, show_curation
    from ._terminal import progress
    from ._words import clusters_of

    resamples, budgets, shown = 50, np.geomspace(2048, 32768, 9), np.array([0, 4, 8])
    with progress(5) as step:
        step("reading the bundled runs")
        everything: Any = sf.load_data("pools-teacher", where=WINDOW)
        runs = everything.where("pool in [" + ", ".join(f"'{name}'" for name in (*POOLS, *FRESH)) + "]")
        known = sf.Pools.of(everything)
        sizes = dict(zip(known.names, known.sizes.tolist(), strict=True))
        pools = sf.Pools({name: size for name, size in sizes.items() if name in POOLS})
        step(f"fitting {sf.laws.PoolsQQT.__name__} to single pools")
        fitted = sf.fit(sf.laws.PoolsQQT.of(POOLS), runs, seed=SEED)
        step(f"refitting {resamples} resamples")
        draws = sf.bootstrap(fitted, num=resamples, cluster="seed", seed=SEED)
        step("planning")
        plan = sf.curate(draws, pools, budget=budgets, num_draws=resamples, seed=SEED)
        some = plan.take(shown)
        others = other_rules(draws, pools, some.budgets, seed=SEED)
        planned = Planned(some, draws, "pools-teacher", clusters_of(runs, None)[1], (), others)
        found = curation_document(planned, level=LEVEL, seconds=time.perf_counter() - begun)
        off, own, trained = mixtures_off(fitted, everything)
        first = found["verdict"]
        second = (
            f"The law saw pools one by one. {trained} mixtures of them were trained as well, to as many samples: it is "
            f"off by {100 * off:.1f} % of their errors (root mean square), by {100 * own:.1f} % with the half-life of "
            f"each pool as it is alone (--half-life own). The intervals do not know that: plans closer to "
            f"each other are told apart by the law alone."
        )
        found["verdict"] = [first, second]
        step("drawing")
        files = {PLAN_FILE: (to_json(found) + "\n").encode(), **frontier_picture(plan, draws)}
        whole = document(draws, level=LEVEL, seconds=found["seconds"])
        write_result(draws, whole, out, files, level=LEVEL)

    def show() -> None:
        from rich.text import Text

        from ._show import console

        page = console()
        page.print(
            Text(
                "Small networks, trained for this package on pools of data: A is clean, B has one label in seven "
                "replaced, S is clean and a quarter as large; also on fresh samples of the quality of A and B, none "
                "seen twice."
            )
        )
        page.print()
        show_curation(planned, {**found, "verdict": first}, page)
        page.print(Text(second))
        page.print()
        page.print(Text(f"Pictures and numbers are in {out}: look at frontier.png first."))
        page.print(Text(f"Ask it for more: scalefit curate {out} --budgets 16k --max-passes 8"))

    return found, show


def mixtures_off(fitted: sf.Fit[Any], everything: sf.Runs) -> tuple[float, float, int]:
    """Measure how far the law is off the mean of trained mixtures, by the root mean square of the logarithm.

    **Returns:** that, the same with the half-life that each pool has alone, and how many mixtures there are.
    """
    import numpy as np

    from ..laws import input_units

    shares = {name: column for name, column in everything.inputs.items() if name.startswith("w[")}
    inside = np.sum([shares[f"w[{name}]"] for name in POOLS], axis=0) > 1.0 - 1e-9
    mixed = everything.take(inside & (np.max(list(shares.values()), axis=0) < 1.0))
    names = list(input_units(fitted.law))
    points, code = np.unique(np.stack([mixed.inputs[name] for name in names]), axis=1, return_inverse=True)
    mean = np.bincount(code.ravel(), np.log(mixed.target)) / np.bincount(code.ravel())
    held = dict(zip(names, points, strict=True))
    # Runs on single pools say nothing of the rule for mixtures: the fit is the same under either.
    rules = (fitted, dataclasses.replace(fitted, law=dataclasses.replace(fitted.law, half_life="own")))
    off, own = (float(np.sqrt(np.mean((mean - np.log(sf.predict(one, **held).value)) ** 2))) for one in rules)
    return off, own, len(np.unique(mixed.labels["pool"]))


def _chinchilla(out: Path, begun: float) -> Any:
    """Fit the runs over sizes and samples, and say what that comes to."""
    import numpy as np

    from ._document import document
    from ._out import overview, write_result
    from ._terminal import progress

    resamples = 1000
    with progress(4) as step:
        step("reading the bundled runs")
        runs: Any = sf.load_data("bundled")
        step("fitting Chinchilla's law")
        fitted = sf.fit(sf.laws.Chinchilla, runs, seed=SEED)
        step(f"refitting {resamples} resamples")
        draws = sf.bootstrap(fitted, num=resamples, seed=SEED)
        found = document(draws, level=LEVEL, seconds=time.perf_counter() - begun)
        most = float(np.max(6.0 * runs.inputs["N"] * runs.inputs["D"]))
        found["verdict"] = said = verdict(draws, found["parameters"]["E"], most)
        step("drawing")
        write_result(draws, found, out, {"demo.png": overview(draws, LEVEL)}, level=LEVEL)

    def show() -> None:
        from rich.text import Text

        from ._show import console, show_fit

        page, networks = console(), len(np.unique(runs.labels["run"]))
        trained = "small networks, trained for this package, each looked at after several sample counts."
        page.print(Text(f"{networks} {trained}"))
        page.print()
        show_fit(found, fitted, page)
        page.print()
        for sentence in said:
            page.print(Text(sentence))
        page.print()
        page.print(Text(f"Pictures and numbers are in {out}: look at demo.png first."))
        page.print(Text(f"Ask it for more: scalefit predict {out} N=100k D=1M"))

    return found, show


def verdict(draws: sf.Ensemble[Any], floor: dict[str, Any], most: float) -> list[str]:
    """Say what the result is, how far to trust it, and where that ends: a sentence each.

    **Arguments:**

    - `draws`: Refits of Chinchilla's law.
    - `floor`: The entry of E in their document.
    - `most`: Compute of the largest run.
    """
    law = draws.fit.law
    size, data = (100.0 * (1.0 - 0.5 ** float(p)) for p in (law.alpha, law.beta))
    best = least_plan(law, 10.0 * most)
    band = sf.predict(draws, level=LEVEL, N=best[0], D=best[1])
    assert band.low is not None
    assert band.high is not None
    found = f"{number(floor['low'], 4)} … {number(floor['high'], 4)} found for E"
    if floor["low"] <= FLOOR <= floor["high"]:
        limit = f"inside the {found}."
    else:
        limit = f"outside the {found}, and residuals.png shows the bend with D that pulls it away."
    return [
        f"Loss falls towards {number(floor['value'], 3)} nats: twice the parameters take {size:.0f} % off the term of "
        f"size, twice the samples {data:.0f} % off the term of data.",
        f"With ten times the compute of the largest run the law foresees {float(band.value):.4f} nats at best "
        f"({100 * LEVEL:g} % interval {float(band.low):.4f} … {float(band.high):.4f}).",
        f"That interval knows how runs scatter, not how the law is wrong: the true floor of this task is {FLOOR:.4f}, "
        f"{limit}",
    ]


def least_plan(law: Any, compute: float) -> tuple[float, float]:
    """The N and D of the least loss at a compute of 6 N D, in closed form."""
    A, B, alpha, beta = (float(getattr(law, name)) for name in ("A", "B", "alpha", "beta"))
    size = (alpha * A / (beta * B)) ** (1.0 / (alpha + beta)) * (compute / 6.0) ** (beta / (alpha + beta))
    return size, compute / (6.0 * size)
