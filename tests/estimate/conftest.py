"""Simulated runs that the tests of this folder share, all of one length so that few programs are compiled."""

import dataclasses
from typing import Any

import numpy as np
import pytest

import scalefit as sf
from scalefit.params import parameters

RUNS = 64
TRUTH = {"E": 1.8, "A": 480.0, "B": 2100.0, "alpha": 0.35, "beta": 0.37}


def loss(N: np.ndarray, D: np.ndarray, **p: float) -> np.ndarray:
    return p["E"] + p["A"] * N ** -p["alpha"] + p["B"] * D ** -p["beta"]


def simulate(count: int, seed: int, scatter: float) -> dict[str, Any]:
    """Columns N, D and loss of runs about Chinchilla's law."""
    rng = np.random.default_rng(seed)
    N, D = 10 ** rng.uniform(7, 10, count), 10 ** rng.uniform(9, 12, count)
    return {"N": N, "D": D, "loss": loss(N, D, **TRUTH) * np.exp(scatter * rng.standard_normal(count))}


@pytest.fixture(scope="session")
def runs() -> sf.Runs:
    """One study, with two runs to a seed."""
    return sf.Runs(**simulate(RUNS, 0, 0.01), seed=np.arange(RUNS) // 2)


@pytest.fixture(scope="session")
def fit(runs):
    return sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Gaussian())


@pytest.fixture(scope="session")
def studies() -> sf.Runs:
    """Twenty-four studies of 49 to 64 runs, mixed up."""
    parts = [simulate(RUNS - s % 16, s, 0.01) for s in range(24)]
    columns: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    group = np.concatenate([[f"study-{s}"] * len(part["N"]) for s, part in enumerate(parts)])
    order = np.random.default_rng(0).permutation(len(group))
    return sf.Runs(**{k: v[order] for k, v in columns.items()}, group=group[order], pool=np.ones(len(group), int))


@pytest.fixture(scope="session")
def fits(studies):
    return sf.fit(sf.laws.Chinchilla, studies, noise=sf.noise.Gaussian(), by="group")


@pytest.fixture(scope="session")
def unset():
    """The law of a row of the table with everything still to be fitted."""

    def clear(row):
        left = [name for name in parameters(row.truth) if name not in row.fixed]
        blank = {name: np.full(np.shape(getattr(row.truth, name)), np.nan) for name in left}
        return dataclasses.replace(row.truth, **blank)

    return clear
