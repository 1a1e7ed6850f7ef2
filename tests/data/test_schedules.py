"""Rows of one training are told by their schedules where no label tells them."""

import numpy as np
import pytest

from scalefit import read_runs
from scalefit.data import Runs

STEPS = np.arange(300)
WARM_UP = np.minimum(1.0, (STEPS + 1) / 30.0)
CURVES = [
    3e-4 * WARM_UP * fall
    for fall in (
        np.ones(300),
        np.where(STEPS < 200, 1.0, 0.1 ** ((STEPS - 200) / 100.0)),
        0.55 + 0.45 * np.cos(np.pi * STEPS / 300.0),
        np.where(STEPS < 100, 1.0, 0.3),
    )
]
"""Constant, stable with a decay, cosine and of two stages: three of them begin alike."""


def rows(every=12):
    ends = np.arange(every, 301, every)
    return [c[:n] for c in CURVES for n in ends], np.repeat(np.arange(len(CURVES)), len(ends)), np.tile(ends, 4)


@pytest.mark.parametrize("order", ["by curve", "from the end", "in blocks"])
@pytest.mark.parametrize("more", [(), ("step",), ("N",), ("batch",)])
def test_rows_of_one_curve_are_one_training_with_and_without_its_label(order, more):
    lr, run, step = rows()
    place = np.arange(len(lr))
    if order == "from the end":
        place = place[::-1]
    elif order == "in blocks":
        place = np.concatenate([place[run == k] for k in (2, 0, 3, 1)])
    lr, run, step = [lr[i] for i in place], run[place], step[place]
    also = {"step": step, "N": 1e8 * (1 + run % 2), "batch": [[32.0] * len(one) for one in lr]}
    table = Runs(np.linspace(3.0, 2.0, len(lr)), lr=lr, **{name: also[name] for name in more})
    assert table.clusters().tolist() == np.unique(run, return_index=True)[1].argsort().argsort()[run].tolist()
    assert table.clusters(None).tolist() == list(range(len(lr)))
    assert table.notes == (
        f"no column run says which rows are of one training: {len(lr)} rows count as 4 trainings, as far as "
        + ("lr and batch go" if "batch" in more else "lr goes") + " on from row to row",
    )  # fmt: skip


def test_schedules_that_do_not_go_on_are_never_one_whatever_the_order():
    lr, run, _ = rows()
    place = np.random.default_rng(0).permutation(len(lr))
    code = Runs(np.ones(len(lr)), lr=[lr[i] for i in place]).clusters()
    ends = code[[int(np.flatnonzero(place == 25 * k + 24)[0]) for k in range(4)]]
    assert len(set(ends.tolist())) == len(set(code.tolist())) == 4
    cosine = code[run[place] == 2]
    assert len(set(cosine[np.array([len(lr[i]) for i in place[run[place] == 2]]) > 40].tolist())) == 1


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"lr": [[1e-3], [1e-3] * 2, [1e-3] * 3]}, [0, 0, 0]),
        ({"lr": [[1e-3], [1e-3] * 2, [1e-3] * 3], "N": [1e8, 1e8, 2e8]}, [0, 0, 1]),
        ({"lr": [[1e-3], [1e-3] * 2, [1e-3] * 3], "D": [1e9, 2e9, 3e9]}, [0, 0, 0]),
        ({"lr": [[1e-3], [1e-3] * 2, [1e-3] * 3], "seed": [1, 2, 2]}, [0, 1, 1]),
        ({"lr": [[1e-3, 0.0], [1e-3, -0.0, 1e-4], [1e-3, 2e-4, 1e-4]]}, [0, 0, 1]),
        # Settings of all runs say nothing, and neither do schedules of one length.
        ({"betas": [[0.9, 0.95]] * 3, "D": [1e9, 2e9, 3e9]}, [0, 1, 2]),
        ({"lr": [[1e-3, 1e-4], [1e-3, 5e-4], [1e-3, 1e-3]]}, [0, 1, 2]),
        # A schedule that was planned, at the steps that a training had come to.
        ({"lr": [[1e-3, 1e-4], [1e-3, 1e-4], [1e-3, 1e-3]], "step": [1, 2, 2]}, [0, 0, 1]),
        ({"lr": [[1e-3, 1e-4], [1e-3, 1e-4], [1e-3, 1e-3]], "seed": [1, 1, 1], "D": [1.0, 2.0, 2.0]}, [0, 0, 1]),
        ({"lr": [[1e-3], [1e-3] * 2, [1e-3] * 3], "run": ["a", "b", "b"]}, [0, 1, 1]),
        # One series goes on and the other does not.
        ({"lr": [[1e-3], [1e-3] * 2, [1e-3] * 3], "batch": [[32.0], [64.0, 64.0], [64.0] * 3]}, [0, 1, 1]),
    ],
)
def test_what_is_one_training_by_series(columns, expected):
    assert Runs([3.0, 2.5, 2.0], **columns).clusters().tolist() == expected


def test_targets_and_gaps_of_a_table_with_schedules():
    both = Runs({"a": [3.0, 2.5, 2.0], "b": [1.0, np.nan, 2.0]}, lr=[[1e-3], [2e-3], [1e-3, 1e-4]])
    assert both.clusters().tolist() == [0, 0, 1, 0, 0]
    gap = read_runs({"loss": [3.0, 2.5, 2.0, 1.9], "lr": [None, [1e-3], [1e-3, 1e-4], None]})
    assert gap.clusters().tolist() == [0, 1, 1, 2]
