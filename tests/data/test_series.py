"""Series: an array for each row, as a learning rate over the steps; and inputs along an axis."""

import copy
import json
import pickle

import numpy as np
import polars as pl
import pytest

from scalefit import InputError, joined, read_runs
from scalefit.data import Runs, restored, stored

LR = [[1e-3, 9e-4, 5e-4], [1e-3], [2e-3, 1e-3]]


@pytest.fixture
def runs():
    return Runs([3.0, 2.5, 2.0], N=[1e8, 1e9, 1e10], lr=LR, name="three")


def lists(runs):
    return [None if one is None else one.tolist() for one in runs.series["lr"]]


def test_series_are_ragged_float64_and_cannot_be_changed(runs):
    assert lists(runs) == LR
    assert {one.dtype for one in runs.series["lr"]} == {np.dtype(np.float64)}
    with pytest.raises(ValueError, match="read-only"):
        runs.series["lr"][0][0] = 1.0
    assert "lr" not in runs.inputs
    assert "lr: series of 1 to 3 numbers" in repr(runs)


def test_series_go_with_their_rows(runs):
    assert lists(runs.where("N > 2e8")) == LR[1:]
    assert lists(runs.take([2, 0, 0])) == [LR[2], LR[0], LR[0]]
    assert [lists(part) for _, part in runs.split("N")] == [[one] for one in LR]
    for again in (copy.deepcopy(runs), pickle.loads(pickle.dumps(runs))):
        assert (lists(again), again.fingerprint) == (LR, runs.fingerprint)


def test_the_fingerprint_follows_every_number_of_a_series(runs):
    other = Runs([3.0, 2.5, 2.0], N=[1e8, 1e9, 1e10], lr=[LR[0], [1.1e-3], LR[2]])
    shifted = Runs([3.0, 2.5, 2.0], N=[1e8, 1e9, 1e10], lr=[LR[0][:2], [5e-4, 1e-3], LR[2]])
    assert len({runs.fingerprint, other.fingerprint, shifted.fingerprint}) == 3


@pytest.mark.parametrize("kind", ["json", "jsonl", "parquet", "dict", "frame", "matrix"])
def test_series_are_read_from_every_source_that_has_lists(tmp_path, kind):
    table = {"N": [1e8, 1e9, 1e10], "loss": [3.0, 2.5, 2.0], "lr": LR}
    if kind == "matrix":
        assert lists(read_runs(table | {"lr": np.ones((3, 4))})) == [[1.0] * 4] * 3
        return
    path = tmp_path / f"runs.{kind}"
    if kind == "parquet":
        pl.DataFrame(table).write_parquet(path)
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(dict(zip(table, row))) for row in zip(*table.values())))
    elif kind == "json":
        path.write_text(json.dumps(table))
    source = {"dict": table, "frame": pl.DataFrame(table)}.get(kind, path)
    runs = read_runs(source, columns={"lr": "lr"})
    assert lists(runs) == lists(read_runs(source)) == LR
    assert set(read_runs(source, columns={"rate": "lr"}).series) == {"rate"}
    assert "lr" not in runs.columns


def test_a_row_without_a_series_that_is_needed_is_dropped():
    runs = read_runs(
        {"N": [1.0, 2.0, 3.0], "loss": [3.0, 2.0, 1.0], "schedule": [[0.1], None, []]}, columns={"lr": "schedule"}
    )
    assert lists(runs) == [[0.1], None, None]
    whole = runs.complete(["N", "lr"])
    assert whole.rows.tolist() == [1]
    assert whole.dropped[0] == (2, "lr is missing (column 'schedule')")


def test_a_row_without_a_label_that_is_needed_is_dropped():
    runs = read_runs({"loss": [3.0, 2.0, 1.0], "family": ["a", None, "b"], "group": [0, 1, None]})
    whole = runs.complete(["family", "group"])
    assert whole.dropped == ((2, "family is missing"), (3, "group is missing"))
    assert whole.codes("family") == (["a"], [0])


def test_joined_tables_keep_their_series(runs):
    both = joined(runs, Runs([1.9], N=[2e10], name="bare"))
    assert lists(both) == [*LR, None]
    other = Runs([3.0, 2.5, 2.0], N=[1e8, 1e9, 1e10], lr=[[1.0]] * 3, name="other")
    assert len(joined(runs, other)) == 6
    with pytest.raises(InputError, match="Every row of 'three' stands"):
        joined(runs, runs)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lr": [[1.0], [2.0]]}, "'lr' has 2 values and the target has 3"),
        ({"lr": [[1.0], None, [2.0]]}, "'lr' in row 2 is missing"),
        ({"lr": [[1.0], [1.0, np.nan], [2.0]]}, "'lr' in row 2, number 2 is nan; expected a finite number"),
        ({"lr": [[[1.0]]] * 3}, "lr has shape"),
        ({"lr": [1.0, [2.0], [3.0]]}, "lists of different lengths"),
    ],
)
def test_series_that_cannot_be_are_refused(given, said):
    with pytest.raises(InputError, match=said):
        Runs([1.0, 2.0, 3.0], **given)


def test_a_series_is_no_number(runs):
    with pytest.raises(InputError, match="'lr' of 'three' is a series of each row; expected one number"):
        runs.select(["lr"])


def test_inputs_may_be_zero_where_their_law_says_so():
    runs = Runs([3.0, 2.0], S=[0.0, 0.5], r=[0.0, 1.0], name="two")
    assert runs.select(["S", "r"])[0]["r"].tolist() == [0.0, 1.0]
    runs.check("r", runs.inputs["r"] <= 1, "a fraction from 0 to 1")
    with pytest.raises(InputError, match="'S' in row 1 of 'two' is 0; expected a number above 0"):
        runs.check("S", runs.inputs["S"] > 0, "a number above 0")


def test_headers_along_any_axis_are_inputs():
    table = {
        "p[web]": [0.5, 1.0],
        "p[code]": [0.5, 0.0],
        "D[code]": [1e9, 2e9],
        "loss[nats]": [3.0, 2.0],
        "N[B]": [1, 2],
    }
    runs = read_runs(table)
    assert set(runs.inputs) == {"p[web]", "p[code]", "D[code]", "N"}
    assert (runs.inputs["N"].tolist(), runs.units["loss"]) == ([1e9, 2e9], "nats")
    tagged = read_runs(table | {"tag[a]": ["x", "y"], "tag[b]": ["y", "z"]})
    assert (set(tagged.inputs), tagged.columns["tag[a]"].tolist()) == (set(runs.inputs), ["x", "y"])


def test_codes_number_the_values_of_any_column():
    runs = read_runs({"N": [2e9, 1e9, 2e9], "loss": [3.0, 2.0, 1.0], "family": ["b", "a", "a"], "seed": [1, 1, 2]})
    for name, entries, codes in (
        ("N", [2e9, 1e9], [0, 1, 0]), ("family", ["b", "a"], [0, 1, 1]), ("seed", [1, 2], [0, 0, 1])
    ):  # fmt: skip
        assert (runs.codes(name)[0], runs.codes(name)[1].tolist()) == (entries, codes)


def test_stored_runs_keep_their_series(runs):
    labelled = Runs({"a": [3.0, 2.5, 2.0], "b": [1.0, np.nan, 2.0]}, N=[1e8, 1e9, 1e10], lr=LR)
    for table in (runs, labelled, runs.take([1])):
        frame, description = stored(table, ())
        again = restored(frame, json.loads(json.dumps(description)))
        assert (again.fingerprint, repr(again)) == (table.fingerprint, repr(table))
