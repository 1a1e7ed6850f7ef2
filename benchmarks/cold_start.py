"""What a user waits for: importing, the first fit, the first bootstrap, and one whole command.

Each is a process of its own. "Kept" is with JAX's persistent compilation cache, filled by the first such process.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _report import Report, Timing, options

COMMAND = ("fit", "data:epoch-chinchilla", "--law", "chinchilla", "--where", "loss < 3.44", "--noise", "huber:1e-3",
           "--json")  # fmt: skip
KEEP = """
import jax
jax.config.update("jax_compilation_cache_dir", {folder!r})
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
"""
LOAD = """
import scalefit as sf
runs = sf.load_data("epoch-chinchilla").where("loss < 3.44")
"""
FIT = "fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(1e-3))\n"
BOOTSTRAP = "sf.bootstrap(fit, num=1000)\n"


def script(*parts: str, timed: int) -> list[str]:
    """A program whose last parts are timed by itself."""
    before, after = parts[:-timed], parts[-timed:]
    source = "".join(before) + "import time\nbegin = time.perf_counter()\n" + "".join(after)
    return [sys.executable, "-c", source + "print(time.perf_counter() - begin)\n"]


def seconds(program: Sequence[str], inside: bool) -> tuple[float, float]:
    """Of one process: by the clock, its own where it prints them, and of the cores by the whole process."""
    before = os.times()
    begin = time.perf_counter()
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - begin, os.times()
    core = after.children_user + after.children_system - before.children_user - before.children_system
    return (float(done.stdout.splitlines()[-1]) if inside else wall), core


def main() -> None:
    given = options(__doc__)
    report = Report(
        "cold_start",
        "`scalefit fit` on 240 runs as one command, compilation kept: within 1.5 s.",
        ("what", "compiled code", "median s", "least s", "core s, whole process"),
        given,
    )
    command = [str(Path(sys.executable).with_name("scalefit")), *COMMAND]
    with tempfile.TemporaryDirectory() as folder:
        keep = KEEP.format(folder=folder)
        programs: dict[tuple[str, str], tuple[list[str], bool]] = {
            ("python -c pass", "–"): ([sys.executable, "-c", "pass"], False),
            ("import scalefit", "–"): (script("import scalefit\n", timed=1), True),
            ("import scalefit, and all a fit needs", "–"): (script(LOAD, timed=1), True),
            ("first sf.fit", "none"): (script(LOAD, FIT, timed=1), True),
            ("first sf.fit", "kept"): (script(keep, LOAD, FIT, timed=1), True),
            ("first sf.bootstrap of 1,000, after the fit", "none"): (script(LOAD, FIT, BOOTSTRAP, timed=1), True),
            ("first sf.bootstrap of 1,000, after the fit", "kept"): (script(keep, LOAD, FIT, BOOTSTRAP, timed=1), True),
            ("scalefit --help", "–"): ([command[0], "--help"], False),
            ("scalefit fit", "none"): ([*command, "--cache-dir", "off"], False),
            ("scalefit fit", "kept"): ([*command, "--cache-dir", folder], False),
            ("scalefit fit --bootstrap 1000", "kept"): (
                [*command, "--bootstrap", "1000", "--cache-dir", folder], False,
            ),
        }  # fmt: skip
        for (_, cache), program in programs.items():
            if cache == "kept":
                seconds(*program)
        times = {name: Timing() for name in programs}
        for _ in range(1 if given.quick else 5):
            for name, program in programs.items():
                wall, core = seconds(*program)
                times[name].wall.append(wall)
                times[name].core.append(core)
                times[name].others.append(0.0)
    for name, timing in times.items():
        report.add(*name, timing.median, timing.least, timing.core_least, timing=timing)
    report.note("The environment is the caller's, and files are in the cache of the operating system.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
