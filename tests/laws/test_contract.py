"""What every exported law keeps to: a new one needs its row in `helpers.LAWS` and no further line."""

import dataclasses
import inspect
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import LAWS, LawRow, wide_inputs

import scalefit as sf
from scalefit.laws import AbstractLaw, input_names, inputs_of
from scalefit.params import parameters, rescale, slots, values, with_constants, with_values

RUNS = 64
"""Of every batch, so that each function is compiled once a law."""

every_law = pytest.mark.parametrize("row", LAWS.values(), ids=LAWS.keys())
laws_with_amplitudes = pytest.mark.parametrize(
    "row",
    [pytest.param(r, id=n) for n, r in LAWS.items() if any(p.amplitude for p in parameters(r.truth).values())],
)


def _call(numbers: Any, law: AbstractLaw, point: Any) -> Any:
    return with_values(law, numbers)(**point)


# Jitted once: a law of another structure is traced anew, one of the same structure is not. One program a law.
_gradients = eqx.filter_jit(jax.vmap(jax.value_and_grad(_call), in_axes=(0, None, 0)))


def evaluate(row: LawRow, numbers: np.ndarray, point: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(_gradients(numbers, row.truth, point)[0])


def at(point: dict[str, Any], i: int, made: Any = lambda number: number) -> dict[str, Any]:
    """The inputs of one run."""
    return jax.tree.map(lambda column: made(column[i]), point)


def repeat(row: LawRow) -> np.ndarray:
    return np.tile(values(row.truth), (RUNS, 1))


@pytest.fixture
def rng():
    return np.random.default_rng(20240407)


def exported() -> set[type[AbstractLaw]]:
    found = [getattr(sf.laws, name) for name in dir(sf.laws)]
    known = {f for f in found if isinstance(f, type) and issubclass(f, AbstractLaw) and not inspect.isabstract(f)}
    # Laws made of laws are under contract in `test_walls`.
    return known - {sf.laws.Effective, sf.laws.Own, sf.laws.Sum}


def test_every_exported_law_has_a_row():
    assert {type(row.truth) for row in LAWS.values()} == exported()


@every_law
def test_it_says_what_it_is(row):
    text = inspect.getdoc(type(row.truth)) or ""
    assert "$" in text.split("\n", maxsplit=1)[0]
    assert "Source: " in text
    assert "arXiv" in text


@every_law
def test_its_inputs_are_named_with_units(row):
    law = row.truth
    signature = inspect.signature(type(law).__call__)
    assert list(input_names(law)) == list(signature.parameters)[1:]
    assert all(law.inputs.values())


@every_law
def test_every_number_in_it_is_a_declared_parameter(row):
    law = row.truth
    held = [field for field in dataclasses.fields(law) if field.metadata.get("constant")]
    assert len(jax.tree.leaves(law)) == len(parameters(law)) + len(held)
    names = [slot.name for slot in slots(law)]
    assert len(names) == len(set(names)) == values(law).size


@every_law
def test_units_of_parameters_are_those_of_inputs(row):
    for declared in parameters(row.truth).values():
        assert {unit for unit, _ in declared.dims} <= {said.unit for said in inputs_of(row.truth).values()}
        assert declared.unit or not declared.dims


@every_law
def test_search_ranges_lie_inside_the_constraints(row):
    for name, declared in parameters(row.truth).items():
        low, high = declared.typical
        assert low < high, name
        inside = declared.constraint.contains(np.array([low, high]))
        assert np.all(inside) or not declared.constraint.elementwise, name


@every_law
def test_unset_parameters_are_nan(row):
    law = type(row.truth)()
    assert np.isnan(values(law)).all()
    assert len(slots(law)) == values(law).size


@every_law
def test_it_is_finite_over_the_whole_range(row, rng):
    value = evaluate(row, repeat(row), wide_inputs(row, rng, RUNS))
    assert np.isfinite(value).all()


@every_law
def test_its_gradient_is_finite_over_the_whole_range(row, rng):
    _, gradient = _gradients(repeat(row), row.truth, wide_inputs(row, rng, RUNS))
    assert np.isfinite(gradient).all()


@every_law
def test_it_never_falls_below_its_floor(row, rng):
    floor = float(getattr(row.truth, row.floor)) if isinstance(row.floor, str) else row.floor
    assert (evaluate(row, repeat(row), wide_inputs(row, rng, RUNS)) >= floor).all()


@every_law
def test_its_gradient_is_that_of_finite_differences(row, rng):
    point = row.sample(rng, RUNS)
    numbers = repeat(row) * np.exp(0.05 * rng.standard_normal((RUNS, values(row.truth).size)))
    value, gradient = _gradients(numbers, row.truth, point)
    for k, slot in enumerate(slots(row.truth)):
        step = np.zeros_like(numbers)
        step[:, k] = 1e-5 * np.abs(numbers[:, k])
        change = evaluate(row, numbers + step, point) - evaluate(row, numbers - step, point)
        slope = np.asarray(gradient)[:, k] * 2 * step[:, k]
        np.testing.assert_allclose(slope, change, rtol=1e-6, atol=1e-14 * np.max(np.abs(value)), err_msg=slot.name)


@every_law
def test_rescaling_its_inputs_changes_nothing(row, rng):
    point = row.sample(rng, RUNS)
    units = {n: said.unit for n, said in inputs_of(row.truth).items() if said.scaled and said.unit not in row.kept}
    log_scale = {unit: rng.uniform(-15.0, 15.0) for unit in units.values()}
    scaled = {**point, **{name: point[name] * np.exp(log_scale[unit]) for name, unit in units.items()}}
    other = dataclasses.replace(row, truth=rescale(row.truth, log_scale))
    found = evaluate(other, repeat(other), scaled)
    np.testing.assert_allclose(found, evaluate(row, repeat(row), point), rtol=1e-11)


@laws_with_amplitudes
def test_it_is_affine_in_its_amplitudes(row, rng):
    point = row.sample(rng, RUNS)
    flagged = np.array([slot.parameter.amplitude for slot in slots(row.truth)])
    ends = [repeat(row) * np.where(flagged, rng.uniform(0.1, 10.0, (RUNS, flagged.size)), 1.0) for _ in range(2)]
    at = rng.uniform(0.0, 1.0, RUNS)
    between = evaluate(row, at[:, None] * ends[0] + (1 - at)[:, None] * ends[1], point)
    line = at * evaluate(row, ends[0], point) + (1 - at) * evaluate(row, ends[1], point)
    np.testing.assert_allclose(between, line, rtol=1e-12)


@every_law
def test_its_parameters_survive_the_map_to_the_real_line(row, rng):
    for name, declared in parameters(row.truth).items():
        if not declared.constraint.elementwise:
            whole = np.asarray(getattr(row.truth, name))
            assert declared.constraint.contains(whole).all(), name
            free = declared.constraint.unconstrain(whole)
            np.testing.assert_allclose(declared.constraint.constrain(free), whole, rtol=1e-13)
    for k, slot in enumerate(slots(row.truth)):
        constraint = slot.parameter.constraint
        if not constraint.elementwise:
            continue
        near = values(row.truth)[k] * np.exp(0.05 * rng.standard_normal(RUNS))
        assert constraint.contains(near).all(), slot.name
        np.testing.assert_allclose(constraint.constrain(constraint.unconstrain(near)), near, rtol=1e-13)


@every_law
def test_a_batch_is_a_loop(row, rng):
    point = row.sample(rng, RUNS)
    batch = evaluate(row, repeat(row), point)
    loop = [row.truth(**at(point, i, jnp.asarray)) for i in range(3)]
    np.testing.assert_allclose(batch[:3], loop, rtol=1e-13)


@every_law
def test_an_ensemble_is_a_law_with_a_leading_axis(row, rng):
    point = at(row.sample(rng, 1), 0, jnp.asarray)
    numbers = values(row.truth) * np.exp(0.05 * rng.standard_normal((3, values(row.truth).size)))
    many = with_constants(with_values(row.truth, numbers), (3,))
    draws = eqx.filter_vmap(lambda law: law(**point))(many)
    loop = [with_values(row.truth, one)(**point) for one in numbers]
    np.testing.assert_allclose(draws, loop, rtol=1e-13)


@every_law
def test_laws_of_equal_shapes_share_a_trace(row, rng):
    point = at(row.sample(rng, 1), 0)
    traced = eqx.debug.assert_max_traces(lambda law: law(**point), max_traces=1)
    run = eqx.filter_jit(traced)
    plain = {name: np.asarray(getattr(row.truth, name)).tolist() for name in parameters(row.truth)}
    from_floats = {name: np.array(v) if isinstance(v, list) else v for name, v in plain.items()}
    for law in (
        row.truth,
        with_values(row.truth, 1.1 * values(row.truth)),
        dataclasses.replace(row.truth, **from_floats),
    ):
        run(law)
    assert eqx.debug.get_num_traces(traced) == 1


@every_law
def test_it_follows_the_ambient_precision(row, rng):
    point = at(row.sample(rng, 1), 0)
    exact = row.truth(**point)
    with jax.enable_x64(False):
        single = row.truth(**point)
        assert single.dtype == np.float32
    assert exact.dtype == np.float64
    np.testing.assert_allclose(single, exact, rtol=1e-4)


@every_law
def test_whole_numbers_are_taken_for_what_they_are(row, rng):
    point = at(row.sample(rng, 1), 0)
    sizes = [name for name, said in inputs_of(row.truth).items() if said.scaled]
    counts = {name: 32 * np.clip(point[name], 1.0, 1e15).astype(int) for name in sizes}
    with jax.enable_x64(False):
        whole = row.truth(**{**point, **{name: count.tolist() for name, count in counts.items()}})
        assert whole == row.truth(**{**point, **{name: count.astype(float) for name, count in counts.items()}})


@pytest.mark.parametrize(
    ("row", "name"),
    [
        pytest.param(row, name, id=f"{law}-{name}")
        for law, row in LAWS.items()
        for name, declared in parameters(row.truth).items()
        if declared.constraint.kind == "nonnegative"
    ],
)
def test_it_is_finite_with_its_gradient_where_a_parameter_vanishes(row, name, rng):
    # Of those along an axis, one: a law may need that not all of them do.
    value = np.array(getattr(row.truth, name))
    value[(0,) * value.ndim] = 0.0
    without = dataclasses.replace(row.truth, **{name: value})
    value, gradient = _gradients(np.tile(values(without), (RUNS, 1)), row.truth, row.sample(rng, RUNS))
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


PUBLISHED = [(law, name) for law in sorted(exported(), key=lambda law: law.__name__) for name in law.published_sets]


@pytest.mark.parametrize(("law", "name"), PUBLISHED, ids=[f"{law.__name__}-{name}" for law, name in PUBLISHED])
def test_published_parameters_make_a_law(law, name, rng):
    row = next(row for row in LAWS.values() if type(row.truth) is law)
    point = at(row.sample(rng, 1), 0)
    found = law.published(name)
    assert np.isfinite(found(**point))
    for slot, value in zip(slots(found), values(found), strict=True):
        assert slot.parameter.constraint.low <= value <= slot.parameter.constraint.high, slot.name


@pytest.mark.parametrize(("law", "name"), PUBLISHED, ids=[f"{law.__name__}-{name}" for law, name in PUBLISHED])
def test_published_parameters_say_where_they_come_from(law, name):
    known = law.published_sets[name]
    assert set(known.values) == set(parameters(law))
    assert known.status in {"code", "run", "2nd", "mem"}
    assert known.source
    assert known.about


def test_an_unknown_published_set_is_refused_with_the_nearest():
    with pytest.raises(sf.InputError, match=r"no published parameters named 'epok'\. The nearest is 'epoch'"):
        sf.laws.Chinchilla.published("epok")
