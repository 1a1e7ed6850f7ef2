"""Pictures: results in, matplotlib Axes out. No function touches pyplot, so all work without a display."""

from ._allocation import allocation as allocation
from ._backtest import backtest as backtest
from ._common import literal as literal
from ._common import new_figure as new_figure
from ._common import single_inputs as single_inputs
from ._contours import contours as contours
from ._corner import corner as corner
from ._design import design as design
from ._envelope import envelope as envelope
from ._forecast import forecast as forecast
from ._isoflop import isoflop as isoflop
from ._loss import loss_against as loss_against
from ._loss import loss_against_compute as loss_against_compute
from ._mixture import foreseen as foreseen
from ._mixture import mixture as mixture
from ._mixture import parity as parity
from ._mixture_path import mixture_path as mixture_path
from ._mixture_ternary import mixture_ternary as mixture_ternary
from ._pools import frontier as frontier
from ._prior_posterior import prior_posterior as prior_posterior
from ._ranks import rank_histogram as rank_histogram
from ._ranks import ranks as ranks
from ._residuals import residuals as residuals
from ._robustness import robustness as robustness
from ._ternary import ternary as ternary
from ._utility import utility as utility
