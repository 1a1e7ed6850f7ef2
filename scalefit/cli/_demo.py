"""`scalefit demo`: the main jobs on the bundled runs, and what they come to in words."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

import scalefit as sf  # its names are loaded when they are used

from .._core import check_choice
from ._config import headed, print_document
from ._options import CacheDir, Json, Out
from ._terminal import number

LEVEL, SEED, FOLDER = 0.95, 0, "scalefit-demo"
POOLS, FRESH = ("A", "B", "S"), ("A-unlimited", "B-unlimited")
WINDOW = "n <= 32768 and `w[S]` * n <= 8192"
"""To 32 passes of each pool: beyond, noisy pools do harm, which this law cannot say."""
FLOOR = 0.861633
"""The bundled runs' true floor: the mean entropy of the teacher's odds (see the description beside them)."""


def demo(
    runs: Annotated[
        str,
        typer.Argument(metavar="[pools|chinchilla]", help="Which of the bundled runs: pools of data, or sizes."),
    ] = "pools",
    out: Out = None,
    json: Json = False,
    cache_dir: CacheDir = None,
) -> None:
    """Fit the runs that ship with the package, end to end: a law with intervals, plans, pictures, a verdict."""
    begun = time.perf_counter()
    demos = {"pools": _pools, "chinchilla": _chinchilla}
    demonstrate, folder = demos[check_choice("runs", runs.lower(), demos)], Path(out or FOLDER)
    from .._core import cache
    from ._checks import Checks
    from ._out import check_folder
    from ._terminal import quiet

    check_folder(folder)
    checks = Checks()
    with quiet(json, checks):
        cache(cache_dir)
        found, show = demonstrate(folder, begun, checks)
    if json:
        print_document(found)
    else:
        show()


def _pools(out: Path, begun: float, checks: Any) -> Any:
    """Fit three pools by themselves, plan mixtures at each budget, and look at mixtures that were trained."""
    import numpy as np

    from ._curate import PLAN_FILE
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
        rule = rule_of(fitted, everything)
        draws = with_rule(draws, round(rule.g, 4))
        plan = sf.curate(draws, pools, budget=budgets, num_draws=resamples, seed=SEED)
        some = plan.take(shown)
        planned = Planned(some, draws, "pools-teacher", clusters_of(runs, None)[1], (), None)
        checks.of(draws)
        found = curation_document(planned, level=LEVEL, seconds=time.perf_counter() - begun)
        found["checks"] = checks.document()
        first = found["verdict"]
        second = (
            f"The law saw pools one by one. {rule.trained} mixtures of them were trained as well, to as many samples, "
            f"and say how half-lives go with weights: τ over the weight to the power g, g = {rule.g:.2g} "
            f"({rule.low:.2g} … {rule.high:.2g}). With it the law is off by {100 * rule.off:.1f} % of their errors "
            f"(root mean square), with g = 1 by {100 * rule.off_weighted:.1f} % and with g = 0 by "
            f"{100 * rule.off_own:.1f} %. The intervals take g as it is: plans closer to each other are told apart by "
            f"the law alone."
        )
        found = headed(found | {"verdict": [first, second]})
        step("drawing")
        files = {PLAN_FILE: (to_json(found) + "\n").encode(), **frontier_picture(plan, draws)}
        whole = document(draws, level=LEVEL, seconds=found["seconds"], checks=found["checks"])
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
        page.print(Text(f"Ask it for more: scalefit curate {out} --budget 16k --max-passes 8"))

    return found, show


class Rule(NamedTuple):
    """How the half-life of a pool goes with its weight in mixtures: w to the power g, over τ.

    **Arguments:**

    - `g`, `low`, `high`: The power that trained mixtures ask for, and its interval.
    - `off`: How far the law is then off their means, by the root mean square of the logarithm; `off_weighted` and
      `off_own`: the same with g = 1 and g = 0.
    - `trained`: How many mixtures there are.
    """

    g: float
    low: float
    high: float
    off: float
    off_weighted: float
    off_own: float
    trained: int


def rule_of(fitted: sf.Fit[Any], everything: sf.Runs) -> Rule:
    """Fit the rule of mixtures to those that were trained, the law of single pools held."""
    import numpy as np

    from ..params import parameter_values

    shares = {name: column for name, column in everything.inputs.items() if name.startswith("w[")}
    inside = np.sum([shares[f"w[{name}]"] for name in POOLS], axis=0) > 1.0 - 1e-9
    mixed = everything.take(inside & (np.max(list(shares.values()), axis=0) < 1.0))
    known = parameter_values(fitted.law)
    one = sf.fit(sf.laws.PoolsMixed(**known, pool=POOLS), mixed, noise=fitted.noise, fixed=tuple(known), seed=SEED)
    g: Any = sf.summary(one, LEVEL)["g"]
    names = list(one.problem.inputs)
    points, code = np.unique(np.stack([mixed.inputs[name] for name in names]), axis=1, return_inverse=True)
    mean = np.bincount(code.ravel(), np.log(mixed.target)) / np.bincount(code.ravel())
    held = dict(zip(names, points, strict=True))
    off = []
    for power in (float(g.value), 1.0, 0.0):
        law = dataclasses.replace(one.law, g=np.asarray(power))
        value = sf.predict(dataclasses.replace(one, law=law), **held).value
        off.append(float(np.sqrt(np.mean((mean - np.log(value)) ** 2))))
    low, high = (np.nan if end is None else float(end) for end in (g.low, g.high))
    trained = len(np.unique(mixed.labels["pool"]))
    return Rule(float(g.value), low, high, off[0], off[1], off[2], trained)


def with_rule(result: Any, g: float) -> Any:
    """A fit, or draws about one, under another rule of mixtures, which runs on single pools leave open."""
    law = dataclasses.replace(result.law, half_life=g)
    if not isinstance(result, sf.Fit):
        return dataclasses.replace(result, law=law, fit=with_rule(result.fit, g))
    problem = dataclasses.replace(result.problem, law=dataclasses.replace(result.problem.law, half_life=g))
    return dataclasses.replace(result, law=law, problem=problem)


def _chinchilla(out: Path, begun: float, checks: Any) -> Any:
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
        checks.of(draws)
        found = document(draws, level=LEVEL, seconds=time.perf_counter() - begun, checks=checks.document())
        most = float(np.max(6.0 * runs.inputs["N"] * runs.inputs["D"]))
        found["verdict"] = said = verdict(draws, found["parameters"]["E"], most)
        found = headed(found)
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
