import numpy as np
import pytest

from scalefit._core import InputError
from scalefit.data import Condition

COLUMNS = {
    "loss": np.array([3.0, 2.5, np.nan, 2.0]),
    "Model Size": np.array([1e6, 2.8e9, 7e9, 7e10]),
    "size": np.array(["1M", "2.8B", "7B", None], dtype=object),
    "family": np.array(["a", "b", "it's", None], dtype=object),
    "done": np.array([True, True, False, True]),
    "seed": np.array([0, 1, 2, 3]),
    "hyper.lr": np.array([0.1, 0.2, 0.3, 0.4]),
}


@pytest.mark.parametrize(
    ("expr", "kept"),
    [
        ("loss < 3", [1, 3]),
        ("loss <= 3", [0, 1, 3]),
        ("not loss < 3", [0]),
        ("not (loss < 3 or loss > 10)", [0]),
        ("loss < 3 or seed == 2", [1, 2, 3]),
        ("seed == 0 or seed == 1 and loss > 2.9", [0]),
        ("(seed == 0 or seed == 1) and loss > 2.9", [0]),
        ("loss is null", [2]),
        ("loss IS NOT NULL", [0, 1, 3]),
        ("`Model Size` >= 2.8B", [1, 2, 3]),
        ("1e9 < `Model Size` <= 7B", [1, 2]),
        ("size > 2e9", [1, 2]),
        ("size == '7B'", [2]),
        ("family == 'b'", [1]),
        ('family == "it\'s"', [2]),
        ("family != 'b'", [0, 2]),
        ("family in ['a', \"b\"]", [0, 1]),
        ("family not in ('a', 'b')", [2]),
        ("seed in [0, 3,1]", [0, 1, 3]),
        ("done", [0, 1, 3]),
        ("not done", [2]),
        ("done == false", [2]),
        ("`Model Size` / 1e6 - 1 == 0", [0]),
        ("-seed < -1", [2, 3]),
        ("2 * (seed + 1) > 6", [3]),
        ("seed / 0 > 1", [1, 2, 3]),
        ("hyper.lr > 0.25", [2, 3]),
        ("seed>=1and seed<3", None),
    ],
)
def test_conditions_keep_the_rows_they_say(expr, kept):
    if kept is None:
        with pytest.raises(InputError, match="this cannot be read"):
            Condition(expr, COLUMNS, 4)
    else:
        assert np.flatnonzero(Condition(expr, COLUMNS, 4).told.holds).tolist() == kept


@pytest.mark.parametrize(
    ("expr", "unknown"),
    [
        ("loss < 3", [2]),
        ("loss < 3 or seed == 2", []),
        ("loss < 3 and seed == 0", []),
        ("loss < 3 and seed == 2", [2]),
        ("0 < seed < loss", [2]),
        ("family in ['a']", [3]),
    ],
)
def test_an_empty_cell_is_unknown_only_where_it_decides(expr, unknown):
    holds, fails = Condition(expr, COLUMNS, 4).told
    assert np.flatnonzero(~holds & ~fails).tolist() == unknown


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        ("", "empty condition"),
        ("   ", "empty condition"),
        ("los < 3", "at character 1 .*no column 'los', the nearest is 'loss'"),
        ("seed == 1 and `Model Sise` > 1", "at character 15 .*the nearest is 'Model Size'"),
        ("family == a1", "put text in quotes"),
        ("loss = 3", "at character 6 .*use `==`"),
        ("loss <", "at its end: expected a column"),
        ("(loss < 3", "at its end: expected `\\)`"),
        ("loss < 3 seed", "at character 10 .*expected the end"),
        ("loss", "expected a comparison"),
        ("not loss", "expected a comparison"),
        ("(loss < 3) + 1", "a condition stands where a value is expected"),
        ("seed in 3", "expected a list in brackets"),
        ("seed in [3", "at its end: expected `\\]`"),
        ("loss < 'big'", "'big' is text"),
        ("family > 3", "'a' is text"),
        ("loss is 3", "expected `null`"),
        ("loss < 3 & seed", "at character 10 .*cannot be read"),
        ("loss < 3x", "at character 8 .*cannot be read"),
        ("__import__('os').system('true')", "cannot be read"),
        ("__import__('os')", "no column '__import__'"),
        ("[x for x in (1,)]", "expected a column"),
        ("family == 'a", "cannot be read"),
        ("(" * 5000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(expr, message):
    with pytest.raises(InputError, match=message):
        Condition(expr, COLUMNS, 4)
