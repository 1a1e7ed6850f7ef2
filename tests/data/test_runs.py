import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import polars as pl
import pytest

from scalefit._core import InputError
from scalefit.data import Runs, read_runs


@pytest.fixture
def runs():
    return Runs(
        [3.0, 2.5, 2.0, 2.2],
        N=[1e6, 1e7, 1e8, 1e7],
        C=[6e15, 6e16, 6e17, 6e16],
        group=["a", "b", "a", "b"],
        seed=[0, 0, 1, 1],
        name="four",
    )


def test_numbers_are_host_float64_and_cannot_be_changed(runs):
    assert runs.target.dtype == np.float64
    assert runs.inputs["N"].dtype == np.float64
    for array in (runs.target, runs.inputs["N"], runs.labels["seed"], runs.rows):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(TypeError):
        runs.inputs["N"] = runs.target
    with pytest.raises(dataclasses.FrozenInstanceError):
        runs.name = "other"


def test_the_arrays_given_stay_the_callers_own():
    sizes = np.array([1e6, 2e6])
    runs = Runs([3.0, 2.0], N=sizes)
    sizes[0] = 5.0
    assert runs.inputs["N"][0] == 1e6


def test_rows_count_from_one_and_nothing_is_dropped_yet(runs):
    assert runs.rows.tolist() == [1, 2, 3, 4]
    assert (runs.dropped, runs.excluded, runs.notes) == ((), 0, ())
    assert runs.units == {"N": "parameters", "C": "FLOP"}


def test_repr_shows_name_count_and_ranges(runs):
    shown = repr(runs)
    assert "'four': 4 rows" in shown
    assert "1e+06 … 1e+08  parameters" in shown
    assert "2 … 3" in shown


@pytest.mark.parametrize("through", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_a_copy_is_the_same_runs(runs, through):
    again = through(runs)
    assert again.fingerprint == runs.fingerprint
    assert repr(again) == repr(runs)


@pytest.mark.parametrize(
    "change",
    [
        {"loss": [3.0, 2.5]},
        {"N": [1.0, 3.0]},
        {"se": [0.1, 0.1]},
        {"seed": [0, 1]},
        {"D": [1.0, 2.0]},
    ],
)
def test_the_fingerprint_follows_every_number_used(change):
    base: dict[str, Any] = {"loss": [3.0, 2.0], "N": [1.0, 2.0]}
    assert Runs(**base, name="another").fingerprint == Runs(**base).fingerprint
    assert Runs(**(base | change)).fingerprint != Runs(**base).fingerprint


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": [], "N": []}, "holds no row"),
        ({"loss": [1.0, 2.0], "N": [1.0]}, "'N' has 1 values and the target has 2"),
        ({"loss": [[1.0, 2.0]]}, "loss has shape"),
        ({"loss": np.array(3.0)}, "loss has shape"),
        ({"loss": [1.0, [2.0]]}, "lists of different lengths"),
        ({"loss": [1.0, np.nan]}, "'loss' in row 2 is missing"),
        ({"loss": [1.0, 1.0], "N": [1.0, np.nan]}, "'N' in row 2 is missing"),
        ({"loss": [1.0, 1.0], "N": [None, 1.0]}, "'N' in row 1 is missing"),
        ({"loss": [np.inf, 1.0]}, "'loss' in row 1 is inf; expected a finite number"),
        ({"loss": [True, False], "N": [1.0, 1.0]}, "'loss' in row 1 is True; expected a number such as"),
        ({"loss": [1.0, True]}, "'loss' in row 2 is 'True'; expected a number"),
        ({"loss": [1.0], "N": [True]}, "'N' in row 1 is True; expected a number such as"),
        ({"loss": ["2.5B"]}, "'loss' in row 1 is '2.5B'; expected a number without a suffix"),
        ({"loss": [1.0], "N": [10**400]}, "'N' in row 1 is inf; expected a finite number"),
        ({"loss": [1.0], "N": ["big"]}, "'N' in row 1 is 'big'; expected a number"),
        ({"loss": [1.0], "se": [0.0]}, "'se' in row 1 is 0; expected a number above 0"),
        ({"loss": [1.0], "lr": [np.inf]}, "'lr' in row 1 is inf; expected a finite number"),
        ({"loss": [1.0, 1.0], "seed": [0, None]}, "'seed' in row 2 has no label"),
        ({"loss": [1.0], "error": [1.0], "target": "error"}, "both as the target and as an input"),
    ],
)
def test_bad_input_is_refused_with_its_place(given, message):
    with pytest.raises(InputError, match=message):
        Runs(**given)


