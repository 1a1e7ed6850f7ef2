"""What checks say of runs, fits and draws: findings, and all of them together."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From the gravest on: an error should be mended or allowed by name before anything is made of the runs."""

NOTHING: Mapping[str, float] = MappingProxyType({})


class Finding(NamedTuple):
    """Something that a check found.

    **Arguments:**

    - `check`: Its id, one of `CHECKS`.
    - `severity`: `"error"`, `"warning"` or `"note"`.
    - `says`: What is so, as one sentence without its full stop.
    - `remedy`: What to do about it; empty where there is nothing.
    - `numbers`: The numbers behind it, by name.
    - `names`: The columns and parameters that it is about.
    - `rows`: The rows of the source that it is about.
    """

    check: str
    severity: Severity
    says: str
    remedy: str = ""
    numbers: Mapping[str, float] = NOTHING
    names: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        more = f" {self.remedy[0].upper()}{self.remedy[1:].rstrip('.')}." if self.remedy else ""
        return f"{self.check}: {self.says.rstrip('.')}.{more}"


class Skipped(NamedTuple):
    """A check that has nothing to look at, and why."""

    why: str


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What all checks said.

    **Arguments:**

    - `findings`: Of those that found something, the gravest first.
    - `passed`: Ids of those that looked and found nothing.
    - `skipped`: Id → why it had nothing to look at.
    """

    findings: tuple[Finding, ...]
    passed: tuple[str, ...]
    skipped: Mapping[str, str]

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.of(s))} {s}{'' if len(self.of(s)) == 1 else 's'}" for s in SEVERITIES)
        lines = [f"Diagnosis: {counts}; {len(self.passed)} checks passed, {len(self.skipped)} had nothing to look at"]
        return "\n".join([*lines, *(f"  {one.severity:<7}  {one}" for one in self.findings)])

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity."""
        return tuple(one for one in self.findings if one.severity == severity)

    @property
    def worst(self) -> Severity | None:
        """The gravest severity that there is; `None` where nothing was found."""
        return self.findings[0].severity if self.findings else None
