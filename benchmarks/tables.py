"""Write the tables of the documents anew from the JSON files of results.

    python benchmarks/tables.py            # write them
    python benchmarks/tables.py --check    # change nothing; name the documents that differ and fail

A table stands below a line `<!-- table: FILE -->`, FILE from the root of the repository, and ends with an empty line.
`<!-- table: FILE levels -->` is another view of the same results, one of `VIEWS`.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _report import markdown

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (
    "benchmarks/README.md",
    "studies/README.md",
    "docs/calibration.md",
    "docs/comparison.md",
    "docs/forecasts.md",
    "docs/systems.md",
)
PLACE = re.compile(r"<!-- table: (?P<file>\S+)(?: (?P<view>\w+))? -->\n(?:.+\n)*")
HIDDEN = {
    "calibration": ("s",),
    "calibration_ranks": ("s",),
    "float32_accuracy": ("inside median", "10× beyond median", "refits/s"),
}
"""Columns that are in the file alone, by name of the benchmark or study."""
ROWS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "float32_accuracy": lambda row: row["passes in"] != "float64",
    "design_simulated": lambda row: row["share of cost"] in (0.15, 1),
}
"""Rows that are shown, where the others are in the file alone."""


def whole(results: dict[str, Any]) -> list[str]:
    """The table as the benchmark or study prints it."""
    name = results["benchmark"]
    columns = [column for column in results["columns"] if column not in HIDDEN.get(name, ())]
    rows = [row for row in results["rows"] if ROWS.get(name, lambda _: True)(row)]
    return markdown(columns, [[row[column] for column in columns] for row in rows])


def levels(results: dict[str, Any]) -> list[str]:
    """Coverage at other levels than 90 %: least and greatest of the parameters, and at 10 times the compute."""
    columns, rows = ["design", "runs", "scatter", "method"], []
    shown = [(level, f"{100 * float(level):.0f} %") for level in ("0.5", "0.8", "0.95")]
    for row in results["rows"]:
        if row["design"] in ("true", "true, normal", "true, many runs") and row["method"] in (
            "importance",
            "NUTS",
            "bootstrap",
        ):
            cells = [row[column] for column in columns]
            for level, _ in shown:
                held = [row["every"][name][level] for name in ("E", "A", "B", "alpha", "beta")]
                cells += [f"{min(held):.3f}–{max(held):.3f}", row["every"]["10x"][level]]
            rows.append(cells)
    return markdown([*columns, *(head for _, name in shown for head in (name, f"10x, {name}"))], rows)


def refits(results: dict[str, Any]) -> list[str]:
    """Contenders at refits of Chinchilla's law alone."""
    columns = ["contender", "core µs/fit", "× by core time", "within 1e-6", "within 1e-9"]
    rows = [row for row in results["rows"] if row["law, parameters"] == "Chinchilla, 5"]
    return markdown(columns, [[row[column] for column in columns] for row in rows])


def nine(results: dict[str, Any]) -> list[str]:
    """Intervals of nine runs, by the default and by the peer."""
    columns = ["errors", "intervals", "studies", "alpha", "10x", "N*", "width of 10x, %"]
    kept = ("bootstrap, residuals (default)", "simple-scaling-laws 0.2.0")
    rows = [row for row in results["rows"] if row["runs"] == 9 and row["intervals"] in kept]
    return markdown(columns, [[row[column] for column in columns] for row in rows])


def objectives(results: dict[str, Any]) -> list[str]:
    """Objectives of published fits, without times."""
    columns = [column for column in results["columns"] if "ms" not in column]
    return markdown(columns, [[row[column] for column in columns] for row in results["rows"]])


VIEWS: dict[str | None, Callable[[dict[str, Any]], list[str]]] = {
    None: whole,
    "levels": levels,
    "refits": refits,
    "nine": nine,
    "objectives": objectives,
}


def made(document: str) -> str:
    """A document with its tables made anew."""

    def table(place: re.Match[str]) -> str:
        results = json.loads((ROOT / place["file"]).read_text(encoding="utf-8"))
        head = place[0].split("\n", 1)[0]
        return "\n".join([head, *VIEWS[place["view"]](results)]) + "\n"

    return PLACE.sub(table, document)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; name the documents that differ and fail")
    check = parser.parse_args().check
    differ = []
    for name in DOCUMENTS:
        document = (ROOT / name).read_text(encoding="utf-8")
        if (anew := made(document)) != document:
            differ.append(name)
            if not check:
                (ROOT / name).write_text(anew, encoding="utf-8")
    if check and differ:
        sys.exit(f"{', '.join(differ)}: tables differ from their results; run python benchmarks/tables.py.")


if __name__ == "__main__":
    main()
