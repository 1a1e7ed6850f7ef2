"""Whoever does the chunks, the results are those of one process."""

import json
import socket
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import scalefit as sf
from scalefit.cli import main

CLUSTER = '''
"""A Ray cluster of two nodes on this machine; a sweep on it; one node is lost after the first chunk.

Another sweep, whose runs change once it has read them, before its workers do.
"""

import json, os, shutil, sys
from pathlib import Path
import ray
from ray.cluster_utils import Cluster

config, out = sys.argv[1:]
small = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "wait": False}
cluster = Cluster(initialize_head=True, head_node_args=small | {"include_dashboard": False})
second = cluster.add_node(**small)
cluster.wait_for_nodes(timeout=300)
os.environ.pop("RAY_ADDRESS", None)

import scalefit as sf

def chunks():
    return {path.name: path.stat().st_mtime_ns for path in Path(out, "chunks").glob("[!.]*")}

kept = {}

def tell(done, of):
    if done and not kept:
        kept.update(chunks())
        cluster.remove_node(second, allow_graceful=False)

swept = sf.sweep(config, out=out, engine="ray", address=cluster.address, progress=tell)
now = chunks()
again = [name for name in kept if kept[name] != now[name]]
told = {"done": swept.done, "failed": swept.chunks_failed, "kept": len(kept), "again": again}

other = Path(shutil.copytree(Path(config).parent, Path(out).parent / "other"))
csv = other / "made.csv"

def change(done, of):
    csv.write_text("".join(csv.read_text().splitlines(keepends=True)[:-1]))

try:
    sf.sweep(other / Path(config).name, out=other / "out", engine="ray", address=cluster.address, progress=change)
except sf.InputError as error:
    told["changed"] = str(error)
print(json.dumps(told))
cluster.shutdown()
'''

PATIENCE = 600.0
"""Seconds after which a job that hangs is ended; no test is timed by it."""


def table(out):
    return pl.read_parquet(out / "results.parquet")


def assert_same(out, alone):
    """The same rows in the same order; to more digits than any two machines agree to."""
    mine, theirs = table(out), table(alone)
    assert mine.schema == theirs.schema
    numbers = [name for name, kind in mine.schema.items() if kind.is_float()]
    assert mine.drop(numbers).equals(theirs.drop(numbers))
    for name in numbers:
        np.testing.assert_allclose(mine[name].to_numpy(), theirs[name].to_numpy(), rtol=1e-9, err_msg=name)


def chunk_files(out):
    return sorted(path.name for path in (out / "chunks").iterdir())


def test_two_shares_at_once(start, words, alone, tmp_path):
    """Begun at one moment in a folder that is not there yet."""
    jobs = [start(words, "--out", tmp_path / "out", "--shard", f"{k}/2", "--json") for k in range(2)]
    told = [account(job) for job in jobs]
    assert max(one["done"] for one in told) == 28
    assert {one["fits"] for one in told} == {28}
    assert_same(tmp_path / "out", alone)
    assert chunk_files(tmp_path / "out") == chunk_files(alone)


def account(job):
    out, err = job.communicate(timeout=PATIENCE)
    assert job.returncode == 0, err
    return json.loads(out, parse_constant=pytest.fail)


def test_two_processes_of_jax(start, words, alone, tmp_path):
    """Each finds its share by JAX's index."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("--engine", "jax", "--coordinator", f"127.0.0.1:{port}", "--processes", 2, "--json")
    jobs = [start(words, "--out", tmp_path / "out", *options, "--process", k) for k in range(2)]
    told = [account(job) for job in jobs]
    assert max(one["done"] for one in told) == 28
    assert min(one["rate"] for one in told) > 0.0
    assert_same(tmp_path / "out", alone)


def test_ray(compiled, words, alone, tmp_path):
    """Two nodes, of which one is lost: that costs what it had in hand, and no chunk that was finished.

    A worker that reads other runs than the sweep was begun with says so.
    """
    pytest.importorskip("ray")
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    command = [sys.executable, str(script), str(words), str(tmp_path / "out")]
    kept = {"JAX_COMPILATION_CACHE_DIR": compiled["SCALEFIT_CACHE"], "PYTHONWARNINGS": "ignore"}
    kept |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0"}
    kept |= {"RAY_USAGE_STATS_ENABLED": "0"}
    # Ray gives its own processes half a minute to start, too little where a machine is busy.
    kept |= {"RAY_gcs_server_port_wait_time_s": "300", "RAY_worker_register_timeout_seconds": "300"}
    job = subprocess.run(command, env={**compiled, **kept}, capture_output=True, text=True, timeout=PATIENCE)
    assert job.returncode == 0, job.stderr
    told = json.loads(job.stdout.splitlines()[-1])
    assert (told["done"], told["failed"], told["again"]) == (28, {}, [])
    assert 0 < told["kept"] < 14
    assert "A worker of Ray reads other sources than those the sweep was begun with" in told["changed"]
    assert_same(tmp_path / "out", alone)


@pytest.mark.parametrize("text", ["", "2", "2/2", "-1/2", "a/b", "0/0"])
def test_a_share_that_is_none(text, words, tmp_path):
    done = CliRunner().invoke(main, ["sweep", str(words), "--out", str(tmp_path / "out"), f"--shard={text}"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "expected i/n with i from 0 to n - 1" in done.stderr


def test_a_cluster_that_is_not_there(words, tmp_path, unchecked):
    """JAX has begun in this process: one sentence."""
    with pytest.raises(sf.InputError, match="JAX finds no cluster here"):
        sf.sweep(words, out=tmp_path, engine="jax")
