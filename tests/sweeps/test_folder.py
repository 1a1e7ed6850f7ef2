"""Folders: files are whole or not at all, whoever else writes there."""

import os
import threading

import pytest

from scalefit.sweeps import Folder


@pytest.fixture(params=["folder", "bucket"])
def folder(request, tmp_path):
    return Folder(tmp_path / "f" if request.param == "folder" else f"memory://folder{tmp_path.name}")


def test_folder(folder):
    assert (folder.names(""), folder.names("a"), folder.get("a/b")) == (set(), set(), None)
    folder.put("a/b", b"one")
    folder.put("a/b", b"two")
    folder.put_first("first", b"one")
    folder.put_first("first", b"two")
    assert (folder.get("a/b"), folder.get("first")) == (b"two", b"one")
    assert (folder.names(""), folder.names("a")) == ({"a", "first"}, {"b"})
    folder.remove("a/b")
    folder.remove("a/b")
    folder.tidy("a")
    assert folder.names("a") == set()


def test_files_of_other_writers(tmp_path):
    """A file left by a killed writer goes when it is old; one that is being written stays; neither counts."""
    folder = Folder(tmp_path)
    old, new = (tmp_path / f".a.00000000-{k}-00000000.part" for k in (1, 2))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, old.stat().st_mtime - 3601))
    assert folder.names("") == set()
    folder.tidy("")
    assert (old.exists(), new.exists()) == (False, True)


def test_first_of_many_writers(tmp_path):
    """Whoever is first, all read the same afterwards, and nothing is left beside it."""
    folder = Folder(tmp_path)
    gate, read = threading.Barrier(8), []

    def write(k):
        gate.wait()
        folder.put_first("one", b"%d" % k * 1000)
        read.append(folder.get("one"))

    threads = [threading.Thread(target=write, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 8
    assert len(set(read)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
