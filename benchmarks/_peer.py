"""Draws of simple-scaling-laws for studies of a file, in an interpreter that has it: `_peer.py IN.npz OUT.npz`.

IN has N, D and loss by study and run, and points `far_N`, `far_D`; OUT has the draws of what `calibration.py` asks for.
"""

import sys
import warnings

import numpy as np
import polars as pl
from simple_scaling_laws import fit  # pyright: ignore[reportMissingImports]  of another interpreter

TARGET = "test_loss__cross_entropy"
DRAWS = 400


def main(given: str, out: str) -> None:
    warnings.simplefilter("ignore")
    studies = np.load(given)
    N, D = float(studies["far_N"]), float(studies["far_D"])
    budget, found = 6.0 * N * D, {"alpha": [], "10x": [], "N*": []}
    for k, rows in enumerate(zip(studies["N"], studies["D"], studies["loss"], strict=True)):
        names = ("model_size__N", "dataset_size__D", TARGET)
        runs = [f"run {i}" for i in range(len(rows[0]))]
        table = pl.DataFrame({"training_run_id": runs, **dict(zip(names, rows, strict=True))})
        model = fit(table, n_draws=DRAWS, seed=k)
        E, A, B, alpha, beta = model.draws[TARGET].params.T
        about = model.manifest["predictors"]
        # Its amplitudes are at a reference size.
        A = A * about[names[0]]["reference"] ** alpha
        B = B * about[names[1]]["reference"] ** beta
        G = (alpha * A / (beta * B)) ** (1.0 / (alpha + beta))
        found["alpha"].append(alpha)
        found["10x"].append(E + A * N**-alpha + B * D**-beta)
        found["N*"].append(G * (budget / 6.0) ** (beta / (alpha + beta)))
    np.savez(out, **{name: np.array(column) for name, column in found.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
