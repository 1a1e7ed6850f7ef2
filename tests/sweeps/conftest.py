"""A small sweep, in words and as objects: groups of runs that follow a power law, and one that has too few."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scalefit as sf

GROUPS, RUNS = 4, 20


def simulated(groups: int = GROUPS, runs: int = RUNS, seed: int = 0) -> dict[str, Any]:
    """Columns of groups of runs, each of its own exponent."""
    rng = np.random.default_rng(seed)
    x = np.tile(np.geomspace(1e7, 1e10, runs), groups)
    alpha = np.repeat(0.30 + 0.02 * np.arange(groups), runs)
    loss = (1.7 + 410.0 * x**-alpha) * np.exp(2e-3 * rng.standard_normal(len(x)))
    return {"x": x, "loss": loss, "group": np.repeat([f"s{g}" for g in range(groups)], runs)}


@pytest.fixture(scope="session")
def runs() -> sf.Runs:
    columns = simulated()
    return sf.Runs(**columns, name="made.csv")


@pytest.fixture(scope="session")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same runs as a file."""
    columns = simulated()
    rows = zip(columns["x"].tolist(), columns["loss"].tolist(), columns["group"].tolist(), strict=True)
    path = tmp_path_factory.mktemp("source") / "made.csv"
    path.write_text("x,loss,group\n" + "".join(f"{x!r},{loss!r},{group}\n" for x, loss, group in rows))
    return path


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of other processes, which share what they compile."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "SCALEFIT_"))}
    folder = str(tmp_path_factory.mktemp("compiled"))
    paths = os.pathsep.join([str(Path(sf.__file__).parent.parent), *filter(None, [kept.get("PYTHONPATH")])])
    return kept | {"SCALEFIT_CACHE": folder, "JAX_PLATFORMS": "cpu", "PYTHONPATH": paths, "PYTHONWARNINGS": "error"}


TOML = """
laws = ["PowerLaw"]
noises = ["gaussian"]
splits = ["all", "resample"]
seeds = 6
chunk = 2
starts = 1

[[sources]]
runs = "SOURCE"
by = "group"
"""


@pytest.fixture(scope="session")
def words(csv: Path) -> Path:
    """The file of a sweep for other processes: 28 fits in 14 chunks."""
    path = csv.with_name("sweep.toml")
    path.write_text(TOML.replace("SOURCE", csv.name))
    return path


@pytest.fixture(scope="session")
def alone(words: Path, start: "Start", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That sweep, done by one process that nothing disturbed; what it compiles is kept for the others."""
    out = tmp_path_factory.mktemp("alone") / "out"
    job = start(words, "--out", out)
    _, err = job.communicate(timeout=600)
    assert job.returncode == 0, err
    return out


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="session")
def start(compiled: Mapping[str, str]) -> Start:
    """Start `scalefit sweep` as a process of its own."""

    def begun(*arguments: object, **more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "scalefit.cli", "sweep", *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**compiled, **more})

    return begun
