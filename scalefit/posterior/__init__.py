"""Posterior distributions of a law's parameters, given runs."""

from ._agree import Agreement as Agreement
from ._agree import agree as agree
from ._arviz import to_arviz as to_arviz
from ._average import Average as Average
from ._average import Spread as Spread
from ._average import average as average
from ._check import Check as Check
from ._check import check as check
from ._diagnostics import found_in_draws as found_in_draws
from ._diagnostics import left_by_draws as left_by_draws
from ._groups import sample_groups as sample_groups
from ._loo import LeaveOneOut as LeaveOneOut
from ._loo import loo as loo
from ._optima import optima as optima
from ._prior import Prior as Prior
from ._sample import prior as prior
from ._sample import sample as sample
