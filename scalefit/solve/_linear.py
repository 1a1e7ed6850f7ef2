"""Small dense systems, many at once: unrolled over their size, vectorised over the batch."""

import itertools
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._namespace import Numbers, namespace, select

UNROLL = 6
"""Above this size a loop over the columns is several times as quick to compile and hardly slower to run."""
BLOCK, COMPILED = 16, 32
"""Columns that are cleared one by one, on the host and in programs, where every block is compiled; of larger systems
the rest is updated by a matrix product a block."""
SUBSETS = 4
"""Up to this size every set of positive entries is tried; they double with each entry, and so does compilation."""
ROUNDS = 10
"""Times the size, the rounds after which an active set is taken as it is; about twice the size is usual."""
PIVOT = 50
"""Roundings of a diagonal entry up to which a pivot is none."""
DEPENDENT = 1e-12
"""Share of a diagonal entry below which what elimination leaves of it is rounding."""

Entries: TypeAlias = dict[tuple[int, int], Any]
"""The entries (i, j), i <= j, of a symmetric matrix, each an array over a batch."""


def solve_positive(
    matrix: Float[Numbers, "batch size size"], right: Float[Numbers, "batch size"]
) -> tuple[Float[Numbers, "batch size"], Bool[Numbers, " batch"]]:
    """The solution of `matrix @ x = right` by an LDL factorisation, and whether every pivot was positive."""
    xp = namespace(matrix)
    if xp is jnp and matrix.shape[-1] <= UNROLL:
        return _by_entries(matrix, right)
    least = PIVOT * np.finfo(matrix.dtype).eps * xp.abs(xp.diagonal(matrix, axis1=1, axis2=2))
    found, sound = _eliminated(xp.concatenate([matrix, right[..., None]], axis=2), least)
    return found[:, :, 0], sound


def _eliminated(table: Any, least: Any) -> tuple[Any, Any]:
    """The solutions of systems that stand beside their right sides, and whether every pivot was large enough.

    By Gauss and Jordan, a column of all systems at a time: factorisations of LAPACK in several threads could wait for
    each other. Of a large system the first block is solved for the columns of the others, and these for the rest.
    """
    xp, size = namespace(table), table.shape[1]
    block = BLOCK if xp is np else COMPILED
    if size > block:
        across, first = _eliminated(table[:, :block], least[:, :block])
        left = table[:, block:, block:] - _product(table[:, block:, :block], across)
        rest, sound = _eliminated(left, least[:, block:])
        own = across[:, :, size - block :] - _product(across[:, :, : size - block], rest)
        return xp.concatenate([own, rest], axis=1), first & sound
    place = np.arange(size, dtype=np.int32)[None, :, None]

    def clear(k: Any, carry: Any) -> Any:
        table, sound = carry
        row, column = table[:, k], table[:, :, k]
        good = row[:, k] > least[:, k]
        # What has no pivot stays at 0, lest a system that is not solved overflow.
        row = xp.where(good[:, None], row / xp.where(good, row[:, k], 1.0)[:, None], 0.0)
        rest = table - column[:, :, None] * row[:, None, :]
        return xp.where(place == k, row[:, None, :], rest), sound & good

    carry = table, xp.ones(len(table), bool)
    if xp is np:
        for k in range(size):
            carry = clear(k, carry)
    else:
        carry = jax.lax.fori_loop(jnp.asarray(0, jnp.int32), jnp.asarray(size, jnp.int32), clear, carry)
    return carry[0][:, :, size:], carry[1]


def _product(left: Any, right: Any) -> Any:
    """Products of matrices, with every digit on accelerators too."""
    return left @ right if isinstance(left, np.ndarray) else jnp.matmul(left, right, precision="highest")


