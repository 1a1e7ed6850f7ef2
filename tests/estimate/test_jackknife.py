"""Draws of a bootstrap to first order: against a formula, against refits, and together over the studies of a batch."""

import numpy as np
import pytest

import scalefit as sf

NAMES = ("a", "b", "c")


def made_up(runs: int = 60):
    rng = np.random.default_rng(5)
    w = rng.dirichlet(np.ones(3), runs)
    scatter = rng.standard_normal(runs) * (0.5 + w[:, 0])
    losses = {"one": 2.0 + w @ [0.3, -0.2, 0.1] + 0.01 * scatter, "two": 3.0 + w @ [-0.4, 0.2, 0.2] + 0.01 * scatter}
    shares: dict[str, np.ndarray] = {f"w[{name}]": w[:, i] for i, name in enumerate(NAMES)}
    return sf.Runs(losses, run=np.arange(runs), **shares), w, losses  # pyright: ignore[reportArgumentType]  entries in brackets


@pytest.fixture(scope="module")
def fits():
    return sf.fit(sf.laws.MixingLinear, made_up()[0], by="target", noise=sf.noise.Gaussian(log=False))


def test_of_a_linear_law_it_is_the_sandwich(fits):
    _, w, losses = made_up()
    draws = sf.jackknife(fits, num=4000)
    inverse = np.linalg.inv(w.T @ w)
    for i, loss in enumerate(losses.values()):
        left = loss - w @ (inverse @ w.T @ loss)
        wanted = inverse @ (w.T * left**2) @ w @ inverse
        np.testing.assert_allclose(np.cov(draws.law.t[i].T), wanted, atol=0.08 * np.abs(wanted).max())
        np.testing.assert_allclose(draws.law.t[i].mean(axis=0), fits.law.t[i], atol=5e-4)


def test_draws_of_several_targets_belong_together(fits):
    draws = sf.jackknife(fits, num=2000)
    refits = sf.bootstrap(fits, num=200, together=True)
    # Both targets have the same scatter: their draws move alike, as refits do.
    for one in (draws, refits):
        moved = one.law.t - fits.law.t[:, None]
        assert np.corrcoef(moved[0, :, 0], moved[1, :, 0])[0, 1] > 0.999
    np.testing.assert_allclose(draws.law.t.std(axis=1), refits.law.t.std(axis=1), rtol=0.15)
    one = sf.jackknife(fits["one"], num=300)
    assert one.law.t.shape == (300, 3)


def test_a_noise_without_curvature_is_refused():
    runs = made_up()[0]
    fits = sf.fit(sf.laws.MixingLinear, runs, by="target", noise=sf.noise.Huber(1e-6))
    with pytest.raises(sf.InputError, match="under which most runs carry no curvature"):
        sf.jackknife(fits)


def test_a_domain_that_is_worth_nothing_leaves_the_draws_sane():
    # The logarithm of its worth has no end below, and a full step up would make it worth more than all others.
    rng = np.random.default_rng(5)
    w = rng.dirichlet(np.ones(3), 60)
    loss = (1.0 + (w @ [1.5, 1.5, 0.002]) ** -0.3) * np.exp(0.01 * rng.standard_normal(60))
    shares: dict[str, np.ndarray] = {f"w[{name}]": w[:, i] for i, name in enumerate(NAMES)}
    runs = sf.Runs({"loss": loss}, **shares)  # pyright: ignore[reportArgumentType]  entries in brackets
    fit = sf.fit(sf.laws.MixingTransfer(gamma=0.3), runs, fixed="gamma")

    def scatter(draws: sf.Ensemble) -> float:
        law = draws.law
        return float(np.std(law.E + law.k * (3.0 * law.a @ [0.45, 0.45, 0.1]) ** -0.3))

    assert scatter(sf.jackknife(fit, num=200)) == pytest.approx(scatter(sf.bootstrap(fit, num=60)), rel=0.3)
