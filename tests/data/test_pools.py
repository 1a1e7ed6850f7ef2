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


def test_pools_without_a_limit_need_not_be_named_in_max_passes():
    np.testing.assert_array_equal(sf.Pools({"A": 1.0, "B": 1.0}, max_passes={"A": 4}).max_passes, [4.0, np.inf])


@pytest.mark.usefixtures("unchecked")
def test_names_of_pools_are_text_wherever_they_are_looked_up():
    pools = sf.Pools({1: 1e3, 2: 4e3}, cost={2: 3.0, 1: 1.0})  # pyright: ignore[reportArgumentType]
    assert pools.names == ("1", "2")
    np.testing.assert_array_equal(pools.cost, [1.0, 3.0])
    np.testing.assert_array_equal(pools.weights({1: 1.0}), [1.0, 0.0])  # pyright: ignore[reportArgumentType]
    runs = sf.pooled(table(pool=[1, 2, 3]), pools, plans={3: {1: 0.5, 2: 0.5}}, unlimited=[2])  # pyright: ignore
    np.testing.assert_array_equal(runs.inputs["w[1]"], [1.0, 0.0, 0.5])
    np.testing.assert_array_equal(runs.inputs["U[2]"], [4e3, UNLIMITED, 4e3])


def test_weights_by_name_leave_the_other_pools_out():
    np.testing.assert_array_equal(POOLS.weights({"B": 1.0}), [0.0, 1.0])
    np.testing.assert_array_equal(POOLS.weights([0.25, 0.75]), [0.25, 0.75])


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ({}, {}, "expected the unique samples by pool"),
        ({"A": -5.0}, {}, "sizes of the pool 'A' is -5; expected a number above 0"),
        ({"A": 0.0}, {}, "expected a number above 0"),
        ({"A": float("nan")}, {}, "expected a number above 0"),
        ({"A": float("inf")}, {}, "expected finite numbers"),
        ({"A": 1.0}, {"cost": {"C": 1.0}}, "cost names 'C'; expected one of the pools 'A'"),
        ({"A": 1.0, "B": 1.0}, {"max_passes": {"C": 4}}, "max_passes names 'C'; expected one of the pools"),
        ({"A": 1.0, "B": 1.0}, {"cost": {"A": 1.0}}, "cost has no number for the pool 'B'"),
        ({"A": 1.0}, {"cost": 0.0}, "cost of the pool 'A' is 0"),
        ({"A": 1.0}, {"max_passes": -1.0}, "max_passes of the pool 'A' is -1; expected a number above 0"),
    ],
)
def test_pools_that_cannot_be_are_refused(given, options, said):
    with pytest.raises(sf.InputError, match=said):
        sf.Pools(given, **options)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"C": 1.0}, "names 'C'; expected one of the pools 'A' and 'B'"),
        ([0.5], "weights are 1 for 2 pools"),
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


def test_sizes_by_name_will_do_for_pools():
    np.testing.assert_array_equal(sf.Pools.of(sf.pooled(table(), {"A": 1e3, "B": 4e3})).sizes, POOLS.sizes)


def test_a_plan_may_be_called_as_the_pool_that_it_draws_from():
    np.testing.assert_array_equal(sf.pooled(table(), POOLS, plans={"A": [1, 0]}).inputs["w[A]"], [1.0, 1.0, 0.0])


def test_one_name_without_a_list_is_unlimited():
    pools = {"web": 1e3, "B": 4e3}
    runs = sf.pooled(table(pool=["web", "B", "B"]), pools, unlimited="web")
    np.testing.assert_array_equal(runs.inputs["U[web]"], [UNLIMITED, 1e3, 1e3])
    assert sf.pooled(table(), POOLS, unlimited=None).inputs["U[A]"].max() == 1e3


def test_columns_that_agree_may_stand_beside_each_other():
    runs = sf.pooled(table(epochs=[1.0, 4.0, 1.0], U=[1e3, 1e3, 4e3]), POOLS)
    np.testing.assert_array_equal(runs.inputs["n"], [1e3, 4e3, 4e3])


@pytest.mark.parametrize(
    "name",
    ["val_acc", "top1_acc", "top-5", "zero_shot_accuracy", "accuracy_val", "acc@1", "valAcc", "ACC", "acc5", "Top1"],
)
def test_an_accuracy_is_known_by_a_word_of_its_name(name):
    runs = sf.pooled(sf.read_runs({"pool": ["A", "A"], "n": [1e3, 4e3], name: [0.5, 0.6]}, target=name), POOLS)
    np.testing.assert_allclose(runs.target, [0.5, 0.4])


