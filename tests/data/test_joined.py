"""Tables of runs joined: nothing is lost, nothing is mistaken for something else, and rows stay told apart."""

import numpy as np
import pytest

from scalefit import InputError, joined, read_runs
from scalefit.data import Dropped, Runs, load_data, read_since


@pytest.fixture
def first():
    table = {"params": [1e8, 1e9, 2e9], "compute": [6e18, 6e19, 6e20], "loss": [3.0, np.nan, 2.4], "seed": [0, 0, 1]}
    return read_runs(table, name="old")


@pytest.fixture
def second():
    table = {"N": [4e9, 8e9, 1e10], "D": [1e10, 2e10, 3e10], "loss": [2.2, np.nan, 2.0], "note": ["x", "y", "z"]}
    return read_runs(table, name="new")


def test_inputs_that_one_table_lacks_follow_from_its_others(first, second):
    both = joined(first, second)
    assert both.target.tolist() == [3.0, 2.4, 2.2, 2.0]
    assert both.inputs["N"].tolist() == [1e8, 2e9, 4e9, 1e10]
    np.testing.assert_allclose(both.inputs["C"], [6e18, 6e20, 6 * 4e19, 6 * 3e20])
    np.testing.assert_allclose(both.inputs["D"], [1e10, 5e10, 1e10, 3e10])
    assert {note.partition(":")[0] for note in both.notes if "=" in note} == {"old", "new"}


def test_an_input_that_does_not_follow_is_empty(second):
    both = joined(second, Runs([1.0], N=[1e9], lr=[0.1]))
    np.testing.assert_array_equal(both.inputs["lr"], [np.nan, np.nan, 0.1])
    np.testing.assert_array_equal(both.inputs["D"], [1e10, 3e10, np.nan])
    assert both.complete(["N", "D"]).dropped == (Dropped(2, "loss is missing"), Dropped(4, "D is missing"))


def test_rows_go_on_and_a_note_says_whose_they_are(first, second):
    both = joined(first, second, Runs([1.9], N=[2e10], D=[5e10], name="last"))
    assert both.rows.tolist() == [1, 3, 4, 6, 7]
    assert both.dropped == (Dropped(2, "loss is missing"), Dropped(5, "loss is missing"))
    assert "rows 4 to 6 are rows 1 to 3 of 'new'" in both.notes
    assert "row 7 is row 1 of 'last'" in both.notes
    assert both.name == "old + new + last"
    assert both.excluded == 0
    assert joined(first.where("N > 1B"), second.where("N < 5B")).excluded == 2


def test_labels_and_columns_that_one_table_lacks_are_empty(first, second):
    both = joined(first, second)
    assert both.labels["seed"].tolist() == [0, 1, None, None]
    assert both.columns["note"].tolist() == [None, None, "x", "z"]
    np.testing.assert_array_equal(both.columns["params"], [1e8, 2e9, np.nan, np.nan])
    assert any("'new' have no seed" in note for note in both.notes)
    assert both.clusters().tolist() == [0, 1, 2, 3]
    big = 2**63 - 1
    texts = joined(Runs([1.0], N=[1.0], run=["a"], seed=[big]), Runs([2.0], N=[1.0], run=[7], seed=[big - 1]))
    assert texts.labels["run"].tolist() == ["a", "7"]
    assert texts.labels["seed"].tolist() == [big, big - 1]


def test_checkpoints_of_one_training_are_one_whichever_table_they_stand_in():
    one, two = (Runs([2.0, 1.9], N=[1e8, 1e8], D=D, run=["a", "b"]) for D in ([1e9, 1e9], [2e9, 2e9]))
    assert joined(one, two).clusters().tolist() == [0, 1, 0, 1]


def test_a_table_in_one_piece_has_the_same_fingerprint():
    N, D, loss = [1e8, 1e9, 1e10], [1e9, 1e10, 1e11], [3.0, 2.5, 2.2]
    parts = (Runs(loss[at], N=N[at], D=D[at]) for at in (slice(0, 2), slice(2, 3)))
    assert joined(*parts).fingerprint == Runs(loss, N=N, D=D).fingerprint


def test_one_table_is_itself(first):
    assert joined(first) is first


def test_a_unit_taken_for_granted_gives_way_to_one_that_is_said():
    samples = load_data("bundled")
    tokens = Runs([1.0], N=[1e5], D=[1e6])
    assert samples.units["D"] != tokens.units["D"]
    assert joined(samples, tokens).units["D"] == joined(tokens, samples).units["D"] == samples.units["D"]


