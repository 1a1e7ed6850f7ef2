"""Small dense systems, many at once: unrolled over their size, vectorised over the batch."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

UNROLL = 12
"""Above this size a library factorisation is quicker to compile and no slower to run."""
SUBSETS = 4
"""Up to this size every set of positive entries is tried; they double with each entry, and so does compilation."""
ROUNDS = 10
"""Times the size, the rounds after which an active set is taken as it is; about twice the size is usual."""
DEPENDENT = 1e-12
"""Share of a diagonal entry below which what elimination leaves of it is rounding."""


def solve_positive(
    matrix: Float[Array, "batch size size"], right: Float[Array, "batch size"]
) -> tuple[Float[Array, "batch size"], Bool[Array, " batch"]]:
    """The solution of `matrix @ x = right` by an LDL factorisation, and whether every pivot was positive."""
    size = matrix.shape[-1]
    if size > UNROLL:
        factor = jnp.linalg.cholesky(matrix)
        half = jnp.linalg.solve(factor, right[..., None])
        whole = jnp.linalg.solve(jnp.swapaxes(factor, -1, -2), half)[..., 0]
        fine = jnp.isfinite(whole).all(-1)
        return jnp.where(fine[:, None], whole, 0.0), fine
    tiny = jnp.finfo(matrix.dtype).eps * 50
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


def nonnegative_least_squares(gram: dict[tuple[int, int], Array], moment: list[Array]) -> tuple[list[Array], Array]:
    """The x >= 0 that minimises x'Gx/2 - m'x, and the minimum.

    Small ones by trying every set of positive entries, larger ones by an active set.

    **Arguments:**

    - `gram`: Entries (i, j), i <= j, each an array over the batch.
    - `moment`: The entries of m.
    """
    return _every_subset(gram, moment) if len(moment) <= SUBSETS else _active_set(gram, moment)


def _every_subset(gram: dict[tuple[int, int], Array], moment: list[Array]) -> tuple[list[Array], Array]:
    size = len(moment)
    best_x = [jnp.zeros_like(m) for m in moment]
    best = jnp.zeros_like(moment[0])
    for count in range(1, size + 1):
        for chosen in itertools.combinations(range(size), count):
            x, fine = _eliminate(gram, moment, chosen)
            value = -0.5 * sum(x[k] * moment[i] for k, i in enumerate(chosen))
            good = fine & (value < best)
            for v in x:
                good = good & (v > 0)
            best = jnp.where(good, value, best)
            for i in range(size):
                candidate = x[chosen.index(i)] if i in chosen else jnp.zeros_like(best)
                best_x[i] = jnp.where(good, candidate, best_x[i])
    return best_x, best


def _eliminate(
    gram: dict[tuple[int, int], Array], moment: list[Array], chosen: tuple[int, ...]
) -> tuple[list[Array], Array]:
    size = len(chosen)
    a = {(r, c): gram[chosen[r], chosen[c]] for r in range(size) for c in range(r, size)}
    b = [moment[i] for i in chosen]
    fine = jnp.ones_like(b[0], bool)
    for k in range(size):
        fine = fine & (a[k, k] > DEPENDENT * gram[chosen[k], chosen[k]])
        for r in range(k + 1, size):
            ratio = a[k, r] / a[k, k]
            b[r] = b[r] - ratio * b[k]
            for c in range(r, size):
                a[r, c] = a[r, c] - ratio * a[k, c]
    x: list[Array] = [b[0]] * size
    for k in reversed(range(size)):
        x[k] = (b[k] - sum(a[k, c] * x[c] for c in range(k + 1, size))) / a[k, k]
    return x, fine


def _active_set(gram: dict[tuple[int, int], Array], moment: list[Array]) -> tuple[list[Array], Array]:
    """Lawson and Hanson's method: a program whose size does not depend on the number of entries."""
    size, batch = len(moment), moment[0].shape
    whole = jnp.stack([jnp.stack([gram[min(i, j), max(i, j)] for j in range(size)]) for i in range(size)])
    matrix, right = whole.reshape(size, size, -1), jnp.stack(moment).reshape(size, -1)
    x, value = jax.vmap(_lawson_hanson, in_axes=-1, out_axes=-1)(matrix, right)
    return list(x.reshape(size, *batch)), value.reshape(batch)


