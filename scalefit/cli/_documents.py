"""What each command prints with `--json`: one description, from which JSON Schemas are made (`_schema.py`).

A type is itself, as are `None` and `Any`; a set is one of its words; a list holds things of one kind; a tuple is one of
several. A dictionary is an object with these keys: one that ends in "?" need not be there, and `...` stands for keys of
any name. Text is the name of a shape.
"""

from typing import Any

from .._core import SEVERITIES

ABOUT = {
    "real": "null where it is not finite",
    "reals": "one number, or one for each point",
    "ends": "a number with its interval, null where there is none",
    "parameter": "a parameter with its standard error, interval and unit",
    "draws": "what the intervals are drawn from; null where they are to first order",
    "freedom": "what intervals to first order stand on: runs, trainings, and what parameters leave of them",
    "finding": "what a check found",
    "weights": "a share by domain or pool",
    "plan": "a budget and what is best to train with it",
    "mixture": "weights and what they lead to",
}
REAL: Any = (float, None)
_NEAR = {...: {"N_low": "real", "N_high": "real"}}
_PASSES = {...: "real"}
_PREDICTION = {"value": "reals", "low": "reals", "high": "reals", "converged": bool}
_FORECAST = {
    "value": "reals", "low": "reals", "high": "reals", "curve": {"low": "reals", "high": "reals"}, "law_alone": "reals",
    "correction": "reals", "times_the_runs": "reals", "excess": "reals", "weight": {...: "reals"},
    "shares": {...: "reals"},
}  # fmt: skip
_FOLD = {"rmse": "real", "mae": "real", "fitted": "real", "spearman": "real", "regret": "real", "runs": int}
_FIT = {
    "parameters": {...: "parameter"}, "objective": "real", "converged": bool, "status": str, "starts": "starts",
    "unidentified": [str], "at_end": {...: "real"},
}  # fmt: skip
_JOB = {"noise": str, "seed": int, "level": float, "checks": ["finding"]}
_MADE = {"seconds": float, "versions": {...: str}}
_END = {"draws": "draws", "freedom": "freedom", "source": "source", "notes": [str], **_MADE}
_LAW = {
    "name": str, "class": str, "family": str, "about": str, "formula": (str, None), "inputs": {...: str},
    "parameters": {...: {"unit": str, "constraint": str, "axis": (str, None)}},
    "published": {...: {"values": {...: float}, "source": str, "status": str, "about": str}},
}  # fmt: skip

SHAPES: dict[str, Any] = {
    "real": REAL,
    "reals": (float, None, [Any]),
    "ends": {"value": "real", "low": "real", "high": "real"},
    "expected": {"value": "real", "low": "real", "high": "real", "mean": "real"},
    "parameter": {
        "value": "real", "low": "real", "high": "real", "se": "real", "unit": str, "unbounded?": bool, "fixed?": bool,
    },
    "starts": {
        "tried": int, "agreeing": int, "optima": int, "scouts": {"agreeing": int, "tried": int},
    },
    "draws": (None, {
        "method": str, "num": int, "converged": (int, [int]), "seed": int, "cluster": Any, "clusters": Any, "runs": Any,
        "priors?": Any, "diagnostics?": {...: Any}, "drawn_as_one?": (str, None),
    }),
    "freedom": (None, {"left": "reals", "trainings": "reals", "runs": "reals"}),
    "finding": {
        "check": str, "severity": set(SEVERITIES), "says": str, "remedy": str, "numbers": {...: "real"}, "names": [str],
        "rows": [int],
    },
    "source": {"name": str, "fingerprint": str, "target": str},
    "runs": {"used": int, "dropped": [{"row": int, "reason": str}], "excluded": int},
    "weights": {...: "real"},
    "plan": {
        "budget": float, "N": "ends", "D": "ends", "D_per_N": "ends", "loss": "ends", "near_optimal": _NEAR,
        "near_optimal_sure": (None, _NEAR), "at_end": bool,
        "sizes": [{"N": float, "D": "real", "regret": "expected", "misallocation": "expected"}],
    },
    "mixture": {"weights": "weights", "value": "real"},
}  # fmt: skip
"""Shapes that stand in several places, or are worth a name."""

