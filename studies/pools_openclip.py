"""Laws of one repeated pool on public CLIP models: three sizes of LAION, three numbers of samples, three networks.

The table is `openclip/zeroshot_results.csv` of LAION-AI/scaling-laws-openclip (arXiv 2212.07143), looked for in the
folder that `SCALEFIT_DATA` names. No row of it is part of this package.
"""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _benchmarks import Report, options

import scalefit as sf

UNIQUE = {"LAION-80M": 80.0e6, "LAION-400M": 407e6, "LAION-2B": 2.0e9}
"""Unique samples; the epochs that the files give for the largest are shards of it and no passes."""
ARCHITECTURES = ("ViT-B-32", "ViT-B-16", "ViT-L-14")
"""Those trained on every pool; of H-14 and g-14 there is one run each."""
LAST = 30e9
"""Beyond: the longest runs, which are predicted from the others."""


class Law(NamedTuple):
    """A law; unless it `repeats` every sample counts as fresh, and with `pools` each pool has its own b and tau."""

    name: str
    of: Any
    repeats: bool = True
    pools: bool = False


LAWS = (
    Law("utility, one pool", sf.laws.PoolsQQT),
    Law("utility, smooth passes", sf.laws.PoolsQQT(passes="smooth")),
    Law("utility, over-fitting", sf.laws.PoolsOverfit),
    Law("effective data", sf.laws.PoolsEffective),
    Law("data-constrained", sf.laws.PoolsDataConstrained),
    Law("no repetition", sf.laws.PowerLaw, repeats=False),
    Law("utility, b and tau by pool", sf.laws.PoolsQQT, pools=True),
)


def read() -> sf.Runs:
    """End points of the 27 models, as runs on three pools; curves are mid-schedule and are not used."""
    folder = os.environ.get("SCALEFIT_DATA")
    path = Path(folder or ".") / "openclip" / "zeroshot_results.csv"
    if not folder or not path.exists():
        sys.exit(f"There is no {path}: put zeroshot_results.csv into a folder openclip where SCALEFIT_DATA points.")
    runs = sf.read_runs(
        path,
        columns={"n": "samples_seen", "pool": "upstream_dataset", "group": "arch"},
        target="acc1",
        where="downstream_dataset == 'imagenet1k' and upstream_dataset != 'CLIP-WIT'",
        name="openclip",
    )
    runs = runs.take(np.isin(np.asarray(runs.labels["group"], str), ARCHITECTURES))
    return sf.pooled(runs, sf.Pools(UNIQUE))


def studies(runs: sf.Runs, law: Law, without: Any) -> sf.Runs:
    """Studies of each architecture: "all" of it, without one run ("0", "1", ...), without the longest ("long")."""
    arch = np.asarray(runs.labels["group"], str)
    columns: dict[str, Any] = {}
    for name in ARCHITECTURES:
        own = np.flatnonzero(arch == name)
        for left in without:
            keep = {"all": own, "long": own[runs.inputs["n"][own] < LAST]}.get(left)
            keep = np.delete(own, int(left)) if keep is None else keep
            for column, values in inputs(runs, law).items():
                columns.setdefault(column, []).extend(values[keep])
            columns.setdefault("error", []).extend(runs.target[keep])
            columns.setdefault("group", []).extend([f"{name} {left}"] * len(keep))
    return sf.Runs(columns.pop("error"), target="error", name="openclip", **columns)


def inputs(runs: sf.Runs, law: Law) -> dict[str, np.ndarray]:
    """What the law takes: the number of samples; one pool of the size of the run's; or the three pools."""
    n = runs.inputs["n"]
    if not law.repeats:
        return {"x": n}
    if law.pools:
        return {k: v for k, v in runs.inputs.items() if k == "n" or k[:2] in ("w[", "U[")}
    unique = sum(runs.inputs[f"w[{p}]"] * size for p, size in UNIQUE.items())
    return {"n": n, "w[LAION]": np.ones_like(n), "U[LAION]": np.asarray(unique)}


