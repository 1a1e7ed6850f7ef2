"""Every check fires on a table or a fit that it is about, and stays silent on good ones."""

import dataclasses
import functools
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from helpers import curves_of_budgets

import scalefit as sf
from scalefit.params import Param, real
from scalefit.validate import CHECKS, SEVERITIES, Finding
from scalefit.validate._again import outliers
from scalefit.validate._case import Case

FREE = {"checkpoints", "seeds"}
"""What may be noted of good runs."""


def good(seed: int = 0, sizes: int = 8, tokens: int = 6) -> dict[str, Any]:
    """Runs of Chinchilla's law over two decades, scatter .3 %."""
    rng = np.random.default_rng(seed)
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(2e7, 5e9, sizes), np.geomspace(1e9, 2e11, tokens)))
    loss = (1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37) * np.exp(3e-3 * rng.standard_normal(N.size))
    return {"params": N, "tokens": D, "loss": loss}


def fitted(columns: dict[str, Any], law: Any = sf.laws.Chinchilla, **options: Any) -> sf.Fit[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sf.fit(law, sf.read_runs(columns), throw=False, **options)


def fired(result: Any, **options: Any) -> dict[str, str]:
    """By check that found something, the gravest severity."""
    found = sf.diagnose(result, **options).findings
    return {one.check: one.severity for one in reversed(found)}


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_said_of_good_runs(seed):
    columns = good(seed)
    assert not fired(sf.read_runs(columns))
    assert set(fired(fitted(columns))) <= FREE


def test_a_diagnosis_tells_of_every_check():
    told = sf.diagnose(fitted(good()))
    looked = {*told.passed, *told.skipped, *(one.check for one in told.findings)}
    assert looked == {check.id for check in CHECKS if check.of != "design"}
    assert [check.id for check in CHECKS[:3]] == ["units", "embedding-share", "loss-kind"]
    assert all(check.about for check in CHECKS)
    assert "checks passed" in repr(told)


def changed(**columns: Any) -> Any:
    return lambda table: {**table, **{n: c(table) if callable(c) else c for n, c in columns.items()}}


def rows(table: dict[str, Any], which: Any) -> dict[str, Any]:
    return {name: np.asarray(column)[which] for name, column in table.items()}


def several(table: dict[str, Any]) -> dict[str, Any]:
    """Eight trainings of six checkpoints, the first far too early."""
    run = np.arange(48) % 8
    tokens = np.geomspace(1e9, 1e11, 6)[np.arange(48) // 8]
    loss = 1.7 + 400.0 * table["params"] ** -0.34 + 2000.0 * tokens**-0.37
    return {"params": table["params"], "tokens": tokens, "loss": loss, "run": run}


def thinned(_: Any) -> dict[str, Any]:
    step = np.arange(1, 501) * 20
    return {"loss": 2.0 + 30.0 / step, "step": step, "run": np.zeros(500, int), "tokens": step * 1e5,
            "params": np.full(500, 1e8)}  # fmt: skip


def profiles(table: dict[str, Any]) -> dict[str, Any]:
    """Three computes of five sizes, all above the best."""
    C = np.repeat(np.geomspace(1e18, 1e20, 3), 5)
    N = np.sqrt(C / 120.0) * np.tile(np.geomspace(3.0, 30.0, 5), 3)
    D = C / 6.0 / N
    del table
    return {"params": N, "tokens": D, "flops": C, "loss": 1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37}


ORDER = np.random.default_rng(3).permutation(48)

BAD = {
    "units, billions": ("units", "error", lambda t: {**t, "params": t["params"] / 1e9 * 2, "tokens": t["tokens"]}),
    "units, PF-days": ("units", "error", changed(flops=lambda t: 6.0 * t["params"] * t["tokens"] / 8.64e19)),
    "units, C of another": ("units", "error", changed(flops=lambda t: t["params"] * t["tokens"] * 60.0)),
    "units, C that drifts": ("units", "warning", changed(flops=lambda t: 6.0 * t["params"] ** 0.9 * t["tokens"] * 8)),
    "embedding": ("embedding-share", "warning", changed(params_no_emb=lambda t: t["params"] - 1e7)),
    "perplexity": ("loss-kind", "error", changed(loss=lambda t: np.exp(t["loss"]) + 8.0)),
    "train and validation": ("loss-kind", "warning", changed(split=["train", "val"] * 24)),
    "bits and nats": (
        "loss-kind", "warning",
        lambda t: {**t, "loss": t["loss"] * np.where(np.arange(48) % 5 < 2, 1.4427, 1.0),
                   "source": np.where(np.arange(48) % 5 < 2, "a", "b")},
    ),
    "crashed": ("bad-rows", "warning", changed(state=["finished"] * 40 + ["crashed"] * 8)),
    "twice": ("bad-rows", "warning", lambda t: rows(t, [*range(48), 3, 7])),
    "diverged": ("bad-rows", "warning", changed(loss=lambda t: np.where(np.arange(48) == 40, 7.5, t["loss"]))),
    "thinned": ("sampled-history", "warning", thinned),
    "warm-up": ("checkpoints", "warning", several),
    "schedules": (
        "schedule-match", "warning",
        changed(final_lr=[1e-5] * 24 + [1e-3] * 24, peak_lr=[1e-3] * 48),
    ),
    "few sizes": ("range", "warning", lambda t: rows(t, np.flatnonzero(t["params"] > 2e9))),
    "one ratio": ("design", "warning", changed(tokens=lambda t: 20.0 * t["params"])),
    "profiles": ("design", "warning", profiles),
    "a mean": ("averaging", "note", lambda t: {"avg_loss" if n == "loss" else n: c for n, c in t.items()}),
    "repeated": ("repetition", "note", changed(unique_tokens=1e9)),
    "perplexities beside losses": (
        "loss-kind", "warning", changed(loss=lambda t: np.where(np.arange(48) % 9 == 4, np.exp(t["loss"]), t["loss"])),
    ),
    "bits that no column names": (
        "loss-kind", "warning", changed(loss=lambda t: t["loss"] * np.where(np.arange(48) % 3 == 1, 1.4427, 1.0)),
    ),
    "accuracies beside losses": (
        "loss-kind", "warning", changed(loss=lambda t: np.where(np.arange(48) % 12 == 5, 0.4, t["loss"])),
    ),
    "shares beside per cent": (
        "loss-kind", "warning",
        lambda t: {"params": t["params"], "tokens": t["tokens"],
                   "accuracy": (130 - 35 * t["loss"] / 1.7) * np.where(np.arange(48) % 4 == 2, 0.01, 1.0)},
    ),
    "tokens of some in billions": (
        "units", "error", changed(tokens=lambda t: t["tokens"] * np.where(np.arange(48) < 12, 1e-9, 1.0)),
    ),
    "tokens of one in thousands": (
        "units", "warning", changed(tokens=lambda t: t["tokens"] * np.where(np.arange(48) == 6, 1e-3, 1.0)),
    ),
    "columns exchanged": ("units", "warning", lambda t: {**t, "params": t["tokens"] / 30, "tokens": t["params"] / 30}),
    "shifted by a row": ("bad-rows", "error", changed(loss=lambda t: np.roll(t["loss"], 1))),
    "shifted by a row, in no order": (
        "bad-rows", "error",
        lambda t: {**rows(t, ORDER), "loss": np.roll(rows(t, ORDER)["loss"], 1)},
    ),
    "cut off": ("bad-rows", "warning", changed(loss=lambda t: np.where(np.arange(48) == 47, np.nan, t["loss"]))),
    "sorted by itself": ("loss-kind", "warning", changed(loss=lambda t: np.sort(t["loss"]))),
    "of other runs": (
        "loss-kind", "warning", changed(loss=lambda t: np.random.default_rng(5).permutation(t["loss"])),
    ),
    "two tokenizers": ("loss-kind", "warning", changed(loss=lambda t: t["loss"] + 0.2 * (np.arange(48) % 2))),
    "log-likelihoods": ("loss-kind", "error", changed(loss=lambda t: -t["loss"])),
    "a total": (
        "bad-rows", "error", lambda t: {n: np.append(c, c.mean() if n == "loss" else c.sum()) for n, c in t.items()},
    ),
    "a maximum, by name": (
        "bad-rows", "error",
        lambda t: {**{n: np.append(c, c.max()) for n, c in t.items()}, "name": [*map(str, range(48)), "Max"]},
    ),
    "two losses exchanged": (
        "bad-rows", "warning", changed(loss=lambda t: t["loss"][[*range(3), 44, *range(4, 44), 3, *range(45, 48)]]),
    ),
    "chance": (
        "downstream-floor", "warning",
        lambda t: {"params": t["params"], "tokens": t["tokens"],
                   "accuracy": np.maximum(0.25 + 0.001 * (np.arange(48) % 7), 1.2 - 0.35 * t["loss"])},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_checks_of_tables_fire(name):
    check, severity, spoil = BAD[name]
    columns = spoil(good())
    columns = {n: np.broadcast_to(c, len(columns["params"])) for n, c in columns.items()}
    target = next(n for n in columns if "loss" in n or n == "accuracy")
    found = fired(sf.read_runs(columns, target=target))
    assert found[check] == severity


def test_rows_are_named_by_their_place_in_the_source():
    columns = good()
    columns["state"] = ["finished"] * 46 + ["crashed", "failed"]
    (one,) = (one for one in sf.diagnose(sf.read_runs(columns)).findings if one.check == "bad-rows")
    assert one.rows == (47, 48)
    assert "rows 47, 48 are of runs that 'state' calls failed" in one.says


def test_rows_that_are_explained_are_no_outliers_and_can_be_left_out_by_number():
    columns = good()
    columns["loss"][[4, 13, 22]] = np.exp(columns["loss"][[4, 13, 22]])
    found = sf.diagnose(fitted(columns)).findings
    (one,) = (one for one in found if one.severity == "warning")
    assert (one.check, one.rows) == ("loss-kind", (5, 14, 23))
    assert not fired(sf.read_runs(columns, where="row not in [5, 14, 23]"))


@pytest.mark.parametrize(
    ("lower", "says"),
    [
        (np.arange(14) == 6, "row 7 lies 5.2 % below what its neighbours in the ladder say; the others are smooth"),
        (np.arange(14) >= 9, "loss drops by 4.1 % at row 10, beyond what the ladder does elsewhere"),
        (np.zeros(14, bool), None),
    ],
)
def test_a_drop_inside_a_ladder_is_found(lower, says):
    N = np.geomspace(1e7, 1e10, 14)
    loss = (1.7 + 100.0 * N**-0.3) * np.exp(1e-3 * np.random.default_rng(2).standard_normal(14))
    table = {"params": N, "tokens": 20.0 * N, "loss": np.where(lower, 0.95, 1.0) * loss}
    found = [one.says for one in sf.diagnose(sf.read_runs(table)).findings if one.check == "bad-rows"]
    assert found == ([] if says is None else [says])


def test_a_column_that_says_how_something_was_pooled_names_no_totals():
    columns = {**good(), "pooling": ["cls"] * 45 + ["mean"] * 3}
    assert not fired(sf.read_runs(columns))
    assert fired(sf.read_runs({**columns, "pooling": [""] * 47 + ["Total:"]}))["bad-rows"] == "error"


def test_a_harder_domain_that_a_column_names_is_not_run_away():
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7, 9, 80), 10 ** rng.uniform(9, 11, 80)
    harder = np.arange(80) % 7 == 0
    loss = (1.7 + 400.0 * N**-0.34 + 400.0 * D**-0.28) * np.where(harder, 1.7, 1.0)
    runs = sf.Runs(loss, N=N, D=D)
    assert "bad-rows" in {one.check for one in sf.diagnose(runs).findings}
    told = sf.diagnose(runs.with_column("domain", np.where(harder, "code", "web")))
    assert "bad-rows" not in {one.check for one in told.findings}


def test_high_accuracies_that_hardly_differ_are_not_chance():
    N = np.geomspace(1e7, 1e9, 12)
    runs = sf.Runs(np.linspace(0.93, 0.965, 12), N=N, target="accuracy")
    assert "downstream-floor" not in {one.check for one in sf.diagnose(runs).findings}


@pytest.mark.parametrize("law", ["chinchilla", 3])
def test_a_law_is_a_law(law):
    runs = sf.Runs(np.array([3.0, 2.5, 2.0]), N=np.array([1e7, 1e8, 1e9]))
    with pytest.raises(sf.InputError, match="expected a law of"):
        sf.diagnose(runs, law=law)


def test_runs_that_stopped_at_a_guess_are_no_perplexities():
    columns = good()
    columns["loss"][[30, 40, 46]] = 10.8
    found = [one for one in sf.diagnose(sf.read_runs(columns)).findings if one.rows]
    assert [(one.check, one.rows) for one in found] == [("bad-rows", (31, 41, 47))]


def test_outliers_say_what_they_have_in_common():
    columns = good(sizes=10)
    columns["loss"][columns["params"] == columns["params"][4]] *= 0.9
    (one,) = (one for one in sf.diagnose(fitted(columns)).findings if one.check == "outliers")
    assert f", 6 of them with N = {columns['params'][4]:.3g}" in one.says


# --- of fits ---


def test_what_has_no_upper_end_is_said_without_infinity():
    """Over a third of an e-fold a power law is a line: E and A trade off beyond any bound."""
    x = np.linspace(1e9, 1.4e9, 9)
    loss = (2.0 + (x / 1e9) ** -0.3) * np.exp(1e-3 * np.random.default_rng(1).standard_normal(9))
    fit = fitted({"x": x, "loss": loss}, sf.laws.PowerLaw, noise=sf.noise.Gaussian())
    said = " ".join(one.says for one in sf.diagnose(fit).findings if one.check == "conditioning")
    assert said.endswith("A any above 0 fits as well")


def test_a_range_beyond_what_a_quotient_holds_is_a_number():
    runs = sf.Runs([3.0, 2.9, 2.8, 2.7], N=[1e7, 1e8, 1e9, 1e10], D=[1e-200, 1e-200, 1e9, 1e200])
    (one,) = (one for one in sf.diagnose(runs).findings if one.check == "range" and "D" in one.names)
    assert one.says == "D has 3 values over 4e+02 decades"


@pytest.mark.parametrize("shared", [0.0, 3e-3])
def test_checkpoints_that_nothing_names_are_told_by_what_they_share(shared):
    """Six trainings, twelve rows of each, whose errors walk along the training, or are each row's own."""
    rng = np.random.default_rng(5)
    N, D = (a.ravel() for a in np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 3e10, 12), indexing="ij"))
    walk = np.cumsum(shared * rng.standard_normal((6, 12)), axis=1).ravel()
    loss = (1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37) * np.exp(walk + 1e-3 * rng.standard_normal(72))
    found = fired(fitted({"params": N, "tokens": D, "loss": loss}))
    assert found.get("checkpoints") == ("warning" if shared else None)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([100, 100], "48 rows are 2 targets of 24 trainings, which intervals draw whole"),
        ([50, 100], "48 rows are checkpoints with 2 targets of 12 trainings, which intervals draw whole"),
    ],
)
def test_targets_of_one_training_are_no_checkpoints(steps, said):
    step = np.tile(steps, 12)
    run = np.arange(24) if steps[0] == steps[1] else np.arange(24) // 2
    loss = 2.0 + np.arange(24) / 24.0
    runs = sf.Runs({"a": loss, "b": loss + 1.0}, N=1e8 * (1.0 + run), D=1e6 * step, step=step, run=run)
    assert [one.says for one in sf.diagnose(runs).findings if one.check == "checkpoints"] == [said]


