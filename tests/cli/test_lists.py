"""`scalefit laws` and `scalefit data`: what there is, for people and for programs."""

import json

import numpy as np
import pytest

import scalefit as sf
from scalefit.cli._main import EXAMPLES, curate
from scalefit.data import parse_number

LAWS = ["bnsl", "chinchilla", "data-constrained", "kaplan", "pools-qqt", "power-law", "qqt", "qqt-effective"]


def test_laws(cli):
    said = cli("laws")
    assert said.status == 0
    for name in LAWS:
        assert name in said.out
    found = json.loads(cli("laws", "--json").out)["laws"]
    assert {one["name"] for one in found} >= set(LAWS)
    assert all(one["inputs"] and one["parameters"] for one in found)


def test_laws_stand_by_family(cli):
    found = json.loads(cli("laws", "--json").out)["laws"]
    families = {one["name"]: one["family"] for one in found}
    assert families["chinchilla"] == "sizes"
    assert families["fine-moe"] == "experts"
    assert all(families.values())
    assert all(one["about"] for one in found)
    assert "Limits of capacity and data add" in cli("laws").out


def test_laws_by_what_they_take(cli):
    found = {one["name"] for one in json.loads(cli("laws", "--inputs", "N,D,U", "--json").out)["laws"]}
    assert found == {"data-constrained", "info-law", "lovelace", "sparse-repetition"}
    assert "Repeats are penalised" in cli("laws", "--inputs", "U, N").out
    said = cli("laws", "--inputs", "N,param")
    assert (said.status, "'param'; expected inputs of laws, as N,D,U" in said.err) == (2, True)
    assert cli("laws", "--inputs", "lr,U").status == 2


@pytest.mark.parametrize("name", ["data-constrained", "DataConstrained", "data_constrained", "DATACONSTRAINED"])
def test_a_law_has_many_spellings(cli, name):
    assert json.loads(cli("laws", name, "--json").out)["class"] == "DataConstrained"


def test_page_of_a_law(cli):
    said = cli("laws", "chinchilla").out
    for piece in ("L = E + A N^-α + B D^-β", "parameters", "tokens", "hoffmann", "1.69337", "[code]", "2203.15556"):
        assert piece in said
    found = json.loads(cli("laws", "chinchilla", "--json").out)
    assert found["published"]["epoch"]["values"]["alpha"] == sf.laws.Chinchilla.published_sets["epoch"].values["alpha"]


@pytest.mark.parametrize(
    "latex, said",
    [
        (r"L = E + A\,N^{-\alpha}", "L = E + A N^-α"),
        (r"\left[(N_c/N)^{\alpha_N/\alpha_D} + D_c/D\right]^{\alpha_D}", "[(N_c/N)^(α_N/α_D) + D_c/D]^α_D"),
        (r"b\,x^{-c_0}\prod_i\left(1 + x\right)", "b x^-c_0 Π_i (1 + x)"),
        (r"y = f + \dfrac{c - f}{1 + e^{k\,(x - x_0)}}", "y = f + (c - f)/(1 + e^(k (x - x_0)))"),
        (r"\frac{1}{2} x + \frac\alpha{\beta_1}^2", "(1/2) x + (α/β_1)^2"),
        (r"x^{\frac{1}{b}}y^{2}z", "x^(1/b)y^2 z"),
        (r"\mathrm{Err} = \bar b\sqrt{x + \frac{a}{b c}}", "Err = b\u0304√(x + a/(b c))"),
        (r"a(1 - e^{-kt}) + \sqrt[3]{x} + \left.\log_{10} x\right.", "a(1 - e^(-kt)) + (x)^(1/3) + log_10 x"),
        (r"\begin{cases} a & x<1 \\ b \end{cases}", r"\begin{cases} a & x<1 \\ b \end{cases}"),
        (r"\log(a\min(n, U)) + \sum_{k\ge1} 2^{-k/\tau}", "log(a min(n, U)) + Σ_(k≥1) 2^(-k/τ)"),
    ],
)
def test_formulas_in_plain_characters(cli, tmp_path, latex, said):
    """In the first line of a law's documentation."""
    path = tmp_path / "mine.py"
    path.write_text(
        "from scalefit.laws import AbstractLaw\nfrom scalefit.params import positive\n\n"
        f'class Mine(AbstractLaw):\n    r"""One\'s own: ${latex}$."""\n\n'
        "    inputs = {'N': 'parameters'}\n    A: object = positive()\n\n"
        "    def __call__(self, N):\n        return self.A\n"
    )
    assert json.loads(cli("laws", f"{path}:Mine", "--json").out)["formula"] == said


