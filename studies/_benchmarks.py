"""What studies share with the benchmarks: options of the command line, and a report with its JSON file."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))

from _report import Options, Report, Timing, alternate, options

__all__ = ["Options", "Report", "Timing", "alternate", "options"]