def test_runs_that_scatter_less_about_each_other_than_about_the_law():
    columns = rows(good(), np.repeat(np.arange(48), 2))
    rng = np.random.default_rng(1)
    bent = 0.03 * np.cos(2.0 * np.log(columns["params"])) * np.cos(2.0 * np.log(columns["tokens"]))
    columns["loss"] = columns["loss"] * np.exp(bent + 1e-3 * rng.standard_normal(96))
    columns["seed"] = np.tile([0, 1], 48)
    assert fired(fitted(columns))["seeds"] == "warning"


def test_other_losses_of_the_same_sizes_are_named():
    columns = rows(good(), [*range(48), *range(0, 48, 5)])
    columns["loss"] = columns["loss"] * np.where(np.arange(58) < 48, 1.0, 1.0 + 0.02 * np.arange(-50, 8) % 0.17)
    (one,) = (one for one in sf.diagnose(fitted(columns)).findings if one.check == "seeds")
    assert "have the inputs of others and another loss: runs repeated" in one.says
    assert set(one.rows) <= {*range(1, 48, 5), *range(49, 59)}
    assert len(one.rows) > 12


def test_some_of_many_diverged_runs_are_no_bits():
    columns = good(sizes=12, tokens=12)
    rng = np.random.default_rng(0)
    bad = rng.choice(144, 30, replace=False)
    columns["loss"][bad] *= np.exp(rng.uniform(0.3, 1.2, 30))
    assert fired(sf.read_runs(columns)).keys() <= {"bad-rows"}


