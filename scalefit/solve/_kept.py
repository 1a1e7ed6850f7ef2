"""Programs kept as JAX traced them, so that the next process need not trace them again.

JAX's own cache keeps compiled code, and finds it by a program that must be traced first: half of a first fit.
"""

import contextlib
import functools
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from ._newton import Solutions

PACKAGE = Path(__file__).parents[1]


class _Kept:
    """Where programs are kept, and those that this process has used."""

    folder: Path | None = None
    lock = threading.Lock()
    ready: dict[str, Callable[..., Any]] = {}  # noqa: RUF012 - one for the process, as JAX's own cache is


def keep_traced(folder: Path | None) -> None:
    """From now on keep traced programs in a folder; `None` keeps none. A program is not kept where that fails."""
    _Kept.folder = folder


def kept(program: functools.partial[Any], *arrays: Any, **named: Any) -> Any:
    """What `program(*arrays, **named)` gives, from the folder if it was kept there.

    **Arguments:**

    - `program`: A jitted function with all of its static arguments, a curve first. Only that of a curve that says what
        names it in another process, too, by an attribute `lasting`, is kept.
    """
    name = getattr(program.args[0], "lasting", None)
    if _Kept.folder is None or name is None:
        return program(*arrays, **named)
    leaves, tree = jax.tree.flatten((arrays, named))
    leaves = [jnp.asarray(leaf) for leaf in leaves]
    shapes = [(leaf.shape, str(leaf.dtype), leaf.weak_type) for leaf in leaves]
    what = (program.func.__qualname__, name, sorted(program.keywords.items()), str(tree), shapes)
    key = hashlib.sha256(repr((*what, _surroundings())).encode()).hexdigest()
    with _Kept.lock:
        if key not in _Kept.ready:
            _Kept.ready[key] = _found(_Kept.folder / f"{key}.traced", program, tree, leaves)
    return _Kept.ready[key](*leaves)


def _found(path: Path, program: functools.partial[Any], tree: Any, leaves: list[Any]) -> Callable[..., Any]:
    """The program of flat arguments: as it was kept or, where it was not, traced and kept."""

    def whole(*leaves: Any) -> Any:
        arrays, named = jax.tree.unflatten(tree, leaves)
        return program(*arrays, **named)

    from jax import export

    with contextlib.suppress(Exception):  # whatever a file may hold
        _know_outputs()
        return jax.jit(export.deserialize(bytearray(path.read_bytes())).call)
    with contextlib.suppress(Exception):  # a convenience: not every program can be exported, nor every folder written
        exported = export.export(jax.jit(whole))(*leaves)
        _write(path, exported.serialize())
        return jax.jit(exported.call)
    return whole


@functools.cache
def _know_outputs() -> None:
    from jax import export

    export.register_namedtuple_serialization(Solutions, serialized_name="scalefit.Solutions")


def _write(path: Path, content: bytes | bytearray) -> None:
    """Beside and renamed, so that no half of it is ever read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as beside:
        beside.write(content)
    os.replace(beside.name, path)


@functools.cache
def _surroundings() -> str:
    """What else decides what is traced: this package's own code, JAX and its settings."""
    code = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        code.update(file.read_bytes())
    # JAX makes these attributes as it is imported, where no type checker sees them.
    settings = (jax.config.jax_default_matmul_precision, jax.config.jax_numpy_dtype_promotion)  # pyright: ignore[reportAttributeAccessIssue]
    return repr((code.hexdigest(), jax.__version__, jax.default_backend(), settings))
