"""What the checks say of public runs is what the page has, which was read row by row."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_has_what_the_checks_say():
    found = importlib.util.spec_from_file_location("public_checks", ROOT / "studies" / "public_checks.py")
    assert found is not None
    assert found.loader is not None
    study = importlib.util.module_from_spec(found)
    found.loader.exec_module(study)
    page = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    assert study.table_of_checks() in page, "run python studies/public_checks.py"
    assert study.table_of_sets() in page, "read what fires now, and run python studies/public_checks.py"
    of_epoch = [line for line in page.splitlines() if line.startswith("| `epoch") and "| warning |" in line]
    assert len(of_epoch) <= 2