def test_structure_of_a_coupled_law_is_found_in_an_additive_fit():
    columns = good(sizes=10, tokens=8)
    N, D = columns["params"], columns["tokens"]
    rng = np.random.default_rng(0)
    loss = 1.7 + (3e4 * N**-0.8 + 2e5 * D**-0.8) ** 0.45
    fit = fitted({**columns, "loss": loss * np.exp(1e-3 * rng.standard_normal(80))})
    (one,) = (one for one in sf.diagnose(fit).findings if one.check == "residuals")
    assert "has structure" in one.says
    assert "Skaling" in one.remedy


def test_a_scatter_that_falls_with_size_is_found():
    columns = good(sizes=10, tokens=8)
    rng = np.random.default_rng(0)
    wide = 0.02 * (columns["params"] / 2e7) ** -0.5
    noise = np.exp(wide * rng.standard_normal(80))
    clean = 1.7 + 400.0 * columns["params"] ** -0.34 + 2000.0 * columns["tokens"] ** -0.37
    said = [one.says for one in sf.diagnose(fitted({**columns, "loss": clean * noise})).findings]
    assert any(one.startswith("runs scatter less as N grows") for one in said)


def test_outliers_and_what_the_fit_is_without():
    columns = good()
    columns["loss"][5] *= 1.2
    fit = fitted(columns)
    (one,) = (one for one in outliers(Case(fit.problem.runs, fit.law, fit, deep=True)) if isinstance(one, Finding))
    assert one.rows == (6,)
    assert one.severity == "warning"
    assert one.numbers["alpha without"] == pytest.approx(0.34, abs=0.02)