@pytest.mark.parametrize("name", ["imagenet_error", "err", "val_err", "error_rate", "top1_error", "valError"])
def test_an_error_is_known_by_a_word_of_its_name(name):
    def pooled(*errors):
        return sf.pooled(sf.read_runs({"pool": ["A", "A"], "n": [1e3, 4e3], name: errors}, target=name), POOLS)

    assert not pooled(0.5, 0.4).notes
    with pytest.raises(sf.InputError, match=r"is 50; expected an error from 0 to 1. Divide percentages by 100\.$"):
        pooled(50.0, 40.0)


@pytest.mark.parametrize("name", ["vaccine", "interror", "accent", "terror", "perplexity"])
def test_what_no_word_tells_is_taken_for_a_loss_aloud(name):
    runs = sf.pooled(sf.read_runs({"pool": ["A", "A"], "n": [1e3, 4e3], name: [0.5, 0.4]}, target=name), POOLS)
    np.testing.assert_array_equal(runs.target, [0.5, 0.4])
    assert runs.notes == (f"{name} is taken for a loss: if it is an error or an accuracy, metric says so",)


@pytest.mark.parametrize(
    ("name", "metric", "rising", "said"),
    [
        ("error", "auto", [0.3, 0.4, 0.3, 0.5], 'error rises .* If error is an accuracy, say `metric="accuracy"`'),
        ("score", "loss", [30.0, 40.0, 30.0, 50.0], 'score rises .* If score is an accuracy, say `metric="accuracy"`'),
        ("acc", "auto", [0.4, 0.3, 0.5, 0.3], 'error rises .* If acc is an error, say `metric="error"`'),
    ],
)
def test_what_rises_on_every_pool_is_warned_of(name, metric, rising, said):
    given = {"pool": ["A", "A", "B", "B"], "n": [1e3, 4e3, 1e3, 4e3], name: rising}
    with pytest.warns(UserWarning, match=said):
        sf.pooled(sf.read_runs(given, target=name), POOLS, metric=metric)


def test_what_rises_on_some_pools_only_is_not_warned_of():
    sf.pooled(table(pool=["A", "A", "B", "B"], n=[1e3, 4e3, 1e3, 4e3], error=[0.3, 0.4, 0.5, 0.3]), POOLS)


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
        ({"n": None, "epochs": [1.0, -1.0, 2.0]}, {}, "'epochs' in row 2 of 'table' is -1"),
        ({"n": None, "epochs": [1.0, 0.0, 2.0]}, {}, "'epochs' in row 2 of 'table' is 0"),
        (
            {"error": [0.5, 40.0, 0.6]},
            {},
            "error in row 2 of 'table' is 40; expected an error from 0 to 1. Divide percentages by 100",
        ),
        ({"error": [0.5, -0.1, 0.6]}, {}, "error in row 2 of 'table' is -0.1"),
        ({"error": [0.5, 400.0, 0.6]}, {}, 'Correct it, or say `metric="loss"'),
        ({"error": None, "accuracy": [50.0, 0.4, 0.6]}, {}, "expected an accuracy from 0 to 1"),
        (
            {"epochs": [1.0, 3.0, 1.0]},
            {},
            "epochs in row 2 of 'table' is 3; expected 4, as n over the size of its pool makes it. Correct it",
        ),
        ({"U": [1e3, 1e3, 5e3]}, {}, "U in row 3 of 'table' is 5000; expected 4000, as the size of its pool makes it"),
        ({}, {"metric": "rank"}, "metric is 'rank'"),
        ({}, {"plans": {"half": [0.5, 0.6]}}, "Plan 'half' are .* sum of 1.1"),
        ({}, {"plans": {"half": {"Z": 1.0}}}, "Plan 'half' names 'Z'; expected one of the pools"),
        ({}, {"plans": {"A": {"B": 1}}}, "Plan 'A' is named as a pool is"),
        ({}, {"unlimited": ["Z"]}, "unlimited names 'Z'"),
        ({}, {"pools": None}, "does not say how large its pools are"),
        ({"U": [1e3, 2e3, 4e3]}, {"pools": None}, "Pool 'A' has the sizes"),
        (
            {"n": None, "epochs": [1.0, 2.0, 3.0], "pool": ["A", "half", "B"]},
            {"plans": {"half": [0.5, 0.5]}},
            "row 2 .* gives epochs for a run that is not on one pool",
        ),
    ],
)
def test_runs_that_cannot_be_pooled_are_refused(changes, options, said):
    with pytest.raises(sf.InputError, match=said):
        sf.pooled(table(**changes), **({"pools": POOLS} | options))


