"""`scalefit fit --posterior`: priors as they are written, the document, the table, and what reaches the sampler."""

import json
import warnings
from typing import Any

import jax
import numpy as np
import pytest

import scalefit as sf
from scalefit.specs import DISTRIBUTIONS, prior_of

PRIORS = {
    "Normal(0.35,0.1)": ("Normal", {"loc": 0.35, "scale": 0.1}),
    "log-normal( 1 , .5 )": ("LogNormal", {"loc": 1.0, "scale": 0.5}),
    "Gamma(2, rate=1k)": ("Gamma", {"concentration": 2.0, "rate": 1000.0}),
    "Uniform(high=3,low=1)": ("Uniform", {"low": 1.0, "high": 3.0}),
    "halfnormal(1e-2)": ("HalfNormal", {"scale": 0.01}),
}


@pytest.mark.parametrize("text", PRIORS)
def test_a_prior_as_it_is_written(text):
    distribution, numbers = PRIORS[text]
    found: Any = prior_of(text)
    assert type(found).__name__ == distribution
    assert {key: float(getattr(found, key)) for key in numbers} == numbers


def test_every_prior_is_a_continuous_distribution_of_one_number():
    written = {"TruncatedNormal": "0.3, 1, low=0", "LogUniform": "1, 2", "Uniform": "1, 2", "StudentT": "4, 0, 1"}
    for name in DISTRIBUTIONS:
        one = name in ("HalfNormal", "HalfCauchy", "Exponential")
        made: Any = prior_of(f"{name}({written.get(name, '2' if one else '2, 3')})")
        assert made.batch_shape == made.event_shape == ()
        assert not made.support.is_discrete