OWN = """
from typing import ClassVar
from scalefit.laws import AbstractLaw
from scalefit.params import positive

class One(AbstractLaw):
    inputs: ClassVar = {"N": "parameters"}
    A: object = positive()

    def __call__(self, N):
        return self.A / N

class Other(AbstractLaw):
    inputs: ClassVar = {"w[domain]": "share", "D": "tokens"}
    t: object = positive(axis="domain")

    def __call__(self, w, D):
        return %s
"""


def test_laws_of_a_file(cli, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN % "(self.t * w).sum() / D")
    found = json.loads(cli("laws", path, "--json").out)["laws"]
    assert [one["name"] for one in found] == [f"{path}:One", f"{path}:Other"]
    assert "Other" in cli("laws", path).out
    assert [one["class"] for one in json.loads(cli("laws", path, "--inputs", "D", "--json").out)["laws"]] == ["Other"]
    path.write_text("")
    assert "which defines no law" in cli("laws", path).err
    path.write_text(
        (OWN % "1.0 / D").replace("    A: object = positive()", "    size: int\n    A: object = positive()")
    )
    assert "is One, of which none can be made" in cli("laws", path).err


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("self.tt * w", "AttributeError: 'Other' object has no attribute 'tt'"),
        ("self.t * w / D", "TypeError: it gave float64[2]"),
        ("1 if D > 2 else 0.0", "TracerBoolConversionError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("None", "ValueError: None is not"),
    ],
)
def test_an_error_in_a_formula_is_told_where_it_is_listed(cli, tmp_path, formula, said):
    path = tmp_path / "mine.py"
    path.write_text(OWN % formula)
    for name in (path, f"{path}:Other"):
        answer = cli("laws", name)
        assert (answer.status, "The formula of Other cannot be used" in answer.err) == (2, True)
        assert said in answer.err
    assert cli("laws", f"{path}:One").status == 0


def test_data_sets(cli):
    said = cli("data", "list").out
    for record in sf.data_sets():
        assert record.name in said
    assert "bundled" in said
    assert [one["name"] for one in json.loads(cli("data", "list", "--json").out)["data_sets"]] == [
        r.name for r in sf.data_sets()
    ]


def test_fetch(cli, public_data):
    answer = cli("data", "fetch", "epoch-chinchilla")
    assert answer.status == 0
    assert answer.out.strip() == str(public_data / "epoch-chinchilla" / "svg_extracted_data.csv")


def test_a_law_made_of_others(cli, tmp_path, runs_csv):
    """From the user's own file, where it was made; laws that need others are no words."""
    path = tmp_path / "mine.py"
    path.write_text(
        "from typing import ClassVar\nfrom scalefit.laws import AbstractLaw, Chinchilla, Effective\n"
        "from scalefit.params import interval\n\n"
        "class Seen(AbstractLaw):\n    inputs: ClassVar = {'D': 'tokens'}\n    part: object = interval(0.5, 1.0)\n\n"
        "    def __call__(self, D):\n        return self.part * D\n\n"
        "made = Effective(Chinchilla(), D=Seen(part=0.8))\n"
    )
    assert json.loads(cli("laws", f"{path}:made", "--json").out)["inputs"] == {"N": "parameters", "D": "tokens"}
    found = json.loads(cli("fit", runs_csv, "--law", f"{path}:made", "--fixed", "D.part=0.8", "--json").out)
    assert found["converged"] is True
    assert found["law"] == "Effective"
    assert cli("fit", runs_csv, "--law", "effective").status == 2


def test_the_budgets_of_an_example_can_be_spent():
    words = EXAMPLES[curate].split()
    sizes, budgets, passes = (words[words.index(f"--{name}") + 1] for name in ("pool-size", "budget", "max-passes"))
    most = sum(float(parse_number(one.split("=")[1]) or 0.0) for one in sizes.split(",")) * float(passes)
    assert max(float(parse_number(one) or np.inf) for one in budgets.split(",")) <= most
