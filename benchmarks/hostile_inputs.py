"""Mutated tables, flags, files of sweeps, laws and saved folders: each ends in an answer or a sentence.

Every input is one that works, of which one to three things were changed at random. What counts as a fault: an exception
that no command expects, more than a minute, NaN or infinity printed as a number, a document that is no JSON, a file
of an earlier result that is gone.

    python hostile_inputs.py --count 2000 --seed 0 [--kind tables] [--verbose] [--json FILE]
"""

import argparse
import contextlib
import io
import json
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _report import Options, Report
from typer.testing import CliRunner

import scalefit as sf
from scalefit.cli import main

MINUTE = 60
ENDS = {0: "answered", 2: "refused", 3: "not converged", 4: "chunks failed"}
"""What the status of a command says."""
COLUMNS = ("kind", "inputs", *ENDS.values(), "faults")
CELLS = [
    "", " ", "0", "-1", "1e400", "nan", "inf", "-inf", "1e-320", "1,000", "1.000,5", "—", "n/a", "12%", "7B", "1e9",
    "0x10", "1_000", "'", '"', '""', "=1+1", "\x00", "\x1b[31m", "\u202e", "é", "None", "true", "[1, 2]", "{}", "1e21",
    "1e-9", "9" * 400, "$x_{$", "[bold]", "2024-01-01", "+1", ".5", "1e", "--", "\\", "a;b", "a\tb",
]  # fmt: skip
HEADERS = [
    "", "loss", "N", "D", "C", "x", "params", "tokens", "Params (M)", "tokens (B)", "FLOPs (1E21)", "compute (PF-days)",
    "log10_N", "tokens_per_param", "se", "run", "step", "seed", "group", "pool", "target", "w[a]", "w[b]", "U", "n",
    "ppl", "accuracy", "Unnamed: 0", "$\\frac{$", "\x1b[1m", "a" * 300, "loss ", "LOSS", "N ", "[N]", "N[", "x" * 2,
]  # fmt: skip
FLAGS: dict[str, list[str]] = {
    "--noise": ["gaussian", "huber", "huber:0", "huber:1e-3:value", "student-t:1", "student-t:-1", "asymmetric:10",
                "asymmetric:1e300", "gaussian:absolute", "gaussian:value:absolute", "cauchy", ":", "huber:nan"],
    "--fixed": ["E=1.7", "E=0", "E=-1", "E=nan", "alpha=1e300", "Q=1", "E", "=", "E=1,2", "alpha=0", "t[a]=1"],
    "--by": ["model", "data", "N", "loss", "nothing", "", "se"],
    "--target": ["loss", "N", "model", "nothing", ""],
    "--columns": ["N=params", "x=params", "N=", "=N", "loss=N", "N=tokens,D=params", "N=a,N=b", "run=model"],
    "--where": ["N > 1e8", "loss < 0", "N", "N >", "model == 'p'", "1 == 1", "N > 1e8 and", "()"],
    "--level": ["0.5", "0", "1", "1e-9", "nan", "x"],
    "--starts": ["1", "0", "x", "3"],
    "--max-steps": ["1", "0", "5", "x"],
    "--seed": ["0", "-1", "3", "x", "99999999999999999999"],
    "--bootstrap": ["2", "20", "1", "x", "10000000000"],
    "--solver": ["newton", "lbfgs", "nothing"],
    "--pool-size": ["A=1", "A", "=", "A=-1"],
    "--law": ["chinchilla", "power-law", "kaplan", "bnsl:1", "bnsl:0", "sigmoid", "qqt", "data-constrained", "",
              "nothing.py:Law", "pools-qqt", "chinchilla:2", "overtraining", "downstream-error"],
    "--cluster": ["none", "model", "auto", "nothing"],
}  # fmt: skip
LAW = """
from typing import ClassVar
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import scalefit as sf
from scalefit.params import Param, interval, nonnegative, ordered, positive, real, simplex

class Own(sf.laws.AbstractLaw):
    inputs: ClassVar = {"N": "parameters", "D": "tokens"}
    E: Param = nonnegative(amplitude=True)
    A: Param = nonnegative(amplitude=True, dims={"parameters": lambda law: law.alpha})
    alpha: Param = nonnegative()

    def __call__(self, N, D):
        return self.E + self.A * N ** -self.alpha
"""
LAWS = {
    '{"N": "parameters", "D": "tokens"}': [
        '{}', 'None', '[]', '{"N": None, "D": ""}', '{"N": sf.laws.Fraction(), "D": "tokens"}',
        '{"N[a]": "parameters", "D": "tokens"}', '{"N": sf.laws.Label(axis="a"), "D": "tokens"}',
        '{"N": "share", "D": "tokens"}', '{"": "x", "D": "tokens"}', '{"w[a]": "share", "N": "x", "D": "y"}',
        '{"N": sf.laws.Count("tokens"), "D": sf.laws.Series("x")}',
    ],
    'return self.E + self.A * N ** -self.alpha': [
        'return self.E', 'return None', 'return 1', 'return 1.0', 'return jnp.nan * self.E', 'return [self.E]',
        'return jnp.stack([self.E, self.A])', "raise ValueError('no')", 'raise KeyboardInterruptX',
        'return self.E + np.log(N)', 'return self.E - self.A * N', 'return self.E if N > 1 else self.A',
        'return self.missing', 'return self.E * self.A * self.alpha', 'print(N); return self.E + self.A / N',
        'return self.E + self.A * N ** (-1e6 * self.alpha)', 'raise SystemExit', 'raise GeneratorExit',
        'return jnp.exp(self.E * 1e300) + self.A * N', 'return str(self.E)', 'return N', 'import os; return -self.E',
    ],
    'alpha: Param = nonnegative()': [
        'alpha: Param = interval(1, 0)', 'alpha: Param = interval(0, 1e-12)', 'alpha: float = 0.3', 'alpha = 0.3',
        'alpha: Param = real(typical=(0, 0))', "alpha: Param = simplex(axis='a')",
        'alpha: Param = positive(typical=(1, -1))', "alpha: Param = ordered(axis='b')",
        'alpha: Param = nonnegative(amplitude=True)', 'alpha: Param = 3',
        "alpha: Param = nonnegative(dims={'x': 1.0})", "alpha: Param = nonnegative(unit='$\\\\frac{$')",
        "alpha: Param = nonnegative(axis='N')",
    ],
    'class Own(': [
        'class Other(', 'x = 1 / 0\nclass Own(', 'import nothing\nclass Own(', 'class Own(:',
        '@eqx.filter_jit\nclass Own(',
    ],
}  # fmt: skip
"""What stands in the law, and what may stand there instead."""
SWEEP = """
laws = ["chinchilla"]
noises = ["gaussian"]
splits = ["all"]
seeds = 1

[[sources]]
runs = "runs.csv"
"""
SWEEPS = {
    '["chinchilla"]': [
        '[]', '"chinchilla"', '["nothing"]', '[1]', '["power-law"]', '[{law = "chinchilla", fixed = {E = 1.7}}]',
        '[{law = "chinchilla", fixed = {Q = 1}}]', '["chinchilla", "chinchilla"]', '{}',
    ],
    '["gaussian"]': [
        '[]', '["nothing"]', '3', '["huber:1e-3", "gaussian:absolute"]', '[[]]',
    ],
    '["all"]': [
        '[]', '["resample"]', '["random:0.5"]', '["random:2"]', '["nothing"]', '["above:N:0.5"]', '1',
    ],
    'seeds = 1': [
        'seeds = 0', 'seeds = -1', "seeds = 'x'", 'seeds = [1, 1]', 'seeds = 1e9', 'nothing = 1', 'seeds = [',
    ],
    'runs = "runs.csv"': [
        'runs = "nothing.csv"', '', 'runs = "runs.csv"\nby = "model"', 'runs = "runs.csv"\nby = "nothing"',
        'runs = 1', 'runs = "runs.csv"\nwhere = "N > 1e99"', 'runs = "data:nothing"',
        'runs = "runs.csv"\ncolumns = {x = "params"}',
    ],
}  # fmt: skip
"""What stands in the sweep, and what may stand there instead."""

