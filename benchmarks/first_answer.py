"""First answers for which a researcher waits: nothing compiled before, each in a process of its own.

Core-seconds and seconds by the clock beyond importing JAX itself, and the programs that XLA compiled. The least of
several processes counts, as other work on the machine can only add to it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _report import Report, options

MEASURE = """
import contextlib, json, os, time
import jax, jax.numpy, jax.monitoring
compiled = [0, 0.0]
def heard(event, seconds, **_):
    if event == "/jax/core/compile/backend_compile_duration":
        compiled[0] += 1
        compiled[1] += seconds
jax.monitoring.register_event_duration_secs_listener(heard)
steps = {}
@contextlib.contextmanager
def step(name):
    before, core, wall = list(compiled), sum(os.times()[:4]), time.perf_counter()
    yield
    took = time.perf_counter() - wall, sum(os.times()[:4]) - core
    steps[name] = [took[1], took[0], compiled[0] - before[0], compiled[1] - before[1]]
"""

CHINCHILLA = """
with step("fit"):
    import scalefit as sf
    runs = sf.load_data("epoch-chinchilla").where("loss < 3.44")
    fit = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.Huber(1e-3))
"""

OWN = """
with step("fit"):
    import jax.numpy as jnp
    import scalefit as sf
    from scalefit.params import nonnegative, positive

    class Mine(sf.laws.AbstractLaw):
        inputs = {"N": "parameters", "D": "tokens"}
        E: object = nonnegative(unit="target", amplitude=True)
        A: object = positive(dims={"parameters": lambda law: law.alpha})
        B: object = positive(dims={"tokens": lambda law: law.beta})
        alpha: object = positive()
        beta: object = positive()
        gamma: object = positive()

        def __call__(self, N, D):
            capacity = jnp.log(self.A) - self.alpha * jnp.log(N)
            data = jnp.log(self.B) - self.beta * jnp.log(D)
            return self.E + (jnp.exp(capacity / self.gamma) + jnp.exp(data / self.gamma)) ** self.gamma

    runs = sf.load_data("epoch-chinchilla").where("loss < 3.44")
    fit = sf.fit(Mine, runs, noise=sf.noise.Huber(1e-3))
"""

LAW = """
with step("fit"):
    import scalefit as sf
    runs = sf.load_data("epoch-chinchilla").where("loss < 3.44")
    fit = sf.fit(sf.laws.{law}, runs, noise=sf.noise.Huber(1e-3))
"""

BNSL = """
import numpy as np
x = np.geomspace(1e3, 1e9, 120)
curve = 0.3 + 4.0 * x**-0.1 * (1 + (x / 1e5) ** 2) ** -0.1 * (1 + (x / 1e7) ** 2) ** 0.06
loss = curve * np.exp(0.01 * np.random.default_rng(0).standard_normal(x.size))
with step("fit"):
    import scalefit as sf
    fit = sf.fit(sf.laws.BNSL.of(2), sf.Runs(loss, x=x), noise=sf.noise.Huber(1e-3))
"""

POOLS = """
import numpy as np
rng = np.random.default_rng(0)
names, size = ("A", "B", "C", "D"), 1e6
w = np.concatenate([np.repeat(np.eye(4), 16, axis=0), rng.dirichlet(np.ones(4), 64)])
n = np.concatenate([np.tile(np.geomspace(1e5, 3e7, 16), 4), np.exp(rng.uniform(np.log(1e5), np.log(3e7), 64))])
with step("import"):
    import scalefit as sf
law = sf.laws.PoolsQQT.of(names)
true = law.__class__(d=0.1, a=0.02, b=[-0.2, -0.16, -0.12, -0.09], tau=[8.0, 6.0, 5.0, 3.0], pool=names).covering(32)
given = {"n": n} | {f"w[{k}]": w[:, i] for i, k in enumerate(names)} | {f"U[{k}]": np.full(len(n), size) for k in names}
with step("simulation"):
    value = np.asarray(jax.jit(jax.vmap(lambda n, w: true(n, w, np.full(4, size))))(n, w), float)
