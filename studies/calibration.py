"""Are intervals what they say? Coverage of Chinchilla's law by method, for right and wrong laws and scatters.

Many studies are drawn from one true law, and an interval of each is asked whether it holds the truth: of the
parameters, of the loss inside the runs, of the loss at ten times the compute, and of the best N and loss there.
"""

import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from _benchmarks import Report, options

import scalefit as sf

LEVELS = (0.5, 0.8, 0.9, 0.95)
TRUTH = sf.laws.Chinchilla.published("epoch")
PARAMETERS = ("E", "A", "B", "alpha", "beta")
N_RANGE, D_RANGE = (3e7, 1e10), (1e9, 3e11)
INSIDE = 6e8, 2e10
FAR = N_RANGE[1] * 10**0.5, D_RANGE[1] * 10**0.5
"""Ten times the compute of the largest run."""
BUDGET = 6.0 * FAR[0] * FAR[1]
COUPLED = 0.4
"""Of the wrong law: how strongly N and D act together, as a share of the geometric mean of their terms."""
DRAWS, RESAMPLES, CHAIN_DRAWS = 500, 400, 1600


class Design(NamedTuple):
    """Studies of so many runs, how these scatter, and what is taken for granted when they are fitted."""

    name: str
    runs: int
    scatter: float
    studies: int = 2000
    truth: str = "t"  # of the scatter: "t" (4 degrees of freedom), "normal" or "t2" (2); "clustered", "coupled"
    noise: sf.noise.AbstractNoise = sf.noise.StudentT()
    others: bool = False
    huber: bool = True
    chains: bool = False
    cluster: Any = "auto"
    seed: int = 4


DESIGNS = [
    Design("true", 50, 0.003, others=True, chains=True),
    Design("true", 50, 0.01, others=True, chains=True),
    Design("true", 50, 0.001),
    Design("true", 50, 0.03, others=True, chains=True),
    *(Design("true", 100, s) for s in (0.001, 0.003, 0.01)),
    Design("true", 100, 0.03, chains=True),
    Design("true, normal", 50, 0.01, truth="normal", noise=sf.noise.Gaussian(), others=True, chains=True, seed=12),
    Design("wrong law", 50, 0.01, 1000, truth="coupled", others=True, seed=9),
    Design("heavy tails taken for normal", 50, 0.01, 1000, truth="t2", noise=sf.noise.Gaussian(), others=True, seed=28),
    Design("heavier tails than taken for", 50, 0.01, 1000, truth="t2", seed=28),
    Design("checkpoints of 20 trainings", 100, 0.01, 400, "clustered", sf.noise.Gaussian(), others=True, seed=27),
    Design("each row for itself", 100, 0.01, 400, "clustered", sf.noise.Gaussian(), others=True, cluster=None, seed=26),
    # Resamples of ten runs leave Huber's knee little to stand on, and its refits take minutes.
    Design("true, few runs", 10, 0.01, 1000, others=True, huber=False, seed=14),
    Design("true, few runs", 30, 0.01, 1000, others=True, seed=14),
    Design("true, many runs", 300, 0.01, 500, seed=15),
]


def loss(law: Any, N: Any, D: Any) -> Any:
    """Chinchilla's formula, draws along leading axes."""
    return law.E + law.A * np.power(N, -law.alpha) + law.B * np.power(D, -law.beta)


def true_loss(N: Any, D: Any, coupled: bool) -> Any:
    together = COUPLED * np.sqrt(TRUTH.A * TRUTH.B * N**-TRUTH.alpha * D**-TRUTH.beta) if coupled else 0.0
    return loss(TRUTH, N, D) + together


def best(law: Any, budget: float) -> tuple[Any, Any]:
    """The best N for a budget, and the loss there (arXiv 2203.15556, equation 4)."""
    G = (law.alpha * law.A / (law.beta * law.B)) ** (1.0 / (law.alpha + law.beta))
    N = G * (budget / 6.0) ** (law.beta / (law.alpha + law.beta))
    return N, loss(law, N, budget / 6.0 / N)


def simulated(design: Design, studies: int, seed: int) -> sf.Runs:
    """The runs of many studies, N and D drawn evenly in the logarithm."""
    rng = np.random.default_rng([seed, design.runs, round(1e5 * design.scatter), design.seed])
    shape = studies, design.runs
    N, D = (low * (high / low) ** rng.random(shape) for low, high in (N_RANGE, D_RANGE))
    training = np.tile(np.arange(design.runs), (studies, 1))
    if design.truth == "clustered":
        training //= 5
        N = np.take_along_axis(N, training, axis=1)
        z = 0.3 * rng.standard_normal(shape)
        z += np.take_along_axis(rng.standard_normal(shape), training, axis=1)
    elif design.truth == "normal":
        z = rng.standard_normal(shape)
    else:
        z = rng.standard_t(2.0 if design.truth == "t2" else 4.0, shape)
    target = true_loss(N, D, design.truth == "coupled") * np.exp(design.scatter * z)
    study = np.repeat(np.arange(studies), design.runs)
    labels = {"run": study * design.runs + training.ravel()} if design.truth == "clustered" else {}
    return sf.Runs(target.ravel(), N=N.ravel(), D=D.ravel(), study=study, **labels)


def quantities(law: Any) -> dict[str, np.ndarray]:
    """What intervals are asked for, draws along the last axis."""
    N, least = best(law, BUDGET)
    found = {name: getattr(law, name) for name in PARAMETERS}
    return found | {"inside": loss(law, *INSIDE), "10x": loss(law, *FAR), "N*": N, "L*": least}


