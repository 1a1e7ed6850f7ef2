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
    with pytest.raises(sf.InputError, match="'wbe'"):
        sf.amounts_at({"web": 1.0}, {"wbe": 2.0}, 3.0)


def test_caps_bind_more_the_larger_the_run_is():
    limits = {"tokens": {"web": 1e13, "books": 2e10, "code": 1e11}}
    path = sf.mixtures_along(laws(), at={"D": [1e10, 1e11, 1e12]}, limits=limits)
    books = [best.weights[1] for best in path]
    assert books[0] > 0.3
    assert books[2] == pytest.approx(0.08)
    assert path[0].value <= path[1].value <= path[2].value


def test_straying_from_a_prior_has_its_price():
    prior = {"web": 0.8, "books": 0.1, "code": 0.1}
    path = sf.mixtures_along(laws(), kl=[0.0, 0.01, 0.1, 1.0], limits={"prior": prior})
    away = [np.abs(best.weights - [0.8, 0.1, 0.1]).sum() for best in path]
    assert away == sorted(away, reverse=True)
    assert [best.value for best in path] == sorted(best.value for best in path)
    with pytest.raises(sf.InputError, match="several numbers in one place"):
        sf.mixtures_along(laws())
