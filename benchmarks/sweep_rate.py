"""A sweep against the engine's own batches: fits a second, and the memory that it takes whatever the grid."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from _report import Report, options

import scalefit as sf

RUNS, SEEDS, BATCH = 240, 100_000, 4096
ROUNDS = 3
KEPT = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0"}
CHILD = """
import resource, sys, time
import scalefit as sf

begun = time.perf_counter()
swept = sf.sweep(sys.argv[1], out=sys.argv[2])
print(swept.fits, swept.failed, swept.seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def simulated(seed: int = 0) -> sf.Runs:
    """A study of Chinchilla's size: 240 runs, half a percent of scatter."""
    rng = np.random.default_rng(seed)
    law = sf.laws.Chinchilla.published("epoch")
    N, D = 10 ** rng.uniform(7.5, 10, RUNS), 10 ** rng.uniform(9, 11.5, RUNS)
    loss = law.E + law.A * N**-law.alpha + law.B * D**-law.beta
    return sf.Runs(loss * np.exp(0.005 * rng.standard_t(4, RUNS)), N=N, D=D, name="simulated")


def written(folder: Path, runs: sf.Runs, seeds: int) -> Path:
    rows = np.stack([runs.target, runs.inputs["N"], runs.inputs["D"]], axis=1)
    table = "\n".join(["loss,N,D", *(",".join(f"{v!r}" for v in row) for row in rows.tolist())])
    (folder / "simulated.csv").write_text(table + "\n")
    (path := folder / "sweep.toml").write_text(
        f'sources = ["simulated.csv"]\nlaws = ["Chinchilla"]\nnoises = ["huber:1e-3"]\n'
        f'splits = ["resample"]\nseeds = {seeds}\n'
    )
    return path


def batches(runs: sf.Runs, count: int) -> float:
    """Seconds of the engine's own batches of as many fits: the same numbers of runs, resampled."""
    import time

    rng = np.random.default_rng(1)
    place = rng.integers(RUNS, size=BATCH * RUNS)
    many = runs.take(place).with_column("resample", np.repeat(np.arange(BATCH), RUNS))
    sf.fit(sf.laws.Chinchilla, many, noise=sf.noise.Huber(1e-3), by="resample", throw=False)
    begun = time.perf_counter()
    for _ in range(count):
        sf.fit(sf.laws.Chinchilla, many, noise=sf.noise.Huber(1e-3), by="resample", throw=False)
    return (time.perf_counter() - begun) / count


def main() -> None:
    given = options(__doc__)
    seeds = 8192 if given.quick else SEEDS
    report = Report(
        "sweep_rate",
        f"{seeds:,} Chinchilla fits of {RUNS} runs from the screen, as a sweep: 80 % of the batch rate, 4 GiB.",
        ("what", "fits", "seconds", "fits/s", "share of the engine's rate", "peak GiB", "a million fits, min"),
        given,
    )  # fmt: skip
    runs = simulated()
    rates = []
    with tempfile.TemporaryDirectory() as folder:
        config = written(Path(folder), runs, seeds)
        for turn in range(1 if given.quick else ROUNDS):
            each = batches(runs, 1 if given.quick else 6)
            engine = BATCH / each
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            report.add("engine, sf.fit(by=…)", BATCH, each, engine, 1.0, peak, 1e6 / engine / 60)
            out = Path(folder) / f"out{turn}"
            said = subprocess.run(
                [sys.executable, "-c", CHILD, str(config), str(out)], check=True, capture_output=True, text=True,
                env=os.environ | KEPT | {"JAX_COMPILATION_CACHE_DIR": str(Path(folder) / "compiled")},
            ).stdout.split()  # fmt: skip
            fits, failed, seconds, memory = int(said[0]), int(said[1]), float(said[2]), int(said[3])
            rate = fits / seconds
            rates.append(rate / engine)
            report.add("sweep", fits, seconds, rate, rate / engine, memory / 2**20, 1e6 / rate / 60, failed=failed)
    report.note(
        f"The sweep's seconds are of the whole call: reading, compiling (once, and then kept), "
        f"fitting, writing, joining. Median share {np.median(rates):.3f}; a million fits are extrapolated."
    )
    report.finish()


if __name__ == "__main__":
    main()