runs = sf.Runs(value * np.exp(0.01 * rng.standard_normal(len(n))), **given)
with step("fit"):
    fit = sf.fit(law, runs, noise=sf.noise.Huber(1e-3))
"""

BOOTSTRAP = """
with step("bootstrap"):
    draws = sf.bootstrap(fit, num=1000)
"""

SAMPLE = """
with step("sample"):
    robust = sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.StudentT())
    draws = sf.sample(robust, num=2000, cluster=None, method="is")
    sf.loo(draws), sf.check(draws)
with step("another number"):
    draws = sf.sample(robust, num=1500, cluster=None, method="is")
    sf.loo(draws), sf.check(draws)
"""

NUTS = """
with step("nuts"):
    sf.sample(sf.fit(sf.laws.Chinchilla, runs, noise=sf.noise.StudentT()), num=1000, cluster=None, method="nuts")
"""

PLANS = """
with step("allocate"):
    sf.allocate(fit, budget=1e23)
with step("predict"):
    sf.predict(fit, N=7e10, D=1.4e12)
"""

CURATE = """
with step("curate"):
    sf.curate(fit, sf.Pools(dict.fromkeys(names, size)), budget=[1e6, 4e6])
"""

MIXTURE = """
import csv, tempfile
from pathlib import Path
import numpy as np
rng = np.random.default_rng(0)
domains, targets = [f"d{i}" for i in range(17)], [f"loss {i}" for i in range(13)]
w, t = rng.dirichlet(np.ones(17), 512), rng.normal(0.0, 1.0, (13, 17))
loss = (2.0 + 0.5 * np.exp(w @ t.T)) * np.exp(0.002 * rng.standard_normal((512, 13)))
folder = Path(tempfile.mkdtemp())
for name, columns, table in (("ratios", domains, w), ("metrics", targets, loss)):
    with open(folder / f"{name}.csv", "w", newline="") as file:
        csv.writer(file).writerows([["run", *columns], *([i, *row] for i, row in enumerate(table.tolist()))])
with step("mixture"):
    import scalefit as sf
    runs = sf.read_mixtures(folder / "ratios.csv", folder / "metrics.csv")
    fits = sf.fit(sf.laws.MixingExp, runs, by="target", noise=sf.noise.Gaussian(log=False))
    best = sf.optimise_mixture(fits)
    assert best.treatments[best.recommended].gap < 1e-9
"""

TEN = (
    OWN
    + """
with step("ten"):
    from scalefit.laws import BNSL, Chinchilla, Kaplan, PowerLaw
    point, _ = runs.select(("N", "D", "C"))
    alone = {name: sf.Runs(runs.target, x=column) for name, column in point.items()}
    for law, table, options in (
        (Chinchilla, runs, {}),
        (Chinchilla, runs, {"tie": {"beta": "alpha"}}),
        (Chinchilla(E=1.8), runs, {"fixed": "E"}),
        (Kaplan, runs, {}),
        (Mine, runs, {}),
        (Mine(gamma=1.0), runs, {"fixed": "gamma"}),
        (PowerLaw, alone["N"], {}),
        (PowerLaw, alone["D"], {}),
        (PowerLaw, alone["C"], {}),
        (BNSL, alone["C"], {}),
    ):
        sf.bootstrap(sf.fit(law, table, throw=False, **options), num=1000)
