"""Pictures: results in, matplotlib Axes out. No function touches pyplot, so all work without a display."""

from ._common import new_figure as new_figure
from ._corner import corner as corner
from ._loss import loss_against as loss_against
from ._loss import loss_against_compute as loss_against_compute
from ._mixture_path import mixture_path as mixture_path
from ._pools import frontier as frontier
from ._residuals import residuals as residuals
from ._ternary import ternary as ternary
from ._utility import utility as utility
