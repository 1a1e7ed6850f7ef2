"""The bootstrap, many studies and the single fit on whatever device JAX finds, in float64, float32 and mixed.

Writes `results/<device>.json` beside this file unless it is a quick run or `--json` says where. The 240 published runs
are used where `SCALEFIT_DATA` names a folder that holds them, and as many simulated ones otherwise.
"""

import dataclasses
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _problems import Refits, chinchilla_runs
from _report import Report, Timing, alternate, machine, options, within
from float32_accuracy import CASES, PRECISIONS, simulated
from many_studies import RUNS as STUDY_RUNS
from many_studies import simulated as simulated_studies

import scalefit as sf
from scalefit.solve import Precision, Solutions

CHUNK = 100_000
"""Refits whose weights are on the device at once."""


def study() -> tuple[sf.Runs, str]:
    """The runs, and what they are."""
    if os.environ.get("SCALEFIT_DATA"):
        try:
            return chinchilla_runs(), "the 240 published Chinchilla runs"
        except sf.InputError:
            pass
    return simulated(CASES["Chinchilla, 5"], 240), "240 simulated Chinchilla runs, scatter 1%"


def device() -> str:
    """The device's own name."""
    found = jax.devices()[0]
    return machine()["cpu"] if found.platform == "cpu" else found.device_kind


def file_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".json"


def in_chunks(problem: Refits, draws: np.ndarray, precision: Precision) -> Solutions:
    """Every refit, the weights of so many at a time sent to the device; times include the sending."""
    parts = []
    for low in range(0, len(draws), CHUNK):
        part = draws[low : low + CHUNK]
        with jax.enable_x64(True):
            data = problem.prepared.data._replace(resamples=jnp.asarray(part))
        here = problem._replace(prepared=problem.prepared._replace(data=data))
        parts.append(here.solve(len(part), precision=precision))
    return Solutions(*(np.concatenate([np.asarray(p[i]) for p in parts]) for i in range(4)))


def contest(report: Report, job: str, count: int, contenders: dict[str, Callable[[], Any]], rounds: int) -> None:
    """Time the precisions in turn and set their objectives against the lowest that any of them reached."""
    found, first = {}, {}
    for name, run in contenders.items():
        begin = time.perf_counter()
        found[name] = run()
        first[name] = time.perf_counter() - begin
    good = {name: np.atleast_1d(s.result) == int(sf.RESULTS.successful) for name, s in found.items()}
    objective = {
        name: np.atleast_1d(np.where(good[name], np.asarray(s.objective), np.inf)) for name, s in found.items()
    }
    paired = [name for name in contenders if len(objective[name]) == count and not name.startswith("sf.bootstrap")]
    best = np.minimum.reduce([objective[name] for name in paired])
    del found
    times: dict[str, Timing] = alternate(contenders, rounds)
    for name in contenders:
        compared = name in paired
        excess = objective[name][good[name]] / best[good[name]] - 1.0 if compared and good[name].any() else None
        report.add(
            job,
            name,
            count,
            count / times[name].median,
            count / times[name].least,
            first[name],
            float(np.mean(good[name])),
            within(objective[name], best, 1e-6) if compared else None,
            within(objective[name], best, 1e-9) if compared else None,
            np.max(excess) if excess is not None else None,
            timing=times[name],
        )


def variants() -> dict[str, tuple[Precision, str | None]]:
    """The precisions; on an accelerator also with matrix products of float32 in no less, which is not its default."""
    plain: dict[str, tuple[Precision, str | None]] = {p: (p, None) for p in PRECISIONS}
    if jax.default_backend() == "cpu":
        return plain
    return plain | {f"{p}, full matrix products": (p, "highest") for p in PRECISIONS[1:]}


def under(products: str | None, run: Callable[[], Any]) -> Callable[[], Any]:
    def call() -> Any:
        if products is None:
            return run()
        with jax.default_matmul_precision(products):
            return run()

    return call


def main() -> None:
    given = options(__doc__)
    name = device()
    if given.json is None and not given.quick:
        given = dataclasses.replace(given, json=Path(__file__).parent / "results" / file_name(name))
    on_cpu = jax.default_backend() == "cpu"
    runs, spoken = study()
    report = Report(
        "accelerator",
        f"Refits on {name}: a million a second is the aim on an H200.",
        ("job", "how", "refits", "refits/s", "best refits/s", "first call s", "converged", "within 1e-6", "within 1e-9",
         "largest excess"),
        given,
    )  # fmt: skip
    noise = sf.noise.Huber(1e-3)
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=noise)
    bare = Refits.of(fit)
    even = np.full(len(runs), 1.0 / len(runs))
    job = f"bootstrap of {len(runs)} runs"
    for count in (4000,) if given.quick else (4000, 100_000, 1_000_000):
        draws = np.random.default_rng(1).multinomial(len(runs), even, size=count).astype(np.uint16)
        contenders: dict[str, Callable[[], Any]] = {
            how: under(products, lambda draws=draws, p=p: in_chunks(bare, draws, p))
            for how, (p, products) in variants().items()
        }
        if count <= CHUNK:
            contenders["sf.bootstrap"] = lambda count=count: sf.bootstrap(fit, num=count)
        contest(report, job, count, contenders, 2 if given.quick or count > CHUNK else 5)
        del draws, contenders
    for count in (500,) if given.quick else (1000, 10_000):
        studies = simulated_studies(count)
        contest(
            report,
            f"studies of {STUDY_RUNS} runs, screened",
            count,
            {
                how: under(
                    products,
                    lambda studies=studies, p=p: sf.fit(
                        sf.laws.Chinchilla, studies, noise=noise, by="group", precision=p, throw=False
                    ),
                )
                for how, (p, products) in variants().items()
            },
            2 if given.quick else 3,
        )
    contest(
        report,
        f"one fit of {len(runs)} runs, screened",
        1,
        {
            how: under(products, lambda p=p: sf.fit(sf.laws.Chinchilla, runs, noise=noise, precision=p, throw=False))
            for how, (p, products) in variants().items()
        },
        3 if given.quick else 15,
    )
    report.note(f"Device: {name}, {len(jax.local_devices())} of them ({jax.default_backend()}).")
    report.note(f"Runs: {spoken}; the studies are simulated.")
    report.note(
        f"Bootstraps by precision are at the level of the solver, weights sent to the device {CHUNK:,} refits at a "
        f"time, their drawing left out; sf.bootstrap is the whole call, in float64, with resamples of its own."
    )
    report.note(
        "within, largest excess: of the objective, in float64, against the lowest that any precision reached; what did "
        "not converge counts as not within, and is left out of the largest excess."
    )
    if not on_cpu:
        report.note("full matrix products: under jax.default_matmul_precision('highest').")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
