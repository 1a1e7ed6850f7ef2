"""Draw what intervals hold and what forecasts miss by distance, from the table of `studies/forecasts.py`.

python docs/make_forecasts.py
"""

import json
from pathlib import Path

HERE = Path(__file__).parent
TABLE, PICTURE = HERE.parent / "studies" / "results" / "forecasts.json", HERE / "images" / "forecasts.png"
LINES = {
    "law alone": ("Chinchilla's law, all runs", "#999999", "s"),
    "bootstrap": ("the same, resampled", "#56b4e9", "v"),
    "posterior": ("the same, posterior", "#0072b2", "^"),
    "stack": ("sf.forecast", "#d55e00", "o"),
}
INK = "#222222"


def main() -> None:
    """Near the frontier, families equal."""
    import matplotlib.pyplot as plt

    rows = [row for row in json.loads(TABLE.read_text("utf-8"))["rows"] if row["runs"] == "frontier"]
    distances = list(dict.fromkeys(row["times the compute"] for row in rows))
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
    for axes, column in zip(panels, ("holds %", "error %"), strict=True):
        for name, (label, colour, marker) in LINES.items():
            by = {row["times the compute"]: row[column] for row in rows if row["forecast"] == name}
            axes.plot(distances, [by[one] for one in distances], color=colour, marker=marker, ms=5, lw=1.4, label=label)
        axes.set_xlabel("times the compute of the largest run fitted", color=INK)
        axes.spines[["top", "right"]].set_visible(False)
    coverage, error = panels
    coverage.axhline(90.0, color=INK, lw=0.8, ls=":")
    coverage.set(ylim=(0.0, 102.0), title="Runs that 90 % intervals hold (%)")
    error.set(ylim=(0.0, None), title="Mean absolute error (%)")
    error.legend(frameon=False, fontsize=8)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
