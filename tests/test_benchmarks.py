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


def table(name, folder="benchmarks"):
    """The columns and rows that a benchmark or a study left."""
    found = json.loads((ROOT / folder / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return found["columns"], found["rows"]


def kept(name):
    """The rows that a benchmark left, by their first cell and its second."""
    columns, rows = table(name)
    return {tuple(row[column] for column in columns[:2]): row for row in rows}


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


def test_best_mixtures_are_those_of_slsqp_and_draws_are_found_as_a_batch():
    columns, rows = table("mixture_batches")
    of = {tuple(row[column] for column in columns[:3]): row for row in rows}
    assert of[32, 17, "host"]["within 1e-6"] == "32 of 32"
    assert of[2000, 17, "host"]["core-s"] < 5.0
    assert max(row["gap at most"] for row in rows) < 1e-8
    assert of[1, 256, "host"]["first call, core-s"] < 1.0
    assert of[1, 4096, "host"]["core-s"] < 1.0
    inside = kept("mixture_weights")[4096, "scalefit, interior point"]
    assert inside["core ms"] < 1000.0
    assert inside["excess at most"] < 1e-9


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


def test_a_small_scale_knows_how_little_it_can_choose():
    """DCLM (arXiv 2406.11794), `studies/proxy_decisions.py`: most pairs are right, and those that are clear all are."""
    _, (scale, law) = table("proxy_decisions", "studies")
    assert 0.7 < scale["ordered alike"] <= law["ordered alike"] < 0.9
    assert law["clear and alike"] > 0.95
    assert law["regret"] > 0.0
    assert law["sure of its choice"] < 0.5


def test_less_filtering_and_random_data_win_with_enough_compute():
    """`studies/selection_curves.py`: crossings lie where the published numbers have them."""
    _, rows = table("selection_curves", "studies")
    for row in rows:
        if row["seen to cross"] != "–":
            low, high = (float(end) for end in row["seen to cross"].split(" … "))
            assert low <= float(row["crossing"].replace(",", "")) <= high
            assert row["crosses"] > 0.5
    slices = [row for row in rows if row["kind"] == "slices of a pool"]
    assert [float(row["crossing"]) for row in slices] == sorted(float(row["crossing"]) for row in slices)
    # Goyal et al. 2024 (arXiv 2404.07177): about 450M samples seen.
    assert float(slices[-1]["from"]) < 4.5e8 < float(slices[-1]["to"])
    assert all(row["crosses"] < 0.05 for row in rows if row["kind"] == "filters of text")
    # The page works out one of them with fewer draws.
    (matched,) = [row for row in rows if row["first"] == "DM"]
    crossing = float(matched["crossing"].replace(",", ""))
    assert f"at {crossing:.2g} [" in (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")


def test_no_better_mixture_with_repeats_is_found_in_eight_times_the_time():
    _, rows = table("mixture_repetition")
    assert {(row["law"], row["domains"]) for row in rows} >= {("exponential", 7), ("exponential", 17)}
    assert any(row["optima"] > 1 for row in rows)
    for row in rows:
        assert row["as good or better"] == row["problems"] == len(row["problems_each"]) == 6
        for one in row["problems_each"]:
            assert one["excess"] <= 1e-9
            assert one["SLSQP's core-s"] == pytest.approx(8.0 * one["core-s"])


def test_the_additive_law_is_within_what_is_quoted_of_it_at_the_sizes_fitted():
    value = {(row["runs"], row["law"]): row["value"] for row in table("mixture_laws")[1]}
    fitted, larger = (value[f"Shukor, to 680M → {said}", "MixingAdditive"] for said in ("122M to 680M", "1.2B"))
    assert fitted < 0.0121 < larger < 0.02


def test_the_best_mixture_of_64_domains_is_certified_and_that_of_slsqp():
    _, rows = table("mixture_olmix")
    assert {row["law"] for row in rows} >= {"MixingExp", "MixingLinear"}
    for row in rows:
        assert row["targets"] == 105
        assert row["best"] < row["natural"]
        assert abs(row["SLSQP above"]) <= row["gap"] + 1e-8
        assert row["gap"] < 1e-6
    assert all(row["converged"] == 105 and row["core-s"] < 100.0 for row in rows if row["law"] == "MixingExp")
