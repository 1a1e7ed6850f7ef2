"""Pictures of a posterior: against its prior, its chains, truths among its draws, and what it foresees."""

import dataclasses
import re

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from scipy import stats

import scalefit as sf
from scalefit.laws import PowerLaw
from scalefit.plot._prior_posterior import _density
from scalefit.plot._ranks import _among, _binomial

NUM = 400
NAMES = ["E", "A", "α", "scatter"]


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(0)
    x = np.geomspace(1e4, 1e8, 40)
    return sf.Runs((0.5 + 30.0 * x**-0.3) * np.exp(0.01 * rng.standard_t(4, 40)), x=x)


@pytest.fixture(scope="module")
def seen(runs):
    return runs.take(np.arange(32))


@pytest.fixture(scope="module")
def draws(seen):
    fit = sf.fit(PowerLaw, seen, noise=sf.noise.StudentT())
    known = {"contraction": {"E": 0.9996, "A": 0.95, "alpha": 0.5, "scale": -0.1}}
    return dataclasses.replace(sf.laplace(fit, num=NUM), method="posterior", diagnostics=known)


@pytest.fixture(scope="module")
def prior(draws):
    """Draws as of a wide prior: over decades, but for an exponent."""
    rng = np.random.default_rng(1)
    wide = np.exp(1.5 * rng.standard_normal((3, NUM)))
    law = PowerLaw(E=0.5 * wide[0], A=30.0 * wide[1], alpha=rng.normal(0.3, 0.02, NUM))
    return dataclasses.replace(draws, law=law, scale=0.02 * wide[2], method="prior", diagnostics={})


def mixed(draws, chains=4):
    chain = np.random.default_rng(2).permutation(np.arange(NUM) % chains)
    return dataclasses.replace(draws, drawn={"chain": chain})


def legend(ax) -> list[str]:
    box = ax.get_legend()
    return [] if box is None else [text.get_text() for text in box.get_texts()]


def test_prior_and_posterior(draws, prior):
    axes = sf.plot.prior_posterior(draws, prior)
    assert [ax.get_xlabel() for ax in axes] == ["E", "A", "α", "scatter of the runs"]
    assert [ax.get_xscale() for ax in axes] == ["log", "log", "linear", "log"]
    assert legend(axes[0]) == ["prior", "posterior"]
    for ax, share in zip(axes, ("> 0.99", "0.95", "0.50", "−0.10"), strict=True):
        assert ax.get_title(loc="right") == f"contraction {share}"
        for line in ax.get_lines()[:2]:
            assert np.max(line.get_ydata()) == pytest.approx(1.0)
    before, after, _ = axes[2].get_lines()
    assert before.get_xdata()[np.argmax(before.get_ydata())] == pytest.approx(0.3, abs=0.01)
    assert after.get_xdata()[np.argmax(after.get_ydata())] == pytest.approx(np.median(draws.law.alpha), abs=0.005)


def test_a_prior_of_something_else_is_refused(draws, prior):
    other = dataclasses.replace(prior, fit=dataclasses.replace(prior.fit, free=("E", "A")))
    with pytest.raises(sf.InputError, match="with E, A, alpha free, and the prior of PowerLaw with E, A"):
        sf.plot.prior_posterior(draws, other)
    with pytest.raises(sf.InputError, match="prior_posterior draws 4 Axes"):
        sf.plot.prior_posterior(draws, prior, axes=Figure().subplots(1, 2))


def test_the_density_of_draws():
    rng = np.random.default_rng(0)
    at = np.linspace(-2.0, 2.0, 9)
    found = _density(rng.standard_normal(500_000), at, (-np.inf, np.inf))
    expected = stats.norm.pdf(at)
    assert found / found.mean() == pytest.approx(expected / expected.mean(), abs=0.03)
    even = _density(rng.uniform(0.0, 1.0, 500_000), np.linspace(0.0, 1.0, 9), (0.0, 1.0))
    assert even / even.mean() == pytest.approx(np.ones(9), abs=0.03)  # to its very ends


def test_chains_that_mixed_and_one_that_did_not(draws):
    good = mixed(draws)
    axes = sf.plot.ranks(good)
    assert [ax.get_title() for ax in axes] == NAMES
    assert all(legend(ax) == [] for ax in axes)
    lines = [patch for patch in axes[0].patches if not patch.get_fill()]
    assert len(lines) == 4
    stuck = np.where(draws.law.alpha <= np.quantile(draws.law.alpha, 0.25), 7, good.drawn["chain"] % 3)
    axes = sf.plot.ranks(dataclasses.replace(draws, drawn={"chain": stuck}))
    assert "chain 7" in legend(axes[2])


