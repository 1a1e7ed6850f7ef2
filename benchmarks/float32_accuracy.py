"""What float32 and mixed passes cost in accuracy against float64 ones, for every law and two noises.

The same resamples of simulated runs are refitted from the same start in each precision. Objectives are compared in
float64 whatever the passes ran in, and predictions at the runs and at ten times each of their inputs.
"""

import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from _problems import Refits
from _report import Report, alternate, options

import scalefit as sf
from scalefit.laws import AbstractLaw
from scalefit.problem import laws_at
from scalefit.results import evaluate
from scalefit.solve import Precision

PRECISIONS: tuple[Precision, ...] = ("float64", "mixed", "float32")
NOISES = {"Huber(1e-3)": sf.noise.Huber(1e-3), "Gaussian": sf.noise.Gaussian()}
SCATTER = 0.01
"""Of the logarithm of the target."""
BEYOND = 10.0

Sample = Callable[[np.random.Generator, int], dict[str, np.ndarray]]


class Case(NamedTuple):
    """A law as it truly is, and inputs as a study would have them."""

    truth: AbstractLaw
    sample: Sample


def log_uniform(**ranges: tuple[float, float]) -> Sample:
    """Inputs drawn evenly in the logarithm."""

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        return {name: low * (high / low) ** rng.random(count) for name, (low, high) in ranges.items()}

    return sample


def repeated(what: str, of: str, passes: tuple[float, float], **ranges: tuple[float, float]) -> Sample:
    """Inputs of which one is drawn as passes over another."""
    draw = log_uniform(**{what: passes}, **ranges)

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        columns = draw(rng, count)
        return {**columns, what: columns[what] * columns[of]}

    return sample


_RUNS = log_uniform(N=(1e7, 1e10), D=(1e9, 1e12))
_POOL = repeated("n", "U", passes=(0.3, 20.0), U=(1e6, 1e8))
CASES: Mapping[str, Case] = {
    "PowerLaw, 3": Case(sf.laws.PowerLaw(E=1.7, A=410.0, alpha=0.34), log_uniform(x=(1e7, 1e10))),
    "Kaplan, 4": Case(sf.laws.Kaplan(N_c=8.8e9, D_c=5.4e10, alpha_N=0.18, alpha_D=0.25), _RUNS),
    "Chinchilla, 5": Case(sf.laws.Chinchilla.published("epoch"), _RUNS),
    "DataConstrained, 7": Case(
        sf.laws.DataConstrained.published("c4"),
        repeated("D", "U", passes=(0.3, 60.0), N=(1e7, 1e10), U=(1e8, 1e11)),
    ),
    "QQT, 4": Case(sf.laws.QQT(d=0.1, a=0.025, b=-0.16, tau=6.7).covering(32), _POOL),
    "QQT released, 4": Case(sf.laws.QQT(d=0.1, a=0.025, b=-0.16, tau=6.7, floor="released").covering(32), _POOL),
    "QQTEffective, 4": Case(sf.laws.QQTEffective(d=0.1, a=0.022, b=-0.18, tau=4.0), _POOL),
    "BNSL, 1 break, 6": Case(
        sf.laws.BNSL(a=0.3, b=30.0, c0=0.15, c=[0.25], d=[3e8], f=[0.4]), log_uniform(x=(1e7, 1e10))
    ),
    "BNSL, 2 breaks, 9": Case(
        sf.laws.BNSL(a=0.3, b=30.0, c0=0.15, c=[0.3, -0.2], d=[1e8, 3e9], f=[0.4, 0.2]), log_uniform(x=(1e7, 1e11))
    ),
}
"""Every exported law, with how many numbers it fits."""


def simulated(case: Case, count: int, scatter: float = SCATTER, seed: int = 0) -> sf.Runs:
    """So many runs of a law, with scatter."""
    rng = np.random.default_rng(seed)
    inputs = case.sample(rng, count)
    value = evaluate(case.truth, inputs, False)
    return sf.Runs(loss=value * np.exp(scatter * rng.standard_normal(count)), **inputs, name="simulated")


