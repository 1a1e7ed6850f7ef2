"""What a check finds, as data; a verb that finds it on its way warns of it in the same words."""

import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple

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
        return f"{self.check}: {self.words}"

    @property
    def words(self) -> str:
        """What is so and what to do about it, as sentences."""
        remedy = f" {self.remedy[0].upper()}{self.remedy[1:].rstrip('.')}" if self.remedy else ""
        return f"{self.says.rstrip('.')}.{remedy}{'.' if remedy and not remedy.endswith('?') else ''}"


class CheckWarning(UserWarning):
    """A finding of which a verb warns: `finding` has it as data."""

    check: ClassVar[str] = ""
    """The check whose findings all of a kind are."""

    @property
    def finding(self) -> Finding | None:
        """What was found; `None` where the warning was made of mere text."""
        return self.args[0] if self.args and isinstance(self.args[0], Finding) else None

    def __str__(self) -> str:
        found = self.finding
        return super().__str__() if found is None else f"{found.words} [{found.check}]"


class FloorWarning(CheckWarning):
    """A law of pools with a free floor, and no run on fresh samples that reaches far enough to show it."""

    check = "conditioning"


class LeftOutWarning(CheckWarning):
    """Studies of a batch that law or noise cannot take; the others were fitted."""

    check = "bad-rows"


class OptimumWarning(CheckWarning):
    """Weights over pools that are not known to be the best."""

    check = "convergence"


class OverfitWarning(CheckWarning):
    """A pool whose error rises again with passes, under a law of pools that can only fall."""

    check = "residuals"


class RareDomainWarning(CheckWarning):
    """A domain that a single run drew from, under a law of mixtures that has numbers of its own for it."""

    check = "conditioning"


def warn_of(
    check: str, says: str, remedy: str = "", *, category: type[CheckWarning] = CheckWarning, stacklevel: int = 2,
) -> None:  # fmt: skip
    """Warn of what a check would find, by its id; `stacklevel` is that of `warnings.warn` in the caller."""
    warnings.warn(category(Finding(check, "warning", says, remedy)), stacklevel=stacklevel + 1)
