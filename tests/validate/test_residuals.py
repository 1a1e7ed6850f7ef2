"""What residuals tell of a table: columns nobody asked about, and standard errors that do not fit."""

import numpy as np
import pytest

import scalefit as sf


def table(seed, effect=0.0, scatter=2e-3):
    """48 runs of Chinchilla's law by two models and two mixtures of data, which shift the loss by a share."""
    rng = np.random.default_rng(seed)
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(2e7, 2e9, 8), np.geomspace(1e9, 1e11, 6)))
    names = {"model": rng.choice(["p", "q"], N.size), "data": rng.choice(["u", "v"], N.size)}
    names["rack"] = rng.choice(["1", "2", "3", "4"], N.size)
    names["size"] = np.array([f"{n / 1e6:.0f}M" for n in N])  # which N says as well
    loss = 1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37
    loss = loss * np.exp(scatter * rng.standard_normal(N.size))
    shift = 1.0 + effect * (names["model"] == "q") + 2 * effect * (names["data"] == "v")
    return {"loss": loss * shift, "params": N, "tokens": D, **names}


def found(columns, noise=None):
    fit = sf.fit(sf.laws.Chinchilla, sf.read_runs(columns), noise=noise or sf.noise.Gaussian())
    return tuple(one for one in sf.diagnose(fit).findings if one.check in ("residuals", "errors"))


@pytest.mark.parametrize("seed", range(5))
def test_columns_that_explain_the_residuals_are_named(seed):
    (one,) = found(table(seed, effect=0.01))
    assert one.names == ("data", "model")
    assert one.numbers["share"] > 0.8
    assert "`by='data'`, `by='model'`" in one.remedy


def test_groups_of_laws_of_their_own_are_named_and_fitted_by_themselves():
    """Two models on two sets of data, each with its asymptote: one law for all converges, and says little of any."""
    rng, floors = np.random.default_rng(0), np.array([1.7, 1.8, 2.1, 2.2])
    N, D = (a.ravel() for a in np.meshgrid([2e7, 1e8, 5e8, 2e9], [1e9, 1e10, 1e11]))
    loss = floors[:, None] + 450.0 * N**-0.342 + 500.0 * D**-0.29
    loss = loss * np.exp(2e-3 * rng.standard_normal((4, 12)))
    names = {"model": np.repeat(["p", "q"], 24), "data": np.tile(np.repeat(["u", "v"], 12), 2)}
    runs = sf.read_runs({"loss": loss.ravel(), "N": np.tile(N, 4), "D": np.tile(D, 4), **names})
    whole = sf.fit(sf.laws.Chinchilla, runs)
    assert whole.converged
    (one,) = (one for one in sf.diagnose(whole).findings if "share" in one.numbers and one.check == "residuals")
    assert one.names == ("model", "data")
    assert one.numbers["share"] > 0.9
    assert "`by='model'`, `by='data'`" in one.remedy
    fits = sf.fit(sf.laws.Chinchilla, runs, by=("model", "data"), num_starts=2)
    np.testing.assert_allclose(fits.law.E, floors, atol=0.06)
    assert (fits.scale < 0.1 * whole.scale).all()


@pytest.mark.parametrize("seed", range(5))
def test_where_there_is_nothing_nothing_is_said(seed):
    assert found(table(seed)) == ()


@pytest.mark.parametrize("times", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("absolute", [False, True])
def test_standard_errors_are_held_against_the_scatter(times, absolute):
    columns = table(0)
    told = found({**columns, "se": 2e-3 * times * columns["loss"]}, sf.noise.Gaussian(absolute=absolute))
    if times == 1.0:
        assert told == ()
        return
    (one,) = told
    assert one.check == "errors"
    assert one.numbers["times"] == pytest.approx(1.0 / times, rel=0.3)
    assert ("gaussian:absolute" in one.says) == (not absolute)
