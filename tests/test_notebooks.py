"""Notebooks: their cells run in order, and what they show is what comes out."""

import json
import re
from pathlib import Path

import matplotlib
import pytest

import scalefit as sf

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
MOST_BYTES = 200_000


def cells(path: Path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def printed(cell: dict) -> str:
    return "".join(line for one in cell["outputs"] if one["output_type"] == "stream" for line in one["text"])


def pictures(cell: dict) -> int:
    return sum("image/png" in one.get("data", {}) for one in cell["outputs"])


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    """A notebook, by its path; where it reads public data, they must be at hand."""
    text = "".join("".join(cell["source"]) for cell in cells(request.param))
    if set(re.findall(r'load_data\("([\w-]+)"', text)) & {record.name for record in sf.data_sets()}:
        request.getfixturevalue("public_data")
    return request.param


@pytest.fixture
def pyplot():
    """Where notebooks draw: without a display, and all closed afterwards."""
    before = matplotlib.get_backend()
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")
    matplotlib.use(before)


def test_cells_run_in_order_and_print_what_is_shown(notebook, pyplot, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, cell in enumerate(cells(notebook), start=1):
        assert cell["execution_count"] == number
        exec(compile("".join(cell["source"]), f"{notebook.name}, cell {number}", "exec"), names)
        said, shown = capsys.readouterr().out, printed(cell)
        assert re.sub(NUMBER, "#", said).split() == re.sub(NUMBER, "#", shown).split()
        here, there = ([float(found) for found in re.findall(NUMBER, text)] for text in (said, shown))
        assert here == pytest.approx(there, rel=0.02)
        assert len(pyplot.get_fignums()) == pictures(cell)
        pyplot.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_of_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    for cell in cells(path):
        assert not re.search(r"(^|[\s'\"(])(/|[A-Z]:\\\\)\w", printed(cell))
        assert all(one["output_type"] in ("stream", "display_data") for one in cell["outputs"])


def test_there_are_notebooks():
    assert NOTEBOOKS
