"""Pools, plans over them, and runs that say what they drew from which; every bad input has its own sentence."""

from typing import Any

import numpy as np
import pytest

import scalefit as sf
from scalefit.data import UNLIMITED

POOLS = sf.Pools({"A": 1e3, "B": 4e3}, cost={"A": 2.0, "B": 1.0}, max_passes=8)


def table(**changes: Any) -> sf.Runs:
    columns: dict[str, Any] = {"pool": ["A", "A", "B"], "n": [1e3, 4e3, 4e3], "error": [0.5, 0.4, 0.6]} | changes
    columns = {name: column for name, column in columns.items() if column is not None}
    target = next(name for name in ("error", "accuracy", "loss") if name in columns)
    return sf.read_runs(columns, target=target, name="table")


def test_pools_are_named_and_sized():
    assert len(POOLS) == 2
    assert POOLS.names == ("A", "B")
    np.testing.assert_array_equal(POOLS.sizes, [1e3, 4e3])
    np.testing.assert_array_equal(POOLS.cost, [2.0, 1.0])
    np.testing.assert_array_equal(POOLS.max_passes, [8.0, 8.0])
    assert repr(POOLS) == "Pools(A: 1000, B: 4000)"


def test_natural_weights_go_by_size_and_uniform_ones_do_not():
    np.testing.assert_allclose(POOLS.natural, [0.2, 0.8])
    np.testing.assert_allclose(POOLS.uniform, [0.5, 0.5])


def test_weights_by_name_leave_the_other_pools_out():
    np.testing.assert_array_equal(POOLS.weights({"B": 1.0}), [0.0, 1.0])
    np.testing.assert_array_equal(POOLS.weights([0.25, 0.75]), [0.25, 0.75])


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ({}, {}, "give the unique samples by pool"),
        ({"A": -5.0}, {}, "sizes of the pool 'A' is -5; it must be above 0"),
        ({"A": 0.0}, {}, "must be above 0"),
        ({"A": float("nan")}, {}, "must be above 0"),
        ({"A": float("inf")}, {}, "must be finite"),
        ({"A": 1.0}, {"cost": {"C": 1.0}}, "cost names a pool 'C'"),
        ({"A": 1.0, "B": 1.0}, {"cost": {"A": 1.0}}, "cost has no number for the pool 'B'"),
        ({"A": 1.0}, {"cost": 0.0}, "cost of the pool 'A' is 0"),
        ({"A": 1.0}, {"max_passes": -1.0}, "max_passes of the pool 'A' is -1; it must be above 0"),
    ],
)
def test_pools_that_cannot_be_are_refused(given, options, said):
    with pytest.raises(sf.InputError, match=said):
        sf.Pools(given, **options)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"C": 1.0}, "no pool 'C'"),
        ([0.5], "1 weights are given for 2 pools"),
        ([0.5, 0.6], "sum of 1.1; expected shares of 0 or more with a sum of 1"),
        ([-0.5, 1.5], "expected shares of 0 or more"),
        ([float("nan"), 1.0], "expected shares of 0 or more"),
    ],
)
def test_weights_off_the_simplex_are_refused(plan, said):
    with pytest.raises(sf.InputError, match=said):
        POOLS.weights(plan)


def test_runs_on_one_pool_draw_everything_from_it():
    runs = sf.pooled(table(), POOLS)
    assert list(runs.inputs) == ["n", "w[A]", "w[B]", "U[A]", "U[B]"]
    np.testing.assert_array_equal(runs.inputs["w[A]"], [1.0, 1.0, 0.0])
    np.testing.assert_array_equal(runs.inputs["U[B]"], 4e3)
    np.testing.assert_array_equal(runs.target, [0.5, 0.4, 0.6])


def test_plans_draw_from_several_pools():
    runs = sf.pooled(table(pool=["A", "half", "half"]), POOLS, plans={"half": {"A": 0.5, "B": 0.5}})
    np.testing.assert_array_equal(runs.inputs["w[B]"], [0.0, 0.5, 0.5])


