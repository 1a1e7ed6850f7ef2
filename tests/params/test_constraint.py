"""Constraints: a set, a smooth map onto its interior, and the map's inverse and slope."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scalefit.params import Interval, Negative, Nonnegative, Ordered, Positive, Real, Simplex, ZeroSum

CONSTRAINTS = {
    "real": Real(),
    "nonnegative": Nonnegative(),
    "positive": Positive(),
    "negative": Negative(),
    "interval": Interval(-1.0, 3.0),
}
every_constraint = pytest.mark.parametrize("constraint", CONSTRAINTS.values(), ids=CONSTRAINTS.keys())


@pytest.fixture
def free(constraint):
    """Free numbers; those of `nonnegative` are kept above zero by the solver and not by the map."""
    line = np.linspace(-12.0, 12.0, 25)
    return np.abs(line) if constraint.kind == "nonnegative" else line


@every_constraint
def test_the_map_lands_in_the_set(constraint, free):
    assert constraint.contains(constraint.constrain(free)).all()


@every_constraint
def test_the_inverse_undoes_the_map(constraint, free):
    np.testing.assert_allclose(constraint.unconstrain(constraint.constrain(free)), free, rtol=1e-10, atol=1e-10)


@every_constraint
def test_host_and_jax_agree_and_stay_where_they_are(constraint, free):
    for function in (constraint.constrain, lambda u: constraint.unconstrain(constraint.constrain(u))):
        host, traced = function(free), function(jnp.asarray(free))
        assert isinstance(host, np.ndarray)
        assert isinstance(traced, jax.Array)
        np.testing.assert_allclose(host, traced, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("real", [True, True, True, True]),
        ("nonnegative", [False, True, True, True]),
        ("positive", [False, False, True, True]),
        ("negative", [True, False, False, False]),
        ("interval", [False, True, True, False]),
    ],
)
def test_which_ends_belong_to_the_set(name, inside):
    assert CONSTRAINTS[name].contains(np.array([-1.0, 0.0, 1.0, 3.0])).tolist() == inside


@every_constraint
def test_nan_lies_in_no_set(constraint):
    assert not constraint.contains(np.array([np.nan])).any()


@pytest.mark.parametrize(
    ("name", "words"),
    [("real", "real"), ("nonnegative", ">= 0"), ("positive", "> 0"), ("negative", "< 0"), ("interval", "in (-1, 3)")],
)
def test_constraints_read_as_messages_say_them(name, words):
    assert str(CONSTRAINTS[name]) == words


ALONG_AN_AXIS = {"simplex": Simplex(), "ordered": Ordered(), "zero-sum": ZeroSum()}


@pytest.mark.parametrize("constraint", ALONG_AN_AXIS.values(), ids=ALONG_AN_AXIS.keys())
def test_constraints_along_an_axis_land_in_their_set_and_come_back(constraint):
    free = np.random.default_rng(0).normal(size=(7, constraint.size(4)))
    value = constraint.constrain(free)
    assert value.shape == (7, 4)
    assert constraint.contains(value).all()
    np.testing.assert_allclose(constraint.unconstrain(value), free, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(constraint.constrain(jnp.asarray(free)), value, rtol=1e-12, atol=1e-14)


def test_constraints_along_an_axis_know_what_lies_outside():
    assert not Simplex().contains(np.array([0.5, 0.6]))
    assert not Ordered().contains(np.array([1.0, 1.0]))
    assert not ZeroSum().contains(np.array([1.0, -0.9]))