OPTIONS = {
    "level": ["0.9", "1", "'x'", "nan", "[0.9]", "true"], "seed": ["3", "-1", "1.5", "'x'", "true"],
    "noise": ["'gaussian'", "'cauchy'", "3", "{}"], "law": ["'chinchilla'", "'bnsl:1'", "''", "1"],
    "by": ["'model'", "['model', 'loss']", "''", "1"], "fixed": ["'E=1.7'", "['E=0', 'alpha=0.3']", "{}", "{E = 1.7}"],
    "bootstrap": ["20", "0", "'x'", "1e2"], "where": ["'N > 1e8'", "'N >'", "1"], "json": ["true", "1", "'x'"],
    "budget": ["1e21", "'1e21,1e22'", "-1", "'x'", "[]"], "nothing": ["1"], "config": ["'more.toml'"], "": ["1"],
    "columns": ["'N=params'", "['N=params', 'D=tokens']", "{}"], "new-run": ["true", "'yes'", "0"],
    "target-loss": ["2.5", "1", "'x'"], "most": ["3", "0", "2.5"], "deep": ["true", "'x'"], "max-passes": ["4", "-1"],
}  # fmt: skip
"""Options of commands, and what a file of them or `--set` may give them; the first works."""
OF = {
    "fit": ["level", "seed", "noise", "by", "fixed", "bootstrap", "where", "json", "columns"],
    "predict": ["level", "new-run", "json"],
    "plan": ["budget", "target-loss", "json", "level", "max-passes"],
    "design": ["most", "budget", "json"],
    "report": ["json"],
    "compare": ["noise", "seed", "where", "json", "columns"],
    "check": ["where", "columns", "deep", "json"],
    "laws": ["json"],
    "schema": [],
}
"""Options that commands have."""
CALLS = {
    "sf.ScalingLaw({}, noise={}, fixed={}).fit({}).predict({}, interval={})": [
        ["'chinchilla'", "'power-law'", "sf.laws.Chinchilla", "sf.laws.Chinchilla(E=1.7)", "'nothing'", "3", "None"],
        ["None", "'gaussian'", "sf.noise.Huber(1e-3)", "'cauchy'", "1"],
        ["None", "{'E': 1.7}", "{'Q': 1}", "{'E': float('nan')}", "['E']", "{'E': 'x'}"],
        ["table", "runs", "path", "{}", "None", "[table, table]", "np.ones((5, 2))", "table['loss']", "runs.target"],
        ["table", "{'N': 1e9, 'D': 2e10}", "{'N': 1e9}", "{'N': -1, 'D': 1e9}", "{'N': 'x', 'D': 1}", "None", "[]"],
        ["None", "0.9", "1.0", "'x'", "True"],
    ],
    "sf.ScalingLaw({}).fit({}, {}).score({}, {})": [
        ["'chinchilla'", "'power-law'"],
        ["np.stack([N, D], 1)", "table", "np.ones((3, 2))", "np.stack([N, -D], 1)", "np.ones(4)", "[[1, 'x']]"],
        ["loss", "None", "loss[:3]", "-loss", "loss * np.nan", "'loss'", "np.stack([loss, loss], 1)"],
        ["table", "np.stack([N, D], 1)[:2]", "runs", "None"],
        ["None", "loss[:2]", "loss"],
    ],
    "sf.ScalingLaw('chinchilla').set_params({}).fit(table).summary({})": [
        [
            "law='kaplan'",
            "nothing=1",
            "seed='x'",
            "max_steps=0",
            "num_starts=2",
            "target='nothing'",
            "columns={'N': 1}",
        ],
        ["", "level=0.5", "level=2"],
    ],
    "sf.per_run({}, {}{})": [
        ["checkpoints", "runs", "table", "None", "checkpoints.where('loss < 0')"],
        ["'last'", "'least'", "'smoothed'", "'first'", "None", "3"],
        ["", ", window=3", ", window=0", ", window='x'", ", window=1000"],
    ],
    "sf.read_runs({}, columns={}, target={})": [
        [
            "table",
            "[{**{k: v[0] for k, v in table.items()}}]",
            "[{}]",
            "[1]",
            "path",
            "b'x'",
            "{'loss': []}",
            "iter([])",
        ],
        ["None", "{}", "{'N': 'params'}", "{'N': None}", "{1: 2}", "'N'"],
        ["None", "'loss'", "('loss', 'params')", "()", "1"],
    ],
}
"""Calls of Python, and what may stand in each place."""
BEFORE = """
import warnings
import numpy as np
import scalefit as sf
warnings.simplefilter("ignore")
path = {path!r}
runs = sf.read_runs(path)
table = {{k: np.asarray(v) for k, v in runs.columns.items()}}
N, D, loss = runs.inputs["N"], runs.inputs["D"], runs.target
checkpoints = sf.Runs(loss, N=N, D=D, run=["a", "b"] * 8)
"""

