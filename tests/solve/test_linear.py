"""Small dense systems against NumPy and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import lsq_linear, nnls

from scalefit.solve._linear import COMPILED, UNROLL, nonnegative_least_squares, solve_positive

BATCH = 5
SIZES = [*range(1, 15), 17, COMPILED + 1]


@pytest.mark.parametrize("size", SIZES)
def test_positive_systems_are_solved_as_numpy_does(size, rng):
    root = rng.standard_normal((BATCH, size, size))
    matrix = root @ root.swapaxes(1, 2) + 0.1 * np.eye(size)
    right = rng.standard_normal((BATCH, size))
    x, fine = solve_positive(jnp.asarray(matrix), jnp.asarray(right))
    assert np.asarray(fine).all()
    wanted = np.linalg.solve(matrix, right[..., None])[..., 0]
    np.testing.assert_allclose(x, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(solve_positive(matrix, right)[0], wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_a_system_that_is_not_positive_is_said_to_be_so(size, rng):
    """Of each batch the first is sound: one bad system spoils no other."""
    frame, _ = np.linalg.qr(rng.standard_normal((BATCH, size, size)))
    spectrum = np.linspace(1.0, 2.0, size)
    spectra = np.stack([spectrum] + [np.where(np.arange(size) == size // 2, -0.5, spectrum)] * (BATCH - 1))
    matrix = np.einsum("bij,bj,bkj->bik", frame, spectra, frame)
    matrix = 0.5 * (matrix + matrix.swapaxes(1, 2))
    x, fine = solve_positive(jnp.asarray(matrix), jnp.ones((BATCH, size)))
    assert np.asarray(fine).tolist() == [True] + [False] * (BATCH - 1)
    assert solve_positive(matrix, np.ones((BATCH, size)))[1].tolist() == np.asarray(fine).tolist()
    assert np.isfinite(np.asarray(x)).all()


@pytest.mark.parametrize("size", [2, UNROLL + 1])
def test_a_singular_system_is_not_fine(size):
    _, fine = solve_positive(jnp.ones((1, size, size)), jnp.ones((1, size)))
    assert not bool(fine[0])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 11])
def test_nonnegative_least_squares_is_that_of_scipy(size, rng):
    count = 30
    design = rng.standard_normal((count, 15, size)) * np.logspace(0, 3, size)
    target = rng.standard_normal((count, 15)) + 0.3 * (design / np.logspace(0, 3, size)).sum(-1)
    gram = np.einsum("cri,crj->cij", design, design)
    moment = np.einsum("cri,cr->ci", design, target)
    entries = {(i, j): jnp.asarray(gram[:, i, j]) for i in range(size) for j in range(i, size)}
    x, value = jax.jit(nonnegative_least_squares)(entries, [jnp.asarray(moment[:, i]) for i in range(size)])
    expected = np.stack([nnls(a, b)[0] for a, b in zip(design, target, strict=True)])
    assert (expected == 0).any()  # some bound is felt, or the test says nothing
    np.testing.assert_allclose(np.stack(x, axis=-1), expected, atol=1e-10)
    reached = 0.5 * np.sum((np.einsum("cri,ci->cr", design, expected) - target) ** 2 - target**2, axis=1)
    np.testing.assert_allclose(value, reached, atol=1e-10)


@pytest.mark.parametrize("size", [2, 4, 7])
def test_entries_of_either_sign_are_free(size, rng):
    signed = (0, size - 1)
    design = rng.standard_normal((20, 15, size))
    target = rng.standard_normal((20, 15)) - design[..., 0]
    gram, moment = np.einsum("cri,crj->cij", design, design), np.einsum("cri,cr->ci", design, target)
    entries = {(i, j): gram[:, i, j] for i in range(size) for j in range(i, size)}
    x, _ = nonnegative_least_squares(entries, list(moment.T), signed)
    low = np.where(np.isin(np.arange(size), signed), -np.inf, 0.0)
    expected = [lsq_linear(a, b, (low, np.inf), method="bvls").x for a, b in zip(design, target, strict=True)]
    assert (np.array(expected) < 0).any()
    np.testing.assert_allclose(np.stack(x, axis=-1), expected, atol=1e-9)


@pytest.mark.parametrize("spare", [0, 5])
def test_nonnegative_least_squares_leaves_out_one_of_two_equal_columns(spare):
    """Two equal columns, and others that say nothing of the target or of anything."""
    size = 2 + spare
    one = jnp.ones(1)
    gram = {
        (i, j): one if i == j < size - 1 or (i, j) == (0, 1) else 0 * one for i in range(size) for j in range(i, size)
    }
    gram[0, 0] = gram[1, 1] = one
    x, value = jax.jit(nonnegative_least_squares)(gram, [one, one, *[0 * one] * spare])
    assert float(x[0][0] + x[1][0]) == pytest.approx(1.0)
    assert [float(v[0]) for v in x[2:]] == [0.0] * spare
    assert float(value[0]) == pytest.approx(-0.5)


def test_nonnegative_least_squares_of_terms_that_are_almost_alike_reaches_the_minimum(rng):
    """Ten powers of one input: of systems like these the minimum is told, if not the entries."""
    x = np.linspace(-1.0, 1.0, 40)
    design = np.exp(-np.linspace(0.1, 2.0, 10) * x[:, None])
    targets = design @ rng.uniform(0, 1, (10, 20)) + 0.1 * rng.standard_normal((40, 20))
    gram, moment = design.T @ design, design.T @ targets
    entries = {(i, j): jnp.full(20, gram[i, j]) for i in range(10) for j in range(i, 10)}
    found, value = jax.jit(nonnegative_least_squares)(entries, [jnp.asarray(m) for m in moment])
    best = [0.5 * (nnls(design, t)[1] ** 2 - t @ t) for t in targets.T]
    assert (np.asarray(found) >= 0).all()
    np.testing.assert_allclose(value, best, rtol=1e-9)
