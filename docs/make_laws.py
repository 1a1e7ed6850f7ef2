"""Write laws.md and a picture of each law.

    python docs/make_laws.py

What the page says of a law is its documentation, what it declares and what was published of it; the picture shows it at
the parameters that tests hold it to.
"""

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests")]

from helpers import LAWS, LawRow  # noqa: E402

from scalefit.laws import Label, Padded, Series, Weights, input_names, inputs_of  # noqa: E402
from scalefit.params import parameters  # noqa: E402
from scalefit.specs import family_of, known_laws  # noqa: E402

PICTURES = HERE / "images" / "laws"
POINTS = 120
OPENING = """# Laws

Every law of the package by family: its formula, what it is for and where it misleads, what it takes, and what was
published of it. `scalefit laws` lists them in a terminal, `scalefit laws --inputs N,D,U` those that take these.
`python docs/make_laws.py` writes this page from what the laws say of themselves; pictures are at parameters of tests.

Published parameters go by name, `sf.laws.Chinchilla.published("epoch")`, and belong to what they were fitted to:
another tokenizer, data set or way to count parameters is another law. [code] was read in released code, [run] computed
anew; [2nd], from a copy of the text, and [mem], from memory, are unverified.
"""


def page() -> str:
    """The page."""
    families: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for name, cls in known_laws().items():
        families.setdefault(family_of(cls), []).append((name, cls))
    parts = [OPENING]
    for (family, about), laws in sorted(families.items()):
        parts += [f"## {family.capitalize()}\n\n{about}\n", *(_section(name, cls) for name, cls in laws)]
    return "\n".join(parts)


def _section(name: str, cls: Any) -> str:
    text = inspect.cleandoc(cls.__doc__ or "")
    lines = [f"### {cls.__name__}\n", f"![{cls.__name__}](images/laws/{cls.__name__}.png)\n", f"`--law {name}`\n", text]
    takes = []
    for base, said in inputs_of(cls).items():
        along = f" by {said.axis}" if said.axis else ""
        takes.append(f"`{base}` ({said.unit or type(said).__name__.lower()}{along})")
    has = []
    for field, one in parameters(cls).items():
        along = f" by {' and '.join(one.axes)}" if one.axes else ""
        has.append(f"`{field}` {str(one.constraint).replace('<', '&lt;')}{along}")
    lines += ["", f"Takes {', '.join(takes)}.", "", f"Parameters: {'; '.join(has)}.", ""]
    for key, one in cls.published_sets.items():
        values = ", ".join(f"{field} = {value:.6g}" for field, value in one.values.items())
        lines.append(f"- `{key}` [{one.status}]: {values}. {one.source}; {one.about}.")
    return "\n".join(lines).rstrip() + "\n"


def draw(row: LawRow) -> Any:
    """A small picture of a law: along its first size, for three values of its next input."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    law, kinds = row.truth, inputs_of(row.truth)
    sampled = row.sample(np.random.default_rng(1), 400)
    middle = {name: _middle(column) for name, column in sampled.items()}
    alone = [n for n, said in kinds.items() if said.axis is None] or list(kinds)
    labelled = any(isinstance(said, Label) for said in kinds.values())
    along = "D" if {"D", "U"} <= {*kinds} else alone[-1 if labelled else 0]
    further = next((n for n in reversed(kinds) if n != along), None)
    figure, axes = plt.subplots(figsize=(3.0, 2.0), layout="constrained")
    drawn = []
    for place, (label, other) in enumerate(_values_of(further, sampled, kinds, law)):
        x, point = _line(along, sampled, kinds, place)
        held = {n: v for n, v in {**middle, **other}.items() if n not in point}
        table = {n: np.broadcast_to(v, (len(x), *np.shape(v))) for n, v in held.items()}
        with jax.enable_x64(True):
            y = np.asarray(jax.vmap(lambda at: law.sized_for(sampled)(**at))({**table, **point}))
        axes.plot(x, y, label=label)
        drawn.append((x, y))
    x, y = (np.concatenate(columns) for columns in zip(*drawn, strict=True))
    series = isinstance(kinds[along], Series)
    axes.set_xscale("log" if 0.0 < 20.0 * np.min(x) < np.max(x) and not series else "linear")
    axes.set_yscale("log" if 0.0 < 30.0 * np.nanmin(y) < np.nanmax(y) else "linear")
    axes.set_xlabel("place in the schedule" if series else input_names(law)[along][0], labelpad=1, fontsize=8)
    if further is not None and (kinds[further].axis is None or labelled):
        axes.legend(fontsize=6, frameon=False, title=further, title_fontsize=6)
    axes.tick_params(labelsize=6)
    axes.minorticks_off()
    return figure


def _middle(column: Any) -> Any:
    return jax.tree.map(lambda a: a[0] if a.dtype.kind in "ib" or a.ndim > 1 else np.median(a), column)


def _values_of(name: str | None, sampled: Mapping[str, Any], kinds: Mapping[str, Any], law: Any) -> list[Any]:
    """Three values of an input, with what to call them."""
    if name is None:
        return [("", {})] * (3 if any(isinstance(said, Series) for said in kinds.values()) else 1)
    column, said = sampled[name], kinds[name]
    if isinstance(said, Label):
        return [(str(entry), {name: place}) for place, entry in enumerate(law.entries(said.axis))]
    if said.axis is not None:
        return [("", {name: column[k]}) for k in range(3)]
    low, middle, high = np.quantile(column, [0.1, 0.5, 0.9], method="nearest")
    return [(f"{v:.2g}", {name: v}) for v in dict.fromkeys((low, middle, high))]


def _line(
    name: str, sampled: Mapping[str, Any], kinds: Mapping[str, Any], row: int
) -> tuple[np.ndarray, dict[str, Any]]:
    """What an input goes through, and the points there; of a series, that of a row."""
    column, said = sampled[name], kinds[name]
    if isinstance(said, Series):
        values = column.values[row][column.real[row]]
        places = np.arange(len(values))
        shown = places[5:, None] >= places
        return places[5:], {name: Padded(np.where(shown, values, values[5:, None]), shown)}
    if isinstance(said, Weights) and said.axis is not None:
        x = np.linspace(0.02, 0.96, POINTS)
        rest = np.full((POINTS, column.shape[1] - 1), 1.0 / (column.shape[1] - 1))
        return x, {name: np.concatenate([x[:, None], rest * (1.0 - x[:, None])], axis=1)}
    if said.axis is not None:
        x = np.linspace(column[:, 0].min(), column[:, 0].max(), POINTS)
        rest = np.broadcast_to(np.median(column[:, 1:], axis=0), (POINTS, column.shape[1] - 1))
        return x, {name: np.concatenate([x[:, None], rest], axis=1)}
    low, high = column.min(), column.max()
    x = np.geomspace(low, high, POINTS) if low > 0.0 else np.linspace(low, high, POINTS)
    return x, {name: x}


def main() -> None:
    """Write the page and the pictures."""
    import matplotlib.pyplot as plt

    PICTURES.mkdir(parents=True, exist_ok=True)
    (HERE / "laws.md").write_text(page(), encoding="utf-8")
    drawn = set()
    for row in LAWS.values():
        name = type(row.truth).__name__
        if name not in drawn:
            drawn.add(name)
            figure = draw(row)
            figure.savefig(PICTURES / f"{name}.png", dpi=90, metadata={"Software": None})
            plt.close(figure)


if __name__ == "__main__":
    main()
