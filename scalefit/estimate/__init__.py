"""From a law, runs and a noise to a fit and its uncertainty."""

from ._bootstrap import bootstrap as bootstrap
from ._curve import LawCurve as LawCurve
from ._curve import is_amplitude as is_amplitude
from ._fit import fit as fit
from ._fit import refuse_number as refuse_number
from ._fit import source_of as source_of
from ._fit import studies_of as studies_of
from ._influence import Influence as Influence
from ._influence import Sensitivity as Sensitivity
from ._influence import influence as influence
from ._influence import sensitivity as sensitivity
from ._laplace import Covariance as Covariance
from ._laplace import covariance as covariance
from ._laplace import laplace as laplace
from ._prepare import Prepared as Prepared
from ._prepare import free_numbers as free_numbers
from ._prepare import inputs_for as inputs_for
from ._prepare import laws_at as laws_at
from ._prepare import precision_of as precision_of
from ._prepare import prepare as prepare
from ._prepare import representable as representable
from ._prepare import usable as usable
from ._studies import Studies as Studies
