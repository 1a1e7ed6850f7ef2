"""Which runs to do next, on simulated studies: how much of a pool forecasts as well as the whole of it."""

import sys
import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from _benchmarks import Report, options

import scalefit as sf
from scalefit.plan.design import Target, best_batch, covariances, scale_of, slopes
from scalefit.problem import LawCurve
from scalefit.solve import minimise_on_simplex

SHARES = (0.02, 0.05, 0.15)
"""Shares of the cost of the whole pool that may be spent, the pilot included."""
NOISE, TARGET, DRAWS, SEED = 0.01, 1e23, 16, 0
NOISE_LAW = sf.noise.Gaussian()
GUESS = sf.laws.Chinchilla.published("epoch")


SEEDS = 4
"""How often a design may train one size on one amount of data, in the second half of the table."""


class Pool(NamedTuple):
    """The candidates, the same for every study, their cost, and which of them are the whole pool: each once."""

    N: np.ndarray
    D: np.ndarray
    cost: np.ndarray
    once: np.ndarray


class Studies(NamedTuple):
    """True laws and what every candidate would show, by study."""

    law: sf.laws.Chinchilla
    loss: np.ndarray


def pools() -> dict[str, Pool]:
    """Four: 14 sizes by 14 amounts of data, 6e16 to 6e21 FLOP; eight isoFLOP lines of nine, 1e18 to 1e21 FLOP; and the
    sizes and data of two published sweeps, of which a few runs are most of the cost."""
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(1e7, 1e10, 14), np.geomspace(1e9, 1e11, 14)))
    C = np.geomspace(1e18, 1e21, 8)[:, None]
    size = np.sqrt(C / 120.0) * np.geomspace(0.25, 4.0, 9)  # about 20 tokens a parameter
    on_lines = size.ravel(), (C / 6.0 / size).ravel()
    done = sf.load_data("epoch-chinchilla", where="loss < 3.44").inputs
    swept = sf.load_data("gadre-overtraining").inputs
    found = {
        "grid": (N, D),
        "isoFLOP": on_lines,
        "Chinchilla's runs": (done["N"], done["C"] / 6.0 / done["N"]),
        "Gadre's runs": (swept["N"], swept["D"]),
    }
    once = {name: Pool(N, D, 6.0 * N * D, np.ones(N.size, bool)) for name, (N, D) in found.items()}
    return once | {f"{name}, {SEEDS} seeds": seeded(pool) for name, pool in once.items()}


def seeded(pool: Pool) -> Pool:
    """Every candidate with several seeds, of which the whole pool is the first."""
    N, D, cost = (np.tile(column, SEEDS) for column in pool[:3])
    return Pool(N, D, cost, np.arange(N.size) < pool.N.size)


def simulated(studies: int, pool: Pool, seed: int) -> Studies:
    """Chinchilla laws that differ in all five numbers; both terms are of the order of one at the centre of the pool."""
    rng = np.random.default_rng(seed)
    E, alpha, beta = rng.uniform(1.4, 2.2, studies), *rng.uniform(0.25, 0.45, (2, studies))
    A = rng.uniform(0.1, 0.6, studies) * np.exp(alpha * np.mean(np.log(pool.N)))
    B = rng.uniform(0.1, 0.6, studies) * np.exp(beta * np.mean(np.log(pool.D)))
    law = sf.laws.Chinchilla(E=E, A=A, B=B, alpha=alpha, beta=beta)
    mean = E[:, None] + A[:, None] * pool.N ** -alpha[:, None] + B[:, None] * pool.D ** -beta[:, None]
    return Studies(law, mean * np.exp(NOISE * rng.standard_normal(mean.shape)))


def fitted(pool: Pool, studies: Studies, taken: np.ndarray) -> sf.Fit:
    """Every choice of runs in every study, in one batch; `taken` is by choice, study and run."""
    choice, study, run = np.nonzero(taken)
    return sf.fit(
        sf.laws.Chinchilla,
        sf.Runs(
            loss=studies.loss[study, run], N=pool.N[run], D=pool.D[run], group=choice * taken.shape[1] + study,
            name="simulated studies",
        ),
        noise=NOISE_LAW, by="group", throw=False,
    )  # fmt: skip