def test_a_column_of_text_is_said_to_be_a_label():
    with pytest.raises(InputError, match=r"'family' is a column of text; expected an input.* Give a label as `group`"):
        Runs([3.0, 2.0], N=[1e8, 1e9], family=["a", "b"])


@pytest.mark.usefixtures("unchecked")
def test_the_name_of_the_target_is_text():
    target: Any = ["a", "b"]
    with pytest.raises(InputError, match=r"target is \['a', 'b'\]; expected a name"):
        Runs([3.0, 2.0], N=[1e8, 1e9], target=target)


def test_zero_and_negative_are_allowed_where_no_logarithm_is_taken():
    runs = Runs([-0.5, 0.0], target="gain", temperature=[-1.0, 0.0])
    assert runs.inputs["temperature"].tolist() == [-1.0, 0.0]


def test_sizes_as_text_are_read():
    assert Runs([1.0, 1.0], N=["1.1B", "350M"]).inputs["N"].tolist() == [1.1e9, 350e6]


@pytest.mark.parametrize(
    ("given", "wanted", "value", "note"),
    [
        ({"N": [2.0], "C": [24.0]}, "D", 2.0, "no token column"),
        ({"D": [2.0], "C": [24.0]}, "N", 2.0, "no parameter column"),
        ({"N": [2.0], "D": [2.0]}, "C", 24.0, "no compute column"),
    ],
)
def test_the_third_of_n_d_c_is_derived_and_said(given, wanted, value, note):
    chosen, notes = Runs([1.0], **given).select([wanted])
    assert chosen[wanted].tolist() == [value]
    assert note in notes[0]


def test_an_input_that_is_there_is_not_derived():
    chosen, notes = Runs([1.0], N=[2.0], D=[5.0], C=[24.0]).select(("N", "D"))
    assert (chosen["D"].tolist(), notes) == ([5.0], ())


@pytest.mark.parametrize(
    ("name", "message"),
    [("U", "has no input 'U'"), ("tempratur", "[Tt]he nearest is 'temperature'"), ("D", "has no input 'D'")],
)
def test_a_missing_input_names_the_nearest_and_the_remedy(name, message):
    with pytest.raises(InputError, match=message) as error:
        Runs([1.0], N=[2.0], temperature=[1.0]).select([name])
    assert f"columns={{'{name}': " in str(error.value)


def test_where_counts_what_it_excludes(runs):
    kept = runs.where("loss < 2.6").where("N >= 1e7 and group == 'b'")
    assert kept.rows.tolist() == [2, 4]
    assert kept.excluded == 2
    assert runs.excluded == 0


def test_where_knows_the_derived_input(runs):
    assert len(runs.where("D == 1e9")) == 4


@pytest.mark.parametrize(("which", "rows"), [([True, False, False, True], [1, 4]), ([3, 0, 0], [4, 1, 1]), ([-1], [4])])
def test_take_by_mask_or_position(runs, which, rows):
    taken = runs.take(np.array(which))
    assert taken.rows.tolist() == rows
    assert taken.inputs["N"].tolist() == [runs.inputs["N"][r - 1] for r in rows]
    assert taken.labels["seed"].tolist() == [runs.labels["seed"][r - 1] for r in rows]


@pytest.mark.parametrize(
    ("which", "message"),
    [([True], "The mask has shape"), ([False] * 4, "no row left"), ([4], "from 0 to 3"), ([0.5], "whole numbers")],
)
def test_take_refuses_what_is_no_choice(runs, which, message):
    with pytest.raises(InputError, match=message):
        runs.take(which)


def test_split_keeps_the_order_of_appearance(runs):
    parts = runs.split("group")
    assert [k for k, _ in parts] == ["a", "b"]
    assert [p.rows.tolist() for _, p in parts] == [[1, 3], [2, 4]]
    assert parts[0][1].name == "four[a]"


def test_split_by_several_names_gives_tuples(runs):
    assert [k for k, _ in runs.split(("group", "seed"))] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]


def test_split_names_the_nearest_column(runs):
    with pytest.raises(InputError, match=r"by names 'groop'.* The nearest is 'group'"):
        runs.split("groop")