def test_draws_without_chains_are_refused(draws):
    with pytest.raises(sf.InputError, match=r"of no chains.* method='nuts'"):
        sf.plot.ranks(draws)
    with pytest.raises(sf.InputError, match="of one chain"):
        sf.plot.ranks(mixed(draws, chains=1))


@pytest.mark.parametrize("tail", [0.005, 0.05])
def test_bands_of_uniform_ranks_are_those_of_their_distributions(tail):
    for count, p in ((50, 0.05), (500, 0.11), (7, 1.0)):
        assert _binomial(count, p, tail) == tuple(stats.binom.ppf([tail, 1.0 - tail], count, p))
    for total, marked, count in ((400, 40, 100), (20, 15, 12), (300, 3, 10)):
        assert _among(total, marked, count, tail) == tuple(
            stats.hypergeom.ppf([tail, 1.0 - tail], total, marked, count)
        )


def test_ranks_of_truths():
    rng = np.random.default_rng(0)
    even, narrow = rng.integers(0, 100, 400), (100 * rng.beta(0.4, 0.4, 400)).astype(int)
    axes = sf.plot.rank_histogram(np.stack([even, narrow], axis=1), 99, ["alpha", "beta"])
    assert [ax.get_title() for ax in axes] == ["α", "β"]
    out = [{bar.get_facecolor() for bar in ax.patches if hasattr(bar, "get_height")} for ax in axes]
    assert [len(colours) for colours in out] == [1, 2]
    shown = [bar.get_height() for bar in axes[0].patches if hasattr(bar, "get_height")]
    assert len(shown) == 20
    assert np.mean(shown) == pytest.approx(1.0)
    with pytest.raises(sf.InputError, match="ranks from 0 to num = 50"):
        sf.plot.rank_histogram(even[:, None], 50)
    with pytest.raises(sf.InputError, match="2 names for 1"):
        sf.plot.rank_histogram(even[:, None], 99, ["a", "b"])


def test_what_was_foreseen(draws, runs, seen):
    last = runs.take(np.arange(32, 40))
    ax = sf.plot.forecast(draws, seen, last)
    said = " ".join(legend(ax))
    for part, words in ((seen, "32 runs fitted"), (last, "8 runs held out")):
        shares = []
        for level in (0.5, 0.9):
            band = sf.predict(draws, level=level, new_run=True, x=part.inputs["x"])
            assert band.low is not None
            assert band.high is not None
            shares.append(100.0 * np.mean((band.low <= part.target) & (part.target <= band.high)))
        (found,) = re.findall(rf"{words}: (\d+) % and (\d+) % inside", said)
        # Each picture draws its new runs anew: one run may fall to the other side.
        assert [float(one) for one in found] == pytest.approx(shares, abs=150.0 / len(part))
    above = np.asarray(ax.get_lines()[0].get_ydata(), float)
    value = sf.predict(draws.fit, x=seen.inputs["x"]).value
    assert above == pytest.approx(100.0 * (seen.target / value - 1.0))
    assert ax.get_xlabel() == "runs in order of x"
    with pytest.raises(sf.InputError, match="pass draws, of bootstrap, laplace or sample"):
        sf.plot.forecast(draws.fit, seen)


def held_out_points(ax) -> list[int]:
    assert "runs held out" in legend(ax)
    return [len(np.asarray(c.get_offsets())) for c in ax.collections if isinstance(c, PathCollection)]


def test_held_out_runs_are_marked(draws, runs, seen):
    ax = sf.plot.loss_against_compute(draws.fit, seen, held_out=runs.take(np.arange(32, 40)))
    assert sorted(held_out_points(ax)) == [0, 8, 32]
    assert ax.get_xlim()[1] > np.max(runs.inputs["x"])


def test_held_out_runs_are_marked_against_compute():
    rng = np.random.default_rng(0)
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(5e7, 5e9, 5), np.geomspace(1e9, 1e11, 5)))
    loss = (1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37) * np.exp(3e-3 * rng.standard_normal(25))
    runs, largest = sf.Runs(loss, N=N, D=D), np.argsort(N * D)[20:]
    fit = sf.fit(sf.laws.Chinchilla, runs.take(np.argsort(N * D)[:20]), noise=sf.noise.Gaussian())
    ax = sf.plot.loss_against_compute(fit, runs.take(np.argsort(N * D)[:20]), held_out=runs.take(largest))
    assert 5 in held_out_points(ax)
    assert sum(held_out_points(ax)) == 25
    assert ax.get_xlim()[1] > np.max(6 * N * D)
    with pytest.raises(sf.InputError, match="D"):
        sf.plot.loss_against_compute(fit, runs.take(np.argsort(N * D)[:20]), held_out=sf.Runs(loss, N=N))
