"""A law's parameters as a flat vector and back, and the law in other units."""

from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scalefit._core import InputError
from scalefit.laws import AbstractLaw
from scalefit.params import (
    Param,
    interval,
    negative,
    nonnegative,
    parameters,
    positive,
    real,
    rescale,
    slots,
    values,
    with_values,
)


class Toy(eqx.Module):
    """One parameter of each kind, arrays between scalars."""

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}

    A: Param = nonnegative(
        unit="target", amplitude=True, dims={"parameters": lambda law: law.alpha, "tokens": -1.0}, typical=(0.1, 1.0)
    )
    alpha: Param = positive()
    c: Param = real(axis="break")
    d: Param = positive(dims={"tokens": 1.0}, axis="break")
    b: Param = negative()
    share: Param = interval(0.0, 1.0)
    passes: int = eqx.field(default=4, static=True)


@pytest.fixture
def toy():
    return Toy(A=3.0, alpha=0.5, c=np.array([0.1, -0.2]), d=np.array([1e8, 1e9]), b=-0.3, share=0.25)


NUMBERS = [3.0, 0.5, 0.1, -0.2, 1e8, 1e9, -0.3, 0.25]


def test_parameters_are_the_declared_fields_in_order():
    assert list(parameters(Toy)) == ["A", "alpha", "c", "d", "b", "share"]
    assert parameters(Toy)["A"].amplitude
    assert [p.constraint.kind for p in parameters(Toy).values()] == [
        "nonnegative", "positive", "real", "positive", "negative", "interval",
    ]  # fmt: skip


def test_slots_name_the_entries_of_arrays_from_one(toy):
    assert [slot.name for slot in slots(toy)] == ["A", "alpha", "c[1]", "c[2]", "d[1]", "d[2]", "b", "share"]
    assert [(slot.field, slot.index) for slot in slots(toy)][2:4] == [("c", 0), ("c", 1)]


def test_values_are_the_numbers_in_order(toy):
    np.testing.assert_array_equal(values(toy), NUMBERS)


def test_leaves_are_strongly_typed_float64_on_the_host(toy):
    for leaf in jax.tree.leaves(toy):
        assert isinstance(leaf, np.ndarray)
        assert leaf.dtype == np.float64


def test_with_values_undoes_values(toy):
    numbers = np.array(NUMBERS) + 1.0
    moved = with_values(toy, numbers)
    np.testing.assert_array_equal(values(moved), numbers)
    assert moved.passes == toy.passes


def test_with_values_takes_leading_axes(toy):
    table = np.arange(24.0).reshape(3, 8)
    batch = with_values(toy, table)
    assert (np.shape(batch.A), np.shape(batch.c)) == ((3,), (3, 2))
    np.testing.assert_array_equal(values(batch), table)


@pytest.mark.parametrize("x64", [False, True])
def test_host_numbers_stay_exact_whatever_the_ambient_precision(toy, x64):
    with jax.enable_x64(x64):
        moved = with_values(toy, [1.0 + 1e-12 * k for k in range(8)])
    np.testing.assert_array_equal(values(moved), [1.0 + 1e-12 * k for k in range(8)])


def test_with_values_traces(toy):
    out = jax.jit(lambda numbers: with_values(toy, list(numbers)).d)(jnp.asarray(NUMBERS))
    np.testing.assert_array_equal(out, [1e8, 1e9])


@pytest.mark.parametrize("count", [7, 9])
def test_with_values_refuses_another_count(toy, count):
    with pytest.raises(ValueError, match=f"has 8 numbers and was given {count}"):
        with_values(toy, np.zeros(count))


def test_rescale_multiplies_by_the_power_of_each_unit(toy):
    scaled = rescale(toy, {"parameters": np.log(100.0), "tokens": np.log(10.0)})
    expected = np.array(NUMBERS) * [100.0**0.5 / 10.0, 1, 1, 1, 10, 10, 1, 1]
    np.testing.assert_allclose(values(scaled), expected, rtol=1e-14)


def test_rescale_leaves_units_that_are_not_named(toy):
    np.testing.assert_allclose(values(rescale(toy, {"tokens": 0.0, "other": 5.0})), NUMBERS, rtol=1e-15)


def test_rescale_there_and_back_is_nothing(toy):
    there = {"parameters": 3.0, "tokens": -7.0}
    back = {unit: -scale for unit, scale in there.items()}
    np.testing.assert_allclose(values(rescale(rescale(toy, there), back)), NUMBERS, rtol=1e-14)


def test_rescale_of_a_batch_is_that_of_each(toy):
    table = np.array(NUMBERS) * np.array([[1.0], [2.0], [3.0]])
    scale = {"parameters": np.array([1.0, 2.0, 3.0]), "tokens": np.array([-1.0, 0.0, 1.0])}
    batch = values(rescale(with_values(toy, table), scale))
    each = [values(rescale(with_values(toy, row), {u: s[i] for u, s in scale.items()})) for i, row in enumerate(table)]
    np.testing.assert_allclose(batch, each, rtol=1e-14)


def test_what_was_not_given_is_nan():
    assert np.isnan(values(Toy())).all()


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda: interval(3.0, 1.0), r"interval is \(3, 1\); expected two numbers, the lower first"),
        (lambda: positive(typical=(5.0, 1.0)), "typical is .*; expected two numbers"),
        (lambda: positive(typical="wide"), "typical is 'wide'; expected two numbers"),  # pyright: ignore[reportArgumentType]  refused
        (lambda: positive(dims={"x": "-1"}), r"dims\['x'\] is '-1'; expected the power of its unit"),
        (
            lambda: type("Own", (AbstractLaw,), {"inputs": {"x": ""}, "a": positive()}),
            "Own.a has no type. Declare it as",
        ),
    ],
)
def test_what_is_declared_by_mistake_is_said_at_once(declare, said):
    with pytest.raises(InputError, match=said):
        declare()
