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


def test_bars_are_the_weights_and_those_at_a_limit_are_hatched(fits, looks_like, column):
    best = sf.optimise_mixture(sf.jackknife(fits, num=40), limits={"most": {WORDS[1]: 0.3}})
    ax = sf.plot.mixture(best, column)
    bars = {label.get_text(): bar for label, bar in zip(ax.get_yticklabels(), ax.patches, strict=False)}
    assert set(bars) == {"web", "books", "code"}
    for name, short in zip(WORDS, ("web", "books", "code"), strict=True):
        assert bars[short].get_width() == pytest.approx(100.0 * best.weights_by_name()[name])  # pyright: ignore[reportAttributeAccessIssue]  a bar
    assert [short for short, bar in bars.items() if bar.get_hatch()] == ["books"]
    looks_like(ax, "mixture")


def test_what_was_foreseen_stands_against_what_was_measured(fits, looks_like, column):
    folds = sf.mixture_folds(fits, halves=0)
    ax = sf.plot.foreseen(folds, fits, column)
    points = sum(np.isfinite(np.asarray(line.get_xdata(), float)).sum() for line in ax.lines[:2])
    assert points == 88
    with pytest.raises(sf.InputError, match="its own fits"):
        sf.plot.foreseen(folds, fits["c4"])
    with pytest.raises(sf.InputError, match="fits is 3"):
        sf.plot.foreseen(folds, 3)  # pyright: ignore[reportArgumentType]  refused
    looks_like(ax, "foreseen")


def test_parity_and_residuals_stand_by_target(fits, looks_like):
    left, right = sf.plot.parity(fits)
    assert sum(len(np.asarray(line.get_xdata())) for line in left.lines[:2]) == 88
    assert {label.get_text() for label in right.get_yticklabels()} == {"c4", "pg19"}
    dots = [line for line in right.lines if line.get_marker() == "."]
    off = 100.0 * np.expm1(np.asarray(fits.residuals))
    wide = np.sqrt(np.mean(off**2, axis=1))
    # Whose residuals are widest stands at the top.
    np.testing.assert_allclose(sorted(np.asarray(dots[-1].get_xdata(), float)), sorted(off[np.argmax(wide)]))
    alone, _ = sf.plot.parity(fits["c4"])
    assert alone.get_legend() is None
    with pytest.raises(sf.InputError, match="fits is 3"):
        sf.plot.parity(3)  # pyright: ignore[reportArgumentType]  refused
    looks_like([left, right], "parity")


def test_a_path_is_a_line_for_each_domain_with_its_band(fits, looks_like, column):
    prior = dict(zip(WORDS, (0.8, 0.1, 0.1), strict=True))
    path = sf.mixtures_along(sf.jackknife(fits, num=20), kl=[0.0, 0.1, 1.0], limits={"prior": prior})
    ax = sf.plot.mixture_path(path, column)
    lines = [line for line in ax.lines if len(np.asarray(line.get_xdata())) == 3]
    assert len(lines) == 3
    assert len(ax.collections) == 3
    largest = np.argmax(path.weights.max(axis=0))
    np.testing.assert_allclose(np.asarray(lines[0].get_ydata(), float), 100.0 * path.weights[:, largest])
    assert ax.get_xticklabels()[0].get_text() == "0"
    assert {text.get_text() for text in ax.texts} == {"web", "books", "code"}
    with pytest.raises(sf.InputError, match="no two budgets of tokens"):
        sf.plot.mixture_path(path, rule=True)
    looks_like(ax, "mixture_path")


def test_the_map_of_three_domains_has_its_star_at_the_best(fits, looks_like):
    limits = {"most": {WORDS[1]: 0.3}}
    ax = sf.plot.mixture_ternary(fits, limits=limits)
    best = sf.optimise_mixture(fits, limits=limits)
    (star,) = (line for line in ax.lines if line.get_marker() == "*")
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
    np.testing.assert_allclose(np.ravel(star.get_xydata()), best.weights @ corners, atol=1e-9)
    legend = ax.get_legend()
    assert legend is not None
    assert "beyond the limits" in {text.get_text() for text in legend.get_texts()}
    with pytest.raises(sf.InputError, match=r"domains is .*expected three different ones"):
        sf.plot.mixture_ternary(fits, domains=WORDS[:2])
    with pytest.raises(sf.InputError, match="domains names 3"):
        sf.plot.mixture_ternary(fits, domains=3)  # pyright: ignore[reportArgumentType]  refused
    looks_like(ax, "mixture_ternary")
