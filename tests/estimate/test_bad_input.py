"""What cannot be used is refused in a sentence: what was given, what was expected, what to do."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import optax
import pytest

import scalefit as sf
from scalefit.params import Param, Scalar, nonnegative

Chinchilla, PowerLaw = sf.laws.Chinchilla, sf.laws.PowerLaw


def table(count=64, **changes: Any) -> sf.Runs:
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7, 10, count), 10 ** rng.uniform(9, 12, count)
    columns: dict[str, Any] = {"N": N, "D": D, "loss": 1.8 + 480 * N**-0.35 + 2100 * D**-0.37, **changes}
    return sf.Runs(**{name: column for name, column in columns.items() if column is not None})


def with_zero_loss():
    loss = np.array(table().target)
    loss[4] = 0.0
    return table(loss=loss)


class Scaled(Chinchilla):
    """Has an array that no declaration speaks of."""

    w: Any = None

    def __init__(self, w=None):
        super().__init__()
        self.w = w


class Squared(sf.laws.AbstractLaw):
    """Says that it is affine in E."""

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters", "D": "tokens"}
    E: Param = nonnegative(amplitude=True)
    alpha: Param = nonnegative()

    def __call__(self, N: Scalar, D: Scalar) -> Scalar:
        """No scaling law."""
        return self.E**2 + (N + D) ** -self.alpha


class Bare(sf.laws.AbstractLaw):
    """Declares nothing that could be fitted."""

    inputs: ClassVar[Mapping[str, str]] = {"N": "parameters"}

    def __call__(self, N: Scalar) -> Scalar:
        """No scaling law."""
        return 1.0 / N


class NoInputs(Bare):
    """Does not say what it predicts from."""

    inputs: ClassVar[Mapping[str, str]] = {}


class OddInputs(Bare):
    """Names an input by a number."""

    inputs: ClassVar[Any] = {1: "parameters"}


class Stops(Bare):
    """Ends as a generator does."""

    E: Param = nonnegative(amplitude=True)

    def __call__(self, N: Scalar) -> Scalar:
        raise GeneratorExit


def on_values(size: float, noise: sf.noise.AbstractNoise) -> object:
    return sf.fit(Chinchilla, table(loss=size * np.asarray(table().target)), noise=noise)


ALL = {"E": 1.8, "A": 480.0, "B": 2100.0, "alpha": 0.35, "beta": 0.37}

# What is wrong, the call, and what the sentence must name.
CASES = {
    "missing-input": (lambda: sf.fit(Chinchilla, table(D=None)), ["'D'", "N"]),
    "misnamed-input": (lambda: sf.fit(Chinchilla, table(D=None, Dd=np.ones(64))), ["'D'", "'Dd'"]),
    "two-candidates-for-x": (lambda: sf.fit(PowerLaw, table()), ["x", "N, D", "columns="]),
    "loss-at-zero": (lambda: sf.fit(Chinchilla, with_zero_loss()), ["loss in row 5", "is 0", "log=False"]),
    "input-below-zero": (lambda: sf.fit(PowerLaw, sf.Runs(np.arange(1.0, 9), q=np.arange(-4.0, 4))), ["x", "above 0"]),
    "size-of-zero": (lambda: sf.fit(Chinchilla, table(N=np.arange(64.0))), ["'N' in row 1", "is 0", "above 0"]),
    "too-few-runs": (lambda: sf.fit(Chinchilla, table(4)), ["4 runs", "numbers to fit, 5", "hold parameters fixed"]),
    "one-size": (lambda: sf.fit(Chinchilla, table(N=np.full(64, 1e8))), ["same N", "1e+08", "Add runs"]),
    "one-loss": (lambda: sf.fit(Chinchilla, table(loss=np.full(64, 2.5))), ["same loss (2.5)", "depends on something"]),
    "where-keeps-nothing": (lambda: table().where("loss > 100"), ["loss > 100", "64"]),
    "unknown-fixed": (
        lambda: sf.fit(Chinchilla, table(), fixed=("gamma",)),
        ["'gamma'", "'E', 'A', 'B', 'alpha' and 'beta'"],
    ),
    "fixed-without-value": (lambda: sf.fit(Chinchilla, table(), fixed=("E",)), ["E", "no value", "Chinchilla(E=...)"]),
    "all-fixed": (
        lambda: sf.fit(Chinchilla(**ALL), table(), fixed=tuple(ALL)),
        ["fixed holds every parameter", "left to fit"],
    ),
    "unknown-study": (lambda: sf.fit(Chinchilla, table(group=[0] * 64), by="grup"), ["'grup'", "'group'"]),
    "no-starts": (lambda: sf.fit(Chinchilla, table(), num_starts=0), ["num_starts is 0", "1 or more"]),
    "start-outside": (
        lambda: sf.fit(Chinchilla, table(), starts=ALL | {"alpha": -0.3}),
        ["alpha = -0.3", ">= 0"],
    ),
    "start-not-a-number": (lambda: sf.fit(Chinchilla, table(), starts=ALL | {"A": np.nan}), ["A = nan"]),
    "start-incomplete": (lambda: sf.fit(Chinchilla, table(), starts={"E": 1.0}), ["starts lacks A, B, alpha, beta;"]),
    "start-unknown": (
        lambda: sf.fit(Chinchilla, table(), starts=ALL | {"gamma": 1.0}),
        ["starts names unknown gamma;"],
    ),
    "no-starts-in-the-list": (lambda: sf.fit(Chinchilla, table(), starts=[]), ["start"]),
    "partial-standard-errors": (lambda: table(se=np.zeros(64)), ["se", "above 0"]),
    "precision-of-another-solver": (
        lambda: sf.fit(Chinchilla, table(), solver=optax.lbfgs(), precision="float32"),
        ["'float32'", "other libraries", "solver='newton'"],
    ),
    "steps-beyond-count": (
        lambda: sf.fit(Chinchilla, table(), max_steps=2**31),
        ["max_steps is 2147483648", "at most"],
    ),
    "number-that-is-no-parameter": (lambda: sf.fit(Scaled(np.ones(2)), table()), ["Scaled", "'w'", "static"]),
    "false-amplitude": (lambda: sf.fit(Squared, table()), ["Squared", "E an amplitude", "not affine"]),
    "no-inputs": (lambda: sf.fit(NoInputs, table()), ["does not say what it predicts from", "ClassVar"]),
    "input-by-a-number": (lambda: sf.fit(OddInputs, table()), ["'parameters' by 1", "ClassVar"]),
    "formula-that-stops": (lambda: sf.fit(Stops, table()), ["formula of Stops", "GeneratorExit"]),
    "no-parameters": (lambda: sf.fit(Bare, table()), ["Bare declares no parameters"]),
    "squares-overflow": (lambda: on_values(1e200, sf.noise.Gaussian(log=False)), ["e+200", "another unit"]),
    "squares-underflow": (lambda: on_values(1e-200, sf.noise.Huber(log=False)), ["e-200", "another unit"]),
    "scale-not-told": (lambda: on_values(1e-9, sf.noise.StudentT(log=False)), ["e-09", "StudentT", "another unit"]),
    "unknown-published-set": (lambda: Chinchilla.published("epok"), ["'epok'", "'epoch'"]),
}


@pytest.mark.parametrize("call, words", CASES.values(), ids=CASES.keys())
def test_a_bad_call_is_refused_in_a_sentence(call, words):
    with pytest.raises(sf.InputError) as caught:
        call()
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert message.endswith((".", "?"))


BOOTSTRAP_CASES = {
    "one-draw": ({"num": 1}, ["num is 1", "2 or more"]),
    "wrong-shape": ({"weights": np.ones((3, 63))}, ["(3, 63)", "64 runs"]),
    "one-row": ({"weights": np.ones(64)}, ["(64,)", "one row a draw"]),
    "negative": ({"weights": -np.ones((3, 64))}, ["0 or more"]),
    "not-a-number": ({"weights": np.full((3, 64), np.nan)}, ["finite"]),
    "nothing-left": ({"weights": np.zeros((3, 64))}, ["all zeros"]),
    "no-draws": ({"weights": np.ones((0, 64))}, ["weights"]),
    "unknown-cluster": ({"cluster": "sed"}, ["'sed'", "'seed'"]),
}


@pytest.mark.parametrize("options, words", BOOTSTRAP_CASES.values(), ids=BOOTSTRAP_CASES.keys())
def test_a_bad_bootstrap_is_refused_in_a_sentence(options, words, fit, runs):
    with pytest.raises(sf.InputError) as caught:
        sf.bootstrap(fit, **options)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize("verb", [sf.bootstrap, sf.covariance, sf.laplace])
def test_a_fit_that_did_not_converge_has_no_errors(verb, runs):
    fit = sf.fit(Chinchilla, runs, noise=sf.noise.Gaussian(), max_steps=2, throw=False)
    with pytest.raises(sf.InputError, match="did not converge"):
        verb(fit)


@pytest.mark.parametrize("verb", [sf.covariance, sf.laplace])
def test_curvature_of_a_batch_is_refused(verb, fits):
    with pytest.raises(sf.InputError, match="is a batch of 24 studies; expected one"):
        verb(fits)


def test_weights_for_a_batch_are_refused(fits, studies):
    with pytest.raises(sf.InputError, match="single fit"):
        sf.bootstrap(fits, weights=np.ones((3, len(studies))))


def test_one_cluster_cannot_be_resampled(runs):
    one = sf.Runs(runs.target, **runs.inputs, run=np.ones(64, int))
    fit = sf.fit(Chinchilla, one, noise=sf.noise.Gaussian())
    with pytest.raises(sf.InputError, match=r"takes all rows of .* together; expected several"):
        sf.bootstrap(fit)
