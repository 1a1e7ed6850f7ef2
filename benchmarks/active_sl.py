"""The tasks of arXiv 2604.22753: larger runs foreseen from the whole pool, and from what `design_runs` buys of it.

R² on `test` by a law fitted to all of `train`, and to the runs bought with 1, 5 and 10 % of what all of it cost, beside
the published rows: V-optimal, and their mixture over optima. A run costs 6 N D where there are N and D, N otherwise.
Half of the first budget buys a pilot, spread over what is cheap; from then on the law is fitted to what is known,
`design_runs` names what to buy for the loss at the inputs of `test`, and the law is fitted again; the median of three
pilots where there are published rows. Five core-minutes.
"""

import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from _report import Report, options

import scalefit as sf
from scalefit.laws import AbstractLaw
from scalefit.params import Param, Scalar, interval, nonnegative, positive, real

SHARES = (0.01, 0.05, 0.10)
STEPS = (0.005, 0.01, 0.02, 0.05, 0.10)
"""What has been spent, as a share of the whole, when the law is fitted again; the first is the pilot."""
PILOTS = 3
"""Where there are published rows of bought runs; elsewhere one."""


class Settings(AbstractLaw):
    r"""`Skaling`, and what a wrong rate and batch cost, the squares of their logarithms about the best:
    $L = E + (A N^{-\alpha} + B D^{-\beta})^k + p\,(\log\eta - l - m\log N - n\log D)^2 + q\,(\log b - s - r\log D)^2$.
    """

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens", "lr": "rate", "b": "batch"}

    E: Param = nonnegative(unit="target", amplitude=True, typical=(0.05, 1.0))
    p: Param = nonnegative(unit="target", amplitude=True, typical=(0.001, 0.1))
    q: Param = nonnegative(unit="target", amplitude=True, typical=(0.001, 0.1))
    A: Param = positive(unit="target^(1/k)", typical=(0.02, 3.0))
    B: Param = positive(unit="target^(1/k)", typical=(0.02, 3.0))
    alpha: Param = nonnegative()
    beta: Param = nonnegative()
    k: Param = interval(0.01, 3.0, typical=(0.2, 1.2))
    l: Param = real(typical=(-8.0, -4.0))  # noqa: E741
    m: Param = real(typical=(-1.0, 0.2))
    n: Param = real(typical=(-0.2, 0.6))
    s: Param = real(typical=(3.0, 8.0))
    r: Param = real(typical=(0.0, 0.8))

    def __call__(self, N: Scalar, D: Scalar, lr: Scalar, b: Scalar) -> Scalar:
        """The loss; sizes count from a model of 3e8 on 2e10 tokens."""
        log_N, log_D = jnp.log(N / 3e8), jnp.log(D / 2e10)
        rate = jnp.log(lr) - self.l - self.m * log_N - self.n * log_D
        batch = jnp.log(b) - self.s - self.r * log_D
        size = self.A * jnp.exp(-self.alpha * log_N) + self.B * jnp.exp(-self.beta * log_D)
        return self.E + size**self.k + self.p * rate**2 + self.q * batch**2


class Task(NamedTuple):
    """A law, its inputs by the columns they stand in, and how it is fitted.

    **Arguments:**

    - `law`, `columns`, `target`: The law, input → column, and the column of what is foreseen.
    - `cost`: Of a run, by its inputs.
    - `held`: Inputs that the table lacks, the same in all of its runs; `fixed`: parameters likewise.
    - `log`: Whether errors are of logarithms.
    - `published`: R² from 1, 5 and 10 % V-optimal, likewise by their method, and from all.
    """

    law: AbstractLaw
    columns: Mapping[str, str]
    target: str
    cost: Any
    held: Mapping[str, float] = {}
    fixed: tuple[str, ...] = ()
    log: bool = True
    published: tuple[float | None, ...] = (None,) * 7


