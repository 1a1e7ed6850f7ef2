"""Train the bundled pool runs: pools of unequal quality and size, alone and mixed, each repeated as often as it takes.

    python studies/train_pools.py

writes to `scalefit/data/bundled/` the errors of one task each, `pools_teacher.csv` and `pools_signals.csv`, with
`pools_plans.csv` (what was trained on) and `pools_sizes.csv` (the pools). About half an hour on two cores; started
again, it goes on where it stopped. `--quick` trains a few tiny runs in seconds and leaves the bundled files alone.

Two tasks: a network learns from a random teacher, or tells families of 1-D signals apart. The pools differ in quality:
a share of the labels replaced by random ones, or noise on the inputs. A *plan* says what share of the samples comes
from which pool. Plans of one pool (`single`, and `unlimited` with fresh samples of that quality) are for fitting; plans
of several pools (`mixture`) are for judging predictions, and no fit needs them. A seed redraws pools, initial weights
and order; within a seed all plans share the pools and the initial weights.

Plans of your own, such as weights that an optimiser recommends, are trained with the same seeds and join the files:

    python studies/train_pools.py --plans FILE

where FILE is a JSON list of {"name": "best-16k", "weights": {"A": 0.6, "B": 0.4}}, with "task" to train for one task
only. In `pools_plans.csv` their kind is `recommended`, because they were chosen with the other runs in sight.
"""

import argparse
import csv
import functools
import json
import math
import re
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from _training import Recipe, Row, Student, available_cores, in_blocks, run_jobs, train, write_csv

SEEDS = 20
WIDTH = 256
HELD_OUT = 20_000

# First entries of every seed sequence: what the random numbers are for.
TASK, EVALUATION, POOL, STUDENT, ORDER = range(11, 16)

OUT = Path(__file__).resolve().parents[1] / "scalefit" / "data" / "bundled"
COLUMNS = ("plan", "samples", "error", "seed")


@dataclass(frozen=True)
class Quality:
    """How samples are spoiled: the share of labels replaced by a random class, and noise added to the inputs."""

    label_noise: float = 0.0
    input_noise: float = 0.0


QUALITIES = {
    "A": Quality(),
    "B": Quality(label_noise=0.15),
    "C": Quality(label_noise=0.3),
    "D": Quality(label_noise=0.5),
    "E": Quality(input_noise=0.3),
    "S": Quality(),
    "L": Quality(label_noise=0.5),
}
# In units of the task's own, so that natural proportions are the same in both tasks.
SIZES = {"A": 4, "B": 4, "C": 4, "D": 4, "E": 4, "S": 1, "L": 16}
UNLIMITED = ("A", "B", "C", "D", "E")
# A union holds its pools in proportion to their sizes; a weighted mixture names its percentages.
UNIONS = ("AB", "AC", "AD", "BC", "CD", "ABC", "BCD", "ABCD", "SA", "SB", "SC", "SBC", "AL", "BL", "SL", "ABL", "AE")
WEIGHTED = (
    *("A75B25", "A25B75", "A60D40", "A75C25", "A90D10", "B75C25", "A50B30C20", "A70B20C10", "A40B30C20D10"),
    *("S50B50", "S10B90", "S50C50", "S20B50C30", "S20A60B20", "S50L50", "A50L50", "A70E30"),
)


