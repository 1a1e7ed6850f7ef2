"""A sweep that is killed or interrupted goes on where it was and comes to the same.

Each job ends itself at an event, so that no machine is too slow or too quick; `benchmarks/sweep_kills.py` kills at
random moments.
"""

import signal
import subprocess
import sys

import polars as pl
import pytest

CHUNKS = 50
SEEDS = 24
PATIENCE = 600.0
"""Seconds after which a job that hangs is ended; no test is timed by it."""


@pytest.fixture(scope="module")
def many(words):
    """The same sweep with more seeds: 100 fits in 50 chunks."""
    path = words.with_name("many.toml")
    path.write_text(words.read_text().replace("seeds = 6", f"seeds = {SEEDS}"))
    return path


@pytest.fixture(scope="module")
def undisturbed(start, many, alone, tmp_path_factory):
    """Its results."""
    del alone  # which has compiled
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    _, err = (job := start(many, "--out", out)).communicate(timeout=PATIENCE)
    assert job.returncode == 0, err
    return pl.read_parquet(out / "results.parquet")


def finished(out):
    """Chunks that are there whole, each with what tells whether it was written again."""
    found = {}
    for path in (out / "chunks").glob("[!.]*"):
        found[path.name] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return found


STOPPED = '''
"""`scalefit sweep` that sends itself a signal once it has told of so many chunks."""

import os, signal, sys
import scalefit.sweeps
from scalefit.cli import main

chunks, name = int(sys.argv.pop(1)), sys.argv.pop(1)
undisturbed = scalefit.sweeps.sweep

def stopped(*arguments, progress, **options):
    told = -1  # the first is of nothing done

    def tell(done, of):
        nonlocal told
        progress(done, of)
        told += 1
        if told == chunks:
            os.kill(os.getpid(), signal.Signals[name])

    return undisturbed(*arguments, progress=tell, **options)

scalefit.sweeps.sweep = stopped
main()
'''


@pytest.fixture
def stop(compiled, tmp_path):
    """Run a sweep until it has done so many chunks more and sends itself a signal."""
    script = tmp_path / "stopped.py"
    script.write_text(STOPPED)

    def run(chunks, name, *arguments):
        command = [sys.executable, str(script), str(chunks), name, "sweep", *map(str, arguments)]
        return subprocess.run(command, env=compiled, capture_output=True, text=True, timeout=PATIENCE)

    return run


def resumed(start, out):
    """Its results once it has gone on to the end."""
    before = finished(out)
    _, err = (job := start("--resume", out)).communicate(timeout=PATIENCE)
    assert job.returncode == 0, err
    assert before.items() <= finished(out).items()
    return pl.read_parquet(out / "results.parquet")


def test_kills(start, stop, many, undisturbed, tmp_path):
    """SIGKILL, again and again: nothing that was finished is done again, and the results are the same to the bit."""
    out, there = tmp_path / "out", 0
    for chunks in (1, 20):
        before = finished(out)
        job = stop(chunks, "SIGKILL", *(("--resume", out) if (out / "sweep.json").exists() else (many, "--out", out)))
        there += chunks
        assert (job.returncode, len(finished(out))) == (-signal.SIGKILL, there), job.stderr
        assert before.items() <= finished(out).items()
    assert resumed(start, out).equals(undisturbed)


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
    """In the manifest, in a chunk, before a name is given: a file that is half there counts for nothing."""
    out, script = tmp_path / "out", tmp_path / "writer.py"
    script.write_text(WRITER)

    def go(call, kind):
        given = ["sweep", str(words), "--out", str(out), "--cache-dir", compiled["SCALEFIT_CACHE"]]
        command = [sys.executable, str(script), str(call), kind, *given]
        job = subprocess.run(command, env=compiled, capture_output=True, text=True, timeout=PATIENCE)
        return job.returncode, len(finished(out)), len(list(out.rglob(".*.part")))

    assert go(1, "write") == (-signal.SIGKILL, 0, 1)
    assert not (out / "sweep.json").exists()
    assert go(4, "write") == (-signal.SIGKILL, 2, 2)
    before = finished(out)
    assert go(3, "rename") == (-signal.SIGKILL, 4, 3)
    assert before.items() <= finished(out).items()
    assert go(11, "rename") == (-signal.SIGKILL, 14, 4)  # ten chunks and the results
    before = finished(out)
    assert go(0, "write") == (0, 14, 0)  # whose writers are gone
    assert finished(out) == before
    assert pl.read_parquet(out / "results.parquet").equals(pl.read_parquet(alone / "results.parquet"))


def test_interruption(start, stop, many, undisturbed, tmp_path):
    """Ctrl-C: status 130, one line that says how to go on, and no half file."""
    out = tmp_path / "out"
    job = stop(2, "SIGINT", many, "--out", out, "--json")
    assert (job.returncode, job.stdout) == (130, "")
    assert job.stderr.splitlines()[-1] == (
        f"scalefit: interrupted; finished chunks are in {str(out)!r}: resume with scalefit sweep --resume {out}"
    )
    assert list(out.rglob(".*.part")) == []
    assert 2 <= len(finished(out)) < CHUNKS
    assert resumed(start, out).equals(undisturbed)
