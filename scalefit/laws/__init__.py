"""Published scaling laws, one family a file; a new one needs its file and a line here."""

from ._abstract import AbstractLaw as AbstractLaw
from ._abstract import Published as Published
from ._bnsl import BNSL as BNSL
from ._chinchilla import Chinchilla as Chinchilla
from ._data_constrained import DataConstrained as DataConstrained
from ._kaplan import Kaplan as Kaplan
from ._power_law import PowerLaw as PowerLaw
from ._qqt import QQT as QQT
from ._qqt import QQTEffective as QQTEffective
