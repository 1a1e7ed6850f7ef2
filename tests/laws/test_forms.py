"""Each law against its formula written another way, and in the limits where it becomes a simpler law."""

import dataclasses
import math

import jax
import numpy as np
import pytest
from helpers import LAWS

from scalefit.laws import BNSL, QQT, Chinchilla, DataConstrained, Kaplan, PowerLaw, QQTEffective


def along(law, **columns):
    return np.asarray(jax.vmap(lambda point: law(**point))({k: np.asarray(v, float) for k, v in columns.items()}))


def test_kaplan_limits_are_its_laws_of_one_input():
    law = Kaplan.published("kaplan")
    assert float(law(N=1e9, D=1e40)) == pytest.approx((6.4e13 / 1e9) ** 0.076, rel=1e-12)
    assert float(law(N=1e60, D=1e11)) == pytest.approx((1.8e13 / 1e11) ** 0.103, rel=1e-2)


def test_data_constrained_is_chinchilla_within_one_pass_and_the_useful_size():
    law = DataConstrained.published("c4")
    N, D = [1e6, 1e7, 1e8], [1e9, 1e10, 1e11]
    np.testing.assert_allclose(
        along(law, N=N, D=D, U=[1e9, 1e11, 1e12]), along(Chinchilla.published("muennighoff-c4"), N=N, D=D), rtol=1e-12
    )


def test_data_constrained_repeats_are_worth_at_most_their_half_life():
    law = DataConstrained.published("c4")
    ceiling = Chinchilla.published("muennighoff-c4")(N=1e6, D=1e9 * (1 + float(law.R_D)))
    assert float(law(N=1e6, D=1e15, U=1e9)) == pytest.approx(float(ceiling), rel=1e-12)


def utility_loop(law, n, U):
    """arXiv 2404.07177 as its authors wrote it: one ratio of samples seen after another."""
    a, b, d, tau = (float(x) for x in (law.a, law.b, law.d, law.tau))
    first = (a * min(n, U) / 1e5) ** b
    later, seen = 1.0, min(n, U)
    for k in range(1, math.ceil(n / U)):
        end = min(n, (k + 1) * U)
        later *= (end / seen) ** (b * 0.5 ** (k / tau))
        seen = end
    return (first + d) * later if law.floor == "released" else first * later + d


@pytest.mark.parametrize("floor", ["outside", "released"])
def test_qqt_is_a_product_of_passes(floor):
    law = dataclasses.replace(QQT.published("tmars-top0-10"), floor=floor)
    n = 12.8e6 * np.array([0.3, 1.0, 1.5, 2.0, 7.3, 16.0])
    np.testing.assert_allclose(
        along(law, n=n, U=np.full(6, 12.8e6)), [utility_loop(law, x, 12.8e6) for x in n], rtol=1e-13
    )


def test_qqt_effective_discounts_each_pass():
    law = QQTEffective.published("tmars-top0-10")
    n, U = 3.5 * 1e6, 1e6
    worth = U * (1 + 2 ** (-1 / 4.0) + 2 ** (-2 / 4.0) + 0.5 * 2 ** (-3 / 4.0))
    assert float(law(n=n, U=U)) == pytest.approx(0.1 + (0.022 * worth / 1e5) ** float(law.b), rel=1e-13)


def test_under_vmap_the_staircase_is_undefined_beyond_its_passes_until_sized():
    law, seen = QQT.published("tmars-top0-10"), {"n": np.array([16e6, 17e6]), "U": np.array([1e6, 1e6])}
    assert np.isnan(along(law, **seen)).tolist() == [False, True]
    sized = along(law.sized_for(seen), **seen)
    np.testing.assert_allclose(sized, [float(law(n=n, U=1e6)) for n in seen["n"]], rtol=1e-14)
    assert np.isnan(law(n=1e10, U=1e6))


def test_the_effective_form_covers_any_number_of_passes():
    law, k = QQTEffective.published("tmars-top0-10"), np.arange(40_000)
    for passes in (0.5, 1.0, 3.25, 40_000.0):
        worth = np.sum(2 ** (-k / float(law.tau)) * np.clip(passes - k, 0.0, 1.0))
        expected = float(law.d) + (float(law.a) * worth * 1e6 / 1e5) ** float(law.b)
        assert float(law(n=passes * 1e6, U=1e6)) == pytest.approx(expected, rel=1e-12)
        counts = 2.0 ** (-np.floor(passes + 0.1) / float(law.tau))
        within = jax.grad(lambda n: law(n=n, U=1e6))((passes + 0.1) * 1e6)
        left = float(law(n=(passes + 0.1) * 1e6, U=1e6)) - float(law.d)
        worth = (left ** (1.0 / float(law.b))) / float(law.a) * 1e5
        assert float(within) == pytest.approx(float(law.b) * left / worth * counts, rel=1e-9)


@pytest.mark.parametrize(("passes", "covered"), [(0.5, 16), (16.0, 16), (16.5, 32), (32.0, 32), (100.0, 128)])
def test_a_pool_law_is_sized_to_the_next_power_of_two(passes, covered):
    law, U = QQT.published("tmars-top0-10"), np.array([3e6, 3e6])
    assert law.sized_for({"n": U * [passes, 1.0], "U": U}) == law.covering(covered)
    assert law.covering(covered) == law.covering(covered - 0.5)


def test_the_size_of_a_pool_law_changes_no_value():
    law = QQT.published("tmars-top0-10")
    n, U = np.linspace(1e6, 1.6e7, 7), np.full(7, 1e6)
    np.testing.assert_allclose(along(law.covering(64), n=n, U=U), along(law, n=n, U=U), rtol=1e-14)


def test_bnsl_without_change_of_slope_is_a_power_law():
    law = dataclasses.replace(LAWS["BNSL-2"].truth, c=np.zeros(2))
    x = np.geomspace(1e6, 1e12, 7)
    np.testing.assert_allclose(along(law, x=x), along(PowerLaw(E=0.3, A=30.0, alpha=0.15), x=x), rtol=1e-13)


def test_bnsl_slopes_far_from_its_break_are_those_of_its_segments():
    law = dataclasses.replace(LAWS["BNSL-1"].truth, a=0.0)
    slope = jax.vmap(jax.grad(lambda log_x: jax.numpy.log(law(x=jax.numpy.exp(log_x)))))
    np.testing.assert_allclose(slope(np.log([3e1, 3e15])), [-0.15, -0.4], atol=1e-12)


def test_bnsl_breaks_may_come_in_any_order():
    law = LAWS["BNSL-2"].truth
    assert isinstance(law, BNSL)
    swapped = dataclasses.replace(law, c=law.c[::-1], d=law.d[::-1], f=law.f[::-1])
    x = np.geomspace(1e6, 1e12, 7)
    np.testing.assert_allclose(along(swapped, x=x), along(law, x=x), rtol=1e-13)


def test_bnsl_of_so_many_breaks_has_so_many_to_fit():
    law = BNSL.of(3)
    assert law.c.shape == law.d.shape == law.f.shape == (3,)
