"""The problem of a fit: law, runs and noise, checked once and laid out for the solvers."""

from ._curve import LawCurve as LawCurve
from ._curve import is_amplitude as is_amplitude
from ._curve import is_of_target as is_of_target
from ._curve import mean_log as mean_log
from ._pools import Pooling as Pooling
from ._prepare import Prepared as Prepared
from ._prepare import free_numbers as free_numbers
from ._prepare import inputs_for as inputs_for
from ._prepare import laws_at as laws_at
from ._prepare import named_after as named_after
from ._prepare import precision_of as precision_of
from ._prepare import prepare as prepare
from ._prepare import representable as representable
from ._prepare import typical_se as typical_se
from ._prepare import usable as usable
from ._problem import Problem as Problem
from ._problem import Source as Source
from ._studies import Studies as Studies
