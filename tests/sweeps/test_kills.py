"""A sweep that is killed, or interrupted, at any moment goes on where it was and comes to the same."""

import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

KILLS = 5
SEEDS = 60


@pytest.fixture(scope="module")
def many(words):
    """The same sweep with more seeds: 244 fits in 122 chunks, a second or two of writing."""
    path = words.with_name("many.toml")
    path.write_text(words.read_text().replace("seeds = 6", f"seeds = {SEEDS}"))
    return path


@pytest.fixture(scope="module")
def undisturbed(start, many, alone, tmp_path_factory):
    """Its results, and the seconds it takes from start to end."""
    del alone  # which has compiled
    out, begun = tmp_path_factory.mktemp("undisturbed") / "out", time.monotonic()
    job = start(many, "--out", out)
    _, err = job.communicate(timeout=120)
    assert job.returncode == 0, err
    return pl.read_parquet(out / "results.parquet"), time.monotonic() - begun


def finished(out):
    """Chunks that are there whole, each with what tells whether it was written again."""
    found = {}
    for path in (out / "chunks").glob("[!.]*"):
        found[path.name] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return found


def wait_for_more(job, out, count):
    """Until so many chunks more are finished, or all is over."""
    before, end = len(finished(out)), time.monotonic() + 60.0
    while job.poll() is None and len(finished(out)) < before + count and time.monotonic() < end:
        time.sleep(0.002)


def test_kills(start, many, undisturbed, tmp_path):
    """SIGKILL at any moment: nothing that was finished is done again, and the results are the same to the bit."""
    whole, seconds = undisturbed
    out, rng, midway = tmp_path / "out", np.random.default_rng(0), 0
    for kill in range(KILLS):
        before = finished(out)
        job = start(many, *(("--resume", out) if (out / "sweep.json").exists() else ("--out", out)))
        if kill % 2 == 0:  # among chunks that are fitted and written
            wait_for_more(job, out, 1)
            time.sleep(rng.uniform(0.0, 0.1))
        else:  # at any moment, that of the start included
            time.sleep(rng.uniform(0.0, 0.7 * seconds))
        job.send_signal(signal.SIGKILL)
        job.communicate()
        now = finished(out)
        midway += job.returncode == -signal.SIGKILL and len(before) < len(now) < 122
        assert before.items() <= now.items()
    assert midway >= 2
    before = finished(out)
    job = start("--resume", out)
    _, err = job.communicate(timeout=120)
    assert job.returncode == 0, err
    assert before.items() <= finished(out).items()
    assert pl.read_parquet(out / "results.parquet").equals(whole)


WRITER = """
import os, pathlib, signal, sys

call, kind = [int(sys.argv.pop(1))], sys.argv.pop(1)
write, replace = pathlib.Path.write_bytes, os.replace

def last():
    call[0] -= 1
    return call[0] == 0

def half(path, content):
    if kind == "write" and last():
        write(path, content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(path, content)

def unnamed(old, new):
    if kind == "rename" and last():
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(old, new)

pathlib.Path.write_bytes, os.replace = half, unnamed
from scalefit.cli import main
main()
"""


def test_kills_while_writing(compiled, words, alone, tmp_path):
    """Of the manifest, of a chunk, before a name is given: what is half there counts for nothing."""
    out, script = tmp_path / "out", tmp_path / "writer.py"
    script.write_text(WRITER)

    def go(call, kind):
        given = ["sweep", str(words), "--out", str(out), "--cache-dir", compiled["SCALEFIT_CACHE"]]
        command = [sys.executable, str(script), str(call), kind, *given]
        job = subprocess.run(command, env=compiled, capture_output=True, text=True, timeout=120)
        return job.returncode, len(finished(out)), len(list(out.rglob(".*.part")))

    assert go(1, "write") == (-signal.SIGKILL, 0, 1)
    assert not (out / "sweep.json").exists()
    assert go(4, "write") == (-signal.SIGKILL, 2, 2)
    before = finished(out)
    assert go(3, "rename") == (-signal.SIGKILL, 4, 3)
    assert before.items() <= finished(out).items()
    assert go(11, "rename") == (-signal.SIGKILL, 14, 4)  # ten chunks and the results
    before = finished(out)
    assert go(0, "write") == (0, 14, 4)
    assert finished(out) == before
    assert pl.read_parquet(out / "results.parquet").equals(pl.read_parquet(alone / "results.parquet"))


def test_interruption(start, many, undisturbed, tmp_path):
    """Ctrl-C: status 130, one line that says how to go on, and no half file."""
    out = tmp_path / "out"
    job = start(many, "--out", out, "--json")
    wait_for_more(job, out, 2)
    job.send_signal(signal.SIGINT)
    said, err = job.communicate(timeout=30)
    assert (job.returncode, said) == (130, "")
    assert err.splitlines()[-1] == (
        f"scalefit: interrupted; finished chunks are in {str(out)!r}: go on with scalefit sweep --resume {out}"
    )
    assert list(out.rglob(".*.part")) == []
    before = finished(out)
    assert 2 <= len(before) < 122
    job = start("--resume", out)
    _, err = job.communicate(timeout=120)
    assert job.returncode == 0, err
    assert before.items() <= finished(out).items()
    assert pl.read_parquet(out / "results.parquet").equals(undisturbed[0])
