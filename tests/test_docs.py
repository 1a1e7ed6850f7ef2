"""The code of the pages in docs/ runs as it stands."""

import re
from pathlib import Path

import pytest

PLANNING = Path(__file__).parents[1] / "docs" / "planning.md"


@pytest.mark.filterwarnings("ignore:'xlstm'", "ignore:The plan for", "ignore:The first")
@pytest.mark.usefixtures("public_data")
def test_the_page_on_plans_runs(capsys):
    names = {}
    blocks = re.findall(r"^```python\n(.*?)^```$", PLANNING.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/planning.md, Python block {number + 1}", "exec"), names)
    said = capsys.readouterr().out
    assert "hoffmann-rounded [92.6" in said
    assert "2 runs lie far above the curve of their neighbours" in said
    assert len(names["design"]) == 5
    # What the page says of it in words.
    loss = names["plan"].loss
    assert loss.high[1] / loss.low[1] - 1 < 0.026
