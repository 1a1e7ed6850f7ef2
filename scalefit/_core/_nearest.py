"""The nearest known name, for every message about a name that is not there."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or `None` where nothing is like it."""
    by_key = {_key(k): k for k in known}
    found = difflib.get_close_matches(_key(name), by_key, n=1, cutoff=0.5)
    return by_key[found[0]] if found else None


def hint(name: str, known: Iterable[str], *, what: str = "columns", shown: Iterable[str] | None = None) -> str:
    """Return the clause that ends such a message: the nearest name, else all names, or those to be shown."""
    known = list(known)
    found = nearest(name, known)
    if found is not None:
        return f"the nearest is {found!r}"
    return f"the {what} are {listed(known if shown is None else shown)}" if known else f"there are no {what}"


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return the remedy for a name that is not there: the nearest; empty where nothing is like it."""
    found = nearest(name, known) if isinstance(name, str) else None
    return "" if found is None else f"the nearest is {found!r}"


def listed(names: Iterable[str], *, most: int = 12, last: str = ", ") -> str:
    """Return names in quotes, the first `most` of them.

    **Arguments:**

    - `names`: The names.
    - `most`: Names that are listed; the others are counted.
    - `last`: Word before the last of them, as " or ".
    """
    quoted = [repr(n) for n in names]
    if len(quoted) > most:
        return ", ".join(quoted[:most]) + f" and {len(quoted) - most} more"
    return ", ".join(quoted[:-1]) + (last if len(quoted) > 1 else "") + "".join(quoted[-1:])


def _key(name: str) -> str:
    return "".join(c for c in name.lower() if c not in " _-.")


def counted(count: int, what: str) -> str:
    """A count of what is named in the singular."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
