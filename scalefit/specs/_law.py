"""A law by its name or of the user's own file, and values held in it."""

import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np

from .. import laws as families
from .._core import InputError, Phrase, check_names, check_type, listed, suggestion
from ..laws import AbstractLaw, axes, check_inputs
from ..params import parameter_values, parameters, slots, values, with_values
from ._bare import bare

Law = TypeVar("Law", bound=AbstractLaw)

_WORDS = re.compile(r"(?<=[a-z0-9])(?<!Mo)(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # MoE is one word


def known_laws() -> dict[str, type[AbstractLaw]]:
    """Every exported law by its name on the command line: `DataConstrained` is `data-constrained`.

    Laws that are made of others, as `Sum`, are made in a file of the user's own.
    """
    exported = {name: getattr(families, name) for name in dir(families)}
    found = {name: cls for name, cls in exported.items() if _is_law(cls) and isinstance(cls.inputs, Mapping)}
    return {_WORDS.sub("-", name).lower(): cls for name, cls in sorted(found.items())}


def family_of(law: AbstractLaw | type[AbstractLaw]) -> tuple[str, str]:
    """The family of a law, which is the room that it stands in, and a line that says what is in there."""
    cls = law if isinstance(law, type) else type(law)
    room, _, _ = cls.__module__.rpartition(".")
    if not room.startswith(f"{families.__name__}."):
        return "", ""
    return room.rpartition(".")[2], (sys.modules[room].__doc__ or "").strip()


def law_named(spec: str, argument: str = "law") -> type[AbstractLaw] | AbstractLaw:
    """Return the class of a law's name, in any case and with or without dashes; or what `file.py:name` is.

    That is a class, or a law that the user has made, as of other laws.

    **Arguments:**

    - `spec`: The word.
    - `argument`: Argument that it was given to.

    **Raises:** `InputError` naming the nearest law, or what is wrong with the file.
    """
    path, _, name = spec.rpartition(":")
    if re.search(r"\.py:[^:]+$", path, re.IGNORECASE):
        raise InputError(
            argument, spec, f"no number after the class of your own file, as {path}", f"leave out ':{name}'"
        )
    if path.lower().endswith(".py") or spec.lower().endswith(".py"):
        return _own(Path(path or spec), name if path else None, argument)
    known = known_laws()
    found = {bare(k): k for k in known}.get(bare(spec.partition(":")[0]))
    if found is None:
        expected = "a law that `scalefit laws` lists, or FILE.py:Class with your own"
        raise InputError(argument, spec, expected, suggestion(spec, known))
    return known[found]


def law_class(spec: str, argument: str = "law") -> type[AbstractLaw]:
    """Return the class of a law by its name, as `law_named` takes it."""
    found = law_named(spec, argument)
    return found if isinstance(found, type) else type(found)


def law_of(spec: str, fixed: Mapping[str, float], argument: str = "law") -> AbstractLaw:
    """Return the law to fit, its fixed parameters set and the others not.

    **Arguments:**

    - `spec`: As `law_named` takes it; `bnsl:2` is a broken power law with two breaks.
    - `fixed`: Values to hold, by parameter.
    - `argument`: Argument that the word was given to.

    **Raises:** `InputError` for an unknown law, an unknown parameter, or a value that the parameter cannot have.
    """
    cls = law_named(spec, argument)
    head, _, tail = spec.rpartition(":")
    if not isinstance(cls, type):
        law = cls
    elif head and not head.lower().endswith(".py"):
        law = _of_size(cls, spec, tail, argument)
    else:
        try:
            law = cls()  # pyright: ignore[reportCallIssue]  seen to be a class
        except Exception as error:
            raise InputError(
                argument, Phrase(f"is {spec!r}, and {cls.__name__} cannot be made without arguments ({_said(error)})"),
                remedy="declare its parameters with scalefit.params, and give its other fields defaults",
            ) from error  # fmt: skip
    # What a law of pools holds is known by pool: once the runs have named them.
    unnamed = any(not law.entries(axis) for axis in axes(law))
    if unnamed:
        declared = parameters(law)
        fixed = {name: value for name, value in fixed.items() if name in declared and not declared[name].axes}
    if not fixed:
        return law
    return with_fixed(law, fixed, "fixed" if argument == "law" else f"{argument}: fixed")


def published(spec: str, argument: str = "law") -> AbstractLaw:
    """Return the law of `chinchilla:epoch`, its name and that of a published set of parameters.

    **Raises:** `InputError` for an unknown law, or a set that it does not have.
    """
    name, _, key = (part.strip() for part in spec.partition(":"))
    cls = law_class(name, argument)
    found = {bare(k): k for k in cls.published_sets}.get(bare(key))
    if found is None:
        sets = cls.published_sets
        if not sets:
            raise InputError(argument, spec, f"another law, as there are no published parameters of {cls.__name__}")
        expected = f"published parameters of {cls.__name__}, as {name}:{next(iter(sets))}"
        raise InputError(argument, spec, expected, suggestion(key, sets) or f"there are {listed(sets)}")
    return cls.published(found)


def said_of_published(law: AbstractLaw) -> list[str]:
    """A note on the published set that a law is, where it is one: what it was fitted to may be another thing."""
    own = parameter_values(law)
    for name, known in type(law).published_sets.items():
        if all(np.array_equal(own[n], value) for n, value in known.values.items()):
            doubt = ", unverified" if known.status in ("2nd", "mem") else ""
            of = f"published {name!r} [{known.status}{doubt}], of {known.about or known.source}"
            return [f"parameters are the {of}: see that what you ask is alike"]
    return []


def _of_size(cls: type[AbstractLaw], spec: str, tail: str, argument: str) -> AbstractLaw:
    make = getattr(cls, "of", None)
    if make is None:
        raise InputError(argument, spec, f"no number after {cls.__name__}", f"leave out ':{tail}'")
    if not tail.isdecimal() or not 1 <= int(tail) <= 20:
        raise InputError(argument, spec, f"a whole number from 1 to 20 after it, as {spec.rpartition(':')[0]}:2")
    return make(int(tail))


def with_fixed(law: Law, fixed: Mapping[str, float], argument: str = "fixed") -> Law:
    """Return the law with parameters set to the values that are to be held.

    **Raises:** `InputError` for an unknown parameter, or a value that it cannot have.
    """
    check_type(argument, fixed, Mapping, "values by parameter, as {'E': 1.7}")
    numbers = values(law)
    names = list(dict.fromkeys([*(slot.name for slot in slots(law)), *parameters(law)]))
    check_names(argument, fixed, names, what=f"parameters of {type(law).__name__},")
    for name, value in fixed.items():
        places = [k for k, slot in enumerate(slots(law)) if name in (slot.name, slot.field)]
        allowed = slots(law)[places[0]].parameter.constraint
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise InputError(argument, Phrase(f"holds {name} at {value!r}"), f"a number {allowed}")
        if not allowed.low <= value <= allowed.high:
            raise InputError(argument, Phrase(f"holds {name} at {value:g}"), f"a number {allowed}")
        numbers[places] = value
    return with_values(law, numbers)


def laws_of_file(path: str, argument: str = "law") -> dict[str, type[AbstractLaw]]:
    """Every law that a file of the user's own defines, by the words that name it.

    **Raises:** `InputError` for a file that cannot be imported or defines no law.
    """
    module = _module(Path(path), argument)
    own = {f"{path}:{k}": v for k, v in vars(module).items() if _is_law(v) and v.__module__ == module.__name__}
    if not own:
        raise InputError(argument, Phrase(f"names {path!r}, which defines no law"), "a subclass of AbstractLaw in it")
    for cls in own.values():
        if not isinstance(getattr(cls, "inputs", None), property):
            check_inputs(cls, argument)
    return own


def _module(path: Path, argument: str) -> ModuleType:
    """A file of the user's own, run as Python runs any module."""
    if not path.is_file():
        raise InputError(argument, Phrase(f"names {str(path)!r}, and there is no such file"), "FILE.py:Class")
    module = importlib.util.module_from_spec(
        made := importlib.util.spec_from_file_location(f"scalefit_user_{path.stem}", path)  # pyright: ignore[reportArgumentType]  a file of Python has one
    )
    sys.modules[module.__name__] = module  # dataclasses look their module up there
    unread = f"names {str(path)!r}, which cannot be imported"
    try:
        made.loader.exec_module(module)  # pyright: ignore[reportOptionalMemberAccess]  and a loader
    except SystemExit as error:
        raise InputError(
            argument, Phrase(f"{unread}: it ends the program (sys.exit)"), "a file that defines a law",
            "put what it does as a script under `if __name__ == '__main__':`",
        ) from error  # fmt: skip
    except Exception as error:
        raise InputError(argument, Phrase(f"{unread}: {_said(error)}")) from error
    return module


def _own(path: Path, name: str | None, argument: str) -> type[AbstractLaw] | AbstractLaw:
    """A law of the user's own file, its class or one that was made."""
    module = _module(path, argument)
    own = {k: v for k, v in vars(module).items() if _is_law(v) and v.__module__ == module.__name__}
    if name is None or name not in vars(module):
        there = suggestion(name or "", own) or (f"its laws are {listed(own)}" if own else "")
        raise InputError(argument, Phrase(f"names no class of {str(path)!r} by {name or ''!r}"), "FILE.py:Class", there)
    cls = vars(module)[name]
    if isinstance(cls, AbstractLaw):
        return cls
    if not _is_law(cls):
        expected = "a law, or a subclass of scalefit.laws.AbstractLaw with a formula, __call__"
        raise InputError(argument, Phrase(f"names {name} of {str(path)!r}, which is no law"), expected)
    if not isinstance(getattr(cls, "inputs", None), property):  # of a law that holds others, said once it is made
        check_inputs(cls, argument)
    return cls


def _said(error: Exception) -> str:
    """Kind and first line of somebody else's error."""
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]]).rstrip(".")


def _is_law(found: object) -> bool:
    if not (isinstance(found, type) and issubclass(found, AbstractLaw)):
        return False
    return found is not AbstractLaw and not getattr(found, "__abstractmethods__", None)
