"""Programs kept as they were traced: the same numbers without a trace, and never an error."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scalefit.solve import Solutions, keep_traced, kept
from scalefit.solve._kept import _Kept

TRACED = []


class Line:
    """A curve as far as these programs go."""

    lasting = "line"


class Users:
    """One whose formula may change."""

    lasting = None


@functools.partial(jax.jit, static_argnames=("curve", "width"))
def program(curve, x, *, count, width):
    TRACED.append(width)
    return Solutions(x[:, None] * width, jnp.sum(x) * jnp.ones_like(x), count, count)


@pytest.fixture
def folder(tmp_path):
    TRACED.clear()
    keep_traced(tmp_path / "traced")
    yield tmp_path / "traced"
    forget()
    keep_traced(None)


def forget():
    """As a new process would."""
    _Kept.ready.clear()
    jax.clear_caches()


LINE = Line()


def called(curve: Line | Users = LINE, *, width: int = 3, size: int = 4):
    out = kept(functools.partial(program, curve, width=width), jnp.arange(1.0, 1.0 + size), count=jnp.int32([7]))
    assert isinstance(out, Solutions)
    np.testing.assert_array_equal(out.theta[:, 0], width * np.arange(1.0, 1.0 + size))
    return out


def test_another_process_traces_nothing(folder):
    called()
    assert len(list(folder.iterdir())) == 1
    forget()
    TRACED.clear()
    called()
    assert TRACED == []


def test_another_width_or_shape_is_another_program(folder):
    called()
    called(width=5)
    called(size=6)
    assert len(list(folder.iterdir())) == 3


def test_a_users_own_formula_is_not_kept(folder):
    called(Users())
    assert not folder.exists()


def test_a_file_that_is_none_is_written_anew(folder):
    called()
    (file,) = folder.iterdir()
    file.write_bytes(b"no program")
    forget()
    called()
    assert file.stat().st_size > 100


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, folder):
    (tmp_path / "file").write_text("")
    keep_traced(tmp_path / "file" / "below")
    called()