Mutation = Callable[[np.random.Generator, Path], list[str]]


def table(rng: np.random.Generator) -> list[list[str]]:
    """Sixteen runs of Chinchilla's law in two groups."""
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(2e7, 2e9, 4), np.geomspace(1e9, 1e11, 4)))
    loss = (1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37) * np.exp(2e-3 * rng.standard_normal(16))
    rows = [[f"{n:g}", f"{d:g}", f"{y:.5g}", "pq"[k % 2]] for k, (n, d, y) in enumerate(zip(N, D, loss, strict=True))]
    return [["params", "tokens", "loss", "model"], *rows]


def written(rows: list[list[str]], path: Path, separator: str = ",") -> None:
    path.write_text("\n".join(separator.join(row) for row in rows) + "\n", encoding="utf-8", errors="surrogatepass")


def tables(rng: np.random.Generator, folder: Path) -> list[str]:
    rows = table(rng)
    for _ in range(rng.integers(1, 4)):
        i, j = int(rng.integers(len(rows))), int(rng.integers(len(rows[0])))
        kind = rng.integers(9)
        if kind <= 3:
            rows[i][j % len(rows[i])] = str(rng.choice(CELLS))
        elif kind == 4:
            rows[0][j % len(rows[0])] = str(rng.choice(HEADERS))
        elif kind == 5:
            for row in rows[1:]:
                row[j % len(row)] = str(rng.choice(CELLS)) if rng.random() < 0.5 else rows[1][j % len(rows[1])]
        elif kind == 6:
            rows[i] = rows[i][:-1] or [""]
        elif kind == 7:
            del rows[max(1, int(rng.integers(len(rows)))) :]
        else:
            extra = str(rng.choice(HEADERS))
            rows = [[*row, extra if k == 0 else str(rng.choice(CELLS))] for k, row in enumerate(rows)]
    path = folder / str(
        rng.choice(["runs.csv", "runs.tsv", "runs.csv.gz", "runs.json", "runs.txt"], p=[0.86, 0.05, 0.03, 0.03, 0.03])
    )
    written(rows, path, str(rng.choice([",", ";", "\t"], p=[0.9, 0.05, 0.05])))
    if rng.random() < 0.1:
        data = bytearray(path.read_bytes())
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(data))
    more = ["--by", "model"] if rng.random() < 0.2 else []
    return [
        "fit",
        str(path),
        "--law",
        str(rng.choice(["chinchilla", "power-law"], p=[0.9, 0.1])),
        *more,
        *_shape(rng, folder),
    ]


