"""Studies that several files of tests roll back."""

import pytest
from helpers import curves_of_budgets

import scalefit as sf
from scalefit.laws import Chinchilla


@pytest.fixture(scope="session")
def study() -> sf.Runs:
    return curves_of_budgets(0)


@pytest.fixture(scope="session")
def fitted(study):
    return sf.fit(Chinchilla, study)


@pytest.fixture(scope="session")
def drawn(fitted):
    return sf.bootstrap(fitted, num=40)


@pytest.fixture(scope="session")
def tested(fitted):
    return sf.backtest(fitted)


@pytest.fixture(scope="session")
def about(fitted):
    return sf.discrepancy(fitted)
