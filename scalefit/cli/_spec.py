"""What the command line says in a word, as numbers and names; numbers for people."""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from .._core import InputError
from ..data import parse_number

_PIECE = re.compile(r"""(?:"[^"]*"|'[^']*'|[^,"'])+""")


def columns_of(given: Iterable[str]) -> dict[str, str | None]:
    """Our names to headers from `N="Model Size",C="Training FLOP"`; nothing after the sign leaves a column out.

    **Raises:** `InputError` where a piece has no `=` or a name is given twice.
    """
    found: dict[str, str | None] = {}
    for piece in (p for text in given for p in _PIECE.findall(text) or [text]):
        name, sign, header = piece.partition("=")
        name, header = name.strip(), _unquoted(header.strip())
        if not sign or not name:
            raise InputError(f'--columns {piece.strip()!r}: expected NAME=HEADER, as in N="Model Size",C=flops.')
        if name in found:
            raise InputError(f"--columns gives {name!r} twice ({found[name]!r} and {header!r}); give it once.")
        found[name] = header or None
    return found


def numbers_of(given: Sequence[str], option: str, example: str) -> dict[str, np.ndarray]:
    """Numbers by name from `N=70B`, `D=1.4T,2.8T`: arrays of one or more.

    **Raises:** `InputError` where a piece has no `=`, holds no finite number, or a name is given twice.
    """
    found: dict[str, np.ndarray] = {}
    for piece in given:
        name, sign, text = (part.strip() for part in piece.partition("="))
        numbers = [parse_number(t) for t in text.split(",")]
        if not sign or not name or any(n is None or not np.isfinite(n) for n in numbers):
            raise InputError(f"{option} {piece!r}: expected NAME=NUMBER, as in {example}.")
        if name in found:
            raise InputError(f"{option} gives {name!r} twice; give it once.")
        found[name] = np.array(numbers, dtype=np.float64)
    return found


def single(given: Mapping[str, np.ndarray], option: str) -> dict[str, float]:
    """The same with one number a name.

    **Raises:** `InputError` where a name has several.
    """
    for name, numbers in given.items():
        if numbers.size != 1:
            raise InputError(f"{option} gives {numbers.size} numbers for {name!r}; expected one.")
    return {name: float(numbers[0]) for name, numbers in given.items()}


def number(value: float | None, digits: int = 6) -> str:
    """A number for people, to so many digits; a dash where there is none."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{float(f'{value:.{digits}g}'):g}"


def counted(count: int, what: str) -> str:
    """So many of what is named in the singular."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def study_name(key: Hashable) -> str:
    """The key of a study for people."""
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