def flags(rng: np.random.Generator, folder: Path) -> list[str]:
    written(table(rng), folder / "runs.csv")
    found = ["fit", str(folder / "runs.csv"), "--law", "chinchilla"]
    for _ in range(rng.integers(1, 4)):
        flag = str(rng.choice(list(FLAGS)))
        if flag == "--law":
            found[3] = str(rng.choice(FLAGS[flag]))
        else:
            found += [flag, str(rng.choice(FLAGS[flag]))]
    return found + _shape(rng, folder)


def laws(rng: np.random.Generator, folder: Path) -> list[str]:
    written(table(rng), folder / "runs.csv")
    text = LAW
    for old in rng.choice(list(LAWS), rng.integers(1, 3), replace=False):
        text = text.replace(str(old), str(rng.choice(LAWS[str(old)])), 1)
    (folder / "own.py").write_text(text, encoding="utf-8")
    if rng.random() < 0.2:
        return ["laws", f"{folder / 'own.py'}:Own"]
    return ["fit", str(folder / "runs.csv"), "--law", f"{folder / 'own.py'}:Own", *_shape(rng, folder)]


def sweeps(rng: np.random.Generator, folder: Path) -> list[str]:
    written(table(rng), folder / "runs.csv")
    text = SWEEP
    for old in rng.choice(list(SWEEPS), rng.integers(1, 3), replace=False):
        text = text.replace(str(old), str(rng.choice(SWEEPS[str(old)])), 1)
    (folder / "sweep.toml").write_text(text, encoding="utf-8")
    return ["sweep", str(folder / "sweep.toml"), "--out", str(folder / "out")]


