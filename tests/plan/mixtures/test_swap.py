"""A mixture exchanged for another: the compute that it saves, in closed form where there is one."""

import numpy as np
import pytest

import scalefit as sf

WORDS = ("web", "books")
ADDITIVE = sf.laws.MixingAdditive(
    E=1.2, C=[4.0, 2.0], gamma=[0.4, 0.6], A=0.0, B=2085.0, alpha=0.35, beta=0.37, domain=WORDS
)
FIRST, SECOND = {"web": 0.1, "books": 0.9}, {"web": 0.5, "books": 0.5}


def of_weights(w):
    return 1.0 / (4.0 * w["web"] ** 0.4 + 2.0 * w["books"] ** 0.6)


def test_a_law_of_sizes_says_what_a_swap_saves():
    at = {"N": 1e9, "D": 2e10}
    (found,) = sf.mixture_speedup(ADDITIVE, FIRST, SECOND, at=at, along="D").values()
    data = 2085.0 * 2e10**-0.37
    better = of_weights(FIRST) - of_weights(SECOND)
    k = ((data - better) / data) ** (-1 / 0.37)
    assert float(found.factor.value) == pytest.approx(k, rel=1e-9)
    assert found.factor.low is None
    assert found.probability is None
    # Of both sizes each takes the root.
    (both,) = sf.mixture_speedup(ADDITIVE, FIRST, SECOND, at=at).values()
    assert float(both.factor.value) == pytest.approx(k**2, rel=1e-9)
    (back,) = sf.mixture_speedup(ADDITIVE, SECOND, FIRST, at=at, along="D").values()
    assert float(back.factor.value) < 1.0
    assert float(back.gap.value) == pytest.approx(-float(found.gap.value))
    (never,) = sf.mixture_speedup(ADDITIVE, {"web": 1e-4, "books": 0.9999}, SECOND, at={"N": 1e9, "D": 1e13}).values()
    assert np.isinf(never.factor.value)


def test_ladders_say_it_for_laws_of_weights_alone():
    laws = {
        "c4": sf.laws.MixingExp(c=2.0, k=0.5, t=[-0.75, 0.75], domain=WORDS),
        "pg19": sf.laws.MixingExp(c=2.0, k=0.5, t=[1.25, -1.25], domain=WORDS),
    }
    ladder = sf.laws.Frontier(E=1.5, A=300.0, alpha=0.12)
    found = sf.mixture_speedup(laws, FIRST, SECOND, at={"C": 1e20}, ladders={"c4": ladder, "pg19": ladder})
    assert set(found) == {"c4", "pg19"}
    one, two = (2.0 + 0.5 * np.exp(0.75 * (w["books"] - w["web"])) for w in (FIRST, SECOND))
    f = 1.5 + 300.0 * 1e20**-0.12
    k = ((f * two / one - 1.5) / (f - 1.5)) ** (-1 / 0.12)
    assert float(found["c4"].factor.value) == pytest.approx(k, rel=1e-9)
    assert float(found["pg19"].factor.value) < 1.0

    def refused(said, *pair, **given):
        with pytest.raises(sf.InputError, match=said):
            sf.mixture_speedup(laws, *(pair or (FIRST, SECOND)), **given)

    refused("takes no size.*ladders")
    refused("at has no C, which the ladder of 'c4' takes", ladders={"c4": ladder})
    refused("first sums to 0.9", {"web": 0.9}, SECOND)
    refused("'wbe'.*The nearest is 'web'", {"wbe": 1.0}, SECOND)
    refused("ladders is empty", ladders={})
    refused("at names 'Q'", ladders={"c4": ladder}, at={"C": 1e20, "Q": 1.0})
    refused("ladders: c4 is of MixingExp, a law of weights", ladders={"c4": laws["c4"]}, at={"C": 1e20})
    refused("along is 3; expected sizes of ladders: c4: C", ladders={"c4": ladder}, at={"C": 1e20}, along=3)
    refused("along is 'D'; expected sizes of ladders: c4: C", ladders={"c4": ladder}, at={"C": 1e20}, along="D")
