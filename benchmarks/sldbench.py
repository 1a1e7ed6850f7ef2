"""Laws × public tasks: SLDBench's (arXiv 2507.21184), a dense grid and the 72 vision curves, each law fitted to all
studies of a task as one batch, and judged at what was kept back.

Studies of sizes are one task seen from three origins: the 70, 80 and 90 % of the runs of least compute, and all
beyond them kept back. Curves are cut where their source cuts them, or after 51,200 samples. An error is the root mean
square of logarithms (of the loss itself where that is below 0) of a study, and the mean over the studies. The saddle is
the t of what residuals of a fit to all runs do along N and D together, which no sum of a term of either can; a law
that bends so itself has none. Two core-minutes.
"""

import csv
import functools
import json
import os
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from _report import Report, options

import scalefit as sf
from scalefit.results import patterns

FOLDER = Path(os.environ.get("SCALEFIT_DATA", "."))
ORIGINS = (0.7, 0.8, 0.9)
LAST_SAMPLES = 51_200


class Studies(NamedTuple):
    """Rows of many studies: inputs, what came, of which study, and whether the fit sees it."""

    inputs: Mapping[str, np.ndarray]
    loss: np.ndarray
    study: np.ndarray
    seen: np.ndarray


def from_origins(inputs: Mapping[str, np.ndarray], loss: np.ndarray, cost: np.ndarray) -> Studies:
    """One set of runs as a study for each origin."""
    cuts = np.quantile(cost, ORIGINS)
    repeated = {name: np.tile(column, len(cuts)) for name, column in inputs.items()}
    study = np.repeat([f"{share:.0%}" for share in ORIGINS], len(loss))
    return Studies(repeated, np.tile(loss, len(cuts)), study, (cost <= cuts[:, None]).ravel())


def columns(path: str, labels: tuple[str, ...] = (), **names: str) -> dict[str, np.ndarray]:
    """Columns of a table by our names: floats, or text of those that are `labels`."""
    read = pl.read_parquet if path.endswith("parquet") else functools.partial(pl.read_csv, infer_schema=False)
    found = read(FOLDER / path).select(**names).drop_nulls()
    return {
        name: np.array([cell if name in labels else float(cell) for cell in found[name].to_list()]) for name in names
    }


def constrained() -> Studies:
    path = "sldbench/data_constrained_scaling_law/data.csv"
    found = columns(path, N="params", D="tokens", U="unique_tokens", loss="loss")
    return from_origins({n: found[n] for n in ("N", "D", "U")}, found["loss"], found["N"] * found["D"])


def grid() -> Studies:
    found = columns("active-sl/farseer/train-00000-of-00001.parquet", N="N", D="D", loss="loss")
    return from_origins({n: found[n] for n in ("N", "D")}, found["loss"], found["N"] * found["D"])


def settings() -> Studies:
    """The least loss of each size and amount of data, over all rates and batches."""
    found = columns("sldbench/lr_scaling_law/dense_lr_bs_loss.csv", N="N", D="D", loss="loss")
    pairs, place = np.unique(np.stack([found["N"], found["D"]], axis=1), axis=0, return_inverse=True)
    least = np.array([found["loss"][place.ravel() == k].min() for k in range(len(pairs))])
    return from_origins({"N": pairs[:, 0], "D": pairs[:, 1]}, least, pairs.prod(axis=1))


def experts() -> Studies:
    """The last row of each training, by its router."""
    names = {"N": "dense_parameter_count", "E": "num_experts", "loss": "loss_validation", "step": "step"}
    found = columns("sldbench/moe_scaling_law/data.csv", ("router",), router="router_type", **names)
    last = (found["step"] == 240_000) & (found["router"] != "Dense")
    N, E = found["N"][last], found["E"][last]
    inputs = {"N": N, "E": E, "D": np.full(len(N), 1.3e11)}
    return Studies(inputs, found["loss"][last], found["router"][last], N.max() > N)


def vocabulary() -> Studies:
    path = "sldbench/vocab_scaling_law/data.csv"
    names = {"N": "Non_vocab_parameters", "V": "vocab_size", "d": "embed_dim", "D": "num_characters"}
    found = columns(path, C="FLOPs", loss="Lossu", **names)
    return from_origins({n: found[n] for n in ("N", "V", "d", "D")}, found["loss"], found["C"])


def fine_tuning() -> Studies:
    rows = []
    for name in ("flan", "gigaword", "wikiword"):
        with (FOLDER / "sldbench" / "rectified_scaling_law" / f"{name}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows += [
                    (float(x), float(y), f"{name} {row['model']}") for x, y in row.items() if x not in ("model", "0")
                ]
    x, loss, study = (np.array(column) for column in zip(*rows, strict=True))
    return Studies({"x": x}, loss, study, x <= LAST_SAMPLES)


def mixtures() -> Studies:
    path = FOLDER / "sldbench" / "domain_mixture_scaling_law" / "all_models_data.json"
    rows = [
        (mixture["proportions"], loss, f"{size} {k}", part == "train")
        for size, parts in json.loads(path.read_text()).items()
        for part, some in parts.items()
        for mixture in some
        for k, loss in enumerate(mixture["loss"])
    ]
    w, loss, study, seen = (np.array(column) for column in zip(*rows, strict=True))
    w = w / w.sum(axis=1, keepdims=True)
    return Studies({f"w[{k}]": w[:, k] for k in range(w.shape[1])}, loss, study, seen)


