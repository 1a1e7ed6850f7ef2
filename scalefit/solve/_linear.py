"""Small dense systems, many at once: unrolled over their size, vectorised over the batch."""

import itertools

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

UNROLL = 12
"""Above this size a library factorisation is quicker to compile and no slower to run."""


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
    """The x >= 0 that minimises x'Gx/2 - m'x, by trying every set of positive entries, and the minimum.

    **Arguments:**

    - `gram`: Entries (i, j), i <= j, each an array over the batch.
    - `moment`: The entries of m.
    """
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
        fine = fine & (a[k, k] > 1e-12 * gram[chosen[k], chosen[k]])
        for r in range(k + 1, size):
            ratio = a[k, r] / a[k, k]
            b[r] = b[r] - ratio * b[k]
            for c in range(r, size):
                a[r, c] = a[r, c] - ratio * a[k, c]
    x: list[Array] = [b[0]] * size
    for k in reversed(range(size)):
        x[k] = (b[k] - sum(a[k, c] * x[c] for c in range(k + 1, size))) / a[k, k]
    return x, fine
