"""What checks say of runs, fits and draws, all of them together."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from .._core import SEVERITIES, Finding, Severity


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