"""
)

COMMAND = ("fit", "data:epoch-chinchilla", "--law", "chinchilla", "--where", "loss < 3.44", "--bootstrap", "1000",
           "--json")  # fmt: skip
"""What a person types."""

ROWS: tuple[tuple[str, tuple[str, ...], str, str, str, str], ...] = (
    # what, program, steps, before, at most, aim; where a law simulates its runs, that is what first needs the package
    ("import and first fit of Chinchilla, 240 runs", (CHINCHILLA,), "fit", "8.7", "2.0", "1.2"),
    ("the same for a law of one's own", (OWN,), "fit", "–", "3.0", "2.0"),
    ("the same for Kaplan", (LAW.format(law="Kaplan"),), "fit", "15", "3.0", "2.0"),
    ("the same for BNSL of two breaks", (BNSL,), "fit", "–", "3.0", "2.0"),
    ("the same for PoolsQQT of four pools", (POOLS,), "import, simulation, fit", "–", "3.0", "2.0"),
    ("then first bootstrap of 1,000 draws", (CHINCHILLA, BOOTSTRAP), "bootstrap", "6.9", "1.0", ".5"),
    ("then Student-t, 2,000 draws by importance, loo, check", (CHINCHILLA, SAMPLE), "sample", "30", "3.0", "1.5"),
    ("the same with another number of draws", (CHINCHILLA, SAMPLE), "another number", "9", ".3", ".1"),
    ("first NUTS", (CHINCHILLA, NUTS), "nuts", "16", "8", "5"),
    ("first allocate", (CHINCHILLA, PLANS), "allocate", "2.4", ".5", "–"),
    ("first predict", (CHINCHILLA, PLANS), "predict", ".3", ".1", "–"),
    ("first curate of four pools", (POOLS, CURATE), "curate", "–", "2", "–"),
    ("two tables of mixtures to the best weights, 17 domains", (MIXTURE,), "mixture", "–", "5", "–"),
    ("ten laws fitted and bootstrapped on one table", (TEN,), "ten", "minutes", "25", "15"),
)
COMMANDS = (
    # what, words, programs, before, at most, aim
    ("scalefit fit --bootstrap 1000, nothing kept", COMMAND, "off", "16", "4", "3"),
    ("scalefit fit --bootstrap 1000, kept", COMMAND, "kept", "1.5", "1.2", "1.0"),
    ("scalefit demo, nothing kept, by the clock", ("demo",), "off", "39 to 70", "15", "10"),
)


def run(parts: tuple[str, ...]) -> dict[str, list[float]]:
    """A program in a process of its own: by step, core-seconds, seconds, programs compiled and their seconds."""
    source = MEASURE + "".join(parts) + "print(json.dumps(steps))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", source], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def command(words: tuple[str, ...], cache: str, folder: str) -> list[float]:
    """A whole command in a folder, JAX's own import and Python's reading of bytecode included: core-s and seconds."""
    line = [str(Path(sys.executable).with_name("scalefit")), *words, "--cache-dir", cache]
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, begin = os.times(), time.perf_counter()
    subprocess.run(line, capture_output=True, check=True, cwd=folder, env=settings)
    after = os.times()
    core = after.children_user + after.children_system - before.children_user - before.children_system
    return [core, time.perf_counter() - begin]


def together(found: dict[str, list[float]], steps: str) -> list[float]:
    """The sums over some steps, named with commas between."""
    return [sum(column) for column in zip(*(found[step] for step in steps.split(", ")), strict=True)]


def least(found: list[list[float]]) -> list[Any]:
    """Each number at its least."""
    return [min(column) for column in zip(*found, strict=True)]


def main() -> None:
    given = options(__doc__)
    report = Report(
        "first_answer",
        "First answers, nothing compiled before: core-seconds beyond importing JAX.",
        ("what", "before", "at most", "aim", "core s", "wall s", "programs", "compiling s"),
        given,
    )
    repeats = 1 if given.quick else 5
    done: dict[tuple[str, ...], list[dict[str, list[float]]]] = {}
    for what, parts, steps, before, most, aim in ROWS:
        if parts not in done:
            try:
                done[parts] = [run(parts) for _ in range(repeats)]
            except RuntimeError as error:
                done[parts] = []
                report.note(f"{what}: {str(error).strip().splitlines()[-1][:120]}")
        if done[parts]:
            core, wall, programs, seconds = least([together(one, steps) for one in done[parts]])
            report.add(what, before, most, aim, core, wall, int(programs), seconds)
    with tempfile.TemporaryDirectory() as folder:
        for what, words, cache, before, most, aim in COMMANDS:
            where = "off" if cache == "off" else str(Path(folder) / "kept")
            if cache == "kept":
                command(words, where, folder)
            core, wall = least([command(words, where, folder) for _ in range(repeats)])
            report.add(what, before, most, aim, core, wall, None, None)
    report.note(f"Least of {repeats}; the columns before, at most and aim are the targets that were set.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
