"""Where functions change their sign: every kind of function, in few looks."""

import numpy as np
import pytest

from scalefit.plan._roots import crossings

ROOT = np.array([0.1, 1.0, 7.3])
KINDS = {
    "straight": lambda x: x - ROOT,
    "steep": lambda x: np.expm1(30.0 * (x - ROOT)),
    "flat": lambda x: (x - ROOT) ** 9,
    "jump": lambda x: np.where(x > ROOT, 1.0, -1.0),
    "undefined before": lambda x: np.where(x > ROOT, x, np.nan),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_place_is_found(kind):
    low, high = crossings(KINDS[kind], np.full(3, -1.0), np.array([2.0, 5.0, 9.0]))
    assert (low <= high).all()
    np.testing.assert_allclose(high, ROOT, rtol=0, atol=1e-12 if kind != "flat" else 2e-3)
    np.testing.assert_allclose(high - low, 0.0, atol=1e-14)


def test_smooth_functions_take_few_looks():
    looks = []

    def counted(x):
        looks.append(x)
        return np.log(x) - np.log(ROOT)

    crossings(counted, np.full(3, 0.01), np.full(3, 10.0))
    assert len(looks) < 20


def test_a_function_that_does_not_change_ends_at_an_end():
    begin, end = np.zeros(2), np.array([1.0, -1.0])
    np.testing.assert_array_equal(crossings(lambda x: -np.ones(2), begin, end), [end, end])
    np.testing.assert_array_equal(crossings(lambda x: np.ones(2), begin, end), [begin, begin])
