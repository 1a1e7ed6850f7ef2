"""What the benchmarks share: contenders timed in turn, one table, and a JSON record of where the numbers came from."""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("scalefit", "jax", "jaxlib", "numpy", "scipy", "optax", "optimistix", "equinox")


@dataclass(frozen=True)
class Options:
    """What every benchmark takes from the command line."""

    json: Path | None
    quick: bool


def options(about: str | None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table, the machine and every timing here")
    parser.add_argument("--quick", action="store_true", help="small sizes and few repeats, to see that it runs")
    parser.add_argument(
        "--quiet", type=float, default=0.0, metavar="SECONDS", help="wait up to so long for the machine to fall idle"
    )
    given = parser.parse_args()
    wait_for_quiet(given.quiet)
    return Options(given.json, given.quick)


@dataclass
class Timing:
    """Seconds of each repeat: by the clock, of all cores by this process, and of the cores by other processes."""

    wall: list[float] = field(default_factory=list)
    core: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)

    @property
    def least(self) -> float:
        return min(self.wall)

    @property
    def median(self) -> float:
        return statistics.median(self.wall)

    @property
    def core_least(self) -> float:
        return min(self.core)

    def record(self) -> dict[str, Any]:
        """What goes into the JSON file."""
        return {
            "repeats": len(self.wall),
            "wall_min_s": self.least,
            "wall_median_s": self.median,
            "core_min_s": self.core_least,
            "core_median_s": statistics.median(self.core),
            "cores_used_by_others": statistics.median(o / w for o, w in zip(self.others, self.wall, strict=True)),
        }


def _busy() -> float:
    """Seconds that all cores together have been busy since the machine started; 0 where that is not known."""
    try:
        with open("/proc/stat") as file:
            user, nice, system, _, _, irq, soft, steal = (int(v) for v in file.readline().split()[1:9])
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def alternate(contenders: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, Timing]:
    """Time each contender so many times, one after the other in each round, so that all meet the same machine."""
    times = {name: Timing() for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            busy, core, wall = _busy(), time.process_time(), time.perf_counter()
            run()
            wall, core = time.perf_counter() - wall, time.process_time() - core
            times[name].wall.append(wall)
            times[name].core.append(core)
            times[name].others.append(max(_busy() - busy - core, 0.0))
    return times


def wait_for_quiet(most: float) -> None:
    """Wait until other processes leave the cores alone for two seconds, or the time is up."""
    end = time.monotonic() + most
    while time.monotonic() < end:
        before = _busy()
        time.sleep(2.0)
        if _busy() - before < 0.2:
            return
        time.sleep(min(3.0, max(end - time.monotonic(), 0.0)))


def machine() -> dict[str, Any]:
    """The machine and the versions."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


class Report:
    """One table; and, on request, a JSON file with the machine, the versions, the load and every timing."""

    def __init__(self, name: str, claim: str, columns: Sequence[str], given: Options):
        self.name, self.claim, self.columns, self.options = name, claim, tuple(columns), given
        self.rows: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.load = list(os.getloadavg())

    def add(self, *cells: Any, timing: Timing | None = None, **more: Any) -> None:
        """One row: its cells, its timing, and whatever else belongs into the JSON file."""
        record = dict(zip(self.columns, cells, strict=True)) | more
        self.rows.append(record | (timing.record() if timing else {}))
        print("…", " · ".join(shown(cell) for cell in cells), file=sys.stderr, flush=True)
        self._write()

    def note(self, text: str) -> None:
        """A sentence under the table."""
        self.notes.append(text)

    def finish(self) -> None:
        """Print the table; write the file."""
        about = machine()
        load = list(os.getloadavg())
        print(f"\n{self.claim}\n")
        for line in markdown(self.columns, [[row[c] for c in self.columns] for row in self.rows]):
            print(line)
        print()
        for text in self.notes:
            print(f"- {text}")
        print(
            f"- {about['cpu']}, {about['cores']} cores, jax {about['versions']['jax']}; load average "
            f"{self.load[0]:.2f} before, {load[0]:.2f} after" + ("; a quick run" if self.options.quick else "")
        )
        self._write(whole=True)

    def _write(self, whole: bool = False) -> None:
        """Write the file, after each row too, as long runs may be cut short."""
        if self.options.json is None:
            return
        document = {
            "benchmark": self.name,
            "claim": self.claim,
            "columns": self.columns,
            "whole": whole,
            "quick": self.options.quick,
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine(),
            "load_before": self.load,
            "load_after": list(os.getloadavg()),
            "rows": self.rows,
            "notes": self.notes,
        }
        write_json(self.options.json, document)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write beside, then rename, so that no half file is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(document, indent=1, default=_plain) + "\n")
    beside.replace(path)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """A table as Markdown, numbers to the right."""
    columns = [column.replace("|", "\\|") for column in columns]
    cells = [[shown(cell).replace("|", "\\|") for cell in row] for row in rows]
    width = [max(len(row[i]) for row in [list(columns), *cells]) for i in range(len(columns))]
    right = [
        bool(rows) and all(not isinstance(row[i], str) or row[i] == "–" for row in rows) for i in range(len(width))
    ]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(columns, width, strict=True)) + " |"]
    lines.append("|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(width, right, strict=True)) + "|")
    for row in cells:
        parts = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, width, right, strict=True)]
        lines.append("| " + " | ".join(parts) + " |")
    return lines


def shown(cell: Any) -> str:
    """A cell as text: three or four digits that matter, thousands apart."""
    if cell is None:
        return "–"
    if isinstance(cell, str | bool):
        return str(cell)
    if isinstance(cell, int | np.integer):
        return f"{int(cell):,}"
    number = float(cell)
    if not math.isfinite(number):
        return "–"
    if number != 0 and abs(number) < 1e-3:
        return f"{number:.1e}"
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.4g}"


def within(objective: np.ndarray, best: np.ndarray, share: float) -> float:
    """The share of fits whose objective is within a share of the best known."""
    return float(np.mean(objective <= best * (1.0 + share)))
