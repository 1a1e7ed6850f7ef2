"""Results of verbs: fits, ensembles and estimates, their summaries, and the folders that keep them."""

from ._check import check_draws as check_draws
from ._check import check_fit as check_fit
from ._check import check_result as check_result
from ._distance import Far as Far
from ._distance import far_from_runs as far_from_runs
from ._estimate import Estimate as Estimate
from ._estimate import FirstOrder as FirstOrder
from ._estimate import estimated as estimated
from ._findings import Finding as Finding
from ._findings import findings as findings
from ._fit import Ensemble as Ensemble
from ._fit import Fit as Fit
from ._nearby import INFORMED as INFORMED
from ._nearby import Nearby as Nearby
from ._nearby import nearby as nearby
from ._nearby import spread as spread
from ._nearby import to_first_order as to_first_order
from ._predict import evaluate as evaluate
from ._predict import points_of as points_of
from ._predict import predict as predict
from ._predict import predicted as predicted
from ._store import load as load
from ._store import may_replace as may_replace
from ._store import save as save
from ._store import versions as versions
from ._summary import summary as summary
