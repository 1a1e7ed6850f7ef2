"""Where failures that are nobody's input go."""

import subprocess
import sys
import warnings

import pytest

from scalefit import InputError, NotConverged


@pytest.mark.parametrize(
    "failure, status, said",
    [
        (InputError("N is -1; expected more."), 2, "N is -1; expected more."),
        (NotConverged("No optimum: raise `max_steps`."), 3, "No optimum: raise --max-steps."),
        (KeyboardInterrupt(), 130, "interrupted; nothing was written"),
    ],
)
def test_statuses(ending, failure, status, said):
    assert ending(failure) == (status, "", f"scalefit: {said}\n")


def test_faults_of_ours_keep_their_traceback(ending):
    with pytest.raises(ZeroDivisionError):
        ending(ZeroDivisionError("a fault"))


def test_warnings_are_sentences(ending):
    """Of the library; those of arithmetic, whose cause the result shows, are left out."""

    def warn():
        warnings.warn("2 of 60 draws failed: raise `max_steps`.", stacklevel=1)
        warnings.warn("overflow", RuntimeWarning, stacklevel=1)
        raise NotConverged("No optimum.")

    said = "scalefit: 2 of 60 draws failed: raise --max-steps.\nscalefit: No optimum.\n"
    assert ending(warn) == (3, "", said)


INTERRUPTED = '''
"""`scalefit`, to which a real signal is sent at a moment that is named."""

import os, signal, sys, threading

moment = sys.argv.pop(1)

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

class Imports:
    """Asked for every module before it is found."""

    def find_spec(name, path=None, target=None):
        if name == "equinox":
            interrupt()

if moment == "imports":
    sys.meta_path.insert(0, Imports)
else:
    import scalefit.estimate
    undisturbed = scalefit.estimate.bootstrap

    def bootstrap(*arguments, **options):
        threading.Timer(0.5, interrupt).start()
        return undisturbed(*arguments, **options)

    scalefit.estimate.bootstrap = bootstrap

from scalefit.cli import main
main()
'''


@pytest.mark.parametrize("moment", ["imports", "bootstrap"])
def test_interruption_of_a_job(tmp_path, runs_csv, moment):
    """Among imports, and in refits that would take many seconds more: one line, 130, and nothing left behind."""
    out, script = tmp_path / "out", tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    command = [sys.executable, str(script), moment, "fit", str(runs_csv), "--law", "chinchilla"]
    command += ["--bootstrap", "400000", "--out", str(out)]
    job = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert (job.returncode, job.stdout) == (130, "")
    assert job.stderr.endswith("scalefit: interrupted; nothing was written\n")
    assert list(tmp_path.iterdir()) == [script]