def errors(fits: sf.Fit[Any], runs: sf.Runs, law: Law) -> dict[str, np.ndarray]:
    """Predicted less observed log error of every run of an architecture, by study."""
    given, arch = inputs(runs, law), np.asarray(runs.labels["group"], str)
    found = {}
    for key in fits.keys or ():
        own = arch == str(key).rpartition(" ")[0]
        points: dict[str, Any] = {name: column[own] for name, column in given.items()}
        value = sf.predict(fits[key], **points).value
        found[str(key)] = np.log(value) - np.log(runs.target[own])
    return found


def rms(off: Any) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(off))))


def main() -> None:
    given = options(__doc__)
    runs = read()
    report = Report(
        "pools_openclip",
        "CLIP models whose pool is repeated up to 428 times: a half-life describes nine runs of a network.",
        ("network", "law", "numbers", "rms", "left out", "longest", "b", "tau", "d", "tau without one", "starts agree"),
        given,
    )
    arch, n = np.asarray(runs.labels["group"], str), runs.inputs["n"]
    for law in LAWS[:1] + LAWS[5:6] if given.quick else LAWS:
        # Eight numbers cannot be fitted to eight runs, nor to six.
        without = ("all",) if law.pools else ("all", "long", *map(str, range(9)))
        table = studies(runs, law, without)
        fits = sf.fit(law.of, table, noise=sf.noise.Gaussian(), by="group", num_starts=8, throw=False)
        off = errors(fits, runs, law)
        for name in ARCHITECTURES:
            one = fits[f"{name} all"]
            own = n[arch == name]
            left = long = taus = None
            if not law.pools:
                left = rms([off[f"{name} {k}"][k] for k in range(9)])
                long = rms(off[f"{name} long"][own > LAST])
                if law.repeats:
                    half = [float(np.squeeze(fits[f"{name} {k}"].law.tau)) for k in range(9)]
                    taus = f"{min(half):.3g} to {max(half):.3g}"
            values = one.law
            shape = {k: np.ravel(getattr(values, k, np.nan)) for k in ("b", "tau", "d")}
            cell = {k: ", ".join(f"{x:.3g}" for x in v) if np.isfinite(v).all() else "–" for k, v in shape.items()}
            report.add(
                name, law.name, len(one.free), rms(off[f"{name} all"]), left, long, cell["b"], cell["tau"], cell["d"],
                taus, f"{int(one.agreeing)} of {one.tried}", fitted={k: v.tolist() for k, v in shape.items()},
                residuals=off[f"{name} all"].tolist(), converged=bool(one.converged),
            )  # fmt: skip
    finish(report, runs)


def finish(report: Report, runs: sf.Runs) -> None:
    """What the table cannot say."""
    report.note(f"{len(runs)} end points, nine a network: four numbers on nine runs leave five to disagree.")
    report.note("left out: each run predicted by the other eight; longest: the three 34B runs by the 3B and 13B ones.")
    report.note("One run a cell and no repeated seed: what part of a residual is noise cannot be told.")
    report.note(
        "Runs differ in learning rate (5e-4, 1e-3) and batch (32 to 88 thousand) as well; L-14 on 2B saw 32.0e9 "
        "samples and not 34; the end points of a second file differ in the third decimal."
    )
    report.note("One pool: the three are taken as one quality in three sizes, b and tau shared; 2B is about 2.0e9.")
    arch = np.asarray(runs.labels["group"], str)
    least = ", ".join(f"{a} {runs.target[arch == a].min():.3f}" for a in ARCHITECTURES)
    report.note(
        f"Least error seen: {least}. A floor d close to it, or above, is the law's way to bend and no floor of the "
        "task: with b and tau by pool, as many numbers as runs but one, d is near 0 and b a sixth."
    )
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