def pilot_of(pool: Pool) -> np.ndarray:
    """Nine runs spread over the cheapest quarter: what is trained first in any case."""
    order = np.argsort(np.where(pool.once, pool.cost, np.inf), kind="stable")[: pool.once.sum() // 4]
    return np.isin(np.arange(pool.cost.size), order[np.linspace(0, order.size - 1, 9).astype(int)])


def in_order(orders: np.ndarray, pool: Pool, pilot: np.ndarray, budget: float) -> np.ndarray:
    """The pilot, and then every run in turn that is still affordable; by study and run."""
    taken = np.tile(pilot, (len(orders), 1))
    left = np.full(len(orders), budget - pool.cost[pilot].sum())
    rows = np.arange(len(orders))
    for k in orders.T:
        use = ~taken[rows, k] & (pool.cost[k] <= left)
        taken[rows[use], k[use]] = True
        left -= np.where(use, pool.cost[k], 0.0)
    return taken


def v_optimal(laws: sf.laws.Chinchilla, draws: int, pool: Pool, done: np.ndarray, money: np.ndarray) -> np.ndarray:
    """What V-optimality adds to what is done in every study, from draws of each study's law; by study and run."""
    inputs = {"N": pool.N, "D": pool.D}
    scale = scale_of(LawCurve.of(GUESS, ()), laws, inputs)
    found = slopes(scale, inputs, Target("loss", {"C": np.asarray(TARGET)}), True)
    fine = np.isfinite(found.runs).all((1, 2)) & np.isfinite(found.target).all((1, 2))
    runs, aim = (np.where(fine[:, None, None], a, 0.0) for a in (found.runs, found.target))
    weighed = runs * np.repeat(done, draws, axis=0)[:, :, None]
    before = covariances(weighed, NOISE)
    by_study = [a.reshape(-1, draws, *a.shape[1:]) for a in (runs / NOISE, aim, aim, before)]
    added = np.zeros_like(done)
    for study, asked in enumerate(zip(*by_study, np.where(done, np.inf, pool.cost), money, strict=True)):
        added[study, best_batch(*asked).order] = True
    return added


class Told(NamedTuple):
    """What runs tell of the target under a law: slopes of each by its scatter, of the target, cost by the budget."""

    runs: jax.Array
    aim: jax.Array
    cost: jax.Array


def left_by(share, told):
    """The log variance of the target where each run has a share of the budget; as often as that pays for it."""
    count = share / told.cost
    precision = 1e-12 * jnp.eye(told.runs.shape[1]) + told.runs.T @ (count[:, None] * told.runs)
    return jnp.log(told.aim @ jnp.linalg.solve(precision, told.aim))


def bound(law: sf.laws.Chinchilla, pool: Pool, share: float, seeds: float) -> float:
    """The least error of any choice that knows the true laws, by that of the whole pool: rms over studies.

    Errors by Fisher's information, and runs in parts, each at most so often, which makes it convex. No pilot has to be
    among them.
    """
    inputs = {"N": pool.N[pool.once], "D": pool.D[pool.once]}
    scale = scale_of(LawCurve.of(GUESS, ()), law, inputs)
    found = slopes(scale, inputs, Target("loss", {"C": np.asarray(TARGET)}), True)
    cost = pool.cost[pool.once] / (share * pool.cost[pool.once].sum())
    with jax.enable_x64(True):
        aim = found.target[:, 0] / found.value  # of the logarithm, as errors are
        told = jax.tree.map(jnp.asarray, Told(found.runs / NOISE, aim, np.tile(cost, (len(aim), 1))))
        whole = jax.vmap(lambda one: left_by(one.cost, one))(told)
        most = jnp.asarray(np.minimum(cost * seeds, 1.0))
        start, none = jnp.asarray(cost / cost.sum())[None], jnp.zeros(len(cost))
        least = minimise_on_simplex(left_by, left_by, told, start, none, most, width=16)
        return float(np.sqrt(np.mean(np.exp(least.value)) / np.mean(np.exp(whole))))


def forecast(law: sf.laws.Chinchilla) -> np.ndarray:
    """The logarithm of the loss at the best size for the target's compute."""
    with jax.enable_x64(True):
        target = Target("loss", {"C": jnp.asarray(TARGET)})
        return np.log(np.asarray(jax.jit(jax.vmap(target))(jax.tree.map(jnp.asarray, law))))


def study(name: str, pool: Pool, count: int, report: Report) -> None:
    """Every choice from one pool in every study, and the rows of the table."""
    studies, pilot = simulated(count, pool, SEED), pilot_of(pool)
    total, rng = pool.cost[pool.once].sum(), np.random.default_rng(SEED + 1)
    groups, where = np.repeat(np.arange(count), int(pilot.sum())), np.tile(np.flatnonzero(pilot), count)
    inputs = {"N": pool.N[where], "D": pool.D[where], "group": groups}
    first = sf.Runs(loss=studies.loss[groups, where], **inputs, name="pilots")
    begun = time.perf_counter()
    drawn = sf.bootstrap(
        sf.fit(sf.laws.Chinchilla, first, noise=NOISE_LAW, by="group", throw=False), num=DRAWS, cluster=None, seed=SEED,
    )  # fmt: skip
    many = jax.tree.map(np.ravel, drawn.law)
    pilot_time = time.perf_counter() - begun
    shuffled = np.stack([rng.permutation(pool.cost.size) for _ in range(count)])
    cheapest = np.tile(np.argsort(pool.cost, kind="stable"), (count, 1))
    done = np.tile(pilot, (count, 1))
    guess = jax.tree.map(lambda a: np.asarray(a)[None], GUESS)
    choices, begun = {("whole pool", 1.0): np.tile(pool.once, (count, 1))}, time.perf_counter()
    seeds = pool.once.size // pool.once.sum()
    least = {1.0: None} | {share: bound(studies.law, pool, share, seeds) for share in SHARES}
    for share in SHARES:
        money = np.full(count, share * total - pool.cost[pilot].sum())
        choices["random", share] = in_order(shuffled, pool, pilot, share * total)
        choices["cheapest first", share] = in_order(cheapest, pool, pilot, share * total)
        choices["V-optimal, published guess", share] = done | v_optimal(guess, 1, pool, done[:1], money[:1])
        choices["V-optimal, pilot's draws", share] = done | v_optimal(many, DRAWS, pool, done, money)
    taken, designing = np.stack(list(choices.values())), time.perf_counter() - begun
    begun = time.perf_counter()
    fits = fitted(pool, studies, taken)
    seconds = time.perf_counter() - begun
    errors = 100 * (forecast(fits.law).reshape(taken.shape[:2]) - forecast(studies.law))
    good = np.asarray(fits.converged).reshape(taken.shape[:2]) & np.isfinite(errors)
    scatter = 100 * NOISE * np.random.default_rng(SEED + 2).standard_normal(count)

    def rms(errors: np.ndarray) -> float:
        return float(np.sqrt(np.mean(errors**2)))

    whole, new = rms(errors[0][good[0]]), rms((errors[0] - scatter)[good[0]])
    for i, (choice, share) in enumerate(choices):
        curve, run = errors[i][good[i]], (errors[i] - scatter)[good[i]]
        report.add(
            name, choice, share, float(taken[i].sum(axis=1).mean()), rms(curve), float(np.median(np.abs(curve))),
            rms(curve) / whole, least[share], rms(run) / new, float(good[i].mean()),
            spent=float((taken[i] @ pool.cost).max() / total),
        )  # fmt: skip
    report.note(
        f"{name}: {taken.shape[0] * count} fits {seconds:.3g} s, designs {designing:.3g} s, pilots {pilot_time:.3g} s, "
        f"compilation in each; the pilot is {100 * pool.cost[pilot].sum() / total:.2g} % of the cost, the target "
        f"{TARGET / pool.cost.max():.3g} times the dearest run"
    )


def main() -> None:
    given = options(__doc__)
    count = 32 if given.quick else 256
    report = Report(
        "design_simulated",
        "V-optimal runs forecast as well as the whole pool at no more than 15 % of its cost.",
        ("pool", "choice", "share of cost", "runs", "rms error %", "median |error| %", "× the whole pool's rms",
         "bound", "× for a new run", "converged"),
        given,
    )  # fmt: skip
    for name, pool in pools().items():
        study(name, pool, count, report)
    report.note(
        f"{count} studies of each pool, noise {100 * NOISE:g} %, seed {SEED}. Forecast of the loss at the best size "
        f"for {TARGET:g} FLOP: errors of the curve, and, in the last ratio, of one new run there, which scatters by "
        f"{100 * NOISE:g} % itself. A pilot of nine runs is part of every choice and of its cost. The bound is that of "
        f"`design_bound.py`, to be held against the ratio for the curve."
    )
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
