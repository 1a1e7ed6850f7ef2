"""One row a run: which row it is, and what its loss is."""

from typing import Any

import numpy as np
import pytest

import scalefit as sf

LOSS = [3.0, 2.0, 2.5, 4.0, 3.5, 9.0]


def table(**changes):
    fields: dict[str, Any] = {"loss": LOSS, "N": [1e8] * 3 + [2e8] * 2 + [3e8], "D": [1e9, 3e9, 2e9, 1e9, 2e9, 1e9]}
    return sf.read_runs(fields | {"run": ["a", "a", "a", "b", "b", None]} | changes)


@pytest.mark.parametrize(
    ("which", "rows", "losses"),
    [
        ("last", [2, 5, 6], [2.0, 3.5, 9.0]),
        ("least", [2, 5, 6], [2.0, 3.5, 9.0]),
        ("smoothed", [2, 5, 6], [2.25, 3.75, 9.0]),
    ],
)
def test_by_tokens_where_there_is_no_step(which, rows, losses):
    found = sf.per_run(table(), which, window=2)
    assert found.rows.tolist() == rows
    assert found.target.tolist() == losses
    assert found.notes[-1].startswith("of 6 rows of 3 runs, one a run is kept: ")


def test_a_step_counts_more_and_the_least_is_not_the_last():
    runs = table(step=[30, 10, 20, 1, 2, 1])
    assert sf.per_run(runs).rows.tolist() == [1, 5, 6]
    assert sf.per_run(runs, "least").rows.tolist() == [2, 5, 6]
    assert sf.per_run(runs, "smoothed").target.tolist() == [2.5, 3.75, 9.0]


def test_runs_of_other_groups_and_targets_are_apart():
    labels: dict[str, Any] = {"run": [0] * 6, "group": ["g"] * 3 + ["h"] * 3}
    runs = sf.Runs({"x": LOSS, "y": LOSS[::-1]}, step=[1, 2, 3, 1, 2, 3], **labels)
    found = sf.per_run(runs)
    assert sorted(zip(found.labels["target"].tolist(), found.labels["group"].tolist(), found.target.tolist())) == [
        ("x", "g", 2.5), ("x", "h", 9.0), ("y", "g", 4.0), ("y", "h", 3.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("runs", "options", "said"),
    [
        (sf.Runs([1.0]), {}, "has no label run"),
        (sf.Runs([1.0], run=["a"]), {}, "has no step, D or n"),
        (table(), {"window": 0}, "window is 0"),
        (table(), {"window": True}, "window is True"),
        (table(), {"loss": "best"}, "loss is 'best'"),
        ({"loss": [1.0]}, {}, "runs is .*; expected Runs"),
    ],
)
def test_what_cannot_be_told_is_refused(runs, options, said):
    with pytest.raises(sf.InputError, match=said):
        sf.per_run(runs, **options)


def test_nothing_of_the_source_changes():
    runs = table()
    before = runs.fingerprint
    sf.per_run(runs, "smoothed")
    assert (runs.fingerprint, np.asarray(runs.target).tolist()) == (before, LOSS)
