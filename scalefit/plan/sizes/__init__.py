"""Which size to train on how much data, and what a loss costs."""

from ._allocate import allocate as allocate
from ._allocate import best_plans as best_plans
from ._allocate import plan_terms as plan_terms
from ._allocation import Allocation as Allocation
from ._allocation import Quantity as Quantity
from ._compute_for import Needed as Needed
from ._compute_for import NeverReached as NeverReached
from ._compute_for import compute_for as compute_for
from ._gain import Gain as Gain
from ._gain import gain as gain
from ._gain import overtakes as overtakes
from ._optimum import best_size as best_size