def six_ND(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    return 6.0 * inputs["N"] * inputs["D"]


def of_N(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    return inputs["N"]


FARSEER = (0.67, 0.87, 0.92, 0.60, 0.88, 0.93, 0.91)
CONSTRAINED = (0.58, 0.83, 0.85, 0.73, 0.85, 0.86, None)
MOE = (0.67, 0.80, 0.80, None, None, None, None)
SIZES = {"N": "N", "D": "D"}
REPEATED = {"N": "params", "D": "tokens", "U": "unique_tokens"}
RATES = {"N": "non_embedding_param_size", "D": "data_size", "lr": "lr", "b": "bsz"}
EXPERTS = {"N": "dense_parameter_count", "E": "num_experts"}
WORDS = {"N": "non_vocab_parameters", "V": "vocab_size", "D": "num_characters"}
TASKS: dict[str, dict[str, Task]] = {
    "farseer": {
        "Farseer": Task(sf.laws.Farseer(), SIZES, "loss", six_ND, published=FARSEER),
        "Skaling": Task(sf.laws.Skaling(), SIZES, "loss", six_ND, published=FARSEER),
    },
    "data_constrained": {
        "DataConstrained": Task(sf.laws.DataConstrained(), REPEATED, "loss", six_ND, published=CONSTRAINED),
        "Lovelace": Task(sf.laws.Lovelace(), REPEATED, "loss", six_ND, published=CONSTRAINED),
    },
    "moe": {
        "JointMoE, data the same": Task(
            sf.laws.JointMoE(b=0.0, beta=-0.5, zeta=0.0, omega=0.0),
            EXPERTS,
            "loss_validation",
            of_N,
            {"D": 1.3e11},
            ("b", "beta", "zeta", "omega"),
            published=MOE,
        ),
        "Routed": Task(sf.laws.Routed(), EXPERTS, "loss_validation", of_N, published=MOE),
    },
    "lr_bsz": {"Settings": Task(Settings(), RATES, "lm_loss", six_ND, published=(*(None,) * 6, 0.04))},
    "parallel": {"ParScale": Task(sf.laws.ParScale(), {"N": "num_params", "P": "parallel_size"}, "loss", of_N)},
    "domain_mixture": {"MixingExp": Task(sf.laws.MixingExp(), {}, "", None)},
    "vocab": {
        "Vocabulary": Task(sf.laws.Vocabulary(), WORDS, "unigram_normalized_loss", six_ND, {"d": 1.0}, (), False)
    },
}
COLUMNS = (
    "task", "law", "runs", "test", "R² of all", "1 %", "5 %", "10 %", "bought", "published, all",
    "V-optimal 1, 5, 10 %", "theirs 1, 5, 10 %", "core-s",
)  # fmt: skip


def table(task: str, part: str) -> pl.DataFrame:
    return pl.read_parquet(Path(os.environ["SCALEFIT_DATA"]) / "active-sl" / task / f"{part}-00000-of-00001.parquet")


def runs_of(task: Task, frame: pl.DataFrame) -> tuple[dict[str, np.ndarray], np.ndarray]:
    inputs = {name: frame[column].to_numpy().astype(float) for name, column in task.columns.items()}
    inputs |= {name: np.full(len(frame), value) for name, value in task.held.items()}
    return inputs, frame[task.target].to_numpy().astype(float)


def fitted(task: Task, inputs: Mapping[str, np.ndarray], loss: np.ndarray) -> sf.Fit[Any]:
    noise = sf.noise.StudentT() if task.log else sf.noise.StudentT(log=False)
    runs = sf.Runs(loss, **inputs)
    return sf.fit(task.law, runs, noise=noise, fixed=task.fixed, throw=False)


def r_squared(law: AbstractLaw, inputs: Mapping[str, np.ndarray], loss: np.ndarray) -> float:
    with jax.enable_x64(True):
        sized = law.sized_for(inputs)
        foreseen = np.asarray(jax.vmap(lambda one: sized(**one))({n: jnp.asarray(v) for n, v in inputs.items()}))
    return 1.0 - float(np.sum((loss - foreseen) ** 2) / np.sum((loss - loss.mean()) ** 2))


def pilot_of(
    inputs: Mapping[str, np.ndarray], cost: np.ndarray, budget: float, count: int, seed: int, first: float = 0.0
) -> np.ndarray:
    """Any run, and others as far from it as an even share of the budget allows; of `first`, a share of it, the largest
    run that it pays for comes before them."""
    at = np.log(np.stack(list(inputs.values()), axis=1))
    at = at / np.maximum(np.ptp(at, axis=0), 1e-9)
    chosen: list[int] = []
    rng = np.random.default_rng(seed)
    for k in range(count):
        left = budget - cost[chosen].sum()
        share = first * budget if k == 0 and first else max(left / (count - k), min(cost.min(), left))
        cheap = np.setdiff1d(np.flatnonzero(cost <= share), chosen)
        if cheap.size == 0:
            break
        if k:
            apart = np.min(np.linalg.norm(at[cheap, None] - at[chosen], axis=2), axis=1)
        else:
            apart = cost[cheap] if first else rng.random(cheap.size)
        chosen.append(int(cheap[np.argmax(apart)]))
    return np.array(sorted(chosen), int)


def bought(task: Task, train: Any, test: Any, seed: int) -> tuple[list[float | None], list[int]]:
    """R² and the count of runs at each of `SHARES`; `None` below what pays for more runs than numbers."""
    (inputs, loss), cost = train, task.cost(train[0])
    numbers, whole = len(sf.params.parameters(task.law)) - len(task.fixed), cost.sum()
    varied = [name for name, column in inputs.items() if np.ptp(column) > 0.0]
    points = {name: jnp.asarray(column) for name, column in test[0].items()}

    def aim(law: AbstractLaw) -> Any:
        return jax.vmap(lambda one: law(**one))(points)

    found: list[float | None] = []
    counts, done = [], np.array([], int)
    for spent in STEPS:
        left = spent * whole - cost[done].sum()
        if len(done) == 0:
            for first in (0.0, 0.5):
                pilot = pilot_of(inputs, cost, left, numbers + 3, seed, first)
                if len(pilot) > numbers and all(np.ptp(inputs[name][pilot]) > 0.0 for name in varied):
                    done = pilot
                    break
        else:
            fit = fitted(task, {name: column[done] for name, column in inputs.items()}, loss[done])
            rest = np.setdiff1d(np.arange(len(loss)), done)
            if left >= cost[rest].min(initial=np.inf):
                pool = {name: column[rest] for name, column in inputs.items()}
                # Of a law that the runs do not tell yet, its numbers count as known to within their own size.
                by: dict[str, Any] = {} if fit.converged else {"done": fit.problem.runs, "noise": 0.005}
                law = fit if fit.converged else fit.law
                try:
                    some = sf.design_runs(law, pool, budget=left, target=aim, cost=cost[rest], num_draws=8, **by).order
                except sf.InputError:  # the law that the runs allow is not finite at the target
                    some = pilot_of(pool, cost[rest], left, numbers, seed)
                done = np.sort(np.concatenate([done, rest[some]]))
        if spent in SHARES:
            counts.append(len(done))
            last = None
            if len(done):
                last = fitted(task, {name: column[done] for name, column in inputs.items()}, loss[done]).law
            found.append(None if last is None else r_squared(last, *test))
    return found, counts


def main() -> None:
    given = options(__doc__)
    claim = "Larger runs of public tasks, foreseen from all runs and from those that are bought, beside published rows."
    report = Report("active_sl", claim, COLUMNS, given)
    warnings.simplefilter("ignore")
    for name, laws in TASKS.items():
        train, test = table(name, "train"), table(name, "test")
        for called, task in laws.items():
            before, full, scores, sizes = time.process_time(), [], [], []
            if not task.columns:
                full, scores = of_mixtures(task.law, train, test), [[None] * len(SHARES)]
                sizes = [[0] * len(SHARES)]
            pilots = PILOTS if task.published[0] is not None and not given.quick else 1
            for group in sorted(set(train["group"])) if task.columns else ():
                one, other = (runs_of(task, frame.filter(pl.col("group") == group)) for frame in (train, test))
                full.append(r_squared(fitted(task, *one).law, *other))
                found = [bought(task, one, other, seed) for seed in range(pilots)]
                scores.append([middle([f[k] for f, _ in found]) for k in range(len(SHARES))])
                sizes.append(found[0][1])
            by_share = [None if None in some else float(np.mean(some)) for some in zip(*scores, strict=True)]
            counts = ", ".join(f"{count:.0f}" for count in np.mean(sizes, axis=0))
            V, theirs = (", ".join("–" if v is None else f"{v:.2f}" for v in task.published[i : i + 3]) for i in (0, 3))
            cells = name, called, len(train), len(test), float(np.mean(full)), *by_share, counts
            report.add(*cells, task.published[6], V, theirs, time.process_time() - before, pilots=pilots)
    report.finish()


def of_mixtures(law: AbstractLaw, train: pl.DataFrame, test: pl.DataFrame) -> list[float]:
    """R² of the loss on each domain, of each size: all of them one batch. Twenty runs of like cost are no pool."""
    parts = []
    for frame in (train, test):
        w = {f"w[{k}]": frame[f"proportion_domain_{k}"].to_numpy() for k in range(1, 6)}
        whole = np.sum(list(w.values()), axis=0)
        inputs = {name: np.tile(column / whole, 5) for name, column in w.items()}
        loss = np.concatenate([frame[f"loss_domain_{k}"].to_numpy() for k in range(1, 6)])
        study = np.array([f"{group} {k}" for k in range(1, 6) for group in frame["group"]])
        parts.append((inputs, loss, study))
    (inputs, loss, study), (later, came, of) = parts
    fits = sf.fit(law, sf.Runs(loss, group=study, **inputs), by="group", throw=False)
    found = []
    for key in fits.keys or ():
        foreseen = sf.predict(fits[key], **{name: column[of == key] for name, column in later.items()}).value
        actual = came[of == key]
        found.append(1.0 - float(np.sum((actual - foreseen) ** 2) / np.sum((actual - actual.mean()) ** 2)))
    return found


def middle(values: list[float | None]) -> float | None:
    there = [v for v in values if v is not None]
    return float(np.median(there)) if len(there) == len(values) else None


if __name__ == "__main__":
    main()