def saved(rng: np.random.Generator, folder: Path) -> list[str]:
    result = folder / "result"
    shutil.copytree(_saved(), result)
    names = ["result.json", "arrays.npz", "runs.parquet"]
    path = result / str(rng.choice(names, p=[0.7, 0.15, 0.15]))
    kind = rng.integers(6)
    data = path.read_bytes()
    if kind == 0:
        path.unlink()
    elif kind == 1:
        path.write_bytes(data[: int(rng.integers(len(data)))])
    elif kind == 2:
        changed = bytearray(data)
        for _ in range(3):
            changed[int(rng.integers(len(data)))] = int(rng.integers(256))
        path.write_bytes(bytes(changed))
    elif path.name == "result.json":
        path.write_text(json.dumps(_changed(json.loads(data), rng)))
    elif kind == 3:
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(b"")
    command = str(rng.choice(["predict", "plan", "design"]))
    more = {"predict": ["N=1e9", "D=2e10"], "plan": ["--budget", "1e21"],
            "design": ["--candidates", "isoflop:1e18,1e19", "--budget", "1e20"]}[command]  # fmt: skip
    return [command, str(result), *more, *(["--json"] if rng.random() < 0.5 else [])]


def options(rng: np.random.Generator, folder: Path) -> list[str]:
    """Options from a file and from `--set`, of commands that begin with runs or with a result."""
    written(table(rng), folder / "runs.csv")
    commands = {
        "fit": [str(folder / "runs.csv"), "--law", "chinchilla"], "predict": [str(_saved()), "N=1e9", "D=2e10"],
        "plan": [str(_saved())], "design": [str(_saved()), "--candidates", "isoflop:1e18,1e19"],
        "report": [str(_saved())], "compare": [str(folder / "runs.csv"), "--law", "chinchilla", "--law", "power-law"],
        "schema": [str(rng.choice(["fit", "plan", "nothing", ""]))],
        "check": [str(folder / "runs.csv"), "--law", "chinchilla"], "laws": [],
    }  # fmt: skip
    command = str(rng.choice(list(commands)))
    known = OF[command] if OF[command] and rng.random() < 0.85 else list(OPTIONS)
    names = rng.choice(known, min(int(rng.integers(1, 4)), len(known)), replace=False).tolist()
    chosen = {k: OPTIONS[k][0] if rng.random() < 0.6 else str(rng.choice(OPTIONS[k])) for k in names}
    found = [command, *commands[command]]
    if rng.random() < 0.5:
        name = str(rng.choice(["options.toml", "options.yaml", "options.txt"], p=[0.6, 0.3, 0.1]))
        sign = ": " if name.endswith("yaml") else " = "
        lines = [f"{k or rng.choice(['', '[x]', chr(0)])}{sign}{v}" for k, v in chosen.items()]
        (folder / name).write_text("\n".join(lines) + "\n")
        found += ["--config", str(folder / str(rng.choice([name, name, name, "missing.toml"])))]
    else:
        found += [word for k, v in chosen.items() for word in ("--set", f"{k}={v.strip(chr(39))}")]
    return found


