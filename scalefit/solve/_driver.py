"""Where searches and steps run: under NumPy on the host, or in compiled loops."""

import contextlib
from collections.abc import Hashable, Iterator
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple, get_args

import jax

from .._core import InputError

Driver = Literal["auto", "host", "compiled"]
"""`"auto"` is the host until it has done as much of a kind of job as compiling the loop for it would have cost."""


class _Choice(NamedTuple):
    driver: Driver
    done: dict[Hashable, float]


_ALWAYS = _Choice("auto", {})
_CHOICE = ContextVar("choice", default=_ALWAYS)


@contextlib.contextmanager
def driver(name: Driver | None = None) -> Iterator[None]:
    """Say where fits inside a `with` block are computed.

    Both drivers take the same steps, and their objectives agree to 1e-9. The host's compiles the law's derivatives
    alone and answers at once; a compiled loop takes seconds to compile and is many times as fast from then on.

    **Arguments:**

    - `name`: `"host"`, `"compiled"`, or `"auto"`: the host until it has done as much of a kind of job as compiling
      would cost. Where left out, the choice around the block stands. What was done before the block does not count in
      it, so that it gives the same digits wherever it stands.

    **Raises:** `InputError` for another name.
    """
    if name is not None and name not in get_args(Driver):
        raise InputError("name", name, "'auto', 'host' or 'compiled'")
    token = _CHOICE.set(_Choice(name or _CHOICE.get().driver, {}))
    try:
        yield
    finally:
        _CHOICE.reset(token)


class Job(NamedTuple):
    """A kind of job, as a compiled loop would know it, and whether the host does it."""

    kind: Hashable
    here: bool

    @classmethod
    def of(cls, given: Driver, arrays: Any, kind: Hashable, work: float, enough: float) -> "Job":
        """The job, done by the host where that is asked for, or pays.

        **Arguments:**

        - `given`: The caller's choice; `"auto"` is the block's.
        - `arrays`, `kind`: A loop is compiled for their shapes, and for this.
        - `work`: To be done now; `enough`: the work from which compiling pays.
        """
        leaves, tree = jax.tree.flatten(arrays)
        kind = kind, tree, tuple(leaf.shape for leaf in leaves)
        choice = _CHOICE.get()
        chosen = given if given != "auto" else choice.driver
        little = plain() and choice.done.get(kind, 0.0) + work < enough
        return cls(kind, chosen == "host" or (chosen == "auto" and little))

    def did(self, work: float) -> None:
        """Count what the host has done."""
        done = _CHOICE.get().done
        done[self.kind] = done.get(self.kind, 0.0) + work


def plain() -> bool:
    """Whether there is but one device, and that a CPU."""
    return jax.local_device_count() == 1 and jax.default_backend() == "cpu"