def _by_entries(matrix: Any, right: Any) -> tuple[Array, Array]:
    """Unrolled over every entry, so that a compiler makes one loop of it over the systems."""
    size = matrix.shape[-1]
    tiny = np.finfo(matrix.dtype).eps * PIVOT
    lower: dict[tuple[int, int], Array] = {}
    pivots: list[Array] = []
    fine = jnp.ones(matrix.shape[0], bool)
    for j in range(size):
        pivot = matrix[:, j, j] - sum(lower[j, k] ** 2 * pivots[k] for k in range(j))
        good = pivot > tiny * jnp.abs(matrix[:, j, j])
        fine = fine & good
        pivots.append(jnp.where(good, pivot, 1.0))
        for i in range(j + 1, size):
            rest = matrix[:, j, i] - sum(lower[i, k] * lower[j, k] * pivots[k] for k in range(j))
            lower[i, j] = rest / pivots[j]
    forward: list[Array] = []
    for i in range(size):
        forward.append(right[:, i] - sum(lower[i, k] * forward[k] for k in range(i)))
    x: list[Array] = [forward[i] / pivots[i] for i in range(size)]
    for i in reversed(range(size)):
        x[i] = x[i] - sum(lower[k, i] * x[k] for k in range(i + 1, size))
    return jnp.stack(x, axis=-1), fine


def nonnegative_least_squares(gram: Entries, moment: list[Any], signed: tuple[int, ...] = ()) -> tuple[list[Any], Any]:
    """The x >= 0 that minimises x'Gx/2 - m'x, and the minimum.

    Small ones by trying every set of positive entries, larger ones by an active set.

    **Arguments:**

    - `gram`: Entries (i, j), i <= j, each an array over the batch.
    - `moment`: The entries of m.
    - `signed`: Entries of x that may be below 0 too.
    """
    solve = _every_subset if len(moment) <= SUBSETS else _active_set
    return solve(gram, moment, signed)


def _every_subset(gram: Entries, moment: list[Any], signed: tuple[int, ...]) -> tuple[list[Any], Any]:
    xp, size = namespace(moment[0]), len(moment)
    best_x = [xp.zeros_like(m) for m in moment]
    best = xp.zeros_like(moment[0])
    for count in range(1, size + 1):
        for chosen in itertools.combinations(range(size), count):
            x, fine = _eliminate(gram, moment, chosen)
            value = -0.5 * sum(x[k] * moment[i] for k, i in enumerate(chosen))
            good = fine & (value < best)
            for i, v in zip(chosen, x, strict=True):
                good = good if i in signed else good & (v > 0)
            best = xp.where(good, value, best)
            for i in range(size):
                candidate = x[chosen.index(i)] if i in chosen else xp.zeros_like(best)
                best_x[i] = xp.where(good, candidate, best_x[i])
    return best_x, best


def _eliminate(gram: Entries, moment: list[Any], chosen: tuple[int, ...]) -> tuple[list[Any], Any]:
    xp, size = namespace(moment[0]), len(chosen)
    a = {(r, c): gram[chosen[r], chosen[c]] for r in range(size) for c in range(r, size)}
    b = [moment[i] for i in chosen]
    fine = xp.ones_like(b[0], bool)
    for k in range(size):
        fine = fine & (a[k, k] > DEPENDENT * gram[chosen[k], chosen[k]])
        for r in range(k + 1, size):
            ratio = a[k, r] / a[k, k]
            b[r] = b[r] - ratio * b[k]
            for c in range(r, size):
                a[r, c] = a[r, c] - ratio * a[k, c]
    x = [b[0]] * size
    for k in reversed(range(size)):
        x[k] = (b[k] - sum(a[k, c] * x[c] for c in range(k + 1, size))) / a[k, k]
    return x, fine