class Task(Protocol):
    """Where clean samples come from, and how students are trained on them."""

    name: str
    inputs: int
    classes: int
    recipe: Recipe
    samples: tuple[int, ...]
    unit: int

    def draw(self, random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Clean inputs and their labels."""
        ...


def half_octaves(first: int, count: int) -> tuple[int, ...]:
    """Sample counts a factor of the square root of 2 apart, rounded to whole multiples of 64."""
    return tuple(round(first * 2 ** (k / 2) / 64) * 64 for k in range(count))


class Teacher:
    """The class is the largest logit of a fixed random network with one layer of tanh units."""

    name = "teacher"
    inputs, classes = 4, 20
    recipe = Recipe(batch=16, learning_rate=1.5e-3, weight_decay=0.1)
    samples = half_octaves(512, 15)[1:]  # 704 to 65,536; what comes before is start-up
    unit = 256

    def __init__(self) -> None:
        random = np.random.default_rng([TASK, 0])
        hidden, gain = 48, 1.5
        # Without biases the logits are odd functions of x: their means are zero and favour no class.
        self.inner = gain / np.sqrt(self.inputs) * random.normal(size=(self.inputs, hidden))
        self.outer = random.normal(size=(hidden, self.classes))

    def draw(self, random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        x = random.normal(size=(count, self.inputs))
        return x, (np.tanh(x @ self.inner) @ self.outer).argmax(axis=1)


SHIFT, STRETCH, SCALE = (-0.3, 0.3), (0.8, 1.25), (0.6, 1.4)
WINDOW, SMOOTH_NOISE, WHITE_NOISE = 0.5, 0.25, 0.2


class Signals:
    """A class is a shape, four sinusoids under a Gaussian window, met shifted, stretched, scaled and in noise."""

    name = "signals"
    inputs, classes = 40, 10
    recipe = Recipe(batch=32, learning_rate=2e-3, weight_decay=0.2)
    samples = half_octaves(1_024, 15)[1:]  # 1,472 to 131,072
    unit = 512

    def __init__(self) -> None:
        random = np.random.default_rng([TASK, 1])
        shape = (self.classes, 4)
        self.frequency = random.uniform(0.5, 3.0, size=shape)
        self.phase = random.uniform(0.0, 2 * np.pi, size=shape)
        self.amplitude = random.normal(size=shape)
        self.amplitude /= np.sqrt((self.amplitude**2).sum(axis=1, keepdims=True) / 2)  # unit variance each
        # White noise seen through a Gaussian of two points' width varies smoothly along the signal.
        points = np.arange(self.inputs)
        smooth = np.exp(-((points[:, None] - points) ** 2) / (2 * 2.0**2))
        self.smooth = smooth / np.sqrt((smooth**2).sum(axis=0))

    def draw(self, random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = random.integers(self.classes, size=count)
        x = np.empty((count, self.inputs))
        for first in range(0, count, 1_000):  # blocks stay in cache
            x[first : first + 1_000] = self.signals(random, labels[first : first + 1_000])
        return x, labels

    def signals(self, random: np.random.Generator, labels: np.ndarray) -> np.ndarray:
        count = len(labels)
        shift, stretch, scale = (random.uniform(*limits, size=(count, 1)) for limits in (SHIFT, STRETCH, SCALE))
        time = (np.linspace(-1, 1, self.inputs) - shift) * stretch
        wave = np.zeros_like(time)
        for amplitude, frequency, phase in zip(self.amplitude.T, self.frequency.T, self.phase.T):
            angle = 2 * np.pi * frequency[labels, None] * time + phase[labels, None]
            wave += amplitude[labels, None] * np.sin(angle)
        smooth, white = random.normal(size=(2, count, self.inputs))
        noise = SMOOTH_NOISE * smooth @ self.smooth + WHITE_NOISE * white
        return scale * wave * np.exp(-((time / WINDOW) ** 2) / 2) + noise


TASKS: dict[str, type[Task]] = {"teacher": Teacher, "signals": Signals}


@functools.cache
def task_named(name: str) -> Task:
    return TASKS[name]()


@dataclass(frozen=True)
class Plan:
    """What share of the samples comes from which pool; `fresh` draws from its quality without end."""

    name: str
    kind: str
    weights: tuple[tuple[str, float], ...]
    fresh: bool = False


def built_in_plans() -> list[Plan]:
    plans = [Plan(pool, "single", ((pool, 1.0),)) for pool in SIZES]
    plans += [Plan(f"{pool}-unlimited", "unlimited", ((pool, 1.0),), fresh=True) for pool in UNLIMITED]
    for union in UNIONS:
        whole = sum(SIZES[pool] for pool in union)
        plans.append(Plan(union, "mixture", tuple((pool, SIZES[pool] / whole) for pool in union)))
    for name in WEIGHTED:
        weights = tuple((pool, int(percent) / 100) for pool, percent in re.findall(r"([A-Z])(\d+)", name))
        plans.append(Plan(name, "mixture", weights))
    return plans


def spoil(task: Task, quality: Quality, random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a quality. A label is of the clean input; a replaced one is any class, the true one included."""
    x, labels = task.draw(random, count)
    x = x + quality.input_noise * random.normal(size=x.shape)
    replaced = random.random(count) < quality.label_noise
    labels = np.where(replaced, random.integers(task.classes, size=count), labels)
    return x.astype(np.float32), labels.astype(np.int32)


def passes(random: np.random.Generator, size: int, count: int) -> np.ndarray:
    """Indices of `count` samples of a pool, in whole passes, each in a new order."""
    orders = [random.permutation(size) for _ in range(-(-count // size))]
    return np.concatenate(orders)[:count] if orders else np.empty(0, np.int64)


def samples_of(task: Task, plan: Plan, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The samples of one run, in order: each draws its pool by weight, and a pool gives its own pass by pass."""
    names = list(SIZES)
    task_index = list(TASKS).index(task.name)
    # The order's seed is spelled from the plan's name, so that adding plans changes no other run.
    random = np.random.default_rng([ORDER, task_index, seed, *plan.name.encode()])
    if plan.fresh:
        return spoil(task, QUALITIES[plan.weights[0][0]], random, count)
    weights = np.array([weight for _, weight in plan.weights])
    choice = random.choice(len(weights), size=count, p=weights / weights.sum())
    x = np.empty((count, task.inputs), np.float32)
    labels = np.empty(count, np.int32)
    for i, (pool, _) in enumerate(plan.weights):
        size = task.unit * SIZES[pool]
        pool_random = np.random.default_rng([POOL, task_index, seed, names.index(pool)])
        pool_x, pool_labels = spoil(task, QUALITIES[pool], pool_random, size)
        here = choice == i
        index = passes(random, size, int(here.sum()))
        x[here], labels[here] = pool_x[index], pool_labels[index]
    return x, labels


@functools.cache
def held_out(task_name: str) -> tuple[np.ndarray, np.ndarray]:
    task = task_named(task_name)
    x, labels = task.draw(np.random.default_rng([EVALUATION, list(TASKS).index(task_name)]), HELD_OUT)
    return x.astype(np.float32), labels.astype(np.int32)


@eqx.filter_jit
def count_wrong(student: Student, x: jax.Array, labels: jax.Array) -> jax.Array:
    return in_blocks(lambda x, labels: student(x).argmax(axis=-1) != labels, x, labels).sum()


@dataclass(frozen=True)
class Run:
    """One network trained on one plan."""

    task: str
    plan: Plan
    seed: int
    samples: tuple[int, ...]
    cost: float = 1.0

    @property
    def name(self) -> str:
        # The weights are in it, so that a plan that was changed and kept its name is trained again.
        return f"{self.plan.name}-{zlib.crc32(repr(self.plan.weights).encode()):08x}-s{self.seed:02d}"


def work(run: Run) -> list[Row]:
    task = task_named(run.task)
    x, labels = samples_of(task, run.plan, run.seed, run.samples[-1])
    evaluation = [jnp.asarray(array) for array in held_out(run.task)]
    random = np.random.default_rng([STUDENT, list(TASKS).index(run.task), run.seed])
    key = jax.random.key(int(random.integers(2**31)))
    student = Student(task.inputs, WIDTH, task.classes, key=key, spread=True)
    # A share of 20,000 has five decimals, so the error is written exactly.
    errors = train(task.recipe, student, x, labels, run.samples, lambda s: int(count_wrong(s, *evaluation)) / HELD_OUT)
    return [
        {"plan": run.plan.name, "samples": count, "error": error, "seed": run.seed}
        for count, error in zip(run.samples, errors)
    ]


def read_plans(path: Path) -> list[tuple[Plan, Sequence[str]]]:
    """Plans of a JSON file, each with the tasks it is for."""
    taken = {plan.name for plan in built_in_plans()}
    plans: list[tuple[Plan, Sequence[str]]] = []
    for entry in json.loads(path.read_text(encoding="utf-8")):
        name, weights = entry["name"], entry["weights"]
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name) or name in taken:
            raise SystemExit(f"{path}: {name!r} is taken, or has other characters than letters, digits and . _ -")
        unknown = set(weights) - set(SIZES)
        if unknown or min(weights.values()) < 0 or not math.isclose(sum(weights.values()), 1, abs_tol=1e-6):
            raise SystemExit(
                f"{path}: weights of {name} must be of pools {', '.join(SIZES)}, not negative, and sum to 1"
            )
        if entry.get("task", "teacher") not in TASKS:
            raise SystemExit(f"{path}: {name} is for the task {entry['task']!r}; there are {', '.join(TASKS)}")
        taken.add(name)
        plan = Plan(name, "recommended", tuple((pool, w) for pool, w in weights.items() if w > 0))
        plans.append((plan, [entry["task"]] if "task" in entry else list(TASKS)))
    return plans


def read_csv(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def merge(path: Path, columns: Sequence[str], rows: Sequence[Row], plans: Sequence[str]) -> None:
    """Write rows to a file in the place of those it has of the same plans, in the order of the plans."""
    new = {row["plan"] for row in rows}
    kept = [row for row in read_csv(path) if row["plan"] not in new]
    order = {name: i for i, name in enumerate(dict.fromkeys([*plans, *(row["plan"] for row in [*kept, *rows])]))}
    # A stable sort: within a plan, rows stay as they came, by seed and samples.
    write_csv(path, columns, sorted([*kept, *rows], key=lambda row: order[row["plan"]]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--plans", type=Path, metavar="FILE", help="train these plans instead, and add them to the files"
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="default: both")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds 0 to SEEDS - 1 (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a few tiny runs, written to the scratch folder")
    parser.add_argument("--out", type=Path, help="folder of the CSV files (default: scalefit/data/bundled)")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "scalefit_pools",
                        help="folder for the rows of finished runs (default: %(default)s)")  # fmt: skip
    parser.add_argument("--processes", type=int, default=available_cores(), help="default: one per core")
    arguments = parser.parse_args()

    scratch = arguments.scratch / ("quick" if arguments.quick else "full")
    out = arguments.out or (scratch if arguments.quick else OUT)
    known = built_in_plans()
    plans = read_plans(arguments.plans) if arguments.plans else [(plan, list(TASKS)) for plan in known]
    if arguments.quick:
        plans, arguments.seeds = plans[:: max(1, len(plans) // 4)], min(arguments.seeds, 1)
    order = [plan.name for plan in known]

    table = [
        {"plan": plan.name, "kind": plan.kind, **{pool: dict(plan.weights).get(pool, 0.0) for pool in SIZES}}
        for plan, _ in plans
    ]
    sizes = [
        {"task": name, "pool": pool, "size": TASKS[name].unit * SIZES[pool], **vars(QUALITIES[pool])}
        for name in TASKS
        for pool in SIZES
    ]
    for name in arguments.tasks:
        task = task_named(name)
        samples = task.samples[:2] if arguments.quick else task.samples
        settings = {
            "recipe": str(task.recipe),
            "width": WIDTH,
            "samples": list(samples),
            "unit": task.unit,
            "held_out": [zlib.crc32(array.tobytes()) for array in held_out(name)],  # tells one task from another
        }
        # Seeds outermost: if it must stop early, whole seeds are done.
        runs = [
            Run(name, plan, seed, samples) for seed in range(arguments.seeds) for plan, tasks in plans if name in tasks
        ]
        rows = run_jobs(runs, work, scratch / name, settings=settings, processes=arguments.processes)
        merge(out / f"pools_{name}.csv", COLUMNS, rows, order)
        merge(out / "pools_plans.csv", ("plan", "kind", *SIZES), table, order)
        write_csv(out / "pools_sizes.csv", ("task", "pool", "size", "label_noise", "input_noise"), sizes)
        print(f"{out / f'pools_{name}.csv'}: {len(rows)} rows of {len(runs)} runs")


if __name__ == "__main__":
    main()
