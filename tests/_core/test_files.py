"""Files and folders, written whole or not at all."""

import contextlib
import subprocess
import sys

import pytest

from scalefit._core import folder_written_whole, sweep, visible, written_whole


def test_a_file_replaces_an_earlier_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written_whole(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "new")]


def test_a_file_that_fails_leaves_the_earlier_one(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with contextlib.suppress(RuntimeError), written_whole(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "old")]


@pytest.mark.parametrize("earlier", [None, [], ["old.txt"]])
def test_a_folder_replaces_an_earlier_one(tmp_path, earlier):
    path = tmp_path / "above" / "out"
    if earlier is not None:
        path.mkdir(parents=True)
        for name in earlier:
            (path / name).write_text("old")
    with folder_written_whole(path) as beside:
        (beside / "new.txt").write_text("new")
        assert path.exists() == (earlier is not None)
    assert [p.name for p in path.iterdir()] == ["new.txt"]
    assert [p.name for p in path.parent.iterdir()] == ["out"]


def test_a_folder_that_fails_leaves_the_earlier_one(tmp_path):
    path = tmp_path / "out"
    path.mkdir()
    (path / "old.txt").write_text("old")
    with contextlib.suppress(RuntimeError), folder_written_whole(path) as beside:
        (beside / "new.txt").write_text("half")
        raise RuntimeError
    assert [p.name for p in path.iterdir()] == ["old.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


KILLED = """
import os, pathlib, signal, sys
from scalefit._core import folder_written_whole
with folder_written_whole(pathlib.Path(sys.argv[1])) as beside:
    (beside / "new.txt").write_text("new")
    def killed(old, new, rename=pathlib.Path.rename):
        if old == beside:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(old, new)
    pathlib.Path.rename = killed
"""


def test_a_folder_whose_writer_was_killed_comes_back(tmp_path):
    """Killed after the earlier folder lost its name and before the new one had it: nothing is lost, nothing stays."""
    path = tmp_path / "out"
    path.mkdir()
    (path / "old.txt").write_text("old")
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".old", ".part"]
    sweep(tmp_path, "another")
    assert not path.exists()
    sweep(tmp_path, "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert [p.name for p in path.iterdir()] == ["old.txt"]


def test_control_characters_are_escapes():
    assert visible("a\x1b[31m\n\u202eb\ud800é") == r"a\x1b[31m\n\u202eb\ud800é"
    assert visible("a\nb", keep="\n") == "a\nb"
