"""Several targets of the same runs, as one table in long form."""

from typing import Any

import numpy as np
import pytest

from scalefit import InputError, joined, read_runs
from scalefit.data import Dropped, Runs, read_since

WIDE = {
    "params": [1e8, 1e9, 1e10],
    "loss_a (nats)": [3.0, 2.5, 2.0],
    "loss_b (bits)": [1.3, None, 1.1],
    "family": ["x", "y", "x"],
    "code": [0.25, 0.5, 0.0],
}
COLUMNS: dict[str, str | None] = {"a": "loss_a (nats)", "b": "loss_b (bits)", "w[code]": "code"}


@pytest.fixture
def long():
    return read_runs(WIDE, columns=COLUMNS, target=("a", "b"), name="wide")


def test_a_row_for_each_run_and_target(long):
    assert long.target.tolist() == [3.0, 1.3, 2.5, 2.0, 1.1]
    assert long.labels["target"].tolist() == ["a", "b", "a", "a", "b"]
    assert long.rows.tolist() == [1, 1, 2, 3, 3]
    assert long.inputs["N"].tolist() == [1e8, 1e8, 1e9, 1e10, 1e10]
    assert long.inputs["w[code]"].tolist() == [0.25, 0.25, 0.5, 0.0, 0.0]
    assert long.columns["family"].tolist() == ["x", "x", "y", "x", "x"]
    assert (long.target_name, long.units["a"], long.units["b"]) == ("value", "nats", "bits")


def test_a_missing_value_costs_its_own_row_only(long):
    assert long.dropped == (Dropped(2, "b is missing (column 'loss_b (bits)')"),)
    gaps = read_runs(WIDE | {"params": [None, 1e9, 1e10]}, columns=COLUMNS, target=["a", "b"])
    assert gaps.complete(["N"]).dropped == (Dropped(1, "N is missing (column 'params')"), *long.dropped)


def test_rows_of_one_run_are_one_cluster(long):
    assert long.clusters().tolist() == [0, 0, 1, 2, 2]
    assert long.clusters(None).tolist() == [0, 1, 2, 3, 4]
    seeded = read_runs(WIDE | {"seed": [0, 0, 1], "D": [1.0, 2.0, 3.0]}, columns=COLUMNS, target=("a", "b"))
    assert seeded.clusters().tolist() == [0, 0, 1, 2, 2]


def test_arrays_by_target_are_the_same_table(long):
    arrays = Runs({"a": WIDE["loss_a (nats)"], "b": [1.3, np.nan, 1.1]}, N=WIDE["params"], **{"w[code]": WIDE["code"]})  # pyright: ignore[reportArgumentType]  an entry in brackets
    assert arrays.fingerprint == long.fingerprint
    assert arrays.dropped == (Dropped(2, "b is missing"),)
    assert arrays.take([1, 2]).labels["target"].tolist() == ["b", "a"]


def test_what_was_measured_is_named_by_what_all_targets_are():
    table = {"N": [1.0], "c4_loss": [2.0], "pile_loss": [2.5], "arc_error": [0.5]}
    assert read_runs(table, target=("c4_loss", "pile_loss")).target_name == "loss"
    assert read_runs(table, target=("c4_loss", "arc_error")).target_name == "value"
    assert Runs({"a": [1.0], "b": [2.0]}, target="nll", units={"a": "nats", "b": "nats"}).units["nll"] == "nats"


def test_errors_of_each_target():
    table = {"N": [1.0, 2.0], "loss_a": [2.0, 1.9], "loss_b": [2.5, 2.4], "sa": [0.1, 0.2], "sb": [0.3, None]}
    runs = read_runs(table, target=("loss_a", "loss_b"), columns={"se[loss_a]": "sa", "se[loss_b]": "sb"})
    assert runs.se is not None
    assert runs.se.tolist() == [0.1, 0.3, 0.2]
    assert runs.dropped == (Dropped(2, "se is missing (column 'sb')"),)
    again = Runs({"a": [2.0, 1.9], "b": [2.5, np.nan]}, se={"a": [0.1, 0.2], "b": [0.3, 1.0]})
    assert again.se is not None
    assert again.se.tolist() == [0.1, 0.3, 0.2]


def test_conditions_know_the_target_and_the_columns_of_the_source(long):
    assert long.where("target == 'b'").target.tolist() == [1.3, 1.1]
    assert long.where("value < 2.6 and family == 'x'").rows.tolist() == [1, 3, 3]
    both = read_runs(WIDE, columns=COLUMNS, target=("a", "b"), where="N >= 1B")
    assert (both.rows.tolist(), both.excluded) == ([2, 3, 3], 2)
    assert [key for key, _ in long.split("target")] == ["a", "b"]


def test_a_table_that_is_long_already():
    table = {"N": [1.0, 1.0, 2.0], "loss": [3.0, 2.0, 2.5], "domain": ["a", "b", "a"], "run": [0, 0, 1]}
    runs = read_runs(table, columns={"target": "domain"})
    assert runs.labels["target"].tolist() == ["a", "b", "a"]
    assert runs.codes("target")[1].tolist() == [0, 1, 0]
    assert runs.clusters().tolist() == [0, 0, 1]


def test_tables_of_several_targets_are_joined(long, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("params,loss_a (nats),code\n1e11,1.9,0.1\n")
    both = joined(long, read_since(path, long, columns=COLUMNS))
    assert both.labels["target"].tolist() == ["a", "b", "a", "a", "b", "a"]
    assert both.rows.tolist() == [1, 1, 2, 3, 3, 4]
    assert both.inputs["w[code]"].tolist()[-1] == 0.1
    with pytest.raises(InputError, match="'one' has none"):
        joined(long, Runs([1.0], N=[1e9], target="value", name="one"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target": ()}, "expected a header, or several"),
        ({"target": ("a", "c")}, "target names 'c'"),
        ({"target": ("a", "b"), "columns": {"se[c]": "params"}}, "columns gives an se of 'c'"),
        ({"target": ("a", "b"), "columns": {"se[a]": "params"}}, "has an se of 'a' and none of 'b'"),
    ],
)
def test_targets_that_cannot_be_are_refused(given, said):
    table = {"params": [1.0, 2.0], "a": [3.0, 2.0], "b": [2.0, 1.0]}
    with pytest.raises(InputError, match=said):
        read_runs(table, **given)


def test_one_column_of_errors_is_not_that_of_several_targets():
    with pytest.raises(InputError, match="se is one column, and there are several targets"):
        read_runs({"N": [1.0], "a": [3.0], "b": [2.0], "se": [0.1]}, target=("a", "b"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"loss": {}}, "holds no row"),
        ({"loss": {"a": [1.0, 2.0], "b": [1.0]}}, "'b' has 1 values and another target has 2"),
        ({"loss": {"a": [1.0], "b": [np.nan]}}, r"lack a value \(row 1: b is missing\)"),
        ({"loss": {"a": [1.0], "b": [np.inf]}}, "'b' in row 1 is inf"),
        ({"loss": {"a": [1.0]}, "se": {"b": [1.0]}}, "standard errors by the name of a target"),
        ({"loss": {"a": [1.0]}, "a": [1.0]}, "both as the target and as an input"),
    ],
)
def test_arrays_by_target_that_cannot_be_are_refused(given: dict[str, Any], said):
    with pytest.raises(InputError, match=said):
        Runs(**given)
