"""Batched solvers: fitting curves by a screen, a polish and a queue over the cores; weights on the simplex."""

from ._derivatives import derivatives as derivatives
from ._moments import BLOCK as BLOCK
from ._moments import moments as moments
from ._moments import objective as objective
from ._moments import predictions as predictions
from ._moments import responses as responses
from ._polish import Solutions as Solutions
from ._polish import polish as polish
from ._problem import Curve as Curve
from ._problem import Data as Data
from ._problem import Lanes as Lanes
from ._problem import Noise as Noise
from ._problem import lanes as lanes
from ._run import Precision as Precision
from ._run import Solver as Solver
from ._run import bucket as bucket
from ._run import cores as cores
from ._run import refuse_solver as refuse_solver
from ._run import solve as solve
from ._screen import AffineCurve as AffineCurve
from ._screen import kronecker as kronecker
from ._screen import screen as screen
from ._simplex import OnSimplex as OnSimplex
from ._simplex import minimise_on_simplex as minimise_on_simplex
from ._simplex import project as project
from ._simplex import simplex_kkt as simplex_kkt