def test_terms_that_no_run_feels_and_what_is_asked_far_away():
    columns = good()
    columns["loss"] = np.full(48, 2.0) * np.exp(1e-3 * np.random.default_rng(0).standard_normal(48))
    told = sf.diagnose(fitted(columns)).findings
    assert {"bounds", "conditioning", "multistart"} & {one.check for one in told}
    gravity = [SEVERITIES.index(one.severity) for one in told]
    assert gravity == sorted(gravity)
    fit = fitted(good())
    found = fired(fit, at={"N": 7e12, "D": 1e11})
    assert (found["target-distance"], found["optimiser-curse"]) == ("warning", "note")
    assert "target-distance" not in fired(fit, at={"N": 1e9, "D": 1e10})


def test_draws_of_another_optimum_are_found_out():
    fit = fitted(good())
    draws = sf.bootstrap(fit, num=50)
    assert "interval-plausibility" in sf.diagnose(draws).passed
    law = dataclasses.replace(draws.law, alpha=np.asarray(draws.law.alpha) + 0.2)
    assert fired(dataclasses.replace(draws, law=law))["interval-plausibility"] == "warning"
    weighed = {"method": "is", "khat": 0.9, "divergences": 0, "rhat": {}}
    sampled = dataclasses.replace(draws, method="posterior", diagnostics=weighed)
    assert fired(sampled)["draws"] == "warning"
    assert "draws" in sf.diagnose(dataclasses.replace(sampled, diagnostics={**weighed, "khat": 0.3})).passed


