"""Where a result cannot be shown: one sentence on standard error and a status, or another spelling."""

import os
import signal
import subprocess
import sys

import pytest

LIST = (sys.executable, "-m", "scalefit", "data", "list")


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_letters_that_a_terminal_lacks_are_spelled(encoding):
    done = run(LIST, env=os.environ | {"PYTHONIOENCODING": encoding}, encoding=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Fit one with `scalefit fit data:NAME --law" in done.stdout


@pytest.mark.parametrize(
    "redirection, status, said",
    [
        ("> /dev/full", 5, "scalefit: The output cannot be written: No space left on device.\n"),
        (">&-", 5, "scalefit: The output cannot be written: it is closed.\n"),
        ("2>&-", 0, ""),
        ("| head -1 > /dev/null; exit ${PIPESTATUS[0]}", None, ""),
    ],
)
def test_output_that_nobody_takes(redirection, status, said):
    done = run(["bash", "-c", f"{' '.join(LIST)} {redirection}"])
    assert done.stderr == said
    assert status is None or done.returncode == status


def test_an_interruption_while_the_program_starts():
    """As soon as it is asked for typer, which is first: nothing was begun, and there is nothing to say."""
    script = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name == 'typer':\n            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder)\nimport scalefit.cli\n"
    )
    done = run([sys.executable, "-c", script])
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_an_interruption_before_there_is_a_command():
    """As typer makes the commands of what was written: one line, and no traceback."""
    script = (
        "import os, signal, typer.main\n"
        "from scalefit.cli import main\n"
        "def interrupted(*_, **__):\n    os.kill(os.getpid(), signal.SIGINT)\n    raise AssertionError\n"
        "typer.main.get_command = interrupted\nmain()\n"
    )
    done = run([sys.executable, "-c", script])
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "scalefit: interrupted; nothing was written\n")


@pytest.mark.parametrize("name", ["runs.csv", "-"])
def test_pipes_are_no_files(cli, tmp_path, name):
    os.mkfifo(tmp_path / "runs.csv")
    answer = cli("fit", tmp_path / name if name != "-" else name, "--law", "chinchilla")
    assert answer.status == 2
    assert "is a pipe or a device, and no file" in answer.err


HOSTILE = ["$x_{$", "a$b^^c$", "\x1b[31mred\x1b[0m", "a\tb", "\u202eabc", "[bold]b[/bold]", "=1+1", "_hidden"]


@pytest.fixture(scope="module")
def hostile(cli, table, tmp_path_factory):
    """Eight studies whose names are code for something, and a target that is a broken formula."""
    folder = tmp_path_factory.mktemp("hostile")
    text = table(*(f'"{name}"' for name in HOSTILE)).replace("loss", "$\\frac{$", 1)
    (folder / "runs.csv").write_text(text, encoding="utf-8")
    given = ("--law", "chinchilla", "--by", "study", "--target", "$\\frac{$", "--out", folder / "out")
    return cli("fit", folder / "runs.csv", *given), folder


def test_names_are_text(hostile):
    """Drawn and printed as they are, control characters as escapes."""
    answer, folder = hostile
    assert (answer.status, answer.err) == (0, "")
    assert not set(answer.out) & {"\x1b", "\t", "\u202e"}
    for name in ("$x_{$", "a$b^^c$", r"\x1b[31mred\x1b[0m", r"a\tb", r"\u202eabc", "[bold]b[/bold]", "=1+1"):
        assert name in answer.out
    assert (folder / "out" / "loss.png").stat().st_size > 10_000
    assert "\u202e" not in (folder / "out" / "summary.json").read_text(encoding="utf-8")
