"""What the checks say of public studies: which fire, and with which words.

    python studies/public_checks.py

fits Chinchilla's law to each, and writes the table of docs/checks.md and its list of checks.
"""

import warnings
from pathlib import Path

import scalefit as sf
from scalefit.validate import CHECKS

PAGE = Path(__file__).parents[1] / "docs" / "checks.md"
SETS = (
    # data set, condition
    ("epoch-chinchilla", "loss < 3.44"),
    ("datablations", None),
    ("porian", None),
    ("xlstm", None),
    ("gadre-overtraining", None),
    ("gemstones", None),
    ("isoflops-collection", None),
    ("bundled", None),
)


def told(name: str, where: str | None) -> sf.Diagnosis:
    """What all checks say of a public set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runs = sf.load_data(name, where=where)
        assert isinstance(runs, sf.Runs)
        return sf.diagnose(sf.fit(sf.laws.Chinchilla, runs, throw=False))


def table_of_checks() -> str:
    """Every check, what it looks at, and what holds where it finds nothing."""
    what = {"runs": "the table", "fit": "the fit", "design": "–"}
    rows = [f"| `{check.id}` | {what[check.of]} | {check.about} |" for check in CHECKS]
    return "\n".join(["| check | looks at | holds where it finds nothing |", "|---|---|---|", *rows])


def table_of_sets() -> str:
    """What fires on each set."""
    lines = ["| runs | severity | check | says |", "|---|---|---|---|"]
    for name, where in SETS:
        found = told(name, where).findings
        label = f"`{name}`" + (f", {where}" if where else "")
        lines += [f"| {label} | {one.severity} | `{one.check}` | {one.says} |" for one in found]
        lines += [] if found else [f"| {label} | – | – | nothing |"]
    return "\n".join(lines)


def written(page: str, mark: str, table: str) -> str:
    """The page with the table after its mark anew."""
    begin = page.index(mark) + len(mark)
    rest = page[begin:].lstrip("\n")
    while rest.startswith("|"):
        rest = rest.partition("\n")[2]
    return (
        f"{page[:begin]}\n{table}\n{rest}"
        if rest.startswith("\n")
        else f"{page[:begin]}\n{table}\n\n{rest}".rstrip() + "\n"
    )


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    page = written(page, "<!-- table: checks -->", table_of_checks())
    page = written(page, "<!-- table: public checks -->", table_of_sets())
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