@pytest.mark.parametrize("given", [None, 3, "runs.csv", {"loss": [1.0]}])
def test_anything_else_is_refused_in_a_sentence(given):
    with pytest.raises(sf.InputError, match="runs, a fit, or draws"):
        sf.diagnose(given)


def test_a_batch_is_asked_study_by_study():
    columns = good()
    fits = sf.fit(sf.laws.Chinchilla, sf.read_runs({**columns, "family": ["a", "b"] * 24}), by="family", throw=False)
    with pytest.raises(sf.InputError, match="batch of 2 studies"):
        sf.diagnose(fits)
    assert sf.diagnose(fits["a"]).passed


# --- every check, once where it has something to say and once where it looks and has nothing ---


@functools.cache
def plain() -> sf.Fit[Any]:
    return fitted(good())


def case_of(columns: dict[str, Any], law: Any = sf.laws.Chinchilla, at: Any = None, **options: Any) -> Case:
    fit = fitted(columns, law, **options)
    return Case(fit.problem.runs, fit.law, fit, at=at or {})


def of_plain(**changed: Any) -> Case:
    return Case(plain().problem.runs, plain().law, plain(), **changed)


def of_draws(shift: float = 0.0, **changed: Any) -> Case:
    draws = sf.bootstrap(plain(), num=20)
    law = dataclasses.replace(draws.law, alpha=np.asarray(draws.law.alpha) + shift)
    return of_plain(draws=dataclasses.replace(draws, law=law, **changed))


