"""Benchmarks and studies: each is described, and their tables are those of their results."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_tables_of_the_documents_are_those_of_the_results():
    done = subprocess.run(
        [sys.executable, "benchmarks/tables.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("folder", ["benchmarks", "studies"])
def test_every_file_is_described_and_every_result_has_its_file(folder):
    described = re.findall(r"(\w+)\.py\b", (ROOT / folder / "README.md").read_text(encoding="utf-8"))
    files = {path.stem for path in (ROOT / folder).glob("*.py")}
    assert files <= set(described)
    assert {path.stem for path in (ROOT / folder / "results").glob("*.json")} <= files
