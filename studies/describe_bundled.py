"""The numbers that the description of the bundled runs gives, from their tables and from fits to them.

`python studies/describe_bundled.py` prints the tables of scalefit/data/bundled/README.md as they stand there, and
below each the numbers of the sentences after it. About ten seconds.
"""

from typing import Any

import numpy as np

import scalefit as sf
from scalefit.data import load_table

FIRST = (None, 8_192, 16_384)
"""Least sample counts of the rows that are fitted; `None` for all rows."""
SHOWN = {"teacher": (1_024, 4_096, 16_384, 65_536), "signals": (2_048, 8_192, 32_768, 131_072)}
POOLS = ("A", "B", "C", "D", "E", "S", "L")
UNLIMITED = ("A", "B", "C", "D", "E")
RESAMPLES = 1_000


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def short(value: float, digits: int) -> str:
    """Without the zero before the point."""
    return f"{value:.{digits}f}".removeprefix("0")


def law_table(runs: sf.Runs) -> None:
    """How well Chinchilla's law holds; standard errors from resampling whole networks."""
    print(row("rows", "rms of log loss", "E", "α", "β", "A", "B"))
    print(row(*["---"] * 7))
    for first in FIRST:
        part = runs if first is None else runs.where(f"D >= {first}")
        fit = sf.fit(sf.laws.Chinchilla, part, noise=sf.noise.Gaussian(), seed=0)
        found: Any = sf.summary(sf.bootstrap(fit, num=RESAMPLES, seed=0))
        some = [f"{short(found[k].value, 3)} ± {short(found[k].se, 3)}" for k in ("E", "alpha", "beta")]
        what = f"all {len(part)}" if first is None else f"D ≥ {first:,}"
        rms = short(float(np.sqrt(np.mean(fit.residuals**2))), 4)
        print(row(what, rms, *some, *(f"{found[k].value:.2f}" for k in ("A", "B"))))


def seed_noise(runs: sf.Runs) -> float:
    """Root mean square of log loss about the mean of the ten networks of one size after as many samples."""
    keys = np.stack([runs.inputs["N"], runs.inputs["D"]], axis=-1)
    code = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    logs = np.log(runs.target)
    mean = np.bincount(code, logs) / np.bincount(code)
    return float(np.sqrt(np.mean((logs - mean[code]) ** 2)))


def errors_of(task: str) -> dict[str, dict[int, np.ndarray]]:
    """Plan → training samples seen → errors by seed."""
    table = load_table("bundled", f"pools_{task}.csv")
    found: dict[str, dict[int, list[float]]] = {}
    for plan, samples, error in zip(table["plan"], table["samples"].tolist(), table["error"].tolist(), strict=True):
        found.setdefault(plan, {}).setdefault(samples, []).append(error)
    return {plan: {k: np.array(v) for k, v in counts.items()} for plan, counts in found.items()}


def pool_table(task: str, errors: dict[str, dict[int, np.ndarray]]) -> None:
    """Mean error in per cent of each pool by itself, and of fresh samples of its quality."""
    plans = [*POOLS, *(f"{pool}-unlimited" for pool in UNLIMITED)]
    print(row(task, *POOLS, *(f"{pool} ∞" for pool in UNLIMITED)))
    print(row(*["---"] * (1 + len(plans))))
    for samples in SHOWN[task]:
        print(row(f"{samples:,}", *(f"{100 * errors[plan][samples].mean():.1f}" for plan in plans)))


def main() -> None:
    runs = sf.load_data("bundled")
    law_table(runs)
    print(f"\nseed noise {short(seed_noise(runs), 4)}\n")
    sizes = load_table("bundled", "pools_sizes.csv")
    for task in SHOWN:
        errors = errors_of(task)
        pool_table(task, errors)
        scatter = np.array([e.std(ddof=1) / e.mean() for counts in errors.values() for e in counts.values()])
        low, middle, high = np.quantile(scatter, [0.1, 0.5, 0.9])
        mean = {samples: e.mean() for samples, e in errors["D"].items()}
        (size,) = sizes["size"][(sizes["task"] == task) & (sizes["pool"] == "D")]
        print(
            f"\n{len(next(iter(errors['A'].values())))} seeds; one run scatters by {100 * middle:.1f} % of its error "
            f"({100 * low:.1f} to {100 * high:.1f} % in four of five); D is at its best after "
            f"{min(mean, key=mean.__getitem__) / size:.1f} passes\n"
        )


if __name__ == "__main__":
    main()
