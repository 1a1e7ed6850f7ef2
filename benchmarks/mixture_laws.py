"""Laws over weights of domains on public runs: how unseen mixtures are ranked, and how far predictions are off.

RegMix (arXiv 2407.01492): fitted to 512 mixtures of 17 domains at 1M parameters, Spearman over 256 others at 1M and at
60M, the mean of 13 targets; LightGBM has .990 at 1M by its authors, who stop it early on the test set. Data Mixing Laws
(arXiv 2403.16952): five groups of the Pile at 70M, the mean absolute error of the overall loss on six mixtures, by fits
to all 26 as published (.00862) and to the other 20. Shukor et al. (arXiv 2507.09404): seven domains, the mean relative
error over the losses on them at all checkpoints of the sizes fitted and of larger ones, by fits to every eighth
checkpoint of the sizes up to 680M.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from _report import Report, options
from scipy.stats import spearmanr

import scalefit as sf

DATA = Path(os.environ.get("SCALEFIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
NOISE = sf.noise.Gaussian(log=False)
COLUMNS = ("runs", "law", "measure", "value", "core-s")
LAWS = (sf.laws.MixingExp, sf.laws.MixingTransfer, sf.laws.MixingLinear)
GROUPS = {
    "academic": ("ArXiv", "PubMed_Abstracts", "PhilPapers", "NIH_ExPorter", "FreeLaw", "USPTO_Backgrounds",
                 "PubMed_Central"),
    "prose": ("PG19", "Books3", "BookCorpus2"),
    "dialogue": ("Ubuntu_IRC", "OpenSubtitles", "EuroParl", "Enron_Emails", "HackerNews", "YoutubeSubtitles"),
    "symbolic": ("DM_Mathematics", "Github"),
    "internet": ("Pile-CC", "OpenWebText2", "StackExchange", "Wikipedia_en"),
}  # fmt: skip


def foreseen(fits: Any, runs: sf.Runs) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """By target, what the fits foresee of runs and what was measured."""
    label, found, measured = runs.labels["target"], [], []
    for key in fits.keys:
        some = runs.take(label == key)
        found.append(np.asarray(sf.predict(fits[key], **dict(some.inputs)).value))
        measured.append(np.asarray(some.target))
    return found, measured


def rank(fits: Any, runs: sf.Runs) -> float:
    """The mean rank correlation over the targets."""
    ranks = [float(spearmanr(a, b).statistic) for a, b in zip(*foreseen(fits, runs), strict=True)]  # pyright: ignore[reportAttributeAccessIssue]  as SciPy documents it
    return sum(ranks) / len(ranks)


def regmix(report: Report, quick: bool) -> None:
    """Unseen mixtures at the size of the runs and at sixty times it."""

    def read(kind: str, size: str) -> sf.Runs:
        folder = DATA / "regmix"
        return sf.read_mixtures(folder / f"{kind}_mixture_{size}.csv", folder / f"{kind}_pile_loss_{size}.csv")

    train = read("train", "1m")
    for law in LAWS[: 1 if quick else None]:
        begun = time.process_time()
        fits = sf.fit(law, train, by="target", noise=NOISE)
        taken = time.process_time() - begun
        for size in ("1m", "60m"):
            add(report, f"RegMix 1m → {size}", law, "Spearman", rank(fits, read("test", size)), taken)


def five_groups(report: Report) -> None:
    """The overall loss of six mixtures, fitted with them and without."""
    folder = DATA / "data-mixing-laws-5mix"
    runs = sf.read_mixture_paths(folder / "70M.txt", domains=tuple(GROUPS)).where("step == 30000")
    weight = json.loads((DATA / "data-mixing-laws" / "valid_weight.json").read_text())
    kept = json.loads((DATA / "sldbench/domain_mixture_scaling_law/all_models_data.json").read_text())["70M"]["eval"]
    names = dict.fromkeys(runs.labels["run"].tolist())
    rows = {
        (run, target): i for i, (run, target) in enumerate(zip(runs.labels["run"], runs.labels["target"], strict=True))
    }
    w = np.array([[runs.inputs[f"w[{g}]"][rows[run, "Github"]] for g in GROUPS] for run in names])
    losses = {
        group: np.array([sum(weight[s] * runs.target[rows[run, s]] for s in subsets) for run in names])
        / sum(weight[s] for s in subsets)
        for group, subsets in GROUPS.items()
    }
    share = np.array([sum(weight[s] for s in subsets) for subsets in GROUPS.values()])
    overall = np.stack(list(losses.values()), axis=1) @ share / share.sum()
    held = np.array([any(np.allclose(one, row["proportions"]) for row in kept) for one in w])
    table = sf.Runs(losses, run=list(names), **{f"w[{g}]": w[:, i] for i, g in enumerate(GROUPS)})  # pyright: ignore[reportArgumentType]  entries in brackets
    for law in LAWS:
        for said, some in (("all 26", np.ones(len(w), bool)), ("the other 20", ~held)):
            begun = time.process_time()
            rows_of = np.isin(table.labels["run"], np.array(list(names))[some])
            fits = sf.fit(law, table.take(rows_of), by="target", noise=NOISE)
            taken = time.process_time() - begun
            found, _ = foreseen(fits, table)
            error = np.abs(np.stack(found, axis=1) @ share / share.sum() - overall)[held].mean()
            add(report, f"Data Mixing Laws, 5 groups, {said}", law, "MAE", float(error), taken)


def seven_domains(report: Report) -> None:
    """Losses on seven domains at the sizes that were fitted and at larger ones."""
    path = DATA / "shukor-mixtures" / "dmsl_llm_slimpajama.csv"
    runs = sf.read_mixtures(path, domains="weight_*", targets="*_loss").where("target != 'openhermes_loss'")
    place, size = runs.rows, runs.inputs["N"]
    some = runs.take((size < 7e8) & (place % 8 == 0))
    for law in (sf.laws.MixingAdditive, sf.laws.MixingJoint):
        begun = time.process_time()
        fits = sf.fit(law, some, by="target")
        taken = time.process_time() - begun
        for said, at in (("122M to 680M", size < 7e8), ("1.2B", (size > 1e9) & (size < 2e9)), ("2.7B", size > 2e9)):
            found, measured = foreseen(fits, runs.take(at))
            error = float(np.mean([np.mean(np.abs(a / b - 1.0)) for a, b in zip(found, measured, strict=True)]))
            add(report, f"Shukor, to 680M → {said}", law, "relative error", error, taken)


def add(report: Report, task: str, law: Any, measure: str, value: float, seconds: float | None) -> None:
    """One row."""
    report.add(task, law.__name__, measure, value, seconds)


def main() -> None:
    """Print the table."""
    asked = options(__doc__)
    warnings.simplefilter("ignore")
    report = Report("mixture_laws", "Laws over weights of domains on public runs", COLUMNS, asked)
    five_groups(report)
    regmix(report, asked.quick)
    seven_domains(report)
    report.finish()


if __name__ == "__main__":
    sys.exit(main())
