"""Model size and data for a budget, and what a loss costs."""

from ._allocate import allocate as allocate
from ._allocate import best_plans as best_plans
from ._allocate import check_plan as check_plan
from ._allocation import Allocation as Allocation
from ._budgets import spendable as spendable
from ._compute_for import Needed as Needed
from ._compute_for import NeverReached as NeverReached
from ._compute_for import compute_for as compute_for
from ._constraints import MAX_SIZE as MAX_SIZE
from ._constraints import Constraints as Constraints
from ._constraints import constraints_of as constraints_of
from ._gain import Gain as Gain
from ._gain import gain as gain
from ._optimum import best_size as best_size
from ._optimum import best_sizes as best_sizes
from ._optimum import curvature as curvature
from ._optimum import log_data as log_data
from ._optimum import loss_along as loss_along
from ._optimum import optima as optima
from ._pairs import check_pair as check_pair
from ._pairs import check_paired as check_paired
from ._pairs import pairs as pairs
