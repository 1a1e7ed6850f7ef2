"""Mixtures over scale: AutoScale's published rule, paths over budgets and over the price of straying."""

import numpy as np
import pytest

import scalefit as sf

WORDS = ("web", "books", "code")
# Best amounts of arXiv 2407.20177 at 0.3B and 1.2B tokens (feiyang-k/AutoScale, notebooks): relative, 7 in all.
DOMAINS = ("common_crawl", "github", "books", "wiki", "c4", "stackexchange", "arxiv")
RELATIVE = {
    0.3: [1.55818971, 0.2, 1.1645966, 1.42333261, 1.49550525, 0.68184781, 0.47652801],
    1.2: [1.63121445, 0.2, 1.30180479, 1.21425702, 1.83266187, 0.62006189, 0.2],
}


def amounts(total: float) -> dict[str, float]:
    """In billions of tokens."""
    return dict(zip(DOMAINS, (total / 7 * np.array(RELATIVE[total])).tolist(), strict=True))


def laws():
    t = np.array([[-2.0, 0.5, 1.5], [1.0, -3.0, 2.0]])
    return {name: sf.laws.MixingExp(c=2.0, k=0.5, t=t[i], domain=WORDS) for i, name in enumerate(("c4", "pg19"))}


def test_the_published_rule_of_two_scales():
    small, large = amounts(0.3), amounts(1.2)
    found = sf.amounts_at(small, large, 5.0005)
    published = [1.17097, 0.13714, 0.99784, 0.71033, 1.54000, 0.38666, 0.05756]
    np.testing.assert_allclose(list(found.values()), published, atol=2e-5)
    middle = sf.amounts_at(small, large, 0.5961)
    np.testing.assert_allclose(
        list(middle.values()), [0.13665, 0.01714, 0.10554, 0.11268, 0.14190, 0.05573, 0.02646], atol=2e-5
    )
    with pytest.raises(sf.InputError, match="second is 3; expected amounts by domain"):
        sf.amounts_at(small, 3, 5.0)  # pyright: ignore[reportArgumentType]  refused
    assert sf.amounts_at(small, small, sum(small.values())) == pytest.approx(small)
    # Amounts of other orders than a float can be the ratio of.
    far = sf.amounts_at({"web": 1e-300, "books": 2.0}, {"web": 1e300, "books": 1.0}, 1e5)
    assert sum(far.values()) == pytest.approx(1e5)
    with pytest.raises(sf.InputError, match="expected amounts by domain"):
        sf.amounts_at({}, {}, 3.0)
    with pytest.raises(sf.InputError, match="'wbe'"):
        sf.amounts_at({"web": 1.0}, {"wbe": 2.0}, 3.0)


def test_caps_bind_more_the_larger_the_run_is():
    limits = {"tokens": {"web": 1e13, "books": 2e10, "code": 1e11}}
    path = sf.mixtures_along(laws(), at={"D": [1e10, 1e11, 1e12]}, limits=limits)
    books = [best.weights[1] for best in path]
    assert books[0] > 0.3
    assert books[2] == pytest.approx(0.08)
    assert path[0].value <= path[1].value <= path[2].value
    assert path.along == ("D",)
    np.testing.assert_allclose(path.weights[:, 1], books)


def test_the_rule_of_two_budgets_stands_beside_the_fitted_optimum():
    law = sf.laws.AutoScale(
        E=1.0, A=[9e2, 1.2e3, 7e2], a=[2e8, 5e8, 3e8], b=[0.35, 0.37, 0.34], domain=WORDS
    )  # fmt: skip
    path = sf.mixtures_along(law, at={"D": [1e10, 3e10, 1e11, 1e12]})
    ruled = path.by_rule()
    np.testing.assert_allclose(ruled[:2], path.weights[:2], atol=1e-9)
    np.testing.assert_allclose(ruled.sum(axis=1), 1.0)
    # Far out all powers are alike, and the rule goes on as it began.
    assert np.abs(ruled[2] - path.weights[2]).max() < 0.02 < np.abs(path.by_rule(0, 1)[3] - path.weights[0]).max()
    np.testing.assert_allclose(path.by_rule(-2, -1)[2:], path.weights[2:], atol=1e-9)
    sizes = sf.mixtures_along(laws(), kl=[0.0, 0.1], limits={"prior": dict.fromkeys(WORDS, 1 / 3)})
    with pytest.raises(sf.InputError, match="has no two budgets of tokens D that differ"):
        sizes.by_rule()
    with pytest.raises(sf.InputError, match="second is 7; expected a whole number from"):
        path.by_rule(0, 7)


def test_sizes_that_go_together_are_as_many():
    one = {"E": 1.2, "C": [4.0, 2.0, 3.0], "gamma": [0.4, 0.6, 0.5], "A": 482.0, "B": 2085.0, "alpha": 0.35}
    law = sf.laws.MixingAdditive(**one, beta=0.37, domain=WORDS)
    path = sf.mixtures_along(law, at={"N": [1e9, 1e10], "D": [2e10, 2e11]})
    np.testing.assert_allclose(path.places, [[1e9, 2e10], [1e10, 2e11]])
    # Terms that add leave the best weights the same at every size.
    np.testing.assert_allclose(path.weights[0], path.weights[1], atol=1e-6)
    with pytest.raises(sf.InputError, match="has 2 of N and 3 of D; expected as many"):
        sf.mixtures_along(law, at={"N": [1e9, 1e10], "D": [1e10, 1e11, 1e12]})


def test_a_matched_proxy_repeats_as_its_target_will():
    found = sf.matched_proxy({"web": 1e13, "books": 2e10}, target=1e12, proxy=1e10)
    np.testing.assert_allclose(found.tokens, [1e11, 2e8])
    passes = found.passes({"web": 0.9, "books": 0.1})
    assert passes["books"] == pytest.approx({"target": 5.0, "matched": 5.0, "unmatched": 0.05})
    assert passes["web"]["matched"] == pytest.approx(0.09)
    endless = sf.matched_proxy({"web": np.inf, "books": 1e9}, target=1e11, proxy=1e9)
    assert endless.passes({"web": 1.0})["web"] == {"target": 0.0, "matched": 0.0, "unmatched": 0.0}
    with pytest.raises(sf.InputError, match=r"proxy is 1e\+12 tokens, more than the 1e\+11 of the target"):
        sf.matched_proxy({"web": 1e13}, target=1e11, proxy=1e12)
    with pytest.raises(sf.InputError, match=r"weights sums to 0\.5"):
        found.passes({"web": 0.5})


def test_straying_from_a_prior_has_its_price():
    prior = {"web": 0.8, "books": 0.1, "code": 0.1}
    path = sf.mixtures_along(laws(), kl=[0.0, 0.01, 0.1, 1.0], limits={"prior": prior})
    away = [np.abs(best.weights - [0.8, 0.1, 0.1]).sum() for best in path]
    assert away == sorted(away, reverse=True)
    assert [best.value for best in path] == sorted(best.value for best in path)
    with pytest.raises(sf.InputError, match="several numbers in one place"):
        sf.mixtures_along(laws())
