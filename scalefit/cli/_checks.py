"""What checks say of what a command takes and makes: collected as it works, refused or shown, and in its document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from .._core import SEVERITIES, Finding, visible
from ._errors import as_options

SUMMARY = "summary.json"
"""The document of a fit in its folder."""
STUDIES = 8
"""Studies of a batch, at most, of which each fit is looked at."""


class Checks:
    """What was found so far: of what a command was given, and on its own way.

    **Arguments:**

    - `allow`: Ids of checks whose errors are known and meant.
    """

    def __init__(self, allow: Iterable[str] | None = None):
        self.allow = tuple(allow or ())
        self.given: list[Finding] = []
        self.own: list[Finding] = []

    def hear(self, one: Finding) -> None:
        """Keep what a verb warns of."""
        self.own.append(one)

    def of(self, result: Any) -> None:
        """Look at runs, at a fit or at draws; of a batch of many studies at the table alone.

        **Raises:** `InputError` for an error that is not allowed, and for an id of no check.
        """
        from ..data import Runs
        from ..validate import diagnose, refuse

        if isinstance(result, Runs):
            name, found = result.name, list(diagnose(result).findings)
        else:
            fit, keys = result.fit, result.fit.keys
            name, found = fit.source.name, list(diagnose(fit.problem.runs, law=fit.law).findings if keys else ())
            found += diagnose(result).findings if keys is None else ()
            if keys is not None and len(keys) <= STUDIES:
                whole = tuple(found)
                for key in keys:
                    each = diagnose(result[key]).findings
                    found += [one._replace(says=f"{key}: {one.says}") for one in each if not _told(one, whole)]
            elif keys is not None:
                said = f"of {len(keys)} studies the table was looked at as one, and no fit by itself"
                found.append(
                    Finding("convergence", "note", said, "look at one: sf.diagnose(fits[key]), or check --where")
                )
        self.own += found
        refuse(found, name, self.allow)

    def of_saved(
        self, result: Any, folder: str | Path, at: Mapping[str, Any] | None = None, *, plans: bool = False
    ) -> None:
        """Take what the command that saved a result found, and look at where its law will be asked.

        Where the result was saved without, as by `sf.save`, the table is looked at: the fit would have to be compiled.

        **Arguments:**

        - `plans`: Whether what is best will be chosen by it.

        **Raises:** `InputError` for an error that is not allowed, and for an id of no check.
        """
        from ..results import far_inputs
        from ..validate import PLANNED, diagnose, refuse

        kept = kept_findings(Path(folder))
        self.given += diagnose(result.fit.problem.runs, law=result.fit.law).findings if kept is None else kept
        self.own += [far.finding() for far in far_inputs(result.fit, at or {})]
        self.own += [PLANNED] if plans and result is result.fit else []
        refuse(self.given, result.fit.source.name, self.allow)

    def document(self) -> list[dict[str, Any]]:
        """Every finding once, the gravest first, as a command's document has them."""
        return [
            {**one._asdict(), "says": as_options(one.says), "remedy": as_options(one.remedy),
             "numbers": {name: float(number) for name, number in one.numbers.items()}}
            for one in _once([*self.own, *self.given])
        ]  # fmt: skip

    def without(self, notes: Iterable[str]) -> list[str]:
        """Notes, each once, but for those that say what a finding says."""
        said = [as_options(one.says) for one in (*self.own, *self.given)]
        return [note for note in dict.fromkeys(notes) if not any(note.startswith(one) for one in said)]

    def show(self, out: Any = None) -> None:
        """Print what was found on the way, and in one line what is known of the saved result.

        **Arguments:**

        - `out`: A page; standard output as it is unless given.
        """
        lines = [check_line(one._asdict()) for one in _once(self.own) if one.severity != "note"]
        known = dict.fromkeys(one.check for one in _once(self.given) if one.severity != "note")
        if known:
            lines.append(f"The fit itself has warnings of {', '.join(known)} (--json has them).")
        for line in lines:
            if out is None:
                typer.echo(visible(line))
            else:
                out.print(line)


def check_line(one: Mapping[str, Any]) -> str:
    """A finding as a line for people."""
    return as_options(f"{one['severity']}: {Finding(one['check'], one['severity'], one['says'], one['remedy'])}")


def _told(one: Finding, whole: Iterable[Finding]) -> bool:
    """Whether the table says what a study of it says: in the same words, or of the same rows."""
    same = [other for other in whole if other.check == one.check and other.severity == one.severity]
    return any(other.says == one.says or (one.rows and set(one.rows) <= set(other.rows)) for other in same)


def kept_findings(folder: Path) -> list[Finding] | None:
    """The findings in the document of a saved fit; `None` where there is none."""
    import json

    try:
        checks = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["checks"]
        return [
            Finding(str(one["check"]), one["severity"], str(one["says"]), str(one["remedy"]), dict(one["numbers"]),
                    tuple(one["names"]), tuple(one["rows"]))
            for one in checks if one["severity"] in SEVERITIES
        ]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _once(found: Iterable[Finding]) -> list[Finding]:
    each = {(one.check, one.says): one for one in found}
    return sorted(each.values(), key=lambda one: SEVERITIES.index(one.severity))
