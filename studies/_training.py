"""What the `train_*.py` scripts share: tasks, the student network, its training loop, and a resumable pool of workers.

One network trains at a time in a jitted loop, one process per core: at these sizes batching runs with `vmap` gains
nothing on a CPU. Every evaluation is of polynomially averaged weights under a constant learning rate, so one run gives
a whole curve over sample counts, each point about as good as a run whose learning rate was decayed to end there.
"""

import csv
import json
import math
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

Row = dict[str, Any]

# Averaging horizon of about t / 7 steps: weights of step t enter with rate (AVERAGING + 1) / (t + AVERAGING).
AVERAGING = 6
WARM_UP = 10
EVALUATION_BLOCK = 1_000


def _uniform(key: jax.Array, shape: tuple[int, ...], limit: float) -> jax.Array:
    return jax.random.uniform(key, shape, minval=-limit, maxval=limit)


class Student(eqx.Module):
    """Fully connected ReLU network with two hidden layers, on whole batches."""

    weights: tuple[jax.Array, ...]
    biases: tuple[jax.Array, ...]

    def __init__(self, inputs: int, width: int, classes: int, *, key: jax.Array, spread: bool = False):
        shapes = [(inputs, width), (width, width), (width, classes)]
        if spread:
            # Weights and biases uniform within 1 / sqrt(inputs of the layer). Random biases spread the units' kinks
            # over the inputs; without them learning may halt for a while, and then leap.
            keys = jax.random.split(key, 2 * len(shapes))
            limits = [1 / math.sqrt(shape[0]) for shape in shapes]
            self.weights = tuple(_uniform(k, shape, limit) for k, shape, limit in zip(keys[:3], shapes, limits))
            self.biases = tuple(_uniform(k, shape[1:], limit) for k, shape, limit in zip(keys[3:], shapes, limits))
            return
        keys = jax.random.split(key, len(shapes))
        # He's scale keeps the hidden activations' size; a small last layer starts near uniform odds.
        gains = [2.0, 2.0, 0.01]
        self.weights = tuple(
            math.sqrt(gain / shape[0]) * jax.random.normal(k, shape) for k, shape, gain in zip(keys, shapes, gains)
        )
        self.biases = tuple(jnp.zeros(shape[1]) for shape in shapes)

    def __call__(self, x: jax.Array) -> jax.Array:
        for weight, bias in zip(self.weights[:-1], self.biases[:-1]):
            x = jax.nn.relu(x @ weight + bias)
        return x @ self.weights[-1] + self.biases[-1]


def parameter_count(inputs: int, width: int, classes: int) -> int:
    """The exact number of trainable parameters of a `Student`."""
    return (inputs + 1) * width + (width + 1) * width + (width + 1) * classes


@dataclass(frozen=True)
class Recipe:
    """How a student is trained; one compiled loop serves all runs of one recipe and width."""

    batch: int
    learning_rate: float
    weight_decay: float = 0.0

    def optimiser(self) -> optax.GradientTransformation:
        schedule = optax.linear_schedule(self.learning_rate / WARM_UP, self.learning_rate, WARM_UP)
        return optax.adamw(schedule, weight_decay=self.weight_decay)


class State(NamedTuple):
    """Everything that changes while a student trains."""

    step: jax.Array
    student: Student
    average: Student
    optimiser: optax.OptState


def start(recipe: Recipe, student: Student) -> State:
    # The average is a copy: a donated buffer may appear only once.
    average = jax.tree.map(jnp.copy, student)
    return State(jnp.zeros((), jnp.int32), student, average, recipe.optimiser().init(student))


@eqx.filter_jit(donate="all-except-first")
def advance(constant: tuple[Recipe, jax.Array, jax.Array, jax.Array], state: State) -> State:
    """Train on samples in order, up to (not including) step `stop`; `constant` is (recipe, x, labels, stop)."""
    recipe, x, labels, stop = constant
    optimiser = recipe.optimiser()

    def mean_loss(student: Student, x: jax.Array, labels: jax.Array) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(student(x), labels).mean()

    def one_step(_: jax.Array, state: State) -> State:
        first = state.step * recipe.batch
        batch = [jax.lax.dynamic_slice_in_dim(array, first, recipe.batch) for array in (x, labels)]
        gradient = jax.grad(mean_loss)(state.student, *batch)
        update, optimiser_state = optimiser.update(gradient, state.optimiser, state.student)
        student = optax.apply_updates(state.student, update)
        rate = (AVERAGING + 1) / (state.step + 1 + AVERAGING)
        average = jax.tree.map(lambda a, w: a + rate * (w - a), state.average, student)
        return State(state.step + 1, student, average, optimiser_state)

    return jax.lax.fori_loop(state.step, stop, one_step, state)


