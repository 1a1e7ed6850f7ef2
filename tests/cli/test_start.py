"""The start of the command line: at once, and without what it does not need."""

import os
import subprocess
import sys

import pytest

HEAVY = ("jax", "numpy", "matplotlib", "equinox", "polars", "scipy", "optax", "numpyro")


def run(*command, **settings):
    # The time spent, not the time waited: other work on the machine must not fail the test.
    environment = {**os.environ, **settings}
    before = os.times()
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment, check=False)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return done, spent


def test_help_is_quick_and_light():
    script = (
        "import sys\nfrom scalefit.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as left:\n    status = left.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], status, file=sys.stderr)"
    )
    least = float("inf")
    for _ in range(5):  # the least of a few: the first compiles, and what else the machine does is no matter
        done, spent = run("-c", script)
        assert done.stderr.strip() == "[] 0"
        assert "predict" in done.stdout
        least = min(least, spent)
        if least < 0.5:
            break
    assert least < 0.5


def test_a_document_loads_nothing_that_it_does_not_use(quick_fit):
    """Without intervals, which have quantiles of Student's t by SciPy."""
    words = [*quick_fit[2:], "--noise", "huber:1e-3"]
    unused = ("matplotlib", "PIL", "pooch", "requests", "rich", "optax", "numpyro", "polars", "scipy")
    script = (
        f"import sys\nfrom scalefit.cli import main\ntry:\n    main({words!r})\nexcept SystemExit:\n"
        f"    print([name for name in {unused!r} if name in sys.modules], file=sys.stderr)"
    )
    assert run("-c", script)[0].stderr.strip() == "[]"


@pytest.mark.parametrize(
    "command", ["fit", "predict", "forecast", "plan", "curate", "mix", "laws", "data", "demo", "report"]
)
def test_every_command_has_help(cli, command):
    answer = cli(command, "--help")
    assert answer.status == 0
    assert f"scalefit {command}" in answer.out


def test_version(cli):
    assert cli("--version").out.strip() == "0.1.0"


@pytest.fixture(scope="module")
def quick_fit(runs_csv):
    return ("-m", "scalefit.cli", "fit", str(runs_csv), "--law", "chinchilla", "--json")


def test_compiled_code_is_kept(quick_fit, tmp_path):
    folder = tmp_path / "compiled"
    done, _ = run(*quick_fit, "--cache-dir", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    kept = {p.name for p in folder.iterdir()}
    assert kept
    again, _ = run(*quick_fit, SCALEFIT_CACHE=str(folder))
    assert (again.returncode, again.stderr) == (0, "")
    assert {p.name for p in folder.iterdir() if p.name.endswith("-cache")} == {n for n in kept if n.endswith("-cache")}


def test_a_cache_that_cannot_be_written_is_no_failure(quick_fit, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done, _ = run(*quick_fit, "--cache-dir", str(tmp_path / "file" / "below"))
    assert (done.returncode, done.stderr) == (0, "")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
