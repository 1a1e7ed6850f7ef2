"""Settings of every test: shapes checked at run time, JAX's switches by folder, where public data lie."""

import contextlib
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest
import runtime_checks
from jaxtyping import config

# Before any test imports the package: every annotated array of it is checked at run time, in tests only.
runtime_checks.install()

# Workers share the cores: threads of BLAS would only wait for each other. Workers and commands inherit this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# XLA writes to standard error where a busy machine compiles slowly, and there tests ask what a command says.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

TESTS = Path(__file__).parent
ARRAY_FOLDERS = {"solve", "params", "laws", "noise"}
"""Folders of array functions: 64 bits and strict promotion there; everything else runs under JAX's default setting."""
COMPILED_PLAINLY = (
    "solve", "noise", "results", "laws/test_contract.py", "laws/test_pools.py", "plan/design", "plan/mixtures",
    "plan/sizes", "cli/test_design.py", "estimate/test_bootstrap.py", "estimate/test_composed.py",
    "estimate/test_devices.py", "estimate/test_limits.py",
)  # fmt: skip
"""Where nearly every test has programs of its own and runs them once: without XLA's optimisations these are compiled in
half the time, and give the same to rounding."""

FOLDER = "SCALEFIT_DATA"
_BESIDE = TESTS.parent.parent / "shared" / "data"
if not os.environ.get(FOLDER) and _BESIDE.is_dir():
    # Here and not in a fixture: tests may ask for it when they are collected.
    os.environ[FOLDER] = str(_BESIDE)


COMPILED = "SCALEFIT_TESTS_COMPILED"
KEEP = "SCALEFIT_TESTS_KEEP"
"""A folder in which compiled programs outlive the run, for one who runs the same tests again and again."""


def pytest_configure(config: pytest.Config) -> None:
    """Share compiled programs among workers: most of the suite's time is compilation."""
    # Each look for garbage walks all that tests and JAX have made so far.
    gc.set_threshold(50_000, 10, 10)
    if not hasattr(config, "workerinput"):
        os.environ[COMPILED] = os.environ.get(KEEP) or tempfile.mkdtemp(prefix="scalefit-tests-")
    jax.config.update("jax_compilation_cache_dir", os.environ[COMPILED])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # An entry that another worker is still writing is compiled anew.
    config.addinivalue_line("filterwarnings", "ignore:Error reading persistent compilation cache")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing is kept between runs of the suite unless asked for."""
    if not hasattr(config, "workerinput") and not os.environ.get(KEEP):
        shutil.rmtree(os.environ[COMPILED], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture, as those of a module compile too."""
    plainly = any(item.path.is_relative_to(TESTS / place) for place in COMPILED_PLAINLY)
    jax.config.update("jax_disable_most_optimizations", plainly)


@pytest.fixture(autouse=True)
def _jax_settings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Array functions meet strict settings, host verbs the default ones; contexts, so that no test changes another."""
    with contextlib.ExitStack() as stack:
        if request.path.relative_to(TESTS).parts[0] in ARRAY_FOLDERS:
            stack.enter_context(jax.enable_x64(True))
            stack.enter_context(jax.numpy_rank_promotion("raise"))
            stack.enter_context(jax.numpy_dtype_promotion("strict"))
        yield


@pytest.fixture(autouse=True)
def _calls_checked() -> None:
    """Every test has its first calls checked."""
    runtime_checks.CALLS.clear()


@pytest.fixture(autouse=True)
def _figures_closed() -> Iterator[None]:
    """Pyplot, where some test brought it in, keeps every figure until it is told otherwise."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Annotations are not checked, as in a user's program: for what is said of an argument of another type."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def public_data() -> Path:
    """The folder of public data sets; the test is skipped where there is none, and fails there under `CI=true`."""
    folder = os.environ.get(FOLDER)
    if not folder:
        pytest.skip(f"needs public data: set {FOLDER} to the folder that holds them")
    return Path(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Under `CI=true` a test that is skipped for want of public data fails: there it must run."""
    report = yield
    if report.skipped and FOLDER in str(report.longrepr) and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped for want of public data, and must run where CI=true; set {FOLDER}"
    return report
