"""The document of any command as blocks of a report: numbers with their intervals, lists and groups as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..report import Block, facts, findings, lines, table
from ._terminal import interval, number

APART = ("checks", "notes", "verdict")
"""What is said in sentences."""
WITHOUT = (
    "law",
    "fit",
    "parameters",
    "source",
    "runs",
    "draws",
    "freedom",
    "versions",
    "seconds",
    "seal",
    "format",
    "schema",
    "config",
)
"""What the report has said of the fit, or what says nothing to people."""
WORDS = {"D_per_N": "D/N", "kkt": "distance from optimal"}
EXACT = 1e6
"""Whole numbers below are shown with all digits."""
MOST = 200
"""Rows of a table, at most; what is left out is counted."""


def blocks_of(found: Mapping[str, Any], said: Sequence[Mapping[str, Any]] = ()) -> list[Block]:
    """Sentences first, then single numbers, then what has several as tables, then findings.

    **Arguments:**

    - `found`: The document.
    - `said`: Findings that stand elsewhere.
    """
    rest = {name: one for name, one in found.items() if name not in (*APART, *WITHOUT)}
    if _is_ends(rest):
        rest = {"foreseen": {name: rest.pop(name) for name in ("value", "low", "high")}} | rest
    tables = {name: each for name, one in rest.items() if (each := _entries(one))}
    single = {
        label: text for name, one in rest.items() if name not in tables for label, text in _flat(one, _words(name))
    }
    blocks = [*lines(_sentences(found.get("verdict"))), *facts(single)]
    for name, each in tables.items():
        blocks += _table(_words(name).capitalize(), each)
    blocks += lines(_sentences(found.get("notes")))
    known = {one["says"] for one in said}
    return blocks + findings(one for one in _findings(found.get("checks")) if one["says"] not in known)


def _sentences(one: Any) -> list[str]:
    return [_text(part) for part in one] if isinstance(one, list) else [_text(one)] * (one is not None)


def _findings(found: Any) -> list[dict[str, str]]:
    """Findings of a document that are whole."""
    names = ("severity", "check", "says", "remedy")
    each = found if isinstance(found, list) else ()
    return [
        {n: str(one[n]) for n in names} for one in each if isinstance(one, Mapping) and all(n in one for n in names)
    ]


def _entries(one: Any) -> dict[str, Mapping[str, Any]]:
    """Groups of like numbers, by what tells them apart; empty where there are none."""
    if isinstance(one, list) and one and all(isinstance(part, Mapping) for part in one):
        return {str(k + 1): part for k, part in enumerate(one)}
    if (
        isinstance(one, Mapping)
        and one
        and all(isinstance(part, Mapping) and not _is_ends(part) for part in one.values())
    ):
        return {str(name): part for name, part in one.items()}
    return {}


def _table(caption: str, each: Mapping[str, Mapping[str, Any]]) -> list[Block]:
    """A row an entry; where there are more numbers than entries, a column each."""
    flat = {name: dict(_flat(one)) for name, one in each.items()}
    labels = list(dict.fromkeys(label for one in flat.values() for label in one))
    if len(labels) <= max(6, len(flat)):
        rows = [[name, *(one.get(label, "–") for label in labels)] for name, one in list(flat.items())[:MOST]]
        more = [f"And {len(flat) - MOST} more."] if len(flat) > MOST else []
        return [*table(caption, ("entry", *labels), rows, labels), *lines(more)]
    rows = [[label, *(one.get(label, "–") for one in flat.values())] for label in labels]
    return table(caption, ("quantity", *flat), rows, list(flat))


def _flat(one: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Labels and texts of all that is in a value; what has an interval is one text."""
    if isinstance(one, Mapping) and _is_ends(one):
        rest = {k: v for k, v in one.items() if k not in ("value", "low", "high", "se", "unit", "unbounded")}
        unit = f" {one['unit']}" if one.get("unit") else ""
        sure = f" [{interval(one)}]" if one["low"] is not None else ""
        yield name or "value", f"{_text(one['value'])}{sure}{unit}"
        yield from _flat(rest, name)
    elif isinstance(one, Mapping):
        for key, part in one.items():
            yield from _flat(part, f"{name} {_words(key)}".strip())
    elif isinstance(one, Sequence) and not isinstance(one, str) and any(isinstance(part, Mapping) for part in one):
        for k, part in enumerate(one):
            yield from _flat(part, f"{name} {k + 1}".strip())
    else:
        yield name, _text(one)


def _is_ends(one: Mapping[str, Any]) -> bool:
    """Whether this is a number with its interval."""
    ends = [one.get(name) for name in ("value", "low", "high")]
    return {"value", "low", "high"} <= set(one) and all(
        end is None or (isinstance(end, int | float) and not isinstance(end, bool)) for end in ends
    )


def _text(one: Any) -> str:
    if one is None:
        return "–"
    if isinstance(one, bool):
        return "yes" if one else "no"
    if isinstance(one, int | float):
        return f"{one:.0f}" if abs(one) < EXACT and one == int(one) else number(float(one), 4)
    if isinstance(one, Sequence) and not isinstance(one, str):
        return ", ".join(map(_text, one)) or "none"
    return str(one)


def _words(name: object) -> str:
    return WORDS.get(str(name), str(name).replace("_", " "))
