"""Numbers and names for people."""

import math
from collections.abc import Hashable, Mapping
from typing import Any


def number(value: float | None, digits: int = 6) -> str:
    """A number to so many digits; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{float(f'{value:.{digits}g}'):g}"


def human(size: float) -> str:
    """A size or a budget as people write it: `32M`, `3B`."""
    for scale, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= scale:
            short = f"{size / scale:.4g}"
            return f"{short}{letter}" if size >= 1e6 or float(short) * scale == size >= 1e4 else f"{size:.6g}"
    return f"{size:.4g}"


def ends_of(estimate: Any, *more: str) -> dict[str, Any]:
    """A value of the document with its interval, `None` where there is none, and what else is asked for."""
    found = {key: getattr(estimate, key) for key in ("value", "low", "high", *more)}
    return {key: one.item() if one is not None and one.ndim == 0 else one for key, one in found.items()}


def interval(entry: Mapping[str, Any]) -> str:
    """The interval of a parameter of a document; one without an upper end says so."""
    if entry["low"] is None:
        return "–"
    return f"{number(entry['low'], 5)} … {'no upper end' if entry.get('unbounded') else number(entry['high'], 5)}"


def counted(count: int, what: str) -> str:
    """A count of what is named in the singular."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def study_name(key: Hashable) -> str:
    """The key of a study."""
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def duration(seconds: float) -> str:
    """Seconds, in the unit that suits them."""
    if not seconds < 1e12:
        return "an unknown time"
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
