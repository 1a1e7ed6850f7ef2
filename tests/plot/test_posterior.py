"""Pictures of a posterior: against its prior, its chains, truths among its draws, and what it foresees."""

import dataclasses
import re

import numpy as np
import pytest
from helpers import posed
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from scipy import stats

import scalefit as sf
from scalefit.laws import PowerLaw

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


def test_prior_and_posterior(draws, prior, looks_like):
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
    looks_like(axes, "prior_posterior")


def test_a_prior_of_something_else_is_refused(draws, prior):
    other = dataclasses.replace(prior, fit=posed(prior.fit, fixed=("alpha",)))
    with pytest.raises(sf.InputError, match="with E, A free; expected that of PowerLaw with E, A, alpha free"):
        sf.plot.prior_posterior(draws, other)
    with pytest.raises(sf.InputError, match="axes are 2; expected 4 Axes"):
        sf.plot.prior_posterior(draws, prior, axes=Figure().subplots(1, 2))


def test_the_density_of_draws(draws, prior):
    """A normal one's, and an even one's to the very end that the parameter has."""
    rng, many = np.random.default_rng(0), 200_000
    E = np.append(0.0, rng.uniform(0.0, 1.0, many - 1))  # the 0 keeps the axis linear
    law = PowerLaw(E=E, A=np.full(many, 30.0), alpha=rng.normal(0.3, 0.02, many))
    each = {name: np.full(many, getattr(draws, name)[0]) for name in ("objective", "result", "scale")}
    known = dataclasses.replace(draws, law=law, unidentified=np.zeros((many, 3), bool), diagnostics={}, **each)
    axes = sf.plot.prior_posterior(known, prior)
    (E, even), (alpha, normal) = (np.asarray(axes[k].get_lines()[1].get_xydata(), float).T for k in (0, 2))
    assert E[0] == 0.0
    assert even[E < 0.9] == pytest.approx(np.ones(np.sum(E < 0.9)), abs=0.05)
    assert normal == pytest.approx(np.exp(-0.5 * ((alpha - 0.3) / 0.02) ** 2), abs=0.03)


def test_chains_that_mixed_and_one_that_did_not(draws, looks_like):
    good = mixed(draws)
    axes = sf.plot.ranks(good)
    assert [ax.get_title() for ax in axes] == NAMES
    assert all(legend(ax) == [] for ax in axes)
    lines = [patch for patch in axes[0].patches if not patch.get_fill()]
    assert len(lines) == 4
    stuck = np.where(draws.law.alpha <= np.quantile(draws.law.alpha, 0.25), 7, good.drawn["chain"] % 3)
    axes = sf.plot.ranks(dataclasses.replace(draws, drawn={"chain": stuck}))
    assert "chain 7" in legend(axes[2])
    looks_like(axes, "ranks")


def test_draws_without_chains_are_refused(draws):
    with pytest.raises(sf.InputError, match=r"of no chains.* method='nuts'"):
        sf.plot.ranks(draws)
    with pytest.raises(sf.InputError, match="of one chain"):
        sf.plot.ranks(mixed(draws, chains=1))


def band(ax) -> tuple[np.ndarray, np.ndarray]:
    (filled,) = (patch for patch in ax.patches if isinstance(patch, StepPatch) and patch.get_fill())
    high, _, low = filled.get_data()
    return np.asarray(low), np.asarray(high)


@pytest.mark.parametrize("level", [0.9, 0.99])
def test_bands_of_uniform_ranks_are_those_of_their_distributions(draws, level):
    """Of all bars of a panel together: 20 of 400 studies, 10 of 4 chains of 100 draws each."""
    rng = np.random.default_rng(0)
    (ax,) = sf.plot.rank_histogram(rng.integers(0, 100, (400, 1)), 99, level=level)
    tail = 0.5 * (1.0 - level) / 20
    ends = stats.binom.ppf([tail, 1.0 - tail], 400, 0.05) / 20
    assert np.unique(band(ax), axis=1).ravel() == pytest.approx(ends)
    ax, *_ = sf.plot.ranks(mixed(draws), level=level)
    tail = 0.5 * (1.0 - level) / (10 * 4)
    ends = stats.hypergeom.ppf([tail, 1.0 - tail], 400, 40, 100) / 10
    assert np.unique(band(ax), axis=1).ravel() == pytest.approx(ends)


def test_ranks_of_truths():
    rng = np.random.default_rng(0)
    even, narrow = rng.integers(0, 100, 400), (100 * rng.beta(0.4, 0.4, 400)).astype(int)
    axes = sf.plot.rank_histogram(np.stack([even, narrow], axis=1), 99, ["alpha_N", "beta[2]"])
    assert [ax.get_title() for ax in axes] == ["α_N", "β[2]"]
    out = [{bar.get_facecolor() for bar in ax.patches if hasattr(bar, "get_height")} for ax in axes]
    assert [len(colours) for colours in out] == [1, 2]
    shown = [bar.get_height() for bar in axes[0].patches if hasattr(bar, "get_height")]
    assert len(shown) == 20
    assert np.mean(shown) == pytest.approx(1.0)
    with pytest.raises(sf.InputError, match="ranks from 0 to `num`, 50"):
        sf.plot.rank_histogram(even[:, None], 50)
    with pytest.raises(sf.InputError, match="names are 2; expected one for each of 1"):
        sf.plot.rank_histogram(even[:, None], 99, ["a", "b"])


def test_what_was_foreseen(draws, runs, seen, looks_like, column):
    last = runs.take(np.arange(32, 40))
    ax = sf.plot.forecast(draws, last)
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
    with pytest.raises(sf.InputError, match="draws is a fit by itself; expected draws, of"):
        sf.plot.forecast(draws.fit)
    looks_like(sf.plot.forecast(draws, last, ax=column), "forecast")


def held_out_points(ax) -> list[int]:
    assert "runs held out" in legend(ax)
    return [len(np.asarray(c.get_offsets())) for c in ax.collections if isinstance(c, PathCollection)]


def test_held_out_runs_are_marked(draws, runs, seen):
    ax = sf.plot.loss_against_compute(draws.fit, held_out=runs.take(np.arange(32, 40)))
    assert sorted(held_out_points(ax)) == [0, 8, 32]
    assert ax.get_xlim()[1] > np.max(runs.inputs["x"])


def test_held_out_runs_are_marked_against_compute():
    rng = np.random.default_rng(0)
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(5e7, 5e9, 5), np.geomspace(1e9, 1e11, 5)))
    loss = (1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37) * np.exp(3e-3 * rng.standard_normal(25))
    runs, largest = sf.Runs(loss, N=N, D=D), np.argsort(N * D)[20:]
    fit = sf.fit(sf.laws.Chinchilla, runs.take(np.argsort(N * D)[:20]), noise=sf.noise.Gaussian())
    ax = sf.plot.loss_against_compute(fit, held_out=runs.take(largest))
    assert 5 in held_out_points(ax)
    assert sum(held_out_points(ax)) == 25
    assert ax.get_xlim()[1] > np.max(6 * N * D)
    with pytest.raises(sf.InputError, match="D"):
        sf.plot.loss_against_compute(fit, held_out=sf.Runs(loss, N=N))