def resamples(runs: int, draws: int, seed: int = 1) -> np.ndarray:
    """How often each draw holds each run."""
    return np.random.default_rng(seed).multinomial(runs, np.full(runs, 1.0 / runs), size=draws).astype(np.uint16)


def largest_errors(problem: Refits, theta: np.ndarray, exact: np.ndarray, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """By refit, the largest relative error of its predictions."""

    def predicted(numbers: np.ndarray) -> np.ndarray:
        return evaluate(laws_at(problem.prepared, numbers, np.zeros(len(numbers), int)), inputs, True)

    right = predicted(exact)
    return np.max(np.abs(predicted(theta) / right - 1.0), axis=1)


def main() -> None:
    given = options(__doc__)
    count, draws, rounds = (240, 100, 1) if given.quick else (240, 500, 3)
    report = Report(
        "float32_accuracy",
        "Accuracy of float32 and mixed passes against float64 ones, law by law.",
        ("law, parameters", "noise", "passes in", "converged", "excess median", "excess 99 %", "excess max",
         "inside median", "inside max", "10× beyond median", "10× beyond max", "refits/s"),
        given,
    )  # fmt: skip
    chosen = dict(list(CASES.items())[::4]) if given.quick else CASES
    for name, case in chosen.items():
        runs, weights = simulated(case, count), resamples(count, draws)
        for spoken, noise in NOISES.items():
            fit = sf.fit(case.truth, runs, noise=noise)
            problem = Refits.of(fit, weights)
            contenders = {p: (lambda p=p, problem=problem: problem.solve(draws, precision=p)) for p in PRECISIONS}
            found = {p: run() for p, run in contenders.items()}
            times = alternate(contenders, rounds)
            good = {p: np.asarray(s.result) == int(sf.RESULTS.successful) for p, s in found.items()}
            objective = {p: np.where(good[p], np.asarray(s.objective), np.inf) for p, s in found.items()}
            best = np.minimum.reduce(list(objective.values()))
            exact = np.asarray(found["float64"].theta)
            inside = dict(runs.inputs)
            beyond = {input_: BEYOND * column for input_, column in inside.items()}
            for p in PRECISIONS:
                both = good[p] & good["float64"]
                if not both.any():
                    report.add(name, spoken, p, float(np.mean(good[p])), *(None,) * 7, draws / times[p].median,
                               timing=times[p], compared=0)  # fmt: skip
                    continue
                theta = np.asarray(found[p].theta)[both]
                excess = objective[p][both] / best[both] - 1.0
                near, far = (largest_errors(problem, theta, exact[both], at) for at in (inside, beyond))
                report.add(
                    name,
                    spoken,
                    p,
                    float(np.mean(good[p])),
                    np.median(excess),
                    np.quantile(excess, 0.99),
                    np.max(excess),
                    np.median(near),
                    np.max(near),
                    np.median(far),
                    np.max(far),
                    draws / times[p].median,
                    timing=times[p],
                    compared=int(np.sum(both)),
                    inside_99=np.quantile(near, 0.99),
                    beyond_99=np.quantile(far, 0.99),
                )
    report.note(
        f"{draws} resamples of {count} simulated runs, scatter {SCATTER:.0%}; where both this precision and float64 "
        f"converged."
    )
    report.note("excess: of the objective, in float64, over the lowest that any of the three precisions reached.")
    report.note(
        "inside, 10× beyond: the largest relative difference of a refit's predictions from those of its float64 refit, "
        "at the inputs of the runs and at ten times all of them; median and largest of the refits."
    )
    listed = {type(case.truth) for case in chosen.values()}
    laws = (value for value in vars(sf.laws).values() if isinstance(value, type) and issubclass(value, AbstractLaw))
    missing = sorted(law.__name__ for law in laws if law is not AbstractLaw and law not in listed)
    if missing:
        report.note(f"Not in the table: {', '.join(missing)}.")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
