"""Published scaling laws, one family a file; a new one needs its file and a line here."""

from ._abstract import AbstractLaw as AbstractLaw
from ._abstract import Published as Published
from ._bnsl import BNSL as BNSL
from ._chinchilla import Chinchilla as Chinchilla
from ._data_constrained import DataConstrained as DataConstrained
from ._inputs import SHARE as SHARE
from ._inputs import along_axes as along_axes
from ._inputs import axes as axes
from ._inputs import axis_of as axis_of
from ._inputs import gathered as gathered
from ._inputs import input_names as input_names
from ._inputs import input_units as input_units
from ._kaplan import Kaplan as Kaplan
from ._overtraining import DownstreamError as DownstreamError
from ._overtraining import Overtraining as Overtraining
from ._pools import AbstractPools as AbstractPools
from ._pools import PoolsDataConstrained as PoolsDataConstrained
from ._pools import PoolsEffective as PoolsEffective
from ._pools import PoolsExchange as PoolsExchange
from ._pools import PoolsOverfit as PoolsOverfit
from ._pools import PoolsQQT as PoolsQQT
from ._power_law import PowerLaw as PowerLaw
from ._qqt import MOST_PASSES as MOST_PASSES
from ._qqt import QQT as QQT
from ._qqt import QQTEffective as QQTEffective
from ._sigmoid import Sigmoid as Sigmoid
