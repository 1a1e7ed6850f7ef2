"""Count the programs that XLA compiles for each verb of documents.

    python tests/programs.py README.md docs/start.md

runs the Python of each document as a user would, from nothing but what those before it compiled, and prints what it
said and the counts as JSON; `--write` writes the blocks of text below Python anew. A program that is read back from a
folder counts as one that is compiled.
"""

import ast
import collections
import contextlib
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from jax import monitoring

NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
COMPILED = "/jax/core/compile/backend_compile_duration"


@contextlib.contextmanager
def count_programs() -> Iterator[list[float]]:
    """The seconds that each program took which was compiled in this block, one after the other."""
    seconds: list[float] = []

    def hear(event: str, duration_secs: float, **_: str | int) -> None:
        if event == COMPILED:
            seconds.append(duration_secs)

    monitoring.register_event_duration_secs_listener(hear)
    try:
        yield seconds
    finally:
        monitoring.unregister_event_duration_listener(hear)


def blocks(document: str) -> list[str]:
    """The Python of a document in Markdown."""
    return re.findall(r"^```python\n(.*?)^```$", document, flags=re.MULTILINE | re.DOTALL)


def shown(document: str) -> list[str]:
    """What the document says that each Python block prints: the block of text right below it, or nothing."""
    below = re.split(r"^```python\n.*?^```$", document, flags=re.MULTILINE | re.DOTALL)[1:]
    found = [re.match(r"\s*```text\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL) for text in below]
    return [one[1] if one else "" for one in found]


def differences(said: list[str], document: str) -> list[tuple[str, str]]:
    """Blocks of text that are not what was printed, numbers within a part in five hundred."""
    wrong = []
    signed = r"[+-]?" + NUMBER
    for printed, text in zip(said, shown(document), strict=True):
        here, there = ([float(n) for n in re.findall(signed, one)] for one in (printed, text))
        words = [re.sub(signed, "#", one).split() for one in (printed, text)]
        close = len(here) == len(there) and all(abs(a - b) <= 2e-3 * abs(b) for a, b in zip(here, there, strict=True))
        if text and not (close and words[0] == words[1]):
            wrong.append((text, printed))
    return wrong


def written(said: list[str], document: str) -> str:
    """The document with its blocks of text below Python as they were printed."""
    parts = re.split(r"(^```python\n.*?^```$)", document, flags=re.MULTILINE | re.DOTALL)
    for place, printed in zip(range(2, len(parts), 2), said, strict=True):
        lines = "\n".join(line.rstrip() for line in printed.splitlines())
        below = re.match(r"(\s*```text\n).*?(^```$)", parts[place], flags=re.MULTILINE | re.DOTALL)
        if below:
            parts[place] = f"{below[1]}{lines}\n{below[2]}{parts[place][below.end() :]}"
    return "".join(parts)


def verb_of(statement: ast.stmt) -> str | None:
    """The verb that a statement calls: `sf.fit` or another; the first where there are several."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sf":
            return node.attr
    return None


def run(path: Path, counts: collections.Counter[str]) -> list[str]:
    """What each block of Python of a document prints, in order; the programs of each verb are counted."""
    said, names = [], {}
    for number, block in enumerate(blocks(path.read_text(encoding="utf-8")), start=1):
        printed = io.StringIO()
        for statement in ast.parse(block).body:
            code = compile(ast.Module([statement], []), f"{path.name}, Python block {number}", "exec")
            with count_programs() as seconds, contextlib.redirect_stdout(printed):
                exec(code, names)
            if (verb := verb_of(statement)) is not None:
                counts[verb] += len(seconds)
            elif seconds:
                counts["else"] += len(seconds)
        said.append(printed.getvalue())
    return said


if __name__ == "__main__":
    counts: collections.Counter[str] = collections.Counter()
    names = [name for name in sys.argv[1:] if name != "--write"]
    said = {name: run(Path(name), counts) for name in names}
    for name in names if "--write" in sys.argv else ():
        Path(name).write_text(written(said[name], Path(name).read_text(encoding="utf-8")), encoding="utf-8")
    print(json.dumps({"said": said, "programs": counts}))
