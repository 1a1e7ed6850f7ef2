"""The tables that tests are parametrised over: a law is under contract once it has a row here."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import scalefit as sf
from scalefit.laws import SHARE, AbstractLaw, Chinchilla, input_names, input_units
from scalefit.problem import Problem
from scalefit.results import Ensemble, Fit

Sample = Callable[[np.random.Generator, int], dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class LawRow:
    """Facts of a law for tests, beyond what it declares itself.

    **Arguments:**

    - `truth`: True parameters, so that the law is of realistic size over `sample`.
    - `sample`: Inputs of so many runs, in raw units, as a study would have them.
    - `wide`: Inputs over the whole range where the law must stay finite; by default each between 1e3 and 1e15.
    - `floor`: Name of the parameter below which the value never falls; `None` for 0.
    """

    truth: AbstractLaw
    sample: Sample
    wide: Sample | None = None
    floor: str | None = None


def log_uniform(**ranges: tuple[float, float]) -> Sample:
    """Inputs drawn evenly in the logarithm, each between two numbers."""

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        return {name: low * (high / low) ** rng.random(count) for name, (low, high) in ranges.items()}

    return sample


def pool(passes: tuple[float, float], U: tuple[float, float]) -> Sample:
    """Samples n seen from a pool of U, as passes over it."""
    draw = log_uniform(n=passes, U=U)

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        columns = draw(rng, count)
        return {"n": columns["n"] * columns["U"], "U": columns["U"]}

    return sample


def repeated(passes: tuple[float, float], **ranges: tuple[float, float]) -> Sample:
    """Tokens D from U unique ones, as passes over them, and whatever else."""
    draw = log_uniform(D=passes, **ranges)

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        columns = draw(rng, count)
        return {**columns, "D": columns["D"] * columns["U"]}

    return sample


def mixtures(passes: tuple[float, float], U: tuple[float, float]) -> Sample:
    """Samples n seen in shares w of two pools of sizes U, one run in three on one pool alone."""
    draw = log_uniform(passes=passes, first=U, second=U)

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        columns = draw(rng, count)
        share = rng.random(count)
        share[::3] = np.arange(len(share[::3])) % 2
        w, sizes = np.stack([share, 1.0 - share], axis=1), np.stack([columns["first"], columns["second"]], axis=1)
        # As many passes as asked for over the pool that is seen most often.
        return {"n": columns["passes"] / np.max(w / sizes, axis=1), "w": w, "U": sizes}

    return sample


def weighted(domains: int = 3, target: bool = False, **ranges: tuple[float, float]) -> Sample:
    """Weights w of some domains, none of them 0, and whatever else; the place of a domain whose loss was measured."""
    draw = log_uniform(**ranges)

    def sample(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        columns = {"w": rng.dirichlet(np.full(domains, 2.0), count)} | draw(rng, count)
        return columns | ({"target": np.arange(count) % domains} if target else {})

    return sample


def shared(**ranges: tuple[float, float]) -> Sample:
    """The share r of one domain, and whatever else."""
    draw = log_uniform(r=(0.01, 1.0), **ranges)
    return lambda rng, count: draw(rng, count)


_RUNS = log_uniform(N=(1e7, 1e10), D=(1e9, 1e12))
_POOL = pool(passes=(0.3, 20.0), U=(1e6, 1e8))
_ANY_POOL = pool(passes=(1e-3, 32.0), U=(1e3, 1e14))
_MIXED = mixtures(passes=(0.3, 20.0), U=(1e6, 1e8))
_ANY_MIXED = mixtures(passes=(1e-3, 31.9), U=(1e3, 1e14))
_TWO: dict[str, Any] = {"d": 0.1, "tau": np.array([6.7, 8.5]), "pool": ("A", "B"), "_covered": 32}
_DOMAINS = ("web", "books", "code")
_SLOPES = {"a": 0.025, "b": np.array([-0.16, -0.125])}

LAWS: Mapping[str, LawRow] = {
    "PowerLaw": LawRow(sf.laws.PowerLaw(E=1.7, A=410.0, alpha=0.34), log_uniform(x=(1e7, 1e10)), floor="E"),
    "Kaplan": LawRow(sf.laws.Kaplan(N_c=8.8e9, D_c=5.4e10, alpha_N=0.18, alpha_D=0.25), _RUNS),
    "Chinchilla": LawRow(sf.laws.Chinchilla(E=1.82, A=482.0, B=2085.0, alpha=0.35, beta=0.37), _RUNS, floor="E"),
    "Skaling": LawRow(sf.laws.Skaling(E=1.2, A=3.6e4, B=1.7e5, alpha=0.6, beta=0.55, k=0.5), _RUNS, floor="E"),
    "Overtraining": LawRow(sf.laws.Overtraining(E=1.5, a=141.0, b=189.0, eta=0.121), _RUNS, floor="E"),
    "DownstreamError": LawRow(sf.laws.DownstreamError(epsilon=0.85, k=2.1, gamma=0.76), log_uniform(x=(1.5, 5.0))),
    "Sigmoid": LawRow(
        sf.laws.Sigmoid(floor=0.25, ceiling=1.0, k=5.0, x0=0.7), log_uniform(x=(0.4, 2.0)), floor="floor"
    ),
    "DataConstrained": LawRow(
        sf.laws.DataConstrained(E=1.87, A=521.0, B=1488.0, alpha=0.35, beta=0.36, R_D=15.4, R_N=5.3),
        repeated(passes=(0.3, 60.0), N=(1e7, 1e10), U=(1e8, 1e11)),
        floor="E",
    ),
    "QQT": LawRow(sf.laws.QQT(d=0.1, a=0.025, b=-0.16, tau=6.7).covering(32), _POOL, _ANY_POOL, floor="d"),
    "QQT-released": LawRow(
        sf.laws.QQT(d=0.1, a=0.025, b=-0.16, tau=6.7, floor="released").covering(32), _POOL, _ANY_POOL
    ),
    "QQTEffective": LawRow(sf.laws.QQTEffective(d=0.1, a=0.022, b=-0.18, tau=4.0), _POOL, _ANY_POOL, floor="d"),
    "PoolsQQT": LawRow(sf.laws.PoolsQQT(**_TWO, **_SLOPES), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsQQT-own": LawRow(sf.laws.PoolsQQT(**_TWO, **_SLOPES, half_life=0.3), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsMixed": LawRow(sf.laws.PoolsMixed(**_TWO, **_SLOPES, g=0.4), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsOverfit": LawRow(sf.laws.PoolsOverfit(**_TWO, **_SLOPES, rho=0.2), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsEffective": LawRow(sf.laws.PoolsEffective(**_TWO, **_SLOPES), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsDataConstrained": LawRow(sf.laws.PoolsDataConstrained(**_TWO, **_SLOPES), _MIXED, _ANY_MIXED, floor="d"),
    "PoolsExchange": LawRow(sf.laws.PoolsExchange(**_TWO, b=-0.15, q=[0.03, 0.01]), _MIXED, _ANY_MIXED, floor="d"),
    "MixingExp": LawRow(
        sf.laws.MixingExp(c=2.0, k=0.7, t=np.array([-1.5, 0.6, 0.9]), domain=_DOMAINS),
        weighted(),
        weighted(),
        floor="c",
    ),
    "MixingLinear": LawRow(sf.laws.MixingLinear(t=np.array([2.5, 3.1, 2.9]), domain=_DOMAINS), weighted(), weighted()),
    "MixingTransfer": LawRow(
        sf.laws.MixingTransfer(E=1.5, C=[0.4, 0.1, 0.02], gamma=0.3, domain=_DOMAINS), weighted(), weighted(), floor="E"
    ),
    "AutoScale": LawRow(
        sf.laws.AutoScale(E=1.0, A=[9e2, 1.2e3, 7e2], a=[2e8, 5e8, 3e8], b=[0.35, 0.37, 0.34], domain=_DOMAINS),
        weighted(D=(1e9, 1e11)),
        weighted(D=(1e3, 1e15)),
        floor="E",
    ),
    "MixingAdditive": LawRow(
        sf.laws.MixingAdditive(
            E=1.2, C=[4.0, 2.0, 3.0], gamma=[0.4, 0.6, 0.5], A=482.0, B=2085.0, alpha=0.35, beta=0.37, domain=_DOMAINS
        ),
        weighted(N=(1e7, 1e10), D=(1e9, 1e12)),
        weighted(N=(1e3, 1e15), D=(1e3, 1e15)),
        floor="E",
    ),
    "MixingJoint": LawRow(
        sf.laws.MixingJoint(
            E=1.2,
            C=[4.0, 2.0, 3.0],
            gamma=[0.4, 0.6, 0.5],
            A=[400.0, 600.0, 500.0],
            B=[2e3, 3e3, 1e3],
            gamma_A=0.9,
            gamma_B=1.1,
            alpha=0.35,
            beta=0.37,
            domain=_DOMAINS,
        ),
        weighted(N=(1e7, 1e10), D=(1e9, 1e12)),
        weighted(N=(1e3, 1e15), D=(1e3, 1e15)),
        floor="E",
    ),
    "CapacityMix": LawRow(
        sf.laws.CapacityMix(
            c=[40.0, 60.0, 30.0],
            b=[0.3, 0.35, 0.25],
            A=[2e3, 3e3, 1e3],
            a=[0.37, 0.35, 0.33],
            E=[1.0, 1.5, 0.8],
            H=1e6,
            domain=_DOMAINS,
        ),
        weighted(target=True, N=(1e7, 1e10), D=(1e9, 1e12)),
        weighted(target=True, N=(1e7, 1e15), D=(1e3, 1e15)),
    ),
    "BiMix": LawRow(sf.laws.BiMix(B=900.0, C=1.5, alpha=0.04, beta=0.35), shared(D=(1e9, 1e12)), shared(D=(1e3, 1e15))),
    "DCPT": LawRow(
        sf.laws.DCPT(E=1.2, A=482.0, B=2085.0, C=0.3, alpha=0.35, beta=0.37, eta=0.5, epsilon=0.1, gamma=0.7),
        shared(N=(1e7, 1e10), D=(1e9, 1e12)),
        shared(N=(1e3, 1e15), D=(1e3, 1e15)),
        floor="E",
    ),
    "BNSL-1": LawRow(
        sf.laws.BNSL(a=0.3, b=30.0, c0=0.15, c=np.array([0.25]), d=np.array([3e8]), f=np.array([0.4])),
        log_uniform(x=(1e7, 1e10)),
        floor="a",
    ),
    "BNSL-2": LawRow(
        sf.laws.BNSL(a=0.3, b=30.0, c0=0.15, c=np.array([0.3, -0.2]), d=np.array([1e8, 3e9]), f=np.array([0.4, 0.2])),
        log_uniform(x=(1e7, 1e11)),
        floor="a",
    ),
}
"""Every exported law, by name; a law with more than one form has a row for each."""


def one_by_one(law: AbstractLaw, point: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Inputs as runs have them: those along an axis as a column each."""
    whole = input_names(law)
    return {
        name: point[base][..., i] if names != (base,) else point[base]
        for base, names in whole.items()
        for i, name in enumerate(names)
    }