def calls(rng: np.random.Generator, folder: Path) -> list[str]:
    """A call of Python, as `python` and its text."""
    written(table(rng), folder / "runs.csv")
    call = str(rng.choice(list(CALLS)))
    # The first of each is what works.
    given = [one[0] if rng.random() < 0.6 else str(rng.choice(one)) for one in CALLS[call]]
    return ["python", call.format(*given), str(folder / "runs.csv")]


KINDS: dict[str, Mutation] = {
    "tables": tables, "flags": flags, "laws": laws, "sweeps": sweeps, "saved": saved, "options": options, "calls": calls
}  # fmt: skip
SHARES = {"tables": 0.4, "flags": 0.15, "laws": 0.1, "sweeps": 0.05, "saved": 0.1, "options": 0.1, "calls": 0.1}


def _shape(rng: np.random.Generator, folder: Path) -> list[str]:
    """How the answer is asked for: in words, as a document, with a folder."""
    kind = rng.random()
    if kind < 0.15:
        shutil.copytree(_saved(), folder / "result")
        return ["--out", str(folder / "result")]
    return ["--json"] if kind < 0.5 else []


def _saved() -> Path:
    """A folder with a result, made once."""
    if not _made:
        place = Path(tempfile.mkdtemp())
        written(table(np.random.default_rng(0)), place / "runs.csv")
        done = CliRunner().invoke(
            main, ["fit", str(place / "runs.csv"), "--law", "chinchilla", "--out", str(place / "out")]
        )
        assert done.exit_code == 0, done.output
        _made.append(place / "out")
    return _made[0]


_made: list[Path] = []


def _changed(document: Any, rng: np.random.Generator) -> Any:
    """A document with one thing in it changed."""
    if isinstance(document, dict) and document and rng.random() < 0.9:
        key = str(rng.choice(list(document)))
        kind = rng.random()
        if kind < 0.15:
            return {k: v for k, v in document.items() if k != key}
        return {**document, key: _changed(document[key], rng)}
    if isinstance(document, list) and document and rng.random() < 0.8:
        place = int(rng.integers(len(document)))
        return [*document[:place], _changed(document[place], rng), *document[place + 1 :]]
    return [None, 3, -1.5, "text", [], {}, True, 1e300, [1, 2]][int(rng.integers(9))]


class TooLong(BaseException):
    """More than a minute."""


def _alarm(*_: Any) -> None:
    raise TooLong


def end_of(given: list[str], folder: Path) -> tuple[str, str | None]:
    """How a command ends, and what is wrong with that; `None` where all is well."""
    before = {path.name for path in (folder / "result").iterdir()} if (folder / "result").is_dir() else set()
    signal.alarm(MINUTE)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            done = CliRunner().invoke(main, given, env={"SCALEFIT_CACHE": "off"})
    except TooLong:
        return "faults", "more than a minute"
    except BaseException as error:
        return "faults", f"raised {type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    fault = _fault_of(done, given, folder, before)
    return ("faults" if fault else ENDS[done.exit_code]), fault


