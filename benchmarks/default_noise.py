"""The noise that is the best default: how much fits and forecasts scatter over halves of public sets, and simulated.

Chinchilla's law is fitted to sixty random halves of each set. The forecast is at ten times the largest compute. About
a minute.
"""

import warnings
from typing import Any

import numpy as np
from _report import Report, options

import scalefit as sf

NOISES = {
    "Huber(1e-3)": sf.noise.Huber(1e-3),
    "Huber(0.01)": sf.noise.Huber(0.01),
    "StudentT(4)": sf.noise.StudentT(4),
    "Gaussian()": sf.noise.Gaussian(),
}
SETS: dict[str, tuple[str, str | None]] = {
    "epoch-chinchilla, 245 runs": ("epoch-chinchilla", None),
    "epoch-chinchilla, 240 runs": ("epoch-chinchilla", "loss < 3.44"),
    **{
        f"xlstm, {name}": ("xlstm", f"data_set == 'isoflop_{name}'")
        for name in ("llama_ctx2048", "llama_ctx8192", "llama_ctx16384", "mlstm_ctx16384")
    },
    "gadre-overtraining": ("gadre-overtraining", None),
}
TRUE = sf.laws.Chinchilla(E=1.82, A=482.0, B=2085.4, alpha=0.348, beta=0.366)
ERRORS = ("normal .5 %", "Student's t of 4, .5 %", "normal .5 %, 5 % of the runs 5 % too high")
COLUMNS = ("runs", "noise", "held-out error %", "scatter of alpha", "scatter of the forecast %", "not converged")


def spread(values: np.ndarray) -> float:
    """Half the width of the middle 68 %."""
    return float(np.diff(np.quantile(values, [0.16, 0.84]))[0]) / 2.0


def log_loss(law: Any, N: np.ndarray, D: np.ndarray) -> np.ndarray:
    """By fit and point."""
    E, A, B, alpha, beta = (np.asarray(getattr(law, name))[:, None] for name in ("E", "A", "B", "alpha", "beta"))
    return np.log(E + A * N**-alpha + B * D**-beta)


def halves(name: str, where: str | None, number: int) -> tuple[sf.Runs, np.ndarray, np.ndarray, np.ndarray, list[Any]]:
    """Random halves as the studies of one table; all runs; and which of them are in each half."""
    runs = sf.load_data(name, where=where)
    N, loss = np.asarray(runs.inputs["N"]), np.asarray(runs.target)
    D = np.asarray(runs.inputs["D"]) if "D" in runs.inputs else np.asarray(runs.inputs["C"]) / (6.0 * N)
    rng, size = np.random.default_rng(1), len(N) // 2
    taken = [rng.permutation(len(N))[:size] for _ in range(number)]
    row = np.concatenate(taken)
    return sf.Runs(loss[row], N=N[row], D=D[row], half=np.repeat(np.arange(number), size)), N, D, loss, taken


def errors(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    normal = 0.005 * rng.standard_normal(shape)
    if kind.startswith("Student"):
        return 0.005 * rng.standard_t(4, shape)
    return normal + (0.05 * (rng.uniform(size=shape) < 0.05) if "too high" in kind else 0.0)


def main() -> None:
    given = options(__doc__)
    number = 10 if given.quick else 60
    claim = "By Student's t of 4 degrees fits of halves scatter least, and little is lost where errors are normal."
    report = Report("default_noise", claim, COLUMNS, given)
    warnings.simplefilter("ignore", UserWarning)
    ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in NOISES}
    for what, (name, where) in SETS.items():
        table, N, D, loss, taken = halves(name, where, number)
        budget = 10.0 * (6.0 * N * D).max()
        far = np.exp(np.log(N).mean()) * np.sqrt(budget / np.exp(np.log(6.0 * N * D).mean()))
        for noise_name, noise in NOISES.items():
            fits = sf.fit(sf.laws.Chinchilla, table, by="half", noise=noise)
            apart = np.abs(log_loss(fits.law, N, D) - np.log(loss))
            held = np.mean([np.median(np.delete(apart[i], half)) for i, half in enumerate(taken)])
            forecast = log_loss(fits.law, np.array([far]), np.array([budget / 6.0 / far]))[:, 0]
            alpha, ahead = spread(np.asarray(fits.law.alpha)), 100.0 * spread(forecast)
            ratios[noise_name].append((alpha, ahead))
            report.add(what, noise_name, 100.0 * held, alpha, ahead, int(np.sum(~np.asarray(fits.converged))))
    for noise_name, found in ratios.items():
        by_set = np.array(found) / np.array(ratios["Huber(1e-3)"])
        alpha, ahead = np.median(by_set, axis=0)
        report.note(
            f"{noise_name}: alpha scatters {alpha:.2f} times as much as by Huber(1e-3) in the median "
            f"of the public sets, the forecast {ahead:.2f} times"
        )
    N, D = (axis.ravel() for axis in np.meshgrid(np.geomspace(5e7, 1e10, 8), np.geomspace(1e9, 2e11, 8)))
    studies = 5 * number
    truth = log_loss(
        sf.laws.Chinchilla(*(np.full(1, getattr(TRUE, name)) for name in ("E", "A", "B", "alpha", "beta"))), N, D
    )
    for kind in ERRORS:
        loss = np.exp(truth + errors(kind, (studies, N.size), np.random.default_rng(2)))
        wide = [np.tile(axis, studies) for axis in (N, D)]
        table = sf.Runs(loss.ravel(), N=wide[0], D=wide[1], study=np.repeat(np.arange(studies), N.size))
        for noise_name, noise in NOISES.items():
            fits = sf.fit(sf.laws.Chinchilla, table, by="study", noise=noise)
            off = np.mean(np.median(np.abs(log_loss(fits.law, N, D) - truth), axis=1))
            forecast = log_loss(fits.law, np.array([1e11]), np.array([2e12]))[:, 0]
            report.add(
                f"{studies} simulated of 64 runs, {kind}", noise_name, 100.0 * off, spread(np.asarray(fits.law.alpha)),
                100.0 * spread(forecast), int(np.sum(~np.asarray(fits.converged))),
            )  # fmt: skip
    report.finish()


if __name__ == "__main__":
    main()
