"""Draws of two results side by side, one of each to a row."""

from typing import Any

import jax
import numpy as np

from ..._core import InputError, Phrase, check_number
from ...results import Ensemble
from .._draws import Drawn


def pairs(first: Drawn, second: Drawn, paired: bool, seed: int) -> tuple[Any, Any]:
    """Both laws and their draws along a leading axis, one of each to a row; a law without draws stands in each.

    **Arguments:**

    - `first`, `second`: Both.
    - `paired`: Whether they belong together draw by draw, and else are put together at random.
    - `seed`: Of the putting together.
    """
    many, more = (0 if one.draws is None else jax.tree.leaves(one.draws)[0].shape[0] for one in (first, second))
    count = min(many, more) or max(many, more)
    order = np.arange(count)
    if not paired and min(many, more) > 0:
        # Ensembles made alike, with one seed, would else be paired in secret.
        seed = check_number("seed", seed, least=0, whole=True)
        order = np.random.default_rng([seed, 0xFA17]).permutation(more)[:count]

    def rows(laws: Any, has: int, order: np.ndarray) -> Any:
        place = np.concatenate([[0], 1 + order if has else np.zeros(count, int)])
        return jax.tree.map(lambda a: a[place], laws)

    return rows(first.stacked, many, np.arange(count)), rows(second.stacked, more, order)


def check_pair(argument: str, value: Any) -> tuple[Any, Any]:
    """Check that something was given for each of two results.

    **Raises:** `InputError` for anything but two.
    """
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise InputError(argument, value, "one for each of the two, as ({'U': 1e12}, None)")
    return value[0], value[1]


def check_paired(first: Any, second: Any) -> None:
    """Check that two results have draws that belong together.

    **Raises:** `InputError` for anything but ensembles of one length whose draws all converged.
    """
    expected = "two ensembles of the same resamples"
    if not isinstance(first, Ensemble) or not isinstance(second, Ensemble):
        raise InputError("paired", True, expected, "a law or a fit has no draws: leave it out")
    if len(first) != len(second):
        given = Phrase(f"is True, and there are {len(first)} and {len(second)} draws")
        raise InputError("paired", given, expected, "make both by `bootstrap(..., weights=...)`")
    failed = int(np.sum(~(first.converged & second.converged)))
    if failed:
        raise InputError(
            "paired", Phrase(f"is True, and {failed} draws did not converge"), remedy="give `paired=False`"
        )