DOCUMENTS: dict[str, tuple[Any, ...]] = {
    "check": (
        {
            "table": {"name": str, "rows": int, "inputs": {...: ["real"]}, "target": str, "labels": [str],
                      "notes": [str]},
            "laws": [{"law": str, "inputs": [str], "numbers": int, "runs": int, "says": str}],
            "missing": {...: [str]}, "apart": {...: "real"}, "fitted": (str, None), "checks": ["finding"],
            "passed": [str], "skipped": {...: str}, "parameters": {...: "real"},
            "without": {...: {"rows": [int], "parameters": {...: "real"}}}, "robustness": (None, {...: Any}),
            "next": [{...: "real"}], "notes": [str],
        },
    ),
    "fit": (
        {"law": str, **_FIT, "runs": "runs", **_JOB, **_END, "compared?": [{...: Any}]},
        {
            "law": str, "by": [str], "fits": [{"key": Any, "law": str, **_FIT, "runs": {"used": int}, **_JOB}],
            "left_out": [{"key": Any, "reason": str}], "converged": bool, "runs": "runs", **_JOB, **_END,
            "compared?": [{...: Any}],
        },
    ),
    "predict": tuple(
        {"law": str, "inputs": {...: Any}, **one, "level": float, "new_run": bool, "draws": "draws",
         "freedom": "freedom", "notes": [str], "checks": ["finding"]}
        for one in (_PREDICTION, {"predictions": [{"key": Any, **_PREDICTION}], "converged": bool})
    ),
    "forecast": (
        *(
            {"law": str, "inputs": {...: Any}, "level": float, "backtests": [{...: "real"}], **one, "notes": [str],
             "checks": ["finding"]}
            for one in ({}, {**_FORECAST, "checked": Any},
                        {"forecasts": [{"key": Any, **_FORECAST}], "checked": Any})
        ),
        {"observed": float, "forecast": {"value": float, "low": float, "high": float, ...: Any}, "error": float,
         "inside": bool, "quantile": float, ...: Any},
    ),
    "compare": (
        {
            "laws": [{
                "name": str, "law": str, "converged": bool, "error": "real", "behind": "real", "behind_se": "real",
                "best": "real", "weight": "real", "left_out": "real", "left_out_behind": "real", "left_out_se": "real",
                "within": "real", "aic": "real", "bic": "real", "patterns": [{...: Any}],
            }],
            "origins": int, "forecasts": int, "notes": [str], "checks": ["finding"], "source": "source", **_MADE,
        },
    ),
    "causes": (
        {
            "verdict": str, "told": [str], "origins": int, "checks": ["finding"],
            "causes": [{
                "name": str, "value": "real", "low": "real", "high": "real", "none": "real", "gain": "real",
                "p": "real", "error": "real", "less": "real", "less_se": "real", "effect": "real",
            }],
        },
    ),
    "speedup": (
        {"factor": "ends", "gap": "real", "probability": "real", "runs": int, "level": float, "notes": [str],
         "checks": ["finding"]},
    ),
    "plan": (
        {
            "law": str, "cost": str, "budgets": ["plan"],
            "targets": [{"loss": float, "compute": "ends", "probability": "real"}],
            "device": (str, None), "device_hours": (None, ["real"]), "money": (None, ["real"]), "level": float,
            "draws": "draws", "freedom": "freedom", "notes": [str], "checks": ["finding"], **_MADE,
        },
    ),
    "curate": (
        {
            "law": str, "half_life": (str, float),
            "pools": {...: {"size": "real", "cost": float, "max_passes": "real", "half_life": (None, "parameter")}},
            "parameters": {...: "parameter"},
            "budgets": [{
                "budget": float, "samples": "real",
                "best": {"weights": (None, "weights"), "passes": (None, _PASSES), "value": "real", "low": "real",
                         "high": "real", "kkt": "real", "weights_low": (None, "weights"),
                         "weights_high": (None, "weights")},
                "union": {"pools": [str], "value": "real"},
                "baselines": {...: {"weights": (None, "weights"), "value": "real", "allowed": bool}},
                "other_rules": (None, {...: {"weights": (None, "weights"), "value": "real"}}),
                "probability_best": "real",
            }],
            "verdict": (str, [str]), "fit": (None, {...: Any}), "draws": "draws", "source": str, "level": float,
            "notes": [str], "checks": ["finding"], **_MADE,
        },
    ),
    "mix": (
        {
            "law": str, "objective": str, "value": "ends", "at": {...: float}, "recommended": str, "convex": bool,
            "weights": {...: {"value": "real", "low": "real", "high": "real", "passes": "real"}},
            "treatments": {...: {"weights": "weights", "value": "real", "plain": "real", "kkt": "real", "gap": "real",
                                 "optima": int}},
            "active": [{"name": str, "kind": str, "bound": "real", "price": "real"}],
            "against": {...: {"weights": "weights", "value": "real", "allowed": bool, "gain": "ends",
                              "careful_gain": "real", "probability": "real"}},
            "optimism": "real", "targets": {...: "ends"},
            "distance": {"from_runs": "real", "of_runs": "real", "outside": Any},
            "folds": (None, {"folds": int, "mixtures": int, "failed": Any, "optimism_of_halves": "real",
                             "objective": (None, _FOLD), "targets": {...: _FOLD}}),
            "next": (None, {"criterion": str, "mixtures": ["weights"], "train": {...: float}, "sd": ["real"],
                            "left": ["real"], "noise": {...: float}}),
            "regret": (None, {"regret": float,
                              "runs_needed": {"value": "real", "low": "real", "high": "real", "note": str},
                              "simulated": [{"runs": int, "mean": "real", "nine_of_ten": "real", "failed": int}]}),
            "runs": "runs", "draws": "draws", "level": float, "notes": [str], "checks": ["finding"], **_MADE,
        },
    ),
    "design": (
        {
            "criterion": str, "target": Any, "noise": "real", "budget": float, "spent": float, "rows": [int],
            "runs": {...: ["real"]}, "cost": ["real"], "sd": (None, ["real"]), "left": ["real"],
            "among_draws": "real", "draws_left_out": int,
            "done": (None, {"used": int, "dropped": [{"row": int, "reason": str}], "excluded": int, "notes": [str]}),
            "checks": ["finding"],
        },
    ),
    "sweep": (
        {"fits": int, "done": int, "failed": int, "seconds": float, "rate": "real", "chunks_failed": {...: str},
         "out": str, "checks": ["finding"]},
        {"results": str},
        {"fits": int, "chunks": int, "bytes": float, "seconds": "real", "notes": [str],
         "kinds": [{"law": str, "noise": str, "verb": str, "fits": int, "seconds": "real", ...: Any}]},
    ),
    "report": ({"file": str, "sections": [str], "checks": ["finding"]},),
    "laws": ({"laws": [_LAW]}, _LAW),
    "data-list": (
        {"data_sets": [{"name": str, "description": str, "upstream": str, "commit": str, "licence": str,
                        "citation": str, "files": [str], "notes": [str]}]},
    ),
    "data-fetch": ({"path": str},),
}  # fmt: skip
"""By command, the forms that its document has beside `schema` and `config`."""
DOCUMENTS["demo"] = tuple({**one, "verdict": Any} for one in (DOCUMENTS["fit"][0], DOCUMENTS["curate"][0]))
