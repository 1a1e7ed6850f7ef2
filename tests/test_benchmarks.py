"""Benchmarks and studies: each is described, and their tables are those of their results."""

import json
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


def kept(name):
    """The rows that a benchmark left, by their first cell and its second."""
    found = json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return {tuple(row[column] for column in found["columns"][:2]): row for row in found["rows"]}


def test_every_model_of_nist_came_to_eight_digits_from_ten_seeds():
    rows = kept("nist")
    assert len(rows) == 27
    assert {row["with 8 digits"] for row in rows.values()} == {10}


def test_a_coupled_law_foresees_better_where_a_sum_leaves_a_saddle():
    rows = {law: row for (law, _), row in kept("sldbench").items()}
    plain = rows["Chinchilla, a sum"]
    assert abs(plain["saddle, dense grid"]) > 20.0
    assert rows["Skaling, coupled"]["dense grid"] < 0.3 * plain["dense grid"]
    assert rows["Farseer, coupled"]["dense grid"] < 0.2 * plain["dense grid"]


@pytest.mark.parametrize(
    ("task", "law", "shares"),
    [
        ("farseer", "Farseer", ("1 %", "5 %", "10 %")),
        ("data_constrained", "DataConstrained", ("1 %", "5 %", "10 %")),
        ("moe", "JointMoE, data the same", ("5 %", "10 %")),
    ],
)
def test_what_is_bought_foresees_no_worse_than_was_published(task, law, shares):
    row = kept("active_sl")[task, law]
    columns = (row["V-optimal 1, 5, 10 %"], row["theirs 1, 5, 10 %"])
    for k, share in enumerate(("1 %", "5 %", "10 %")):
        published = [float(part[k]) for part in (column.split(", ") for column in columns) if part[k] != "–"]
        assert (row[share] >= max(published)) is (share in shares)
    assert row["R² of all"] >= (row["published, all"] or 0.0)
