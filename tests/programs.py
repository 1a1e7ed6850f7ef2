"""Count the programs that XLA compiles for each verb of documents.

    python tests/programs.py README.md docs/start.md

runs the Python of each document as a user would, from nothing but what those before it compiled, and prints what it
said and the counts as JSON. A program that is read back from a folder counts as one that is compiled.
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


def verb_of(statement: ast.stmt) -> str | None:
    """The verb that a statement calls: `sf.fit` or another; the first where there are several."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sf":
            return node.attr
    return None


def run(path: Path, counts: collections.Counter[str]) -> str:
    """Output of the Python of a document, in order; the programs of each verb are counted."""
    said, names = io.StringIO(), {}
    for number, block in enumerate(blocks(path.read_text(encoding="utf-8")), start=1):
        for statement in ast.parse(block).body:
            code = compile(ast.Module([statement], []), f"{path.name}, Python block {number}", "exec")
            with count_programs() as seconds, contextlib.redirect_stdout(said):
                exec(code, names)
            if (verb := verb_of(statement)) is not None:
                counts[verb] += len(seconds)
            elif seconds:
                counts["else"] += len(seconds)
    return said.getvalue()


if __name__ == "__main__":
    counts: collections.Counter[str] = collections.Counter()
    said = {name: run(Path(name), counts) for name in sys.argv[1:]}
    print(json.dumps({"said": said, "programs": counts}))
