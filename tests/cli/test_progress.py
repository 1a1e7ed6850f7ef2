"""The progress bar: for people at a terminal, and for nobody else."""

import io

import pytest

from scalefit.cli._terminal import progress


class Stream(io.StringIO):
    """Standard error as a terminal, or not."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_progress(monkeypatch, terminal):
    stream = Stream(terminal)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with progress(2) as step:
        step("reading")
        step("fitting Chinchilla to 36 runs")
    assert ("fitting Chinchilla to 36 runs" in stream.getvalue()) == terminal
    assert bool(stream.getvalue()) == terminal