def test_unlimited_runs_see_nothing_twice():
    runs = sf.pooled(table(pool=["A", "A*", "B"]), POOLS, plans={"A*": {"A": 1.0}}, unlimited=["A*"])
    np.testing.assert_array_equal(runs.inputs["U[A]"], [1e3, UNLIMITED, 1e3])
    assert sf.Pools.of(runs).names == ("A", "B")
    np.testing.assert_array_equal(sf.Pools.of(runs).sizes, POOLS.sizes)


def test_sizes_come_from_a_column_where_no_pools_are_given():
    np.testing.assert_array_equal(sf.Pools.of(sf.pooled(table(U=[1e3, 1e3, 4e3]))).sizes, POOLS.sizes)


def test_epochs_are_passes_over_the_pool():
    runs = sf.pooled(table(n=None, epochs=[1.0, 4.0, 0.5]), POOLS)
    np.testing.assert_array_equal(runs.inputs["n"], [1e3, 4e3, 2e3])
    assert "n is epochs times the size of the pool" in runs.notes


def test_accuracy_is_turned_into_an_error():
    runs = sf.pooled(table(error=None, accuracy=[0.5, 0.6, 0.4]), POOLS)
    assert runs.target_name == "error"
    np.testing.assert_allclose(runs.target, [0.5, 0.4, 0.6])
    assert "error = 1 - " in runs.notes[-1]


def test_a_loss_may_be_above_one():
    runs = sf.pooled(table(error=None, loss=[2.5, 2.4, 3.0]), POOLS)
    np.testing.assert_array_equal(runs.target, [2.5, 2.4, 3.0])


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({"pool": None}, {}, "does not say which pool"),
        ({"pool": ["A", "", "B"]}, {}, "names no pool"),
        ({"pool": ["A", "C", "B"]}, {}, "'C', which is neither a pool nor a plan"),
        ({"n": None}, {}, "how many samples"),
        ({"n": None, "epochs": [1.0, -1.0, 2.0]}, {}, "epochs is -1 in row 2"),
        ({"n": None, "epochs": [1.0, 0.0, 2.0]}, {}, "epochs is 0 in row 2"),
        ({"error": [0.5, 40.0, 0.6]}, {}, "error is 40 in row 2 .* lies between 0 and 1: divide percentages by 100"),
        ({"error": [0.5, -0.1, 0.6]}, {}, "error is -0.1 in row 2"),
        ({"error": None, "accuracy": [50.0, 0.4, 0.6]}, {}, "an accuracy lies between 0 and 1"),
        ({}, {"metric": "rank"}, "metric is 'rank'"),
        ({}, {"plans": {"half": [0.5, 0.6]}}, "Plan 'half': .* sum of 1.1"),
        ({}, {"plans": {"half": {"Z": 1.0}}}, "Plan 'half': There is no pool 'Z'"),
        ({}, {"unlimited": ["Z"]}, "unlimited names 'Z'"),
        ({}, {"pools": None}, "does not say how large its pools are"),
        ({"U": [1e3, 2e3, 4e3]}, {"pools": None}, "Pool 'A' has the sizes"),
        (
            {"n": None, "epochs": [1.0, 2.0, 3.0], "pool": ["A", "half", "B"]},
            {"plans": {"half": [0.5, 0.5]}},
            "Row 2 .* gives epochs for a run that is not on one pool",
        ),
    ],
)
def test_runs_that_cannot_be_pooled_are_refused(changes, options, said):
    with pytest.raises(sf.InputError, match=said):
        sf.pooled(table(**changes), **({"pools": POOLS} | options))


def test_runs_without_pools_say_nothing_of_them():
    with pytest.raises(sf.InputError, match="says nothing of pools"):
        sf.Pools.of(table())


def test_fresh_samples_alone_give_no_size():
    with pytest.raises(sf.InputError, match="'A' has only fresh samples"):
        sf.Pools.of(sf.pooled(table(pool=["A", "A", "B"]), POOLS, unlimited=["A", "B"]))


def test_two_sizes_of_one_pool_are_refused():
    runs = sf.pooled(table(), POOLS)
    two = sf.Runs._replace(runs, inputs={**runs.inputs, "U[A]": np.array([1e3, 2e3, 1e3])})
    with pytest.raises(sf.InputError, match="several sizes"):
        sf.Pools.of(two)
