"""Draws as ArviZ has them, in the generation that is installed."""

import dataclasses
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import scalefit as sf


@pytest.fixture(scope="module")
def az() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("arviz", reason="needs the extra arviz: pip install arviz")


@pytest.mark.filterwarnings("ignore")
def test_leaving_runs_out_is_as_arviz_has_it(az, few_draws, few):
    ours, theirs = sf.loo(few_draws), az.loo(sf.to_arviz(few_draws), pointwise=True)
    elpd = theirs.elpd_loo if hasattr(theirs, "elpd_loo") else theirs.elpd
    assert float(elpd) == pytest.approx(ours.elpd, abs=0.05)
    assert float(theirs.se) == pytest.approx(ours.se, rel=0.02)
    np.testing.assert_allclose(np.asarray(theirs.pareto_k), ours.khat, atol=0.15)


@pytest.mark.usefixtures("az")
def test_groups_have_names_and_rows(few_draws, few):
    data = sf.to_arviz(few_draws, prior=few_draws)
    assert set(data.posterior.data_vars) == {"E", "A", "B", "alpha", "beta", "scale"}
    assert dict(data.posterior.sizes) == {"chain": 1, "draw": 1000}
    np.testing.assert_array_equal(data.posterior.alpha.values[0], few_draws.law.alpha)
    assert data.log_likelihood.loss.dims == ("chain", "draw", "run")
    assert data.posterior_predictive.loss.shape == (1, 1000, 64)
    np.testing.assert_array_equal(data.observed_data.loss.values, few.target)
    np.testing.assert_array_equal(data.observed_data.run.values, few.rows)
    assert set(data.constant_data.data_vars) == {"N", "D"}
    assert "alpha" in data.prior.data_vars
    inside = np.quantile(data.posterior_predictive.loss.values[0], [0.05, 0.95], axis=0)
    assert np.mean((inside[0] <= few.target) & (few.target <= inside[1])) == pytest.approx(0.9, abs=0.1)


@pytest.mark.usefixtures("az")
def test_chains_and_trainings_stay_apart(trained_draws, trainings):
    chain = np.arange(1000) % 3
    data = sf.to_arviz(dataclasses.replace(trained_draws, drawn={**trained_draws.drawn, "chain": chain}))
    assert dict(data.posterior.sizes) == {"chain": 3, "draw": 333}
    np.testing.assert_array_equal(data.posterior.alpha.values[1], trained_draws.law.alpha[1::3])
    assert {"run", "growth[N]"} < set(data.posterior.data_vars)
    assert data.log_likelihood.loss_of_cluster.shape == (3, 333, 16)
    assert data.observed_data.loss.shape == (64,)


def test_without_arviz_it_is_said_what_to_do(few_draws, few, monkeypatch):
    for name in ("arviz", "arviz_base"):
        # Importing what is None here fails as if it were not installed.
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(sf.InputError, match="pip install arviz"):
        sf.to_arviz(few_draws)
