"""The progress bar: for people at a terminal, and for nobody else."""

import io

import pytest
from typer.main import get_command

import scalefit as sf
from scalefit.cli import main


class Stream(io.StringIO):
    """Standard error as a terminal, or not."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_progress(monkeypatch, runs_csv, terminal):
    stream = Stream(terminal)

    def fit(*_, **__):
        raise sf.InputError("Enough.")

    monkeypatch.setattr(sf, "fit", fit)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    get_command(main).main(["fit", str(runs_csv), "--law", "chinchilla", "--cache-dir", "off"], standalone_mode=False)
    assert ("fitting Chinchilla to 36 runs" in stream.getvalue()) == terminal
    assert (stream.getvalue() == "scalefit: Enough.\n") != terminal
