"""The catalogue of published laws and the package agree: every entry is a law, or says why it is none."""

import ast
import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import LAWS

import scalefit as sf
from scalefit.laws import AbstractLaw

COMPOSED = "is made of laws: "
CATALOGUE = {
    "hestness": "PowerLaw",
    "rosenfeld": "Rosenfeld",
    "kaplan_n, kaplan_d, kaplan_c": "PowerLaw",
    "kaplan_nd": "Kaplan",
    "kaplan_ns": "KaplanSteps",
    "chinchilla": "Chinchilla",
    "skaling": "Skaling",
    "farseer": "Farseer",
    "bnsl": "BNSL",
    "m1, m2": "PowerLaw",
    "m3": "M3",
    "m4": "M4",
    "bahri": COMPOSED + "each regime is a PowerLaw, with alpha = 1 held where variance limits",
    "gadre_loss": "Overtraining",
    "gadre_error": "DownstreamError",
    "sardana": "no law: a plan, of a budget that counts inference",
    "t2": "T2",
    "muennighoff": "DataConstrained",
    "qqt": "QQT",
    "infinite_compute": "PowerLaw",
    "pruning": "Pruned",
    "quality_q": "Quality",
    "clean_noisy": "CleanNoisy",
    "regmix": "no law: regression without a formula",
    "routed": "Routed",
    "fine_moe": "FineMoE",
    "joint_moe": "JointMoE",
    "hunyuan_moe": "HunyuanMoE",
    "sparse_weights": "SparseWeights",
    "precision": "Precision",
    "distillation": "Distillation",
    "parscale": "ParScale",
    "vocab": "Vocabulary",
    "lr_anneal": "Annealing",
    "mpl": "MultiPower",
    "critical_batch": "CriticalBatch",
    "step_law": "StepLaw",
    "deepseek": "Power",
    "power_lines": "Power",
    "llama3_alloc": "Power",
    "ladder": COMPOSED + "Link(Sigmoid(), of=Chinchilla())",
    "observational": "Observational",
    "sloth": "Sloth",
    "transfer": "Transfer",
    "finetune_mult": "FineTuning",
    "finetune_rectified": "RectifiedFineTuning",
    "rm_overopt, best of n": "BestOfN",
    "rm_overopt, reinforcement": "RewardOfPolicy",
    "rl_kn": "PassRate",
    "scalerl": "ScaleRL",
    "context_len": "PowerLaw",
    "uncertainty": "Power",
    "retrieval": "LogLinear",
    "projektor": "Projektor",
    "lovelace": "Lovelace",
    "sparse_repeat": "SparseRepetition",
    "loss_to_loss": "LossToLoss",
    "pinned_envelope": "Frontier",
    "optimiser_rho": COMPOSED + "Own.of(Chinchilla(), ('A', 'B'), 'optimiser'): rho_N is a ratio of A to -1/alpha",
    "cod": "COD",
    "shifted_power": "ShiftedPowerLaw",
    "bounded_rational": "BoundedRational",
    "mixing_exp": "MixingExp",
    "bimix": "BiMix",
    "autoscale": "AutoScale",
    "shukor_add": "MixingAdditive",
    "shukor_joint": "MixingJoint",
    "capacity_mix": "CapacityMix",
    "dcpt": "DCPT",
    "mixed_modal": "MixedModal",
    "infolaw": "InfoLaw",
}
"""Entry of the catalogue → the law that it is, or the reason why there is none."""
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef
REASONS = ("no law: ", COMPOSED)
OURS = {
    "DownstreamError", "Sigmoid", "EffectiveParameters", "Quantised", "QQTEffective", "PoolsQQT", "PoolsMixed",
    "PoolsOverfit", "PoolsEffective", "PoolsDataConstrained", "PoolsExchange", "MixingLinear", "MixingTransfer",
}  # fmt: skip
"""Laws that are parts of an entry, or of the package's own."""


def exported() -> set[str]:
    found = {name: getattr(sf.laws, name) for name in dir(sf.laws)}
    laws = {
        n for n, f in found.items() if isinstance(f, type) and issubclass(f, AbstractLaw) and not inspect.isabstract(f)
    }
    return laws - {"Effective", "Own", "Sum"}


@pytest.mark.parametrize("entry", CATALOGUE)
def test_an_entry_is_a_law_or_says_why_not(entry):
    said = CATALOGUE[entry]
    assert said in exported() or said.startswith(REASONS)


def test_every_law_is_an_entry():
    assert exported() == {said for said in CATALOGUE.values() if not said.startswith(REASONS)} | OURS


def test_a_law_is_a_short_file():
    """Without documentation, half of them have no more than sixty lines."""
    lengths = []
    for path in Path(inspect.getfile(sf.laws)).parent.glob("*/_*.py"):
        text, tree = path.read_text(encoding="utf-8").splitlines(), ast.parse(path.read_text(encoding="utf-8"))
        said = [node.body[0] for node in ast.walk(tree) if isinstance(node, DOCUMENTED) and ast.get_docstring(node)]
        lengths.append(len(text) - sum((one.end_lineno or 0) - one.lineno + 1 for one in said))
    assert np.median(lengths) <= 60


def test_runs_that_scatter_leave_true_parameters_inside_their_regions():
    """Of each law, as `studies/recovery.py` found it: one 99 % region in a hundred is to miss them."""
    path = Path(inspect.getfile(sf.laws)).parents[2] / "studies" / "results" / "recovery.json"
    rows = {row["law"]: row for row in json.loads(path.read_text(encoding="utf-8"))["rows"]}
    assert len(set(rows) & set(LAWS)) >= 70
    assert sum(row["inside"] for row in rows.values()) >= 0.97 * sum(row["fits"] for row in rows.values())