@pytest.mark.parametrize(
    ("labels", "by", "expected"),
    [
        ({}, "auto", [0, 1, 2, 3]),
        ({"run": ["x", "x", "y", "y"], "seed": [0, 1, 2, 3]}, "auto", [0, 0, 1, 1]),
        ({"seed": [7, 8, 7, 8]}, "auto", [0, 1, 2, 3]),
        ({"seed": [7, 7, 7, 8]}, "auto", [0, 0, 1, 2]),
        ({"seed": [7, 7, 7, 7], "D": [1.0, 2.0, 1.0, 2.0]}, "auto", [0, 0, 1, 1]),
        ({"seed": [7, 7, 7, 7], "C": [1.0, 2.0, 1.0, 2.0], "epochs": [1, 2, 3, 4]}, "auto", [0, 0, 1, 1]),
        ({"seed": [7, 7, 7, 7], "samples": [1, 2, 3, 4], "x": [1, 2, 3, 4]}, "auto", [0, 0, 1, 1]),
        ({"seed": [7, 7, 7, 7], "lr": [0.1, 0.2, 0.1, 0.1]}, "auto", [0, 1, 2, 2]),
        ({"seed": [7, 7, 7, 7], "U": [1.0, 1.0, 2.0, 3.0]}, "auto", [0, 0, 1, 2]),
        ({"seed": [7, 7, 7, 7], "group": ["a", "b", "a", "a"]}, "auto", [0, 1, 2, 2]),
        ({"group": ["a", "a", "a", "a"], "pool": ["a", "a", "a", "a"]}, "auto", [0, 1, 2, 3]),
        ({"seed": [7, 8, 7, 8]}, "seed", [0, 1, 0, 1]),
        ({"seed": [7, 8, 7, 8], "step": [1, 1, 2, 2]}, "auto", [0, 1, 2, 3]),
        ({"seed": [7, 7, 7, 8], "pool": ["p", "q", "p", "p"], "step": [1, 1, 2, 2]}, "auto", [0, 1, 2, 3]),
        ({"seed": [7, 7, 7, 7], "pool": ["p", "p", "q", "p"], "step": [1, 2, 1, 1]}, "auto", [0, 0, 1, 2]),
        ({"step": [1, 2, 1, 2]}, "auto", [0, 0, 1, 1]),
        ({"run": ["x", "x", "y", "y"]}, None, [0, 1, 2, 3]),
    ],
)
def test_clusters_hold_the_checkpoints_of_a_training(labels, by, expected):
    assert Runs([4.0, 3.0, 2.0, 1.0], N=[1.0, 1.0, 2.0, 2.0], **labels).clusters(by).tolist() == expected


@pytest.mark.parametrize(
    ("headers", "columns", "expected"),
    [
        (("params", "loss"), {"x": "params"}, [0, 1, 2, 0]),
        (("tokens", "loss"), {"x": "tokens"}, [0, 0, 0, 0]),
        (("scale", "loss"), {"x": "scale"}, [0, 0, 0, 0]),
        (("width", "loss"), {"width": "width"}, [0, 1, 2, 0]),
        (("Tokens (B)", "loss"), {"data": "Tokens (B)"}, [0, 0, 0, 0]),
    ],
)
def test_what_grows_is_told_by_name_or_header(headers, columns, expected):
    table = dict(zip(headers, ([1.0, 2.0, 3.0, 1.0], [4.0, 3.0, 2.0, 1.0])))
    assert read_runs(table | {"seed": [0] * 4}, columns=columns).clusters().tolist() == expected


def test_seeds_beyond_whole_floats_stay_apart():
    seeds = [2**64 - 1, 2**64 - 2, 2**64 - 1]
    for table in ({"seed": seeds}, {"seed": np.array(seeds, np.uint64)}, pl.DataFrame({"seed": seeds})):
        frame = pl.DataFrame(table).with_columns(loss=pl.lit(1.0))
        assert read_runs(frame).clusters().tolist() == [0, 1, 0]
    assert Runs([1.0] * 3, seed=seeds).clusters().tolist() == [0, 1, 0]
    assert Runs([1.0] * 3, seed=[1e300, 2e300, 1e300]).clusters().tolist() == [0, 1, 0]


def test_a_column_that_has_two_names_is_listed_once():
    runs = read_runs({"size": [1e8, 1e9], "val_loss": [3.0, 2.5]})
    for ask in (lambda: runs.select(["N"]), lambda: runs.where("Q > 1")):
        with pytest.raises(InputError, match=r"the columns are ('row', )?'size', 'val_loss'[.;]"):
            ask()
    assert runs.where("loss < 3").target.tolist() == runs.where("val_loss < 3").target.tolist() == [2.5]
