"""Annotated arrays are checked in tests, whoever calls."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError
from runtime_checks import annotates_arrays

from scalefit.problem import Problem, Studies
from scalefit.solve import kronecker


def test_an_array_of_another_shape_is_an_error():
    with pytest.raises(TypeCheckError, match="kronecker"):
        kronecker(3, 2, np.zeros((2, 2)))


def test_an_array_by_any_other_name_is_one():
    assert annotates_arrays(kronecker)
    assert annotates_arrays(Problem.parts)  # of tuples
    assert not annotates_arrays(Problem.study)
    assert annotates_arrays(Studies.rows)
