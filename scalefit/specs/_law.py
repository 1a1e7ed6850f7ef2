"""A law by its name or of the user's own file, and values held in it."""

import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from .. import laws as families
from .._core import InputError
from ..data import hint
from ..laws import AbstractLaw, axes
from ..params import parameters, slots, values, with_values
from ._bare import bare

Law = TypeVar("Law", bound=AbstractLaw)

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def known_laws() -> dict[str, type[AbstractLaw]]:
    """Every exported law by its name on the command line: `DataConstrained` is `data-constrained`."""
    found = {name: cls for name, cls in vars(families).items() if _is_law(cls)}
    return {_WORDS.sub("-", name).lower(): cls for name, cls in sorted(found.items())}


def law_class(spec: str, option: str = "--law") -> type[AbstractLaw]:
    """The class of a law's name, in any case and with or without dashes, or of `file.py:Class`.

    **Raises:** `InputError` naming the nearest law, or what is wrong with the file.
    """
    path, _, name = spec.rpartition(":")
    if re.search(r"\.py:[^:]+$", path, re.IGNORECASE):
        raise InputError(
            f"{option} {spec!r}: a law of your own file takes no number after its class; leave out ':{name}', "
            f"as in {path}."
        )
    if path.lower().endswith(".py") or spec.lower().endswith(".py"):
        return _own(Path(path or spec), name if path else None, option)
    known = known_laws()
    found = {bare(k): k for k in known}.get(bare(spec.partition(":")[0]))
    if found is None:
        raise InputError(
            f"There is no law {spec!r}; {hint(spec, known, what='laws')}. `scalefit laws` lists them; "
            f"your own is file.py:Class."
        )
    return known[found]


def law_of(spec: str, fixed: Mapping[str, float], option: str = "--law") -> AbstractLaw:
    """The law to fit, its fixed parameters set and the others not.

    **Arguments:**

    - `spec`: As `law_class` takes it; `bnsl:2` is a broken power law with two breaks.
    - `fixed`: Values to hold, by parameter.

    **Raises:** `InputError` for an unknown law, an unknown parameter, or a value that the parameter cannot have.
    """
    cls = law_class(spec, option)
    head, _, tail = spec.rpartition(":")
    if head and not head.lower().endswith(".py"):
        law = _of_size(cls, spec, tail, option)
    else:
        try:
            law = cls()  # pyright: ignore[reportCallIssue]
        except Exception as error:
            raise InputError(
                f"{cls.__name__} cannot be made without arguments ({_said(error)}): declare its parameters with "
                f"scalefit.params, and give its other fields defaults."
            ) from error
    # What a law of pools holds is known by pool: once the runs have named them.
    unnamed = any(not getattr(law, axis) for axis in axes(law))
    if not fixed or unnamed:
        return law
    return with_fixed(law, fixed, "--fixed" if option == "--law" else f"{option} fixed")


def published(spec: str) -> AbstractLaw:
    """The law of `chinchilla:epoch`, its name and that of a published set of parameters.

    **Raises:** `InputError` for an unknown law, or a set that it does not have.
    """
    name, _, key = (part.strip() for part in spec.partition(":"))
    cls = law_class(name)
    found = {bare(k): k for k in cls.published_sets}.get(bare(key))
    if found is None:
        sets = cls.published_sets
        known = f"{hint(key, sets, what='sets')}: write {name}:{next(iter(sets))}" if sets else "it has none"
        raise InputError(f"{spec!r} names no published parameters of {cls.__name__}; {known}.")
    return cls.published(found)


def _of_size(cls: type[AbstractLaw], spec: str, tail: str, option: str) -> AbstractLaw:
    make = getattr(cls, "of", None)
    if make is None:
        raise InputError(f"{option} {spec!r}: {cls.__name__} takes no number after its name; leave out ':{tail}'.")
    if not tail.isdecimal() or not 1 <= int(tail) <= 20:
        raise InputError(
            f"{option} {spec!r}: {tail!r} must be a whole number from 1 to 20, as in {spec.rpartition(':')[0]}:2."
        )
    return make(int(tail))


def with_fixed(law: Law, fixed: Mapping[str, float], option: str = "--fixed") -> Law:
    """The law with parameters set to the values that are to be held.

    **Raises:** `InputError` for an unknown parameter, or a value that it cannot have.
    """
    numbers = values(law)
    names = list(dict.fromkeys([*(slot.name for slot in slots(law)), *parameters(law)]))
    for name, value in fixed.items():
        places = [k for k, slot in enumerate(slots(law)) if name in (slot.name, slot.field)]
        if not places:
            raise InputError(f"{option} {name}={value:g}: {type(law).__name__} has no such parameter; "
                             f"{hint(name, names, what='parameters')}.")  # fmt: skip
        allowed = slots(law)[places[0]].parameter.constraint
        if not allowed.low <= value <= allowed.high:
            raise InputError(f"{option} {name}={value:g}: {name} must be {allowed}.")
        numbers[places] = value
    return with_values(law, numbers)


def _own(path: Path, name: str | None, option: str) -> type[AbstractLaw]:
    """A law of the user's own file, which is run as Python runs any module."""
    if not path.is_file():
        raise InputError(f"{option}: there is no file {str(path)!r}; expected FILE.py:Class.")
    module = importlib.util.module_from_spec(
        made := importlib.util.spec_from_file_location(f"scalefit_user_{path.stem}", path)  # pyright: ignore
    )
    sys.modules[module.__name__] = module  # dataclasses look their module up there
    try:
        made.loader.exec_module(module)  # pyright: ignore
    except SystemExit as error:
        raise InputError(
            f"{str(path)!r} cannot be imported: it ends the program (sys.exit); expected a file that defines a law. "
            f"Put what it does as a script under `if __name__ == '__main__':`."
        ) from error
    except Exception as error:
        raise InputError(f"{str(path)!r} cannot be imported: {_said(error)}.") from error
    own = {k: v for k, v in vars(module).items() if _is_law(v) and v.__module__ == module.__name__}
    if name is None or name not in vars(module):
        raise InputError(f"{option}: {str(path)!r} has no class {name or ''!r}; "
                         f"{hint(name or '', own, what='laws in it')}. Expected FILE.py:Class.")  # fmt: skip
    cls = vars(module)[name]
    if not _is_law(cls):
        raise InputError(f"{name} of {str(path)!r} is no law: it must be a subclass of scalefit.laws.AbstractLaw "
                         f"with a formula, __call__.")  # fmt: skip
    if not isinstance(getattr(cls, "inputs", None), Mapping):
        raise InputError(f"{name} of {str(path)!r} does not say what it predicts from; expected its inputs and their "
                         f"units. Declare them as inputs: ClassVar = {{'N': 'parameters'}}.")  # fmt: skip
    return cls


def _said(error: Exception) -> str:
    """Kind and first line of somebody else's error."""
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]]).rstrip(".")


def _is_law(found: object) -> bool:
    if not (isinstance(found, type) and issubclass(found, AbstractLaw)):
        return False
    return found is not AbstractLaw and not getattr(found, "__abstractmethods__", None)