def in_blocks(values: Callable[[jax.Array, jax.Array], jax.Array], x: jax.Array, y: jax.Array) -> jax.Array:
    """`values(x, y)` for each held-out sample, computed in blocks that stay in cache."""
    blocks = [array.reshape(-1, EVALUATION_BLOCK, *array.shape[1:]) for array in (x, y)]
    return jax.lax.map(lambda block: values(*block), tuple(blocks)).reshape(-1)


def train(
    recipe: Recipe,
    student: Student,
    x: np.ndarray,
    labels: np.ndarray,
    counts: Sequence[int],
    evaluate: Callable[[Student], float],
) -> list[float]:
    """Train once through the samples; `evaluate` the averaged weights whenever a count of samples is reached."""
    x_, labels_ = jnp.asarray(x), jnp.asarray(labels)
    state = start(recipe, student)
    values = []
    for count in counts:
        if count % recipe.batch:
            raise ValueError(f"{count} samples are not a whole number of batches of {recipe.batch}")
        state = advance((recipe, x_, labels_, jnp.asarray(count // recipe.batch, jnp.int32)), state)
        values.append(evaluate(state.average))
    return values


class Job(Protocol):
    """One training run: a file name for its rows, and about what it costs (only to foretell the remaining time)."""

    @property
    def name(self) -> str: ...

    @property
    def cost(self) -> float: ...


def write_beside(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)  # csv writes a float as its repr: every digit
    os.replace(beside, path)


class _Saved:
    """The work of one job in a worker process, its rows kept in the scratch folder."""

    def __init__(self, work: Callable[[Any], list[Row]], scratch: Path):
        self.work, self.scratch = work, scratch

    def __call__(self, job: Job) -> float:
        rows = self.work(job)
        write_beside(self.scratch / f"{job.name}.json", json.dumps(rows))
        return job.cost


def run_jobs(
    jobs: Sequence[Job], work: Callable[[Any], list[Row]], scratch: Path, *, settings: Row, processes: int
) -> list[Row]:
    """Do every job whose rows are not yet in the scratch folder; return the rows of all, in the order of the jobs."""
    scratch.mkdir(parents=True, exist_ok=True)
    note = scratch / "settings.json"
    text = json.dumps(settings, indent=1, sort_keys=True)
    if note.exists() and note.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{scratch} holds runs of other settings (see {note}); give another --scratch or remove it.")
    write_beside(note, text)

    todo = [job for job in jobs if not (scratch / f"{job.name}.json").exists()]
    todo.sort(key=lambda job: -job.cost)  # the longest first, so that no core is left waiting at the end
    total, done, began = sum(job.cost for job in todo), 0.0, time.monotonic()
    print(f"{len(jobs)} runs, {len(jobs) - len(todo)} already done, {processes} processes", file=sys.stderr)
    if todo:
        # Read by each worker when its JAX starts: one thread per process, as there is a process per core.
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            for count, cost in enumerate(pool.imap_unordered(_Saved(work, scratch), todo), start=1):
                done += cost
                spent = time.monotonic() - began
                left = spent * (total - done) / done
                line = f"{count}/{len(todo)} runs, {spent:.0f} s, about {left:.0f} s left"
                # One line rewritten on a terminal; in a log file, a line now and then.
                if sys.stderr.isatty():
                    print(f"\r{line:<60}", end="" if count < len(todo) else "\n", file=sys.stderr, flush=True)
                elif count == len(todo) or count % max(1, len(todo) // 50) == 0:
                    print(line, file=sys.stderr, flush=True)
    return [row for job in jobs for row in json.loads((scratch / f"{job.name}.json").read_text(encoding="utf-8"))]


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
