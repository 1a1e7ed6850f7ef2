"""Results made by hand, so that nothing is fitted here: any law, single or a batch, alone or with draws."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers import LAWS, made_up_problem

import scalefit as sf
from scalefit.params import values, with_constants, with_values

STUDIES, DRAWS, RUNS = 3, 40, 64
BATCHES = {"single": (), "batch": (STUDIES,)}


def spread(law: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """The law with leading axes, every parameter moved by about one percent."""
    numbers = values(law)
    return with_constants(with_values(law, numbers * np.exp(0.01 * rng.standard_normal((*shape, len(numbers))))), shape)


def make_fit(law: Any, *, batch: tuple[int, ...] = (), noise: Any = None, fixed: tuple[str, ...] = ()) -> sf.Fit[Any]:
    rng = np.random.default_rng(7)
    residuals = 0.02 * rng.standard_normal((*batch, RUNS))
    if batch:
        residuals[1, 50:] = np.nan
    problem = made_up_problem(
        law, RUNS, noise=noise, fixed=fixed, studies=batch[0] if batch else 0, used=RUNS,
        ranges={"N": (1e7, 1e10), "error": (0.1, 0.9)}, dropped=((3, "no loss"), (9, "no N")), excluded=2,
        notes=("D = C / (6 N)",),
    )  # fmt: skip
    return sf.Fit(
        law=spread(law, batch, rng) if batch else law,
        objective=rng.random(batch) if batch else np.asarray(rng.random()),
        result=np.zeros(batch, np.int32),
        scale=np.asarray(np.sqrt(np.nanmean(residuals**2, axis=-1))),
        residuals=residuals,
        unidentified=np.zeros((*batch, len(problem.free)), bool),
        agreeing=np.full(batch, 5),
        problem=problem,
        tried=8,
        seed=3,
    )


def make_draws(fit: sf.Fit[Any], **changes: Any) -> sf.Ensemble[Any]:
    rng = np.random.default_rng(8)
    shape = (*fit.objective.shape, DRAWS)
    drawn = sf.Ensemble(
        law=spread(fit.template, shape, rng),
        objective=rng.random(shape),
        result=np.zeros(shape, np.int32),
        scale=np.full(shape, 0.02),
        unidentified=np.zeros((*shape, len(fit.free)), bool),
        fit=fit,
        method="bootstrap",
        seed=5,
        diagnostics={"clusters": 64},
    )
    return dataclasses.replace(drawn, **changes)


@pytest.fixture
def new_fit() -> Callable[..., sf.Fit[Any]]:
    return make_fit


@pytest.fixture
def new_draws() -> Callable[..., sf.Ensemble[Any]]:
    return make_draws


@pytest.fixture
def chinchilla() -> sf.Fit[Any]:
    return make_fit(LAWS["Chinchilla"].truth)


@pytest.fixture
def chinchilla_batch() -> sf.Fit[Any]:
    return make_fit(LAWS["Chinchilla"].truth, batch=(STUDIES,))