@pytest.mark.parametrize(
    "other, said",
    [
        (Runs([0.5], N=[1e9], D=[1e9], target="accuracy", name="acc"), "'new' measures loss and 'acc' accuracy"),
        (Runs([2.0], N=[1e9], D=[1e9], se=[0.1], name="sure"), "'sure' has an se for each run and 'new' has none"),
        (Runs([2.0], N=[1e9], D=[1e9], units={"D": "words"}), "D is in bytes in 'new' and in words in 'runs'"),
        (
            Runs([2.0], n=[1e9], **{"w[A]": [1.0], "U[A]": [1e6]}),  # pyright: ignore[reportArgumentType]  in brackets
            "has inputs along an axis, as shares of pools, and 'new' has none",
        ),
    ],
)
def test_tables_that_contradict_are_refused(second, other, said):
    second = second.with_fields(units={**second.units, "D": "bytes"})
    with pytest.raises(InputError, match=said):
        joined(second, other)


@pytest.mark.parametrize("derived", [False, True])
def test_a_run_of_two_sizes_in_two_tables_is_two_trainings(derived):
    old = Runs([2.0, 1.9], N=[1e8, 1e9], D=[1e9, 1e9], run=["a", "b"], name="old")
    size = {"C": [6e18 * 1.02, 6e19]} if derived else {"N": [1e8 * 1.02, 1e10]}
    new = Runs([1.8, 1.7], D=[1e10, 1e9], run=["a", "c"], name="new", **size)  # pyright: ignore[reportArgumentType]  with and without N
    if not derived:
        with pytest.raises(InputError, match=r"The run 'a' has N = 1e.08 in 'old' and 1.02e.08 in 'new'"):
            joined(old, new)
    else:
        assert any("the run 'a' has N" in note for note in joined(old, new).notes)
    rounded = Runs([1.8], N=[1.004e8], D=[2e9], run=["a"])
    assert not any("the run 'a'" in note for note in joined(old, rounded).notes)


def test_a_table_joined_twice_is_refused_and_single_rows_are_said():
    old = Runs([2.0, 2.0, 1.9], N=[1e8, 1e8, 1e9], D=[1e9, 1e9, 1e9], name="old")
    some = Runs([2.0, 1.7], N=[1e8, 1e9], D=[1e9, 2e9], name="some")
    assert not any("before it" in note for note in joined(old, Runs([2.1], N=[1e8], D=[1e9])).notes)
    assert "1 row of 'some' stands in the tables before it too" in joined(old, some).notes
    with pytest.raises(InputError, match="Every row of 'old' stands in the tables before it already"):
        joined(old, some, old)
    joined(*(Runs([2.0], N=[1e8], D=[1e9], seed=[seed]) for seed in (0, 1)))


def test_a_unit_or_a_compute_that_is_taken_for_granted_is_said():
    bits = Runs([2.0], N=[1e8], D=[1e9], C=[9e17], units={"loss": "bits"}, name="bits")
    plain = Runs([1.9], N=[1e9], D=[1e9], name="plain")
    notes = joined(bits, plain).notes
    assert "'plain' says no unit of loss: taken to be in bits, as in 'bits'" in notes
    assert any("'bits' has a C of 1.5 times 6 N D" in note for note in notes)


def test_a_run_of_joined_tables_says_its_own_row(first, second):
    both = joined(joined(first, second), Runs([1.9], N=[2e10], D=[5e10], name="last"))
    assert [both.place(i) for i in (1, 2, -1)] == ["row 3 of 'old'", "row 1 of 'new'", "row 1 of 'last'"]
    assert second.place(1) == "row 3 of 'new'"


@pytest.fixture
def since(tmp_path):
    def read(text, first, **options):
        path = tmp_path / "new.csv"
        path.write_text(text)
        return read_since(path, first, **options)

    return read


def test_runs_done_since_are_read_as_those_before(since):
    """The headers of `load_data` hold for a further table too."""
    said = {"N": "width", "D": "N", "loss": "val/.nll"}
    first = read_runs({"width": [1e9], "N": [2e10], "val/.nll": [2.5]}, columns=said)
    new = since("width,N,val/.nll,loss\n3e9,4e10,2.4,9\n", first)
    assert (new.inputs["N"].tolist(), new.inputs["D"].tolist(), new.target.tolist()) == ([3e9], [4e10], [2.4])
    assert joined(first, new).target_name == "loss"


def test_a_condition_is_asked_of_tables_that_have_its_columns(since):
    first = read_runs({"params": [1e9, 2e9], "tokens": [1e9, 1e9], "loss": [2.5, 2.4], "family": ["a", "b"]})
    table = "N,D,loss\n1e9,1e10,2.3\n4e9,1e10,2.2\n"
    new = since(table, first, where="family == 'a' and N < 2B")
    assert len(new) == 2
    assert any("the table has no family" in note for note in new.notes)
    assert since(table, first, where="C < 1e20").target.tolist() == [2.3]
    with pytest.raises(InputError, match="no column 'params'"):
        since(table, first, where="params < 2B")


def test_a_table_in_which_nothing_was_measured_yet(since, first):
    with pytest.raises(InputError, match=r"nothing that was measured yet.*'loss' is empty. Fill it in"):
        since("N,D,loss\n1e9,1e10,\n2e9,1e10,nan\n", first)