def test_runs_without_pools_say_nothing_of_them():
    with pytest.raises(sf.InputError, match="says nothing of pools"):
        sf.Pools.of(table())


def test_samples_beside_n_must_be_the_same():
    runs = sf.Runs([0.5, 0.4], n=[1e3, 4e3], samples=[1e3, 1e3], pool=["A", "A"], target="error")
    with pytest.raises(sf.InputError, match=r"samples in row 2 of 'runs' is 1000; expected 4000, as n makes it"):
        sf.pooled(runs, POOLS)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("verb", "said"),
    [
        (lambda: sf.Pools.of(None), "given to Pools.of is None; expected Runs"),  # pyright: ignore
        (lambda: sf.pooled({"pool": ["A"]}, POOLS), "given to pooled is {'pool': \\['A'\\]}; expected Runs"),  # pyright: ignore
        (lambda: sf.pooled(table(), 1e6), "expected the unique samples by pool"),  # pyright: ignore
        (lambda: sf.pooled(table(), POOLS, plans=[[0.5, 0.5]]), "expected weights by the name of a plan"),  # pyright: ignore
        (lambda: sf.pooled(table(), POOLS, unlimited=3), "unlimited is 3; expected names"),  # pyright: ignore
        (lambda: sf.Pools({1: 1.0, "1": 2.0}), "names '1' twice"),  # pyright: ignore
    ],
)
def test_arguments_of_another_type_are_refused(verb, said):
    with pytest.raises(sf.InputError, match=said):
        verb()


def test_a_name_that_says_two_things_is_refused():
    with pytest.raises(sf.InputError, match="'acc_err' could be an error or an accuracy"):
        sf.pooled(sf.read_runs({"pool": ["A"], "n": [1e3], "acc_err": [0.5]}, target="acc_err"), POOLS)


def test_an_empty_cell_among_names_is_no_name():
    with pytest.raises(sf.InputError, match="'pool' in row 2 has no label"):
        sf.Runs([0.5, 0.4], n=[1.0, 2.0], pool=["A", float("nan")])
    with pytest.raises(sf.InputError, match="row 2 of 'table' names no pool"):
        sf.pooled(table(pool=["A", float("nan"), "B"]), POOLS)


def test_a_size_of_zero_is_refused_by_name():
    ready: Any = {"w[A]": [1.0, 1.0], "U[A]": [1e3, 0.0]}
    runs = sf.Runs([0.5, 0.4], n=[1.0, 2.0], **ready)
    with pytest.raises(sf.InputError, match=r"'U\[A\]' in row 2 of 'runs' is 0; expected a number above 0"):
        sf.fit(sf.laws.PoolsQQT, runs)


def test_fresh_samples_alone_give_no_size():
    with pytest.raises(sf.InputError, match="'A' has only fresh samples"):
        sf.Pools.of(sf.pooled(table(pool=["A", "A", "B"]), POOLS, unlimited=["A", "B"]))


def test_two_sizes_of_one_pool_are_refused():
    runs = sf.pooled(table(), POOLS)
    two = runs.with_fields(inputs={**runs.inputs, "U[A]": np.array([1e3, 2e3, 1e3])})
    with pytest.raises(sf.InputError, match="several sizes"):
        sf.Pools.of(two)


def test_a_table_of_what_runs_drew_from_each_pool_is_read_as_it_says():
    """`w[B]` is the share of the pool B and no w in billions; without shares `U[B]` is a U in billions."""
    table = {"n": [1e4], "w[B]": [0.25], "w[A]": [0.75], "U[B]": [1e3], "U[A]": [2e3]}
    runs = sf.read_runs({**table, "error": [0.5]})
    assert {name: column.tolist() for name, column in runs.inputs.items()} == table
    assert sf.read_runs({"n": [1e4], "U[B]": [2.0], "error": [0.5]}).inputs["U"].tolist() == [2e9]
