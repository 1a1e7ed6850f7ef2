"""Doubts about domains of which too few runs tell."""

import numpy as np

from scalefit import RareDomainWarning
from scalefit.laws import MixingExp, MixingLinear


def test_domains_that_a_single_run_drew_from_are_named_by_study():
    w = np.array([[0.5, 0.5, 0.0, 0.0], [0.4, 0.4, 0.2, 0.0], [0.4, 0.3, 0.0, 0.3], [0.3, 0.7, 0.0, 0.0]])
    every = np.concatenate([w, w, np.full((2, 4), 0.25)])
    study = np.repeat([0, 1, 2], [4, 4, 2])
    law = MixingExp(domain=("web", "books", "code", "travel"))
    (doubt,) = law.doubts({"w": every}, np.ones(10), study, ("c", "k", "t[web]"))
    assert (doubt.study, doubt.more, doubt.category) == (0, 1, RareDomainWarning)
    assert "drew from each of 'code', 'travel'" in doubt.message
    assert not list(law.doubts({"w": every}, np.ones(10), study, ("c", "k")))


def test_domains_of_several_runs_leave_no_doubt():
    law = MixingLinear(domain=("web", "books"))
    assert not list(law.doubts({"w": np.full((2, 2), 0.5)}, np.ones(2), np.zeros(2, int), ("t[web]", "t[books]")))
