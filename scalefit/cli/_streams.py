"""Standard output and error that may be closed, full, or without some letters."""

import codecs
import contextlib
import errno
import os
import sys
import unicodedata
from typing import TextIO

_WORDS = {
    "–": "-", "—": "-", "−": "-", "…": "...", "±": "+/-", "×": "x", "·": "*", "≥": ">=", "≤": "<=", "→": "->",
    "←": "<-", "Σ": "sum", "Π": "prod", "⌊": "floor(", "⌋": ")", "’": "'", "“": '"', "”": '"', "•": "*",
}  # fmt: skip
_closed = False


def prepare() -> None:
    """Give the process streams that take any text; output to a closed one is known to be lost."""
    global _closed
    # Compilers' own messages ("Very slow compile?") are for developers of compilers.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    codecs.register_error("scalefit", _spelled)
    _closed = sys.stdout is None  # pyright: ignore[reportUnnecessaryComparison]  so it is where it is closed
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  for as long as the process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="scalefit")  # pyright: ignore[reportAttributeAccessIssue]  asked


def finish() -> None:
    """Write what waits to be written.

    **Raises:** `OSError` where standard output does not take it.
    """
    if _closed:
        raise OSError(errno.EBADF, "it is closed")
    sys.stdout.flush()


def abandon() -> None:
    """Let what waits for standard output go, so that the end of the process does not try again."""
    with contextlib.suppress(OSError, ValueError):  # a stream of another kind
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """What a terminal without a letter shows in its place."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spelling, error.object[error.start : error.end])), error.end


def _spelling(letter: str) -> str:
    if letter in _WORDS:
        return _WORDS[letter]
    name = unicodedata.name(letter, "")
    if name.startswith("GREEK SMALL LETTER "):
        return name.rpartition(" ")[2].lower()
    if name.startswith("BOX DRAWINGS "):
        return "|" if name.endswith("VERTICAL") else "-"
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"
