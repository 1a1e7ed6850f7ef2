"""Names of domains and targets as tables and pictures have room for them."""

import re
from collections.abc import Iterable


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Names without what all of them begin and end with, up to a sign between words."""
    names = list(names)
    if len(names) < 3:
        return {name: name for name in names}
    begins = _common(names)
    ends = _common([name[::-1] for name in names])[::-1]
    begins = begins[: max((m.end() for m in re.finditer(r"[_/.: -]", begins)), default=0)]
    ends = ends[min((m.start() for m in re.finditer(r"[_/.: -]", ends)), default=len(ends)) :]
    found = {name: name[len(begins) : len(name) - len(ends)] for name in names}
    return found if all(found.values()) else {name: name for name in names}


def _common(names: list[str]) -> str:
    """What all names begin with."""
    first, last = min(names), max(names)
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]
