"""The two ways in which a verb fails, and the warning of studies that are left out."""

import reprlib
from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import Any


class Phrase(str):
    """A finding about an argument that brings its own verb: "has 3 values", "was given twice"."""


_WHOLE = Phrase()


class InputError(ValueError):
    """An argument that cannot be used, as data: which it is, what it was, what was expected, what to do.

    It reads as one or two sentences, "{argument} is {given}; expected {expected}. {Remedy}.", without the parts that
    are empty. Code in backticks names arguments, as `` `max_steps` `` or `` `method="nuts"` ``: the command line prints
    the option of each.

    **Arguments:**

    - `argument`: The name of the argument, or the place in a table, as "N in row 3 of 'runs.csv'". One whole sentence,
        if nothing else is given; `argument` is then `None`.
    - `given`: The value, which is shortened where it is long, or a `Phrase`.
    - `expected`: Clause after "expected": "a number above 0".
    - `remedy`: Next step, as an imperative: "raise `max_steps`".

    Where it is the fault of some studies of a batch, `studies` has what is said of each, by its key.
    """

    studies: Mapping[Hashable, str] = MappingProxyType({})

    argument: str | None
    given: Any
    expected: str
    remedy: str

    def __init__(self, argument: str, given: Any = _WHOLE, expected: str = "", remedy: str = ""):
        whole = given is _WHOLE
        super().__init__(argument, given, expected, remedy)
        self.argument = None if whole else argument
        self.given = Phrase(argument) if whole else given
        self.expected, self.remedy = expected, remedy

    def __str__(self) -> str:
        if self.argument is None:
            return self.given
        found = str(self.given) if isinstance(self.given, Phrase) else f"is {shown(self.given)}"
        expected = f"; expected {self.expected}" if self.expected else ""
        sentence = f"{self.argument} {found}{expected}".rstrip(".") + "."
        return f"{sentence} {self.remedy[0].upper()}{self.remedy[1:].rstrip('.')}." if self.remedy else sentence

    def __reduce__(self) -> Any:
        """Rebuild in another process, where the value itself may not arrive."""
        if self.argument is None:
            return type(self), (str(self),)
        given = self.given if isinstance(self.given, Phrase) else Phrase(f"is {shown(self.given)}")
        return type(self), (self.argument, given, self.expected, self.remedy)


class NotConverged(RuntimeError):
    """A solve without an optimum; the message says why and what to do."""


def shown(value: Any) -> str:
    """A value for a message: like `repr`, in one line, without what is long."""
    return " ".join(_SHORT.repr(value).split())


class _Short(reprlib.Repr):
    """Short forms by the name of a type, so that none needs importing."""

    def repr1(self, x: Any, level: int) -> str:
        if hasattr(x, "tolist") and hasattr(x, "shape"):  # an array, or a number of NumPy or JAX
            if len(x.shape) > 1 or x.size > self.maxlist:
                return f"an array of shape {tuple(x.shape)}"
            return self.repr1(x.tolist(), level)
        if isinstance(x, type):
            return x.__name__
        return super().repr1(x, level)

    def repr_float(self, x: float, level: int) -> str:
        return f"{x:.9g}"

    def repr_PosixPath(self, x: Any, level: int) -> str:
        return self.repr_str(str(x), level)

    repr_WindowsPath = repr_PosixPath

    def repr_function(self, x: Any, level: int) -> str:
        return f"the function {x.__name__}"


_SHORT = _Short()
_SHORT.maxstring = _SHORT.maxother = 120