def of_budgets(seed: int, scatter: float) -> Case:
    fit = sf.fit(sf.laws.Chinchilla, curves_of_budgets(seed, scatter), throw=False)
    return Case(fit.problem.runs, fit.law, fit, deep=True)


@functools.cache
def mixed() -> sf.Fit[Any]:
    w = np.random.default_rng(3).dirichlet(np.ones(3), 40)
    w = w[w[:, 0] < 0.3]
    loss = 2.0 + 0.5 * np.exp(w @ np.array([-1.0, 0.2, 0.6]))
    return fitted({"loss": loss, **{f"w[{k}]": w[:, i] for i, k in enumerate("abc")}}, sf.laws.MixingExp)


def at_weights(*w: float) -> Case:
    return Case(mixed().problem.runs, mixed().law, mixed(), at={"w": [*w]})


def repeated(scatter: float, bend: float) -> dict[str, Any]:
    """Two seeds of each run, about a law that is bent."""
    columns = rows(good(), np.repeat(np.arange(48), 2))
    N, D = columns["params"], columns["tokens"]
    bent = bend * np.cos(2.0 * np.log(N)) * np.cos(2.0 * np.log(D))
    clean = 1.7 + 400.0 * N**-0.34 + 2000.0 * D**-0.37
    loss = clean * np.exp(bent + scatter * np.random.default_rng(1).standard_normal(96))
    return {**columns, "loss": loss, "seed": np.tile([0, 1], 48)}


def bumped(width: float = 0.0) -> dict[str, Any]:
    """Larger runs that are worse than smaller ones foretell."""
    columns = good(sizes=10, tokens=8)
    C = columns["params"] * columns["tokens"]
    return {**columns, "loss": columns["loss"] * (1.0 + width * np.maximum(np.log10(C / 3e19), 0.0))}


def stretched(power: float) -> dict[str, Any]:
    """Coupled runs, or additive ones where the power is 1."""
    columns = good(sizes=10, tokens=8)
    N, D, steep = columns["params"], columns["tokens"], 0.36 / power
    loss = 1.7 + ((3e4 if power < 1 else 400.0) * N**-steep + (2e5 if power < 1 else 2000.0) * D**-steep) ** power
    return {**columns, "loss": loss * np.exp(1e-3 * np.random.default_rng(0).standard_normal(80))}


def steep(power: float) -> dict[str, Any]:
    """Runs whose loss falls so fast with N."""
    columns = good()
    loss = 1.7 + (columns["params"] / 2e7) ** -power + 2000.0 * columns["tokens"] ** -0.37
    return {**columns, "loss": loss * np.exp(1e-3 * np.random.default_rng(0).standard_normal(48))}


