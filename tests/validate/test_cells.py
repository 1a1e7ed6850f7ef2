"""Cells that are no measurements are named, by row and by what they look like."""

from typing import Any

import numpy as np
import pytest

import scalefit as sf


def good() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(2e7, 5e9, 10), np.geomspace(6e9, 9e11, 6)))
    loss = (1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37) * np.exp(2e-3 * rng.standard_normal(N.size))
    return {"params": N, "tokens": D, "loss": loss}


PLACE = np.arange(60)
SPOILT: dict[str, tuple[str, str, Any]] = {
    "a code": ("bad-rows", "have the same loss, 999, at 6 different sizes, the most of all",
               lambda t: {**t, "loss": np.where(PLACE % 10 == 3, 999.0, t["loss"])}),
    "a code below 0": ("bad-rows", "rows 4, 24, 44 have loss down to -1 where the others are above 0",
                       lambda t: {**t, "loss": np.where(PLACE % 20 == 3, -1.0, t["loss"])}),
    "never trained": ("bad-rows", "have the same loss, 10.82",
                      lambda t: {**t, "loss": np.where(PLACE % 12 == 3, 10.82, t["loss"])}),
    "cut off": ("bad-rows", "the least of all", lambda t: {**t, "loss": np.maximum(t["loss"], 2.2)}),
    "filled down": ("bad-rows", "rows 21, 22, 23, 24, 25, 26, … have the same loss",
                    lambda t: {**t, "loss": np.where((PLACE >= 20) & (PLACE < 30), t["loss"][20], t["loss"])}),
    "rounded": ("loss-kind", "in steps of 0.1", lambda t: {**t, "loss": np.round(t["loss"], 1)}),
    "base 10": ("loss-kind", "as logarithms to base 10",
                lambda t: {**t, "loss": t["loss"] * np.where(PLACE % 6 == 1, 1.0 / np.log(10.0), 1.0)}),
    "sizes exchanged": ("units", "rows 5, 22 lie among the others with N and D exchanged",
                        lambda t: {**t, **{n: np.where(np.isin(PLACE, (4, 21)), t[o], t[n])
                                           for n, o in (("params", "tokens"), ("tokens", "params"))}}),
    "sequences": ("units", "tokens in another unit, as batches",
                  lambda t: {**t, "tokens": np.where(PLACE % 10 == 9, t["tokens"] / 2048 / 20, t["tokens"])}),
    "seconds and days": ("units", "have a C of 1.16e-05 times 6 N D, and the others of 1",
                         lambda t: {**t, "flops": 6 * t["params"] * t["tokens"] / np.where(PLACE % 3 == 0, 86400, 1)}),
    "logarithms": ("units", "name it log10_N", lambda t: {**t, "params": np.log10(t["params"])}),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_no_measurement_is_said(name):
    check, says, spoil = SPOILT[name]
    found = [one for one in sf.diagnose(sf.read_runs(spoil(good()))).findings if one.check == check]
    assert any(says in one.words for one in found), found


def test_good_cells_are_left_alone():
    assert not sf.diagnose(sf.read_runs(good())).findings


def test_losses_of_few_digits_that_repeat_here_and_there_are_no_fault():
    table = good()
    assert not sf.diagnose(sf.read_runs({**table, "loss": np.round(table["loss"], 2)})).findings


@pytest.mark.parametrize(
    ("name", "low", "fires"),
    [("reward", [-0.2, -0.1], False), ("accuracy", [0.0, 0.0], False), ("accuracy", [-1.0, -1.0], True)],
)
def test_scores_of_0_and_rewards_below_it_are_measurements(name, low, fires):
    N = np.geomspace(1e7, 1e10, 12)
    runs = sf.Runs(np.array([*low, *np.linspace(0.1, 0.8, 10)]), N=N, target=name)
    assert ("bad-rows" in {one.check for one in sf.diagnose(runs).findings}) == fires
