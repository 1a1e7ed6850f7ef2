"""The compute-optimal size from isoFLOP curves and from training curves."""

from ._approaches import Approaches as Approaches
from ._approaches import approaches as approaches
from ._envelope import Envelope as Envelope
from ._envelope import envelope as envelope
from ._isoflop import IsoFLOP as IsoFLOP
from ._isoflop import isoflop as isoflop
from ._trend import Trend as Trend
