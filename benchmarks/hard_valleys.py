"""Laws whose objectives have long curved valleys: do fits end, and does no other start of 64 find a lower objective?

The 72 vision curves of Alabdulmohsin et al. with the laws M1 to M4 and broken power laws, and the coupled law on what
stood at each moment of thirty public studies, all runs and those within 3 % of the least loss at like compute. Each set
is one batch by the default call; then every study again from 64 starts with another seed. About twenty core-minutes.
"""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from _report import Report, options

import scalefit as sf
from scalefit.laws import implicit_root
from scalefit.params import Param, Scalar, interval, nonnegative, positive

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "studies"))
from _public_studies import public_studies  # noqa: E402

DATA = Path(os.environ.get("SCALEFIT_DATA", ROOT.parent / "shared" / "data"))

COLUMNS = (
    "runs", "law", "studies", "converged", "undetermined", "neither", "64 starts lower by 1e-6",
    "of these undetermined", "higher by 1e-6", "core s", "core s, 64 starts",
)  # fmt: skip


class M1(sf.laws.AbstractLaw):
    """b x^-c."""

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}
    b: Param = nonnegative(amplitude=True, dims={"x": lambda law: law.c}, typical=(0.1, 2.0))
    c: Param = positive(typical=(0.02, 1.5))

    def __call__(self, x: Scalar) -> Scalar:
        return self.b * jnp.exp(-self.c * jnp.log(x))


class M3(sf.laws.AbstractLaw):
    """e + b (1/x + g)^c."""

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}
    e: Param = nonnegative(amplitude=True, typical=(0.05, 1.0))
    b: Param = nonnegative(amplitude=True, dims={"x": lambda law: law.c}, typical=(0.1, 2.0))
    g: Param = positive(dims={"x": -1.0}, typical=(0.001, 10.0))
    c: Param = positive(typical=(0.02, 1.5))

    def __call__(self, x: Scalar) -> Scalar:
        return self.e + self.b * jnp.exp(self.c * jnp.log(1.0 / x + self.g))


class M4(sf.laws.AbstractLaw):
    """(y - e)/(y0 - y)^alpha = beta x^c, by the log odds of where y is between e and y0."""

    inputs: ClassVar[Mapping[str, str]] = {"x": "x"}
    floor: Param = positive(typical=(0.05, 0.8), of_target=True)
    start: Param = positive(typical=(1.2, 8.0), of_target=True)
    alpha: Param = positive(typical=(0.2, 3.0))
    beta: Param = positive(dims={"x": lambda law: -law.c}, typical=(0.05, 5.0))
    c: Param = interval(-2.0, 0.0, typical=(-1.0, -0.1))

    def __call__(self, x: Scalar) -> Scalar:
        span = self.start - self.floor
        level = jnp.log(self.beta) + self.c * jnp.log(x) + (self.alpha - 1.0) * jnp.log(span)

        def off(u: Any, alpha: Any, level: Any) -> Any:
            return alpha * jax.nn.softplus(u) - jax.nn.softplus(-u) - level

        u = implicit_root(off, (-700.0, 1e6), self.alpha, level)
        return self.floor + span * jax.nn.sigmoid(u)


def vision() -> sf.Runs:
    """The runs of every curve that its authors fitted to, those on the rest of it left out."""
    table = pl.read_csv(DATA / "revisiting-nsl" / "benchmark.vision.csv")
    table = table.filter((pl.col("Training") == 1) & (pl.col("Domain") == "IC"))
    curve = (table["Model"] + " " + table["Task"]).to_numpy()
    return sf.Runs(table["Loss"].to_numpy(), x=table["Seen Examples"].to_numpy()).with_column("study", curve)


def moments(share: float) -> sf.Runs:
    """What was known of each public study as its compute grew by 1.8 times again and again: twelve runs or more, over a
    factor of ten, within a share of the least loss at like compute; at most 200, drawn by chance."""
    runs, rng = public_studies(), np.random.default_rng(0)
    labels = np.asarray(runs.columns["study"])
    N, D, loss, name = [], [], [], []
    for study in dict.fromkeys(labels.tolist()):
        some = labels == study
        rows = np.stack([runs.inputs["N"][some], runs.inputs["D"][some], runs.target[some]], axis=1)
        rows = rows[np.argsort(rows[:, 0] * rows[:, 1], kind="stable")]
        C, log_loss = rows[:, 0] * rows[:, 1], np.log(rows[:, 2])
        least = np.array([log_loss[np.abs(np.log(C / c)) < 0.3].min() for c in C])
        count = int(np.log(C[-1] / C[0]) / np.log(1.8)) + 1
        for m in sorted({int((c >= C).sum()) for c in np.geomspace(C[0] * 1.0001, C[-1], count)[:-1]}):
            near = rows[:m][(log_loss - least)[:m] <= share]
            kinds = [len(np.unique(np.log(rows[:m, k]).round(2))) for k in (0, 1)]
            if m == len(rows) or m < 12 or C[m - 1] < 10 * C[0] or kinds[0] < 3 or kinds[1] < 4 or len(near) < 12:
                continue
            near = near[np.sort(rng.permutation(len(near))[:200])]
            N, D, loss = [*N, near[:, 0]], [*D, near[:, 1]], [*loss, near[:, 2]]
            name.append(np.full(len(near), f"{study}, {m} runs", object))
    N, D, loss, name = (np.concatenate(column) for column in (N, D, loss, name))
    return sf.Runs(loss, N=N, D=D).with_column("study", name)


def row(report: Report, name: str, said: str, law: Any, runs: sf.Runs, starts: int) -> None:
    """One batch by the default call, and from many starts with another seed."""
    begun = time.process_time()
    fits = sf.fit(law, runs, by="study", throw=False)
    seconds = time.process_time() - begun
    many = sf.fit(law, runs, by="study", num_starts=starts, seed=1, throw=False)
    apart = (fits.objective - np.asarray(many.objective)) / np.abs(fits.objective)
    lower, away = apart > 1e-6, fits.result == int(sf.RESULTS.undetermined)
    # No least objective to come to: the further a search follows parameters that run away, the lower it ends.
    open_ended = lower & (away | (many.result == int(sf.RESULTS.undetermined)))
    report.add(
        name, said, len(fits), int(fits.converged.sum()), int(away.sum()), int((~fits.reached).sum()),
        int(lower.sum()), int(open_ended.sum()), int((apart < -1e-6).sum()), round(seconds, 1),
        round(time.process_time() - begun - seconds, 1), apart=np.sort(apart)[::-1][:12].tolist(),
    )  # fmt: skip


def main() -> None:
    given = options(__doc__)
    claim = "Every fit ends converged or undetermined; how many 64 other starts find lower."
    report = Report("hard_valleys", claim, COLUMNS, given)
    starts, curves = (8 if given.quick else 64), vision()
    for name, share in (("public studies", np.inf), ("public studies, within 3 % of the least", 0.03)):
        row(report, name, "Skaling", sf.laws.Skaling, moments(share), starts)
    laws = {"M1": M1, "PowerLaw": sf.laws.PowerLaw, "M3": M3, "M4": M4}
    for name, law in (laws | {f"BNSL, {n} breaks": sf.laws.BNSL.of(n) for n in (1, 2)}).items():
        row(report, "vision curves", name, law, curves, starts)
    report.finish()


if __name__ == "__main__":
    main()
