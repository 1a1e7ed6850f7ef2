"""A forecast that was written down is what it was, and is held against what came."""

import dataclasses
import json

import numpy as np
import pytest

import scalefit as sf
from scalefit.calibrate._registered import _seal as seal


@pytest.fixture(scope="module")
def one(about):
    return sf.forecast(about, N=1e9, D=1e11)


def test_what_was_written_down_is_read_again(one, tmp_path):
    written = sf.register(one, tmp_path / "one.json")
    assert sf.registered(tmp_path / "one.json") == written
    assert written.inputs == {"N": 1e9, "D": 1e11}
    assert written.fingerprint == one.source.fingerprint
    np.testing.assert_allclose(written.value, one.run.value)


def test_it_is_never_written_over(one, tmp_path):
    sf.register(one, tmp_path / "one.json")
    with pytest.raises(sf.InputError, match="which is there"):
        sf.register(one, tmp_path / "one.json")
    with pytest.raises(sf.InputError, match="whose folder is not there"):
        sf.register(one, tmp_path / "none" / "one.json")


def test_what_came_is_told_by_quantile(one, tmp_path):
    """By the whole mixture: as many of its draws lie below as the quantile says."""
    mean = np.log(one.run.value) + np.array([0.012, -0.008])
    half = dataclasses.replace(one.run.spread, share=np.array([0.4, 0.6]), mean=mean)
    two = dataclasses.replace(one, run=dataclasses.replace(one.run, spread=half).at_level(0.9))
    written = sf.register(two, tmp_path / "one.json")
    ends = written.check(written.low), written.check(written.high)
    assert [end.inside for end in ends] == [True, True]
    np.testing.assert_allclose(ends[1].quantile - ends[0].quantile, 0.9)
    (share, mean, scale), rng = np.array(written.normals).T, np.random.default_rng(0)
    which = rng.choice(2, 200_000, p=share)
    runs = np.exp(mean[which] + scale[which] * rng.standard_normal(len(which)))
    for quantile in (0.02, 0.3, 0.5, 0.9):
        assert written.check(float(np.quantile(runs, quantile))).quantile == pytest.approx(quantile, abs=0.004)
    assert not written.check(1.01 * written.high).inside
    assert "outside the 90 % interval" in repr(written.check(1.01 * written.high))


def test_several_runs_are_not_one_forecast(about, tmp_path):
    with pytest.raises(sf.InputError, match="is of 2 runs"):
        sf.register(sf.forecast(about, N=[1e9, 2e9], D=1e11), tmp_path / "two.json")


def test_a_forecast_that_says_nothing_is_not_written_down(study, tmp_path):
    twice = sf.Runs(np.tile(study.target, 2), N=np.tile(study.inputs["N"], 2), D=np.tile(study.inputs["D"], 2))
    fits = sf.fit(sf.laws.Chinchilla, twice.with_column("of", np.repeat([0, 1], 36)), by="of")
    lost = dataclasses.replace(fits, result=np.where([False, True], fits.result, 1))
    with pytest.raises(sf.InputError, match="says nothing"):
        sf.register(sf.forecast(sf.discrepancy(lost)[0], N=1e9, D=1e11), tmp_path / "one.json")


def test_what_was_changed_since_is_refused(one, tmp_path):
    file = tmp_path / "one.json"
    written = sf.register(one, file)
    text = file.read_text("utf-8")
    file.write_text(text.replace(written.made, "2020-01-01T00:00:00+00:00"), "utf-8")
    with pytest.raises(sf.InputError, match="was changed since"):
        sf.registered(file)
    file.write_text(text.replace("\n", ""), "utf-8")
    assert sf.registered(file) == written


def test_the_run_is_found_in_its_table(one, study, tmp_path):
    written = sf.register(one, tmp_path / "one.json")
    assert written.fingerprint == study.fingerprint
    N, D = (np.append(study.inputs[name], of) for name, of in (("N", 1.002e9), ("D", 1e11)))
    with pytest.raises(sf.InputError, match="no rows with N = "):
        written.check_in(study)
    later = sf.Runs(np.append(study.target, written.value), N=N, D=D)
    found = written.check_in(later)
    assert (found.inside, found.quantile) == (True, written.check(written.value).quantile)
    assert "are those that were fitted" in repr(found)
    loss = np.append(study.target, written.value)
    loss[0] += 1e-9
    assert "are not those that were fitted" in repr(written.check_in(sf.Runs(loss, N=N, D=D)))
    with pytest.raises(sf.InputError, match="has 2 rows with"):
        written.check_in(later.take(np.r_[0:37, 36]))


@pytest.mark.parametrize("normals", ["x", [[1.0, 0.0]], [[0.5, 0.8, 0.1]], [[1.0, 0.8, 0.0]], [[1.0, None, 0.1]]])
def test_normals_are_shares_means_and_scales(one, tmp_path, normals):
    """Of a file that was sealed anew."""
    sf.register(one, tmp_path / "one.json")
    said = {**json.loads((tmp_path / "one.json").read_text("utf-8")), "normals": normals}
    del said["seal"]
    (tmp_path / "two.json").write_text(json.dumps({**said, "seal": seal(said)}), "utf-8")
    with pytest.raises(sf.InputError, match="whose interval is none"):
        sf.registered(tmp_path / "two.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"format": "scalefit forecast 2"})])
def test_other_files_are_no_forecast(text, tmp_path):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(sf.InputError, match="path is"):
        sf.registered(tmp_path / "other.json")


@pytest.mark.parametrize("observed", [0.0, float("nan"), "much"])
def test_what_came_is_a_number_above_zero(one, tmp_path, observed):
    written = sf.register(one, tmp_path / "one.json")
    with pytest.raises(sf.InputError, match="observed"):
        written.check(observed)


def test_sizes_are_written_as_numbers_and_labels_as_words(about, study, tmp_path):
    assert sf.register(sf.forecast(about, N="1B", D="100B"), tmp_path / "one.json").inputs == {"N": 1e9, "D": 1e11}
    twice = sf.Runs(np.tile(study.target, 2), N=np.tile(study.inputs["N"], 2), D=np.tile(study.inputs["D"], 2))
    fit = sf.fit(sf.laws.Chinchilla, twice.with_column("data", np.repeat(["a", "b"], 36)), by="data", own="E")
    sf.register(sf.forecast(fit, N=1e9, D=1e11, data="b"), tmp_path / "two.json")
    assert sf.registered(tmp_path / "two.json").inputs == {"N": 1e9, "D": 1e11, "data": "b"}
