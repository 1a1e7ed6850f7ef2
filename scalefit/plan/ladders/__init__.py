"""Forecasts of the accuracy of a large run from a ladder of small ones."""

from ._ladder import Ladder as Ladder
from ._ladder import LadderForecast as LadderForecast
from ._ladder import ladder as ladder
from ._speedup import Speedup as Speedup
from ._speedup import speedup as speedup
