"""Scatter that goes by the weights of a mixture: how often constant scatter is called so, how well slopes are told,
and what public runs show.

Simulated: studies of an exponential law over weights drawn evenly, of constant scatter and of one whose ln s goes by
the weights, each fitted in one batch. Published: the 512 runs of RegMix (arXiv 2407.01492) at 1M parameters, 13 targets
over 17 domains; the log score is the mean log density of 256 other mixtures under the noise, with scatter by weights
less that with constant scatter, the law being fitted with either.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _benchmarks import Options, Report, options

import scalefit as sf

DATA = Path(os.environ.get("SCALEFIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
GAUSSIAN, STUDENT = sf.noise.Gaussian(), sf.noise.StudentT(4)
# Domains, runs, whether ln s goes by the weights, noise of the runs and of the fit.
SIMULATED = [
    (3, 16, False, GAUSSIAN), (3, 40, False, GAUSSIAN), (3, 40, False, STUDENT), (5, 40, False, GAUSSIAN),
    (3, 40, True, GAUSSIAN), (3, 100, True, STUDENT), (5, 100, True, GAUSSIAN), (17, 64, False, GAUSSIAN),
    (17, 128, True, GAUSSIAN),
]  # fmt: skip


def simulated(report: Report, asked: Options, domains: int, runs: int, goes: bool, noise: Any) -> None:
    """Many studies of one kind, as a batch."""
    many = 10 if asked.quick else 20 if domains > 5 else 100
    rng = np.random.default_rng([domains, runs, goes])
    t = rng.normal(size=(many, domains))
    w = rng.dirichlet(np.ones(domains), (many, runs))
    b = np.linspace(1.0, -1.0, domains) * (domains / 3.0 if goes else 0.0)
    # Centred, so that the geometric mean of the scales is .01.
    log_s = (w - w.mean(axis=1, keepdims=True)) @ b
    clean = 2.0 + 0.5 * np.exp(np.einsum("srd,sd->sr", w, t - t.mean(axis=1, keepdims=True)))
    loss = clean * np.exp(noise.sample(0.01 * np.exp(log_s), rng))
    shares: dict[str, Any] = {f"w[{d}]": w[..., d].ravel() for d in range(domains)}
    table = sf.Runs(loss.ravel(), group=np.repeat(np.arange(many), runs).astype(str), **shares)
    fits = sf.fit(sf.laws.MixingExp, table, by="group", noise=noise, throw=False)
    good = [key for key, fine in zip(fits.keys or (), fits.converged, strict=True) if fine]
    if len(good) < many:
        fits = sf.fit(sf.laws.MixingExp, table.take(np.isin(table.labels["group"], good)), by="group", noise=noise)
    found = sf.scatter(fits, by="w")
    off = (found.b - b)[found.converged]
    report.add(
        f"{runs} of {domains} domains", type(noise).__name__, f"{'by' if goes else 'not by'} weights", len(good),
        float(np.mean(found.p < 0.05)), float(np.sqrt(np.mean(off.mean(axis=0) ** 2))),
        float(np.sqrt(np.mean(off**2))), float(np.std(off / found.se[found.converged])), None, None,
    )  # fmt: skip


def published(report: Report, law: type[Any], noise: Any) -> None:
    """RegMix: how far its runs scatter by weights, and what that says of others."""

    def read(kind: str) -> sf.Runs:
        folder = DATA / "regmix"
        return sf.read_mixtures(folder / f"{kind}_mixture_1m.csv", folder / f"{kind}_pile_loss_1m.csv")

    fits, others = sf.fit(law, read("train"), by="target", noise=noise), read("test")
    found = sf.scatter(fits, by="w")
    gained = []
    for i, key in enumerate(fits.keys or ()):
        some = others.take(others.labels["target"] == key)
        at = {name: some.inputs[name] for name in found.names}
        off = [np.log(some.target / np.asarray(sf.predict(fit[key], **at).value)) for fit in (fits, found.fit)]
        with_law = np.asarray(sf.predict(found.fit[key], **at).value)
        s = np.full(len(some), fits.scale[i]), found.at(**at)[i] / with_law
        scores = [np.mean(noise.log_density(o, np.log(each))) for o, each in zip(off, s, strict=True)]
        gained.append(float(scores[1] - scores[0]))
    report.add(
        f"RegMix 1M, {law.__name__}", type(noise).__name__, "not known", len(fits), float(np.mean(found.p < 0.05)),
        None, None, None, float(np.median(found.ratio)), float(np.mean(gained)),
    )  # fmt: skip


def main() -> None:
    asked = options(__doc__)
    claim = "Constant scatter is called varying in 7 of 100 studies at 5 %; public mixtures scatter by their weights."
    columns = (
        "runs", "noise", "scatter goes", "studies", "called varying at 5 %", "b: mean error",
        "b: root mean square error", "error over its se, sd", "largest over least s, median", "log score gained a run",
    )  # fmt: skip
    report = Report("scatter", claim, columns, asked)
    warnings.simplefilter("ignore", UserWarning)
    for law in (sf.laws.MixingExp, sf.laws.MixingTransfer):
        for noise in () if asked.quick else (GAUSSIAN, STUDENT):
            published(report, law, noise)
    for row in SIMULATED[:2] if asked.quick else SIMULATED:
        simulated(report, asked, *row)
    report.finish()


if __name__ == "__main__":
    main()
