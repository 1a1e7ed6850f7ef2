"""Laws of every kind: implicit, of weights and targets, of 0, centred in their own way, of series, of other laws."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from walls import DCPT, M4, ExponentialMixing, SizedLogarithm

import scalefit as sf
from scalefit.laws import AbstractLaw, Effective, EffectiveParameters, Farseer, JointMoE, Link, MultiPower, Own
from scalefit.params import slots, values
from scalefit.problem import Problem, free_numbers, laws_at
from scalefit.results import evaluate

CHINCHILLA = {"E": 1.82, "A": 482.0, "B": 2085.0, "alpha": 0.35, "beta": 0.37}
GAUSSIAN = sf.noise.Gaussian()
STEPS = 6_000


@dataclasses.dataclass(frozen=True)
class Wall:
    """A law with its true numbers, inputs of runs for it, and how it is fitted."""

    truth: AbstractLaw
    inputs: Callable[[np.random.Generator], dict[str, Any]]
    centred: tuple[str, ...] = ()
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    unfitted: AbstractLaw | None = None
    log: bool = True


def sizes(rng: np.random.Generator, count: int, **ranges: tuple[float, float]) -> dict[str, Any]:
    return {name: low * (high / low) ** rng.random(count) for name, (low, high) in ranges.items()}


def grid(rng: np.random.Generator, count: int = 80) -> dict[str, Any]:
    return sizes(rng, count, N=(1e7, 1e10), D=(1e9, 1e12))


def mixtures(rng: np.random.Generator) -> dict[str, Any]:
    domains, targets, runs = 7, 5, 40
    w = np.repeat(rng.dirichlet(np.ones(domains), runs), targets, axis=0)
    return {f"w[d{i}]": w[:, i] for i in range(domains)} | {"target": np.tile([f"t{i}" for i in range(targets)], runs)}


def mixing() -> ExponentialMixing:
    rng = np.random.default_rng(3)
    b = np.concatenate([rng.normal(0.0, 0.8, (5, 6)), np.zeros((5, 1))], axis=1)
    names = {"domain": tuple(f"d{i}" for i in range(7)), "target": tuple(f"t{i}" for i in range(5))}
    return ExponentialMixing(c=rng.uniform(1.0, 2.0, 5), k=rng.uniform(0.5, 1.5, 5), b=b, **names)


def schedules(rng: np.random.Generator) -> dict[str, Any]:
    """Cosines, steps and constants after a warm-up, of different lengths."""
    found = []
    for k in range(12):
        t = np.linspace(0.0, 1.0, int(STEPS * rng.uniform(0.4, 1.0)))
        low, turn = rng.uniform(0.05, 0.6), rng.uniform(0.3, 0.95)
        shape = [low + (1 - low) * 0.5 * (1 + np.cos(np.pi * t)), np.where(t < turn, 1.0, low), np.ones_like(t)][k % 3]
        found.append(3e-4 * shape * rng.choice([0.5, 1.0, 2.0]))
    return {"lr": found}


def corpora(rng: np.random.Generator) -> dict[str, Any]:
    return grid(rng, 100) | {"corpus": np.repeat(["c4", "pile", "web", "code", "books"], 20)}


def of_sizes(rng: np.random.Generator) -> dict[str, Any]:
    N = np.repeat([1e8, 4e8, 1.6e9, 6.4e9], 12)
    return {"N": N, "X": 10.0 * 10.0 ** rng.uniform(0.0, 2.0, 48), "size": np.repeat(["s", "m", "l", "xl"], 12)}


FIVE = np.array([300.0, 400.0, 500.0, 600.0, 700.0])

WALLS = {
    "implicit": Wall(
        M4(floor=0.08, start=0.9, alpha=1.4, beta=30.0, c=-0.5),
        lambda rng: sizes(rng, 60, x=(1e2, 1e6)),
        ("examples",),
        {"noise": sf.noise.Gaussian(log=False)},
    ),
    "seven domains and five targets": Wall(
        mixing(), mixtures, options={"fixed": tuple(f"b[t{i},d6]" for i in range(5))},
        unfitted=ExponentialMixing(
            b=np.where(np.arange(7) < 6, np.nan, 0.0) * np.ones((5, 1)), c=np.full(5, np.nan), k=np.full(5, np.nan),
            domain=mixing().domain, target=mixing().target,
        ),
    ),
    "a share from 0 to 1": Wall(
        DCPT(E=1.2, A=400.0, B=1500.0, C=0.3, alpha=0.34, beta=0.36, eta=1.3, epsilon=0.3, gamma=0.7),
        lambda rng: grid(rng, 120) | {"r": rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], 120)},
        ("parameters", "tokens"),
    ),
    "centred in its own way": Wall(
        Farseer(
            a1=-0.124, a2=88.01, a3=-0.021, b1=0.424, b2=-6.287, b3=-0.091, alpha=0.123, beta=-0.1, gamma=0.169,
        ),
        lambda rng: grid(rng, 120),
        ("parameters", "tokens"),
    ),
    "experts in both exponents": Wall(
        JointMoE(
            c=1.3, a=35.0, b=70.0, alpha=-0.22, beta=-0.21, gamma=0.005, zeta=-0.004, delta=-0.2, omega=0.1,
        ),
        lambda rng: grid(rng, 120) | {"E": rng.choice([1.0, 2.0, 4.0, 8.0, 16.0, 32.0], 120)},
        ("parameters", "tokens"),
    ),
    "precision": Wall(
        Effective(sf.laws.Chinchilla(**CHINCHILLA), N=EffectiveParameters(gamma=2.7)),
        lambda rng: grid(rng, 100) | {"P": rng.choice([2.0, 3.0, 4.0, 8.0, 16.0], 100)},
        ("parameters", "tokens"),
    ),
    f"schedules of {STEPS:,} steps": Wall(
        MultiPower(L0=2.4, A=0.6, B=400.0, C=1.2, alpha=0.45, beta=0.5, gamma=0.6), schedules,
        options={"num_starts": 2},
    ),
    "a level for each size": Wall(
        SizedLogarithm(E=[0.1, 0.14, 0.2, 0.22], a=0.02, b=0.004, size=("s", "m", "l", "xl")),
        of_sizes, (), {"noise": sf.noise.Gaussian(log=False)}, log=False,
    ),
    "a ladder": Wall(
        Link(sf.laws.Sigmoid(floor=0.25, ceiling=0.9, k=3.0, x0=2.6), of=sf.laws.Chinchilla(**CHINCHILLA)),
        lambda rng: grid(rng, 120),
        ("parameters", "tokens"),
        {"noise": sf.noise.Gaussian(log=False)},
        unfitted=Link(sf.laws.Sigmoid(floor=0.25, ceiling=0.9, k=3.0, x0=2.6), of=sf.laws.Chinchilla()),
    ),
    "A of each corpus, the rest of all": Wall(
        Own(
            sf.laws.Chinchilla(**{**CHINCHILLA, "A": FIVE}), ("A",), by="corpus",
            group=("c4", "pile", "web", "code", "books"),
        ),
        corpora, ("parameters", "tokens"), unfitted=Own.of(sf.laws.Chinchilla(), "A", "corpus"),
    ),
}  # fmt: skip
every_wall = pytest.mark.parametrize("wall", WALLS.values(), ids=WALLS.keys())
FIXED = {"a ladder": ("floor", "ceiling", "k", "x0")}


def runs_of(wall: Wall) -> sf.Runs:
    """Runs without noise."""
    given = wall.inputs(np.random.default_rng(1))
    known = {n: c for n, c in given.items() if n not in ("corpus", "size", "target")}
    runs = sf.Runs(np.ones(len(next(iter(given.values())))), **known)
    for name in given.keys() - known.keys():
        runs = runs.with_column(name, given[name])
    problem = Problem.of(wall.truth, runs, sf.noise.Gaussian())
    value = evaluate(wall.truth, problem.inputs, batched=False)
    runs = sf.Runs(value, **known)
    for name in given.keys() - known.keys():
        runs = runs.with_column(name, given[name])
    return runs


def unfitted(wall: Wall) -> AbstractLaw:
    return type(wall.truth)() if wall.unfitted is None else wall.unfitted


def options_of(wall: Wall) -> dict[str, Any]:
    name = next(name for name, one in WALLS.items() if one is wall)
    return {"noise": GAUSSIAN, **({"fixed": FIXED[name]} if name in FIXED else {}), **wall.options}


@pytest.fixture(scope="module")
def fitted() -> Callable[[Wall], tuple[sf.Runs, sf.Fit[Any]]]:
    """The runs of a wall and the fit to them, made once."""
    made: dict[int, Any] = {}

    def of(wall: Wall) -> tuple[sf.Runs, sf.Fit[Any]]:
        if id(wall) not in made:
            runs = runs_of(wall)
            law = wall.truth if wall.unfitted is None and _composed(wall.truth) else unfitted(wall)
            made[id(wall)] = runs, sf.fit(law, runs, **options_of(wall))
        return made[id(wall)]

    return of


def _composed(law: AbstractLaw) -> bool:
    return isinstance(law, Effective | Own)


@every_wall
def test_it_is_recovered_from_runs_without_noise(wall, fitted):
    runs, fit = fitted(wall)
    assert fit.converged
    left = fit.residuals if wall.log else fit.residuals / np.std(runs.target)
    np.testing.assert_allclose(left, 0.0, atol=1e-6)


@every_wall
def test_its_numbers_come_back_from_the_line(wall):
    """The one map between natural and free numbers, through the centre of the runs and back."""
    options = options_of(wall)
    problem = Problem.of(wall.truth, runs_of(wall), options["noise"], options.get("fixed", ()))
    prepared = problem.arrays
    theta = np.atleast_2d(free_numbers(prepared, problem.law))
    np.testing.assert_allclose(values(laws_at(prepared, theta, np.zeros(1, int)))[0], values(problem.law), rtol=1e-9)
    assert {unit for unit, c in zip(prepared.curve.units, prepared.constant[0]) if c != 0.0} == set(wall.centred)


@every_wall
def test_centred_and_natural_say_the_same(wall):
    """The curve in centred inputs at the free numbers of the truth gives the value of the truth."""
    problem = Problem.of(wall.truth, runs_of(wall), options_of(wall)["noise"])
    prepared = problem.arrays
    theta = free_numbers(prepared, problem.law)
    with jax.enable_x64(True):
        point = {n: jnp.asarray(c)[0] for n, c in prepared.data.point.items()}
        at = tuple(jnp.asarray(t) for t in np.ravel(theta))
        value = jax.vmap(lambda p: prepared.curve(at, p, jnp.asarray(prepared.constant[0])))(point)
    np.testing.assert_allclose(np.asarray(value)[: len(problem.runs)], problem.runs.target, rtol=1e-9)


OWN_CLASS = {"implicit": M4}
"""Classes that are not of the package, for reading a result again."""


@pytest.mark.parametrize("name", ["implicit", "precision", "A of each corpus, the rest of all"])
def test_verbs_take_it_as_any_other(name, fitted, tmp_path):
    """Resampled, saved and read again, and predicted from."""
    runs, fit = fitted(WALLS[name])
    noisy = runs.take(np.arange(len(runs)))
    draws = sf.bootstrap(fit, num=8)
    assert draws.converged.all()
    point: dict[str, Any] = {n: np.asarray(c)[:3] for n, c in fit.problem.inputs.items() if n != "corpus"}
    if name.startswith("A of"):
        point["corpus"] = ["c4", "web", "code"]
    value = sf.predict(draws, **point).value
    loaded: Any = sf.load(sf.save(draws, tmp_path / "kept"), law=OWN_CLASS.get(name))
    np.testing.assert_array_equal(sf.predict(loaded, **point).value, value)
    assert len(sf.bootstrap(loaded.fit, num=4)) == 4
    assert len(noisy) == len(fit.residuals)


def test_a_tie_is_one_number_in_two_places():
    """Muennighoff et al. 2023 (arXiv 2305.16264) fit Chinchilla with one exponent."""
    truth = sf.laws.Chinchilla(**{**CHINCHILLA, "beta": CHINCHILLA["alpha"]})
    given = grid(np.random.default_rng(0))
    with jax.enable_x64(True):
        loss = np.asarray(jax.vmap(truth)(*map(jnp.asarray, given.values())))
    fit = sf.fit(sf.laws.Chinchilla, sf.Runs(loss, **given), noise=GAUSSIAN, tie={"beta": "alpha"})
    assert fit.free == ("E", "A", "B", "alpha")
    assert fit.law.alpha == fit.law.beta
    np.testing.assert_allclose(values(fit.law), values(truth), rtol=1e-6)


def test_names_of_parts_are_paths():
    law = Link(sf.laws.Sigmoid(), of=sf.laws.Chinchilla())
    assert [slot.name for slot in slots(law)][-5:] == ["x.E", "x.A", "x.B", "x.alpha", "x.beta"]
    assert set(law.inputs) == {"N", "D"}


@pytest.mark.parametrize("made", [lambda one: sf.laws.Sum(one, one), lambda one: Own.of(one, "tau", "group")])
def test_laws_made_of_laws_cover_the_passes_that_their_parts_meet(made):
    law = made(sf.laws.QQT(d=0.1, a=0.025, b=-0.16, tau=6.7))
    inputs = {"n": np.array([4e7]), "U": np.array([1e6]), "group": np.array([0])}
    inputs = {name: inputs[name] for name in sf.laws.inputs_of(law)}
    called = jax.jit(lambda law, point: law(**point))
    point = {name: column[0] for name, column in inputs.items()}
    assert np.isnan(called(law, point))
    assert np.isfinite(called(law.sized_for(inputs), point))


def test_a_sum_has_a_term():
    with pytest.raises(sf.InputError, match="expected laws, one or more"):
        sf.laws.Sum()
