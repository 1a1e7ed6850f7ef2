"""What `scalefit demo` does: the main job on the bundled runs, and what it comes to in words."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.text import Text

from ..data import load_data
from ..estimate import bootstrap, fit
from ..laws import Chinchilla
from ..results import Ensemble, predict, summary
from ._cache import keep_compiled
from ._document import document, to_json
from ._out import check_folder, overview, write_result
from ._progress import progress
from ._show import console, show_fit
from ._spec import number

RESAMPLES, LEVEL, SEED = 1000, 0.95, 0
FLOOR = 0.861633
"""The bundled runs' true floor: the mean entropy of the teacher's odds (see the description beside them)."""


def run_demo(out: Path, begun: float, *, json: bool, cache_dir: str | None) -> None:
    """Fit the bundled runs, resample them, write the result and say what it comes to.

    **Raises:** `InputError` where the folder cannot be written.
    """
    check_folder(out)
    with progress(4) as step:
        step("reading the bundled runs")
        runs = load_data("bundled")
        keep_compiled(cache_dir)
        step("fitting Chinchilla's law")
        fitted = fit(Chinchilla, runs, seed=SEED)
        step(f"refitting {RESAMPLES} resamples")
        draws = bootstrap(fitted, runs, num=RESAMPLES, seed=SEED)
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
