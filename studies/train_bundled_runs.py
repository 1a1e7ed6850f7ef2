"""Train the bundled runs: a hundred small networks over sizes and fresh samples, for loss against N and D.

    python studies/train_bundled_runs.py

writes `scalefit/data/bundled/runs.csv` (about five minutes on two cores; started again, it goes on where it stopped).
`--quick` trains four tiny runs in seconds and leaves the bundled file alone.

The task: a fixed random network, the teacher, turns x in R^4 into odds over ten classes, and a label is drawn from
those odds. Samples are made as they are needed and never repeat. A student's loss is its expected cross-entropy on
fixed held-out inputs, in nats per sample; because the teacher's odds are known, the expectation over labels is exact
and the floor of the loss, the mean entropy of those odds, is known too.
"""

import argparse
import functools
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from _training import Recipe, Row, Student, available_cores, in_blocks, parameter_count, run_jobs, train, write_csv

INPUTS, CLASSES = 4, 10
TEACHER_WIDTH, TEACHER_GAINS, LOGIT_SCALE = 400, (0.75, 8.25), 4.0
HELD_OUT = 20_000

WIDTHS = (12, 17, 24, 34, 48, 68, 96, 136, 184, 256)
SEEDS = range(10)
SAMPLES = tuple(4_096 * 2**k for k in range(8))
BATCH = 16

# First entries of every seed sequence: what the random numbers are for.
TEACHER, EVALUATION, TRAINING = 1, 2, 3

OUT = Path(__file__).resolve().parents[1] / "scalefit" / "data" / "bundled" / "runs.csv"
COLUMNS = ("N", "D", "C", "loss", "seed", "run", "width")


@dataclass(frozen=True)
class Run:
    """One network, trained once through `samples[-1]` fresh samples."""

    width: int
    seed: int
    samples: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"w{self.width:03d}-s{self.seed:02d}"

    @property
    def cost(self) -> float:
        # A step costs a fixed overhead, worth about 5,000 parameters, and its arithmetic.
        return self.samples[-1] * (5_000 + parameter_count(INPUTS, self.width, CLASSES))

    @property
    def recipe(self) -> Recipe:
        # Narrow networks bear, and need, larger steps: without this they are slow rather than small.
        return Recipe(BATCH, learning_rate=0.004 * (64 / self.width) ** 0.5)


@functools.cache
def teacher() -> tuple[np.ndarray, ...]:
    """Weights of the teacher: inner weights and biases, outer weights and biases (which centre the logits)."""
    random = np.random.default_rng([TEACHER])
    # Hidden units of many steepnesses give structure at many scales, and so a loss without steps.
    gains = np.exp(random.uniform(*np.log(TEACHER_GAINS), size=TEACHER_WIDTH))
    inner = gains * random.normal(size=(INPUTS, TEACHER_WIDTH))
    bias = 0.5 * gains * random.normal(size=TEACHER_WIDTH)
    outer = random.normal(size=(TEACHER_WIDTH, CLASSES))
    logits = np.tanh(random.normal(size=(20_000, INPUTS)) @ inner + bias) @ outer
    # One scale for all logits sets how sharp the odds are, and so the floor of the loss.
    scale = LOGIT_SCALE / logits.std()
    return tuple(a.astype(np.float32) for a in (inner, bias, scale * outer, -scale * logits.mean(axis=0)))


def odds(x: np.ndarray) -> np.ndarray:
    inner, bias, outer, centre = teacher()
    # In blocks that stay in cache: the hidden layer of half a million samples would be a gigabyte.
    blocks = [x[first : first + 1_024] for first in range(0, len(x), 1_024)]
    logits = np.concatenate([np.tanh(block @ inner + bias) @ outer for block in blocks]) + centre
    likelihoods = np.exp(logits - logits.max(axis=1, keepdims=True))
    return likelihoods / likelihoods.sum(axis=1, keepdims=True)


def fresh_samples(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    x = random.normal(size=(count, INPUTS)).astype(np.float32)
    cumulative = odds(x).cumsum(axis=1)
    # The last sum is 1 up to rounding; leaving it out makes sure that every draw has a class.
    labels = (random.random((count, 1)) > cumulative[:, :-1]).sum(axis=1)
    return x, labels.astype(np.int32)


@functools.cache
def held_out() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng([EVALUATION]).normal(size=(HELD_OUT, INPUTS)).astype(np.float32)
    return x, odds(x)


def floor() -> float:
    """The lowest loss that any network can reach: the mean entropy of the teacher's odds, in nats per sample."""
    q = held_out()[1].astype(np.float64)
    return float(-(q * np.log(q)).sum(axis=1).mean())


@eqx.filter_jit
def cross_entropies(student: Student, x: jax.Array, q: jax.Array) -> jax.Array:
    return in_blocks(lambda x, q: -(q * jax.nn.log_softmax(student(x))).sum(axis=-1), x, q)


def work(run: Run) -> list[Row]:
    # Every run draws its own samples and initial weights, so that runs are independent of one another.
    random = np.random.default_rng([TRAINING, run.width, run.seed])
    key = jax.random.key(int(random.integers(2**31)))
    x, labels = fresh_samples(random, run.samples[-1])
    evaluation = [jnp.asarray(a) for a in held_out()]

    def evaluate(student: Student) -> float:
        return float(np.asarray(cross_entropies(student, *evaluation), np.float64).mean())

    losses = train(run.recipe, Student(INPUTS, run.width, CLASSES, key=key), x, labels, run.samples, evaluate)
    n = parameter_count(INPUTS, run.width, CLASSES)
    return [
        {"N": n, "D": d, "C": 6 * n * d, "loss": loss, "seed": run.seed, "run": run.name, "width": run.width}
        for d, loss in zip(run.samples, losses)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="four tiny runs, written to the scratch folder")
    parser.add_argument("--out", type=Path, help=f"the CSV file to write (default: {OUT.relative_to(OUT.parents[3])})")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "scalefit_bundled_runs",
                        help="folder for the rows of finished runs (default: %(default)s)")  # fmt: skip
    parser.add_argument("--processes", type=int, default=available_cores(), help="default: one per core")
    arguments = parser.parse_args()

    scratch = arguments.scratch / ("quick" if arguments.quick else "full")
    out = arguments.out or (scratch / "runs.csv" if arguments.quick else OUT)
    widths, seeds, samples = ((8, 16), range(2), SAMPLES[:2]) if arguments.quick else (WIDTHS, SEEDS, SAMPLES)
    runs = [Run(width, seed, samples) for width in widths for seed in seeds]
    settings = {
        "teacher": [INPUTS, CLASSES, TEACHER_WIDTH, TEACHER_GAINS, LOGIT_SCALE],
        "held_out": HELD_OUT,
        "samples": list(samples),
        "recipes": {run.width: str(run.recipe) for run in runs},
    }
    rows = run_jobs(runs, work, scratch, settings=json.loads(json.dumps(settings)), processes=arguments.processes)
    rows.sort(key=lambda row: (row["N"], row["seed"], row["D"]))
    write_csv(out, COLUMNS, rows)
    print(f"{out}: {len(rows)} rows of {len(runs)} runs; the floor of the loss is {floor():.6f} nats per sample")


if __name__ == "__main__":
    main()
