"""A formula tried once, so that an error of its author is told as one sentence."""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core import InputError, Phrase
from ._abstract import AbstractLaw
from ._inputs import Label, Padded, Series, along_axes, inputs_of


@contextlib.contextmanager
def trying(law: AbstractLaw) -> Iterator[None]:
    """Tell what a formula raises, which is its author's own, with what a formula should be.

    **Raises:** `InputError` for anything but an interruption.
    """
    try:
        yield
    except BaseException as error:  # it may raise anything
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        said = str(error).strip().split("\n", maxsplit=1)[0]
        raise InputError(
            f"The formula of {type(law).__name__}",
            Phrase(f"cannot be used ({type(error).__name__}: {said})"),
            "one number from one run, written with jax.numpy",
            f"take {', '.join(inputs_of(law)) or 'its inputs'} by name",
        ) from error


def refuse_shape(found: Any, shape: tuple[int, ...]) -> None:
    """Refuse, as Python would, values that are not one floating number for each run."""
    if np.shape(found) != shape or not jnp.issubdtype(found.dtype, jnp.floating):
        raise TypeError(f"it gave {found.dtype}{list(np.shape(found)[len(shape) :])}")


def try_formula(law: type[AbstractLaw] | AbstractLaw) -> None:
    """Run the formula of a law on values that have shapes and no numbers, which computes nothing.

    **Raises:** `InputError` where it fails or does not give one number, and for a class that cannot be made.
    """
    if isinstance(law, type):
        try:
            law = law()
        except TypeError as error:
            given = Phrase(f"is {law.__name__}, of which none can be made ({error})")
            raise InputError("law", given, "a class with `inputs`, and defaults for what is not fitted") from error
    kinds, entries = inputs_of(law), ("1", "2")
    with trying(law), jax.enable_x64(True):
        columns = [
            f"{n}[{e}]" for n, said in kinds.items() if said.axis and not isinstance(said, Label) for e in entries
        ]
        named = along_axes(law, columns, {n: entries for n, said in kinds.items() if isinstance(said, Label)})
        point: dict[str, Any] = {}
        for name, said in kinds.items():
            if isinstance(said, Label):
                point[name] = np.asarray(0)
            elif isinstance(said, Series):
                point[name] = Padded(np.ones(2), np.ones(2, bool))
            else:
                point[name] = np.ones(len(named.entries(said.axis)) if said.axis else ())
        refuse_shape(jax.eval_shape(lambda law, point: jnp.asarray(law(**point)), named, point), ())
