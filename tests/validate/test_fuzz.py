"""Whatever a table holds, checks and fits end in findings, results or one sentence."""

import math
import warnings

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scalefit as sf

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
SCALE = st.floats(-30.0, 30.0).map(lambda x: 10.0**x)


@st.composite
def tables(draw):
    """Columns x and loss of a power law in any unit, some of it spoilt, with labels of any text."""
    count = draw(st.integers(1, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    wide, scatter = draw(st.sampled_from([0.0, 0.01, 3.0])), draw(st.sampled_from([0.0, 0.01, 1.0]))
    x = draw(SCALE) * np.exp(wide * rng.standard_normal(count))
    loss = draw(SCALE) * (0.3 + (x / np.median(x)) ** -0.4) * np.exp(scatter * rng.standard_normal(count))
    if draw(st.booleans()):  # rows that repeat others
        again = rng.integers(count, size=count)
        x, loss = x[again], loss[again]
    if draw(st.booleans()):
        loss[draw(st.integers(0, count - 1))] = draw(st.sampled_from([0.0, -1.0, 1e300, 5e-324, loss[0]]))
    if draw(st.booleans()):
        kind = draw(st.sampled_from([np.float32, np.int64, object]))
        x = np.clip(x, -9e18, 9e18).astype(kind) if kind is np.int64 else x.astype(kind)
    if draw(st.integers(0, 5)) == 5:
        loss = np.full(count, loss[0]).astype(draw(st.sampled_from([np.float32, np.float64, object])))
    table = {"x": x, "loss": loss}
    if draw(st.booleans()):
        table["group"] = [draw(TEXT)] * count
    for name in draw(
        st.lists(TEXT.filter(lambda n: n.strip() not in ("x", "loss", "group", "")), max_size=2, unique=True)
    ):
        table[name] = draw(st.lists(TEXT, min_size=count, max_size=count))
    return table


def tried(table):
    """What checks say of the table and of a fit of it, with that; or the sentence by which it is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            runs = sf.read_runs(table)
            told = sf.diagnose(runs)
            fit = sf.fit(sf.laws.PowerLaw, runs, num_starts=2, max_steps=60, throw=False)
            return (*told.findings, *sf.diagnose(fit).findings), fit
        except sf.InputError as error:
            return str(error)


@settings(max_examples=22, deadline=60_000, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(tables())
def test_no_table_ends_in_a_traceback_or_a_number_that_is_none(table):
    found = tried(table)
    if isinstance(found, str):
        assert found.endswith(".")
        assert "\n" not in found
        return
    findings, fit = found
    for one in findings:
        assert all(math.isfinite(number) for number in one.numbers.values()), one
        assert "nan" not in str(one).split()
    if fit.converged:
        assert np.isfinite([float(v) for v in (fit.law.E, fit.law.A, fit.law.alpha)]).all()
        assert math.isfinite(fit.objective)