def deep(case: Case) -> Case:
    return dataclasses.replace(case, deep=True)


def less(columns: dict[str, Any], row: int, times: float) -> dict[str, Any]:
    return {**columns, "loss": columns["loss"] * np.where(np.arange(len(columns["loss"])) == row, times, 1.0)}


KHAT = {"method": "is", "khat": 0.3, "divergences": 0, "rhat": {}}
WITH_ERRORS = {**good(), "se": 3e-3 * good()["loss"]}
WIDE = np.linspace(1.0, 1.4, 9)
SHORT = {"x": 1e9 * WIDE, "loss": (2.0 + WIDE**-0.3) * np.exp(1e-3 * np.random.default_rng(1).standard_normal(9))}

FITS: dict[str, tuple[str, Callable[[], Case], Callable[[], Case]]] = {
    "seeds": ("warning", lambda: case_of(repeated(1e-3, 0.03)), lambda: case_of(repeated(3e-3, 0.0))),
    "multistart": (
        "warning", lambda: of_fit(dataclasses.replace(plain(), agreeing=np.asarray(1))), of_plain,
    ),
    "bounds": ("warning", lambda: case_of(steep(1.8)), lambda: case_of(steep(0.9))),
    "conditioning": (
        "warning", lambda: case_of(SHORT, sf.laws.PowerLaw, noise=sf.noise.Gaussian()), of_plain,
    ),
    "delta-sensitivity": ("warning", lambda: deep(case_of(bumped(0.2))), lambda: of_plain(deep=True)),
    "residuals": ("warning", lambda: case_of(stretched(0.45)), of_plain),
    "extrapolation-test": ("warning", lambda: deep(case_of(bumped(0.06))), lambda: of_plain(deep=True)),
    "interval-plausibility": ("warning", lambda: of_draws(0.2), of_draws),
    "approach-agreement": ("warning", lambda: of_budgets(2, 0.05), lambda: of_budgets(0, 0.005)),
    "model-choice": ("warning", lambda: deep(case_of(stretched(0.45))), lambda: of_plain(deep=True)),
    "target-distance": (
        "warning", lambda: of_plain(at={"N": 7e12, "D": 1e11}), lambda: of_plain(at={"N": 1e9, "D": 1e10}),
    ),
    "mixture-support": ("warning", lambda: at_weights(0.9, 0.05, 0.05), lambda: at_weights(0.2, 0.4, 0.4)),
    "optimiser-curse": ("note", lambda: of_plain(at={"N": 1e9, "D": 1e10}), of_draws),
    "preset": (
        "note", lambda: case_of(good(), sf.laws.Chinchilla.published("epoch"), fixed=("alpha",)),
        lambda: case_of(good(), sf.laws.Chinchilla(alpha=0.3312), fixed=("alpha",)),
    ),
    "convergence": ("error", lambda: case_of(good(), max_steps=1, num_starts=1), of_plain),
    "errors": (
        "warning", lambda: case_of({**WITH_ERRORS, "se": np.full(48, 1e-4)}), lambda: case_of(WITH_ERRORS),
    ),
    "outliers": ("warning", lambda: case_of(less(good(), 5, 1.2)), of_plain),
    "draws": (
        "warning", lambda: of_draws(method="posterior", diagnostics={**KHAT, "khat": 0.9}),
        lambda: of_draws(method="posterior", diagnostics=KHAT),
    ),
}  # fmt: skip
"""By check of fits the severity of what it says of one, that fit, and one of which it says no more than a note."""

TABLES: dict[str, Callable[[], dict[str, Any]]] = {
    **dict.fromkeys(("units", "loss-kind", "bad-rows", "range", "design", "averaging"), good),
    "embedding-share": lambda: {**good(), "params_no_emb": 0.98 * good()["params"]},
    "sampled-history": lambda: rows(thinned(None), np.arange(400)),
    "checkpoints": lambda: rows(several(good()), np.arange(16, 48)),
    "schedule-match": lambda: {**good(), "final_lr": [1e-5] * 48, "peak_lr": [1e-3] * 48},
    "repetition": lambda: {**good(), "unique_tokens": good()["tokens"]},
    "downstream-floor": lambda: {
        "params": good()["params"], "tokens": good()["tokens"], "accuracy": 1.2 - 0.3 * good()["loss"],
    },
}  # fmt: skip
"""By check of tables one at which it looks and has nothing to warn of."""


