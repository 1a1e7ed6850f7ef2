"""Where other optimisers stop early, give their start back, or lose a term."""

import warnings

import numpy as np
import pytest
from scipy.optimize import curve_fit, minimize

import scalefit as sf

DELTA = 1e-3
LEAST = 0.0010182740178
"""The least objective known of Chinchilla's law on Epoch's 240 runs (arXiv 2404.10102)."""
START = {"A": np.exp(7.0), "B": np.exp(7.0), "E": 1.0, "alpha": 0.45, "beta": 0.45}


@pytest.fixture(scope="module")
def runs(public_data):
    return sf.load_data("epoch-chinchilla", where="loss < 3.44")


def mean_huber(runs):
    """The objective of the field's notebooks, a mean, in log A, log B, log E, α and β."""
    columns, _ = runs.select(("N", "D"))
    log_n, log_d, log_loss = np.log(columns["N"]), np.log(columns["D"]), np.log(runs.target)

    def cost(x):
        a, b, e, alpha, beta = x
        terms = np.stack([a - alpha * log_n, b - beta * log_d, np.full_like(log_n, e)])
        r = np.abs(np.logaddexp.reduce(terms, axis=0) - log_loss)
        return float(np.mean(np.where(r < DELTA, 0.5 * r**2, DELTA * (r - 0.5 * DELTA))))

    return cost


def test_a_mean_of_small_costs_ends_early_and_a_fit_from_there_does_not(runs):
    """At 1e-6 a mean is near absolute tolerances: L-BFGS-B says that it is done, 8 % above the optimum."""
    cost = mean_huber(runs)
    begin = np.array([np.log(START["A"]), np.log(START["B"]), np.log(START["E"]), START["alpha"], START["beta"]])
    early = minimize(cost, begin, method="L-BFGS-B")
    assert early.success
    assert 240 * early.fun > 1.05 * LEAST
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(DELTA), starts=START)
    assert fit.converged
    assert fit.objective == pytest.approx(LEAST, rel=1e-9)


def test_a_curve_fit_that_gives_its_start_back(runs):
    """Numbers of 1e22 beside those of .05: steps of one size move nothing, and the covariance has no end."""
    columns, _ = runs.select(("C",))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, sure = curve_fit(lambda C, A, c: A * C**-c, columns["C"], runs.target, p0=[1.0, 5.0])
    assert found == pytest.approx([1.0, 5.0])
    assert not np.isfinite(sure).any()
    alone = sf.Runs(runs.target, x=columns["C"])
    fit = sf.fit(sf.laws.PowerLaw(E=0.0), alone, fixed=("E",), starts={"A": 1.0, "alpha": 5.0, "E": 0.0})
    assert fit.converged
    assert 0.02 < float(fit.law.alpha) < 0.2


@pytest.mark.parametrize("dead", [{"alpha": 40.0}, {"A": 1e-30}, {"beta": 40.0, "alpha": 40.0}])
def test_a_term_that_a_start_has_lost_comes_back(runs, dead):
    """No gradient brings back a term that no run feels."""
    cost, begin = mean_huber(runs), {**START, **dead}
    x = np.array([np.log(begin["A"]), np.log(begin["B"]), np.log(begin["E"]), begin["alpha"], begin["beta"]])
    stuck = minimize(lambda x: 240 * cost(x), x, method="BFGS")
    assert stuck.fun > 1.5 * LEAST
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(DELTA), starts=begin)
    assert fit.objective == pytest.approx(LEAST, rel=1e-9)
