"""A sweep killed at random moments, 25 times by default, and resumed each time: what that costs, and what it changes.

Each process is sent SIGKILL at a random moment: one in four while it starts, the others after a random number of chunks
and a few milliseconds more, so that the last kill still meets a sweep under way. Afterwards the results are held
against those of the undisturbed sweep, and each finished chunk against what it was before the kill: a file that was
written again has another inode or time.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from _report import Report, options

KILLS, QUICK = 25, 5
GROUPS, RUNS = 8, 20
SEEDS = 400
SWEEP = """
laws = ["PowerLaw"]
noises = ["gaussian"]
splits = ["all", "resample"]
seeds = {seeds}
starts = 1
chunk = 2
sources = [{{runs = "runs.csv", by = "group"}}]
"""
COLUMNS = ("kill", "after s", "chunks before", "chunks after", "written again", "half files left")


def runs() -> str:
    """A table of runs that follow power laws, by group."""
    rng = np.random.default_rng(0)
    lines = ["x,loss,group"]
    for group in range(GROUPS):
        for x in np.geomspace(1e7, 1e10, RUNS):
            loss = (1.7 + 410.0 * x ** -(0.30 + 0.02 * group)) * np.exp(2e-3 * rng.standard_normal())
            lines.append(f"{float(x)!r},{float(loss)!r},s{group}")
    return "\n".join(lines) + "\n"


def begin(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    """Begin the sweep, or go on with it."""
    given = ["--resume", str(out)] if (out / "sweep.json").exists() else [str(folder / "sweep.toml"), "--out", str(out)]
    command = [sys.executable, "-m", "scalefit.cli", "sweep", *given]
    kept = os.environ | {"SCALEFIT_CACHE": str(folder / "compiled")}
    return subprocess.Popen(command, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finished(out: Path) -> Mapping[str, tuple[int, int]]:
    """Chunks that are there whole, each with what tells whether it was written again."""
    stats = {path.name: path.stat() for path in (out / "chunks").glob("[!.]*")}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


def wait_for(job: subprocess.Popen[bytes], out: Path, count: int) -> None:
    """Until so many chunks are finished."""
    while job.poll() is None and len(finished(out)) < count:
        time.sleep(0.002)


def whole(folder: Path, out: Path) -> tuple[pl.DataFrame, float]:
    """The results of a sweep that is left to end, and the seconds it takes."""
    begun = time.perf_counter()
    if begin(folder, out).wait() != 0:
        raise SystemExit("the sweep did not end well")
    return pl.read_parquet(out / "results.parquet"), time.perf_counter() - begun


def main() -> None:
    given = options(__doc__)
    kills, seeds = (QUICK, SEEDS // 5) if given.quick else (KILLS, SEEDS)
    claim = f"{kills} kills at random moments: the same results, and no finished chunk is done again"
    report = Report("sweep_kills", claim, COLUMNS, given)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "runs.csv").write_text(runs())
        (folder / "sweep.toml").write_text(SWEEP.format(seeds=seeds))
        whole(folder, folder / "first")  # compiles
        expected, seconds = whole(folder, folder / "undisturbed")
        _, start = whole(folder, folder / "undisturbed")  # nothing is left to do
        chunks = len(finished(folder / "undisturbed"))
        out, again, killed, begun = folder / "out", 0, 0, time.perf_counter()
        for kill in range(kills):
            before = finished(out)
            job = begin(folder, out)
            at = time.perf_counter()
            if rng.random() < 0.25:
                time.sleep(rng.uniform(0.0, start))
            else:
                share = 1.5 * (chunks - len(before)) / (kills + 1 - kill)
                wait_for(job, out, len(before) + int(rng.uniform(1.0, max(1.0, share))))
                time.sleep(rng.uniform(0.0, 0.02))
            after = time.perf_counter() - at
            job.send_signal(signal.SIGKILL)
            killed += job.wait() == -signal.SIGKILL
            now = finished(out)
            rewritten = sum(now.get(name) != what for name, what in before.items())
            again += rewritten
            report.add(kill + 1, after, len(before), len(now), rewritten, len(list(out.rglob(".*.part"))))
        found, _ = whole(folder, out)
        total = time.perf_counter() - begun
    same = found.equals(expected)
    report.note(f"{killed} of {kills} kills met a process under way")
    report.note(f"{len(found):,} fits in {chunks:,} chunks: results {'' if same else 'not '}the same to the bit")
    report.note(f"{total:.1f} s with all kills, of which each costs a start and a chunk; {seconds:.1f} s undisturbed")
    report.finish()
    if not same or again or killed < kills:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
