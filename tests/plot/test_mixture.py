"""Pictures of mixtures of domains: what is drawn is what was found."""

import numpy as np
import pytest

import scalefit as sf

WORDS = ("pile_web_share", "pile_books_share", "pile_code_share")


@pytest.fixture(scope="module")
def fits():
    rng = np.random.default_rng(3)
    w = rng.dirichlet(np.ones(3), 44)
    t = np.array([[-2.0, 0.5, 1.5], [1.0, -3.0, 2.0]])
    losses = (2.0 + 0.5 * np.exp(w @ t.T)) * np.exp(0.002 * rng.standard_normal((44, 2)))
    shares = {f"w[{d}]": w[:, i] for i, d in enumerate(WORDS)}
    runs = sf.Runs({"c4": losses[:, 0], "pg19": losses[:, 1]}, run=np.arange(44), **shares)  # pyright: ignore[reportArgumentType]  entries in brackets
    return sf.fit(sf.laws.MixingExp, runs, by="target", noise=sf.noise.Gaussian())


def test_bars_are_the_weights_and_those_at_a_limit_are_hatched(fits):
    best = sf.optimise_mixture(sf.jackknife(fits, num=40), limits={"most": {WORDS[1]: 0.3}})
    ax = sf.plot.mixture(best)
    bars = {label.get_text(): bar for label, bar in zip(ax.get_yticklabels(), ax.patches, strict=False)}
    assert set(bars) == {"web", "books", "code"}
    for name, short in zip(WORDS, ("web", "books", "code"), strict=True):
        assert bars[short].get_width() == pytest.approx(100.0 * best.weights_by_name()[name])  # pyright: ignore[reportAttributeAccessIssue]  a bar
    assert [short for short, bar in bars.items() if bar.get_hatch()] == ["books"]


def test_what_was_foreseen_stands_against_what_was_measured(fits):
    folds = sf.mixture_folds(fits, halves=0)
    ax = sf.plot.foreseen(folds, fits)
    points = sum(np.isfinite(np.asarray(line.get_xdata(), float)).sum() for line in ax.lines[:2])
    assert points == 88
    with pytest.raises(sf.InputError, match="its own fits"):
        sf.plot.foreseen(folds, fits["c4"])