@pytest.fixture(scope="module")
def kept(cli, tmp_path_factory):
    """A posterior by importance sampling, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("out")
    x, rng = np.geomspace(1e4, 1e8, 24), np.random.default_rng(0)
    loss = (0.5 + 30.0 * x**-0.3) * np.exp(0.01 * rng.standard_normal(24))
    rows = [f"{a!r},{b!r}" for a, b in zip(x.tolist(), loss.tolist(), strict=True)]
    (folder / "runs.csv").write_text("\n".join(["x,loss", *rows]) + "\n", encoding="utf-8")
    options = ("--noise", "student-t:4", "--posterior", "400", "--sampler", "is", "--prior", "alpha=Normal(0.35,0.1)")
    arguments = ("fit", folder / "runs.csv", "--law", "power-law", *options, "--seed", "3", "--json")
    answer = cli(*arguments, "--out", folder := folder / "result")
    assert (answer.status, answer.err) == (0, "")
    return json.loads(answer.out), folder


def test_document_of_a_posterior(kept):
    found, folder = kept
    draws = found["draws"]
    assert (draws["method"], draws["num"], draws["converged"], draws["seed"]) == ("posterior", 400, 400, 3)
    assert draws["diagnostics"]["method"] == "is"
    assert draws["diagnostics"]["khat"] < 0.7
    assert set(draws["diagnostics"]["contraction"]) == {"E", "A", "alpha", "scale"}
    assert draws["priors"]["alpha"] == "Normal(0.35, 0.1)"
    assert draws["priors"]["E"].startswith("LogNormal")
    kept_draws = sf.load(folder)
    assert isinstance(kept_draws, sf.Ensemble)
    low, high = np.quantile(kept_draws.law.alpha, [0.025, 0.975])
    assert found["parameters"]["alpha"]["low"] == pytest.approx(low)
    assert found["parameters"]["alpha"]["high"] == pytest.approx(high)


def test_the_folder_of_a_posterior_predicts(cli, kept):
    _, folder = kept
    pictures = {path.stem for path in folder.glob("*.png")}
    assert pictures == {"loss", "residuals", "parameters", "forecast", "prior"}
    said = cli("predict", folder, "x=1B")
    assert said.status == 0
    assert "400 posterior draws" in said.out


@pytest.fixture
def told():
    """What the sampler says of its draws."""
    words = {"E": "LogNormal(log 0.2, 1)", "A": "LogNormal(log 0.2, 1)", "alpha": "Normal(0.35, 0.1)"}
    quality = {"method": "is", "ess_bulk": 9.0, "ess_tail": 9.0, "khat": 0.9, "rhat": {}, "contraction": {"A": 0.1}}
    return quality | {"priors": words}


@pytest.fixture
def asked(monkeypatch, told):
    """What reaches the sampler, which answers with draws of another kind and other words."""
    given: dict[str, Any] = {}

    def sample(fit, **options):
        given.update(options, studies=fit.keys)
        warnings.warn("Importance sampling fails here (Pareto k 0.90): use `method='nuts'`.", stacklevel=2)
        spread = 1.0 + 1e-3 * np.arange(20)
        shape = (*fit.objective.shape, 20)
        return sf.Ensemble(
            law=jax.tree.map(lambda a: np.asarray(a)[..., None] * spread, fit.law),
            objective=np.full(shape, np.nan), result=np.zeros(shape, int), scale=np.ones(shape),
            unidentified=np.zeros((*shape, len(fit.free)), bool), fit=fit, method="posterior", seed=0,
            diagnostics=told,
        )  # fmt: skip

    monkeypatch.setattr(sf.posterior, "sample", sample)
    return given


def test_what_reaches_the_sampler(cli, runs_csv, asked):
    options = ("--posterior", "50", "--sampler", "SVI", "--prior", " alpha = Normal(0.35,0.1)", "--cluster", "none")
    answer = cli("fit", runs_csv, "--law", "chinchilla", *options, "--seed", "7")
    assert answer.status == 0
    ((name, prior),) = asked.pop("priors").items()
    assert (name, float(prior.loc)) == ("alpha", 0.35)
    assert asked == {"num": 50, "method": "svi", "cluster": None, "seed": 7, "studies": None}
    assert answer.err == "scalefit: Importance sampling fails here (Pareto k 0.90): use --sampler nuts.\n"
    for piece in ("from 20 posterior draws", "importance sampling: 9 effective draws, Pareto k 0.90",
                  "  E, A: LogNormal(log 0.2, 1)\n  alpha: Normal(0.35, 0.1)", "say little of A (0.1)"):  # fmt: skip
        assert piece in answer.out


def test_studies_reach_the_sampler_together(cli, table, tmp_path, asked):
    path = tmp_path / "runs.csv"
    path.write_text(table("small", "large"), encoding="utf-8")
    answer = cli("fit", path, "--law", "chinchilla", "--by", "study", "--posterior", "50")
    assert answer.status == 0
    assert (asked["method"], asked["priors"], asked["cluster"]) == ("auto", None, "auto")
    assert asked["studies"] == ("small", "large")
    assert "(of the worst study)" in answer.out


@pytest.mark.parametrize(
    "quality, said",
    [
        (
            {"method": "nuts", "khat": None, "ess_bulk": 900.2, "ess_tail": 400.0, "rhat": {"E": 1.001, "A": 1.02},
             "divergences": 3},
            "drawn by the No-U-Turn sampler: 900 effective draws, 400 in the tails, R-hat 1.020, 3 divergences",
        ),
        (  # draws of an approximation are not counted
            {"method": "svi", "khat": 0.54, "ess_bulk": 2000.0, "ess_tail": 2000.0, "rhat": {"E": np.nan}},
            "drawn by a variational approximation: Pareto k 0.54",
        ),
    ],
)  # fmt: skip
def test_chains_are_said_by_their_worst(cli, runs_csv, asked, told, quality, said):
    told.clear()
    told.update(quality)
    lines = cli("fit", runs_csv, "--law", "chinchilla", "--posterior", "50").out.splitlines()
    assert asked
    # What the checks say of made-up draws stands below.
    assert said in lines


def test_of_a_batch_the_worst_study_is_said(cli, table, tmp_path, asked, told):
    path = tmp_path / "runs.csv"
    path.write_text(table("small", "large"), encoding="utf-8")
    told.clear()
    told.update({
        "method": np.array(["is", "nuts"]), "khat": np.array([0.2, 0.9]), "ess_bulk": np.array([500.0, 90.0]),
        "ess_tail": np.array([500.0, 80.0]), "rhat": {"E": np.array([np.nan, 1.1])}, "divergences": np.array([0, 2]),
        "contraction": {"E": np.array([0.9, 0.2]), "A": np.array([0.9, 0.8])}, "priors": {"E": "Normal(0, 1)"},
    })  # fmt: skip
    said = cli("fit", path, "--law", "chinchilla", "--by", "study", "--posterior", "50").out
    assert asked["studies"] == ("small", "large")
    words = " ".join(said.split())
    assert (
        "drawn by importance sampling and the No-U-Turn sampler: 90 effective draws, 80 in the tails, Pareto k 0.20, "
        "R-hat 1.100, 2 divergences (of the worst study) priors: E: Normal(0, 1) warning: the runs of some study say "
        "little of E (0.2)"
    ) in words
