"""Do 90 % intervals of few runs hold the truth? Bootstraps, intervals to first order, and simple-scaling-laws.

Studies of Chinchilla's law with 9, 12 and 16 runs are drawn, fitted as one batch, and each interval is asked whether
it holds an exponent, the loss at ten times the compute, and the best size there. `SCALEFIT_PEER` names a Python that
has simple-scaling-laws 0.2.0, which then gets the first of the same studies.
"""

import json
import os
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _report import Report, options

import scalefit as sf
from scalefit.results import nearby, to_first_order

TRUTH = sf.laws.Chinchilla.published("epoch")
RUNS = (9, 12, 16)
SCATTER = 0.005
FAR = 1e10 * 10**0.5, 3e11 * 10**0.5
"""Ten times the compute of the largest run."""
DRAWS = 200
RESIDUALS, PAIRS, OTHER = "bootstrap, residuals (default)", "bootstrap, pairs", "simple-scaling-laws 0.2.0"
PEER = Path(__file__).parent / "_peer.py"


def asked(law: Any) -> dict[str, Any]:
    """What intervals are asked for, of draws along any axes (best size: arXiv 2203.15556, equation 4)."""
    N, D = FAR
    with np.errstate(all="ignore"):
        G = (law.alpha * law.A / (law.beta * law.B)) ** (1.0 / (law.alpha + law.beta))
        far = law.E + law.A * N**-law.alpha + law.B * D**-law.beta
        return {"alpha": law.alpha, "10x": far, "N*": G * (N * D) ** (law.beta / (law.alpha + law.beta))}


TRUE = {name: float(value) for name, value in asked(TRUTH).items()}


def drawn(runs: int, errors: str, studies: int) -> dict[str, np.ndarray]:
    """N and D evenly in the logarithm, and the loss, by study and run."""
    rng = np.random.default_rng([0, runs, len(errors)])
    shape = studies, runs
    N, D = 3e7 * (1e10 / 3e7) ** rng.random(shape), 1e9 * 300.0 ** rng.random(shape)
    off = rng.standard_normal(shape) if errors == "normal" else rng.standard_t(4, shape)
    loss = (TRUTH.E + TRUTH.A * N**-TRUTH.alpha + TRUTH.B * D**-TRUTH.beta) * np.exp(SCATTER * off)
    return {"N": N, "D": D, "loss": loss}


def held(ends: dict[str, tuple[Any, Any]]) -> list[float]:
    """The shares of studies whose interval holds each, and the median width of the loss, in per cent."""
    found = []
    for name, (low, high) in ends.items():
        known = np.isfinite(low)
        found.append(float(np.mean(((low <= TRUE[name]) & (TRUE[name] <= high))[known])))
    low, high = ends["10x"]
    return [*found, 100.0 * float(np.nanmedian(np.log(high / low)))]


def of_draws(table: dict[str, Any], converged: Any = True) -> dict[str, tuple[Any, Any]]:
    """Ends of the central intervals of draws along the last axis."""
    ends = {n: np.nanquantile(np.where(converged, c, np.nan), [0.05, 0.95], axis=-1) for n, c in table.items()}
    return {name: (low, high) for name, (low, high) in ends.items()}


def first_order(fits: Any) -> dict[str, tuple[Any, Any]]:
    """Ends of the intervals that a fit has by itself."""
    about = nearby(fits)
    value, numbers = asked(fits.law), asked(about.laws)
    found = {}
    for name in value:
        one = to_first_order(value[name], numbers[name], about, 0.9, log=name == "10x")
        found[name] = one.low, one.high
    return found


def of_bootstrap(fits: Any, scheme: Any) -> dict[str, tuple[Any, Any]]:
    """Ends of the intervals of a bootstrap."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of resamples that were drawn again
        draws: Any = sf.bootstrap(fits, num=DRAWS, scheme=scheme)
    assert draws.diagnostics["scheme"] == scheme
    return of_draws(asked(draws.law), draws.converged)


def of_peer(peer: str, studies: dict[str, np.ndarray]) -> dict[str, tuple[Any, Any]]:
    """Ends of the intervals of simple-scaling-laws, in its own interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, far_N=FAR[0], far_D=FAR[1], **studies)
        subprocess.run([peer, str(PEER), str(given), str(out)], check=True)
        with np.load(out) as found:
            return of_draws({name: found[name] for name in found.files})


def ends_of(name: str, studies: dict[str, np.ndarray], count: int) -> dict[str, tuple[Any, Any]]:
    """Ends of the intervals of so many of the studies."""
    some = {n: column[:count] for n, column in studies.items()}
    if name == OTHER:
        return of_peer(os.environ["SCALEFIT_PEER"], some)
    N, D, loss = (column.ravel() for column in some.values())
    table = sf.Runs(loss, N=N, D=D, study=np.repeat(np.arange(count), some["N"].shape[1]))
    fits = sf.fit(sf.laws.Chinchilla, table, by="study", throw=False)
    if name == "first order":
        return first_order(fits)
    return of_bootstrap(fits, "residuals" if name == RESIDUALS else "pairs")


def rows_of(file: Path | None) -> dict[tuple[Any, ...], list[float]]:
    """Rows that a run which was cut short has left in its file: studies are drawn alike, and they stand."""
    if file is None or not file.exists():
        return {}
    found = json.loads(file.read_text())
    head, rest = found["columns"][:4], found["columns"][4:]
    return {tuple(row[c] for c in head): [row[c] for c in rest] for row in found["rows"] if not found["whole"]}


def main() -> None:
    given = options(__doc__)
    made = rows_of(given.json)
    count, few = (30, 3) if given.quick else (300, 60)
    report = Report(
        "calibration",
        "Shares of studies whose 90 % interval holds the truth; seed 0.",
        ("runs", "errors", "intervals", "studies", "alpha", "10x", "N*", "width of 10x, %"),
        given,
    )
    designs = [(runs, errors) for runs in (RUNS[:1] if given.quick else RUNS) for errors in ("normal", "t")]
    peer = os.environ.get("SCALEFIT_PEER")
    # Resamples of few runs lie at few inputs, and their refits take minutes, as does the peer: they come last.
    for name in ("first order", RESIDUALS, PAIRS, *([OTHER] if peer else [])):
        studies = count if name in ("first order", RESIDUALS) else few
        for runs, errors in designs:
            done = made.get((runs, errors, name, studies))
            report.add(runs, errors, name, studies, *(done or held(ends_of(name, drawn(runs, errors, count), studies))))
    report.note(
        f"Chinchilla's law with the replication's parameters, N from 3e7 to 1e10 and D from 1e9 to 3e11; scatter "
        f"{100 * SCATTER:g} %, normal or Student's t of 4 degrees of freedom; the default noise, {DRAWS} draws. "
        "10x: the loss at ten times the compute of the largest run; N*: the best size there. Shares are uncertain by "
        ".017 of 300 studies and .04 of 60."
    )
    report.finish()


if __name__ == "__main__":
    main()
