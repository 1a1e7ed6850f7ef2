"""Measurements of runs on pools, as something that falls: errors, accuracies turned round, losses."""

import itertools
import re

import numpy as np
from jaxtyping import Bool, Float

from .._core import InputError, Phrase, check_choice, warn_of
from ._labels import numbered
from ._runs import Runs

_ERROR = frozenset({"error", "errors", "err"})
_ACCURACY = frozenset({"accuracy", "accuracies", "acc"})


def falling(runs: Runs, metric: str) -> tuple[Float[np.ndarray, " run"], str, tuple[str, ...]]:
    """Values of something that falls, its name, and a note where it was turned round or is guessed.

    **Raises:** `InputError` for an unknown `metric`, and for errors and accuracies outside [0, 1].
    """
    name, target, notes = runs.target_name, runs.target, ()
    if metric == "auto":
        metric, notes = _metric_of(runs)
    check_choice("metric", metric, ("error", "accuracy", "loss"))
    outside = (target < 0) | (target > 1)
    if metric != "loss" and outside.any():
        row = int(np.argmax(outside))
        # A loss of 100 times the error would not do: pools differ in b, which multiplies the logarithm.
        per_cent = target.min() >= 0 and target.max() <= 100
        mend = "divide percentages by 100" if per_cent else 'correct it, or say `metric="loss"` where it is no share'
        expected = f"an {metric} from 0 to 1"
        raise InputError(f"{name} in {runs.place(row)}", float(target[row]), expected, mend)
    if metric == "accuracy":
        return 1.0 - target, "error", (f"error = 1 - {name}",)
    return target, name, notes


def warn_of_rise(runs: Runs, alone: Bool[np.ndarray, " run"], n: np.ndarray, target: np.ndarray, name: str) -> None:
    """Warn where the mean at the most samples is above that at the fewest on every pool trained on by itself."""
    labels = [runs.labels[k] for k in ("group", "pool") if k in runs.labels]
    code = np.where(alone, numbered(labels, len(runs)), -1)
    rises = []
    for pool in np.unique(code[alone]):
        there = code == pool
        if len(seen := np.unique(n[there])) > 1:
            first, last = (np.mean(target[there & (n == at)]) for at in seen[[0, -1]])
            rises.append(last > first)
    if rises and all(rises):
        other = "accuracy" if target is runs.target else "error"
        warn_of(
            "loss-kind",
            f"{name} rises with the samples seen on every pool of {runs.name!r}, and the laws of pools are of what "
            f"falls",
            f'if {runs.target_header} is an {other}, say `metric="{other}"`',
            stacklevel=3,
        )


def _metric_of(runs: Runs) -> tuple[str, tuple[str, ...]]:
    """The kind of measurement, by the words of our name for it or else its header; a note where these say nothing.

    **Raises:** `InputError` where they say two things.
    """
    names = runs.target_name, runs.target_header
    for name in names:
        words = _words(name)
        if words & _ERROR and words & _ACCURACY:
            remedy = 'say which with `metric="error"` or `metric="accuracy"`'
            raise InputError(repr(name), Phrase("could be an error or an accuracy"), remedy=remedy)
        if words & _ERROR:
            return "error", ()
        if words & (_ACCURACY | {"top1", "top5"}):
            return "accuracy", ()
    if all(_words(name) & {"loss", "losses"} for name in names):
        return "loss", ()
    return "loss", (f"{names[1]} is taken for a loss: if it is an error or an accuracy, metric says so",)


def _words(name: str) -> set[str]:
    """The words of a name in small letters, each also with the number after it: `zeroShotTop1` has top and top1."""
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]
    return {*parts, *(word + number for word, number in itertools.pairwise(parts) if number.isdecimal())}
