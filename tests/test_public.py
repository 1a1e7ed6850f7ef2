"""The public names, and what importing them costs."""

import inspect
import json
import os
import subprocess
import sys
from types import ModuleType

import pytest

import scalefit as sf

HEAVY = ["matplotlib", "numpyro", "optax", "optimistix", "pandas", "polars", "pooch", "rich", "scipy", "typer"]
VERBS = ["fit", "bootstrap", "laplace", "predict", "summary", "load_data", "read_runs", "save", "load"]


def in_a_new_process(code: str):
    """The JSON that a script prints, without the run-time checks of the tests, its compiled files kept as is usual."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [n for n in dir(sf) if not n.startswith("__")])
def test_a_public_name_loads_and_says_what_it_is(name):
    assert (inspect.getdoc(getattr(sf, name)) or "").strip()


@pytest.mark.parametrize("family", ["laws", "noise", "params", "plot"])
def test_names_of_a_family_say_what_they_are(family):
    module = getattr(sf, family)
    names = [n for n in dir(module) if not n.startswith("_") and not isinstance(getattr(module, n), ModuleType)]
    assert names
    for name in names:
        member = getattr(module, name)
        if inspect.isclass(member) or inspect.isfunction(member):
            text = (member.__doc__ or "").strip()
            # A dataclass without a sentence of its own is given its signature.
            assert text, name
            assert not text.startswith(f"{name}("), name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(sf, "no_such_" + "name")


def test_importing_loads_neither_jax_nor_any_other_heavy_package():
    loaded = in_a_new_process(
        f"import sys, json, scalefit; print(json.dumps([m for m in {['jax', *HEAVY]} if m in sys.modules]))"
    )
    assert loaded == []


def test_the_main_verbs_load_no_heavy_package_but_jax():
    loaded = in_a_new_process(
        "import sys, json, scalefit as sf\n"
        f"for name in {VERBS}: getattr(sf, name)\n"
        "sf.laws.Chinchilla, sf.noise.Huber\n"
        f"print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    assert loaded == []


def test_importing_changes_no_setting_of_jax():
    changed = in_a_new_process(
        "import json, os, jax\n"
        "before, env = dict(jax.config.values), dict(os.environ)\n"
        "import scalefit as sf\n"
        "for name in dir(sf): getattr(sf, name)\n"
        "changed = [k for k, v in jax.config.values.items() if before.get(k) != v]\n"
        "changed += [k for k, v in os.environ.items() if env.get(k) != v]\n"
        "print(json.dumps(changed))"
    )
    assert changed == []


def test_importing_costs_little_beyond_jax_and_equinox():
    # Time of the processor, and the least of several new processes: what else the machine does is left out.
    script = (
        "import json, time\n"
        "import jax, equinox\n"
        "begun = time.process_time()\n"
        "import scalefit as sf\n"
        "sf.laws.Chinchilla, sf.noise.Huber, sf.fit, sf.load_data\n"
        "print(json.dumps(time.process_time() - begun))"
    )
    least = float("inf")
    for _ in range(10):
        least = min(least, in_a_new_process(script))
        if least < 0.15:
            break
    assert least < 0.15


def test_help_of_the_command_line_needs_no_jax():
    loaded = in_a_new_process(
        "import contextlib, io, json, sys\n"
        "from scalefit.cli import main\n"
        "sys.argv = ['scalefit', '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()\n"
        "print(json.dumps([m for m in ('jax', 'matplotlib', 'polars') if m in sys.modules]))"
    )
    assert loaded == []
