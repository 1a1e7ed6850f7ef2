"""The same sweep by one worker and by two, a core each: processes with shares, processes of JAX, nodes of Ray."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from _report import Report, options
from polars.testing import assert_frame_equal
from sweep_rate import RUNS, simulated, written

SEEDS, CHUNK = 32_768, 1024
CLUSTER = """
import sys
import ray
from ray.cluster_utils import Cluster
import scalefit as sf

nodes = int(sys.argv[1])
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 100 << 20})
for _ in range(nodes):
    cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
cluster.wait_for_nodes()
ray.init(address=cluster.address, log_to_driver=False)
swept = sf.sweep(sys.argv[2], out=sys.argv[3], engine="ray")
print(swept.seconds)
ray.shutdown()
cluster.shutdown()
"""


def commands(config: Path, out: Path, workers: int, engine: str) -> list[list[str]]:
    base = [sys.executable, "-m", "scalefit.cli", "sweep", str(config), "--out", str(out)]
    if engine == "shard":
        return [[*base, "--shard", f"{k}/{workers}"] for k in range(workers)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    given = ["--engine", "jax", "--coordinator", place, "--processes", str(workers)]
    return [[*base, *given, "--process", str(k)] for k in range(workers)]


def by_processes(config: Path, out: Path, workers: int, engine: str) -> float:
    """Seconds until the last of the processes is done, starts included; each has one core."""
    begun = time.perf_counter()
    cores = sorted(os.sched_getaffinity(0))
    started = [
        subprocess.Popen(["taskset", "-c", str(cores[k]), *command], stdout=subprocess.DEVNULL)
        for k, command in enumerate(commands(config, out, workers, engine))
    ]
    if any(process.wait() for process in started):
        raise SystemExit(f"{engine} with {workers} failed")
    return time.perf_counter() - begun


def by_ray(config: Path, out: Path, workers: int) -> float:
    """Seconds of the sweep on a cluster of so many nodes, the nodes' own start not counted."""
    said = subprocess.run(
        [sys.executable, "-c", CLUSTER, str(workers), str(config), str(out)], check=True, capture_output=True, text=True
    )
    return float(said.stdout.split()[-1])


def main() -> None:
    given = options(__doc__)
    seeds = 4096 if given.quick else SEEDS
    report = Report(
        "sweep_scaling",
        f"{seeds:,} Chinchilla fits of {RUNS} runs by one worker and by two, a core each.",
        ("by", "workers", "seconds", "fits/s", "times one worker's rate", "same table"),
        given,
    )
    with tempfile.TemporaryDirectory() as folder:
        config = written(Path(folder), simulated(), seeds)
        config.write_text(config.read_text() + f"chunk = {CHUNK}\n")
        short = Path(folder) / "short.toml"
        short.write_text(config.read_text().replace(f"seeds = {seeds}", f"seeds = {4 * CHUNK}"))
        first = None
        ways: dict[str, Callable[[Path, Path, int], float]] = {
            "--shard": lambda what, out, workers: by_processes(what, out, workers, "shard"),
            "--engine jax": lambda what, out, workers: by_processes(what, out, workers, "jax"),
            "--engine ray": by_ray,
        }
        for name, run in ways.items():
            alone = None
            for workers in (1, 2):
                out = Path(folder) / f"{name.strip('-').replace(' ', '')}{workers}"
                # JAX keeps compiled code by what it knows of the devices of all processes: each way once before.
                run(short, out.with_name(f"{out.name}-before"), workers)
                seconds = run(config, out, workers)
                table = pl.read_parquet(out / "results.parquet")
                first = table if first is None else first
                assert_frame_equal(table, first, check_exact=True)
                alone = alone or seconds
                report.add(name, workers, seconds, seeds / seconds, alone / seconds, True)
    report.note("Seconds of processes include their start (imports, compiled code read back); those of Ray do not.")
    report.finish()


if __name__ == "__main__":
    main()