def of_fit(fit: sf.Fit[Any]) -> Case:
    return Case(fit.problem.runs, fit.law, fit)


def said_of(check: str, case: Case) -> list[str]:
    """Severities of what one check says of a case at which it looks."""
    (run,) = (one.run for one in CHECKS if one.id == check)
    assert not isinstance(run, str)
    found = list(run(case))
    assert all(isinstance(one, Finding) for one in found), found
    return [one.severity for one in found if isinstance(one, Finding)]


def test_every_check_has_what_it_fires_at_and_what_it_passes():
    of_runs = {one.id for one in CHECKS if one.of == "runs"}
    assert {check for check, *_ in BAD.values()} == set(TABLES) == of_runs
    assert set(FITS) == {one.id for one in CHECKS if one.of == "fit"}


@pytest.mark.parametrize("check", FITS)
def test_checks_of_fits_fire_and_are_silent(check):
    severity, bad, fine = FITS[check]
    assert severity in said_of(check, bad())
    assert set(said_of(check, fine())) <= ({"note"} if severity != "note" else set())


@pytest.mark.parametrize("check", TABLES)
def test_checks_of_tables_are_silent(check):
    assert set(said_of(check, Case(sf.read_runs(TABLES[check]())))) <= {"note"}


# --- profiles ---


def test_a_profile_meets_the_interval_to_first_order_where_runs_are_many():
    fit = fitted(good(sizes=12, tokens=10), noise=sf.noise.Gaussian())
    found = sf.profile(fit, "alpha", level=0.9)
    told: Any = sf.summary(fit, 0.9)
    assert found.low == pytest.approx(told["alpha"].low, abs=0.15 * (told["alpha"].high - told["alpha"].low))
    assert found.high == pytest.approx(told["alpha"].high, abs=0.15 * (told["alpha"].high - told["alpha"].low))
    assert np.min(found.deviance) == 0.0
    assert set(found.others) == {"E", "A", "B", "beta"}
    assert "90 %" in repr(found)


def test_a_profile_of_few_runs_is_that_of_the_ratio_of_squares():
    """Seven rungs and three numbers; the ends by SciPy's least squares and the t of four degrees of freedom."""
    loss = [1.1608, 1.0213, 0.9193, 0.8382, 0.7753, 0.7333, 0.6991]
    fit = sf.fit(sf.laws.PowerLaw, sf.Runs(loss, x=np.geomspace(1e18, 1e21, 7)), noise=sf.noise.Gaussian())
    found = sf.profile(fit, "E", level=0.95, num=6)
    assert (found.low, found.high) == pytest.approx((0.57709, 0.60790), abs=3e-4)


def test_a_profile_of_what_is_not_free_is_refused():
    fit = fitted(good())
    with pytest.raises(sf.InputError, match="gamma"):
        sf.profile(fit, "gamma")
    with pytest.raises(sf.InputError, match="expected one of E, "):
        sf.profile(fit, np.zeros(2))  # pyright: ignore[reportArgumentType]  refused


class Straight(sf.laws.AbstractLaw):
    """a + b q, whose b is counted in 1 over the unit of q."""

    inputs: ClassVar = {"q": "q"}
    a: Param = real(amplitude=True)
    b: Param = real(amplitude=True, dims={"q": -1.0})

    def __call__(self, q: Any) -> Any:
        return self.a + self.b * q


def test_a_power_that_the_formula_has_is_no_exponent_to_doubt():
    q = np.arange(1.0, 9.0)
    runs = sf.Runs(2.0 + 0.5 * q + 0.01 * np.random.default_rng(0).standard_normal(8), q=q)
    found = sf.diagnose(sf.fit(Straight, runs, noise=sf.noise.Gaussian(log=False)))
    assert "bounds" in found.passed
