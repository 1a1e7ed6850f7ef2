"""A function of one lane at as many as the host asks for: compiled once or twice, whatever their number."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

FEW, MANY = 64, 512
"""Lanes of a program: some blocks of the first, or else as many of the second as it takes."""
BLOCKS = 8
"""Blocks of `FEW` lanes beyond which one of `MANY` is the quicker."""


def in_lanes(formula: Callable[..., Any], *columns: Any, many: int = MANY, few: int = FEW) -> Any:
    """A formula at every lane, in 64 bits.

    Lanes are padded to one of two widths, so that nothing is compiled for a number of lanes.

    **Arguments:**

    - `formula`: A plain function in `jax.numpy` of the numbers of one lane; the same object compiles once.
    - `columns`: What it takes: pytrees of arrays of the host, all with a leading axis of lanes.
    - `many`: The wider of the two: more for formulas of few numbers, whose calls would cost more than they do.
    - `few`: The narrower: fewer for formulas of many numbers, each lane of which is work enough.

    **Returns:** what the formula gives, as arrays of the host with a leading axis of lanes.
    """
    count = len(jax.tree.leaves(columns)[0])
    width = few if few < FEW or count <= BLOCKS * few else many
    return in_blocks(functools.partial(_block, formula), columns, width)


def in_blocks(program: Callable[[Any], Any], columns: Any, width: int) -> Any:
    """A program at blocks of so many lanes, the last one padded; otherwise as `in_lanes`."""
    count = len(jax.tree.leaves(columns)[0])
    with jax.enable_x64(True):  # a worker thread does not inherit the context
        parts = []
        for low in range(0, count, width):
            whole = low + width <= count
            some = slice(low, low + width) if whole else np.minimum(np.arange(low, low + width), count - 1)
            parts.append(program(jax.tree.map(lambda a, some=some: a[some], columns)))
    return jax.tree.map(lambda *one: np.concatenate([np.asarray(a) for a in one])[:count], *parts)


@functools.partial(jax.jit, static_argnums=0)
def _block(formula: Callable[..., Any], columns: Any) -> Any:
    return jax.vmap(formula)(*columns)


def few_lanes(w: np.ndarray, args: Any, draws: int = 1) -> int:
    """Lanes of a program: of many weights, of many draws or of many other numbers, few are work enough."""
    numbers = sum(np.size(a) for a in jax.tree.leaves(args)) // len(w)
    return max(1, min(FEW, 4096 // (w.shape[1] * draws), 32768 // max(numbers, 1)))