def _lawson_hanson(gram: Float[Array, "size size"], moment: Float[Array, " size"]) -> tuple[Array, Array]:
    """Entries become positive one by one, the steepest first; those that the others drive below zero leave again."""
    size = moment.shape[0]
    tiny = jnp.finfo(moment.dtype).tiny
    # Columns of length one: pivots and slopes are then told from rounding by one measure.
    unit = 1.0 / jnp.sqrt(jnp.maximum(jnp.diagonal(gram), tiny))
    matrix, right = gram * unit[:, None] * unit[None, :], moment * unit
    enough = DEPENDENT * jnp.max(jnp.abs(right))
    place = jnp.arange(size, dtype=jnp.int32)

    def once(state: Any) -> Any:
        x, positive, refused, newest, _, rounds = state
        wanted, sound = _masked_solve(matrix, right, positive)
        new = place == newest
        # An entry that has just come in and cannot grow is not told apart from a sum of the others: it stays out.
        useless = jnp.any(new) & (~sound | jnp.any(new & (wanted <= 0.0)))
        below = positive & (wanted <= 0.0)
        inside = ~jnp.any(below)
        share = jnp.where(below, x / jnp.maximum(x - wanted, tiny), jnp.inf)
        leaves = positive & (place == jnp.argmin(share).astype(jnp.int32)) & ~inside
        part_way = jnp.maximum(x + jnp.minimum(jnp.min(share), 1.0) * (wanted - x), 0.0)
        x = jnp.where(useless, x, jnp.where(leaves | ~positive, 0.0, jnp.where(inside, wanted, part_way)))
        positive = positive & ~jnp.where(useless, new, leaves)
        refused = jnp.where(useless, refused | new, refused & ~inside)
        slope = right - matrix @ x
        ready = ~positive & ~refused & (slope > enough) & (inside | useless)
        newest = jnp.where(jnp.any(ready), jnp.argmax(jnp.where(ready, slope, -jnp.inf)), -1).astype(jnp.int32)
        done = (inside | useless) & ~jnp.any(ready)
        return x, positive | (place == newest), refused, newest, done, rounds + 1

    def going(state: Any) -> Any:
        return ~state[4] & (state[5] < ROUNDS * size)

    no = jnp.zeros(size, bool)
    begin = (jnp.zeros_like(right), no, no, jnp.asarray(-1, jnp.int32), jnp.asarray(False), jnp.asarray(0, jnp.int32))
    x = jax.lax.while_loop(going, once, begin)[0]
    return x * unit, jnp.sum(x * (0.5 * (matrix @ x) - right))


def _masked_solve(
    matrix: Float[Array, "size size"], right: Float[Array, " size"], chosen: Bool[Array, " size"]
) -> tuple[Array, Array]:
    """The solution among the chosen entries, the others zero, and whether they are told apart.

    By Gauss and Jordan in a loop: factorisations of LAPACK in several threads could wait for each other.
    """
    size = right.shape[0]
    system = jnp.where(chosen[:, None] & chosen[None, :], matrix, jnp.eye(size, dtype=right.dtype))
    table = jnp.concatenate([system, jnp.where(chosen, right, 0.0)[:, None]], axis=1)
    place = jnp.arange(size, dtype=jnp.int32)

    def clear(k: Any, carry: Any) -> Any:
        table, sound = carry
        row = jax.lax.dynamic_index_in_dim(table, k, 0, keepdims=False)
        pivot = jax.lax.dynamic_index_in_dim(row, k, 0, keepdims=False)
        good = pivot > DEPENDENT
        row = row / jnp.where(good, pivot, 1.0)
        column = jax.lax.dynamic_index_in_dim(table, k, 1)
        return jnp.where((place == k)[:, None], row[None, :], table - column * row[None, :]), sound & good

    first, last = jnp.asarray(0, jnp.int32), jnp.asarray(size, jnp.int32)
    table, sound = jax.lax.fori_loop(first, last, clear, (table, jnp.asarray(True)))
    return table[:, size], sound
