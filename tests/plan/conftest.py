"""What tests of plans share."""

import pytest
from helpers import made_up_draws


@pytest.fixture(scope="module")
def draws():
    return made_up_draws()