def wide_inputs(row: LawRow, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Inputs of a row over the whole range where its law must stay finite."""
    everywhere = log_uniform(**dict.fromkeys(row.truth.inputs, (1e3, 1e15)))
    return (row.wide or everywhere)(rng, count)


def made_up_problem(
    law: AbstractLaw, count: int, *, noise: Any = None, fixed: tuple[str, ...] = (), studies: int = 0, **source: Any
) -> Problem:
    """A problem that costs no fit: so many runs, of each of several studies if so, spread over the usual sizes.

    **Arguments:**

    - `source`: What the problem says of its source instead, by field.
    """
    rows = count * max(studies, 1)
    inputs: dict[str, Any] = {n: np.geomspace(1e7, 1e10, rows) for n, unit in input_units(law).items() if unit != SHARE}
    shared = [n for n, unit in input_units(law).items() if unit == SHARE]
    inputs |= {n: np.asarray(np.arange(rows) % len(shared) == i, float) for i, n in enumerate(shared)}
    group = np.repeat([f"study {s}" for s in range(studies)], count) if studies else None
    runs = sf.Runs(np.linspace(0.1, 0.9, rows), target="error", group=group, name="a table", **inputs)
    noise = sf.noise.Huber(2e-3) if noise is None else noise
    problem = Problem.of(law, runs, noise, fixed, "group" if studies else None)
    return dataclasses.replace(problem, source=dataclasses.replace(problem.source, **source))


def posed(fit: Fit[Any], **changes: Any) -> Fit[Any]:
    """The fit as if its problem had been another; `keys` make a batch of it."""
    keys = changes.pop("keys", None)
    if keys is not None:
        changes["studies"] = dataclasses.replace(fit.problem.studies, keys=keys)
    return dataclasses.replace(fit, problem=dataclasses.replace(fit.problem, **changes))


def made_up_draws(count: int = 400) -> Ensemble[Any]:
    """An ensemble that costs no fit, like resamples of Epoch's 240 runs.

    Terms are known at the centre of the runs, exponents are not.
    """
    law, rng = Chinchilla.published("epoch"), np.random.default_rng(0)
    alpha, beta = (float(v) + s * rng.standard_normal(count) for v, s in ((law.alpha, 0.015), (law.beta, 0.021)))
    A = law.A * np.exp(np.log(1e9) * (alpha - law.alpha) + 0.02 * rng.standard_normal(count))
    B = law.B * np.exp(np.log(3e10) * (beta - law.beta) + 0.02 * rng.standard_normal(count))
    E = law.E + 0.02 * rng.standard_normal(count)
    return _about(law, Chinchilla(E=E, A=A, B=B, alpha=alpha, beta=beta))


def _about(law: Any, laws: Any) -> Ensemble[Any]:
    """A fit that ends in a law, and draws about it."""
    count, one = len(np.ravel(laws.E)), np.asarray(0.0)
    N, D = np.geomspace(5e7, 1.7e10, 8), np.array([1e11, 3e8, 2e10, 4e11, 1e9, 5e10, 4e9, 1e11])
    scatter = 0.003 * np.array([1.0, -1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0])
    loss = (law.E + law.A * N**-law.alpha + law.B * D**-law.beta) * np.exp(scatter)
    runs = sf.Runs(loss, N=N, D=D, name="made up")
    problem = Problem.of(law, runs, sf.noise.Gaussian())
    ranges = {"N": (5e7, 1.7e10), "D": (3e8, 4e11), "C": (5.6e17, 1.3e22)}
    problem = dataclasses.replace(problem, source=dataclasses.replace(problem.source, ranges=ranges))
    lost = np.zeros(len(problem.free), bool)
    fit = Fit(law, one, np.asarray(0), one, scatter, lost, np.asarray(1), problem, 1, 0)
    none = np.full(count, np.nan)
    return Ensemble(laws, none, np.zeros(count, int), none, np.zeros((count, len(lost)), bool), fit, "made up", 0)


LADDER = Chinchilla(E=1.7, A=400.0, B=410.0, alpha=0.34, beta=0.28)
"""The law about which the runs of `curves_of_budgets` scatter."""


def curves_of_budgets(seed: int, scatter: float = 0.005, budgets: int = 6) -> sf.Runs:
    """IsoFLOP curves of six sizes from 1e18 FLOP on, a factor of three apart."""
    rng = np.random.default_rng(seed)
    C, away = np.meshgrid(1e18 * 3.0 ** np.arange(budgets), np.linspace(-1.5, 1.5, 6), indexing="ij")
    N = np.sqrt(C / 120.0) * np.exp(away)
    D = C / 6.0 / N
    clean = LADDER.E + LADDER.A * N**-LADDER.alpha + LADDER.B * D**-LADDER.beta
    loss = clean * np.exp(scatter * rng.standard_normal(N.shape))
    return sf.Runs(loss.ravel(), N=N.ravel(), D=D.ravel(), name=f"study {seed}")
