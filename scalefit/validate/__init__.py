"""Whether runs, fits and draws are to be trusted: checks of all that misleads, and profiles."""

from .._core import SEVERITIES as SEVERITIES
from .._core import Finding as Finding
from ._again import scores_of_laws as scores_of_laws
from ._diagnose import CHECKS as CHECKS
from ._diagnose import Check as Check
from ._diagnose import diagnose as diagnose
from ._diagnose import refuse as refuse
from ._diagnose import refuse_grave as refuse_grave
from ._finding import Diagnosis as Diagnosis
from ._profile import Profile as Profile
from ._profile import profile as profile
from ._robust import Robustness as Robustness
from ._robust import Variant as Variant
from ._robust import robustness as robustness
from ._robust import usual_quantities as usual_quantities
from ._used import PLANNED as PLANNED