def true_quantities(coupled: bool) -> dict[str, float]:
    found = {name: float(value) for name, value in quantities(TRUTH).items()}
    if coupled:
        along = np.geomspace(*N_RANGE, 20_000) * 30.0
        losses = true_loss(along, BUDGET / 6.0 / along, True)
        found |= {"inside": float(true_loss(*INSIDE, True)), "10x": float(true_loss(*FAR, True))}
        found |= {"N*": float(along[np.argmin(losses)]), "L*": float(losses.min())} | dict.fromkeys(PARAMETERS, np.nan)
    return found


def covered(draws: Any, coupled: bool) -> dict[str, np.ndarray]:
    """By quantity, the share of studies whose central interval of each level holds the truth."""
    truth, found = true_quantities(coupled), {}
    for name, column in quantities(draws.law).items():
        column = np.where(draws.converged, column, np.nan)
        ends = np.nanquantile(column, [0.5 - 0.5 * v for v in LEVELS] + [0.5 + 0.5 * v for v in LEVELS], axis=-1)
        inside = (ends[: len(LEVELS)] <= truth[name]) & (truth[name] <= ends[len(LEVELS) :])
        known = np.isfinite(ends).all(axis=0)
        found[name] = inside[:, known].mean(axis=1) if np.isfinite(truth[name]) else np.full(len(LEVELS), np.nan)
    return found


class Joined(NamedTuple):
    """Draws of single fits side by side."""

    law: Any
    converged: np.ndarray


def laplace_of_each(fits: Any, runs: sf.Runs, cluster: Any) -> Joined:
    """Laplace draws are asked for study by study; a study whose curvature says nothing has none."""
    laws = []
    for key in fits.keys:
        try:
            laws.append(sf.laplace(fits[key], num=DRAWS, cluster=cluster).law)
        except sf.InputError:
            laws.append(jax.tree.map(lambda a: np.full(DRAWS, np.nan), TRUTH))
    law = jax.tree.map(lambda *a: np.stack(a), *laws)
    return Joined(law, np.isfinite(law.alpha))


def methods(design: Design, runs: sf.Runs, few: int) -> dict[str, Callable[[], Any]]:
    """What is asked for intervals, by name; each gives draws of many studies."""
    law, cluster, huber = sf.laws.Chinchilla, design.cluster, sf.noise.Huber(1e-3)
    some = runs.where(f"study < {few}")
    fits = sf.fit(law, runs, by="study", noise=design.noise, throw=False)

    def of_few() -> Any:
        return sf.fit(law, some, by="study", noise=design.noise, throw=False)

    def by_chains() -> Any:
        return sf.sample(of_few(), num=CHAIN_DRAWS, method="nuts", cluster=cluster)

    def by_huber() -> Any:
        own = sf.fit(law, runs, by="study", noise=huber, throw=False)
        return sf.bootstrap(own, num=RESAMPLES, cluster=cluster)

    found: dict[str, Callable[[], Any]] = {
        "importance": lambda: sf.sample(fits, num=DRAWS, method="is", cluster=cluster)
    }
    if design.chains:
        found["NUTS"] = by_chains
    if not design.others:
        return found
    found["bootstrap"] = lambda: sf.bootstrap(fits, num=RESAMPLES, cluster=cluster)
    if design.huber:
        found["bootstrap, Huber"] = by_huber
    if design.truth != "clustered" or cluster is None:
        found["Laplace"] = lambda: laplace_of_each(of_few(), some, cluster)
    return found


def coverage(report: Report, design: Design, studies: int, few: int) -> None:
    """The rows of one design."""
    for method, run in methods(design, simulated(design, studies, 0), few).items():
        begun = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                draws = run()
        except (sf.InputError, sf.NotConverged) as error:
            report.note(f"{design.name}, {method}: {error}")
            continue
        rates = covered(draws, design.truth == "coupled")
        at = LEVELS.index(0.9)
        parameters = [rates[name][at] for name in PARAMETERS]
        report.add(
            design.name, design.runs, f"{100 * design.scatter:g} %", method,
            int(draws.converged.any(axis=-1).sum()), np.min(parameters), np.max(parameters),
            *(rates[name][at] for name in ("inside", "10x", "N*", "L*")), time.perf_counter() - begun,
            every={name: dict(zip(map(str, LEVELS), rate.tolist())) for name, rate in rates.items()},
        )  # fmt: skip


def main() -> None:
    given = options(__doc__)
    report = Report(
        "calibration",
        "Shares of studies whose 90 % interval holds the truth; seed 0.",
        ("design", "runs", "scatter", "method", "studies", "parameters from", "to", "inside", "10x", "N*", "L*", "s"),
        given,
    )  # fmt: skip
    for design in DESIGNS[:1] if given.quick else DESIGNS:
        coverage(report, design, 40 if given.quick else design.studies, 20 if given.quick else 200)
        jax.clear_caches()  # a process holds so many programs and no more
    report.note(
        "Scatter is that of a Student-t with 4 degrees of freedom, or normal, and the posterior is told so, unless the "
        "design says otherwise. NUTS and Laplace take the first 200 studies. 10x: the loss at ten times the "
        "compute of the largest run, N* and L* the best size and loss there."
    )
    report.finish()


if __name__ == "__main__":
    main()