def vision() -> Studies:
    path = "revisiting-nsl/benchmark.vision.csv"
    names = {"x": "Seen Examples", "loss": "Loss", "seen": "Training", "task": "Task", "model": "Model"}
    found = columns(path, ("task", "model"), **names)
    study = np.array([f"{a} {b}" for a, b in zip(found["task"], found["model"], strict=True)])
    return Studies({"x": found["x"]}, found["loss"], study, found["seen"] == 1)


TASKS: dict[str, Callable[[], Studies]] = {
    "repeats": constrained,
    "dense grid": grid,
    "best settings": settings,
    "experts": experts,
    "vocabulary": vocabulary,
    "mixtures": mixtures,
    "fine-tuning": fine_tuning,
    "vision": vision,
}
SADDLES = ("repeats", "dense grid")


class Entry(NamedTuple):
    """A law with the parameters that are held, and the tasks that it is asked for."""

    law: Any
    fixed: tuple[str, ...]
    tasks: tuple[str, ...]
    log: bool = True


OF_SIZES, CURVES = ("repeats", "dense grid", "best settings"), ("fine-tuning", "vision")
LAWS: dict[str, Entry] = {
    "Chinchilla, a sum": Entry(sf.laws.Chinchilla(), (), OF_SIZES),
    "Skaling, coupled": Entry(sf.laws.Skaling(), (), OF_SIZES),
    "Farseer, coupled": Entry(sf.laws.Farseer(), (), ("dense grid",)),
    "DataConstrained": Entry(sf.laws.DataConstrained(), (), ("repeats",)),
    "Lovelace": Entry(sf.laws.Lovelace(), (), ("repeats",)),
    "Routed, no floor": Entry(sf.laws.Routed(), (), ("experts",)),
    "JointMoE, data the same": Entry(
        sf.laws.JointMoE(b=0.0, beta=-0.5, zeta=0.0, omega=0.0), ("b", "beta", "zeta", "omega"), ("experts",)
    ),
    "Vocabulary": Entry(sf.laws.Vocabulary(), (), ("vocabulary",), log=False),
    "MixingExp": Entry(sf.laws.MixingExp(), (), ("mixtures",)),
    "MixingExp, no floor": Entry(sf.laws.MixingExp(c=0.0), ("c",), ("mixtures",)),
    "MixingLinear": Entry(sf.laws.MixingLinear(), (), ("mixtures",)),
    "PowerLaw, no floor (M1)": Entry(sf.laws.PowerLaw(E=0.0), ("E",), CURVES),
    "PowerLaw (M2)": Entry(sf.laws.PowerLaw(), (), CURVES),
    "M3": Entry(sf.laws.M3(E=0.0), ("E",), CURVES),
    "ShiftedPowerLaw": Entry(sf.laws.ShiftedPowerLaw(), (), CURVES),
    "RectifiedFineTuning": Entry(sf.laws.RectifiedFineTuning(), (), CURVES),
    "BoundedRational": Entry(sf.laws.BoundedRational(), (), CURVES),
}


def error(entry: Entry, task: Studies) -> tuple[float | None, float]:
    """The mean error of a law over the studies of a task, `None` where it foresees nothing in one of them, and the
    share of its fits that reached an optimum."""
    noise = sf.noise.StudentT() if entry.log else sf.noise.StudentT(log=False)
    seen = {name: column[task.seen] for name, column in task.inputs.items()}
    runs = sf.Runs(task.loss[task.seen], group=task.study[task.seen], **seen)
    fits = sf.fit(entry.law, runs, by="group", noise=noise, fixed=entry.fixed, throw=False)
    taken = [name for name in sf.laws.input_names(entry.law) if name in task.inputs] or list(task.inputs)
    missed = []
    for key in fits.keys or ():
        later = (task.study == key) & ~task.seen
        try:
            foreseen = sf.predict(fits[key], **{name: task.inputs[name][later] for name in taken}).value
        except sf.InputError:  # not finite
            return None, float(np.mean(fits.reached))
        off = np.log(foreseen / task.loss[later]) if entry.log else foreseen - task.loss[later]
        missed.append(np.sqrt(np.mean(off**2)))
    return float(np.mean(missed)), float(np.mean(fits.reached))


def saddle(entry: Entry, task: Studies) -> float | None:
    """The t of the saddle in a fit to all runs of one study."""
    one = task.study == task.study[0]
    fit = sf.fit(entry.law, sf.Runs(task.loss[one], **{n: c[one] for n, c in task.inputs.items()}), throw=False)
    return next((found.t for found in patterns(fit) if found.name == "saddle N D"), None)


def main() -> None:
    given = options(__doc__)
    claim = "Laws × public tasks, each backtested as one batch: errors of what was kept back, and saddles."
    report = Report("sldbench", claim, ("law", *TASKS, *(f"saddle, {name}" for name in SADDLES)), given)
    warnings.simplefilter("ignore")
    tasks = {name: make() for name, make in TASKS.items() if not given.quick or name in OF_SIZES}
    for name, entry in LAWS.items():
        before, errors, reached, saddles = time.process_time(), {}, {}, {}
        for task in (task for task in entry.tasks if task in tasks):
            errors[task], reached[task] = error(entry, tasks[task])
            if task in SADDLES:
                saddles[task] = saddle(entry, tasks[task])
        cells = [errors.get(task) for task in TASKS], [saddles.get(task) for task in SADDLES]
        report.add(name, *cells[0], *cells[1], converged=reached, core_s=time.process_time() - before)
    report.finish()


if __name__ == "__main__":
    main()
