"""Which pools of data to train on, in what proportion and how often."""

from ._curate import curate as curate
from ._curation import Curation as Curation
from ._curation import CurationDraws as CurationDraws
from ._limits import pools_of as pools_of
from ._limits import sized_for_plans as sized_for_plans
from ._mixing import drawn_of_pools as drawn_of_pools
from ._mixing import mixing_of as mixing_of
from ._mixing import needed_mixing as needed_mixing
from ._mixtures import errors as errors