def end_of_call(text: str, path: str) -> tuple[str, str | None]:
    """How a call of Python ends: an answer, or an error that says what was given."""
    names: dict[str, Any] = {}
    signal.alarm(MINUTE)
    try:
        exec(BEFORE.format(path=path), names)
        repr(eval(text, names))
    except (sf.InputError, sf.NotConverged) as error:
        return ("refused" if isinstance(error, sf.InputError) else "not converged"), None
    except TooLong:
        return "faults", "more than a minute"
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return "faults", f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {str(error)[:200]}"
    finally:
        signal.alarm(0)
    return "answered", None


def _fault_of(done: Any, given: list[str], folder: Path, before: set[str]) -> str | None:
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        if isinstance(done.exception, TooLong):
            return "more than a minute"
        frames = traceback.extract_tb(done.exception.__traceback__)
        ours = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames if "scalefit" in frame.filename]
        where = (ours or [frames[-1].name])[-1]
        return f"traceback of {type(done.exception).__name__} at {where}: {str(done.exception)[:200]}"
    if done.exit_code not in ENDS:
        return f"status {done.exit_code}: {done.output[-200:]}"
    if done.exit_code == 2 and len(done.stderr.strip().splitlines()) > 4:
        return f"more than a sentence: {done.stderr[-300:]}"
    shown = "\n".join(line for line in done.stdout.splitlines() if not line.startswith("left out:"))
    # Those are words.
    shown = shown.replace("NaN or infinity", "")
    if re.search(r"(?<![\w'\"=\[-])-?(nan|inf)(?![\w'\"\]])", shown, re.IGNORECASE):
        line = next(
            one for one in done.stdout.splitlines() if re.search(r"(?<![\w'\"])-?(nan|inf)(?!\w)", one, re.IGNORECASE)
        )
        return f"no number: {line[:160]}"
    if any(c in done.stdout + done.stderr for c in "\x1b\x00\x07\u202e"):
        return "control characters are shown"
    if "--json" in given and done.exit_code in (0, 3) and done.stdout.strip():
        try:
            json.loads(done.stdout, parse_constant=lambda name: 1 / 0)
        except (ValueError, ZeroDivisionError):
            return f"no JSON: {done.stdout[:160]}"
    after = {path.name for path in (folder / "result").iterdir()} if (folder / "result").is_dir() else set()
    if given[0] == "fit" and not {"result.json", "arrays.npz", "runs.parquet"} & before <= after:
        return f"files are gone: {before - after}"
    if any(path.name.startswith(".") for path in folder.iterdir()):
        return "something half written is left"
    return None


def main_() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table here")
    given = parser.parse_args()
    signal.signal(signal.SIGALRM, _alarm)
    rng = np.random.default_rng(given.seed)
    kinds = [given.kind] if given.kind else list(KINDS)
    shares = np.array([SHARES[kind] for kind in kinds])
    ends, begun = {kind: Counter() for kind in kinds}, time.perf_counter()
    for k in range(given.count):
        kind = str(rng.choice(kinds, p=shares / shares.sum()))
        own = np.random.default_rng([given.seed, k])
        folder = Path(tempfile.mkdtemp())
        words = KINDS[kind](own, folder)
        if given.verbose:
            print(k, words, flush=True)
        end, fault = end_of_call(*words[1:]) if kind == "calls" else end_of(words, folder)
        ends[kind][end] += 1
        if fault is None:
            shutil.rmtree(folder)
            continue
        print(f"{k} {kind} {words}\n    {fault}", flush=True)
    claim = (
        "Each mutated input ends in an answer or in a sentence: no traceback, no NaN as a number, no hang, no file lost"
    )
    report = Report("hostile_inputs", claim, COLUMNS, Options(given.json, False))
    for kind, count in ends.items():
        report.add(kind, count.total(), *(count[end] for end in COLUMNS[2:]))
    report.note(f"{given.count} inputs of seed {given.seed} in {time.perf_counter() - begun:.0f} s")
    report.finish()
    sys.exit(any(count["faults"] for count in ends.values()))


if __name__ == "__main__":
    main_()
