"""What explains a drift: each cause is found in runs that have it, and none in runs that drift from nothing."""

import numpy as np
import pytest
from helpers import LADDER, curves_of_budgets

import scalefit as sf
from scalefit.calibrate import Cause
from scalefit.laws import Chinchilla


def drifting(name: str, seed: int = 0) -> sf.Runs:
    """Runs about Chinchilla's law with one thing changed; they scatter by .2 %."""
    rng = np.random.default_rng(seed)
    plain = curves_of_budgets(0, scatter=0.0)
    N, D = (np.tile(plain.inputs[n], 2) for n in ("N", "D"))
    n, d = (np.log(a) - np.log(a).mean() for a in (N, D))
    cooled, U = np.repeat([0.0, 1.0], len(plain)), np.repeat([1e30, 1e9], len(plain))
    floor, size, data, k = LADDER.E, LADDER.A * N**-LADDER.alpha, LADDER.B * D**-LADDER.beta, 1.0
    if name == "floor":
        floor = floor * np.exp(0.02 * (n + d))
    elif name == "exponent_N":
        size = size * np.exp(0.05 * n**2)
    elif name == "coupling":
        k = 0.5
    elif name == "repetition":
        passes = np.maximum(D / U, 1.0)
        data = LADDER.B * (D * (1.0 + (1.0 - np.exp(-0.5 * (passes - 1.0))) / 0.5) / passes) ** -LADDER.beta
    above = (size + data) ** k * np.exp(-0.05 * cooled * (name == "schedule"))
    loss = (floor + above) * np.exp(0.002 * rng.standard_normal(N.size))
    return sf.Runs(loss, N=N, D=D, U=U).with_column("cooled", cooled)


def holds(one: Cause) -> bool:
    """Whether the number may as well change nothing."""
    assert one.value.low is not None
    assert one.value.high is not None
    return bool(one.value.low < one.none < one.value.high)


@pytest.mark.parametrize("name", ["coupling", "schedule", "repetition"])
def test_a_cause_is_found_where_it_is(name):
    found = sf.causes(sf.fit(Chinchilla, drifting(name)), schedule="cooled" if name == "schedule" else None)
    assert found.told == (name,)
    assert found.causes[0].name == name
    assert found[name].p < 1e-3
    assert found[name].less > found[name].less_se
    assert "tell one cause" in repr(found)
    truth = {"coupling": 0.5, "schedule": -0.05, "repetition": 0.5}[name]
    np.testing.assert_allclose(found[name].value.value, truth, rtol=0.15)
    assert not holds(found[name])


def test_causes_that_runs_do_not_tell_apart_are_told_together():
    found = sf.causes(sf.fit(Chinchilla, drifting("floor")))
    assert "floor" in found.told
    assert len(found.told) > 1
    assert "do not tell apart" in found.verdict


def test_nothing_is_told_of_the_law_itself():
    found = sf.causes(sf.fit(Chinchilla, curves_of_budgets(0)))
    assert found.told == ()
    # Of schedules and repetition these runs show nothing.
    assert {one.name for one in found.causes} == {"floor", "exponent_N", "exponent_D", "coupling"}
    # No interval leaves out what its likelihood does not.
    for one in found.causes:
        assert one.name == "repetition" or one.gain > 2.6 or holds(one)


@pytest.mark.parametrize(
    "given, said",
    [({"schedule": "none"}, "schedule is 'none'"), ({"unique": "none"}, "unique is 'none'")],
)
def test_columns_are_numbers(given, said):
    fit = sf.fit(Chinchilla, curves_of_budgets(0))
    with pytest.raises(sf.InputError, match=said):
        sf.causes(fit, **given)


@pytest.mark.parametrize("count", [5, 6])
def test_runs_that_let_nothing_free_say_so(study, count):
    found = sf.causes(sf.fit(Chinchilla, study.take(np.arange(0, 36, 36 // count)[:count])))
    assert (found.causes, found.told) == ((), ())
    assert "let no further number free" in repr(found)


def test_no_tokens_are_no_passes(study):
    fit = sf.fit(Chinchilla, study.with_column("none", np.zeros(36)))
    with pytest.raises(sf.InputError, match="unique is 'none'; expected tokens above 0"):
        sf.causes(fit, unique="none")


def test_another_law_has_no_causes(study):
    with pytest.raises(sf.InputError, match="one study of Chinchilla"):
        sf.causes(sf.fit(sf.laws.Kaplan, study))