def _active_set(gram: Entries, moment: list[Any], signed: tuple[int, ...]) -> tuple[list[Any], Any]:
    """Lawson and Hanson's method: entries become positive one by one, the steepest first, and may leave again."""
    xp, size, batch = namespace(moment[0]), len(moment), moment[0].shape
    whole = xp.stack([xp.stack([gram[min(i, j), max(i, j)] for j in range(size)]) for i in range(size)])
    matrix, right = xp.moveaxis(whole.reshape(size, size, -1), -1, 0), xp.stack(moment).reshape(size, -1).T
    # Columns of length one: pivots and slopes are then told from rounding by one measure.
    diagonal = xp.diagonal(matrix, axis1=1, axis2=2)
    unit = 1.0 / xp.sqrt(xp.maximum(diagonal, np.finfo(right.dtype).tiny))
    matrix, right = matrix * unit[:, :, None] * unit[:, None, :], right * unit
    either = np.isin(np.arange(size), signed)[None]
    # Two arrays and not one twice: the host writes into them.
    positive, refused = (xp.zeros(right.shape, bool) for _ in range(2))
    active = _Active(
        xp.zeros_like(right), positive, refused, xp.full(len(right), -1, np.int32), xp.zeros(len(right), bool)
    )
    if xp is np:
        for _ in range(ROUNDS * size):
            left = np.flatnonzero(~active.done)
            if left.size == 0:
                break
            moved = _exchanged(matrix[left], right[left], either, _Active(*(a[left] for a in active)))
            for column, some in zip(active, moved, strict=True):
                column[left] = some
    else:

        def once(carry: Any) -> Any:
            active, rounds = carry
            return select(active.done, active, _exchanged(matrix, right, either, active)), rounds + 1

        def going(carry: Any) -> Any:
            return ~jnp.all(carry[0].done) & (carry[1] < ROUNDS * size)

        active, _ = jax.lax.while_loop(going, once, (active, jnp.asarray(0, jnp.int32)))
    slope = xp.matmul(matrix, active.x[:, :, None])[:, :, 0]
    value = xp.sum(active.x * (0.5 * slope - right), axis=1)
    return list((active.x * unit).T.reshape(size, *batch)), value.reshape(batch)


class _Active(NamedTuple):
    x: Float[Numbers, "batch size"]
    positive: Bool[Numbers, "batch size"]
    refused: Bool[Numbers, "batch size"]
    newest: Int[Numbers, " batch"]  # the entry that came in last, or -1
    done: Bool[Numbers, " batch"]


def _exchanged(matrix: Numbers, right: Numbers, either: Numbers, active: _Active) -> _Active:
    """One round of the active set: its entries solved for, one that leaves or one that comes in.

    Entries of `either` sign never have to leave.
    """
    xp, tiny = namespace(right), np.finfo(right.dtype).tiny
    place = np.arange(right.shape[1], dtype=np.int32)[None]
    x, positive, refused = active.x, active.positive, active.refused
    enough = DEPENDENT * xp.max(xp.abs(right), axis=1, keepdims=True)
    wanted, sound = _masked_solve(matrix, right, positive)
    new = place == active.newest[:, None]
    # An entry that has just come in and cannot grow is not told apart from a sum of the others: it stays out.
    wrong = (wanted <= 0.0) & ~either
    useless = xp.any(new & (~sound[:, None] | wrong), axis=1, keepdims=True)
    below = positive & wrong
    inside = ~xp.any(below, axis=1, keepdims=True)
    share = xp.where(below, x / xp.where(below, xp.maximum(x - wanted, tiny), 1.0), xp.inf)
    leaves = positive & (place == xp.argmin(share, axis=1)[:, None].astype(np.int32)) & ~inside
    part_way = x + xp.minimum(xp.min(share, axis=1, keepdims=True), 1.0) * (wanted - x)
    part_way = xp.where(either, part_way, xp.maximum(part_way, 0.0))
    x = xp.where(useless, x, xp.where(leaves | ~positive, 0.0, xp.where(inside, wanted, part_way)))
    positive = positive & ~xp.where(useless, new, leaves)
    refused = xp.where(useless, refused | new, refused & ~inside)
    slope = right - xp.matmul(matrix, x[:, :, None])[:, :, 0]
    slope = xp.where(either, xp.abs(slope), slope)
    ready = ~positive & ~refused & (slope > enough) & (inside | useless)
    some = xp.any(ready, axis=1)
    newest = xp.where(some, xp.argmax(xp.where(ready, slope, -xp.inf), axis=1), -1).astype(np.int32)
    done = (inside | useless)[:, 0] & ~some
    return _Active(x, positive | (place == newest[:, None]), refused, newest, done)


def _masked_solve(matrix: Numbers, right: Numbers, chosen: Numbers) -> tuple[Numbers, Numbers]:
    """The solution among the chosen entries, the others zero, and whether they are told apart."""
    xp, size = namespace(right), right.shape[1]
    eye = np.eye(size, dtype=right.dtype)[None]
    system = xp.where(chosen[:, :, None] & chosen[:, None, :], matrix, eye)
    table = xp.concatenate([system, xp.where(chosen, right, 0.0)[:, :, None]], axis=2)
    found, sound = _eliminated(table, xp.full_like(right, DEPENDENT))
    return found[:, :, 0], sound
